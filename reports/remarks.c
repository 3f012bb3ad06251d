/* SPDX-License-Identifier: Apache-2.0 */
/* remarks.c: sentences about lanes: their further metrics, the reasons for their verdicts, and what to do. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fl_remark *fl_section_add(struct fl_section *s, struct fl_remark remark)
{
	s->remarks = fl_grow(s->remarks, s->remarks_n + 1, sizeof(*s->remarks));
	s->remarks[s->remarks_n] = remark;
	return &s->remarks[s->remarks_n++];
}

void fl_remark_advise(struct fl_remark *r, char *words, char *command)
{
	r->advice = fl_grow(r->advice, r->advice_n + 1, sizeof(*r->advice));
	r->advice[r->advice_n].words = words;
	r->advice[r->advice_n++].command = command;
}

void fl_section_release(struct fl_section *s)
{
	for (size_t i = 0; i < s->remarks_n; i++) {
		struct fl_remark *r = &s->remarks[i];

		for (size_t k = 0; k < r->advice_n; k++) {
			free(r->advice[k].words);
			free(r->advice[k].command);
		}
		free(r->advice);
		free(r->kind);
		free(r->subject);
		free(r->aside);
		free(r->text);
	}
	free(s->remarks);
	fl_table_release(&s->table);
	free(s->of);
	*s = (struct fl_section){ 0 };
}

/* ---- further metrics */

static void add_metric(const struct fl_metric_summary *m, struct fl_text *out)
{
	char shown[FL_UNIT_TEXT];
	bool histogram = !isnan(m->max);

	fl_text_add(out, "%s%s %s%s", out->n ? "; " : "", m->name, histogram ? "p50 " : "",
		    fl_show_metric(shown, m->name, m->of_rounds.median));
	if (!histogram)
		return;
	fl_text_add(out, ", p99 %s", fl_show_metric(shown, m->name, m->p99));
	fl_text_add(out, ", p99.9 %s", fl_show_metric(shown, m->name, m->p999));
	fl_text_add(out, ", p99.99 %s", fl_show_metric(shown, m->name, m->p9999));
}

/* What another lane is held against; and of many closed loops what their own table sums up. */
static bool is_evidence(const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	return v->evidence_only || (j->feeds_n > 1 && v->feed);
}

struct fl_section fl_section_further(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_section s = { .title = "also measured", .indent = 6 };

	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];
		const struct fl_metric_summary *speaker = fl_report_speaker(v);
		struct fl_text t = { 0 };

		for (size_t k = 0; !is_evidence(j, v) && !fl_report_is_quiet(v) && k < v->metrics_n; k++)
			if (&v->metrics[k] != speaker && v->metrics[k].of_rounds.n)
				add_metric(&v->metrics[k], &t);
		if (t.n)
			fl_section_add(&s, (struct fl_remark){ .subject = fl_words_name(w, v),
							       .text = fl_report_clean(fl_text_str(&t)) });
		fl_text_release(&t);
	}
	return s;
}

/* ---- reasons */

/* "run it alone: feedline bench null.nop" is words and a command, anything else words alone. */
static void add_hint(struct fl_remark *r, const char *hint)
{
	const char *colon = strstr(hint, ": feedline ");
	char *clean = fl_report_clean(hint);

	fl_remark_advise(r, clean, colon ? fl_dup(clean + (colon - hint) + 2) : NULL);
	if (colon)
		clean[colon - hint] = 0;
}

/* What else a fail says: the evidence, and the commands that show it. */
static void add_proof(struct fl_remark *r, const struct fl_lane_verdict *v)
{
	char rate[FL_UNIT_TEXT];

	if (v->verdict != FL_FAIL)
		return;
	for (size_t i = 0; i < v->evidence_n; i++)
		fl_remark_advise(r, fl_report_clean(v->evidence[i]), NULL);
	if (v->again)
		fl_remark_advise(r, fl_format("again, %s", v->again_when), fl_report_clean(v->again));
	if (v->peer.command)
		fl_remark_advise(r,
				 fl_format("the same with %s, whose '%s' should be about %s", v->peer.tool,
					   v->peer.prints, fl_show_rate(rate, v->peer.expect_bytes_per_s)),
				 fl_report_clean(v->peer.command));
}

static bool must_be_more(const struct fl_run *run, const struct fl_lane_verdict *v)
{
	return v->required && v->verdict != FL_FAIL && v->verdict != FL_VERDICT_INVALID &&
	       !json_is_true(json_object_get(run->plan, "required")); /* all of a `bench` is */
}

/* "starved" says more than "fail". */
static const char *kind_of(const struct fl_lane_verdict *v)
{
	return v->feed && v->feed->band ? fl_band_name(v->feed->band) : fl_verdict_name(v->verdict);
}

/* What another lane is held against says nothing by being unjudged. */
static bool has_reason(const struct fl_lane_verdict *v)
{
	return v->reason && !(v->evidence_only && v->verdict == FL_UNJUDGED);
}

/* What a remark is of, where n lanes share it, and what is said beside that. */
static void set_subject(struct fl_remark *r, const struct fl_judgement *j, const struct fl_words *w,
			const struct fl_matrices *matrices, const struct fl_lane_verdict *v, size_t n,
			const char *required)
{
	if (n > 1 && j->hosts_n && !v->group_name && fl_report_is_one_of_many(matrices, v)) {
		r->subject = fl_words_common(w, v);
		r->aside = fl_format(" (%zu lanes)%s", n, required);
	} else if (n == 1 || fl_report_is_one_of_many(matrices, v)) {
		r->subject = fl_words_name(w, v);
		r->aside = n > 1 ? fl_format(" and %zu like it%s", n - 1, required) : fl_dup(required);
	} else {
		r->subject = fl_report_subject(j, v);
		r->aside = fl_format(" (%zu lanes)%s", n, required);
	}
}

/* Of each case that ran without some of its lanes: those left out say why. */
static void add_incomplete(struct fl_section *s, const struct fl_judgement *j, const struct fl_words *w)
{
	const struct fl_lane_verdict *before = NULL;

	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];

		if (v->lanes_ran == v->case_lanes || (before && fl_report_same_case(before, v)))
			continue;
		before = v;
		fl_section_add(s, (struct fl_remark){ .kind = fl_dup("incomplete"),
						      .subject = fl_words_name(w, v),
						      .aside = fl_dup(" and what ran with it"),
						      .text = fl_format("%u of the %u lanes of their case ran together",
									v->lanes_ran, v->case_lanes) });
	}
}

/* On which hosts the lanes are that a remark is of: " (8 lanes) on n1-n8". */
static void add_hosts(struct fl_remark *r, const struct fl_judgement *j, const size_t *firsts, size_t first)
{
	bool *in = fl_zalloc(j->hosts_n, sizeof(*in));
	char *list, *aside = r->aside;

	for (size_t i = first; i < j->lanes_n; i++)
		if (firsts[i] == first && !fl_report_is_quiet(&j->lanes[i]))
			in[j->lanes[i].host] = true;
	list = fl_report_host_list(j, in);
	r->aside = fl_format("%s on %s", aside, list);
	free(aside);
	free(list);
	free(in);
}

struct fl_section fl_section_why(const struct fl_run *run, const struct fl_judgement *j, const struct fl_words *w,
				 const struct fl_matrices *matrices)
{
	struct fl_section s = { .title = "why", .indent = 4 };
	size_t *firsts, *alike = fl_report_alike(j, matrices, &firsts);

	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];
		struct fl_remark *r;

		if (!has_reason(v) || fl_report_is_quiet(v) || !alike[i])
			continue;
		r = fl_section_add(
			&s, (struct fl_remark){ .kind = fl_dup(kind_of(v)), .text = fl_report_clean(v->reason) });
		set_subject(r, j, w, matrices, v, alike[i], must_be_more(run, v) ? ", required by the suite" : "");
		if (j->hosts_n && alike[i] > 1 && !v->group_name)
			add_hosts(r, j, firsts, i);
		if (v->hint)
			add_hint(r, v->hint);
		add_proof(r, v);
	}
	add_incomplete(&s, j, w);
	fl_add_findings(&s, j, w);
	fl_add_distrust(&s, j, w);
	free(firsts);
	free(alike);
	return s;
}
