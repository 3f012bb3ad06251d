/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hub.c: an agent that knows the secret may say anything. The input is JSON, a message a line, the first one its
 * hello; a line that is no object closes the connection, and the next one begins another. Meanwhile the hub gathers,
 * asks the clocks and says what differs; it may lose hosts, and nothing else. */
#include "base/json.h"
#include "hosts/hub.h"
#include "hosts/hub_parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HOSTS = 2, INPUT_MAX = 65536, TURNS = 16 };

struct guest {
	struct fl_wire *w;
};

static void turn(struct fl_hub *hub)
{
	for (int i = 0; i < TURNS; i++)
		if (fl_hub_turn(hub, 0, NULL, NULL) < 0)
			abort();
}

static void leave(struct guest *g)
{
	fl_wire_close(g->w);
	g->w = NULL;
}

/* What the hub says is read, so that it is not kept from saying more. */
static void read_all(struct guest *g)
{
	json_t *message = NULL;
	int rc;

	while (g->w && (rc = fl_wire_receive(g->w, &message, NULL)) != -EAGAIN) {
		if (rc < 0)
			leave(g);
		else
			json_decref(message);
	}
}

static void come(struct guest *g, struct fl_hub *hub)
{
	const struct sockaddr_storage from = { 0 };
	int fds[2];

	if (!hub->door) /* all have come */
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	fl_door_take(hub, fds[0], &from);
	g->w = fl_wire_open(fds[1], FL_WIRE_AGENT, &hub->secret);
	turn(hub);
	read_all(g);
}

static void say(struct guest *g, struct fl_hub *hub, const char *line, size_t n)
{
	json_t *message = NULL;

	if (fl_json_parse(line, n, "line", &message, NULL) < 0 || !json_is_object(message)) {
		leave(g);
	} else {
		if (!g->w)
			come(g, hub);
		if (g->w)
			fl_wire_send(g->w, message, NULL);
	}
	json_decref(message);
}

static void check(const struct fl_hub *hub)
{
	size_t lost_n = 0;

	for (size_t i = 0; i < hub->n; i++) {
		const struct fl_hub_host *host = &hub->hosts[i];

		lost_n += host->lost;
		if (host->lost && (host->wire || !host->why.code || !*host->why.what))
			abort();
		if (host->wire && (!host->hello || !host->address || !fl_host_name_is_good(host->name)))
			abort();
	}
	if (lost_n != hub->lost_n)
		abort();
}

static void ask(struct fl_hub *hub)
{
	static const volatile sig_atomic_t interrupted = 1;
	struct fl_err err = { 0 };
	unsigned bars;
	char *table;

	if (fl_hub_gather(hub, 0, NULL, &err) == 0 && !hub->door && !hub->hosts[0].machine)
		abort();
	hub->interrupt = &interrupted; /* one turn: nobody waits for an answer */
	if (fl_hub_clocks(hub, 0, NULL, NULL) > 0)
		abort();
	hub->interrupt = NULL;
	table = fl_hub_differences(hub, &bars);
	if (table && (strlen(table) > 65536 || strchr(table, '\x1b')))
		abort();
	free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fl_hub_spec spec = { .n = HOSTS, .listen_fd = -1, .bind = "127.0.0.1" };
	const char *at = (const char *)data, *end = at + size;
	struct guest g = { 0 };
	struct fl_hub *hub;

	if (size > INPUT_MAX || fl_hub_open(&spec, &hub, NULL) < 0)
		return 0;
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t n = line_end ? (size_t)(line_end - at) : (size_t)(end - at);

		say(&g, hub, at, n);
		ask(hub);
		read_all(&g);
		check(hub);
		at += n + 1;
	}
	leave(&g);
	fl_hub_close(hub);
	return 0;
}
