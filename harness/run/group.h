/* SPDX-License-Identifier: Apache-2.0 */
/* group.h: lanes that make one measurement together (feedline/bench.h: roles), and what they say to each other. It all
 * passes through the agent: a lane comes to a point, which has a name, and waits; when all ranks of its group have
 * come, each hears what every one said. What lanes say is hostile input.
 *
 * Where ranks of the group are on other hosts, somebody else knows when all have come: the link. */
#ifndef FL_RUN_GROUP_H
#define FL_RUN_GROUP_H
#include <feedline/err.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct fl_case;
struct fl_case_lane;

enum { FL_GROUP_NAME_MAX = 32, FL_GROUP_LINK_MAX = 6 }; /* chars of a point's name; ranks of a group */
enum { FL_GROUP_RANK_ROOM = 64 };

/* The way to the ranks on other hosts. */
struct fl_group_link {
	/* The numeric address at which the host of that rank is reached; valid until the case is over. NULL: not
	 * known. */
	const char *(*address)(void *arg, unsigned group, unsigned rank);
	/* A lane here came to that point and said this (lower-case hex; names and texts are checked). Once all ranks of
	 * the group have, the answer comes by fl_group_answer(); else fl_group_cancel() is called. A negative errno
	 * ends the lane. */
	int (*gather)(void *arg, unsigned group, unsigned rank, const char *name, const char *hex);
	void *arg;
};

/* What a lane waits for; of struct fl_case_lane. */
struct fl_group_wait {
	bool waits;
	char name[FL_GROUP_NAME_MAX + 1];
	char *hex;	 /* what it said */
	char *cancelled; /* why nothing came of it: how its failure is told then; NULL: nothing was cancelled */
};
void fl_group_release(struct fl_group_wait *wait);

/* Are they of one group? A lane by itself is of none. */
bool fl_group_same(const struct fl_case_lane *a, const struct fl_case_lane *b);
bool fl_group_is_here(const struct fl_case *c, const struct fl_case_lane *lane); /* all of its lanes are */
const char *fl_group_show_rank(const struct fl_case_lane *lane, char ret[FL_GROUP_RANK_ROOM]); /* "rank 1 (receiver)" */
/* A lane of its group that failed; NULL: all are well. */
const struct fl_case_lane *fl_group_lost(const struct fl_case *c, const struct fl_case_lane *lane);

/* May its group be so (plans may come from a store)? -EINVAL. */
int fl_group_check(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_err *err);
/* For "open": the addresses by rank; [] where it is by itself. New reference. */
json_t *fl_group_addresses(const struct fl_case *c, const struct fl_case_lane *lane);

/* The message "gather". -EPROTO: it cannot be true, or the lane is not where the others of its group are. */
int fl_group_hear(struct fl_case *c, struct fl_case_lane *lane, const json_t *message, struct fl_err *err);
/* The lane is done with the part of its life in which others of its group may wait for it. -EPROTO: one does. */
int fl_group_pass(const struct fl_case *c, const struct fl_case_lane *lane, const char *done, struct fl_err *err);
/* The lane is over: those that wait for it need wait no more. */
void fl_group_lose(struct fl_case *c, const struct fl_case_lane *lane);

/* From the link: what all ranks said, by rank. -EPROTO: that is no answer to what the lanes here wait for; nothing was
 * told to any. */
int fl_group_answer(struct fl_case *c, unsigned group, const char *name, const char *const *hex, size_t n,
		    struct fl_err *err);
/* ... and: nothing will come of it any more. */
void fl_group_cancel(struct fl_case *c, unsigned group, const char *what);

/* Who is late where this one is: itself, or a lane of its group for which it waits. */
struct fl_case_lane *fl_group_absent(const struct fl_case *c, struct fl_case_lane *late);
/* "rank 1 (receiver) did not come to 'listen'", where a lane of its group waits for it, or "rank 0 (sender) waited at
 * 'listen' for lanes on other hosts", where it waits itself; malloc'd. NULL: neither. */
char *fl_group_blame(const struct fl_case *c, const struct fl_case_lane *late);

#endif
