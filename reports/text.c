/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: a run and its judgement for people: the verdict in words, one line a lane, what else was measured, the
 * reasons, and how to read it. */
#include "base/json.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What every section works on. */
struct page {
	const struct fl_run *run;
	const struct fl_judgement *j;
	const struct fl_look *look;
	const struct fl_words *words;
	size_t width;
	struct fl_text *out;
};

/* A paragraph: its first line indented by `first`, the others by `rest`. */
static void add_paragraph(const struct page *p, const char *text, size_t first, size_t rest)
{
	char *clean = fl_report_clean(text);

	fl_text_add(p->out, "%*s", (int)first, "");
	fl_report_wrap(p->out, clean, first, rest, p->width);
	free(clean);
}

/* "unjudged: 5 lanes measured, 0 failed, 5 unjudged" */
static void add_verdict(const struct page *p)
{
	static const char *const words[] = {
		[FL_PASS] = "passed",
		[FL_FAIL] = "failed",
		[FL_INCONCLUSIVE] = "inconclusive",
		[FL_VERDICT_INVALID] = "invalid",
		[FL_VERDICT_NOT_MEASURED] = "not measured",
		[FL_UNJUDGED] = "unjudged",
	};
	const char *verdict = fl_verdict_name(p->j->verdict);
	const size_t *count = p->j->count;
	struct fl_text t = { 0 };
	size_t measured = count[FL_PASS] + count[FL_FAIL] + count[FL_INCONCLUSIVE] + count[FL_UNJUDGED];

	fl_text_add(p->out, "%s%s%s:", fl_report_colour(p->look, p->j->verdict), verdict, fl_report_plain(p->look));
	fl_text_add(&t, "%s%zu lane%s measured", p->j->interrupted ? "the run was interrupted; " : "", measured,
		    measured == 1 ? "" : "s");
	for (unsigned v = 0; v <= FL_UNJUDGED; v++)
		if (count[v] || v == FL_FAIL)
			fl_text_add(&t, ", %zu %s", count[v], words[v]);
	fl_text_add(&t, "%s", p->j->trustworthy ? "" : "; not trustworthy");
	fl_text_add(p->out, " ");
	fl_report_wrap(p->out, fl_text_str(&t), strlen(verdict) + 2, 2, p->width);
	fl_text_release(&t);
}

static void add_subject(const struct page *p)
{
	const char *suite = fl_json_text_or_null(p->run->plan, "suite");
	const char *host = fl_json_text_or_null(p->run->machine, "host");
	struct fl_text t = { 0 };
	char time[FL_TIME_TEXT];

	fl_text_add(&t, "%s on %s, %s, run %s", suite ? suite : "?", host ? host : "an unnamed host",
		    fl_report_time(time, p->run->started_ns), p->run->id);
	add_paragraph(p, fl_text_str(&t), 0, 2);
	fl_text_release(&t);
}

/* "storage.read block=4KiB" */
static void add_name(const struct page *p, const struct fl_lane_verdict *v, struct fl_text *out)
{
	char *name = fl_words_name(p->words, v);

	fl_text_add(out, "%s", name);
	free(name);
}

static void add_metric(const struct fl_metric_summary *m, struct fl_text *out)
{
	char shown[FL_UNIT_TEXT];
	bool histogram = !isnan(m->max);

	fl_text_add(out, "%s %s%s", m->name, histogram ? "p50 " : "",
		    fl_show_metric(shown, m->name, m->of_rounds.median));
	if (!histogram)
		return;
	fl_text_add(out, ", p99 %s", fl_show_metric(shown, m->name, m->p99));
	fl_text_add(out, ", p99.9 %s", fl_show_metric(shown, m->name, m->p999));
}

/* The metrics of a lane that the table has no room for. false: none. */
static bool list_further(const struct page *p, const struct fl_lane_verdict *v, struct fl_text *out)
{
	const struct fl_metric_summary *speaker = fl_report_speaker(v);
	size_t n = 0;

	add_name(p, v, out);
	for (size_t i = 0; i < v->metrics_n; i++) {
		if (&v->metrics[i] == speaker || v->metrics[i].of_rounds.n == 0)
			continue;
		fl_text_add(out, "%s ", n++ ? ";" : ":");
		add_metric(&v->metrics[i], out);
	}
	return n > 0;
}

static void add_further(const struct page *p)
{
	bool begun = false;

	for (size_t i = 0; i < p->j->lanes_n; i++) {
		struct fl_text t = { 0 };

		if (list_further(p, &p->j->lanes[i], &t)) {
			fl_text_add(p->out, "%s", begun ? "" : "\nalso measured\n");
			add_paragraph(p, fl_text_str(&t), 2, 6);
			begun = true;
		}
		fl_text_release(&t);
	}
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Lanes of one benchmark that mean the same for the same reason share one paragraph. */
static bool has_same_reason(const struct fl_lane_verdict *a, const struct fl_lane_verdict *b)
{
	return a->verdict == b->verdict && is_same(a->bench, b->bench) && is_same(a->reason, b->reason) &&
	       is_same(a->hint, b->hint);
}

/* How many lanes from i on share its reason; 0: an earlier one did. */
static size_t count_same(const struct fl_judgement *j, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < i; k++)
		if (has_same_reason(&j->lanes[k], &j->lanes[i]))
			return 0;
	for (size_t k = i; k < j->lanes_n; k++)
		n += has_same_reason(&j->lanes[k], &j->lanes[i]);
	return n;
}

/* A command stays on one line, so that it can be copied. */
static void add_hint(const struct page *p, const char *hint)
{
	struct page whole = *p;

	if (strstr(hint, "feedline "))
		whole.width = SIZE_MAX;
	add_paragraph(&whole, hint, 4, 4);
}

static void add_reason(const struct page *p, const struct fl_lane_verdict *v, size_t n)
{
	struct fl_text t = { 0 };

	fl_text_add(&t, "%s: ", fl_verdict_name(v->verdict));
	if (n == 1)
		add_name(p, v, &t);
	else
		fl_text_add(&t, "%s (%zu lanes)", v->bench, n);
	if (v->required && v->verdict != FL_FAIL && v->verdict != FL_VERDICT_INVALID &&
	    !json_is_true(json_object_get(p->run->plan, "required"))) /* all of a `bench` is */
		fl_text_add(&t, ", required by the suite");
	fl_text_add(&t, ": %s", v->reason);
	add_paragraph(p, fl_text_str(&t), 2, 4);
	if (v->hint)
		add_hint(p, v->hint);
	fl_text_release(&t);
}

static void add_distrust(const struct page *p, const struct fl_lane_verdict *v)
{
	for (size_t i = 0; i < v->distrust_n; i++) {
		struct fl_text t = { 0 };

		fl_text_add(&t, "not trustworthy: ");
		add_name(p, v, &t);
		fl_text_add(&t, ": %s", v->distrust[i]);
		add_paragraph(p, fl_text_str(&t), 2, 4);
		fl_text_release(&t);
	}
}

static void add_reasons(const struct page *p)
{
	bool begun = false;

	for (size_t i = 0; i < p->j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &p->j->lanes[i];
		size_t n = v->reason ? count_same(p->j, i) : 0;

		if (n == 0 && v->distrust_n == 0)
			continue;
		fl_text_add(p->out, "%s", begun ? "" : "\nwhy\n");
		begun = true;
		if (n)
			add_reason(p, v, n);
		add_distrust(p, v);
	}
}

static void add_legend(const struct page *p)
{
	unsigned rounds = 0;
	struct fl_text t = { 0 };

	for (size_t i = 0; i < p->j->lanes_n; i++)
		if (p->j->lanes[i].rounds_planned > rounds)
			rounds = p->j->lanes[i].rounds_planned;
	if (rounds > 1)
		fl_text_add(&t,
			    "Medians of up to %u rounds with fresh workers; intervals cover 95 %% from 6 rounds on and "
			    "are the extremes below that.",
			    rounds);
	else
		fl_text_add(&t,
			    "One round: medians and intervals are of the samples in it and say nothing about the next "
			    "round.");
	fl_text_add(&t, " Tolerance %.0f %%.", 100 * FL_TOLERANCE);
	if (p->j->count[FL_UNJUDGED])
		fl_text_add(&t, " Unjudged is measured, with nothing to hold it against: not a pass.");
	fl_text_add(p->out, "\n");
	add_paragraph(p, fl_text_str(&t), 0, 0);
	fl_text_release(&t);
}

void fl_report_text(const struct fl_run *run, const struct fl_judgement *j, const struct fl_look *look,
		    struct fl_text *out)
{
	struct fl_words *words = fl_words_make(j);
	const struct page p = { run, j, look, words, fl_report_width(look), out };

	add_verdict(&p);
	add_subject(&p);
	if (j->lanes_n) {
		fl_text_add(out, "\n");
		fl_report_table(j, words, look, out);
	}
	add_further(&p);
	add_reasons(&p);
	fl_files_list(fl_words_files(words), out);
	add_legend(&p);
	fl_words_free(words);
}
