/* SPDX-License-Identifier: Apache-2.0 */
/* What is not the same on all hosts, as people see it; and names in few words. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/hub.h"
#include "hosts/names.h"
#include "plan/plan.h"
#include "record/export.h"
#include "record/store.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS = 8 };

/* Eight hosts that are alike. */
struct eight {
	struct fl_hub hub;
	struct fl_hub_host hosts[HOSTS];
};

static void give_machine(struct fl_hub_host *host, const char *key, json_t *value)
{
	json_t *doc = NULL;
	struct fl_err err = { 0 };

	assert_int_equal(fl_json_load(TESTS_DIR "/fixtures/machines/small-vm.json", 1 << 20, &doc, &err), 0);
	if (key && json_object_get(doc, key))
		json_object_set_new(doc, key, value);
	else if (key)
		json_object_set_new(json_object_get(doc, "limits"), key, value);
	fl_machine_free(host->machine);
	host->machine = NULL;
	if (fl_machine_read(doc, &host->machine, &err) < 0)
		fail_msg("%s", err.what);
	json_decref(doc);
}

static struct eight *make_eight(void)
{
	struct eight *e = fl_zalloc(1, sizeof(*e));

	e->hub.hosts = e->hosts;
	e->hub.n = HOSTS;
	e->hub.catalog_digest = "0123456789abcdef";
	for (unsigned i = 0; i < HOSTS; i++) {
		e->hosts[i].rank = i;
		e->hosts[i].name = fl_format("n%u", i + 1);
		e->hosts[i].hello =
			json_pack("{s:s, s:{s:i, s:i, s:i}, s:s, s:s, s:s}", "version", FEEDLINE_VERSION, "schemas",
				  "plan", FL_PLAN_SCHEMA, "store", FL_STORE_SCHEMA, "export", FL_EXPORT_SCHEMA,
				  "catalog", "0123456789abcdef", "interface", "eth0", "network", "10.1.0.0/24");
		e->hosts[i].environment = json_pack("{s:{s:s, s:s}}", "libraries", "glibc", "2.36", "hwloc", "2.9.0");
		give_machine(&e->hosts[i], NULL, NULL);
	}
	return e;
}

static void free_eight(struct eight *e)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		free(e->hosts[i].name);
		json_decref(e->hosts[i].hello);
		json_decref(e->hosts[i].environment);
		fl_machine_free(e->hosts[i].machine);
	}
	free(e);
}

static void is(const struct eight *e, unsigned bars, const char *expected)
{
	unsigned found = 99;
	char *text = fl_hub_differences(&e->hub, &found);

	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
	assert_int_equal(found, bars);
	free(text);
}

static void test_alike(void **state)
{
	struct eight *e = make_eight();

	(void)state;
	is(e, 0, NULL);
	e->hub.catalog_digest = NULL; /* the hub's own is not compared */
	is(e, 0, NULL);
	free_eight(e);
}

static void test_differs(void **state)
{
	struct eight *e = make_eight();

	(void)state;
	give_machine(&e->hosts[7], "kernel", json_string("6.1.0-20-amd64"));
	give_machine(&e->hosts[2], "cpus", json_string("0"));
	json_object_set_new(e->hosts[4].hello, "interface", json_string("eth1"));
	json_object_set_new(e->hosts[5].hello, "interface", json_null());
	json_object_set_new(json_object_get(e->hosts[0].environment, "libraries"), "glibc", json_string("2.34"));
	json_object_del(json_object_get(e->hosts[1].environment, "libraries"), "glibc");
	is(e, 0,
	   "the hosts are not alike:\n"
	   "  kernel             6.18.0                    n1-n7\n"
	   "                     6.1.0-20-amd64            n8\n"
	   "  CPUs               2                         n1, n2, n4-n8\n"
	   "                     1                         n3\n"
	   "  interface          eth0                      n1-n4, n7, n8\n"
	   "                     eth1                      n5\n"
	   "                     unknown                   n6\n"
	   "  glibc              2.36                      n3-n8\n"
	   "                     2.34                      n1\n"
	   "                     none                      n2\n");
	free_eight(e);
}

static void test_bars(void **state)
{
	struct eight *e = make_eight();
	char *text;

	(void)state;
	for (unsigned i = 0; i < HOSTS; i++)
		json_object_set_new(e->hosts[i].hello, "version", json_string("9.9"));
	json_object_set_new(json_object_get(e->hosts[3].hello, "schemas"), "store", json_integer(99));
	json_object_set_new(e->hosts[3].hello, "catalog", json_string("fedcba9876543210"));
	give_machine(&e->hosts[1], "memory_bytes", json_integer(1 << 30));
	text = fl_format("the hosts are not alike:\n"
			 "  feedline *         9.9                       n1-n8\n"
			 "                     " FEEDLINE_VERSION "                     the hub\n"
			 "  store schema *     %d                         n1-n3, n5-n8, the hub\n"
			 "                     99                        n4\n"
			 "  benchmarks *       0123456789ab              n1-n3, n5-n8, the hub\n"
			 "                     fedcba987654              n4\n"
			 "  memory limit       8 GiB                     n1, n3-n8\n"
			 "                     1 GiB                     n2\n"
			 "  * must be the same: install the same feedline on all hosts\n",
			 FL_STORE_SCHEMA);
	is(e, 3, text);
	free(text);
	free_eight(e);
}

/* A cpuset that is smaller than the host is said although it is so everywhere. */
static void test_bound(void **state)
{
	struct eight *e = make_eight();

	(void)state;
	for (unsigned i = 0; i < HOSTS; i++)
		give_machine(&e->hosts[i], "cpus", json_string("0-3"));
	is(e, 0,
	   "the hosts are not alike:\n"
	   "  CPUs allowed       2 of 4                    n1-n8\n");
	free_eight(e);
}

/* Whatever a host says, the table stays one: bounded, and without commands to a terminal. */
static void test_hostile(void **state)
{
	struct eight *e = make_eight();
	unsigned bars;
	char *text, *longest;

	(void)state;
	longest = malloc(10001);
	memset(longest, 'x', 10000);
	longest[10000] = 0;
	json_object_set_new(e->hosts[0].hello, "version", json_string("\x1b[2J\nall is well"));
	json_object_set_new(e->hosts[1].hello, "version", json_string(longest));
	json_object_set_new(e->hosts[2].hello, "version", json_integer(7));
	json_object_set_new(e->hosts[3].hello, "schemas", json_string("none"));
	json_object_set_new(e->hosts[4].environment, "libraries", json_pack("[s]", "glibc"));
	text = fl_hub_differences(&e->hub, &bars);
	assert_non_null(strstr(text, "?[2J?all is well"));
	assert_non_null(strstr(text, "xxx..."));
	assert_null(strchr(text, '\x1b'));
	assert_true(strlen(text) < 4096);
	assert_int_equal(bars, 4);
	free(text);
	free(longest);
	free_eight(e);
}

static void test_names(void **state)
{
	static const struct {
		const char *names[8];
		size_t max;
		const char *expected;
	} rows_of[] = {
		{ { "n1" }, 8, "n1" },
		{ { "n1", "n2" }, 8, "n1, n2" },
		{ { "n1", "n2", "n3" }, 8, "n1-n3" },
		{ { "n1", "n3", "n4", "n5", "x" }, 8, "n1, n3-n5, x" },
		{ { "n08", "n09", "n10", "n11" }, 8, "n08-n11" },
		{ { "n8", "n9", "n10" }, 8, "n8-n10" },
		{ { "n08", "n9", "n010" }, 8, "n08, n9, n010" },
		{ { "a1.net", "a2.net", "a3.net" }, 8, "a1.net-a3.net" },
		{ { "a1.net", "a2.org", "a3.net" }, 8, "a1.net, a2.org, a3.net" },
		{ { "r1-n1", "r1-n2", "r2-n3" }, 8, "r1-n1, r1-n2, r2-n3" },
		{ { "a", "b", "c", "d" }, 2, "a, b and 2 more" },
		{ { "n99999999999999999999", "n3" }, 2, "n99999999999999999999, n3" },
		{ { "" }, 2, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows_of) / sizeof(rows_of[0]); i++) {
		struct fl_text text = { 0 };
		size_t n = 0;

		while (n < 8 && rows_of[i].names[n])
			n++;
		fl_names_collapse(rows_of[i].names, n, rows_of[i].max, &text);
		assert_string_equal(fl_text_str(&text), rows_of[i].expected);
		fl_text_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike), cmocka_unit_test(test_differs), cmocka_unit_test(test_bars),
		cmocka_unit_test(test_bound), cmocka_unit_test(test_hostile), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
