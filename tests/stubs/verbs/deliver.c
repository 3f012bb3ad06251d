/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.c: what a request does to the memory of both sides. */
#include "parts.h"
#include <stdlib.h>
#include <string.h>

enum { GRH = 40 };

/* Copies between a list of pieces and one place; the mishap is that of the request. false: a piece is not
 * registered. */
static bool move(const struct ibv_pd *pd, const struct ibv_sge *sge, int n, uint64_t skip, char *place, uint64_t bytes,
		 bool gather)
{
	for (int i = 0; i < n && bytes > 0; i++) {
		uint64_t k, at = sge[i].addr, length = sge[i].length;
		char *piece;

		k = skip < length ? skip : length;
		skip -= k;
		at += k;
		length -= k;
		if (length == 0)
			continue;
		k = bytes < length ? bytes : length;
		piece = reach_locked(pd, sge[i].lkey, false, at, k, gather ? 0 : IBV_ACCESS_LOCAL_WRITE);
		if (!piece)
			return false;
		memmove(gather ? place : piece, gather ? piece : place, k);
		place += k;
		bytes -= k;
	}
	return true;
}

static void flip(const struct op *op, char *at, uint64_t bytes)
{
	if (op->mishap.deed == FLIP && bytes > 0)
		at[bytes / 2] ^= 1;
}

static bool gather(const struct qp *q, const struct op *op, char *to, uint64_t bytes)
{
	if (op->inlined) {
		memcpy(to, op->inlined, bytes);
		return true;
	}
	return move(q->qp.pd, op->sge, op->sge_n, 0, to, bytes, true);
}

/* What a write puts at its end comes last, for who looks there for all of it. */
static bool gather_last_byte(const struct qp *q, const struct op *op, char *ret)
{
	const struct ibv_sge *last = &op->sge[op->sge_n - 1];
	const char *at;

	if (op->inlined) {
		*ret = op->inlined[op->bytes - 1];
		return true;
	}
	while (last->length == 0)
		last--;
	at = reach_locked(q->qp.pd, last->lkey, false, last->addr + last->length - 1, 1, 0);
	if (at)
		*ret = *at;
	return at;
}

static enum ibv_wc_status write_there(struct qp *q, struct qp *peer, struct op *op)
{
	char *to = reach_locked(peer->qp.pd, op->rkey, true, op->remote, op->bytes, IBV_ACCESS_REMOTE_WRITE), last;

	if (!(peer->attr.qp_access_flags & IBV_ACCESS_REMOTE_WRITE))
		return IBV_WC_REM_INV_REQ_ERR;
	if (op->bytes == 0)
		return IBV_WC_SUCCESS;
	if (!to)
		return IBV_WC_REM_ACCESS_ERR;
	if (op->mishap.deed == DROP)
		return IBV_WC_SUCCESS;
	if (!gather(q, op, to, op->bytes - 1) || !gather_last_byte(q, op, &last))
		return IBV_WC_LOC_PROT_ERR;
	if (op->mishap.deed == FLIP)
		*(op->bytes > 2 ? &to[op->bytes / 2] : &last) ^= 1;
	__atomic_store_n(&to[op->bytes - 1], last, __ATOMIC_RELEASE);
	return IBV_WC_SUCCESS;
}

static enum ibv_wc_status read_there(struct qp *q, struct qp *peer, struct op *op)
{
	char *from = reach_locked(peer->qp.pd, op->rkey, true, op->remote, op->bytes, IBV_ACCESS_REMOTE_READ);
	char *to;

	if (!(peer->attr.qp_access_flags & IBV_ACCESS_REMOTE_READ))
		return IBV_WC_REM_INV_REQ_ERR;
	if (op->bytes == 0)
		return IBV_WC_SUCCESS;
	if (!from)
		return IBV_WC_REM_ACCESS_ERR;
	if (op->mishap.deed == DROP)
		return IBV_WC_SUCCESS;
	if (!move(q->qp.pd, op->sge, op->sge_n, 0, from, op->bytes, false))
		return IBV_WC_LOC_PROT_ERR;
	to = reach_locked(q->qp.pd, op->sge[0].lkey, false, op->sge[0].addr, op->sge[0].length, 0);
	flip(op, to, op->sge[0].length);
	return IBV_WC_SUCCESS;
}

static enum ibv_wc_status atomic_there(struct qp *q, struct qp *peer, struct op *op)
{
	char *at = reach_locked(peer->qp.pd, op->rkey, true, op->remote, 8, IBV_ACCESS_REMOTE_ATOMIC);
	char *result = reach_locked(q->qp.pd, op->sge[0].lkey, false, op->sge[0].addr, 8, IBV_ACCESS_LOCAL_WRITE);
	uint64_t old, value;

	if (!(peer->attr.qp_access_flags & IBV_ACCESS_REMOTE_ATOMIC) || op->remote % 8)
		return IBV_WC_REM_INV_REQ_ERR;
	if (!at)
		return IBV_WC_REM_ACCESS_ERR;
	if (!result || op->bytes != 8)
		return IBV_WC_LOC_PROT_ERR;
	memcpy(&old, at, 8);
	if (op->opcode == IBV_WR_ATOMIC_FETCH_AND_ADD)
		value = old + op->compare_add;
	else
		value = old == op->compare_add ? op->swap : old;
	if (op->mishap.deed != DROP)
		memcpy(at, &value, 8);
	flip(op, at, 8);
	memcpy(result, &old, 8);
	return IBV_WC_SUCCESS;
}

static uint64_t room_of(const struct op *recv)
{
	uint64_t n = 0;

	for (int i = 0; i < recv->sge_n; i++)
		n += recv->sge[i].length;
	return n;
}

static enum ibv_wc_status send_there(struct qp *q, struct qp *peer, struct op *op, enum ibv_wc_status *ret_in)
{
	const struct op *recv = peer->recvs.first;
	uint64_t skip = q->qp.qp_type == IBV_QPT_UD ? GRH : 0;
	char *bytes, *first;
	bool ok;

	if (op->bytes + skip > room_of(recv)) {
		*ret_in = IBV_WC_LOC_LEN_ERR;
		return IBV_WC_REM_INV_REQ_ERR;
	}
	if (op->bytes == 0 || op->mishap.deed == DROP)
		return IBV_WC_SUCCESS;
	bytes = malloc(op->bytes);
	ok = bytes && gather(q, op, bytes, op->bytes);
	if (ok) {
		flip(op, bytes, op->bytes);
		first = reach_locked(peer->qp.pd, recv->sge[0].lkey, false, recv->sge[0].addr, 1,
				     IBV_ACCESS_LOCAL_WRITE);
		if (!first || !move(peer->qp.pd, recv->sge, recv->sge_n, skip, bytes, op->bytes, false)) {
			*ret_in = IBV_WC_LOC_PROT_ERR;
			free(bytes);
			return IBV_WC_REM_OP_ERR;
		}
	}
	free(bytes);
	return ok ? IBV_WC_SUCCESS : IBV_WC_LOC_PROT_ERR;
}

void deliver_part_locked(const struct qp *q, const struct qp *peer, const struct op *op)
{
	const struct op *recv = peer ? peer->recvs.first : NULL;
	const uint64_t half = op->bytes / 2;
	char *bytes = malloc(half + 1);

	if (bytes && recv && half <= room_of(recv) && gather(q, op, bytes, half))
		move(peer->qp.pd, recv->sge, recv->sge_n, 0, bytes, half, false);
	free(bytes);
}

enum ibv_wc_status deliver_locked(struct qp *q, struct qp *peer, struct op *op, enum ibv_wc_status *ret_in,
				  uint64_t *ret_bytes)
{
	*ret_in = IBV_WC_SUCCESS;
	*ret_bytes = op->bytes;
	if (op->mishap.deed == STATUS)
		return (enum ibv_wc_status)op->mishap.code;
	if (!peer) /* UC and UD: nobody tells */
		return IBV_WC_SUCCESS;
	switch (op->opcode) {
	case IBV_WR_RDMA_WRITE:
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		return write_there(q, peer, op);
	case IBV_WR_RDMA_READ:
		return read_there(q, peer, op);
	case IBV_WR_ATOMIC_CMP_AND_SWP:
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		return atomic_there(q, peer, op);
	default:
		return send_there(q, peer, op, ret_in);
	}
}
