/* SPDX-License-Identifier: Apache-2.0 */
/* test_doc.c: the strict subset of YAML: positions, limits, refusals. */
#include "base/doc.h"
#include "base/text.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct fl_doc *parsed(const char *text)
{
	struct fl_err err = { 0 };
	struct fl_doc *doc = NULL;

	if (fl_doc_parse(text, strlen(text), "t.yaml", &doc, &err) < 0)
		fail_msg("%s", err.what);
	return doc;
}

static void tree_with_positions(void **state)
{
	struct fl_doc *doc = parsed("# a suite\n"
				    "- bench: memory.copy\n"
				    "  with: {duration: 500ms, text: \"a: b\"}\n"
				    "  each: [numa, memory]\n"
				    "- bench:\n");
	const struct fl_doc *rule, *with, *each;

	(void)state;
	assert_int_equal(doc->kind, FL_DOC_LIST);
	assert_int_equal(doc->n, 2);
	assert_null(doc->key);
	rule = &doc->items[0];
	assert_int_equal(rule->kind, FL_DOC_MAP);
	assert_int_equal(rule->n, 3);
	assert_int_equal(rule->line, 2);
	assert_int_equal(rule->column, 3);
	assert_string_equal(fl_doc_get(rule, "bench")->text, "memory.copy");
	with = fl_doc_get(rule, "with");
	assert_int_equal(with->key_line, 3);
	assert_int_equal(with->key_column, 3);
	assert_int_equal(with->column, 9);
	assert_string_equal(with->items[1].key, "text");
	assert_string_equal(with->items[1].text, "a: b");
	assert_int_equal(with->items[1].line, 3);
	assert_int_equal(with->items[1].column, 33);
	each = fl_doc_get(rule, "each");
	assert_int_equal(each->kind, FL_DOC_LIST);
	assert_string_equal(each->items[1].text, "memory");
	assert_null(fl_doc_get(rule, "absent"));
	assert_null(fl_doc_get(each, "numa"));
	assert_string_equal(fl_doc_get(&doc->items[1], "bench")->text, ""); /* nothing is empty text */
	fl_doc_free(doc);
	fl_doc_free(NULL);
}

static void refuses(void **state)
{
	static const struct {
		const char *text, *what;
	} rows[] = {
		{ "", "t.yaml:1:1: the document is empty" },
		{ "# only a comment\n", "t.yaml:2:1: the document is empty" },
		{ "a: 1\nb: 2\na: 3\n", "t.yaml:3:1: 'a' is given twice" },
		{ "a: &x 1\n", "t.yaml:1:4: anchors, aliases and tags are not allowed" },
		{ "&x a: 1\n", "t.yaml:1:1: anchors, aliases and tags are not allowed" },
		{ "- *x\n", "t.yaml:1:3: anchors, aliases and tags are not allowed" },
		{ "*x : 1\n", "t.yaml:1:1: anchors, aliases and tags are not allowed" },
		{ "a: !!str 1\n", "t.yaml:1:4: anchors, aliases and tags are not allowed" },
		{ "a: !x [1]\n", "t.yaml:1:4: anchors, aliases and tags are not allowed" },
		{ "a: &x {b: 1}\n", "t.yaml:1:4: anchors, aliases and tags are not allowed" },
		{ "'a': 1\n", "t.yaml:1:1: a key must be a plain word" },
		{ "a b: 1\n", "t.yaml:1:1: a key must be a plain word" },
		{ "[a]: 1\n", "t.yaml:1:1: a key must be a plain word" },
		{ "? {a: 1}\n: 1\n", "t.yaml:1:3: a key must be a plain word" },
		{ ": 1\n", "t.yaml:1:1: did not find expected key" },
		{ "?\n: 1\n", NULL },
		{ "a: 1\n---\nb: 1\n", "t.yaml:2:1: only one document is allowed" },
		{ "a: \"\\0\"\n", "t.yaml:1:4: text with a NUL in it" },
		{ "a: [1\nb: 2\n", "t.yaml:2:2: did not find expected ',' or ']'" },
		{ "a: 1\n b: 2\n", "t.yaml:2:3: mapping values are not allowed in this context" },
		{ "\ta: 1\n", "t.yaml:1:1: found character that cannot start any token" },
		{ "a: \"x\n", "t.yaml:2:1: found unexpected end of stream" },
		{ "ab: \xff\n", NULL },
		{ "%Y\xff\xffL", NULL }, /* five bytes on which another YAML library loops for ever */
		{ "a: \x01\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_err err = { 0 };
		struct fl_doc *doc = NULL;

		if (fl_doc_parse(rows[i].text, strlen(rows[i].text), "t.yaml", &doc, &err) != -EINVAL)
			fail_msg("'%s' was taken", rows[i].text);
		assert_null(doc);
		if (rows[i].what)
			assert_string_equal(err.what, rows[i].what);
		else
			assert_memory_equal(err.what, "t.yaml:1:", 9);
	}
}

/* `before` n times, then `after` n times, is taken or refused. */
static int parse_repeated(const char *before, const char *after, unsigned n, struct fl_err *err)
{
	struct fl_text text = { 0 };
	struct fl_doc *doc = NULL;
	int rc;

	for (unsigned i = 0; i < n; i++)
		fl_text_add(&text, "%s", before);
	for (unsigned i = 0; i < n; i++)
		fl_text_add(&text, "%s", after);
	rc = fl_doc_parse(fl_text_str(&text), text.n, "t.yaml", &doc, err);
	fl_doc_free(doc);
	fl_text_release(&text);
	return rc;
}

static void limits(void **state)
{
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(parse_repeated("[", "]", 16, NULL), 0);
	assert_int_equal(parse_repeated("[", "]", 17, &err), -EINVAL);
	assert_string_equal(err.what, "t.yaml:1:17: nested too deeply");
	assert_int_equal(parse_repeated("- x\n", "", 9999, NULL), 0);
	err = (struct fl_err){ 0 };
	assert_int_equal(parse_repeated("- x\n", "", 10000, &err), -EINVAL);
	assert_string_equal(err.what, "t.yaml:10000:3: too many entries");
	assert_int_equal(parse_repeated("#\n", "", 32768, NULL), -EINVAL); /* empty */
	err = (struct fl_err){ 0 };
	assert_int_equal(parse_repeated("#\n", "", 32769, &err), -EINVAL);
	assert_string_equal(err.what, "t.yaml:1:1: longer than 65536 bytes");
	assert_int_equal(parse_repeated("[", "", 60000, NULL), -EINVAL);
	assert_int_equal(parse_repeated("{", "", 60000, NULL), -EINVAL);
	assert_int_equal(parse_repeated("- ", "", 30000, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_with_positions),
		cmocka_unit_test(refuses),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
