/* SPDX-License-Identifier: Apache-2.0 */
/* talk.c: what a lane tells the agent, and what the worker's other threads tell the lane. */
#include "base/json.h"
#include "base/message.h"
#include "lane/lane.h"

/* ---- to the agent */

static void send_locked(int control_fd, pthread_mutex_t *send_lock, json_t *message)
{
	/* On an error the agent is gone or deaf: then it, or the main thread here, ends the worker. */
	pthread_mutex_lock(send_lock);
	fl_message_send(control_fd, message, -1, NULL);
	pthread_mutex_unlock(send_lock);
	json_decref(message);
}

json_t *fl_lane_failure(unsigned number, const struct fl_err *err)
{
	return json_pack("{s:s, s:i, s:i, s:s, s:s}", "is", "failed", "lane", (int)number, "code", err->code, "what",
			 err->what, "hint", err->hint);
}

void fl_lane_report_failure(int control_fd, pthread_mutex_t *send_lock, unsigned number, const struct fl_err *err)
{
	send_locked(control_fd, send_lock, fl_lane_failure(number, err));
}

void fl_lane_send(struct fl_lane *lane, json_t *message)
{
	send_locked(lane->control_fd, lane->send_lock, message);
}

/* ---- what other threads do to it */

void fl_lane_give_tape(struct fl_lane *lane, struct fl_tape *tape)
{
	pthread_mutex_lock(&lane->lock);
	if (lane->tape)
		fl_tape_free(tape); /* sent twice: the first one holds */
	else
		lane->tape = tape;
	pthread_cond_broadcast(&lane->changed);
	pthread_mutex_unlock(&lane->lock);
}

void fl_lane_halt(struct fl_lane *lane)
{
	bool call;

	pthread_mutex_lock(&lane->lock);
	call = lane->opened && !lane->halted && lane->bench->halt;
	lane->halted = true;
	pthread_cond_broadcast(&lane->changed); /* one that opens may wait for its group */
	if (call)
		lane->bench->halt(lane->state); /* under the lock: the state must not be closed meanwhile */
	pthread_mutex_unlock(&lane->lock);
}

void fl_lane_give_up(struct fl_lane *lane, const struct fl_err *err)
{
	pthread_mutex_lock(&lane->lock);
	if (!lane->err.code)
		lane->err = *err;
	pthread_mutex_unlock(&lane->lock);
	atomic_store(&lane->given_up, true);
	fl_tape_rouse(lane->tape);
	fl_lane_halt(lane);
}
