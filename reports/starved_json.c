/* SPDX-License-Identifier: Apache-2.0 */
/* starved_json.c: what is known of starvation, for programs. */
#include "base/json.h"
#include "reports/parts.h"
#include <math.h>

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

/* The number by itself, and its interval beside it. */
static void set_interval(json_t *o, const char *key, const char *interval_key, const struct fl_interval *i)
{
	json_t *interval = json_null();

	if (i->n) {
		interval = json_object();
		set(interval, "low", fl_json_number(i->low));
		set(interval, "high", fl_json_number(i->high));
		set(interval, "confidence", fl_json_number(i->confidence));
		set(interval, "n", json_integer((json_int_t)i->n));
	}
	set(o, key, fl_json_number(i->n ? i->median : (double)NAN));
	set(o, interval_key, interval);
}

static json_t *witnesses_json(const struct fl_feed *feed)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < FL_WITNESSES; i++)
		set(o, fl_witness_name(i), fl_json_string(feed->said[i]));
	return o;
}

void fl_feed_lane_json(const struct fl_lane_verdict *v, json_t *lane)
{
	const struct fl_feed *feed = v->feed;

	if (v->rung)
		set(lane, "rung", fl_json_string(v->rung));
	if (!isnan(v->overlap))
		set(lane, "eta", fl_json_number(v->overlap));
	if (!feed)
		return;
	set(lane, "band", fl_json_string(fl_band_name(feed->band)));
	set_interval(lane, "S", "S_interval", &feed->S);
	set_interval(lane, "AU", "AU_interval", &feed->AU);
	set_interval(lane, "rho", "rho_interval", &feed->rho);
	set_interval(lane, "supply_bytes_per_s", "supply_interval", &feed->supply_bytes_per_s);
	set(lane, "demand_bytes_per_s", fl_json_number(feed->demand_bytes_per_s));
	set(lane, "control_AU", fl_json_number(feed->control_AU));
	set(lane, "cause", fl_json_string(feed->cause));
	set(lane, "hop", fl_json_string(feed->hop));
	set(lane, "why_hop", fl_json_string(feed->why_hop));
	set(lane, "witnesses", witnesses_json(feed));
	set(lane, "prefetch", feed->prefetch ? json_integer((json_int_t)feed->prefetch) : json_null());
	set(lane, "depth_needed", feed->depth_needed ? json_integer((json_int_t)feed->depth_needed) : json_null());
	set(lane, "cure", fl_json_string(feed->cure));
}

static json_t *rung_json(const struct fl_rung_result *r)
{
	json_t *o = json_object();

	set(o, "rung", fl_json_string(r->name));
	set(o, "after", fl_json_string(r->after));
	set(o, "hop", fl_json_string(r->hop));
	set_interval(o, "bytes_per_s", "interval", &r->rate);
	set(o, "of_demand_ratio", fl_json_number(r->share));
	set(o, "exposed_ns", fl_json_number(r->exposed_ns));
	set(o, "verdict", fl_json_string(r->verdict));
	set(o, "beside", json_boolean(r->beside));
	set(o, "faster", json_boolean(r->faster));
	set(o, "reason", fl_json_string(r->why));
	return o;
}

void fl_feed_study_json(const struct fl_study_result *s, json_t *study)
{
	const struct fl_feed_study *found = s->feed ? s->feed->study : NULL;
	json_t *rungs;

	if (!found)
		return;
	rungs = json_array();
	for (size_t i = 0; i < found->rungs_n; i++)
		json_array_append_new(rungs, rung_json(&found->rungs[i]));
	set(study, "demand", fl_json_string(found->demand));
	set(study, "band", fl_json_string(fl_band_name(s->feed->band)));
	set(study, "fairness", fl_json_string(found->fairness));
	set(study, "rungs", rungs);
}
