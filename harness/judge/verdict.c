/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c: what one lane means, over all its rounds. The first of these that applies: wrong data, invalid, not
 * measured, invalid placement, and only then what was measured. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "judge/loop.h"
#include "judge/parts.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct fl_lane_record *find_outcome(const struct fl_subject *s, enum fl_outcome outcome)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->records[i]->outcome == outcome)
			return s->records[i];
	return NULL;
}

static bool is_false(const json_t *o, const char *key)
{
	return json_is_false(json_object_get(o, key));
}

static const struct fl_lane_record *find_wrong_data(const struct fl_subject *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_false(s->records[i]->notes, "verified"))
			return s->records[i];
	return NULL;
}

static const struct fl_lane_record *find_misplaced(const struct fl_subject *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_false(s->records[i]->placement, "verified"))
			return s->records[i];
	return NULL;
}

/* "REASON", or "REASON (round 2 of 3)" where not every round was so: what the plan knew before is so in all of them. */
static char *in_round(const struct fl_subject *s, const struct fl_lane_record *record, const char *reason)
{
	unsigned rounds = s->run->finished ? (unsigned)s->n : s->rounds; /* its study may have ended it before */
	const char *skip = fl_json_text_or_null(s->planned, "skip");

	return s->rounds > 1 && !(skip && strcmp(skip, reason) == 0)
		       ? fl_format("%s (round %u of %u)", reason, record->round + 1, rounds)
		       : fl_dup(reason);
}

void fl_verdict_set(struct fl_lane_verdict *v, enum fl_verdict verdict, char *reason, const char *hint)
{
	char *copy = fl_dup(hint); /* which may be its own */

	free(v->reason);
	free(v->hint);
	v->verdict = verdict;
	v->reason = reason;
	v->hint = copy;
}

static void set_from(const struct fl_subject *s, const struct fl_lane_record *record, enum fl_verdict verdict,
		     const char *otherwise, struct fl_lane_verdict *v)
{
	fl_verdict_set(v, verdict, in_round(s, record, record->reason ? record->reason : otherwise), record->hint);
}

static bool has_numbers(const struct fl_lane_verdict *v)
{
	for (size_t i = 0; i < v->metrics_n; i++)
		if (v->metrics[i].of_rounds.n)
			return true;
	return v->metrics_n == 0;
}

static void judge_unrecorded(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	const char *skip = fl_json_text_or_null(s->planned, "skip");

	fl_verdict_set(v, FL_VERDICT_NOT_MEASURED, fl_dup(skip ? skip : "the run was interrupted"),
		       skip ? fl_json_text_or_null(s->planned, "hint") : "feedline run --resume goes on with it");
}

static void judge_records(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	const struct fl_lane_record *wrong = find_wrong_data(s), *misplaced = find_misplaced(s);
	const struct fl_lane_record *invalid = find_outcome(s, FL_INVALID), *missed = find_outcome(s, FL_NOT_MEASURED);

	if (wrong) {
		v->wrong_data = true;
		set_from(s, wrong, FL_FAIL, "wrong data", v);
	} else if (invalid) {
		set_from(s, invalid, FL_VERDICT_INVALID, "the record does not say why", v);
	} else if (missed) {
		set_from(s, missed, FL_VERDICT_NOT_MEASURED, "the record does not say why", v);
	} else if (misplaced) {
		const char *why = fl_json_text_or_null(misplaced->placement, "reason");

		fl_verdict_set(v, FL_VERDICT_INVALID,
			       in_round(s, misplaced, why ? why : "it was not where it should be"), NULL);
	} else if (v->beside) {
		fl_verdict_set(v, FL_UNJUDGED, fl_dup("another lane is the measurement"), NULL);
	} else if (!has_numbers(v)) {
		fl_verdict_set(v, FL_VERDICT_INVALID, fl_dup("no sample counts"), NULL);
	} else if (s->spans && !v->beside) {
		v->verdict = FL_UNJUDGED; /* until the hops of both hosts are known (groups.c) */
	} else {
		fl_hold_against_limits(s, v);
	}
}

/* How long the id of a device of the lane is that the text begins with; 0: it begins with none. */
static size_t length_of_device(const struct fl_lane_verdict *v, const char *text)
{
	for (const struct fl_field *f = v->entry->fields; f->name; f++) {
		const char *id = f->type == FL_DEVICE ? fl_json_text_or_null(v->options, f->name) : NULL;

		if (id && strncmp(text, id, strlen(id)) == 0)
			return strlen(id);
	}
	return 0;
}

/* A reason without its figures, which differ from round to round: "others took # % of it". The figures of a device's id
 * tell it from another, and stay. malloc'd. */
static char *without_figures(const struct fl_lane_verdict *v, const char *text)
{
	char *shape = fl_dup(text), *to = shape;

	for (const char *from = text; *from;) {
		size_t device = length_of_device(v, from);
		size_t figure = isdigit((unsigned char)*from) ? strspn(from, "0123456789.") : 0;

		if (device)
			memcpy(to, from, device);
		else
			*to = figure ? '#' : *from;
		to += device ? device : 1;
		from += device ? device : figure ? figure : 1;
	}
	*to = 0;
	return shape;
}

/* `once`: for every reason without its figures, the first text and how many others there were. */
static void collect_text(const struct fl_lane_verdict *v, json_t *once, const char *text)
{
	char *shape = without_figures(v, text);
	json_t *seen = json_object_get(once, shape);

	if (!seen)
		json_object_set_new(once, shape, json_pack("{s:s, s:i}", "text", text, "more", 0));
	else if (strcmp(fl_json_text_or_null(seen, "text"), text) != 0)
		json_object_set_new(seen, "more", json_integer(json_integer_value(json_object_get(seen, "more")) + 1));
	free(shape);
}

static const json_t *distrust_of(const struct fl_lane_record *record)
{
	return record->distrust;
}

static const json_t *remarks_of(const struct fl_lane_record *record)
{
	return json_object_get(record->notes, "remarks");
}

/* Every text once, over all rounds. There can be many, so they are neither compared one by one nor grown one by one. */
static size_t collect_texts(const struct fl_subject *s, const struct fl_lane_verdict *v,
			    const json_t *(*texts_of)(const struct fl_lane_record *), char ***ret)
{
	json_t *once = json_object();
	const char *shape;
	size_t n = 0;
	json_t *seen;

	for (size_t i = 0; i < s->n; i++) {
		const json_t *texts = texts_of(s->records[i]);

		for (size_t k = 0; s->records[i]->outcome == FL_MEASURED && k < json_array_size(texts); k++)
			if (json_is_string(json_array_get(texts, k)))
				collect_text(v, once, json_string_value(json_array_get(texts, k)));
	}
	*ret = fl_zalloc(json_object_size(once), sizeof(**ret));
	json_object_foreach(once, shape, seen)
	{
		const char *text = fl_json_text_or_null(seen, "text");
		long long more = json_integer_value(json_object_get(seen, "more"));

		(*ret)[n++] =
			more ? fl_format("%s (and much the same %lld more time%s)", text, more, more == 1 ? "" : "s")
			     : fl_dup(text);
	}
	json_decref(once);
	return n;
}

/* What a lane without a record would have been: options and placement as planned. */
static json_t *planned_options(const struct fl_subject *s)
{
	json_t *texts = json_object_get(s->planned, "options"), *value, *options = json_object();
	const char *name;

	json_object_foreach(texts, name, value)
	{
		const struct fl_field *field = fl_entry_field(s->entry, name);
		const char *text = json_string_value(value);

		if (text)
			json_object_set_new(options, name, field ? fl_field_json(field, text) : fl_json_string(text));
	}
	return options;
}

static json_t *planned_placement(const struct fl_subject *s)
{
	json_t *placement = json_object(), *node = json_object_get(s->planned, "node");

	json_object_set_new(placement, "cpus", fl_json_string(fl_json_text_or_null(s->planned, "cpus")));
	json_object_set_new(placement, "node", json_is_integer(node) ? json_incref(node) : json_null());
	json_object_set_new(placement, "verified", json_null());
	json_object_set_new(placement, "reason", json_string("not measured"));
	if (s->host)
		json_object_set_new(placement, "host", fl_json_string(s->host));
	return placement;
}

static void describe(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	const struct fl_lane_record *measured = find_outcome(s, FL_MEASURED);

	v->first = measured ? measured : s->n ? s->records[0] : NULL;
	v->options =
		v->first && json_is_object(v->first->options) ? json_incref(v->first->options) : planned_options(s);
	v->placement = v->first && json_is_object(v->first->placement) ? json_incref(v->first->placement)
								       : planned_placement(s);
}

/* How much of the window its device was at work; an older record knows only of the work that counts. */
static double busy_of(const struct fl_lane_record *record)
{
	double busy = fl_json_number_or_nan(record->notes, "device_busy_ratio");

	return isnan(busy) ? fl_json_number_or_nan(record->notes, "device_work_ratio") : busy;
}

/* Of lanes that are timed by a device; any other is at work all of the time. */
static double work_ratio(const struct fl_subject *s)
{
	double least = 1;

	for (size_t i = 0; i < s->n; i++)
		if (s->records[i]->outcome == FL_MEASURED)
			least = fmin(least, busy_of(s->records[i]));
	return fmax(least, 0);
}

static unsigned ran_in(const struct fl_subject *s, size_t i)
{
	double ran = fl_json_number_or_nan(s->records[i]->notes, "lanes_ran");

	return ran >= 1 && ran < s->case_lanes ? (unsigned)ran : s->case_lanes;
}

/* What more lanes do to each other is not what fewer do: such rounds do not make one figure. */
static void count_lanes(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	unsigned least = s->case_lanes, most = 0;

	for (size_t i = 0; i < s->n; i++) {
		unsigned ran = ran_in(s, i);

		if (s->records[i]->outcome != FL_MEASURED)
			continue;
		least = ran < least ? ran : least;
		most = ran > most ? ran : most;
	}
	v->case_lanes = s->case_lanes;
	v->lanes_ran = least;
	if (least >= most)
		return;
	v->distrust = fl_grow(v->distrust, v->distrust_n + 1, sizeof(*v->distrust));
	v->distrust[v->distrust_n++] = fl_format(
		"its rounds are not alike: in some %u lanes of its case ran together, in others %u", most, least);
}

void fl_judge_lane(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	*v = (struct fl_lane_verdict){ .case_no = s->case_no,
				       .lane = s->lane,
				       .bench = s->bench,
				       .label = s->label,
				       .across = s->across,
				       .entry = s->entry,
				       .required = s->required,
				       .rounds_done = (unsigned)s->n,
				       .rounds_planned = s->rounds,
				       .pass_rounds = s->pass_rounds,
				       .host_name = s->host,
				       .place = s->lane,
				       .group = s->group,
				       .rank = s->rank,
				       .size = s->size };
	fl_find_role(s, v);
	describe(s, v);
	fl_summarise(s, v);
	fl_find_path(s, v);
	v->distrust_n = collect_texts(s, v, distrust_of, &v->distrust);
	v->remarks_n = collect_texts(s, v, remarks_of, &v->remarks);
	count_lanes(s, v);
	v->overlap = fl_overlap(s->records, s->n);
	v->work_ratio = work_ratio(s);
	if (s->n == 0)
		judge_unrecorded(s, v);
	else
		judge_records(s, v);
}
