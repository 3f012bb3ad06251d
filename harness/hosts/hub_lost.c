/* SPDX-License-Identifier: Apache-2.0 */
/* hub_lost.c: which host is gone, in the little time that is left to a hub that is told to end. A launcher that ends
 * all because of one host says so to nobody, and a host without power says nothing itself: each is asked once. */
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
static const uint64_t answer_ns = UINT64_C(400000000); /* mpirun kills a second after it has asked */

struct roll {
	bool *answered; /* by rank */
	size_t open;
};

static void count(struct roll *roll, const struct fl_hub_host *host)
{
	if (roll->answered[host->rank])
		return;
	roll->answered[host->rank] = true;
	roll->open--;
}

static int hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	const char *is = fl_json_text_or_null(message, "is");

	(void)err;
	if (is && !strcmp(is, "clock")) /* of what it has sent before, nothing is an answer */
		count(arg, host);
	return 0;
}

static void call_roll(struct fl_hub *hub, struct roll *roll)
{
	const struct fl_hub_ears ears = { .hear = hear, .arg = roll };
	const volatile sig_atomic_t *interrupt = hub->interrupt;
	const uint64_t until_ns = fl_now_ns() + answer_ns;
	json_t *question = json_pack("{s:s, s:I}", "do", "clock", "sent_ns", (json_int_t)fl_now_ns());

	for (size_t i = 0; i < hub->n; i++)
		roll->open += hub->hosts[i].wire != NULL;
	hub->interrupt = NULL;
	fl_hub_tell_all(hub, question);
	while (roll->open > 0 && fl_now_ns() < until_ns && fl_hub_turn(hub, until_ns, &ears, NULL) >= 0)
		for (size_t i = 0; i < hub->n; i++)
			if (hub->hosts[i].lost)
				count(roll, &hub->hosts[i]);
	hub->interrupt = interrupt;
	json_decref(question);
}

/* "hosts n3, n4 were lost: why of the first", of those that are meant; NULL: there are none. */
static char *name_them(const struct fl_hub *hub, const bool *meant, bool lost)
{
	const char **names = fl_zalloc(hub->n, sizeof(*names));
	const struct fl_hub_host *first = NULL;
	struct fl_text text = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < hub->n; i++) {
		if (!meant[i])
			continue;
		first = first ? first : &hub->hosts[i];
		names[n++] = hub->hosts[i].name ? hub->hosts[i].name : "?";
	}
	if (n > 0) {
		fl_text_add(&text, "host%s ", n > 1 ? "s" : "");
		fl_names_collapse(names, n, NAMES_MAX, &text);
		if (lost)
			fl_text_add(&text, " %s lost: %.160s", n > 1 ? "were" : "was", first->why.what);
		else
			fl_text_add(&text, " %s not answer any more", n > 1 ? "do" : "does");
	}
	free(names);
	return text.bytes;
}

char *fl_hub_who_is_lost(struct fl_hub *hub)
{
	struct roll roll = { .answered = fl_zalloc(hub->n, sizeof(bool)) };
	bool *meant = fl_zalloc(hub->n, sizeof(bool));
	char *text;

	for (size_t i = 0; i < hub->n; i++)
		meant[i] = hub->hosts[i].lost && hub->hosts[i].why.code != -EINTR;
	text = name_them(hub, meant, true);
	if (!text) { /* who goes away now was told to, as we were */
		call_roll(hub, &roll);
		for (size_t i = 0; i < hub->n; i++)
			meant[i] = hub->hosts[i].wire && !roll.answered[i];
		text = name_them(hub, meant, false);
	}
	free(meant);
	free(roll.answered);
	return text;
}
