/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c: payload, and who may reach what. */
#include "parts.h"
#include <feedline/clock.h>
#include <string.h>

void move(char *to, const char *from, size_t bytes, enum deed deed)
{
	size_t half = bytes / 8192 * 4096; /* whole blocks, so that each is right in itself */

	if (deed == DROP)
		return;
	if (deed == SWAP) {
		memcpy(to, from + (bytes - half), half);
		memcpy(to + half, from + half, bytes - 2 * half);
		memcpy(to + (bytes - half), from, half);
		return;
	}
	memcpy(to, from, bytes);
	if (deed == FLIP)
		to[bytes * 3 / 5] ^= 4;
}

bool drops_locked(int from, int to)
{
	return from >= 0 && to >= 0 && from != to && stub.settings.drop[from] & 1u << to;
}

char *reach_locked(int device, const void *at, size_t bytes, int *owner, const char **wrong)
{
	struct range *r = range_locked(at, bytes, wrong);

	if (!r) {
		if (!*wrong)
			*wrong = "memory of the host that is not pinned";
		return NULL;
	}
	if (r->owner == OF_DEVICE && r->device != device && !(stub.devices[device].peers & 1u << r->device)) {
		*wrong = "memory of a device that is no peer";
		return NULL;
	}
	*owner = r->owner == OF_DEVICE ? r->device : -1;
	return r->real + ((uintptr_t)at - r->at);
}

/* ---- the copy engine */

struct side {
	char *real;
	int device; /* -1: the host */
	bool pinned;
};

static bool find_locked(const void *at, size_t bytes, struct side *ret)
{
	const char *wrong = NULL;
	struct range *r = range_locked(at, bytes, &wrong);

	if (wrong) {
		misuse_locked("a copy reaches %s", wrong);
		return false;
	}
	*ret = (struct side){ (char *)at, -1, false };
	if (r)
		*ret = (struct side){ r->real + ((uintptr_t)at - r->at), r->owner == OF_DEVICE ? r->device : -1, true };
	return true;
}

static bool is_kind(enum cudaMemcpyKind kind, const struct side *to, const struct side *from)
{
	if (kind == cudaMemcpyDefault)
		return true;
	return (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) == (to->device >= 0) &&
	       (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice) == (from->device >= 0);
}

static cudaError_t copy(struct op *op)
{
	move(op->to, op->from, op->bytes, op->mishap.deed);
	return cudaSuccess;
}

/* Waits for what is queued before it, and is over when the call returns: so nothing that this thread opens later may
 * hold it back. */
static cudaError_t copy_pageable_locked(struct CUstream_st *s, struct op *op)
{
	int device = s->device;
	cudaError_t rc = drain_locked(s);

	if (rc != cudaSuccess)
		return rc;
	if (op->mishap.deed == STALL)
		hang_locked();
	if (op->mishap.deed == LATER) {
		break_locked(device, op->mishap.code, false);
		return op->mishap.code;
	}
	op->queued_ns = fl_now_ns();
	s->waiters++;
	pthread_mutex_unlock(&stub.lock);
	begin_op(s, op);
	move(op->to, op->from, op->bytes, op->mishap.deed);
	end_op(s, op);
	pthread_mutex_lock(&stub.lock);
	s->waiters--;
	pthread_cond_broadcast(&stub.changed);
	return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	struct op op = { .run = copy, .bytes = bytes };
	cudaError_t rc = enter("cudaMemcpyAsync", CAN_FAIL | CONTEXT | COPIES, -1, &op.mishap);
	struct side there, here;

	if (rc != cudaSuccess)
		return leave(rc);
	if (!is_stream_locked(stream))
		return leave(cudaErrorInvalidResourceHandle);
	if (!find_locked(to, bytes, &there) || !find_locked(from, bytes, &here))
		return leave(cudaErrorInvalidValue);
	if (!is_kind(kind, &there, &here))
		return leave(cudaErrorInvalidMemcpyDirection);
	op.takes_ns = copy_ns(bytes);
	op.to = there.real;
	op.from = here.real;
	if (op.mishap.deed == NOTHING && drops_locked(here.device, there.device))
		op.mishap.deed = DROP;
	if (op.mishap.deed == NOTHING && is_behind_locked(from))
		op.mishap.deed = FLIP;
	return leave(there.pinned && here.pinned ? queue_locked(stream, &op) : copy_pageable_locked(stream, &op));
}
