/* SPDX-License-Identifier: Apache-2.0 */
/* rdma.write, rdma.read, rdma.send, rdma.atomic: how many bytes one host puts into, or takes from, the memory of
 * another, or sends to it, and how many words there it changes; bytes also both ways at once. Two lanes: the initiator
 * asks; the target has the memory and, but for messages, does nothing.
 *
 * Requests go round in buffers that no cache holds, and the last one to each place is checked. Payload is counted once:
 * of a write, read or atomic when a completion says to the initiator that it is done; of a send where it arrives.
 * Messages that an unreliable transport loses are no wrong data: they do not count, and a fact says how many they were.
 * Of its writes a completion says no more than that they were sent, so these count, lost or not, and a loss is seen
 * only where no later write came to the same place: that fails the check. */
#include "stream.h"
#include "path/rdma/facts.h"

/* clang-format off */
#define FIELD_SIZE                                                                                                     \
	FL_FIELD(fl_rdma_stream_opts, size, FL_BYTES, "64KiB", "1..1GiB", "bytes of a request")

#define FIELD_DIRECTION                                                                                                \
	FL_FIELD(fl_rdma_stream_opts, direction, FL_CHOICE, "one", "one|both",                                         \
		 "the initiator asks, or both sides do at once")

#define FIELDS_OF_REQUESTS                                                                                             \
	FL_RDMA_FIELDS_MEMORY(fl_rdma_stream_opts),                                                                    \
	FL_FIELD(fl_rdma_stream_opts, buffer, FL_BYTES, "0", "0..64GiB",                                               \
		 "bytes that requests go round in; 0: well beyond the caches"),                                        \
	FL_FIELD(fl_rdma_stream_opts, qps, FL_COUNT, "1", "1..64", "queue pairs"),                                     \
	FL_FIELD(fl_rdma_stream_opts, threads, FL_COUNT, "1", "1..64",                                                 \
		 "threads that have equal shares of the queue pairs"),                                                 \
	FL_FIELD(fl_rdma_stream_opts, depth, FL_COUNT, "128", "1..16384", "requests in flight of each queue pair"),    \
	FL_FIELD(fl_rdma_stream_opts, list, FL_COUNT, "1", "1..16384", "requests that the device is given at once"),   \
	FL_FIELD(fl_rdma_stream_opts, signal, FL_COUNT, "1", "1..16384",                                               \
		 "requests that one completion stands for; it and list divide depth, and one of them the other"),      \
	FL_RDMA_FIELDS_ROUTE(fl_rdma_stream_opts),                                                                     \
	FL_RDMA_FIELD_RELAXED(fl_rdma_stream_opts),                                                                    \
	FL_RDMA_FIELD_COMPLETION(fl_rdma_stream_opts)

static const struct fl_field write_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_stream_opts),
	FIELD_SIZE,
	FIELDS_OF_REQUESTS,
	FIELD_DIRECTION,
	FL_RDMA_FIELD_INLINE(fl_rdma_stream_opts),
	FL_FIELD(fl_rdma_stream_opts, transport, FL_CHOICE, "rc", "rc|uc",
		 "reliable; or connected and unreliable: what was sent counts, the last write to a place is checked"),
	{ 0 },
};

static const struct fl_field read_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_stream_opts), FIELD_SIZE, FIELDS_OF_REQUESTS, FIELD_DIRECTION, { 0 },
};

static const struct fl_field send_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_stream_opts),
	FIELD_SIZE,
	FIELDS_OF_REQUESTS,
	FL_FIELD(fl_rdma_stream_opts, receives, FL_COUNT, "0", "0..16384",
		 "receives that are posted ahead of each queue pair; 0: twice depth, and 512 at least, or what there "
		 "is room for"),
	FIELD_DIRECTION,
	FL_RDMA_FIELD_INLINE(fl_rdma_stream_opts),
	FL_FIELD(fl_rdma_stream_opts, transport, FL_CHOICE, "rc", "rc|uc|ud",
		 "reliable; connected and unreliable; datagrams, of at most an MTU: what is lost does not count"),
	{ 0 },
};

static const struct fl_field atomic_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_stream_opts),
	FIELDS_OF_REQUESTS,
	FL_FIELD(fl_rdma_stream_opts, op, FL_CHOICE, "add", "add|swap",
		 "fetch-and-add, or compare-and-swap that always finds what it compares with"),
	{ 0 },
};

static const struct fl_metric write_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER,
	  "bytes per second that the initiator was told are there; with transport=uc, were sent" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "requests of them per second" },
	{ 0 },
};

static const struct fl_metric read_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes per second that the initiator was told are there" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "requests of them per second" },
	{ 0 },
};

static const struct fl_metric send_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER,
	  "bytes per second that arrived; at the initiator of one direction, were sent" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "messages of them per second" },
	{ 0 },
};

static const struct fl_metric atomic_metrics[] = {
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "atomics per second that the initiator was told are done" },
	{ 0 },
};

#define COMMON_FACTS                                                                                                   \
	FL_RDMA_PORT_FACTS,                                                                                            \
	FL_RDMA_MEMORY_FACTS,                                                                                          \
	FL_RDMA_LINK_FACTS,                                                                                            \
	{ "buffer_bytes", false, "that requests go round in" }

static const struct fl_fact write_facts[] = {
	COMMON_FACTS,
	{ "counts", true, "what was sent, of UC, which does not know what arrived; what arrived, else" },
	{ 0 },
};

static const struct fl_fact read_facts[] = { COMMON_FACTS, { 0 } };

static const struct fl_fact send_facts[] = {
	COMMON_FACTS,
	{ "receives", true, "posted ahead of each queue pair" },
	{ "ran_dry", false,
	  "times that this side saw all its receives used up: RC senders then wait (RNR), what others send is lost" },
	{ "lost", false, "messages that an unreliable transport did not bring, of those sent to this side" },
	{ 0 },
};

static const struct fl_fact atomic_facts[] = {
	COMMON_FACTS,
	FL_RDMA_ATOMIC_FACT,
	{ 0 },
};

static const struct fl_flow out_flows[] = { { "memory", "nic", 1, NULL }, { 0 } };
/* Where both send, what arrives at each counts. */
static const struct fl_flow send_flows[] = {
	{ "memory", "nic", 1, "direction=one" },
	{ "nic", "memory", 1, "direction=both" },
	{ 0 },
};
static const struct fl_flow in_flows[] = { { "nic", "memory", 1, NULL }, { 0 } };
/* clang-format on */

#define COMMON                                                                                                         \
	.opts_bytes = sizeof(struct fl_rdma_stream_opts), .numa = "nic", .threads = "threads",                         \
	.roles = "initiator|target"

FL_BENCHES(rdma, stream) = {
	{ .name = "rdma.write",
	  .summary = "bytes that one host writes into the memory of another by RDMA, or both ways",
	  .fields = write_fields,
	  .metrics = write_metrics,
	  .facts = write_facts,
	  .flows = out_flows,
	  COMMON,
	  .measured_at = "initiator",
	  .measured_when = "direction=one",
	  FL_RDMA_STREAM_HOOKS(write, fl_rdma_stream_probe) },
	{ .name = "rdma.read",
	  .summary = "bytes that one host reads from the memory of another by RDMA, or both ways",
	  .fields = read_fields,
	  .metrics = read_metrics,
	  .facts = read_facts,
	  .flows = in_flows,
	  COMMON,
	  .measured_at = "initiator",
	  .measured_when = "direction=one",
	  FL_RDMA_STREAM_HOOKS(read, fl_rdma_stream_probe) },
	{ .name = "rdma.send",
	  .summary = "messages that one host sends to another by RDMA, or both ways",
	  .fields = send_fields,
	  .metrics = send_metrics,
	  .facts = send_facts,
	  .flows = send_flows,
	  COMMON,
	  .measured_at = "target",
	  .measured_when = "direction=one",
	  FL_RDMA_STREAM_HOOKS(send, fl_rdma_stream_probe) },
	{ .name = "rdma.atomic",
	  .summary = "words that one host changes in the memory of another by RDMA",
	  .fields = atomic_fields,
	  .metrics = atomic_metrics,
	  .facts = atomic_facts,
	  COMMON,
	  .measured_at = "initiator",
	  FL_RDMA_STREAM_HOOKS(atomic, fl_rdma_stream_probe_atomic) },
	{ 0 },
};
