/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: the text that says what the NVML stub is, and what goes wrong. */
#include "sense/nvml.h"
#include "stubs/gpus.h"
#include "stubs/nvml/stub.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	pthread_once_t once;
	pthread_mutex_t lock;
	struct stub_settings settings;
} stub = { .once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER };

/* What the CUDA stub is told, too. */
static void read_common(const struct text_entry *e, struct stub_settings *s)
{
	if (text_is(e, "gpus"))
		s->gpus = (unsigned)text_value(e);
	else if (text_is(e, "mig"))
		s->mig = (unsigned)text_value(e);
	else if (text_is(e, "driver"))
		s->driver = (int)text_value(e);
	else if (text_is(e, "memory"))
		s->memory_bytes = text_value(e);
	else if (text_is(e, "lost"))
		s->lost |= text_bit(e);
	else if (text_is(e, "busy"))
		s->busy |= text_bit(e);
	else if (text_is(e, "exclusive"))
		s->exclusive |= text_bit(e);
	else if (text_is(e, "prohibited"))
		s->prohibited |= text_bit(e);
	if (s->gpus > STUB_GPUS)
		text_refuse(e);
}
/* N-PID */
static void read_user(const struct text_entry *e, struct stub_settings *s)
{
	const char *second = strchr(e->value, '-');

	if (!second)
		text_refuse(e);
	s->user_gpu = (int)text_number(e, e->value, '-');
	s->user = (unsigned)text_number(e, second + 1, 0);
}

/* N-X-K or N-X-K-MS */
static void read_xid(const struct text_entry *e, struct stub_settings *s)
{
	const char *second = strchr(e->value, '-'), *third = second ? strchr(second + 1, '-') : NULL;
	const char *fourth = third ? strchr(third + 1, '-') : NULL;

	if (!third)
		text_refuse(e);
	s->xid_gpu = (int)text_number(e, e->value, '-');
	s->xid = text_number(e, second + 1, '-');
	s->xid_at = (unsigned)text_number(e, third + 1, fourth ? '-' : 0);
	s->xid_storm = text_is(e, "storm");
	s->xid_ms = fourth ? (unsigned)text_number(e, fourth + 1, 0) : 0;
}

static void read_missing(const struct text_entry *e, struct stub_settings *s)
{
	if (!*e->value || strlen(e->value) >= STUB_NAME)
		text_refuse(e);
	snprintf(s->missing[s->missing_n++ % STUB_MISSING], STUB_NAME, "%s", e->value);
}

static void read_own(const struct text_entry *e, struct stub_settings *s)
{
	if (strcmp(e->whole, "none") == 0)
		s->none = true;
	else if (strcmp(e->whole, "hidden") == 0)
		s->hidden = true;
	else if (text_is(e, "missing"))
		read_missing(e, s);
	else if (text_is(e, "users"))
		s->users |= text_bit(e);
	else if (text_is(e, "user"))
		read_user(e, s);
	else if (text_is(e, "repairs"))
		s->repairs |= text_bit(e);
	else if (text_is(e, "xid") || text_is(e, "storm"))
		read_xid(e, s);
	else
		text_add_fault(e, &s->faults);
}

static void read_entry(const struct text_entry *e, void *settings)
{
	if (strncmp(e->whole, "nvml:", 5) == 0) {
		const struct text_entry own = text_entry_at(e->kind, e->whole + 5);

		read_own(&own, settings);
	} else if (e->value) {
		read_common(e, settings);
	}
}

static void read_text(void)
{
	static const char *const deeds[] = { "fail=", "value=", "slow=", "hang", "crash", NULL };
	static const struct text_kind kind = { "NVML stub", "gpu", STUB_GPUS, deeds };

	stub.settings = (struct stub_settings){
		.gpus = STUB_GPUS, .driver = 13000, .memory_bytes = UINT64_C(4) << 30, .xid_gpu = -1, .user_gpu = -1
	};
	text_read(&kind, getenv("CUDA_STUB"), read_entry, &stub.settings);
}

const struct stub_settings *nvml_stub_settings(void)
{
	pthread_once(&stub.once, read_text);
	return &stub.settings;
}

int nvml_stub_call(const char *symbol, int gpu, uint64_t *value)
{
	struct text_deed does;

	pthread_mutex_lock(&stub.lock);
	does = text_call(&stub.settings.faults, symbol, NULL, gpu);
	pthread_mutex_unlock(&stub.lock);
	if (gpu >= 0 && stub.settings.lost >> gpu & 1)
		return FL_NVML_GPU_IS_LOST;
	switch ((enum stub_deed)does.deed) {
	case STUB_NOTHING:
		return FL_NVML_SUCCESS;
	case STUB_FAIL:
		return (int)does.number;
	case STUB_VALUE:
		if (value)
			*value = does.number;
		return FL_NVML_SUCCESS;
	case STUB_SLOW:
		usleep((useconds_t)does.number * 1000);
		return FL_NVML_SUCCESS;
	case STUB_HANG:
		for (;;)
			pause();
	case STUB_CRASH:
		abort();
	}
	return FL_NVML_UNKNOWN;
}
