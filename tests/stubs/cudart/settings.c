/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: the text that says what the machine is and what goes wrong. */
#include "parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(const char *entry)
{
	fprintf(stderr, "CUDA stub: cannot read '%s'\n", entry);
	abort();
}

/* Digits to the end, or to `stop`. */
static unsigned long number(const char *text, const char *stop, const char *entry)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || (stop ? *end != *stop : *end))
		refuse(entry);
	return n;
}

static unsigned index_of(const char *text, const char *stop, const char *entry)
{
	unsigned long n = number(text, stop, entry);

	if (n >= DEVICES)
		refuse(entry);
	return (unsigned)n;
}

/* "A-B" */
static void read_pair(const char *text, const char *entry, bool both, unsigned char *bits)
{
	const char *dash = strchr(text, '-');
	unsigned a, b;

	if (!dash)
		refuse(entry);
	a = index_of(text, "-", entry);
	b = index_of(dash + 1, NULL, entry);
	bits[a] = (unsigned char)(bits[a] | 1u << b);
	if (both)
		bits[b] = (unsigned char)(bits[b] | 1u << a);
}

static bool is(const char *entry, size_t n, const char *name)
{
	return strlen(name) == n && !strncmp(entry, name, n);
}

static void read_setting(const char *entry, const char *value, struct settings *s)
{
	size_t n = (size_t)(value - 1 - entry);

	if (is(entry, n, "state"))
		snprintf(s->state, sizeof(s->state), "%s", value);
	else if (is(entry, n, "gpus"))
		s->gpus = (unsigned)number(value, NULL, entry);
	else if (is(entry, n, "mig"))
		s->mig = (unsigned)number(value, NULL, entry);
	else if (is(entry, n, "driver"))
		s->driver = (int)number(value, NULL, entry);
	else if (is(entry, n, "memory"))
		s->memory_bytes = number(value, NULL, entry);
	else if (is(entry, n, "rate"))
		s->bytes_per_s = number(value, NULL, entry);
	else if (is(entry, n, "lost"))
		s->lost |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "busy"))
		s->busy |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "exclusive"))
		s->exclusive |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "prohibited"))
		s->prohibited |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "nodmabuf"))
		s->no_dmabuf |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "nordma"))
		s->no_rdma |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "lag"))
		s->lags |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "noflush"))
		s->no_flush |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "nopeer"))
		read_pair(value, entry, true, s->no_peer);
	else if (is(entry, n, "drop"))
		read_pair(value, entry, false, s->drop);
	else
		refuse(entry);
	if (s->gpus > GPUS || s->bytes_per_s == 0)
		refuse(entry);
}

static struct mishap read_mishap(const char *text, const char *entry)
{
	static const char *const names[] = { "",     "fail",  "sticky", "lost", "later", "slow",
					     "hang", "stall", "flip",	"swap", "drop" };
	const char *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : strlen(text);

	for (enum deed deed = FAIL; deed <= DROP; deed++)
		if (strlen(names[deed]) == n && !strncmp(names[deed], text, n)) {
			if ((deed <= SLOW) != (equals != NULL))
				break;
			return (struct mishap){ deed, equals ? (cudaError_t)number(equals + 1, NULL, entry)
							     : cudaErrorUnknown };
		}
	refuse(entry);
}

/* [gpuN:]CALL:K[+]:WHAT */
static void read_fault(const char *entry, struct settings *s)
{
	struct fault *f = &s->faults[s->faults_n++];
	const char *call = entry, *count, *what;

	if (s->faults_n == FAULTS)
		refuse(entry);
	*f = (struct fault){ .device = -1 };
	if (!strncmp(entry, "gpu", 3)) {
		f->device = (int)index_of(entry + 3, ":", entry);
		call = strchr(entry, ':') + 1;
	}
	count = strchr(call, ':');
	what = count ? strchr(count + 1, ':') : NULL;
	if (!what || (size_t)(count - call) >= sizeof(f->call))
		refuse(entry);
	memcpy(f->call, call, (size_t)(count - call));
	f->on = what[-1] == '+';
	f->from = (unsigned)number(count + 1, f->on ? "+" : ":", entry);
	f->does = read_mishap(what + 1, entry);
}

void settings_read(const char *text, struct settings *ret)
{
	char *copy = strdup(text ? text : ""), *rest = copy, *entry;

	*ret = (struct settings){
		.gpus = GPUS, .driver = CUDART_VERSION, .memory_bytes = (size_t)4 << 30, .bytes_per_s = 4000000000
	};
	while ((entry = strsep(&rest, ","))) {
		const char *equals = strchr(entry, '=');
		const char *colon = strchr(entry, ':');

		if (!*entry || !strncmp(entry, "nvml:", 5)) /* what the NVML stub shall do */
			continue;
		if (equals && (!colon || equals < colon))
			read_setting(entry, equals + 1, ret);
		else
			read_fault(entry, ret);
	}
	free(copy);
}

static bool concerns(const struct fault *f, const char *call, bool copies, int device)
{
	if (f->device >= 0 && f->device != device)
		return false;
	return !strcmp(f->call, call) || !strcmp(f->call, "any") || (copies && !strcmp(f->call, "copy"));
}

struct mishap settings_mishap(struct settings *s, const char *call, bool copies, int device)
{
	struct mishap ret = { NOTHING, cudaSuccess };

	for (unsigned i = 0; i < s->faults_n; i++) {
		struct fault *f = &s->faults[i];

		if (!concerns(f, call, copies, device))
			continue;
		f->seen++;
		if (ret.deed == NOTHING && (f->on ? f->seen >= f->from : f->seen == f->from))
			ret = f->does;
	}
	return ret;
}
