/* SPDX-License-Identifier: Apache-2.0 */
/* talk.c: the conversation with workers. Each message is legal in one state only and moves the lane to the next, so a
 * worker that floods, repeats itself or jumps ahead is found out by its second word. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "base/message.h"
#include "run/case.h"
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---- agent -> worker */

/* To a worker that is gone there is nothing to say; its end is an event of its own, which tells how it ended. */
static int tell(const struct fl_case_lane *lane, const json_t *message, int pass_fd, struct fl_err *err)
{
	struct fl_err why = { 0 };
	int rc = fl_message_send(lane->worker->control_fd, message, pass_fd, &why);

	return rc < 0 && rc != -EPIPE ? fl_fail(err, rc, "%s", why.what) : 0;
}

static json_t *device_json(const struct fl_machine *m, const char *kind, const char *id)
{
	int i = fl_machine_find(m, kind, id);
	struct fl_device_view d = { .id = id, .node = -1 };

	if (i >= 0)
		d = fl_machine_device(m, kind, (size_t)i);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i, s:i}", "id", fl_json_string(d.id), "pci",
			 fl_json_string(d.pci), "path", fl_json_string(d.path), "uuid", fl_json_string(d.uuid), "rdma",
			 fl_json_string(d.rdma), "rdma_port", (int)d.rdma_port, "node", d.node);
}

static void split_options(const struct fl_case *c, const struct fl_case_lane *lane, json_t *options, json_t *devices)
{
	for (size_t i = 0; i < lane->plan->options_n; i++) {
		const struct fl_option *o = &lane->plan->options[i];
		const struct fl_field *f = fl_field_find(lane->entry->fields, o->name);

		if (!f)
			continue; /* a common option: ours, not the benchmark's */
		if (f->type == FL_DEVICE)
			json_object_set_new(devices, o->name, device_json(c->agent->machine, f->range, o->text));
		else
			json_object_set_new(options, o->name, json_string(o->text));
	}
}

/* Each lane of a case gets an equal part of what the cgroup allows: they run at the same time. 0: no limit. */
static uint64_t memory_max(const struct fl_case *c)
{
	double bytes = c->agent->machine->limits.memory_bytes.value / (double)c->lanes_n;

	return bytes > 0 && bytes < 1e18 ? (uint64_t)bytes : 0;
}

static unsigned number_of(const struct fl_case *c, const struct fl_case_lane *lane)
{
	return (unsigned)(lane - c->lanes);
}

int fl_case_order(struct fl_case *c, struct fl_case_lane *lane, struct fl_err *err)
{
	json_t *options = json_object(), *devices = json_object();
	struct fl_text cpus = { 0 };
	json_t *message;
	int rc;

	split_options(c, lane, options, devices);
	fl_cpus_format(&lane->plan->cpus, &cpus);
	message = json_pack("{s:s, s:i, s:s, s:o, s:o, s:s, s:i, s:I, s:I, s:i, s:o}", "do", "open", "lane",
			    (int)number_of(c, lane), "bench", lane->plan->bench, "options", options, "devices", devices,
			    "cpus", fl_text_str(&cpus), "node", lane->plan->node, "step_ns", (json_int_t)c->step_ns,
			    "memory_max", (json_int_t)memory_max(c), "rank", (int)lane->plan->rank, "addresses",
			    fl_group_addresses(c, lane));
	rc = tell(lane, message, -1, err);
	json_decref(message);
	fl_text_release(&cpus);
	if (rc == 0)
		lane->state = FL_LANE_ORDERED;
	return rc;
}

static int send_tape(struct fl_case *c, struct fl_case_lane *lane, uint32_t steps_max, int tape_fd, struct fl_err *err)
{
	json_t *message = json_pack("{s:s, s:i, s:i, s:i}", "do", "tape", "lane", (int)number_of(c, lane), "threads",
				    (int)lane->threads, "steps_max", (int)steps_max);
	int rc = tell(lane, message, tape_fd, err);

	json_decref(message);
	return rc;
}

void fl_case_stop_lane(struct fl_case *c, struct fl_case_lane *lane)
{
	json_t *message = json_pack("{s:s, s:i}", "do", "halt", "lane", (int)number_of(c, lane));
	struct fl_err err = { 0 };

	lane->state = FL_LANE_STOPPING;
	fl_tape_stop(lane->tape);
	if (tell(lane, message, -1, &err) < 0)
		fl_case_fail_lane(c, lane, true, &err);
	json_decref(message);
}

/* ---- worker -> agent */

struct fl_case_lane *fl_case_failed_lane(const struct fl_case *c)
{
	struct fl_case_lane *other = NULL;

	for (size_t i = 0; i < c->lanes_n; i++) {
		if (c->lanes[i].state == FL_LANE_FAILED && !c->lanes[i].wait.cancelled)
			return &c->lanes[i];
		if (c->lanes[i].state == FL_LANE_FAILED && !other)
			other = &c->lanes[i];
	}
	return other;
}

static bool is_over(const struct fl_case_lane *lane)
{
	return lane->state == FL_LANE_DONE || lane->state == FL_LANE_FAILED;
}

/* The worker's first lane that is not over; NULL: all are. */
static struct fl_case_lane *open_lane(const struct fl_case *c, const struct fl_worker *w)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].worker == w && !is_over(&c->lanes[i]))
			return &c->lanes[i];
	return NULL;
}

static void end_lane(struct fl_case *c, struct fl_case_lane *lane, bool invalid, const struct fl_err *why)
{
	lane->state = FL_LANE_FAILED;
	lane->invalid = invalid;
	lane->err = *why;
	lane->wait.waits = false;
	fl_group_lose(c, lane);
}

/* Its worker was killed and did not end. */
static void tell_stuck(struct fl_case_lane *lane)
{
	const struct fl_err why = lane->err;

	if (!lane->worker->stuck_pid)
		return;
	lane->err = (struct fl_err){ 0 };
	fl_fail(&lane->err, why.code, "%.240s; its process %d is stuck in the kernel and was left behind", why.what,
		(int)lane->worker->stuck_pid);
	if (why.hint[0])
		fl_hint(&lane->err, "%s", why.hint);
}

/* The worker of a lane that broke the rules, and with it all that ran in it. */
static void end_worker_of(struct fl_case *c, struct fl_case_lane *guilty)
{
	struct fl_case_lane *lane;
	struct fl_err why = { 0 };

	fl_worker_kill(c->pool, guilty->worker, NULL, 0);
	tell_stuck(guilty);
	fl_fail(&why, -ECANCELED, "its worker was ended for another lane, %s: %s", guilty->plan->bench,
		guilty->err.what);
	if (guilty->err.hint[0])
		fl_hint(&why, "%s", guilty->err.hint);
	while ((lane = open_lane(c, guilty->worker)))
		end_lane(c, lane, false, &why);
}

void fl_case_fail_lane(struct fl_case *c, struct fl_case_lane *lane, bool invalid, const struct fl_err *why)
{
	if (is_over(lane))
		return;
	end_lane(c, lane, invalid, why);
	if (!lane->worker)
		return;
	if (invalid)
		end_worker_of(c, lane);
	else if (open_lane(c, lane->worker))
		lane->worker->spent = true;
	else
		fl_worker_mute(c->pool, lane->worker); /* what it may still say is of no interest */
}

/* All that ran in a worker of which nobody can say which lane is to blame. */
static void fail_worker(struct fl_case *c, struct fl_worker *w, bool invalid, const struct fl_err *why)
{
	struct fl_case_lane *lane;

	while ((lane = open_lane(c, w)))
		end_lane(c, lane, invalid, why);
	if (invalid)
		fl_worker_kill(c->pool, w, NULL, 0);
	else
		fl_worker_mute(c->pool, w);
}

/* All threads together may record some million steps; one thread never more than the tape's own bound. */
static uint32_t steps_for(uint32_t threads)
{
	enum { ALL_STEPS = 1 << 22, LEAST = 1 << 14 };
	uint32_t share = ALL_STEPS / threads;

	return share > FL_TAPE_STEPS_MAX ? FL_TAPE_STEPS_MAX : share < LEAST ? LEAST : share;
}

static int on_sized(struct fl_case *c, struct fl_case_lane *lane, const json_t *message, struct fl_err *err)
{
	struct fl_tape_shape shape = { .given = fl_metrics_from(lane->entry->metrics, FL_GIVEN),
				       .hists = fl_metrics_from(lane->entry->metrics, FL_DISTRIBUTION) };
	uint64_t threads;
	int tape_fd;
	int rc = fl_json_u64(message, "sized", "threads", FL_TAPE_THREADS_MAX, &threads, err);

	if (rc < 0)
		return rc;
	if (threads == 0)
		return fl_fail(err, -EPROTO, "it wants no threads");
	lane->threads = shape.threads = (uint32_t)threads;
	shape.steps_max = steps_for(shape.threads);
	rc = fl_tape_create(&shape, &lane->tape, &tape_fd, err);
	if (rc < 0)
		return rc;
	lane->seen = fl_zalloc(threads, sizeof(*lane->seen));
	lane->last_end_ns = fl_zalloc(threads, sizeof(*lane->last_end_ns));
	rc = send_tape(c, lane, shape.steps_max, tape_fd, err);
	close(tape_fd);
	lane->state = FL_LANE_SIZED;
	return rc;
}

static int on_failed(struct fl_case *c, struct fl_case_lane *lane, const json_t *message, struct fl_err *err)
{
	struct fl_err why = { 0 };
	const char *what, *hint;
	int64_t code;
	int rc = fl_json_i64(message, "failed", "code", -4095, -1, &code, err);

	if (rc == 0)
		rc = fl_json_text(message, "failed", "what", &what, err);
	if (rc < 0)
		return rc;
	if (code == -ECANCELED && lane->wait.cancelled)
		what = lane->wait.cancelled;
	fl_fail(&why, (int)code, "%s", what);
	hint = fl_json_text_or_null(message, "hint");
	if (hint && *hint)
		fl_hint(&why, "%s", hint);
	if (code == -ENODEV)
		fl_case_retire_lost(c, lane, what);
	fl_case_fail_lane(c, lane, code == -EXDEV || code == -ESTALE, &why);
	return 0;
}

static int dispatch(struct fl_case *c, struct fl_case_lane *lane, const json_t *message, struct fl_err *err)
{
	const char *is = fl_json_text_or_null(message, "is");

	if (is && !strcmp(is, "failed") && lane->state != FL_LANE_WAITING)
		return on_failed(c, lane, message, err);
	if (is && !strcmp(is, "sized") && lane->state == FL_LANE_ORDERED)
		return on_sized(c, lane, message, err);
	if (is && !strcmp(is, "gather") && (lane->state == FL_LANE_SIZED || lane->state == FL_LANE_STOPPING))
		return fl_group_hear(c, lane, message, err);
	if (is && !strcmp(is, "ready") && lane->state == FL_LANE_SIZED) {
		lane->state = FL_LANE_READY;
		return fl_group_pass(c, lane, is, err);
	}
	if (is && !strcmp(is, "done") && lane->state == FL_LANE_STOPPING && !lane->done) {
		int rc = fl_group_pass(c, lane, is, err);

		if (rc < 0)
			return rc;
		lane->done = json_incref((json_t *)(uintptr_t)message);
		if (!fl_lockstep_is_short(c, lane))
			lane->state = FL_LANE_DONE;
		return 0;
	}
	return fl_fail(err, -EPROTO, "the worker said '%.32s' out of turn", is ? is : "nothing");
}

/* The lane that a message is about; NULL: none of this worker's. */
static struct fl_case_lane *lane_numbered(const struct fl_case *c, const struct fl_worker *w, uint64_t number)
{
	return number < c->lanes_n && c->lanes[number].worker == w ? &c->lanes[number] : NULL;
}

/* A lane that the agent has given up may be about to say so much; one that has come to its end says nothing more. */
static int hear_over(struct fl_case_lane *lane, struct fl_err *err)
{
	enum { WORDS_MAX = 4 };

	if (lane->state == FL_LANE_FAILED && lane->late_words++ < WORDS_MAX)
		return 0;
	return fl_fail(err, -EPROTO, "the worker spoke for a lane that is over");
}

/* One message, or -EAGAIN. A number that is none of the worker's lanes is a lie. *ret_lane: whom it is about, once that
 * is known. */
static int receive(struct fl_case *c, const struct fl_worker *w, struct fl_case_lane **ret_lane, struct fl_err *err)
{
	struct fl_case_lane *lane = NULL;
	uint64_t number;
	json_t *message;
	int fd;
	int rc = fl_message_receive(w->control_fd, &message, &fd, err);

	if (rc < 0)
		return rc;
	if (fd >= 0) {
		close(fd);
		rc = fl_fail(err, -EPROTO, "the worker sent a descriptor");
	}
	if (rc == 0)
		rc = fl_json_u64(message, "message", "lane", UINT32_MAX, &number, err);
	if (rc == 0) {
		*ret_lane = lane = lane_numbered(c, w, number);
		rc = lane ? 0 : fl_fail(err, -EPROTO, "the worker spoke for another lane");
	}
	if (rc == 0)
		rc = is_over(lane) ? hear_over(lane, err) : dispatch(c, lane, message, err);
	json_decref(message);
	return rc;
}

/* What cannot be read as the protocol has it is a lie; what we ourselves could not do is not. */
static bool is_lie(int code)
{
	return code == -EPROTO || code == -EINVAL || code == -ERANGE;
}

/* lane: whom it concerns; NULL, or one that is over: all of the worker's. */
static void give_up_on(struct fl_case *c, struct fl_worker *w, struct fl_case_lane *lane, const struct fl_err *why)
{
	const bool lie = is_lie(why->code);
	struct fl_err said = *why;

	if (lie) {
		said = (struct fl_err){ 0 };
		fl_fail(&said, -EPROTO, "the worker lies: %s", why->what);
	}
	if (lane && !is_over(lane))
		fl_case_fail_lane(c, lane, lie, &said);
	else
		fail_worker(c, w, lie, &said);
}

/* The other end is closed. Usually because the worker ends, which takes a moment, is an event of its own and tells
 * more. */
static void on_closed(struct fl_case *c, struct fl_worker *w)
{
	struct fl_err why = { 0 };

	if (fl_worker_ends(w, 200))
		return;
	fl_fail(&why, -EPROTO, "the worker closed its control socket");
	fail_worker(c, w, true, &why);
}

/* Lanes that are over have nothing more to say; their worker is not used again if it does. */
static void on_control(struct fl_case *c, struct fl_worker *w)
{
	if (!open_lane(c, w)) {
		fl_worker_kill(c->pool, w, NULL, 0);
		return;
	}
	while (!w->broken && open_lane(c, w)) {
		struct fl_case_lane *lane = NULL;
		struct fl_err why = { 0 };
		int rc = receive(c, w, &lane, &why);

		if (rc == -EAGAIN)
			return;
		if (rc == -EPIPE)
			on_closed(c, w);
		else if (rc < 0)
			give_up_on(c, w, lane, &why);
		if (rc == -EPIPE)
			return;
	}
}

static void on_output(struct fl_case *c, struct fl_worker *w)
{
	struct fl_err why = { 0 };

	if (fl_worker_read_output(c->pool, w, &why) < 0)
		fail_worker(c, w, true, &why);
}

/* How the worker ended, as one of its lanes tells it. */
static void tell_end(const struct fl_case_lane *lane, const char *how, const char *words, struct fl_err *why)
{
	fl_fail(why, -ECHILD, "the worker %s in phase '%s'", how,
		lane->tape ? fl_phase_name(fl_tape_phase(lane->tape)) : "start");
	if (*words)
		fl_hint(why, "its last words: %s", words);
	else if (strstr(how, "SIGKILL"))
		fl_hint(why, "somebody killed it: the kernel for want of memory perhaps, then dmesg tells");
}

/* It ended by itself. What it said before is heard first: the messages and its last words. */
static void on_end(struct fl_case *c, struct fl_worker *w)
{
	struct fl_case_lane *lane;
	char how[64] = "ended";

	if (open_lane(c, w))
		on_control(c, w);
	fl_worker_read_output(c->pool, w, NULL);
	fl_worker_kill(c->pool, w, how, sizeof(how));
	while ((lane = open_lane(c, w))) {
		struct fl_err why = { 0 };

		tell_end(lane, how, fl_worker_last_words(w), &why);
		end_lane(c, lane, true, &why);
	}
}

static bool has_lane(const struct fl_case *c, const struct fl_worker *w)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].worker == w)
			return true;
	return false;
}

static void on_event(struct fl_case *c, const struct fl_source *source)
{
	struct fl_worker *w = source->worker;

	if (w->broken)
		return;	     /* killed by an event of the same batch */
	if (!has_lane(c, w)) /* an idle worker that died or talks: never used again */
		fl_worker_kill(c->pool, w, NULL, 0);
	else if (source->kind == FL_SOURCE_CONTROL)
		on_control(c, w);
	else if (source->kind == FL_SOURCE_OUTPUT)
		on_output(c, w);
	else
		on_end(c, w);
}

int fl_case_listen(struct fl_case *c, uint64_t until_ns, struct fl_err *err)
{
	enum { BATCH = 64 };
	struct epoll_event events[BATCH];
	uint64_t now_ns = fl_now_ns();
	uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec wait = { (time_t)(wait_ns / 1000000000), (long)(wait_ns % 1000000000) };
	struct pollfd any[] = { { .fd = c->pool->epoll_fd, .events = POLLIN }, { .fd = -1 } };
	int n, rc = 0;

	if (c->agent->interrupt && *c->agent->interrupt)
		return fl_fail(err, -EINTR, "interrupted");
	if (c->agent->watch && c->agent->watch->waits)
		c->agent->watch->waits(c->agent->watch->arg);
	fl_conduct_failed(c);
	if (c->conductor)
		any[1] = (struct pollfd){ .fd = c->conductor->fd, .events = c->conductor->events(c->conductor) };
	n = ppoll(any, 2, &wait, NULL); /* finer than epoll_wait's milliseconds; epoll_pwait2 wants glibc 2.35 */
	if (n > 0 && c->conductor && any[1].revents)
		rc = c->conductor->hear(c->conductor, c, err);
	if (n > 0 && rc == 0)
		n = epoll_wait(c->pool->epoll_fd, events, BATCH, 0);
	if (rc < 0 || (n < 0 && errno == EINTR))
		return rc;
	if (n < 0)
		return fl_fail(err, -ENOTRECOVERABLE, "wait for workers: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		on_event(c, events[i].data.ptr);
	return 0;
}
