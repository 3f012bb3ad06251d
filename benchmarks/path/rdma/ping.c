/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/ping.c: one message on its way at a time. */
#include "path/rdma/ping.h"
#include "path/rdma/post.h"
#include "path/rdma/wc.h"
#include <endian.h>
#include <errno.h>
#include <feedline/clock.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* LOOKS, POLLS: at memory and for a completion before anything else is asked. EVERY: bytes from one mark of a message
 * to the next, which is the smallest packet. MARK: odd, and so that neither it nor twice it changes one bit alone of a
 * byte. */
enum { PLACES = 2, LINE = 64, EVERY = 256, LOOKS = 4096, POLLS = 1024, CLOCKS = 16, NAP_MS = 100, BATCH = 4 };
#define MARK UINT64_C(0x9e3779b97f4a7c15)

#define CHANGED                                                                                                        \
	"it was changed on its way or never came, and nothing told so: the NIC, the PCIe path to it, or an IOMMU"

/* Between two looks at the clock calls that are none of the library cost more than what they do. */
#define ALWAYS __attribute__((always_inline))

struct fl_rdma_ping {
	struct fl_rdma_ping_spec spec;
	const char *what;
	struct ibv_qp *qp;
	struct ibv_cq *cq; /* in which what is waited for completes; of writes, none does */
	struct ibv_send_wr wr[PLACES];
	struct ibv_sge sge[PLACES];
	struct ibv_recv_wr recv[PLACES];
	struct ibv_sge recv_sge[PLACES];
	char *out[PLACES], *in[PLACES];
	const _Atomic unsigned char *last[PLACES]; /* byte of a place in which a message arrives, */
	unsigned char seen[PLACES];		   /* as it was before */
	uint64_t number;			   /* of the message that is to come */
	uint64_t posted, done;			   /* requests; those known to be done */
	unsigned group;				   /* of requests one tells that they are; a power of two */
	unsigned told;				   /* 1: that one is what is waited for */
	unsigned flags, looked;
	uint64_t since_ns; /* nothing came */
	uint64_t patience_ms;
	struct ibv_wc came; /* the last completion that was waited for */
	unsigned events;    /* that were got and are not acknowledged */
	bool armed, draining, broken;
	struct fl_err cause; /* of what failed while it was drained */
};

/* ---- memory: places from which messages go, then those in which they arrive, each behind room for what UD puts
 * before a message */

static uint64_t place_bytes(uint64_t size)
{
	return LINE + (size + LINE - 1) / LINE * LINE;
}

static uint64_t out_at(uint64_t size, unsigned place)
{
	return place * place_bytes(size) + LINE;
}

static uint64_t in_at(uint64_t size, unsigned place)
{
	return (PLACES + place) * place_bytes(size) + LINE;
}

uint64_t fl_rdma_ping_bytes(uint64_t size)
{
	return 2 * PLACES * place_bytes(size);
}

static bool is_atomic(enum ibv_wr_opcode opcode)
{
	return opcode == IBV_WR_ATOMIC_FETCH_AND_ADD || opcode == IBV_WR_ATOMIC_CMP_AND_SWP;
}

unsigned fl_rdma_ping_rights(enum ibv_wr_opcode opcode, bool asks)
{
	switch (opcode) {
	case IBV_WR_RDMA_WRITE:
		return FL_RDMA_WRITABLE;
	case IBV_WR_RDMA_READ:
		return asks ? 0 : FL_RDMA_READABLE;
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
	case IBV_WR_ATOMIC_CMP_AND_SWP:
		return asks ? 0 : FL_RDMA_ATOMIC;
	default:
		return 0;
	}
}

static void mark(char *message, uint64_t size, uint64_t number)
{
	const uint64_t value = htobe64(number * MARK);
	uint64_t end = size;

	if (size < sizeof(value)) {
		memcpy(message, (const char *)&value + sizeof(value) - size, size);
		return;
	}
	for (; end >= EVERY; end -= EVERY)
		memcpy(message + end - sizeof(value), &value, sizeof(value));
	if (end >= sizeof(value))
		memcpy(message + end - sizeof(value), &value, sizeof(value));
}

static void fill(struct fl_rdma_ping *p)
{
	const uint64_t size = p->spec.size;

	memset(p->spec.memory->at, 0, fl_rdma_ping_bytes(size));
	for (unsigned i = 0; i < PLACES; i++) {
		p->out[i] = p->spec.memory->at + out_at(size, i);
		p->in[i] = p->spec.memory->at + in_at(size, i);
		p->last[i] = (const _Atomic unsigned char *)p->in[i] + size - 1;
		for (uint64_t k = 0; k < size; k++)
			p->out[i][k] = (char)(k * 251 + 7);
	}
}

/* What the message of that number, and its request, have of their own. Of reads it is what is there to be read. */
static void number_message(struct fl_rdma_ping *p, uint64_t number)
{
	const unsigned place = number % PLACES;

	p->wr[place].send_flags = p->flags | (number & (p->group - 1) ? 0 : (unsigned)IBV_SEND_SIGNALED);
	if (!is_atomic(p->spec.opcode))
		mark(p->out[place], p->spec.size, number);
	if (p->spec.opcode != IBV_WR_ATOMIC_CMP_AND_SWP)
		return;
	p->wr[place].wr.atomic.compare_add = (number - 1) * MARK;
	p->wr[place].wr.atomic.swap = number * MARK;
}

/* ---- open */

static int check_operation(const struct fl_rdma_ping_spec *s, struct fl_err *err)
{
	const enum fl_rdma_transport t = s->link->transport;
	const bool sends = s->opcode == IBV_WR_SEND, writes = s->opcode == IBV_WR_RDMA_WRITE;

	if ((t == FL_RDMA_UC && !sends && !writes) || (t == FL_RDMA_UD && !sends))
		return fl_fail(err, -EINVAL, "reads and atomics need reliable transport, writes a connected one");
	if (writes && s->link->channel[0])
		return fl_fail(err, -EINVAL, "nothing wakes who waits for a write: it can only be looked for");
	if (writes && s->memory->relaxed)
		return fl_fail(
			err, -EINVAL,
			"a write is seen by its last byte, which with relaxed ordering says nothing of the rest");
	if (t == FL_RDMA_UD && s->size > fl_rdma_mtu_bytes(s->link->mtu))
		return fl_fail(err, -EMSGSIZE, "%" PRIu64 " bytes are more than a datagram: the path MTU is %u",
			       s->size, fl_rdma_mtu_bytes(s->link->mtu));
	return 0;
}

static int check_numbers(const struct fl_rdma_ping_spec *s, struct fl_err *err)
{
	const uint64_t bytes = s->size > 0 && s->size <= UINT32_MAX ? fl_rdma_ping_bytes(s->size) : UINT64_MAX;

	if (bytes == UINT64_MAX)
		return fl_fail(err, -EINVAL, "messages of %" PRIu64 " bytes", s->size);
	if (is_atomic(s->opcode) && s->size != sizeof(uint64_t))
		return fl_fail(err, -EINVAL, "atomics are of 8 bytes, not %" PRIu64, s->size);
	if (s->inlined && s->size > s->link->inline_bytes)
		return fl_fail(err, -EINVAL, "%" PRIu64 " bytes do not go inline, %u do", s->size,
			       s->link->inline_bytes);
	if (s->memory->bytes < bytes)
		return fl_fail(err, -EINVAL, "%" PRIu64 " bytes of %" PRIu64 " are registered here", s->memory->bytes,
			       bytes);
	if (s->link->remote_bytes != s->memory->bytes) {
		int rc = fl_fail(err, -EINVAL, "%" PRIu64 " bytes are registered here and %" PRIu64 " at %s",
				 s->memory->bytes, s->link->remote_bytes, s->link->peer);

		fl_hint(err, "both sides need the same options");
		return rc;
	}
	return 0;
}

/* Of reads all arrive in one place, so that one that brings nothing leaves what came before it. */
static void make_request(struct fl_rdma_ping *p, unsigned place)
{
	const struct fl_rdma_ping_spec *s = &p->spec;
	const struct fl_rdma_link *l = s->link;
	const bool reads = s->opcode == IBV_WR_RDMA_READ;
	struct ibv_send_wr *wr = &p->wr[place];

	p->sge[place] = (struct ibv_sge){ .addr = (uintptr_t)p->out[place],
					  .length = (uint32_t)s->size,
					  .lkey = s->memory->mr->lkey };
	*wr = (struct ibv_send_wr){ .opcode = s->opcode, .sg_list = &p->sge[place], .num_sge = 1 };
	if (is_atomic(s->opcode)) {
		p->sge[place].addr = (uintptr_t)p->in[0];
		wr->wr.atomic.remote_addr = l->remote_at + in_at(s->size, 0);
		wr->wr.atomic.rkey = l->remote_rkey;
		wr->wr.atomic.compare_add = MARK;
	} else if (l->transport == FL_RDMA_UD) {
		wr->wr.ud.ah = l->ah;
		wr->wr.ud.remote_qpn = l->remote_qpn[0];
		wr->wr.ud.remote_qkey = l->remote_qkey;
	} else {
		p->sge[place].addr = (uintptr_t)(reads ? p->in[0] : p->out[place]);
		wr->wr.rdma.remote_addr = l->remote_at + (reads ? out_at(s->size, place) : in_at(s->size, place));
		wr->wr.rdma.rkey = l->remote_rkey;
	}
}

static void make_receive(struct fl_rdma_ping *p, unsigned place)
{
	const unsigned grh = p->spec.link->transport == FL_RDMA_UD ? FL_RDMA_GRH_BYTES : 0;

	p->recv_sge[place] = (struct ibv_sge){ .addr = (uintptr_t)p->in[place] - grh,
					       .length = (uint32_t)p->spec.size + grh,
					       .lkey = p->spec.memory->mr->lkey };
	p->recv[place] = (struct ibv_recv_wr){ .sg_list = &p->recv_sge[place], .num_sge = 1 };
}

static int post_receive(struct fl_rdma_ping *p, uint64_t number, struct fl_err *err)
{
	struct ibv_recv_wr *bad;
	int rc = ibv_post_recv(p->qp, &p->recv[number % PLACES], &bad);

	if (rc == 0)
		return 0;
	p->broken = true;
	return fl_fail(err, -abs(rc), "post a receive for %s: %s", p->spec.link->peer, strerror(abs(rc)));
}

static void make_all(struct fl_rdma_ping *p)
{
	const struct fl_rdma_ping_spec *s = &p->spec;
	const struct fl_rdma_link *l = s->link;

	p->qp = l->qp[0];
	p->cq = s->opcode == IBV_WR_SEND ? l->recv_cq[0] : l->cq[0];
	p->group = s->opcode == IBV_WR_SEND || s->opcode == IBV_WR_RDMA_WRITE ? FL_RDMA_PING_GROUP : 1;
	p->told = p->group == 1;
	p->flags = s->inlined ? IBV_SEND_INLINE : 0;
	p->number = 1;
	p->patience_ms = fl_rdma_patience_ms(2 * s->size); /* there and back */
	fill(p);
	for (unsigned i = 0; i < PLACES; i++) {
		make_request(p, i);
		make_receive(p, i);
	}
	for (uint64_t number = 1; number <= PLACES; number++)
		number_message(p, number);
}

static const char *name_of(enum ibv_wr_opcode opcode)
{
	switch (opcode) {
	case IBV_WR_RDMA_WRITE:
		return "write";
	case IBV_WR_RDMA_READ:
		return "read";
	case IBV_WR_SEND:
		return "send";
	default:
		return "atomic";
	}
}

int fl_rdma_ping_open(const struct fl_rdma_ping_spec *spec, struct fl_rdma_ping **ret, struct fl_err *err)
{
	struct fl_rdma_ping *p;
	int rc = check_numbers(spec, err);

	if (rc == 0)
		rc = check_operation(spec, err);
	if (rc == 0)
		rc = fl_rdma_link_check_size(spec->link, spec->size, err);
	if (rc < 0)
		return rc;
	p = calloc(1, sizeof(*p));
	if (!p)
		return fl_fail(err, -ENOMEM, "no memory for requests");
	p->spec = *spec;
	p->what = name_of(spec->opcode);
	make_all(p);
	for (uint64_t i = 1; i <= FL_RDMA_PING_RECEIVES && spec->opcode == IBV_WR_SEND && rc == 0; i++)
		rc = post_receive(p, i, err);
	if (rc < 0)
		free(p);
	else
		*ret = p;
	return rc;
}

void fl_rdma_ping_close(struct fl_rdma_ping *p)
{
	free(p);
}

/* ---- when nothing comes */

static int lost(struct fl_rdma_ping *p, struct fl_err *err)
{
	const struct fl_rdma_link *l = p->spec.link;
	const uint64_t s = p->patience_ms / 1000;
	int rc;

	p->broken = true;
	if (p->group == 1)
		rc = fl_fail(err, -ETIMEDOUT, "%s %" PRIu64 " to %s was not done for %" PRIu64 " s", p->what, p->posted,
			     l->peer, s);
	else if (p->spec.asks)
		rc = fl_fail(err, -ETIMEDOUT, "%s %" PRIu64 " to %s was not answered for %" PRIu64 " s", p->what,
			     p->number, l->peer, s);
	else
		rc = fl_fail(err, -ETIMEDOUT, "%s %" PRIu64 " of %s did not come for %" PRIu64 " s", p->what, p->number,
			     l->peer, s);
	if (l->transport == FL_RDMA_RC)
		fl_hint(err, "is that host, or the network between, still there?");
	else
		fl_hint(err, "unreliable transport tells nobody what it loses: is that host, or the network between, "
			     "still there? does the network lose packets under load?");
	return rc;
}

static int failed(struct fl_rdma_ping *p, int n, const struct ibv_wc *wc, const char *what, struct fl_err *err)
{
	const char *peer = p->spec.link->peer;

	p->broken = true;
	if (n < 0)
		return fl_fail(err, -EIO, "the completion queue of the link to %s cannot be read", peer);
	return fl_rdma_wc_fail(wc, what, peer, err);
}

/* What requests say that are not waited for: every so many that they are done, and each that it failed. */
static int collect(struct fl_rdma_ping *p, struct fl_err *err)
{
	struct ibv_wc wc[BATCH];
	int n = ibv_poll_cq(p->spec.link->cq[0], BATCH, wc);

	if (n < 0)
		return failed(p, n, wc, p->what, err);
	for (int i = 0; i < n; i++) {
		if (wc[i].status != IBV_WC_SUCCESS)
			return failed(p, n, &wc[i], p->what, err);
		p->done += p->group;
	}
	return 0;
}

/* After many looks in vain. */
static int look_up(struct fl_rdma_ping *p, struct fl_err *err)
{
	uint64_t now_ns;
	int rc = p->group > 1 ? collect(p, err) : 0;

	if (rc < 0)
		return rc;
	if (!p->draining && atomic_load_explicit(p->spec.halted, memory_order_relaxed))
		return -ECANCELED;
	if (p->looked++ % CLOCKS && !p->spec.link->channel[0])
		return 0;
	now_ns = fl_now_ns();
	if (!p->since_ns)
		p->since_ns = now_ns;
	return now_ns - p->since_ns > UINT64_C(1000000) * p->patience_ms ? lost(p, err) : 0;
}

/* ---- the path that is timed */

static int cannot_post(struct fl_rdma_ping *p, int code, struct fl_err *err)
{
	p->broken = true;
	return fl_fail(err, -abs(code), "post a %s to %s: %s", p->what, p->spec.link->peer, strerror(abs(code)));
}

static inline int post(struct fl_rdma_ping *p, unsigned place, struct fl_err *err)
{
	struct ibv_send_wr *bad;
	int rc;

	p->posted++;
	rc = ibv_post_send(p->qp, &p->wr[place], &bad);
	return rc == 0 ? 0 : cannot_post(p, rc, err);
}

/* What a device writes into memory is no race of threads. */
__attribute__((no_sanitize("thread"))) static inline bool has_changed(const _Atomic unsigned char *last,
								      unsigned char seen)
{
	for (unsigned i = 0; i < LOOKS; i++)
		if (atomic_load_explicit(last, memory_order_acquire) != seen)
			return true;
	return false;
}

ALWAYS static inline int await_write(struct fl_rdma_ping *p, unsigned place, struct fl_err *err)
{
	while (!has_changed(p->last[place], p->seen[place])) {
		int rc = look_up(p, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Receives are flushed when a send failed, which has the cause. */
static int cannot_take(struct fl_rdma_ping *p, int n, struct fl_err *err)
{
	int rc = p->group > 1 ? collect(p, err) : 0;

	return rc < 0 ? rc : failed(p, n, &p->came, p->group > 1 ? "receive" : p->what, err);
}

static inline int take(struct fl_rdma_ping *p, int n, struct fl_err *err)
{
	if (n < 0 || p->came.status != IBV_WC_SUCCESS)
		return cannot_take(p, n, err);
	p->done += p->told;
	return 0;
}

/* What ibv_poll_cq() looks up each time is looked up once, and the rest of the loop costs little. */
__attribute__((noinline)) static int poll_often(struct ibv_cq *cq, struct ibv_wc *ret)
{
	int (*const poll_cq)(struct ibv_cq *, int, struct ibv_wc *) = cq->context->ops.poll_cq;
	int n = 0;

	for (unsigned left = POLLS / 4; n == 0 && left > 0; left--) {
		n = poll_cq(cq, 1, ret);
		n = n ? n : poll_cq(cq, 1, ret);
		n = n ? n : poll_cq(cq, 1, ret);
		n = n ? n : poll_cq(cq, 1, ret);
	}
	return n;
}

ALWAYS static inline int await_polling(struct fl_rdma_ping *p, struct fl_err *err)
{
	for (;;) {
		int n = poll_often(p->cq, &p->came), rc;

		if (n != 0)
			return take(p, n, err);
		rc = look_up(p, err);
		if (rc < 0)
			return rc;
	}
}

/* The next completion will wake who sleeps. */
static int arm(struct fl_rdma_ping *p, struct fl_err *err)
{
	if (p->armed || !p->spec.link->channel[0])
		return 0;
	p->armed = true;
	if (ibv_req_notify_cq(p->cq, 0) == 0)
		return 0;
	p->broken = true;
	return fl_fail(err, -EIO, "the completion queue of the link to %s cannot be slept for", p->spec.link->peer);
}

static void nap(struct fl_rdma_ping *p)
{
	struct ibv_comp_channel *channel = p->spec.link->channel[0];
	struct pollfd fd = { .fd = channel->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;

	if (poll(&fd, 1, NAP_MS) <= 0 || ibv_get_cq_event(channel, &cq, &context) != 0)
		return;
	p->events++;
	p->armed = false;
}

static int await_sleeping(struct fl_rdma_ping *p, struct fl_err *err)
{
	for (;;) {
		int n = ibv_poll_cq(p->cq, 1, &p->came), rc;

		if (n != 0)
			return take(p, n, err);
		if (p->armed) {
			nap(p);
			rc = p->armed ? look_up(p, err) : 0;
		} else {
			rc = arm(p, err);
		}
		if (rc < 0)
			return rc;
	}
}

ALWAYS static inline int await(struct fl_rdma_ping *p, unsigned place, struct fl_err *err)
{
	if (p->spec.opcode == IBV_WR_RDMA_WRITE)
		return await_write(p, place, err);
	return p->spec.link->channel[0] ? await_sleeping(p, err) : await_polling(p, err);
}

/* ---- beside it */

/* Which takes a lock. A queue with one that is not acknowledged never ends. */
static void acknowledge(struct fl_rdma_ping *p)
{
	if (p->events)
		ibv_ack_cq_events(p->cq, p->events);
	p->events = 0;
}

static int is_wrong(struct fl_rdma_ping *p, struct fl_err *err)
{
	int rc;

	p->broken = true;
	rc = fl_fail(err, -EBADMSG, "%s %" PRIu64 " %s %s brought other bytes than its own", p->what, p->number,
		     p->spec.asks ? "to" : "of", p->spec.link->peer);
	fl_hint(err, CHANGED);
	return rc;
}

/* Every byte. */
static int check(struct fl_rdma_ping *p, unsigned place, struct fl_err *err)
{
	const uint64_t size = p->spec.size, before = (p->number - 1) * MARK;
	const unsigned grh = p->spec.link->transport == FL_RDMA_UD ? FL_RDMA_GRH_BYTES : 0;
	const char *expected = p->out[place], *came = p->in[place];

	if (is_atomic(p->spec.opcode))
		expected = (const char *)&before;
	if (p->group == 1)
		came = p->in[0];
	if (p->spec.opcode == IBV_WR_SEND && p->came.byte_len != size + grh)
		return is_wrong(p, err);
	return memcmp(came, expected, size) ? is_wrong(p, err) : 0;
}

/* There is room for more requests: those of a group ago are done, since they were answered. */
static int make_room(struct fl_rdma_ping *p, struct fl_err *err)
{
	if (p->posted & (p->group - 1))
		return 0;
	while (p->posted - p->done > FL_RDMA_PING_DEPTH - p->group) {
		int rc = collect(p, err);

		if (rc == 0 && p->posted - p->done > FL_RDMA_PING_DEPTH - p->group)
			rc = look_up(p, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int make_next(struct fl_rdma_ping *p, unsigned place, struct fl_err *err)
{
	int rc = 0;

	if (p->spec.opcode != IBV_WR_RDMA_READ)
		number_message(p, p->number + 1);
	if (p->group > 1) {
		p->seen[place] = (unsigned char)*(p->in[place] + p->spec.size - 1);
		rc = make_room(p, err);
	}
	if (rc == 0 && p->spec.opcode == IBV_WR_SEND)
		rc = post_receive(p, p->number + FL_RDMA_PING_RECEIVES, err);
	if (rc == 0)
		rc = arm(p, err);
	p->number++;
	p->looked = 0;
	p->since_ns = 0;
	return rc;
}

int fl_rdma_ping_ask(struct fl_rdma_ping *p, uint64_t *ret_ns, struct fl_err *err)
{
	const unsigned place = p->number % PLACES;
	uint64_t sent_ns = fl_now_ns(), came_ns;
	int rc = post(p, place, err);

	if (rc == 0)
		rc = await(p, place, err);
	came_ns = fl_now_ns();
	acknowledge(p);
	if (rc == 0)
		rc = check(p, place, err);
	if (rc == 0)
		rc = make_next(p, place, err);
	if (rc == 0)
		*ret_ns = came_ns - sent_ns;
	return rc;
}

int fl_rdma_ping_answer(struct fl_rdma_ping *p, struct fl_err *err)
{
	const unsigned place = p->number % PLACES;
	int rc = await(p, place, err);

	if (rc == 0)
		rc = post(p, place, err);
	acknowledge(p);
	if (rc == 0)
		rc = check(p, place, err);
	return rc == 0 ? make_next(p, place, err) : rc;
}

/* ---- its end */

void fl_rdma_ping_drain(struct fl_rdma_ping *p)
{
	p->looked = 0;
	p->since_ns = 0;
	p->draining = true;
	while (p->group == 1 && !p->broken && p->done != p->posted)
		await(p, 0, &p->cause);
	acknowledge(p);
}

int fl_rdma_ping_cause(const struct fl_rdma_ping *p, struct fl_err *err)
{
	int rc = p->cause.code ? fl_fail(err, p->cause.code, "%s", p->cause.what) : 0;

	if (*p->cause.hint)
		fl_hint(err, "%s", p->cause.hint);
	return rc;
}

bool fl_rdma_ping_trips(const struct fl_rdma_ping *p, uint64_t *ret)
{
	*ret = p->group == 1 ? p->done : p->number - 1;
	return !p->broken;
}

int fl_rdma_ping_check(const struct fl_rdma_ping *p, uint64_t trips, struct fl_err *err)
{
	uint64_t word;
	int rc;

	memcpy(&word, p->in[0], sizeof(word));
	if (!is_atomic(p->spec.opcode) || word == trips * MARK)
		return 0;
	rc = fl_fail(err, -EBADMSG, "%" PRIu64 " atomics of %s leave %016" PRIx64 " where they come to %016" PRIx64,
		     trips, p->spec.link->peer, word, trips * MARK);
	fl_hint(err, CHANGED);
	return rc;
}
