/* SPDX-License-Identifier: Apache-2.0 */
/* message.c: JSON packets over SOCK_SEQPACKET. */
#include "base/message.h"
#include "base/json.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for more descriptors than we accept: what arrives in excess must be received to be closed. */
enum { FDS_ROOM = 8 };

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDS_ROOM * sizeof(int))];
};

int fl_message_pair(int ret_fds[2], struct fl_err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
		return fl_fail(err, -errno, "make a socket pair: %s", strerror(errno));
	return 0;
}

static void attach_fd(struct msghdr *msg, union control *control, int pass_fd)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(sizeof(int));
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
}

static int send_packet(int fd, const struct msghdr *msg, struct fl_err *err)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		if (sendmsg(fd, msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fl_fail(err, errno == ECONNRESET ? -EPIPE : -errno, "send a message: %s",
				       strerror(errno));
		if (poll(&p, 1, 1000) == 0)
			return fl_fail(err, -ETIMEDOUT, "send a message: the peer does not read");
	}
}

int fl_message_send(int fd, const json_t *message, int pass_fd, struct fl_err *err)
{
	struct fl_text text = { 0 };
	union control control;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int rc;

	fl_json_write(message, 0, &text);
	iov = (struct iovec){ .iov_base = text.bytes, .iov_len = text.n };
	if (pass_fd >= 0)
		attach_fd(&msg, &control, pass_fd);
	rc = text.n > FL_MESSAGE_MAX
		     ? fl_fail(err, -EMSGSIZE, "a message of %zu bytes is longer than %d", text.n, FL_MESSAGE_MAX)
		     : send_packet(fd, &msg, err);
	fl_text_release(&text);
	return rc;
}

/* Takes the descriptors out of msg: the first into *ret_fd, any others are closed. Returns how many there were. */
static size_t take_fds(struct msghdr *msg, int *ret_fd)
{
	size_t taken = 0;

	*ret_fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (taken++ == 0)
				*ret_fd = fd;
			else
				close(fd);
		}
	}
	return taken;
}

static int check_packet(const struct msghdr *msg, const char *bytes, size_t n, size_t fds, json_t **ret,
			struct fl_err *err)
{
	struct fl_err why = { 0 };
	json_t *value;

	if (msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return fl_fail(err, -EPROTO, "a message is longer than %d bytes", FL_MESSAGE_MAX);
	if (fds > 1)
		return fl_fail(err, -EPROTO, "a message carries %zu descriptors", fds);
	if (fl_json_parse(bytes, n, "message", &value, &why) < 0)
		return fl_fail(err, -EPROTO, "%s", why.what);
	if (!json_is_object(value)) {
		json_decref(value);
		return fl_fail(err, -EPROTO, "a message is not a JSON object");
	}
	*ret = value;
	return 0;
}

int fl_message_receive(int fd, json_t **ret, int *ret_fd, struct fl_err *err)
{
	char bytes[FL_MESSAGE_MAX];
	union control control;
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};
	ssize_t n;
	size_t fds;
	int got_fd, rc;

	do
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return fl_fail(err, -EPIPE, "the peer closed the connection");
	if (n < 0)
		return fl_fail(err, -errno, "receive a message: %s", strerror(errno));
	fds = take_fds(&msg, &got_fd);
	rc = check_packet(&msg, bytes, (size_t)n, fds, ret, err);
	if (rc < 0) {
		if (got_fd >= 0)
			close(got_fd);
		return rc;
	}
	*ret_fd = got_fd;
	return 0;
}
