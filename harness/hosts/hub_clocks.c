/* SPDX-License-Identifier: Apache-2.0 */
/* hub_clocks.c: how far the clocks of the hosts are from the hub's. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/hub.h"
#include "hosts/hub_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>

/* Few hosts at a time: an answer that waits for others to be read looks like a long way. One that is slow gives its
 * place to the next after a while, and may still answer. */
enum { EXCHANGES = 8, AT_ONCE = 8 };
static const uint64_t slow_ns = UINT64_C(20000000), hung_ns = UINT64_C(3000000000);

struct exchange {
	unsigned left;	      /* to be done; 0: this host is through */
	uint64_t sent_ns;     /* of the one that is under way */
	uint64_t first_ns;    /* when it was asked first */
	uint64_t shortest_ns; /* UINT64_MAX: none yet */
	int64_t offset_ns;
	bool in_place; /* is one of the few */
};

struct clocks {
	struct fl_hub *hub;
	const struct fl_hub_ears *ears;
	struct exchange *of; /* by rank */
	size_t next;	     /* the first that was not asked yet */
	size_t at_once;
	size_t open; /* hosts that are not through */
};

static void ask(struct clocks *c, struct fl_hub_host *host)
{
	struct exchange *x = &c->of[host->rank];
	json_t *message;

	x->sent_ns = fl_now_ns();
	message = json_pack("{s:s, s:I}", "do", "clock", "sent_ns", (json_int_t)x->sent_ns);
	host->clocks_due++;
	fl_hub_tell(c->hub, host, message);
	json_decref(message);
}

static void free_place(struct clocks *c, struct exchange *x)
{
	if (x->in_place)
		c->at_once--;
	x->in_place = false;
}

static void finish(struct clocks *c, struct fl_hub_host *host)
{
	struct exchange *x = &c->of[host->rank];

	if (!x->left)
		return;
	x->left = 0;
	c->open--;
	free_place(c, x);
	if (x->shortest_ns == UINT64_MAX || host->lost)
		return;
	host->clock_offset_ns = x->offset_ns;
	host->clock_error_ns = (x->shortest_ns + 1) / 2;
	if (!host->clock_way_ns || x->shortest_ns < host->clock_way_ns)
		host->clock_way_ns = x->shortest_ns;
}

/* Is it hardly longer than the way to this host ever was? Then more exchanges find nothing better. */
static bool is_short(const struct fl_hub_host *host, uint64_t way_ns)
{
	return way_ns <= host->clock_way_ns + host->clock_way_ns / 4;
}

static int take_clock(struct clocks *c, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	struct exchange *x = &c->of[host->rank];
	uint64_t now_ns = fl_now_ns(), sent_ns = 0, at_ns = 0;
	int rc = fl_json_u64(message, "its clock", "sent_ns", UINT64_MAX, &sent_ns, err);

	if (rc == 0)
		rc = fl_json_u64(message, "its clock", "at_ns", UINT64_MAX, &at_ns, err);
	if (rc < 0)
		return rc;
	host->clocks_due -= host->clocks_due > 0;
	if (!x->left || sent_ns != x->sent_ns)
		return 0; /* the answer to an older question */
	if (now_ns - sent_ns < x->shortest_ns) {
		x->shortest_ns = now_ns - sent_ns;
		x->offset_ns = (int64_t)at_ns - (int64_t)(sent_ns + x->shortest_ns / 2);
	}
	if (x->left == 1 || is_short(host, x->shortest_ns)) {
		finish(c, host);
	} else {
		x->left--;
		ask(c, host);
	}
	return 0;
}

static int hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	struct clocks *c = arg;
	const char *is = fl_json_text_or_null(message, "is");
	int rc;

	if (is && !strcmp(is, "clock"))
		return take_clock(c, host, message, err);
	if (!c->ears || !c->ears->hear)
		return 0;
	rc = c->ears->hear(c->ears->arg, host, message, err);
	return rc < 0 ? rc : 0;
}

static void lost(void *arg, struct fl_hub_host *host)
{
	struct clocks *c = arg;

	c->ears->lost(c->ears->arg, host);
}

static void ask_more(struct clocks *c)
{
	while (c->at_once < AT_ONCE && c->next < c->hub->n) {
		struct fl_hub_host *host = &c->hub->hosts[c->next++];
		struct exchange *x = &c->of[host->rank];

		if (!x->left)
			continue;
		c->at_once++;
		x->in_place = true;
		x->first_ns = fl_now_ns();
		ask(c, host);
	}
}

/* Who is lost is through; who is slow gives way; who hangs is given up. */
static void look(struct clocks *c)
{
	uint64_t now_ns = fl_now_ns();

	for (size_t i = 0; i < c->next; i++) {
		struct fl_hub_host *host = &c->hub->hosts[i];
		struct exchange *x = &c->of[i];
		struct fl_err why = { 0 };

		if (!x->left)
			continue;
		if (now_ns - x->first_ns >= slow_ns)
			free_place(c, x);
		if (now_ns - x->first_ns >= hung_ns && x->shortest_ns == UINT64_MAX && !host->lost) {
			fl_fail(&why, -ETIMEDOUT, "it does not answer: it hangs, or the way to it is cut");
			fl_hub_lose(c->hub, host, &why);
		}
		if (host->lost || now_ns - x->first_ns >= hung_ns)
			finish(c, host);
	}
}

static void begin(struct clocks *c)
{
	for (size_t i = 0; i < c->hub->n; i++) {
		c->of[i].shortest_ns = UINT64_MAX;
		if (!c->hub->hosts[i].wire)
			continue;
		c->of[i].left = EXCHANGES;
		c->open++;
	}
}

int fl_hub_clocks(struct fl_hub *hub, const struct fl_hub_ears *ears, struct fl_err *err)
{
	struct clocks c = { .hub = hub, .ears = ears, .of = fl_zalloc(hub->n, sizeof(*c.of)) };
	const struct fl_hub_ears own = { .hear = hear, .lost = ears && ears->lost ? lost : NULL, .arg = &c };
	uint64_t looked_ns = fl_now_ns();
	int rc = 0;

	begin(&c);
	while (c.open > 0 && rc == 0) {
		uint64_t now_ns;

		ask_more(&c);
		rc = fl_hub_turn(hub, fl_now_ns() + slow_ns, &own, err);
		now_ns = fl_now_ns();
		if (now_ns - looked_ns >= slow_ns) {
			looked_ns = now_ns;
			look(&c);
		}
	}
	free(c.of);
	return rc;
}
