/* SPDX-License-Identifier: Apache-2.0 */
/* watched.h: what was seen beside the cases of a run as one figure for each metric of each device, over all cases and
 * rounds. For beside.c and beside_hosts.c. */
#ifndef FL_REPORTS_WATCHED_H
#define FL_REPORTS_WATCHED_H
#include "base/units.h"
#include "record/record.h"
#include <stdbool.h>

/* Of one metric of one device: the medians of its series, and over all of them the extremes. */
struct fl_figure {
	const char *metric;
	double *medians;
	size_t n;
	double low, high, sum, rose;
	double last; /* of an event: its number */
};

/* A device, or feedline itself, of whose cost there are figures, too. */
struct fl_device_seen {
	const char *id;	    /* as it is recorded: "n3/nvme-S1" on one of several hosts */
	const char *device; /* the end of it, without the host */
	size_t host;	    /* its number; 0 on one machine */
	bool is_own;	    /* feedline */
	struct fl_figure *figures;
	size_t n;
};

struct fl_beside {
	struct fl_device_seen *devices;
	size_t n;
};

/* Borrows from the run. */
struct fl_beside fl_beside_collect(const struct fl_run *run);
void fl_beside_release(struct fl_beside *b);

const struct fl_figure *fl_beside_get(const struct fl_device_seen *d, const char *metric); /* NULL: none */
double fl_figure_median(const struct fl_figure *f);

/* How a metric is shown to people, in the order in which they read them. */
enum fl_figure_form { FL_RANGE, FL_AS_IT_IS, FL_ROSE, FL_EVENT };
struct fl_figure_words {
	const char *metric;
	const char *name;  /* "GPU temperature" */
	const char *words; /* where the device has been named: "at" */
	const char *unit;  /* NULL: by the metric's name */
	double scale;
	double least; /* what is not above it says nothing */
	enum fl_figure_form form;
	bool low_is_bad; /* a device that has less than the others is the one to look at */
};
extern const struct fl_figure_words fl_figure_words[]; /* ended by a zeroed row */
const char *fl_figure_show(char buf[FL_UNIT_TEXT], const struct fl_figure_words *words, double value);

/* What watching cost: of several hosts the most, and all calls. */
struct fl_watching_cost {
	double cpu_ratio, longest_ns, calls;
	size_t cpu_host, longest_host;
};
bool fl_beside_cost(const struct fl_beside *b, struct fl_watching_cost *ret); /* false: nothing says */

#endif
