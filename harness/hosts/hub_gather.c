/* SPDX-License-Identifier: Apache-2.0 */
/* hub_gather.c: waits until all hosts have come, or says who did not and why. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "hosts/hub.h"
#include "hosts/hub_parts.h"
#include "hosts/names.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 8 };
static const uint64_t look_ns = UINT64_C(100000000), holder_ns = UINT64_C(2000000000);

struct gather {
	struct fl_hub *hub;
	const struct fl_hub_launch *launch;
	size_t complete;
	struct fl_err fatal; /* a host that was lost while it joined */
};

/* ---- what hosts say */

static bool is_complete(const struct fl_hub_host *host)
{
	return host->machine;
}

static int take_machine(struct gather *g, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	const char *version = fl_json_text_or_null(host->hello, "version");
	json_t *machine = NULL, *environment = NULL;
	struct fl_err why = { 0 };
	int rc;

	if (is_complete(host))
		return fl_fail(err, -EPROTO, "it said twice what machine it is");
	rc = fl_json_object(message, "its machine", "machine", &machine, &why);
	if (rc == 0)
		rc = fl_json_object(message, "its machine", "environment", &environment, &why);
	if (rc == 0)
		rc = fl_machine_read(machine, &host->machine, &why);
	if (rc < 0) { /* another version may say it otherwise: that is the cause then */
		bool other = version && strcmp(version, FEEDLINE_VERSION) != 0;

		return other ? fl_fail(err, -EPROTO, "it has feedline %.32s, this is %s: %.160s", version,
				       FEEDLINE_VERSION, why.what)
			     : fl_fail(err, -EPROTO, "what it says of its machine: %.200s", why.what);
	}
	host->environment = json_incref(environment);
	host->visible = json_incref(json_object_get(message, "visible"));
	g->complete++;
	return 0;
}

/* An agent that cannot go on says so. */
static int take_failed(const json_t *message, struct fl_err *err)
{
	const char *what = fl_json_text_or_null(message, "what"), *hint = fl_json_text_or_null(message, "hint");
	const json_t *code = json_object_get(message, "code");
	json_int_t n = json_is_integer(code) ? json_integer_value(code) : 0;

	fl_fail(err, n < 0 && n > -4096 ? (int)n : -EPROTO, "%.250s", what ? what : "it failed for an unknown reason");
	if (hint && *hint)
		fl_hint(err, "%.700s", hint);
	return err->code;
}

static int hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	const char *is = fl_json_text_or_null(message, "is");

	if (is && !strcmp(is, "machine"))
		return take_machine(arg, host, message, err);
	if (is && !strcmp(is, "failed"))
		return take_failed(message, err);
	return fl_fail(err, -EPROTO, "it said '%.32s' where it should say what machine it is", is ? is : "");
}

static void lost(void *arg, struct fl_hub_host *host)
{
	struct gather *g = arg;

	fl_fail(&g->fatal, host->why.code, "host %s (%s): %.240s", host->name, host->address ? host->address : "-",
		host->why.what);
	if (*host->why.hint)
		fl_hint(&g->fatal, "%s", host->why.hint);
}

/* ---- who did not come */

static const char *name_of(const struct fl_hub_host *host, char *room, size_t room_n)
{
	char *text;

	if (host->name)
		return host->name;
	text = fl_format("rank %u", host->rank);
	fl_copy(room, room_n, text);
	free(text);
	return room;
}

/* The names of hosts that never came (or: that came, and no further); how many, and the first of them. */
static size_t missing(const struct fl_hub *hub, bool came, struct fl_text *names, const struct fl_hub_host **ret_first)
{
	const char **list = fl_zalloc(hub->n, sizeof(*list));
	char(*unnamed)[24] = fl_zalloc(hub->n, sizeof(*unnamed));
	size_t n = 0;

	for (size_t i = 0; i < hub->n; i++) {
		const struct fl_hub_host *host = &hub->hosts[i];

		if (is_complete(host) || (host->hello != NULL) != came)
			continue;
		if (n == 0)
			*ret_first = host;
		list[n] = name_of(host, unnamed[n], sizeof(unnamed[n]));
		n++;
	}
	fl_names_collapse(list, n, NAMES_MAX, names);
	free(list);
	free(unnamed);
	return n;
}

static void add_hint(const struct fl_hub *hub, struct fl_err *err)
{
	struct fl_text text = { 0 };

	if (*hub->door->refused) {
		fl_hint(err, "%s", hub->door->refused);
		return;
	}
	for (size_t i = 0; i < hub->addresses_n; i++)
		fl_text_add(&text, "%s%s", i ? ", " : "", hub->addresses[i]);
	fl_hint(err, "can they reach port %u of %.600s? a firewall, or an interface that is down, keeps them away",
		hub->port, fl_text_str(&text));
	fl_text_release(&text);
}

static const char *starter(const struct gather *g, const struct fl_hub_host *host)
{
	if (!g->launch || !g->launch->started_by)
		return NULL;
	return g->launch->started_by(g->launch->arg, host->rank);
}

static int say_late(const struct gather *g, uint64_t limit_ns, struct fl_err *err)
{
	const struct fl_hub_host *never = NULL, *stuck = NULL;
	struct fl_text never_names = { 0 }, stuck_names = { 0 }, text = { 0 };
	size_t never_n = missing(g->hub, false, &never_names, &never);
	size_t stuck_n = missing(g->hub, true, &stuck_names, &stuck);
	const char *by = never ? starter(g, never) : NULL;

	fl_text_add(&text, "host%s %s did not arrive within %g s (", never_n + stuck_n > 1 ? "s" : "",
		    fl_text_str(never_n ? &never_names : &stuck_names), (double)limit_ns / 1e9);
	if (by)
		fl_text_add(&text, "%.32s started %s, ", by, never_n > 1 ? "them" : "it");
	if (never_n)
		fl_text_add(&text, "%s never connected)", never_n > 1 ? "they" : "it");
	if (never_n && stuck_n)
		fl_text_add(&text, ", nor %s (", fl_text_str(&stuck_names));
	if (stuck_n)
		fl_text_add(&text, "connected, but never said what machine it is)");
	fl_fail(err, -ETIMEDOUT, "%s", fl_text_str(&text));
	if (never_n)
		add_hint(g->hub, err);
	fl_text_release(&never_names);
	fl_text_release(&stuck_names);
	fl_text_release(&text);
	return -ETIMEDOUT;
}

/* The time is over, and agents with another secret came. Not before: anybody may knock with another secret, and those
 * who are missing may still be on their way. */
static int say_foreign(const struct gather *g, struct fl_err *err)
{
	const struct fl_door *door = g->hub->door;
	const struct fl_hub_host *first = NULL;
	struct fl_text names = { 0 }, text = { 0 };
	size_t n = missing(g->hub, false, &names, &first);

	for (size_t i = 0; i < door->foreign_n; i++)
		fl_text_add(&text, "%s%s", i ? ", " : "", door->foreign[i]);
	fl_fail(err, -EACCES, "the agent%s at %.120s had another secret and %s refused; host%s %.120s did not arrive",
		door->foreign_n > 1 ? "s" : "", fl_text_str(&text), door->foreign_n > 1 ? "were" : "was",
		n > 1 ? "s" : "", fl_text_str(&names));
	fl_hint(err,
		"every run has a secret of its own: is an agent of another run there, or FEEDLINE_SECRET another one?");
	fl_text_release(&names);
	fl_text_release(&text);
	return -EACCES;
}

/* ---- all */

/* Two agents under one name would be one host in every table. */
static int check_names(const struct fl_hub *hub, struct fl_err *err)
{
	for (size_t i = 0; i < hub->n; i++)
		for (size_t k = i + 1; k < hub->n; k++)
			if (!strcmp(hub->hosts[i].name, hub->hosts[k].name)) {
				fl_fail(err, -EINVAL, "ranks %zu and %zu are both on host '%s'; one agent a host", i, k,
					hub->hosts[i].name);
				return fl_hint(err, "one process a host: mpirun --map-by ppr:1:node, "
						    "srun --ntasks-per-node=1");
			}
	return 0;
}

static bool is_same(const struct fl_hub_host *a, const struct fl_hub_host *b, const char *key)
{
	const char *one = fl_json_text_or_null(a->hello, key), *other = fl_json_text_or_null(b->hello, key);

	return one && other && !strcmp(one, other); /* two that are not known are not the same */
}

/* Has that agent the lock which the other one could not have? There is one lock in each network namespace of a machine.
 * What it is called in PID namespaces, which each container has of its own, does not matter. */
static bool holds_lock_of(const struct fl_hub_host *host, const struct fl_hub_host *locked)
{
	return host != locked && host->hello && !fl_json_text_or_null(host->hello, "lock") &&
	       is_same(host, locked, "boot_id") && is_same(host, locked, "network_namespace");
}

/* Another feedline has the lock of a node. It may be an agent of this run, which came to that machine by another name,
 * and is on its way to us. Below 0 with *err: it is known, or was waited for. */
static int check_lock(const struct fl_hub *hub, struct fl_err *err)
{
	const struct fl_hub_host *locked = hub->door->locked;
	size_t came = 0;

	for (size_t i = 0; locked && i < hub->n; i++) {
		came += hub->hosts[i].hello != NULL;
		if (!holds_lock_of(&hub->hosts[i], locked))
			continue;
		fl_fail(err, -EINVAL, "hosts %s and %s are one machine", hub->hosts[i].name, locked->name);
		return fl_hint(err, "there is one agent on a host; name each once");
	}
	if (!locked || (came < hub->n && fl_now_ns() - hub->door->locked_ns < holder_ns))
		return 0;
	fl_fail(err, -EBUSY, "host %s: %.200s", locked->name, fl_json_text_or_null(locked->hello, "lock"));
	return fl_hint(err, "two runs at once would measure each other: wait for it to end, or stop it");
}

/* ---- the host of the hub */

/* From this machine itself: such a connection has one address at both ends, whichever of ours it was made to. */
static bool is_here(const struct fl_hub_host *host)
{
	return *host->reached && !strcmp(host->address, host->reached);
}

/* The address of ours that most of the others came to; NULL: there are no others. */
static const char *most_reached(const struct fl_hub *hub)
{
	const char *best = NULL;
	size_t best_n = 0;

	for (size_t i = 0; i < hub->n; i++) {
		const char *reached = hub->hosts[i].reached;
		size_t n = 0;

		if (is_here(&hub->hosts[i]) || !*reached || (best && !strcmp(best, reached)))
			continue;
		for (size_t k = i; k < hub->n; k++)
			n += !is_here(&hub->hosts[k]) && !strcmp(hub->hosts[k].reached, reached);
		if (n > best_n) {
			best = reached;
			best_n = n;
		}
	}
	return best;
}

/* The agent on the hub's own host gets to the hub by any address, also one that means nothing elsewhere (a bridge for
 * containers) or belongs to a slower network. The others are told, and it is measured, where they really came. */
static void settle_own_address(struct fl_hub *hub)
{
	const char *reached = most_reached(hub);
	char interface[FL_INTERFACE_TEXT], network[FL_ADDRESS_TEXT];

	if (!reached)
		return;
	fl_address_interface(reached, interface, network);
	for (size_t i = 0; i < hub->n; i++) {
		struct fl_hub_host *host = &hub->hosts[i];

		if (!is_here(host) || !strcmp(host->address, reached))
			continue;
		free(host->address);
		host->address = fl_dup(reached);
		json_object_set_new(host->hello, "interface", fl_json_string(*interface ? interface : NULL));
		json_object_set_new(host->hello, "network", fl_json_string(*network ? network : NULL));
	}
}

/* 0: wait on; 1: all are here; below 0: no more waiting. */
static int look(struct gather *g, uint64_t until_ns, uint64_t limit_ns, struct fl_err *err)
{
	const struct fl_door *door = g->hub->door;
	const struct fl_err *fatal = door->fatal.code ? &door->fatal : &g->fatal;
	uint64_t now_ns = fl_now_ns();

	int rc;

	if (fatal->code) {
		*err = *fatal;
		return fatal->code;
	}
	rc = check_lock(g->hub, err);
	if (rc < 0)
		return rc;
	if (g->complete == g->hub->n)
		return 1;
	if (now_ns >= until_ns)
		return door->foreign_n ? say_foreign(g, err) : say_late(g, limit_ns, err);
	return 0;
}

static int wait_for_all(struct gather *g, uint64_t limit_ns, struct fl_err *err)
{
	const struct fl_hub_ears ears = { .hear = hear, .lost = lost, .arg = g };
	const uint64_t until_ns = fl_now_ns() + limit_ns;
	uint64_t checked_ns = 0;
	int rc;

	do {
		uint64_t now_ns = fl_now_ns();

		rc = fl_hub_turn(g->hub, now_ns + look_ns < until_ns ? now_ns + look_ns : until_ns, &ears, err);
		if (rc == 0)
			rc = look(g, until_ns, limit_ns, err);
		if (rc == 0 && g->launch && g->launch->check && now_ns - checked_ns >= look_ns) {
			checked_ns = now_ns;
			rc = g->launch->check(g->launch->arg, err);
		}
	} while (rc == 0);
	return rc;
}

int fl_hub_gather(struct fl_hub *hub, uint64_t limit_ns, const struct fl_hub_launch *launch, struct fl_err *err)
{
	struct gather g = { .hub = hub, .launch = launch };
	struct fl_err why = { 0 };
	int rc;

	if (!hub->door)
		return 0; /* they are here */
	for (size_t i = 0; i < hub->n; i++)
		g.complete += is_complete(&hub->hosts[i]);
	rc = wait_for_all(&g, limit_ns, &why);
	if (rc > 0)
		rc = check_names(hub, &why);
	if (rc == 0) {
		settle_own_address(hub);
		fl_door_close(hub);
	} else if (err) {
		*err = why;
	}
	return rc;
}
