/* SPDX-License-Identifier: Apache-2.0 */
/* test_witness_device.c: what a drive counts, what follows from it, and by which rules it did so. */
#include "base/json.h"
#include "run/witness.h"
#include "tree.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DRIVE "sys/dev/block/259:0/"

static void counters(void **state)
{
	static const struct {
		const char *dev, *stat, *iostats;
		double read, written;
	} rows[] = {
		{ "259:0", "   10 0 2000 5 20 0 4000 9 0 1 2 0 0 0 0 0 0\n", "1\n", 1024000, 2048000 },
		{ "259:0", "10 0 2000 5 20 0 4000\n", "1\n", 1024000, 2048000 },
		{ "259:0", "10 0 2000 5 20 0 4000 9\n", "0\n", NAN, NAN },
		{ "259:0", "10 0 2000 5 20 0\n", "1\n", NAN, NAN },
		{ "259:0", "10 0 99999999999999999999 5 20 0 1 1\n", "1\n", NAN, NAN },
		{ "259:0", "", "1\n", NAN, NAN },
		{ "259:0", "10 0 2000 5 20 0 4000 9\n", "", NAN, NAN },
		{ "7:0", "10 0 2000 5 20 0 4000 9\n", "1\n", NAN, NAN },
		{ "../block/259:0", "10 0 2000 5 20 0 4000 9\n", "1\n", NAN, NAN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_drive_look look;

		tree_put(DRIVE "stat", rows[i].stat);
		tree_put(DRIVE "queue/iostats", rows[i].iostats);
		fl_drive_look(*(int *)*state, rows[i].dev, &look);
		if (isnan(rows[i].read) != isnan(look.read_bytes) ||
		    (!isnan(rows[i].read) &&
		     (look.read_bytes != rows[i].read || look.written_bytes != rows[i].written)))
			fail_msg("row %zu: %g %g", i, look.read_bytes, look.written_bytes);
		assert_true(look.looked);
	}
}

static void own_io(void **state)
{
	struct fl_own_io io;

	tree_put("proc/77/io", "rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n");
	fl_own_io_look(*(int *)*state, 77, &io);
	assert_true(io.read_bytes == 4096 && io.written_bytes == 8192);
	fl_own_io_look(*(int *)*state, 78, &io);
	assert_true(isnan(io.read_bytes) && isnan(io.written_bytes));
}

/* MB: of the drive, of our processes, payload, of it past the page cache, under way. */
static const struct {
	double device, own, payload, direct, flight;
	double ratio;
	bool cached;
	enum fl_amplified amplified;
} deliveries[] = {
	{ 1000, 1000, 1000, 1000, 20, 1, false, FL_NOT_AMPLIFIED },
	/* nothing, little, and just enough for what was under way */
	{ 0, 0, 1000, 1000, 20, 0, true, FL_AMPLIFIED_UNKNOWN },
	{ 120, 120, 1000, 1000, 20, 0.12, true, FL_AMPLIFIED_UNKNOWN },
	{ 880, 880, 1000, 1000, 20, 0.88, false, FL_AMPLIFIED_UNKNOWN },
	{ 879, 879, 1000, 1000, 20, 0.879, true, FL_AMPLIFIED_UNKNOWN },
	{ 0, 0, 1000, 1000, 950, NAN, false, FL_AMPLIFIED_UNKNOWN },
	/* nobody claimed anything; only one of two lanes did, and its share was delivered, or was not */
	{ 0, 0, 1000, 0, 20, 0, false, FL_AMPLIFIED_UNKNOWN },
	{ 500, 500, 1000, 500, 20, 0.5, false, FL_AMPLIFIED_UNKNOWN },
	{ 100, 100, 1000, 500, 20, 0.1, true, FL_AMPLIFIED_UNKNOWN },
	/* the drive counts nothing, though its driver was given the requests: several paths lead to it */
	{ 0, 1000, 1000, 1000, 20, 0, false, FL_AMPLIFIED_UNKNOWN },
	/* others use it, and hide it */
	{ 1000, 0, 1000, 1000, 20, 1, false, FL_NOT_AMPLIFIED },
	/* one counter is not there */
	{ 0, NAN, 1000, 1000, 20, 0, true, FL_AMPLIFIED_UNKNOWN },
	{ NAN, 0, 1000, 1000, 20, NAN, false, FL_AMPLIFIED_UNKNOWN },
	{ NAN, NAN, 1000, 1000, 20, NAN, false, FL_AMPLIFIED_UNKNOWN },
	/* more than was asked for: for us, for others, for whom nobody knows, and less than may be under way */
	{ 1500, 1500, 1000, 1000, 20, 1.5, false, FL_AMPLIFIED },
	{ 1500, 1000, 1000, 1000, 20, 1.5, false, FL_AMPLIFIED_UNKNOWN },
	{ 1500, NAN, 1000, 1000, 20, 1.5, false, FL_AMPLIFIED_UNKNOWN },
	{ 1060, 1060, 1000, 1000, 20, 1.06, false, FL_NOT_AMPLIFIED },
	/* nothing was read */
	{ 5, 5, 0, 0, 0, NAN, false, FL_AMPLIFIED_UNKNOWN },
};

static void delivered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(deliveries) / sizeof(deliveries[0]); i++) {
		struct fl_delivery d = { deliveries[i].device * 1e6, deliveries[i].own * 1e6,
					 deliveries[i].payload * 1e6, deliveries[i].direct * 1e6,
					 deliveries[i].flight * 1e6 };
		double ratio = fl_delivery_ratio(&d);

		if (isnan(deliveries[i].ratio) ? !isnan(ratio) : !(fabs(ratio - deliveries[i].ratio) < 1e-9))
			fail_msg("row %zu: ratio %g", i, ratio);
		if (fl_delivery_cached(&d) != deliveries[i].cached)
			fail_msg("row %zu: cached %d", i, fl_delivery_cached(&d));
		if (fl_delivery_amplified(&d) != deliveries[i].amplified)
			fail_msg("row %zu: amplified %d", i, (int)fl_delivery_amplified(&d));
	}
}

/* ---- the rules */

static struct fl_drive_look look_at_queue(int root, const char *scheduler, const char *merges, const char *throttle)
{
	struct fl_drive_look look;

	tree_put(DRIVE "queue/scheduler", scheduler);
	tree_put(DRIVE "queue/nomerges", merges);
	tree_put(DRIVE "queue/wbt_lat_usec", throttle);
	fl_drive_look(root, "259:0", &look);
	return look;
}

static void rules(void **state)
{
	static const struct {
		const char *scheduler[2], *merges[2], *throttle[2], *reason;
	} rows[] = {
		{ { "[none] bfq\n", "[none] bfq\n" }, { "0\n", "0\n" }, { "2000\n", "2000\n" }, NULL },
		{ { "none\n", "none\n" }, { "0\n", "0\n" }, { "2000\n", "2000\n" }, NULL },
		{ { "[none] bfq\n", "none [bfq]\n" },
		  { "0\n", "0\n" },
		  { "2000\n", "2000\n" },
		  "scheduler of drive 'nvme-S1' changed from 'none' to 'bfq' during the run" },
		/* changed before, or changed and put back */
		{ { "none [bfq]\n", "[none] bfq\n" },
		  { "0\n", "0\n" },
		  { "2000\n", "2000\n" },
		  "scheduler of drive 'nvme-S1' changed from 'none' to 'bfq' during the run" },
		{ { "none [bfq]\n", "none [bfq]\n" },
		  { "0\n", "0\n" },
		  { "2000\n", "2000\n" },
		  "scheduler of drive 'nvme-S1' changed from 'none' to 'bfq' during the run" },
		{ { "[none]\n", "[none]\n" },
		  { "0\n", "2\n" },
		  { "2000\n", "2000\n" },
		  "no_merges of drive 'nvme-S1' changed from 0 to 2 during the run" },
		{ { "[none]\n", "[none]\n" },
		  { "0\n", "0\n" },
		  { "2000\n", "0\n" },
		  "write_throttle_ns of drive 'nvme-S1' changed from 2000000 to 0 during the run" },
		{ { "", "" }, { "", "x\n" }, { "", "" }, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char id[] = "nvme-S1", none[] = "none";
		struct fl_known unknown = { .value = NAN };
		const struct fl_drive drive = { .id = id,
						.scheduler = { .value = none },
						.queue_requests = unknown,
						.request_max_bytes = unknown,
						.read_ahead_bytes = unknown,
						.no_merges = { .value = 0 },
						.io_stats = unknown,
						.write_throttle_ns = { .value = 2000000 },
						.polls = unknown,
						.completion_cpu = unknown };
		struct fl_drive_look looks[2];
		json_t *reasons = json_array();
		const char *said;

		for (size_t k = 0; k < 2; k++)
			looks[k] = look_at_queue(*(int *)*state, rows[i].scheduler[k], rows[i].merges[k],
						 rows[i].throttle[k]);
		fl_queue_judge(&drive, &looks[0], &looks[1], reasons);
		said = json_string_value(json_array_get(reasons, 0));
		if (json_array_size(reasons) != (rows[i].reason ? 1 : 0) ||
		    (rows[i].reason && strcmp(said, rows[i].reason)))
			fail_msg("row %zu: '%s'", i, said ? said : "no reason");
		json_decref(reasons);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(counters),
		TREE_TEST(own_io),
		cmocka_unit_test(delivered),
		TREE_TEST(rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
