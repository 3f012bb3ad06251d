/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c: what is received: the other side's greeting, then frames, opened in order. wire_send.c sends. No more is read
 * than the frame that is being received, so that what waits, waits in the kernel, where epoll sees it. */
#include "hosts/wire.h"
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/wire_parts.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A buffer that a frame may leave behind for the next one. */
enum { KEEP_BYTES = 4096 };

static void set_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value)); /* a Unix pair has none of these: its end is seen at once */
}

static void find_cut_links(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 4);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 10000);
}

struct fl_wire *fl_wire_open(int fd, enum fl_wire_side own, const struct fl_secret *secret)
{
	struct fl_wire *w = fl_zalloc(1, sizeof(*w));

	if (sodium_init() < 0)
		sodium_misuse(); /* no randomness at all: nothing may go on */
	w->fd = fd;
	w->secret = *secret;
	w->own_side = (unsigned char)own;
	w->their_side = own == FL_WIRE_HUB ? FL_WIRE_AGENT : FL_WIRE_HUB;
	find_cut_links(fd);
	fl_wire_greet(w);
	return w;
}

void fl_wire_close(struct fl_wire *w)
{
	if (!w)
		return;
	close(w->fd);
	free(w->frame);
	free(w->out);
	json_decref(w->early);
	sodium_memzero(w, sizeof(*w));
	free(w);
}

int fl_wire_fd(const struct fl_wire *w)
{
	return w->fd;
}

bool fl_wire_is_trusted(const struct fl_wire *w)
{
	return w->trusted;
}

bool fl_wire_is_greeted(const struct fl_wire *w)
{
	return w->greeted;
}

uint64_t fl_wire_bytes_in(const struct fl_wire *w)
{
	return w->bytes_in;
}

int fl_wire_gone(int code, struct fl_err *err)
{
	switch (code) {
	case EPIPE:
		return fl_fail(err, -EPIPE, "the connection was closed by the other side");
	case ECONNRESET:
		return fl_fail(err, -EPIPE, "the connection was reset by the other side");
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
		return fl_fail(err, -ETIMEDOUT, "the link is cut: %s", strerror(code));
	default:
		return fl_fail(err, -code, "the connection failed: %s", strerror(code));
	}
}

/* Reads up to `room` bytes. Their number; -EAGAIN: none are there. */
static ssize_t take(struct fl_wire *w, void *into, size_t room, bool within, struct fl_err *err)
{
	ssize_t n;

	do
		n = recv(w->fd, into, room, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		w->bytes_in += (uint64_t)n;
		return n;
	}
	if (n == 0)
		return fl_fail(err, -EPIPE, "the connection was closed by the other side%s",
			       within ? " in the middle of a message" : "");
	return errno == EAGAIN ? -EAGAIN : fl_wire_gone(errno, err);
}

/* ---- the greeting */

static int check_greeting(const struct fl_wire *w, struct fl_err *err)
{
	const unsigned char *in = w->greeting;
	size_t n = w->greeting_n < FL_WIRE_MAGIC_BYTES ? w->greeting_n : FL_WIRE_MAGIC_BYTES;

	if (memcmp(in, FL_WIRE_MAGIC, n) != 0)
		return fl_fail(err, -EPROTO, "it is no feedline: its first words are others");
	if (w->greeting_n > FL_WIRE_MAGIC_BYTES && in[FL_WIRE_MAGIC_BYTES] != FL_WIRE_VERSION)
		return fl_fail(err, -EPROTO, "it speaks version %u of feedline's protocol, this one %d",
			       in[FL_WIRE_MAGIC_BYTES], FL_WIRE_VERSION);
	return 0;
}

static int take_greeting(struct fl_wire *w, struct fl_err *err)
{
	const unsigned char *theirs = w->greeting + FL_WIRE_MAGIC_BYTES + 1;

	while (w->greeting_n < sizeof(w->greeting)) {
		ssize_t n = take(w, w->greeting + w->greeting_n, sizeof(w->greeting) - w->greeting_n, false, err);
		int rc;

		if (n < 0)
			return (int)n;
		w->greeting_n += (size_t)n;
		rc = check_greeting(w, err);
		if (rc < 0)
			return rc;
	}
	if (memcmp(theirs, w->own, sizeof(w->own)) == 0)
		return fl_fail(err, -EPROTO, "it is no feedline: it sends back what it gets");
	if (crypto_secretstream_xchacha20poly1305_init_pull(&w->pull, theirs, w->secret.bytes) != 0)
		return fl_fail(err, -EPROTO, "it is no feedline: no stream begins like that");
	w->greeted = true;
	fl_secret_forget(&w->secret); /* both streams have keys of their own now */
	return fl_wire_send_early(w, err);
}

/* ---- frames */

static int check_length(struct fl_wire *w, struct fl_err *err)
{
	const unsigned char *b = w->length;
	size_t n = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
	size_t max = w->trusted ? FL_WIRE_FRAME_MAX : FL_WIRE_FIRST_MAX;

	if (n > max)
		return fl_fail(err, -EMSGSIZE, "a message of %zu bytes is longer than %zu", n, max);
	if (n <= crypto_secretstream_xchacha20poly1305_ABYTES)
		return fl_fail(err, -EPROTO, "a message of %zu bytes is none", n);
	w->frame_n = n;
	w->frame_got = 0;
	return 0;
}

static int take_length(struct fl_wire *w, struct fl_err *err)
{
	while (w->length_n < sizeof(w->length)) {
		ssize_t n = take(w, w->length + w->length_n, sizeof(w->length) - w->length_n, w->length_n > 0, err);

		if (n < 0)
			return (int)n;
		w->length_n += (size_t)n;
		if (w->length_n == sizeof(w->length))
			return check_length(w, err);
	}
	return 0;
}

/* Room for more of the frame: as much as came, again, so that a length that is a lie costs nothing. */
static int make_room(struct fl_wire *w, struct fl_err *err)
{
	size_t room = 2 * w->frame_got < KEEP_BYTES ? KEEP_BYTES : 2 * w->frame_got;
	unsigned char *frame;

	if (w->frame_got < w->frame_room)
		return 0;
	frame = realloc(w->frame, room);
	if (!frame)
		return fl_fail(err, -ENOMEM, "no memory for a message of %zu bytes", w->frame_n);
	w->frame = frame;
	w->frame_room = room;
	return 0;
}

static int take_frame(struct fl_wire *w, struct fl_err *err)
{
	while (w->frame_got < w->frame_n) {
		int rc = make_room(w, err);
		size_t room;
		ssize_t n;

		if (rc < 0)
			return rc;
		room = (w->frame_n < w->frame_room ? w->frame_n : w->frame_room) - w->frame_got;
		n = take(w, w->frame + w->frame_got, room, true, err);
		if (n < 0)
			return (int)n;
		w->frame_got += (size_t)n;
	}
	return 0;
}

static void forget_frame(struct fl_wire *w)
{
	w->length_n = 0;
	if (w->frame_room <= KEEP_BYTES)
		return;
	free(w->frame);
	w->frame = NULL;
	w->frame_room = 0;
}

/* Does the first message say which greeting of ours it answers? Else it was recorded in another conversation. */
static int check_first(const struct fl_wire *w, const json_t *message, struct fl_err *err)
{
	char own[FL_WIRE_HEX_BYTES];
	const char *to = fl_json_text_or_null(message, "to");

	sodium_bin2hex(own, sizeof(own), w->own, sizeof(w->own));
	if (!to || strcmp(to, own) != 0)
		return fl_fail(err, -EPROTO, "its first message answers another conversation");
	return 0;
}

static int read_message(struct fl_wire *w, const char *bytes, size_t n, json_t **ret, struct fl_err *err)
{
	struct fl_err why = { 0 };
	json_t *message;
	int rc = 0;

	if (fl_json_parse(bytes, n, "message", &message, &why) < 0)
		return fl_fail(err, -EPROTO, "%s", why.what);
	if (!json_is_object(message))
		rc = fl_fail(err, -EPROTO, "a message is not a JSON object");
	if (rc == 0 && !w->trusted)
		rc = check_first(w, message, err);
	if (rc < 0) {
		json_decref(message);
		return rc;
	}
	w->trusted = true;
	*ret = message;
	return 0;
}

static int open_frame(struct fl_wire *w, json_t **ret, struct fl_err *err)
{
	size_t n = w->frame_n - crypto_secretstream_xchacha20poly1305_ABYTES;
	unsigned char *bytes = malloc(n), tag;
	int rc;

	if (!bytes)
		return fl_fail(err, -ENOMEM, "no memory for a message of %zu bytes", n);
	if (crypto_secretstream_xchacha20poly1305_pull(&w->pull, bytes, NULL, &tag, w->frame, w->frame_n,
						       &w->their_side, 1) != 0)
		rc = w->trusted ? fl_fail(err, -EPROTO, "a message does not open: it was changed on its way")
				: fl_fail(err, -EACCES, "it has another secret");
	else
		rc = read_message(w, (const char *)bytes, n, ret, err);
	free(bytes);
	forget_frame(w);
	return rc;
}

static int receive(struct fl_wire *w, json_t **ret, struct fl_err *err)
{
	int rc = w->greeted ? 0 : take_greeting(w, err);

	if (rc == 0)
		rc = take_length(w, err);
	if (rc == 0)
		rc = take_frame(w, err);
	if (rc == 0)
		rc = open_frame(w, ret, err);
	return rc;
}

int fl_wire_receive(struct fl_wire *w, json_t **ret, struct fl_err *err)
{
	int rc;

	if (w->broken.code)
		return fl_fail(err, w->broken.code, "%s", w->broken.what);
	rc = receive(w, ret, &w->broken);
	if (rc < 0 && rc != -EAGAIN)
		return fl_fail(err, rc, "%s", w->broken.what);
	return rc;
}
