/* SPDX-License-Identifier: Apache-2.0 */
/* test_witness.c: what the kernel says of a window, and when that is a reason not to trust it. */
#include "base/json.h"
#include "run/kernel.h"
#include "run/witness.h"
#include "tree.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint64_t second = UINT64_C(1000000000);

/* The reasons are `expected`, one or none (NULL). Takes the list. */
static void assert_reasons(json_t *reasons, const char *expected)
{
	const char *first = json_string_value(json_array_get(reasons, 0));

	if (json_array_size(reasons) != (expected ? 1 : 0) || (expected && strcmp(first, expected)))
		fail_msg("'%s' instead of '%s'", first ? first : "no reason", expected ? expected : "no reason");
	json_decref(reasons);
}

/* ---- load */

static struct fl_load look_at_load(int root, const char *stat, uint64_t at_ns)
{
	struct fl_load load;

	tree_put("proc/stat", stat);
	fl_load_look(root, &load);
	load.at_ns = at_ns;
	return load;
}

/* Two CPUs, of which the lane has the second; what it and the agent used; what follows. Ticks are 10 ms. */
static const struct {
	const char *before, *after;
	uint64_t span_ns, ours_ns;
	bool io;
	double others, steal;
	const char *reason;
} loads[] = {
	/* busy all the time, and all of it by us */
	{ "cpu 0\ncpu0 0 0 0 0\ncpu1 100 0 0 50 0 0 0 0\nintr 1", "cpu0 0 0 0 0\ncpu1 200 0 0 50 0 0 0 0\n", 1000000000,
	  1000000000, false, 0, 0, NULL },
	/* half of it by others, as user, nice and system */
	{ "cpu1 100 0 0 50 0 0 0 0\n", "cpu1 150 20 30 50 0 0 0 0\n", 1000000000, 500000000, false, 0.5, 0,
	  "other programs took 50 % of the time of its CPUs" },
	/* 8 % of a second: three counters may be wrong by a tick each, so this says nothing */
	{ "cpu1 100 0 0 50 0 0 0 0\n", "cpu1 200 0 0 50 0 0 0 0\n", 1000000000, 920000000, false, 0.08, 0, NULL },
	/* the same of ten seconds */
	{ "cpu1 100 0 0 50 0 0 0 0\n", "cpu1 1100 0 0 50 0 0 0 0\n", 10000000000, 9200000000, false, 0.08, 0,
	  "other programs took 8 % of the time of its CPUs" },
	/* a window that is shorter than a tick says nothing, whatever the ticks are */
	{ "cpu1 100 0 0 50 0 0 0 0\n", "cpu1 101 1 1 50 0 0 0 1\n", 1000000, 0, false, 0, 10, NULL },
	/* sampled as busy at every tick, and yet measured as free most of the time */
	{ "cpu1 100 0 0 50 0 0 0 0\n", "cpu1 200 0 0 147 0 0 0 0\n", 1000000000, 0, false, 0.03, 0, NULL },
	/* interrupts are nobody's */
	{ "cpu1 100 0 0 50 0 0 0 0\n", "cpu1 160 0 0 50 0 20 20 0\n", 1000000000, 600000000, false, 0, 0, NULL },
	{ "cpu1 100 0 0 50 0 0 0 7\n", "cpu1 180 0 0 50 0 0 0 27\n", 1000000000, 800000000, false, 0, 0.2,
	  "the hypervisor took 20 % of the time of its CPUs" },
	/* the kernel serves the lane's own I/O, or others take more than that */
	{ "cpu1 100 0 0 50 0 0 0 0\n", "cpu1 200 0 0 50 0 0 0 0\n", 1000000000, 850000000, true, 0.15, 0, NULL },
	{ "cpu1 100 0 0 50 0 0 0 0\n", "cpu1 200 0 0 50 0 0 0 0\n", 1000000000, 500000000, true, 0.5, 0,
	  "other programs took 50 % of the time of its CPUs" },
	/* it emulates the lane's own I/O, or more than that */
	{ "cpu1 100 0 0 50 0 0 0 7\n", "cpu1 180 0 0 50 0 0 0 27\n", 1000000000, 800000000, true, 0, 0.2, NULL },
	{ "cpu1 100 0 0 50 0 0 0 7\n", "cpu1 160 0 0 50 0 0 0 47\n", 1000000000, 600000000, true, 0, 0.4,
	  "the hypervisor took 40 % of the time of its CPUs" },
	/* an old kernel with few columns; counters that run back; a CPU that is not there; no such file */
	{ "cpu1 100 0 0 50\n", "cpu1 150 0 0 50\n", 1000000000, 0, false, 0.5, 0,
	  "other programs took 50 % of the time of its CPUs" },
	{ "cpu1 100 0 0 50 0 0 0 9\n", "cpu1 10 0 0 5 0 0 0 1\n", 1000000000, 0, false, 0, 0, NULL },
	{ "cpu0 100 0 0 50 0 0 0 9\n", "cpu0 200 0 0 5 0 0 0 1\n", 1000000000, 0, false, NAN, NAN, NULL },
	{ "cpu1 100 0 0 50\n", "", 1000000000, 0, false, NAN, NAN, NULL },
	/* numbers too large, a CPU too large, garbage */
	{ "cpu1 99999999999999999999 0 0 5\n", "cpu4096 1 1 1 1\ncpux\ncpu1 18446744073709551615 1 1 1", 1000000000, 0,
	  false, NAN, NAN, NULL },
};

static void load(void **state)
{
	int root = *(int *)*state;
	struct fl_cpus cpus = { { 2 } };

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct fl_load before = look_at_load(root, loads[i].before, 5 * second);
		struct fl_load after = look_at_load(root, loads[i].after, 5 * second + loads[i].span_ns);
		struct fl_load_shares s = fl_load_between(&before, &after, &cpus, loads[i].ours_ns);
		json_t *reasons = json_array();

		if (isnan(loads[i].others) ? !isnan(s.others) : !(fabs(s.others - loads[i].others) < 1e-9))
			fail_msg("row %zu: others %g", i, s.others);
		if (isnan(loads[i].steal) ? !isnan(s.steal) : !(fabs(s.steal - loads[i].steal) < 1e-9))
			fail_msg("row %zu: steal %g", i, s.steal);
		fl_load_judge(&s, loads[i].io, reasons);
		assert_reasons(reasons, loads[i].reason);
		fl_load_release(&before);
		fl_load_release(&after);
	}
}

/* A share is known where it cannot be wrong by more than what counts, and where it is above all doubt. */
static void known_load(void **state)
{
	static const struct {
		uint64_t window_ms;
		struct fl_load_shares shares;
		bool others, steal, interrupts;
		const char *reason;
	} rows[] = {
		{ 2000, { 0.01, 0, 0.01, 0 }, true, true, true, NULL },
		{ 600, { 0.04, 0, 0, 0 }, true, true, true, NULL },
		{ 500, { 0.10, 0, 0.05, 0 }, false, true, true, NULL },
		{ 300, { 0.14, 0.08, 0.05, 0 }, false, true, false, NULL },
		{ 300, { 0.16, 0, 0.2, 0 }, true, true, true, "other programs took 16 % of the time of its CPUs" },
		{ 100, { 0, 0.1, 0, 0 }, false, false, false, NULL },
		{ 100, { 0, 0.2, 0, 0 }, false, true, false, "the hypervisor took 20 % of the time of its CPUs" },
		{ 2000, { NAN, NAN, NAN, 0 }, false, false, false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_load_shares s = rows[i].shares, known;
		json_t *reasons = json_array();

		s.blur = 10.0 / (double)rows[i].window_ms;
		known = fl_load_known(&s);
		if (isnan(known.others) == rows[i].others || isnan(known.steal) == rows[i].steal ||
		    isnan(known.interrupts) == rows[i].interrupts)
			fail_msg("row %zu: %g %g %g", i, known.others, known.steal, known.interrupts);
		fl_load_judge(&s, false, reasons);
		assert_reasons(reasons, rows[i].reason);
	}
}

/* ---- throttling */

#define CPU "sys/devices/system/cpu/"

static void look_at_heat(int root, struct fl_heat *heat, const char *core1, const char *package)
{
	tree_put(CPU "cpu0/thermal_throttle/core_throttle_count", "7\n");
	tree_put(CPU "cpu1/thermal_throttle/core_throttle_count", core1);
	tree_put(CPU "cpu0/thermal_throttle/package_throttle_count", package);
	tree_put(CPU "cpu1/thermal_throttle/package_throttle_count", package);
	for (unsigned cpu = 0; cpu < 2; cpu++)
		fl_heat_look(root, cpu, &heat[cpu]);
}

static void heat(void **state)
{
	int root = *(int *)*state;
	struct fl_heat before[3] = { 0 }, after[3] = { 0 };
	const struct fl_cpus both = { { 3 } }, third = { { 4 } };
	const struct fl_quota none = { 0 };
	struct fl_throttles t;
	json_t *reasons = json_array();

	look_at_heat(root, before, "1\n", "10\n");
	t = fl_throttles_between(before, before, &both, &none, &none);
	assert_true(t.core == 0 && t.package == 0 && isnan(t.quota));
	fl_throttles_judge(&t, reasons);
	assert_int_equal(json_array_size(reasons), 0);
	look_at_heat(root, after, "4\n", "15\n"); /* the package is told by both of its CPUs */
	t = fl_throttles_between(before, after, &both, &none, &none);
	fl_throttles_judge(&t, reasons);
	assert_reasons(reasons, "its CPUs were slowed down by heat (cores 3 times, package 5 times)");
	fl_heat_look(root, 2, &after[2]);
	t = fl_throttles_between(before, after, &third, &none, &none);
	assert_true(isnan(t.core) && isnan(t.package));
}

/* A quota may be set on any level; both versions of cgroups say it in their own words. */
static void quota(void **state)
{
	static const struct {
		const char *own, *above, *reason;
	} rows[] = {
		{ "nr_periods 9\nnr_throttled 3\nthrottled_time 250000000\n", NULL,
		  "the cgroup's CPU quota stopped it 3 times, 250 ms in all" },
		{ "usage_usec 5\nnr_periods 9\nnr_throttled 2\nthrottled_usec 40000\n",
		  "nr_throttled 1\nthrottled_usec 10000\n", "the cgroup's CPU quota stopped it 3 times, 50 ms in all" },
		{ "nr_throttled 0\nthrottled_time 0\n", "usage_usec 5\n", NULL },
		{ "usage_usec 5\n", NULL, NULL },
		{ "nr_throttled many\n", "nr_throttled 99999999999999999999999\n", NULL },
	};
	const struct fl_cpus none = { 0 };
	int root = *(int *)*state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_quota before, after;
		struct fl_throttles t;
		json_t *reasons = json_array();

		tree_put("cg/jobs/cpu.stat", "nr_throttled 0\nthrottled_usec 0\n");
		tree_put("cg/jobs/17/cpu.stat", "nr_throttled 0\nthrottled_time 0\n");
		fl_quota_look(root, "/cg/jobs/17", &before);
		assert_true(before.known);
		tree_put("cg/jobs/17/cpu.stat", rows[i].own);
		tree_put("cg/jobs/cpu.stat", rows[i].above ? rows[i].above : "nr_throttled 0\n");
		fl_quota_look(root, "/cg/jobs/17", &after);
		t = fl_throttles_between(NULL, NULL, &none, &before, &after);
		fl_throttles_judge(&t, reasons);
		assert_reasons(reasons, rows[i].reason);
	}
}

static void no_quota(void **state)
{
	static const char *const groups[] = { NULL, "/absent", "", "/" };
	struct fl_quota q;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		fl_quota_look(*(int *)*state, groups[i], &q);
		assert_false(q.known);
	}
}

/* ---- speed */

static struct fl_speeds look_at_speed(int root, const char *governor, const char *limit, const char *khz)
{
	const struct fl_cpus cpus = { { 8 } };
	struct fl_speeds s;

	tree_put(CPU "cpu3/cpufreq/scaling_governor", governor);
	tree_put(CPU "cpu3/cpufreq/scaling_max_freq", limit);
	tree_put(CPU "cpu3/cpufreq/scaling_cur_freq", khz);
	fl_speeds_look(root, &cpus, &s);
	return s;
}

/* Whoever changes the rules between two cases changes what the second is compared with, and so does who changed them
 * and put them back. */
static void rules(void **state)
{
	static const struct {
		const char *governors[2], *limits[2], *boosts[2];
		const char *reason;
	} rows[] = {
		{ { "performance\n", "performance\n" }, { "3500000\n", "3500000\n" }, { "1\n", "1\n" }, NULL },
		{ { "performance\n", "powersave\n" },
		  { "3500000\n", "3500000\n" },
		  { "1\n", "1\n" },
		  "the governor of CPU 3 changed from 'performance' to 'powersave' during the run" },
		{ { "powersave\n", "powersave\n" },
		  { "3500000\n", "3500000\n" },
		  { "1\n", "1\n" },
		  "the governor of CPU 3 changed from 'performance' to 'powersave' during the run" },
		{ { "powersave\n", "performance\n" },
		  { "3500000\n", "3500000\n" },
		  { "1\n", "1\n" },
		  "the governor of CPU 3 changed from 'performance' to 'powersave' during the run" },
		{ { "performance\n", "performance\n" },
		  { "2000000\n", "2000000\n" },
		  { "1\n", "1\n" },
		  "the frequency limit of CPU 3 changed from 3500 to 2000 MHz during the run" },
		{ { "performance\n", "performance\n" },
		  { "3500000\n", "3500000\n" },
		  { "0\n", "0\n" },
		  "frequency boost was switched off during the run" },
		{ { "", "" }, { "", "" }, { "", "" }, NULL },
	};
	const struct fl_cpus cpus = { { 8 } }, other = { { 4 } };
	int root = *(int *)*state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_speeds began, ends[2];
		json_t *reasons = json_array(), *none = json_array();

		tree_put(CPU "cpufreq/boost", "1\n");
		began = look_at_speed(root, "performance\n", "3500000\n", "");
		for (unsigned k = 0; k < 2; k++) {
			tree_put(CPU "cpufreq/boost", rows[i].boosts[k]);
			ends[k] = look_at_speed(root, rows[i].governors[k], rows[i].limits[k], "");
		}
		fl_rules_judge(&began, &ends[0], &ends[1], &cpus, reasons);
		assert_reasons(reasons, rows[i].reason);
		began.boost = FL_BOOST_UNKNOWN;
		fl_rules_judge(&began, &ends[0], &ends[1], &other, none);
		assert_reasons(none, NULL);
		fl_speeds_release(&ends[1]);
		fl_speeds_release(&ends[0]);
		fl_speeds_release(&began);
	}
}

static void frequency(void **state)
{
	static const struct {
		const char *from_khz, *to_khz;
		double busy;
		const char *reason;
	} rows[] = {
		{ "3400000\n", "3400000\n", 1, NULL },
		{ "3400000\n", "3100000\n", 1, NULL },
		{ "3400000\n", "2800000\n", 1, "the clock of CPU 3 went from 3400 to 2800 MHz" },
		{ "1200000\n", "2800000\n", 0.95, "the clock of CPU 3 went from 1200 to 2800 MHz" },
		{ "3400000\n", "800000\n", 0.5, NULL }, /* it rests */
		{ "3400000\n", "", 1, NULL },
		{ "<unknown>\n", "800000\n", 1, NULL },
		{ "0\n", "800000\n", 1, NULL },
	};
	const struct fl_cpus cpus = { { 8 } };
	int root = *(int *)*state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_speeds before = look_at_speed(root, "", "", rows[i].from_khz);
		struct fl_speeds after = look_at_speed(root, "", "", rows[i].to_khz);
		json_t *reasons = json_array();

		fl_frequency_judge(&before, &after, &cpus, rows[i].busy, reasons);
		assert_reasons(reasons, rows[i].reason);
		fl_speeds_release(&after);
		fl_speeds_release(&before);
	}
}

static void boost(void **state)
{
	int root = *(int *)*state;

	assert_int_equal(fl_boost_look(root), FL_BOOST_UNKNOWN);
	tree_put(CPU "intel_pstate/no_turbo", "1\n");
	assert_int_equal(fl_boost_look(root), FL_BOOST_OFF);
	tree_put(CPU "cpufreq/boost", "1\n");
	assert_int_equal(fl_boost_look(root), FL_BOOST_ON);
}

/* ---- clocks */

static void clocks(void **state)
{
	static const struct {
		int64_t real_ms, monotonic_us, raw_us;
		const char *source, *reason;
	} rows[] = {
		{ 2000, 2000000, 2000000, "tsc", NULL },
		{ 2005, 2000000, 2000000, "", NULL }, /* a look that was interrupted */
		{ 5250, 2000000, 2000000, "tsc", "the time of day was set by +3.250 s" },
		{ 1900, 2000000, 2000000, "tsc", "the time of day was set by -0.100 s" },
		{ 2000, 2000000, 1998000, "tsc", NULL }, /* 0.1 %: such corrections are common and harmless */
		{ 2000, 2000000, 1900000, "tsc",
		  "the clock ran 5.3 % too fast, since the time of day was being corrected" },
		{ 2000, 2000000, 2100000, "tsc",
		  "the clock ran 4.8 % too slow, since the time of day was being corrected" },
		{ 1, 1000, 950, "tsc", NULL }, /* a short window cannot tell */
		{ 2000, 2000000, 2000000, "hpet", "the clock source changed from 'tsc' to 'hpet'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_clocks before = { 1000, 2000, 3000, "tsc" }, after = before;
		json_t *reasons = json_array();

		after.real_ns += rows[i].real_ms * 1000000;
		after.monotonic_ns += rows[i].monotonic_us * 1000;
		after.raw_ns += rows[i].raw_us * 1000;
		fl_copy(after.source, sizeof(after.source), rows[i].source);
		fl_clocks_judge(&before, &after, reasons);
		assert_reasons(reasons, rows[i].reason);
	}
}

static void clocks_of_this_machine(void **state)
{
	struct fl_clocks c;

	tree_put("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
	fl_clocks_look(*(int *)*state, &c);
	assert_true(c.real_ns > 0 && c.monotonic_ns > 0 && c.raw_ns > 0);
	assert_string_equal(c.source, "tsc");
}

/* ---- numbers in files */

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t number;
	} rows[] = {
		{ "0\n", true, 0 },
		{ " 42 x", true, 42 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "<unsupported>", false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t number = 0;

		tree_put("number", rows[i].text);
		assert_int_equal(fl_kernel_number(*(int *)*state, "number", &number), rows[i].good);
		assert_int_equal(number, rows[i].number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(load),      TREE_TEST(known_load),
		TREE_TEST(heat),      TREE_TEST(quota),
		TREE_TEST(no_quota),  TREE_TEST(rules),
		TREE_TEST(frequency), TREE_TEST(boost),
		TREE_TEST(clocks),    TREE_TEST(clocks_of_this_machine),
		TREE_TEST(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
