/* SPDX-License-Identifier: Apache-2.0 */
/* peer_of MANIFESTS LANE.json: the command of another tool for a lane of `bench --json`, as it would be printed had the
 * lane failed: here it is half as fast as a limit that is all of its path. */
#include "../unit/sample_run.h"
#include "judge/judge.h"
#include <stdio.h>

/* Options as they stand in a plan. */
static json_t *planned(const json_t *lane)
{
	json_t *options = json_object(), *value;
	const char *name;

	json_object_foreach(json_object_get(lane, "options"), name, value)
	{
		if (json_is_string(value))
			json_object_set(options, name, value);
		else
			json_object_set_new(options, name, json_sprintf("%lld", (long long)json_integer_value(value)));
	}
	return options;
}

static struct fl_run *failing(const struct fl_entry *entry, const json_t *lane)
{
	struct fl_run *run = sample_run_new(true, NULL);
	json_t *declared = fl_entry_json(entry), *options = planned(lane);
	char *text = json_dumps(options, 0);
	struct fl_lane_record *r;

	json_object_set_new(declared, "flows", json_array());
	json_object_set_new(run->declared, entry->name, declared);
	sample_lane(sample_case(run, entry->name, 1), entry->name, text, NULL);
	r = sample_record(run, 0, 0, 0);
	json_object_update(r->facts, json_object_get(lane, "facts"));
	json_object_update(r->placement, json_object_get(lane, "placement"));
	sample_flat(r, "bytes_per_s", 1e9, 9);
	sample_cap(r, "all of it", 2e9);
	json_decref(options);
	free(text);
	return run;
}

int main(int argc, char **argv)
{
	struct fl_catalog *catalog = NULL;
	const struct fl_entry *entry = NULL;
	struct fl_judgement *j = NULL;
	struct fl_err err = { 0 };
	struct fl_run *run;
	json_t *lane = NULL;
	const char *command = NULL;

	if (argc != 3 || fl_catalog_load(argv[1], &catalog, &err) < 0 ||
	    fl_json_load(argv[2], 1 << 20, &lane, &err) < 0 ||
	    fl_catalog_find(catalog, fl_json_text_or_null(lane, "bench"), &entry, &err) < 0) {
		fprintf(stderr, "usage: peer_of MANIFESTS LANE.json: %s\n", err.what);
		return 2;
	}
	run = failing(entry, lane);
	if (fl_judge(run, &j, &err) == 0)
		command = j->lanes[0].peer.command;
	printf("%s\n", command ? command : "");
	fl_judgement_free(j);
	fl_run_free(run);
	fl_catalog_free(catalog);
	json_decref(lane);
	return command ? 0 : 1;
}
