/* SPDX-License-Identifier: Apache-2.0 */
/* studies.c: the studies of the plan in the record, their lanes, and who finds what in them. The record comes from a
 * store that somebody may have changed. */
#include "judge/studies.h"
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "judge/parts.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lanes of the judgement, case by case. */
struct lanes {
	const struct fl_judgement *j;
	size_t *first, cases_n; /* of case i: lanes [first[i], first[i + 1]) */
};

/* A study as the plan has it. */
struct study {
	const json_t *values;
	uint64_t first, cases_n;
	struct fl_study_result *result;
};

const struct fl_metric_summary *fl_speaking(const struct fl_lane_verdict *v)
{
	const struct fl_metric *speaker = v ? fl_entry_speaker(v->entry) : NULL;

	for (size_t i = 0; speaker && i < v->metrics_n; i++)
		if (strcmp(v->metrics[i].name, speaker->name) == 0)
			return &v->metrics[i];
	return NULL;
}

static struct lanes index_lanes(const struct fl_judgement *j, size_t cases_n)
{
	struct lanes l = { .j = j, .first = fl_zalloc(cases_n + 1, sizeof(*l.first)), .cases_n = cases_n };

	for (size_t i = 0, next = 0; i <= cases_n; i++) {
		while (next < j->lanes_n && j->lanes[next].case_no < i)
			next++;
		l.first[i] = next;
	}
	return l;
}

static size_t count(const struct lanes *l, uint64_t case_no)
{
	return l->first[case_no + 1] - l->first[case_no];
}

/* NULL: the study did not need that case. */
static const struct fl_lane_verdict *lane_of(const struct lanes *l, uint64_t case_no, size_t lane)
{
	return lane < count(l, case_no) ? &l->j->lanes[l->first[case_no] + lane] : NULL;
}

/* Of lanes that make a measurement together the one that is it; the first of the case. */
static const struct fl_lane_verdict *measurement_of(const struct lanes *l, uint64_t case_no)
{
	for (size_t i = 0; i < count(l, case_no); i++)
		if (!lane_of(l, case_no, i)->beside)
			return lane_of(l, case_no, i);
	return NULL;
}

static struct fl_study_point *add_point(struct fl_study_result *s, const struct fl_lane_verdict *lane,
					const struct fl_lane_verdict *base)
{
	const struct fl_metric_summary *m = fl_speaking(lane);
	struct fl_study_point *p;

	s->points = fl_grow(s->points, s->points_n + 1, sizeof(*s->points));
	p = &s->points[s->points_n++];
	*p = (struct fl_study_point){ .lane = lane,
				      .base = base,
				      .metric = m ? m->name : NULL,
				      .median = m ? m->of_rounds.median : (double)NAN,
				      .ratio = { .median = NAN, .low = NAN, .high = NAN },
				      .spread = NAN };
	return p;
}

char *fl_study_value(const struct fl_study_result *s, const struct fl_study_point *p)
{
	const struct fl_field *field = NULL;

	for (size_t i = 0; i < s->points_n && !field; i++)
		if (s->points[i].lane)
			field = fl_entry_field(s->points[i].lane->entry, s->option);
	return fl_field_show(field, p->value);
}

/* ---- which lanes belong together, by kind. false: the cases are not those of such a study. */

/* Every case is a value; the second one of A and B is held against the first. */
static bool add_values(const struct lanes *l, const struct study *s)
{
	bool ab = strcmp(s->result->kind, "ab") == 0;

	if (!s->result->option || json_array_size(s->values) != s->cases_n || (ab && s->cases_n != 2))
		return false;
	for (size_t i = 0; i < s->cases_n; i++) {
		const struct fl_lane_verdict *base = ab && i ? measurement_of(l, s->first) : NULL;

		add_point(s->result, measurement_of(l, s->first + i), base)->value =
			json_string_value(json_array_get(s->values, i));
		if (!s->result->points[i].value)
			return false;
	}
	return true;
}

/* The lanes of the last case, each of them alone before. */
static bool add_solo(const struct lanes *l, const struct study *s)
{
	uint64_t last = s->first + s->cases_n - 1;

	if (s->cases_n < 2 || count(l, last) != s->cases_n - 1)
		return false;
	for (size_t i = 0; i < s->cases_n - 1; i++)
		add_point(s->result, lane_of(l, last, i), lane_of(l, s->first + i, 0));
	return true;
}

static bool add_beside(const struct lanes *l, const struct study *s)
{
	if (s->cases_n != 2 || count(l, s->first + 1) < 2)
		return false;
	add_point(s->result, lane_of(l, s->first + 1, 0), lane_of(l, s->first, 0));
	return true;
}

/* Every measurement; what stands beside one would say the same again. */
static bool add_all(const struct lanes *l, const struct study *s)
{
	for (uint64_t i = s->first; i < s->first + s->cases_n; i++)
		for (size_t k = 0; k < count(l, i); k++)
			if (!lane_of(l, i, k)->beside)
				add_point(s->result, lane_of(l, i, k), NULL);
	return true;
}

/* Every lane of every case, with what its case is. */
static bool add_rungs(const struct lanes *l, const struct study *s)
{
	if (!s->result->option || json_array_size(s->values) != s->cases_n)
		return false;
	for (size_t i = 0; i < s->cases_n; i++) {
		const char *value = json_string_value(json_array_get(s->values, i));

		for (size_t k = 0; value && (k == 0 || k < count(l, s->first + i)); k++)
			add_point(s->result, lane_of(l, s->first + i, k), NULL)->value = value;
		if (!value)
			return false;
	}
	return true;
}

static void find_feed(struct fl_study_result *s)
{
	s->found = fl_dup(s->feed ? s->feed->headline : "it has no closed loop that was needed");
}

static const struct kind {
	const char *name;
	bool (*add)(const struct lanes *l, const struct study *s);
	void (*find)(struct fl_study_result *s);
} kinds[] = {
	{ "sweep", add_values, fl_study_find_knee },
	{ "solo", add_solo, fl_study_find_solo },
	{ "beside", add_beside, fl_study_find_beside },
	{ "ab", add_values, fl_study_find_ab },
	{ "calibration", add_all, fl_study_find_spread },
	{ "starvation", add_rungs, find_feed },
	{ "ladder", add_rungs, find_feed },
};

/* NULL: a kind that finds nothing beyond its lanes. */
static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* ---- the plan */

/* first: the case after those of the study before. */
static int read_study(const json_t *o, const char *at, const struct lanes *l, uint64_t first, struct study *ret,
		      struct fl_err *err)
{
	struct fl_study_result *r = ret->result;
	int rc = fl_json_text(o, at, "kind", &r->kind, err);

	if (rc == 0)
		rc = fl_json_text(o, at, "label", &r->label, err);
	if (rc == 0)
		rc = fl_json_u64(o, at, "first_case", FL_CASES_MAX, &ret->first, err);
	if (rc == 0)
		rc = fl_json_u64(o, at, "cases", FL_CASES_MAX, &ret->cases_n, err);
	if (rc == 0 && (ret->cases_n == 0 || ret->first != first || ret->cases_n > l->cases_n - first))
		rc = fl_fail(err, -EINVAL, "%s does not begin where the study before it ends", at);
	r->option = fl_json_text_or_null(o, "option");
	ret->values = json_object_get(o, "values");
	return rc;
}

/* Its lanes are all beside measurements, which other hosts have: the study is theirs. */
static bool is_of_others(const struct lanes *l, const struct study *s)
{
	size_t beside = 0;

	for (uint64_t i = s->first; i < s->first + s->cases_n; i++) {
		if (measurement_of(l, i))
			return false;
		beside += count(l, i);
	}
	return beside > 0;
}

/* first: as above; goes on to the next study. */
static int add_study(const json_t *o, const char *at, const struct lanes *l, uint64_t *first, struct fl_judgement *j,
		     struct fl_err *err)
{
	struct fl_study_result result = { 0 };
	struct study s = { .result = &result };
	const struct kind *kind;
	int rc = read_study(o, at, l, *first, &s, err);

	if (rc < 0)
		return rc;
	*first += s.cases_n;
	kind = find_kind(result.kind);
	if (!kind || is_of_others(l, &s))
		return 0;
	if (!kind->add(l, &s)) {
		free(result.points);
		return fl_fail(err, -EINVAL, "%s has not the cases of a study '%s'", at, kind->name);
	}
	for (size_t i = 0; i < j->feeds_n; i++)
		if (j->feeds[i].label == result.label) /* both are the plan's own text */
			result.feed = &j->feeds[i];
	kind->find(&result);
	j->studies = fl_grow(j->studies, j->studies_n + 1, sizeof(*j->studies));
	j->studies[j->studies_n++] = result;
	return 0;
}

int fl_find_studies(const struct fl_run *run, struct fl_judgement *j, struct fl_err *err)
{
	const json_t *studies = json_object_get(run->plan, "studies"); /* a plan of schema 1 has none */
	uint64_t first = 0;
	struct lanes l;
	char at[64];
	int rc = 0;

	if (json_array_size(studies) > FL_CASES_MAX)
		return fl_fail(err, -EINVAL, "the plan has more than %d studies", FL_CASES_MAX);
	l = index_lanes(j, json_array_size(json_object_get(run->plan, "cases")));
	for (size_t i = 0; i < json_array_size(studies) && rc == 0; i++) {
		snprintf(at, sizeof(at), "plan.studies[%zu]", i);
		rc = add_study(json_array_get(studies, i), at, &l, &first, j, err);
	}
	free(l.first);
	return rc;
}

void fl_studies_release(struct fl_judgement *j)
{
	for (size_t i = 0; i < j->studies_n; i++) {
		free(j->studies[i].points);
		free(j->studies[i].found);
	}
	free(j->studies);
}
