/* SPDX-License-Identifier: Apache-2.0 */
/* hosts_json.c: what a report says of hosts, for programs. */
#include "base/json.h"
#include "reports/parts.h"
#include <math.h>

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

void fl_host_lane_json(const struct fl_lane_verdict *v, json_t *lane)
{
	if (v->host_name)
		set(lane, "host", fl_json_string(v->host_name));
	if (v->size < 2)
		return;
	set(lane, "role", fl_json_string(v->role));
	set(lane, "is_measurement", json_boolean(!v->beside));
	set(lane, "between", fl_json_string(v->group_name));
	if (v->across)
		set(lane, "across", fl_json_string(v->across));
}

static json_t *host_json(const struct fl_run_host *host, const struct fl_host_result *result)
{
	json_t *o = json_object();

	set(o, "name", fl_json_string(host->name));
	set(o, "lost", json_boolean(result->lost));
	set(o, "reason", fl_json_string(result->why));
	set(o, "odd", json_integer((json_int_t)result->odd_n));
	set(o, "machine", fl_machine_json_short(host->machine));
	set(o, "environment", host->environment ? json_incref(host->environment) : json_null());
	return o;
}

static json_t *places_json(const struct fl_judgement *j, const struct fl_lane_verdict *const *lanes, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(lanes[i] - j->lanes));
	return list;
}

static json_t *across_json(const struct fl_judgement *j, const struct fl_between *a)
{
	json_t *o = json_object(), *values = json_object(), *odd = json_array();
	json_t *better = json_array();

	for (size_t i = 0; i < j->hosts_n; i++) {
		set(values, j->hosts[i].name, fl_json_number(a->of_host[i]));
		if (a->odd[i] != FL_ODD_NOT)
			json_array_append_new(a->odd[i] == FL_ODD_WORSE ? odd : better,
					      fl_json_string(j->hosts[i].name));
	}
	set(o, "bench", fl_json_string(a->lane->bench));
	set(o, "between_hosts", json_boolean(a->between));
	set(o, "metric", fl_json_string(a->metric));
	set(o, "lanes", places_json(j, a->lanes, a->lanes_n));
	set(o, "hosts", json_integer((json_int_t)a->n));
	set(o, "median", fl_json_number(a->median));
	set(o, "low", fl_json_number(a->low));
	set(o, "high", fl_json_number(a->high));
	set(o, "of_hosts", values);
	set(o, "odd", odd);
	set(o, "odd_better", better);
	set(o, "slow", places_json(j, a->slow, a->slow_n));
	set(o, "tails", fl_tails_json(j, a));
	return o;
}

void fl_hosts_json(const struct fl_run *run, const struct fl_judgement *j, json_t *o)
{
	json_t *hosts = json_array(), *across = json_array(), *found = json_array();

	for (size_t i = 0; i < j->hosts_n; i++)
		json_array_append_new(hosts, host_json(&run->hosts[i], &j->hosts[i]));
	for (size_t i = 0; i < j->across_n; i++)
		json_array_append_new(across, across_json(j, &j->across[i]));
	for (size_t i = 0; i < j->odd_hosts_n; i++)
		json_array_append_new(found, fl_json_string(j->odd_hosts[i]));
	if (j->hosts_n) {
		set(o, "hosts", json_incref(hosts));
		set(o, "across", json_incref(across));
		set(o, "of_hosts", json_incref(found));
	}
	json_decref(hosts);
	json_decref(across);
	json_decref(found);
}
