/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c: streams, each a thread with a queue, and the events between their work. */
#include "parts.h"
#include <feedline/clock.h>
#include <stdlib.h>

/* ---- events */

bool is_event_locked(const struct CUevent_st *e)
{
	for (const struct CUevent_st *i = stub.events; i; i = i->next)
		if (i == e)
			return true;
	misuse_locked("an event that does not exist");
	return false;
}

static void drop_event_locked(struct CUevent_st *e)
{
	if (--e->holders == 0)
		free(e);
}

static void forget_event_locked(struct CUevent_st *e)
{
	struct CUevent_st **at = &stub.events;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	drop_event_locked(e);
}

void release_events_locked(int device)
{
	struct CUevent_st *next;

	for (struct CUevent_st *e = stub.events; e; e = next) {
		next = e->next;
		if (e->device == device)
			forget_event_locked(e);
	}
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)
{
	cudaError_t rc = enter("cudaEventCreateWithFlags", CAN_FAIL | CONTEXT, -1, NULL);
	struct CUevent_st *e;

	if (rc != cudaSuccess)
		return leave(rc);
	if (flags & ~3u)
		return leave(cudaErrorInvalidValue);
	e = calloc(1, sizeof(*e));
	if (!e)
		return leave(cudaErrorMemoryAllocation);
	*e = (struct CUevent_st){
		.next = stub.events, .device = current_locked(), .times = !(flags & 2), .holders = 1
	};
	stub.events = e;
	*event = e;
	return leave(cudaSuccess);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
	cudaError_t rc = enter("cudaEventDestroy", CAN_FAIL, -1, NULL);

	if (!is_event_locked(event))
		return leave(rc != cudaSuccess ? rc : cudaErrorInvalidResourceHandle);
	forget_event_locked(event);
	return leave(rc);
}

/* The work of an event: the time at which its stream came to it. */
static cudaError_t stamp(struct op *op)
{
	pthread_mutex_lock(&stub.lock);
	op->event->done = op->n;
	op->event->at_ns = op->at_ns;
	drop_event_locked(op->event);
	pthread_mutex_unlock(&stub.lock);
	return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	struct op op = { .run = stamp, .event = event };
	cudaError_t rc = enter("cudaEventRecord", CAN_FAIL, -1, &op.mishap);

	if (rc != cudaSuccess)
		return leave(rc);
	if (!is_event_locked(event) || !is_stream_locked(stream) || event->device != stream->device)
		return leave(cudaErrorInvalidResourceHandle);
	op.n = ++event->recorded;
	event->holders++;
	return leave(queue_locked(stream, &op));
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
	cudaError_t rc = enter("cudaEventElapsedTime", CAN_FAIL, -1, NULL);

	if (rc != cudaSuccess)
		return leave(rc);
	if (!is_event_locked(start) || !is_event_locked(end) || !start->recorded || !end->recorded ||
	    start->device != end->device || !start->times || !end->times)
		return leave(cudaErrorInvalidResourceHandle);
	if (start->done != start->recorded || end->done != end->recorded)
		return leave(cudaErrorNotReady);
	*ms = (float)(((double)end->at_ns - (double)start->at_ns) / 1e6);
	return leave(cudaSuccess);
}

/* ---- a stream's thread */

static void stall(void)
{
	pthread_mutex_lock(&stub.lock);
	hang_locked();
	pthread_mutex_unlock(&stub.lock);
}

/* Nothing is done any more where the device is broken; what waits for an event is told of that by every call. */
static cudaError_t run(struct op *op, bool broken)
{
	if (op->mishap.deed == STALL)
		stall();
	if (op->event)
		return op->run(op);
	if (broken)
		return cudaSuccess;
	return op->mishap.deed == LATER ? op->mishap.code : op->run(op);
}

static struct op *next_locked(struct CUstream_st *s)
{
	struct op *op;

	while (!s->first && !s->destroyed)
		pthread_cond_wait(&s->wake, &stub.lock);
	op = s->first;
	if (op)
		s->first = op->next;
	if (!s->first)
		s->last = NULL;
	return op;
}

static void forget_stream_locked(const struct CUstream_st *s)
{
	struct CUstream_st **at = &stub.streams;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
}

static void *work(void *stream)
{
	struct CUstream_st *s = stream;
	struct op *op;

	pthread_mutex_lock(&stub.lock);
	while ((op = next_locked(s))) {
		bool broken = stub.devices[s->device].broken != cudaSuccess;
		cudaError_t rc;

		pthread_mutex_unlock(&stub.lock);
		begin_op(s, op);
		rc = run(op, broken);
		end_op(s, op);
		free(op);
		pthread_mutex_lock(&stub.lock);
		if (rc != cudaSuccess)
			break_locked(s->device, rc, false);
		s->done++;
		pthread_cond_broadcast(&stub.changed);
	}
	while (s->waiters > 0)
		wait_locked();
	forget_stream_locked(s);
	pthread_cond_broadcast(&stub.changed);
	pthread_mutex_unlock(&stub.lock);
	pthread_cond_destroy(&s->wake);
	free(s);
	return NULL;
}

/* ---- its queue */

bool is_stream_locked(const struct CUstream_st *s)
{
	for (const struct CUstream_st *i = stub.streams; i; i = i->next)
		if (i == s && !i->destroyed)
			return true;
	misuse_locked("a stream that does not exist");
	return false;
}

cudaError_t queue_locked(struct CUstream_st *s, const struct op *what)
{
	struct op *op = malloc(sizeof(*op));

	if (!op)
		abort();
	*op = *what;
	op->device = s->device;
	op->queued_ns = fl_now_ns();
	while (s->queued - s->done >= PENDING)
		wait_locked();
	if (s->last)
		s->last->next = op;
	else
		s->first = op;
	s->last = op;
	s->queued++;
	pthread_cond_signal(&s->wake);
	return cudaSuccess;
}

cudaError_t drain_locked(struct CUstream_st *s)
{
	uint64_t until = s->queued;

	s->waiters++;
	while (s->done < until)
		wait_locked();
	s->waiters--;
	pthread_cond_broadcast(&stub.changed);
	return stub.devices[s->device].broken;
}

void drain_devices_locked(int device)
{
	struct CUstream_st *s;

	do {
		for (s = stub.streams; s; s = s->next)
			if ((device < 0 || s->device == device) && s->done < s->queued)
				break;
		if (s)
			wait_locked();
	} while (s);
}

/* It stays on the list until its thread has ended. */
static void end_stream_locked(struct CUstream_st *s)
{
	s->destroyed = true;
	pthread_cond_signal(&s->wake);
}

void end_streams_locked(int device)
{
	for (struct CUstream_st *s = stub.streams; s; s = s->next)
		if (s->device == device)
			end_stream_locked(s);
}

static bool start_locked(struct CUstream_st *s)
{
	pthread_attr_t attr;
	int rc;

	if (pthread_cond_init(&s->wake, NULL) != 0 || pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&s->thread, &attr, work, s);
	pthread_attr_destroy(&attr);
	return rc == 0;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned int flags)
{
	cudaError_t rc = enter("cudaStreamCreateWithFlags", CAN_FAIL | CONTEXT, -1, NULL);
	struct CUstream_st *s;

	if (rc != cudaSuccess)
		return leave(rc);
	if (flags & ~1u)
		return leave(cudaErrorInvalidValue);
	s = calloc(1, sizeof(*s));
	if (!s)
		return leave(cudaErrorMemoryAllocation);
	s->device = current_locked();
	if (!start_locked(s)) {
		free(s);
		return leave(cudaErrorOperatingSystem);
	}
	s->next = stub.streams;
	stub.streams = s;
	*stream = s;
	return leave(cudaSuccess);
}

/* Its thread goes when the work that is queued is done. */
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	cudaError_t rc = enter("cudaStreamDestroy", CAN_FAIL, -1, NULL);

	if (!is_stream_locked(stream))
		return leave(rc != cudaSuccess ? rc : cudaErrorInvalidResourceHandle);
	end_stream_locked(stream);
	return leave(rc);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
	cudaError_t rc = enter("cudaStreamSynchronize", CAN_FAIL, -1, NULL);

	if (rc != cudaSuccess)
		return leave(rc);
	if (!is_stream_locked(stream))
		return leave(cudaErrorInvalidResourceHandle);
	return leave(drain_locked(stream));
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
	cudaError_t rc = enter("cudaStreamQuery", CAN_FAIL, -1, NULL);

	if (rc != cudaSuccess)
		return leave(rc);
	if (!is_stream_locked(stream))
		return leave(cudaErrorInvalidResourceHandle);
	if (stub.devices[stream->device].broken)
		return leave(stub.devices[stream->device].broken);
	return leave(stream->done == stream->queued ? cudaSuccess : cudaErrorNotReady);
}
