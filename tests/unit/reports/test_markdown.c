/* SPDX-License-Identifier: Apache-2.0 */
/* test_markdown.c: the Markdown report, byte for byte; and that nothing in a record becomes part of its structure. */
#include "golden.h"
#include "reports/parts.h"

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_pages) / sizeof(golden_pages[0]); i++) {
		struct fl_text out = golden_render("markdown", &golden_pages[i]);

		golden_compare(golden_pages[i].name, &out);
		fl_text_release(&out);
	}
}

static void test_same_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_pages) / sizeof(golden_pages[0]); i++)
		golden_elsewhere("markdown", &golden_pages[i]);
}

static void block_in_a_list(struct fl_text *out, const char *text)
{
	fl_markdown_block(out, text, 2);
}

static void test_escapes(void **state)
{
	static const struct {
		void (*add)(struct fl_text *out, const char *text);
		const char *text, *want;
	} rows[] = {
		{ fl_markdown_text, "3.63 G/s of drive nvme-S1", "3.63 G/s of drive nvme-S1" },
		{ fl_markdown_text, "step_ns p99.9", "step_ns p99.9" },
		{ fl_markdown_text, "_a_ __b", "\\_a\\_ \\_\\_b" },
		{ fl_markdown_text, "*x* `y` ~~z~~ $1$", "\\*x\\* \\`y\\` \\~\\~z\\~\\~ \\$1\\$" },
		{ fl_markdown_text, "![i](http://e)", "!\\[i\\](http://e)" },
		{ fl_markdown_text, "<b>&amp;|\\", "\\<b\\>\\&amp;\\|\\\\" },
		{ fl_markdown_text, "- # 1. in the midst", "- # 1. in the midst" },
		{ fl_markdown_line, "# head", "\\# head" },
		{ fl_markdown_line, "- item", "\\- item" },
		{ fl_markdown_line, "12. item", "12\\. item" },
		{ fl_markdown_line, "12) item", "12\\) item" },
		{ fl_markdown_line, "===", "\\===" },
		{ fl_markdown_line, "    code", "code" },
		{ fl_markdown_line, "**bold", "\\*\\*bold" },
		{ fl_markdown_line, "", "" },
		{ fl_markdown_code, "null.nop a_b=<c>", "`null.nop a_b=<c>`" },
		{ fl_markdown_code, "a`b", "`` a`b ``" },
		{ fl_markdown_code, "`", "`` ` ``" },
		{ fl_markdown_code, " a", "`  a `" },
		{ fl_markdown_code, "a|b*", "a\\|b\\*" },
		{ fl_markdown_code, "", "" },
		{ block_in_a_list, "feedline topo", "  ```\n  feedline topo\n  ```\n" },
		{ block_in_a_list, "a ``` b", "  ````\n  a ``` b\n  ````\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_text out = { 0 };

		rows[i].add(&out, rows[i].text);
		assert_string_equal(fl_text_str(&out), rows[i].want);
		fl_text_release(&out);
	}
}

/* Every line of a report begins as the layout begins lines, whatever the record says. */
static void test_hostile_records(void **state)
{
	static const char *const beginnings[] = { "# fail: ", "sample ",  "| ",	     "- ", "  ",
						  "## ",      "Medians ", "\\# su ", NULL };
	struct fl_run *run = golden_mixed();
	struct fl_text out = { 0 };
	struct fl_judgement *j;

	(void)state;
	golden_spoil(run, "\r\n# owned\n| a | b |\n<script>x</script> ![i](http://e)", "now: feedline ```\n# owned");
	json_object_set_new(run->plan, "suite", json_string("# su\n\nite"));
	j = golden_judge(run);
	fl_renderer_find("markdown")->run(run, j, NULL, &out);
	assert_null(strstr(fl_text_str(&out), " <script"));
	assert_null(strstr(fl_text_str(&out), "![i]"));
	assert_non_null(strstr(fl_text_str(&out), "  ````\n  feedline ``` # owned\n  ````\n"));
	for (const char *line = fl_text_str(&out); *line; line += strcspn(line, "\n") + 1) {
		size_t known = 0;

		for (size_t i = 0; beginnings[i]; i++)
			known += strncmp(line, beginnings[i], strlen(beginnings[i])) == 0;
		if (*line != '\n' && known == 0)
			fail_msg("this line begins strangely: %s", line);
	}
	fl_text_release(&out);
	fl_judgement_free(j);
	fl_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_same_everywhere),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_hostile_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
