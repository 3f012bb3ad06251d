/* SPDX-License-Identifier: Apache-2.0 */
/* test_watch_pace.c: how often a GPU's driver is asked what costs something. */
#include "sense/watch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void rests(void **state)
{
	static const struct {
		uint64_t cpu_ns, wall_ns, rest_ns;
	} rows[] = {
		{ 0, 0, 0 },
		{ 20000, 25000, 40000000 }, /* a call as they are: at every look */
		{ 50000, 60000, 100000000 },
		{ 1500000, 41000000, 3000000000 },   /* throughput beside a copy engine */
		{ 10000, 41000000, 820000000 },	     /* one that sleeps */
		{ 30000000, 63200000, 10000000000 }, /* beside processors that read over PCIe */
		{ UINT64_MAX, UINT64_MAX, 10000000000 },
		{ 0, UINT64_MAX, 10000000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(watch_pace_rest_ns(rows[i].cpu_ns, rows[i].wall_ns), rows[i].rest_ns);
}

/* ---- a GPU of which nothing can be asked but what is here; its handle is a count of calls */

struct fl_nvml_device {
	unsigned power, sent, received, replays;
};

/* Longer than what may be asked again within the test. */
static void keep_busy(void)
{
	uint64_t until_ns = watch_thread_cpu_ns() + 20000000;

	while (watch_thread_cpu_ns() < until_ns)
		;
}

static int power_usage(struct fl_nvml_device *d, unsigned *ret_mw)
{
	d->power++;
	*ret_mw = 130000;
	return FL_NVML_SUCCESS;
}

static int pcie_throughput(struct fl_nvml_device *d, unsigned direction, unsigned *ret_kib_per_s)
{
	if (direction == FL_NVML_PCIE_SENT)
		d->sent++;
	else
		d->received++;
	keep_busy();
	*ret_kib_per_s = 1 << 20;
	return FL_NVML_SUCCESS;
}

static int pcie_replays(struct fl_nvml_device *d, unsigned *ret)
{
	d->replays++;
	keep_busy();
	*ret = 7;
	return FL_NVML_SUCCESS;
}

static double value_of(const double *values, const char *metric)
{
	for (size_t i = 0; i < watch_gpu_metrics_n(); i++)
		if (!strcmp(watch_gpu_metrics[i], metric))
			return values[i];
	fail_msg("no metric %s", metric);
	return NAN;
}

static void looks(void **state)
{
	static const struct {
		const char *when;
		unsigned depth, replays, throughputs; /* so far */
	} rows[] = {
		{ "the case begins", WATCH_ALL | WATCH_ENDS, 1, 0 },
		{ "before the window", 0, 1, 0 },
		{ "a deep look: it rests", WATCH_ALL, 1, 0 },
		{ "the window", WATCH_WINDOW, 1, 1 },
		{ "the window: both rest", WATCH_ALL | WATCH_WINDOW, 1, 1 },
		{ "two in one", WATCH_ALL | WATCH_ENDS | WATCH_WINDOW, 2, 1 },
		{ "the window is over", WATCH_ALL | WATCH_ENDS, 3, 1 },
	};
	const struct fl_nvml nvml = { .power_usage = power_usage,
				      .pcie_throughput = pcie_throughput,
				      .pcie_replays = pcie_replays };
	struct fl_nvml_device device = { 0 };
	struct watch_gpu_look *look = watch_gpu_look_make(&nvml, &device);
	_Atomic(const char *) in_call = NULL;
	struct watch_cost cost = { 0 };
	double values[WATCH_METRICS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool replays = i == 0 || rows[i].replays > rows[i - 1].replays;
		bool throughputs = i && rows[i].throughputs > rows[i - 1].throughputs;

		assert_int_equal(watch_gpu_look(look, rows[i].depth, values, &in_call, &cost), FL_NVML_SUCCESS);
		if (device.replays != rows[i].replays || device.sent != rows[i].throughputs ||
		    device.received != rows[i].throughputs)
			fail_msg("%s: asked %u, %u, %u times", rows[i].when, device.replays, device.sent,
				 device.received);
		assert_true(isfinite(value_of(values, "pcie_replays")) == replays);
		assert_true(isfinite(value_of(values, "pcie_sent_bytes_per_s")) == throughputs);
	}
	assert_true(device.power >= 1);
	free(look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rests),
		cmocka_unit_test(looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
