/* SPDX-License-Identifier: Apache-2.0 */
/* rdma/latency.h: options of the latency rows, and their hooks: as rdma/stream.h. */
#ifndef RDMA_LATENCY_H
#define RDMA_LATENCY_H
#include "fields.h"

struct fl_rdma_latency_opts {
	const struct fl_device *nic, *memory;
	const char *interface, *gid, *mtu;
	uint64_t size, traffic_class;
	unsigned transport, completion;
	bool inlined, relaxed;
};

#ifdef FEEDLINE_RDMA
int fl_rdma_latency_probe(const void *opts, struct fl_err *err);
int fl_rdma_latency_open_write(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_latency_open_read(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_latency_open_send(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_latency_open_atomic(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_latency_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err);
void fl_rdma_latency_halt(void *state);
void fl_rdma_latency_leave(void *state, unsigned thread);
int fl_rdma_latency_verify(void *state, struct fl_err *err);
void fl_rdma_latency_close(void *state);
#define FL_RDMA_LATENCY_HOOKS(row)                                                                                     \
	.probe = fl_rdma_latency_probe, .open = fl_rdma_latency_open_##row, .step = fl_rdma_latency_step,              \
	.halt = fl_rdma_latency_halt, .leave = fl_rdma_latency_leave, .verify = fl_rdma_latency_verify,                \
	.close = fl_rdma_latency_close
#else
#define FL_RDMA_LATENCY_HOOKS(row) .unavailable = "built without RDMA"
#endif

#endif
