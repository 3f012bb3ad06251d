/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c: what our cgroups (v1 or v2) and resource limits let us have. A limit may be set on any level above our own
 * group, so each is the least on the way from there to the root that we can see. */
#include "base/alloc.h"
#include "base/units.h"
#include "sense.h"
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { PROC_BYTES = 64 << 10 };
#define NO_LIMIT_V1 0x7000000000000000ull /* memory.limit_in_bytes without a limit: 2^63 less a page */

/* "cpu" in "cpu,cpuacct". */
static bool in_list(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == 0))
			return true;
	return false;
}

/* ---- where our group is */

/* Our group's path in the hierarchy of `controller`; "" asks for the one of v2. malloc'd; NULL: there is none. */
static char *own_group(const struct sense_root *root, const char *controller)
{
	struct fl_text text = { 0 };
	char *found = NULL, *rest, *line;

	sense_bytes(root, "/proc/self", "cgroup", PROC_BYTES, &text);
	rest = text.bytes;
	while (!found && (line = strsep(&rest, "\n"))) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = 0;
		if (*controller ? in_list(list + 1, controller) : strcmp(line, "0:") == 0)
			found = fl_dup(path);
	}
	fl_text_release(&text);
	return found;
}

static const struct sense_mount *hierarchy_of(const struct sense_mounts *mounts, const char *controller)
{
	const char *type = *controller ? "cgroup" : "cgroup2";

	for (size_t i = 0; i < mounts->n; i++)
		if (strcmp(mounts->mounts[i].type, type) == 0 &&
		    (!*controller || in_list(mounts->mounts[i].options, controller)))
			return &mounts->mounts[i];
	return NULL;
}

struct group {
	char *dir;     /* "/sys/fs/cgroup/memory/a/b" */
	size_t at_len; /* of the mount point in it: the root that we can see */
	bool v2;
};

/* The mount may show only a part of the hierarchy (a container); what our path has in common with it goes. */
static struct group group_in(const struct sense_mount *mount, const char *path, bool v2)
{
	size_t n = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
	const char *below = strncmp(path, mount->root, n) == 0 ? path + n : "";
	struct group group = { .at_len = strlen(mount->at), .v2 = v2 };

	group.dir = fl_format("%s%s", mount->at, strstr(below, "/..") || !strcmp(below, "/") ? "" : below);
	return group;
}

/* Our group for a controller, in whichever version has it; .dir NULL: none is mounted. */
static struct group find_group(const struct sense_root *root, const struct sense_mounts *mounts, const char *controller)
{
	const char *tries[] = { controller, "" };

	for (size_t i = 0; i < 2; i++) {
		const struct sense_mount *mount = hierarchy_of(mounts, tries[i]);
		char *path = mount ? own_group(root, tries[i]) : NULL;
		struct group group = { 0 };

		if (!path)
			continue;
		group = group_in(mount, path, i == 1);
		free(path);
		return group;
	}
	return (struct group){ 0 };
}

/* ---- limits on one level; NaN: none is set there */

static double number_or_nan(const char *text)
{
	uint64_t number;

	return text && fl_parse_count(text, &number, NULL) == 0 ? (double)number : NAN;
}

static double read_number(const struct sense_root *root, const char *dir, const char *name)
{
	char *line = sense_line(root, dir, name);
	double number = number_or_nan(line);

	free(line);
	return number;
}

static double memory_at(const struct sense_root *root, const char *dir, bool v2)
{
	double bytes = read_number(root, dir, v2 ? "memory.max" : "memory.limit_in_bytes");

	return bytes >= (double)NO_LIMIT_V1 ? NAN : bytes;
}

/* "200000 100000": microseconds of CPU time in every period; "max" or -1: no limit. */
static double cpus_at(const struct sense_root *root, const char *dir, bool v2)
{
	char *line = v2 ? sense_line(root, dir, "cpu.max") : NULL, *rest = line;
	const char *quota_text = strsep(&rest, " ");
	double quota = v2 ? number_or_nan(quota_text) : read_number(root, dir, "cpu.cfs_quota_us");
	double period = v2 ? number_or_nan(rest) : read_number(root, dir, "cpu.cfs_period_us");

	free(line);
	return period > 0 ? quota / period : NAN;
}

/* ---- the least of all levels */

static void sense_limit(const struct sense_root *root, const struct group *group,
			double (*at)(const struct sense_root *root, const char *dir, bool v2), struct fl_known *ret)
{
	double least = NAN;
	char *end;

	if (!group->dir) {
		know_not(ret, "no cgroup file system is mounted");
		return;
	}
	if (!sense_exists(root, group->dir, "cgroup.procs")) {
		know_not(ret, "our cgroup cannot be read");
		return;
	}
	for (;;) {
		least = fmin(least, at(root, group->dir, group->v2)); /* a NaN loses */
		end = strrchr(group->dir, '/');
		if (!end || (size_t)(end - group->dir) < group->at_len)
			break;
		*end = 0;
	}
	if (isnan(least))
		know_not(ret, "no limit is set");
	else
		know(ret, least);
}

static void sense_version(const struct group *cpu, const struct group *memory, struct fl_known *ret)
{
	if (!cpu->dir && !memory->dir)
		know_not(ret, "no cgroup file system is mounted");
	else
		know(ret, (cpu->dir && !cpu->v2) || (memory->dir && !memory->v2) ? 1 : 2);
}

/* ---- CPUs and locked memory */

/* Whoever started us may have bound us to few CPUs; the cpuset is what is left when that is undone. */
static void sense_cpuset(const struct sense_root *root, struct fl_machine *m)
{
	struct fl_cpus all;
	char *list;

	memset(&all, 0xff, sizeof(all));
	if (!*root->path)
		sched_setaffinity(0, sizeof(all), (const cpu_set_t *)(const void *)&all);
	list = sense_word(root, "/proc/self", "status", "Cpus_allowed_list:");
	if (!list || fl_cpus_parse(list, &m->limits.cpus, NULL) < 0)
		m->limits.cpus = m->cpus;
	free(list);
}

static void sense_memlock(const struct sense_root *root, struct fl_known *ret)
{
	char *soft = sense_word(root, "/proc/self", "limits", "Max locked memory");
	double bytes = number_or_nan(soft);

	if (soft && strcmp(soft, "unlimited") == 0)
		know_not(ret, "unlimited");
	else if (isnan(bytes))
		know_not(ret, "the kernel does not say");
	else
		know(ret, bytes);
	free(soft);
}

void sense_limits(const struct sense_root *root, const struct sense_mounts *mounts, struct fl_machine *m)
{
	struct group cpu = find_group(root, mounts, "cpu"), memory = find_group(root, mounts, "memory");
	struct group io = find_group(root, mounts, "blkio"); /* "io" in version 2 */

	sense_version(&cpu, &memory, &m->limits.cgroup_version);
	know_text(&m->limits.cpu_group, fl_dup(cpu.dir), "no cgroup file system is mounted");
	know_text(&m->limits.io_group, fl_dup(io.dir), "no cgroup file system is mounted");
	sense_limit(root, &cpu, cpus_at, &m->limits.cpu_quota);
	sense_limit(root, &memory, memory_at, &m->limits.memory_bytes);
	sense_cpuset(root, m);
	sense_memlock(root, &m->limits.memlock_bytes);
	free(cpu.dir);
	free(memory.dir);
	free(io.dir);
}
