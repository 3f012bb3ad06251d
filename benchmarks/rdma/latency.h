/* SPDX-License-Identifier: Apache-2.0 */
/* rdma/latency.h: options of the latency rows, and their hooks: as rdma/stream.h. */
#ifndef RDMA_LATENCY_H
#define RDMA_LATENCY_H
#include "fields.h"

/* In the order of the words of the options. */
enum fl_rdma_latency_op { FL_RDMA_LATENCY_ADD, FL_RDMA_LATENCY_SWAP };
enum fl_rdma_latency_inline { FL_RDMA_INLINE_AUTO, FL_RDMA_INLINE_YES, FL_RDMA_INLINE_NO };
enum { FL_RDMA_INLINE_AUTO_BYTES = 188 };

struct fl_rdma_latency_opts {
	const struct fl_device *nic, *memory;
	const char *interface, *gid, *mtu;
	uint64_t size, traffic_class, service_level;
	unsigned transport, completion, op, inlined;
	bool relaxed;
};

#ifdef FEEDLINE_RDMA
int fl_rdma_latency_probe(const void *opts, struct fl_err *err);
int fl_rdma_latency_probe_atomic(const void *opts, struct fl_err *err);
int fl_rdma_latency_open_write(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_latency_open_read(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_latency_open_send(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_latency_open_atomic(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_latency_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err);
void fl_rdma_latency_halt(void *state);
void fl_rdma_latency_leave(void *state, unsigned thread);
int fl_rdma_latency_verify(void *state, struct fl_err *err);
void fl_rdma_latency_close(void *state);
#define FL_RDMA_LATENCY_HOOKS(row, probes)                                                                             \
	.probe = (probes), .open = fl_rdma_latency_open_##row, .step = fl_rdma_latency_step,                           \
	.halt = fl_rdma_latency_halt, .leave = fl_rdma_latency_leave, .verify = fl_rdma_latency_verify,                \
	.close = fl_rdma_latency_close
#else
#define FL_RDMA_LATENCY_HOOKS(row, probes) .unavailable = "built without RDMA"
#endif

#endif
