/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c: a worker program's manifest, written at build time: declarations only, no device is touched. */
#include "base/field.h"
#include "base/json.h"
#include "lane/lane.h"
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
	return json_pack("{s:s, s:s, s:n, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "name",
			 b->name, "summary", b->summary, "unavailable", "numa", fl_json_string(b->numa), "threads",
			 fl_json_string(b->threads), "verifies", (int)(b->verify != NULL), "fields",
			 fields_json(b->fields), "metrics", metrics_json(b->metrics), "facts", facts_json(b->facts),
			 "flows", flows_json(b->flows), "peer", peer_json(b->peer), "whole", (int)b->whole, "lanes",
			 fl_json_string(b->lanes), "lane", fl_json_string(b->lane), "open_loop",
			 fl_json_string(b->open_loop), "rungs", rungs_json(b->rungs));
}

json_t *fl_lane_manifest(const char *program)
{
	json_t *benchmarks = json_array();

	for (size_t i = 0; fl_registry[i]; i++)
		for (const struct fl_bench *b = fl_registry[i]; b->name; b++)
			json_array_append_new(benchmarks, bench_json(b));
	return json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "program", program, "version", FEEDLINE_VERSION,
			 "benchmarks", benchmarks);
}
