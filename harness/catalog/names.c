/* SPDX-License-Identifier: Apache-2.0 */
/* names.c: the words that stand for enums in manifests and records, and the options that every benchmark has. */
#include "base/field.h"
#include "catalog/catalog.h"
#include <errno.h>
#include <string.h>

static const char *const from_names[] = {
	[FL_RATE_BYTES] = "rate_bytes",	    [FL_RATE_OPS] = "rate_ops", [FL_STEP_NS] = "step_ns",
	[FL_DISTRIBUTION] = "distribution", [FL_GIVEN] = "given",
};

static const char *const better_names[] = {
	[FL_HIGHER] = "higher",
	[FL_LOWER] = "lower",
	[FL_NEITHER] = "neither",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int index_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

const char *fl_from_name(enum fl_from from)
{
	return from_names[from];
}

int fl_from_of(const char *name)
{
	return index_of(from_names, COUNT(from_names), name);
}

const char *fl_better_name(enum fl_better better)
{
	return better_names[better];
}

int fl_better_of(const char *name)
{
	return index_of(better_names, COUNT(better_names), name);
}

/* They fill no options struct: the harness acts on them. */
const struct fl_field fl_common_fields[] = {
	{ .name = "numa", .type = FL_DEVICE, .range = "node", .help = "NUMA node of CPUs and memory" },
	{ .name = "duration",
	  .type = FL_NS,
	  .range = "1ms..24h",
	  .help = "time measured in each case (default: until the interval is narrow, at most 2 s)" },
	{ .name = "timeout",
	  .type = FL_NS,
	  .range = "100ms..24h",
	  .help = "how long a lane may take to open, to stop, to verify or to get on before it counts as hung (default "
		  "60s)" },
	{ .name = "read_limit",
	  .type = FL_BYTES,
	  .range = "4KiB..1PB",
	  .help = "bytes per second that the lane may read from the drive beneath its path, set by cgroup" },
	{ .name = "demand",
	  .type = FL_TEXT,
	  .range = "@demand|all",
	  .help = "what a workload asks for, in place of step_bytes and step_time; a study of it measures 10 steps at "
		  "least; all: one study each" },
	{ .name = "shared", .type = FL_FLAG, .help = "measure GPUs that other processes use, too (default no)" },
	{ .name = "telemetry",
	  .type = FL_FLAG,
	  .help = "watch GPUs, drives and CPUs while the lane is measured; =no: do not (default yes)" },
	{ 0 },
};

static bool uses_gpu(const struct fl_entry *e)
{
	for (const struct fl_field *f = e->fields; f->name; f++)
		if (fl_field_holds(f, "gpu", NULL))
			return true;
	return false;
}

static bool reads_path(const struct fl_entry *e)
{
	for (const struct fl_flow *flow = e->flows; flow->from; flow++) {
		const struct fl_field *f = fl_field_find(e->fields, flow->from);

		if (f && f->type == FL_PATH)
			return true;
	}
	return false;
}

static bool takes_demand(const struct fl_entry *e)
{
	const struct fl_field *bytes = fl_field_find(e->fields, "step_bytes");
	const struct fl_field *time = fl_field_find(e->fields, "step_time");

	return bytes && bytes->type == FL_BYTES && time && time->type == FL_NS;
}

static bool has_common(const struct fl_entry *e, const struct fl_field *common)
{
	if (strcmp(common->name, "duration") == 0)
		return !e->whole;
	if (strcmp(common->name, "read_limit") == 0)
		return reads_path(e);
	if (strcmp(common->name, "shared") == 0)
		return uses_gpu(e);
	return strcmp(common->name, "demand") != 0 || takes_demand(e);
}

struct fl_commons fl_entry_commons(const struct fl_entry *e)
{
	struct fl_commons all = { 0 };
	size_t n = 0;

	for (const struct fl_field *f = fl_common_fields; f->name; f++)
		if (has_common(e, f))
			all.fields[n++] = *f;
	return all;
}

const struct fl_field *fl_entry_field(const struct fl_entry *e, const char *name)
{
	const struct fl_field *own = fl_field_find(e->fields, name), *common;

	if (own)
		return own;
	common = fl_field_find(fl_common_fields, name);
	return common && has_common(e, common) ? common : NULL;
}

int fl_entry_available(const struct fl_entry *e, struct fl_err *err)
{
	if (!e->unavailable)
		return 0;
	fl_fail(err, -ENOSYS, "%s", e->unavailable);
	return fl_hint(err, "use a feedline that was built with it");
}

const struct fl_metric *fl_entry_speaker(const struct fl_entry *e)
{
	for (const struct fl_metric *m = e->metrics; m->name; m++)
		if (m->from == FL_RATE_BYTES)
			return m;
	return e->metrics->name ? e->metrics : NULL;
}
