/* SPDX-License-Identifier: Apache-2.0 */
/* record.c: the plain data of a run: making, growing and releasing it. */
#include "record/record.h"
#include "base/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const outcome_names[] = {
	[FL_MEASURED] = "measured",
	[FL_NOT_MEASURED] = "not measured",
	[FL_INVALID] = "invalid",
};

void fl_lane_record_init(struct fl_lane_record *lane)
{
	*lane = (struct fl_lane_record){
		.options = json_null(),
		.placement = json_null(),
		.facts = json_null(),
		.caps = json_null(),
		.distrust = json_null(),
		.notes = json_null(),
	};
}

struct fl_lane_record *fl_run_add_lane(struct fl_run *run)
{
	struct fl_lane_record *lane;

	run->lanes = fl_grow_to_hold(run->lanes, run->lanes_n, sizeof(*run->lanes));
	lane = &run->lanes[run->lanes_n++];
	fl_lane_record_init(lane);
	return lane;
}

int fl_series_make(const char *metric, enum fl_series_kind kind, size_t n, struct fl_series *ret)
{
	size_t metric_n = strlen(metric) + 1;
	double *block = malloc(n * (2 * sizeof(double) + 1) + metric_n); /* never empty, even for an empty series */

	if (!block)
		return -ENOMEM;
	*ret = (struct fl_series){ .kind = kind, .joined = true, .n = n, .at = block, .value = block + n };
	ret->valid = (uint8_t *)(block + 2 * n);
	ret->metric = (char *)ret->valid + n;
	memcpy(ret->metric, metric, metric_n);
	return 0;
}

static void release_series(struct fl_series *s)
{
	free(s->at);
	if (s->joined)
		return;
	free(s->metric);
	free(s->value);
	free(s->valid);
}

void fl_lane_record_release(struct fl_lane_record *lane)
{
	for (size_t i = 0; i < lane->series_n; i++)
		release_series(&lane->series[i]);
	free(lane->series);
	free(lane->bench);
	free(lane->reason);
	free(lane->hint);
	json_decref(lane->options);
	json_decref(lane->placement);
	json_decref(lane->facts);
	json_decref(lane->caps);
	json_decref(lane->distrust);
	json_decref(lane->notes);
	*lane = (struct fl_lane_record){ 0 };
}

struct fl_run_host *fl_run_add_host(struct fl_run *run, const char *name, json_t *machine, json_t *environment)
{
	run->hosts = fl_grow(run->hosts, run->hosts_n + 1, sizeof(*run->hosts));
	run->hosts[run->hosts_n] = (struct fl_run_host){ fl_dup(name), machine, environment };
	return &run->hosts[run->hosts_n++];
}

bool fl_run_host_equal(const struct fl_run_host *a, const struct fl_run_host *b)
{
	return strcmp(a->name, b->name) == 0 && json_equal(a->machine, b->machine) &&
	       json_equal(a->environment, b->environment);
}

void fl_run_host_release(struct fl_run_host *host)
{
	free(host->name);
	json_decref(host->machine);
	json_decref(host->environment);
	*host = (struct fl_run_host){ 0 };
}

void fl_run_release_results(struct fl_run *run)
{
	for (size_t i = 0; i < run->lanes_n; i++)
		fl_lane_record_release(&run->lanes[i]);
	for (size_t i = 0; i < run->watched_n; i++)
		fl_watched_release(&run->watched[i]);
	free(run->lanes);
	free(run->watched);
	run->lanes = NULL;
	run->watched = NULL;
	run->lanes_n = run->watched_n = 0;
}

void fl_run_free(struct fl_run *run)
{
	if (!run)
		return;
	for (size_t i = 0; i < run->hosts_n; i++)
		fl_run_host_release(&run->hosts[i]);
	free(run->hosts);
	fl_run_release_results(run);
	json_decref(run->plan);
	json_decref(run->machine);
	json_decref(run->environment);
	json_decref(run->declared);
	free(run);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_series(const struct fl_series *a, const struct fl_series *b)
{
	return a->kind == b->kind && a->n == b->n && strcmp(a->metric, b->metric) == 0 &&
	       (a->n == 0 || (memcmp(a->at, b->at, a->n * sizeof(*a->at)) == 0 &&
			      memcmp(a->value, b->value, a->n * sizeof(*a->value)) == 0 &&
			      (a->kind == FL_SERIES_HISTOGRAM || memcmp(a->valid, b->valid, a->n) == 0)));
}

static bool same_json(const struct fl_lane_record *a, const struct fl_lane_record *b)
{
	return json_equal(a->options, b->options) && json_equal(a->placement, b->placement) &&
	       json_equal(a->facts, b->facts) && json_equal(a->caps, b->caps) && json_equal(a->distrust, b->distrust) &&
	       json_equal(a->notes, b->notes);
}

bool fl_lane_record_equal(const struct fl_lane_record *a, const struct fl_lane_record *b)
{
	if (a->case_no != b->case_no || a->round != b->round || a->lane != b->lane || a->outcome != b->outcome ||
	    a->series_n != b->series_n || !same_text(a->bench, b->bench) || !same_text(a->reason, b->reason) ||
	    !same_text(a->hint, b->hint) || !same_json(a, b))
		return false;
	for (size_t i = 0; i < a->series_n; i++)
		if (!same_series(&a->series[i], &b->series[i]))
			return false;
	return true;
}

/* ---- what was seen beside cases */

struct fl_watched *fl_run_add_watched(struct fl_run *run)
{
	run->watched = fl_grow(run->watched, run->watched_n + 1, sizeof(*run->watched));
	run->watched[run->watched_n] = (struct fl_watched){ 0 };
	return &run->watched[run->watched_n++];
}

void fl_watched_release(struct fl_watched *w)
{
	release_series(&w->series);
	free(w->subject);
	*w = (struct fl_watched){ 0 };
}

int fl_watched_compare(const struct fl_watched *a, const struct fl_watched *b)
{
	int of_subject;

	if (a->round != b->round)
		return a->round < b->round ? -1 : 1;
	if (a->case_no != b->case_no)
		return a->case_no < b->case_no ? -1 : 1;
	of_subject = strcmp(a->subject, b->subject);
	return of_subject ? of_subject : strcmp(a->series.metric, b->series.metric);
}

bool fl_watched_equal(const struct fl_watched *a, const struct fl_watched *b)
{
	return fl_watched_compare(a, b) == 0 && same_series(&a->series, &b->series);
}

const char *fl_outcome_name(enum fl_outcome outcome)
{
	return outcome_names[outcome];
}

int fl_outcome_of(const char *name)
{
	for (size_t i = 0; i < sizeof(outcome_names) / sizeof(outcome_names[0]); i++)
		if (strcmp(outcome_names[i], name) == 0)
			return (int)i;
	return -1;
}
