/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c: the text report, byte for byte, and what it must hold whatever the run. */
#include "golden.h"

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_texts) / sizeof(golden_texts[0]); i++) {
		struct fl_text out = golden_render("text", &golden_texts[i]);

		golden_compare(golden_texts[i].name, &out);
		fl_text_release(&out);
	}
}

static void test_same_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_texts) / sizeof(golden_texts[0]); i++)
		golden_elsewhere("text", &golden_texts[i]);
}

/* Commands to copy apart. */
static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");

		const char *command = strstr(text, "feedline ");

		if (n > longest && !(command && command < text + n))
			longest = n;
		text += n + (text[n] == '\n');
	}
	return longest;
}

static void test_fits_the_terminal(void **state)
{
	(void)state;
	for (unsigned width = 78; width <= 200; width += 7) {
		const struct golden g = { "", golden_mixed, { .width = width } };
		struct fl_text out = golden_render("text", &g);

		if (longest_line(fl_text_str(&out)) > width)
			fail_msg("width %u:\n%s", width, fl_text_str(&out));
		fl_text_release(&out);
	}
}

/* Records may hold what a broken worker wrote: nothing of it may reach the terminal as a command. */
static void test_no_control_characters(void **state)
{
	struct fl_run *run = golden_mixed();
	const struct fl_look look = { .width = 80 };
	struct fl_text out = { 0 };
	struct fl_judgement *j;

	(void)state;
	golden_spoil(run, "\033]0;owned\007 \033[2J\r\nfake: 99 lanes", "\033[2J: feedline \033[2J");
	fl_copy(run->id, sizeof(run->id), "\033[31mid");
	json_object_set_new(run->plan, "suite", json_string("su\tite\033[1m"));
	j = golden_judge(run);
	fl_renderer_find("text")->run(run, j, &look, &out);
	assert_non_null(strstr(fl_text_str(&out), "fake: 99 lanes"));
	for (size_t i = 0; i < out.n; i++)
		assert_true(out.bytes[i] == '\n' || (unsigned char)out.bytes[i] >= ' ');
	fl_text_release(&out);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A plan without lanes, and a lane without a name, are records too. */
static void test_strange_records(void **state)
{
	const struct fl_look look = { .width = 80 };
	struct fl_run *run = sample_run_new(false, NULL);
	struct fl_judgement *j = golden_judge(run);
	struct fl_text out = { 0 };

	(void)state;
	fl_renderer_find("text")->run(run, j, &look, &out);
	assert_non_null(strstr(fl_text_str(&out), "not measured: 0 lanes measured"));
	fl_judgement_free(j);
	fl_run_free(run);
	run = golden_single();
	j = golden_judge(run);
	j->lanes[0].bench = j->lanes[0].label = "";
	fl_renderer_find("text")->run(run, j, &look, &out);
	fl_text_release(&out);
	fl_judgement_free(j);
	fl_run_free(run);
}

static void test_no_look(void **state)
{
	struct fl_run *run = golden_single();
	struct fl_judgement *j = golden_judge(run);
	struct fl_text out = { 0 };

	(void)state;
	fl_renderer_find("text")->run(run, j, NULL, &out);
	golden_compare("report-single-80.txt", &out);
	fl_text_release(&out);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A sweep of which nothing was measured, for one reason or for several, or of which some was not needed. */
static void test_missing_values(void **state)
{
	static const struct {
		const char *reasons[3]; /* NULL: that case was not needed */
		const char *said;
	} rows[] = {
		{ { "no drive", "no drive", "no drive" },
		  "storage.read path=/data/file: no value of block was measured\n" },
		{ { "no drive", "no room", "no drive" },
		  "no value of block was measured; 4KiB: not measured, 8KiB: not measured, 16KiB: not measured\n" },
		{ { "no drive", "no drive", NULL },
		  "no value of block was measured; 4KiB: not measured, 8KiB: not measured, 16KiB: not needed\n" },
	};
	static const char *const blocks[] = { "4096", "8192", "16384" };
	const struct fl_look look = { .width = 200 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = sample_run_new(false, NULL);
		struct fl_text out = { 0 };
		struct fl_judgement *j;
		json_t *values;

		run->finished = true;
		json_object_set_new(run->plan, "studies", json_array());
		values = golden_study(run, "sweep", "storage.read path=/data/file", 3, "block");
		for (unsigned k = 0; k < 3; k++) {
			golden_point(run, values, "storage.read path=/data/file", blocks[k], 0);
			for (unsigned round = 0; rows[i].reasons[k] && round < 3; round++) {
				struct fl_lane_record *r = sample_record(run, k, 0, round);

				r->outcome = FL_NOT_MEASURED;
				r->reason = fl_dup(rows[i].reasons[k]);
			}
		}
		golden_study(run, "repeat", "storage.read path=/data/other", 1, NULL);
		golden_point(run, NULL, "storage.read path=/data/other", "4096", 1e9);
		j = golden_judge(run);
		fl_renderer_find("text")->run(run, j, &look, &out);
		if (!strstr(fl_text_str(&out), rows[i].said))
			fail_msg("row %zu: %s", i, fl_text_str(&out));
		fl_text_release(&out);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_same_everywhere),
		cmocka_unit_test(test_fits_the_terminal),
		cmocka_unit_test(test_no_control_characters),
		cmocka_unit_test(test_strange_records),
		cmocka_unit_test(test_no_look),
		cmocka_unit_test(test_missing_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
