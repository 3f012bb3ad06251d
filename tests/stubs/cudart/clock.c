/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c: the time of devices. */
#include "parts.h"
#include <feedline/clock.h>

/* A start of its own, then a rate. */
uint64_t copy_ns(uint64_t bytes)
{
	return LAUNCH_NS / 2 + (uint64_t)((double)bytes * 1e9 / (double)stub.settings.bytes_per_s);
}

void begin_op(const struct CUstream_st *s, struct op *op)
{
	op->at_ns = s->clock_ns > op->queued_ns ? s->clock_ns : op->queued_ns;
}

void end_op(struct CUstream_st *s, const struct op *op)
{
	s->clock_ns = op->at_ns + op->takes_ns;
	fl_sleep_until(s->clock_ns);
}

uint64_t opened_locked(const void *flag, uint64_t queued_ns, uint64_t now_ns)
{
	unsigned i;

	for (i = 0; i < stub.opened_n; i++)
		if (stub.opened[i].flag == flag)
			break;
	if (i == GATES)
		return now_ns;
	if (i == stub.opened_n)
		stub.opened[stub.opened_n++].flag = flag;
	if (stub.opened[i].at_ns < queued_ns)
		stub.opened[i].at_ns = now_ns;
	return stub.opened[i].at_ns;
}
