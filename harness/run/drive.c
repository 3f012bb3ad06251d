/* SPDX-License-Identifier: Apache-2.0 */
/* drive.c: which drive a lane reads or writes, by its flows, and how much may be under way. */
#include "base/field.h"
#include "base/units.h"
#include "run/case.h"
#include <string.h>

/* What the flow's end names: a path or a drive; NULL: neither, or the lane has no such option. */
static const struct fl_drive *drive_at(const struct fl_machine *m, const struct fl_entry *entry,
				       const struct fl_plan_lane *lane, const char *end, const char **why)
{
	const struct fl_field *f = fl_field_find(entry->fields, end);
	const char *text = f ? fl_lane_option(lane, end) : NULL;
	int i;

	if (!text)
		return NULL;
	if (f->type == FL_PATH)
		return fl_machine_drive_of(m, text, NULL, why);
	if (f->type != FL_DEVICE || strcmp(f->range, "drive") != 0)
		return NULL;
	i = fl_machine_find(m, "drive", text);
	if (i < 0)
		*why = "this machine has no such drive";
	return i < 0 ? NULL : &m->drives[i];
}

const struct fl_drive *fl_lane_drive(const struct fl_machine *m, const struct fl_entry *entry,
				     const struct fl_plan_lane *lane, bool written, const char **why)
{
	*why = "it is about no drive";
	for (const struct fl_flow *flow = entry->flows; flow->from; flow++) {
		const struct fl_drive *d = NULL;

		if (fl_lane_has_flow(lane, entry, flow))
			d = drive_at(m, entry, lane, written ? flow->to : flow->from, why);
		if (d)
			return d;
	}
	return NULL;
}

static double number_or(const struct fl_plan_lane *lane, const char *name, double otherwise)
{
	const char *text = fl_lane_option(lane, name);
	uint64_t number;

	return text && fl_parse_count(text, &number, NULL) == 0 ? (double)number : otherwise;
}

double fl_lane_flight_bytes(const struct fl_plan_lane *lane, uint32_t threads)
{
	double batches = number_or(lane, "prefetch", 0) + 2; /* those that wait, one taken, one coming */

	return number_or(lane, "depth", 1) * number_or(lane, "block", 0) * threads +
	       batches * number_or(lane, "step_bytes", 0);
}
