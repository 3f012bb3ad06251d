/* SPDX-License-Identifier: Apache-2.0 */
/* machine_json.c: the machine file, one row a member. */
#include "base/alloc.h"
#include "base/json.h"
#include "machine/check.h"
#include "machine/machine.h"
#include "machine/rows.h"
#include <errno.h>
#include <stdlib.h>

#define MEMBER(S, name, kind)                                                                                          \
	{                                                                                                              \
		.key = #name, .type = kind, .at = offsetof(struct S, name)                                             \
	}
#define STRUCT(S, name, kind, members)                                                                                 \
	{                                                                                                              \
		.key = #name, .type = kind, .at = offsetof(struct S, name), .rows = members                            \
	}
#define LIST_OF(S, name, kind, item, members)                                                                          \
	{                                                                                                              \
		.key = #name, .type = kind, .at = offsetof(struct S, name), .count_at = offsetof(struct S, name##_n),  \
		.size = sizeof(struct item), .rows = members                                                           \
	}
#define LIST(S, name, item, members) LIST_OF(S, name, ROW_LIST, item, members)

static const char *const class_names[] = { "dram", "dram without cpus", "gpu memory", "far memory", "empty", NULL };

const char *fl_node_class_name(enum fl_node_class kind)
{
	return class_names[kind];
}

static const struct row node_rows[] = {
	MEMBER(fl_node, id, ROW_TEXT),
	MEMBER(fl_node, number, ROW_NUMBER),
	{ .key = "class", .type = ROW_CHOICE, .at = offsetof(struct fl_node, kind), .names = class_names },
	MEMBER(fl_node, cpus, ROW_CPUS),
	MEMBER(fl_node, memory_bytes, ROW_KNOWN),
	MEMBER(fl_node, distances, ROW_SQUARE),
	{ 0 },
};

static const struct row link_rows[] = {
	MEMBER(fl_pcie_link, gts_now, ROW_KNOWN),
	MEMBER(fl_pcie_link, gts_best, ROW_KNOWN),
	MEMBER(fl_pcie_link, lanes_now, ROW_KNOWN),
	MEMBER(fl_pcie_link, lanes_best, ROW_KNOWN),
	MEMBER(fl_pcie_link, max_payload_bytes, ROW_KNOWN),
	MEMBER(fl_pcie_link, real, ROW_FLAG),
	{ 0 },
};

static const struct row pci_rows[] = {
	MEMBER(fl_pci, address, ROW_TEXT),
	MEMBER(fl_pci, vendor, ROW_TEXT_OR_NULL),
	MEMBER(fl_pci, device, ROW_TEXT_OR_NULL),
	MEMBER(fl_pci, upstream, ROW_TEXT_OR_NULL),
	MEMBER(fl_pci, node, ROW_NODE),
	STRUCT(fl_pci, link, ROW_OBJECT, link_rows),
	{ 0 },
};

static const struct row drive_rows[] = {
	MEMBER(fl_drive, id, ROW_TEXT),
	MEMBER(fl_drive, block, ROW_TEXT),
	MEMBER(fl_drive, path, ROW_TEXT),
	MEMBER(fl_drive, dev, ROW_TEXT),
	MEMBER(fl_drive, kind, ROW_TEXT),
	MEMBER(fl_drive, model, ROW_KNOWN_TEXT),
	MEMBER(fl_drive, serial, ROW_KNOWN_TEXT),
	MEMBER(fl_drive, firmware, ROW_KNOWN_TEXT),
	MEMBER(fl_drive, driver, ROW_KNOWN_TEXT),
	MEMBER(fl_drive, scheduler, ROW_KNOWN_TEXT),
	MEMBER(fl_drive, queue_requests, ROW_KNOWN),
	MEMBER(fl_drive, request_max_bytes, ROW_KNOWN),
	MEMBER(fl_drive, read_ahead_bytes, ROW_KNOWN),
	MEMBER(fl_drive, write_cache, ROW_KNOWN_TEXT),
	MEMBER(fl_drive, rotational, ROW_KNOWN),
	MEMBER(fl_drive, no_merges, ROW_KNOWN),
	MEMBER(fl_drive, io_stats, ROW_KNOWN),
	MEMBER(fl_drive, write_throttle_ns, ROW_KNOWN),
	MEMBER(fl_drive, polls, ROW_KNOWN),
	MEMBER(fl_drive, poll_queues, ROW_KNOWN),
	MEMBER(fl_drive, completion_cpu, ROW_KNOWN),
	MEMBER(fl_drive, bytes, ROW_KNOWN),
	MEMBER(fl_drive, node, ROW_KNOWN),
	STRUCT(fl_drive, pci, ROW_PRESENT, pci_rows),
	{ .key = "parts",
	  .type = ROW_TEXTS,
	  .at = offsetof(struct fl_drive, parts),
	  .count_at = offsetof(struct fl_drive, parts_n) },
	{ 0 },
};

static const struct row nic_rows[] = {
	MEMBER(fl_nic, id, ROW_TEXT),
	MEMBER(fl_nic, interface, ROW_TEXT_OR_NULL),
	MEMBER(fl_nic, rdma, ROW_KNOWN_TEXT),
	MEMBER(fl_nic, rdma_port, ROW_KNOWN),
	MEMBER(fl_nic, link_layer, ROW_KNOWN_TEXT),
	MEMBER(fl_nic, rdma_state, ROW_KNOWN_TEXT),
	MEMBER(fl_nic, rdma_soft, ROW_KNOWN),
	MEMBER(fl_nic, firmware, ROW_KNOWN_TEXT),
	MEMBER(fl_nic, port, ROW_COUNT),
	MEMBER(fl_nic, up, ROW_FLAG),
	MEMBER(fl_nic, driver, ROW_KNOWN_TEXT),
	MEMBER(fl_nic, rate_bits_per_s, ROW_KNOWN),
	MEMBER(fl_nic, node, ROW_KNOWN),
	STRUCT(fl_nic, pci, ROW_PRESENT, pci_rows),
	{ 0 },
};

static const struct row gpu_link_rows[] = {
	MEMBER(fl_gpu_link, number, ROW_COUNT),
	MEMBER(fl_gpu_link, up, ROW_FLAG),
	MEMBER(fl_gpu_link, peer, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu_link, bytes_per_s, ROW_KNOWN),
	{ 0 },
};

static const struct row gpu_rows[] = {
	MEMBER(fl_gpu, id, ROW_TEXT),
	MEMBER(fl_gpu, parent, ROW_TEXT_OR_NULL),
	MEMBER(fl_gpu, driver, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu, model, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu, uuid, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu, firmware, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu, compute_mode, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu, mig, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu, ecc, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu, memory_bytes, ROW_KNOWN),
	MEMBER(fl_gpu, memory_bytes_per_s, ROW_KNOWN),
	MEMBER(fl_gpu, processes, ROW_KNOWN),
	MEMBER(fl_gpu, process, ROW_KNOWN_TEXT),
	MEMBER(fl_gpu, pending_repairs, ROW_KNOWN),
	MEMBER(fl_gpu, power_limit_w, ROW_KNOWN),
	MEMBER(fl_gpu, clock_max_hz, ROW_KNOWN),
	MEMBER(fl_gpu, node, ROW_KNOWN),
	STRUCT(fl_gpu, pci, ROW_PRESENT, pci_rows),
	LIST_OF(fl_gpu, links, ROW_NEWER_LIST, fl_gpu_link, gpu_link_rows),
	{ 0 },
};

static const struct row port_rows[] = {
	STRUCT(fl_port, pci, ROW_OBJECT, pci_rows),
	{ 0 },
};

static const struct row mount_rows[] = {
	MEMBER(fl_mount, at, ROW_TEXT),
	MEMBER(fl_mount, type, ROW_TEXT),
	MEMBER(fl_mount, dev, ROW_TEXT),
	MEMBER(fl_mount, source, ROW_TEXT),
	MEMBER(fl_mount, options, ROW_TEXT_OR_NULL),
	{ 0 },
};

static const struct row limits_rows[] = {
	MEMBER(fl_limits, cpus, ROW_CPUS),
	MEMBER(fl_limits, cpu_quota, ROW_KNOWN),
	MEMBER(fl_limits, memory_bytes, ROW_KNOWN),
	MEMBER(fl_limits, memlock_bytes, ROW_KNOWN),
	MEMBER(fl_limits, cgroup_version, ROW_KNOWN),
	MEMBER(fl_limits, cpu_group, ROW_KNOWN_TEXT),
	MEMBER(fl_limits, io_group, ROW_KNOWN_TEXT),
	{ 0 },
};

static const struct row machine_rows[] = {
	MEMBER(fl_machine, host, ROW_TEXT),
	MEMBER(fl_machine, kernel, ROW_TEXT),
	MEMBER(fl_machine, arch, ROW_TEXT),
	MEMBER(fl_machine, cpu_model, ROW_TEXT),
	MEMBER(fl_machine, boot_id, ROW_TEXT),
	MEMBER(fl_machine, product, ROW_KNOWN_TEXT),
	MEMBER(fl_machine, board, ROW_KNOWN_TEXT),
	MEMBER(fl_machine, bios_vendor, ROW_KNOWN_TEXT),
	MEMBER(fl_machine, bios_version, ROW_KNOWN_TEXT),
	MEMBER(fl_machine, bios_date, ROW_KNOWN_TEXT),
	MEMBER(fl_machine, microcode, ROW_KNOWN_TEXT),
	MEMBER(fl_machine, hypervisor, ROW_KNOWN_TEXT),
	MEMBER(fl_machine, bare_metal, ROW_FLAG),
	MEMBER(fl_machine, cpus, ROW_CPUS),
	LIST(fl_machine, nodes, fl_node, node_rows),
	LIST(fl_machine, drives, fl_drive, drive_rows),
	LIST(fl_machine, nics, fl_nic, nic_rows),
	LIST(fl_machine, gpus, fl_gpu, gpu_rows),
	LIST_OF(fl_machine, ports, ROW_NEWER_LIST, fl_port, port_rows),
	MEMBER(fl_machine, gpu_driver, ROW_KNOWN_TEXT),
	MEMBER(fl_machine, cuda, ROW_KNOWN_TEXT),
	LIST(fl_machine, mounts, fl_mount, mount_rows),
	STRUCT(fl_machine, limits, ROW_OBJECT, limits_rows),
	{ 0 },
};

json_t *fl_machine_json(const struct fl_machine *m)
{
	json_t *body = rows_write(machine_rows, m), *doc = json_object();

	json_object_set_new(doc, "schema", json_integer(FL_MACHINE_SCHEMA));
	json_object_update(doc, body);
	json_decref(body);
	return doc;
}

void fl_machine_free(struct fl_machine *m)
{
	if (!m)
		return;
	rows_release(machine_rows, m);
	free(m);
}

static int check_schema(const json_t *doc, struct fl_err *err)
{
	uint64_t schema;
	int rc = fl_json_u64(doc, "machine", "schema", INT32_MAX, &schema, err);

	if (rc < 0)
		return fl_hint(err, "a machine file is what 'feedline topo --json' prints");
	if (schema != FL_MACHINE_SCHEMA) {
		fl_fail(err, -EINVAL, "machine file has schema %u, this feedline reads %d", (unsigned)schema,
			FL_MACHINE_SCHEMA);
		return fl_hint(err, "read it with the feedline that wrote it, or record the machine again");
	}
	return 0;
}

int fl_machine_read(const json_t *doc, struct fl_machine **ret, struct fl_err *err)
{
	struct fl_machine *m;
	int rc = check_schema(doc, err);

	if (rc < 0)
		return rc;
	m = fl_zalloc(1, sizeof(*m));
	rc = rows_read(machine_rows, doc, "machine", m, err);
	if (rc == 0)
		rc = machine_check(m, err);
	if (rc < 0) {
		fl_machine_free(m);
		return rc;
	}
	*ret = m;
	return 0;
}

int fl_machine_load(const char *path, struct fl_machine **ret, struct fl_err *err)
{
	json_t *doc;
	int rc = fl_json_load(path, FL_MACHINE_FILE_MAX, &doc, err);

	if (rc < 0)
		return rc;
	rc = fl_machine_read(doc, ret, err);
	json_decref(doc);
	return rc;
}
