/* SPDX-License-Identifier: Apache-2.0 */
/* skip.c: what is known before running: a lane that cannot be measured here, the reason, and what to do about it. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/threads.h"
#include "plan/parts.h"
#include <string.h>

static const char widen[] = "widen the cgroup's cpuset, or run under mpirun --bind-to none or "
			    "srun --exclusive --cpu-bind=none --mem=0";

/* A lane that takes every CPU of its node must have every one; others need one. */
static bool skip_cpus(const struct fl_machine *m, const struct fl_entry *entry, struct fl_plan_lane *lane)
{
	struct fl_cpus allowed = fl_place_allowed(m, lane->node), all = fl_place_all(m, lane->node);
	unsigned may = fl_cpus_count(&allowed), has = fl_cpus_count(&all);
	const struct fl_node *node = lane->node < 0 ? NULL : fl_machine_node(m, lane->node);

	if (may > 0 && (may == has || !fl_threads_take_cpus(entry->threads)))
		return false;
	lane->skip = fl_format("the cpuset allows %u of the %u CPUs of %s", may, has, node ? node->id : "this machine");
	lane->hint = fl_dup(widen);
	return true;
}

bool fl_lane_reads(const struct fl_entry *entry, const struct fl_plan_lane *lane, const struct fl_field *field)
{
	for (const struct fl_flow *f = entry->flows; f->from; f++)
		if (strcmp(f->from, field->name) == 0 && fl_lane_has_flow(lane, entry, f))
			return true;
	return false;
}

/* Reading a file in memory says nothing about a drive. */
static bool skip_tmpfs(const struct fl_machine *m, const struct fl_entry *entry, struct fl_plan_lane *lane)
{
	for (const struct fl_field *f = entry->fields; f->name; f++) {
		const char *path = f->type == FL_PATH ? fl_lane_option(lane, f->name) : NULL;
		const struct fl_mount *mount = NULL;
		const char *why = NULL;

		if (!path || path[0] != '/' || !fl_lane_reads(entry, lane, f))
			continue;
		fl_machine_drive_of(m, path, &mount, &why);
		if (!mount || !mount->type || (strcmp(mount->type, "tmpfs") != 0 && strcmp(mount->type, "ramfs") != 0))
			continue;
		lane->skip = fl_format("%s is memory, not a drive", mount->type);
		lane->hint = fl_format("'%s' is below '%s'; choose a %s on a drive", path, mount->at, f->name);
		return true;
	}
	return false;
}

/* A `local` that is no device: the node of the lane's CPUs has no memory, or there are no nodes. */
static bool skip_no_memory(const struct fl_machine *m, const struct fl_entry *entry, struct fl_plan_lane *lane)
{
	for (const struct fl_field *f = entry->fields; f->name; f++) {
		const char *node = fl_lane_option(lane, f->name);

		if (!node || !fl_field_holds(f, "node", node) || fl_machine_find(m, "node", node) >= 0)
			continue;
		lane->skip = fl_is_local(f, node) ? fl_format("this machine has no node")
						  : fl_format("%s has no memory", node);
		lane->hint = fl_format("choose a node with memory for '%s'", f->name);
		return true;
	}
	return false;
}

static const struct fl_nic *nic_of(const struct fl_machine *m, const char *id)
{
	for (size_t i = 0; id && i < m->nics_n; i++)
		if (strcmp(m->nics[i].id, id) == 0)
			return &m->nics[i];
	return NULL;
}

/* A NIC without RDMA, or whose port carries nothing. */
static bool skip_nic(const struct fl_machine *m, const struct fl_entry *entry, struct fl_plan_lane *lane)
{
	for (const struct fl_field *f = entry->fields; f->name; f++) {
		bool by_rdma = f->type == FL_DEVICE && strcmp(f->range, "rdma") == 0;
		const struct fl_nic *nic = by_rdma ? nic_of(m, fl_lane_option(lane, f->name)) : NULL;
		const char *state = nic ? nic->rdma_state.value : NULL;

		if (nic && !nic->rdma.value) {
			lane->skip = fl_format("%s has no RDMA: %s", nic->id, nic->rdma.why);
			lane->hint = fl_dup("`feedline topo` shows which NICs have; is the driver of the device, and "
					    "ib_uverbs, loaded?");
			return true;
		}
		if (state && strcmp(state, "active") != 0) {
			lane->skip = fl_format("%s port %.0f is %s", nic->rdma.value, nic->rdma_port.value, state);
			lane->hint = fl_dup("is the cable in, the interface up (`ip link`), and with InfiniBand a "
					    "subnet manager running?");
			return true;
		}
	}
	return false;
}

void fl_skip_lane(const struct fl_expansion *x, const struct fl_entry *entry, struct fl_plan_lane *lane)
{
	const struct fl_machine *m = x->machine;

	if (!skip_cpus(m, entry, lane) && !skip_no_memory(m, entry, lane) && !fl_skip_gpu(x, entry, lane) &&
	    !skip_nic(m, entry, lane))
		skip_tmpfs(m, entry, lane);
}

/* "the sender on n1: no NUMA node has CPUs" */
static char *reason_of_other(const struct fl_expansion *x, const struct fl_plan_lane *lane)
{
	const char *name = x->hosts[lane->host].name, *role = NULL;
	const struct fl_entry *entry;
	size_t n = 0;

	if (fl_catalog_find(x->catalog, lane->bench, &entry, NULL) == 0)
		role = fl_entry_role(entry, lane->rank, &n);
	return fl_format("the %.*s%s%s: %s", role ? (int)n : 5, role ? role : "other", name ? " on " : "",
			 name ? name : "", lane->skip);
}

void fl_skip_groups(const struct fl_expansion *x, struct fl_plan_case *c)
{
	const struct fl_plan_lane *end = c->lanes + c->lanes_n;

	for (struct fl_plan_lane *group = c->lanes; group < end; group += group->size) {
		const struct fl_plan_lane *first = group;

		while (first < group + group->size && !first->skip)
			first++;
		for (unsigned i = 0; first < group + group->size && i < group->size; i++) {
			if (group[i].skip)
				continue;
			group[i].skip = reason_of_other(x, first);
			group[i].hint = fl_dup(first->hint);
		}
	}
}

void fl_skip_beside(struct fl_plan_case *c)
{
	const struct fl_plan_lane *first = c->lanes, *end = c->lanes + c->lanes_n;

	while (first < end && !first->skip)
		first++;
	for (size_t i = 0; first < end && i < c->lanes_n; i++) {
		if (c->lanes[i].skip)
			continue;
		c->lanes[i].skip = fl_format("beside it: %s", first->skip);
		c->lanes[i].hint = fl_dup(first->hint);
	}
}
