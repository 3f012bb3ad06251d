/* SPDX-License-Identifier: Apache-2.0 */
/* crew_clocks.c: the clocks of the hosts before a case and after it. What was found after one also holds before the
 * next, where that follows so soon that a clock that runs wrong has not gone far; else a host is asked when it has
 * opened its lanes, while others still do. Either way one that jumps between is seen after the case. */
#include "base/alloc.h"
#include "hosts/crew_parts.h"
#include <feedline/clock.h>
#include <stdlib.h>

void fl_crew_clocks_begin(struct fl_crew_case *c)
{
	c->clocks = fl_hub_clocks_open(c->crew->hub, c->good_ns);
}

/* One that ends workers does not listen. */
void fl_crew_clocks_ask(struct fl_crew_case *c, struct fl_crew_part *part)
{
	uint64_t aged_ns = fl_hub_clock_aged_ns(part->host, fl_now_ns());

	if (c->clocks && !part->ended && (aged_ns >= c->good_ns || part->host->clock_error_ns >= c->good_ns - aged_ns))
		fl_hub_clocks_ask(c->clocks, part->host);
}

static int hear_quietly(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	int rc = fl_crew_hear(arg, host, message, err);

	return rc < 0 ? rc : 0;
}

/* The last word of those that were asked. */
static int wait(struct fl_crew_case *c, struct fl_err *err)
{
	const struct fl_hub_ears ears = { .hear = hear_quietly, .lost = fl_crew_hear_lost, .arg = c };
	int rc = fl_hub_clocks_wait(c->clocks, &ears, err);

	fl_hub_clocks_close(c->clocks);
	c->clocks = NULL;
	return rc;
}

int fl_crew_clocks_before(struct fl_crew_case *c, struct fl_err *err)
{
	uint64_t now_ns = fl_now_ns();
	int rc;

	for (size_t i = 0; i < c->parts_n; i++)
		if (fl_hub_clock_aged_ns(c->parts[i].host, now_ns) >= c->good_ns)
			fl_hub_clocks_ask(c->clocks, c->parts[i].host);
	rc = wait(c, err);
	now_ns = fl_now_ns();
	c->error_ns = 0;
	for (size_t i = 0; i < c->parts_n; i++) {
		struct fl_crew_part *part = &c->parts[i];
		uint64_t aged_ns = fl_hub_clock_aged_ns(part->host, now_ns);

		if (aged_ns == UINT64_MAX)
			continue; /* it was lost */
		part->offset_ns = part->host->clock_offset_ns;
		part->error_ns = part->host->clock_error_ns + aged_ns;
		part->looked_ns = now_ns;
		if (!part->ended && part->error_ns > c->error_ns)
			c->error_ns = part->error_ns;
	}
	return rc;
}

/* A clock that moved more than it may be wrong, and more than correcting it explains. */
static void judge(struct fl_crew_part *part)
{
	double moved_ns = (double)part->offset_after_ns - (double)part->offset_ns;
	double between_ns = (double)(part->looked_after_ns - part->looked_ns);
	double known_ns = (double)part->error_ns + (double)part->error_after_ns;
	double most_ns = known_ns + between_ns / FL_CLOCK_DRIFT_PART;

	if (moved_ns <= most_ns && moved_ns >= -most_ns)
		return;
	part->distrust =
		fl_format("the clock of host %s moved by %+.3f ms against that of the hub in the %.1f s of the "
			  "case, and is known to %.3f ms: it drifts, or was set",
			  part->name, moved_ns / 1e6, between_ns / 1e9, known_ns / 1e6);
}

int fl_crew_clocks_after(struct fl_crew_case *c, struct fl_err *err)
{
	uint64_t now_ns;
	int rc;

	fl_crew_clocks_begin(c);
	for (size_t i = 0; i < c->parts_n; i++)
		fl_hub_clocks_ask(c->clocks, c->parts[i].host);
	rc = wait(c, err);
	now_ns = fl_now_ns();
	for (size_t i = 0; i < c->parts_n; i++) {
		struct fl_crew_part *part = &c->parts[i];

		part->offset_after_ns = part->host->clock_offset_ns;
		part->error_after_ns = part->host->clock_error_ns;
		part->looked_after_ns = now_ns;
		if (!part->ended)
			judge(part);
	}
	return rc;
}
