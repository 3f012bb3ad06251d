/* SPDX-License-Identifier: Apache-2.0 */
/* heard.h: what the watcher says (telemetry.h), read as hostile input and kept as series. Pure: the same messages give
 * the same series.
 *
 * What is kept is bounded: where a series, or all of them together, grow too long, every second sample of what there is
 * so far is given up. */
#ifndef FL_RUN_HEARD_H
#define FL_RUN_HEARD_H
#include "record/record.h"
#include "run/window.h"
#include <feedline/err.h>
#include <jansson.h>

enum { FL_HEARD_SUBJECTS_MAX = 4096, FL_HEARD_METRICS_MAX = 32, FL_HEARD_LOST_ROOM = 200 };

struct fl_heard_series {
	char metric[48];
	uint64_t *at_ns; /* CLOCK_MONOTONIC, rising */
	double *value;
	size_t n, room;
};
struct fl_heard_subject {
	char *id;
	struct fl_heard_series metrics[FL_HEARD_METRICS_MAX];
	size_t metrics_n;
};
struct fl_heard {
	struct fl_heard_subject *subjects;
	size_t subjects_n;
	size_t samples;		       /* in all series */
	char lost[FL_HEARD_LOST_ROOM]; /* the last: "gpu-0: nvmlDeviceGetPowerUsage has not returned for 5 s" */
};

void fl_heard_init(struct fl_heard *heard); /* with the subjects that every watcher has: "system", "feedline" */
/* Only of what it was told to watch may it speak. */
void fl_heard_expect(struct fl_heard *heard, const char *subject);
void fl_heard_clear(struct fl_heard *heard); /* its series; not its subjects */
void fl_heard_release(struct fl_heard *heard);

enum fl_said { FL_SAID_SERIES, FL_SAID_EVENT, FL_SAID_COST, FL_SAID_LOST, FL_SAID_READY, FL_SAID_QUIET };
/* Takes one message, at that time. -EPROTO: it cannot be true, and *err says why; a part of it may have been kept. */
int fl_heard_take(struct fl_heard *heard, const json_t *message, uint64_t now_ns, enum fl_said *ret,
		  struct fl_err *err);
/* One more sample of what the agent itself knows of a subject. */
void fl_heard_add(struct fl_heard *heard, const char *subject, const char *metric, uint64_t at_ns, double value);

/* Appends to the run what lies in the window or up to margin_ns beside it (of the cost: not before it), as series of
 * that case and round; of equal values one after the other the first and the last. By subject and metric. */
void fl_heard_collect(const struct fl_heard *heard, const struct fl_window *window, uint64_t margin_ns,
		      unsigned case_no, unsigned round, struct fl_run *run);

#endif
