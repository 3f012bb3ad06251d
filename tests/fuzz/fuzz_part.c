/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_part.c: what an agent hears from its hub: a part of a case, and what is said while it is carried out. Lines of
 * JSON; the first is the part. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/agent_parts.h"
#include "run/case.h"
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 100 };

static struct fl_entry entry = { .name = (char *)"b" };

/* Every lane waits for its group. */
static void open_case(struct fl_agent_part *p, struct fl_worker *worker, struct fl_case *c)
{
	c->lanes_n = p->part.of.lanes_n;
	c->lanes = fl_zalloc(c->lanes_n, sizeof(*c->lanes));
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		*lane = (struct fl_case_lane){ .plan = &p->part.of.lanes[i],
					       .entry = &entry,
					       .worker = worker,
					       .number = (unsigned)i,
					       .state = FL_LANE_SIZED };
		lane->wait.waits = lane->plan->size > 1;
		lane->wait.name[0] = 'x';
		lane->wait.hex = fl_dup("00");
		if (fl_case_number(c, lane) != p->part.numbers[i])
			abort();
	}
}

static void check(const struct fl_agent_part *p, const struct fl_case *c)
{
	const struct fl_conductor *k = &p->conductor;

	if (k->from_ns > INT64_MAX || k->to_ns > INT64_MAX || k->start_ns > INT64_MAX)
		abort();
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].state == FL_LANE_FAILED && !c->lanes[i].err.what[0])
			abort();
}

static void close_case(struct fl_agent_part *p, struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		fl_group_release(&c->lanes[i].wait);
	free(c->lanes);
	json_decref(p->clock_offset);
	json_decref(p->clock_error);
	json_decref(p->distrust);
	fl_part_release(&p->part);
}

static json_t *next_line(const char **at, const char *end)
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at)), *from = *at;
	size_t n = (size_t)((newline ? newline : end) - from);
	json_t *message = NULL;

	*at = newline ? newline + 1 : end;
	if (fl_json_parse(from, n, "m", &message, NULL) < 0 || !json_is_object(message)) {
		json_decref(message);
		return json_object();
	}
	return message;
}

static void hear_all(struct fl_agent_part *p, const char *at, const char *end)
{
	struct fl_agent agent = { 0 };
	struct fl_pool pool = { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	struct fl_worker worker = { .child = { .pid = -1, .pid_fd = -1, .out_fd = -1, .err_fd = -1 },
				    .control_fd = -1 };
	struct fl_case c = { .agent = &agent, .pool = &pool, .conductor = &p->conductor };

	p->conductor = (struct fl_conductor){ .numbers = p->part.numbers };
	open_case(p, &worker, &c);
	for (int i = 0; i < WORDS_MAX && at < end; i++) {
		json_t *message = next_line(&at, end);
		struct fl_err err = { 0 };

		if (fl_agent_part_hear(p, &c, message, &err) < 0 && !err.what[0])
			abort();
		json_decref(message);
		check(p, &c);
	}
	close_case(p, &c);
	close(pool.epoll_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct fl_agent_own own = { .wire = NULL };
	struct fl_agent_part p = { .own = &own };
	struct fl_err err = { 0 };
	json_t *first = next_line(&at, end);
	int rc = fl_part_read(first, &p.part, &err);

	json_decref(first);
	if (rc < 0 && !err.what[0])
		abort();
	if (rc == 0)
		hear_all(&p, at, end);
	return 0;
}
