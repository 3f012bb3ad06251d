/* SPDX-License-Identifier: Apache-2.0 */
/* rdma_row.h: a row whose initiator moves bytes by RDMA, as a manifest declares it. */
#ifndef RDMA_ROW_H
#define RDMA_ROW_H
#include "../sample.h"
#include "catalog/catalog.h"
#include <jansson.h>
#include <stdint.h>

/* A new reference. */
static inline json_t *rdma_row(const char *name, struct fl_field *fields, struct fl_fact *facts, struct fl_flow *flows)
{
	const struct fl_entry entry = { .name = (char *)(uintptr_t)name,
					.summary = "by RDMA",
					.program = "feedline-lane-rdma",
					.verifies = true,
					.fields = fields,
					.metrics = sample_copy_metrics,
					.facts = facts,
					.flows = flows };
	json_t *o = fl_entry_json(&entry);

	json_object_set_new(o, "roles", json_string("initiator|target"));
	json_object_set_new(o, "measured_at", json_string("initiator"));
	json_object_set_new(o, "measured_when", json_string("direction=one"));
	return o;
}

#endif
