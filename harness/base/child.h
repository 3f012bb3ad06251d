/* SPDX-License-Identifier: Apache-2.0 */
/* child.h: a child process that cannot outlive us, sits where it should before its loader runs, and whose output is
 * captured and bounded.
 *
 * The child gets PR_SET_PDEATHSIG = SIGKILL (per parent *thread*: call fl_child_start only from a thread that lives as
 * long as the child may, here always the main one), a process group of its own, default signal dispositions, an empty
 * signal mask, stdin from /dev/null or a pipe, stdout and stderr into one or two pipes, and no other descriptor than
 * those named. CPU affinity and memory policy are set between fork and exec, so even the loader's pages land
 * right. */
#ifndef FL_BASE_CHILD_H
#define FL_BASE_CHILD_H
#include "base/cpus.h"
#include "base/text.h"
#include <feedline/err.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { FL_CHILD_INPUT_MAX = 4096 }; /* a pipe has room for it before anybody reads */

struct fl_child_spec {
	const char *program;	    /* absolute path; no search, no shell */
	const char *const *args;    /* argv[1..], ended by NULL */
	const char *const *env;	    /* "NAME=value", ended by NULL; NULL: an empty environment */
	const struct fl_cpus *cpus; /* NULL: inherit */
	int node;		    /* memory policy bind to this node; -1: inherit */
	int control_fd;		    /* becomes descriptor 3; -1: none */
	bool merge_output;	    /* stdout and stderr into one pipe (out_fd) */
	const char *input;	    /* what its stdin holds, at most FL_CHILD_INPUT_MAX bytes; NULL: nothing */
};

struct fl_child {
	pid_t pid;
	int pid_fd; /* readable when it has ended */
	int out_fd; /* non-blocking */
	int err_fd; /* non-blocking; -1 when merged */
};

/* Starts it. Errors before exec (no such program, CPUs not allowed) come back here, by name. */
int fl_child_start(const struct fl_child_spec *spec, struct fl_child *ret, struct fl_err *err);

/* SIGKILL to its process group, then reap; NULL-safe, idempotent. Returns the wait status, -1 if it was not running or
 * could not be reaped within 2 s (stuck in the kernel: it is abandoned). */
int fl_child_kill(struct fl_child *child);
/* The same with a deadline (fl_now_ns), and the signal alone: to end many, signal all first and share one deadline. */
int fl_child_kill_by(struct fl_child *child, uint64_t deadline_ns);
void fl_child_signal(const struct fl_child *child);

/* Reaps an ended child (pid_fd readable). Returns the wait status. Closes the descriptors. */
int fl_child_reap(struct fl_child *child);

/* "exited with status 3", "killed by SIGSEGV". */
void fl_child_how(int wait_status, char *buf, size_t room);

/* Runs a child to its end: stdout into *out (at most max_bytes, else -EFBIG), the last line of stderr into the error.
 * -ETIMEDOUT after limit_ns; -ECHILD when it failed. For `describe`, `probe` and feedline-sense. */
int fl_child_output(const struct fl_child_spec *spec, uint64_t limit_ns, size_t max_bytes, struct fl_text *out,
		    struct fl_err *err);

/* The environment for a child: PATH, HOME, LANG=C.UTF-8, and what an allow-list lets through (CUDA_* without
 * CUDA_VISIBLE_DEVICES and CUDA_LAUNCH_BLOCKING, NCCL_*, UCX_*, and sanitizer options). malloc'd, ended by NULL, free
 * with fl_child_env_free. */
char **fl_child_env(void);
void fl_child_env_free(char **env);

#endif
