/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: a run and its judgement as one JSON document. Numbers are unscaled, in the unit that the metric's name ends
 * in; what is unknown is null. */
#include "base/json.h"
#include "reports/parts.h"
#include <math.h>

enum { SCHEMA = 1 };

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static json_t *copy_or_null(json_t *value)
{
	return value ? json_incref(value) : json_null();
}

static json_t *object_or_empty(json_t *value)
{
	return json_is_object(value) ? json_incref(value) : json_object();
}

static json_t *metric_json(const struct fl_metric_summary *m)
{
	json_t *o = json_object();

	set(o, "median", fl_json_number(m->of_rounds.median));
	set(o, "low", fl_json_number(m->of_rounds.low));
	set(o, "high", fl_json_number(m->of_rounds.high));
	set(o, "n", json_integer((json_int_t)m->of_rounds.n));
	set(o, "mean", fl_json_number(m->mean));
	set(o, "confidence", fl_json_number(m->of_rounds.confidence));
	set(o, "of", json_string(m->of));
	set(o, "better", fl_json_string(m->better));
	if (m->of_rounds.n == 0)
		set(o, "reason", json_string("nothing was recorded"));
	if (isnan(m->max))
		return o;
	set(o, "p90", fl_json_number(m->p90));
	set(o, "p99", fl_json_number(m->p99));
	set(o, "p999", fl_json_number(m->p999));
	set(o, "p9999", fl_json_number(m->p9999));
	set(o, "max", fl_json_number(m->max));
	return o;
}

static json_t *metrics_json(const struct fl_lane_verdict *v)
{
	json_t *o = json_object();

	for (size_t i = 0; i < v->metrics_n; i++)
		set(o, v->metrics[i].name, metric_json(&v->metrics[i]));
	return o;
}

static json_t *hops_json(const struct fl_lane_verdict *v)
{
	json_t *hops = json_array();

	for (size_t i = 0; i < v->hops_n; i++) {
		const struct fl_hop *hop = &v->hops[i];
		json_t *o = json_object();

		set(o, "hop", fl_json_string(hop->name));
		set(o, "cap_bytes_per_s", fl_json_number(hop->cap_bytes_per_s));
		set(o, "origin", fl_json_string(hop->origin));
		set(o, "reason", fl_json_string(hop->why));
		set(o, "crossings", fl_json_number(hop->crossings));
		set(o, "expected_ratio", fl_json_number(hop->expected));
		json_array_append_new(hops, o);
	}
	return hops;
}

static json_t *texts_json(char *const *texts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, fl_json_string(texts[i]));
	return list;
}

json_t *fl_peer_json(const struct fl_peer_command *p)
{
	json_t *o;

	if (!p->command)
		return json_null();
	o = json_object();
	set(o, "tool", fl_json_string(p->tool));
	set(o, "command", fl_json_string(p->command));
	set(o, "prints", fl_json_string(p->prints));
	set(o, "expect_bytes_per_s", fl_json_number(p->expect_bytes_per_s));
	return o;
}

static json_t *alike_json(const struct fl_alike *a)
{
	json_t *o;

	if (a->n == 0)
		return json_null();
	o = json_object();
	set(o, "lanes", json_integer((json_int_t)a->n));
	set(o, "median", fl_json_number(a->median));
	set(o, "odd", json_boolean(a->odd == FL_ODD_WORSE));
	set(o, "odd_better", json_boolean(a->odd == FL_ODD_BETTER));
	return o;
}

/* Of the lane's first round: how long it was measured, after which warm-up, and what ended it. */
static json_t *window_json(const struct fl_lane_record *first)
{
	static const char *const members[] = { "window_ns", "warm_ns", "ended", "threads", "steps" };
	/* Of what its device times; of a case that ran without some of its lanes. */
	static const char *const some[] = { "device_work_ratio", "device_busy_ratio", "lanes_ran" };
	json_t *o = json_object();

	for (size_t i = 0; first && i < sizeof(members) / sizeof(*members); i++)
		set(o, members[i], copy_or_null(json_object_get(first->notes, members[i])));
	for (size_t i = 0; first && i < sizeof(some) / sizeof(*some); i++)
		if (json_object_get(first->notes, some[i]))
			set(o, some[i], copy_or_null(json_object_get(first->notes, some[i])));
	return o;
}

static json_t *lane_json(const struct fl_lane_verdict *v)
{
	const struct fl_lane_record *first = v->first;
	json_t *o = json_object();

	set(o, "bench", fl_json_string(v->bench));
	set(o, "case", fl_json_string(v->label));
	set(o, "options", copy_or_null(v->options));
	set(o, "placement", copy_or_null(v->placement));
	set(o, "facts", object_or_empty(first ? first->facts : NULL));
	set(o, "data_verified", copy_or_null(first ? json_object_get(first->notes, "verified") : NULL));
	set(o, "window", window_json(first));
	set(o, "metrics", metrics_json(v));
	set(o, "cap_bytes_per_s", fl_json_number(v->cap_bytes_per_s));
	set(o, "hops", hops_json(v));
	set(o, "verdict", json_string(fl_verdict_name(v->verdict)));
	set(o, "reason", fl_json_string(v->reason));
	set(o, "hint", fl_json_string(v->hint));
	set(o, "findings", texts_json(v->findings, v->findings_n));
	set(o, "alike", alike_json(&v->alike));
	set(o, "evidence", texts_json(v->evidence, v->evidence_n));
	set(o, "again", fl_json_string(v->verdict == FL_FAIL ? v->again : NULL));
	set(o, "peer", v->verdict == FL_FAIL ? fl_peer_json(&v->peer) : json_null());
	set(o, "distrust", texts_json(v->distrust, v->distrust_n));
	set(o, "remarks", texts_json(v->remarks, v->remarks_n));
	set(o, "required", json_boolean(v->required));
	set(o, "rounds", json_integer(v->rounds_done));
	set(o, "rounds_planned", json_integer(v->rounds_planned));
	fl_host_lane_json(v, o);
	fl_feed_lane_json(v, o);
	return o;
}

/* Enough to know which machine it was; the whole one is in the store. */
json_t *fl_machine_json_short(const json_t *machine)
{
	static const char *const texts[] = { "host", "kernel", "arch", "cpu_model", "hypervisor", "cpus" };
	static const char *const lists[] = { "nodes", "drives", "nics", "gpus" };
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		set(o, texts[i], copy_or_null(json_object_get(machine, texts[i])));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		set(o, lists[i], json_integer((json_int_t)json_array_size(json_object_get(machine, lists[i]))));
	return o;
}

static json_t *counts_json(const struct fl_judgement *j)
{
	json_t *o = json_object();

	for (unsigned v = 0; v <= FL_UNJUDGED; v++)
		set(o, fl_verdict_name((enum fl_verdict)v), json_integer((json_int_t)j->count[v]));
	return o;
}

void fl_report_json(const struct fl_run *run, const struct fl_judgement *j, const struct fl_look *look,
		    struct fl_text *out)
{
	char time[FL_TIME_TEXT];
	json_t *o = json_object(), *lanes = json_array();

	(void)look;
	for (size_t i = 0; i < j->lanes_n; i++)
		json_array_append_new(lanes, lane_json(&j->lanes[i]));
	set(o, "schema", json_integer(SCHEMA));
	set(o, "run", fl_json_string(run->id));
	set(o, "suite", copy_or_null(json_object_get(run->plan, "suite")));
	set(o, "started", json_string(fl_report_time(time, run->started_ns)));
	set(o, "status", json_integer(j->status));
	set(o, "verdict", json_string(fl_verdict_name(j->verdict)));
	set(o, "headline", fl_json_string(j->headline));
	set(o, "trustworthy", json_boolean(j->trustworthy));
	set(o, "interrupted", json_boolean(j->interrupted));
	set(o, "tolerance_ratio", fl_json_number(FL_TOLERANCE));
	set(o, "counts", counts_json(j));
	set(o, "lanes", lanes);
	set(o, "studies", fl_studies_json(j));
	fl_beside_json(run, o);
	fl_hosts_json(run, j, o);
	set(o, "machine", fl_machine_json_short(run->machine));
	set(o, "environment", copy_or_null(run->environment));
	fl_json_write(o, 2, out);
	json_decref(o);
}
