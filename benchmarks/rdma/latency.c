/* SPDX-License-Identifier: Apache-2.0 */
/* rdma.write_latency, rdma.send_latency: how long a message by RDMA takes to another host: half of the time there and
 * back, as perftest defines it. Two lanes: the pinger writes or sends a message and waits for the one that comes back,
 * the echo for the one that comes. A write is waited for in memory, a send by a completion.
 * rdma.read_latency, rdma.atomic_latency: how long the memory of another host takes to answer: all of the time from the
 * request to its completion. The initiator asks; the target has the memory and does nothing.
 *
 * One message on its way; the time is from before the call that posts it until after what was waited for was seen, by
 * the clock of who asks. Messages come from memory that caches hold. Every byte of every one is looked at, between two
 * of them: each has its number in it. */
#include "latency.h"
#include "path/rdma/facts.h"

/* clang-format off */
#define FIELD_SIZE                                                                                                     \
	FL_FIELD(fl_rdma_latency_opts, size, FL_BYTES, "8", "1..64MiB", "bytes of a message")

/* auto: what perftest does for datagrams; for others its limit is a little higher. */
#define FIELD_INLINE                                                                                                   \
	{ "inline", FL_CHOICE, offsetof(struct fl_rdma_latency_opts, inlined), "auto", "auto|yes|no",                  \
	  "messages go with their requests; auto: those of up to 188 bytes, where the device can" }

#define FIELDS_OF_MESSAGES                                                                                             \
	FL_RDMA_FIELD_MEMORY(fl_rdma_latency_opts),                                                                    \
	FL_RDMA_FIELDS_ROUTE(fl_rdma_latency_opts)

/* A write is seen by its last byte, so none may be reordered. */
static const struct fl_field write_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_latency_opts),
	FIELDS_OF_MESSAGES,
	FIELD_SIZE,
	FIELD_INLINE,
	FL_FIELD(fl_rdma_latency_opts, transport, FL_CHOICE, "rc", "rc|uc", "reliable; or connected and unreliable"),
	{ 0 },
};

static const struct fl_field send_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_latency_opts),
	FIELDS_OF_MESSAGES,
	FIELD_SIZE,
	FIELD_INLINE,
	FL_RDMA_FIELD_RELAXED(fl_rdma_latency_opts),
	FL_RDMA_FIELD_COMPLETION(fl_rdma_latency_opts),
	FL_FIELD(fl_rdma_latency_opts, transport, FL_CHOICE, "rc", "rc|uc|ud",
		 "reliable; connected and unreliable; or datagrams, of at most the MTU"),
	{ 0 },
};

static const struct fl_field read_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_latency_opts),
	FIELDS_OF_MESSAGES,
	FIELD_SIZE,
	FL_RDMA_FIELD_RELAXED(fl_rdma_latency_opts),
	FL_RDMA_FIELD_COMPLETION(fl_rdma_latency_opts),
	{ 0 },
};

static const struct fl_field atomic_fields[] = {
	FL_RDMA_FIELDS_PORT(fl_rdma_latency_opts),
	FIELDS_OF_MESSAGES,
	FL_RDMA_FIELD_RELAXED(fl_rdma_latency_opts),
	FL_RDMA_FIELD_COMPLETION(fl_rdma_latency_opts),
	FL_FIELD(fl_rdma_latency_opts, op, FL_CHOICE, "add", "add|swap",
		 "fetch-and-add, or compare-and-swap that always finds what it compares with"),
	{ 0 },
};

static const struct fl_metric half_metrics[] = {
	{ "latency_ns", FL_DISTRIBUTION, FL_LOWER, "time of a message one way: half of that there and back" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "messages there and back per second" },
	{ 0 },
};

static const struct fl_metric whole_metrics[] = {
	{ "latency_ns", FL_DISTRIBUTION, FL_LOWER, "time from a request to its completion: there and back" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "requests per second" },
	{ 0 },
};

#define COMMON_FACTS                                                                                                   \
	FL_RDMA_PORT_FACTS,                                                                                            \
	FL_RDMA_MEMORY_FACTS,                                                                                          \
	FL_RDMA_LINK_FACTS,                                                                                            \
	{ "buffer_bytes", false, "that messages go out of and arrive in, again and again" }

static const struct fl_fact message_facts[] = {
	COMMON_FACTS,
	{ "inline", true, "whether messages went with their requests" },
	{ 0 },
};

static const struct fl_fact read_facts[] = { COMMON_FACTS, { 0 } };

static const struct fl_fact atomic_facts[] = {
	COMMON_FACTS,
	FL_RDMA_ATOMIC_FACT,
	{ 0 },
};
/* clang-format on */

#define COMMON .opts_bytes = sizeof(struct fl_rdma_latency_opts), .numa = "nic"

FL_BENCHES(rdma, latency) = {
	{ .name = "rdma.write_latency",
	  .summary = "time of a message that one host writes into the memory of another by RDMA",
	  .fields = write_fields,
	  .facts = message_facts,
	  .metrics = half_metrics,
	  .roles = "pinger|echo",
	  .measured_at = "pinger",
	  COMMON,
	  FL_RDMA_LATENCY_HOOKS(write, fl_rdma_latency_probe) },
	{ .name = "rdma.read_latency",
	  .summary = "time until what is read from the memory of another host by RDMA is there",
	  .fields = read_fields,
	  .facts = read_facts,
	  .metrics = whole_metrics,
	  .roles = "initiator|target",
	  .measured_at = "initiator",
	  COMMON,
	  FL_RDMA_LATENCY_HOOKS(read, fl_rdma_latency_probe) },
	{ .name = "rdma.send_latency",
	  .summary = "time of a message that one host sends to another by RDMA",
	  .fields = send_fields,
	  .facts = message_facts,
	  .metrics = half_metrics,
	  .roles = "pinger|echo",
	  .measured_at = "pinger",
	  COMMON,
	  FL_RDMA_LATENCY_HOOKS(send, fl_rdma_latency_probe) },
	{ .name = "rdma.atomic_latency",
	  .summary = "time of an atomic addition in the memory of another host by RDMA",
	  .fields = atomic_fields,
	  .facts = atomic_facts,
	  .metrics = whole_metrics,
	  .roles = "initiator|target",
	  .measured_at = "initiator",
	  COMMON,
	  FL_RDMA_LATENCY_HOOKS(atomic, fl_rdma_latency_probe_atomic) },
	{ 0 },
};
