/* SPDX-License-Identifier: Apache-2.0 */
/* test_exact.c: what is reported of a port of known rate and latency is, within 1 %, what comes out of these by
 * construction: in whatever sizes, with whatever depth, however completions are asked for. By the lanes of a real run,
 * from their options to the slices of the window. */
#include "lane_rig.h"

extern const struct fl_bench fl_bench_rdma_stream[], fl_bench_rdma_latency[];
const struct fl_bench *const fl_registry[] = { fl_bench_rdma_stream, fl_bench_rdma_latency, NULL };

enum { ROW = 160 };

/* Of the stub's port. */
#define RATE	1e9
#define LATENCY 3000.0

static void assert_near(double value, double want, const char *row)
{
	if (!(value > 0.99 * want && value < 1.01 * want))
		fail_msg("%s: %g, not %g", row, value, want);
}

/* Each slice of the window is so. Of several threads, whose steps do not end together, all of them in the mean. */
static void assert_rate(const struct rig *r, unsigned rank, enum fl_from from, double want, const char *row)
{
	struct fl_series s = rig_series(r, rank, from);
	double mean = 0;

	assert_true(s.n > 0);
	for (size_t i = 0; i < s.n; i++) {
		mean += s.value[i] / (double)s.n;
		if (r->lanes[rank].threads == 1)
			assert_near(s.value[i], want, row);
	}
	assert_near(mean, want, row);
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

static void run(struct rig *r, const struct rig_worker *w, unsigned threads, char row[ROW])
{
	char stub[80];

	snprintf(row, ROW, "%s %s", r->bench, r->options);
	snprintf(stub, sizeof(stub), "rate=1000000000,latency=3000,threads=%u", 2 * threads + 1);
	verbs_stub_begin(stub);
	rig_run(r, w);
	rig_assert_well(r, row);
}

/* rank: where it is measured. */
static void carries(const struct rig_worker *w, const char *bench, const char *options, unsigned threads, unsigned rank,
		    double want, double bytes)
{
	struct rig r = { .bench = bench, .options = options };
	char row[ROW];

	run(&r, w, threads, row);
	if (strcmp(bench, "rdma.atomic") != 0)
		assert_rate(&r, rank, FL_RATE_BYTES, want, row);
	assert_rate(&r, rank, FL_RATE_OPS, want / bytes, row);
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
	static const char *const benches[] = { "rdma.write", "rdma.read", "rdma.send" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t b = 0; b < sizeof(benches) / sizeof(benches[0]); b++)
			carries(*state, benches[b], rows[i].options, 1, b == 2,
				in_flight(rows[i].groups, rows[i].requests, rows[i].bytes), rows[i].bytes);
}

/* What not every operation has. */
static void variants(void **state)
{
	static const struct {
		const char *bench, *options;
		unsigned threads, rank;
		double groups, requests, bytes;
	} rows[] = {
		{ "rdma.write", "size=64 depth=4 inline=yes", 1, 0, 4, 1, 64 },
		{ "rdma.write", "size=512 depth=8 list=4 signal=4 transport=uc", 1, 0, 2, 4, 512 },
		{ "rdma.send", "size=512 depth=8 list=4 signal=4 transport=uc", 1, 1, 2, 4, 512 },
		{ "rdma.send", "size=512 depth=4 transport=ud", 1, 1, 4, 1, 512 },
		{ "rdma.send", "size=4KiB depth=16 transport=ud", 1, 1, 16, 1, 4096 },
		{ "rdma.send", "size=64 depth=4 inline=yes", 1, 1, 4, 1, 64 },
		{ "rdma.write", "size=512 depth=2 qps=2 threads=2", 2, 0, 4, 1, 512 },
		{ "rdma.read", "size=4KiB depth=16 qps=2 threads=2", 2, 0, 32, 1, 4096 },
		{ "rdma.send", "size=512 depth=2 qps=2 threads=2", 2, 1, 4, 1, 512 },
		{ "rdma.atomic", "depth=1", 1, 0, 1, 1, 8 },
		{ "rdma.atomic", "depth=8 qps=2 op=swap", 1, 0, 16, 1, 8 },
		{ "rdma.write", "size=512 depth=4 direction=both", 1, 0, 4, 1, 512 },
		{ "rdma.write", "size=64KiB depth=4 direction=both", 1, 1, 4, 1, 65536 },
		{ "rdma.read", "size=512 depth=4 direction=both", 1, 1, 4, 1, 512 },
		{ "rdma.send", "size=512 depth=4 direction=both", 1, 0, 4, 1, 512 },
		{ "rdma.send", "size=64KiB depth=4 direction=both completion=event", 1, 1, 4, 1, 65536 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		carries(*state, rows[i].bench, rows[i].options, rows[i].threads, rows[i].rank,
			in_flight(rows[i].groups, rows[i].requests, rows[i].bytes), rows[i].bytes);
}

/* One device has room for less receives than the other, and with relaxed ordering as many places are needed: both
 * sides have the same, or what came would be held to be wrong. */
static void room_differs(void **state)
{
	static const char *const stubs[] = { "threads=3,cqe=1.40", "threads=3,cqe=0.40" };

	for (size_t i = 0; i < sizeof(stubs) / sizeof(stubs[0]); i++) {
		struct rig r = { .bench = "rdma.send", .options = "size=64KiB depth=16 relaxed=yes" };

		verbs_stub_begin(stubs[i]);
		rig_run(&r, *state);
		rig_assert_well(&r, stubs[i]);
		rig_free(&r);
	}
}

/* ---- one message on its way */

/* Each takes as long as every other. The histogram's own buckets are within 0.8 %. */
static void latency(void **state)
{
	static const struct {
		const char *bench, *options;
		double bytes, ways; /* ways: there and back are two of them */
	} rows[] = {
		{ "rdma.write_latency", "size=8", 8, 2 },
		{ "rdma.write_latency", "size=1", 1, 2 },
		{ "rdma.write_latency", "size=64 inline=yes", 64, 2 },
		{ "rdma.write_latency", "size=4KiB transport=uc", 4096, 2 },
		{ "rdma.write_latency", "size=256KiB", 262144, 2 },
		{ "rdma.send_latency", "size=8", 8, 2 },
		{ "rdma.send_latency", "size=8 completion=event", 8, 2 },
		{ "rdma.send_latency", "size=4KiB transport=ud", 4096, 2 },
		{ "rdma.send_latency", "size=4KiB transport=uc completion=event", 4096, 2 },
		{ "rdma.send_latency", "size=64KiB", 65536, 2 },
		{ "rdma.read_latency", "size=8", 8, 1 },
		{ "rdma.read_latency", "size=64KiB", 65536, 1 },
		{ "rdma.read_latency", "size=8 completion=event", 8, 1 },
		{ "rdma.atomic_latency", "", 8, 1 },
		{ "rdma.atomic_latency", "completion=event", 8, 1 },
	};
	static const double quantiles[] = { 0, 0.5, 0.99, 0.9999, 1 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r = { .bench = rows[i].bench, .options = rows[i].options };
		const double want = LATENCY + rows[i].bytes * 1e9 / RATE;
		const struct fl_hist *h;
		char row[ROW];

		run(&r, *state, 1, row);
		h = fl_tape_hist(r.lanes[0].tape, 0, 0);
		assert_true(fl_hist_total(h) > 5);
		for (size_t q = 0; q < sizeof(quantiles) / sizeof(quantiles[0]); q++)
			assert_near((double)fl_hist_quantile(h, quantiles[q]), want, row);
		assert_rate(&r, 0, FL_RATE_OPS, 1e9 / (rows[i].ways * want), row);
		rig_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bandwidth), cmocka_unit_test(variants),
					    cmocka_unit_test(room_differs), cmocka_unit_test(latency) };

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
