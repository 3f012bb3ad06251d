/* SPDX-License-Identifier: Apache-2.0 */
/* case.h: one case in flight: its lanes, shared by the files that carry it through (case.c the stages, staff.c
 * which worker a lane gets, talk.c the conversation with workers, pace.c warm-up and stop rule, whole.c the same of
 * work that ends by itself, lockstep.c the end of lanes that make the same steps, collect.c the records, retire.c which
 * devices are not used again, delivery.c what drives say of them, drive.c what they are about). */
#ifndef FL_RUN_CASE_H
#define FL_RUN_CASE_H
#include "base/tape.h"
#include "run/conductor.h"
#include "run/group.h"
#include "run/run.h"
#include "run/window.h"
#include "run/worker.h"

enum fl_lane_state {
	FL_LANE_WAITING, /* not begun */
	FL_LANE_ORDERED, /* "open" was sent */
	FL_LANE_SIZED,	 /* it got its tape and opens */
	FL_LANE_READY,	 /* it waits for the start */
	FL_LANE_STEPPING,
	FL_LANE_STOPPING, /* it was told to stop; leaves, verifies, closes */
	FL_LANE_DONE,
	FL_LANE_FAILED,
};

/* lockstep.c: how a lane comes to its end that makes the same steps as the others of its group. */
struct fl_lockstep {
	bool held;	     /* it begins no step that it was not told of */
	uint64_t stop_after; /* steps; 0: not known yet */
	bool halted;	     /* in the middle of a step */
	bool back;	     /* and came back from it, before that number */
};

struct fl_case_lane {
	unsigned number; /* in the plan's case */
	const struct fl_plan_lane *plan;
	const struct fl_entry *entry; /* never NULL */
	struct fl_worker *worker;
	enum fl_lane_state state;
	uint32_t threads;
	struct fl_tape *tape;
	json_t *done;		   /* the message, when FL_LANE_DONE */
	struct fl_err err;	   /* when FL_LANE_FAILED */
	bool invalid;		   /* FL_LANE_FAILED: by breaking the rules rather than by saying so */
	bool awaits;		   /* FL_LANE_FAILED: since it waited for lanes on other hosts */
	bool told;		   /* FL_LANE_FAILED: the conductor knows it */
	unsigned late_words;	   /* messages about it after it was given up */
	uint64_t limit_ns;	   /* how long a phase may take */
	struct fl_group_wait wait; /* for others of its group */
	struct fl_lockstep lockstep;

	/* pace.c */
	uint32_t *seen;	       /* steps already counted, per thread */
	uint64_t *last_end_ns; /* end of the last of them */
	double rate[3];	       /* ops per second in the last ticks; by device clock of the last ticks with steps */
	uint64_t longest_step_ns;
	uint64_t moved_bytes; /* in all these steps */
	uint64_t moved_at_ns; /* when it was last seen that one more was finished */
	bool tape_full;
	struct fl_hist *hists_from; /* merged over threads at the start of the window, one per distribution */
	struct fl_hist *hists_to;   /* at its end */

	struct fl_throttle *throttle; /* case.c: its reads are held back; NULL: they are not */
	/* delivery.c, once all lanes are done: between the looks of the witnesses, and by how much that may be wrong
	 * for the steps that were under way at them */
	double payload_bytes, open_bytes;
};

struct fl_case {
	struct fl_agent *agent;
	struct fl_pool *pool;
	const struct fl_plan_case *plan;
	struct fl_conductor *conductor; /* NULL: it paces itself */
	struct fl_plan_step at;
	struct fl_case_lane *lanes;
	size_t lanes_n; /* those that run together */
	size_t out_n;	/* behind them: left out of it, as what they would use is not used again (FL_LANE_FAILED) */
	const struct fl_group_link *link; /* to lanes of its groups on other hosts; NULL: there are none */
	uint64_t step_ns;		  /* the length of step that threads aim at */
	uint64_t tick_ns, watch_ns;	  /* between looks at the tapes: before and after the window, and in it */
	/* the window: set by pace.c */
	uint64_t start_ns, warm_ns;
	struct fl_window window;
	const char *ended;		  /* "time up", "interval narrow", "tape full", "work done" */
	struct fl_moment *before, *after; /* witness.h: at the two ends of the window */
	const struct fl_watched *watched; /* telemetry.h: what was seen beside it, once it is over */
	size_t watched_n;
	const char *unwatched; /* why nothing was, though it should; NULL */
};

/* case.c: runs it and appends one record a lane to `run`. Lanes that fail are records; an error is the agent's own:
 * -EINTR, or a bug. conductor: of a case that is a part of one on several hosts; NULL: it is all of it. */
int fl_case_run(struct fl_agent *agent, struct fl_pool *pool, const struct fl_plan_case *plan,
		const struct fl_plan_step *at, struct fl_conductor *conductor, struct fl_run *run, struct fl_err *err);

/* How long a phase of the lane may take. */
uint64_t fl_case_limit_ns(const struct fl_plan_lane *lane);
/* The more, the further the lane has come. */
int fl_case_progress(const struct fl_case_lane *lane);

typedef bool (*fl_case_arrived)(const struct fl_case_lane *lane);
/* Which lane of that late one's worker is to blame: of those that are late, too, after so long, the one that has come
 * least far; `late` itself where none is behind it. */
struct fl_case_lane *fl_case_guilty(struct fl_case *c, struct fl_case_lane *late, fl_case_arrived arrived,
				    uint64_t waited_ns);

/* staff.c */
/* The worker that another lane of its number has already, else one of the pool. -EINVAL: the plan lets lanes share one
 * that cannot. */
int fl_case_take_worker(struct fl_case *c, struct fl_case_lane *lane, struct fl_err *err);
bool fl_case_shares_worker(const struct fl_case *c, const struct fl_case_lane *lane);

/* retire.c: devices that are not used again (retired.h) */
/* -ENODEV: the lane would use one. */
int fl_case_refuse_retired(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_err *err);
void fl_case_note_devices(const struct fl_case *c, const struct fl_case_lane *lane); /* what its worker uses now */
/* The lane hangs, and its GPUs are not used again, but for those on which others of the case have come further. Where
 * others of its worker have come no further, it is not known which of them hangs: GPUs that all of them use are not
 * used again. Before its worker is ended. */
void fl_case_retire_hung(const struct fl_case *c, const struct fl_case_lane *lane);
/* The lane says that it lost its GPU, which is not used again. Where it has two, nobody knows which of them is lost,
 * and a lane with a lost one fails at once: nothing is won by giving up both. */
void fl_case_retire_lost(const struct fl_case *c, const struct fl_case_lane *lane, const char *said);
/* The pool's `abandoned`, with the agent for `arg`. */
void fl_agent_abandon(void *arg, const struct fl_worker *w, pid_t pid);

/* talk.c */
int fl_case_order(struct fl_case *c, struct fl_case_lane *lane, struct fl_err *err); /* sends "open" */
/* Handles worker events until `until_ns` or until none is left to come (timeout 0: only those already there). */
int fl_case_listen(struct fl_case *c, uint64_t until_ns, struct fl_err *err);
/* The lane is over, for this reason; `invalid`: it broke the rules, and so its worker is killed, with which the lanes
 * that share it are over, too. */
void fl_case_fail_lane(struct fl_case *c, struct fl_case_lane *lane, bool invalid, const struct fl_err *why);
void fl_case_stop_lane(struct fl_case *c, struct fl_case_lane *lane); /* stop flag and "halt" */
struct fl_case_lane *fl_case_failed_lane(const struct fl_case *c);    /* the first one, of those that did not only fail
									     * with another; NULL: none */

/* pace.c: from the common start to the end of the window. Returns when the lanes should be stopped: the window is
 * over, or a lane has failed (then c->ended is NULL). */
int fl_case_pace(struct fl_case *c, struct fl_err *err);
/* Its parts: all lanes get the start, at that time (0: as soon as they can); hears the workers and follows the tapes
 * for one tick, or until until_ns (0: only the tapes); keeps the histograms as they are at one end of the window. */
void fl_case_start(struct fl_case *c, uint64_t at_ns);
int fl_case_tick(struct fl_case *c, uint64_t until_ns, struct fl_err *err);
void fl_case_snapshot(struct fl_case *c, bool at_start);
/* A tape that is full before the window begins leaves nothing to measure: such lanes fail. */
void fl_case_fail_full(struct fl_case *c);

/* whole.c: the same where a lane of the case ends by itself: no warm-up, and the window is over with its work. */
bool fl_case_is_whole(const struct fl_case *c);
int fl_case_pace_whole(struct fl_case *c, uint64_t start_ns, struct fl_err *err);

/* lockstep.c (feedline/bench.h: lockstep) */
bool fl_lockstep_is(const struct fl_case_lane *lane);
/* Those at work are told their last step, and are FL_LANE_STOPPING; halted where another one has failed. */
int fl_lockstep_stop(struct fl_case *c, struct fl_err *err);
/* From the conductor: the last step of a lane. -EPROTO: it cannot be. */
int fl_lockstep_finish(struct fl_case *c, const struct fl_lane_steps *last, struct fl_err *err);
/* The lane is over: those of its group are halted that wait for it in a step. */
void fl_lockstep_lose(struct fl_case *c, const struct fl_case_lane *lost);
/* It says that it is done. true: before its last step, which ends it in another way, now or once it is known why. */
bool fl_lockstep_is_short(struct fl_case *c, struct fl_case_lane *lane);
/* It is late: 0, or how much longer it has, as it was halted, and those that only waited come back from that. */
uint64_t fl_lockstep_spare_ns(const struct fl_case *c, const struct fl_case_lane *lane);
/* It is late. true: that was dealt with. */
bool fl_lockstep_late(struct fl_case *c, struct fl_case_lane *lane);

/* tracks.c */
/* The window as the lane's steps are to be read. */
struct fl_window fl_case_window(const struct fl_case *c, const struct fl_case_lane *lane);
/* All steps of the lane's threads, read from its tape (lane->threads tracks); NULL with *err: the worker lies. */
struct fl_track *fl_case_tracks(const struct fl_case_lane *lane, struct fl_err *err);
void fl_case_free_tracks(struct fl_track *tracks, size_t n);
/* Up to when it is known what the thread did: the end of its last step; the start where it has finished none;
 * UINT64_MAX where it has nothing to do. */
uint64_t fl_case_covered_ns(const struct fl_case *c, const struct fl_case_lane *lane, uint32_t thread);

/* drive.c */
/* The drive that the lane reads, or writes, by the flows of its benchmark. NULL: unknown, and *why says why. */
const struct fl_drive *fl_lane_drive(const struct fl_machine *m, const struct fl_entry *entry,
				     const struct fl_plan_lane *lane, bool written, const char **why);
/* What may have left the drive and not be counted as payload yet, or the other way round, at any moment: by the options
 * that are called the same everywhere. */
double fl_lane_flight_bytes(const struct fl_plan_lane *lane, uint32_t threads);

/* delivery.c */
void fl_case_weigh(struct fl_case *c); /* sets payload_bytes and open_bytes of the lanes that are done */
/* States the fact "amplified" of a benchmark that has it: only the drive knows. */
void fl_case_set_amplified(const struct fl_case *c, const struct fl_case_lane *lane, json_t *facts);
/* What was read past the page cache and did not come from the drive was not what was asked for: -ESTALE. */
int fl_case_refuse_cached(const struct fl_case *c, const struct fl_case_lane *lane, const json_t *facts,
			  struct fl_err *err);

/* collect.c */
/* What the lane leaves behind. `beside`: the lane whose failure ended the case, or NULL. */
void fl_case_collect(const struct fl_case *c, const struct fl_case_lane *lane, const struct fl_case_lane *beside,
		     struct fl_lane_record *record);

#endif
