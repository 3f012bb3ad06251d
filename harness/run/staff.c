/* SPDX-License-Identifier: Apache-2.0 */
/* staff.c: which worker a lane gets. The plan lets some lanes of a case share one, which sits where all of them do; a
 * part of a GPU is seen by a worker that sees nothing else. Plans may come from a store, and are not believed. */
#include "base/text.h"
#include "run/case.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool share(const struct fl_case_lane *a, const struct fl_case_lane *b)
{
	return a->plan->worker == b->plan->worker && !a->plan->skip && !b->plan->skip;
}

static bool is_whole(const struct fl_gpu *gpu)
{
	return !gpu->parent && !(gpu->mig.value && !strcmp(gpu->mig.value, "on"));
}

/* Where a GPU is divided, CUDA shows a process one part and nothing else, unless it is told what to show: then all
 * GPUs that are whole, as CUDA_VISIBLE_DEVICES names them. malloc'd; NULL: none is divided. */
static char *whole_gpus(const struct fl_machine *m)
{
	struct fl_text list = { 0 };
	bool divided = false;

	for (size_t i = 0; i < m->gpus_n; i++) {
		const struct fl_gpu *gpu = &m->gpus[i];

		divided = divided || gpu->parent;
		if (is_whole(gpu) && gpu->uuid.value)
			fl_text_add(&list, "%s%s", list.n ? "," : "", gpu->uuid.value);
	}
	if (divided && list.n)
		return list.bytes;
	fl_text_release(&list);
	return NULL;
}

/* What the worker of the lane may see: the part of a GPU that the lane uses, by its UUID, or `whole`; NULL: it is not
 * told. */
static int find_part(const struct fl_case *c, const struct fl_case_lane *lane, const char *whole, const char **ret,
		     struct fl_err *err)
{
	const char *ids[FL_LANE_GPUS_MAX];
	size_t n = fl_lane_gpus(lane->plan, lane->entry, ids);

	*ret = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct fl_gpu *gpu = fl_gpu_of(c->agent->machine, ids[i]);

		if (!gpu || !gpu->parent)
			continue;
		if (!gpu->uuid.value)
			return fl_fail(err, -ENODEV, "the UUID of %s, by which it is chosen, is not known: %s", gpu->id,
				       gpu->uuid.why ? gpu->uuid.why : "nobody says why");
		if (n > 1)
			return fl_fail(err, -ENODEV, "a worker that uses %s can use no other GPU", gpu->id);
		*ret = gpu->uuid.value;
	}
	if (n > 0 && !*ret)
		*ret = whole;
	return 0;
}

/* Every lane that shares the worker must want the same of it. */
static int add_lane(const struct fl_case *c, const struct fl_case_lane *other, const char *whole,
		    struct fl_worker_spec *spec, struct fl_err *err)
{
	const char *visible;
	int rc = find_part(c, other, whole, &visible, err);

	if (rc < 0)
		return rc;
	if (!other->entry->program || strcmp(other->entry->program, spec->program) != 0)
		return fl_fail(err, -EINVAL, "the plan lets %s share a worker with a benchmark of another program",
			       other->plan->bench);
	if (!visible != !spec->visible || (visible && strcmp(visible, spec->visible) != 0))
		return fl_fail(err, -EINVAL, "the plan lets %s share a worker with one that uses another part of a GPU",
			       other->plan->bench);
	for (size_t k = 0; k < sizeof(spec->cpus.bits) / sizeof(*spec->cpus.bits); k++)
		spec->cpus.bits[k] |= other->plan->cpus.bits[k];
	if (other->plan->node != spec->node)
		spec->node = -1;
	return 0;
}

bool fl_case_shares_worker(const struct fl_case *c, const struct fl_case_lane *lane)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (&c->lanes[i] != lane && share(&c->lanes[i], lane))
			return true;
	return false;
}

static int take_worker(struct fl_case *c, struct fl_case_lane *lane, const char *whole, struct fl_err *err)
{
	struct fl_worker_spec spec = { .program = lane->entry->program, .node = lane->plan->node };
	int rc = find_part(c, lane, whole, &spec.visible, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < c->lanes_n && rc == 0; i++) {
		if (!share(&c->lanes[i], lane))
			continue;
		rc = add_lane(c, &c->lanes[i], whole, &spec, err);
		if (rc == 0 && c->lanes[i].worker) {
			lane->worker = c->lanes[i].worker;
			fl_case_note_devices(c, lane);
			return 0;
		}
	}
	if (rc == 0)
		rc = fl_pool_take(c->pool, &spec, &lane->worker, err);
	if (rc == 0)
		fl_case_note_devices(c, lane);
	return rc;
}

int fl_case_take_worker(struct fl_case *c, struct fl_case_lane *lane, struct fl_err *err)
{
	char *whole = whole_gpus(c->agent->machine);
	int rc = take_worker(c, lane, whole, err);

	free(whole);
	return rc;
}
