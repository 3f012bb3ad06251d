/* SPDX-License-Identifier: Apache-2.0 */
/* about_run.c: what is said of a run: the verdict in words, one row a lane, what else was measured, the reasons, and
 * how to read it. */
#include "base/alloc.h"
#include "base/json.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

/* The text, clean; releases it. */
static char *finish(struct fl_text *t)
{
	char *clean = fl_report_clean(fl_text_str(t));

	fl_text_release(t);
	return clean;
}

/* "5 lanes measured, 0 failed, 5 unjudged" */
static char *describe_counts(const struct fl_judgement *j)
{
	static const char *const words[] = {
		[FL_PASS] = "passed",
		[FL_FAIL] = "failed",
		[FL_INCONCLUSIVE] = "inconclusive",
		[FL_VERDICT_INVALID] = "invalid",
		[FL_VERDICT_NOT_MEASURED] = "not measured",
		[FL_UNJUDGED] = "unjudged",
	};
	const size_t *count = j->count;
	size_t measured = count[FL_PASS] + count[FL_FAIL] + count[FL_INCONCLUSIVE] + count[FL_UNJUDGED];
	struct fl_text t = { 0 };

	fl_text_add(&t, "%s%zu lane%s measured", j->interrupted ? "the run was interrupted; " : "", measured,
		    measured == 1 ? "" : "s");
	for (unsigned v = 0; v <= FL_UNJUDGED; v++)
		if (count[v] || v == FL_FAIL)
			fl_text_add(&t, ", %zu %s", count[v], words[v]);
	fl_text_add(&t, "%s", j->trustworthy ? "" : "; not trustworthy");
	return finish(&t);
}

/* "8 hosts (n1-n8)", "1 host (n2)" */
static char *describe_hosts(const struct fl_judgement *j)
{
	char *list = fl_report_host_list(j, NULL), *text;

	text = fl_format("%zu host%s (%s)", j->hosts_n, j->hosts_n == 1 ? "" : "s", list);
	free(list);
	return text;
}

static char *describe_subject(const struct fl_run *run, const struct fl_judgement *j)
{
	const char *suite = fl_json_text_or_null(run->plan, "suite");
	const char *host = fl_json_text_or_null(run->machine, "host");
	char *hosts = j->hosts_n ? describe_hosts(j) : NULL;
	struct fl_text t = { 0 };
	char time[FL_TIME_TEXT];

	fl_text_add(&t, "%s on %s, %s, run %s", suite ? suite : "?",
		    hosts  ? hosts
		    : host ? host
			   : "an unnamed host",
		    fl_report_time(time, run->started_ns), run->id);
	free(hosts);
	return finish(&t);
}

/* "nothing could be measured: this machine has no gpu" */
static char *describe_nothing(const struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };

	fl_text_add(&t, "nothing could be measured: %s%s%s", v->reason, v->hint ? "; " : "", v->hint ? v->hint : "");
	return finish(&t);
}

static char *describe_legend(const struct fl_judgement *j)
{
	unsigned rounds = 0;
	struct fl_text t = { 0 };

	for (size_t i = 0; i < j->lanes_n; i++)
		if (j->lanes[i].rounds_planned > rounds)
			rounds = j->lanes[i].rounds_planned;
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
	if (j->count[FL_UNJUDGED])
		fl_text_add(&t, " Unjudged is measured, with nothing to hold it against: not a pass.");
	if (j->hosts_n)
		fl_text_add(&t, "%s",
			    j->hosts_n < FL_ODD_LEAST ? " Of fewer than 4 hosts none is called odd."
						      : " A host is odd where its whole interval is further than the "
							"tolerance from the median of all, and how the others "
							"differ from each other does not explain that.");
	if (j->feeds_n)
		fl_text_add(&t,
			    " Values of lanes that move batches are means. S is the share of time in which an "
			    "accelerator waits for data: fed below %.0f %%, starved "
			    "from %.0f %%. AU is the share that its steps need, rho what its path delivers of what it "
			    "wants.",
			    100 * FL_FED_BELOW, 100 * FL_STARVED_FROM);
	return finish(&t);
}

static void add_host_sections(struct fl_content *c, const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_section s;

	if (j->odd_hosts_n > 1 || (j->odd_hosts_n && (!j->headline || strcmp(j->headline, j->odd_hosts[0]) != 0)))
		fl_content_add(c, fl_section_hosts(j));
	for (size_t part = 0; fl_section_by_host(j, w, part, &s); part++)
		fl_content_add(c, s);
	for (size_t i = 0; i < j->across_n; i++)
		if (fl_section_between(j, w, i, &s))
			fl_content_add(c, s);
	fl_content_add(c, fl_section_tails(j, w));
}

/* What each device did beside lanes, and matrices over devices of each host, are much on more hosts. */
enum { BESIDE_HOSTS_MOST = 2 };

struct fl_content fl_content_of_run(const struct fl_run *run, const struct fl_judgement *j, const struct fl_words *w)
{
	const struct fl_lane_verdict *only = fl_report_only_reason(j);

	if (only) /* a line says it all */
		return (struct fl_content){ .verdict = j->verdict,
					    .headline = describe_nothing(only),
					    .counts = describe_counts(j),
					    .subject = describe_subject(run, j),
					    .legend = fl_dup("What is not measured is not a pass.") };

	struct fl_matrices matrices = fl_report_matrices(j, w);
	struct fl_content c = {
		.verdict = j->verdict,
		.headline = j->headline ? fl_report_clean(j->headline) : NULL,
		.counts = describe_counts(j),
		.subject = describe_subject(run, j),
		.table = j->hosts_n   ? fl_report_hosts(j, w)
			 : j->feeds_n ? (struct fl_table){ 0 }
				      : fl_report_lanes(j, w, &matrices),
		.files = fl_words_files(w),
		.legend = describe_legend(j),
	};

	add_host_sections(&c, j, w);
	fl_content_add(&c, fl_section_feed(j, w));
	fl_content_add(&c, fl_section_ladder(j));
	if (j->feeds_n && !j->hosts_n) /* whose accelerators come first */
		fl_content_add(
			&c, (struct fl_section){
				    .title = j->feeds_n > 1 ? "lanes (not those that a loop is held against)" : "lanes",
				    .table = fl_report_lanes(j, w, &matrices) });
	for (size_t i = 0; i < matrices.n && j->hosts_n <= BESIDE_HOSTS_MOST; i++)
		fl_content_add(&c, fl_section_matrix(&matrices, i, w));
	fl_content_add(&c, fl_section_studies(j, w));
	fl_content_add(&c, j->hosts_n ? fl_section_further_of_hosts(j, w) : fl_section_further(j, w));
	fl_content_add(&c, fl_section_rdma_ports(j));
	fl_content_add(&c, fl_section_why(run, j, w, &matrices));
	fl_content_add(&c, j->hosts_n <= BESIDE_HOSTS_MOST ? fl_section_beside(run) : fl_section_beside_hosts(run, j));
	fl_report_matrices_release(&matrices);
	return c;
}
