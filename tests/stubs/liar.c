/* SPDX-License-Identifier: Apache-2.0 */
/* liar.c: a worker program that breaks the protocol, one way per benchmark. It speaks the packets by itself, below
 * harness/lane, because an honest worker cannot say these things. "liar.honest" is the control: the same code, no
 * lie. */
#include "base/json.h"
#include "base/message.h"
#include "base/tape.h"
#include <fcntl.h>
#include <feedline/clock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONTROL_FD = 3, STEPS_MAX = FL_TAPE_STEPS_MAX };

/* name; what it does wrong */
static const char *const modes[][2] = {
	{ "honest", "nothing" },
	{ "garbage", "sends a packet that is not JSON" },
	{ "array", "sends a list instead of an object" },
	{ "huge", "sends a packet longer than allowed" },
	{ "nested", "sends an object nested deeper than allowed" },
	{ "done_first", "says done before anything else" },
	{ "sized_twice", "says its size twice" },
	{ "no_threads", "wants 0 threads" },
	{ "many_threads", "wants more threads than a tape has" },
	{ "negative_threads", "wants -1 threads" },
	{ "other_lane", "speaks for a lane of somebody else" },
	{ "flood", "says ready without end" },
	{ "descriptor", "sends a descriptor" },
	{ "done_early", "says done before it was told to stop" },
	{ "future", "records a step that ends in an hour" },
	{ "backwards", "records a step that ends before it starts" },
	{ "overlap", "records the same time twice" },
	{ "count", "says that it recorded four billion steps" },
	{ "shrink", "shrinks the tape under the reader" },
	{ "silent", "says nothing at all" },
	{ "deaf", "does not stop" },
	{ "exits", "ends after it said ready" },
	{ "misplaced", "says that it was elsewhere" },
	{ "wordless", "fails and does not say why" },
	{ "boastful", "states facts and caps that nobody declared" },
};

static const char *mode; /* of the one lane this program has */

static bool is(const char *name)
{
	return !strcmp(mode, name);
}

/* ---- packets */

static void say_raw(const void *bytes, size_t n)
{
	if (send(CONTROL_FD, bytes, n, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void say(json_t *message, int pass_fd)
{
	if (fl_message_send(CONTROL_FD, message, pass_fd, NULL) < 0)
		_exit(0);
	json_decref(message);
}

static json_t *hear(int *ret_fd)
{
	for (;;) {
		struct pollfd p = { .fd = CONTROL_FD, .events = POLLIN };
		json_t *message;

		poll(&p, 1, -1);
		if (fl_message_receive(CONTROL_FD, &message, ret_fd, NULL) == 0)
			return message;
		if (p.revents & POLLHUP)
			_exit(0);
	}
}

static void say_huge(void)
{
	static char bytes[FL_MESSAGE_MAX + 100];

	memset(bytes, ' ', sizeof(bytes));
	say_raw(bytes, sizeof(bytes));
}

static void say_nested(void)
{
	char bytes[4000];

	memset(bytes, '[', sizeof(bytes));
	memcpy(bytes, "{\"is\":", 6);
	say_raw(bytes, sizeof(bytes));
}

static void say_size(void)
{
	int threads = is("no_threads") ? 0 : is("many_threads") ? 1 << 30 : is("negative_threads") ? -1 : 1;

	say(json_pack("{s:s, s:i, s:i}", "is", "sized", "lane", is("other_lane") ? 99 : 0, "threads", threads),
	    is("descriptor") ? STDERR_FILENO : -1);
}

static void say_ready(void)
{
	say(json_pack("{s:s, s:i}", "is", "ready", "lane", 0), -1);
}

static void say_done(void)
{
	static char text[4000];
	json_t *facts = json_object(), *caps = json_array();

	memset(text, 'x', sizeof(text) - 1);
	if (is("boastful")) {
		json_object_set_new(facts, "undeclared", json_string("yes"));
		json_object_set_new(facts, "engine", json_string(text));
		for (int i = 0; i < 10; i++)
			json_array_append_new(caps, json_pack("{s:s, s:f, s:s}", "hop", text, "cap_bytes_per_s", -1.0,
							      "origin", "computed"));
	}
	say(json_pack("{s:s, s:i, s:b, s:n, s:n, s:o, s:o, s:{s:s, s:i, s:b, s:s}}", "is", "done", "lane", 0,
		      "verified", 1, "what", "hint", "facts", facts, "caps", caps, "placement", "cpus", "0", "node", 0,
		      "verified", !is("misplaced"), "reason", "it was on the other side"),
	    -1);
}

/* ---- the tape, below its interface where the lie needs it */

static void write_lie(struct fl_tape *tape, int tape_fd)
{
	uint64_t now_ns = fl_now_ns();
	struct fl_tape_step step = { .start_ns = now_ns - 1000, .end_ns = now_ns, .ops = 1, .bytes = 1 };

	if (is("future"))
		step.end_ns = now_ns + UINT64_C(3600000000000);
	if (is("backwards"))
		step.end_ns = step.start_ns - 500;
	fl_tape_add(tape, 0, &step, NULL);
	if (is("overlap"))
		fl_tape_add(tape, 0, &step, NULL);
	if (is("shrink") && ftruncate(tape_fd, 0) == 0)
		_exit(1); /* the seal did not hold: the agent would die of SIGBUS */
	if (is("count")) {
		unsigned char *all = mmap(NULL, 128, PROT_READ | PROT_WRITE, MAP_SHARED, tape_fd, 0);

		memset(all + 64, 0xff, 4); /* the first thread's count */
		munmap(all, 128);
	}
}

static bool lies_in_tape(void)
{
	return is("future") || is("backwards") || is("overlap") || is("count") || is("shrink");
}

static void work(struct fl_tape *tape, int tape_fd)
{
	static const _Atomic bool never;
	uint64_t start_ns;

	if (!fl_tape_wait_start(tape, &never))
		return;
	if (lies_in_tape())
		write_lie(tape, tape_fd);
	start_ns = fl_now_ns();
	while (!fl_tape_stopped(tape) || is("deaf")) {
		struct fl_tape_step step = { .start_ns = start_ns, .ops = 1, .bytes = 1 };

		usleep(1000);
		start_ns = step.end_ns = fl_now_ns();
		fl_tape_add(tape, 0, &step, NULL);
	}
}

/* ---- the life of its lane */

static void talk_wrong(void)
{
	if (is("garbage"))
		say_raw("hello", 5);
	if (is("array"))
		say_raw("[]", 2);
	if (is("huge"))
		say_huge();
	if (is("nested"))
		say_nested();
	if (is("done_first"))
		say_done();
	if (is("silent"))
		pause();
	if (is("wordless"))
		say(json_pack("{s:s, s:i, s:i, s:s}", "is", "failed", "lane", 0, "code", -5, "what", ""), -1);
}

static int live(void)
{
	int tape_fd = -1, ignored = -1;
	json_t *order = hear(&ignored), *message;
	struct fl_tape_shape shape = { .threads = 1, .steps_max = STEPS_MAX };
	struct fl_tape *tape;
	const char *name = NULL;

	if (json_unpack(order, "{s:s}", "bench", &name) < 0)
		return 1;
	mode = strchr(name, '.') + 1;
	talk_wrong();
	say_size();
	if (is("sized_twice"))
		say_size();
	message = hear(&tape_fd);
	json_decref(message);
	if (fl_tape_map(tape_fd, &shape, &tape, NULL) < 0)
		return 1;
	say_ready();
	while (is("flood"))
		say_ready();
	if (is("exits"))
		_exit(0);
	if (is("done_early"))
		say_done();
	work(tape, tape_fd);
	message = hear(&ignored); /* "halt" */
	json_decref(message);
	say_done();
	json_decref(order);
	pause();
	return 0;
}

static int describe(const char *path)
{
	json_t *list = json_array();
	json_t *manifest;
	int rc;

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		char name[64];

		snprintf(name, sizeof(name), "liar.%s", modes[i][0]);
		json_array_append_new(list, json_pack("{s:s, s:s, s:n, s:n, s:n, s:b, s:[], s:[{s:s, s:s, s:s, s:s}], "
						      "s:[{s:s, s:b, s:s}], s:[{s:s, s:s, s:i}]}",
						      "name", name, "summary", modes[i][1], "unavailable", "numa",
						      "threads", "verifies", 1, "fields", "metrics", "name",
						      "bytes_per_s", "from", "rate_bytes", "better", "higher", "help",
						      "payload", "facts", "name", "engine", "key", 1, "help", "engine",
						      "flows", "from", "cpu", "to", "memory", "per_byte", 1));
	}
	manifest = json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "program", "feedline-lane-liar", "version", "0",
			     "benchmarks", list);
	rc = json_dump_file(manifest, path, JSON_INDENT(1));
	json_decref(manifest);
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "describe"))
		return describe(argv[3]);
	return argc == 2 && !strcmp(argv[1], "lane") ? live() : 2;
}
