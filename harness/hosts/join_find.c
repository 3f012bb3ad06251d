/* SPDX-License-Identifier: Apache-2.0 */
/* join_find.c: which of the hub's addresses answers. An address may be that of another machine here (those of
 * containers are the same everywhere), so that only a hub's greeting counts, and only its welcome is the end. */
#include "base/alloc.h"
#include "base/text.h"
#include "hosts/join_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REFUSED_MAX = 4 };				   /* in 2 s */
static const uint64_t step_ns = UINT64_C(250000000);	   /* RFC 8305: between one address and the next */
static const uint64_t pause_ns = UINT64_C(500000000);	   /* before it is tried again */
static const uint64_t patience_ns = UINT64_C(10000000000); /* of one try */
static const uint64_t rest_ns = UINT64_C(5000000000);	   /* for the others, where one is a wrong one */
/* Where the hub may be late, what answers may be the one of the run before, which is about to end. */
static const uint64_t again_ns = UINT64_C(2000000000), rest_late_ns = UINT64_C(15000000000);
static const uint64_t look_ns = UINT64_C(100000000);

void fl_ways_open(struct fl_ways *ways, const struct fl_join *join)
{
	const struct fl_bootstrap *b = join->bootstrap;
	uint64_t now_ns = fl_now_ns();

	*ways = (struct fl_ways){ .join = join, .n = b->addresses_n, .until_ns = join->until_ns };
	ways->ways = fl_zalloc(b->addresses_n, sizeof(*ways->ways));
	for (size_t i = 0; i < ways->n; i++)
		ways->ways[i] = (struct fl_way){ .address = b->addresses[i], .fd = -1, .at_ns = now_ns + i * step_ns };
}

static void stop(struct fl_way *way)
{
	if (way->fd >= 0)
		close(way->fd);
	way->fd = -1;
	fl_wire_close(way->wire);
	way->wire = NULL;
}

void fl_ways_close(struct fl_ways *ways)
{
	for (size_t i = 0; i < ways->n; i++)
		stop(&ways->ways[i]);
	free(ways->ways);
}

void fl_ways_give_up(struct fl_ways *ways, struct fl_way *way, const struct fl_err *why)
{
	bool late = ways->join->bootstrap->hub_may_be_late;
	uint64_t now_ns = fl_now_ns(), end_ns = now_ns + (late ? rest_late_ns : rest_ns);

	stop(way);
	way->state = late ? FL_WAY_WAITS : FL_WAY_OVER;
	way->at_ns = now_ns + again_ns;
	way->why = way->wrong = *why;
	if (end_ns < ways->until_ns)
		ways->until_ns = end_ns;
}

/* The way failed this time; the next one that waits for its turn may begin. */
static void fail(struct fl_ways *ways, struct fl_way *way, const struct fl_err *why)
{
	uint64_t now_ns = fl_now_ns();

	stop(way);
	way->why = *why;
	way->state = FL_WAY_WAITS;
	way->at_ns = now_ns + pause_ns;
	for (size_t i = 0; i < ways->n; i++)
		if (ways->ways[i].state == FL_WAY_WAITS && !ways->ways[i].why.code) {
			ways->ways[i].at_ns = now_ns;
			break;
		}
}

static bool is_refusal(int code)
{
	return code == ECONNREFUSED || code == ENETUNREACH || code == EHOSTUNREACH;
}

static void fail_errno(struct fl_ways *ways, struct fl_way *way, int code)
{
	struct fl_err why = { 0 };

	fl_fail(&why, -code, "%s", strerror(code));
	way->refused = is_refusal(code) ? way->refused + 1 : 0;
	fail(ways, way, &why);
	if (way->refused >= REFUSED_MAX && !ways->join->bootstrap->hub_may_be_late)
		way->state = FL_WAY_OVER; /* it says nothing of the others, which have their time */
}

/* ---- one try */

static void greet(struct fl_ways *ways, struct fl_way *way)
{
	way->wire = fl_wire_open(way->fd, FL_WIRE_AGENT, &ways->join->bootstrap->secret);
	way->fd = -1;
	way->state = FL_WAY_GREETS;
	way->refused = 0;
}

static void try(struct fl_ways *ways, struct fl_way *way)
{
	struct sockaddr_storage a;
	struct fl_err why = { 0 };
	socklen_t n;

	if (fl_address_parse(way->address, ways->join->bootstrap->port, &a, &n, &why) < 0) {
		fail(ways, way, &why);
		return;
	}
	way->at_ns = fl_now_ns();
	way->fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (way->fd >= 0 && connect(way->fd, (const struct sockaddr *)&a, n) == 0)
		greet(ways, way);
	else if (way->fd >= 0 && errno == EINPROGRESS)
		way->state = FL_WAY_CONNECTS;
	else
		fail_errno(ways, way, errno);
}

static void look_at(struct fl_ways *ways, struct fl_way *way)
{
	struct fl_err why = { 0 };
	json_t *message = NULL;
	socklen_t n = sizeof(int);
	int code = 0, rc;

	if (way->state == FL_WAY_CONNECTS) {
		if (getsockopt(way->fd, SOL_SOCKET, SO_ERROR, &code, &n) < 0)
			code = errno;
		if (code)
			fail_errno(ways, way, code);
		else
			greet(ways, way);
		return;
	}
	rc = fl_wire_receive(way->wire, &message, &why);
	json_decref(message);
	if (rc == 0) /* before we said a word */
		rc = fl_fail(&why, -EPROTO, "it is no hub");
	if (rc == -EPROTO || rc == -EACCES)
		fl_ways_give_up(ways, way, &why);
	else if (rc != -EAGAIN)
		fail(ways, way, &why);
}

static bool is_tried(const struct fl_way *way)
{
	return way->state == FL_WAY_CONNECTS || way->state == FL_WAY_GREETS;
}

/* Waits for any way, until the next one is due. */
static void wait_for_any(struct fl_ways *ways)
{
	struct pollfd polls[FL_ADDRESSES_MAX];
	uint64_t now_ns = fl_now_ns(), next_ns = now_ns + look_ns;

	for (size_t i = 0; i < ways->n; i++) {
		const struct fl_way *way = &ways->ways[i];

		polls[i] = (struct pollfd){ .fd = way->wire ? fl_wire_fd(way->wire) : way->fd,
					    .events = way->wire ? POLLIN : POLLOUT };
		if (way->state == FL_WAY_WAITS && way->at_ns < next_ns)
			next_ns = way->at_ns;
	}
	if (poll(polls, ways->n, next_ns > now_ns ? (int)((next_ns - now_ns + 999999) / 1000000) : 0) <= 0)
		return;
	for (size_t i = 0; i < ways->n; i++)
		if (polls[i].revents)
			look_at(ways, &ways->ways[i]);
}

/* ---- all */

static void begin_those_that_are_due(struct fl_ways *ways)
{
	uint64_t now_ns = fl_now_ns();

	for (size_t i = 0; i < ways->n; i++) {
		struct fl_way *way = &ways->ways[i];

		if (way->state == FL_WAY_WAITS && now_ns >= way->at_ns)
			try(ways, way);
		else if (is_tried(way) && now_ns - way->at_ns >= patience_ns)
			fail_errno(ways, way, ETIMEDOUT);
	}
}

static struct fl_way *first_greeted(struct fl_ways *ways)
{
	for (size_t i = 0; i < ways->n; i++)
		if (ways->ways[i].wire && fl_wire_is_greeted(ways->ways[i].wire))
			return &ways->ways[i];
	return NULL;
}

static bool all_over(const struct fl_ways *ways)
{
	for (size_t i = 0; i < ways->n; i++)
		if (ways->ways[i].state != FL_WAY_OVER)
			return false;
	return true;
}

/* Each way with its reason. The code is that of a hub that was met, where one was, whatever came of that way later. */
static int say_unreached(const struct fl_ways *ways, struct fl_err *err)
{
	const struct fl_bootstrap *b = ways->join->bootstrap;
	struct fl_text text = { 0 };
	int code = -EHOSTUNREACH;

	for (size_t i = 0; i < ways->n; i++) {
		const struct fl_way *way = &ways->ways[i];
		const struct fl_err *why = way->wrong.code ? &way->wrong : &way->why;

		fl_text_add(&text, "%s%s: %.80s", i ? "; " : "", way->address, why->code ? why->what : "no answer");
		if (way->wrong.code && code == -EHOSTUNREACH)
			code = way->wrong.code;
	}
	fl_fail(err, code, "the hub was not reached at port %u: %.270s", b->port, fl_text_str(&text));
	if (code == -EACCES)
		fl_hint(err, "every run has a secret of its own: was this agent started for another run?");
	else
		fl_hint(err,
			"this host (%s) must reach one of these addresses: a firewall, a route, or an interface that "
			"is down?",
			b->host ? b->host : "-");
	fl_text_release(&text);
	return code;
}

int fl_ways_find(struct fl_ways *ways, struct fl_way **ret_way, struct fl_wire **ret, struct fl_err *err)
{
	for (;;) {
		struct fl_way *way;

		if (ways->join->interrupt && *ways->join->interrupt)
			return fl_fail(err, -EINTR, "interrupted while the hub was looked for");
		if (all_over(ways) || fl_now_ns() >= ways->until_ns)
			return say_unreached(ways, err);
		begin_those_that_are_due(ways);
		wait_for_any(ways);
		way = first_greeted(ways);
		if (!way)
			continue;
		*ret = way->wire;
		*ret_way = way;
		way->wire = NULL;
		return 0;
	}
}
