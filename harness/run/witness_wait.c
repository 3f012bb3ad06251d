/* SPDX-License-Identifier: Apache-2.0 */
/* witness_wait.c: threads that were ready to run and had to wait for a CPU. This is the harm that load does; the load
 * itself is another witness. */
#include "base/file.h"
#include "base/threads.h"
#include "run/kernel.h"
#include "run/witness.h"
#include <dirent.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <feedline/helper.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_BYTES = 64 << 10, PATH_BYTES = 64 };

/* "RAN WAITED TIMES", in ns. */
static void add_waited(int tasks, unsigned long long tid, struct fl_wait *ret)
{
	char path[PATH_BYTES], line[80];
	const char *at = line;
	uint64_t ran_ns, waited_ns;

	snprintf(path, sizeof(path), "%llu/schedstat", tid);
	if (!fl_kernel_line(tasks, path, line, sizeof(line)) || !fl_kernel_next(&at, &ran_ns) ||
	    !fl_kernel_next(&at, &waited_ns))
		return;
	ret->waited_ns += waited_ns;
	ret->has_waited = true;
}

static void add_switches(int tasks, unsigned long long tid, struct fl_wait *ret)
{
	struct fl_text text = { 0 };
	char path[PATH_BYTES];
	uint64_t switches;

	snprintf(path, sizeof(path), "%llu/status", tid);
	fl_file_read(tasks, path, STATUS_BYTES, &text, NULL);
	if (fl_kernel_find(fl_text_str(&text), "nonvoluntary_ctxt_switches:", &switches)) {
		ret->switches += switches;
		ret->has_switches = true;
	}
	fl_text_release(&text);
}

/* Where the counts of threads go. */
struct counts {
	struct fl_wait *all;	   /* NULL: apart */
	struct fl_wait *const *of; /* by lane */
	size_t n;
};

static void say_helpers(const struct counts *c)
{
	if (c->all)
		c->all->helpers = true;
	for (size_t i = 0; i < c->n; i++)
		if (c->of[i])
			c->of[i]->helpers = true;
}

/* NULL: they belong to no lane. */
static struct fl_wait *counts_of(const struct counts *c, const char *name)
{
	const char *at = name + sizeof(FL_STEP_THREAD_NAME) - 1;
	uint64_t lane;

	if (c->all)
		return c->all;
	if (strncmp(name, FL_STEP_THREAD_NAME, sizeof(FL_STEP_THREAD_NAME) - 1) != 0 || !fl_kernel_next(&at, &lane))
		return NULL;
	return lane < c->n ? c->of[lane] : NULL;
}

static void add_thread(int tasks, unsigned long long tid, const struct counts *c)
{
	char path[PATH_BYTES], name[80] = "";
	struct fl_wait *to;

	snprintf(path, sizeof(path), "%llu/comm", tid);
	fl_kernel_line(tasks, path, name, sizeof(name));
	if (!strncmp(name, FL_HELPER_NAME, sizeof(FL_HELPER_NAME) - 1)) {
		say_helpers(c);
		return;
	}
	to = counts_of(c, name);
	if (!to)
		return;
	add_waited(tasks, tid, to);
	add_switches(tasks, tid, to);
}

static void add_threads(int root, pid_t pid, const struct counts *c)
{
	char path[PATH_BYTES];
	int tasks;
	DIR *dir;

	snprintf(path, sizeof(path), "proc/%d/task", (int)pid);
	tasks = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = tasks >= 0 ? fdopendir(tasks) : NULL;
	if (!dir) {
		if (tasks >= 0)
			close(tasks);
		return;
	}
	for (const struct dirent *e; (e = readdir(dir));) {
		const char *at = e->d_name;
		uint64_t tid;

		if (fl_kernel_next(&at, &tid) && !*at)
			add_thread(tasks, tid, c);
	}
	closedir(dir);
}

void fl_wait_look(int root, pid_t pid, struct fl_wait *ret)
{
	*ret = (struct fl_wait){ .at_ns = fl_now_ns() };
	add_threads(root, pid, &(struct counts){ .all = ret });
}

void fl_wait_look_apart(int root, pid_t pid, struct fl_wait *const *of, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (of[i])
			*of[i] = (struct fl_wait){ .at_ns = fl_now_ns() };
	add_threads(root, pid, &(struct counts){ .of = of, .n = n });
}

/* A thread that ended in between takes its counts with it: never below nothing. */
static double since(bool known, uint64_t before, uint64_t after)
{
	if (!known)
		return NAN;
	return after > before ? (double)(after - before) : 0;
}

/* One time slice of another thread: waking up behind it is nobody's fault, and all that a short window can show. */
static const double slice_ns = 4e6;

struct fl_wait_shares fl_wait_between(const struct fl_wait *before, const struct fl_wait *after, unsigned threads)
{
	double span_ns = since(true, before->at_ns, after->at_ns), all_ns = span_ns * threads;
	bool known = before->has_waited && after->has_waited;

	return (struct fl_wait_shares){
		.slice = span_ns > 0 ? slice_ns / span_ns : NAN,
		.waited = all_ns > 0 ? since(known, before->waited_ns, after->waited_ns) / all_ns : NAN,
		.switches = since(before->has_switches && after->has_switches, before->switches, after->switches),
		.helpers = before->helpers || after->helpers,
	};
}

void fl_wait_judge(const struct fl_wait_shares *shares, const struct fl_load_shares *load, json_t *reasons)
{
	double waited = shares->waited - (load->interrupts > 0 ? load->interrupts + 2 * load->blur : 0);

	if (shares->helpers || !(waited > FL_DISTURBED && waited > shares->slice))
		return;
	if (shares->switches > 0)
		json_array_append_new(reasons, json_sprintf("its threads waited for a CPU %.0f %% of the time "
							    "(%.0f involuntary context switches)",
							    100 * waited, shares->switches));
	else
		json_array_append_new(reasons,
				      json_sprintf("its threads waited for a CPU %.0f %% of the time", 100 * waited));
}
