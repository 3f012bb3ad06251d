/* SPDX-License-Identifier: Apache-2.0 */
/* nvml_users.c: the processes that compute on a GPU, others than those of the feedline that asks. */
#include "base/alloc.h"
#include "base/units.h"
#include "nvml.h"
#include "sense.h"
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

/* The first of our ancestors that are called feedline, without a break. */
static unsigned our_first(void)
{
	unsigned first = (unsigned)getpid(), pid = first;

	for (int deep = 0; pid && deep < DEEP_MAX; deep++) {
		char *name = name_of(pid);
		bool ours = name && strncmp(name, "feedline", strlen("feedline")) == 0;

		free(name);
		if (!ours)
			break;
		first = pid;
		pid = parent_of(pid);
	}
	return first;
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
	unsigned first, pids[2 * USERS_MAX];
	size_t n;
};

static void add_user(struct users *users, unsigned pid)
{
	for (size_t i = 0; i < users->n; i++)
		if (users->pids[i] == pid)
			return;
	if (pid && users->n < 2 * USERS_MAX && !descends_from(pid, users->first))
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

void nvml_users(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_gpu *gpu)
{
	struct users *users = fl_zalloc(1, sizeof(*users));
	int rc;
	char *name;

	users->first = our_first();
	rc = list(nvml->compute_processes, d, users);
	if (rc != FL_NVML_SUCCESS)
		rc = list_v1(nvml, d, users);
	if (rc == FL_NVML_SUCCESS)
		list(nvml->mps_processes, d, users); /* who shares by a server of its own; most drivers list none */
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
