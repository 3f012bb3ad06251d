/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c: a worker program's manifest, written at build time: declarations only, no device is touched. */
#include "base/field.h"
#include "base/json.h"
#include "lane/lane.h"
#include <errno.h>
#include <feedline/registry.h>

static const char *const from_names[] = { [FL_RATE_BYTES] = "rate_bytes",
					  [FL_RATE_OPS] = "rate_ops",
					  [FL_STEP_NS] = "step_ns",
					  [FL_DISTRIBUTION] = "distribution",
					  [FL_GIVEN] = "given" };
static const char *const better_names[] = { [FL_HIGHER] = "higher", [FL_LOWER] = "lower", [FL_NEITHER] = "neither" };

static json_t *fields_json(const struct fl_field *f)
{
	json_t *list = json_array();

	for (; f && f->name; f++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:s}", "name", f->name, "type",
						      fl_type_name(f->type), "preset", fl_json_string(f->preset),
						      "range", fl_json_string(f->range), "help", f->help));
	return list;
}

static json_t *metrics_json(const struct fl_metric *m)
{
	json_t *list = json_array();

	for (; m && m->name; m++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s}", "name", m->name, "from", from_names[m->from],
						"better", better_names[m->better], "help", m->help));
	return list;
}

static json_t *facts_json(const struct fl_fact *f)
{
	json_t *list = json_array();

	for (; f && f->name; f++)
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:s}", "name", f->name, "key", (int)f->key, "help", f->help));
	return list;
}

static json_t *flows_json(const struct fl_flow *f)
{
	json_t *list = json_array();

	for (; f && f->from; f++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "from", f->from, "to", f->to, "per_byte",
						      fl_json_number(f->per_byte), "when", fl_json_string(f->when)));
	return list;
}

static json_t *peer_json(const struct fl_peer *p)
{
	if (!p)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "tool", p->tool, "command", p->command, "prints", p->prints,
			 "counts", fl_json_number(p->counts), "escape", fl_json_string(p->escape));
}

static json_t *rungs_json(const struct fl_rung *r)
{
	json_t *list = json_array();

	for (; r && r->name; r++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:o, s:o}", "name", r->name, "bench",
						      fl_json_string(r->bench), "source", r->source, "after",
						      fl_json_string(r->after), "hop", fl_json_string(r->hop)));
	return list;
}

static json_t *bench_json(const struct fl_bench *b)
{
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:b, s:o}",
		"name", b->name, "summary", b->summary, "unavailable", fl_json_string(b->unavailable), "numa",
		fl_json_string(b->numa), "threads", fl_json_string(b->threads), "verifies", (int)(b->verify != NULL),
		"fields", fields_json(b->fields), "metrics", metrics_json(b->metrics), "facts", facts_json(b->facts),
		"flows", flows_json(b->flows), "peer", peer_json(b->peer), "whole", (int)b->whole, "device_clock",
		(int)b->device_clock, "lanes", fl_json_string(b->lanes), "lane", fl_json_string(b->lane), "open_loop",
		fl_json_string(b->open_loop), "rungs", rungs_json(b->rungs), "roles", fl_json_string(b->roles),
		"measured_at", fl_json_string(b->measured_at), "lockstep", (int)b->lockstep, "measured_when",
		fl_json_string(b->measured_when));
}

/* What the harness calls without asking whether it is there. */
static int check_hooks(const struct fl_bench *b, struct fl_err *err)
{
	const char *missing = !b->open ? "open" : !b->step ? "step" : !b->close ? "close" : NULL;

	if (b->unavailable || !missing)
		return 0;
	return fl_fail(err, -EINVAL, "benchmark '%s' is available and has no hook '%s'", b->name, missing);
}

int fl_lane_manifest(const char *program, json_t **ret, struct fl_err *err)
{
	json_t *benchmarks = json_array();
	int rc = 0;

	for (size_t i = 0; fl_registry[i]; i++)
		for (const struct fl_bench *b = fl_registry[i]; b->name && rc == 0; b++) {
			rc = check_hooks(b, err);
			json_array_append_new(benchmarks, bench_json(b));
		}
	if (rc < 0) {
		json_decref(benchmarks);
		return rc;
	}
	*ret = json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "program", program, "version", FEEDLINE_VERSION,
			 "benchmarks", benchmarks);
	return 0;
}
