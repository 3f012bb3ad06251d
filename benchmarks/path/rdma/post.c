/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/post.c: keeps queue pairs busy. */
#include "path/rdma/post.h"
#include "path/rdma/wc.h"
#include <errno.h>
#include <feedline/clock.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* LOOKS: polls that find nothing before the clock is asked. QUIET: after so long without one no completion comes. */
enum { BATCH = 32, LOOKS = 1024, NAP_MS = 100, QUIET_NS = 20000000 };

struct pair {
	struct ibv_qp *qp;
	struct ibv_send_wr *wr; /* a ring of depth */
	struct ibv_sge *sge;
	struct fl_rdma_cursor at;
	unsigned next; /* in the ring */
	uint64_t posted, done;
};

struct fl_rdma_post {
	struct fl_rdma_post_spec spec;
	const char *what;
	uint64_t looked, moved_ns; /* polls in vain since something was done, and when that was */
	bool broken;
	struct pair pairs[FL_RDMA_PAIRS_MAX];
};

/* ---- open */

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
	if (s->inlined && s->data->size > s->link->inline_bytes)
		return fl_fail(err, -EINVAL, "%llu bytes do not go inline, %u do", size, s->link->inline_bytes);
	if (s->data->size > UINT32_MAX)
		return fl_fail(err, -EINVAL, "%llu bytes are more than a request can have", size);
	return 0;
}

static int check_memory(const struct fl_rdma_post_spec *s, struct fl_err *err)
{
	bool reads = s->opcode == IBV_WR_RDMA_READ;
	uint64_t source = fl_rdma_data_source_bytes(s->data), sinks = fl_rdma_data_sink_bytes(s->data);
	uint64_t here = reads ? sinks : source, there = reads ? source : sinks;

	if (s->data->pairs != s->link->pairs || s->memory->bytes < here)
		return fl_fail(err, -EINVAL, "%" PRIu64 " bytes of %" PRIu64 " are registered here", s->memory->bytes,
			       here);
	if (s->link->remote_bytes < there)
		return fl_fail(err, -EINVAL, "%" PRIu64 " bytes of %" PRIu64 " are registered at %s",
			       s->link->remote_bytes, there, s->link->peer);
	return 0;
}

static int make_ring(struct fl_rdma_post *p, unsigned index)
{
	const struct fl_rdma_post_spec *s = &p->spec;
	struct pair *pair = &p->pairs[index];

	pair->qp = s->link->qp[index];
	pair->at = fl_rdma_data_begin(s->data, index);
	pair->wr = calloc(s->depth, sizeof(*pair->wr));
	pair->sge = calloc(s->depth, sizeof(*pair->sge));
	if (!pair->wr || !pair->sge)
		return -ENOMEM;
	for (unsigned i = 0; i < s->depth; i++) {
		bool last_of_list = (i + 1) % s->list == 0, last_of_group = (i + 1) % s->signal == 0;

		pair->sge[i] = (struct ibv_sge){ .length = (uint32_t)s->data->size, .lkey = s->memory->mr->lkey };
		pair->wr[i] = (struct ibv_send_wr){ .wr_id = index,
						    .next = last_of_list ? NULL : &pair->wr[i + 1],
						    .sg_list = &pair->sge[i],
						    .num_sge = 1,
						    .opcode = s->opcode,
						    .wr = { .rdma = { .rkey = s->link->remote_rkey } } };
		pair->wr[i].send_flags = (last_of_group ? (unsigned)IBV_SEND_SIGNALED : 0) |
					 (s->inlined ? (unsigned)IBV_SEND_INLINE : 0);
	}
	return 0;
}

int fl_rdma_post_open(const struct fl_rdma_post_spec *spec, struct fl_rdma_post **ret, struct fl_err *err)
{
	struct fl_rdma_post *p;
	int rc = check_numbers(spec, err);

	if (rc == 0)
		rc = check_memory(spec, err);
	if (rc < 0)
		return rc;
	p = calloc(1, sizeof(*p));
	if (!p)
		return fl_fail(err, -ENOMEM, "no memory for requests");
	p->spec = *spec;
	p->what = spec->opcode == IBV_WR_RDMA_READ ? "read" : "write";
	for (unsigned i = 0; i < spec->link->pairs && rc == 0; i++)
		rc = make_ring(p, i);
	if (rc < 0) {
		fl_rdma_post_close(p);
		return fl_fail(err, rc, "no memory for requests");
	}
	*ret = p;
	return 0;
}

void fl_rdma_post_close(struct fl_rdma_post *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < FL_RDMA_PAIRS_MAX; i++) {
		free(p->pairs[i].wr);
		free(p->pairs[i].sge);
	}
	free(p);
}

/* ---- the hot path */

static int post_list(struct fl_rdma_post *p, struct pair *pair, struct fl_err *err)
{
	const struct fl_rdma_post_spec *s = &p->spec;
	const bool reads = s->opcode == IBV_WR_RDMA_READ;
	const uint64_t here = (uintptr_t)s->memory->at, there = s->link->remote_at;
	struct ibv_send_wr *wr = &pair->wr[pair->next], *bad;
	int rc;

	for (unsigned i = 0; i < s->list; i++) {
		wr[i].sg_list->addr = here + (reads ? pair->at.to : pair->at.from);
		wr[i].wr.rdma.remote_addr = there + (reads ? pair->at.from : pair->at.to);
		fl_rdma_data_next(s->data, &pair->at);
	}
	rc = ibv_post_send(pair->qp, wr, &bad);
	if (rc) {
		p->broken = true;
		return fl_fail(err, -abs(rc), "post a %s to %s: %s", p->what, s->link->peer, strerror(abs(rc)));
	}
	pair->posted += s->list;
	pair->next = pair->next + s->list == s->depth ? 0 : pair->next + s->list;
	return 0;
}

/* Afterwards what was posted is a whole number of groups with a completion: so is depth, and what is done. */
static int post_all(struct fl_rdma_post *p, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < p->spec.link->pairs && rc == 0; i++) {
		struct pair *pair = &p->pairs[i];

		while (rc == 0 && pair->posted - pair->done + p->spec.list <= p->spec.depth)
			rc = post_list(p, pair, err);
	}
	return rc;
}

/* How many requests are done; a negative errno. */
static int64_t collect(struct fl_rdma_post *p, struct fl_err *err)
{
	struct ibv_wc wc[BATCH];
	int n = ibv_poll_cq(p->spec.link->cq[0], BATCH, wc);

	if (n < 0) {
		p->broken = true;
		return fl_fail(err, -EIO, "the completion queue of the link to %s cannot be read", p->spec.link->peer);
	}
	for (int i = 0; i < n; i++) {
		if (wc[i].status != IBV_WC_SUCCESS) {
			p->broken = true;
			return fl_rdma_wc_fail(&wc[i], p->what, p->spec.link->peer, err);
		}
		p->pairs[wc[i].wr_id].done += p->spec.signal;
	}
	return (int64_t)n * p->spec.signal;
}

/* Until there may be a completion, or a moment. One that came before the queue was told to wake is there at once. */
static int64_t sleep_for_one(struct fl_rdma_post *p, struct fl_err *err)
{
	struct fl_rdma_link *l = p->spec.link;
	struct pollfd fd = { .fd = l->channel[0]->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;
	int64_t n;

	if (ibv_req_notify_cq(l->cq[0], 0)) {
		p->broken = true;
		return fl_fail(err, -EIO, "the completion queue of the link to %s cannot be slept for", l->peer);
	}
	n = collect(p, err);
	if (n == 0 && poll(&fd, 1, NAP_MS) <= 0)
		return 0;
	if (n == 0 && ibv_get_cq_event(l->channel[0], &cq, &context) == 0)
		ibv_ack_cq_events(cq, 1);
	return n;
}

static int lost(struct fl_rdma_post *p, struct fl_err *err)
{
	int rc = fl_fail(err, -ETIMEDOUT, "no %s to %s was done for %d s", p->what, p->spec.link->peer,
			 FL_RDMA_PATIENCE_MS / 1000);

	p->broken = true;
	fl_hint(err, "is that host, or the network between, still there?");
	return rc;
}

/* Nothing was found: has it been so for too long? */
static int look_at_clock(struct fl_rdma_post *p, struct fl_err *err)
{
	uint64_t now;

	if (p->looked++ % LOOKS && !p->spec.link->channel[0])
		return 0;
	now = fl_now_ns();
	if (p->moved_ns == 0)
		p->moved_ns = now;
	return now - p->moved_ns > UINT64_C(1000000) * FL_RDMA_PATIENCE_MS ? lost(p, err) : 0;
}

/* Once over the completions. */
static int64_t turn(struct fl_rdma_post *p, struct fl_err *err)
{
	int64_t n = collect(p, err);

	if (n == 0 && p->spec.link->channel[0])
		n = sleep_for_one(p, err);
	if (n == 0)
		return look_at_clock(p, err);
	p->looked = p->moved_ns = 0;
	return n;
}

int fl_rdma_post_move(struct fl_rdma_post *p, uint64_t n, uint64_t *ret, struct fl_err *err)
{
	uint64_t done = 0;

	while (done < n) {
		int64_t got;
		int rc = post_all(p, err);

		if (rc < 0)
			return rc;
		if (atomic_load_explicit(p->spec.halted, memory_order_relaxed))
			return -ECANCELED;
		got = turn(p, err);
		if (got < 0)
			return (int)got;
		done += (uint64_t)got;
	}
	*ret = done;
	return 0;
}

/* ---- its end */

static bool is_empty(const struct fl_rdma_post *p)
{
	for (unsigned i = 0; i < p->spec.link->pairs; i++)
		if (p->pairs[i].done != p->pairs[i].posted)
			return false;
	return true;
}

/* All that is queued completes with an error, also what would have told nobody: how many that are is not known, since
 * some before the first error may be done. */
static void flush(struct fl_rdma_post *p)
{
	uint64_t last_ns = fl_now_ns();
	struct ibv_wc wc[BATCH];
	int n = 0;

	fl_rdma_link_flush(p->spec.link, 0);
	while (n >= 0 && fl_now_ns() - last_ns < QUIET_NS) {
		n = ibv_poll_cq(p->spec.link->cq[0], BATCH, wc);
		if (n > 0)
			last_ns = fl_now_ns();
	}
}

void fl_rdma_post_drain(struct fl_rdma_post *p)
{
	struct fl_err ignored = { 0 };

	p->looked = p->moved_ns = 0;
	while (!p->broken && !is_empty(p))
		turn(p, &ignored);
	if (p->broken)
		flush(p);
}

bool fl_rdma_post_done(const struct fl_rdma_post *p, unsigned pair, uint64_t *ret)
{
	*ret = p->pairs[pair].done;
	return !p->broken && p->pairs[pair].done == p->pairs[pair].posted;
}
