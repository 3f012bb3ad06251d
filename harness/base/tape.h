/* SPDX-License-Identifier: Apache-2.0 */
/* tape.h: one lane's step records in shared memory, written by the worker, read by the agent as hostile input.
 *
 * The agent makes the memory (a sealed memfd: a worker cannot shrink it under the reader), sends it with the message
 * "tape", and reads it while the lane runs. It writes start_ns, stop and stop_after; the worker the rest. What a
 * crashed worker had finished stays readable, and `phase` tells how far it was.
 *
 *   head | thread 0: head, steps[steps_max], hists[hists] | thread 1: ... */
#ifndef FL_BASE_TAPE_H
#define FL_BASE_TAPE_H
#include <feedline/err.h>
#include <feedline/hist.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Steps of a thread: an accelerator that takes a batch every 0.35 ms makes 172,000 in a minute. What is not written
 * of a tape takes no memory. */
enum { FL_TAPE_STEPS_MAX = 1 << 18 };
enum { FL_TAPE_THREADS_MAX = 4096, FL_TAPE_GIVEN_MAX = 8, FL_TAPE_HISTS_MAX = 8 };

#define FL_TAPE_DONE_MAX (UINT64_C(1) << 48)

enum fl_phase {
	FL_PHASE_START,
	FL_PHASE_OPEN,
	FL_PHASE_ENTER,
	FL_PHASE_READY,
	FL_PHASE_STEP,
	FL_PHASE_LEAVE,
	FL_PHASE_VERIFY,
	FL_PHASE_CLOSE,
	FL_PHASE_END
};

struct fl_tape_shape {
	uint32_t threads, steps_max, given, hists;
};

struct fl_tape_step {
	uint64_t start_ns, end_ns, ops, bytes;
	uint64_t spoilt;  /* 0 or 1 */
	uint64_t busy_ns; /* before end_ns, of a device that was at work for longer than what counts; else 0 */
			  /* followed by `given` doubles */
};

struct fl_tape; /* a mapping, opaque */

/* Agent: makes the memory and maps it; *ret_fd is the worker's end (close it when sent). -EINVAL: shape out of
 * bounds. */
int fl_tape_create(const struct fl_tape_shape *shape, struct fl_tape **ret, int *ret_fd, struct fl_err *err);
/* Worker: maps what it was sent. -EPROTO: not such a tape. Takes no ownership of fd. */
int fl_tape_map(int fd, const struct fl_tape_shape *shape, struct fl_tape **ret, struct fl_err *err);
void fl_tape_free(struct fl_tape *tape); /* NULL allowed */

/* ---- agent -> worker */
void fl_tape_start(struct fl_tape *tape, uint64_t start_ns); /* wakes the waiting threads */
void fl_tape_stop(struct fl_tape *tape);		     /* threads end after their current step; wakes waiters */
/* Of lanes in lockstep, which all end after the same step. Threads begin no other one, and wait, until they are told
 * after how many they end: hold. Told once that it holds, the agent knows how many steps a thread has begun at most:
 * those that it has finished, and one more. */
void fl_tape_hold(struct fl_tape *tape);
void fl_tape_stop_after(struct fl_tape *tape, uint64_t steps);
/* Steps that the thread has finished, recorded or not; whatever the worker wrote, below FL_TAPE_DONE_MAX. */
uint64_t fl_tape_done(const struct fl_tape *tape, uint32_t thread);

/* ---- worker */
/* Waits until the agent set the start time and it has come. false: stopped, or *given_up was set (and roused),
 * before. */
bool fl_tape_wait_start(struct fl_tape *tape, const _Atomic bool *given_up);
bool fl_tape_stopped(const struct fl_tape *tape);
/* May a thread in lockstep that has finished so many begin another one? Waits while nobody knows. */
bool fl_tape_may_step(struct fl_tape *tape, uint64_t done, const _Atomic bool *given_up);
/* Waits until the agent stops the lane, or *given_up was set (and roused). */
void fl_tape_wait_stop(struct fl_tape *tape, const _Atomic bool *given_up);
/* This thread has nothing to do: nobody waits for its steps. */
void fl_tape_set_idle(struct fl_tape *tape, uint32_t thread);
/* Wakes this worker's waiting threads to look again (it has failed by itself). */
void fl_tape_rouse(struct fl_tape *tape);
void fl_tape_set_phase(struct fl_tape *tape, enum fl_phase phase);
/* Appends; false when the thread's part is full (the step is counted as dropped). One writer per thread. */
bool fl_tape_add(struct fl_tape *tape, uint32_t thread, const struct fl_tape_step *step, const double *given);
/* The thread's own histograms, in shared memory; i < hists. */
struct fl_hist *fl_tape_hist(struct fl_tape *tape, uint32_t thread, uint32_t i);

/* ---- agent, reading */
enum fl_phase fl_tape_phase(const struct fl_tape *tape); /* clamped to the enum */
const char *fl_phase_name(enum fl_phase phase);
/* Steps finished so far, never above steps_max whatever the worker wrote. */
uint32_t fl_tape_count(const struct fl_tape *tape, uint32_t thread);
uint64_t fl_tape_dropped(const struct fl_tape *tape, uint32_t thread);
bool fl_tape_idle(const struct fl_tape *tape, uint32_t thread);
/* Copies step i (< count). given has room for shape.given values. -EPROTO: the worker lies (times that run backwards
 * or lie in the future, before the start or inside the step before; more bytes or ops than is possible). */
int fl_tape_read(const struct fl_tape *tape, uint32_t thread, uint32_t i, struct fl_tape_step *ret, double *given,
		 struct fl_err *err);
const struct fl_tape_shape *fl_tape_shape(const struct fl_tape *tape);

#endif
