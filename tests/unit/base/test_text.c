/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c: growing texts, nearest names, bounded copies. */
#include "base/alloc.h"
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void grows(void **state)
{
	struct fl_text t = { 0 };

	(void)state;
	assert_string_equal(fl_text_str(&t), "");
	fl_text_put(&t, NULL, 0);
	assert_null(t.bytes);
	for (int i = 0; i < 1000; i++) {
		fl_text_add(&t, "%03d,", i);
		assert_int_equal(t.n, 4 * (size_t)(i + 1));
		assert_int_equal(t.bytes[t.n], 0);
		assert_true(t.n < t.room);
	}
	assert_memory_equal(t.bytes + 4 * 567, "567,", 4);
	fl_text_release(&t);
	assert_null(t.bytes);
	assert_int_equal(t.n, 0);
	fl_text_add(&t, "again%s", "");
	assert_string_equal(fl_text_str(&t), "again");
	fl_text_release(&t);
}

static void puts_any_bytes(void **state)
{
	struct fl_text t = { 0 };

	(void)state;
	fl_text_put(&t, "a\0b", 3);
	assert_int_equal(t.n, 3);
	assert_memory_equal(t.bytes, "a\0b", 4);
	fl_text_release(&t);
}

static void nearest(void **state)
{
	static const char *const names[] = { "memory.copy", "storage.read", NULL, "null.nop", "null.pipeline", "a" };
	static const struct {
		const char *word, *near;
	} rows[] = {
		{ "memory.cpoy", "memory.copy" }, /* one swap */
		{ "storage.raed", "storage.read" },
		{ "storage.red", "storage.read" },
		{ "mem", "memory.copy" }, /* a unique prefix */
		{ "null.", NULL },	  /* a prefix of two */
		{ "null.n", "null.nop" },
		{ "nul.nop", "null.nop" },
		{ "null.piplne", "null.pipeline" },
		{ "a", "a" },
		{ "gpu.h2d", NULL },
		{ "", NULL },
		{ "memory.copymemory.copymemory.copymemory.copymemory.copymemory.copy", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *near = fl_nearest(rows[i].word, names, sizeof(names) / sizeof(names[0]));

		if (rows[i].near)
			assert_string_equal(near ? near : "(none)", rows[i].near);
		else
			assert_null(near);
	}
	assert_null(fl_nearest("x", names, 0));
}

static void copies_within_bounds(void **state)
{
	char dst[4] = "zzz";

	(void)state;
	assert_true(fl_copy(dst, sizeof(dst), "abc"));
	assert_string_equal(dst, "abc");
	assert_false(fl_copy(dst, sizeof(dst), "abcd"));
	assert_string_equal(dst, "abc");
	assert_false(fl_copy(dst, 0, "x"));
	assert_string_equal(dst, "abc");
	assert_true(fl_copy(dst, 1, ""));
	assert_string_equal(dst, "");
}

static void blanks_controls(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "\033[31mred\r\n", " [31mred  " },
		{ "\x7f", " " },
		{ "\xc2\x9b"
		  "2J",
		  "  2J" },		      /* CSI in one character */
		{ "\xc2\xb5s", "\xc2\xb5s" }, /* no control */
		{ "\xc2", "\xc2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = fl_dup(rows[i][0]);

		fl_blank_controls(text);
		assert_string_equal(text, rows[i][1]);
		free(text);
	}
}

static void quotes_for_a_shell(void **state)
{
	static const char *const rows[][2] = {
		{ "plain/path-1.0,a=b", "plain/path-1.0,a=b" },
		{ "", "''" },
		{ "a b", "'a b'" },
		{ "it's", "'it'\\''s'" },
		{ "$(x)", "'$(x)'" },
		{ "--file=/a b", "'--file=/a b'" },
		{ "~", "'~'" },
		{ "\\:", "'\\:'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_text t = { 0 };

		fl_text_quote(&t, rows[i][0]);
		assert_string_equal(fl_text_str(&t), rows[i][1]);
		fl_text_release(&t);
	}
}

static void allocations(void **state)
{
	unsigned char *zeros = fl_zalloc(3, 5);
	char *text;

	(void)state;
	for (int i = 0; i < 15; i++)
		assert_int_equal(zeros[i], 0);
	zeros = fl_grow(zeros, 100, 5);
	assert_int_equal(zeros[14], 0);
	free(zeros);
	free(fl_zalloc(0, 8));
	assert_null(fl_dup(NULL));
	text = fl_format("%s-%d", "a", 7);
	assert_string_equal(text, "a-7");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(puts_any_bytes),
		cmocka_unit_test(nearest),
		cmocka_unit_test(copies_within_bounds),
		cmocka_unit_test(allocations),
		cmocka_unit_test(blanks_controls),
		cmocka_unit_test(quotes_for_a_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
