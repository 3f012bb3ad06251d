/* SPDX-License-Identifier: Apache-2.0 */
/* test_talk.c: a worker with several lanes: which lane a word is about, and whom a lie costs its lane. Worker A has the
 * lanes 0 and 1, worker B lane 2; only A speaks. */
#include "base/alloc.h"
#include "base/message.h"
#include "run/case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LANES = 3 };

struct stage {
	struct fl_machine machine;
	struct fl_agent agent;
	struct fl_pool pool;
	struct fl_plan_case plan_case;
	struct fl_plan_lane plans[LANES];
	struct fl_entry entry;
	struct fl_worker workers[2];
	struct fl_case_lane lanes[LANES];
	struct fl_case c;
	int worker_end;
};

static void stage_init(struct stage *s)
{
	static struct fl_metric metrics[] = { { "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload" }, { 0 } };
	static struct fl_fact facts[] = { { 0 } };
	static struct fl_field fields[] = { { 0 } };
	static struct fl_flow flows[] = { { 0 } };
	struct epoll_event event = { .events = EPOLLIN };
	int fds[2];

	*s = (struct stage){
		.pool = { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) },
		.plan_case = { .label = (char *)"a case" },
		.entry = { .name = (char *)"b", .metrics = metrics, .facts = facts, .fields = fields, .flows = flows }
	};
	assert_int_equal(fl_message_pair(fds, NULL), 0);
	s->worker_end = fds[1];
	for (unsigned i = 0; i < 2; i++)
		s->workers[i] = (struct fl_worker){ .child = { -1, -1, -1, -1 }, .control_fd = i ? -1 : fds[0] };
	s->workers[0].control = (struct fl_source){ FL_SOURCE_CONTROL, &s->workers[0] };
	event.data.ptr = &s->workers[0].control;
	assert_int_equal(epoll_ctl(s->pool.epoll_fd, EPOLL_CTL_ADD, fds[0], &event), 0);
	s->agent.machine = &s->machine;
	for (unsigned i = 0; i < LANES; i++) {
		s->plans[i] = (struct fl_plan_lane){ .bench = (char *)"b", .node = -1, .worker = i == 2 ? 2 : 0 };
		s->lanes[i] = (struct fl_case_lane){ .plan = &s->plans[i],
						     .entry = &s->entry,
						     .worker = &s->workers[i == 2],
						     .state = FL_LANE_ORDERED };
	}
	s->c = (struct fl_case){
		.agent = &s->agent, .pool = &s->pool, .plan = &s->plan_case, .lanes = s->lanes, .lanes_n = LANES
	};
}

static void stage_release(struct stage *s)
{
	for (unsigned i = 0; i < LANES; i++) {
		fl_tape_free(s->lanes[i].tape);
		json_decref(s->lanes[i].done);
		free(s->lanes[i].seen);
		free(s->lanes[i].last_end_ns);
	}
	close(s->workers[0].control_fd);
	close(s->worker_end);
	close(s->pool.epoll_fd);
}

#define SIZED(lane)  "{\"is\":\"sized\",\"lane\":" #lane ",\"threads\":1}"
#define READY(lane)  "{\"is\":\"ready\",\"lane\":" #lane "}"
#define FAILED(lane) "{\"is\":\"failed\",\"lane\":" #lane ",\"code\":-5,\"what\":\"no luck\",\"hint\":\"\"}"
#define DONE(lane)   "{\"is\":\"done\",\"lane\":" #lane "}"

/* What A says, one packet a word, and what becomes of each lane: 'o' it was ordered, 's' it is sized, 'r' ready,
 * 'd' done, 'f' failed and said so, 'e' ended for another lane, 'i' invalid. worker: 'h' healthy, 's' spent, 'b'
 * broken. */
static const struct {
	const char *words[8];
	const char *lanes;
	char worker;
	const char *reason; /* of the first lane that is invalid */
} rows[] = {
	{ { SIZED(1) }, "oso", 'h', NULL },
	{ { SIZED(1), SIZED(0), READY(0), READY(1) }, "rro", 'h', NULL },
	{ { SIZED(2) }, "iio", 'b', "the worker spoke for another lane" },
	{ { SIZED(7) }, "iio", 'b', "the worker spoke for another lane" },
	{ { SIZED(-1) }, "iio", 'b', "the worker lies" },
	{ { "no packet" }, "iio", 'b', "the worker lies" },
	{ { "{}" }, "iio", 'b', "the worker lies" },
	{ { SIZED(0), READY(1) }, "eio", 'b', "the worker said 'ready' out of turn" },
	{ { SIZED(0), SIZED(0) }, "ieo", 'b', "the worker said 'sized' out of turn" },
	{ { FAILED(0) }, "foo", 's', NULL },
	{ { FAILED(0), SIZED(1), READY(1) }, "fro", 's', NULL },
	{ { FAILED(0), FAILED(1) }, "ffo", 'b', NULL },
	/* what a lane was about to say when it was given up is not held against it, but it has an end */
	{ { FAILED(0), READY(0), SIZED(1) }, "fso", 's', NULL },
	{ { FAILED(0), READY(0), READY(0), READY(0), READY(0), READY(0) }, "fio", 'b', "for a lane that is over" },
	{ { FAILED(0), SIZED(2) }, "fio", 'b', "the worker spoke for another lane" },
};

static char letter(const struct fl_case_lane *lane)
{
	static const char letters[] = {
		[FL_LANE_ORDERED] = 'o', [FL_LANE_SIZED] = 's', [FL_LANE_READY] = 'r', [FL_LANE_DONE] = 'd'
	};

	if (lane->state != FL_LANE_FAILED)
		return letters[lane->state];
	if (lane->invalid)
		return 'i';
	return strstr(lane->err.what, "its worker was ended for another lane") ? 'e' : 'f';
}

static void check(const struct stage *s, const char *lanes, char worker, const char *reason, size_t row)
{
	char seen[LANES + 1] = { 0 };
	const struct fl_worker *w = &s->workers[0];

	for (size_t k = 0; k < LANES; k++)
		seen[k] = letter(&s->lanes[k]);
	if (strcmp(seen, lanes) != 0)
		fail_msg("row %zu: %s, not %s", row, seen, lanes);
	assert_int_equal(w->broken ? 'b' : w->spent ? 's' : 'h', worker);
	for (size_t k = 0; k < LANES && reason; k++)
		if (seen[k] == 'i') {
			assert_non_null(strstr(s->lanes[k].err.what, reason));
			break;
		}
	assert_false(s->workers[1].broken);
}

static void words_and_lanes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		stage_init(&s);
		for (size_t k = 0; rows[i].words[k]; k++)
			send(s.worker_end, rows[i].words[k], strlen(rows[i].words[k]), MSG_NOSIGNAL);
		assert_int_equal(fl_case_listen(&s.c, 0, NULL), 0);
		check(&s, rows[i].lanes, rows[i].worker, rows[i].reason, i);
		stage_release(&s);
	}
}

/* A lane that came to its end says nothing more: that it does is a lie, which costs the lane beside it. */
static void a_lane_that_is_done_speaks(void **state)
{
	static const char done[] = DONE(0);
	struct stage s;

	(void)state;
	stage_init(&s);
	s.lanes[0].state = s.lanes[1].state = FL_LANE_STOPPING;
	send(s.worker_end, done, sizeof(done) - 1, MSG_NOSIGNAL);
	fl_case_listen(&s.c, 0, NULL);
	assert_int_equal(s.lanes[0].state, FL_LANE_DONE);
	assert_int_equal(s.lanes[1].state, FL_LANE_STOPPING);
	send(s.worker_end, done, sizeof(done) - 1, MSG_NOSIGNAL);
	fl_case_listen(&s.c, 0, NULL);
	check(&s, "dio", 'b', "the worker spoke for a lane that is over", 0);
	stage_release(&s);
}

/* A hang is one lane's; what ran beside it in the same worker says for whom it was ended, and what is done stays so. */
static void a_lane_that_hangs(void **state)
{
	struct fl_err why = { 0 };
	struct stage s;

	(void)state;
	stage_init(&s);
	fl_fail(&why, -110, "the worker hangs");
	fl_hint(&why, "wait");
	fl_case_fail_lane(&s.c, &s.lanes[1], true, &why);
	check(&s, "eio", 'b', "the worker hangs", 0);
	assert_string_equal(s.lanes[0].err.what, "its worker was ended for another lane, b: the worker hangs");
	assert_string_equal(s.lanes[0].err.hint, "wait");
	stage_release(&s);
	stage_init(&s);
	s.lanes[0].state = FL_LANE_DONE;
	fl_case_fail_lane(&s.c, &s.lanes[1], true, &why);
	check(&s, "dio", 'b', "the worker hangs", 0);
	stage_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_lanes),
		cmocka_unit_test(a_lane_that_is_done_speaks),
		cmocka_unit_test(a_lane_that_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
