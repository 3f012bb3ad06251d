/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/request.c: what each kind of request is, and rings of them. */
#include "path/rdma/request.h"
#include "path/rdma/words.h"
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- what is its own of each request of a list */

static void fill_write(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r, struct ibv_send_wr *wr)
{
	const uint64_t here = (uintptr_t)s->memory->at + s->here, there = s->link->remote_at + s->there;

	for (unsigned i = 0; i < s->list; i++) {
		wr[i].sg_list->addr = here + r->at.from;
		wr[i].wr.rdma.remote_addr = there + r->at.to;
		fl_rdma_data_next(s->data, &r->at);
	}
}

static void fill_read(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r, struct ibv_send_wr *wr)
{
	const uint64_t here = (uintptr_t)s->memory->at + s->here, there = s->link->remote_at + s->there;

	for (unsigned i = 0; i < s->list; i++) {
		wr[i].sg_list->addr = here + r->at.to;
		wr[i].wr.rdma.remote_addr = there + r->at.from;
		fl_rdma_data_next(s->data, &r->at);
	}
}

/* The number is of use where messages have one. */
static void fill_send(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r, struct ibv_send_wr *wr)
{
	const uint64_t here = (uintptr_t)s->memory->at + s->here;

	for (unsigned i = 0; i < s->list; i++) {
		wr[i].sg_list->addr = here + r->at.from;
		wr[i].imm_data = htonl((uint32_t)(r->posted + i));
		fl_rdma_data_next(s->data, &r->at);
	}
}

/* Fetch-and-add has no use for the second operand, and what it adds is FL_RDMA_WORD_STEP always. */
static void next_word(const struct fl_rdma_data *d, struct fl_rdma_requests *r)
{
	r->word += FL_RDMA_WORD_NEXT;
	if (r->at.slot == d->slots - 1)
		r->word = r->first_word += FL_RDMA_WORD_STEP;
	fl_rdma_data_next(d, &r->at);
}

static void fill_add(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r, struct ibv_send_wr *wr)
{
	const uint64_t there = s->link->remote_at + s->there;

	for (unsigned i = 0; i < s->list; i++) {
		wr[i].wr.atomic.remote_addr = there + r->at.to;
		fl_rdma_data_next(s->data, &r->at);
	}
}

static void fill_swap(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r, struct ibv_send_wr *wr)
{
	const uint64_t there = s->link->remote_at + s->there;

	for (unsigned i = 0; i < s->list; i++) {
		wr[i].wr.atomic.remote_addr = there + r->at.to;
		wr[i].wr.atomic.compare_add = r->word;
		wr[i].wr.atomic.swap = r->word + FL_RDMA_WORD_STEP;
		next_word(s->data, r);
	}
}

/* ---- kinds */

enum part { NO_PART, SOURCE, SINKS, ANSWERS };

static const struct kind {
	const char *name;
	enum ibv_wr_opcode opcode;
	unsigned transports; /* a bit for each that has it */
	enum part here, there;
	bool flushed; /* with RC a read comes last */
	void (*fill)(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r, struct ibv_send_wr *wr);
} kinds[] = {
	[FL_RDMA_WRITE] = { "write", IBV_WR_RDMA_WRITE, 1u << FL_RDMA_RC | 1u << FL_RDMA_UC, SOURCE, SINKS, true,
			    fill_write },
	[FL_RDMA_READ] = { "read", IBV_WR_RDMA_READ, 1u << FL_RDMA_RC, SINKS, SOURCE, false, fill_read },
	[FL_RDMA_SEND] = { "send", IBV_WR_SEND, 1u << FL_RDMA_RC | 1u << FL_RDMA_UC | 1u << FL_RDMA_UD, SOURCE, NO_PART,
			   false, fill_send },
	[FL_RDMA_ADD] = { "fetch-and-add", IBV_WR_ATOMIC_FETCH_AND_ADD, 1u << FL_RDMA_RC, ANSWERS, SINKS, true,
			  fill_add },
	[FL_RDMA_SWAP] = { "compare-and-swap", IBV_WR_ATOMIC_CMP_AND_SWP, 1u << FL_RDMA_RC, ANSWERS, SINKS, true,
			   fill_swap },
};

const char *fl_rdma_kind_name(enum fl_rdma_kind kind)
{
	return kinds[kind].name ? kinds[kind].name : "receive";
}

/* ---- can it be done? */

static int check_numbers(const struct fl_rdma_post_spec *s, struct fl_err *err)
{
	const unsigned long long size = s->data->size;

	if (s->list < 1 || s->signal < 1 || s->depth % s->list || s->depth % s->signal ||
	    (s->list % s->signal && s->signal % s->list))
		return fl_fail(
			err, -EINVAL,
			"lists of %u and a completion for %u of %u requests in flight: both have to divide the last, "
			"and one the other",
			s->list, s->signal, s->depth);
	if (s->inlined && s->memory->gpu) /* a CPU would have to read them */
		return fl_fail(err, -EINVAL,
			       "requests cannot carry bytes of a GPU's memory themselves: leave out inline");
	if (s->inlined && s->data->size > s->link->inline_bytes)
		return fl_fail(err, -EINVAL, "%llu bytes do not go inline, %u do", size, s->link->inline_bytes);
	return 0;
}

static int check_transport(const struct fl_rdma_post_spec *s, struct fl_err *err)
{
	const struct kind *k = &kinds[s->kind];
	const unsigned long long size = s->data->size, mtu = fl_rdma_mtu_bytes(s->link->mtu);
	int rc;

	if (k->name && !(k->transports & 1u << s->link->transport))
		return fl_fail(err, -EOPNOTSUPP, "that transport has no %s", k->name);
	if (k->name && s->link->transport == FL_RDMA_RC && (k->here != SOURCE || k->flushed) && s->link->reads == 0)
		return fl_fail(err, -EOPNOTSUPP, "this device, or that of %s, has no reads and atomics", s->link->peer);
	if (s->data->size > UINT32_MAX)
		return fl_fail(err, -EINVAL, "%llu bytes are more than a request can have", size);
	if (s->link->transport != FL_RDMA_UD || size <= mtu)
		return 0;
	rc = fl_fail(err, -EMSGSIZE, "%llu bytes are more than a datagram has: the path MTU is %llu", size, mtu);
	fl_hint(err, "ask for at most that, or set a larger MTU on both sides and on what is between");
	return rc;
}

static uint64_t bytes_of(const struct fl_rdma_post_spec *s, enum part part)
{
	switch (part) {
	case SOURCE:
		return fl_rdma_data_source_bytes(s->data);
	case SINKS:
		return fl_rdma_data_sink_bytes(s->data);
	case ANSWERS:
		return (uint64_t)s->link->pairs * s->depth * FL_RDMA_WORD_BYTES;
	default:
		return 0;
	}
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int check_memory(const struct fl_rdma_post_spec *s, struct fl_err *err)
{
	const struct kind *k = &kinds[s->kind];
	uint64_t here = k->here ? s->here + bytes_of(s, k->here) : 0;
	uint64_t there = k->there ? s->there + bytes_of(s, k->there) : 0;

	here = most(here, s->receives ? s->sinks + bytes_of(s, SINKS) : 0) + FL_RDMA_SPARE_BYTES;
	if (s->data->pairs != s->link->pairs || s->memory->bytes < here)
		return fl_fail(err, -EINVAL, "%" PRIu64 " bytes of %" PRIu64 " are registered here", s->memory->bytes,
			       here);
	if (s->link->remote_bytes < there)
		return fl_fail(err, -EINVAL, "%" PRIu64 " bytes of %" PRIu64 " are registered at %s",
			       s->link->remote_bytes, there, s->link->peer);
	return 0;
}

int fl_rdma_requests_check(const struct fl_rdma_post_spec *s, struct fl_err *err)
{
	int rc = s->kind == FL_RDMA_NONE ? 0 : check_numbers(s, err);

	if (rc == 0)
		rc = check_transport(s, err);
	return rc == 0 ? check_memory(s, err) : rc;
}

/* ---- rings */

/* That it shares with all others. */
static struct ibv_send_wr common_of(const struct fl_rdma_post_spec *s, unsigned pair)
{
	const struct kind *k = &kinds[s->kind];
	struct ibv_send_wr wr = { .wr_id = pair, .num_sge = 1, .opcode = k->opcode };

	if (s->link->transport == FL_RDMA_UD) {
		wr.wr.ud.ah = s->link->ah;
		wr.wr.ud.remote_qpn = s->link->remote_qpn[pair];
		wr.wr.ud.remote_qkey = s->link->remote_qkey;
	} else if (k->here == ANSWERS) {
		wr.wr.atomic.rkey = s->link->remote_rkey;
		wr.wr.atomic.compare_add = FL_RDMA_WORD_STEP;
	} else {
		wr.wr.rdma.rkey = s->link->remote_rkey;
	}
	if (s->kind == FL_RDMA_SEND && s->link->transport != FL_RDMA_RC)
		wr.opcode = IBV_WR_SEND_WITH_IMM;
	return wr;
}

int fl_rdma_requests_make(const struct fl_rdma_post_spec *s, unsigned pair, struct fl_rdma_requests *ret)
{
	const uint64_t answers = (uintptr_t)s->memory->at + s->here + (uint64_t)pair * s->depth * FL_RDMA_WORD_BYTES;
	struct fl_rdma_requests r = { .qp = s->link->qp[pair], .pair = pair, .at = fl_rdma_data_begin(s->data, pair) };

	r.word = r.first_word = fl_rdma_word(s->data, pair, 0, 0);
	r.wr = calloc(s->depth, sizeof(*r.wr));
	r.sge = calloc(s->depth, sizeof(*r.sge));
	for (unsigned i = 0; i < s->depth && r.wr && r.sge; i++) {
		bool last_of_list = (i + 1) % s->list == 0, last_of_group = (i + 1) % s->signal == 0;

		r.sge[i] = (struct ibv_sge){ .addr = answers + (uint64_t)i * FL_RDMA_WORD_BYTES,
					     .length = (uint32_t)s->data->size,
					     .lkey = s->memory->mr->lkey };
		r.wr[i] = common_of(s, pair);
		r.wr[i].next = last_of_list ? NULL : &r.wr[i + 1];
		r.wr[i].sg_list = &r.sge[i];
		r.wr[i].send_flags = (last_of_group ? (unsigned)IBV_SEND_SIGNALED : 0) |
				     (s->inlined ? (unsigned)IBV_SEND_INLINE : 0);
	}
	if (!r.wr || !r.sge) {
		fl_rdma_requests_free(&r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

void fl_rdma_requests_free(struct fl_rdma_requests *r)
{
	free(r->wr);
	free(r->sge);
}

int fl_rdma_requests_post(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r)
{
	struct ibv_send_wr *wr = &r->wr[r->next], *bad;
	int rc;

	kinds[s->kind].fill(s, r, wr);
	rc = ibv_post_send(r->qp, wr, &bad);
	if (rc)
		return abs(rc);
	r->posted += s->list;
	r->next = r->next + s->list == s->depth ? 0 : r->next + s->list;
	return 0;
}

/* ---- the last one */

int fl_rdma_requests_end(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r)
{
	const struct kind *k = &kinds[s->kind];
	const uint64_t spare = (uintptr_t)s->memory->at + s->memory->bytes - FL_RDMA_SPARE_BYTES;
	struct ibv_sge sge = { .addr = spare, .length = FL_RDMA_WORD_BYTES, .lkey = s->memory->mr->lkey };
	struct ibv_send_wr wr = common_of(s, r->pair), *bad;
	int rc;

	r->ending = true;
	wr.wr_id |= FL_RDMA_ID_LAST;
	wr.send_flags = IBV_SEND_SIGNALED;
	if (s->kind == FL_RDMA_SEND) {
		wr.num_sge = 0;
	} else if (k->flushed && s->link->transport == FL_RDMA_RC) {
		wr.opcode = IBV_WR_RDMA_READ;
		wr.sg_list = &sge;
		wr.wr.rdma.remote_addr = s->link->remote_at + s->there;
		wr.wr.rdma.rkey = s->link->remote_rkey;
	} else {
		r->ended = true;
		return 0;
	}
	rc = ibv_post_send(r->qp, &wr, &bad);
	return rc ? abs(rc) : 0;
}
