/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of a wire: what one says the other hears, in order, and nothing else is taken for a message. */
#include "hosts/wire_parts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <feedline/clock.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GREETING_BYTES = 33 };

struct ends {
	struct fl_wire *a, *b;
};

static void make_sockets(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static struct ends make_ends(void)
{
	struct fl_secret secret;
	struct ends e;
	int fds[2];

	fl_secret_make(&secret);
	make_sockets(fds);
	e.a = fl_wire_open(fds[0], FL_WIRE_HUB, &secret);
	e.b = fl_wire_open(fds[1], FL_WIRE_AGENT, &secret);
	return e;
}

static void close_ends(struct ends *e)
{
	fl_wire_close(e->a);
	fl_wire_close(e->b);
}

static void say(struct fl_wire *w, const char *key, int value)
{
	json_t *o = json_pack("{s:i}", key, value);
	struct fl_err err = { 0 };

	assert_int_equal(fl_wire_send(w, o, &err), 0);
	json_decref(o);
}

static void hears(struct fl_wire *w, const char *key, int value)
{
	struct fl_err err = { 0 };
	json_t *o = NULL;

	assert_int_equal(fl_wire_receive(w, &o, &err), 0);
	assert_int_equal(json_integer_value(json_object_get(o, key)), value);
	json_decref(o);
}

static void hears_nothing(struct fl_wire *w)
{
	struct fl_err err = { 0 };
	json_t *o = NULL;

	assert_int_equal(fl_wire_receive(w, &o, &err), -EAGAIN);
	assert_int_equal(err.code, 0);
}

static void fails_with(struct fl_wire *w, int code, const char *what)
{
	struct fl_err err = { 0 };
	json_t *o = NULL;

	assert_int_equal(fl_wire_receive(w, &o, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.what, what))
		fail_msg("'%s' does not say '%s'", err.what, what);
	assert_null(o);
	/* and again: only closing is left */
	memset(&err, 0, sizeof(err));
	assert_int_equal(fl_wire_receive(w, &o, &err), code);
}

/* a has heard b's greeting and the other way round. */
static void meet(struct ends *e)
{
	hears_nothing(e->a);
	hears_nothing(e->b);
	assert_true(fl_wire_is_greeted(e->a) && fl_wire_is_greeted(e->b));
	assert_false(fl_wire_is_trusted(e->a) || fl_wire_is_trusted(e->b));
	say(e->a, "hello", 1);
	hears(e->b, "hello", 1);
	say(e->b, "welcome", 1);
	hears(e->a, "welcome", 1);
	assert_true(fl_wire_is_trusted(e->a) && fl_wire_is_trusted(e->b));
}

static void test_messages_in_order(void **state)
{
	struct ends e = make_ends();

	(void)state;
	meet(&e);
	for (int i = 0; i < 1000; i++)
		say(e.a, "n", i);
	for (int i = 0; i < 1000; i++) {
		hears(e.b, "n", i);
		assert_int_equal(fl_wire_flush(e.a, &(struct fl_err){ 0 }), 0);
	}
	hears_nothing(e.b);
	close_ends(&e);
}

/* The first message answers a greeting: it waits for that, and those behind it wait, too. */
/* Who was greeted needs the secret no more, before anything is said. */
static void test_secret_is_forgotten(void **state)
{
	const struct fl_secret none = { { 0 } };
	struct ends e = make_ends();

	(void)state;
	assert_memory_not_equal(&e.a->secret, &none, sizeof(none));
	hears_nothing(e.a);
	hears_nothing(e.b);
	assert_memory_equal(&e.a->secret, &none, sizeof(none));
	assert_memory_equal(&e.b->secret, &none, sizeof(none));
	meet(&e);
	close_ends(&e);
}

static void test_first_message_waits(void **state)
{
	struct ends e = make_ends();

	(void)state;
	say(e.a, "first", 1);
	say(e.a, "second", 2);
	assert_false(fl_wire_is_full(e.a));
	hears_nothing(e.b);
	hears_nothing(e.a); /* takes the greeting, and sends */
	hears(e.b, "first", 1);
	hears(e.b, "second", 2);
	close_ends(&e);
}

static json_t *long_text(size_t n)
{
	char *text = malloc(n);
	json_t *o;

	memset(text, 'x', n);
	o = json_pack("{s:s#}", "text", text, n);
	free(text);
	return o;
}

static void test_long_messages(void **state)
{
	struct ends e = make_ends();
	json_t *o = long_text(9 << 20), *back = NULL;
	struct fl_err err = { 0 };
	int rc;

	(void)state;
	meet(&e);
	assert_int_equal(fl_wire_send(e.a, o, &err), 0);
	assert_true(fl_wire_is_full(e.a)); /* no socket holds that much */
	do {
		rc = fl_wire_receive(e.b, &back, &err);
		assert_int_equal(fl_wire_flush(e.a, &err), 0);
	} while (rc == -EAGAIN);
	assert_int_equal(rc, 0);
	assert_true(json_equal(o, back));
	assert_false(fl_wire_is_full(e.a));
	json_decref(o);
	json_decref(back);
	close_ends(&e);
}

static void test_too_long(void **state)
{
	struct ends e = make_ends();
	json_t *first = long_text(FL_WIRE_FIRST_MAX), *later = long_text(FL_WIRE_FRAME_MAX);
	struct fl_err err = { 0 };

	(void)state;
	hears_nothing(e.a);
	assert_int_equal(fl_wire_send(e.a, first, &err), -EMSGSIZE);
	meet(&e);
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_wire_send(e.a, later, &err), -EMSGSIZE);
	say(e.a, "n", 1); /* nothing was queued of those */
	hears(e.b, "n", 1);
	json_decref(first);
	json_decref(later);
	close_ends(&e);
}

/* Who takes nothing is hung at some point. */
static void test_queue_is_bounded(void **state)
{
	struct ends e = make_ends();
	json_t *o = long_text(FL_WIRE_FRAME_MAX - 64);
	struct fl_err err = { 0 };
	unsigned sent = 0;

	(void)state;
	meet(&e);
	while (sent < 16 && fl_wire_send(e.a, o, &err) == 0)
		sent++;
	assert_int_equal(err.code, -EOVERFLOW);
	assert_int_equal(sent, FL_WIRE_QUEUE_MAX / FL_WIRE_FRAME_MAX);
	assert_int_equal(fl_wire_drain(e.a, fl_now_ns(), &(struct fl_err){ 0 }), -ETIMEDOUT);
	json_decref(o);
	close_ends(&e);
}

static void test_text_as_it_is(void **state)
{
	static const char json[] = "{\"n\":7}";
	struct ends e = make_ends();
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_wire_send_text(e.a, json, strlen(json), &err), -ENOTRECOVERABLE);
	meet(&e);
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_wire_send_text(e.a, json, strlen(json), &err), 0);
	hears(e.b, "n", 7);
	close_ends(&e);
}

static void test_other_secret(void **state)
{
	struct fl_secret one, other;
	int fds[2];
	struct ends e;

	(void)state;
	fl_secret_make(&one);
	fl_secret_make(&other);
	make_sockets(fds);
	e = (struct ends){ fl_wire_open(fds[0], FL_WIRE_HUB, &one), fl_wire_open(fds[1], FL_WIRE_AGENT, &other) };
	hears_nothing(e.a);
	say(e.a, "hello", 1);
	fails_with(e.b, -EACCES, "another secret");
	assert_false(fl_wire_is_trusted(e.b));
	close_ends(&e);
}

static void test_closed(void **state)
{
	struct ends e = make_ends();
	struct fl_err err = { 0 };
	json_t *o;

	(void)state;
	meet(&e);
	say(e.a, "last", 1);
	fl_wire_close(e.a);
	hears(e.b, "last", 1); /* what was sent before is heard */
	fails_with(e.b, -EPIPE, "closed by the other side");
	o = json_pack("{s:i}", "n", 1);
	assert_int_equal(fl_wire_send(e.b, o, &err), -EPIPE);
	json_decref(o);
	fl_wire_close(e.b);
}

/* What the hub has sealed is brought back to it as if an agent had said it. */
static void test_own_words(void **state)
{
	struct fl_secret secret;
	struct ends e;
	int fds[2];

	(void)state;
	fl_secret_make(&secret);
	make_sockets(fds);
	e = (struct ends){ fl_wire_open(fds[0], FL_WIRE_HUB, &secret), fl_wire_open(fds[1], FL_WIRE_HUB, &secret) };
	hears_nothing(e.a);
	say(e.a, "refused", 1);
	fails_with(e.b, -EACCES, "another secret");
	close_ends(&e);
}

/* ---- a foreign other end: bytes that no feedline sends */

struct foreign {
	struct fl_wire *w;
	int fd;
	struct fl_secret secret;
	unsigned char theirs[GREETING_BYTES]; /* the greeting of w */
	crypto_secretstream_xchacha20poly1305_state push;
	unsigned char mine[GREETING_BYTES];
};

static struct foreign make_foreign(void)
{
	struct foreign f;
	int fds[2];

	fl_secret_make(&f.secret);
	make_sockets(fds);
	f.w = fl_wire_open(fds[0], FL_WIRE_HUB, &f.secret);
	f.fd = fds[1];
	assert_int_equal(read(f.fd, f.theirs, sizeof(f.theirs)), sizeof(f.theirs));
	memcpy(f.mine, "feedline\2", 9);
	crypto_secretstream_xchacha20poly1305_init_push(&f.push, f.mine + 9, f.secret.bytes);
	return f;
}

static void put(const struct foreign *f, const void *bytes, size_t n)
{
	assert_int_equal(write(f->fd, bytes, n), n);
}

static size_t seal(struct foreign *f, const char *text, size_t n, unsigned char *frame)
{
	size_t sealed = n + crypto_secretstream_xchacha20poly1305_ABYTES;

	for (unsigned i = 0; i < 4; i++)
		frame[i] = (unsigned char)(sealed >> (24 - 8 * i));
	crypto_secretstream_xchacha20poly1305_push(&f->push, frame + 4, NULL, (const unsigned char *)text, n,
						   (const unsigned char *)"a", 1, 0);
	return sealed + 4;
}

static void put_sealed(struct foreign *f, const char *text)
{
	unsigned char frame[1024];

	put(f, frame, seal(f, text, strlen(text), frame));
}

static void put_first(struct foreign *f)
{
	char to[2 * 24 + 1], text[256];

	sodium_bin2hex(to, sizeof(to), f->theirs + 9, 24);
	snprintf(text, sizeof(text), "{\"is\":\"hello\",\"to\":\"%s\",\"n\":1}", to);
	put(f, f->mine, sizeof(f->mine));
	put_sealed(f, text);
	hears(f->w, "n", 1);
}

static void close_foreign(struct foreign *f)
{
	fl_wire_close(f->w);
	close(f->fd);
}

static void test_no_feedline(void **state)
{
	static const struct {
		const char *bytes, *what;
		int code;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "it is no feedline", -EPROTO },
		{ "f\n", "it is no feedline", -EPROTO },
		{ "\x16\x03\x01\x02", "it is no feedline", -EPROTO },
		{ "feedline\x03", "speaks version 3 of feedline's protocol", -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct foreign f = make_foreign();

		put(&f, rows[i].bytes, strlen(rows[i].bytes));
		fails_with(f.w, rows[i].code, rows[i].what);
		close_foreign(&f);
	}
}

static void test_its_own_words(void **state)
{
	struct foreign f = make_foreign();

	(void)state;
	put(&f, f.theirs, sizeof(f.theirs));
	fails_with(f.w, -EPROTO, "sends back what it gets");
	close_foreign(&f);
}

/* A conversation that was recorded is of no use in another one, although the secret is right. */
static void test_played_again(void **state)
{
	struct foreign f = make_foreign();

	(void)state;
	put(&f, f.mine, sizeof(f.mine));
	put_sealed(&f, "{\"is\":\"hello\",\"to\":\"00112233445566778899aabbccddeeff0011223344556677\"}");
	fails_with(f.w, -EPROTO, "answers another conversation");
	assert_false(fl_wire_is_trusted(f.w));
	close_foreign(&f);
	f = make_foreign();
	put(&f, f.mine, sizeof(f.mine));
	put_sealed(&f, "{\"is\":\"hello\"}");
	fails_with(f.w, -EPROTO, "answers another conversation");
	close_foreign(&f);
}

static void test_frames_that_are_none(void **state)
{
	static const struct {
		const char *bytes;
		bool first; /* before the other side has proved anything */
		int code;
		const char *what;
	} rows[] = {
		{ "\0\0\0\0", true, -EPROTO, "is none" },
		{ "\0\0\0\x11", true, -EPROTO, "is none" },
		{ "\0\0\x40\x01", true, -EMSGSIZE, "longer than 16384" },
		{ "\0\0\0\x02", false, -EPROTO, "is none" },
		{ "\x04\0\0\x01", false, -EMSGSIZE, "longer than 67108864" },
		{ "\xff\xff\xff\xff", false, -EMSGSIZE, "longer than 67108864" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct foreign f = make_foreign();

		if (rows[i].first)
			put(&f, f.mine, sizeof(f.mine));
		else
			put_first(&f);
		put(&f, rows[i].bytes, 4);
		fails_with(f.w, rows[i].code, rows[i].what);
		close_foreign(&f);
	}
}

static void test_messages_that_are_none(void **state)
{
	static const char *const rows[] = { "[1]", "7", "{\"a\":", "", "\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct foreign f = make_foreign();

		put_first(&f);
		put_sealed(&f, rows[i]);
		fails_with(f.w, -EPROTO, "");
		close_foreign(&f);
	}
}

/* Frames that were changed, left out or repeated on their way do not open. */
static void test_damaged(void **state)
{
	unsigned char one[256], two[256];
	size_t one_n, two_n;

	(void)state;
	for (int how = 0; how < 3; how++) {
		struct foreign f = make_foreign();

		put_first(&f);
		one_n = seal(&f, "{\"n\":1}", 7, one);
		two_n = seal(&f, "{\"n\":2}", 7, two);
		if (how == 0)
			one[9] ^= 1;
		if (how != 1) /* 1: left out */
			put(&f, one, one_n);
		if (how == 2) {
			hears(f.w, "n", 1);
			put(&f, one, one_n);
		}
		put(&f, two, two_n);
		fails_with(f.w, -EPROTO, "does not open");
		close_foreign(&f);
	}
}

/* A byte at a time: nothing depends on how the stream is cut. */
static void test_bytes_one_by_one(void **state)
{
	struct foreign f = make_foreign();
	unsigned char frame[256];
	size_t n;

	(void)state;
	put_first(&f);
	n = seal(&f, "{\"n\":5}", 7, frame);
	for (size_t i = 0; i < n; i++) {
		hears_nothing(f.w);
		put(&f, frame + i, 1);
	}
	hears(f.w, "n", 5);
	put(&f, frame, 7);
	close(f.fd);
	fails_with(f.w, -EPIPE, "in the middle of a message");
	fl_wire_close(f.w);
}

static void test_secrets(void **state)
{
	struct fl_secret a, b;
	struct fl_err err = { 0 };
	char hex[2 * FL_SECRET_BYTES + 1];

	(void)state;
	fl_secret_make(&a);
	fl_secret_format(&a, hex);
	assert_int_equal(strlen(hex), 2 * FL_SECRET_BYTES);
	assert_int_equal(fl_secret_parse(hex, &b, &err), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	hex[10] = 'g';
	assert_int_equal(fl_secret_parse(hex, &b, &err), -EINVAL);
	assert_null(strstr(err.what, hex));
	hex[10] = 0;
	assert_int_equal(fl_secret_parse(hex, &b, NULL), -EINVAL);
	fl_secret_make(&b);
	assert_memory_not_equal(&a, &b, sizeof(a));
	fl_secret_forget(&a);
	assert_true(sodium_is_zero(a.bytes, sizeof(a.bytes)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_words),
		cmocka_unit_test(test_messages_in_order),
		cmocka_unit_test(test_secret_is_forgotten),
		cmocka_unit_test(test_first_message_waits),
		cmocka_unit_test(test_long_messages),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_queue_is_bounded),
		cmocka_unit_test(test_text_as_it_is),
		cmocka_unit_test(test_other_secret),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_no_feedline),
		cmocka_unit_test(test_its_own_words),
		cmocka_unit_test(test_played_again),
		cmocka_unit_test(test_frames_that_are_none),
		cmocka_unit_test(test_messages_that_are_none),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_bytes_one_by_one),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
