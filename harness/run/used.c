/* SPDX-License-Identifier: Apache-2.0 */
/* used.c: which files, file systems and drives a plan uses on a machine: of all that it has, those that its numbers are
 * about. */
#include "base/field.h"
#include "base/json.h"
#include "run/run.h"
#include <string.h>

enum { USED_MAX = 4096 };

static json_t *mount_json(const struct fl_mount *mount)
{
	if (!mount)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "at", fl_json_string(mount->at), "type", fl_json_string(mount->type),
			 "source", fl_json_string(mount->source), "options", fl_json_string(mount->options));
}

/* name: the path, as JSON can hold it. */
static void add_path(const struct fl_machine *machine, const char *path, const char *name, json_t *used)
{
	const struct fl_mount *mount;
	const char *why;
	const struct fl_drive *drive = fl_machine_drive_of(machine, path, &mount, &why);

	json_object_set_new(used, name,
			    json_pack("{s:o, s:o, s:o}", "drive", fl_json_string(drive ? drive->id : NULL), "mount",
				      mount_json(mount), "reason", fl_json_string(why)));
}

static void add_drive(const char *id, json_t *used)
{
	json_object_set_new(used, id, json_pack("{s:s, s:n, s:n}", "drive", id, "mount", "reason"));
}

static void add_lane(const struct fl_machine *machine, const struct fl_entry *entry, const struct fl_plan_lane *lane,
		     json_t *used)
{
	for (size_t i = 0; i < lane->options_n; i++) {
		const struct fl_option *o = &lane->options[i];
		const struct fl_field *f = fl_field_find(entry->fields, o->name);

		json_t *text = fl_json_string(o->text);
		const char *name = json_string_value(text);

		if (f && !json_object_get(used, name) && json_object_size(used) < USED_MAX) {
			if (f->type == FL_PATH)
				add_path(machine, o->text, name, used);
			else if (f->type == FL_DEVICE && !strcmp(f->range, "drive"))
				add_drive(name, used);
		}
		json_decref(text);
	}
}

json_t *fl_run_used(const struct fl_machine *machine, const struct fl_catalog *catalog, const struct fl_plan *plan,
		    unsigned host)
{
	json_t *used = json_object();
	const struct fl_entry *entry;

	for (size_t i = 0; plan && i < plan->cases_n; i++)
		for (size_t k = 0; k < plan->cases[i].lanes_n; k++) {
			const struct fl_plan_lane *lane = &plan->cases[i].lanes[k];

			if (lane->host == host && fl_catalog_find(catalog, lane->bench, &entry, NULL) == 0)
				add_lane(machine, entry, lane, used);
		}
	return used;
}
