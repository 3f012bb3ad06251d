/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h: lives of the gpu rows over the CUDA stub, phase by phase, as a worker leads them. */
#ifndef UNIT_GPU_RIG_H
#define UNIT_GPU_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gpu/copy.h"
#include "gpu/latency.h"
#include "gpu/launch.h"
#include "stubs/cudart/stub.h"
#include "stubs/gpus.h"
#include "unit/path/fake_lane.h"
#include <math.h>

extern const struct fl_bench fl_bench_gpu_copy[], fl_bench_gpu_latency[], fl_bench_gpu_launch[];

enum { RIG_CHUNK = 64 << 10, RIG_CHUNKS = 4, RIG_CHAIN = 1 << 20, RIG_GIVEN = 2 };

static const struct fl_device rig_node = { .id = "node0", .node = -1 };
static const struct fl_device rig_gpus[2] = {
	{ .id = "gpu-0000:11:00.0", .pci = "0000:11:00.0", .uuid = "GPU-5eed0000-0000-4000-8000-000000000000" },
	{ .id = "gpu-0000:82:00.0", .pci = "0000:82:00.0", .uuid = "GPU-5eed0005-0000-4000-8000-000000000005" },
};

/* A row with options. Members that it has no field for are ignored. */
struct rig_case {
	const char *label;
	const struct fl_bench *bench;
	const char *name; /* of its row */
	unsigned engine, kind, access, direction;
};

#define RIG_COPY fl_bench_gpu_copy
static const struct rig_case rig_cases[] = {
	{ "h2d", RIG_COPY, "gpu.h2d", FL_GPU_CE, 0, 0, 0 },
	{ "h2d, SM", RIG_COPY, "gpu.h2d", FL_GPU_SM, 0, 0, 0 },
	{ "h2d, pageable", RIG_COPY, "gpu.h2d", FL_GPU_CE, 1, 0, 0 },
	{ "h2d, write-combined", RIG_COPY, "gpu.h2d", FL_GPU_CE, 2, 0, 0 },
	{ "d2h", RIG_COPY, "gpu.d2h", FL_GPU_CE, 0, 0, 0 },
	{ "d2h, SM, write-combined", RIG_COPY, "gpu.d2h", FL_GPU_SM, 2, 0, 0 },
	{ "d2h, pageable", RIG_COPY, "gpu.d2h", FL_GPU_CE, 1, 0, 0 },
	{ "bidir", RIG_COPY, "gpu.bidir", FL_GPU_CE, 0, 0, 0 },
	{ "bidir, SM", RIG_COPY, "gpu.bidir", FL_GPU_SM, 0, 0, 0 },
	{ "p2p, pushed", RIG_COPY, "gpu.p2p", FL_GPU_CE, 0, FL_GPU_WRITE, FL_GPU_ONE },
	{ "p2p, pulled", RIG_COPY, "gpu.p2p", FL_GPU_CE, 0, FL_GPU_READ, FL_GPU_ONE },
	{ "p2p, SM, pushed", RIG_COPY, "gpu.p2p", FL_GPU_SM, 0, FL_GPU_WRITE, FL_GPU_ONE },
	{ "p2p, SM, pulled", RIG_COPY, "gpu.p2p", FL_GPU_SM, 0, FL_GPU_READ, FL_GPU_ONE },
	{ "p2p, both, pushed", RIG_COPY, "gpu.p2p", FL_GPU_CE, 0, FL_GPU_WRITE, FL_GPU_BOTH },
	{ "p2p, SM, both, pulled", RIG_COPY, "gpu.p2p", FL_GPU_SM, 0, FL_GPU_READ, FL_GPU_BOTH },
	{ "local", RIG_COPY, "gpu.local", FL_GPU_CE, 0, 0, 0 },
	{ "local, SM", RIG_COPY, "gpu.local", FL_GPU_SM, 0, 0, 0 },
	{ "latency", fl_bench_gpu_latency, "gpu.latency", 0, 0, 0, 0 },
	{ "latency_host", fl_bench_gpu_latency, "gpu.latency_host", 0, 0, 0, 0 },
	{ "latency_peer", fl_bench_gpu_latency, "gpu.latency_peer", 0, 0, 0, 0 },
	{ "launch", fl_bench_gpu_launch, "gpu.launch", 0, 0, 0, 0 },
};
enum { RIG_CASES = sizeof(rig_cases) / sizeof(*rig_cases) };

static inline const struct rig_case *rig_case(const char *label)
{
	for (unsigned i = 0; i < RIG_CASES; i++)
		if (!strcmp(rig_cases[i].label, label))
			return &rig_cases[i];
	fail_msg("no case '%s'", label);
	return NULL;
}

static inline bool rig_is_copy(const struct rig_case *c)
{
	return c->bench == RIG_COPY;
}

static inline bool rig_is_both(const struct rig_case *c)
{
	return !strcmp(c->name, "gpu.bidir") || c->direction == FL_GPU_BOTH;
}

union rig_opts {
	struct fl_gpu_copy_opts copy;
	struct fl_gpu_latency_opts latency;
	struct fl_gpu_launch_opts launch;
};

static inline union rig_opts rig_opts(const struct rig_case *c)
{
	union rig_opts o = { 0 };

	if (rig_is_copy(c))
		o.copy = (struct fl_gpu_copy_opts){ .gpu = &rig_gpus[0],
						    .memory = &rig_node,
						    .from = &rig_gpus[0],
						    .to = &rig_gpus[1],
						    .size = RIG_CHUNK,
						    .buffer = RIG_CHUNK * RIG_CHUNKS,
						    .engine = c->engine,
						    .kind = c->kind,
						    .access = c->access,
						    .direction = c->direction };
	else if (c->bench == fl_bench_gpu_launch)
		o.launch = (struct fl_gpu_launch_opts){ .gpu = &rig_gpus[0] };
	else
		o.latency = (struct fl_gpu_latency_opts){ .gpu = &rig_gpus[0],
							  .memory = strstr(c->name, "host") ? &rig_node : NULL,
							  .peer = strstr(c->name, "peer") ? &rig_gpus[1] : NULL,
							  .size = RIG_CHAIN };
	return o;
}

struct rig {
	const struct rig_case *what;
	const struct fl_bench *bench;
	union rig_opts opts;
	struct fl_lane lane;
	void *state; /* NULL: not open */
	struct fl_step did;
	double given[RIG_GIVEN];
	struct fl_hist *hist;
	struct fl_err err; /* of what failed first */
};

enum rig_phase { RIG_PROBE, RIG_OPEN, RIG_ENTER, RIG_STEP, RIG_LEAVE, RIG_VERIFY, RIG_CLOSE, RIG_PHASES };

/* `text`: of stub_begin. To be ended with rig_end(). */
static inline void rig_begin(struct rig *r, const struct rig_case *c, const char *text)
{
	*r = (struct rig){ .what = c, .opts = rig_opts(c), .lane = { .threads = 1 } };
	for (r->bench = c->bench; strcmp(r->bench->name, c->name) != 0; r->bench++)
		;
	r->hist = calloc(1, sizeof(*r->hist));
	stub_begin(text);
}

static inline int rig_step(struct rig *r, uint64_t n)
{
	r->given[0] = r->given[1] = NAN;
	r->did = (struct fl_step){ .given = r->given, .hist = &r->hist };
	return r->bench->step(r->state, 0, n, &r->did, &r->err);
}

/* One phase; negative errno where it failed. */
static inline int rig_do(struct rig *r, enum rig_phase phase)
{
	const struct fl_bench *b = r->bench;
	int rc = 0;

	switch (phase) {
	case RIG_PROBE:
		return b->probe(&r->opts, &r->err);
	case RIG_OPEN:
		return b->open(&r->lane, &r->opts, &r->state, &r->err);
	case RIG_ENTER:
		return b->enter(r->state, 0, &r->err);
	case RIG_STEP:
		for (unsigned i = 0; i < 2 && rc == 0; i++)
			rc = rig_step(r, 1);
		return rc;
	case RIG_LEAVE:
		b->leave(r->state, 0);
		return 0;
	case RIG_VERIFY:
		return b->verify(r->state, &r->err);
	case RIG_CLOSE:
		if (r->state)
			b->close(r->state);
		r->state = NULL;
		return 0;
	default:
		return 0;
	}
}

/* Phases up to `last`; stops where one fails, which is in *ret_failed. */
static inline int rig_until(struct rig *r, enum rig_phase last, enum rig_phase *ret_failed)
{
	int rc = 0;

	for (enum rig_phase p = RIG_PROBE; p <= last && rc == 0; p++) {
		rc = rig_do(r, p);
		*ret_failed = p;
	}
	return rc;
}

/* Closes what is open, as a worker does after a failure too, and wants nothing to be left. */
static inline void rig_end(struct rig *r)
{
	char why[256];

	if (r->state)
		rig_do(r, RIG_LEAVE);
	rig_do(r, RIG_CLOSE);
	fake_free(&r->lane);
	free(r->hist);
	if (!stub_is_clean(why, sizeof(why)))
		fail_msg("%s: %s", r->what->label, why);
}

#endif
