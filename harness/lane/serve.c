/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c: the worker's main thread. It passes messages on and never touches a device, so it always answers. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "base/message.h"
#include "base/status.h"
#include "lane/lane.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct worker {
	int control_fd;
	pthread_mutex_t send_lock;
	struct fl_lane **lanes;
	size_t lanes_n;
};

static struct fl_lane *find(const struct worker *w, uint64_t number)
{
	for (size_t i = w->lanes_n; i-- > 0;) /* the newest of that number */
		if (w->lanes[i]->number == number)
			return w->lanes[i];
	return NULL;
}

/* Lanes whose life is over make room. */
static void sweep(struct worker *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->lanes_n; i++) {
		struct fl_lane *lane = w->lanes[i];
		bool over = lane->tape && fl_tape_phase(lane->tape) == FL_PHASE_END;

		if (over) {
			pthread_join(lane->control, NULL);
			fl_lane_free(lane);
		} else
			w->lanes[kept++] = lane;
	}
	w->lanes_n = kept;
}

static int do_open(struct worker *w, const json_t *message, struct fl_err *err)
{
	struct fl_lane *lane;
	int rc;

	sweep(w);
	rc = fl_lane_open(message, w->control_fd, &w->send_lock, &lane, err);
	if (rc < 0)
		return rc;
	rc = -pthread_create(&lane->control, NULL, fl_lane_live, lane);
	if (rc < 0) {
		fl_lane_free(lane);
		return fl_fail(err, rc, "start a lane's thread: %s", strerror(-rc));
	}
	w->lanes = fl_grow(w->lanes, w->lanes_n + 1, sizeof(struct fl_lane *));
	w->lanes[w->lanes_n++] = lane;
	return 0;
}

static int do_tape(struct fl_lane *lane, const json_t *message, int fd, struct fl_err *err)
{
	struct fl_tape_shape shape = { .given = fl_metrics_from(lane->bench->metrics, FL_GIVEN),
				       .hists = fl_metrics_from(lane->bench->metrics, FL_DISTRIBUTION) };
	struct fl_tape *tape;
	uint64_t threads, steps_max;
	int rc = fl_json_u64(message, "tape", "threads", FL_TAPE_THREADS_MAX, &threads, err);

	if (rc == 0)
		rc = fl_json_u64(message, "tape", "steps_max", FL_TAPE_STEPS_MAX, &steps_max, err);
	if (rc < 0)
		return rc;
	shape.threads = (uint32_t)threads;
	shape.steps_max = (uint32_t)steps_max;
	rc = fl_tape_map(fd, &shape, &tape, err);
	if (rc == 0)
		fl_lane_give_tape(lane, tape);
	return rc;
}

/* Returns 1 on "quit". An error concerns the lane `number` only. */
static int carry_out(struct worker *w, const json_t *message, int fd, uint64_t *ret_number, struct fl_err *err)
{
	const char *what = fl_json_text_or_null(message, "do");
	struct fl_lane *lane;
	int rc;

	if (what && !strcmp(what, "quit"))
		return 1;
	rc = fl_json_u64(message, "message", "lane", UINT32_MAX, ret_number, err);
	if (rc < 0)
		return rc;
	if (what && !strcmp(what, "open"))
		return do_open(w, message, err);
	lane = find(w, *ret_number);
	if (!lane)
		return 0; /* a halt that crossed the lane's own end */
	if (what && !strcmp(what, "tape"))
		return do_tape(lane, message, fd, err);
	if (what && !strcmp(what, "gathered"))
		return fl_lane_gathered(lane, message, err);
	if (what && !strcmp(what, "ungathered"))
		fl_lane_ungathered(lane, message);
	if (what && !strcmp(what, "halt"))
		fl_lane_halt(lane);
	return 0;
}

/* Until the agent says "quit", or is gone. */
static int serve(struct worker *w)
{
	for (;;) {
		struct pollfd p = { .fd = w->control_fd, .events = POLLIN };
		struct fl_err err = { 0 };
		json_t *message;
		uint64_t number = 0;
		int fd, rc;

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return FL_STATUS_BUG;
		rc = fl_message_receive(w->control_fd, &message, &fd, &err);
		if (rc == -EAGAIN)
			continue;
		if (rc < 0)
			return FL_STATUS_PASS;
		rc = carry_out(w, message, fd, &number, &err);
		if (fd >= 0)
			close(fd);
		json_decref(message);
		if (rc == 1)
			return FL_STATUS_PASS;
		if (rc < 0)
			fl_lane_report_failure(w->control_fd, &w->send_lock, (unsigned)number, &err);
	}
}

/* What lanes share is never freed: those that still run, or are about to leave the lock behind their last word, have it
 * until the process ends. */
int fl_lane_serve(int control_fd)
{
	struct worker *w = fl_zalloc(1, sizeof(*w));

	w->control_fd = control_fd;
	pthread_mutex_init(&w->send_lock, NULL);
	return serve(w);
}
