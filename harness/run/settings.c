/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: settings of the kernel that change how fast data moves and that anybody may have changed since. */
#include "base/alloc.h"
#include "base/cpus.h"
#include "base/json.h"
#include "base/text.h"
#include "run/environment.h"
#include "run/kernel.h"
#include "run/witness.h"
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPU "sys/devices/system/cpu/"

enum { LINE_BYTES = 128, PATH_BYTES = 384 };

static json_t *line_of(int root, const char *path)
{
	char line[LINE_BYTES];

	return fl_json_string(fl_kernel_line(root, path, line, sizeof(line)) && *line ? line : NULL);
}

static json_t *number_of(int root, const char *path)
{
	uint64_t number;

	return fl_json_number(fl_kernel_number(root, path, &number) ? (double)number : NAN);
}

static json_t *boost(int root)
{
	enum fl_boost now = fl_boost_look(root);

	return now == FL_BOOST_UNKNOWN ? json_null() : json_boolean(now == FL_BOOST_ON);
}

/* ---- frequency policies: as many as CPUs, and usually all alike */

struct policy {
	char driver[32], governor[32];
	double min_hz, max_hz;
	struct fl_cpus cpus;
};

static double read_hz(int root, const char *dir, const char *name)
{
	char path[PATH_BYTES];
	uint64_t khz;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fl_kernel_number(root, path, &khz) ? (double)khz * 1e3 : NAN;
}

/* "0 1 2" */
static void read_cpus(int root, const char *dir, struct fl_cpus *ret)
{
	char path[PATH_BYTES], line[16384];
	const char *at = line;
	uint64_t cpu;

	snprintf(path, sizeof(path), "%s/affected_cpus", dir);
	fl_kernel_line(root, path, line, sizeof(line));
	while (fl_kernel_next(&at, &cpu))
		fl_cpus_add(ret, cpu < FL_CPUS_MAX ? (unsigned)cpu : FL_CPUS_MAX);
}

static struct policy read_policy(int root, const char *name)
{
	struct policy p = { 0 };
	char dir[PATH_BYTES - 64], path[PATH_BYTES];

	snprintf(dir, sizeof(dir), CPU "cpufreq/%s", name);
	snprintf(path, sizeof(path), "%s/scaling_driver", dir);
	fl_kernel_line(root, path, p.driver, sizeof(p.driver));
	snprintf(path, sizeof(path), "%s/scaling_governor", dir);
	fl_kernel_line(root, path, p.governor, sizeof(p.governor));
	p.min_hz = read_hz(root, dir, "scaling_min_freq");
	p.max_hz = read_hz(root, dir, "scaling_max_freq");
	read_cpus(root, dir, &p.cpus);
	return p;
}

static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static bool is_like(const struct policy *a, const struct policy *b)
{
	return !strcmp(a->driver, b->driver) && !strcmp(a->governor, b->governor) && same(a->min_hz, b->min_hz) &&
	       same(a->max_hz, b->max_hz);
}

/* Adds it to the policies, to the CPUs of one that is like it. */
static void add_policy(struct policy **policies, size_t *n, const struct policy *p)
{
	for (size_t i = 0; i < *n; i++) {
		if (!is_like(&(*policies)[i], p))
			continue;
		for (size_t k = 0; k < sizeof(p->cpus.bits) / sizeof(*p->cpus.bits); k++)
			(*policies)[i].cpus.bits[k] |= p->cpus.bits[k];
		return;
	}
	*policies = fl_grow(*policies, *n + 1, sizeof(**policies));
	(*policies)[(*n)++] = *p;
}

static json_t *policy_json(const struct policy *p)
{
	struct fl_text cpus = { 0 };
	json_t *o;

	fl_cpus_format(&p->cpus, &cpus);
	o = json_pack("{s:s, s:o, s:o, s:o, s:o}", "cpus", fl_text_str(&cpus), "driver",
		      fl_json_string(*p->driver ? p->driver : NULL), "governor",
		      fl_json_string(*p->governor ? p->governor : NULL), "min_hz", fl_json_number(p->min_hz), "max_hz",
		      fl_json_number(p->max_hz));
	fl_text_release(&cpus);
	return o;
}

static int is_policy(const struct dirent *e)
{
	return !strncmp(e->d_name, "policy", 6) && strlen(e->d_name) < 16;
}

static json_t *frequency(int root)
{
	struct dirent **entries = NULL;
	struct policy *policies = NULL;
	json_t *list = json_array();
	size_t policies_n = 0;
	int n = scandirat(root, CPU "cpufreq", &entries, is_policy, versionsort);

	for (int i = 0; i < n; i++) {
		struct policy p = read_policy(root, entries[i]->d_name);

		add_policy(&policies, &policies_n, &p);
		free(entries[i]);
	}
	free(entries);
	for (size_t i = 0; i < policies_n; i++)
		json_array_append_new(list, policy_json(&policies[i]));
	free(policies);
	return list;
}

void fl_environment_settings(int root, json_t *environment)
{
	json_object_set_new(environment, "frequency", frequency(root));
	json_object_set_new(environment, "boost", boost(root));
	json_object_set_new(environment, "smt", line_of(root, CPU "smt/control"));
	json_object_set_new(environment, "numa_balancing", number_of(root, "proc/sys/kernel/numa_balancing"));
	json_object_set_new(environment, "huge_pages", line_of(root, "sys/kernel/mm/transparent_hugepage/enabled"));
	json_object_set_new(environment, "huge_pages_defrag",
			    line_of(root, "sys/kernel/mm/transparent_hugepage/defrag"));
	json_object_set_new(environment, "clock_source",
			    line_of(root, "sys/devices/system/clocksource/clocksource0/current_clocksource"));
}
