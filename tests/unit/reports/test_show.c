/* SPDX-License-Identifier: Apache-2.0 */
/* test_show.c: the content of a run for people, bounded and clean, and for programs, whole. */
#include "../sample_run.h"
#include "reports/show.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LANES = 150, ROUNDS = 3 };

/* Rounds as the store gives them: all lanes of the first, then all of the next. */
static struct fl_run *many_lanes(void)
{
	struct fl_run *run = sample_run_new(false, NULL);
	json_t *c = sample_case(run, "many", ROUNDS);

	for (unsigned i = 0; i < LANES; i++)
		sample_lane(c, "null.nop", "{}", NULL);
	for (unsigned r = 0; r < ROUNDS; r++)
		for (unsigned i = 0; i < LANES; i++) {
			struct fl_lane_record *lane = sample_record(run, 0, i, r);
			struct fl_series s;

			if (i == 1 && r == 1)
				continue; /* one round has no series */
			assert_int_equal(fl_series_make("bytes_per_s", FL_SERIES_SAMPLES, 2, &s), 0);
			s.at[0] = 1;
			s.at[1] = 2;
			s.value[0] = s.value[1] = 1e9 * (r + 1);
			s.valid[0] = s.valid[1] = 1;
			lane->series = fl_grow(NULL, 1, sizeof(s));
			lane->series[0] = s;
			lane->series_n = 1;
		}
	return run;
}

/* Two metrics of a GPU with an odd name. */
static void watch(struct fl_run *run)
{
	static const char *const metrics[] = { "power_w", "temperature_c" };

	for (size_t i = 0; i < 2; i++) {
		struct fl_watched *w = fl_run_add_watched(run);

		w->round = 1;
		w->subject = fl_dup("gpu\033[2J-0");
		assert_int_equal(fl_series_make(metrics[i], FL_SERIES_SAMPLES, 2, &w->series), 0);
		for (size_t k = 0; k < 2; k++) {
			w->series.at[k] = k ? 1.1e9 : 1e9;
			w->series.value[k] = i ? 50 : 300 + 100 * (double)k;
			w->series.valid[k] = 1;
		}
	}
}

static void for_people(void **state)
{
	struct fl_run *run = many_lanes();
	struct fl_shown shown = { .run = run, .state = FL_INTERRUPTED };
	struct fl_look look = { .width = 80 };
	struct fl_text out = { 0 };

	(void)state;
	watch(run);
	run->lanes[0].outcome = FL_NOT_MEASURED;
	run->lanes[0].reason = fl_dup("gone\033[2J\nfor good");
	fl_show_text(&shown, &look, &out);
	assert_non_null(strstr(out.bytes, "run 20261122T094512Z-7f3a9c\n"));
	assert_non_null(strstr(out.bytes, "state           interrupted\n"));
	assert_non_null(strstr(out.bytes, "lanes           150, with 450 records\n"));
	assert_non_null(strstr(out.bytes, "case 0, lane 0: null.nop, 3 rounds\n"));
	assert_non_null(strstr(out.bytes, "bytes_per_s     1.00 GB/s, 2.00 GB/s, 3.00 GB/s\n"));
	assert_non_null(strstr(out.bytes, "bytes_per_s     1.00 GB/s, -, 3.00 GB/s\n"));
	assert_non_null(strstr(out.bytes, "round 1         not measured: gone [2J for good\n"));
	assert_non_null(strstr(out.bytes, "beside case 0, round 2\n"));
	assert_non_null(strstr(out.bytes, "gpu [2J-0       power_w 300 (300 .. 400); temperature_c 50\n"));
	assert_null(strstr(out.bytes, "\033"));
	assert_null(strstr(out.bytes, "lane 100:"));
	assert_non_null(strstr(out.bytes, "and 50 more lanes; --json shows all\n"));
	out.n = 0;
	shown.samples = true;
	fl_show_text(&shown, &look, &out);
	assert_non_null(strstr(out.bytes, "  round 3       3.00 GB/s, 3.00 GB/s\n"));
	fl_text_release(&out);
	fl_run_free(run);
}

static void for_programs(void **state)
{
	struct fl_run *run = many_lanes();
	struct fl_shown shown = { .run = run, .state = FL_INTERRUPTED };
	json_t *doc = fl_show_json(&shown), *lanes = json_object_get(doc, "lanes"), *metric;

	(void)state;
	assert_int_equal(json_array_size(lanes), LANES);
	assert_int_equal(json_array_size(json_object_get(doc, "watched")), 0);
	metric = json_object_get(json_object_get(json_array_get(lanes, 1), "metrics"), "bytes_per_s");
	assert_int_equal(json_array_size(json_object_get(metric, "medians")), ROUNDS);
	assert_true(json_is_null(json_array_get(json_object_get(metric, "medians"), 1)));
	assert_null(json_object_get(metric, "samples"));
	assert_true(json_is_null(json_object_get(doc, "status")));
	json_decref(doc);
	shown.samples = true;
	watch(run);
	doc = fl_show_json(&shown);
	metric = json_array_get(json_object_get(doc, "watched"), 0);
	assert_string_equal(json_string_value(json_object_get(metric, "metric")), "power_w");
	assert_true(json_number_value(json_object_get(metric, "high")) == 400);
	assert_int_equal(json_integer_value(json_object_get(metric, "round")), 1);
	assert_int_equal(json_array_size(json_object_get(json_object_get(metric, "samples"), "at")), 2);
	lanes = json_object_get(doc, "lanes");
	metric = json_object_get(json_object_get(json_array_get(lanes, 1), "metrics"), "bytes_per_s");
	assert_int_equal(json_array_size(json_object_get(metric, "samples")), ROUNDS);
	assert_true(json_is_null(json_array_get(json_object_get(metric, "samples"), 1)));
	json_decref(doc);
	fl_run_free(run);
}

/* Of several machines each has a line, up to a number of them. */
static void hosts(void **state)
{
	struct fl_run *run = many_lanes();
	struct fl_shown shown = { .run = run, .state = FL_FINISHED };
	struct fl_look look = { .width = 80 };
	struct fl_text out = { 0 };
	json_t *doc;

	(void)state;
	for (int i = 1; i <= 20; i++) {
		char *name = fl_format("n%d", i);

		fl_run_add_host(run, name, json_pack("{s:s}", "host", name), json_pack("{s:s}", "kernel", "6.1"));
		free(name);
	}
	fl_show_text(&shown, &look, &out);
	assert_null(strstr(out.bytes, "machine  "));
	assert_non_null(strstr(out.bytes, "  host n16        n16: not known, CPUs not known"));
	assert_null(strstr(out.bytes, "host n17"));
	assert_non_null(strstr(out.bytes, "  more hosts      4; --json shows all\n"));
	doc = fl_show_json(&shown);
	assert_int_equal(json_array_size(json_object_get(doc, "hosts")), 20);
	json_decref(doc);
	fl_text_release(&out);
	fl_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(for_people), cmocka_unit_test(for_programs),
					    cmocka_unit_test(hosts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
