/* SPDX-License-Identifier: Apache-2.0 */
/* subjects.c: which lanes there are to judge: those of the plan in the record, each with its records in the order of
 * rounds. The record comes from a store that somebody may have changed, so everything is checked. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/parts.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limits that a benchmark states, reasons for distrust, and remarks, of one record; they are looked up by name. */
enum { TEXTS_MAX = 256 };

static int read_entries(const struct fl_run *run, struct fl_subjects *s, struct fl_err *err)
{
	const char *name;
	json_t *doc;

	s->entries = fl_zalloc(json_object_size(run->declared), sizeof(*s->entries));
	json_object_foreach(run->declared, name, doc)
	{
		int rc = fl_entry_read(doc, name, &s->entries[s->entries_n], err);

		if (rc < 0)
			return rc;
		s->entries_n++;
		if (strcmp(s->entries[s->entries_n - 1].name, name) != 0)
			return fl_fail(err, -EINVAL, "the declaration of '%s' is that of '%s'", name,
				       s->entries[s->entries_n - 1].name);
	}
	return 0;
}

static const struct fl_entry *find_entry(const struct fl_subjects *s, const char *name)
{
	for (size_t i = 0; i < s->entries_n; i++)
		if (strcmp(s->entries[i].name, name) == 0)
			return &s->entries[i];
	return NULL;
}

/* What follows "BENCH" in an entry of `require`: "" or ":metric"; NULL: it is of another benchmark. */
static const char *after_bench(const json_t *entry, const char *bench)
{
	const char *name = json_string_value(entry);
	size_t n = strlen(bench);

	return name && strncmp(name, bench, n) == 0 && (name[n] == 0 || name[n] == ':') ? name + n : NULL;
}

static bool is_required(const json_t *require, const char *bench)
{
	for (size_t i = 0; i < json_array_size(require); i++)
		if (after_bench(json_array_get(require, i), bench))
			return true;
	return false;
}

const char *fl_subject_requires_beside(const struct fl_subject *s, const char *metric)
{
	for (size_t i = 0; i < json_array_size(s->require); i++) {
		const char *rest = after_bench(json_array_get(s->require, i), s->bench);

		if (rest && rest[0] && strcmp(rest + 1, metric) != 0)
			return rest + 1;
	}
	return NULL;
}

/* A plan from before there were groups has lanes by themselves. */
static int read_group(const json_t *planned, const char *at, struct fl_subject *s, struct fl_err *err)
{
	uint64_t group = s->lane, rank = 0, size = 1;
	int rc = 0;

	if (json_object_get(planned, "group"))
		rc = fl_json_u64(planned, at, "group", FL_CASE_LANES_MAX, &group, err);
	if (rc == 0 && json_object_get(planned, "size"))
		rc = fl_json_u64(planned, at, "size", FL_CASE_LANES_MAX, &size, err);
	if (rc == 0 && json_object_get(planned, "rank"))
		rc = fl_json_u64(planned, at, "rank", FL_CASE_LANES_MAX, &rank, err);
	if (rc == 0 && rank >= size)
		rc = fl_fail(err, -EINVAL, "%s: a lane of rank %llu in a group of %llu", at, (unsigned long long)rank,
			     (unsigned long long)size);
	s->group = (unsigned)group;
	s->rank = (unsigned)rank;
	s->size = (unsigned)size;
	return rc;
}

static int add_subject(const struct fl_run *run, const json_t *planned, const char *at, struct fl_subject subject,
		       struct fl_subjects *s, struct fl_err *err)
{
	int rc = fl_json_text(planned, at, "bench", &subject.bench, err);

	if (rc == 0)
		rc = read_group(planned, at, &subject, err);
	if (rc < 0)
		return rc;
	subject.run = run;
	subject.machine = s->machine;
	subject.planned = planned;
	subject.required = s->bench || is_required(subject.require, subject.bench);
	subject.entry = find_entry(s, subject.bench);
	if (!subject.entry)
		return fl_fail(err, -EINVAL, "the record has no declaration of '%s'", subject.bench);
	s->items = fl_grow(s->items, s->n + 1, sizeof(*s->items));
	s->items[s->n++] = subject;
	return 0;
}

/* How the study of a case may end it; a plan of schema 1 does not say, and means that none does. */
static int read_ends(const json_t *doc, const char *at, bool finished, struct fl_subject *subject, struct fl_err *err)
{
	uint64_t least = subject->rounds, pass = 0;
	int rc = 0;

	if (json_object_get(doc, "rounds_least"))
		rc = fl_json_u64(doc, at, "rounds_least", subject->rounds, &least, err);
	if (rc == 0 && json_object_get(doc, "pass_rounds"))
		rc = fl_json_u64(doc, at, "pass_rounds", subject->rounds, &pass, err);
	subject->rounds_needed = finished ? (unsigned)least : subject->rounds;
	subject->pass_rounds = (unsigned)pass;
	return rc;
}

static int read_case(const struct fl_run *run, const json_t *require, const json_t *doc, unsigned case_no,
		     struct fl_subjects *s, struct fl_err *err)
{
	struct fl_subject subject = { .case_no = case_no, .require = require };
	uint64_t rounds = 0;
	json_t *lanes = NULL;
	char at[64];
	int rc;

	snprintf(at, sizeof(at), "plan.cases[%u]", case_no);
	rc = fl_json_text(doc, at, "label", &subject.label, err);
	if (rc == 0)
		rc = fl_json_u64(doc, at, "rounds", FL_ROUNDS_MAX, &rounds, err);
	if (rc == 0)
		rc = fl_json_array(doc, at, "lanes", FL_CASE_LANES_MAX, &lanes, err);
	if (rc == 0 && (rounds == 0 || json_array_size(lanes) == 0))
		rc = fl_fail(err, -EINVAL, "%s has no %s", at, rounds ? "lanes" : "rounds");
	s->slots += json_array_size(lanes) * rounds;
	if (rc == 0 && s->slots > FL_SLOTS_MAX)
		rc = fl_fail(err, -EINVAL, "the plan has more than %d measurements", FL_SLOTS_MAX);
	subject.rounds = (unsigned)rounds;
	subject.across = fl_json_text_or_null(doc, "across");
	if (rc == 0)
		rc = read_ends(doc, at, run->finished, &subject, err);
	subject.case_lanes = (unsigned)json_array_size(lanes);
	subject.alone = subject.case_lanes == 1;
	for (; subject.lane < json_array_size(lanes) && rc == 0; subject.lane++)
		rc = add_subject(run, json_array_get(lanes, subject.lane), at, subject, s, err);
	return rc;
}

static bool has_count(const struct fl_subject *s, const char *option, unsigned count)
{
	const char *text = fl_json_text_or_null(json_object_get(s->planned, "options"), option);
	uint64_t n;

	return text && fl_parse_count(text, &n, NULL) == 0 && n == count;
}

/* Is the whole case one measurement, all of it on one host? */
static bool is_one_group(const struct fl_subject *first)
{
	if (first->case_lanes != first->size)
		return false;
	for (unsigned i = 1; i < first->case_lanes; i++)
		if (first[i].group != first->group)
			return false;
	return true;
}

/* One benchmark that asks for several lanes makes its case, as one does that is measured by several; one of them alone
 * has no command. */
static void mark_groups(struct fl_subjects *s)
{
	for (size_t i = 0, end; i < s->n; i = end) {
		const struct fl_subject *first = &s->items[i];
		bool group = true;

		end = i + first->case_lanes;
		if (first->size > 1 && is_one_group(first))
			for (size_t k = i; k < end; k++)
				s->items[k].alone = true;
		if (!first->entry->lanes)
			continue;
		for (size_t k = i; k < end; k++)
			group &= s->items[k].entry == first->entry &&
				 has_count(&s->items[k], first->entry->lanes, first->case_lanes);
		for (size_t k = i; k < end; k++)
			s->items[k].alone = group;
	}
}

/* In studies of lanes beside each other a lane has, alone too, no other CPUs than beside the others: no `bench` would
 * give it those. Studies lie one after the other, which is checked where they are read (studies.c). */
static void mark_kept_places(const json_t *studies, struct fl_subjects *s)
{
	uint64_t end = 0;
	json_t *study;
	size_t i, k = 0;

	json_array_foreach(studies, i, study)
	{
		const char *kind = fl_json_text_or_null(study, "kind");
		bool kept = kind && (strcmp(kind, "solo") == 0 || strcmp(kind, "beside") == 0);

		end += (uint64_t)json_integer_value(json_object_get(study, "cases"));
		for (; k < s->n && s->items[k].case_no < end; k++)
			s->items[k].alone &= !kept;
	}
}

static int read_plan(const struct fl_run *run, struct fl_subjects *s, struct fl_err *err)
{
	json_t *cases, *require;
	int rc = fl_json_bool(run->plan, "plan", "required", &s->bench, err);

	if (rc == 0)
		rc = fl_json_array(run->plan, "plan", "require", FL_REQUIRE_MAX, &require, err);
	if (rc == 0)
		rc = fl_json_array(run->plan, "plan", "cases", FL_CASES_MAX, &cases, err);
	for (unsigned i = 0; rc == 0 && i < json_array_size(cases); i++)
		rc = read_case(run, require, json_array_get(cases, i), i, s, err);
	if (rc == 0)
		mark_groups(s);
	mark_kept_places(json_object_get(run->plan, "studies"), s);
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct fl_lane_record *x = *(const struct fl_lane_record *const *)a;
	const struct fl_lane_record *y = *(const struct fl_lane_record *const *)b;

	if (x->case_no != y->case_no)
		return x->case_no < y->case_no ? -1 : 1;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return x->round < y->round ? -1 : x->round > y->round;
}

static int check_series(const struct fl_subject *s, const struct fl_lane_record *record, struct fl_err *err)
{
	for (size_t i = 0; i < record->series_n; i++) {
		const struct fl_metric *m = s->entry->metrics;

		while (m->name && strcmp(m->name, record->series[i].metric) != 0)
			m++;
		if (!m->name)
			return fl_fail(err, -EINVAL, "a record of '%s' has the undeclared metric '%s'", s->bench,
				       record->series[i].metric);
	}
	return 0;
}

/* Record i in the sorted list belongs to this subject: is it one that can be? */
static int check_record(const struct fl_subject *s, const struct fl_lane_record *record,
			const struct fl_lane_record *before, struct fl_err *err)
{
	if (!record->bench || strcmp(record->bench, s->bench) != 0)
		return fl_fail(err, -EINVAL, "lane %u of case '%s' is '%s' in the plan and '%s' in the record", s->lane,
			       s->label, s->bench, record->bench ? record->bench : "");
	if (record->round >= s->rounds)
		return fl_fail(err, -EINVAL, "case '%s' has %u rounds and a record of round %u", s->label, s->rounds,
			       record->round + 1);
	if (before && before->round == record->round)
		return fl_fail(err, -EINVAL, "lane %u of case '%s' has two records of round %u", s->lane, s->label,
			       record->round + 1);
	if (json_array_size(record->caps) > TEXTS_MAX || json_array_size(record->distrust) > TEXTS_MAX ||
	    json_array_size(json_object_get(record->notes, "remarks")) > TEXTS_MAX)
		return fl_fail(err, -EINVAL,
			       "lane %u of case '%s' has a record with more than %d caps, reasons or remarks", s->lane,
			       s->label, TEXTS_MAX);
	return check_series(s, record, err);
}

/* Hands every record to its subject: both are in the order of case and lane. */
static int deal_records(const struct fl_run *run, struct fl_subjects *s, struct fl_err *err)
{
	size_t next = 0;

	s->sorted = fl_zalloc(run->lanes_n, sizeof(*s->sorted));
	for (size_t i = 0; i < run->lanes_n; i++)
		s->sorted[i] = &run->lanes[i];
	qsort(s->sorted, run->lanes_n, sizeof(*s->sorted), compare);
	for (size_t i = 0; i < s->n; i++) {
		struct fl_subject *subject = &s->items[i];

		subject->records = s->sorted + next;
		for (; next < run->lanes_n && s->sorted[next]->case_no == subject->case_no &&
		       s->sorted[next]->lane == subject->lane;
		     next++) {
			const struct fl_lane_record *before = subject->n ? s->sorted[next - 1] : NULL;
			int rc = check_record(subject, s->sorted[next], before, err);

			if (rc < 0)
				return rc;
			subject->n++;
		}
	}
	if (next < run->lanes_n)
		return fl_fail(err, -EINVAL, "a record is of lane %u of case %u, which the plan does not have",
			       s->sorted[next]->lane, s->sorted[next]->case_no);
	return 0;
}

/* A case is needed, or not, with all of its lanes. */
static void mark_needed(struct fl_subjects *s)
{
	for (size_t i = 0, end; i < s->n; i = end) {
		bool needed = s->items[i].rounds_needed > 0;

		for (end = i; end < s->n && s->items[end].case_no == s->items[i].case_no; end++)
			needed |= s->items[end].n > 0;
		for (size_t k = i; k < end; k++)
			s->items[k].needed = needed;
	}
}

int fl_subjects_make(const struct fl_run *run, struct fl_subjects *ret, struct fl_err *err)
{
	struct fl_subjects s = { 0 };
	int rc = fl_machine_read(run->machine, &s.machine, err);

	if (rc == 0)
		rc = read_entries(run, &s, err);
	if (rc == 0)
		rc = read_plan(run, &s, err);
	if (rc == 0)
		rc = deal_records(run, &s, err);
	if (rc < 0) {
		fl_subjects_release(&s);
		return rc;
	}
	mark_needed(&s);
	*ret = s;
	return 0;
}

void fl_subjects_release(struct fl_subjects *s)
{
	for (size_t i = 0; i < s->entries_n; i++)
		fl_entry_release(&s->entries[i]);
	free(s->entries);
	fl_machine_free(s->machine);
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].group_hosts);
		free(s->items[i].group_name);
	}
	free(s->items);
	free(s->sorted);
	*s = (struct fl_subjects){ 0 };
}
