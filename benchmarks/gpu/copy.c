/* SPDX-License-Identifier: Apache-2.0 */
/* gpu.h2d, gpu.d2h, gpu.bidir, gpu.p2p, gpu.local: how fast bytes are copied to, from, between and within GPUs. One
 * path: from one memory to another, by the copy engines or the SMs, in one direction or in both. A copy is of `size`
 * bytes; copies go round in buffers that no cache holds. Payload is counted once. */
#include "copy.h"

#define FIELD_SIZE                                                                                                     \
	FL_FIELD(fl_gpu_copy_opts, size, FL_BYTES, "512MiB", "4KiB..16GiB", "bytes of a copy, a multiple of 4 KiB")
#define FIELD_BUFFER                                                                                                   \
	FL_FIELD(fl_gpu_copy_opts, buffer, FL_BYTES, "0", "0..64GiB",                                                  \
		 "bytes that copies go round in, whole copies; 0: well beyond the caches")
#define FIELD_ENGINE                                                                                                   \
	FL_FIELD(fl_gpu_copy_opts, engine, FL_CHOICE, "ce", "ce|sm", "what copies: a copy engine or the SMs of the GPU")

static const struct fl_field host_fields[] = {
	FL_GPU_FIELD_GPU(fl_gpu_copy_opts),
	FL_GPU_FIELD_MEMORY(fl_gpu_copy_opts),
	FIELD_SIZE,
	FIELD_BUFFER,
	FIELD_ENGINE,
	FL_FIELD(fl_gpu_copy_opts, kind, FL_CHOICE, "pinned", "pinned|pageable|write_combined|huge",
		 "host memory: pinned; not pinned; pinned and not cached by CPUs; pinned in huge pages"),
	{ 0 },
};

static const struct fl_field peer_fields[] = {
	FL_FIELD(fl_gpu_copy_opts, from, FL_DEVICE, NULL, "gpu", "GPU that holds the data"),
	FL_FIELD(fl_gpu_copy_opts, to, FL_DEVICE, NULL, "gpu", "GPU that gets it"),
	FIELD_SIZE,
	FIELD_BUFFER,
	FIELD_ENGINE,
	FL_FIELD(fl_gpu_copy_opts, access, FL_CHOICE, "write", "write|read",
		 "which GPU copies: the one that has the data writes it, or the other one reads it"),
	FL_FIELD(fl_gpu_copy_opts, direction, FL_CHOICE, "one", "one|both", "one way, or both ways at the same time"),
	{ 0 },
};

static const struct fl_field local_fields[] = {
	FL_GPU_FIELD_GPU(fl_gpu_copy_opts), FIELD_SIZE, FIELD_BUFFER, FIELD_ENGINE, { 0 },
};

static const struct fl_metric one_way_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes copied per second" },
	{ 0 },
};

static const struct fl_metric both_ways_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER,
	  "bytes copied per second while both directions copy, of both together" },
	{ "forth_bytes_per_s", FL_GIVEN, FL_HIGHER, "of these, bytes to the GPU" },
	{ "back_bytes_per_s", FL_GIVEN, FL_HIGHER, "of these, bytes from the GPU" },
	{ 0 },
};

static const struct fl_metric peer_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER,
	  "bytes copied per second; both ways: of both together, while both copy" },
	{ "forth_bytes_per_s", FL_GIVEN, FL_HIGHER, "both ways: bytes of these from 'from' to 'to'" },
	{ "back_bytes_per_s", FL_GIVEN, FL_HIGHER, "both ways: bytes of these from 'to' to 'from'" },
	{ 0 },
};

#define FACT_VERIFIED                                                                                                  \
	{                                                                                                              \
		"verified", false, "how the data are known to be right"                                                \
	}

static const struct fl_fact host_facts[] = {
	FL_GPU_FACT_DEVICE, FL_GPU_FACT_CUDA, FL_GPU_FACT_GATE, FL_GPU_FACT_HOST, FACT_VERIFIED, { 0 },
};

static const struct fl_fact peer_facts[] = {
	FL_GPU_FACT_DEVICE,
	{ "peer", false, "model of the other GPU" },
	FL_GPU_FACT_CUDA,
	FL_GPU_FACT_GATE,
	FL_GPU_FACT_PEER,
	FACT_VERIFIED,
	{ 0 },
};

static const struct fl_fact local_facts[] = {
	FL_GPU_FACT_DEVICE, FL_GPU_FACT_CUDA, FL_GPU_FACT_GATE, FACT_VERIFIED, { 0 },
};

static const struct fl_flow h2d_flows[] = {
	{ "memory", "gpu", 1, NULL },
	{ 0 },
};

static const struct fl_flow d2h_flows[] = {
	{ "gpu", "memory", 1, NULL },
	{ 0 },
};

static const struct fl_flow bidir_flows[] = {
	{ "memory", "gpu", 0.5, NULL },
	{ "gpu", "memory", 0.5, NULL },
	{ 0 },
};

static const struct fl_flow peer_flows[] = {
	{ "from", "to", 1, "direction=one" },
	{ "from", "to", 0.5, "direction=both" },
	{ "to", "from", 0.5, "direction=both" },
	{ 0 },
};

static const struct fl_flow local_flows[] = {
	{ "gpu", "gpu", 2, NULL }, /* read and written */
	{ 0 },
};

/* nvbandwidth measures every GPU, beside the memory next to it, and prints the sum of them: the same is said only where
 * there is one. Its copies both ways at once are other ones, and its pairs are all that there are. */
#define SAME_PLACE "{gpus_n:1=} {is_local:yes=} {kind:pinned=,pageable=!,write_combined=!,huge=!}"
#define BUFFER	   "-b {size/1048576}"

static const struct fl_peer h2d_peer = {
	.tool = "nvbandwidth",
	.command = "nvbandwidth -t {engine:ce=host_to_device_memcpy_ce,sm=host_to_device_memcpy_sm} " BUFFER
		   " " SAME_PLACE,
	.prints = "SUM",
	.counts = 1,
};
static const struct fl_peer d2h_peer = {
	.tool = "nvbandwidth",
	.command = "nvbandwidth -t {engine:ce=device_to_host_memcpy_ce,sm=device_to_host_memcpy_sm} " BUFFER
		   " " SAME_PLACE,
	.prints = "SUM",
	.counts = 1,
};
static const struct fl_peer local_peer = {
	.tool = "nvbandwidth",
	.command = "nvbandwidth -t {engine:ce=device_local_copy,sm=!} " BUFFER " {gpus_n:1=}",
	.prints = "SUM",
	.counts = 1,
};

FL_BENCHES(gpu, copy) = {
	{ .name = "gpu.h2d",
	  .summary = "copies from host memory to a GPU",
	  .opts_bytes = sizeof(struct fl_gpu_copy_opts),
	  .fields = host_fields,
	  .metrics = one_way_metrics,
	  .facts = host_facts,
	  .flows = h2d_flows,
	  .peer = &h2d_peer,
	  .numa = "gpu",
	  .device_clock = true,
	  FL_GPU_HOOKS(copy, h2d) },
	{ .name = "gpu.d2h",
	  .summary = "copies from a GPU to host memory",
	  .opts_bytes = sizeof(struct fl_gpu_copy_opts),
	  .fields = host_fields,
	  .metrics = one_way_metrics,
	  .facts = host_facts,
	  .flows = d2h_flows,
	  .peer = &d2h_peer,
	  .numa = "gpu",
	  .device_clock = true,
	  FL_GPU_HOOKS(copy, d2h) },
	{ .name = "gpu.bidir",
	  .summary = "copies from host memory to a GPU and back at the same time",
	  .opts_bytes = sizeof(struct fl_gpu_copy_opts),
	  .fields = host_fields,
	  .metrics = both_ways_metrics,
	  .facts = host_facts,
	  .flows = bidir_flows,
	  .numa = "gpu",
	  .device_clock = true,
	  FL_GPU_HOOKS(copy, bidir) },
	{ .name = "gpu.p2p",
	  .summary = "copies from one GPU to another, or both ways",
	  .opts_bytes = sizeof(struct fl_gpu_copy_opts),
	  .fields = peer_fields,
	  .metrics = peer_metrics,
	  .facts = peer_facts,
	  .flows = peer_flows,
	  .numa = "from",
	  .device_clock = true,
	  FL_GPU_HOOKS(copy, p2p) },
	{ .name = "gpu.local",
	  .summary = "copies within the memory of a GPU",
	  .opts_bytes = sizeof(struct fl_gpu_copy_opts),
	  .fields = local_fields,
	  .metrics = one_way_metrics,
	  .facts = local_facts,
	  .flows = local_flows,
	  .peer = &local_peer,
	  .numa = "gpu",
	  .device_clock = true,
	  FL_GPU_HOOKS(copy, local) },
	{ 0 },
};
