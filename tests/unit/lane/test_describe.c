/* SPDX-License-Identifier: Apache-2.0 */
/* test_describe.c: what a program says of its benchmarks, and how it opens one: what can be measured has its hooks,
 * what cannot may have none. The registry is this file's own. */
#include "base/json.h"
#include "lane/lane.h"
#include <errno.h>
#include <feedline/registry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int open_it(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	(void)lane;
	(void)opts;
	*ret_state = NULL;
	return fl_fail(err, -ENOSYS, "never called");
}

static int step_it(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	(void)state;
	(void)thread;
	(void)n;
	(void)did;
	return fl_fail(err, -ENOSYS, "never called");
}

static void close_it(void *state)
{
	(void)state;
}

/* What the tests change: the second row, and with it what the program holds. */
static struct fl_bench rows[] = {
	{ .name = "gpu.absent",
	  .summary = "s",
	  .unavailable = "built without CUDA",
	  .device_clock = true,
	  .roles = "sender|receiver",
	  .measured_at = "receiver",
	  .lockstep = true },
	{ .name = "gpu.there", .summary = "s" },
	{ 0 },
};
const struct fl_bench *const fl_registry[] = { rows, NULL };

static int set_hooks(void **state)
{
	(void)state;
	rows[1] = (struct fl_bench){
		.name = "gpu.there", .summary = "s", .open = open_it, .step = step_it, .close = close_it
	};
	return 0;
}

static void says_what_cannot_be_measured_and_whose_clock_it_is(void **state)
{
	struct fl_err err = { 0 };
	const json_t *absent, *there;
	json_t *doc;

	(void)state;
	assert_int_equal(fl_lane_manifest("feedline-lane-x", &doc, &err), 0);
	absent = json_array_get(json_object_get(doc, "benchmarks"), 0);
	there = json_array_get(json_object_get(doc, "benchmarks"), 1);
	assert_string_equal(fl_json_text_or_null(absent, "unavailable"), "built without CUDA");
	assert_true(json_is_null(json_object_get(there, "unavailable")));
	assert_true(json_is_true(json_object_get(absent, "device_clock")));
	assert_string_equal(fl_json_text_or_null(absent, "roles"), "sender|receiver");
	assert_string_equal(fl_json_text_or_null(absent, "measured_at"), "receiver");
	assert_true(json_is_true(json_object_get(absent, "lockstep")));
	assert_true(json_is_false(json_object_get(there, "lockstep")));
	assert_true(json_is_null(json_object_get(there, "roles")));
	assert_true(json_is_false(json_object_get(there, "device_clock")));
	assert_true(json_is_false(json_object_get(absent, "verifies")));
	json_decref(doc);
}

static void needs_the_hooks_that_are_called_unasked(void **state)
{
	static const char *const names[] = { "open", "step", "close" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fl_err err = { 0 };
		json_t *doc = NULL;

		set_hooks(state);
		if (i == 0)
			rows[1].open = NULL;
		else if (i == 1)
			rows[1].step = NULL;
		else
			rows[1].close = NULL;
		assert_int_equal(fl_lane_manifest("feedline-lane-x", &doc, &err), -EINVAL);
		assert_null(doc);
		assert_non_null(strstr(err.what, "'gpu.there'"));
		assert_non_null(strstr(err.what, names[i]));
	}
}

/* An order for one, from a plan of another build. */
static void opens_none_that_cannot_be_measured(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	json_t *order = json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:{}, s:{}, s:i, s:[]}", "lane", 0, "bench",
				  "gpu.absent", "cpus", "0", "node", 0, "step_ns", 1, "memory_max", 0, "options",
				  "devices", "rank", 0, "addresses");
	struct fl_lane *lane = NULL;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_lane_open(order, -1, &lock, &lane, &err), -ENOSYS);
	assert_string_equal(err.what, "built without CUDA");
	assert_null(lane);
	json_decref(order);
}

static const struct fl_field device_fields[] = {
	{ .name = "gpu", .type = FL_DEVICE, .range = "gpu", .help = "h" },
	{ 0 },
};

static void a_device_comes_with_all_that_names_it(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	json_t *order = json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:{}, s:{s:{s:s, s:s, s:n, s:s, s:s, s:i, s:i}}, "
				  "s:i, s:[]}",
				  "lane", 0, "bench", "gpu.there", "cpus", "0", "node", 0, "step_ns", 1, "memory_max",
				  0, "options", "devices", "gpu", "id", "mig-MIG-1", "pci", "0000:41:00.0", "path",
				  "uuid", "MIG-1", "rdma", "mlx5_1", "rdma_port", 2, "node", 1, "rank", 0, "addresses");
	struct fl_lane *lane = NULL;
	struct fl_err err = { 0 };

	(void)state;
	rows[1].fields = device_fields;
	rows[1].opts_bytes = sizeof(struct fl_device *);
	if (fl_lane_open(order, -1, &lock, &lane, &err) < 0)
		fail_msg("%s", err.what);
	assert_string_equal(lane->devices[0].id, "mig-MIG-1");
	assert_string_equal(lane->devices[0].pci, "0000:41:00.0");
	assert_null(lane->devices[0].path);
	assert_string_equal(lane->devices[0].uuid, "MIG-1");
	assert_string_equal(lane->devices[0].rdma, "mlx5_1");
	assert_int_equal(lane->devices[0].rdma_port, 2);
	assert_int_equal(lane->devices[0].node, 1);
	fl_lane_free(lane);
	json_decref(order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(says_what_cannot_be_measured_and_whose_clock_it_is, set_hooks),
		cmocka_unit_test(needs_the_hooks_that_are_called_unasked),
		cmocka_unit_test_setup(opens_none_that_cannot_be_measured, set_hooks),
		cmocka_unit_test_setup(a_device_comes_with_all_that_names_it, set_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
