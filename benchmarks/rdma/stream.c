/* SPDX-License-Identifier: Apache-2.0 */
/* rdma.write, rdma.read: how many bytes one host puts into, or takes from, the memory of another, without the CPUs of
 * that one. Two lanes: the initiator asks, one thread for all queue pairs; the target has the memory and does nothing.
 * Requests go round in buffers that no cache holds, and the last one to each place is checked. Payload is counted once,
 * when a completion says that it is there; of an unreliable transport it says no more than that it was sent. */
#include "stream.h"
#include "path/rdma/facts.h"

/* clang-format off */
#define FIELDS_OF_REQUESTS                                                                                             \
	FL_RDMA_FIELD_MEMORY(fl_rdma_stream_opts),                                                                     \
	FL_FIELD(fl_rdma_stream_opts, size, FL_BYTES, "64KiB", "1..1GiB", "bytes of a request"),                       \
	FL_FIELD(fl_rdma_stream_opts, buffer, FL_BYTES, "0", "0..64GiB",                                               \
		 "bytes that requests go round in; 0: well beyond the caches"),                                        \
	FL_FIELD(fl_rdma_stream_opts, qps, FL_COUNT, "1", "1..64", "queue pairs"),                                     \
	FL_FIELD(fl_rdma_stream_opts, depth, FL_COUNT, "128", "1..16384", "requests in flight of each queue pair"),    \
	FL_FIELD(fl_rdma_stream_opts, list, FL_COUNT, "1", "1..16384", "requests that the device is given at once"),   \
	FL_FIELD(fl_rdma_stream_opts, signal, FL_COUNT, "1", "1..16384",                                               \
		 "requests that one completion stands for; it and list divide depth, and one of them the other"),      \
	FL_RDMA_FIELD_TRAFFIC_CLASS(fl_rdma_stream_opts),                                                              \
	FL_RDMA_FIELD_RELAXED(fl_rdma_stream_opts),                                                                    \
	FL_RDMA_FIELD_COMPLETION(fl_rdma_stream_opts)

static const struct fl_field write_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_stream_opts),
	FIELDS_OF_REQUESTS,
	FL_RDMA_FIELD_INLINE(fl_rdma_stream_opts),
	FL_FIELD(fl_rdma_stream_opts, transport, FL_CHOICE, "rc", "rc|uc", 
		 "reliable; or connected and unreliable: what was sent counts, and what is lost fails the check"),
	{ 0 },
};

static const struct fl_field read_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_stream_opts), FIELDS_OF_REQUESTS, { 0 },
};

static const struct fl_metric metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes per second that the initiator was told are there" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "requests of them per second" },
	{ 0 },
};

static const struct fl_fact facts[] = {
	{ "interface", false, "network interface of the address that is used" },
	FL_RDMA_PORT_FACTS,
	FL_RDMA_MEMORY_FACTS,
	FL_RDMA_LINK_FACTS,
	{ "buffer_bytes", false, "that requests go round in" },
	{ 0 },
};

static const struct fl_flow write_flows[] = { { "memory", "interface", 1, NULL }, { 0 } };
static const struct fl_flow read_flows[] = { { "interface", "memory", 1, NULL }, { 0 } };
/* clang-format on */

#define COMMON                                                                                                         \
	.opts_bytes = sizeof(struct fl_rdma_stream_opts), .metrics = metrics, .facts = facts, .numa = "interface",     \
	.roles = "initiator|target", .measured_at = "initiator"

FL_BENCHES(rdma, stream) = {
	{ .name = "rdma.write",
	  .summary = "bytes that one host writes into the memory of another by RDMA",
	  .fields = write_fields,
	  .flows = write_flows,
	  COMMON,
	  FL_RDMA_STREAM_HOOKS(write) },
	{ .name = "rdma.read",
	  .summary = "bytes that one host reads from the memory of another by RDMA",
	  .fields = read_fields,
	  .flows = read_flows,
	  COMMON,
	  FL_RDMA_STREAM_HOOKS(read) },
	{ 0 },
};
