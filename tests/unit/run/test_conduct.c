/* SPDX-License-Identifier: Apache-2.0 */
/* test_conduct.c: a part of a case and its conductor: what it is told, once each and by the numbers of the whole case,
 * and what the part does when it hears. The conductor hears one letter at a time from a pipe. */
#include "base/alloc.h"
#include "run/case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { LANES = 2 };

struct stage {
	struct fl_conductor conductor;
	char told[256]; /* what the part said: "ready;failed 7 no luck;" */
	int pipe[2];
	struct fl_machine machine;
	struct fl_agent agent;
	struct fl_pool pool;
	struct fl_plan_case of;
	struct fl_plan_lane plans[LANES];
	struct fl_case_lane lanes[LANES];
	struct fl_case c;
};

static struct stage *stage_of(struct fl_conductor *self)
{
	return (struct stage *)self;
}

static void note(struct stage *s, const char *what)
{
	size_t n = strlen(s->told);

	snprintf(s->told + n, sizeof(s->told) - n, "%s;", what);
}

static short events(struct fl_conductor *self)
{
	(void)self;
	return POLLIN;
}

static void cue(struct fl_conductor *self, enum fl_cue cue)
{
	static const char *const names[] = { "ready", "warm", "narrow", "full", "covered", "stopped" };

	note(stage_of(self), names[cue]);
}

static void failed(struct fl_conductor *self, unsigned number, bool awaits, const struct fl_err *why)
{
	char text[64];

	(void)awaits;
	snprintf(text, sizeof(text), "failed %u %.40s", number, why->what);
	note(stage_of(self), text);
}

/* s: start, c: collect, x: cancel, e: an error, t: stop */
static int hear(struct fl_conductor *self, struct fl_case *c, struct fl_err *err)
{
	struct fl_err why = { 0 };
	char letter = 0;

	if (read(self->fd, &letter, 1) != 1)
		return fl_fail(err, -EPIPE, "gone");
	if (letter == 's')
		self->start_ns = 5;
	if (letter == 'c')
		self->collect = true;
	if (letter == 't')
		self->stop = true;
	if (letter == 'x') {
		fl_fail(&why, -ECANCELED, "elsewhere");
		fl_case_cancel(c, &why);
	}
	return letter == 'e' ? fl_fail(err, -EPROTO, "nonsense") : 0;
}

static const unsigned numbers[LANES] = { 3, 7 };
static const struct fl_entry entry = { .name = (char *)"b" };

static void stage_open(struct stage *s, const char *letters)
{
	*s = (struct stage){ .pool = { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) }, .of = { .label = (char *)"a" } };
	assert_int_equal(pipe(s->pipe), 0);
	assert_int_equal(write(s->pipe[1], letters, strlen(letters)), (ssize_t)strlen(letters));
	s->conductor = (struct fl_conductor){
		.numbers = numbers, .fd = s->pipe[0], .events = events, .hear = hear, .cue = cue, .failed = failed
	};
	s->agent.machine = &s->machine;
	for (unsigned i = 0; i < LANES; i++) {
		s->plans[i] = (struct fl_plan_lane){ .bench = (char *)"b", .size = 1 };
		s->lanes[i] = (struct fl_case_lane){
			.plan = &s->plans[i], .entry = &entry, .number = i, .state = FL_LANE_READY
		};
	}
	s->c = (struct fl_case){ .agent = &s->agent,
				 .pool = &s->pool,
				 .plan = &s->of,
				 .conductor = &s->conductor,
				 .lanes = s->lanes,
				 .lanes_n = LANES,
				 .tick_ns = 1000000 };
}

static void stage_close(struct stage *s)
{
	close(s->pipe[0]);
	close(s->pipe[1]);
	close(s->pool.epoll_fd);
}

static void lanes_have_the_numbers_of_the_whole_case(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, "");
	assert_int_equal(fl_case_number(&s.c, &s.lanes[1]), 7);
	s.c.conductor = NULL;
	assert_int_equal(fl_case_number(&s.c, &s.lanes[1]), 1);
	stage_close(&s);
}

static void it_waits_for_what_follows(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, "tcs");
	assert_int_equal(fl_conduct_ready(&s.c, NULL), 0);
	assert_int_equal(s.conductor.start_ns, 5);
	assert_int_equal(fl_conduct_stopped(&s.c, NULL), 0);
	assert_string_equal(s.told, "ready;stopped;");
	stage_close(&s);
}

static void each_cue_is_given_once(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, "");
	fl_conduct_cue(&s.c, FL_CUE_NARROW);
	fl_conduct_cue(&s.c, FL_CUE_NARROW);
	fl_conduct_cue(&s.c, FL_CUE_FULL);
	assert_string_equal(s.told, "narrow;full;");
	stage_close(&s);
}

/* It is told at once, once, and nothing is waited for any more but the end. */
static void a_lane_that_fails(void **state)
{
	struct fl_err why = { 0 };
	struct stage s;

	(void)state;
	stage_open(&s, "c");
	fl_fail(&why, -EIO, "no luck");
	fl_case_fail_lane(&s.c, &s.lanes[1], false, &why);
	assert_int_equal(fl_conduct_ready(&s.c, NULL), 0);
	assert_int_equal(fl_conduct_covered(&s.c, NULL), 0);
	assert_int_equal(fl_conduct_stopped(&s.c, NULL), 0);
	assert_string_equal(s.told, "failed 7 no luck;stopped;");
	stage_close(&s);
}

/* All lanes are over, those that were done too; whoever cancelled need not be told. */
static void it_is_cancelled(void **state)
{
	struct fl_err why = { 0 };
	struct stage s;

	(void)state;
	stage_open(&s, "xc");
	s.lanes[0].state = FL_LANE_DONE;
	assert_int_equal(fl_conduct_ready(&s.c, NULL), 0);
	assert_int_equal(s.conductor.start_ns, 0);
	assert_int_equal(fl_conduct_stopped(&s.c, NULL), 0);
	assert_string_equal(s.told, "ready;stopped;");
	for (unsigned i = 0; i < LANES; i++) {
		assert_int_equal(s.lanes[i].state, FL_LANE_FAILED);
		assert_false(s.lanes[i].invalid);
		assert_string_equal(s.lanes[i].err.what, "elsewhere");
	}
	fl_fail(&why, -EIO, "later");
	fl_case_cancel(&s.c, &why);
	assert_string_equal(s.lanes[0].err.what, "elsewhere");
	stage_close(&s);
}

static void it_goes_wrong(void **state)
{
	struct fl_err err = { 0 };
	struct stage s;

	(void)state;
	stage_open(&s, "e");
	assert_int_equal(fl_conduct_ready(&s.c, &err), -EPROTO);
	assert_string_equal(err.what, "nonsense");
	stage_close(&s);
	stage_open(&s, "");
	close(s.pipe[1]);
	s.pipe[1] = dup(0);
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_conduct_stopped(&s.c, &err), -EPIPE);
	stage_close(&s);
}

/* Without a conductor none of it does anything. */
static void nobody_conducts(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, "");
	s.c.conductor = NULL;
	assert_int_equal(fl_conduct_ready(&s.c, NULL), 0);
	assert_int_equal(fl_conduct_warm(&s.c, NULL), 0);
	assert_int_equal(fl_conduct_covered(&s.c, NULL), 0);
	assert_int_equal(fl_conduct_stopped(&s.c, NULL), 0);
	assert_string_equal(s.told, "");
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_have_the_numbers_of_the_whole_case),
		cmocka_unit_test(it_waits_for_what_follows),
		cmocka_unit_test(each_cue_is_given_once),
		cmocka_unit_test(a_lane_that_fails),
		cmocka_unit_test(it_is_cancelled),
		cmocka_unit_test(it_goes_wrong),
		cmocka_unit_test(nobody_conducts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
