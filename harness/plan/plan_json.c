/* SPDX-License-Identifier: Apache-2.0 */
/* plan_json.c: a plan as JSON and back. The record of a run holds it; harness/judge reads parts of this very form:
 *
 *   {"schema":1,"suite","required","require":[...],
 *    "cases":[{"label","rounds","duration_ns",
 *              "lanes":[{"bench","options":{name: canonical text},"cpus":"0-1","node","worker",
 *                        "shares_cpus","skip","hint"}]}]}
 *
 * It names benchmarks and never a program to start: a store may come from anywhere. */
#include "base/alloc.h"
#include "base/json.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 1, OPTIONS_MAX = 256, NODE_MAX = 1 << 20 };

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
	json_object_set_new(o, "duration_ns", json_integer((json_int_t)c->duration_ns));
	json_object_set_new(o, "lanes", lanes);
	return o;
}

json_t *fl_plan_json(const struct fl_plan *plan)
{
	json_t *o = json_object(), *require = json_array(), *cases = json_array();

	for (size_t i = 0; i < plan->require_n; i++)
		json_array_append_new(require, fl_json_string(plan->require[i]));
	for (size_t i = 0; i < plan->cases_n; i++)
		json_array_append_new(cases, case_json(&plan->cases[i]));
	json_object_set_new(o, "schema", json_integer(SCHEMA));
	json_object_set_new(o, "suite", fl_json_string(plan->suite));
	json_object_set_new(o, "required", json_boolean(plan->required));
	json_object_set_new(o, "require", require);
	json_object_set_new(o, "cases", cases);
	return o;
}

static int read_text(const json_t *o, const char *at, const char *key, char **ret, struct fl_err *err)
{
	const char *text;
	int rc = fl_json_text(o, at, key, &text, err);

	if (rc == 0)
		*ret = fl_dup(text);
	return rc;
}

static int read_options(const json_t *o, const char *at, struct fl_plan_lane *lane, struct fl_err *err)
{
	json_t *options, *value;
	const char *name;
	int rc = fl_json_object(o, at, "options", &options, err);

	if (rc < 0)
		return rc;
	if (json_object_size(options) > OPTIONS_MAX)
		return fl_fail(err, -EINVAL, "%s: more than %d options", at, OPTIONS_MAX);
	lane->options = fl_zalloc(json_object_size(options), sizeof(*lane->options));
	json_object_foreach(options, name, value)
	{
		if (!json_is_string(value))
			return fl_fail(err, -EINVAL, "%s: option '%s' is no text", at, name);
		lane->options[lane->options_n++] =
			(struct fl_option){ .name = fl_dup(name), .text = fl_dup(json_string_value(value)) };
	}
	return 0;
}

/* One lane, reading on until the first error. */
static int read_lane(const json_t *o, const char *at, struct fl_plan_lane *lane, struct fl_err *err)
{
	uint64_t worker = 0;
	int64_t node = 0;
	int rc = read_text(o, at, "bench", &lane->bench, err);

	if (rc == 0)
		rc = read_options(o, at, lane, err);
	if (rc == 0)
		rc = fl_json_cpus(o, at, "cpus", &lane->cpus, err);
	if (rc == 0)
		rc = fl_json_i64(o, at, "node", -1, NODE_MAX, &node, err);
	if (rc == 0)
		rc = fl_json_u64(o, at, "worker", FL_CASE_LANES_MAX, &worker, err);
	if (rc == 0)
		rc = fl_json_bool(o, at, "shares_cpus", &lane->shares_cpus, err);
	lane->node = (int)node;
	lane->worker = (unsigned)worker;
	lane->skip = fl_dup(fl_json_text_or_null(o, "skip"));
	lane->hint = fl_dup(fl_json_text_or_null(o, "hint"));
	return rc;
}

static int read_lanes(const json_t *o, const char *at, struct fl_plan_case *c, struct fl_err *err)
{
	char lane_at[96];
	json_t *lanes;
	int rc = fl_json_array(o, at, "lanes", FL_CASE_LANES_MAX, &lanes, err);

	if (rc == 0 && json_array_size(lanes) == 0)
		rc = fl_fail(err, -EINVAL, "%s has no lanes", at);
	if (rc < 0)
		return rc;
	c->lanes = fl_zalloc(json_array_size(lanes), sizeof(*c->lanes));
	while (c->lanes_n < json_array_size(lanes) && rc == 0) {
		snprintf(lane_at, sizeof(lane_at), "%s.lanes[%zu]", at, c->lanes_n);
		rc = read_lane(json_array_get(lanes, c->lanes_n), lane_at, &c->lanes[c->lanes_n], err);
		c->lanes_n++;
	}
	return rc;
}

static int read_case(const json_t *o, const char *at, struct fl_plan_case *c, struct fl_err *err)
{
	uint64_t rounds = 0;
	int rc = read_text(o, at, "label", &c->label, err);

	if (rc == 0)
		rc = fl_json_u64(o, at, "rounds", FL_ROUNDS_MAX, &rounds, err);
	if (rc == 0)
		rc = fl_json_u64(o, at, "duration_ns", INT64_MAX / (2 * FL_ROUNDS_MAX), &c->duration_ns, err);
	if (rc == 0 && rounds == 0)
		rc = fl_fail(err, -EINVAL, "%s has no rounds", at);
	c->rounds = (unsigned)rounds;
	return rc < 0 ? rc : read_lanes(o, at, c, err);
}

static int read_cases(const json_t *doc, struct fl_plan *plan, struct fl_err *err)
{
	size_t slots = 0;
	char at[64];
	json_t *cases;
	int rc = fl_json_array(doc, "plan", "cases", FL_CASES_MAX, &cases, err);

	if (rc < 0)
		return rc;
	plan->cases = fl_zalloc(json_array_size(cases), sizeof(*plan->cases));
	while (plan->cases_n < json_array_size(cases)) {
		struct fl_plan_case *c = &plan->cases[plan->cases_n];

		snprintf(at, sizeof(at), "plan.cases[%zu]", plan->cases_n);
		rc = read_case(json_array_get(cases, plan->cases_n), at, c, err);
		plan->cases_n++;
		if (rc < 0)
			return rc;
		slots += c->lanes_n * c->rounds;
		if (slots > FL_SLOTS_MAX)
			return fl_fail(err, -EINVAL, "the plan has more than %d measurements", FL_SLOTS_MAX);
	}
	return 0;
}

static int read_require(const json_t *doc, struct fl_plan *plan, struct fl_err *err)
{
	json_t *require;
	int rc = fl_json_array(doc, "plan", "require", FL_REQUIRE_MAX, &require, err);

	if (rc < 0)
		return rc;
	plan->require = fl_zalloc(json_array_size(require), sizeof(*plan->require));
	for (size_t i = 0; i < json_array_size(require); i++) {
		const char *name = json_string_value(json_array_get(require, i));

		if (!name)
			return fl_fail(err, -EINVAL, "plan.require[%zu] is no text", i);
		plan->require[plan->require_n++] = fl_dup(name);
	}
	return 0;
}

int fl_plan_read(const json_t *doc, struct fl_plan **ret, struct fl_err *err)
{
	struct fl_plan *plan = fl_zalloc(1, sizeof(*plan));
	uint64_t schema = 0;
	int rc = fl_json_u64(doc, "plan", "schema", UINT32_MAX, &schema, err);

	if (rc == 0 && schema != SCHEMA)
		rc = fl_fail(err, -EINVAL, "plan has schema %u, this feedline reads %d", (unsigned)schema, SCHEMA);
	if (rc == 0)
		rc = read_text(doc, "plan", "suite", &plan->suite, err);
	if (rc == 0)
		rc = fl_json_bool(doc, "plan", "required", &plan->required, err);
	if (rc == 0)
		rc = read_require(doc, plan, err);
	if (rc == 0)
		rc = read_cases(doc, plan, err);
	if (rc < 0) {
		fl_plan_free(plan);
		return rc;
	}
	*ret = plan;
	return 0;
}
