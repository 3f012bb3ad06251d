/* SPDX-License-Identifier: Apache-2.0 */
/* test_witness_gpu.c: what was seen of a GPU against the reasons that come of it, and the samples that are marked. */
#include "base/alloc.h"
#include "run/witness_gpu.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "METRIC at=value at=value ...; METRIC ...": times in tenths of a second since the start of the window. */
static struct fl_run *seen_of(const char *text)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));
	char *copy = fl_dup(text), *rest = copy, *part;

	while ((part = strsep(&rest, ";"))) {
		struct fl_watched *w;
		char *metric, *sample;

		part += strspn(part, " ");
		metric = strsep(&part, " ");
		if (!*metric)
			continue;
		w = fl_run_add_watched(run);
		w->subject = fl_dup("gpu-0");
		assert_int_equal(fl_series_make(metric, FL_SERIES_SAMPLES, 16, &w->series), 0);
		w->series.n = 0;
		while ((sample = strsep(&part, " "))) {
			char *equals;

			w->series.at[w->series.n] = strtod(sample, &equals) * 1e8;
			assert_int_equal(*equals, '=');
			w->series.valid[w->series.n] = 1;
			w->series.value[w->series.n++] = strtod(equals + 1, NULL);
		}
	}
	free(copy);
	return run;
}

/* A window of a second, ten samples of the lane; marked: "0001100000". */
static void judged(const char *text, bool crosses, const char *reasons, const char *remarks, const char *marked)
{
	struct fl_run *run = seen_of(text);
	struct fl_gpu_seen seen = { .id = "gpu-0",
				    .watched = run->watched,
				    .watched_n = run->watched_n,
				    .window_ns = 1e9,
				    .crosses_pcie = crosses };
	struct fl_lane_record record = { .series = fl_zalloc(1, sizeof(struct fl_series)), .series_n = 1 };
	json_t *lists[] = { json_array(), json_array() };
	const char *expected[] = { reasons, remarks };
	struct fl_spans spans = { .n = 0 };
	char got[11] = "";

	assert_int_equal(fl_series_make("bytes_per_s", FL_SERIES_SAMPLES, 10, &record.series[0]), 0);
	for (int i = 0; i < 10; i++) {
		record.series[0].at[i] = 1e8 * (i + 1);
		record.series[0].valid[i] = 1;
	}
	fl_gpu_judge(&seen, lists[0], lists[1], &spans);
	for (int k = 0; k < 2; k++) {
		struct fl_text all = { 0 };

		for (size_t i = 0; i < json_array_size(lists[k]); i++)
			fl_text_add(&all, "%s%s", i ? "; " : "", json_string_value(json_array_get(lists[k], i)));
		if (strcmp(fl_text_str(&all), expected[k]))
			fail_msg("%s:\n'%s' instead of\n'%s'", text, fl_text_str(&all), expected[k]);
		fl_text_release(&all);
		json_decref(lists[k]);
	}
	fl_spans_mark(&spans, &record);
	for (int i = 0; i < 10; i++)
		got[i] = record.series[0].valid[i] ? '0' : '1';
	if (strcmp(got, marked))
		fail_msg("%s: marked %s instead of %s", text, got, marked);
	free(record.series[0].at);
	free(record.series);
	fl_run_free(run);
}

struct row {
	const char *seen;
	bool crosses;
	const char *reasons, *remarks, *marked;
};

static void judge_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		judged(rows[i].seen, rows[i].crosses, rows[i].reasons, rows[i].remarks, rows[i].marked);
}

/* Before its window a GPU rests. */
static void levels(void **state)
{
	static const struct row rows[] = {
		/* of how busy it was the newest tells most of the window, the others of what was before it */
		{ "sm_busy_ratio -1=0 0.3=0.05 1.3=0.5 9=0.99; sm_clock_hz 0=2e9 5=1.5e9 6=2e9", true,
		  "the clock of gpu-0 changed between 2000 and 1500 MHz in the window", "", "1111110000" },
		/* at rest until the window begins; nothing seen in it; seen at its ends alone */
		{ "memory_clock_hz -2=4e8 -0.5=4e8 0.1=2.6e9 9=2.6e9", true, "", "", "0000000000" },
		{ "pcie_gen -2=1 -0.1=1 0.1=5 11=5; pcie_gen_best -1=5 11=5", true, "", "", "0000000000" },
		{ "pcie_gen -0.1=1 10.1=5; pcie_gen_best -1=5 11=5", true, "", "", "0000000000" },
		{ "pcie_gen -0.1=1; pcie_gen_best -1=5", true,
		  "the PCIe link of gpu-0 ran with generation 1 under load; it can do 5", "", "0000000000" },
		/* what it carried before the window does not show that it rests in it */
		{ "pcie_gen 1=3 9=3; pcie_gen_best -1=5 11=5; pcie_sent_bytes_per_s -1=0 0.1=1e6; "
		  "pcie_received_bytes_per_s -1=0 0.1=1e6",
		  true, "the PCIe link of gpu-0 ran with generation 3 under load; it can do 5", "", "0000000000" },
	};

	(void)state;
	judge_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void reasons_and_marks(void **state)
{
	static const struct row rows[] = {
		{ "", true, "", "", "0000000000" },
		{ "throttle_reasons -1=0 11=0; temperature_c -1=60 11=61", true, "", "", "0000000000" },
		/* heat, from the sample before it to the one behind it */
		{ "throttle_reasons -1=0 3=0 4=32 5=32 6=0 11=0; temperature_c 0=80 5=91; sm_clock_hz 0=2e9 5=1.2e9",
		  true, "gpu-0 was slowed down by heat in 30 % of the window, up to 91 C, down to 1200 MHz", "",
		  "0001110000" },
		/* all the time: the numbers stay */
		{ "throttle_reasons -1=72 11=72", true, "gpu-0 was slowed down by heat in 100 % of the window", "",
		  "0000000000" },
		{ "throttle_reasons 0=0 2=136 3=0 10=0", true,
		  "gpu-0 was slowed down by a power brake in 30 % of the window", "", "1110000000" },
		{ "throttle_reasons 0=0 2=8 3=0 10=0", true,
		  "gpu-0 was slowed down by its hardware in 30 % of the window", "", "1110000000" },
		/* before the window, and long enough behind it */
		{ "throttle_reasons -3=32 -2=0 11=0", true, "", "", "0000000000" },
		{ "throttle_reasons -3=0 10.5=0 12=32", true, "", "", "0000000000" },
		/* the power limit is how it runs; idle, settings and the display are nothing */
		{ "throttle_reasons -1=4 11=4; power_w 0=690 10=699.6", true, "",
		  "the power limit of gpu-0 acted in 100 % of the window, at 700 W", "0000000000" },
		{ "throttle_reasons -1=4 11=4", true, "", "the power limit of gpu-0 acted in 100 % of the window",
		  "0000000000" },
		{ "throttle_reasons -1=1 5=2 11=256", true, "", "", "0000000000" },
		{ "throttle_reasons -1=4 11=4; sm_busy_ratio -1=1 11=1; sm_clock_hz 0=2e9 5=1.5e9 11=2e9", true, "",
		  "the power limit of gpu-0 acted in 100 % of the window", "0000000000" },
		/* clocks: of processors that work all the time, of memory always */
		{ "sm_busy_ratio -1=1 11=1; sm_clock_hz 0=2e9 5=1.5e9 6=2e9", true,
		  "the clock of gpu-0 changed between 2000 and 1500 MHz in the window", "", "1111110000" },
		{ "sm_busy_ratio -1=0 9=0.5 11=1; sm_clock_hz 0=2e9 5=1.5e9 6=2e9", true, "", "", "0000000000" },
		{ "sm_busy_ratio -1=1 11=1; sm_clock_hz 0=2e9 5=1.91e9 6=2e9", true, "", "", "0000000000" },
		{ "memory_clock_hz 0=2.6e9 8=2.6e9 9=1.6e9 10=1.6e9", true,
		  "the memory clock of gpu-0 changed between 2600 and 1600 MHz in the window", "", "0000000011" },
		/* the link: only where it carries something */
		{ "pcie_gen -1=5 11=5; pcie_gen_best -1=5 11=5; pcie_lanes -1=16 11=16; pcie_lanes_best -1=16 11=16",
		  true, "", "", "0000000000" },
		{ "pcie_gen -1=1 11=1; pcie_gen_best -1=5 11=5", true,
		  "the PCIe link of gpu-0 ran with generation 1 under load; it can do 5", "", "0000000000" },
		{ "pcie_gen -1=1 11=1; pcie_gen_best -1=5 11=5", false, "", "", "0000000000" },
		{ "pcie_gen -1=1 11=1; pcie_gen_best -1=5 11=5; pcie_sent_bytes_per_s 0=1e6 5=1e6; "
		  "pcie_received_bytes_per_s 0=1e6 5=1e6",
		  true, "", "", "0000000000" },
		{ "pcie_lanes -1=8 11=8; pcie_lanes_best -1=16 11=16; pcie_sent_bytes_per_s 0=1e6 5=1e6; "
		  "pcie_received_bytes_per_s 0=1e6 5=2e10",
		  true, "the PCIe link of gpu-0 ran with 8 lanes under load; it can do 16", "", "0000000000" },
		{ "pcie_gen -1=5 5=5 6=3 11=3; pcie_gen_best -1=5 11=5", true,
		  "the PCIe link of gpu-0 changed between generation 5 and 3 in the window", "", "0000011111" },
		/* counters */
		{ "pcie_replays -1=7 5=7 10=10; ecc_corrected -1=1 11=1", true, "3 PCIe replays of gpu-0 in the window",
		  "", "0000011111" },
		{ "pcie_replays -2=7 -1=9 11=9", true, "", "", "0000000000" },
		{ "pcie_replays 0=7 11=5", true, "", "", "0000000000" },
		{ "ecc_uncorrected 0=0 1=1 11=1", true, "1 uncorrected memory error of gpu-0 in the window", "",
		  "1000000000" },
		{ "nvlink_errors 0=0 1=2 11=2; remapped_rows 0=0 2=1 3=1", false,
		  "2 NVLink errors of gpu-0 in the window; 1 replaced memory row of gpu-0 in the window", "",
		  "1100000000" },
		/* Xids */
		{ "xid 5=79", true, "Xid 79 of gpu-0 at 0.50 s of the window", "", "0000011111" },
		{ "xid -1=13 11=31", true,
		  "Xid 13 of gpu-0 just before the window; Xid 31 of gpu-0 just after the window", "", "0000000000" },
		{ "xid 2=31 3=31 5=79 11=31; xid_events 2=4000 3=1 5=1 11=2", true,
		  "4001 events of Xid 31 of gpu-0, the first at 0.20 s of the window; "
		  "Xid 79 of gpu-0 at 0.50 s of the window; 2 events of Xid 31 of gpu-0 just after the window",
		  "", "0011111111" },
		{ "xid 2=31 2=79; xid_events 2=1 2=7", true,
		  "Xid 31 of gpu-0 at 0.20 s of the window; "
		  "7 events of Xid 79 of gpu-0, the first at 0.20 s of the window",
		  "", "0011111111" },
		/* others */
		{ "other_processes -1=0 2=0 3=1 4=0 11=0", true, "1 other process used gpu-0 in 20 % of the window", "",
		  "0011000000" },
		{ "other_processes -1=2 11=2", true, "2 other processes used gpu-0 in 100 % of the window", "",
		  "0000000000" },
	};

	(void)state;
	judge_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* More times than there is room for are one long one. */
static void many_spans(void **state)
{
	struct fl_watched w = { .subject = fl_dup("gpu-0") };
	struct fl_gpu_seen seen = { .id = "gpu-0", .watched = &w, .watched_n = 1, .window_ns = 1e9 };
	json_t *reasons = json_array(), *remarks = json_array();
	struct fl_spans spans = { .n = 0 };

	(void)state;
	assert_int_equal(fl_series_make("pcie_replays", FL_SERIES_SAMPLES, 400, &w.series), 0);
	for (size_t i = 0; i < 400; i++) {
		w.series.at[i] = 1e6 * (double)i;
		w.series.valid[i] = 1;
		w.series.value[i] = floor((double)i / 2);
	}
	fl_gpu_judge(&seen, reasons, remarks, &spans);
	assert_int_equal(spans.n, FL_SPANS_MAX);
	assert_true(spans.spans[FL_SPANS_MAX - 1].to_ns == 398e6);
	assert_string_equal(json_string_value(json_array_get(reasons, 0)), "199 PCIe replays of gpu-0 in the window");
	json_decref(reasons);
	json_decref(remarks);
	fl_watched_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_and_marks),
		cmocka_unit_test(levels),
		cmocka_unit_test(many_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
