/* SPDX-License-Identifier: Apache-2.0 */
/* null.nop: does nothing. What it measures is the harness itself: the cost of a lane from start to record. */
#include <feedline/bench.h>

static int nop_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	(void)lane;
	(void)opts;
	(void)err;
	*ret_state = NULL;
	return 0;
}

static int nop_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	(void)state;
	(void)thread;
	(void)err;
	for (uint64_t i = 0; i < n; i++)
		__asm__ volatile("" ::: "memory"); /* else the compiler removes the loop */
	did->ops = n;
	return 0;
}

static int nop_verify(void *state, struct fl_err *err)
{
	(void)state;
	(void)err;
	return 0; /* no data, so none that could be wrong */
}

static void nop_close(void *state)
{
	(void)state;
}

static const struct fl_metric nop_metrics[] = {
	{ "ops_per_s", FL_RATE_OPS, FL_NEITHER, "empty operations per second" },
	{ 0 },
};

FL_BENCHES(null, nop) = {
	{ .name = "null.nop",
	  .summary = "does nothing: the cost of the harness itself",
	  .metrics = nop_metrics,
	  .open = nop_open,
	  .step = nop_step,
	  .verify = nop_verify,
	  .close = nop_close },
	{ 0 },
};
