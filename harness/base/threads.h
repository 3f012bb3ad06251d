/* SPDX-License-Identifier: Apache-2.0 */
/* threads.h: how many threads a lane steps with, from its benchmark's declaration `threads` (feedline/bench.h). The
 * plan asks, to give the lane its CPUs, and the worker, to start them. */
#ifndef FL_BASE_THREADS_H
#define FL_BASE_THREADS_H
#include <stdbool.h>

/* Is it "cpus": one for every CPU of the place, all of which the lane takes? */
bool fl_threads_take_cpus(const char *declared);

/* The number that any other declaration means, from 1 to INT_MAX. option: canonical text of the option that it names,
 * NULL where it names none. */
unsigned fl_threads_fixed(const char *declared, const char *option);

/* What a step thread is called, with the number of its lane behind it: so that of a process with several lanes can be
 * told whose thread is whose. */
#define FL_STEP_THREAD_NAME "fl-lane-"

#endif
