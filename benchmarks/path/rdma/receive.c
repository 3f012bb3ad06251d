/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/receive.c: rings of receives. */
#include "path/rdma/receive.h"
#include "path/rdma/request.h"
#include <errno.h>
#include <stdlib.h>

enum { LIST_MAX = 32, LISTS = 4 };

/* Most that are given to the device at once, and never more than a part of all: the others are there meanwhile. */
static unsigned list_of(unsigned receives)
{
	unsigned n = 1;

	while (2 * n <= LIST_MAX && receives % (2 * n) == 0 && 2 * n * LISTS <= receives)
		n *= 2;
	return n;
}

static void make_ring(const struct fl_rdma_post_spec *s, unsigned pair, unsigned grh_bytes, struct fl_rdma_receives *r)
{
	for (unsigned i = 0; i < s->receives; i++) {
		r->sge[i] =
			(struct ibv_sge){ .length = (uint32_t)s->data->size + grh_bytes, .lkey = s->memory->mr->lkey };
		r->wr[i] = (struct ibv_recv_wr){ .wr_id = pair | FL_RDMA_ID_RECEIVE,
						 .next = (i + 1) % r->list ? &r->wr[i + 1] : NULL,
						 .sg_list = &r->sge[i],
						 .num_sge = 1 };
	}
}

int fl_rdma_receives_make(const struct fl_rdma_post_spec *s, unsigned pair, struct fl_rdma_receives *ret)
{
	const unsigned grh_bytes = s->link->transport == FL_RDMA_UD ? FL_RDMA_GRH_BYTES : 0;
	const bool numbered = s->link->transport != FL_RDMA_RC;
	const bool in_parts = s->link->transport == FL_RDMA_UC && s->data->size > fl_rdma_mtu_bytes(s->link->mtu);
	struct fl_rdma_receives r = { .qp = s->link->qp[pair],
				      .list = list_of(s->receives),
				      .message_bytes = (unsigned)s->data->size + grh_bytes,
				      .empty_bytes = grh_bytes,
				      .in_parts = in_parts };

	r.first = (uintptr_t)s->memory->at + s->sinks + fl_rdma_data_begin(s->data, pair).to - grh_bytes;
	r.stride = fl_rdma_data_stride(s->data);
	r.wr = calloc(s->receives, sizeof(*r.wr));
	r.sge = calloc(s->receives, sizeof(*r.sge));
	r.said = numbered ? calloc(s->data->slots, sizeof(*r.said)) : NULL;
	if (!r.wr || !r.sge || (numbered && !r.said)) {
		fl_rdma_receives_free(&r);
		return -ENOMEM;
	}
	make_ring(s, pair, grh_bytes, &r);
	*ret = r;
	return 0;
}

void fl_rdma_receives_free(struct fl_rdma_receives *r)
{
	free(r->wr);
	free(r->sge);
	free(r->said);
}

static int post_list(const struct fl_rdma_post_spec *s, struct fl_rdma_receives *r)
{
	struct ibv_recv_wr *wr = &r->wr[r->next], *bad;
	int rc;

	for (unsigned i = 0; i < r->list; i++) {
		wr[i].sg_list->addr = r->first + r->post_slot * r->stride;
		r->post_slot = r->post_slot + 1 == s->data->slots ? 0 : r->post_slot + 1;
	}
	rc = ibv_post_recv(r->qp, wr, &bad);
	if (rc)
		return abs(rc);
	r->posted += r->list;
	r->next = r->next + r->list == s->receives ? 0 : r->next + r->list;
	return 0;
}

int fl_rdma_receives_post(const struct fl_rdma_post_spec *s, struct fl_rdma_receives *r)
{
	int rc = 0;

	if (r->posted == r->done && r->posted > 0)
		r->dry++;
	while (rc == 0 && r->posted - r->done + r->list <= s->receives)
		rc = post_list(s, r);
	return rc;
}
