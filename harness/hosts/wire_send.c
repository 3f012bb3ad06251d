/* SPDX-License-Identifier: Apache-2.0 */
/* wire_send.c: what is sent: sealed at once, and kept until the kernel has room for it. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/wire.h"
#include "hosts/wire_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A buffer that is kept while nothing is in it; and how many messages may wait for a greeting. */
enum { KEEP_BYTES = 4096, EARLY_MAX = 64 };

static size_t waiting(const struct fl_wire *w)
{
	return w->out_n - w->out_at;
}

bool fl_wire_is_full(const struct fl_wire *w)
{
	return waiting(w) > 0;
}

static int reserve(struct fl_wire *w, size_t n, struct fl_err *err)
{
	size_t need, room;
	unsigned char *out;

	if (waiting(w) + n > FL_WIRE_QUEUE_MAX)
		return fl_fail(err, -EOVERFLOW, "the other side takes nothing any more: %zu MiB wait for it",
			       waiting(w) >> 20);
	if (w->out_at > 0) {
		memmove(w->out, w->out + w->out_at, waiting(w));
		w->out_n -= w->out_at;
		w->out_at = 0;
	}
	need = w->out_n + n;
	if (need <= w->out_room)
		return 0;
	room = need < KEEP_BYTES ? KEEP_BYTES : need + need / 2;
	out = realloc(w->out, room);
	if (!out)
		return fl_fail(err, -ENOMEM, "no memory for a message of %zu bytes", n);
	w->out = out;
	w->out_room = room;
	return 0;
}

static void forget_out(struct fl_wire *w)
{
	w->out_at = w->out_n = 0;
	if (w->out_room <= KEEP_BYTES)
		return;
	free(w->out);
	w->out = NULL;
	w->out_room = 0;
}

int fl_wire_flush(struct fl_wire *w, struct fl_err *err)
{
	while (waiting(w) > 0) {
		ssize_t n = send(w->fd, w->out + w->out_at, waiting(w), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return fl_wire_gone(errno, err);
		w->out_at += (size_t)n;
	}
	forget_out(w);
	return 0;
}

void fl_wire_greet(struct fl_wire *w)
{
	unsigned char *out;

	crypto_secretstream_xchacha20poly1305_init_push(&w->push, w->own, w->secret.bytes);
	w->out = fl_zalloc(1, KEEP_BYTES);
	w->out_room = KEEP_BYTES;
	out = w->out;
	memcpy(out, FL_WIRE_MAGIC, FL_WIRE_MAGIC_BYTES);
	out[FL_WIRE_MAGIC_BYTES] = FL_WIRE_VERSION;
	memcpy(out + FL_WIRE_MAGIC_BYTES + 1, w->own, sizeof(w->own));
	w->out_n = FL_WIRE_GREETING_BYTES;
	fl_wire_flush(w, NULL); /* where it is gone already, the first receive says so */
}

static int seal(struct fl_wire *w, const char *text, size_t text_n, struct fl_err *err)
{
	const size_t n = text_n + crypto_secretstream_xchacha20poly1305_ABYTES;
	const size_t max = w->said ? FL_WIRE_FRAME_MAX : FL_WIRE_FIRST_MAX;
	unsigned char *out;
	int rc;

	if (n > max)
		return fl_fail(err, -EMSGSIZE, "a message of %zu bytes is longer than %zu", n, max);
	rc = reserve(w, n + sizeof(w->length), err);
	if (rc < 0)
		return rc;
	out = w->out + w->out_n;
	for (size_t i = 0; i < sizeof(w->length); i++)
		out[i] = (unsigned char)(n >> 8 * (sizeof(w->length) - 1 - i));
	crypto_secretstream_xchacha20poly1305_push(&w->push, out + sizeof(w->length), NULL, (const unsigned char *)text,
						   text_n, &w->own_side, 1, 0);
	w->out_n += n + sizeof(w->length);
	w->said = true;
	return 0;
}

/* The first message says which greeting it answers. */
static int seal_message(struct fl_wire *w, const json_t *message, struct fl_err *err)
{
	struct fl_text text = { 0 };
	json_t *first = NULL;
	int rc;

	if (!w->said) {
		char to[FL_WIRE_HEX_BYTES];

		sodium_bin2hex(to, sizeof(to), w->greeting + FL_WIRE_MAGIC_BYTES + 1, FL_WIRE_HEADER_BYTES);
		first = json_copy((json_t *)message);
		json_object_set_new(first, "to", json_string(to));
	}
	fl_json_write(first ? first : message, 0, &text);
	rc = seal(w, fl_text_str(&text), text.n, err);
	json_decref(first);
	fl_text_release(&text);
	return rc;
}

int fl_wire_send_early(struct fl_wire *w, struct fl_err *err)
{
	json_t *early = w->early;
	int rc = 0;

	w->early = NULL;
	for (size_t i = 0; i < json_array_size(early) && rc == 0; i++)
		rc = seal_message(w, json_array_get(early, i), err);
	json_decref(early);
	return rc < 0 ? rc : fl_wire_flush(w, err);
}

/* Before their greeting is here, the first message has nothing to answer. */
static int keep_early(struct fl_wire *w, const json_t *message, struct fl_err *err)
{
	if (!w->early)
		w->early = json_array();
	if (json_array_size(w->early) >= EARLY_MAX)
		return fl_fail(err, -EOVERFLOW, "the other side has not said a word yet");
	json_array_append_new(w->early, json_deep_copy(message));
	return 0;
}

int fl_wire_send(struct fl_wire *w, const json_t *message, struct fl_err *err)
{
	int rc;

	if (!w->greeted)
		return keep_early(w, message, err);
	rc = seal_message(w, message, err);
	return rc < 0 ? rc : fl_wire_flush(w, err);
}

int fl_wire_send_text(struct fl_wire *w, const char *json, size_t n, struct fl_err *err)
{
	int rc;

	if (!w->said)
		return fl_fail(err, -ENOTRECOVERABLE, "the first message answers nothing");
	rc = seal(w, json, n, err);
	return rc < 0 ? rc : fl_wire_flush(w, err);
}

int fl_wire_wait(const struct fl_wire *w, uint64_t until_ns)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	uint64_t now_ns = fl_now_ns();
	uint64_t left_ms = until_ns > now_ns ? (until_ns - now_ns + 999999) / 1000000 : 0;
	int n;

	if (fl_wire_is_full(w))
		p.events |= POLLOUT;
	n = poll(&p, 1, left_ms > 60000 ? 60000 : (int)left_ms);
	if (n < 0)
		return errno == EINTR ? -EINTR : 0;
	return n == 0 && fl_now_ns() >= until_ns ? -ETIMEDOUT : 0;
}

int fl_wire_drain(struct fl_wire *w, uint64_t until_ns, struct fl_err *err)
{
	for (;;) {
		struct pollfd p = { .fd = w->fd, .events = POLLOUT };
		uint64_t now_ns = fl_now_ns();
		int rc = fl_wire_flush(w, err);

		if (rc < 0 || !fl_wire_is_full(w))
			return rc;
		if (now_ns >= until_ns)
			return fl_fail(err, -ETIMEDOUT, "the other side does not take what is sent to it");
		poll(&p, 1, until_ns - now_ns > 100000000 ? 100 : 1 + (int)((until_ns - now_ns) / 1000000));
	}
}
