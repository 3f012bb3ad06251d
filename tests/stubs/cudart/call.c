/* SPDX-License-Identifier: Apache-2.0 */
/* call.c: how every call begins and ends, and a life of the stub. */
#include "parts.h"
#include "stub.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A runtime library has one state a process. */
struct stub stub = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
static _Thread_local cudaError_t last_error;
static _Thread_local int current;
static _Thread_local uint64_t current_life;

void wait_locked(void)
{
	pthread_cond_wait(&stub.changed, &stub.lock);
}

void hang_locked(void)
{
	uint64_t freed = stub.freed;

	while (stub.freed == freed && !stub.goes_on)
		wait_locked();
}

void say(const char *fmt, ...)
{
	char path[REASON + 8], line[256];
	va_list args;
	int fd, n;

	if (!*stub.settings.state)
		return;
	snprintf(path, sizeof(path), "%s/log", stub.settings.state);
	n = snprintf(line, sizeof(line), "%d ", (int)getpid());
	va_start(args, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
	va_end(args);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, line, (size_t)n) != n)
		fprintf(stderr, "CUDA stub: cannot write to '%s'\n", path);
	close(fd);
}

void misuse_locked(const char *fmt, ...)
{
	char what[REASON];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (!*stub.misuse)
		memcpy(stub.misuse, what, sizeof(what));
	say("misuse %s", what);
	fprintf(stderr, "CUDA stub: misuse: %s\n", what);
}

void break_locked(int device, cudaError_t code, bool for_ever)
{
	struct device *d = device < 0 ? NULL : &stub.devices[device];

	if (!d || d->broken)
		return;
	d->broken = code;
	d->lost = for_ever;
	if (for_ever)
		remember_lost(device);
	pthread_cond_broadcast(&stub.changed);
}

static void begin_locked(const char *text)
{
	stub.ready = true;
	settings_read(text, &stub.settings);
	memset(stub.devices, 0, sizeof(stub.devices));
	for (int i = 0; i < DEVICES; i++)
		stub.devices[i].lock_fd = -1;
	stub.calls = stub.opened_n = 0;
	*stub.fault = *stub.misuse = 0;
	stub.goes_on = false;
	visible_locked();
	say("start");
}

static void ready_locked(void)
{
	const char *text = getenv("CUDA_STUB");

	if (!stub.ready)
		begin_locked(text ? text : getenv("FEEDLINE_STUB"));
}

/* ---- calls */

int device_locked(int visible)
{
	return visible >= 0 && (unsigned)visible < stub.visible_n ? stub.visible[visible] : -1;
}

int current_locked(void)
{
	if (current_life != stub.life)
		current = 0;
	current_life = stub.life;
	return device_locked(current);
}

void set_current(int visible)
{
	current = visible;
	current_life = stub.life;
}

static void dawdle_locked(unsigned ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	pthread_mutex_unlock(&stub.lock);
	nanosleep(&pause, NULL);
	pthread_mutex_lock(&stub.lock);
}

static cudaError_t suffer(struct mishap mishap, const char *call, int device)
{
	if (!*stub.fault)
		snprintf(stub.fault, sizeof(stub.fault), "%s", call);
	say("fault %s", call);
	switch (mishap.deed) {
	case STICKY:
	case LOST:
		break_locked(device, mishap.code, mishap.deed == LOST);
		return mishap.code;
	case FAIL:
		return mishap.code;
	case SLOW:
		dawdle_locked(mishap.code);
		return cudaSuccess;
	case HANG:
		hang_locked();
		return cudaErrorUnknown;
	default:
		return cudaSuccess;
	}
}

cudaError_t enter(const char *call, unsigned needs, int device, struct mishap *ret)
{
	struct mishap mishap;
	cudaError_t rc;

	pthread_mutex_lock(&stub.lock);
	ready_locked();
	if (device < 0)
		device = device == -1 ? current_locked() : device_locked(VISIBLE(device));
	if (needs & CAN_FAIL) {
		stub.calls++;
		mishap = settings_mishap(&stub.settings, call, needs & COPIES, device);
		rc = mishap.deed == NOTHING ? cudaSuccess : suffer(mishap, call, device);
		if (rc != cudaSuccess)
			return rc;
		if (ret)
			*ret = mishap;
	}
	if (needs & ALWAYS)
		return cudaSuccess;
	if (stub.settings.driver < CUDART_VERSION)
		return cudaErrorInsufficientDriver;
	if (stub.visible_n == 0)
		return cudaErrorNoDevice;
	if (device >= 0 && stub.devices[device].broken)
		return stub.devices[device].broken;
	return needs & CONTEXT ? context_locked(device) : cudaSuccess;
}

cudaError_t leave(cudaError_t rc)
{
	pthread_mutex_unlock(&stub.lock);
	if (rc != cudaSuccess)
		last_error = rc;
	return rc;
}

/* One that sticks is there for every thread, and stays. */
cudaError_t cudaGetLastError(void)
{
	cudaError_t rc = last_error;
	int device;

	pthread_mutex_lock(&stub.lock);
	device = current_locked();
	if (device >= 0 && stub.devices[device].broken)
		rc = stub.devices[device].broken;
	pthread_mutex_unlock(&stub.lock);
	last_error = cudaSuccess;
	return rc;
}

/* ---- a life */

/* Streams that are destroyed end when their work has; at most 10 s. */
static bool streams_end_locked(void)
{
	const struct CUstream_st *s;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	for (;;) {
		for (s = stub.streams; s && !s->destroyed; s = s->next)
			;
		if (!s)
			return true;
		if (pthread_cond_timedwait(&stub.changed, &stub.lock, &until) != 0)
			return false;
	}
}

void stub_begin(const char *text)
{
	pthread_mutex_lock(&stub.lock);
	stub.life++;
	stub.freed++;
	pthread_cond_broadcast(&stub.changed);
	for (int i = 0; i < DEVICES; i++)
		end_streams_locked(i);
	if (!streams_end_locked()) {
		fprintf(stderr, "CUDA stub: a stream does not end\n");
		abort();
	}
	for (int i = 0; i < DEVICES; i++)
		release_all_locked(i);
	last_error = cudaSuccess;
	begin_locked(text);
	pthread_mutex_unlock(&stub.lock);
}

void stub_go_on(void)
{
	pthread_mutex_lock(&stub.lock);
	stub.goes_on = true;
	pthread_cond_broadcast(&stub.changed);
	pthread_mutex_unlock(&stub.lock);
}

void stub_also(const char *text)
{
	struct settings also;

	settings_read(text, &also);
	pthread_mutex_lock(&stub.lock);
	text_also(&stub.settings.faults, &also.faults);
	pthread_mutex_unlock(&stub.lock);
}

unsigned stub_calls(void)
{
	unsigned n;

	pthread_mutex_lock(&stub.lock);
	n = stub.calls;
	pthread_mutex_unlock(&stub.lock);
	return n;
}

const char *stub_fault(void)
{
	const char *ret;

	pthread_mutex_lock(&stub.lock);
	ret = *stub.fault ? stub.fault : NULL;
	pthread_mutex_unlock(&stub.lock);
	return ret;
}

size_t stub_used(unsigned gpu)
{
	size_t n;

	pthread_mutex_lock(&stub.lock);
	n = stub.devices[gpu].used_bytes;
	pthread_mutex_unlock(&stub.lock);
	return n;
}

/* What lies on a broken device went with it. */
static bool is_gone_locked(int device)
{
	return stub.devices[device].broken != cudaSuccess;
}

bool stub_has_context(unsigned gpu)
{
	bool ret;

	pthread_mutex_lock(&stub.lock);
	ret = stub.devices[gpu].has_context;
	pthread_mutex_unlock(&stub.lock);
	return ret;
}

static const char *remains_locked(char *room, size_t bytes)
{
	static const char *const names[] = { "device memory", "host memory", "a registration" };

	if (*stub.misuse)
		return stub.misuse;
	for (const struct range *r = stub.ranges; r; r = r->next)
		if (!r->freed && !(r->owner == OF_DEVICE && is_gone_locked(r->device))) {
			snprintf(room, bytes, "%s of %zu bytes was not released", names[r->owner], r->bytes);
			return room;
		}
	for (const struct CUstream_st *s = stub.streams; s; s = s->next)
		if (!is_gone_locked(s->device))
			return "a stream was not destroyed";
	for (const struct CUevent_st *e = stub.events; e; e = e->next)
		if (!is_gone_locked(e->device))
			return "an event was not destroyed";
	return NULL;
}

bool stub_is_clean(char *why, size_t room)
{
	char text[REASON];
	const char *what;

	pthread_mutex_lock(&stub.lock);
	what = streams_end_locked() ? remains_locked(text, sizeof(text)) : "a stream does not end";
	if (what)
		snprintf(why, room, "%s", what);
	pthread_mutex_unlock(&stub.lock);
	return !what;
}

void *stub_behind(const void *at)
{
	const char *wrong = NULL;
	struct range *r;
	void *ret = NULL;

	pthread_mutex_lock(&stub.lock);
	r = range_locked(at, 1, &wrong);
	if (r && r->owner == OF_DEVICE)
		ret = r->real + ((uintptr_t)at - r->at);
	pthread_mutex_unlock(&stub.lock);
	return ret;
}
