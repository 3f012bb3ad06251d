/* SPDX-License-Identifier: Apache-2.0 */
/* retire.c: which devices a lane takes with it when it hangs, loses its GPU, or leaves a worker behind that cannot be
 * ended, and which lanes are not begun because of that. */
#include "base/alloc.h"
#include "run/case.h"
#include "run/retired.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_CHARS = 120 };

/* ---- before a lane begins */

static int refuse(const struct fl_case *c, const char *id, struct fl_err *err)
{
	const char *why = c->agent->retired ? fl_retired_why(c->agent->retired, id) : NULL;

	if (!why)
		return 0;
	fl_fail(err, -ENODEV, "%s is not used again in this run: %s", id, why);
	return fl_hint(err, "the kernel's log (dmesg) may say why; it may want a reset, or the machine a restart");
}

static const struct fl_drive *drive_of(const struct fl_case *c, const struct fl_case_lane *lane, bool written)
{
	const char *why;

	return fl_lane_drive(c->agent->machine, lane->entry, lane->plan, written, &why);
}

int fl_case_refuse_retired(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_err *err)
{
	const struct fl_drive *drives[] = { drive_of(c, lane, false), drive_of(c, lane, true) };
	const char *ids[FL_LANE_GPUS_MAX];
	size_t n = fl_lane_gpus(lane->plan, lane->entry, ids);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = refuse(c, ids[i], err);
	for (size_t i = 0; i < 2 && rc == 0; i++)
		rc = drives[i] ? refuse(c, drives[i]->id, err) : 0;
	return rc;
}

void fl_case_note_devices(const struct fl_case *c, const struct fl_case_lane *lane)
{
	const struct fl_drive *drives[] = { drive_of(c, lane, false), drive_of(c, lane, true) };
	const char *ids[FL_LANE_GPUS_MAX];
	size_t n = fl_lane_gpus(lane->plan, lane->entry, ids);

	for (size_t i = 0; i < n; i++)
		fl_worker_uses(lane->worker, ids[i]);
	for (size_t i = 0; i < 2; i++)
		if (drives[i])
			fl_worker_uses(lane->worker, drives[i]->id);
}

/* ---- when one goes wrong */

/* The parts of a GPU that is lost are lost with it. */
static void retire_gpu(const struct fl_case *c, const char *id, bool lost, const char *why)
{
	const struct fl_machine *m = c->agent->machine;
	const struct fl_gpu *gpu = fl_gpu_of(m, id);
	const char *whole = gpu && gpu->parent ? gpu->parent : id;

	fl_retired_add(c->agent->retired, id, why);
	for (size_t i = 0; lost && i < m->gpus_n; i++)
		if (strcmp(m->gpus[i].id, whole) == 0 || (m->gpus[i].parent && strcmp(m->gpus[i].parent, whole) == 0))
			fl_retired_add(c->agent->retired, m->gpus[i].id, why);
}

static const char *phase_of(const struct fl_case_lane *lane)
{
	return lane->tape ? fl_phase_name(fl_tape_phase(lane->tape)) : "start";
}

static bool uses(const struct fl_case_lane *lane, const char *id)
{
	const char *ids[FL_LANE_GPUS_MAX];
	size_t n = fl_lane_gpus(lane->plan, lane->entry, ids);

	for (size_t i = 0; i < n; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

/* Do all lanes that hang like this one use the GPU? */
static bool all_use(const struct fl_case *c, const struct fl_case_lane *hung, const char *id)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].worker == hung->worker && fl_case_progress(&c->lanes[i]) == fl_case_progress(hung) &&
		    !uses(&c->lanes[i], id))
			return false;
	return true;
}

/* Has a lane on the GPU come further? */
static bool works(const struct fl_case *c, const struct fl_case_lane *hung, const char *id)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].state != FL_LANE_FAILED && fl_case_progress(&c->lanes[i]) > fl_case_progress(hung) &&
		    uses(&c->lanes[i], id))
			return true;
	return false;
}

void fl_case_retire_hung(const struct fl_case *c, const struct fl_case_lane *lane)
{
	char *why = fl_format("phase '%s' of '%.*s' did not end", phase_of(lane), LABEL_CHARS, c->plan->label);
	const char *ids[FL_LANE_GPUS_MAX];
	size_t n = fl_lane_gpus(lane->plan, lane->entry, ids), gone = 0;

	for (size_t i = 0; c->agent->retired && i < n; i++) {
		if (!all_use(c, lane, ids[i]) || works(c, lane, ids[i]))
			continue;
		retire_gpu(c, ids[i], false, why);
		gone++;
	}
	for (size_t i = 0; c->agent->retired && i < n && !gone; i++) /* it works, and hangs all the same */
		if (all_use(c, lane, ids[i]))
			retire_gpu(c, ids[i], false, why);
	free(why);
}

void fl_case_retire_lost(const struct fl_case *c, const struct fl_case_lane *lane, const char *said)
{
	const char *ids[FL_LANE_GPUS_MAX];
	char *why;

	if (!c->agent->retired || fl_lane_gpus(lane->plan, lane->entry, ids) != 1)
		return;
	why = fl_format("it was lost in '%.*s': %.100s", LABEL_CHARS, c->plan->label, said);
	retire_gpu(c, ids[0], true, why);
	free(why);
}

void fl_agent_abandon(void *arg, const struct fl_worker *w, pid_t pid)
{
	const struct fl_agent *agent = arg;
	char *why = fl_format("process %d, which used it last, cannot be ended", (int)pid), *line;

	for (size_t i = 0; i < w->devices_n && agent->retired; i++)
		fl_retired_add(agent->retired, w->devices[i], why);
	free(why);
	if (!agent->watch || !agent->watch->say)
		return;
	line = fl_format("process %d of %s is stuck in the kernel and was left behind%s%s", (int)pid, w->program,
			 w->devices_n ? "; it used " : "", w->devices_n ? w->devices[0] : "");
	agent->watch->say(agent->watch->arg, line);
	free(line);
}
