/* SPDX-License-Identifier: Apache-2.0 */
/* conductor.h: who tells a case when to start, when its window begins and ends, and when to stop, where that is not for
 * the case itself to say: it is one of several parts, on several hosts, which are measured at the same time.
 *
 *   the case says        and waits for
 *   FL_CUE_READY         start_ns            all its lanes are open
 *   FL_CUE_WARM          from_ns             they are warm, or were given all the time for it
 *   FL_CUE_NARROW/FULL   to_ns               the interval is narrow, a tape is full; or it says nothing
 *   FL_CUE_COVERED       stop                the window is over, and what was under way at its end is recorded
 *   held()               the last step       of lanes in lockstep with others elsewhere: what steps are under way
 *   FL_CUE_STOPPED       collect             all lanes are done, or one has failed and all are over
 *
 * While it waits it goes on as it is: open, or at full load. Work that ends by itself has no window: between READY and
 * COVERED it waits for the start alone. A lane that fails is told at once, and from then on nothing is said but
 * STOPPED, and nothing waited for but `collect`. Times are CLOCK_MONOTONIC of this machine. A conductor is
 * for one case. */
#ifndef FL_RUN_CONDUCTOR_H
#define FL_RUN_CONDUCTOR_H
#include <feedline/bench.h>
#include <feedline/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_case;
struct fl_case_lane;
struct fl_group_link;

/* The ranks of a group are never further apart: what they may be, and what lies between the looks at two of them. */
enum { FL_LOCKSTEP_APART_MAX = FL_LOCKSTEP_AHEAD_MAX + 2 };

/* What a lane waited for, where only the conductor may know which they are. */
#define FL_LANES_ELSEWHERE "lanes on other hosts"

/* By number in the whole case. */
struct fl_lane_steps {
	unsigned number;
	uint64_t steps;
};

enum fl_cue { FL_CUE_READY, FL_CUE_WARM, FL_CUE_NARROW, FL_CUE_FULL, FL_CUE_COVERED, FL_CUE_STOPPED };

struct fl_conductor {
	/* What the part is of the whole case: by lane of the part, its number in the whole one. whole: a lane of some
	 * part ends by itself. link: the way to lanes of its groups in other parts (group.h). */
	const unsigned *numbers;
	bool whole;
	const struct fl_group_link *link;

	/* What it has told so far, set by hear(). 0, false: not yet. */
	uint64_t start_ns, from_ns, to_ns;
	const char *ended; /* with to_ns: why the window is over then, as in struct fl_case */
	bool stop, collect;
	unsigned said; /* the case's: cues that it has given, by bit */

	/* It is heard as soon as there is one of these events of poll(2) at the descriptor. */
	int fd;
	short (*events)(struct fl_conductor *self);
	/* Hears what there is, does not wait. What it is told of the case it does: sets the above,
	 * fl_case_cancel(). Below 0 with *err: the case is over, without records. */
	int (*hear)(struct fl_conductor *self, struct fl_case *c, struct fl_err *err);
	/* None of these waits, or fails: what went wrong is what hear() returns next. */
	void (*cue)(struct fl_conductor *self, enum fl_cue cue);
	/* number: of the whole case. awaits: it waited for FL_LANES_ELSEWHERE, as *why says. */
	void (*failed)(struct fl_conductor *self, unsigned number, bool awaits, const struct fl_err *why);
	/* They begin no step behind these until fl_lockstep_finish() says which is the last one. */
	void (*held)(struct fl_conductor *self, const struct fl_lane_steps *steps, size_t n);
	void (*moved)(struct fl_conductor *self, uint64_t bytes); /* of work that ends by itself; again and again */
};

/* conduct.c: the side of the case. All of them do nothing without a conductor. */
/* Says it, once. */
void fl_conduct_cue(struct fl_case *c, enum fl_cue cue);
/* Tells lanes that have failed, each once. */
void fl_conduct_failed(struct fl_case *c);
/* They say what is in the name and wait for what follows it; 0 also where a lane has failed by then. Once lanes step
 * they go on meanwhile. */
int fl_conduct_ready(struct fl_case *c, struct fl_err *err);
int fl_conduct_warm(struct fl_case *c, struct fl_err *err);
int fl_conduct_covered(struct fl_case *c, struct fl_err *err);
int fl_conduct_stopped(struct fl_case *c, struct fl_err *err);
/* The part is over for a reason from elsewhere: so are all its lanes, also those that are done. */
void fl_case_cancel(struct fl_case *c, const struct fl_err *why);
unsigned fl_case_number(const struct fl_case *c, const struct fl_case_lane *lane); /* in the whole case */

#endif
