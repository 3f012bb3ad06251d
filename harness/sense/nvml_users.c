/* SPDX-License-Identifier: Apache-2.0 */
/* nvml_users.c: the processes that compute on a GPU, others than ours. Ours are the agent, which started this program,
 * and all that descend from it. */
#include "base/alloc.h"
#include "base/units.h"
#include "nvml.h"
#include "sense.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { USERS_MAX = 1024, DEEP_MAX = 64 };

static const struct sense_root live = { .path = "" };

static char *name_of(unsigned pid)
{
	char *dir = fl_format("/proc/%u", pid), *name = sense_line(&live, dir, "comm");

	free(dir);
	return name;
}

/* "4711 (a name) S 42 ...": the number behind the state. 0: not known, or none. */
static unsigned parent_of(unsigned pid)
{
	char *dir = fl_format("/proc/%u", pid), *line = sense_line(&live, dir, "stat");
	char *rest = line ? strrchr(line, ')') : NULL;
	uint64_t parent = 0;

	if (rest && strlen(rest) > 4) {
		rest += 4;
		rest[strcspn(rest, " ")] = 0;
		if (fl_parse_count(rest, &parent, NULL) < 0 || parent > INT32_MAX)
			parent = 0;
	}
	free(line);
	free(dir);
	return (unsigned)parent;
}

static bool program_of(unsigned pid, char path[PATH_MAX])
{
	char *link = fl_format("/proc/%u/exe", pid);
	ssize_t n = readlink(link, path, PATH_MAX - 1);

	free(link);
	path[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* The first of our ancestors that is another program than we are: this one asks the driver by a child (ask.c). */
static unsigned agent(void)
{
	char own[PATH_MAX], path[PATH_MAX];
	unsigned pid = (unsigned)getppid();

	for (int deep = 0; deep < DEEP_MAX && program_of((unsigned)getpid(), own) && program_of(pid, path); deep++) {
		if (strcmp(own, path) != 0)
			break;
		pid = parent_of(pid);
	}
	return pid;
}

static bool descends_from(unsigned pid, unsigned first)
{
	for (int deep = 0; pid && deep < DEEP_MAX; deep++) {
		if (pid == first)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

struct users {
	unsigned agent, pids[2 * USERS_MAX];
	size_t n;
};

static void add_user(struct users *users, unsigned pid)
{
	for (size_t i = 0; i < users->n; i++)
		if (users->pids[i] == pid)
			return;
	if (pid && users->n < 2 * USERS_MAX && !descends_from(pid, users->agent))
		users->pids[users->n++] = pid;
}

/* What the library returned; *room: how many it was given room for, then how many there are. */
static int list(int (*call)(struct fl_nvml_device *, unsigned *, struct fl_nvml_process *), struct fl_nvml_device *d,
		struct users *users)
{
	/* Twice the room that the library is told of: some drivers have a larger struct. */
	struct fl_nvml_process *found = call ? fl_zalloc(2 * USERS_MAX, sizeof(*found)) : NULL;
	unsigned n = USERS_MAX;
	int rc = call ? call(d, &n, found) : FL_NVML_NO_FUNCTION;

	for (unsigned i = 0; rc == FL_NVML_SUCCESS && i < n && i < USERS_MAX; i++)
		add_user(users, found[i].pid);
	free(found);
	return rc;
}

static int list_v1(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct users *users)
{
	struct fl_nvml_process_v1 *found = fl_zalloc(USERS_MAX, sizeof(*found));
	unsigned n = USERS_MAX;
	int rc = FL_NVML_CALL(nvml, compute_processes_v1, d, &n, found);

	for (unsigned i = 0; rc == FL_NVML_SUCCESS && i < n && i < USERS_MAX; i++)
		add_user(users, found[i].pid);
	free(found);
	return rc;
}

static int find(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct users *users)
{
	int rc;

	users->agent = agent();
	rc = list(nvml->compute_processes, d, users);
	if (rc != FL_NVML_SUCCESS)
		rc = list_v1(nvml, d, users);
	if (rc == FL_NVML_SUCCESS)
		list(nvml->mps_processes, d, users); /* who shares by a server of its own; most drivers list none */
	return rc;
}

/* None of ours computes yet, so that one that is not to be seen from here is somebody else. */
void nvml_users(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_gpu *gpu)
{
	struct users *users = fl_zalloc(1, sizeof(*users));
	int rc = find(nvml, d, users);
	char *name;

	if (rc != FL_NVML_SUCCESS) {
		know_not(&gpu->processes, fl_nvml_why(rc));
		know_text(&gpu->process, NULL, fl_nvml_why(rc));
	} else {
		know(&gpu->processes, (double)users->n);
		name = users->n ? name_of(users->pids[0]) : NULL;
		know_text(&gpu->process,
			  users->n ? fl_format("%u%s%s", users->pids[0], name ? " " : "", name ? name : "") : NULL,
			  "no other process uses it");
		free(name);
	}
	free(users);
}

static bool is_seen(unsigned pid)
{
	char *dir = fl_format("/proc/%u", pid);
	bool seen = sense_exists(&live, dir, "stat");

	free(dir);
	return seen;
}

int nvml_users_count(const struct fl_nvml *nvml, struct fl_nvml_device *d, double *ret)
{
	struct users *users = fl_zalloc(1, sizeof(*users));
	int rc = find(nvml, d, users);
	size_t seen = 0;

	for (size_t i = 0; rc == FL_NVML_SUCCESS && i < users->n; i++)
		seen += is_seen(users->pids[i]);
	*ret = rc != FL_NVML_SUCCESS || (seen == 0 && users->n) ? NAN : (double)seen;
	free(users);
	return rc;
}
