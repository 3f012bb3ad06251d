/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.h: a worker that may read only so many bytes per second from a drive: the hop beneath its path made slower
 * on purpose, to see what depends on it.
 *
 * The kernel holds it, in a cgroup of the worker's own, "feedline-limit-PID-NUMBER" (PID: ours), with "-io" behind it
 * where we had the controller handed on, which is taken back with the last such cgroup. We hold a lock on it: one that
 * nobody holds was left over, in whichever container we are.
 *
 * With version 1 it lies below our own cgroup; with version 2, where a cgroup with processes may have none with limits
 * below it, at the nearest place above that hands on the io controller, but never past a cgroup that limits memory,
 * huge pages, swap, CPUs or reads and writes. Limits of block devices that our own cgroup has are copied. What else
 * there is counts for the worker where it then lies: how many tasks there may be, weights, latencies to aim at, memory
 * that is protected. Only directories of the kernel's cgroup file systems are touched, and no setting of anybody
 * else's. */
#ifndef FL_RUN_THROTTLE_H
#define FL_RUN_THROTTLE_H
#include <feedline/err.h>
#include <stdint.h>
#include <sys/types.h>

struct fl_throttle;

struct fl_throttle_spec {
	const char *group; /* the directory of our cgroup for block devices (machine.h) */
	pid_t pid;
	unsigned number; /* tells our own apart */
	const char *dev; /* "259:0", of a whole disk */
	uint64_t bytes_per_s;
};
/* All threads of the process, those it will have, and what the kernel does for them (io_uring's threads). What it could
 * not do is undone. */
int fl_throttle_begin(const struct fl_throttle_spec *spec, struct fl_throttle **ret, struct fl_err *err);
/* Back to where it came from, if it still lives. Negative errno: it could not be, and so must be killed, or what it
 * does next would be held back, too. NULL: 0. */
int fl_throttle_let_go(const struct fl_throttle *throttle);
/* Removes the cgroup, which nothing is in any more. NULL allowed. */
void fl_throttle_end(struct fl_throttle *throttle);

/* Removes what agents left that were killed: cgroups by that name, near `group` (NULL allowed), that are empty and that
 * nobody holds. */
void fl_throttle_sweep(const char *group);

#endif
