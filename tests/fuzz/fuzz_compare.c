/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_compare.c: runs (run_in.h) from a store that anybody may have changed are held against each other: an object
 * with the lists "a" and "b", and "tolerance". Whatever they hold, a report comes out the same twice; what is not
 * compared is no pass; nothing moved against itself; and the other way round everything moved the other way. */
#include "judge/change.h"
#include "reports/reports.h"
#include "run_in.h"

enum { RUNS_MAX = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct runs {
	struct fl_evidence *items[RUNS_MAX];
	struct fl_side side;
};

static struct fl_evidence *evidence_of(const json_t *doc)
{
	struct fl_run *run = run_in(doc);
	struct fl_evidence *e = NULL;
	struct fl_judgement *j;
	struct fl_err err = { 0 };

	if (fl_judge(run, &j, &err) == 0) {
		char **names = fl_report_names(j);

		e = fl_evidence_make(run, j, names, 0);
		fl_report_free_names(names, j->lanes_n);
		fl_judgement_free(j);
	}
	fl_run_free(run);
	return e;
}

static void load(const json_t *docs, const char *name, struct runs *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(docs) && n < RUNS_MAX; i++) {
		ret->items[n] = evidence_of(json_array_get(docs, i));
		n += ret->items[n] ? 1 : 0;
	}
	ret->side = (struct fl_side){ name, (const struct fl_evidence *const *)ret->items, n };
}

static void release(struct runs *r)
{
	for (size_t i = 0; i < r->side.n; i++)
		fl_evidence_free(r->items[i]);
}

static void report(const struct fl_comparison *c)
{
	const struct fl_look look = { .width = 80 };

	for (const struct fl_renderer *r = fl_renderers; r->name; r++) {
		struct fl_text once = { 0 }, twice = { 0 };

		r->change(c, &look, &once);
		r->change(c, &look, &twice);
		if (once.n != twice.n || memcmp(once.bytes, twice.bytes, once.n) != 0)
			abort();
		fl_text_release(&once);
		fl_text_release(&twice);
	}
}

/* A lane that is refused, one without any number to compare, a metric that should decide and does not. */
static bool is_whole(const struct fl_lane_change *lane)
{
	bool compared = false;

	for (size_t i = 0; i < lane->metrics_n; i++) {
		const struct fl_metric_change *m = &lane->metrics[i];

		compared |= m->before.n && m->after.n;
		if (m->primary && (isnan(m->p) || m->verdict == FL_VERDICT_NOT_MEASURED))
			return false;
	}
	return compared && !lane->refused;
}

static void check_status(const struct fl_comparison *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (!is_whole(&c->lanes[i]) && c->status == FL_STATUS_PASS)
			abort();
	if (c->status == FL_STATUS_PASS && (c->regressed || !c->trustworthy))
		abort();
}

static void check_against_itself(const struct fl_side *side, const struct fl_noise *noise, double tolerance)
{
	struct fl_comparison *c;

	if (fl_compare(side, side, noise, tolerance, &c, NULL) < 0)
		return;
	if (c->regressed || c->improved)
		abort();
	fl_comparison_free(c);
}

static const struct fl_metric_change *find(const struct fl_comparison *c, const char *lane, const char *metric)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		for (size_t k = 0; k < c->lanes[i].metrics_n && !strcmp(c->lanes[i].name, lane); k++)
			if (!strcmp(c->lanes[i].metrics[k].metric, metric))
				return &c->lanes[i].metrics[k];
	return NULL;
}

/* A loss of 5 % is a gain of 5.3 % and the other way round, so that one of them may lie within the line. */
static void check_mirrored(const struct fl_metric_change *m, const struct fl_metric_change *back)
{
	if (back->primary != m->primary || back->better != m->better || m->moved == FL_MOVED_NOT)
		return;
	if (back->moved == m->moved)
		abort();
	if (back->moved == FL_MOVED_NOT && fabs(back->ratio.ratio - 1) > back->line * 1.000001 && m->p_adjusted < 0.049)
		abort();
}

static void check_other_way_round(const struct fl_comparison *c, const struct fl_noise *noise, double tolerance)
{
	struct fl_comparison *back;

	if (fl_compare(c->b, c->a, noise, tolerance, &back, NULL) < 0)
		abort();
	if (c->primary == back->primary) /* else they are corrected for another number of metrics */
		for (size_t i = 0; i < c->lanes_n; i++)
			for (size_t k = 0; k < c->lanes[i].metrics_n; k++) {
				const struct fl_metric_change *m = &c->lanes[i].metrics[k];
				const struct fl_metric_change *mirrored = find(back, c->lanes[i].name, m->metric);

				if (mirrored && mirrored->p == m->p)
					check_mirrored(m, mirrored);
			}
	fl_comparison_free(back);
}

static void compare(const struct runs *a, const struct runs *b, double tolerance)
{
	struct fl_noise *noise = fl_noise_make(a->side.runs, a->side.n);
	struct fl_comparison *c = NULL;
	struct fl_err err = { 0 };

	if (fl_compare(&a->side, &b->side, noise, tolerance, &c, &err) == 0) {
		report(c);
		check_status(c);
		check_other_way_round(c, noise, tolerance);
	} else if (!err.what[0]) {
		abort();
	}
	check_against_itself(&a->side, noise, tolerance);
	fl_comparison_free(c);
	fl_noise_free(noise);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fl_err err = { 0 };
	struct runs a = { 0 }, b = { 0 };
	double tolerance;
	json_t *doc;

	if (fl_json_parse((const char *)bytes, n, "runs", &doc, &err) < 0)
		return 0;
	tolerance = fl_json_number_or_nan(doc, "tolerance");
	load(json_object_get(doc, "a"), "A", &a);
	load(json_object_get(doc, "b"), "B", &b);
	if (a.side.n && b.side.n)
		compare(&a, &b, tolerance >= 0 && tolerance <= 1 ? tolerance : NAN);
	release(&a);
	release(&b);
	json_decref(doc);
	return 0;
}
