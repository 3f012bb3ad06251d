/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp.c: TCP connections between the two lanes of a group. */
#include "path/tcp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TOKEN = 16, STRANGERS_MAX = 64, GATHER_MS = 15000, CONNECT_MS = 10000, BACKLOG = 128 };

/* What the lanes tell each other through the group, in network order. */
struct said {
	uint8_t token[TOKEN];
	uint32_t port, streams;
};

/* What every connection begins with. */
struct hello {
	uint8_t token[TOKEN];
	uint32_t stream;
};

void fl_tcp_name_peer(const struct fl_tcp_spec *spec, char ret[FL_TCP_NAME_MAX])
{
	unsigned rank = 1 - fl_rank(spec->lane);

	snprintf(ret, FL_TCP_NAME_MAX, "rank %u (%s, %.80s)", rank, spec->roles[rank], fl_address(spec->lane, rank));
}

void fl_tcp_close(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* ---- one socket */

static int resolve(const char *address, struct sockaddr_storage *ret, socklen_t *ret_n, struct fl_err *err)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int rc = getaddrinfo(address, NULL, &hints, &found);

	if (rc)
		return fl_fail(err, -EINVAL, "'%.80s' is no address: %s", address, gai_strerror(rc));
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_n = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)address)->sin_port = htons(port);
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
						    : ((const struct sockaddr_in *)address)->sin_port);
}

/* A socket of that family, bound to the interface where there is one. */
static int make_socket(int family, const char *interface, int *ret, struct fl_err *err)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fl_fail(err, -errno, "make a socket: %s", strerror(errno));
	if (*interface &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface) + 1) < 0) {
		int code = errno;

		close(fd);
		return fl_fail(err, -code, "bind to interface '%.40s': %s", interface, strerror(code));
	}
	*ret = fd;
	return 0;
}

/* Blocking, without delay, and given up by the kernel when the other host does not answer any more. */
static int settle(int fd, struct fl_err *err)
{
	const int on = 1, idle_s = 5, interval_s = 1, probes = 5, patience_ms = FL_TCP_PATIENCE_MS;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms)) < 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0)
		return fl_fail(err, -errno, "set options of a connection: %s", strerror(errno));
	return 0;
}

/* Until the time is over: at most one second a look, so that a clock that jumps does no harm. */
static int poll_until(struct pollfd *p, nfds_t n, uint64_t until_ns)
{
	uint64_t now_ns = fl_now_ns();
	int rc;

	if (now_ns >= until_ns)
		return -ETIMEDOUT;
	rc = poll(p, n, until_ns - now_ns < 1000000000 ? (int)((until_ns - now_ns) / 1000000) + 1 : 1000);
	return rc < 0 && errno != EINTR ? -errno : 0;
}

/* ---- rank 1: listens, and lets in who knows the token */

static int open_listener(const struct fl_tcp_spec *spec, int *ret, uint16_t *ret_port, struct fl_err *err)
{
	const char *address = fl_address(spec->lane, fl_rank(spec->lane));
	struct sockaddr_storage at;
	socklen_t n;
	int fd, rc = resolve(address, &at, &n, err);

	if (rc == 0)
		rc = make_socket(at.ss_family, spec->interface, &fd, err);
	if (rc < 0)
		return rc;
	if (bind(fd, (struct sockaddr *)&at, n) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) < 0) {
		rc = fl_fail(err, -errno, "listen at %.80s: %s", address, strerror(errno));
		close(fd);
		return rc;
	}
	*ret = fd;
	*ret_port = port_of(&at);
	return 0;
}

/* One that has connected and has not said all of its hello yet. */
struct guest {
	int fd;
	size_t n;
	struct hello hello;
};

struct door {
	const struct fl_tcp_spec *spec;
	const uint8_t *token;
	int listener, *fds;
	struct guest guests[FL_TCP_STREAMS_MAX];
	unsigned guests_n, in, strangers;
};

static void show_out(struct door *d, unsigned i)
{
	close(d->guests[i].fd);
	d->guests[i] = d->guests[--d->guests_n];
	d->strangers++;
}

/* 0: fd i said all and is in, is to say more, or was shown out. */
static void hear_guest(struct door *d, unsigned i)
{
	struct guest *g = &d->guests[i];
	ssize_t n = recv(g->fd, (char *)&g->hello + g->n, sizeof(g->hello) - g->n, MSG_DONTWAIT);
	uint32_t stream;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		show_out(d, i);
		return;
	}
	g->n += (size_t)n;
	if (g->n < sizeof(g->hello))
		return;
	stream = ntohl(g->hello.stream);
	if (memcmp(g->hello.token, d->token, TOKEN) != 0 || stream >= d->spec->streams || d->fds[stream] >= 0) {
		show_out(d, i);
		return;
	}
	d->fds[stream] = g->fd;
	d->in++;
	*g = d->guests[--d->guests_n];
}

/* Where more come than there is room for, the first goes: who belongs here says so at once. */
static void let_in(struct door *d)
{
	int fd = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (d->guests_n == FL_TCP_STREAMS_MAX)
		show_out(d, 0);
	d->guests[d->guests_n++] = (struct guest){ .fd = fd };
}

static int attend(struct door *d, uint64_t until_ns, struct fl_err *err)
{
	char peer[FL_TCP_NAME_MAX];

	while (d->in < d->spec->streams) {
		struct pollfd p[FL_TCP_STREAMS_MAX + 1] = { { .fd = d->listener, .events = POLLIN } };
		unsigned n = d->guests_n;
		int rc;

		for (unsigned i = 0; i < n; i++)
			p[i + 1] = (struct pollfd){ .fd = d->guests[i].fd, .events = POLLIN };
		rc = poll_until(p, n + 1, until_ns);
		fl_tcp_name_peer(d->spec, peer);
		if (rc == -ETIMEDOUT) {
			fl_fail(err, rc, "%s made %u of %u connections within %d s", peer, d->in, d->spec->streams,
				GATHER_MS / 1000);
			return fl_hint(err, "does a firewall keep the hosts apart?");
		}
		if (rc < 0)
			return fl_fail(err, rc, "wait for connections: %s", strerror(-rc));
		for (unsigned i = n; i-- > 0;) /* from behind: the last one takes the place of one that goes */
			if (p[i + 1].revents)
				hear_guest(d, i);
		if (p[0].revents)
			let_in(d);
		if (d->strangers > STRANGERS_MAX)
			return fl_fail(err, -EPERM, "%u connections came that are not of %s", d->strangers, peer);
	}
	return 0;
}

static int receive_all(const struct fl_tcp_spec *spec, int listener, const uint8_t *token, int *fds, struct fl_err *err)
{
	struct door *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return fl_fail(err, -ENOMEM, "no memory for connections");
	*d = (struct door){ .spec = spec, .token = token, .listener = listener };
	d->fds = fds;
	rc = attend(d, fl_now_ns() + UINT64_C(1000000) * GATHER_MS, err);
	for (unsigned i = 0; i < d->guests_n; i++)
		close(d->guests[i].fd);
	free(d);
	return rc;
}

/* ---- rank 0: connects */

static int await_connected(int fd, uint64_t until_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(int);
	int rc = 0, code = 0;

	while (rc == 0 && !p.revents)
		rc = poll_until(&p, 1, until_ns);
	if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &n) < 0)
		code = errno;
	return rc < 0 ? rc : -code;
}

static int connect_one(const struct fl_tcp_spec *spec, const struct said *to, uint32_t stream, int *ret,
		       struct fl_err *err)
{
	struct hello hello = { .stream = htonl(stream) };
	struct sockaddr_storage at;
	char peer[FL_TCP_NAME_MAX];
	socklen_t n;
	int fd, rc = resolve(fl_address(spec->lane, 1), &at, &n, err);

	if (rc == 0)
		rc = make_socket(at.ss_family, spec->interface, &fd, err);
	if (rc < 0)
		return rc;
	set_port(&at, (uint16_t)ntohl(to->port));
	memcpy(hello.token, to->token, TOKEN);
	rc = connect(fd, (struct sockaddr *)&at, n) < 0 ? -errno : 0;
	if (rc == -EINPROGRESS)
		rc = await_connected(fd, fl_now_ns() + UINT64_C(1000000) * CONNECT_MS);
	if (rc == 0 && send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello))
		rc = -EIO; /* an empty buffer takes it whole */
	if (rc < 0) {
		close(fd);
		fl_tcp_name_peer(spec, peer);
		fl_fail(err, rc, "connect to %s: %s", peer, strerror(-rc));
		return fl_hint(err, "does a firewall keep the hosts apart?");
	}
	*ret = fd;
	return 0;
}

static int connect_all(const struct fl_tcp_spec *spec, const struct said *to, int *fds, struct fl_err *err)
{
	int rc = 0;

	if (ntohl(to->streams) != spec->streams)
		return fl_fail(err, -EPROTO, "the other side expects %u streams, not %u", ntohl(to->streams),
			       spec->streams);
	for (unsigned i = 0; i < spec->streams && rc == 0; i++)
		rc = connect_one(spec, to, i, &fds[i], err);
	return rc;
}

/* ---- both */

static int meet(const struct fl_tcp_spec *spec, int *listener, int *fds, struct fl_err *err)
{
	struct said mine = { .streams = htonl(spec->streams) }, all[2];
	uint16_t port = 0;
	int rc = 0;

	if (fl_size(spec->lane) != 2)
		return fl_fail(err, -EINVAL, "needs two lanes, not %u", fl_size(spec->lane));
	if (getrandom(mine.token, TOKEN, 0) != TOKEN)
		return fl_fail(err, -errno, "no random numbers: %s", strerror(errno));
	if (fl_rank(spec->lane) == 1)
		rc = open_listener(spec, listener, &port, err);
	mine.port = htonl(port);
	if (rc == 0)
		rc = fl_allgather(spec->lane, "listen", &mine, sizeof(mine), all, err);
	if (rc < 0)
		return rc;
	if (fl_rank(spec->lane) == 1)
		rc = receive_all(spec, *listener, mine.token, fds, err);
	else
		rc = connect_all(spec, &all[1], fds, err);
	return rc == 0 ? fl_barrier(spec->lane, "connected", err) : rc;
}

int fl_tcp_connect(const struct fl_tcp_spec *spec, int *ret_fds, struct fl_err *err)
{
	int listener = -1, fds[FL_TCP_STREAMS_MAX], rc;

	for (unsigned i = 0; i < FL_TCP_STREAMS_MAX; i++)
		fds[i] = -1;
	rc = meet(spec, &listener, fds, err);
	for (unsigned i = 0; i < spec->streams && rc == 0; i++)
		rc = settle(fds[i], err);
	if (listener >= 0)
		close(listener);
	if (rc < 0) {
		fl_tcp_close(fds, FL_TCP_STREAMS_MAX);
		return rc;
	}
	memcpy(ret_fds, fds, spec->streams * sizeof(*fds));
	return 0;
}

/* ---- what it is */

uint64_t fl_tcp_retransmits(const int *fds, unsigned n)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < n; i++) {
		struct tcp_info info = { 0 };
		socklen_t room = sizeof(info);

		if (getsockopt(fds[i], IPPROTO_TCP, TCP_INFO, &info, &room) == 0)
			all += info.tcpi_total_retrans;
	}
	return all;
}

static bool is_same_address(const struct sockaddr *a, const struct sockaddr_storage *b)
{
	if (!a || a->sa_family != b->ss_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
		      sizeof(struct in6_addr)) == 0;
}

static void state_interface(int fd, struct fl_lane *lane)
{
	struct sockaddr_storage own;
	socklen_t n = sizeof(own);
	struct ifaddrs *all;

	if (getsockname(fd, (struct sockaddr *)&own, &n) < 0 || getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (is_same_address(i->ifa_addr, &own)) {
			fl_set_fact(lane, "interface", "%s", i->ifa_name);
			break;
		}
	freeifaddrs(all);
}

/* A line of the kernel's, its tabs as blanks. */
static void read_line(const char *path, char *ret, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, ret, room - 1);

	ret[n > 0 ? n : 0] = 0;
	ret[strcspn(ret, "\n")] = 0;
	for (char *c = ret; *c; c++)
		*c = *c == '\t' ? ' ' : *c;
	if (fd >= 0)
		close(fd);
}

void fl_tcp_state(int fd, struct fl_lane *lane)
{
	char name[32] = { 0 }, receive[64], sent[64];
	socklen_t room = sizeof(int);
	int value = 0;

	state_interface(fd, lane);
	if (getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &value, &room) == 0)
		fl_set_fact(lane, "mss", "%d", value);
	room = sizeof(name) - 1;
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &room) == 0)
		fl_set_fact(lane, "congestion", "%s", name);
	room = sizeof(value);
	if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &room) == 0)
		fl_set_fact(lane, "nodelay", "%s", value ? "yes" : "no");
	read_line("/proc/sys/net/ipv4/tcp_rmem", receive, sizeof(receive));
	read_line("/proc/sys/net/ipv4/tcp_wmem", sent, sizeof(sent));
	if (*receive && *sent)
		fl_set_fact(lane, "window", "%s; %s", receive, sent);
}

/* ---- while it runs */

int fl_tcp_ended(const struct fl_tcp_halt *halt, const char *peer, struct fl_err *err)
{
	const uint64_t until_ns = fl_now_ns() + UINT64_C(3000000000);

	while (!atomic_load(&halt->halted)) {
		if (fl_now_ns() >= until_ns)
			return fl_fail(err, -ECONNRESET, "%s ended the connection", peer);
		fl_sleep_until(fl_now_ns() + 5000000);
	}
	return -ECANCELED;
}

int fl_tcp_failed(int code, const char *what, const char *peer, struct fl_err *err)
{
	return fl_fail(err, code == -EPIPE ? -ECONNRESET : code, "%s %s: %s", what, peer, strerror(-code));
}

int fl_tcp_lost(const char *peer, struct fl_err *err)
{
	fl_fail(err, -ETIMEDOUT, "nothing moved between this lane and %s for %d s", peer, FL_TCP_PATIENCE_MS / 1000);
	return fl_hint(err, "is that host, or the network between, still there?");
}
