/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/latency_hooks.c: one thread of a GPU follows a chain. Every line of a buffer holds the place of another one,
 * and all of them make one cycle in random order: no load can begin before the one before it is done, nothing knows
 * the next, and a line is met again only after all others. */
#include "latency.h"
#include "path/cache.h"
#include "path/cuda/gate.h"
#include "path/cuda/kernels.h"
#include "path/cuda/place.h"
#include "path/cuda/process.h"
#include "path/cuda/wait.h"
#include "path/random.h"
#include <errno.h>
#include <feedline/clock.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* WRONG_AT: where in the scratch the check leaves its result; the chase has its place at the beginning. */
enum { LINE_BYTES = FL_CHAIN_LINE_BYTES, PAGE_BYTES = 4096, HOPS_MAX = 1 << 24, WRONG_AT = 64 };

/* The events around the kernel cost some microseconds: below a thousandth of this. */
static const double step_ns = 5e6;
static const uint64_t buffer_bytes_min = 256 << 20;

struct latency_state {
	struct fl_cuda_device gpu, peer;
	struct fl_place chain;
	void *seen;	/* the chain, as the GPU reaches it */
	uint32_t *next; /* of each line the number of the next one */
	uint64_t lines_n, hops;
	uint64_t seed;	/* of what the lines are checked by */
	uint64_t least; /* hops of a step */
	struct fl_gate gate;
	cudaStream_t stream;
	cudaEvent_t begin, end;
};

/* ---- open */

static int bytes_of(const struct fl_gpu_latency_opts *o, const struct latency_state *s, uint64_t *ret,
		    struct fl_err *err)
{
	const struct fl_cuda_device *owner = s->peer.number >= 0 ? &s->peer : &s->gpu;
	uint64_t bytes = buffer_bytes_min, host = 0;
	int rc = 0;

	if (o->size % PAGE_BYTES)
		return fl_fail(err, -EINVAL, "a buffer of %llu bytes is no multiple of 4 KiB",
			       (unsigned long long)o->size);
	if (!o->size && o->memory)
		rc = fl_cache_beyond("/sys/devices/system/cpu", sched_getcpu(), 1, FL_CACHE_CHASE, 0, &host, err);
	bytes = bytes > host ? bytes : host;
	bytes = bytes > 4 * owner->l2_bytes ? bytes : 4 * owner->l2_bytes;
	bytes = bytes > 4 * s->gpu.l2_bytes ? bytes : 4 * s->gpu.l2_bytes;
	*ret = o->size ? o->size : bytes / (1 << 20) * (1 << 20);
	return rc;
}

/* Sattolo's shuffle: a permutation that is one single cycle, the same in every run. */
static void make_cycle(uint32_t *next, uint64_t n)
{
	uint64_t seed = 1;

	for (uint64_t i = 0; i < n; i++)
		next[i] = (uint32_t)i;
	for (uint64_t i = n - 1; i > 0; i--) {
		uint64_t k = fl_random_below(&seed, i);
		uint32_t swap = next[i];

		next[i] = next[k];
		next[k] = swap;
	}
}

static void write_lines(const struct latency_state *s, char *at, uint64_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t *line = (void *)(at + i * LINE_BYTES);

		line[0] = (uint64_t)s->next[first + i] * LINE_BYTES;
		line[1] = fl_chain_key(s->seed, (first + i) * LINE_BYTES, line[0]);
	}
}

/* Into the memory of a GPU, piece by piece. */
static int send_lines(const struct latency_state *s, const struct fl_cuda_device *owner, struct fl_err *err)
{
	enum { PIECE_LINES = 1 << 15 };
	char *piece = calloc(PIECE_LINES, LINE_BYTES);
	int rc = piece ? fl_cuda_device_use(owner, err) : fl_fail(err, -ENOMEM, "no memory for a piece of the chain");

	for (uint64_t first = 0; first < s->lines_n && rc == 0; first += PIECE_LINES) {
		uint64_t n = s->lines_n - first < PIECE_LINES ? s->lines_n - first : PIECE_LINES;

		write_lines(s, piece, first, n);
		rc = FL_CUDA(err, cudaMemcpyAsync(s->chain.at + first * LINE_BYTES, piece, n * LINE_BYTES,
						  cudaMemcpyDefault, owner->stream));
		if (rc == 0)
			rc = fl_cuda_device_wait(owner, err);
	}
	free(piece);
	return rc;
}

static int make_chain(struct latency_state *s, struct fl_err *err)
{
	s->lines_n = s->chain.bytes / LINE_BYTES;
	s->next = calloc(s->lines_n, sizeof(*s->next));
	if (!s->next)
		return fl_fail(err, -ENOMEM, "no memory for a chain of %llu lines", (unsigned long long)s->lines_n);
	make_cycle(s->next, s->lines_n);
	/* What an earlier lane left in that memory is none of this one's. */
	s->seed = fl_block_key((uint64_t)getpid(), (uintptr_t)s, fl_now_ns());
	if (s->chain.gpu)
		return send_lines(s, s->chain.gpu, err);
	write_lines(s, s->chain.at, 0, s->lines_n);
	return 0;
}

/* ---- is it right */

static int read_scratch(const struct latency_state *s, uint64_t at, void *ret, size_t bytes, struct fl_err *err)
{
	int rc = FL_CUDA(err,
			 cudaMemcpyAsync(ret, (char *)s->gpu.scratch + at, bytes, cudaMemcpyDefault, s->gpu.stream));

	return rc == 0 ? fl_cuda_device_wait(&s->gpu, err) : rc;
}

/* Does the GPU find each line as it was written? One that leads elsewhere would be followed, out of the buffer too. */
static int check_chain(const struct latency_state *s, struct fl_err *err)
{
	struct fl_kernel_wrong found = { .count = UINT64_MAX };
	int rc = fl_cuda_device_use(&s->gpu, err);

	if (rc == 0)
		rc = fl_cuda_check((cudaError_t)fl_kernel_check_chain(s->gpu.stream, s->seen, s->lines_n, s->seed,
								      (void *)((char *)s->gpu.scratch + WRONG_AT)),
				   "launch the kernel that checks the chain", err);
	if (rc == 0)
		rc = read_scratch(s, WRONG_AT, &found, sizeof(found), err);
	if (rc == 0 && found.count)
		rc = fl_fail(err, -EBADMSG,
			     "%s reads wrong data in %llu of %llu lines of the chain, first at offset %llu", s->gpu.id,
			     (unsigned long long)found.count, (unsigned long long)s->lines_n,
			     (unsigned long long)found.first_offset);
	return rc;
}

/* Is the GPU where the chain leads after so many hops? Any wrong load would have left it. */
static int check_place(const struct latency_state *s, struct fl_err *err)
{
	uint64_t at = UINT64_MAX;
	uint32_t line = 0;
	int rc = fl_cuda_device_use(&s->gpu, err);

	if (rc == 0)
		rc = read_scratch(s, 0, &at, sizeof(at), err);
	if (rc < 0)
		return rc;
	for (uint64_t i = 0; i < s->hops % s->lines_n; i++)
		line = s->next[line];
	if (at == (uint64_t)line * LINE_BYTES)
		return 0;
	return fl_fail(err, -EBADMSG, "after %llu loads the GPU is at offset %llu of the chain, which leads to %llu",
		       (unsigned long long)s->hops, (unsigned long long)at, (unsigned long long)line * LINE_BYTES);
}

/* ---- the clock */

/* Alone. */
static int make_clock(struct latency_state *s, struct fl_err *err)
{
	int rc = FL_CUDA(err, cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking));

	if (rc == 0)
		rc = FL_CUDA(err, cudaEventCreateWithFlags(&s->begin, cudaEventDefault));
	return rc == 0 ? FL_CUDA(err, cudaEventCreateWithFlags(&s->end, cudaEventDefault)) : rc;
}

/* ---- the run */

/* Behind the gate, so that the launch of the kernel is not between the events. */
static int queue_chase(struct latency_state *s, uint64_t hops, struct fl_err *err)
{
	int rc = fl_gate_queue(&s->gate, s->stream, 0, err);

	if (rc == 0)
		rc = FL_CUDA(err, cudaEventRecord(s->begin, s->stream));
	if (rc == 0)
		rc = fl_cuda_check((cudaError_t)fl_kernel_chase(s->stream, s->seen, hops, s->gpu.scratch),
				   "launch the chase", err);
	return rc == 0 ? FL_CUDA(err, cudaEventRecord(s->end, s->stream)) : rc;
}

static int chase(struct latency_state *s, uint64_t hops, double *ret_ns, bool *ret_spoilt, struct fl_err *err)
{
	float ms = 0;
	int rc = fl_cuda_device_use(&s->gpu, err);

	if (rc == 0)
		rc = fl_gate_close(&s->gate);
	if (rc < 0)
		return rc;
	rc = queue_chase(s, hops, err);
	fl_gate_open(&s->gate);
	if (rc == 0)
		s->hops += hops;
	if (rc == 0)
		rc = fl_cuda_wait(&s->gpu, s->stream, &s->gate, err);
	if (rc == 0)
		rc = FL_CUDA(err, cudaEventElapsedTime(&ms, s->begin, s->end));
	*ret_ns = (double)ms * 1e6;
	*ret_spoilt = rc == 0 && fl_gate_timed_out(&s->gate);
	return rc;
}

/* How many hops a step has at least; also loads what is loaded at the first use. */
static int pace(struct latency_state *s, struct fl_err *err)
{
	const uint64_t some = 4096;
	bool spoilt = false;
	double ns = 0, hops;
	int rc = chase(s, some, &ns, &spoilt, err);

	if (rc == 0)
		rc = chase(s, some, &ns, &spoilt, err);
	if (rc == 0 && (spoilt || !(ns > 0)))
		rc = fl_fail(err, -ETIMEDOUT, "the gate opened by itself before the kernel was queued");
	if (rc < 0)
		return rc;
	hops = ceil(step_ns * (double)some / ns);
	s->least = hops < HOPS_MAX ? (uint64_t)hops : HOPS_MAX;
	return 0;
}

/* ---- open, close */

void fl_gpu_latency_close(void *state)
{
	struct latency_state *s = state;

	if (s->gpu.number >= 0)
		fl_cuda_device_use(&s->gpu, NULL); /* where it cannot be, what is left is given back all the same */
	fl_cuda_alone_begin();
	if (s->begin)
		cudaEventDestroy(s->begin);
	if (s->end)
		cudaEventDestroy(s->end);
	if (s->stream)
		cudaStreamDestroy(s->stream);
	fl_cuda_alone_end();
	cudaGetLastError();
	fl_gate_free(&s->gate);
	fl_place_free(&s->chain);
	fl_cuda_device_close(&s->gpu);
	fl_cuda_device_close(&s->peer);
	free(s->next);
	free(s);
}

static int open_chain(struct latency_state *s, struct fl_lane *lane, const struct fl_gpu_latency_opts *o,
		      struct fl_err *err)
{
	uint64_t bytes = 0;
	int rc = bytes_of(o, s, &bytes, err);

	if (rc < 0)
		return rc;
	if (o->memory)
		rc = fl_place_on_host(lane, FL_HOST_PINNED, o->memory->node, bytes, &s->chain, err);
	else
		rc = fl_place_on_gpu(o->peer ? &s->peer : &s->gpu, bytes, &s->chain, err);
	if (rc == 0)
		rc = make_chain(s, err);
	s->seen = s->chain.at;
	if (rc == 0)
		rc = fl_cuda_device_use(&s->gpu, err);
	if (rc == 0 && o->memory)
		rc = fl_host_on_device(&s->chain.host, &s->seen, err);
	return rc;
}

static int open_peer(struct latency_state *s, struct fl_lane *lane, const struct fl_device *peer, struct fl_err *err)
{
	bool direct = false;
	int rc = fl_cuda_device_open(peer, &s->peer, err);

	if (rc == 0 && s->peer.number == s->gpu.number)
		rc = fl_fail(err, -EINVAL, "%s is no other GPU; gpu.latency measures its own memory", peer->id);
	if (rc == 0)
		rc = fl_cuda_peer(&s->gpu, &s->peer, &direct, err);
	if (rc == 0 && !direct)
		rc = fl_fail(err, -ENXIO, "%s cannot reach the memory of %s", s->gpu.id, s->peer.id);
	if (rc == 0)
		fl_set_fact(lane, "peer_access", "direct");
	return rc;
}

static int open_clock(struct latency_state *s, struct fl_err *err)
{
	static const uint64_t start = 0;
	int rc = fl_gate_make(&s->gate, err);

	if (rc < 0)
		return rc;
	fl_cuda_alone_begin();
	rc = make_clock(s, err);
	fl_cuda_alone_end();
	if (rc == 0)
		rc = FL_CUDA(err,
			     cudaMemcpyAsync(s->gpu.scratch, &start, sizeof(start), cudaMemcpyDefault, s->gpu.stream));
	return rc == 0 ? fl_cuda_device_wait(&s->gpu, err) : rc;
}

static int open_all(struct latency_state *s, struct fl_lane *lane, const struct fl_gpu_latency_opts *o,
		    struct fl_err *err)
{
	int rc = fl_cuda_device_open(o->gpu, &s->gpu, err);

	if (rc == 0 && o->peer)
		rc = open_peer(s, lane, o->peer, err);
	if (rc == 0)
		rc = open_chain(s, lane, o, err);
	if (rc == 0)
		rc = open_clock(s, err);
	if (rc == 0)
		rc = check_chain(s, err);
	if (rc == 0)
		rc = pace(s, err);
	if (rc == 0)
		rc = check_place(s, err);
	return rc;
}

static int latency_open(struct fl_lane *lane, const struct fl_gpu_latency_opts *o, void **ret_state, struct fl_err *err)
{
	struct latency_state *s = calloc(1, sizeof(*s));
	char versions[FL_CUDA_VERSIONS_TEXT];
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->gpu.number = s->peer.number = -1;
	rc = open_all(s, lane, o, err);
	if (rc < 0) {
		fl_gpu_latency_close(s);
		return rc;
	}
	fl_cuda_versions(versions);
	fl_set_fact(lane, "device", "%s", s->gpu.model);
	fl_set_fact(lane, "cuda", "%s", versions);
	fl_set_fact(lane, "gate", "kernel");
	fl_set_fact(lane, "buffer_bytes", "%llu", (unsigned long long)s->chain.bytes);
	fl_set_fact(lane, "host_memory", "%s", s->chain.host.what);
	*ret_state = s;
	return 0;
}

/* The rows differ in their options alone. */
int fl_gpu_latency_open_own(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return latency_open(lane, opts, ret_state, err);
}

int fl_gpu_latency_open_host(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return latency_open(lane, opts, ret_state, err);
}

int fl_gpu_latency_open_peer(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return latency_open(lane, opts, ret_state, err);
}

int fl_gpu_latency_enter(void *state, unsigned thread, struct fl_err *err)
{
	struct latency_state *s = state;
	bool spoilt;
	double ns;

	(void)thread;
	return chase(s, s->least, &ns, &spoilt, err);
}

int fl_gpu_latency_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct latency_state *s = state;
	uint64_t hops = n < s->least ? s->least : n < HOPS_MAX ? n : HOPS_MAX;
	int rc = chase(s, hops, &did->device_ns, &did->spoilt, err);

	(void)thread;
	did->ops = hops;
	return rc;
}

void fl_gpu_latency_halt(void *state)
{
	struct latency_state *s = state;

	fl_gate_halt(&s->gate);
}

void fl_gpu_latency_leave(void *state, unsigned thread)
{
	struct latency_state *s = state;

	(void)thread;
	if (fl_cuda_device_use(&s->gpu, NULL) == 0)
		cudaStreamSynchronize(s->stream);
}

/* Where it came to, then what may have led it there. */
int fl_gpu_latency_verify(void *state, struct fl_err *err)
{
	const struct latency_state *s = state;
	int rc = check_place(s, err);

	return rc == 0 ? check_chain(s, err) : rc;
}
