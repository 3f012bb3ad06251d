/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: the text that says what the machine is and what goes wrong. */
#include "parts.h"
#include <stdio.h>
#include <string.h>

/* "A-B" */
static void read_pair(const struct text_entry *e, bool both, unsigned char *bits)
{
	const char *dash = strchr(e->value, '-');
	unsigned a, b;

	if (!dash)
		text_refuse(e);
	a = text_subject(e, e->value, '-');
	b = text_subject(e, dash + 1, 0);
	bits[a] = (unsigned char)(bits[a] | 1u << b);
	if (both)
		bits[b] = (unsigned char)(bits[b] | 1u << a);
}

static void read_setting(const struct text_entry *e, struct settings *s)
{
	if (text_is(e, "state"))
		snprintf(s->state, sizeof(s->state), "%s", e->value);
	else if (text_is(e, "gpus"))
		s->gpus = (unsigned)text_value(e);
	else if (text_is(e, "mig"))
		s->mig = (unsigned)text_value(e);
	else if (text_is(e, "driver"))
		s->driver = (int)text_value(e);
	else if (text_is(e, "memory"))
		s->memory_bytes = text_value(e);
	else if (text_is(e, "rate"))
		s->bytes_per_s = text_value(e);
	else if (text_is(e, "lost"))
		s->lost |= text_bit(e);
	else if (text_is(e, "busy"))
		s->busy |= text_bit(e);
	else if (text_is(e, "exclusive"))
		s->exclusive |= text_bit(e);
	else if (text_is(e, "prohibited"))
		s->prohibited |= text_bit(e);
	else if (text_is(e, "nodmabuf"))
		s->no_dmabuf |= text_bit(e);
	else if (text_is(e, "nordma"))
		s->no_rdma |= text_bit(e);
	else if (text_is(e, "lag"))
		s->lags |= text_bit(e);
	else if (text_is(e, "noflush"))
		s->no_flush |= text_bit(e);
	else if (text_is(e, "nopeer"))
		read_pair(e, true, s->no_peer);
	else if (text_is(e, "drop"))
		read_pair(e, false, s->drop);
	else
		text_refuse(e);
	if (s->gpus > GPUS || s->bytes_per_s == 0)
		text_refuse(e);
}

static void read_entry(const struct text_entry *e, void *settings)
{
	struct settings *s = settings;

	if (!strncmp(e->whole, "nvml:", 5)) /* what the NVML stub shall do */
		return;
	if (e->value)
		read_setting(e, s);
	else
		text_add_fault(e, &s->faults);
}

void settings_read(const char *text, struct settings *ret)
{
	static const char *const deeds[] = { "fail=", "sticky=", "lost=", "later=", "slow=", "hang",
					     "stall", "flip",	 "swap",  "drop",   NULL };
	static const struct text_kind kind = { "CUDA stub", "gpu", DEVICES, deeds };

	*ret = (struct settings){
		.gpus = GPUS, .driver = CUDART_VERSION, .memory_bytes = (size_t)4 << 30, .bytes_per_s = 4000000000
	};
	text_read(&kind, text, read_entry, ret);
}

struct mishap settings_mishap(struct settings *s, const char *call, bool copies, int device)
{
	struct text_deed does = text_call(&s->faults, call, copies ? "copy" : NULL, device);

	return (struct mishap){ (enum deed)does.deed, (cudaError_t)does.number };
}
