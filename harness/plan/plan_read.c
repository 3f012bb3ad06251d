/* SPDX-License-Identifier: Apache-2.0 */
/* plan_read.c: a plan from JSON (plan_json.c), which is hostile input: it comes from a store that anybody may have
 * changed. */
#include "base/alloc.h"
#include "base/json.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 256, NODE_MAX = 1 << 20, HOST_NAME_MAX_CHARS = 255 };
enum { WITH_STUDIES = 2, WITH_HOSTS = 3 }; /* schemas that first had them */

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

/* Where it ran and with whom. What these numbers say of each other is checked when all lanes of the case are read. */
static int read_group(const json_t *o, const char *at, struct fl_plan_lane *lane, struct fl_err *err)
{
	uint64_t host = 0, group = 0, rank = 0, size = 0;
	int rc = fl_json_u64(o, at, "host", FL_PLAN_HOSTS_MAX, &host, err);

	if (rc == 0)
		rc = fl_json_u64(o, at, "group", FL_CASE_LANES_MAX, &group, err);
	if (rc == 0)
		rc = fl_json_u64(o, at, "rank", FL_ROLES_MAX, &rank, err);
	if (rc == 0)
		rc = fl_json_u64(o, at, "size", FL_ROLES_MAX, &size, err);
	lane->host = (unsigned)host;
	lane->group = (unsigned)group;
	lane->rank = (unsigned)rank;
	lane->size = (unsigned)size;
	return rc;
}

/* One lane, reading on until the first error. */
static int read_lane(const json_t *o, const char *at, unsigned schema, struct fl_plan_lane *lane, struct fl_err *err)
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
	if (rc == 0 && schema >= WITH_HOSTS)
		rc = read_group(o, at, lane, err);
	lane->node = (int)node;
	lane->worker = (unsigned)worker;
	lane->skip = fl_dup(fl_json_text_or_null(o, "skip"));
	lane->hint = fl_dup(fl_json_text_or_null(o, "hint"));
	return rc;
}

/* A worker goes by the number of its first lane, and is where that one is. */
static int check_worker(const struct fl_plan_case *c, size_t lane, const char *at, struct fl_err *err)
{
	unsigned worker = c->lanes[lane].worker;

	if (worker > lane || c->lanes[worker].worker != worker)
		return fl_fail(err, -EINVAL, "%s shares worker %u, which is none of a lane before it", at, worker);
	if (c->lanes[worker].host != c->lanes[lane].host)
		return fl_fail(err, -EINVAL, "%s shares worker %u, which is on another host", at, worker);
	return 0;
}

static int read_lanes(const json_t *o, const char *at, unsigned schema, struct fl_plan_case *c, struct fl_err *err)
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
		struct fl_plan_lane *lane = &c->lanes[c->lanes_n];

		*lane = (struct fl_plan_lane){ .group = (unsigned)c->lanes_n, .size = 1 };
		snprintf(lane_at, sizeof(lane_at), "%s.lanes[%zu]", at, c->lanes_n);
		rc = read_lane(json_array_get(lanes, c->lanes_n), lane_at, schema, lane, err);
		if (rc == 0)
			rc = check_worker(c, c->lanes_n, lane_at, err);
		c->lanes_n++;
	}
	return rc;
}

/* How its study may end it. A plan of schema 1 does not say: it is never ended. */
static int read_ends(const json_t *o, const char *at, bool said, struct fl_plan_case *c, struct fl_err *err)
{
	uint64_t least = c->rounds, pass = 0;
	int rc = said ? fl_json_u64(o, at, "rounds_least", c->rounds, &least, err) : 0;

	if (rc == 0 && said)
		rc = fl_json_u64(o, at, "pass_rounds", c->rounds, &pass, err);
	c->rounds_least = (unsigned)least;
	c->pass_rounds = (unsigned)pass;
	return rc;
}

static int read_case(const json_t *o, const char *at, unsigned schema, struct fl_plan_case *c, struct fl_err *err)
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
	if (rc == 0 && fl_json_text_or_null(o, "across"))
		rc = read_text(o, at, "across", &c->across, err);
	if (rc == 0)
		rc = read_ends(o, at, schema >= WITH_STUDIES, c, err);
	return rc < 0 ? rc : read_lanes(o, at, schema, c, err);
}

static int read_cases(const json_t *doc, unsigned schema, struct fl_plan *plan, struct fl_err *err)
{
	size_t slots = 0, lanes = 0;
	char at[64];
	json_t *cases;
	int rc = fl_json_array(doc, "plan", "cases", FL_CASES_MAX, &cases, err);

	if (rc < 0)
		return rc;
	plan->cases = fl_zalloc(json_array_size(cases), sizeof(*plan->cases));
	while (plan->cases_n < json_array_size(cases)) {
		struct fl_plan_case *c = &plan->cases[plan->cases_n];

		snprintf(at, sizeof(at), "plan.cases[%zu]", plan->cases_n);
		rc = read_case(json_array_get(cases, plan->cases_n), at, schema, c, err);
		plan->cases_n++;
		if (rc == 0)
			rc = fl_groups_check(c, plan->hosts_n, at, err);
		if (rc < 0)
			return rc;
		slots += c->lanes_n * c->rounds;
		lanes += c->lanes_n;
		if (lanes > FL_PLAN_LANES_MAX)
			return fl_fail(err, -EINVAL, "the plan has more than %d lanes", FL_PLAN_LANES_MAX);
		if (slots > FL_SLOTS_MAX)
			return fl_fail(err, -EINVAL, "the plan has more than %d measurements", FL_SLOTS_MAX);
	}
	return 0;
}

static int read_names(const json_t *doc, const char *at, const char *key, size_t max, char ***ret, size_t *ret_n,
		      struct fl_err *err)
{
	json_t *names;
	int rc = fl_json_array(doc, at, key, max, &names, err);

	if (rc < 0)
		return rc;
	*ret = fl_zalloc(json_array_size(names), sizeof(**ret));
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (!name)
			return fl_fail(err, -EINVAL, "%s.%s[%zu] is no text", at, key, i);
		(*ret)[(*ret_n)++] = fl_dup(name);
	}
	return 0;
}

/* ---- studies */

static int read_kind(const json_t *o, const char *at, enum fl_study_kind *ret, struct fl_err *err)
{
	const char *name;
	int rc = fl_json_text(o, at, "kind", &name, err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < FL_STUDY_KINDS; i++)
		if (strcmp(fl_study_name((enum fl_study_kind)i), name) == 0) {
			*ret = (enum fl_study_kind)i;
			return 0;
		}
	return fl_fail(err, -EINVAL, "%s is of the unknown kind '%s'", at, name);
}

/* One value for each case, or none at all. */
static int read_values(const json_t *o, const char *at, struct fl_study *s, struct fl_err *err)
{
	char **values = NULL;
	size_t n = 0;
	int rc = read_names(o, at, "values", FL_SWEEP_MAX, &values, &n, err);

	if (rc == 0 && n != (s->option ? s->cases_n : 0))
		rc = fl_fail(err, -EINVAL, "%s has %zu values for %u cases", at, n, s->cases_n);
	if (rc == 0 && n) {
		s->values = values;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		free(values[i]);
	free(values);
	return rc;
}

/* The cases that every study of a closed loop has, and as many rounds of each: what is to be done next is asked of
 * them. */
static int check_loop(const struct fl_plan *plan, const struct fl_study *s, const char *at, struct fl_err *err)
{
	static const char *const always[] = { "loop", "open", "control" };
	enum { ALWAYS = sizeof(always) / sizeof(always[0]) };

	if (!s->values || s->cases_n < ALWAYS)
		return fl_fail(err, -EINVAL, "%s has not the cases of a study '%s'", at, fl_study_name(s->kind));
	for (unsigned i = 0; i < s->cases_n; i++) {
		if (i < ALWAYS && strcmp(s->values[i], always[i]) != 0)
			return fl_fail(err, -EINVAL, "%s has case '%s' where '%s' belongs", at, s->values[i],
				       always[i]);
		if (plan->cases[s->first + i].rounds != plan->cases[s->first].rounds)
			return fl_fail(err, -EINVAL, "%s has cases of unlike rounds", at);
	}
	return 0;
}

/* Studies hold the cases of the plan one after the other, and those of a calibration consist of passes. */
static int check_study(const struct fl_plan *plan, const struct fl_study *s, const char *at, unsigned first,
		       struct fl_err *err)
{
	if (s->cases_n == 0 || s->first != first || s->cases_n > plan->cases_n - first)
		return fl_fail(err, -EINVAL, "%s does not begin where the study before it ends", at);
	for (unsigned i = 0; i < s->cases_n && s->kind == FL_STUDY_CALIBRATION; i++)
		if (plan->cases[first + i].pass_rounds == 0)
			return fl_fail(err, -EINVAL, "%s is a calibration without passes", at);
	if (s->kind == FL_STUDY_STARVATION || s->kind == FL_STUDY_LADDER)
		return check_loop(plan, s, at, err);
	return 0;
}

static int read_study(const json_t *o, const char *at, struct fl_study *s, struct fl_err *err)
{
	uint64_t first = 0, n = 0;
	int rc = read_kind(o, at, &s->kind, err);

	if (rc == 0)
		rc = read_text(o, at, "label", &s->label, err);
	if (rc == 0)
		rc = fl_json_u64(o, at, "first_case", FL_CASES_MAX, &first, err);
	if (rc == 0)
		rc = fl_json_u64(o, at, "cases", FL_CASES_MAX, &n, err);
	if (rc == 0)
		rc = fl_json_bool(o, at, "range", &s->range, err);
	s->first = (unsigned)first;
	s->cases_n = (unsigned)n;
	s->option = fl_dup(fl_json_text_or_null(o, "option"));
	return rc < 0 ? rc : read_values(o, at, s, err);
}

static int read_studies(const json_t *doc, struct fl_plan *plan, struct fl_err *err)
{
	unsigned next = 0;
	char at[64];
	json_t *studies;
	int rc = fl_json_array(doc, "plan", "studies", FL_CASES_MAX, &studies, err);

	if (rc < 0)
		return rc;
	plan->studies = fl_zalloc(json_array_size(studies), sizeof(*plan->studies));
	while (plan->studies_n < json_array_size(studies)) {
		struct fl_study *s = &plan->studies[plan->studies_n];

		snprintf(at, sizeof(at), "plan.studies[%zu]", plan->studies_n);
		rc = read_study(json_array_get(studies, plan->studies_n), at, s, err);
		plan->studies_n++;
		if (rc == 0)
			rc = check_study(plan, s, at, next, err);
		if (rc < 0)
			return rc;
		next += s->cases_n;
	}
	return next == plan->cases_n ? 0 : fl_fail(err, -EINVAL, "the plan has cases that belong to no study");
}

/* ---- hosts */

/* What a name can be: it stands in texts, and before a '/' where things of several hosts are told apart. */
static bool is_host_name(const char *name)
{
	size_t n = strlen(name);

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 127 || *c == '/')
			return false;
	return n > 0 && n <= HOST_NAME_MAX_CHARS;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_hosts(const json_t *doc, struct fl_plan *plan, struct fl_err *err)
{
	int rc = read_names(doc, "plan", "hosts", FL_PLAN_HOSTS_MAX, &plan->hosts, &plan->hosts_n, err);
	char **sorted;

	for (size_t i = 0; i < plan->hosts_n && rc == 0; i++)
		if (!is_host_name(plan->hosts[i]))
			rc = fl_fail(err, -EINVAL, "plan.hosts[%zu] is no name of a host", i);
	if (rc < 0 || plan->hosts_n == 0)
		return rc;
	sorted = fl_zalloc(plan->hosts_n, sizeof(*sorted));
	memcpy(sorted, plan->hosts, plan->hosts_n * sizeof(*sorted));
	qsort(sorted, plan->hosts_n, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < plan->hosts_n && rc == 0; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			rc = fl_fail(err, -EINVAL, "plan.hosts has '%.80s' twice", sorted[i]);
	free(sorted);
	return rc;
}

/* What a plan of schema 1 was: rounds of all its cases. */
static void add_only_study(struct fl_plan *plan)
{
	if (plan->cases_n == 0)
		return;
	plan->studies = fl_zalloc(1, sizeof(*plan->studies));
	plan->studies[0] = (struct fl_study){ .label = fl_dup(plan->suite), .cases_n = (unsigned)plan->cases_n };
	plan->studies_n = 1;
}

static int read_plan(const json_t *doc, struct fl_plan *plan, struct fl_err *err)
{
	uint64_t schema = 0;
	int rc = fl_json_u64(doc, "plan", "schema", UINT32_MAX, &schema, err);

	if (rc == 0 && (schema < 1 || schema > FL_PLAN_SCHEMA))
		rc = fl_fail(err, -EINVAL, "plan has schema %u, this feedline reads up to %d", (unsigned)schema,
			     FL_PLAN_SCHEMA);
	if (rc == 0)
		rc = read_text(doc, "plan", "suite", &plan->suite, err);
	if (rc == 0)
		rc = fl_json_bool(doc, "plan", "required", &plan->required, err);
	plan->visible_gpus = fl_dup(fl_json_text_or_null(doc, "visible_gpus"));
	plan->gpu_order = fl_dup(fl_json_text_or_null(doc, "gpu_order"));
	if (rc == 0)
		rc = read_names(doc, "plan", "require", FL_REQUIRE_MAX, &plan->require, &plan->require_n, err);
	if (rc == 0 && schema >= WITH_STUDIES)
		rc = read_names(doc, "plan", "primary", FL_REQUIRE_MAX, &plan->primary, &plan->primary_n, err);
	if (rc == 0 && schema >= WITH_HOSTS)
		rc = read_hosts(doc, plan, err);
	if (rc == 0)
		rc = read_cases(doc, (unsigned)schema, plan, err);
	if (rc == 0 && schema >= WITH_STUDIES)
		rc = read_studies(doc, plan, err);
	else if (rc == 0)
		add_only_study(plan);
	return rc;
}

int fl_plan_read(const json_t *doc, struct fl_plan **ret, struct fl_err *err)
{
	struct fl_plan *plan = fl_zalloc(1, sizeof(*plan));
	int rc = read_plan(doc, plan, err);

	if (rc < 0) {
		fl_plan_free(plan);
		return rc;
	}
	*ret = plan;
	return 0;
}
