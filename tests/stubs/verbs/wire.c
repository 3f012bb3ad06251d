/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c: the hot calls, the clock, and requests that are carried out when their time has come. */
#include "parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- completions */

static void complete_locked(struct ibv_cq *cq, const struct ibv_wc *wc)
{
	struct cq *c = (struct cq *)cq;
	const uint64_t one = 1;

	if (c->used == (unsigned)cq->cqe) {
		misuse_locked("a completion queue of %d overflowed", cq->cqe);
		return;
	}
	c->ring[(c->first + c->used++) % (unsigned)cq->cqe] = *wc;
	if (!c->armed)
		return;
	c->armed = false;
	c->has_event = true;
	if (write(cq->channel->fd, &one, sizeof(one)) != sizeof(one))
		misuse_locked("an event could not be told");
}

static enum ibv_wc_opcode opcode_of(const struct op *op)
{
	switch (op->opcode) {
	case IBV_WR_RDMA_WRITE:
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		return IBV_WC_RDMA_WRITE;
	case IBV_WR_RDMA_READ:
		return IBV_WC_RDMA_READ;
	case IBV_WR_ATOMIC_CMP_AND_SWP:
		return IBV_WC_COMP_SWAP;
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		return IBV_WC_FETCH_ADD;
	default:
		return IBV_WC_SEND;
	}
}

static bool has_imm(const struct op *op)
{
	return op->opcode == IBV_WR_RDMA_WRITE_WITH_IMM || op->opcode == IBV_WR_SEND_WITH_IMM;
}

static bool takes_receive(const struct op *op)
{
	return op->opcode == IBV_WR_SEND || has_imm(op);
}

static void pop(struct ops *ops)
{
	struct op *op = ops->first;

	ops->first = op->next;
	if (!ops->first)
		ops->last = NULL;
	ops->n--;
	free(op->inlined);
	free(op);
}

static void end_send_locked(struct qp *q, enum ibv_wc_status status)
{
	const struct op *op = q->sends.first;
	struct ibv_wc wc = { .wr_id = op->wr_id,
			     .status = status,
			     .opcode = opcode_of(op),
			     .vendor_err = status == IBV_WC_SUCCESS ? 0 : 0x68,
			     .byte_len = (uint32_t)op->bytes,
			     .qp_num = q->qp.qp_num };

	if (status != IBV_WC_SUCCESS || q->all_signalled || op->flags & IBV_SEND_SIGNALED)
		complete_locked(q->qp.send_cq, &wc);
	pop(&q->sends);
}

static void end_recv_locked(struct qp *q, enum ibv_wc_status status, const struct op *of, const struct qp *from)
{
	bool is_ud = q->qp.qp_type == IBV_QPT_UD;
	struct ibv_wc wc = { .wr_id = q->recvs.first->wr_id,
			     .status = status,
			     .opcode = IBV_WC_RECV,
			     .vendor_err = status == IBV_WC_SUCCESS ? 0 : 0x68,
			     .qp_num = q->qp.qp_num };

	if (of) {
		wc.byte_len = (uint32_t)of->bytes + (is_ud ? 40 : 0);
		wc.src_qp = from->qp.qp_num;
		wc.wc_flags = is_ud ? IBV_WC_GRH : 0;
		if (of->opcode == IBV_WR_RDMA_WRITE_WITH_IMM)
			wc.opcode = IBV_WC_RECV_RDMA_WITH_IMM;
		if (has_imm(of)) {
			wc.imm_data = of->imm;
			wc.wc_flags |= IBV_WC_WITH_IMM;
		}
	}
	complete_locked(q->qp.recv_cq, &wc);
	pop(&q->recvs);
}

void flush_locked(struct qp *q)
{
	q->qp.state = IBV_QPS_ERR;
	while (q->sends.first)
		end_send_locked(q, IBV_WC_WR_FLUSH_ERR);
	while (q->recvs.first)
		end_recv_locked(q, IBV_WC_WR_FLUSH_ERR, NULL, NULL);
}

/* ---- who hears a request */

static bool is_up(const struct qp *q)
{
	return !stub.settings.down[nic_of(q->qp.context)][q->attr.port_num - 1];
}

static bool is_let_through(const struct ibv_ah_attr *to)
{
	if (stub.settings.level >= 0 && to->sl != stub.settings.level)
		return false;
	return stub.settings.class < 0 || (to->is_global && to->grh.traffic_class == stub.settings.class);
}

/* Does `to` name the port of `q`, and in the way in which q names itself? */
static bool is_addressed(const struct qp *from, const struct ibv_ah_attr *to, const struct qp *q)
{
	int nic = nic_of(q->qp.context), own = nic_of(from->qp.context);
	struct ibv_gid_entry there, here;

	if (!is_let_through(to) || (stub.settings.wants_grh >> nic & 1 && !to->is_global))
		return false;
	if (stub.settings.is_ib >> nic & 1)
		return stub.settings.is_ib >> own & 1 && (to->is_global || to->dlid == lid_of(nic, q->attr.port_num));
	if (!gid_at(own, from->attr.port_num, to->grh.sgid_index, &here))
		return false;
	for (unsigned i = 0; i < GIDS; i++)
		if (gid_at(nic, q->attr.port_num, i, &there) && there.gid_type == here.gid_type &&
		    !memcmp(&there.gid, &to->grh.dgid, sizeof(there.gid)))
			return true;
	return false;
}

/* NULL: it reaches nobody. */
static struct qp *hearer_locked(const struct qp *q, const struct op *op)
{
	bool is_ud = q->qp.qp_type == IBV_QPT_UD;
	struct qp *peer = find_qp_locked(is_ud ? op->qpn : q->attr.dest_qp_num);

	if (!peer || stub.settings.cut || !is_up(q) || !is_up(peer) || peer->qp.qp_type != q->qp.qp_type)
		return NULL;
	if (peer->qp.state != IBV_QPS_RTR && peer->qp.state != IBV_QPS_RTS)
		return NULL;
	if (!is_addressed(q, is_ud ? &op->ah->attr : &q->attr.ah_attr, peer))
		return NULL;
	if (is_ud)
		return peer->attr.qkey == op->qkey ? peer : NULL;
	return peer->attr.dest_qp_num == q->qp.qp_num && peer->attr.rq_psn == q->attr.sq_psn &&
			       peer->attr.path_mtu == q->attr.path_mtu
		       ? peer
		       : NULL;
}

/* ---- time */

static uint64_t timeout_ns(const struct qp *q)
{
	return q->attr.timeout ? ((uint64_t)4096 << q->attr.timeout) * (q->attr.retry_cnt + 1u) : NEVER;
}

/* When the first request of a queue ends; NEVER: it waits for another. */
static uint64_t due_locked(const struct qp *q)
{
	return q->sends.first && q->qp.state == IBV_QPS_RTS ? q->sends.first->done_ns : NEVER;
}

static uint64_t next_locked(struct qp **ret)
{
	uint64_t best = NEVER;

	*ret = NULL;
	for (struct qp *q = stub.qps; q; q = q->next)
		if (due_locked(q) < best) {
			best = due_locked(q);
			*ret = q;
		}
	return best;
}

/* What is to go wrong with it is asked once. */
static bool hangs_locked(const struct qp *q, struct op *op)
{
	static const char *const names[] = { [IBV_WC_SEND] = "send",
					     [IBV_WC_RDMA_WRITE] = "write",
					     [IBV_WC_RDMA_READ] = "read",
					     [IBV_WC_COMP_SWAP] = "atomic",
					     [IBV_WC_FETCH_ADD] = "atomic" };

	if (!op->asked) {
		op->asked = true;
		op->mishap = settings_mishap(&stub.settings, names[opcode_of(op)], true, nic_of(q->qp.context));
		if (op->mishap.deed != NOTHING)
			suffer_locked(names[opcode_of(op)]);
		if (op->mishap.deed == EVENT)
			say_event_locked(q, (enum ibv_event_type)op->mishap.code);
	}
	return op->mishap.deed == HANG;
}

static void end_locked(struct qp *q, struct qp *peer)
{
	struct op *op = q->sends.first;
	enum ibv_wc_status in, status;
	uint64_t bytes;

	status = deliver_locked(q, peer, op, &in, &bytes);
	if (peer && takes_receive(op) && (status == IBV_WC_SUCCESS || in != IBV_WC_SUCCESS)) {
		end_recv_locked(peer, in, op, q);
		if (in != IBV_WC_SUCCESS)
			flush_locked(peer);
	}
	end_send_locked(q, status);
	if (status != IBV_WC_SUCCESS)
		flush_locked(q);
}

/* The first request of a queue, whose time has come. */
static void carry_out_locked(struct qp *q)
{
	struct op *op = q->sends.first;
	bool is_rc = q->qp.qp_type == IBV_QPT_RC;
	struct qp *peer = hearer_locked(q, op);

	if (hangs_locked(q, op)) {
		op->done_ns = NEVER;
		return;
	}
	if (op->mishap.deed == PART && !is_rc)
		deliver_part_locked(q, peer, op);
	if ((op->mishap.deed == LOSE || op->mishap.deed == PART) && !is_rc)
		peer = NULL;
	if (is_rc && !peer && op->mishap.deed != STATUS) {
		if (op->timed_out) {
			end_send_locked(q, IBV_WC_RETRY_EXC_ERR);
			flush_locked(q);
			return;
		}
		op->timed_out = true;
		op->done_ns = timeout_ns(q) == NEVER ? NEVER : stub.now_ns + timeout_ns(q);
		return;
	}
	if (peer && takes_receive(op) && !peer->recvs.first && op->mishap.deed != STATUS) {
		if (is_rc && q->attr.rnr_retry == 7) { /* for ever */
			op->waits = true;
			op->done_ns = NEVER;
			return;
		}
		if (is_rc) {
			end_send_locked(q, IBV_WC_RNR_RETRY_EXC_ERR);
			flush_locked(q);
			return;
		}
		peer = NULL;
	}
	end_locked(q, peer);
}

uint64_t wire_next_ns_locked(void)
{
	struct qp *q;

	return next_locked(&q);
}

void wire_run_locked(void)
{
	struct qp *q;

	while (next_locked(&q) <= stub.now_ns && q)
		carry_out_locked(q);
}

/* ---- calls */

static void start_locked(const struct qp *q, struct op *op)
{
	uint64_t *busy = &stub.sent_ps[nic_of(q->qp.context)][q->attr.port_num - 1];
	uint64_t now_ps = stub.now_ns * 1000;

	*busy = *busy > now_ps ? *busy : now_ps;
	*busy += (uint64_t)((double)op->bytes * 1e12 / (double)stub.settings.bytes_per_s + 0.5);
	op->done_ns = (*busy + 999) / 1000 + stub.settings.latency_ns;
}

static void push(struct ops *ops, struct op *op)
{
	if (ops->last)
		ops->last->next = op;
	else
		ops->first = op;
	ops->last = op;
	ops->n++;
}

static struct op *new_op(const struct ibv_sge *sge, int n, uint64_t wr_id)
{
	struct op *op = calloc(1, sizeof(*op));

	if (!op)
		abort();
	op->wr_id = wr_id;
	op->sge_n = n;
	for (int i = 0; i < n; i++) {
		op->sge[i] = sge[i];
		op->bytes += sge[i].length;
	}
	return op;
}

static int check_send(const struct qp *q, const struct ibv_send_wr *wr)
{
	uint64_t bytes = 0;

	if (q->qp.state != IBV_QPS_RTS && q->qp.state != IBV_QPS_ERR)
		return EINVAL;
	if (q->sends.n >= q->cap.max_send_wr)
		return ENOMEM;
	if (wr->num_sge < 0 || (unsigned)wr->num_sge > q->cap.max_send_sge)
		return EINVAL;
	for (int i = 0; i < wr->num_sge; i++)
		bytes += wr->sg_list[i].length;
	if (wr->send_flags & IBV_SEND_INLINE && bytes > q->cap.max_inline_data)
		return EINVAL;
	if (q->qp.qp_type == IBV_QPT_UD &&
	    bytes > 128ul << stub.settings.mtu[nic_of(q->qp.context)][q->attr.port_num - 1])
		return EINVAL;
	if (q->qp.qp_type == IBV_QPT_UC && wr->opcode == IBV_WR_RDMA_READ)
		return EINVAL;
	return q->qp.qp_type == IBV_QPT_UD && wr->opcode != IBV_WR_SEND && wr->opcode != IBV_WR_SEND_WITH_IMM ? EINVAL
													      : 0;
}

static void take_inline(struct op *op, const struct ibv_send_wr *wr)
{
	char *to = op->inlined = malloc(op->bytes + 1);

	for (int i = 0; i < wr->num_sge; i++) {
		memcpy(to, (const void *)(uintptr_t)wr->sg_list[i].addr, wr->sg_list[i].length);
		to += wr->sg_list[i].length;
	}
}

static void queue_send_locked(struct qp *q, const struct ibv_send_wr *wr)
{
	struct op *op = new_op(wr->sg_list, wr->num_sge, wr->wr_id);

	op->opcode = wr->opcode;
	op->flags = wr->send_flags;
	op->imm = wr->imm_data;
	if (wr->send_flags & IBV_SEND_INLINE)
		take_inline(op, wr);
	if (q->qp.qp_type == IBV_QPT_UD) {
		op->ah = (const struct ah *)wr->wr.ud.ah;
		op->qpn = wr->wr.ud.remote_qpn;
		op->qkey = wr->wr.ud.remote_qkey;
	} else if (opcode_of(op) == IBV_WC_COMP_SWAP || opcode_of(op) == IBV_WC_FETCH_ADD) {
		op->remote = wr->wr.atomic.remote_addr;
		op->rkey = wr->wr.atomic.rkey;
		op->compare_add = wr->wr.atomic.compare_add;
		op->swap = wr->wr.atomic.swap;
	} else {
		op->remote = wr->wr.rdma.remote_addr;
		op->rkey = wr->wr.rdma.rkey;
	}
	start_locked(q, op);
	push(&q->sends, op);
	if (q->qp.state == IBV_QPS_ERR)
		flush_locked(q);
}

int wire_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct qp *q = (struct qp *)qp;
	int rc = enter("ibv_post_send", nic_of(qp->context));

	clock_work_locked(true);
	for (; wr; wr = wr->next) {
		if (rc == 0)
			rc = check_send(q, wr);
		if (rc) {
			*bad = wr;
			break;
		}
		queue_send_locked(q, wr);
	}
	return leave(rc);
}

/* Those who wait for a receive of this one try it again. */
static void wake_locked(const struct qp *q)
{
	for (struct qp *other = stub.qps; other; other = other->next) {
		struct op *op = other->sends.first;

		if (op && op->waits && other->attr.dest_qp_num == q->qp.qp_num) {
			op->waits = false;
			op->done_ns = stub.now_ns + stub.settings.latency_ns;
		}
	}
}

int wire_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct qp *q = (struct qp *)qp;
	int rc = enter("ibv_post_recv", nic_of(qp->context));

	for (; wr; wr = wr->next) {
		if (rc == 0 && q->recvs.n >= q->cap.max_recv_wr)
			rc = ENOMEM;
		if (rc == 0 &&
		    (qp->state == IBV_QPS_RESET || wr->num_sge < 0 || (unsigned)wr->num_sge > q->cap.max_recv_sge))
			rc = EINVAL;
		if (rc) {
			*bad = wr;
			break;
		}
		push(&q->recvs, new_op(wr->sg_list, wr->num_sge, wr->wr_id));
		wake_locked(q);
		if (qp->state == IBV_QPS_ERR)
			flush_locked(q);
	}
	return leave(rc);
}

static int take(struct cq *c, int n, struct ibv_wc *ret)
{
	int got = 0;

	for (; got < n && c->used > 0; got++) {
		ret[got] = c->ring[c->first];
		c->first = (c->first + 1) % (unsigned)c->cq.cqe;
		c->used--;
	}
	return got;
}

int wire_poll(struct ibv_cq *cq, int n, struct ibv_wc *ret)
{
	int rc = enter_looking("ibv_poll_cq", nic_of(cq->context)), got;

	if (rc)
		return leave(rc), -rc;
	got = take((struct cq *)cq, n, ret);
	if (got == 0) {
		clock_polled_locked();
		got = take((struct cq *)cq, n, ret);
	}
	if (got)
		clock_work_locked(true);
	leave(0);
	return got;
}

int wire_notify(struct ibv_cq *cq, int solicited_only)
{
	struct cq *c = (struct cq *)cq;
	int rc = enter("ibv_req_notify_cq", nic_of(cq->context));

	(void)solicited_only;
	if (rc == 0 && !cq->channel)
		rc = EINVAL;
	if (rc == 0)
		c->armed = true;
	return leave(rc);
}
