/* SPDX-License-Identifier: Apache-2.0 */
/* change_json.c: a comparison as one JSON document. Changes are ratios (after / before); what is unknown is null. */
#include "base/json.h"
#include "reports/parts.h"

enum { SCHEMA = 1 };

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static json_t *rounds_json(const struct fl_interval *in)
{
	json_t *o = json_object();

	set(o, "median", fl_json_number(in->median));
	set(o, "low", fl_json_number(in->low));
	set(o, "high", fl_json_number(in->high));
	set(o, "n", json_integer((json_int_t)in->n));
	return o;
}

static json_t *ratio_json(const struct fl_ratio *r)
{
	json_t *o = json_object();

	set(o, "ratio", fl_json_number(r->ratio));
	set(o, "low", fl_json_number(r->low));
	set(o, "high", fl_json_number(r->high));
	set(o, "confidence", fl_json_number(r->confidence));
	return o;
}

static json_t *metric_json(const struct fl_metric_change *m)
{
	json_t *o = json_object();

	set(o, "primary", json_boolean(m->primary));
	set(o, "better", fl_json_string(fl_better_name(m->better)));
	set(o, "before", rounds_json(&m->before));
	set(o, "after", rounds_json(&m->after));
	set(o, "change", ratio_json(&m->ratio));
	set(o, "units", json_integer((json_int_t)m->units));
	set(o, "p", fl_json_number(m->p));
	set(o, "p_adjusted", fl_json_number(m->p_adjusted));
	set(o, "floor_ratio", fl_json_number(m->floor.ratio));
	set(o, "line_ratio", fl_json_number(m->line));
	set(o, "worst_host", fl_json_string(m->worst_host));
	set(o, "moved", json_string(fl_moved_name(m->moved)));
	set(o, "verdict", json_string(fl_verdict_name(m->verdict)));
	set(o, "reason", fl_json_string(m->reason));
	set(o, "hint", fl_json_string(m->hint));
	return o;
}

static json_t *lane_json(const struct fl_lane_change *lane)
{
	json_t *o = json_object(), *metrics = json_object(), *distrust = json_array();

	for (size_t i = 0; i < lane->metrics_n; i++)
		set(metrics, lane->metrics[i].metric, metric_json(&lane->metrics[i]));
	for (size_t i = 0; i < lane->distrust_n; i++)
		json_array_append_new(distrust, fl_json_string(lane->distrust[i]));
	set(o, "lane", fl_json_string(lane->name));
	set(o, "refused", fl_json_string(lane->refused));
	set(o, "verdict", lane->refused ? json_string(fl_verdict_name(lane->verdict)) : json_null());
	set(o, "again", fl_json_string(lane->again));
	set(o, "peer", lane->peer && lane->peer->command ? fl_peer_json(lane->peer) : json_null());
	set(o, "metrics", metrics);
	set(o, "distrust", distrust);
	return o;
}

static json_t *left_out_json(const struct fl_comparison *c)
{
	json_t *hosts = json_array();

	for (size_t i = 0; i < c->left_out_n; i++)
		json_array_append_new(hosts, fl_json_string(c->left_out[i].host));
	return hosts;
}

/* What was different around the two: a list, and how many more there were. */
static json_t *around_json(const struct fl_differences *around)
{
	json_t *o = json_object(), *items = json_array();

	for (size_t i = 0; i < around->n; i++) {
		json_t *item = json_object();

		set(item, "path", fl_json_string(around->items[i].path));
		set(item, "before", fl_json_string(around->items[i].before));
		set(item, "after", fl_json_string(around->items[i].after));
		json_array_append_new(items, item);
	}
	set(o, "differences", items);
	set(o, "more", json_integer((json_int_t)around->more));
	return o;
}

static json_t *side_json(const struct fl_side *side)
{
	json_t *o = json_object(), *runs = json_array();
	char time[FL_TIME_TEXT];

	for (size_t i = 0; i < side->n; i++) {
		const struct fl_evidence *e = side->runs[i];
		json_t *run = json_object();

		set(run, "run", fl_json_string(e->run));
		set(run, "suite", fl_json_string(e->suite));
		set(run, "host", fl_json_string(e->host));
		set(run, "started", json_string(fl_report_time(time, e->started_ns)));
		json_array_append_new(runs, run);
	}
	set(o, "name", fl_json_string(side->name));
	set(o, "runs", runs);
	return o;
}

void fl_change_json(const struct fl_comparison *c, const struct fl_look *look, struct fl_text *out)
{
	json_t *o = json_object(), *lanes = json_array();

	(void)look;
	for (size_t i = 0; i < c->lanes_n; i++)
		json_array_append_new(lanes, lane_json(&c->lanes[i]));
	set(o, "schema", json_integer(SCHEMA));
	set(o, "status", json_integer(c->status));
	set(o, "verdict", json_string(fl_verdict_name(c->verdict)));
	set(o, "trustworthy", json_boolean(c->trustworthy));
	set(o, "before", side_json(c->a));
	set(o, "after", side_json(c->b));
	set(o, "hosts", json_integer((json_int_t)c->hosts));
	set(o, "hosts_left_out", left_out_json(c));
	set(o, "tolerance_ratio", fl_json_number(c->tolerance));
	set(o, "calibration_passes", json_integer((json_int_t)c->passes));
	set(o, "primary", json_integer((json_int_t)c->primary));
	set(o, "regressed", json_integer((json_int_t)c->regressed));
	set(o, "improved", json_integer((json_int_t)c->improved));
	set(o, "lanes", lanes);
	set(o, "around", around_json(&c->around));
	fl_json_write(o, 2, out);
	json_decref(o);
}
