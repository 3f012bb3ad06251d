/* SPDX-License-Identifier: Apache-2.0 */
/* test_dry_run.c: a plan of many hosts in few lines. */
#include "../sample.h"
#include "base/alloc.h"
#include "cli/dry_run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HOSTS = 1024 };

struct rack {
	struct sample_machine machines[HOSTS];
	struct fl_plan_host hosts[HOSTS];
	char names[HOSTS][16];
};

static struct rack *build(void)
{
	struct rack *r = fl_zalloc(1, sizeof(*r));

	for (unsigned i = 0; i < HOSTS; i++) {
		sample_machine_init(&r->machines[i]);
		snprintf(r->names[i], sizeof(r->names[i]), "n%u", i + 1);
		r->hosts[i] = (struct fl_plan_host){ .name = r->names[i], .machine = &r->machines[i].m };
	}
	return r;
}

static char *print(const struct rack *r, size_t hosts, const char *text)
{
	const struct fl_catalog catalog = sample_catalog();
	struct fl_suite *suite;
	struct fl_plan *plan;
	struct fl_err err = { 0 };
	struct fl_text t = { 0 };

	assert_int_equal(fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, &err), 0);
	if (fl_plan_make_hosts(suite, &catalog, r->hosts, hosts, NULL, &plan, &err) < 0)
		fail_msg("%s", err.what);
	fl_dry_run_text(plan, &catalog, 100, &t);
	fl_plan_free(plan);
	fl_suite_free(suite);
	return t.bytes;
}

static void check(const struct rack *r, size_t hosts, const char *text, const char *want)
{
	char *is = print(r, hosts, text);

	assert_string_equal(is, want);
	free(is);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Alike on all hosts but one, which has fewer CPUs, and one that cannot. */
static void test_each_for_itself(void **state)
{
	struct rack *r = build();

	(void)state;
	r->machines[2].nodes[1].cpus.bits[0] = 0x4;
	r->machines[5].mounts[1].type = (char[]){ "tmpfs" };
	check(r, 8,
	      "- bench: storage.read\n  with: {path: /data/f, threads: 2, duration: 1s}\n- bench: null.nop\n  repeat: "
	      "2\n",
	      "suite s: 2 cases on 8 hosts, at most 8.00 s\n"
	      "\n"
	      "  storage.read path=/data/f threads=2\n"
	      "    storage.read path=/data/f block=1 MiB depth=16 threads=2 pattern=sequential duration=1.00 s\n"
	      "      cpus 2-3, memory of node1, on n1, n2, n4, n5 and 2 more\n"
	      "      cpus 2, memory of node1, more threads than CPUs, on n3\n"
	      "      not measured: tmpfs is memory, not a drive; '/data/f' is below '/data'; choose a path on a\n"
	      "        drive; on n6\n"
	      "\n"
	      "  null.nop (2 rounds)\n"
	      "    null.nop\n"
	      "      cpus 1, memory of node0, on all hosts\n");
	free(r);
}

static void test_with_each_other(void **state)
{
	struct rack *r = build();

	(void)state;
	check(r, 1, "- bench: tcp.stream\n",
	      "suite s: 1 case, at most 3.00 s\n"
	      "\n"
	      "  tcp.stream\n"
	      "    all on this machine, over its loopback\n"
	      "    tcp.stream streams=1 memory=node0\n"
	      "      cpus 0, memory of node0\n"
	      "    tcp.stream streams=1 memory=node0\n"
	      "      cpus 1, memory of node0\n");
	check(r, 2, "- bench: tcp.stream\n",
	      "suite s: 1 case on 2 hosts, at most 3.00 s\n"
	      "\n"
	      "  tcp.stream n1 - n2\n"
	      "    sender - receiver: n1 - n2\n"
	      "    tcp.stream streams=1 memory=node0\n"
	      "      cpus 1, memory of node0, on both hosts\n");
	check(r, 10, "- bench: tcp.stream\n  with: {duration: 1s}\n- bench: tcp.stream\n  sweep: {streams: [1, 8]}\n",
	      "suite s: 27 cases on 10 hosts, at most 72.0 s\n"
	      "\n"
	      "  tcp.stream round 1 of 9\n"
	      "    5 at once, sender - receiver: n1 - n10, n2 - n9, n3 - n8, n4 - n7 and 1 more\n"
	      "    tcp.stream streams=1 memory=node0 duration=1.00 s\n"
	      "      cpus 1, memory of node0, on all hosts\n"
	      "\n"
	      "  and 8 more like these, between other hosts\n"
	      "\n"
	      "sweep of streams: tcp.stream round 1 of 9\n"
	      "\n"
	      "  tcp.stream streams=1 round 1 of 9\n"
	      "    5 at once, sender - receiver: n1 - n10, n2 - n9, n3 - n8, n4 - n7 and 1 more\n"
	      "    tcp.stream streams=1 memory=node0\n"
	      "      cpus 1, memory of node0, on all hosts\n"
	      "\n"
	      "  tcp.stream streams=8 round 1 of 9\n"
	      "    5 at once, sender - receiver: n1 - n10, n2 - n9, n3 - n8, n4 - n7 and 1 more\n"
	      "    tcp.stream streams=8 memory=node0\n"
	      "      cpus 1, memory of node0, on all hosts\n"
	      "\n"
	      "  and 8 more like these, between other hosts\n");
	free(r);
}

/* However many there are. */
static void test_many(void **state)
{
	struct rack *r = build();
	char *is = print(r, HOSTS, "- bench: tcp.stream\n  across: {sample: 16}\n- bench: memory.copy\n");

	(void)state;
	assert_true(count_lines(is) < 30);
	free(is);
	is = print(r, 128, "- bench: tcp.stream\n  sweep: {streams: [1, 8]}\n");
	assert_true(count_lines(is) < 20);
	assert_non_null(strstr(is, "and 126 more like these, between other hosts\n"));
	free(is);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_for_itself),
		cmocka_unit_test(test_with_each_other),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
