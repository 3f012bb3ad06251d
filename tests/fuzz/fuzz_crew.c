/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_crew.c: agents may say anything, at any time; every lane gets a record that is well formed, and a lane that
 * was lost or failed is never one that was measured. The input is a row of messages: a byte for the host (0x80 and
 * more: the hub goes on to the next stage), two for the length, then JSON. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/crew_parts.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HOSTS = 3, LANES = 4, MESSAGES_MAX = 200 };

static struct fl_metric metrics[] = { { "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload" }, { 0 } };
static struct fl_fact facts[] = { { "engine", true, "engine" }, { 0 } };
static struct fl_field fields[] = { { 0 } };
static struct fl_flow flows[] = { { 0 } };
static struct fl_entry entry = {
	.name = (char *)"b", .fields = fields, .metrics = metrics, .facts = facts, .flows = flows
};
static char *names[HOSTS] = { (char *)"n1", (char *)"n2", (char *)"n3" };

struct stage {
	struct fl_hub hub;
	struct fl_hub_host hosts[HOSTS];
	bool begun[HOSTS];
	struct fl_plan plan;
	struct fl_plan_case of;
	struct fl_plan_lane plans[LANES];
	struct fl_agent agent;
	struct fl_crew_own crew;
	struct fl_crew_part parts[HOSTS], *of_host[HOSTS];
	unsigned numbers[HOSTS][LANES];
	struct fl_crew_lane lanes[LANES];
	struct fl_crew_case c;
};

/* Lanes 0 and 1 are a group over the first two hosts, 2 is beside on the second, 3 alone on the third. */
static void open_stage(struct stage *s)
{
	static const unsigned host_of[LANES] = { 0, 1, 1, 2 };

	*s = (struct stage){ .hub = { .hosts = s->hosts, .n = HOSTS, .epoll_fd = -1, .listen_fd = -1 } };
	s->of = (struct fl_plan_case){ .label = (char *)"c", .lanes = s->plans, .lanes_n = LANES, .rounds = 1 };
	s->plan = (struct fl_plan){ .cases = &s->of, .cases_n = 1, .hosts = names, .hosts_n = HOSTS };
	s->crew = (struct fl_crew_own){ .hub = &s->hub, .plan = &s->plan, .begun = s->begun };
	s->c = (struct fl_crew_case){ .crew = &s->crew,
				      .agent = &s->agent,
				      .of = &s->of,
				      .lanes = s->lanes,
				      .parts = s->parts,
				      .parts_n = HOSTS,
				      .of_host = s->of_host,
				      .reader = fl_journal_reader_make() };
	for (unsigned i = 0; i < HOSTS; i++) {
		s->hosts[i] = (struct fl_hub_host){ .rank = i, .name = names[i] };
		s->parts[i] = (struct fl_crew_part){ .host = &s->hosts[i], .name = names[i], .numbers = s->numbers[i] };
		s->of_host[i] = &s->parts[i];
	}
	for (unsigned i = 0; i < LANES; i++) {
		struct fl_crew_part *part = &s->parts[host_of[i]];

		s->plans[i] = (struct fl_plan_lane){ .bench = entry.name, .node = -1, .host = host_of[i], .worker = i };
		s->plans[i].group = i < 2 ? 0 : i;
		s->plans[i].rank = i == 1;
		s->plans[i].size = i < 2 ? 2 : 1;
		s->lanes[i] = (struct fl_crew_lane){ .plan = &s->plans[i], .entry = &entry, .part = part };
		s->lanes[i].mate = &s->lanes[i < 2 ? 1 - i : i];
		part->numbers[part->n++] = i;
	}
}

static void go_on(struct fl_crew_case *c)
{
	c->collected = c->stopped;
	c->stopped = c->windowed;
	c->windowed = c->started;
	c->started = true;
}

static void hear(struct stage *s, unsigned rank, const char *bytes, size_t n)
{
	struct fl_err err = { 0 };
	json_t *message = NULL;

	if (s->hosts[rank].lost || fl_json_parse(bytes, n, "m", &message, NULL) < 0)
		return;
	if (json_is_object(message) && fl_crew_hear(&s->c, &s->hosts[rank], message, &err) < 0 && !err.what[0])
		abort();
	json_decref(message);
}

static void check(const struct fl_run *run)
{
	for (size_t i = 0; i < run->lanes_n; i++) {
		const struct fl_lane_record *r = &run->lanes[i];

		if (r->lane != i || strcmp(r->bench, "b") != 0 || !json_is_object(r->notes) ||
		    !json_is_string(json_object_get(r->placement, "host")) ||
		    (r->outcome != FL_MEASURED && !(r->reason && *r->reason)))
			abort();
	}
}

static void close_stage(struct stage *s)
{
	struct fl_run run = { 0 };
	struct fl_err why = { 0 };

	fl_fail(&why, -5, "the end");
	for (unsigned i = 0; i < HOSTS; i++)
		if (fl_crew_complete(&s->c, &s->parts[i], NULL) < 0)
			fl_crew_lose_part(&s->c, &s->parts[i], &why);
	for (unsigned i = 0; i < LANES; i++)
		if (!s->lanes[i].got && !s->lanes[i].over)
			abort();
	fl_crew_keep(&s->c, &run);
	if (run.lanes_n != LANES)
		abort();
	check(&run);
	for (size_t i = 0; i < run.lanes_n; i++)
		fl_lane_record_release(&run.lanes[i]);
	for (size_t i = 0; i < run.watched_n; i++)
		fl_watched_release(&run.watched[i]);
	free(run.lanes);
	free(run.watched);
	for (unsigned i = 0; i < LANES; i++) {
		free(s->lanes[i].point);
		free(s->lanes[i].said);
	}
	for (unsigned i = 0; i < HOSTS; i++) {
		for (size_t k = 0; k < s->parts[i].watched_n; k++)
			fl_watched_release(&s->parts[i].watched[k]);
		free(s->parts[i].watched);
		fl_text_release(&s->parts[i].coming);
	}
	free(s->c.thinned);
	fl_journal_reader_free(s->c.reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stage s;

	open_stage(&s);
	for (unsigned i = 0; i < MESSAGES_MAX && size >= 3; i++) {
		size_t n = data[1] | (size_t)data[2] << 8;
		unsigned host = data[0];

		data += 3;
		size -= 3;
		n = n > size ? size : n;
		if (host >= 0x80)
			go_on(&s.c);
		else
			hear(&s, host % HOSTS, (const char *)data, n);
		data += n;
		size -= n;
	}
	close_stage(&s);
	return 0;
}
