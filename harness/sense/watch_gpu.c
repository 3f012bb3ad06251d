/* SPDX-License-Identifier: Apache-2.0 */
/* watch_gpu.c: threads that ask GPUs, so that one whose driver hangs keeps nobody else waiting, nor one that takes
 * seconds to start (as each does that nobody keeps open). They share one lock, which nobody holds while a driver is
 * asked. A thread that is stuck is left alone: it ends with the process. */
#include "base/alloc.h"
#include "base/json.h"
#include "watch.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GPUS_MAX = 256, EVENTS_MAX = 8, WHY_ROOM = 128, EVENT_WAIT_MS = 60000 };
static const uint64_t hangs_ns = UINT64_C(5000000000), event_rest_ns = 1000000;
static const uint64_t second_ns = 1000000000;

struct event {
	uint64_t at_ns, xid, n; /* since the first of n; of that Xid */
};

struct gpu {
	struct watch_gpus *all;
	char *subject, *uuid, *pci;
	struct fl_nvml_device *device;
	struct watch_series series;
	struct watch_cost cost;
	unsigned seen;	    /* generation of its last look */
	unsigned depth;	    /* of its next look */
	uint64_t busy_ns;   /* since when it looks, or is found; 0: it does not */
	bool lost, said;    /* it is not looked at any more; the agent knows */
	char why[WHY_ROOM]; /* lost */
	_Atomic(const char *) in_call;
	struct event events[EVENTS_MAX]; /* not sent yet; each of another Xid */
	size_t events_n;
};

struct watch_gpus {
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	struct gpu *gpus[GPUS_MAX];
	size_t n;
	unsigned generation;
	struct fl_nvml nvml;
	uint64_t started_ns;
	uint64_t found_ns; /* when the last one was; before that: the start */
	bool opened;	   /* the library is, or cannot be */
};

struct watch_gpus *watch_gpus_make(void)
{
	struct watch_gpus *g = fl_zalloc(1, sizeof(*g));
	pthread_condattr_t attributes;

	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->wake, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&g->done, &attributes);
	pthread_condattr_destroy(&attributes);
	return g;
}

int watch_gpus_add(struct watch_gpus *g, const json_t *message, struct fl_err *err)
{
	struct gpu *gpu;
	const char *id;
	int rc = fl_json_text(message, "watch", "subject", &id, err);

	if (rc < 0)
		return rc;
	if (g->n == GPUS_MAX)
		return fl_fail(err, -EINVAL, "more than %d GPUs cannot be watched", GPUS_MAX);
	gpu = fl_zalloc(1, sizeof(*gpu));
	gpu->all = g;
	gpu->subject = fl_dup(id);
	gpu->uuid = fl_dup(fl_json_text_or_null(message, "uuid"));
	gpu->pci = fl_dup(fl_json_text_or_null(message, "pci"));
	gpu->series = (struct watch_series){ .subject = gpu->subject,
					     .metrics = watch_gpu_metrics,
					     .metrics_n = watch_gpu_metrics_n() };
	g->gpus[g->n++] = gpu;
	return 0;
}

/* ---- threads; with the lock held unless said otherwise */

static void lose(struct gpu *gpu, const char *why)
{
	if (gpu->lost)
		return;
	gpu->lost = true;
	fl_copy(gpu->why, sizeof(gpu->why), why);
	pthread_cond_broadcast(&gpu->all->done);
}

/* Waits for the next look. False: there will be none. */
static bool wait_for_turn(struct gpu *gpu)
{
	while (!gpu->lost && gpu->seen == gpu->all->generation)
		pthread_cond_wait(&gpu->all->wake, &gpu->all->lock);
	return !gpu->lost;
}

static void look_once(struct gpu *gpu, struct watch_gpu_look *look)
{
	struct watch_cost cost = { 0 };
	double values[WATCH_METRICS_MAX];
	unsigned depth = gpu->depth;
	int rc;

	gpu->seen = gpu->all->generation;
	gpu->depth = 0;
	gpu->busy_ns = fl_now_ns();
	pthread_mutex_unlock(&gpu->all->lock);
	rc = watch_gpu_look(look, depth, values, &gpu->in_call, &cost);
	pthread_mutex_lock(&gpu->all->lock);
	gpu->busy_ns = 0;
	gpu->cost.calls += cost.calls;
	if (cost.longest_ns > gpu->cost.longest_ns)
		gpu->cost.longest_ns = cost.longest_ns;
	watch_series_add(&gpu->series, fl_now_ns(), values);
	if (rc != FL_NVML_SUCCESS)
		lose(gpu, fl_nvml_why(rc));
	pthread_cond_broadcast(&gpu->all->done);
}

/* Without the lock. */
static int find(struct gpu *gpu)
{
	const struct fl_nvml *nvml = &gpu->all->nvml;
	struct fl_nvml_device *device = NULL;
	int rc = FL_NVML_NOT_FOUND;

	gpu->in_call = "nvmlDeviceGetHandleByUUID";
	if (gpu->uuid)
		rc = FL_NVML_CALL(nvml, device_by_uuid, gpu->uuid, &device);
	gpu->in_call = "nvmlDeviceGetHandleByPciBusId";
	if (rc != FL_NVML_SUCCESS && gpu->pci)
		rc = FL_NVML_CALL(nvml, device_by_pci, gpu->pci, &device);
	pthread_mutex_lock(&gpu->all->lock);
	gpu->busy_ns = 0;
	gpu->all->found_ns = fl_now_ns();
	if (rc == FL_NVML_SUCCESS)
		gpu->device = device;
	else
		lose(gpu, fl_nvml_why(rc));
	pthread_mutex_unlock(&gpu->all->lock);
	return rc;
}

static void *events_thread(void *arg);

static void *gpu_thread(void *arg)
{
	struct gpu *gpu = arg;
	struct watch_gpu_look *look;
	pthread_t events;

	if (find(gpu) != FL_NVML_SUCCESS)
		return NULL;
	if (pthread_create(&events, NULL, events_thread, gpu) == 0)
		pthread_detach(events);
	look = watch_gpu_look_make(&gpu->all->nvml, gpu->device);
	pthread_mutex_lock(&gpu->all->lock);
	while (wait_for_turn(gpu))
		look_once(gpu, look);
	pthread_mutex_unlock(&gpu->all->lock);
	free(look);
	return NULL;
}

static void start_thread(struct gpu *gpu)
{
	pthread_t thread;

	gpu->busy_ns = gpu->all->started_ns; /* the library, which may start them, has taken of their time */
	if (pthread_create(&thread, NULL, gpu_thread, gpu) == 0)
		pthread_detach(thread);
	else
		lose(gpu, "no thread can be made for it");
}

/* ---- Xids */

/* A GPU that breaks down tells the same thousands of times a second: they are counted. What is of one more Xid than
 * there is room for is left out: which ones came first says what it was. */
static void take_event(struct gpu *gpu, const struct fl_nvml_event *event)
{
	size_t i = 0;

	if (!(event->type & FL_NVML_EVENT_XID))
		return;
	pthread_mutex_lock(&gpu->all->lock);
	while (i < gpu->events_n && gpu->events[i].xid != event->data)
		i++;
	if (i == gpu->events_n && i < EVENTS_MAX)
		gpu->events[gpu->events_n++] = (struct event){ .at_ns = fl_now_ns(), .xid = event->data };
	if (i < gpu->events_n)
		gpu->events[i].n++;
	pthread_mutex_unlock(&gpu->all->lock);
}

/* A set for each GPU: none waits for another to be found, and nobody registers in a set that is waited for. */
static struct fl_nvml_events *register_events(const struct gpu *gpu)
{
	const struct fl_nvml *nvml = &gpu->all->nvml;
	struct fl_nvml_events *set;

	if (FL_NVML_CALL(nvml, events_create, &set) != FL_NVML_SUCCESS)
		return NULL;
	return FL_NVML_CALL(nvml, events_register, gpu->device, FL_NVML_EVENT_XID, set) == FL_NVML_SUCCESS ? set : NULL;
}

static void *events_thread(void *arg)
{
	struct gpu *gpu = arg;
	struct fl_nvml_events *set = register_events(gpu);
	int rc = set ? FL_NVML_SUCCESS : FL_NVML_UNKNOWN;

	while (rc == FL_NVML_SUCCESS || rc == FL_NVML_TIMEOUT) {
		struct fl_nvml_event event = { 0 };
		uint64_t began_ns = fl_now_ns();

		rc = FL_NVML_CALL(&gpu->all->nvml, events_wait, set, &event, EVENT_WAIT_MS);
		if (rc == FL_NVML_SUCCESS) {
			take_event(gpu, &event);
			fl_sleep_until(fl_now_ns() + event_rest_ns); /* the rest wait in the library */
		} else if (rc == FL_NVML_TIMEOUT)
			fl_sleep_until(began_ns + second_ns); /* a library that does not wait keeps no CPU busy */
	}
	return NULL;
}

/* Said once. */
static void lose_all(struct watch_gpus *g, const char *why)
{
	char *line = fl_format("%s%s", why ? why : "NVML cannot be opened", g->n > 1 ? " (and so for all GPUs)" : "");

	for (size_t i = 0; i < g->n; i++) {
		lose(g->gpus[i], line);
		g->gpus[i]->said = i > 0;
	}
	free(line);
}

static void *opening_thread(void *arg)
{
	struct watch_gpus *g = arg;
	const char *why = NULL;
	bool open = fl_nvml_open(&g->nvml, &why);

	pthread_mutex_lock(&g->lock);
	if (!open)
		lose_all(g, why);
	for (size_t i = 0; open && i < g->n; i++)
		start_thread(g->gpus[i]);
	g->found_ns = fl_now_ns();
	g->opened = true;
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* ---- for the loop */

void watch_gpus_start(struct watch_gpus *g)
{
	pthread_t thread;

	g->started_ns = g->found_ns = fl_now_ns();
	g->generation = 1; /* each looks once when it is found */
	for (size_t i = 0; i < g->n; i++)
		g->gpus[i]->depth = WATCH_ALL | WATCH_ENDS;
	g->opened = g->n == 0;
	if (g->n && pthread_create(&thread, NULL, opening_thread, g) == 0)
		pthread_detach(thread);
}

/* How long its call may take. For one GPU after the other to start there is as much time as for asking about all. */
static uint64_t limit_ns(const struct gpu *gpu)
{
	return gpu->device ? hangs_ns : fl_nvml_limit_ns();
}

/* A driver that does not answer is given up. */
static void find_hung(struct watch_gpus *g)
{
	uint64_t now_ns = fl_now_ns();
	char *line;

	if (g->n && !g->opened && now_ns > g->started_ns + fl_nvml_limit_ns()) {
		line = fl_format("NVML does not open within %.0f s", (double)fl_nvml_limit_ns() / 1e9);
		lose_all(g, line);
		free(line);
	}
	for (size_t i = 0; i < g->n; i++) {
		struct gpu *gpu = g->gpus[i];

		if (gpu->lost || !gpu->busy_ns || now_ns < gpu->busy_ns + limit_ns(gpu))
			continue;
		line = fl_format("%s has not returned for %.0f s", gpu->in_call ? gpu->in_call : "a call",
				 (double)limit_ns(gpu) / 1e9);
		lose(gpu, line);
		free(line);
	}
}

/* While they start one after the other all are waited for; not where none was found for a third of the limit: what is
 * to be seen of the others is not held up by one. */
static bool is_waited_for(const struct watch_gpus *g, const struct gpu *gpu, uint64_t now_ns)
{
	if (gpu->lost || (gpu->seen && !gpu->busy_ns))
		return false;
	return !g->opened || gpu->device || now_ns < g->found_ns + fl_nvml_limit_ns() / 3;
}

bool watch_gpus_ready(struct watch_gpus *g)
{
	bool ready = true;

	pthread_mutex_lock(&g->lock);
	find_hung(g);
	for (size_t i = 0; i < g->n; i++)
		ready &= !is_waited_for(g, g->gpus[i], fl_now_ns());
	pthread_mutex_unlock(&g->lock);
	return ready;
}

void watch_gpus_look(struct watch_gpus *g, unsigned depth)
{
	if (g->n == 0)
		return;
	pthread_mutex_lock(&g->lock);
	g->generation++;
	for (size_t i = 0; i < g->n; i++)
		g->gpus[i]->depth |= depth;
	pthread_cond_broadcast(&g->wake);
	pthread_mutex_unlock(&g->lock);
}

/* One that has been busy for long is not waited for. */
static bool is_late(const struct watch_gpus *g, const struct gpu *gpu, uint64_t now_ns)
{
	bool hangs = gpu->busy_ns && now_ns > gpu->busy_ns + second_ns;

	return !gpu->lost && !hangs && gpu->device && (gpu->busy_ns || gpu->seen != g->generation);
}

static bool any_late(const struct watch_gpus *g)
{
	uint64_t now_ns = fl_now_ns();

	for (size_t i = 0; i < g->n; i++)
		if (is_late(g, g->gpus[i], now_ns))
			return true;
	return false;
}

void watch_gpus_wait(struct watch_gpus *g, uint64_t deadline_ns)
{
	const struct timespec deadline = { (time_t)(deadline_ns / second_ns), (long)(deadline_ns % second_ns) };

	pthread_mutex_lock(&g->lock);
	while (g->opened && any_late(g) && pthread_cond_timedwait(&g->done, &g->lock, &deadline) == 0)
		;
	pthread_mutex_unlock(&g->lock);
}

static void send_events(struct gpu *gpu, void (*send)(void *arg, json_t *message), void *arg)
{
	for (size_t i = 0; i < gpu->events_n; i++) {
		const struct event *e = &gpu->events[i];
		char *what = fl_format("xid %llu", (unsigned long long)e->xid);

		send(arg, json_pack("{s:s, s:s, s:I, s:s, s:I}", "is", "event", "subject", gpu->subject, "at_ns",
				    (json_int_t)e->at_ns, "what", what, "n", (json_int_t)e->n));
		free(what);
	}
	gpu->events_n = 0;
}

/* The lock is held while a message is sent, which only keeps threads from handing over what they saw. */
void watch_gpus_send(struct watch_gpus *g, void (*send)(void *arg, json_t *message), void *arg, struct watch_cost *cost)
{
	pthread_mutex_lock(&g->lock);
	find_hung(g);
	for (size_t i = 0; i < g->n; i++) {
		struct gpu *gpu = g->gpus[i];

		send_events(gpu, send, arg);
		send(arg, watch_series_message(&gpu->series));
		cost->calls += gpu->cost.calls;
		if (gpu->cost.longest_ns > cost->longest_ns)
			cost->longest_ns = gpu->cost.longest_ns;
		gpu->cost = (struct watch_cost){ 0 };
		if (!gpu->lost || gpu->said)
			continue;
		gpu->said = true;
		send(arg, json_pack("{s:s, s:s, s:s}", "is", "lost", "subject", gpu->subject, "what", gpu->why));
	}
	pthread_mutex_unlock(&g->lock);
}
