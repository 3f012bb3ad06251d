/* SPDX-License-Identifier: Apache-2.0 */
/* test_lockstep.c: the last step of lanes in lockstep, by what their tapes say, which may be anything. Lanes 0 and 1
 * are a group; lane 2 is rank 1 of a group of which rank 0 is on another host. Their workers say nothing. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/message.h"
#include "run/case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { LANES = 3, ROOM = 8 };
static const struct fl_tape_shape shape = { .threads = 1, .steps_max = ROOM };

struct stage {
	struct fl_conductor conductor;
	struct fl_lane_steps answer, said;
	struct fl_machine machine;
	struct fl_agent agent;
	struct fl_pool pool;
	struct fl_plan_case of;
	struct fl_plan_lane plans[LANES];
	struct fl_entry entry;
	struct fl_worker workers[LANES];
	struct fl_case_lane lanes[LANES];
	struct fl_tape *theirs[LANES]; /* the workers' */
	struct fl_case c;
	int ends[LANES], pipe[2];
};

static const unsigned numbers[LANES] = { 4, 5, 7 };

static short events(struct fl_conductor *self)
{
	(void)self;
	return POLLIN;
}

static int hear(struct fl_conductor *self, struct fl_case *c, struct fl_err *err)
{
	struct stage *s = (struct stage *)self;
	char letter;

	if (read(self->fd, &letter, 1) != 1)
		return fl_fail(err, -EPIPE, "gone");
	return fl_lockstep_finish(c, &s->answer, err);
}

static void held(struct fl_conductor *self, const struct fl_lane_steps *steps, size_t n)
{
	struct stage *s = (struct stage *)self;

	assert_int_equal(n, 1);
	s->said = steps[0];
	assert_int_equal(write(s->pipe[1], "x", 1), 1);
}

static void failed(struct fl_conductor *self, unsigned number, bool awaits, const struct fl_err *why)
{
	(void)self;
	(void)number;
	(void)awaits;
	(void)why;
}

static void put_lane(struct stage *s, unsigned i)
{
	int fds[2], tape_fd;

	assert_int_equal(fl_message_pair(fds, NULL), 0);
	s->ends[i] = fds[1];
	s->workers[i] = (struct fl_worker){ .child = { -1, -1, -1, -1 }, .control_fd = fds[0] };
	s->plans[i] = (struct fl_plan_lane){ .bench = (char *)"b", .group = i / 2 * 2, .rank = i == 1, .size = 2 };
	s->lanes[i] = (struct fl_case_lane){ .number = i,
					     .plan = &s->plans[i],
					     .entry = &s->entry,
					     .worker = &s->workers[i],
					     .limit_ns = 2000000000,
					     .threads = 1,
					     .state = FL_LANE_STEPPING };
	assert_int_equal(fl_tape_create(&shape, &s->lanes[i].tape, &tape_fd, NULL), 0);
	assert_int_equal(fl_tape_map(tape_fd, &shape, &s->theirs[i], NULL), 0);
	close(tape_fd);
}

static struct stage *stage_make(void)
{
	struct stage *s = fl_zalloc(1, sizeof(*s));

	assert_int_equal(pipe(s->pipe), 0);
	s->conductor = (struct fl_conductor){
		.numbers = numbers, .fd = s->pipe[0], .events = events, .hear = hear, .held = held, .failed = failed
	};
	s->pool.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->agent.machine = &s->machine;
	s->entry = (struct fl_entry){ .name = (char *)"b", .roles = (char *)"first|second", .lockstep = true };
	for (unsigned i = 0; i < LANES; i++)
		put_lane(s, i);
	s->c = (struct fl_case){
		.agent = &s->agent, .pool = &s->pool, .plan = &s->of, .conductor = &s->conductor, .lanes = s->lanes
	};
	return s;
}

static int stage_init(void **state)
{
	*state = stage_make();
	return 0;
}

static int stage_release(void **state)
{
	struct stage *s = *state;

	for (unsigned i = 0; i < LANES; i++) {
		fl_tape_free(s->lanes[i].tape);
		fl_tape_free(s->theirs[i]);
		fl_group_release(&s->lanes[i].wait);
		if (s->workers[i].control_fd >= 0)
			close(s->workers[i].control_fd);
		close(s->ends[i]);
	}
	close(s->pool.epoll_fd);
	close(s->pipe[0]);
	close(s->pipe[1]);
	free(s);
	return 0;
}

static void make_steps(struct stage *s, unsigned lane, unsigned n)
{
	const struct fl_tape_step step = { 0 };

	while (n-- > 0)
		fl_tape_add(s->theirs[lane], 0, &step, NULL);
}

/* After how many steps a thread of it would end; 0: it goes on. */
static uint64_t ends_after(struct stage *s, unsigned lane)
{
	static _Atomic bool never;
	uint64_t n = 0;

	while (n < 1000 && fl_tape_may_step(s->theirs[lane], n, &never))
		n++;
	return n == 1000 ? 0 : n;
}

/* Those at work together, also where there is no room for all of their steps. */
static void all_end_after_the_furthest(void **state)
{
	static const unsigned rows[][3] = {
		{ 0, 0, 1 }, { 3, 4, 5 }, { 4, 3, 5 }, { ROOM, ROOM + 1, ROOM + 2 }, { 30, 30, 31 }
	};
	struct fl_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage *s = stage_make();
		void *of = s;

		s->c.lanes_n = 2;
		make_steps(s, 0, rows[i][0]);
		make_steps(s, 1, rows[i][1]);
		assert_int_equal(fl_lockstep_stop(&s->c, &err), 0);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(s->lanes[k].state, FL_LANE_STOPPING);
			assert_int_equal(ends_after(s, k), rows[i][2]);
			assert_false(fl_tape_stopped(s->theirs[k])); /* nobody is halted */
		}
		assert_int_equal(s->said.steps, 0); /* nobody elsewhere is asked */
		stage_release(&of);
	}
}

/* No step ends before all have begun it: then one cannot have made so many more. The other one is halted. */
static void one_runs_off(void **state)
{
	struct fl_err err = { 0 };
	struct stage *s = *state;

	s->c.lanes_n = 2;
	make_steps(s, 0, 20);
	make_steps(s, 1, 20 + FL_LOCKSTEP_APART_MAX + 1);
	assert_int_equal(fl_lockstep_stop(&s->c, &err), 0);
	assert_int_equal(s->lanes[1].state, FL_LANE_FAILED);
	assert_true(s->lanes[1].invalid);
	assert_string_equal(s->lanes[1].err.what,
			    "it is not in lockstep: rank 1 (second) made 87 steps, and rank 0 (first) 20");
	assert_int_equal(s->lanes[0].state, FL_LANE_STOPPING);
	assert_true(fl_tape_stopped(s->theirs[0]));
}

/* Says how far it is, by its number in the whole case, and waits for its last step. */
static void over_hosts(void **state)
{
	struct fl_err err = { 0 };
	struct stage *s = *state;

	s->c.lanes_n = LANES;
	make_steps(s, 2, 5);
	s->answer = (struct fl_lane_steps){ .number = 7, .steps = 9 };
	assert_int_equal(fl_lockstep_stop(&s->c, &err), 0);
	assert_int_equal(s->said.number, 7);
	assert_int_equal(s->said.steps, 6);
	assert_int_equal(ends_after(s, 2), 9);
	assert_int_equal(ends_after(s, 0), 1);
}

static void answers_that_cannot_be(void **state)
{
	static const struct fl_lane_steps rows[] = {
		{ 7, 5 + FL_LOCKSTEP_APART_MAX + 1 }, { 7, UINT64_MAX }, { 4, 1 }, { 6, 6 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_err err = { 0 };
		struct stage *s = stage_make();
		void *of = s;

		s->c.lanes_n = LANES;
		make_steps(s, 2, 5);
		s->answer = rows[i];
		assert_int_equal(fl_lockstep_stop(&s->c, &err), -EPROTO);
		stage_release(&of);
	}
}

/* Where a lane of the group fails, whoever may wait for it in a step is halted; where it is of another, nobody. */
static void one_fails(void **state)
{
	struct fl_err err = { 0 }, why = { 0 };
	struct stage *s = *state;

	s->c.lanes_n = LANES;
	s->answer = (struct fl_lane_steps){ .number = 7, .steps = 1 };
	assert_int_equal(fl_lockstep_stop(&s->c, &err), 0);
	fl_fail(&why, -EIO, "no luck");
	fl_case_fail_lane(&s->c, &s->lanes[1], false, &why);
	assert_true(fl_tape_stopped(s->theirs[0]));
	assert_false(fl_tape_stopped(s->theirs[2]));
	assert_true(fl_lockstep_is_short(&s->c, &s->lanes[0]));
	assert_string_equal(s->lanes[0].err.what,
			    "rank 0 (first) waited in step 1 for rank 1 (second), which failed: no luck");
}

/* One that is late is halted with its group; what comes back then waited for what does not. */
static void one_hangs(void **state)
{
	struct fl_err err = { 0 };
	struct stage *s = *state;

	s->c.lanes_n = 2;
	make_steps(s, 0, 5);
	make_steps(s, 1, 5);
	fl_tape_set_phase(s->theirs[0], FL_PHASE_STEP);
	fl_tape_set_phase(s->theirs[1], FL_PHASE_STEP);
	assert_int_equal(fl_lockstep_stop(&s->c, &err), 0);
	assert_int_equal(fl_lockstep_spare_ns(&s->c, &s->lanes[1]), 0);
	assert_true(fl_lockstep_late(&s->c, &s->lanes[0]));
	assert_true(fl_tape_stopped(s->theirs[0]));
	assert_true(fl_tape_stopped(s->theirs[1]));
	assert_true(fl_lockstep_spare_ns(&s->c, &s->lanes[1]) > 0);
	assert_true(fl_lockstep_is_short(&s->c, &s->lanes[0]));
	assert_int_equal(s->lanes[0].state, FL_LANE_STOPPING);
	assert_true(fl_lockstep_late(&s->c, &s->lanes[0]));
	assert_string_equal(s->lanes[0].err.what, "rank 0 (first) waited in step 6 for rank 1 (second)");
	assert_false(s->lanes[0].awaits);
	assert_false(fl_lockstep_late(&s->c, &s->lanes[1])); /* it hangs */
}

/* A lane whose group is not all here comes back: whom it waited for is known elsewhere. */
static void one_hangs_elsewhere(void **state)
{
	struct fl_err err = { 0 };
	struct stage *s = *state;

	s->c.lanes_n = 1;
	s->answer = (struct fl_lane_steps){ .number = 4, .steps = 7 };
	make_steps(s, 0, 5);
	fl_tape_set_phase(s->theirs[0], FL_PHASE_STEP);
	assert_int_equal(fl_lockstep_stop(&s->c, &err), 0);
	assert_true(fl_lockstep_late(&s->c, &s->lanes[0]));
	assert_false(s->lanes[0].awaits);
	s->lanes[0].lockstep.back = true;
	assert_true(fl_lockstep_late(&s->c, &s->lanes[0]));
	assert_string_equal(s->lanes[0].err.what, "rank 0 (first) waited in step 6 for lanes on other hosts");
	assert_true(s->lanes[0].awaits);
}

/* Nobody halted it. */
static void one_ends_early(void **state)
{
	struct fl_err err = { 0 };
	struct stage *s = *state;

	s->c.lanes_n = 2;
	make_steps(s, 0, 5);
	make_steps(s, 1, 5);
	assert_int_equal(fl_lockstep_stop(&s->c, &err), 0);
	make_steps(s, 0, 1);
	assert_false(fl_lockstep_is_short(&s->c, &s->lanes[0]));
	assert_true(fl_lockstep_is_short(&s->c, &s->lanes[1]));
	assert_true(s->lanes[1].invalid);
	assert_non_null(strstr(s->lanes[1].err.what, "ended after step 5 of 6"));
}

#define STAGED(f) cmocka_unit_test_setup_teardown(f, stage_init, stage_release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_end_after_the_furthest),
		STAGED(one_runs_off),
		STAGED(over_hosts),
		cmocka_unit_test(answers_that_cannot_be),
		STAGED(one_fails),
		STAGED(one_hangs),
		STAGED(one_hangs_elsewhere),
		STAGED(one_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
