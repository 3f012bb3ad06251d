/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h: a study of starvation while it is judged: what its files share. */
#ifndef FL_JUDGE_FEED_H
#define FL_JUDGE_FEED_H
#include "judge/loop.h"
#include "judge/parts.h"

/* A case of the study: its lanes, by index those of the accelerators. */
struct fl_feed_case {
	const char *value; /* "loop", "T3" */
	const struct fl_subject *lanes;
	size_t n;
};

/* A rung that was declared, but for the control. */
struct fl_feed_rung {
	const struct fl_rung *declared;
	int after;		    /* in the list of rungs; -1: the control */
	const struct fl_subject *s; /* who measured it; NULL: nobody */
	struct fl_open open;	    /* what it delivered; owned */
	char *hop;		    /* what it adds, for people; owned */
};

struct fl_feed_plan {
	const char *kind, *label, *demand;
	struct fl_feed_case *cases; /* owned */
	size_t cases_n;
	const struct fl_feed_case *loop, *open, *control; /* NULL: there is none */
	struct fl_feed_rung rungs[FL_RUNGS_MAX];
	size_t rungs_n;
	int top; /* the rung of the loop's own source; -1: it is none */
};

/* A lane of the loop while it is judged. */
struct fl_feed_lane {
	const struct fl_feed_plan *plan;
	const struct fl_subject *s;
	struct fl_lane_verdict *v;
	struct fl_feed *feed; /* v->feed */
	struct fl_loop loop;
	struct fl_open open;
	enum fl_line line;
	bool unlike; /* it waits more than the open loop explains */
};

/* The lane of that index; NULL: there is no such case, or it has none. */
const struct fl_subject *fl_feed_lane_of(const struct fl_feed_case *c, size_t lane);
/* It has numbers that mean what they say. Else *why says why not. */
bool fl_feed_is_measured(const struct fl_subject *s, const char **why);
const struct fl_feed_case *fl_feed_find_case(const struct fl_feed_plan *p, const char *value);

struct fl_loop_shape fl_feed_shape(const struct fl_feed *feed, const struct fl_lane_verdict *v);

/* ---- rungs.c */
void fl_feed_measure_rungs(struct fl_feed_plan *p, double step_bytes);
void fl_feed_release_rungs(struct fl_feed_plan *p);
/* The ladder for reports. */
struct fl_feed_study *fl_feed_study_make(const struct fl_feed_plan *p, double demand_bytes_per_s, double step_bytes);

/* ---- witnesses.c: who says which hop, and whether they agree: hop, why_hop and said of the lane */
void fl_feed_attribute(struct fl_feed_lane *l);

/* ---- feed_words.c */
void fl_feed_add_share(struct fl_text *t, const struct fl_interval *share); /* "62 % (60 % .. 64 %)" */
/* Verdict, reason and hint of the lane, from what is known of it. */
void fl_feed_explain(struct fl_feed_lane *l);
/* One line for the whole study; malloc'd. */
char *fl_feed_headline(const struct fl_feed_plan *p, enum fl_band *ret_band);
/* How unlike the accelerators were; malloc'd, NULL: there is one, or nothing is known. */
char *fl_feed_fairness(const struct fl_feed_plan *p);

#endif
