/* SPDX-License-Identifier: Apache-2.0 */
/* entry_json.c: one benchmark's declarations as JSON, the form that entry.c reads. */
#include "base/field.h"
#include "base/json.h"
#include "catalog/catalog.h"

static json_t *fields_json(const struct fl_field *fields)
{
	json_t *all = json_array();

	for (const struct fl_field *f = fields; f->name; f++)
		json_array_append_new(all, json_pack("{s:s, s:s, s:s?, s:s?, s:s}", "name", f->name, "type",
						     fl_type_name(f->type), "preset", f->preset, "range", f->range,
						     "help", f->help));
	return all;
}

static json_t *metrics_json(const struct fl_metric *metrics)
{
	json_t *all = json_array();

	for (const struct fl_metric *m = metrics; m->name; m++)
		json_array_append_new(all,
				      json_pack("{s:s, s:s, s:s, s:s}", "name", m->name, "from", fl_from_name(m->from),
						"better", fl_better_name(m->better), "help", m->help));
	return all;
}

static json_t *facts_json(const struct fl_fact *facts)
{
	json_t *all = json_array();

	for (const struct fl_fact *f = facts; f->name; f++)
		json_array_append_new(
			all, json_pack("{s:s, s:b, s:s}", "name", f->name, "key", (int)f->key, "help", f->help));
	return all;
}

static json_t *flows_json(const struct fl_flow *flows)
{
	json_t *all = json_array();

	for (const struct fl_flow *f = flows; f->from; f++)
		json_array_append_new(all, json_pack("{s:s, s:s, s:o, s:s?}", "from", f->from, "to", f->to, "per_byte",
						     fl_json_number(f->per_byte), "when", f->when));
	return all;
}

static json_t *peer_json(const struct fl_peer *p)
{
	if (!p->tool)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:o, s:s?}", "tool", p->tool, "command", p->command, "prints", p->prints,
			 "counts", fl_json_number(p->counts), "escape", p->escape);
}

static json_t *rungs_json(const struct fl_rung *rungs)
{
	json_t *all = json_array();

	for (const struct fl_rung *r = rungs; r && r->name; r++)
		json_array_append_new(all, json_pack("{s:s, s:s?, s:s, s:s?, s:s?}", "name", r->name, "bench", r->bench,
						     "source", r->source, "after", r->after, "hop", r->hop));
	return all;
}

json_t *fl_entry_json(const struct fl_entry *e)
{
	return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s?, s:s?, s:s?, s:o, "
			 "s:s?, s:s?, s:b, s:s?}",
			 "name", e->name, "summary", e->summary, "unavailable", e->unavailable, "numa", e->numa,
			 "threads", e->threads, "verifies", (int)e->verifies, "fields", fields_json(e->fields),
			 "metrics", metrics_json(e->metrics), "facts", facts_json(e->facts), "flows",
			 flows_json(e->flows), "peer", peer_json(&e->peer), "whole", (int)e->whole, "device_clock",
			 (int)e->device_clock, "lanes", e->lanes, "lane", e->lane, "open_loop", e->open_loop, "rungs",
			 rungs_json(e->rungs), "roles", e->roles, "measured_at", e->measured_at, "lockstep",
			 (int)e->lockstep, "measured_when", e->measured_when);
}
