/* SPDX-License-Identifier: Apache-2.0 */
/* test_message.c: packets there and back, and everything a peer can do wrong with them. */
#include "base/message.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_message_and_descriptor_arrive(void **state)
{
	json_t *out = json_pack("{s:s, s:i}", "do", "tape", "lane", 7), *in = NULL;
	struct fl_err err = { 0 };
	int fds[2], got_fd = -1, lane;
	const char *what;

	(void)state;
	assert_int_equal(fl_message_pair(fds, &err), 0);
	assert_int_equal(fl_message_send(fds[0], out, STDIN_FILENO, &err), 0);
	assert_int_equal(fl_message_receive(fds[1], &in, &got_fd, &err), 0);
	assert_int_equal(json_unpack(in, "{s:s, s:i}", "do", &what, "lane", &lane), 0);
	assert_string_equal(what, "tape");
	assert_int_equal(lane, 7);
	assert_true(got_fd > 2 && (fcntl(got_fd, F_GETFD) & FD_CLOEXEC));
	close(got_fd);
	close(fds[0]);
	close(fds[1]);
	json_decref(out);
	json_decref(in);
}

static void test_nothing_there_is_eagain(void **state)
{
	struct fl_err err = { 0 };
	json_t *in;
	int fds[2], fd;

	(void)state;
	assert_int_equal(fl_message_pair(fds, &err), 0);
	assert_int_equal(fl_message_receive(fds[1], &in, &fd, &err), -EAGAIN);
	assert_int_equal(err.code, 0);
	close(fds[0]);
	assert_int_equal(fl_message_receive(fds[1], &in, &fd, &err), -EPIPE);
	close(fds[1]);
}

static void test_bad_packets_are_eproto(void **state)
{
	static char huge[FL_MESSAGE_MAX + 1];
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{ "not json", 8 },	   { "[1]", 3 },	   { "{\"a\":1}{", 8 }, { "{\"a\":1,\"a\":2}", 13 },
		{ "{\"a\":\"\xff\"}", 9 }, { huge, sizeof(huge) }, { "\0\0\0", 3 },
	};

	(void)state;
	memset(huge, ' ', sizeof(huge));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fl_err err = { 0 };
		json_t *in = NULL;
		int fds[2], fd;

		assert_int_equal(fl_message_pair(fds, &err), 0);
		assert_int_equal(send(fds[0], rows[i].bytes, rows[i].n, 0), (ssize_t)rows[i].n);
		assert_int_equal(fl_message_receive(fds[1], &in, &fd, &err), -EPROTO);
		assert_null(in);
		close(fds[0]);
		close(fds[1]);
	}
}

/* Five descriptors where one is allowed: refused, and none is left open. */
static void test_surplus_descriptors_are_closed(void **state)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(5 * sizeof(int))];
	} control = { 0 };
	const int sent[5] = { 0, 0, 0, 0, 0 };
	struct iovec iov = { "{}", 2 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct fl_err err = { 0 };
	json_t *in = NULL;
	int fds[2], fd, before;

	(void)state;
	assert_int_equal(fl_message_pair(fds, &err), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(sent));
	memcpy(CMSG_DATA(c), sent, sizeof(sent));
	before = open_descriptors();
	assert_int_equal(sendmsg(fds[0], &msg, 0), 2);
	assert_int_equal(fl_message_receive(fds[1], &in, &fd, &err), -EPROTO);
	assert_int_equal(open_descriptors(), before);
	close(fds[0]);
	close(fds[1]);
}

static void test_too_long_is_not_sent(void **state)
{
	static char text[FL_MESSAGE_MAX + 1];
	struct fl_err err = { 0 };
	json_t *out;
	int fds[2];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	out = json_pack("{s:s}", "text", text);
	assert_int_equal(fl_message_pair(fds, &err), 0);
	assert_int_equal(fl_message_send(fds[0], out, -1, &err), -EMSGSIZE);
	json_decref(out);
	close(fds[0]);
	close(fds[1]);
}

static void test_a_peer_that_is_gone_or_deaf(void **state)
{
	json_t *out = json_object();
	struct fl_err err = { 0 };
	int fds[2], rc = 0;

	(void)state;
	assert_int_equal(fl_message_pair(fds, &err), 0);
	for (int i = 0; i < 100000 && rc == 0; i++)
		rc = fl_message_send(fds[0], out, -1, &err);
	assert_int_equal(rc, -ETIMEDOUT);
	close(fds[1]);
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_message_send(fds[0], out, -1, &err), -EPIPE);
	close(fds[0]);
	json_decref(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_and_descriptor_arrive),
		cmocka_unit_test(test_nothing_there_is_eagain),
		cmocka_unit_test(test_bad_packets_are_eproto),
		cmocka_unit_test(test_surplus_descriptors_are_closed),
		cmocka_unit_test(test_too_long_is_not_sent),
		cmocka_unit_test(test_a_peer_that_is_gone_or_deaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
