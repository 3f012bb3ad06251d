/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.c: queue pairs and their states. */
#include "parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct qp *find_qp_locked(uint32_t number)
{
	struct qp *q = stub.qps;

	while (q && q->qp.qp_num != number)
		q = q->next;
	return q;
}

void drop_ops(struct ops *ops)
{
	while (ops->first) {
		struct op *op = ops->first;

		ops->first = op->next;
		free(op->inlined);
		free(op);
	}
	*ops = (struct ops){ 0 };
}

static bool fits(const struct ibv_qp_init_attr *init)
{
	const struct ibv_qp_cap *c = &init->cap;

	return init->send_cq && init->recv_cq && c->max_send_wr <= stub.settings.depth &&
	       c->max_recv_wr <= stub.settings.depth && c->max_send_sge <= SGES && c->max_recv_sge <= SGES &&
	       c->max_inline_data <= stub.settings.inline_bytes &&
	       (init->qp_type == IBV_QPT_RC || init->qp_type == IBV_QPT_UC || init->qp_type == IBV_QPT_UD);
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *init)
{
	int rc = enter("ibv_create_qp", nic_of(pd->context));
	struct qp *q = NULL;

	if (rc == 0 && !fits(init))
		rc = EINVAL;
	if (rc == 0)
		q = calloc(1, sizeof(*q));
	if (!q) {
		leave(rc ? rc : ENOMEM);
		return NULL;
	}
	stub.serial++;
	*q = (struct qp){ .qp = { .context = pd->context,
				  .qp_context = init->qp_context,
				  .pd = pd,
				  .send_cq = init->send_cq,
				  .recv_cq = init->recv_cq,
				  .qp_num = stub.serial & 0xffffff,
				  .state = IBV_QPS_RESET,
				  .qp_type = init->qp_type },
			  .next = stub.qps,
			  .cap = init->cap,
			  .all_signalled = init->sq_sig_all };
	stub.qps = q;
	((struct pd *)pd)->users++;
	((struct cq *)init->send_cq)->users++;
	((struct cq *)init->recv_cq)->users++;
	leave(0);
	return &q->qp;
}

int ibv_destroy_qp(struct ibv_qp *qp)
{
	struct qp *q = (struct qp *)qp, **at = &stub.qps;
	int rc = enter("ibv_destroy_qp", nic_of(qp->context));

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	((struct pd *)qp->pd)->users--;
	((struct cq *)qp->send_cq)->users--;
	((struct cq *)qp->recv_cq)->users--;
	drop_ops(&q->sends);
	drop_ops(&q->recvs);
	free(q);
	return leave(rc);
}

/* What a change of state wants to be told, beside the state. */
static int wanted(enum ibv_qp_type type, enum ibv_qp_state to)
{
	bool rc = type == IBV_QPT_RC, ud = type == IBV_QPT_UD;

	switch (to) {
	case IBV_QPS_INIT:
		return IBV_QP_PKEY_INDEX | IBV_QP_PORT | (ud ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS);
	case IBV_QPS_RTR:
		return (ud ? 0 : IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN) |
		       (rc ? IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER : 0);
	case IBV_QPS_RTS:
		return IBV_QP_SQ_PSN |
		       (rc ? IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC : 0);
	default:
		return 0;
	}
}

static int check_address(const struct qp *q, const struct ibv_qp_attr *attr)
{
	const struct ibv_ah_attr *ah = &attr->ah_attr;
	int nic = nic_of(q->qp.context);
	struct ibv_gid_entry g;

	if (attr->path_mtu > stub.settings.mtu[nic][q->attr.port_num - 1] || ah->port_num != q->attr.port_num)
		return EINVAL;
	if (stub.settings.wants_grh >> nic & 1 && !ah->is_global)
		return EINVAL;
	if (stub.settings.is_ib >> nic & 1 && !ah->is_global)
		return ah->dlid ? 0 : EINVAL;
	if (!ah->is_global || !gid_at(nic, q->attr.port_num, ah->grh.sgid_index, &g))
		return EINVAL;
	return gid_exists(&ah->grh.dgid) ? 0 : ETIMEDOUT; /* nobody answers to that address */
}

static int change_state(struct qp *q, const struct ibv_qp_attr *attr, int mask)
{
	static const enum ibv_qp_state before[] = {
		[IBV_QPS_INIT] = IBV_QPS_RESET, [IBV_QPS_RTR] = IBV_QPS_INIT, [IBV_QPS_RTS] = IBV_QPS_RTR
	};
	enum ibv_qp_state to = attr->qp_state;
	int rc = 0;

	if (to == IBV_QPS_ERR || to == IBV_QPS_RESET)
		return 0;
	if (to > IBV_QPS_RTS || q->qp.state != before[to] || (mask & ~IBV_QP_STATE) != wanted(q->qp.qp_type, to))
		return EINVAL;
	if (to == IBV_QPS_INIT && (attr->port_num < 1 || attr->port_num > PORTS || attr->pkey_index))
		return EINVAL;
	if (mask & IBV_QP_AV)
		rc = check_address(q, attr);
	if (rc)
		return rc;
	if (to == IBV_QPS_INIT) {
		q->attr = *attr;
	} else if (to == IBV_QPS_RTR) {
		q->attr.path_mtu = attr->path_mtu;
		q->attr.dest_qp_num = attr->dest_qp_num;
		q->attr.rq_psn = attr->rq_psn;
		q->attr.ah_attr = attr->ah_attr;
		q->attr.max_dest_rd_atomic = attr->max_dest_rd_atomic;
	} else {
		q->attr.sq_psn = attr->sq_psn;
		q->attr.timeout = attr->timeout;
		q->attr.retry_cnt = attr->retry_cnt;
		q->attr.rnr_retry = attr->rnr_retry;
		q->attr.max_rd_atomic = attr->max_rd_atomic;
	}
	return 0;
}

int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	struct qp *q = (struct qp *)qp;
	int rc = enter("ibv_modify_qp", nic_of(qp->context));

	if (rc == 0 && !(mask & IBV_QP_STATE))
		rc = EINVAL;
	if (rc == 0)
		rc = change_state(q, attr, mask);
	if (rc)
		return leave(rc);
	qp->state = attr->qp_state;
	if (qp->state == IBV_QPS_ERR)
		flush_locked(q);
	if (qp->state == IBV_QPS_RESET) {
		drop_ops(&q->sends);
		drop_ops(&q->recvs);
	}
	return leave(0);
}

int ibv_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *ret, int mask, struct ibv_qp_init_attr *ret_init)
{
	const struct qp *q = (const struct qp *)qp;
	int rc = enter("ibv_query_qp", nic_of(qp->context));

	(void)mask;
	if (rc == 0) {
		*ret = q->attr;
		ret->qp_state = qp->state;
		ret->cap = q->cap;
		*ret_init = (struct ibv_qp_init_attr){ .cap = q->cap, .qp_type = qp->qp_type };
	}
	return leave(rc);
}
