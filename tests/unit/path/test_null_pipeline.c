/* SPDX-License-Identifier: Apache-2.0 */
/* test_null_pipeline.c: null.pipeline stepped by hand; lost, doubled and damaged batches are wrong data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_lane.h"
#include "null/pipeline.c"
#include <math.h>

static const struct fl_bench *const bench = &fl_bench_null_pipeline[0];
static const struct pipeline_opts opts = { .batch = 4096, .pace = 10000, .consume = 20000, .depth = 2 };

struct rig {
	struct fl_lane lane;
	struct pipeline_state *state;
	double given[1];
	struct fl_hist stall, *hist[1];
};

static struct rig *make_rig(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct fl_err err = { 0 };
	void *state = NULL;

	assert_non_null(rig);
	rig->hist[0] = &rig->stall;
	rig->lane.threads = (unsigned)strtoul(bench->threads, NULL, 10);
	assert_int_equal(rig->lane.threads, CONSUMER + 1);
	assert_int_equal(bench->open(&rig->lane, &opts, &state, &err), 0);
	rig->state = state;
	return rig;
}

static void free_rig(struct rig *rig)
{
	bench->close(rig->state);
	fake_free(&rig->lane);
	free(rig);
}

static int step(struct rig *rig, unsigned thread, struct fl_step *did)
{
	struct fl_err err = { 0 };

	*did = (struct fl_step){ .given = rig->given, .hist = rig->hist };
	rig->given[0] = NAN;
	return bench->step(rig->state, thread, 1, did, &err);
}

static void pass(struct rig *rig, unsigned thread, unsigned times)
{
	struct fl_step did;

	while (times-- > 0)
		assert_int_equal(step(rig, thread, &did), 0);
}

static int verify(struct rig *rig)
{
	struct fl_err err = { 0 };

	return bench->verify(rig->state, &err);
}

static void test_only_the_consumer_counts(void **unused)
{
	struct rig *rig = make_rig();
	struct fl_step did;

	(void)unused;
	assert_true(rig->lane.least_cap_bytes_per_s == 4096 * 1e9 / 20000);
	for (unsigned i = 0; i < 20; i++) { /* round all slots */
		assert_int_equal(step(rig, SOURCE, &did), 0);
		assert_int_equal(did.ops + did.bytes, 0);
		assert_int_equal(step(rig, STAGE, &did), 0);
		assert_int_equal(did.ops + did.bytes, 0);
		assert_int_equal(step(rig, CONSUMER, &did), 0);
		assert_int_equal(did.ops, 1);
		assert_int_equal(did.bytes, 4096);
		assert_true(rig->given[0] == 1);
	}
	assert_int_equal(fl_hist_total(&rig->stall), 19); /* before the first batch nobody waited for data */
	assert_int_equal(verify(rig), 0);
	free_rig(rig);
}

static void test_a_damaged_batch_is_wrong(void **unused)
{
	struct rig *rig = make_rig();

	(void)unused;
	pass(rig, SOURCE, 1);
	pass(rig, STAGE, 1);
	rig->state->out.slots[4095] ^= 1;
	pass(rig, CONSUMER, 1);
	assert_int_equal(verify(rig), -EBADMSG);
	free_rig(rig);
}

static void test_a_lost_batch_is_wrong(void **unused)
{
	struct rig *rig = make_rig();
	struct batch lost;

	(void)unused;
	pass(rig, SOURCE, 2);
	pass(rig, STAGE, 2);
	assert_int_equal(fl_queue_pop(rig->state->out.queue, &lost), 0);
	pass(rig, CONSUMER, 1);
	assert_int_equal(verify(rig), -EBADMSG);
	free_rig(rig);
}

static void test_a_doubled_batch_is_wrong(void **unused)
{
	struct rig *rig = make_rig();
	struct batch twice;

	(void)unused;
	pass(rig, SOURCE, 1);
	pass(rig, STAGE, 1);
	assert_int_equal(fl_queue_pop(rig->state->out.queue, &twice), 0);
	assert_int_equal(fl_queue_push(rig->state->out.queue, &twice), 0);
	assert_int_equal(fl_queue_push(rig->state->out.queue, &twice), 0);
	pass(rig, CONSUMER, 1);
	assert_int_equal(verify(rig), 0);
	pass(rig, CONSUMER, 1);
	assert_int_equal(verify(rig), -EBADMSG);
	free_rig(rig);
}

static void test_halt_ends_every_stage(void **unused)
{
	struct rig *rig = make_rig();
	struct fl_step did;

	(void)unused;
	bench->halt(rig->state);
	for (unsigned thread = 0; thread <= CONSUMER; thread++)
		assert_int_equal(step(rig, thread, &did), -ECANCELED);
	free_rig(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_the_consumer_counts), cmocka_unit_test(test_a_damaged_batch_is_wrong),
		cmocka_unit_test(test_a_lost_batch_is_wrong),	 cmocka_unit_test(test_a_doubled_batch_is_wrong),
		cmocka_unit_test(test_halt_ends_every_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
