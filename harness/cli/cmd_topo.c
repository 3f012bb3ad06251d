/* SPDX-License-Identifier: Apache-2.0 */
/* feedline topo: what is in this machine, or in a recorded one. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "run/run.h"
#include <stdlib.h>

struct topo_opts {
	bool json;
	const char *machine;
};

static const struct fl_field topo_fields[] = {
	FL_FIELD(topo_opts, json, FL_FLAG, "no", NULL, "print a machine file"),
	FL_FIELD(topo_opts, machine, FL_PATH, "", NULL, "a machine file in place of this machine"),
	{ 0 },
};

static int sense(struct fl_machine **ret, struct fl_err *err)
{
	char *prefix;
	int rc = fl_prefix(&prefix, err);

	if (rc < 0)
		return rc;
	rc = fl_run_sense(prefix, ret, err);
	free(prefix);
	return rc;
}

static int topo_print(const struct topo_opts *opts, struct fl_err *err)
{
	const struct fl_look look = fl_output_look();
	struct fl_machine *machine;
	struct fl_text out = { 0 };
	int rc = opts->machine ? fl_machine_load(opts->machine, &machine, err) : sense(&machine, err);

	if (rc < 0)
		return rc;
	if (opts->json) {
		rc = fl_output_json(fl_machine_json(machine), err);
	} else {
		fl_report_machine(machine, &look, &out);
		rc = fl_output_text(&out, err);
	}
	fl_machine_free(machine);
	return rc;
}

static int topo(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct topo_opts opts = { 0 };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 0, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	rc = args.help ? fl_options_help(self->usage, self->summary, sets, err) : topo_print(&opts, err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_topo = {
	.name = "topo",
	.summary = "what is in this machine",
	.usage = "topo",
	.fields = topo_fields,
	.run = topo,
};
