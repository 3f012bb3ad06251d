/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/post.c: keeps queue pairs busy. */
#include "path/rdma/post.h"
#include "path/rdma/receive.h"
#include "path/rdma/request.h"
#include "path/rdma/wc.h"
#include <errno.h>
#include <feedline/clock.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* LOOKS: polls that find nothing before anything else is thought of. QUIET: after so long without one no completion
 * comes. SILENT: after so long without a message, and what one takes on the slowest link, there was a last one that
 * was lost. */
enum { BATCH = 32, LOOKS = 1024, NAP_MS = 100, QUIET_NS = 20000000, SILENT_MS = 1000 };

struct pair {
	struct fl_rdma_requests out;
	struct fl_rdma_receives in;
};

struct fl_rdma_post {
	struct fl_rdma_post_spec spec;
	struct ibv_cq *cq;
	struct ibv_comp_channel *channel; /* NULL: it does not sleep */
	unsigned first, pairs_n;	  /* of the link's pairs */
	bool sends, receives;
	uint64_t moved_ns;    /* since when nothing was done; 0: since it was last looked for */
	uint64_t patience_ms; /* without anything */
	bool armed, broken;   /* armed: the next completion tells, or one has */
	struct fl_err cause;  /* of what failed while it was drained */
	struct ibv_wc wc[BATCH];
	struct pair pairs[];
};

/* ---- open */

static int make_pair(struct fl_rdma_post *p, unsigned i)
{
	int rc = p->sends ? fl_rdma_requests_make(&p->spec, p->first + i, &p->pairs[i].out) : 0;

	return rc == 0 && p->receives ? fl_rdma_receives_make(&p->spec, p->first + i, &p->pairs[i].in) : rc;
}

static int receive_more(struct fl_rdma_post *p, struct fl_err *err)
{
	for (unsigned i = 0; i < p->pairs_n; i++) {
		int rc = fl_rdma_receives_post(&p->spec, &p->pairs[i].in);

		if (rc == 0)
			continue;
		p->broken = true;
		return fl_fail(err, -rc, "post a receive for %s: %s", p->spec.link->peer, strerror(rc));
	}
	return 0;
}

/* Before anything can be done: what one completion stands for, of each pair, since they share the wire. */
static uint64_t bytes_before_one(const struct fl_rdma_post_spec *spec)
{
	const unsigned each = spec->kind == FL_RDMA_NONE ? 1 : spec->signal;

	return spec->data->size * each * spec->link->pairs;
}

static struct fl_rdma_post *post_of(const struct fl_rdma_post_spec *spec)
{
	const struct fl_rdma_link *l = spec->link;
	struct fl_rdma_post *p = calloc(1, sizeof(*p) + l->share * sizeof(struct pair));

	if (!p)
		return NULL;
	p->spec = *spec;
	p->cq = l->cq[spec->thread];
	p->channel = l->channel[spec->thread];
	p->first = spec->thread * l->share;
	p->pairs_n = l->share;
	p->sends = spec->kind != FL_RDMA_NONE;
	p->receives = spec->receives > 0;
	p->patience_ms = fl_rdma_patience_ms(bytes_before_one(spec));
	return p;
}

int fl_rdma_post_open(const struct fl_rdma_post_spec *spec, struct fl_rdma_post **ret, struct fl_err *err)
{
	struct fl_rdma_post *p;
	int rc = fl_rdma_requests_check(spec, err);

	if (rc == 0)
		rc = fl_rdma_link_check_size(spec->link, spec->data->size, err);
	if (rc < 0)
		return rc;
	p = post_of(spec);
	if (!p)
		return fl_fail(err, -ENOMEM, "no memory for requests");
	for (unsigned i = 0; i < p->pairs_n && rc == 0; i++)
		rc = make_pair(p, i);
	if (rc < 0)
		fl_fail(err, rc, "no memory for requests");
	else if (p->receives)
		rc = receive_more(p, err);
	if (rc < 0) {
		fl_rdma_post_close(p);
		return rc;
	}
	*ret = p;
	return 0;
}

void fl_rdma_post_close(struct fl_rdma_post *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->pairs_n; i++) {
		fl_rdma_requests_free(&p->pairs[i].out);
		fl_rdma_receives_free(&p->pairs[i].in);
	}
	free(p);
}

/* ---- the hot path */

static int not_posted(struct fl_rdma_post *p, int code, struct fl_err *err)
{
	p->broken = true;
	return fl_fail(err, -code, "post a %s to %s: %s", fl_rdma_kind_name(p->spec.kind), p->spec.link->peer,
		       strerror(code));
}

/* Afterwards what was posted is a whole number of groups with a completion: so is depth, and what is done. */
static int send_more(struct fl_rdma_post *p, struct fl_err *err)
{
	for (unsigned i = 0; i < p->pairs_n; i++) {
		struct fl_rdma_requests *out = &p->pairs[i].out;

		while (out->posted - out->done + p->spec.list <= p->spec.depth) {
			int rc = fl_rdma_requests_post(&p->spec, out);

			if (rc)
				return not_posted(p, rc, err);
		}
	}
	return 0;
}

static int has_failed(struct fl_rdma_post *p, const struct ibv_wc *wc, struct fl_err *err)
{
	const char *what = wc->wr_id & FL_RDMA_ID_RECEIVE ? "receive" : fl_rdma_kind_name(p->spec.kind);

	p->broken = true;
	return fl_rdma_wc_fail(wc, what, p->spec.link->peer, err);
}

static int is_odd(struct fl_rdma_post *p, const struct ibv_wc *wc, struct fl_err *err)
{
	int rc;

	p->broken = true;
	rc = fl_fail(err, -EPROTO, "a message of %u bytes came from %s, not %u", wc->byte_len, p->spec.link->peer,
		     p->pairs[0].in.message_bytes);
	fl_hint(err, "both sides need the same size");
	return rc;
}

/* One that succeeded. How much of what is counted that is; a negative errno. */
static int count(struct fl_rdma_post *p, const struct ibv_wc *wc, struct fl_err *err)
{
	struct pair *pair = &p->pairs[(uint32_t)wc->wr_id - p->first];
	int rc;

	if (wc->wr_id & FL_RDMA_ID_RECEIVE) {
		rc = fl_rdma_receives_take(&pair->in, wc, p->spec.data->slots);
		return rc < 0 ? is_odd(p, wc, err) : rc;
	}
	if (wc->wr_id & FL_RDMA_ID_LAST) {
		pair->out.ended = true;
		return 0;
	}
	pair->out.done += p->spec.signal;
	return p->receives ? 0 : (int)p->spec.signal;
}

/* Until there are completions, into p->wc, or for a while: how many; a negative errno. What each look costs is little:
 * what ibv_poll_cq() finds out each time is found out once. */
static int look(struct fl_rdma_post *p, struct fl_err *err)
{
	int (*const poll_cq)(struct ibv_cq *, int, struct ibv_wc *) = p->cq->context->ops.poll_cq;
	unsigned left = p->channel ? 1 : LOOKS;
	int n;

	do
		n = poll_cq(p->cq, BATCH, p->wc);
	while (n == 0 && --left && !atomic_load_explicit(p->spec.halted, memory_order_relaxed));
	if (n >= 0)
		return n;
	p->broken = true;
	return fl_fail(err, -EIO, "the completion queue of the link to %s cannot be read", p->spec.link->peer);
}

/* How many completions there were, and into *counted what they count for; a negative errno. */
static int collect(struct fl_rdma_post *p, uint64_t *counted, struct fl_err *err)
{
	int n = look(p, err);

	for (int i = 0; i < n; i++) {
		const struct ibv_wc *wc = &p->wc[i];
		int rc = wc->status == IBV_WC_SUCCESS ? count(p, wc, err) : has_failed(p, wc, err);

		if (rc < 0)
			return rc;
		*counted += (unsigned)rc;
	}
	return n;
}

/* The next completion will tell; not again before it did, since what is told is kept until somebody takes it. */
static int arm(struct fl_rdma_post *p, struct fl_err *err)
{
	p->armed = true;
	if (ibv_req_notify_cq(p->cq, 0) == 0)
		return 0;
	p->broken = true;
	return fl_fail(err, -EIO, "the completion queue of the link to %s cannot be slept for", p->spec.link->peer);
}

/* Until there may be a completion, or a moment. */
static void nap(struct fl_rdma_post *p)
{
	struct pollfd fd = { .fd = p->channel->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;

	if (poll(&fd, 1, NAP_MS) <= 0 || ibv_get_cq_event(p->channel, &cq, &context) != 0)
		return;
	ibv_ack_cq_events(cq, 1);
	p->armed = false;
}

/* There is none: sleeps, or where it has yet to ask to be woken, looks for what came before. */
static int sleep_for_one(struct fl_rdma_post *p, uint64_t *counted, struct fl_err *err)
{
	int rc;

	if (p->armed) {
		nap(p);
		return 0;
	}
	rc = arm(p, err);
	return rc < 0 ? rc : collect(p, counted, err);
}

/* Once over the completions. */
static int turn(struct fl_rdma_post *p, uint64_t *counted, struct fl_err *err)
{
	int n = collect(p, counted, err);

	return n == 0 && p->channel ? sleep_for_one(p, counted, err) : n;
}

static int has_nothing(struct fl_rdma_post *p, struct fl_err *err)
{
	const char *peer = p->spec.link->peer;
	const uint64_t s = p->patience_ms / 1000;
	int rc = p->receives ? fl_fail(err, -ETIMEDOUT, "no message from %s has come for %" PRIu64 " s", peer, s)
			     : fl_fail(err, -ETIMEDOUT, "no %s to %s was done for %" PRIu64 " s",
				       fl_rdma_kind_name(p->spec.kind), peer, s);

	p->broken = true;
	fl_hint(err, "is that host, or the network between, still there?");
	return rc;
}

/* Nothing was done: has it been so for that long? */
static bool is_late(struct fl_rdma_post *p, uint64_t patience_ms)
{
	uint64_t now = fl_now_ns();

	if (p->moved_ns == 0)
		p->moved_ns = now;
	return now - p->moved_ns > UINT64_C(1000000) * patience_ms;
}

/* All that there is room for; there is more only after a completion. */
static int feed(struct fl_rdma_post *p, struct fl_err *err)
{
	int rc = p->receives ? receive_more(p, err) : 0;

	return rc == 0 && p->sends ? send_more(p, err) : rc;
}

int fl_rdma_post_move(struct fl_rdma_post *p, uint64_t n, uint64_t *ret, struct fl_err *err)
{
	uint64_t done = 0;
	int rc = feed(p, err);

	while (rc >= 0 && done < n) {
		uint64_t before = done;

		if (atomic_load_explicit(p->spec.halted, memory_order_relaxed))
			return -ECANCELED;
		rc = turn(p, &done, err);
		if (done > before)
			p->moved_ns = 0;
		else if (rc >= 0 && is_late(p, p->patience_ms))
			return has_nothing(p, err);
		if (rc > 0 && done < n)
			rc = feed(p, err);
	}
	*ret = done;
	return rc < 0 ? rc : 0;
}

/* ---- its end */

static bool has_left(const struct fl_rdma_post *p)
{
	for (unsigned i = 0; i < p->pairs_n; i++)
		if (p->sends && !p->pairs[i].out.ended)
			return false;
	return true;
}

static bool has_all(const struct fl_rdma_post *p)
{
	for (unsigned i = 0; i < p->pairs_n; i++)
		if (p->receives && !p->pairs[i].in.ended)
			return false;
	return true;
}

/* Of each pair of which all requests are done. */
static int say_last(struct fl_rdma_post *p, struct fl_err *err)
{
	for (unsigned i = 0; i < p->pairs_n; i++) {
		struct fl_rdma_requests *out = &p->pairs[i].out;
		int rc = out->posted == out->done && !out->ending ? fl_rdma_requests_end(&p->spec, out) : 0;

		if (rc)
			return not_posted(p, rc, err);
	}
	return 0;
}

static int end_turn(struct fl_rdma_post *p)
{
	uint64_t counted = 0;
	int rc = p->receives ? receive_more(p, &p->cause) : 0;

	if (rc == 0 && p->sends)
		rc = say_last(p, &p->cause);
	return rc == 0 ? turn(p, &counted, &p->cause) : rc;
}

/* Until all that was begun is over here, and there. What unreliable transports lost nobody waits for. */
static void end(struct fl_rdma_post *p)
{
	const bool reliable = p->spec.link->transport == FL_RDMA_RC;
	const uint64_t silent_ms = p->patience_ms - FL_RDMA_PATIENCE_MS + SILENT_MS;

	while (!p->broken && !(has_left(p) && has_all(p))) {
		bool silent = !reliable && has_left(p);
		int n = end_turn(p);

		if (n > 0) {
			p->moved_ns = 0;
		} else if (n == 0 && is_late(p, silent ? silent_ms : p->patience_ms)) {
			if (!silent)
				has_nothing(p, &p->cause);
			return;
		}
	}
}

static bool has_receives(const struct fl_rdma_post *p)
{
	for (unsigned i = 0; i < p->pairs_n; i++)
		if (p->pairs[i].in.done != p->pairs[i].in.posted)
			return true;
	return false;
}

/* All that is queued completes with an error, also what would have told nobody: how many requests that are is not
 * known, since some before the first error may be done. What came before is taken. */
static void flush(struct fl_rdma_post *p)
{
	uint64_t last_ns = fl_now_ns();
	struct fl_err ignored = { 0 };
	int n = 0;

	fl_rdma_link_flush(p->spec.link, p->spec.thread);
	while (n >= 0 && (p->broken || has_receives(p)) && fl_now_ns() - last_ns < QUIET_NS) {
		n = ibv_poll_cq(p->cq, BATCH, p->wc);
		if (n > 0)
			last_ns = fl_now_ns();
		for (int i = 0; i < n; i++) {
			const struct ibv_wc *wc = &p->wc[i];

			if (wc->status == IBV_WC_SUCCESS)
				count(p, wc, &ignored);
			else if (wc->wr_id & FL_RDMA_ID_RECEIVE)
				p->pairs[(uint32_t)wc->wr_id - p->first].in.done++;
		}
	}
}

void fl_rdma_post_drain(struct fl_rdma_post *p)
{
	p->moved_ns = 0;
	end(p);
	if (p->broken || (p->receives && p->spec.link->transport != FL_RDMA_RC))
		flush(p);
}

int fl_rdma_post_cause(const struct fl_rdma_post *p, struct fl_err *err)
{
	int rc = p->cause.code ? fl_fail(err, p->cause.code, "%s", p->cause.what) : 0;

	if (*p->cause.hint)
		fl_hint(err, "%s", p->cause.hint);
	return rc;
}

struct fl_rdma_done fl_rdma_post_done(const struct fl_rdma_post *p, unsigned pair)
{
	const struct fl_rdma_requests *out = &p->pairs[pair - p->first].out;
	const struct fl_rdma_receives *in = &p->pairs[pair - p->first].in;

	return (struct fl_rdma_done){
		.all = !p->broken, .made = out->done, .taken = in->taken, .dry = in->dry, .said = in->said
	};
}
