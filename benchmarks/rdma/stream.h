/* SPDX-License-Identifier: Apache-2.0 */
/* rdma/stream.h: options of the stream, which its rows share, and its hooks: those are in stream_hooks.c, which is
 * compiled where there is libibverbs. The rows always are, so that what could be measured is known everywhere. */
#ifndef RDMA_STREAM_H
#define RDMA_STREAM_H
#include "fields.h"

/* In the order of the words of the options. */
enum fl_rdma_direction { FL_RDMA_ONE, FL_RDMA_BOTH };
enum fl_rdma_atomic { FL_RDMA_OP_ADD, FL_RDMA_OP_SWAP };

struct fl_rdma_stream_opts {
	const struct fl_device *nic, *memory;
	const char *interface, *gid, *mtu;
	uint64_t size, buffer, qps, threads, depth, list, signal, receives, traffic_class, service_level;
	unsigned transport, completion, direction, op, gpu_memory;
	bool inlined, relaxed;
};

#ifdef FEEDLINE_RDMA
int fl_rdma_stream_probe(const void *opts, struct fl_err *err);
int fl_rdma_stream_probe_atomic(const void *opts, struct fl_err *err);
int fl_rdma_stream_open_write(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_stream_open_read(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_stream_open_send(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_stream_open_atomic(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
int fl_rdma_stream_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err);
void fl_rdma_stream_halt(void *state);
void fl_rdma_stream_leave(void *state, unsigned thread);
int fl_rdma_stream_verify(void *state, struct fl_err *err);
void fl_rdma_stream_close(void *state);
#define FL_RDMA_STREAM_HOOKS(row, probes)                                                                              \
	.probe = (probes), .open = fl_rdma_stream_open_##row, .step = fl_rdma_stream_step,                             \
	.halt = fl_rdma_stream_halt, .leave = fl_rdma_stream_leave, .verify = fl_rdma_stream_verify,                   \
	.close = fl_rdma_stream_close
#else
#define FL_RDMA_STREAM_HOOKS(row, probes) .unavailable = "built without RDMA"
#endif

#endif
