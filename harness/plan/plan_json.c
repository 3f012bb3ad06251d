/* SPDX-License-Identifier: Apache-2.0 */
/* plan_json.c: a plan as JSON. The record of a run holds it; harness/judge reads parts of this very form:
 *
 *   {"schema":3,"suite","required","require":[...],"primary":[...],"hosts":[...],"visible_gpus","gpu_order",
 *    "studies":[{"kind","label","first_case","cases","option","values":[...],"range"}],
 *    "cases":[{"label","rounds","rounds_least","pass_rounds","across","duration_ns",
 *              "lanes":[{"bench","options":{name: canonical text},"cpus":"0-1","node","worker",
 *                        "host","group","rank","size","shares_cpus","skip","hint"}]}]}
 *
 * Schema 1 had neither primary nor studies nor what belongs to them: all of its rounds are always run. Schema 2 had
 * neither hosts nor groups. What hides GPUs, and how hosts meet, came later without a schema of its own. A plan names
 * benchmarks and never a program to start: a store may come from anywhere. */
#include "base/alloc.h"
#include "base/json.h"
#include "plan/parts.h"

static json_t *options_json(const struct fl_plan_lane *lane)
{
	json_t *o = json_object();

	for (size_t i = 0; i < lane->options_n; i++)
		json_object_set_new(o, lane->options[i].name, fl_json_string(lane->options[i].text));
	return o;
}

static json_t *lane_json(const struct fl_plan_lane *lane)
{
	struct fl_text cpus = { 0 };
	json_t *o = json_object();

	fl_cpus_format(&lane->cpus, &cpus);
	json_object_set_new(o, "bench", fl_json_string(lane->bench));
	json_object_set_new(o, "options", options_json(lane));
	json_object_set_new(o, "cpus", fl_json_string(fl_text_str(&cpus)));
	json_object_set_new(o, "node", json_integer(lane->node));
	json_object_set_new(o, "worker", json_integer(lane->worker));
	json_object_set_new(o, "host", json_integer(lane->host));
	json_object_set_new(o, "group", json_integer(lane->group));
	json_object_set_new(o, "rank", json_integer(lane->rank));
	json_object_set_new(o, "size", json_integer(lane->size));
	json_object_set_new(o, "shares_cpus", json_boolean(lane->shares_cpus));
	json_object_set_new(o, "skip", fl_json_string(lane->skip));
	json_object_set_new(o, "hint", fl_json_string(lane->hint));
	fl_text_release(&cpus);
	return o;
}

static json_t *case_json(const struct fl_plan_case *c)
{
	json_t *o = json_object(), *lanes = json_array();

	for (size_t i = 0; i < c->lanes_n; i++)
		json_array_append_new(lanes, lane_json(&c->lanes[i]));
	json_object_set_new(o, "label", fl_json_string(c->label));
	json_object_set_new(o, "rounds", json_integer(c->rounds));
	json_object_set_new(o, "rounds_least", json_integer(c->rounds_least));
	json_object_set_new(o, "pass_rounds", json_integer(c->pass_rounds));
	json_object_set_new(o, "across", fl_json_string(c->across));
	json_object_set_new(o, "duration_ns", json_integer((json_int_t)c->duration_ns));
	json_object_set_new(o, "lanes", lanes);
	return o;
}

static json_t *names_json(char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, fl_json_string(names[i]));
	return list;
}

static json_t *study_json(const struct fl_study *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "kind", json_string(fl_study_name(s->kind)));
	json_object_set_new(o, "label", fl_json_string(s->label));
	json_object_set_new(o, "first_case", json_integer(s->first));
	json_object_set_new(o, "cases", json_integer(s->cases_n));
	json_object_set_new(o, "option", fl_json_string(s->option));
	json_object_set_new(o, "values", names_json(s->values, s->values ? s->cases_n : 0));
	json_object_set_new(o, "range", json_boolean(s->range));
	return o;
}

json_t *fl_plan_json(const struct fl_plan *plan)
{
	json_t *o = json_object(), *studies = json_array(), *cases = json_array();

	for (size_t i = 0; i < plan->studies_n; i++)
		json_array_append_new(studies, study_json(&plan->studies[i]));
	for (size_t i = 0; i < plan->cases_n; i++)
		json_array_append_new(cases, case_json(&plan->cases[i]));
	json_object_set_new(o, "schema", json_integer(FL_PLAN_SCHEMA));
	json_object_set_new(o, "suite", fl_json_string(plan->suite));
	json_object_set_new(o, "required", json_boolean(plan->required));
	json_object_set_new(o, "require", names_json(plan->require, plan->require_n));
	json_object_set_new(o, "primary", names_json(plan->primary, plan->primary_n));
	json_object_set_new(o, "hosts", names_json(plan->hosts, plan->hosts_n));
	json_object_set_new(o, "visible_gpus", fl_json_string(plan->visible_gpus));
	json_object_set_new(o, "gpu_order", fl_json_string(plan->gpu_order));
	json_object_set_new(o, "studies", studies);
	json_object_set_new(o, "cases", cases);
	return o;
}
