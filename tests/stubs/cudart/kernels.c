/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.c: the functions of path/cuda/kernels.h on the host, for devices of the stub. */
#include "path/cuda/kernels.h"
#include "parts.h"
#include <feedline/block.h>
#include <feedline/clock.h>
#include <string.h>

/* ---- launching */

int fl_kernels_load(void)
{
	cudaError_t rc = enter("fl_kernels_load", CAN_FAIL | CONTEXT, -1, NULL);

	if (rc == cudaSuccess) {
		drain_devices_locked(current_locked());
		stub.devices[current_locked()].loaded = true;
	}
	return (int)leave(rc);
}

/* Kernels that are loaded only now wait for the device to be idle. */
static int launch(const char *call, unsigned needs, struct CUstream_st *stream, struct op *op)
{
	cudaError_t rc = enter(call, CAN_FAIL | CONTEXT | needs, -1, &op->mishap);
	int device = current_locked();

	if (rc != cudaSuccess)
		return (int)leave(rc);
	if (!is_stream_locked(stream) || stream->device != device)
		return (int)leave(cudaErrorInvalidResourceHandle);
	if (!stub.devices[device].loaded)
		drain_devices_locked(device);
	stub.devices[device].loaded = true;
	if (needs & COPIES)
		op->takes_ns = copy_ns(op->bytes);
	return (int)leave(queue_locked(stream, op));
}

/* What kernel `op` reaches at `at`; NULL ends it as a wrong pointer ends one. */
static void *reach(const struct op *op, const void *at, uint64_t bytes, int *owner)
{
	const char *wrong = NULL;
	int whose;
	char *ret;

	pthread_mutex_lock(&stub.lock);
	ret = reach_locked(op->device, at, bytes, owner ? owner : &whose, &wrong);
	if (!ret)
		misuse_locked("a kernel reaches %s", wrong);
	pthread_mutex_unlock(&stub.lock);
	return ret;
}

/* ---- gate */

static bool is_over(uint64_t life, int device)
{
	bool ret;

	pthread_mutex_lock(&stub.lock);
	ret = stub.life != life || stub.devices[device].broken;
	pthread_mutex_unlock(&stub.lock);
	return ret;
}

static void wait_for(struct op *op, const uint32_t *flag, uint32_t *timed_out)
{
	const uint64_t until_ns = fl_now_ns() + op->n, pause_ns = 20000;
	uint64_t life;

	pthread_mutex_lock(&stub.lock);
	life = stub.life;
	pthread_mutex_unlock(&stub.lock);
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		if (fl_now_ns() >= until_ns || is_over(life, op->device)) {
			__atomic_store_n(timed_out, 1, __ATOMIC_RELEASE);
			break;
		}
		fl_sleep_until(fl_now_ns() + pause_ns);
	}
	pthread_mutex_lock(&stub.lock);
	op->at_ns = opened_locked(flag, op->queued_ns, fl_now_ns());
	pthread_mutex_unlock(&stub.lock);
}

/* n: the time-out. */
static cudaError_t gate(struct op *op)
{
	const uint32_t *flag = reach(op, op->from, sizeof(*flag), NULL);
	uint32_t *timed_out = reach(op, op->result, sizeof(*timed_out), NULL);

	if (!flag || !timed_out)
		return cudaErrorIllegalAddress;
	wait_for(op, flag, timed_out);
	return cudaSuccess;
}

int fl_kernel_gate(struct CUstream_st *stream, const volatile uint32_t *flag, uint64_t timeout_ns, uint32_t *timed_out)
{
	struct op op = { .run = gate, .from = (const void *)flag, .result = timed_out, .n = timeout_ns };

	return launch("fl_kernel_gate", 0, stream, &op);
}

/* ---- copy */

static cudaError_t copy(struct op *op)
{
	int here, there;
	char *to = reach(op, op->to, op->bytes, &there);
	const char *from = reach(op, op->from, op->bytes, &here);
	bool drops;

	if (!to || !from)
		return cudaErrorIllegalAddress;
	if (((uintptr_t)op->to | (uintptr_t)op->from | op->bytes) % 16)
		return cudaErrorMisalignedAddress;
	pthread_mutex_lock(&stub.lock);
	drops = drops_locked(here, there);
	pthread_mutex_unlock(&stub.lock);
	move(to, from, op->bytes, drops ? DROP : op->mishap.deed);
	return cudaSuccess;
}

int fl_kernel_copy(struct CUstream_st *stream, void *to, const void *from, uint64_t bytes, uint32_t blocks)
{
	struct op op = { .run = copy, .to = to, .from = from, .bytes = bytes };

	if (blocks == 0)
		return cudaErrorInvalidConfiguration;
	return launch("fl_kernel_copy", COPIES, stream, &op);
}

/* ---- blocks of test data */

static cudaError_t fill(struct op *op)
{
	char *to = reach(op, op->to, op->bytes, NULL);

	if (!to)
		return cudaErrorIllegalAddress;
	for (uint64_t at = 0; at < op->bytes; at += FL_BLOCK_BYTES)
		fl_block_fill(to + at, op->seed, 0, (op->first * FL_BLOCK_BYTES) + at);
	return cudaSuccess;
}

int fl_kernel_fill(struct CUstream_st *stream, void *at, uint64_t bytes, uint64_t seed, uint64_t first_block)
{
	struct op op = { .run = fill, .to = at, .bytes = bytes, .seed = seed, .first = first_block };

	return launch("fl_kernel_fill", 0, stream, &op);
}

static cudaError_t check(struct op *op)
{
	const char *from = reach(op, op->from, op->bytes, NULL);
	struct fl_kernel_wrong *ret = reach(op, op->result, sizeof(*ret), NULL);

	if (!from || !ret)
		return cudaErrorIllegalAddress;
	*ret = (struct fl_kernel_wrong){ 0, UINT64_MAX };
	for (uint64_t at = 0; at < op->bytes; at += FL_BLOCK_BYTES) {
		size_t wrong = fl_block_check(from + at, op->seed, 0, (op->first * FL_BLOCK_BYTES) + at);

		if (wrong == FL_BLOCK_BYTES)
			continue;
		if (ret->count++ == 0)
			ret->first_offset = at + wrong;
	}
	return cudaSuccess;
}

int fl_kernel_check(struct CUstream_st *stream, const void *at, uint64_t bytes, uint64_t seed, uint64_t first_block,
		    struct fl_kernel_wrong *ret)
{
	struct op op = { .run = check, .from = at, .bytes = bytes, .seed = seed, .first = first_block, .result = ret };

	return launch("fl_kernel_check", 0, stream, &op);
}

/* ---- chase */

/* Each hop is looked up, as a device would do it: a chain that leaves its buffer is a wrong pointer. */
static cudaError_t chase(struct op *op)
{
	uint64_t *at = reach(op, op->result, sizeof(*at), NULL);
	const char *wrong = NULL;
	uint64_t offset;
	int owner;

	if (!at)
		return cudaErrorIllegalAddress;
	offset = *at;
	for (uint64_t i = 0; i < op->n; i++) {
		const char *word;

		pthread_mutex_lock(&stub.lock);
		word = reach_locked(op->device, (const char *)op->from + offset, sizeof(offset), &owner, &wrong);
		if (!word)
			misuse_locked("a chain reaches %s", wrong);
		pthread_mutex_unlock(&stub.lock);
		if (!word)
			return cudaErrorIllegalAddress;
		memcpy(&offset, word, sizeof(offset));
	}
	*at = offset;
	return cudaSuccess;
}

int fl_kernel_chase(struct CUstream_st *stream, const void *chain, uint64_t hops, uint64_t *at)
{
	struct op op = { .run = chase, .from = chain, .n = hops, .result = at, .takes_ns = hops * HOP_NS };

	return launch("fl_kernel_chase", 0, stream, &op);
}

static cudaError_t check_chain(struct op *op)
{
	const char *from = reach(op, op->from, op->n * FL_CHAIN_LINE_BYTES, NULL);
	struct fl_kernel_wrong *ret = reach(op, op->result, sizeof(*ret), NULL);

	if (!from || !ret)
		return cudaErrorIllegalAddress;
	*ret = (struct fl_kernel_wrong){ 0, UINT64_MAX };
	for (uint64_t i = 0; i < op->n; i++) {
		uint64_t offset = i * FL_CHAIN_LINE_BYTES, line[2];

		memcpy(line, from + offset, sizeof(line));
		if (line[1] != fl_chain_key(op->seed, offset, line[0]) && ret->count++ == 0)
			ret->first_offset = offset;
	}
	return cudaSuccess;
}

int fl_kernel_check_chain(struct CUstream_st *stream, const void *chain, uint64_t lines, uint64_t seed,
			  struct fl_kernel_wrong *ret)
{
	struct op op = { .run = check_chain, .from = chain, .n = lines, .seed = seed, .result = ret };

	return launch("fl_kernel_check_chain", 0, stream, &op);
}

static cudaError_t nothing(struct op *op)
{
	(void)op;
	return cudaSuccess;
}

int fl_kernel_nothing(struct CUstream_st *stream)
{
	struct op op = { .run = nothing, .takes_ns = LAUNCH_NS };

	return launch("fl_kernel_nothing", 0, stream, &op);
}
