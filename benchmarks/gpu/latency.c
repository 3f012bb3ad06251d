/* SPDX-License-Identifier: Apache-2.0 */
/* gpu.latency, gpu.latency_host, gpu.latency_peer: how long one load of a GPU takes from its own memory, from that of
 * the host and from that of another GPU. One thread follows a chain through a buffer that no cache holds; each load
 * waits for the one before. */
#include "latency.h"

#define FIELD_SIZE                                                                                                     \
	FL_FIELD(fl_gpu_latency_opts, size, FL_BYTES, "0", "0..16GiB", "bytes of the buffer; 0: well beyond the caches")

static const struct fl_field own_fields[] = {
	FL_GPU_FIELD_GPU(fl_gpu_latency_opts),
	FIELD_SIZE,
	{ 0 },
};

static const struct fl_field host_fields[] = {
	FL_GPU_FIELD_GPU(fl_gpu_latency_opts),
	FL_GPU_FIELD_MEMORY(fl_gpu_latency_opts),
	FIELD_SIZE,
	{ 0 },
};

static const struct fl_field peer_fields[] = {
	FL_GPU_FIELD_GPU(fl_gpu_latency_opts),
	FL_FIELD(fl_gpu_latency_opts, peer, FL_DEVICE, NULL, "gpu", "GPU that holds the buffer"),
	FIELD_SIZE,
	{ 0 },
};

static const struct fl_metric metrics[] = {
	{ "access_ns", FL_STEP_NS, FL_LOWER, "time of one load, of which each waits for the one before it" },
	{ 0 },
};

#define FACT_BUFFER                                                                                                    \
	{                                                                                                              \
		"buffer_bytes", false, "size of the buffer"                                                            \
	}

static const struct fl_fact own_facts[] = {
	FL_GPU_FACT_DEVICE, FL_GPU_FACT_CUDA, FL_GPU_FACT_GATE, FACT_BUFFER, { 0 },
};

static const struct fl_fact host_facts[] = {
	FL_GPU_FACT_DEVICE, FL_GPU_FACT_CUDA, FL_GPU_FACT_GATE, FACT_BUFFER, FL_GPU_FACT_HOST, { 0 },
};

static const struct fl_fact peer_facts[] = {
	FL_GPU_FACT_DEVICE, FL_GPU_FACT_CUDA, FL_GPU_FACT_GATE, FACT_BUFFER, FL_GPU_FACT_PEER, { 0 },
};

static const struct fl_flow own_flows[] = {
	{ "gpu", "gpu", 1, NULL },
	{ 0 },
};

static const struct fl_flow host_flows[] = {
	{ "memory", "gpu", 1, NULL },
	{ 0 },
};

static const struct fl_flow peer_flows[] = {
	{ "peer", "gpu", 1, NULL },
	{ 0 },
};

FL_BENCHES(gpu, latency) = {
	{ .name = "gpu.latency",
	  .summary = "loads of a GPU from its own memory, each waiting for the one before",
	  .opts_bytes = sizeof(struct fl_gpu_latency_opts),
	  .fields = own_fields,
	  .metrics = metrics,
	  .facts = own_facts,
	  .flows = own_flows,
	  .numa = "gpu",
	  .device_clock = true,
	  FL_GPU_HOOKS(latency, own) },
	{ .name = "gpu.latency_host",
	  .summary = "loads of a GPU from host memory, each waiting for the one before",
	  .opts_bytes = sizeof(struct fl_gpu_latency_opts),
	  .fields = host_fields,
	  .metrics = metrics,
	  .facts = host_facts,
	  .flows = host_flows,
	  .numa = "gpu",
	  .device_clock = true,
	  FL_GPU_HOOKS(latency, host) },
	{ .name = "gpu.latency_peer",
	  .summary = "loads of a GPU from the memory of another one, each waiting for the one before",
	  .opts_bytes = sizeof(struct fl_gpu_latency_opts),
	  .fields = peer_fields,
	  .metrics = metrics,
	  .facts = peer_facts,
	  .flows = peer_flows,
	  .numa = "gpu",
	  .device_clock = true,
	  FL_GPU_HOOKS(latency, peer) },
	{ 0 },
};
