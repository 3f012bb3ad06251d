/* SPDX-License-Identifier: Apache-2.0 */
/* hub_door.c: who connects to the hub is a stranger until its hello has opened. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "hosts/hub.h"
#include "hosts/hub_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_MAX = 64, TRIES = 8 }; /* of one turn; to find one that did not greet */
static const uint64_t second_ns = UINT64_C(1000000000), life_ns = UINT64_C(5000000000);

void fl_door_open(struct fl_hub *hub)
{
	struct fl_door *door = fl_zalloc(1, sizeof(*door));

	hub->door = door;
	door->room = (uint32_t)hub->n + FL_DOOR_SPARE;
	door->strangers = fl_zalloc(door->room, sizeof(*door->strangers));
	for (uint32_t i = 0; i < door->room; i++)
		door->strangers[i].next_free = i + 1;
	door->credit = FL_DOOR_PER_S;
	door->credited_ns = fl_now_ns();
	door->random = door->credited_ns | 1;
}

/* The place is free again; its wire is closed or somebody else's. */
static void leave(struct fl_door *door, uint32_t place)
{
	struct fl_stranger *s = &door->strangers[place];

	s->wire = NULL;
	s->next_free = door->free;
	door->free = place;
	door->n--;
}

static void turn_away(struct fl_door *door, uint32_t place)
{
	fl_wire_close(door->strangers[place].wire);
	leave(door, place);
}

void fl_door_close(struct fl_hub *hub)
{
	struct fl_door *door = hub->door;

	if (hub->listen_fd >= 0)
		close(hub->listen_fd);
	hub->listen_fd = -1;
	fl_secret_forget(&hub->secret);
	if (!door)
		return;
	for (uint32_t i = 0; i < door->room; i++)
		fl_wire_close(door->strangers[i].wire);
	free(door->strangers);
	free(door);
	hub->door = NULL;
}

/* Says a line, as long as there were few of them; who knocks without end shall not fill a terminal or a log. */
static void say(struct fl_hub *hub, const char *line)
{
	struct fl_door *door = hub->door;

	if (door->lines > FL_DOOR_LINES_MAX || !hub->say)
		return;
	if (door->lines++ < FL_DOOR_LINES_MAX)
		hub->say(hub->say_arg, line);
	else
		hub->say(hub->say_arg, "more connections are refused, for reasons like these");
}

static void say_refused(struct fl_hub *hub, const char *address, const char *why)
{
	char *line = fl_format("refused a connection from %.*s: %.300s", FL_ADDRESS_TEXT, address, why);

	fl_blank_controls(line);
	if (strcmp(line, hub->door->refused) != 0) { /* who tries again is said once */
		fl_copy(hub->door->refused, sizeof(hub->door->refused), line);
		say(hub, line);
	}
	free(line);
}

/* ---- connections */

static void shut(struct fl_hub *hub, bool shuts)
{
	if (hub->door->shut == shuts)
		return;
	hub->door->shut = shuts;
	fl_hub_watch(hub, EPOLL_CTL_MOD, hub->listen_fd, shuts ? 0 : EPOLLIN, FL_EVENT_LISTENER);
}

/* xorshift: who has to go is no secret, it only must not be the same one each time. */
static uint32_t any_place(struct fl_door *door)
{
	door->random ^= door->random << 13;
	door->random ^= door->random >> 7;
	door->random ^= door->random << 17;
	return (uint32_t)(door->random % door->room);
}

/* Rather one that did not even greet as a feedline. All places are taken. */
static uint32_t who_goes(struct fl_door *door)
{
	uint32_t place = any_place(door);

	for (unsigned i = 0; i < TRIES && fl_wire_is_greeted(door->strangers[place].wire); i++)
		place = any_place(door);
	return place;
}

void fl_door_take(struct fl_hub *hub, int fd, const struct sockaddr_storage *from)
{
	struct fl_door *door = hub->door;
	struct fl_stranger *s;
	uint32_t place;

	if (door->free == door->room)
		turn_away(door, who_goes(door));
	place = door->free;
	s = &door->strangers[place];
	door->free = s->next_free;
	door->n++;
	s->wire = fl_wire_open(fd, FL_WIRE_HUB, &hub->secret);
	s->since_ns = fl_now_ns();
	fl_address_format(from, s->address);
	if (fl_hub_watch(hub, EPOLL_CTL_ADD, fd, EPOLLIN, FL_EVENT_HOST + hub->n + place) < 0)
		turn_away(door, place);
	else
		fl_door_hear(hub, place); /* an agent's greeting is there, and who is gone already takes no place */
}

void fl_door_accept(struct fl_hub *hub)
{
	struct fl_door *door = hub->door;

	for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t n = sizeof(from);
		int fd;

		if (door->credit == 0) {
			shut(hub, true);
			return;
		}
		fd = accept4(hub->listen_fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0) {
			if (errno != EAGAIN) /* no descriptors: look again in a while */
				shut(hub, true);
			return;
		}
		door->credit--;
		fl_door_take(hub, fd, &from);
	}
}

/* ---- words */

/* Tells it why, in a message that only an agent of this run can read, and closes. */
static void refuse(struct fl_hub *hub, uint32_t place, const struct fl_err *why)
{
	struct fl_stranger *s = &hub->door->strangers[place];
	json_t *message = json_pack("{s:s, s:i, s:o, s:o}", "do", "refused", "code", why->code, "what",
				    fl_json_string(why->what), "hint", fl_json_string(why->hint));

	fl_wire_send(s->wire, message, NULL);
	json_decref(message);
	say_refused(hub, s->address, why->what);
	turn_away(hub->door, place);
}

static void note_foreign(struct fl_door *door, const char *address)
{
	for (size_t i = 0; i < door->foreign_n; i++)
		if (!strcmp(door->foreign[i], address))
			return;
	if (door->foreign_n < FL_DOOR_FOREIGN_MAX)
		fl_copy(door->foreign[door->foreign_n++], FL_ADDRESS_TEXT, address);
}

/* It is gone, or what it says is nothing. Of several ways to the hub an agent takes one and leaves the others after our
 * greeting: no word about these. */
static void dismiss(struct fl_hub *hub, uint32_t place, const struct fl_err *why)
{
	struct fl_stranger *s = &hub->door->strangers[place];

	if (why->code == -EACCES) {
		note_foreign(hub->door, s->address);
		refuse(hub, place, why);
		return;
	}
	if (why->code == -EPIPE && !fl_wire_is_greeted(s->wire))
		say_refused(hub, s->address, "it went away without a word");
	else if (why->code != -EPIPE)
		say_refused(hub, s->address, why->what);
	turn_away(hub->door, place);
}

/* What makes the run impossible, whoever else comes. */
static void check_place(struct fl_hub *hub, const struct fl_hub_host *host)
{
	const json_t *local = json_object_get(host->hello, "local_size");
	struct fl_err *fatal = &hub->door->fatal;

	if (json_is_integer(local) && json_integer_value(local) > 1) {
		fl_fail(fatal, -EINVAL, "host %s: %lld agents were started on it, where one is needed", host->name,
			(long long)json_integer_value(local));
		fl_hint(fatal, "one process a host: mpirun --map-by ppr:1:node, srun --ntasks-per-node=1");
	}
	if (!hub->door->locked && fl_json_text_or_null(host->hello, "lock")) {
		hub->door->locked = host;
		hub->door->locked_ns = fl_now_ns();
	}
}

static int read_hello(const struct fl_hub *hub, const json_t *hello, uint64_t *ret_rank, const char **ret_name,
		      struct fl_err *err)
{
	const char *is = fl_json_text_or_null(hello, "is");
	int rc = 0;

	if (!is || strcmp(is, "hello") != 0)
		return fl_fail(err, -EPROTO, "it does not say hello");
	rc = fl_json_u64(hello, "its hello", "rank", UINT32_MAX, ret_rank, err);
	if (rc == 0)
		rc = fl_json_text(hello, "its hello", "host", ret_name, err);
	if (rc == 0 && !fl_host_name_is_good(*ret_name))
		rc = fl_fail(err, -EINVAL, "its hello: 'host' is not a name of a machine");
	if (rc == 0 && *ret_rank >= hub->n)
		rc = fl_fail(err, -EINVAL, "it is rank %llu ('%.64s'), of a run with ranks 0 to %zu",
			     (unsigned long long)*ret_rank, *ret_name, hub->n - 1);
	if (rc == 0 && hub->hosts[*ret_rank].hello)
		rc = fl_fail(err, -EEXIST, "it is a second rank %llu ('%.64s'): the first is '%s', at %s",
			     (unsigned long long)*ret_rank, *ret_name, hub->hosts[*ret_rank].name,
			     hub->hosts[*ret_rank].address);
	return rc;
}

static char *own_address_of(int fd)
{
	struct sockaddr_storage a = { 0 };
	char text[FL_ADDRESS_TEXT] = "";
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) == 0)
		fl_address_format(&a, text);
	return fl_dup(text);
}

static void admit(struct fl_hub *hub, uint32_t place, json_t *hello)
{
	struct fl_stranger *s = &hub->door->strangers[place];
	struct fl_err why = { 0 };
	struct fl_hub_host *host;
	const char *name = "";
	uint64_t rank = 0;
	json_t *welcome;

	if (read_hello(hub, hello, &rank, &name, &why) < 0) {
		refuse(hub, place, &why);
		return;
	}
	host = &hub->hosts[rank];
	free(host->name);
	host->name = fl_dup(name);
	host->address = fl_dup(s->address);
	host->reached = own_address_of(fl_wire_fd(s->wire));
	host->hello = json_incref(hello);
	host->wire = s->wire;
	host->messages = 1;
	host->bytes = fl_wire_bytes_in(host->wire);
	leave(hub->door, place);
	fl_hub_watch(hub, EPOLL_CTL_MOD, fl_wire_fd(host->wire), EPOLLIN, FL_EVENT_HOST + rank);
	check_place(hub, host);
	welcome = json_pack("{s:s}", "do", "welcome");
	fl_hub_tell(hub, host, welcome);
	json_decref(welcome);
}

void fl_door_hear(struct fl_hub *hub, uint32_t place)
{
	struct fl_door *door = hub->door;
	struct fl_err why = { 0 };
	json_t *message = NULL;
	int rc;

	if (!door || place >= door->room || !door->strangers[place].wire)
		return; /* it had to go a moment ago */
	rc = fl_wire_receive(door->strangers[place].wire, &message, &why);
	if (rc == 0)
		admit(hub, place, message);
	else if (rc != -EAGAIN)
		dismiss(hub, place, &why);
	json_decref(message);
}

void fl_door_tick(struct fl_hub *hub, uint64_t now_ns)
{
	struct fl_door *door = hub->door;

	if (!door)
		return;
	if (now_ns - door->credited_ns >= second_ns) {
		door->credited_ns = now_ns;
		door->credit = FL_DOOR_PER_S;
	}
	if (door->credit > 0)
		shut(hub, false);
	for (uint32_t i = 0; i < door->room && door->n > 0; i++) {
		struct fl_stranger *s = &door->strangers[i];

		if (!s->wire || now_ns - s->since_ns < life_ns || now_ns < s->since_ns)
			continue;
		say_refused(hub, s->address, "it did not say who it is within 5 s");
		turn_away(door, i);
	}
}
