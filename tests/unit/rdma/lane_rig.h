/* SPDX-License-Identifier: Apache-2.0 */
/* lane_rig.h: two lanes of a group in the worker's own loop, in a thread of this program, over the stub: orders,
 * options, what the two say to each other, threads, steps, tape and histograms are those of a real run. The test is
 * the agent. All time is that of the stub: its settings need threads=N, the step threads and one for the agent. The
 * test defines fl_registry. */
#ifndef LANE_RIG_H
#define LANE_RIG_H
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "base/message.h"
#include "lane/lane.h"
#include "path/cache.h"
#include "run/window.h"
#include "stubs/verbs/stub.h"
#include <errno.h>
#include <feedline/clock.h>
#include <feedline/registry.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

uint64_t fl_now_ns(void)
{
	return verbs_stub_now_ns();
}

void fl_sleep_until(uint64_t at_ns)
{
	verbs_stub_sleep_until(at_ns);
}

/* Buffers of a size that is soon filled and checked: no cache is measured here. */
int fl_cache_beyond(const char *cpu_dir, int cpu, unsigned threads, enum fl_cache_times times, uint64_t asked,
		    uint64_t *ret, struct fl_err *err)
{
	(void)cpu_dir, (void)cpu, (void)threads, (void)times, (void)err;
	*ret = asked ? asked : FL_CACHE_GRAIN;
	return 0;
}

enum { RIG_LANES = 2, RIG_STEPS_MAX = 1 << 14, RIG_STEP_NS = 100000, RIG_WARM_NS = 1000000, RIG_MEASURE_NS = 8000000 };

/* One for all runs: the program's end is its end, since what its lanes share is never freed. */
struct rig_worker {
	int fd, own_fd;
	pthread_t id;
};

struct rig {
	const char *bench, *options; /* "size=64KiB depth=1": what is not preset */
	uint64_t measure_ns;
	const char *midway, *last; /* what goes wrong from the window's beginning, or end, on, for the stub */
	int fd;
	struct {
		unsigned threads;
		struct fl_tape *tape;
		char *at, *said; /* the point where it waits, and what it said there; NULL: it does not */
		json_t *end;	 /* "done", or "failed" */
	} lanes[RIG_LANES];
	unsigned ready;
	struct fl_window window;
};

/* ---- words */

static inline void rig_tell(struct rig *r, json_t *message, int pass_fd)
{
	assert_int_equal(fl_message_send(r->fd, message, pass_fd, NULL), 0);
	json_decref(message);
}

/* What the options say of one; NULL: nothing. The caller frees it. */
static inline char *rig_wish(const struct rig *r, const char *name)
{
	char *copy = fl_dup(r->options), *rest = copy, *entry, *ret = NULL;

	while (!ret && (entry = strsep(&rest, " ")))
		if (!strncmp(entry, name, strlen(name)) && entry[strlen(name)] == '=')
			ret = fl_dup(entry + strlen(name) + 1);
	free(copy);
	return ret;
}

/* A text of options, as the plan would make it, for one field. */
static inline char *rig_option(const struct rig *r, const struct fl_field *f)
{
	char *wish = rig_wish(r, f->name), *ret = NULL;
	struct fl_err err = { 0 };

	if (fl_field_canon(f, wish ? wish : f->preset, &ret, &err) < 0)
		fail_msg("%s: %s", f->name, err.what);
	free(wish);
	return ret;
}

/* "nic=mlx5_0:2" is port 2 of that, of both lanes; without a name each has its own, without a port any. */
static inline json_t *rig_device(const struct rig *r, const struct fl_field *f, unsigned rank)
{
	json_t *device = json_pack("{s:s, s:i, s:i}", "id", f->name, "node", -1, "rdma_port", 0);
	char *wish = rig_wish(r, f->name), *rest = wish;

	if (strcmp(f->name, "nic") == 0) {
		const char *name = wish ? strsep(&rest, ":") : "";

		json_object_set_new(device, "rdma", json_string(*name ? name : rank ? "mlx5_1" : "mlx5_0"));
		json_object_set_new(device, "rdma_port", json_integer(rest ? strtol(rest, NULL, 10) : 0));
	}
	free(wish);
	return device;
}

static inline void rig_order(struct rig *r, unsigned rank)
{
	json_t *options = json_object(), *devices = json_object();
	struct fl_cpus cpus = { 0 };
	struct fl_text text = { 0 };

	for (const struct fl_field *f = fl_bench_find(r->bench)->fields; f->name; f++) {
		char *option;

		if (f->type == FL_DEVICE) {
			json_object_set_new(devices, f->name, rig_device(r, f, rank));
			continue;
		}
		option = rig_option(r, f);
		json_object_set_new(options, f->name, json_string(option));
		free(option);
	}
	fl_cpus_add(&cpus, (unsigned)sched_getcpu());
	fl_cpus_format(&cpus, &text);
	rig_tell(r,
		 json_pack("{s:s, s:i, s:s, s:o, s:o, s:s, s:i, s:i, s:i, s:i, s:[s, s]}", "do", "open", "lane",
			   (int)rank, "bench", r->bench, "options", options, "devices", devices, "cpus",
			   fl_text_str(&text), "node", -1, "step_ns", RIG_STEP_NS, "memory_max", 0, "rank", (int)rank,
			   "addresses", "10.1.0.1", "10.1.0.2"),
		 -1);
	fl_text_release(&text);
}

static inline void rig_give_tape(struct rig *r, unsigned rank)
{
	const struct fl_bench *b = fl_bench_find(r->bench);
	const struct fl_tape_shape shape = { .threads = r->lanes[rank].threads,
					     .steps_max = RIG_STEPS_MAX,
					     .given = fl_metrics_from(b->metrics, FL_GIVEN),
					     .hists = fl_metrics_from(b->metrics, FL_DISTRIBUTION) };
	int fd;

	assert_int_equal(fl_tape_create(&shape, &r->lanes[rank].tape, &fd, NULL), 0);
	rig_tell(r,
		 json_pack("{s:s, s:i, s:i, s:i}", "do", "tape", "lane", (int)rank, "threads", (int)shape.threads,
			   "steps_max", RIG_STEPS_MAX),
		 fd);
	close(fd);
}

static inline void rig_answer(struct rig *r, unsigned rank, json_t *message)
{
	json_object_set_new(message, "lane", json_integer(rank));
	json_object_set_new(message, "name", json_string(r->lanes[rank].at));
	rig_tell(r, message, -1);
	free(r->lanes[rank].at);
	free(r->lanes[rank].said);
	r->lanes[rank].at = r->lanes[rank].said = NULL;
}

/* Both have come to the same point, or one is over and never will. */
static inline void rig_gather(struct rig *r)
{
	char *said[] = { r->lanes[0].said, r->lanes[1].said };
	json_t *values = said[0] && said[1] ? json_pack("[s, s]", said[0], said[1]) : NULL;

	for (unsigned i = 0; i < RIG_LANES; i++)
		if (values)
			rig_answer(r, i, json_pack("{s:s, s:O}", "do", "gathered", "values", values));
		else if (said[i] && r->lanes[1 - i].end)
			rig_answer(r, i, json_pack("{s:s, s:s}", "do", "ungathered", "what", "the other lane is lost"));
	json_decref(values);
}

/* The next message, acted upon. */
static inline void rig_hear(struct rig *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	json_t *message;
	const char *is;
	unsigned rank;
	int fd;

	assert_int_equal(poll(&p, 1, 120000), 1);
	assert_int_equal(fl_message_receive(r->fd, &message, &fd, NULL), 0);
	is = json_string_value(json_object_get(message, "is"));
	rank = (unsigned)json_integer_value(json_object_get(message, "lane"));
	assert_true(is && rank < RIG_LANES);
	if (!strcmp(is, "sized")) {
		r->lanes[rank].threads = (unsigned)json_integer_value(json_object_get(message, "threads"));
		rig_give_tape(r, rank);
	} else if (!strcmp(is, "gather")) {
		r->lanes[rank].at = fl_dup(json_string_value(json_object_get(message, "name")));
		r->lanes[rank].said = fl_dup(json_string_value(json_object_get(message, "value")));
		rig_gather(r);
	} else if (!strcmp(is, "ready")) {
		r->ready++;
	} else {
		r->lanes[rank].end = json_incref(message);
		rig_gather(r);
	}
	json_decref(message);
}

static inline bool rig_is_over(const struct rig *r)
{
	return r->lanes[0].end && r->lanes[1].end;
}

static inline bool rig_is_well(const struct rig *r)
{
	return !r->lanes[0].end && !r->lanes[1].end;
}

static inline bool rig_hears(const struct rig *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* ---- a run */

static inline void *rig_work(void *arg)
{
	fl_lane_serve(((struct rig_worker *)arg)->own_fd);
	return NULL;
}

static inline int rig_setup(void **state)
{
	struct rig_worker *w = fl_zalloc(1, sizeof(*w));
	int fds[2];

	assert_int_equal(fl_message_pair(fds, NULL), 0);
	w->fd = fds[0];
	w->own_fd = fds[1];
	if (pthread_create(&w->id, NULL, rig_work, w))
		abort();
	*state = w;
	return 0;
}

static inline void rig_halt(struct rig *r)
{
	for (unsigned i = 0; i < RIG_LANES; i++)
		if (r->lanes[i].tape)
			fl_tape_stop(r->lanes[i].tape);
	for (unsigned i = 0; i < RIG_LANES; i++)
		rig_tell(r, json_pack("{s:s, s:i}", "do", "halt", "lane", (int)i), -1);
}

/* Starts both at one time, and stops them at another: exactly, since the agent takes part in the stub's time. What is
 * under way when they stop is no step: the window ends before. */
static inline void rig_measure(struct rig *r)
{
	const uint64_t start_ns = verbs_stub_now_ns() + RIG_WARM_NS;

	r->window.from_ns = start_ns + RIG_WARM_NS;
	r->window.to_ns = r->window.from_ns + (r->measure_ns ? r->measure_ns : RIG_MEASURE_NS);
	for (unsigned i = 0; i < RIG_LANES; i++)
		fl_tape_start(r->lanes[i].tape, start_ns);
	verbs_stub_sleep_until(r->window.from_ns);
	if (r->midway)
		verbs_stub_also(r->midway);
	while (rig_is_well(r) && verbs_stub_now_ns() < r->window.to_ns) {
		verbs_stub_sleep_until(verbs_stub_now_ns() + RIG_MEASURE_NS);
		while (rig_hears(r))
			rig_hear(r);
	}
	verbs_stub_sleep_until(verbs_stub_now_ns() + RIG_WARM_NS);
	if (r->last)
		verbs_stub_also(r->last);
	rig_halt(r);
	verbs_stub_leave();
}

/* From the order to the end of both lanes: each has its tape and its last word. */
static inline void rig_run(struct rig *r, const struct rig_worker *w)
{
	r->fd = w->fd;
	for (unsigned i = 0; i < RIG_LANES; i++)
		rig_order(r, i);
	while (r->ready < RIG_LANES && rig_is_well(r))
		rig_hear(r);
	if (r->ready == RIG_LANES)
		rig_measure(r);
	else
		rig_halt(r);
	while (!rig_is_over(r))
		rig_hear(r);
}

static inline const char *rig_said(const struct rig *r, unsigned rank, const char *name)
{
	const char *text = json_string_value(json_object_get(r->lanes[rank].end, name));

	return text ? text : "";
}

static inline void rig_assert_well(const struct rig *r, const char *row)
{
	for (unsigned i = 0; i < RIG_LANES; i++)
		if (!json_is_true(json_object_get(r->lanes[i].end, "verified")))
			fail_msg("%s: rank %u: '%s'", row, i, rig_said(r, i, "what"));
}

static inline void rig_free(struct rig *r)
{
	char why[160];

	for (unsigned i = 0; i < RIG_LANES; i++) {
		fl_tape_free(r->lanes[i].tape);
		json_decref(r->lanes[i].end);
	}
	if (!verbs_stub_is_clean(why, sizeof(why)))
		fail_msg("%s", why);
}

/* Threads of lanes that are over are joined with the next order: one that cannot be followed. */
static inline int rig_teardown(void **state)
{
	struct rig_worker *w = *state;
	struct rig r = { .fd = w->fd };

	rig_tell(&r, json_pack("{s:s, s:i}", "do", "open", "lane", 0), -1);
	while (!r.lanes[0].end)
		rig_hear(&r);
	json_decref(r.lanes[0].end);
	return 0; /* the worker has what w is */
}

/* ---- what a user would see: of the window, cut into slices */

static inline void rig_read_tracks(const struct rig *r, unsigned rank, struct fl_track *tracks)
{
	const struct fl_tape *tape = r->lanes[rank].tape;

	for (uint32_t t = 0; t < r->lanes[rank].threads; t++) {
		uint32_t n = fl_tape_count(tape, t);

		tracks[t] = (struct fl_track){ .steps = fl_zalloc(n + 1, sizeof(struct fl_tape_step)), .n = n };
		for (uint32_t i = 0; i < n; i++) {
			struct fl_err err = { 0 };

			if (fl_tape_read(tape, t, i, &tracks[t].steps[i], NULL, &err) < 0)
				fail_msg("%s", err.what);
		}
	}
}

static inline struct fl_series rig_series(const struct rig *r, unsigned rank, enum fl_from from)
{
	unsigned threads = r->lanes[rank].threads;
	struct fl_track *tracks = fl_zalloc(threads, sizeof(*tracks));
	struct fl_series ret = { 0 };

	rig_read_tracks(r, rank, tracks);
	fl_window_rates(tracks, threads, &r->window, fl_window_slices(tracks, threads, &r->window, RIG_STEP_NS), from,
			&ret);
	for (unsigned i = 0; i < threads; i++)
		free(tracks[i].steps);
	free(tracks);
	return ret;
}

#endif
