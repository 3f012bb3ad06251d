/* SPDX-License-Identifier: Apache-2.0 */
/* null.scripted_lockstep: two lanes that exchange a token in every step, over TCP: a step of one that the other does
 * not make would wait for ever. And what can go wrong with that. Built for tests only, never installed. */
#include "path/tcp.h"
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the second rank does in its step after GOOD_STEPS good ones; late: when its data is looked at. */
#define PARTS(X)                                                                                                       \
	X(ok)                                                                                                          \
	X(dies)                                                                                                        \
	X(hangs)                                                                                                       \
	X(fails)                                                                                                       \
	X(silent)                                                                                                      \
	X(idle)                                                                                                        \
	X(runs_off)                                                                                                    \
	X(dies_late)

#define X_PART(name) PART_##name,
enum part { PARTS(X_PART) };
#define X_PART_RANGE(name) "|" #name
static const char part_names[] = PARTS(X_PART_RANGE);

enum { GOOD_STEPS = 20 };

struct lockstep_opts {
	unsigned part;
	uint64_t step_time, slower;
};

struct lockstep_state {
	const struct lockstep_opts *opts;
	struct fl_lane *lane;
	struct fl_tcp_halt halt;
	int fd;
	enum part part; /* of this rank */
	uint64_t steps;
	char peer[FL_TCP_NAME_MAX];
};

static const char *const roles[] = { "first", "second" };

static int lockstep_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct lockstep_opts *o = opts;
	const struct fl_tcp_spec spec = { .lane = lane, .roles = roles, .interface = "", .streams = 1 };
	struct lockstep_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for lockstep");
	*s = (struct lockstep_state){ .opts = o,
				      .lane = lane,
				      .part = fl_rank(lane) == 1 ? (enum part)o->part : PART_ok };
	rc = fl_tcp_connect(&spec, &s->fd, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	fl_tcp_name_peer(&spec, s->peer);
	*ret_state = s;
	return 0;
}

static void die(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void hang(void)
{
	while (pause() < 0)
		; /* a signal: on it goes */
}

/* Below 0, or 1: it is idle. */
static int misbehave(const struct lockstep_state *s, struct fl_err *err)
{
	if (s->part == PART_dies)
		die();
	if (s->part == PART_hangs)
		hang();
	if (s->part == PART_fails)
		return fl_fail(err, -EIO, "scripted failure");
	return s->part == PART_idle ? FL_IDLE : 0;
}

/* The token of the other, which has begun the same step. */
static int receive(struct lockstep_state *s, struct fl_err *err)
{
	uint64_t token = 0;

	while (!atomic_load(&s->halt.halted)) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		ssize_t n = poll(&p, 1, 20) > 0 ? recv(s->fd, &token, sizeof(token), MSG_WAITALL | MSG_DONTWAIT) : -1;

		if (n == 0 || (n < 0 && p.revents & (POLLERR | POLLHUP)))
			return fl_tcp_ended(&s->halt, s->peer, err);
		if (n < 0)
			continue;
		if (token == s->steps)
			return 0;
		return fl_fail(err, -EIO, "the token of step %llu in step %llu", (unsigned long long)token,
			       (unsigned long long)s->steps);
	}
	return -ECANCELED;
}

static int lockstep_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct lockstep_state *s = state;
	const bool after = s->steps >= GOOD_STEPS;
	int rc = s->steps == GOOD_STEPS ? misbehave(s, err) : 0;

	(void)thread;
	if (rc)
		return rc;
	if (n != 1)
		return fl_fail(err, -EINVAL, "a step in lockstep has n = %llu", (unsigned long long)n);
	if (!(after && s->part == PART_silent) &&
	    send(s->fd, &s->steps, sizeof(s->steps), MSG_NOSIGNAL) != (ssize_t)sizeof(s->steps))
		return fl_tcp_ended(&s->halt, s->peer, err);
	fl_sleep_until(fl_now_ns() + s->opts->step_time * (fl_rank(s->lane) ? s->opts->slower : 1));
	rc = after && s->part == PART_runs_off ? 0 : receive(s, err);
	if (rc < 0)
		return rc;
	s->steps++;
	did->ops = 1;
	did->bytes = sizeof(s->steps);
	return 0;
}

static void lockstep_halt(void *state)
{
	atomic_store(&((struct lockstep_state *)state)->halt.halted, true);
}

/* As many steps of one as of the other, unless they were halted. */
static int lockstep_verify(void *state, struct fl_err *err)
{
	struct lockstep_state *s = state;
	uint64_t steps[2];
	int rc;

	if (s->part == PART_dies_late)
		die();
	if (atomic_load(&s->halt.halted))
		return 0;
	rc = fl_allgather(s->lane, "steps", &s->steps, sizeof(s->steps), steps, err);
	if (rc < 0)
		return rc;
	fl_set_fact(s->lane, "steps", "%llu", (unsigned long long)s->steps);
	if (steps[0] != steps[1])
		return fl_fail(err, -EBADMSG, "one lane made %llu steps and the other %llu",
			       (unsigned long long)steps[0], (unsigned long long)steps[1]);
	return 0;
}

static void lockstep_close(void *state)
{
	struct lockstep_state *s = state;

	fl_tcp_close(&s->fd, 1);
	free(s);
}

static const struct fl_field lockstep_fields[] = {
	FL_FIELD(lockstep_opts, part, FL_CHOICE, "ok", part_names + 1, "what the second lane does"),
	FL_FIELD(lockstep_opts, step_time, FL_NS, "1ms", "0..10s", "how long a step of the first lane lasts"),
	FL_FIELD(lockstep_opts, slower, FL_COUNT, "1", "0..1000", "how many times as long one of the second"),
	{ 0 },
};

static const struct fl_metric lockstep_metrics[] = {
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "steps per second" },
	{ "step_ns", FL_STEP_NS, FL_LOWER, "time of a step" },
	{ 0 },
};

static const struct fl_fact lockstep_facts[] = {
	{ "steps", false, "how many the lane made" },
	{ 0 },
};

FL_BENCHES(scripted, lockstep) = {
	{ .name = "null.scripted_lockstep",
	  .summary = "two lanes that make the same steps",
	  .roles = "first|second",
	  .measured_at = "second",
	  .lockstep = true,
	  .opts_bytes = sizeof(struct lockstep_opts),
	  .fields = lockstep_fields,
	  .metrics = lockstep_metrics,
	  .facts = lockstep_facts,
	  .open = lockstep_open,
	  .step = lockstep_step,
	  .halt = lockstep_halt,
	  .verify = lockstep_verify,
	  .close = lockstep_close },
	{ 0 },
};
