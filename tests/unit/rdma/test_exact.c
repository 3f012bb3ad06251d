/* SPDX-License-Identifier: Apache-2.0 */
/* test_exact.c: what is reported of a port of known rate and latency is, within 1 %, what comes out of these by
 * construction: in whatever sizes, with whatever depth, however completions are asked for. By the lanes of a real run,
 * from their options to the slices of the window. */
#include "lane_rig.h"

extern const struct fl_bench fl_bench_rdma_stream[];
const struct fl_bench *const fl_registry[] = { fl_bench_rdma_stream, NULL };

/* Of the stub's port. */
#define RATE	1e9
#define LATENCY 3000.0

static void assert_near(double value, double want, const char *row)
{
	if (!(value > 0.99 * want && value < 1.01 * want))
		fail_msg("%s: %g, not %g", row, value, want);
}

/* Each slice of the window is so. */
static void assert_rate(const struct rig *r, unsigned rank, enum fl_from from, double want, const char *row)
{
	struct fl_series s = rig_series(r, rank, from);

	assert_true(s.n > 0);
	for (size_t i = 0; i < s.n; i++)
		assert_near(s.value[i], want, row);
	free(s.at);
	free(s.value);
	free(s.valid);
}

/* So many groups of requests are under way at a time, each of which takes the time of its bytes and the latency;
 * beyond its rate the port carries nothing. */
static double in_flight(double groups, double requests, double bytes)
{
	double alone = groups * requests * bytes * 1e9 / (LATENCY + requests * bytes / RATE * 1e9);

	return alone < RATE ? alone : RATE;
}

static void carries(const struct rig_worker *w, const char *bench, const char *options, double want, double bytes)
{
	char row[160];
	struct rig r = { .bench = bench, .options = options };

	snprintf(row, sizeof(row), "%s %s", bench, options);
	verbs_stub_begin("rate=1000000000,latency=3000,threads=3");
	rig_run(&r, w);
	rig_assert_well(&r, row);
	assert_rate(&r, 0, FL_RATE_BYTES, want, row);
	assert_rate(&r, 0, FL_RATE_OPS, want / bytes, row);
	rig_free(&r);
}

static void bandwidth(void **state)
{
	static const struct {
		const char *options;
		double groups, requests, bytes;
	} rows[] = {
		{ "size=4KiB depth=1", 1, 1, 4096 },
		{ "size=1 depth=1", 1, 1, 1 },
		{ "size=4KiB depth=2", 2, 1, 4096 },
		{ "size=512 depth=4", 4, 1, 512 },
		{ "size=512 depth=1 qps=4", 4, 1, 512 },
		{ "size=512 depth=2 qps=2", 4, 1, 512 },
		{ "size=512 depth=8 list=4 signal=4", 2, 4, 512 },
		{ "size=512 depth=8 signal=8", 1, 8, 512 },
		{ "size=512 depth=8 list=8", 1, 8, 512 },
		{ "size=512 depth=8 qps=2 list=2 signal=8", 2, 8, 512 },
		{ "size=64KiB depth=16", 16, 1, 65536 },
		{ "size=64KiB depth=16 qps=3 list=4 signal=2", 48, 1, 65536 },
		{ "size=1MiB depth=1", 1, 1, 1048576 },
		{ "size=1MiB depth=1 completion=event", 1, 1, 1048576 },
		{ "size=512 depth=4 completion=event", 4, 1, 512 },
		{ "size=512 depth=8 list=4 signal=4 completion=event", 2, 4, 512 },
		{ "size=64KiB depth=16 completion=event", 16, 1, 65536 },
	};
	static const char *const benches[] = { "rdma.write", "rdma.read" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t b = 0; b < sizeof(benches) / sizeof(benches[0]); b++)
			carries(*state, benches[b], rows[i].options,
				in_flight(rows[i].groups, rows[i].requests, rows[i].bytes), rows[i].bytes);
	carries(*state, "rdma.write", "size=64 depth=4 inline=yes", in_flight(4, 1, 64), 64);
	carries(*state, "rdma.write", "size=512 depth=8 list=4 signal=4 transport=uc", in_flight(2, 4, 512), 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bandwidth) };

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
