/* SPDX-License-Identifier: Apache-2.0 */
/* test_peer.c: templates of commands: what may stand in one, and what becomes of it. */
#include "base/alloc.h"
#include "catalog/catalog.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fl_field fields[] = {
	{ .name = "path", .type = FL_PATH },
	{ .name = "block", .type = FL_BYTES, .preset = "1MiB" },
	{ .name = "pattern", .type = FL_CHOICE, .preset = "random", .range = "sequential|random" },
	{ .name = "sync", .type = FL_FLAG, .preset = "no" },
	{ 0 },
};
static struct fl_fact facts[] = { { "engine", true, "which" }, { 0 } };

static const struct {
	const char *command, *says; /* NULL: it may be */
} checks[] = {
	{ "tool", NULL },
	{ "tool --file={path} {block}", NULL },
	{ "tool {pattern:sequential=-s,random=}", NULL },
	{ "tool {sync:yes=-y,no=}", NULL },
	{ "tool {engine:avx2=-a} {cpus} {cpus_n} {node} {numa}", NULL },
	{ "tool {2*block*cpus_n/1000}kB", NULL },
	{ "tool {gpus_n:1=} {is_local:yes=} {pattern:sequential=-s,random=!}", NULL },
	{ "tool {file}", "asks for 'file', which is no option, fact or place of the lane" },
	{ "tool {}", "asks for ''" },
	{ "tool {7}", "asks for '7'" },
	{ "tool {2*}", "asks for ''" },
	{ "tool {2**block}", "asks for ''" },
	{ "tool {2*block/many}", "asks for 'many'" },
	{ "tool {pattern:sequential=-s}", "nothing for pattern 'random'" },
	{ "tool {pattern:sequential=-s,randomly=-r}", "nothing for pattern 'random'" },
	{ "tool {sync:yes=-y}", "nothing for sync 'no'" },
	{ "tool {block:1=-b}", "a list for 'block', which is no choice" },
	{ "tool {path", "braces that do not match" },
	{ "tool {path {block}", "braces that do not match" },
	{ "tool path}", "braces that do not match" },
	{ "tool {pa th}", "braces that do not match" },
	{ "tools {path}", "the command begins otherwise" },
	{ "bash -c tool", "the command begins otherwise" },
	{ "tool{path}", "the command begins otherwise" },
	{ "{path}", "the command begins otherwise" },
	{ "", "the command begins otherwise" },
};

static void test_checks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct fl_entry e = { .fields = fields,
				      .facts = facts,
				      .peer = { .tool = "tool", .command = checks[i].command } };
		struct fl_err err = { 0 };
		int rc = fl_peer_check(&e, "entry", &err);

		if (rc != (checks[i].says ? -EINVAL : 0) || (checks[i].says && !strstr(err.what, checks[i].says)))
			fail_msg("'%s': %d, %s", checks[i].command, rc, err.what);
	}
}

static void test_tools(void **state)
{
	static const char *const names[] = { "", "-c", "a b", "a;b", "/bin/sh", "$(x)", "{path}" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fl_entry e = { .fields = fields,
				      .facts = facts,
				      .peer = { .tool = names[i], .command = names[i] } };
		struct fl_err err = { 0 };

		assert_int_equal(fl_peer_check(&e, "entry", &err), -EINVAL);
		assert_non_null(strstr(err.what, "is no name of a tool"));
	}
}

static const struct {
	const char *template, *command; /* NULL: it cannot be said */
} expansions[] = {
	{ "likwid-bench", "likwid-bench" },
	{ "likwid-bench -w {block} -t {cpus_n}", "likwid-bench -w 4096 -t 4" },
	{ "likwid-bench {pattern:sequential=-s,random=-t} {sync:yes=-y,no=}  -w", "likwid-bench -t -w" },
	{ "likwid-bench {engine:avx512=a,avx2=b} x{sync:no=,yes=y}x", "likwid-bench b xx" },
	{ "fio --filename={path}", "fio '--filename=/it'\\''s a $file'" },
	{ "likwid-bench {2*block*cpus_n/1000}kB", "likwid-bench 32kB" },
	{ "likwid-bench {100/cpus_n}% {block/3}", "likwid-bench 25% 1365" },
	{ "likwid-bench {block/5000}", NULL }, /* 0 */
	{ "likwid-bench {block/none}", NULL },
	{ "likwid-bench {block*huge}", NULL },
	{ "likwid-bench {path*2}", NULL },
	{ "likwid-bench {absent}", NULL },
	{ "likwid-bench {pattern:sequential=-s,random=!}", NULL },
	{ "likwid-bench {pattern:sequential=!,random=!!}", "likwid-bench '!!'" },
	{ "nvbandwidth -t {pattern:sequential=-s,random=x_ce} -b {block/1024}", "nvbandwidth -t x_ce -b 4" },
	{ "nvbandwidth --help", NULL },
	{ "likwid-bench {engine:avx512=a}", NULL },
	{ "likwid-bench {engine:avx=a,avx22=b}", NULL },
	{ "likwid-bench a;b `c` $d", "likwid-bench 'a;b' '`c`' '$d'" },
	{ "bash -c {path}", NULL },
	{ "pump", NULL },
	{ "fio --exec_prerun={path}", NULL },
	{ "fio --ex{sync:no=ec_pre,yes=}run", NULL },
	{ "fio {option}", NULL },
	{ "fio --ioengine=external:/evil", NULL },
	{ "fio --bsx=1", NULL },
	{ "fio --ioengine=io_uring --direct", "fio --ioengine=io_uring --direct" },
};

static void test_expansions(void **state)
{
	json_t *values = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "option", "--exec_prerun=/evil",
				   "path", "/it's a $file", "block", "4096", "pattern", "random", "sync", "no",
				   "engine", "avx2", "cpus_n", "4", "none", "0", "huge", "18446744073709551615");

	(void)state;
	for (size_t i = 0; i < sizeof(expansions) / sizeof(expansions[0]); i++) {
		char *tool = fl_format("%.*s", (int)strcspn(expansions[i].template, " "), expansions[i].template);
		const struct fl_peer peer = { .tool = tool, .command = expansions[i].template };
		const char *want = expansions[i].command ? expansions[i].command : "";
		struct fl_text t = { 0 };

		fl_text_add(&t, "$ ");
		if (fl_peer_expand(&peer, values, &t) != (expansions[i].command != NULL) || strcmp(t.bytes + 2, want))
			fail_msg("'%s': '%s'", expansions[i].template, t.bytes);
		fl_text_release(&t);
		free(tool);
	}
	json_decref(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_tools),
		cmocka_unit_test(test_expansions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
