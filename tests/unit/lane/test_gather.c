/* SPDX-License-Identifier: Apache-2.0 */
/* test_gather.c: a lane speaks to its group. The worker is a copy of this program in its main loop; the test is
 * the agent. Open and verify of the one benchmark gather; what came of it is what the lane says. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/message.h"
#include "lane/lane.h"
#include <errno.h>
#include <feedline/clock.h>
#include <feedline/registry.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the benchmark */

struct two {
	struct fl_lane *lane;
};

static int say(struct fl_lane *lane, const char *name, struct fl_err *err)
{
	unsigned char mine[2] = { 0xa0, (unsigned char)fl_rank(lane) }, all[8] = { 0 };
	int rc = fl_allgather(lane, name, mine, sizeof(mine), all, err);

	if (rc == 0 && fl_size(lane) > 1)
		fl_set_fact(lane, name, "%02x%02x %02x%02x", all[0], all[1], all[2], all[3]);
	return rc;
}

static int two_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	static char much[FL_GATHER_MAX + 1];
	struct two *s;
	int rc;

	(void)opts;
	rc = fl_allgather(lane, "much", much, sizeof(much), much, NULL);
	if (rc != -EINVAL)
		return fl_fail(err, -EIO, "more than can be said was said");
	rc = say(lane, "begin", err);
	if (rc == 0)
		rc = fl_barrier(lane, "bar", err);
	if (rc < 0)
		return rc;
	s = fl_zalloc(1, sizeof(*s));
	s->lane = lane;
	fl_set_fact(lane, "where", "%u/%u %s %s", fl_rank(lane), fl_size(lane), fl_address(lane, 0),
		    fl_address(lane, 1) ? fl_address(lane, 1) : "-");
	*ret_state = s;
	return 0;
}

static int two_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	(void)state;
	(void)thread;
	(void)err;
	did->ops = n;
	return FL_IDLE;
}

static int two_verify(void *state, struct fl_err *err)
{
	return say(((struct two *)state)->lane, "end", err);
}

static void two_close(void *state)
{
	free(state);
}

static const struct fl_fact two_facts[] = {
	{ "begin", false, "h" }, { "end", false, "h" }, { "where", false, "h" }, { 0 }
};
static const struct fl_bench benches[] = {
	{ .name = "null.two",
	  .summary = "s",
	  .roles = "a|b",
	  .facts = two_facts,
	  .open = two_open,
	  .step = two_step,
	  .verify = two_verify,
	  .close = two_close },
	{ 0 },
};
const struct fl_bench *const fl_registry[] = { benches, NULL };

/* ---- the agent */

struct agent {
	int fd;
	pid_t worker;
	struct fl_tape *tape;
};

static json_t *hear(struct agent *a)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	json_t *message = NULL;
	int fd;

	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(fl_message_receive(a->fd, &message, &fd, NULL), 0);
	return message;
}

static void hear_it(struct agent *a, const char *want)
{
	struct fl_text text = { 0 };
	json_t *message = hear(a);

	fl_json_write(message, 0, &text);
	if (!strstr(fl_text_str(&text), want))
		fail_msg("the lane said '%s', not '%s'", fl_text_str(&text), want);
	fl_text_release(&text);
	json_decref(message);
}

static void tell(struct agent *a, const char *text, int pass_fd)
{
	json_t *message;

	assert_int_equal(fl_json_parse(text, strlen(text), "test", &message, NULL), 0);
	assert_int_equal(fl_message_send(a->fd, message, pass_fd, NULL), 0);
	json_decref(message);
}

static void begin(struct agent *a, const char *rank_and_addresses)
{
	struct fl_tape_shape shape = { .threads = 1, .steps_max = 1 << 14 };
	struct fl_cpus cpus = { 0 };
	struct fl_text text = { 0 };
	int fds[2], tape_fd;
	char *open;

	*a = (struct agent){ .fd = -1 };
	assert_int_equal(fl_message_pair(fds, NULL), 0);
	a->fd = fds[0];
	a->worker = fork();
	if (a->worker == 0) {
		signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the next test, in here */
		_exit(fl_lane_serve(fds[1]));
	}
	close(fds[1]);
	assert_true(a->worker > 0);
	fl_cpus_add(&cpus, (unsigned)sched_getcpu());
	fl_cpus_format(&cpus, &text);
	open = fl_format(
		"{\"do\":\"open\",\"lane\":4,\"bench\":\"null.two\",\"cpus\":\"%s\",\"node\":-1,\"step_ns\":1000,"
		"\"memory_max\":0,\"options\":{},\"devices\":{},%s}",
		fl_text_str(&text), rank_and_addresses);
	tell(a, open, -1);
	free(open);
	fl_text_release(&text);
	hear_it(a, "\"sized\"");
	assert_int_equal(fl_tape_create(&shape, &a->tape, &tape_fd, NULL), 0);
	tell(a, "{\"do\":\"tape\",\"lane\":4,\"threads\":1,\"steps_max\":16384}", tape_fd);
	close(tape_fd);
}

static void end(struct agent *a)
{
	int status;

	tell(a, "{\"do\":\"quit\"}", -1);
	assert_int_equal(waitpid(a->worker, &status, 0), a->worker);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fl_tape_free(a->tape);
	close(a->fd);
}

#define PAIR "\"rank\":1,\"addresses\":[\"10.1.0.1\",\"10.1.0.2\"]"

static void run_steps(struct agent *a)
{
	hear_it(a, "\"ready\"");
	fl_tape_start(a->tape, fl_now_ns());
	fl_tape_stop(a->tape);
	tell(a, "{\"do\":\"halt\",\"lane\":4}", -1);
}

/* It is halted before the data is looked at, and speaks to its group then, too. */
static void speaks_and_hears(void **state)
{
	struct agent a;

	(void)state;
	begin(&a, PAIR);
	hear_it(&a, "{\"is\":\"gather\",\"lane\":4,\"name\":\"begin\",\"value\":\"a001\"}");
	tell(&a, "{\"do\":\"gathered\",\"lane\":4,\"name\":\"begin\",\"values\":[\"ff00\",\"a001\"]}", -1);
	hear_it(&a, "\"name\":\"bar\",\"value\":\"\"");
	tell(&a, "{\"do\":\"gathered\",\"lane\":4,\"name\":\"bar\",\"values\":[\"\",\"\"]}", -1);
	run_steps(&a);
	hear_it(&a, "\"name\":\"end\",\"value\":\"a001\"");
	tell(&a, "{\"do\":\"gathered\",\"lane\":4,\"name\":\"end\",\"values\":[\"0102\",\"0304\"]}", -1);
	hear_it(&a, "\"facts\":{\"begin\":\"ff00 a001\",\"end\":\"0102 0304\",\"where\":\"1/2 10.1.0.1 10.1.0.2\"}");
	end(&a);
}

static void is_alone(void **state)
{
	struct agent a;

	(void)state;
	begin(&a, "\"rank\":0,\"addresses\":[]");
	run_steps(&a);
	hear_it(&a, "\"where\":\"0/1 127.0.0.1 -\"");
	end(&a);
}

/* Answers that are none: the lane fails, and says why. */
static void strange_answers(void **state)
{
	static const char *const rows[][2] = {
		{ "\"gathered\",\"lane\":4,\"name\":\"begin\",\"values\":[\"a001\"]", "\"code\":-71" },
		{ "\"gathered\",\"lane\":4,\"name\":\"begin\",\"values\":[\"a0\",\"a001\"]", "rank 0 said" },
		{ "\"gathered\",\"lane\":4,\"name\":\"begin\",\"values\":[\"a001\",\"A001\"]", "rank 1 said" },
		{ "\"gathered\",\"lane\":4,\"name\":\"begin\",\"values\":[\"a001\",1]", "rank 1 said" },
		{ "\"gathered\",\"lane\":4,\"name\":\"begin\"", "not as many" },
		{ "\"ungathered\",\"lane\":4,\"name\":\"begin\",\"what\":\"somebody is lost\"",
		  "\"code\":-125,\"what\":\"somebody is lost\"" },
		{ "\"halt\",\"lane\":4", "\"code\":-125,\"what\":\"the case is over\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *message = fl_format("{\"do\":%s}", rows[i][0]);
		struct agent a;

		begin(&a, PAIR);
		hear_it(&a, "\"gather\"");
		tell(&a, message, -1);
		hear_it(&a, rows[i][1]);
		free(message);
		end(&a);
	}
}

/* What nobody asked for, or comes too late, changes nothing; an answer to another question is an error. */
static void unasked_answers(void **state)
{
	struct agent a;

	(void)state;
	begin(&a, PAIR);
	hear_it(&a, "\"name\":\"begin\"");
	tell(&a, "{\"do\":\"ungathered\",\"lane\":4,\"name\":\"bar\",\"what\":\"no\"}", -1);
	tell(&a, "{\"do\":\"gathered\",\"lane\":4,\"name\":\"bar\",\"values\":[\"ff00\",\"a001\"]}", -1);
	hear_it(&a, "\"failed\",\"lane\":4,\"code\":-71,\"what\":\"an answer to 'bar', not to 'begin'\"");
	tell(&a, "{\"do\":\"gathered\",\"lane\":4,\"name\":\"begin\",\"values\":[\"ff00\",\"a001\"]}", -1);
	hear_it(&a, "\"name\":\"bar\"");
	tell(&a, "{\"do\":\"halt\",\"lane\":4}", -1);
	hear_it(&a, "the case is over");
	end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_and_hears),
		cmocka_unit_test(is_alone),
		cmocka_unit_test(strange_answers),
		cmocka_unit_test(unasked_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
