/* SPDX-License-Identifier: Apache-2.0 */
/* hub.c: the hosts, and the one loop that hears them. */
#include "hosts/hub.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "hosts/hub_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

/* How many events are taken at once, and how often the hub looks up. */
enum { EVENTS_MAX = 64, TICK_NS = 100000000, BACKLOG = 4096 };
static const uint64_t alive_ns = UINT64_C(5000000000);

/* ---- open */

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int listen_at(const struct sockaddr_storage *a, socklen_t n, struct fl_err *err)
{
	int fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int off = 0, on = 1;

	if (fd < 0)
		return fl_fail(err, -errno, "make a socket: %s", strerror(errno));
	if (a->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	/* at a port that was given, connections of the run before may still time out */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)a, n) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	fl_fail(err, -errno, "listen for agents: %s", strerror(errno));
	close(fd);
	return err ? err->code : -EADDRNOTAVAIL;
}

/* At the address that was asked for; else at all, of both families where there are both. */
static int make_listener(const struct fl_hub_spec *spec, struct fl_err *err)
{
	struct sockaddr_storage a;
	socklen_t n;
	int rc;

	if (spec->bind) {
		rc = fl_address_parse(spec->bind, spec->port, &a, &n, err);
		return rc < 0 ? rc : listen_at(&a, n, err);
	}
	rc = fl_address_parse("::", spec->port, &a, &n, err);
	if (rc == 0)
		rc = listen_at(&a, n, NULL);
	if (rc >= 0)
		return rc;
	rc = fl_address_parse("0.0.0.0", spec->port, &a, &n, err);
	return rc < 0 ? rc : listen_at(&a, n, err);
}

static bool is_any(const char *address)
{
	return !strcmp(address, "::") || !strcmp(address, "0.0.0.0");
}

static int find_addresses(struct fl_hub *hub, struct fl_err *err)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);
	char text[FL_ADDRESS_TEXT];

	if (getsockname(hub->listen_fd, (struct sockaddr *)&a, &n) < 0)
		return fl_fail(err, -errno, "ask a socket for its address: %s", strerror(errno));
	hub->port = fl_address_port(&a);
	fl_address_format(&a, text);
	if (!*text || is_any(text))
		hub->addresses_n = fl_address_own(hub->addresses, FL_ADDRESSES_MAX);
	else
		hub->addresses[hub->addresses_n++] = fl_dup(text);
	return 0;
}

int fl_hub_watch(struct fl_hub *hub, int op, int fd, uint32_t events, uint64_t about)
{
	struct epoll_event event = { .events = events, .data.u64 = about };

	return epoll_ctl(hub->epoll_fd, op, fd, &event);
}

static void make_hosts(struct fl_hub *hub, const struct fl_hub_spec *spec)
{
	hub->n = spec->n;
	hub->hosts = fl_zalloc(spec->n, sizeof(*hub->hosts));
	for (unsigned i = 0; i < spec->n; i++) {
		hub->hosts[i].rank = i;
		hub->hosts[i].name = fl_dup(spec->names ? spec->names[i] : NULL);
	}
}

static void free_hub(struct fl_hub *hub);

int fl_hub_open(const struct fl_hub_spec *spec, struct fl_hub **ret, struct fl_err *err)
{
	struct fl_hub *hub;
	int rc = 0;

	if (spec->n < 1 || spec->n > FL_HOSTS_MAX)
		return fl_fail(err, -EINVAL, "%u hosts are not 1 to %d", spec->n, FL_HOSTS_MAX);
	raise_descriptors();
	hub = fl_zalloc(1, sizeof(*hub));
	hub->interrupt = spec->interrupt;
	hub->catalog_digest = fl_dup(spec->catalog_digest);
	make_hosts(hub, spec);
	fl_door_open(hub);
	if (spec->secret)
		hub->secret = *spec->secret;
	else
		fl_secret_make(&hub->secret);
	hub->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	hub->listen_fd = spec->listen_fd >= 0 ? spec->listen_fd : make_listener(spec, err);
	if (hub->listen_fd < 0)
		rc = hub->listen_fd;
	if (rc == 0)
		rc = find_addresses(hub, err);
	if (rc == 0 && fl_hub_watch(hub, EPOLL_CTL_ADD, hub->listen_fd, EPOLLIN, FL_EVENT_LISTENER) < 0)
		rc = fl_fail(err, -errno, "watch for agents: %s", strerror(errno));
	if (rc == 0) {
		*ret = hub;
		return 0;
	}
	if (hub->listen_fd == spec->listen_fd)
		hub->listen_fd = -1;
	free_hub(hub);
	return rc;
}

void fl_hub_bootstrap(const struct fl_hub *hub, unsigned rank, struct fl_bootstrap *ret)
{
	*ret = (struct fl_bootstrap){ .port = hub->port,
				      .secret = hub->secret,
				      .rank = (int)rank,
				      .size = (unsigned)hub->n,
				      .host = fl_dup(hub->hosts[rank].name) };
	ret->addresses = fl_zalloc(hub->addresses_n, sizeof(*ret->addresses));
	for (size_t i = 0; i < hub->addresses_n; i++)
		ret->addresses[ret->addresses_n++] = fl_dup(hub->addresses[i]);
}

/* ---- one host */

void fl_hub_lose(struct fl_hub *hub, struct fl_hub_host *host, const struct fl_err *why)
{
	if (host->lost)
		return;
	host->lost = true;
	host->why = *why;
	fl_wire_close(host->wire); /* and with its descriptor what epoll knows of it */
	host->wire = NULL;
	hub->lost_n++;
	hub->lost_untold_n++;
}

static void watch_room(struct fl_hub *hub, struct fl_hub_host *host)
{
	bool waits = fl_wire_is_full(host->wire);

	if (waits == host->waits_for_room)
		return;
	host->waits_for_room = waits;
	fl_hub_watch(hub, EPOLL_CTL_MOD, fl_wire_fd(host->wire), EPOLLIN | (waits ? EPOLLOUT : 0),
		     FL_EVENT_HOST + host->rank);
}

/* After something was sent to it. */
static void after_sending(struct fl_hub *hub, struct fl_hub_host *host, int rc, const struct fl_err *why)
{
	if (rc < 0)
		fl_hub_lose(hub, host, why);
	else
		watch_room(hub, host);
}

void fl_hub_tell(struct fl_hub *hub, struct fl_hub_host *host, const json_t *message)
{
	struct fl_err why = { 0 };

	if (host->wire)
		after_sending(hub, host, fl_wire_send(host->wire, message, &why), &why);
}

void fl_hub_tell_all(struct fl_hub *hub, const json_t *message)
{
	struct fl_text text = { 0 };

	fl_json_write(message, 0, &text);
	for (size_t i = 0; i < hub->n; i++) {
		struct fl_hub_host *host = &hub->hosts[i];
		struct fl_err why = { 0 };

		if (host->wire)
			after_sending(hub, host, fl_wire_send_text(host->wire, fl_text_str(&text), text.n, &why), &why);
	}
	fl_text_release(&text);
}

/* ---- the loop */

static int hear_message(struct fl_hub *hub, struct fl_hub_host *host, const struct fl_hub_ears *ears)
{
	struct fl_err why = { 0 };
	json_t *message = NULL;
	int rc = fl_wire_receive(host->wire, &message, &why);

	if (rc == -EAGAIN)
		return 0;
	if (rc == 0) {
		host->messages++;
		host->bytes = fl_wire_bytes_in(host->wire);
		if (ears && ears->hear)
			rc = ears->hear(ears->arg, host, message, &why);
		json_decref(message);
	}
	if (rc >= 0)
		return rc;
	if (!why.code)
		fl_fail(&why, rc, "it said something that was not expected");
	fl_hub_lose(hub, host, &why);
	return 0;
}

/* One message a turn: so one that talks a lot does not keep the hub from the others; the wire reads no more than that
 * one, and epoll tells of the next. */
static int serve_host(struct fl_hub *hub, struct fl_hub_host *host, uint32_t events, const struct fl_hub_ears *ears)
{
	if (host->wire && (events & EPOLLOUT)) {
		struct fl_err why = { 0 };

		after_sending(hub, host, fl_wire_flush(host->wire, &why), &why);
	}
	return host->wire && (events & ~(uint32_t)EPOLLOUT) ? hear_message(hub, host, ears) : 0;
}

static int serve_event(struct fl_hub *hub, const struct epoll_event *event, const struct fl_hub_ears *ears)
{
	uint64_t about = event->data.u64;

	if (about == FL_EVENT_LISTENER)
		fl_door_accept(hub);
	else if (about < FL_EVENT_HOST + hub->n)
		return serve_host(hub, &hub->hosts[about - FL_EVENT_HOST], event->events, ears);
	else
		fl_door_hear(hub, (uint32_t)(about - FL_EVENT_HOST - hub->n));
	return 0;
}

/* An agent that hears nothing for long gives up, though the connection stands: the hub may hang, or be stopped. */
static void say_alive(struct fl_hub *hub, uint64_t now_ns)
{
	json_t *message;

	if (now_ns - hub->spoke_ns < alive_ns)
		return;
	hub->spoke_ns = now_ns;
	message = json_pack("{s:s}", "do", "alive");
	fl_hub_tell_all(hub, message);
	json_decref(message);
}

static void tick(struct fl_hub *hub)
{
	uint64_t now_ns = fl_now_ns();

	if (now_ns - hub->ticked_ns < TICK_NS)
		return;
	hub->ticked_ns = now_ns;
	fl_door_tick(hub, now_ns);
	say_alive(hub, now_ns);
	if (hub->waits)
		hub->waits(hub->waits_arg);
}

static void tell_lost(struct fl_hub *hub, const struct fl_hub_ears *ears)
{
	for (size_t i = 0; hub->lost_untold_n > 0 && ears && ears->lost && i < hub->n; i++) {
		struct fl_hub_host *host = &hub->hosts[i];

		if (!host->lost || host->lost_told)
			continue;
		host->lost_told = true;
		hub->lost_untold_n--;
		ears->lost(ears->arg, host);
	}
}

static bool is_interrupted(const struct fl_hub *hub)
{
	return hub->interrupt && *hub->interrupt;
}

/* Until the next tick, or until_ns; rounded up, so that the last wait is not many short ones. */
static int wait_ms(const struct fl_hub *hub, uint64_t until_ns)
{
	uint64_t now_ns = fl_now_ns(), next_ns = hub->ticked_ns + TICK_NS;

	if (is_interrupted(hub))
		return 0;
	if (until_ns < next_ns)
		next_ns = until_ns;
	return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns + 999999) / 1000000);
}

int fl_hub_turn(struct fl_hub *hub, uint64_t until_ns, const struct fl_hub_ears *ears, struct fl_err *err)
{
	struct epoll_event events[EVENTS_MAX];
	int n, rc = 0;

	tell_lost(hub, ears);
	n = epoll_wait(hub->epoll_fd, events, EVENTS_MAX, wait_ms(hub, until_ns));
	if (n < 0 && errno != EINTR)
		return fl_fail(err, -errno, "wait for agents: %s", strerror(errno));
	for (int i = 0; i < n && rc == 0; i++)
		rc = serve_event(hub, &events[i], ears);
	tell_lost(hub, ears);
	tick(hub);
	if (is_interrupted(hub))
		return fl_fail(err, -EINTR, "interrupted");
	return rc;
}

int fl_hub_listen(struct fl_hub *hub, uint64_t until_ns, const struct fl_hub_ears *ears, struct fl_err *err)
{
	int rc;

	do
		rc = fl_hub_turn(hub, until_ns, ears, err);
	while (rc == 0 && fl_now_ns() < until_ns);
	return rc;
}

/* ---- close */

static void free_host(struct fl_hub_host *host)
{
	fl_wire_close(host->wire);
	json_decref(host->hello);
	json_decref(host->environment);
	json_decref(host->visible);
	fl_machine_free(host->machine);
	free(host->name);
	free(host->address);
	free(host->reached);
}

static void free_hub(struct fl_hub *hub)
{
	fl_door_close(hub);
	for (size_t i = 0; i < hub->n; i++)
		free_host(&hub->hosts[i]);
	free(hub->hosts);
	for (size_t i = 0; i < hub->addresses_n; i++)
		free(hub->addresses[i]);
	free(hub->catalog_digest);
	if (hub->epoll_fd >= 0)
		close(hub->epoll_fd);
	fl_secret_forget(&hub->secret);
	free(hub);
}

static bool any_left(const struct fl_hub *hub)
{
	for (size_t i = 0; i < hub->n; i++)
		if (hub->hosts[i].wire)
			return true;
	return false;
}

/* A connection that is closed while something in it was not read is reset, and what was said last may be lost: what
 * hosts still say is read until they are gone. */
void fl_hub_close(struct fl_hub *hub)
{
	const uint64_t until_ns = fl_now_ns() + UINT64_C(1000000000);
	json_t *end;

	if (!hub)
		return;
	end = json_pack("{s:s}", "do", "end");
	hub->interrupt = NULL;
	hub->waits = NULL;
	fl_hub_tell_all(hub, end);
	hub->spoke_ns = fl_now_ns(); /* that was the last word */
	json_decref(end);
	while (any_left(hub) && fl_now_ns() < until_ns)
		if (fl_hub_turn(hub, until_ns, NULL, NULL) < 0)
			break;
	free_hub(hub);
}
