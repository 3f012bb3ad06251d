/* SPDX-License-Identifier: Apache-2.0 */
/* collect.c: from tape and last message to the lane's record. Whatever a worker said is checked against its
 * declaration. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "record/series.h"
#include "run/case.h"
#include "run/steady.h"
#include "run/witness.h"
#include "run/witness_gpu.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FACT_MAX = 256, CAPS_MAX = 16, NAME_MAX_BYTES = 64 };

/* ---- series */

/* What was added between the two looks. A worker that takes counts back gets none. */
static void clip_hist(const struct fl_case_lane *lane, uint32_t i, struct fl_hist *ret)
{
	const struct fl_hist *from = &lane->hists_from[i], *to = &lane->hists_to[i];

	for (unsigned b = 0; b < FL_HIST_BUCKETS; b++)
		ret->count[b] = to->count[b] > from->count[b] ? to->count[b] - from->count[b] : 0;
}

static void add_series(const struct fl_case *c, const struct fl_case_lane *lane, const struct fl_track *tracks,
		       struct fl_lane_record *record)
{
	const struct fl_window w = fl_case_window(c, lane);
	size_t slices = fl_window_slices(tracks, lane->threads, &w, c->step_ns), given = 0;
	uint32_t given_n = fl_tape_shape(lane->tape)->given, hist = 0;
	struct fl_hist *merged = fl_zalloc(1, sizeof(*merged));

	for (const struct fl_metric *m = lane->entry->metrics; m->name; m++) {
		struct fl_series s = { .metric = fl_dup(m->name) };

		if (m->from == FL_DISTRIBUTION) {
			clip_hist(lane, hist++, merged);
			fl_window_histogram(merged, &s);
		} else if (m->from == FL_GIVEN)
			fl_window_given(tracks, lane->threads, &w, given_n, given++, &s);
		else
			fl_window_rates(tracks, lane->threads, &w, slices, m->from, &s);
		record->series = fl_grow(record->series, record->series_n + 1, sizeof(*record->series));
		record->series[record->series_n++] = s;
	}
	free(merged);
}

/* ---- what the worker stated */

static void set_facts(const struct fl_case_lane *lane, struct fl_lane_record *record)
{
	const json_t *said = json_object_get(lane->done, "facts");

	for (const struct fl_fact *f = lane->entry->facts; f->name; f++) {
		const char *value = fl_json_text_or_null(said, f->name);

		json_object_set_new(record->facts, f->name,
				    fl_json_string(value && strlen(value) < FACT_MAX ? value : NULL));
	}
}

static void set_caps(const struct fl_case_lane *lane, struct fl_lane_record *record)
{
	const json_t *said = json_object_get(lane->done, "caps");

	for (size_t i = 0; i < json_array_size(said) && i < CAPS_MAX; i++) {
		const json_t *cap = json_array_get(said, i);
		const char *hop = fl_json_text_or_null(cap, "hop"), *origin = fl_json_text_or_null(cap, "origin");
		double rate = fl_json_number_or_nan(cap, "cap_bytes_per_s");

		if (!hop || !origin || strlen(hop) > NAME_MAX_BYTES || strlen(origin) > NAME_MAX_BYTES || !(rate > 0))
			continue;
		json_array_append_new(record->caps, json_pack("{s:s, s:o, s:s, s:n}", "hop", hop, "cap_bytes_per_s",
							      fl_json_number(rate), "origin", origin, "reason"));
	}
}

/* CPUs and node are those of the plan; whether the lane really was there is what the worker read back. */
static void set_placement(const struct fl_case_lane *lane, struct fl_lane_record *record)
{
	const json_t *said = json_object_get(lane->done, "placement");
	const json_t *verified = json_object_get(said, "verified");
	struct fl_text cpus = { 0 };

	fl_cpus_format(&lane->plan->cpus, &cpus);
	json_object_set_new(record->placement, "cpus", json_string(fl_text_str(&cpus)));
	json_object_set_new(record->placement, "node",
			    lane->plan->node < 0 ? json_null() : json_integer(lane->plan->node));
	json_object_set_new(record->placement, "verified",
			    json_is_boolean(verified) ? json_boolean(json_is_true(verified)) : json_null());
	json_object_set_new(record->placement, "reason", fl_json_string(fl_json_text_or_null(said, "reason")));
	fl_text_release(&cpus);
}

static void set_options(const struct fl_case_lane *lane, struct fl_lane_record *record)
{
	for (size_t i = 0; i < lane->plan->options_n; i++) {
		const struct fl_option *o = &lane->plan->options[i];
		const struct fl_field *f = fl_entry_field(lane->entry, o->name);

		json_object_set_new(record->options, o->name, f ? fl_field_json(f, o->text) : fl_json_string(o->text));
	}
}

/* ---- outcome */

/* Never without a reason, also where a worker gave none. */
static void set_outcome(struct fl_lane_record *record, enum fl_outcome outcome, const char *reason, const char *hint)
{
	record->outcome = outcome;
	free(record->reason);
	free(record->hint);
	record->reason = fl_dup(reason && *reason ? reason : "the worker does not say why");
	record->hint = fl_dup(hint && *hint ? hint : NULL);
}

static void distrust(struct fl_lane_record *record, char *reason)
{
	json_array_append_new(record->distrust, fl_json_string(reason));
	free(reason);
}

/* A lane that only says what the harness costs has nothing that could mislead. */
static bool has_direction(const struct fl_entry *entry)
{
	for (const struct fl_metric *m = entry->metrics; m->name; m++)
		if (m->better != FL_NEITHER)
			return true;
	return false;
}

/* The largest share of the window, at its end, of which it is not known what a thread did. It counted as nothing. */
static double uncovered_share(const struct fl_case *c, const struct fl_case_lane *lane)
{
	double length_ns = (double)(c->window.to_ns - c->window.from_ns), worst = 0;

	for (uint32_t t = 0; t < lane->threads; t++) {
		uint64_t covered_ns = fl_case_covered_ns(c, lane, t);

		if (covered_ns < c->window.to_ns)
			worst = fmax(worst, (double)(c->window.to_ns - covered_ns) / length_ns);
	}
	return worst > 1 ? 1 : worst;
}

/* By the first rate that has a direction: bytes, where there are some. */
static void distrust_unsteady(const struct fl_entry *entry, struct fl_lane_record *record)
{
	for (const struct fl_metric *m = entry->metrics; m->name; m++) {
		char *reason = NULL;

		if (m->better == FL_NEITHER || (m->from != FL_RATE_BYTES && m->from != FL_RATE_OPS))
			continue;
		reason = fl_steady_judge(fl_record_series(record, m->name));
		if (reason)
			distrust(record, reason);
		return;
	}
}

/* Below it a rate by the clock of a device says more than the tolerance (judge/judge.h) above what there was. */
static const double least_work_ratio = 0.95;

/* What lies between the steps of a device is left out of its rate, and so is what it did not do to the lanes beside
 * it. What it did to them without counting it is no gap. */
static void distrust_gaps(const struct fl_case *c, struct fl_lane_record *record)
{
	double ratio = fl_json_number_or_nan(record->notes, "device_busy_ratio");

	if (c->lanes_n > 1 && ratio < least_work_ratio)
		distrust(record,
			 fl_format("its device was at work in %.0f %% of the window only: the lanes of the case "
				   "did not load each other all of the time",
				   100 * ratio));
}

/* Large pieces are queued in no time: a device that says that it was at work in much less than the window with them has
 * a clock that tells less than went by, or a host that stalls. (An H200: 0.93 and more of the window from 16 MiB
 * on.) */
static void distrust_clock(const struct fl_case_lane *lane, const struct fl_clip *clip, struct fl_lane_record *record)
{
	const double large_bytes = 16 << 20, least = 0.6;
	double ratio = fl_json_number_or_nan(record->notes, "device_busy_ratio");

	if (lane->entry->device_clock && clip->bytes >= large_bytes * clip->ops && ratio < least)
		distrust(record,
			 fl_format("by its own clock its device was at work in %.0f %% of the window only, with pieces "
				   "of %.0f MiB: that clock, or the host that starts them, is slow",
				   100 * ratio, clip->bytes / clip->ops / (1 << 20)));
}

/* What its GPUs did, and which of its samples that touches. */
static void distrust_gpus(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_lane_record *record)
{
	json_t *remarks = json_array();
	struct fl_spans spans = { .n = 0 };
	size_t marked;

	fl_gpus_judge(c, lane, record->distrust, remarks, &spans);
	marked = fl_spans_mark(&spans, record);
	if (marked)
		json_object_set_new(record->notes, "marked_samples", json_integer((json_int_t)marked));
	if (json_array_size(remarks))
		json_object_set(record->notes, "remarks", remarks);
	json_decref(remarks);
}

/* Of the whole of it, which is beside the case, too. */
static bool were_users_seen(const struct fl_case *c, const struct fl_gpu *gpu)
{
	for (size_t i = 0; i < c->watched_n; i++)
		if (!strcmp(c->watched[i].subject, gpu->parent ? gpu->parent : gpu->id) &&
		    !strcmp(c->watched[i].series.metric, "other_processes"))
			return true;
	return false;
}

/* What the machine knew of a GPU before the run: others that use it, where the user wants it measured all the same;
 * that nobody knows; and memory that failed. */
static void distrust_gpu(const struct fl_case *c, const struct fl_gpu *gpu, struct fl_lane_record *record)
{
	const struct fl_machine *m = c->agent->machine;
	const struct fl_gpu *whole = gpu->parent ? fl_gpu_of(m, gpu->parent) : gpu;
	char *users = fl_gpu_users(gpu);

	if (users)
		distrust(record, users);
	else if (gpu->processes.why && !were_users_seen(c, gpu))
		distrust(record, fl_format("users of %s are not known: %s", gpu->id, gpu->processes.why));
	if (whole && !whole->pending_repairs.why && whole->pending_repairs.value > 0)
		distrust(record, fl_format("memory of %s has failed and waits for a reset to be replaced", whole->id));
}

static void distrust_state(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_lane_record *record)
{
	const char *ids[FL_LANE_GPUS_MAX];
	size_t n = fl_lane_gpus(lane->plan, lane->entry, ids);

	for (size_t i = 0; i < n; i++) {
		const struct fl_gpu *gpu = fl_gpu_of(c->agent->machine, ids[i]);

		if (gpu)
			distrust_gpu(c, gpu, record);
	}
}

static void set_distrust(const struct fl_case *c, const struct fl_case_lane *lane, double spoilt, double steps,
			 struct fl_lane_record *record)
{
	const struct fl_limits *limits = &c->agent->machine->limits;
	unsigned cpus = fl_cpus_count(&lane->plan->cpus);
	double uncovered = uncovered_share(c, lane);

	if (c->agent->changed)
		distrust(record, fl_format("%s", c->agent->changed));
	if (!has_direction(lane->entry))
		return;
	json_object_set_new(record->notes, "witnesses", fl_moments_judge(c, lane, record->distrust));
	distrust_gpus(c, lane, record);
	if (!lane->entry->whole) /* which is asked for its work, not for a rate that lasts */
		distrust_unsteady(lane->entry, record);
	if (lane->plan->shares_cpus && c->lanes_n > 1) /* alone it is what was asked for, and disturbs nobody */
		distrust(record, fl_format("the lanes of the case have more threads than CPUs and take turns"));
	if (limits->cpu_quota.value < cpus)
		distrust(record, fl_format("the cgroup gives %.2f CPUs' worth of time for %u CPUs",
					   limits->cpu_quota.value, cpus));
	if (json_is_null(json_object_get(record->placement, "verified")))
		distrust(record, fl_format("placement could not be verified"));
	if (spoilt > 0.1 * steps)
		distrust(record, fl_format("%.0f of %.0f steps were spoilt", spoilt, steps));
	if (lane->tape_full)
		distrust(record, fl_format("its tape was full after %.2f s, which ended the measurement",
					   (double)(c->window.to_ns - c->window.from_ns) / 1e9));
	distrust_gaps(c, record);
	distrust_state(c, lane, record);
	if (uncovered > 0.05)
		distrust(record,
			 fl_format("a thread finished no step in the last %.0f %% of the window", 100 * uncovered));
}

/* How much of the window the lane's device was at work: so that it counts, and at all. */
static void note_work(const struct fl_case *c, const struct fl_case_lane *lane, const struct fl_track *tracks,
		      json_t *notes)
{
	double length_ns = (double)(c->window.to_ns - c->window.from_ns);
	double work_ns = fl_window_work_ns(tracks, lane->threads, &c->window);
	double busy_ns = fl_window_busy_ns(tracks, lane->threads, &c->window);

	json_object_set_new(notes, "device_work_ratio", fl_json_number(work_ns / length_ns));
	json_object_set_new(notes, "device_busy_ratio", fl_json_number(busy_ns / length_ns));
}

static void set_notes(const struct fl_case *c, const struct fl_case_lane *lane, const struct fl_track *tracks,
		      double spoilt, double steps, struct fl_lane_record *record)
{
	const json_t *verified = json_object_get(lane->done, "verified");
	double dropped = 0;

	for (uint32_t t = 0; t < lane->threads; t++)
		dropped += (double)fl_tape_dropped(lane->tape, t);
	json_object_set_new(record->notes, "window_ns", fl_json_number((double)(c->window.to_ns - c->window.from_ns)));
	json_object_set_new(record->notes, "warm_ns", fl_json_number((double)c->warm_ns));
	json_object_set_new(record->notes, "ended", fl_json_string(c->ended));
	json_object_set_new(record->notes, "threads", json_integer(lane->threads));
	json_object_set_new(record->notes, "steps", fl_json_number(steps));
	json_object_set_new(record->notes, "spoilt", fl_json_number(spoilt));
	json_object_set_new(record->notes, "dropped", fl_json_number(dropped));
	if (lane->entry->device_clock)
		note_work(c, lane, tracks, record->notes);
	if (c->out_n)
		json_object_set_new(record->notes, "lanes_ran", json_integer((json_int_t)c->lanes_n));
	if (c->unwatched)
		json_object_set_new(record->notes, "telemetry", fl_json_string(c->unwatched));
	json_object_set_new(record->notes, "verified",
			    json_is_boolean(verified) ? json_boolean(json_is_true(verified)) : json_null());
}

static void count_steps(const struct fl_track *tracks, size_t n, double *steps, double *spoilt)
{
	*steps = *spoilt = 0;
	for (size_t t = 0; t < n; t++) {
		*steps += (double)tracks[t].n;
		for (size_t i = 0; i < tracks[t].n; i++)
			*spoilt += tracks[t].steps[i].spoilt != 0;
	}
}

/* ---- the whole */

/* What was moved is not what arrived. */
static void set_wrong_data(const struct fl_case_lane *lane, enum fl_outcome outcome, struct fl_lane_record *record)
{
	const char *found = fl_json_text_or_null(lane->done, "what");
	char *reason = fl_format("wrong data: %s", found ? found : "the benchmark does not say what it found");

	set_outcome(record, outcome, reason, fl_json_text_or_null(lane->done, "hint"));
	free(reason);
}

/* A lane that came to its end: what it measured, and whether that may count. */
static void collect_done(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_lane_record *record)
{
	struct fl_err err = { 0 };
	struct fl_track *tracks = fl_case_tracks(lane, &err);
	double steps, spoilt;

	if (!tracks) {
		set_outcome(record, FL_INVALID, err.what, "the worker wrote impossible step records");
		return;
	}
	count_steps(tracks, lane->threads, &steps, &spoilt);
	add_series(c, lane, tracks, record);
	set_notes(c, lane, tracks, spoilt, steps, record);
	fl_case_set_amplified(c, lane, record->facts);
	if (json_is_false(json_object_get(record->placement, "verified")))
		set_outcome(record, FL_INVALID, fl_json_text_or_null(record->placement, "reason"),
			    "the lane did not run where it was placed, so its numbers belong to another path");
	else if (json_is_false(json_object_get(lane->done, "verified")))
		set_wrong_data(lane, FL_MEASURED, record);
	else if (fl_window_clip(tracks, lane->threads, &c->window).ops <= 0)
		set_outcome(record, FL_NOT_MEASURED, "no step that counts finished in the window",
			    "measure for longer (--duration)");
	else if (fl_case_refuse_cached(c, lane, record->facts, &err) < 0)
		set_outcome(record, FL_INVALID, err.what, err.hint);
	else {
		struct fl_clip clip = fl_window_clip(tracks, lane->threads, &c->window);

		distrust_clock(lane, &clip, record);
		set_distrust(c, lane, spoilt, steps, record);
	}
	fl_case_free_tracks(tracks, lane->threads);
}

/* Its numbers are not those of the case, which lacked the other lane; that its data is wrong stays true. */
static void collect_beside(const struct fl_case_lane *lane, const struct fl_case_lane *beside,
			   struct fl_lane_record *record)
{
	char *reason;

	if (json_is_false(json_object_get(lane->done, "verified"))) {
		json_object_set_new(record->notes, "verified", json_false());
		set_wrong_data(lane, FL_NOT_MEASURED, record);
		return;
	}
	reason = fl_format("a lane of the same %s failed: %s: %s", fl_group_same(lane, beside) ? "group" : "case",
			   beside->plan->bench, beside->err.what);
	set_outcome(record, FL_NOT_MEASURED, reason, beside->err.hint);
	free(reason);
}

/* Wrong data that was found before anything was measured, or instead of it: no numbers, and a verdict all the same. */
static void collect_failed(const struct fl_case_lane *lane, struct fl_lane_record *record)
{
	char *wrong = lane->err.code == -EBADMSG ? fl_format("wrong data: %s", lane->err.what) : NULL;

	if (wrong)
		json_object_set_new(record->notes, "verified", json_false());
	set_outcome(record, lane->invalid ? FL_INVALID : FL_NOT_MEASURED, wrong ? wrong : lane->err.what,
		    lane->err.hint);
	free(wrong);
}

void fl_case_collect(const struct fl_case *c, const struct fl_case_lane *lane, const struct fl_case_lane *beside,
		     struct fl_lane_record *record)
{
	record->case_no = c->at.case_no;
	record->round = c->at.round;
	record->lane = fl_case_number(c, lane);
	record->bench = fl_dup(lane->plan->bench);
	record->options = json_object();
	record->placement = json_object();
	record->facts = json_object();
	record->caps = json_array();
	record->distrust = json_array();
	record->notes = json_object();
	set_options(lane, record);
	set_placement(lane, record);
	set_facts(lane, record);
	set_caps(lane, record);
	if (lane->state == FL_LANE_FAILED)
		collect_failed(lane, record);
	else if (beside)
		collect_beside(lane, beside, record);
	else
		collect_done(c, lane, record);
}
