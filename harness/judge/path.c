/* SPDX-License-Identifier: Apache-2.0 */
/* path.c: the hops that a lane's payload loads. They follow from the flows that its benchmark declared, the options and
 * placement in its record and the machine of the run; none from a benchmark's name. */
#include "judge/path.h"
#include "base/alloc.h"
#include "base/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A limit that the benchmark puts on itself (a paced source): all of it is to be expected. */
static const double stated_share = 1.0;

struct fl_hop *fl_hop_add(struct fl_lane_verdict *v, char *name, double crossings)
{
	for (size_t i = 0; i < v->hops_n; i++)
		if (strcmp(v->hops[i].name, name) == 0) {
			free(name);
			v->hops[i].crossings += crossings;
			return &v->hops[i];
		}
	v->hops = fl_grow(v->hops, v->hops_n + 1, sizeof(*v->hops));
	v->hops[v->hops_n] =
		(struct fl_hop){ .name = name, .cap_bytes_per_s = NAN, .crossings = crossings, .expected = NAN };
	return &v->hops[v->hops_n++];
}

void fl_hop_unknown(struct fl_hop *hop, const char *why, bool named)
{
	if (!hop->why)
		hop->why = fl_dup(why);
	hop->named |= named;
}

void fl_hop_know(struct fl_hop *hop, double cap_bytes_per_s, bool exact, const char *origin)
{
	hop->cap_bytes_per_s = cap_bytes_per_s;
	hop->exact = exact;
	if (!hop->origin)
		hop->origin = fl_dup(origin);
}

void fl_hop_is(struct fl_hop *hop, enum fl_link_kind kind, const void *link, bool towards)
{
	hop->kind = kind;
	hop->link = link;
	hop->towards = towards;
	hop->named = true;
}

bool fl_loads_other_way(const struct fl_lane_verdict *v, const struct fl_hop *hop)
{
	for (size_t i = 0; hop->link && i < v->hops_n; i++)
		if (v->hops[i].link == hop->link && v->hops[i].towards != hop->towards)
			return true;
	return false;
}

void fl_path_finding(struct fl_lane_verdict *v, char *text)
{
	for (size_t i = 0; i < v->findings_n; i++)
		if (strcmp(v->findings[i], text) == 0) {
			free(text);
			return;
		}
	v->findings = fl_grow(v->findings, v->findings_n + 1, sizeof(*v->findings));
	v->findings[v->findings_n++] = text;
}

static bool is_device(const struct fl_end *end)
{
	return end->kind == FL_END_DRIVE || end->kind == FL_END_NIC || end->kind == FL_END_GPU;
}

static void add_memory(struct fl_lane_verdict *v, const struct fl_end *end, bool is_source, double crossings)
{
	struct fl_hop *hop = fl_hop_add(v, fl_dup(end->name), crossings);

	fl_hop_unknown(hop, "not measured yet", end->named);
	*(is_source ? &hop->reads : &hop->writes) += crossings;
}

/* What of an end is a hop of its own, whatever is at the other one. */
static void add_end(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *end, bool is_source,
		    double crossings)
{
	switch (end->kind) {
	case FL_END_CPU:
	case FL_END_GPU: /* its memory is many times as fast as any link into it */
		return;
	case FL_END_MEMORY:
		add_memory(v, end, is_source, crossings);
		return;
	case FL_END_DRIVE:
		fl_hop_unknown(fl_hop_add(v, fl_format("%s media", end->name), crossings), "no rating known", true);
		return;
	case FL_END_NIC:
		if (end->rdma)
			fl_add_rdma_port(s, v, end, !is_source, crossings);
		else if (end->port)
			fl_add_port(v, end, !is_source, crossings);
		else
			fl_hop_unknown(fl_hop_add(v, fl_format("%s port", end->name), crossings),
				       "payload rate not computed yet", true);
		return;
	case FL_END_UNKNOWN:
		fl_hop_unknown(fl_hop_add(v, fl_dup(end->name), crossings), end->why ? end->why : "not known", true);
		return;
	}
}

void fl_add_socket_link(const struct fl_subject *s, struct fl_lane_verdict *v, int from, int to, double crossings)
{
	const struct fl_node *a = from < 0 ? NULL : fl_machine_node(s->machine, from);
	const struct fl_node *b = to < 0 ? NULL : fl_machine_node(s->machine, to);

	if (a && b && a != b)
		fl_hop_unknown(fl_hop_add(v, fl_format("socket link %s to %s", a->id, b->id), crossings),
			       "not measured yet", false);
}

/* Memory of another node is slower than that of the device's own, which is nobody's fault. */
static void find_far(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *device,
		     const struct fl_end *memory)
{
	const struct fl_node *own = device->node < 0 ? NULL : fl_machine_node(s->machine, device->node);
	const struct fl_node *far = memory->node < 0 ? NULL : fl_machine_node(s->machine, memory->node);

	if (is_device(device) && memory->kind == FL_END_MEMORY && own && far && own != far)
		fl_path_finding(
			v, fl_format("the memory is far, on another node than the %s: it is slower than near memory "
				     "as a rule",
				     device->kind == FL_END_GPU	    ? "GPU"
				     : device->kind == FL_END_DRIVE ? "drive"
								    : "NIC"));
}

/* Rows are of the first lane of a group: what that sends the others receive, and the other way round. Where each lane
 * is measured, that is what arrives at it; by RDMA, where nobody need be told of that, what it asked for itself: the
 * row as it stands, of each. What a lane does for another's measurement is the opposite. */
static bool is_turned(const struct fl_subject *s, const struct fl_lane_verdict *v, const struct fl_flow *flow)
{
	bool sends = fl_end_is_between(s->entry, flow->to);
	bool receives = fl_end_is_between(s->entry, flow->from);

	if (!sends && !receives)
		return false;
	if (!v->each)
		return s->rank > 0;
	if (strcmp(sends ? flow->to : flow->from, FL_INTERFACE) == 0)
		return sends != s->sends;
	return s->sends;
}

/* From the source to the sink. */
static void add_flow(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_flow *flow)
{
	bool turned = is_turned(s, v, flow);
	struct fl_end from = fl_end_find(s, v, turned ? flow->to : flow->from);
	struct fl_end to = fl_end_find(s, v, turned ? flow->from : flow->to);

	add_end(s, v, &from, true, flow->per_byte);
	if (is_device(&from) && is_device(&to)) {
		fl_add_peers(s, v, &from, &to, flow->per_byte);
	} else {
		if (is_device(&from))
			fl_add_host_side(s, v, &from, false, flow->per_byte);
		fl_add_socket_link(s, v, from.node, to.node, flow->per_byte);
		if (is_device(&to))
			fl_add_host_side(s, v, &to, true, flow->per_byte);
	}
	add_end(s, v, &to, false, flow->per_byte);
	find_far(s, v, &from, &to);
	find_far(s, v, &to, &from);
	free(from.name);
	free(to.name);
}

/* Limits that the benchmark stated while it ran. */
static void add_stated(struct fl_lane_verdict *v)
{
	json_t *caps = v->first ? v->first->caps : NULL;

	for (size_t i = 0; i < json_array_size(caps); i++) {
		const json_t *cap = json_array_get(caps, i);
		const char *name = fl_json_text_or_null(cap, "hop"), *origin = fl_json_text_or_null(cap, "origin");
		const char *why = fl_json_text_or_null(cap, "reason");
		double bytes_per_s = fl_json_number_or_nan(cap, "cap_bytes_per_s");
		struct fl_hop *hop = fl_hop_add(v, fl_dup(name ? name : "a limit without a name"), 1);

		hop->stated = true;
		if (!isfinite(bytes_per_s) || bytes_per_s <= 0) {
			fl_hop_unknown(hop, why ? why : "the benchmark does not say", false);
			continue;
		}
		hop->crossings = 1;
		hop->expected = stated_share;
		hop->kind = FL_LINK_NONE;
		fl_hop_know(hop, bytes_per_s, true, origin ? origin : "stated");
	}
}

static const char *option_text(const void *options, const char *name)
{
	return fl_json_text_or_null(options, name);
}

void fl_find_path(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	for (const struct fl_flow *flow = s->entry->flows; flow->from; flow++)
		if (fl_flow_holds(s->entry, flow, option_text, v->options))
			add_flow(s, v, flow);
	add_stated(v);
	fl_expect(s, v);
	v->cap_bytes_per_s = NAN;
	for (size_t i = 0; i < v->hops_n; i++) {
		struct fl_hop *hop = &v->hops[i];

		if (hop->crossings > 0)
			hop->cap_bytes_per_s /= hop->crossings;
		if (isfinite(hop->cap_bytes_per_s) && !(v->cap_bytes_per_s <= hop->cap_bytes_per_s))
			v->cap_bytes_per_s = hop->cap_bytes_per_s;
	}
}

void fl_path_release(struct fl_lane_verdict *v)
{
	for (size_t i = 0; i < v->hops_n; i++) {
		free(v->hops[i].name);
		free(v->hops[i].origin);
		free(v->hops[i].why);
	}
	for (size_t i = 0; i < v->findings_n; i++)
		free(v->findings[i]);
	free(v->hops);
	free(v->findings);
}
