/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp_uring.c: the engine over io_uring.
 *
 * Sending: the kernel is given `depth` blocks as one chain of requests, each of which begins when the one before it is
 * through, so that the order of the stream is kept; the next chain when all are. Without a copy where the kernel does
 * that: the first bytes show whether it really does, on this path, and not only says so.
 * Receiving: one request that never ends and takes its buffers from a ring that is shared with the kernel, or, where
 * the kernel is too old for that, one request after the other.
 *
 * The ring is made by enter, because the fastest mode binds it to one thread. */
#include "path/tcp_engine.h"
#include <errno.h>
#include <feedline/clock.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IORING_SEND_ZC_REPORT_USAGE /* Linux 6.2 */
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3)
#endif
#ifndef IORING_NOTIF_USAGE_ZC_COPIED
#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)
#endif

enum { BUFFER_GROUP = 0, PROBE_MS = 500, PROBE_BYTES = 16384 };
enum tag { TAG_HALT, TAG_SEND, TAG_RECEIVE };

/* A block on its way. */
struct link {
	unsigned slot;
	size_t at; /* how much of it is through */
};

struct uring {
	struct fl_tcp_flow flow;
	struct io_uring ring;
	bool made;
	int halt_fd; /* that the ring polls, so that halting costs nothing before */
	/* sending */
	struct link chain[FL_TCP_DEPTH_MAX];
	unsigned chain_n, chain_done; /* in flight; of these, through */
	unsigned slot, slots;	      /* the next one; how many are used */
	unsigned notes;		      /* sends that the kernel still reads for: all of `kept` */
	unsigned *kept;		      /* by slot: how many of its sends it still reads for */
	bool zerocopy, report, was_copied, was_reported;
	/* receiving */
	struct io_uring_buf_ring *buffers;
	size_t buffers_bytes;
	unsigned buffer; /* without a ring: the next one */
	bool multishot, armed;
};

static struct uring *uring_of(struct fl_tcp_flow *flow)
{
	return (struct uring *)flow; /* its first member */
}

/* ---- setup */

static int queue_init(struct io_uring *ring, unsigned depth)
{
	int rc = io_uring_queue_init(depth, ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);

	if (rc == -EINVAL) /* before Linux 6.1 */
		rc = io_uring_queue_init(depth, ring, 0);
	return rc;
}

/* Does the kernel have what came with Linux 6.0: sending without a copy, and receiving that never ends? */
static bool knows_network(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool knows = probe && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);

	io_uring_free_probe(probe);
	return knows;
}

static int refused(int rc, struct fl_err *err)
{
	if (rc == -ENOMEM) {
		fl_fail(err, rc, "set up io_uring: %s", strerror(-rc));
		return fl_hint(err, "choose a smaller depth, or raise the limit of locked memory (ulimit -l)");
	}
	fl_fail(err, rc == -EPERM || rc == -EACCES || rc == -ENOSYS || rc == -EINVAL ? -EPERM : rc,
		"io_uring is forbidden or missing here: %s", strerror(-rc));
	return fl_hint(err, "see sysctl kernel.io_uring_disabled and the container's seccomp profile");
}

/* A ring for a try: what there is, before the thread makes its own. */
static int look(struct uring *u, const struct fl_tcp_flow_spec *spec, struct fl_err *err)
{
	struct io_uring ring;
	int rc = queue_init(&ring, 4);
	bool knows;

	if (rc < 0)
		return refused(rc, err);
	knows = knows_network(&ring);
	io_uring_queue_exit(&ring);
	u->multishot = knows;
	u->zerocopy = knows && spec->zerocopy != FL_TCP_ZEROCOPY_NO;
	u->flow.receive = knows ? "multishot" : "plain";
	u->flow.send = u->zerocopy ? "zerocopy" : "plain";
	if (!knows && spec->zerocopy == FL_TCP_ZEROCOPY_YES)
		return fl_fail(err, -EOPNOTSUPP, "sending without a copy needs Linux 6.0");
	if (!u->zerocopy)
		snprintf(u->flow.why_plain, sizeof(u->flow.why_plain), "%s",
			 knows ? "asked for" : "the kernel is older than 6.0");
	return 0;
}

static void uring_close(struct fl_tcp_flow *flow)
{
	struct uring *u = uring_of(flow);

	if (u->made)
		io_uring_queue_exit(&u->ring);
	if (u->buffers)
		munmap(u->buffers, u->buffers_bytes);
	if (u->halt_fd >= 0)
		close(u->halt_fd);
	free(u->kept);
	free(u);
}

static int uring_open(const struct fl_tcp_flow_spec *spec, struct fl_tcp_flow **ret, struct fl_err *err)
{
	struct uring *u = calloc(1, sizeof(*u));
	int rc;

	if (!u)
		return fl_fail(err, -ENOMEM, "no memory for a connection");
	u->flow.kind = &fl_tcp_uring;
	u->kept = calloc((size_t)FL_TCP_SPARE * spec->depth, sizeof(*u->kept));
	u->halt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!u->kept || u->halt_fd < 0)
		rc = fl_fail(err, u->kept ? -errno : -ENOMEM, "no memory for a connection, or no descriptor");
	else
		rc = look(u, spec, err);
	if (rc < 0) {
		uring_close(&u->flow);
		return rc;
	}
	*ret = &u->flow;
	return 0;
}

/* ---- requests */

static struct io_uring_sqe *request(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe) { /* never: the ring has room for all */
		io_uring_submit(&u->ring);
		sqe = io_uring_get_sqe(&u->ring);
	}
	return sqe;
}

static void tag(struct io_uring_sqe *sqe, enum tag kind, unsigned link, unsigned slot)
{
	io_uring_sqe_set_data64(sqe, (uint64_t)kind << 56 | (uint64_t)link << 32 | slot);
}

static void queue_link(struct uring *u, unsigned i, bool last)
{
	const struct link *l = &u->chain[i];
	struct io_uring_sqe *sqe = request(u);
	const char *data = u->flow.out.memory + l->slot * u->flow.spec.block_bytes + l->at;
	size_t n = u->flow.spec.block_bytes - l->at;

	if (u->report && n > PROBE_BYTES)
		n = PROBE_BYTES;
	if (u->zerocopy)
		io_uring_prep_send_zc(sqe, u->flow.spec.fd, data, n, MSG_WAITALL | MSG_NOSIGNAL,
				      u->report ? IORING_SEND_ZC_REPORT_USAGE : 0);
	else
		io_uring_prep_send(sqe, u->flow.spec.fd, data, n, MSG_WAITALL | MSG_NOSIGNAL);
	if (!last)
		io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	tag(sqe, TAG_SEND, i, l->slot);
}

/* What is left of the last chain goes first; then new blocks, as far as there are free slots. */
static void queue_chain(struct uring *u, unsigned most)
{
	struct fl_tcp_flow *flow = &u->flow;
	unsigned n = 0;

	if (u->chain_done < u->chain_n || flow->out_ended)
		return;
	for (unsigned i = 0; i < u->chain_n; i++)
		if (u->chain[i].at < flow->spec.block_bytes)
			u->chain[n++] = u->chain[i];
	while (n < most && !flow->closing && !u->kept[u->slot]) {
		fl_tcp_out_next(&flow->out, u->slot);
		u->chain[n++] = (struct link){ .slot = u->slot };
		u->slot = (u->slot + 1) % u->slots;
	}
	u->chain_n = n;
	u->chain_done = 0;
	flow->out_ended = flow->closing && n == 0 && u->notes == 0;
	for (unsigned i = 0; i < n; i++)
		queue_link(u, i, i + 1 == n);
}

static void queue_receive(struct uring *u)
{
	const struct fl_tcp_flow_spec *spec = &u->flow.spec;
	struct io_uring_sqe *sqe;

	if (u->armed || u->flow.in_ended)
		return;
	sqe = request(u);
	if (u->multishot) {
		io_uring_prep_recv_multishot(sqe, spec->fd, NULL, 0, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
		sqe->buf_group = BUFFER_GROUP;
	} else
		io_uring_prep_recv(sqe, spec->fd, spec->in + u->buffer * spec->block_bytes, spec->block_bytes, 0);
	tag(sqe, TAG_RECEIVE, 0, u->buffer);
	u->armed = true;
}

static void give_buffer(struct uring *u, unsigned i)
{
	const struct fl_tcp_flow_spec *spec = &u->flow.spec;
	unsigned n = fl_tcp_flow_buffers(spec->depth);

	io_uring_buf_ring_add(u->buffers, spec->in + i * spec->block_bytes, (unsigned)spec->block_bytes, (uint16_t)i,
			      io_uring_buf_ring_mask(n), 0);
	io_uring_buf_ring_advance(u->buffers, 1);
}

/* ---- what came of them */

static int on_send(struct uring *u, const struct io_uring_cqe *cqe, unsigned i, unsigned slot, struct fl_err *err)
{
	if (cqe->flags & IORING_CQE_F_NOTIF) {
		u->kept[slot]--;
		u->notes--;
		u->was_reported = true;
		u->was_copied = (uint32_t)cqe->res & IORING_NOTIF_USAGE_ZC_COPIED;
		return 0;
	}
	if (cqe->flags & IORING_CQE_F_MORE) {
		u->kept[slot]++;
		u->notes++;
	}
	u->chain_done++;
	if (cqe->res < 0 && cqe->res != -ECANCELED && cqe->res != -EAGAIN && cqe->res != -EINTR)
		return fl_tcp_failed(cqe->res, "send to", u->flow.spec.peer, err);
	if (cqe->res > 0) {
		u->chain[i].at += (size_t)cqe->res;
		u->flow.sent += (size_t)cqe->res;
	}
	return 0;
}

static int on_receive(struct uring *u, const struct io_uring_cqe *cqe, unsigned buffer, struct fl_err *err)
{
	if (!(cqe->flags & IORING_CQE_F_MORE))
		u->armed = false;
	if (cqe->flags & IORING_CQE_F_BUFFER)
		buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	if (cqe->res == -ENOBUFS || cqe->res == -EAGAIN || cqe->res == -EINTR)
		return 0; /* begun anew */
	if (cqe->res < 0)
		return fl_tcp_failed(cqe->res, "receive from", u->flow.spec.peer, err);
	if (cqe->res == 0) {
		u->flow.in_ended = true;
		return 0;
	}
	if (buffer >= fl_tcp_flow_buffers(u->flow.spec.depth))
		return fl_fail(err, -EIO, "the kernel filled buffer %u, which there is not", buffer);
	fl_tcp_flow_take(&u->flow, buffer, (size_t)cqe->res);
	if (u->multishot)
		give_buffer(u, buffer);
	else
		u->buffer = (buffer + 1) % fl_tcp_flow_buffers(u->flow.spec.depth);
	return 0;
}

static int take_all(struct uring *u, struct fl_err *err)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;
	int rc = 0;

	io_uring_for_each_cqe(&u->ring, head, cqe)
	{
		const uint64_t data = cqe->user_data;
		int one = 0;

		n++;
		if (data >> 56 == TAG_SEND)
			one = on_send(u, cqe, (unsigned)(data >> 32 & 0xffffff), (unsigned)data, err);
		else if (data >> 56 == TAG_RECEIVE)
			one = on_receive(u, cqe, (unsigned)data, err);
		rc = rc < 0 ? rc : one;
	}
	io_uring_cq_advance(&u->ring, n);
	return rc;
}

static int wait_one(struct uring *u, unsigned within_ms, struct fl_err *err)
{
	struct __kernel_timespec limit = { .tv_sec = within_ms / 1000, .tv_nsec = (within_ms % 1000) * 1000000L };
	struct io_uring_cqe *cqe;
	int rc = io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &limit, NULL);

	if (rc == -ETIME)
		return -EAGAIN;
	if (rc < 0 && rc != -EINTR && rc != -EBUSY && rc != -EAGAIN)
		return fl_fail(err, rc, "submit to io_uring: %s", strerror(-rc));
	return take_all(u, err);
}

static int uring_turn(struct fl_tcp_flow *flow, unsigned within_ms, struct fl_err *err)
{
	struct uring *u = uring_of(flow);
	const bool had_ended = flow->out_ended;

	if (flow->spec.sends)
		queue_chain(u, flow->spec.depth);
	if (flow->spec.receives)
		queue_receive(u);
	if (flow->out_ended && !had_ended)
		return 0; /* which the other side is told before anybody waits for it */
	return wait_one(u, within_ms, err);
}

static void uring_halt(struct fl_tcp_flow *flow)
{
	eventfd_write(uring_of(flow)->halt_fd, 1);
}

/* ---- enter */

static int share_buffers(struct uring *u)
{
	const unsigned n = fl_tcp_flow_buffers(u->flow.spec.depth);
	struct io_uring_buf_reg reg = { .ring_entries = n, .bgid = BUFFER_GROUP };
	void *memory;

	u->buffers_bytes = n * sizeof(struct io_uring_buf);
	memory = mmap(NULL, u->buffers_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	u->buffers = memory;
	io_uring_buf_ring_init(u->buffers);
	reg.ring_addr = (uintptr_t)memory;
	if (io_uring_register_buf_ring(&u->ring, &reg, 0) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		give_buffer(u, i);
	return 0;
}

static void send_plainly(struct uring *u, const char *why)
{
	u->zerocopy = false;
	u->slots = u->flow.spec.depth;
	u->slot %= u->slots;
	u->flow.send = "plain";
	snprintf(u->flow.why_plain, sizeof(u->flow.why_plain), "%s", why);
}

/* The first bytes, as many as the other side's kernel takes before anybody there reads: are they really sent without a
 * copy? Over a loopback, and where a NIC cannot gather, the kernel copies, and then has only more to do. */
static int try_zerocopy(struct uring *u, struct fl_err *err)
{
	const uint64_t until_ns = fl_now_ns() + UINT64_C(1000000) * PROBE_MS;
	int rc = 0;

	u->report = true;
	queue_chain(u, 1);
	while (rc == 0 && (u->chain_done < u->chain_n || (u->notes && fl_now_ns() < until_ns))) {
		rc = wait_one(u, PROBE_MS, err);
		if (rc == -EAGAIN && u->chain_done < u->chain_n && fl_now_ns() >= until_ns + UINT64_C(9000000000))
			return fl_tcp_lost(u->flow.spec.peer, err);
		rc = rc == -EAGAIN ? 0 : rc;
	}
	u->report = false;
	if (rc < 0)
		return rc;
	if (u->flow.spec.zerocopy != FL_TCP_ZEROCOPY_YES && (!u->was_reported || u->was_copied))
		send_plainly(u, u->was_copied ? "the kernel copies on this path all the same"
					      : "the kernel did not say whether it copies");
	return 0;
}

/* Before Linux 6.2 the question itself is refused. */
static int choose_send(struct uring *u, struct fl_err *err)
{
	struct fl_err refusal = { 0 };
	int rc;

	u->slots = FL_TCP_SPARE * u->flow.spec.depth;
	if (!u->zerocopy)
		u->slots = u->flow.spec.depth;
	if (!u->zerocopy || !u->flow.spec.sends)
		return 0;
	rc = try_zerocopy(u, &refusal);
	if (rc == -EINVAL || rc == -EOPNOTSUPP) {
		if (u->flow.spec.zerocopy != FL_TCP_ZEROCOPY_YES)
			send_plainly(u, "the kernel did not say whether it copies");
		return 0;
	}
	if (rc < 0)
		*err = refusal;
	return rc;
}

static int uring_enter(struct fl_tcp_flow *flow, struct fl_err *err)
{
	struct uring *u = uring_of(flow);
	struct io_uring_sqe *sqe;
	int rc = queue_init(&u->ring, flow->spec.depth + 4);

	if (rc < 0)
		return refused(rc, err);
	u->made = true;
	if (flow->spec.receives && u->multishot && share_buffers(u) < 0) {
		u->multishot = false;
		flow->receive = "plain";
	}
	sqe = request(u);
	io_uring_prep_poll_add(sqe, u->halt_fd, POLLIN);
	tag(sqe, TAG_HALT, 0, 0);
	if (flow->spec.receives)
		queue_receive(u);
	io_uring_submit(&u->ring);
	return choose_send(u, err);
}

const struct fl_tcp_kind fl_tcp_uring = {
	.name = "io_uring",
	.open = uring_open,
	.close = uring_close,
	.enter = uring_enter,
	.turn = uring_turn,
	.halt = uring_halt,
};
