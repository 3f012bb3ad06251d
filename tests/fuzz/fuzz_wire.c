/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_wire.c: what a wire receives may be anything, from others and from one that knows the secret. The first byte
 * says how far the other side behaves: bit 0: it greets as a feedline does; bit 1: what follows is sealed, and the
 * first message answers; bit 2: it comes in pieces. Behind it: the bytes; where they are sealed, a message a line, and
 * a line that begins with "!" as it is. */
#include "base/alloc.h"
#include "hosts/wire.h"
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GREETING = 33, GREETS = 1, SEALS = 2, PIECES = 4, INPUT_MAX = 32768 };

struct foreign {
	struct fl_wire *w;
	int fd;
	unsigned char theirs[GREETING];
	crypto_secretstream_xchacha20poly1305_state push;
	size_t piece;
};

/* Takes all messages that are there. false: only closing is left. */
static bool take(struct fl_wire *w)
{
	for (;;) {
		struct fl_err err = { 0 };
		json_t *message = NULL;
		int rc = fl_wire_receive(w, &message, &err);

		if ((rc == 0) != (message != NULL) || (rc == 0 && !json_is_object(message)))
			abort();
		if (rc == 0 && !fl_wire_is_trusted(w))
			abort();
		if (rc < 0 && (rc == -EAGAIN ? err.code != 0 : err.code != rc || !*err.what))
			abort();
		json_decref(message);
		if (rc < 0)
			return rc == -EAGAIN;
	}
}

static bool put(struct foreign *f, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	while (n > 0) {
		size_t piece = f->piece && f->piece < n ? f->piece : n;

		if (send(f->fd, at, piece, MSG_NOSIGNAL) != (ssize_t)piece || !take(f->w))
			return false;
		at += piece;
		n -= piece;
	}
	return true;
}

static bool put_sealed(struct foreign *f, const void *text, size_t n)
{
	const size_t sealed = n + crypto_secretstream_xchacha20poly1305_ABYTES;
	unsigned char *frame = malloc(sealed + 4);
	bool goes_on;

	for (unsigned i = 0; i < 4; i++)
		frame[i] = (unsigned char)(sealed >> (24 - 8 * i));
	crypto_secretstream_xchacha20poly1305_push(&f->push, frame + 4, NULL, text, n, (const unsigned char *)"a", 1,
						   0);
	goes_on = put(f, frame, sealed + 4);
	free(frame);
	return goes_on;
}

static bool put_first(struct foreign *f)
{
	char to[2 * 24 + 1], *text;
	bool goes_on;

	sodium_bin2hex(to, sizeof(to), f->theirs + 9, 24);
	text = fl_format("{\"is\":\"hello\",\"to\":\"%s\"}", to);
	goes_on = put_sealed(f, text, strlen(text)) && fl_wire_is_trusted(f->w);
	free(text);
	return goes_on;
}

static bool put_lines(struct foreign *f, const char *at, const char *end)
{
	bool goes_on = put_first(f);

	while (at < end && goes_on) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t n = line_end ? (size_t)(line_end - at) : (size_t)(end - at);

		goes_on = n && *at == '!' ? put(f, at + 1, n - 1) : put_sealed(f, at, n);
		at += n + 1;
	}
	return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fl_secret secret = { { 1, 2, 3 } };
	unsigned char mine[GREETING] = "feedline\2";
	struct foreign f = { 0 };
	int fds[2];

	if (size < 1 || size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return 0;
	f.w = fl_wire_open(fds[0], FL_WIRE_HUB, &secret);
	f.fd = fds[1];
	f.piece = data[0] & PIECES ? 3 : 0;
	if (read(f.fd, f.theirs, GREETING) != GREETING)
		abort();
	crypto_secretstream_xchacha20poly1305_init_push(&f.push, mine + 9, secret.bytes);
	if (!(data[0] & (GREETS | SEALS)))
		put(&f, data + 1, size - 1);
	else if (put(&f, mine, GREETING) && !(data[0] & SEALS))
		put(&f, data + 1, size - 1);
	else if (data[0] & SEALS)
		put_lines(&f, (const char *)data + 1, (const char *)data + size);
	if (!(data[0] & SEALS) && fl_wire_is_trusted(f.w))
		abort(); /* nobody knows the secret by chance */
	shutdown(f.fd, SHUT_WR);
	if (take(f.w))
		abort(); /* the end is the end */
	fl_wire_close(f.w);
	close(f.fd);
	return 0;
}
