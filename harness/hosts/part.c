/* SPDX-License-Identifier: Apache-2.0 */
/* part.c: a part of a case to JSON and back. */
#include "hosts/part.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/tape.h"
#include "record/record.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 256, GROUP_MAX = FL_CASE_LANES_MAX, NODE_MAX = 65535 };
static const uint64_t duration_max_ns = UINT64_C(1) << 50; /* 13 days */

/* ---- to JSON */

static json_t *options_json(const struct fl_plan_lane *lane)
{
	json_t *options = json_object();

	for (size_t i = 0; i < lane->options_n; i++)
		json_object_set_new(options, lane->options[i].name, fl_json_string(lane->options[i].text));
	return options;
}

static bool same_options(const struct fl_plan_lane *a, const struct fl_plan_lane *b)
{
	if (a->options_n != b->options_n)
		return false;
	for (size_t i = 0; i < a->options_n; i++)
		if (strcmp(a->options[i].name, b->options[i].name) != 0 ||
		    strcmp(a->options[i].text, b->options[i].text) != 0)
			return false;
	return true;
}

static json_t *addresses_json(const struct fl_part_spec *spec, const struct fl_plan_case *c, unsigned number)
{
	const struct fl_plan_lane *lane = &c->lanes[number];
	json_t *list = json_array();

	for (unsigned rank = 0; lane->size > 1 && rank < lane->size; rank++) {
		const struct fl_plan_lane *other = NULL;

		for (size_t i = 0; i < c->lanes_n && !other; i++) {
			/* as a rule a group begins with the lane whose number it has */
			const struct fl_plan_lane *maybe = &c->lanes[(lane->group + i) % c->lanes_n];

			if (maybe->size > 1 && maybe->group == lane->group && maybe->rank == rank)
				other = maybe;
		}
		json_array_append_new(list, fl_json_string(other ? spec->address(spec->arg, other->host) : NULL));
	}
	return list;
}

static json_t *lane_json(const struct fl_part_spec *spec, const struct fl_plan_case *c, unsigned number,
			 json_t *options)
{
	const struct fl_plan_lane *lane = &c->lanes[number];
	struct fl_text cpus = { 0 };
	json_t *o;

	fl_cpus_format(&lane->cpus, &cpus);
	o = json_pack("{s:I, s:o, s:o, s:o, s:i, s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o}", "number", (json_int_t)number,
		      "bench", fl_json_string(lane->bench), "options", options, "cpus",
		      fl_json_string(fl_text_str(&cpus)), "node", lane->node, "worker", (json_int_t)lane->worker,
		      "group", (json_int_t)lane->group, "rank", (json_int_t)lane->rank, "size", (json_int_t)lane->size,
		      "shares_cpus", lane->shares_cpus, "skip", fl_json_string(lane->skip), "hint",
		      fl_json_string(lane->hint), "addresses", addresses_json(spec, c, number));
	fl_text_release(&cpus);
	return o;
}

json_t *fl_part_format(const struct fl_part_spec *spec)
{
	const struct fl_plan_case *c = &spec->plan->cases[spec->at.case_no];
	json_t *lanes = json_array(), *options = NULL;

	for (size_t i = 0; i < spec->n; i++) {
		const struct fl_plan_lane *lane = &c->lanes[spec->numbers[i]];

		/* as a rule the lanes of a host are alike, and there are many hosts */
		if (!i || !same_options(lane, &c->lanes[spec->numbers[i - 1]])) {
			json_decref(options);
			options = options_json(lane);
		}
		json_array_append_new(lanes, lane_json(spec, c, spec->numbers[i], json_incref(options)));
	}
	json_decref(options);
	return json_pack("{s:s, s:I, s:I, s:o, s:I, s:b, s:o}", "do", "case", "case", (json_int_t)spec->at.case_no,
			 "round", (json_int_t)spec->at.round, "label", fl_json_string(c->label), "duration_ns",
			 (json_int_t)c->duration_ns, "whole", spec->whole, "lanes", lanes);
}

/* ---- and back */

static int read_options(const json_t *o, const char *at, struct fl_plan_lane *lane, struct fl_err *err)
{
	json_t *options = NULL, *value;
	const char *name;
	int rc = fl_json_object(o, at, "options", &options, err);

	if (rc == 0 && json_object_size(options) > OPTIONS_MAX)
		rc = fl_fail(err, -EINVAL, "%s has more than %d options", at, OPTIONS_MAX);
	if (rc < 0)
		return rc;
	lane->options = fl_zalloc(json_object_size(options) + 1, sizeof(*lane->options));
	json_object_foreach(options, name, value)
	{
		if (!json_is_string(value))
			return fl_fail(err, -EINVAL, "%s.options.%.60s is no text", at, name);
		lane->options[lane->options_n++] =
			(struct fl_option){ .name = fl_dup(name), .text = fl_dup(json_string_value(value)) };
	}
	return 0;
}

static int read_addresses(const json_t *o, const char *at, unsigned size, json_t **ret, struct fl_err *err)
{
	size_t wanted = size > 1 ? size : 0;
	json_t *list = NULL;
	int rc = fl_json_array(o, at, "addresses", GROUP_MAX, &list, err);

	if (rc < 0)
		return rc;
	if (json_array_size(list) != wanted)
		return fl_fail(err, -EINVAL, "%s has %zu addresses of a group of %u", at, json_array_size(list), size);
	for (size_t i = 0; i < wanted; i++)
		if (!json_is_string(json_array_get(list, i)))
			return fl_fail(err, -EINVAL, "%s.addresses[%zu] is no text", at, i);
	*ret = json_incref(list);
	return 0;
}

static int read_count(const json_t *o, const char *at, const char *key, unsigned max, unsigned *ret, struct fl_err *err)
{
	uint64_t value = 0;
	int rc = fl_json_u64(o, at, key, max, &value, err);

	*ret = (unsigned)value;
	return rc;
}

static int read_group(const json_t *o, const char *at, struct fl_plan_lane *lane, struct fl_err *err)
{
	int rc = read_count(o, at, "group", FL_CASE_LANES_MAX - 1, &lane->group, err);

	if (rc == 0)
		rc = read_count(o, at, "size", GROUP_MAX, &lane->size, err);
	if (rc == 0)
		rc = read_count(o, at, "rank", lane->size ? lane->size - 1 : 0, &lane->rank, err);
	return rc;
}

static int read_lane(const json_t *o, const char *at, struct fl_plan_lane *lane, unsigned *ret_number,
		     struct fl_err *err)
{
	const char *bench = NULL;
	int64_t node = -1;
	int rc = read_count(o, at, "number", FL_CASE_LANES_MAX - 1, ret_number, err);

	if (rc == 0)
		rc = fl_json_text(o, at, "bench", &bench, err);
	lane->bench = fl_dup(bench);
	if (rc == 0)
		rc = read_options(o, at, lane, err);
	if (rc == 0)
		rc = fl_json_cpus(o, at, "cpus", &lane->cpus, err);
	if (rc == 0)
		rc = fl_json_i64(o, at, "node", -1, NODE_MAX, &node, err);
	lane->node = (int)node;
	if (rc == 0)
		rc = read_count(o, at, "worker", FL_CASE_LANES_MAX - 1, &lane->worker, err);
	if (rc == 0)
		rc = read_group(o, at, lane, err);
	if (rc == 0)
		rc = fl_json_bool(o, at, "shares_cpus", &lane->shares_cpus, err);
	lane->skip = fl_dup(fl_json_text_or_null(o, "skip"));
	lane->hint = fl_dup(fl_json_text_or_null(o, "hint"));
	return rc;
}

/* Workers go by the number of their first lane: in the part it is another one. */
static void renumber_workers(struct fl_part *part)
{
	unsigned *of = fl_zalloc(part->of.lanes_n, sizeof(*of));

	for (size_t i = 0; i < part->of.lanes_n; i++) {
		of[i] = (unsigned)i;
		for (size_t k = 0; k < i && of[i] == i; k++)
			if (part->of.lanes[k].worker == part->of.lanes[i].worker)
				of[i] = of[k];
	}
	for (size_t i = 0; i < part->of.lanes_n; i++)
		part->of.lanes[i].worker = of[i];
	free(of);
}

static int read_lanes(const json_t *message, struct fl_part *part, struct fl_err *err)
{
	json_t *lanes = NULL;
	char at[64];
	int rc = fl_json_array(message, "case", "lanes", FL_CASE_LANES_MAX, &lanes, err);
	size_t n = json_array_size(lanes);

	if (rc == 0 && n == 0)
		rc = fl_fail(err, -EINVAL, "case has no lanes");
	if (rc < 0)
		return rc;
	part->of.lanes = fl_zalloc(n, sizeof(*part->of.lanes));
	part->numbers = fl_zalloc(n, sizeof(*part->numbers));
	part->addresses = fl_zalloc(n, sizeof(*part->addresses));
	while (rc == 0 && part->of.lanes_n < n) {
		size_t i = part->of.lanes_n++;
		struct fl_plan_lane *lane = &part->of.lanes[i];
		const json_t *o = json_array_get(lanes, i);

		snprintf(at, sizeof(at), "case.lanes[%zu]", i);
		rc = read_lane(o, at, lane, &part->numbers[i], err);
		if (rc == 0)
			rc = read_addresses(o, at, lane->size, &part->addresses[i], err);
		if (rc == 0 && i > 0 && part->numbers[i] <= part->numbers[i - 1])
			rc = fl_fail(err, -EINVAL, "%s is not in its place", at);
	}
	if (rc == 0)
		renumber_workers(part);
	return rc;
}

int fl_part_read(const json_t *message, struct fl_part *ret, struct fl_err *err)
{
	struct fl_part part = { .of = { .rounds = 1 } };
	const char *label = NULL;
	int rc = read_count(message, "case", "case", FL_CASES_MAX - 1, &part.at.case_no, err);

	if (rc == 0)
		rc = read_count(message, "case", "round", FL_ROUNDS_MAX - 1, &part.at.round, err);
	if (rc == 0)
		rc = fl_json_text(message, "case", "label", &label, err);
	part.of.label = fl_dup(label);
	if (rc == 0)
		rc = fl_json_u64(message, "case", "duration_ns", duration_max_ns, &part.of.duration_ns, err);
	if (rc == 0)
		rc = fl_json_bool(message, "case", "whole", &part.whole, err);
	if (rc == 0)
		rc = read_lanes(message, &part, err);
	if (rc < 0)
		fl_part_release(&part);
	else
		*ret = part;
	return rc;
}

int fl_part_read_steps(const json_t *o, const char *at, struct fl_lane_steps *ret, struct fl_err *err)
{
	uint64_t number = 0, steps = 0;
	int rc = fl_json_u64(o, at, "lane", FL_CASE_LANES_MAX - 1, &number, err);

	if (rc == 0)
		rc = fl_json_u64(o, at, "steps", FL_TAPE_DONE_MAX, &steps, err);
	if (rc == 0 && steps == 0)
		rc = fl_fail(err, -EINVAL, "%s.steps is 0", at);
	if (rc < 0)
		return rc;
	*ret = (struct fl_lane_steps){ .number = (unsigned)number, .steps = steps };
	return 0;
}

static void release_lane(struct fl_plan_lane *lane)
{
	for (size_t i = 0; i < lane->options_n; i++) {
		free(lane->options[i].name);
		free(lane->options[i].text);
	}
	free(lane->options);
	free(lane->bench);
	free(lane->skip);
	free(lane->hint);
}

void fl_part_release(struct fl_part *part)
{
	for (size_t i = 0; i < part->of.lanes_n; i++) {
		release_lane(&part->of.lanes[i]);
		json_decref(part->addresses[i]);
	}
	free(part->of.lanes);
	free(part->of.label);
	free(part->numbers);
	free(part->addresses);
	*part = (struct fl_part){ 0 };
}
