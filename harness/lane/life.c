/* SPDX-License-Identifier: Apache-2.0 */
/* life.c: a lane's control thread, from probe to close. Every outcome is one message: "done" or "failed". */
#include "base/field.h"
#include "base/json.h"
#include "base/threads.h"
#include "lane/lane.h"
#include <errno.h>
#include <string.h>

/* verify_rc: 0 or -EBADMSG, with what was found. */
static json_t *done_message(struct fl_lane *lane, int verify_rc, const struct fl_err *found)
{
	json_t *verified = lane->bench->verify ? json_boolean(verify_rc == 0) : json_null();

	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "is", "done", "lane", (int)lane->number,
			 "verified", verified, "what", fl_json_string(verify_rc ? found->what : NULL), "hint",
			 fl_json_string(verify_rc ? found->hint : NULL), "facts", fl_lane_facts(lane), "caps",
			 fl_lane_caps(lane), "placement", fl_lane_placement(lane));
}

/* ---- the life */

static unsigned threads_of(const struct fl_lane *lane)
{
	const struct fl_bench *b = lane->bench;
	const struct fl_field *option = b->threads ? fl_field_find(b->fields, b->threads) : NULL;

	if (fl_threads_take_cpus(b->threads))
		return fl_cpus_count(&lane->cpus);
	return fl_threads_fixed(b->threads, option ? lane->texts[option - b->fields] : NULL);
}

static void wait_tape(struct fl_lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	while (!lane->tape)
		pthread_cond_wait(&lane->changed, &lane->lock);
	pthread_mutex_unlock(&lane->lock);
}

static void set_opened(struct fl_lane *lane, bool opened)
{
	pthread_mutex_lock(&lane->lock);
	lane->opened = opened;
	pthread_mutex_unlock(&lane->lock);
}

/* What a file server says when a file is gone is a failure like any other: -ESTALE is verify's word. */
static json_t *failure(const struct fl_lane *lane, struct fl_err *err)
{
	if (err->code == -ESTALE)
		err->code = -EIO;
	return fl_lane_failure(lane->number, err);
}

static int probe_and_open(struct fl_lane *lane, struct fl_err *err)
{
	const struct fl_bench *b = lane->bench;
	int rc = 0;

	fl_tape_set_phase(lane->tape, FL_PHASE_OPEN);
	if (b->probe)
		rc = b->probe(lane->opts, err);
	if (rc == 0)
		rc = b->open(lane, lane->opts, &lane->state, err);
	if (rc < 0)
		return fl_fail(err, rc, "open %s: %s", b->name, strerror(-rc));
	set_opened(lane, true);
	return 0;
}

/* After a successful open: steps, then the data. The message tells how it went. */
static json_t *measure(struct fl_lane *lane, unsigned threads)
{
	struct fl_err err = { 0 };
	int rc = fl_lane_step_all(lane, threads, &err);

	if (rc < 0)
		return failure(lane, &err);
	fl_tape_set_phase(lane->tape, FL_PHASE_VERIFY);
	if (lane->bench->verify)
		rc = lane->bench->verify(lane->state, &err);
	if (rc == 0 || rc == -EBADMSG)
		return done_message(lane, rc, &err);
	fl_fail(&err, rc, "verify: %s", strerror(-rc));
	return fl_lane_failure(lane->number, &err);
}

static json_t *live(struct fl_lane *lane, unsigned threads)
{
	struct fl_err err = { 0 };
	json_t *message;

	if (probe_and_open(lane, &err) < 0)
		return failure(lane, &err);
	message = measure(lane, threads);
	fl_tape_set_phase(lane->tape, FL_PHASE_CLOSE);
	set_opened(lane, false);
	lane->bench->close(lane->state);
	return message;
}

void *fl_lane_live(void *arg)
{
	struct fl_lane *lane = arg;
	unsigned threads = threads_of(lane);
	json_t *message;

	fl_lane_send(lane,
		     json_pack("{s:s, s:i, s:i}", "is", "sized", "lane", (int)lane->number, "threads", (int)threads));
	wait_tape(lane);
	message = live(lane, threads);
	fl_lane_free_memory(lane); /* before the word "done": the next lane may need it */
	fl_tape_set_phase(lane->tape, FL_PHASE_END);
	fl_lane_send(lane, message);
	return NULL;
}
