/* SPDX-License-Identifier: Apache-2.0 */
/* views.h: a run on several hosts, seen from each of them: the same cases with the lanes of that host, its machine and
 * what was watched there, as a run of its own. So nothing of one host is ever taken for that of another (all of them
 * have a node0 and a gpu-0000:41:00.0), and what judges one machine judges each of many. For the files of this room. */
#ifndef FL_JUDGE_VIEWS_H
#define FL_JUDGE_VIEWS_H
#include "judge/parts.h"

struct fl_view {
	const char *host;	  /* its name, of the record; NULL: the run is on one machine, and seen as it is */
	const struct fl_run *run; /* what is judged */
	struct fl_run *own;	  /* the same where it was made; borrows from the run; NULL: it was not */
	/* The numbers in the run of its cases and lanes; NULL where they are the same. */
	unsigned *cases;
	unsigned **lanes;
	size_t cases_n;

	struct fl_subjects subjects;
	struct fl_judgement *j;
};

/* One for each host, in their order; one in all of a run on one machine. The run must outlive them. -EINVAL: the record
 * contradicts itself. */
int fl_views_make(const struct fl_run *run, struct fl_view **ret, size_t *ret_n, struct fl_err *err);

/* ---- groups.c: lanes of all views that make one measurement
 * Which groups are on several hosts, before lanes are judged. */
void fl_find_groups(struct fl_view *views, size_t n);
/* What each lane that is a measurement has from the others of its group; and of those on several hosts their verdict.
 * After lanes were judged alone. */
void fl_join_groups(struct fl_view *views, size_t n);
/* Does what a lane of that rank measures leave its host? Else it arrives there. By its flows (feedline/bench.h). */
bool fl_payload_leaves(const struct fl_entry *e, const json_t *options, unsigned rank, bool each);

/* ---- carried.c: lanes that only memory kept from failing, again, where it carried more elsewhere in the run, on each
 * host its own. All lanes, judged alone and joined before. */
void fl_judge_carried(const struct fl_view *views, size_t n);

void fl_views_free(struct fl_view *views, size_t n); /* NULL allowed */

/* ---- merge.c: their judgements as one, which takes the views over, or frees what is not needed of them. */
struct fl_judgement *fl_views_merge(const struct fl_run *run, struct fl_view *views, size_t n);

/* ---- across.c: hosts held against each other, into j->hosts, across and odd_hosts. Lanes are those of all. */
void fl_across_find(const struct fl_run *run, struct fl_judgement *j);
void fl_across_release(struct fl_judgement *j);

#endif
