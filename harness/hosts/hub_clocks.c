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
	unsigned left;	      /* to be done; 0: this host is not asked, or through */
	uint64_t sent_ns;     /* of the one that is under way */
	uint64_t first_ns;    /* when it was asked first; 0: not yet */
	uint64_t shortest_ns; /* UINT64_MAX: none yet */
	uint64_t at_ns;	      /* when that was */
	int64_t offset_ns;
	bool in_place; /* is one of the few */
};

struct fl_hub_clocks {
	struct fl_hub *hub;
	uint64_t good_ns;
	const struct fl_hub_ears *ears; /* of who waits; NULL: nobody */
	struct exchange *of;		/* by rank */
	unsigned *queue;		/* a ring of those that wait for a place, by rank */
	size_t first, queue_n;
	size_t at_once;
	size_t open; /* hosts that are not through */
	uint64_t looked_ns;
};

static void ask(struct fl_hub_clocks *c, struct fl_hub_host *host)
{
	struct exchange *x = &c->of[host->rank];
	json_t *message;

	x->sent_ns = fl_now_ns();
	message = json_pack("{s:s, s:I}", "do", "clock", "sent_ns", (json_int_t)x->sent_ns);
	host->clocks_due++;
	fl_hub_tell(c->hub, host, message);
	json_decref(message);
}

static void free_place(struct fl_hub_clocks *c, struct exchange *x)
{
	if (x->in_place)
		c->at_once--;
	x->in_place = false;
}

static void finish(struct fl_hub_clocks *c, struct fl_hub_host *host)
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
	host->clock_at_ns = x->at_ns;
	if (!host->clock_way_ns || x->shortest_ns < host->clock_way_ns)
		host->clock_way_ns = x->shortest_ns;
}

/* Is it hardly longer than the way to this host ever was? Then more exchanges find nothing better. */
static bool is_short(const struct fl_hub_host *host, uint64_t way_ns)
{
	return way_ns <= host->clock_way_ns + host->clock_way_ns / 4;
}

static void take_place(struct fl_hub_clocks *c)
{
	while (c->at_once < AT_ONCE && c->queue_n > 0) {
		struct fl_hub_host *host = &c->hub->hosts[c->queue[c->first]];
		struct exchange *x = &c->of[host->rank];

		c->first = (c->first + 1) % c->hub->n;
		c->queue_n--;
		c->at_once++;
		x->in_place = true;
		x->first_ns = fl_now_ns();
		ask(c, host);
	}
}

struct fl_hub_clocks *fl_hub_clocks_open(struct fl_hub *hub, uint64_t good_ns)
{
	struct fl_hub_clocks *c = fl_zalloc(1, sizeof(*c));

	*c = (struct fl_hub_clocks){ .hub = hub,
				     .good_ns = good_ns,
				     .of = fl_zalloc(hub->n, sizeof(*c->of)),
				     .queue = fl_zalloc(hub->n, sizeof(*c->queue)) };
	return c;
}

void fl_hub_clocks_close(struct fl_hub_clocks *c)
{
	if (!c)
		return;
	free(c->of);
	free(c->queue);
	free(c);
}

void fl_hub_clocks_ask(struct fl_hub_clocks *c, struct fl_hub_host *host)
{
	struct exchange *x = &c->of[host->rank];

	if (!host->wire || x->left)
		return;
	*x = (struct exchange){ .left = EXCHANGES, .shortest_ns = UINT64_MAX };
	c->open++;
	c->queue[(c->first + c->queue_n++) % c->hub->n] = host->rank;
	take_place(c);
}

static void take_answer(struct fl_hub_clocks *c, struct fl_hub_host *host, uint64_t now_ns, uint64_t at_ns)
{
	struct exchange *x = &c->of[host->rank];

	if (now_ns - x->sent_ns < x->shortest_ns) {
		x->shortest_ns = now_ns - x->sent_ns;
		x->offset_ns = (int64_t)at_ns - (int64_t)(x->sent_ns + x->shortest_ns / 2);
		x->at_ns = now_ns;
	}
	if (x->left == 1 || x->shortest_ns / 2 < c->good_ns || is_short(host, x->shortest_ns)) {
		finish(c, host);
		take_place(c);
	} else {
		x->left--;
		ask(c, host);
	}
}

int fl_hub_clocks_hear(struct fl_hub_clocks *c, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	const struct exchange *x = c ? &c->of[host->rank] : NULL;
	uint64_t now_ns = fl_now_ns(), sent_ns = 0, at_ns = 0;
	int rc = fl_json_u64(message, "its clock", "sent_ns", UINT64_MAX, &sent_ns, err);

	if (rc == 0)
		rc = fl_json_u64(message, "its clock", "at_ns", UINT64_MAX, &at_ns, err);
	if (rc < 0)
		return rc;
	if (!host->clocks_due)
		return fl_fail(err, -EPROTO, "it said 'clock' out of turn");
	host->clocks_due--;
	/* others are answers to older questions, or to none: who waits for a place has sent_ns 0 */
	if (x && x->left && x->first_ns && x->sent_ns == sent_ns)
		take_answer(c, host, now_ns, at_ns);
	return 0;
}

/* Who does not answer while nobody waits for it may have better things to do. */
static void give_up(const struct fl_hub_clocks *c, struct fl_hub_host *host)
{
	struct fl_err why = { 0 };

	fl_fail(&why, -ETIMEDOUT, "it does not answer: it hangs, or the way to it is cut");
	if (!host->lost)
		fl_hub_lose(c->hub, host, &why);
}

/* Who is lost is through; who is slow gives way; who hangs is given up. */
static void look_at(struct fl_hub_clocks *c, struct fl_hub_host *host, uint64_t now_ns)
{
	struct exchange *x = &c->of[host->rank];
	uint64_t since_ns = x->first_ns ? now_ns - x->first_ns : 0;

	if (since_ns >= slow_ns)
		free_place(c, x);
	if (c->ears && since_ns >= hung_ns && x->shortest_ns == UINT64_MAX)
		give_up(c, host);
	if (x->first_ns && (host->lost || (c->ears && since_ns >= hung_ns)))
		finish(c, host);
}

void fl_hub_clocks_look(struct fl_hub_clocks *c)
{
	uint64_t now_ns = fl_now_ns();

	if (now_ns - c->looked_ns < slow_ns)
		return;
	c->looked_ns = now_ns;
	for (size_t i = 0; i < c->hub->n; i++)
		if (c->of[i].left)
			look_at(c, &c->hub->hosts[i], now_ns);
	take_place(c);
}

/* ---- waiting for all that were asked */

static int hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	struct fl_hub_clocks *c = arg;
	const char *is = fl_json_text_or_null(message, "is");
	int rc;

	if (is && !strcmp(is, "clock"))
		return fl_hub_clocks_hear(c, host, message, err);
	if (!c->ears->hear)
		return 0;
	rc = c->ears->hear(c->ears->arg, host, message, err);
	return rc < 0 ? rc : 0;
}

static void lost(void *arg, struct fl_hub_host *host)
{
	struct fl_hub_clocks *c = arg;

	c->ears->lost(c->ears->arg, host);
}

int fl_hub_clocks_wait(struct fl_hub_clocks *c, const struct fl_hub_ears *ears, struct fl_err *err)
{
	static const struct fl_hub_ears deaf = { .hear = NULL };
	const struct fl_hub_ears own = { .hear = hear, .lost = ears && ears->lost ? lost : NULL, .arg = c };
	uint64_t now_ns = fl_now_ns();
	int rc = 0;

	c->ears = ears ? ears : &deaf;
	for (size_t i = 0; i < c->hub->n; i++)
		if (c->of[i].first_ns)
			c->of[i].first_ns = now_ns;
	while (c->open > 0 && rc == 0) {
		rc = fl_hub_turn(c->hub, fl_now_ns() + slow_ns, &own, err);
		fl_hub_clocks_look(c);
	}
	c->ears = NULL;
	return rc;
}

int fl_hub_clocks(struct fl_hub *hub, uint64_t good_ns, const struct fl_hub_ears *ears, struct fl_err *err)
{
	struct fl_hub_clocks *c = fl_hub_clocks_open(hub, good_ns);
	int rc;

	for (size_t i = 0; i < hub->n; i++)
		fl_hub_clocks_ask(c, &hub->hosts[i]);
	rc = fl_hub_clocks_wait(c, ears, err);
	fl_hub_clocks_close(c);
	return rc;
}

uint64_t fl_hub_clock_aged_ns(const struct fl_hub_host *host, uint64_t at_ns)
{
	if (!host->clock_at_ns)
		return UINT64_MAX;
	return at_ns > host->clock_at_ns ? (at_ns - host->clock_at_ns) / FL_CLOCK_DRIFT_PART : 0;
}
