/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c: what another tool is called with to measure the same, and what it must print then. The benchmark declared the
 * template; its values are the lane's options, the facts of its first measured round, and its place. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void set(json_t *values, const char *name, const char *text)
{
	if (text)
		json_object_set_new(values, name, fl_json_string(text));
}

static void set_number(json_t *values, const char *name, long long number)
{
	json_object_set_new(values, name, json_sprintf("%lld", number));
}

static void set_seconds(json_t *values, const char *name, const char *ns)
{
	char seconds[FL_UNIT_TEXT];
	uint64_t n;

	if (fl_parse_count(ns, &n, NULL) == 0)
		set(values, name, fl_show_number(seconds, (double)n / 1e9));
}

static void set_device(const struct fl_machine *m, json_t *values, const struct fl_field *field, const char *id)
{
	int i = fl_machine_find(m, field->range, id);
	struct fl_device_view device;

	if (i < 0)
		return;
	device = fl_machine_device(m, field->range, (size_t)i);
	if (fl_field_holds(field, "node", id))
		set_number(values, field->name, device.node);
	else
		set(values, field->name, strcmp(field->range, "drive") == 0 ? device.path : device.id);
}

static void set_path(json_t *values, const char *name, const char *path, const char *escape)
{
	struct fl_text t = { 0 };

	for (; *path; path++)
		fl_text_add(&t, "%s%c", escape && strchr(escape, *path) ? "\\" : "", *path);
	set(values, name, t.bytes);
	fl_text_release(&t);
}

static void set_options(const struct fl_subject *s, json_t *values)
{
	json_t *options = json_object_get(s->planned, "options"), *value;
	const char *name;

	json_object_foreach(options, name, value)
	{
		const struct fl_field *field = fl_entry_field(s->entry, name);
		const char *text = json_string_value(value);

		if (!field || !text)
			continue;
		if (field->type == FL_NS)
			set_seconds(values, name, text);
		else if (field->type == FL_DEVICE)
			set_device(s->machine, values, field, text);
		else if (field->type == FL_PATH)
			set_path(values, name, text, s->entry->peer.escape);
		else
			set(values, name, text);
	}
}

static void set_facts(const struct fl_subject *s, const struct fl_lane_verdict *v, json_t *values)
{
	for (const struct fl_fact *f = s->entry->facts; v->first && f->name; f++)
		set(values, f->name, fl_json_text_or_null(v->first->facts, f->name));
}

/* Is every node that an option names the node of its CPUs? */
static bool is_local(const struct fl_subject *s, const struct fl_lane_verdict *v)
{
	double own = fl_json_number_or_nan(v->placement, "node");

	for (const struct fl_field *f = s->entry->fields; f->name; f++) {
		const char *named = fl_json_text_or_null(v->options, f->name);
		const char *id = named && fl_field_holds(f, "node", named) ? named : NULL;
		int i = id ? fl_machine_find(s->machine, "node", id) : -1;

		if (id && !(i >= 0 && fl_machine_device(s->machine, "node", (size_t)i).node == own))
			return false;
	}
	return true;
}

static void set_place(const struct fl_subject *s, const struct fl_lane_verdict *v, json_t *values)
{
	const char *list = fl_json_text_or_null(v->placement, "cpus");
	json_t *node = json_object_get(v->placement, "node");
	struct fl_cpus cpus;

	if (list && fl_cpus_parse(list, &cpus, NULL) == 0) {
		set(values, "cpus", list);
		set_number(values, "cpus_n", fl_cpus_count(&cpus));
	}
	if (json_is_integer(node))
		set_number(values, "node", json_integer_value(node));
	set(values, "is_local", is_local(s, v) ? "yes" : "no");
	set_number(values, "gpus_n", (long long)fl_machine_count(s->machine, "gpu"));
}

void fl_find_peer(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	const struct fl_peer *peer = &s->entry->peer;
	json_t *values = json_object();
	struct fl_text command = { 0 };

	set_place(s, v, values);
	set_options(s, values);
	set_facts(s, v, values);
	if (peer->tool && fl_peer_expand(peer, values, &command))
		v->peer = (struct fl_peer_command){ .tool = fl_dup(peer->tool),
						    .command = command.bytes,
						    .prints = fl_dup(peer->prints),
						    .counts = peer->counts,
						    .expect_bytes_per_s = NAN };
	json_decref(values);
}
