/* SPDX-License-Identifier: Apache-2.0 */
/* test_group.c: lanes that make one measurement together: what they say to each other, what none of them may say, and
 * who is to blame where one does not come. Lanes 0 and 1 are the group, with a worker each; lane 2 is alone, lane 3 is
 * rank 1 of a group of which rank 0 is on another host. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/message.h"
#include "run/case.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LANES = 4 };

struct stage {
	struct fl_machine machine;
	struct fl_agent agent;
	struct fl_pool pool;
	struct fl_plan_case plan_case;
	struct fl_plan_lane plans[LANES];
	struct fl_entry entry;
	struct fl_worker workers[LANES];
	struct fl_case_lane lanes[LANES];
	struct fl_group_link link;
	struct fl_case c;
	int ends[LANES]; /* of the workers */
	char asked[128]; /* what the link was asked */
};

static const char *link_address(void *arg, unsigned group, unsigned rank)
{
	(void)arg;
	return group == 3 && rank == 0 ? "10.1.0.7" : NULL;
}

static int link_gather(void *arg, unsigned group, unsigned rank, const char *name, const char *hex)
{
	struct stage *s = arg;

	snprintf(s->asked, sizeof(s->asked), "%u %u %s %s", group, rank, name, hex);
	return 0;
}

static void put_worker(struct stage *s, unsigned i)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &s->workers[i].control };
	int fds[2];

	assert_int_equal(fl_message_pair(fds, NULL), 0);
	s->ends[i] = fds[1];
	s->workers[i] = (struct fl_worker){ .child = { -1, -1, -1, -1 }, .control_fd = fds[0] };
	s->workers[i].control = (struct fl_source){ FL_SOURCE_CONTROL, &s->workers[i] };
	assert_int_equal(epoll_ctl(s->pool.epoll_fd, EPOLL_CTL_ADD, fds[0], &event), 0);
}

static int stage_init(void **state)
{
	static struct fl_metric metrics[] = { { "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload" }, { 0 } };
	static struct fl_fact facts[] = { { 0 } };
	static struct fl_field fields[] = { { 0 } };
	static struct fl_flow flows[] = { { 0 } };
	struct stage *s = fl_zalloc(1, sizeof(*s));

	s->pool.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->plan_case.label = (char *)"a case";
	s->entry = (struct fl_entry){ .name = (char *)"b",
				      .metrics = metrics,
				      .facts = facts,
				      .fields = fields,
				      .flows = flows,
				      .roles = (char *)"sender|receiver" };
	s->agent.machine = &s->machine;
	s->link = (struct fl_group_link){ link_address, link_gather, s };
	for (unsigned i = 0; i < LANES; i++) {
		put_worker(s, i);
		s->plans[i] = (struct fl_plan_lane){ .bench = (char *)"b", .node = -1, .worker = i, .group = i };
		s->lanes[i] = (struct fl_case_lane){ .plan = &s->plans[i],
						     .entry = &s->entry,
						     .worker = &s->workers[i],
						     .limit_ns = 2000000000,
						     .state = FL_LANE_SIZED };
	}
	s->plans[1].group = 0;
	s->plans[1].rank = s->plans[3].rank = 1;
	s->plans[0].size = s->plans[1].size = s->plans[3].size = 2;
	s->c = (struct fl_case){ .agent = &s->agent,
				 .pool = &s->pool,
				 .plan = &s->plan_case,
				 .lanes = s->lanes,
				 .lanes_n = LANES,
				 .link = &s->link };
	*state = s;
	return 0;
}

static int stage_release(void **state)
{
	struct stage *s = *state;

	for (unsigned i = 0; i < LANES; i++) {
		fl_tape_free(s->lanes[i].tape);
		json_decref(s->lanes[i].done);
		fl_group_release(&s->lanes[i].wait);
		free(s->lanes[i].seen);
		free(s->lanes[i].last_end_ns);
		close(s->workers[i].control_fd);
		close(s->ends[i]);
	}
	close(s->pool.epoll_fd);
	free(s);
	return 0;
}

/* Lane i says it, and is heard. */
static void say(struct stage *s, unsigned i, const char *is, const char *name, const char *value)
{
	json_t *message = json_pack("{s:s, s:i, s:s?, s:s?}", "is", is, "lane", (int)i, "name", name, "value", value);

	assert_int_equal(fl_message_send(s->ends[i], message, -1, NULL), 0);
	json_decref(message);
	assert_int_equal(fl_case_listen(&s->c, 0, NULL), 0);
}

/* What lane i was told since it was last asked; "": nothing. malloc'd. */
static char *told(const struct stage *s, unsigned i)
{
	struct fl_text text = { 0 };
	json_t *message;
	int fd;

	if (fl_message_receive(s->ends[i], &message, &fd, NULL) < 0)
		return fl_dup("");
	fl_json_write(message, 0, &text);
	json_decref(message);
	return text.bytes;
}

static void is_told(const struct stage *s, unsigned i, const char *want)
{
	char *have = told(s, i);

	if (*want ? !strstr(have, want) : *have)
		fail_msg("lane %u was told '%s', not '%s'", i, have, want);
	free(have);
}

static void failed(const struct stage *s, unsigned i, bool invalid, const char *what)
{
	assert_int_equal(s->lanes[i].state, FL_LANE_FAILED);
	assert_int_equal(s->lanes[i].invalid, invalid);
	if (!strstr(s->lanes[i].err.what, what))
		fail_msg("lane %u: '%s' does not say '%s'", i, s->lanes[i].err.what, what);
}

static void all_hear_all(void **state)
{
	struct stage *s = *state;

	for (unsigned round = 0; round < 2; round++) {
		say(s, 1, "gather", "listen", "0c0d");
		is_told(s, 0, "");
		is_told(s, 1, "");
		say(s, 0, "gather", "listen", "0a0b");
		is_told(s, 0, "{\"do\":\"gathered\",\"lane\":0,\"name\":\"listen\",\"values\":[\"0a0b\",\"0c0d\"]}");
		is_told(s, 1, "{\"do\":\"gathered\",\"lane\":1,\"name\":\"listen\",\"values\":[\"0a0b\",\"0c0d\"]}");
	}
	say(s, 0, "gather", "go", "");
	say(s, 1, "gather", "go", "");
	is_told(s, 1, "\"values\":[\"\",\"\"]");
	assert_int_equal(s->lanes[0].state, FL_LANE_SIZED);
	assert_int_equal(s->lanes[1].state, FL_LANE_SIZED);
	/* and again when the data is looked at */
	s->lanes[0].state = s->lanes[1].state = FL_LANE_STOPPING;
	say(s, 0, "gather", "sums", "aa");
	say(s, 1, "gather", "sums", "bb");
	is_told(s, 0, "\"name\":\"go\"");
	is_told(s, 0, "\"values\":[\"aa\",\"bb\"]");
}

/* What lane 1 says while lane 0 waits at 'listen' with two bytes, and why it lies. */
static void lies(void **state)
{
	static const struct {
		const char *is, *name, *value, *why;
	} rows[] = {
		{ "gather", "other", "0c0d",
		  "rank 1 (receiver) came to 'other', and rank 0 (sender) waits at 'listen'" },
		{ "gather", "listen", "0c", "rank 1 (receiver) said 1 bytes at 'listen', and rank 0 (sender) 2" },
		{ "gather", "listen", "0C0D", "what cannot be said" },
		{ "gather", "listen", "0c0", "what cannot be said" },
		{ "gather", "", "0c0d", "what cannot be said" },
		{ "gather", "a name that is longer than a name may be", "0c0d", "what cannot be said" },
		{ "gather", "li\nsten", "0c0d", "what cannot be said" },
		{ "gather", NULL, "0c0d", "name" },
		{ "gather", "listen", NULL, "value" },
		{ "ready", NULL, NULL, "rank 1 (receiver) is ready and did not come to 'listen', where rank 0" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage *s;

		stage_init(state);
		s = *state;
		say(s, 0, "gather", "listen", "0a0b");
		say(s, 1, rows[i].is, rows[i].name, rows[i].value);
		failed(s, 1, true, "the worker lies");
		failed(s, 1, true, rows[i].why);
		is_told(s, 0,
			"{\"do\":\"ungathered\",\"lane\":0,\"name\":\"listen\",\"what\":\"a lane of the same group "
			"failed: b: the worker lies");
		assert_int_equal(s->lanes[0].state, FL_LANE_SIZED);
		assert_int_equal(s->lanes[2].state, FL_LANE_SIZED);
		stage_release(state);
	}
}

static void comes_twice_or_alone_or_late(void **state)
{
	struct stage *s = *state;

	say(s, 2, "gather", "listen", "0a0b");
	failed(s, 2, true, "it speaks to its group and has none");
	say(s, 0, "gather", "listen", "0a0b");
	say(s, 0, "gather", "listen", "0a0b");
	failed(s, 0, true, "rank 0 (sender) came to 'listen' and waits at 'listen'");
	/* the other learns of it when it comes */
	say(s, 1, "gather", "listen", "0c0d");
	is_told(s, 1, "a lane of the same group failed: b: the worker lies: rank 0 (sender) came to 'listen'");
	stage_release(state);
	stage_init(state);
	s = *state;
	say(s, 0, "ready", NULL, NULL);
	say(s, 1, "gather", "listen", "0c0d");
	failed(s, 1, true, "rank 1 (receiver) came to 'listen', and rank 0 (sender) had gone on without it");
	stage_release(state);
	stage_init(state);
	s = *state;
	s->lanes[0].state = FL_LANE_STEPPING;
	say(s, 0, "gather", "listen", "0c0d");
	failed(s, 0, true, "out of turn");
}

/* A lane that gives up because another failed is told by that, not by its own words; it is nobody's reason. */
static void fails_with_another(void **state)
{
	static const char words[] =
		"{\"is\":\"failed\",\"lane\":0,\"code\":-125,\"what\":\"open b: no\",\"hint\":\"\"}";
	struct fl_err why = { 0 };
	struct stage *s = *state;

	say(s, 0, "gather", "listen", "0a0b");
	fl_fail(&why, -EIO, "no luck");
	fl_case_fail_lane(&s->c, &s->lanes[1], false, &why);
	is_told(s, 0, "ungathered");
	assert_true(send(s->ends[0], words, sizeof(words) - 1, MSG_NOSIGNAL) > 0);
	fl_case_listen(&s->c, 0, NULL);
	failed(s, 0, false, "a lane of the same group failed: b: no luck");
	assert_ptr_equal(fl_case_failed_lane(&s->c), &s->lanes[1]);
}

static void blame(void **state)
{
	struct stage *s = *state;
	char *text;

	assert_ptr_equal(fl_group_absent(&s->c, &s->lanes[0]), &s->lanes[0]);
	assert_null(fl_group_blame(&s->c, &s->lanes[0]));
	say(s, 0, "gather", "listen", "0a0b");
	assert_ptr_equal(fl_group_absent(&s->c, &s->lanes[0]), &s->lanes[1]);
	assert_ptr_equal(fl_group_absent(&s->c, &s->lanes[1]), &s->lanes[1]);
	assert_ptr_equal(fl_group_absent(&s->c, &s->lanes[2]), &s->lanes[2]);
	text = fl_group_blame(&s->c, &s->lanes[1]);
	assert_string_equal(text, "rank 1 (receiver) did not come to 'listen'");
	free(text);
	say(s, 3, "gather", "listen", "0a0b");
	assert_ptr_equal(fl_group_absent(&s->c, &s->lanes[3]), &s->lanes[3]);
	text = fl_group_blame(&s->c, &s->lanes[3]);
	assert_string_equal(text, "rank 1 (receiver) waited at 'listen' for lanes on other hosts");
	free(text);
}

static void over_the_link(void **state)
{
	static const char *const said[] = { "0102", "0a0b" }, *const shorter[] = { "01", "0a0b" },
				 *const hostile[] = { "0x02", "0a0b" };
	struct stage *s = *state;
	json_t *addresses = fl_group_addresses(&s->c, &s->lanes[3]), *here = fl_group_addresses(&s->c, &s->lanes[1]);
	struct fl_err err = { 0 };

	assert_string_equal(json_string_value(json_array_get(addresses, 0)), "10.1.0.7");
	assert_string_equal(json_string_value(json_array_get(here, 0)), "127.0.0.1");
	json_decref(addresses);
	json_decref(here);
	say(s, 3, "gather", "listen", "0a0b");
	assert_string_equal(s->asked, "3 1 listen 0a0b");
	assert_int_equal(fl_group_answer(&s->c, 3, "other", said, 2, &err), -EPROTO);
	assert_int_equal(fl_group_answer(&s->c, 3, "listen", said, 1, &err), -EPROTO);
	assert_int_equal(fl_group_answer(&s->c, 3, "listen", shorter, 2, &err), -EPROTO);
	assert_int_equal(fl_group_answer(&s->c, 3, "listen", hostile, 2, &err), -EPROTO);
	is_told(s, 3, "");
	assert_int_equal(fl_group_answer(&s->c, 3, "listen", said, 2, &err), 0);
	is_told(s, 3, "\"gathered\",\"lane\":3,\"name\":\"listen\",\"values\":[\"0102\",\"0a0b\"]");
	assert_int_equal(fl_group_answer(&s->c, 3, "listen", said, 2, &err), 0); /* nobody waits */
	is_told(s, 3, "");
	say(s, 3, "gather", "go", "");
	fl_group_cancel(&s->c, 3, "host n2 is lost");
	is_told(s, 3, "\"ungathered\",\"lane\":3,\"name\":\"go\",\"what\":\"host n2 is lost\"");
}

static void plans_that_cannot_be(void **state)
{
	struct stage *s = *state;
	struct fl_err err = { 0 };

	assert_int_equal(fl_group_check(&s->c, &s->lanes[0], &err), 0);
	assert_int_equal(fl_group_check(&s->c, &s->lanes[3], &err), 0);
	s->c.link = NULL;
	assert_int_equal(fl_group_check(&s->c, &s->lanes[0], &err), 0);
	assert_int_equal(fl_group_check(&s->c, &s->lanes[3], &err), -EINVAL);
	assert_int_equal(fl_group_check(&s->c, &s->lanes[2], &err), -EINVAL); /* roles, and alone */
	s->entry.roles = NULL;
	assert_int_equal(fl_group_check(&s->c, &s->lanes[2], &err), 0);
	s->plans[1].rank = 0;
	assert_int_equal(fl_group_check(&s->c, &s->lanes[0], &err), -EINVAL);
	s->plans[1].rank = 2;
	assert_int_equal(fl_group_check(&s->c, &s->lanes[1], &err), -EINVAL);
	s->plans[1].rank = 1;
	s->plans[0].size = s->plans[1].size = 1000000;
	assert_int_equal(fl_group_check(&s->c, &s->lanes[1], &err), -EINVAL);
}

#define STAGED(f) cmocka_unit_test_setup_teardown(f, stage_init, stage_release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(all_hear_all),
		cmocka_unit_test(lies),
		STAGED(fails_with_another),
		STAGED(comes_twice_or_alone_or_late),
		STAGED(blame),
		STAGED(over_the_link),
		STAGED(plans_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
