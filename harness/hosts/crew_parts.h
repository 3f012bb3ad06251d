/* SPDX-License-Identifier: Apache-2.0 */
/* crew_parts.h: one case over many hosts in flight, shared by crew.c (its stages), crew_hear.c (what agents say),
 * crew_clocks.c (how well their clocks are known), crew_end.c (what ends before its time, and what it takes along),
 * crew_gather.c (groups), crew_lockstep.c (the last step of groups) and crew_records.c (what is kept). */
#ifndef FL_HOSTS_CREW_PARTS_H
#define FL_HOSTS_CREW_PARTS_H
#include "hosts/crew.h"
#include "record/journal.h"

struct fl_crew_own {
	struct fl_crew crew;
	struct fl_hub *hub;
	const struct fl_plan *plan;
	uint64_t grace_ns; /* what an agent may need beyond the time that its lanes have */
	uint64_t begin_ns; /* ... and once, when it hears of the run */
	bool *begun;	   /* by host of the hub: it was told of the run */
};

/* How far the agent of a part is; in this order. */
enum fl_part_stage {
	FL_PART_SENT,
	FL_PART_READY,
	FL_PART_WARM,
	FL_PART_COVERED,
	FL_PART_HELD,
	FL_PART_STOPPED,
	FL_PART_OVER
};

struct fl_crew_part {
	struct fl_hub_host *host;
	const char *name;  /* as the plan calls the host; of a plan without hosts that of the hub */
	unsigned *numbers; /* of its lanes, rising */
	size_t n;
	enum fl_part_stage stage;
	bool narrow;
	bool holds; /* it has lanes in lockstep with others elsewhere: it comes to FL_PART_HELD */
	bool ended; /* a lane failed, or it was cancelled or lost: it is waited for, but not measured */
	bool lost;
	uint64_t limit_ns;   /* its lanes' */
	uint64_t since_ns;   /* when it began what it has to do now, or last showed that it gets on */
	uint64_t allowed_ns; /* from then on */
	uint64_t moved_bytes, moves;
	/* Its clock less the hub's, before the case and after it, how far that may be off at the time looked_*_ns,
	 * and that time. */
	int64_t offset_ns, offset_after_ns;
	uint64_t error_ns, error_after_ns, looked_ns, looked_after_ns;
	char *distrust;	       /* NULL: none */
	struct fl_text coming; /* of a line that is not whole yet */
	uint64_t lines_bytes;
	struct fl_watched *watched;
	size_t watched_n;
};

struct fl_crew_lane {
	const struct fl_plan_lane *plan;
	const struct fl_entry *entry; /* NULL: this feedline does not know it */
	struct fl_crew_part *part;    /* NULL: of a host that was lost before */
	struct fl_crew_lane *mate;    /* the next of its group, and so on in a ring; itself: it has none */
	bool over;		      /* it is not measured, and why: */
	bool invalid;		      /* it was lost in flight */
	struct fl_err why;
	bool named; /* it says more than the agent does, which does not know for whom it waited */
	bool got;
	struct fl_lane_record record;
	/* the point of its group that it came to, and what it said there; NULL: it waits at none */
	char *point, *said;
	unsigned gathers;
	bool spans;	/* it is in lockstep with lanes on other hosts */
	uint64_t steps; /* the most that it has begun, once it is held; 0: it did not say */
};

struct fl_crew_case {
	struct fl_crew_own *crew;
	const struct fl_agent *agent;
	const struct fl_plan_case *of;
	struct fl_plan_step at;
	struct fl_crew_lane *lanes; /* by number */
	struct fl_crew_part *parts;
	size_t parts_n;
	struct fl_crew_part **of_host; /* the part of each host, by rank; NULL: it has none */
	bool whole;
	/* what has been told to all */
	bool started, windowed, stopped, collected;
	bool open; /* the window: it may still be over early */
	bool full; /* a tape is */
	enum fl_part_stage wanted;
	struct fl_hub_clocks *clocks; /* NULL: none are being asked */
	uint64_t good_ns;	      /* no clock needs to be known better than that */
	uint64_t error_ns;	      /* the largest of their clocks */
	char *thinned; /* why lanes of groups were not beside the others all of the time; NULL: all were */
	char *apart;   /* how far windows may lie apart; NULL: hardly */
	unsigned ran;  /* how many lanes were at work until the end */
	struct fl_journal_reader *reader;
};

/* crew_clocks.c */
/* Lanes are being opened: who has done so is asked for its clock while others have not. */
void fl_crew_clocks_begin(struct fl_crew_case *c);
void fl_crew_clocks_ask(struct fl_crew_case *c, struct fl_crew_part *part);
int fl_crew_clocks_before(struct fl_crew_case *c, struct fl_err *err); /* all lanes are open */
int fl_crew_clocks_after(struct fl_crew_case *c, struct fl_err *err);  /* all have stopped */

/* crew_hear.c: the ears of the hub while the case is in flight; arg: the case. */
int fl_crew_hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err);
void fl_crew_hear_lost(void *arg, struct fl_hub_host *host);
bool fl_crew_any_goes_on(const struct fl_crew_case *c); /* somebody is still to be measured */
/* Why the window, while it is open, is to be closed before its time; NULL: it is not. */
const char *fl_crew_over_early(const struct fl_crew_case *c);
/* Every part is where it is wanted, or gone; or the window is open, and is to be closed. */
bool fl_crew_heard_enough(const struct fl_crew_case *c);
struct fl_crew_part *fl_crew_part_of(const struct fl_crew_case *c, const struct fl_hub_host *host); /* NULL: none */

/* crew_end.c */
/* The lane failed: what runs beside it on its host is over, too, and what is of a group with any of these on other
 * hosts. known: its own agent says so. */
void fl_crew_fail_lane(struct fl_crew_case *c, struct fl_crew_lane *lane, bool known, const struct fl_err *why);
/* The part's host is lost, for that reason: the same of all its lanes. */
void fl_crew_lose_part(struct fl_crew_case *c, struct fl_crew_part *part, const struct fl_err *why);
/* The same of lanes whose host was lost before, so that they have no part. */
void fl_crew_miss_lane(struct fl_crew_case *c, struct fl_crew_lane *lane, const struct fl_err *why);
/* "host n3 was lost: ..." */
void fl_crew_say_lost(const char *name, const struct fl_err *why, struct fl_err *ret);

/* crew_gather.c: the message "gather"; -EPROTO: it cannot be. */
int fl_crew_gather(struct fl_crew_case *c, struct fl_crew_lane *lane, const json_t *message, struct fl_err *err);

/* crew_lockstep.c */
void fl_crew_find_lockstep(struct fl_crew_case *c); /* which parts will be held */
/* The message "held". -EPROTO: it cannot be. */
int fl_crew_held(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err);
/* For whom the lane may wait: "rank 1 (receiver) on host n2": those of its group on other hosts that have not come to
 * the point where it is, or have not ended; malloc'd. NULL: all have. */
char *fl_crew_awaited(const struct fl_crew_lane *lane);
/* All parts that hold have said so: each hears the last steps of its lanes. */
void fl_crew_finish(struct fl_crew_case *c);

/* crew_records.c */
/* The message "line", or a piece of one. -EPROTO: it cannot be true. */
int fl_crew_line(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err);
/* Has it sent all that is due? -EPROTO. */
int fl_crew_complete(const struct fl_crew_case *c, const struct fl_crew_part *part, struct fl_err *err);
/* Appends what there is to the run, in the order of the lanes. */
void fl_crew_keep(struct fl_crew_case *c, struct fl_run *run);

#endif
