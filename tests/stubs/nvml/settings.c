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

static _Noreturn void refuse(const char *entry)
{
	fprintf(stderr, "NVML stub: cannot read '%s'\n", entry);
	exit(1);
}

/* Digits to the end, or to `stop`. */
static uint64_t number(const char *text, char stop, const char *entry)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (end == text || (*end != stop && *end))
		refuse(entry);
	return n;
}

static unsigned bit(const char *text, const char *entry)
{
	uint64_t n = number(text, 0, entry);

	if (n >= STUB_GPUS)
		refuse(entry);
	return 1u << n;
}

static void copy_name(char ret[STUB_NAME], const char *from, size_t n, const char *entry)
{
	if (n == 0 || n >= STUB_NAME)
		refuse(entry);
	memcpy(ret, from, n);
	ret[n] = 0;
}

static bool is(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

/* What the CUDA stub is told, too. */
static void read_common(const char *entry, struct stub_settings *s)
{
	const char *value = strchr(entry, '=') + 1;

	if (is(entry, "gpus"))
		s->gpus = (unsigned)number(value, 0, entry);
	else if (is(entry, "mig"))
		s->mig = (unsigned)number(value, 0, entry);
	else if (is(entry, "driver"))
		s->driver = (int)number(value, 0, entry);
	else if (is(entry, "memory"))
		s->memory_bytes = number(value, 0, entry);
	else if (is(entry, "lost"))
		s->lost |= bit(value, entry);
	else if (is(entry, "busy"))
		s->busy |= bit(value, entry);
	else if (is(entry, "exclusive"))
		s->exclusive |= bit(value, entry);
	else if (is(entry, "prohibited"))
		s->prohibited |= bit(value, entry);
	if (s->gpus > STUB_GPUS)
		refuse(entry);
}

/* N-PID */
static void read_user(const char *text, const char *entry, struct stub_settings *s)
{
	const char *second = strchr(text, '-');

	if (!second)
		refuse(entry);
	s->user_gpu = (int)number(text, '-', entry);
	s->user = (unsigned)number(second + 1, 0, entry);
}

/* xid= or storm=, and N-X-K or N-X-K-MS */
static void read_xid(const char *name, const char *entry, struct stub_settings *s)
{
	const char *text = strchr(name, '=') + 1, *second = strchr(text, '-'),
		   *third = second ? strchr(second + 1, '-') : NULL;
	const char *fourth = third ? strchr(third + 1, '-') : NULL;

	if (!third)
		refuse(entry);
	s->xid_gpu = (int)number(text, '-', entry);
	s->xid = number(second + 1, '-', entry);
	s->xid_at = (unsigned)number(third + 1, '-', entry);
	s->xid_storm = is(name, "storm");
	s->xid_ms = fourth ? (unsigned)number(fourth + 1, 0, entry) : 0;
}

/* [gpuN:]SYMBOL:K[+]:WHAT */
static void read_fault(const char *text, const char *entry, struct stub_settings *s)
{
	static const char *const deeds[] = { "fail=", "value=", "slow=", "hang", "crash" };
	struct stub_fault *f = &s->faults[s->faults_n++];
	const char *count, *what;

	*f = (struct stub_fault){ .gpu = -1 };
	if (strncmp(text, "gpu", 3) == 0) {
		f->gpu = (int)number(text + 3, ':', entry);
		text = strchr(text, ':') + 1;
	}
	count = strchr(text, ':');
	what = count ? strchr(count + 1, ':') : NULL;
	if (!what || s->faults_n == STUB_FAULTS)
		refuse(entry);
	copy_name(f->symbol, text, (size_t)(count - text), entry);
	f->on = what[-1] == '+';
	f->from = (unsigned)number(count + 1, f->on ? '+' : ':', entry);
	for (unsigned i = STUB_FAIL; i <= STUB_CRASH; i++) {
		size_t n = strlen(deeds[i]);

		if (strncmp(what + 1, deeds[i], n) != 0)
			continue;
		f->deed = (enum stub_deed)i;
		f->number = i <= STUB_SLOW ? number(what + 1 + n, 0, entry) : 0;
		return;
	}
	refuse(entry);
}

static void read_own(const char *text, const char *entry, struct stub_settings *s)
{
	if (strcmp(text, "none") == 0)
		s->none = true;
	else if (strcmp(text, "hidden") == 0)
		s->hidden = true;
	else if (is(text, "missing"))
		copy_name(s->missing[s->missing_n++ % STUB_FAULTS], text + 8, strlen(text + 8), entry);
	else if (is(text, "users"))
		s->users |= bit(text + 6, entry);
	else if (is(text, "user"))
		read_user(text + 5, entry, s);
	else if (is(text, "repairs"))
		s->repairs |= bit(text + 8, entry);
	else if (is(text, "xid") || is(text, "storm"))
		read_xid(text, entry, s);
	else
		read_fault(text, entry, s);
}

static void read_text(void)
{
	const char *text = getenv("CUDA_STUB");
	char *copy = strdup(text ? text : ""), *rest = copy, *entry;

	stub.settings = (struct stub_settings){
		.gpus = STUB_GPUS, .driver = 13000, .memory_bytes = UINT64_C(4) << 30, .xid_gpu = -1, .user_gpu = -1
	};
	while ((entry = strsep(&rest, ","))) {
		const char *equals = strchr(entry, '='), *colon = strchr(entry, ':');

		if (strncmp(entry, "nvml:", 5) == 0)
			read_own(entry + 5, entry, &stub.settings);
		else if (equals && (!colon || equals < colon))
			read_common(entry, &stub.settings);
	}
	free(copy);
}

const struct stub_settings *nvml_stub_settings(void)
{
	pthread_once(&stub.once, read_text);
	return &stub.settings;
}

static struct stub_fault fault_of(const char *symbol, int gpu, bool *ret_found)
{
	struct stub_fault found = { .gpu = -1 };

	*ret_found = false;
	pthread_mutex_lock(&stub.lock);
	for (unsigned i = 0; i < stub.settings.faults_n; i++) {
		struct stub_fault *f = &stub.settings.faults[i];

		if (strcmp(f->symbol, symbol) != 0 || (f->gpu >= 0 && f->gpu != gpu))
			continue;
		f->seen++;
		if (!*ret_found && (f->on ? f->seen >= f->from : f->seen == f->from)) {
			found = *f;
			*ret_found = true;
		}
	}
	pthread_mutex_unlock(&stub.lock);
	return found;
}

int nvml_stub_call(const char *symbol, int gpu, uint64_t *value)
{
	bool found;
	struct stub_fault f = fault_of(symbol, gpu, &found);

	if (gpu >= 0 && stub.settings.lost >> gpu & 1)
		return FL_NVML_GPU_IS_LOST;
	if (!found)
		return FL_NVML_SUCCESS;
	switch (f.deed) {
	case STUB_FAIL:
		return (int)f.number;
	case STUB_VALUE:
		if (value)
			*value = f.number;
		return FL_NVML_SUCCESS;
	case STUB_SLOW:
		usleep((useconds_t)f.number * 1000);
		return FL_NVML_SUCCESS;
	case STUB_HANG:
		for (;;)
			pause();
	case STUB_CRASH:
		abort();
	}
	return FL_NVML_UNKNOWN;
}
