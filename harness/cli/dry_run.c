/* SPDX-License-Identifier: Apache-2.0 */
/* dry_run.c: a plan for people and for programs. */
#include "cli/dry_run.h"
#include "base/alloc.h"
#include "base/units.h"
#include "cli/dry_run_parts.h"
#include <stdlib.h>
#include <string.h>

void fl_page_add_lines(const struct fl_page *p, size_t indent, struct fl_text *text)
{
	fl_blank_controls(text->bytes);
	fl_text_add(p->out, "%*s", (int)indent, "");
	fl_report_wrap(p->out, text->bytes, indent, indent + 2, p->width);
	fl_text_release(text);
}

/* Canonical texts are plain digits; people read "1 MiB" and "40.0 ms". */
static void add_option(const struct fl_page *p, const struct fl_entry *entry, const struct fl_option *option,
		       struct fl_text *out)
{
	const struct fl_field *f = entry ? fl_entry_field(entry, option->name) : NULL;
	uint64_t value = 0;
	char show[FL_UNIT_TEXT];

	if (!*option->text)
		return; /* it was left out */
	if (f && f->type == FL_BYTES && fl_parse_bytes(option->text, &value, NULL) == 0)
		fl_show_bytes(show, value);
	else if (f && f->type == FL_NS && fl_parse_count(option->text, &value, NULL) == 0)
		fl_show_ns(show, (double)value);
	else
		show[0] = 0;
	fl_text_add(out, " %s=%s%s", option->name, *show ? show : fl_files_name(&p->files, option->text),
		    strcmp(option->name, "read_limit") == 0 ? "/s" : "");
}

void fl_page_add_placement(const struct fl_plan_lane *lane, struct fl_text *out)
{
	if (lane->skip) {
		fl_text_add(out, "not measured: %s%s%s", lane->skip, lane->hint ? "; " : "",
			    lane->hint ? lane->hint : "");
		return;
	}
	fl_text_add(out, "cpus ");
	fl_cpus_format(&lane->cpus, out);
	if (lane->node >= 0)
		fl_text_add(out, ", memory of node%d", lane->node);
	fl_text_add(out, "%s", lane->shares_cpus ? ", more threads than CPUs" : "");
}

static void add_placement(const struct fl_page *p, const struct fl_plan_lane *lane)
{
	struct fl_text t = { 0 };

	fl_page_add_placement(lane, &t);
	fl_page_add_lines(p, 6, &t);
}

static bool is_said(const struct fl_plan_lane *before, const struct fl_option *option)
{
	const char *text = before ? fl_lane_option(before, option->name) : NULL;

	return text && strcmp(text, option->text) == 0;
}

void fl_page_add_options(const struct fl_page *p, const struct fl_plan_lane *lane, const struct fl_plan_lane *before,
			 struct fl_text *out)
{
	const struct fl_entry *entry = NULL;

	fl_text_add(out, "%s", lane->bench);
	fl_catalog_find(p->catalog, lane->bench, &entry, NULL);
	for (size_t i = 0; i < lane->options_n; i++)
		if (!is_said(before, &lane->options[i]))
			add_option(p, entry, &lane->options[i], out);
}

static void add_lane(const struct fl_page *p, const struct fl_plan_lane *lane, const struct fl_plan_lane *before)
{
	struct fl_text t = { 0 };

	fl_page_add_options(p, lane, before, &t);
	fl_page_add_lines(p, 4, &t);
	add_placement(p, lane);
}

/* "3 rounds", "3 to 12 rounds", "5 to 8 passes of 3 rounds"; nothing for a single one. perhaps: when a case is needed
 * that may not be. */
static void add_rounds(const struct fl_plan_case *c, const char *perhaps, struct fl_text *out)
{
	unsigned pass = c->pass_rounds ? c->pass_rounds : 1, most = c->rounds / pass, least = c->rounds_least / pass;

	if (most == 1 && !c->pass_rounds && least == most)
		return;
	fl_text_add(out, " (");
	if (least && least < most)
		fl_text_add(out, "%u to ", least);
	fl_text_add(out, "%u %s%s", most, c->pass_rounds ? "pass" : "round",
		    most == 1	     ? ""
		    : c->pass_rounds ? "es"
				     : "s");
	if (c->pass_rounds)
		fl_text_add(out, " of %u round%s", pass, pass == 1 ? "" : "s");
	fl_text_add(out, "%s%s)", least ? "" : ", ", least ? "" : perhaps);
}

/* later: lanes after the first say only what is different in them. */
static void add_case_lanes(const struct fl_page *p, const struct fl_plan_case *c, bool later)
{
	struct fl_text t = { 0 };

	if (p->plan->hosts_n > 1) {
		fl_page_add_hosts(p, c);
		return;
	}
	if (fl_case_is_across(c)) {
		fl_text_add(&t, "all on this machine, over its loopback");
		fl_page_add_lines(p, 4, &t);
	}
	for (size_t k = 0; k < c->lanes_n; k++)
		add_lane(p, &c->lanes[k], k && later ? &c->lanes[0] : NULL);
}

static void add_case(const struct fl_page *p, const struct fl_plan_case *c, const char *perhaps)
{
	char *label = fl_files_shorten(&p->files, c->label);
	struct fl_text t = { 0 };

	fl_text_add(&t, "%s", label);
	add_rounds(c, perhaps, &t);
	fl_text_add(p->out, "\n");
	fl_page_add_lines(p, 2, &t);
	add_case_lanes(p, c, false);
	free(label);
}

/* "  and 126 more rounds of it, between other hosts" */
static void add_more(const struct fl_page *p, size_t more)
{
	struct fl_text t = { 0 };

	if (!more)
		return;
	fl_text_add(&t, "and %zu more like %s, between other hosts", more, more == 1 ? "it" : "these");
	fl_text_add(p->out, "\n");
	fl_page_add_lines(p, 2, &t);
}

/* Was it told of a case before it in the study? */
static bool is_told(const struct fl_page *p, const struct fl_plan_case *cases, unsigned i)
{
	for (unsigned k = 0; k < i && p->plan->hosts_n > 1; k++)
		if (fl_case_is_likewise(&cases[k], &cases[i]))
			return true;
	return false;
}

static void add_cases(const struct fl_page *p, const struct fl_plan_case *cases, const struct fl_study *s)
{
	size_t more = 0;

	for (unsigned i = 0; i < s->cases_n; i++) {
		if (is_told(p, cases, i))
			more++;
		else
			add_case(p, &cases[i], "if it may pay");
	}
	add_more(p, more);
}

/* ---- closed loops: the lanes of the loop in full, of every other case only what is different */

static bool is_loop(const struct fl_study *s)
{
	return s->kind == FL_STUDY_STARVATION || s->kind == FL_STUDY_LADDER;
}

/* One of several cases of which at most one is needed? */
static bool is_slowed(const struct fl_study *s, const struct fl_plan_case *c)
{
	return is_loop(s) && c->rounds_least == 0;
}

static unsigned count_unslowed(const struct fl_study *s, const struct fl_plan_case *cases)
{
	unsigned n = 0;

	while (n < s->cases_n && !is_slowed(s, &cases[n]))
		n++;
	return n;
}

/* "    T1        ingest source=dram" */
static void add_differing(const struct fl_page *p, const char *what, const struct fl_plan_lane *lane,
			  const struct fl_plan_lane *loop, const char *perhaps)
{
	struct fl_text t = { 0 };

	fl_page_add_options(p, lane, loop, &t);
	fl_text_add(&t, "%s", perhaps);
	fl_blank_controls(t.bytes);
	fl_text_add(p->out, "    %-8s  ", what);
	fl_report_wrap(p->out, t.bytes, 14, 16, p->width);
	fl_text_release(&t);
	if (lane->skip)
		add_placement(p, lane);
}

static void add_loop_cases(const struct fl_page *p, const struct fl_study *s, const struct fl_plan_case *cases)
{
	unsigned n = count_unslowed(s, cases);

	for (unsigned i = 1; i < n; i++)
		add_differing(p, s->values[i], &cases[i].lanes[0], &cases[0].lanes[0], "");
	if (n < s->cases_n) {
		char *perhaps = fl_format(" (one of %u limits, if it is starved)", s->cases_n - n);

		add_differing(p, "slowed", &cases[n].lanes[0], &cases[0].lanes[0], perhaps);
		free(perhaps);
	}
}

/* What tells one demand from another. */
static const char *const wants[] = { "demand", "step_bytes", "step_time", "block", "duration" };
enum { WANTS = sizeof(wants) / sizeof(wants[0]) };

static bool is_want(const char *name)
{
	for (size_t i = 0; i < WANTS; i++)
		if (strcmp(wants[i], name) == 0)
			return true;
	return false;
}

/* Do the studies differ in what their accelerators want, and in nothing else? */
static bool is_likewise(const struct fl_plan *plan, const struct fl_study *a, const struct fl_study *b)
{
	const struct fl_plan_case *x = &plan->cases[a->first], *y = &plan->cases[b->first];
	const struct fl_plan_lane *lane = &x->lanes[0], *other = &y->lanes[0];

	if (a->kind != b->kind || count_unslowed(a, x) != count_unslowed(b, y) || x->lanes_n != y->lanes_n ||
	    x->rounds != y->rounds || strcmp(lane->bench, other->bench) != 0 || lane->options_n != other->options_n ||
	    lane->skip || other->skip)
		return false;
	for (size_t i = 0; i < other->options_n; i++)
		if (!is_want(other->options[i].name) && !is_said(lane, &other->options[i]))
			return false;
	return true;
}

static void add_likewise(const struct fl_page *p, const struct fl_plan_lane *lane)
{
	const struct fl_entry *entry = NULL;
	struct fl_text t = { 0 };

	fl_catalog_find(p->catalog, lane->bench, &entry, NULL);
	fl_text_add(&t, "likewise, with");
	for (size_t i = 0; i < lane->options_n; i++)
		if (is_want(lane->options[i].name) && strcmp(lane->options[i].name, "demand") != 0)
			add_option(p, entry, &lane->options[i], &t);
	fl_page_add_lines(p, 4, &t);
}

/* before: the study before it, or NULL. */
static void add_loop(const struct fl_page *p, const struct fl_plan *plan, const struct fl_study *s,
		     const struct fl_study *before)
{
	const struct fl_plan_case *cases = &plan->cases[s->first];

	if (before && is_loop(before) && is_likewise(plan, before, s)) {
		add_likewise(p, &cases->lanes[0]);
		return;
	}
	add_case_lanes(p, cases, true);
	add_loop_cases(p, s, cases);
}

/* ---- studies */

/* Rounds of cases need no word; of other studies it is told which cases are theirs. */
static void add_study(const struct fl_page *p, const struct fl_plan *plan, size_t i)
{
	const struct fl_study *s = &plan->studies[i];
	char *label = fl_files_shorten(&p->files, s->label);
	struct fl_text t = { 0 };

	if (s->kind != FL_STUDY_REPEAT) {
		fl_text_add(&t, "%s%s%s: %s", fl_study_name(s->kind), s->option && !is_loop(s) ? " of " : "",
			    s->option && !is_loop(s) ? s->option : "", label);
		if (is_loop(s))
			add_rounds(&plan->cases[s->first], "", &t);
		fl_text_add(p->out, "\n");
		fl_page_add_lines(p, 0, &t);
	}
	if (is_loop(s))
		add_loop(p, plan, s, i ? s - 1 : NULL);
	else
		add_cases(p, &plan->cases[s->first], s);
	free(label);
}

/* Is each case of the study that of another one, between other hosts? */
static bool is_study_told(const struct fl_plan *plan, const struct fl_study *s, const struct fl_study *before)
{
	if (plan->hosts_n < 2 || !before || before->kind != s->kind || before->cases_n != s->cases_n ||
	    s->kind == FL_STUDY_REPEAT)
		return false;
	for (unsigned i = 0; i < s->cases_n; i++)
		if (!fl_case_is_likewise(&plan->cases[before->first + i], &plan->cases[s->first + i]))
			return false;
	return true;
}

static void add_studies(const struct fl_page *p)
{
	const struct fl_plan *plan = p->plan;
	const struct fl_study *told = NULL;
	size_t more = 0;

	for (size_t i = 0; i < plan->studies_n; i++) {
		if (is_study_told(plan, &plan->studies[i], told)) {
			more++;
			continue;
		}
		add_more(p, more);
		more = 0;
		told = &plan->studies[i];
		add_study(p, plan, i);
	}
	add_more(p, more);
}

static void note_files(const struct fl_plan_case *c, const struct fl_catalog *catalog, struct fl_files *files)
{
	for (size_t k = 0; k < c->lanes_n; k++) {
		const struct fl_plan_lane *lane = &c->lanes[k];
		const struct fl_entry *entry;

		if (fl_catalog_find(catalog, lane->bench, &entry, NULL) < 0)
			continue;
		for (size_t i = 0; i < lane->options_n; i++) {
			const struct fl_field *f = fl_entry_field(entry, lane->options[i].name);

			if (f && f->type == FL_PATH)
				fl_files_add(files, lane->options[i].text);
		}
	}
}

static size_t count_cases(const struct fl_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->studies_n; i++) {
		const struct fl_study *s = &plan->studies[i];
		const struct fl_plan_case *cases = &plan->cases[s->first];

		for (unsigned k = 0; k < s->cases_n; k++)
			n += k == 0 || !is_slowed(s, &cases[k]) || !is_slowed(s, &cases[k - 1]);
	}
	return n;
}

void fl_dry_run_text(const struct fl_plan *plan, const struct fl_catalog *catalog, size_t width, struct fl_text *out)
{
	struct fl_page p = { .plan = plan, .catalog = catalog, .width = width, .out = out };
	size_t n = count_cases(plan);
	char time[FL_UNIT_TEXT];

	for (size_t i = 0; i < plan->cases_n; i++)
		note_files(&plan->cases[i], catalog, &p.files);
	fl_text_add(out, "suite %s: %zu case%s", plan->suite, n, n == 1 ? "" : "s");
	if (plan->hosts_n > 1)
		fl_text_add(out, " on %zu hosts", plan->hosts_n);
	fl_text_add(out, ", at most %s\n", fl_show_ns(time, (double)fl_plan_time_ns(plan)));
	add_studies(&p);
	fl_files_list(&p.files, out);
	fl_files_release(&p.files);
}

json_t *fl_dry_run_json(const struct fl_plan *plan)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "schema", json_integer(1));
	json_object_set_new(doc, "time_ns", json_integer((json_int_t)fl_plan_time_ns(plan)));
	json_object_set_new(doc, "plan", fl_plan_json(plan));
	return doc;
}
