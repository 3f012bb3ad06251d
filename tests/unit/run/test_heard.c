/* SPDX-License-Identifier: Apache-2.0 */
/* test_heard.c: what a watcher may say, what it may not, and which series come of it. */
#include "base/json.h"
#include "run/heard.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t now_ns = UINT64_C(10000000000);

static int take(struct fl_heard *h, const char *text, enum fl_said *said, struct fl_err *err)
{
	json_t *message = json_loads(text, 0, NULL);
	int rc;

	assert_non_null(message);
	rc = fl_heard_take(h, message, now_ns, said, err);
	json_decref(message);
	return rc;
}

static void take_good(struct fl_heard *h, const char *text)
{
	struct fl_err err = { 0 };
	enum fl_said said;

	if (take(h, text, &said, &err) != 0)
		fail_msg("%s: %s", text, err.what);
}

static struct fl_heard heard(void)
{
	struct fl_heard h;

	fl_heard_init(&h);
	fl_heard_expect(&h, "gpu-0");
	return h;
}

#define SERIES "{\"is\":\"series\",\"subject\":\"gpu-0\","

static void kinds(void **state)
{
	static const struct {
		const char *text;
		enum fl_said said;
	} rows[] = {
		{ SERIES "\"at_ns\":[1,2],\"metrics\":{\"power_w\":[1,2.5]}}", FL_SAID_SERIES },
		{ SERIES "\"at_ns\":[],\"metrics\":{}}", FL_SAID_SERIES },
		{ "{\"is\":\"event\",\"subject\":\"gpu-0\",\"at_ns\":5,\"what\":\"xid 79\",\"n\":3}", FL_SAID_EVENT },
		{ "{\"is\":\"cost\",\"at_ns\":5,\"cpu_ns\":1,\"wall_ns\":2,\"calls\":3,\"longest_call_ns\":4}",
		  FL_SAID_COST },
		{ "{\"is\":\"lost\",\"subject\":\"gpu-0\",\"what\":\"it hangs\"}", FL_SAID_LOST },
		{ "{\"is\":\"ready\"}", FL_SAID_READY },
		{ "{\"is\":\"quiet\"}", FL_SAID_QUIET },
	};
	struct fl_heard h = heard();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_err err = { 0 };
		enum fl_said said = FL_SAID_QUIET;

		if (take(&h, rows[i].text, &said, &err) != 0)
			fail_msg("%s: %s", rows[i].text, err.what);
		assert_int_equal(said, rows[i].said);
	}
	assert_string_equal(h.lost, "gpu-0: it hangs");
	fl_heard_release(&h);
}

static void lies(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "{}", "nobody asked" },
		{ "{\"is\":7}", "nobody asked" },
		{ "{\"is\":\"done\"}", "nobody asked" },
		{ "{\"is\":\"series\"}", "not told to watch" },
		{ "{\"is\":\"series\",\"subject\":\"gpu-1\",\"at_ns\":[],\"metrics\":{}}", "not told to watch" },
		{ "{\"is\":\"series\",\"subject\":\"feedline\",\"at_ns\":[],\"metrics\":{}}", "not told to watch" },
		{ SERIES "\"metrics\":{}}", "no list" },
		{ SERIES "\"at_ns\":{},\"metrics\":{}}", "no list" },
		{ SERIES "\"at_ns\":[]}", "no metrics" },
		{ SERIES "\"at_ns\":[2,1],\"metrics\":{\"a\":[1,2]}}", "run back" },
		{ SERIES "\"at_ns\":[-1],\"metrics\":{\"a\":[1]}}", "run back" },
		{ SERIES "\"at_ns\":[1.5],\"metrics\":{\"a\":[1]}}", "run back" },
		{ SERIES "\"at_ns\":[99000000000],\"metrics\":{\"a\":[1]}}", "ahead" },
		{ SERIES "\"at_ns\":[1],\"metrics\":{\"a\":[1,2]}}", "as many" },
		{ SERIES "\"at_ns\":[1],\"metrics\":{\"a\":1}}", "as many" },
		{ SERIES "\"at_ns\":[1],\"metrics\":{\"a\":[\"1\"]}}", "no number" },
		{ SERIES "\"at_ns\":[1],\"metrics\":{\"\":[1]}}", "no name" },
		{ SERIES "\"at_ns\":[1],\"metrics\":{\"A b\":[1]}}", "no name" },
		{ SERIES "\"at_ns\":[1],\"metrics\":{\"a_name_that_is_longer_than_any_metric_could_ever_be\":[1]}}",
		  "no name" },
		{ SERIES "\"at_ns\":[3],\"metrics\":{\"before\":[1]}}", "run back" },
		{ "{\"is\":\"event\",\"subject\":\"gpu-0\",\"at_ns\":5,\"what\":\"fire\",\"n\":1}", "is none" },
		{ "{\"is\":\"event\",\"subject\":\"gpu-0\",\"at_ns\":5,\"what\":\"xid 79\"}", "is none" },
		{ "{\"is\":\"event\",\"subject\":\"gpu-0\",\"at_ns\":5,\"what\":\"xid 79\",\"n\":0}", "is none" },
		{ "{\"is\":\"event\",\"subject\":\"gpu-0\",\"what\":\"xid 79\"}", "run back" },
		{ "{\"is\":\"event\",\"subject\":\"x\",\"at_ns\":5,\"what\":\"xid 79\"}", "not told to watch" },
		{ "{\"is\":\"cost\",\"at_ns\":5,\"cpu_ns\":-1,\"wall_ns\":2,\"calls\":3,\"longest_call_ns\":4}",
		  "costs" },
		{ "{\"is\":\"cost\",\"at_ns\":5,\"cpu_ns\":1,\"wall_ns\":2}", "costs" },
		{ "{\"is\":\"lost\",\"subject\":\"gpu-0\"}", "why" },
		{ "{\"is\":\"lost\",\"subject\":\"gpu-0\",\"what\":\"\"}", "why" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_heard h = heard();
		struct fl_err err = { 0 };
		enum fl_said said;

		take_good(&h, SERIES "\"at_ns\":[5],\"metrics\":{\"before\":[1]}}");
		assert_int_equal(take(&h, rows[i].text, &said, &err), -EPROTO);
		if (!strstr(err.what, rows[i].says))
			fail_msg("%s: '%s' does not say '%s'", rows[i].text, err.what, rows[i].says);
		fl_heard_release(&h);
	}
}

/* No more metrics than a subject can have. */
static void too_many_metrics(void **state)
{
	struct fl_heard h = heard();
	struct fl_err err = { 0 };
	enum fl_said said;
	char text[256];
	int rc = 0;

	(void)state;
	for (int i = 0; i <= FL_HEARD_METRICS_MAX && rc == 0; i++) {
		snprintf(text, sizeof(text), SERIES "\"at_ns\":[1],\"metrics\":{\"m%d\":[1]}}", i);
		rc = take(&h, text, &said, &err);
	}
	assert_int_equal(rc, -EPROTO);
	assert_int_equal(h.subjects[2].metrics_n, FL_HEARD_METRICS_MAX);
	fl_heard_release(&h);
}

static const struct fl_watched *watched(const struct fl_run *run, const char *subject, const char *metric)
{
	for (size_t i = 0; i < run->watched_n; i++)
		if (!strcmp(run->watched[i].subject, subject) && !strcmp(run->watched[i].series.metric, metric))
			return &run->watched[i];
	return NULL;
}

/* What lies in the window and its margin; nulls are no samples; what does not change is two of them. */
static void collected(void **state)
{
	const struct fl_window window = { .from_ns = 1000, .to_ns = 2000 };
	struct fl_run *run = calloc(1, sizeof(*run));
	const struct fl_watched *w;
	struct fl_heard h = heard();
	char event[128];

	(void)state;
	take_good(&h,
		  SERIES "\"at_ns\":[800,900,1000,1500,1600,2000,2100,2101],"
			 "\"metrics\":{\"z\":[1,2,2,2,null,2,3,4],\"none\":[null,null,null,null,null,null,null,null],"
			 "\"early\":[1,null,null,null,null,null,null,null]}}");
	for (int i = 1700; i < 1703; i++) {
		snprintf(event, sizeof(event),
			 "{\"is\":\"event\",\"subject\":\"gpu-0\",\"at_ns\":%d,\"what\":\"xid 79\",\"n\":%d}", i, i);
		take_good(&h, event);
	}
	take_good(&h, "{\"is\":\"cost\",\"at_ns\":950,\"cpu_ns\":9,\"wall_ns\":9,\"calls\":9,\"longest_call_ns\":9}");
	take_good(&h, "{\"is\":\"cost\",\"at_ns\":2050,\"cpu_ns\":1,\"wall_ns\":2,\"calls\":3,\"longest_call_ns\":4}");
	fl_heard_add(&h, "feedline", "agent_cpu_ns", 2050, 7);
	fl_heard_collect(&h, &window, 100, 3, 1, run);
	assert_int_equal(run->watched_n, 8);
	for (size_t i = 1; i < run->watched_n; i++)
		assert_true(fl_watched_compare(&run->watched[i - 1], &run->watched[i]) < 0);
	w = watched(run, "gpu-0", "z");
	assert_non_null(w);
	assert_int_equal(w->case_no, 3);
	assert_int_equal(w->round, 1);
	assert_int_equal(w->series.n, 3);
	assert_true(w->series.at[0] == -100 && w->series.value[0] == 2);
	assert_true(w->series.at[1] == 1000 && w->series.value[1] == 2);
	assert_true(w->series.at[2] == 1100 && w->series.value[2] == 3);
	w = watched(run, "gpu-0", "xid");
	assert_true(w && w->series.n == 3 && w->series.at[1] == 701 && w->series.value[1] == 79);
	w = watched(run, "gpu-0", "xid_events");
	assert_true(w && w->series.n == 3 && w->series.at[1] == 701 && w->series.value[1] == 1701);
	w = watched(run, "feedline", "cpu_ns"); /* not what was spent before the window */
	assert_true(w && w->series.n == 1 && w->series.value[0] == 1);
	fl_heard_clear(&h);
	fl_heard_collect(&h, &window, 100, 3, 1, run);
	assert_int_equal(run->watched_n, 8);
	fl_run_free(run);
	fl_heard_release(&h);
}

/* However long a case is, what is kept of it is bounded, and covers all of it. */
static void bounded(void **state)
{
	const struct fl_window window = { .to_ns = UINT64_C(1) << 40 };
	struct fl_run *run = calloc(1, sizeof(*run));
	const struct fl_watched *w;
	struct fl_heard h = heard();

	(void)state;
	for (uint64_t i = 0; i < 100000; i++)
		fl_heard_add(&h, "gpu-0", "power_w", i, (double)i);
	assert_true(h.samples <= 8192);
	fl_heard_collect(&h, &window, 0, 0, 0, run);
	w = watched(run, "gpu-0", "power_w");
	assert_non_null(w);
	assert_true(w->series.n >= 4096 && w->series.n <= 8192);
	assert_true(w->series.at[0] == 0 && w->series.at[w->series.n - 1] == 99999);
	for (size_t i = 1; i < w->series.n; i++)
		assert_true(w->series.at[i] > w->series.at[i - 1]);
	fl_heard_add(&h, "gpu-0", "power_w", 5, 1); /* it runs back: left out */
	fl_heard_add(&h, "gpu-9", "power_w", 5, 1);
	assert_int_equal(h.samples, w->series.n);
	fl_run_free(run);
	fl_heard_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),     cmocka_unit_test(lies),	cmocka_unit_test(too_many_metrics),
		cmocka_unit_test(collected), cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
