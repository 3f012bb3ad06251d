/* SPDX-License-Identifier: Apache-2.0 */
/* test_hosts.c: what reports of runs on several hosts hold whatever the run. */
#include "golden.h"
#include "reports/parts.h"

static void assert_list(const char *const *names, const bool *in, const char *want)
{
	struct fl_host_result hosts[16] = { 0 };
	struct fl_judgement j = { .hosts = hosts };
	char *list;

	for (; names[j.hosts_n]; j.hosts_n++)
		hosts[j.hosts_n].name = names[j.hosts_n];
	list = fl_report_host_list(&j, in);
	assert_string_equal(list, want);
	free(list);
}

static void lists(void **state)
{
	(void)state;
	assert_list((const char *const[]){ "n1", "n2", "n3", NULL }, NULL, "n1-n3");
	assert_list((const char *const[]){ "n1", "n2", NULL }, NULL, "n1, n2");
	assert_list((const char *const[]){ "n8", "n9", "n10", NULL }, NULL, "n8-n10");
	assert_list((const char *const[]){ "n08", "n09", "n10", NULL }, NULL, "n08-n10");
	assert_list((const char *const[]){ "n9", "n010", NULL }, NULL, "n9, n010");
	assert_list((const char *const[]){ "n1", "m2", "n3", NULL }, NULL, "n1, m2, n3");
	assert_list((const char *const[]){ "a", "b", "1", "2", "3", NULL }, NULL, "a, b, 1-3");
	assert_list((const char *const[]){ "n1", "n2", "n3", "n4", "n5", NULL },
		    (const bool[]){ true, false, true, true, true }, "n1, n3-n5");
	assert_list((const char *const[]){ "a", "b", "c", "d", "e", "f", "g", "h", NULL }, NULL,
		    "a, b, c, d, e, f and 2 more");
	assert_list((const char *const[]){ "n1\033[2J", NULL }, NULL, "n1 [2J");
	assert_list((const char *const[]){ "n99999999999999999999", "n1", NULL }, NULL, "n99999999999999999999, n1");
}

static void assert_fits(struct fl_run *(*make)(void))
{
	struct fl_run *run = make();
	struct fl_judgement *j = golden_judge(run);

	for (unsigned width = 80; width <= 200; width += 40) {
		const struct fl_look look = { .width = width };
		struct fl_text out = { 0 };

		fl_renderer_find("text")->run(run, j, &look, &out);
		for (const char *line = fl_text_str(&out); *line; line += strcspn(line, "\n") + 1)
			if (strcspn(line, "\n") > width)
				fail_msg("width %u: %.*s", width, (int)strcspn(line, "\n"), line);
		fl_text_release(&out);
	}
	fl_judgement_free(j);
	fl_run_free(run);
}

/* The lanes of that host; NULL: of all. */
static struct fl_run *disturb(struct fl_run *run, const char *host)
{
	for (size_t i = 0; i < run->lanes_n; i++) {
		struct fl_lane_record *r = &run->lanes[i];

		if (!host || strcmp(fl_json_text_or_null(r->placement, "host"), host) == 0)
			json_array_append_new(r->distrust, json_string("other programs took 40 % of a CPU"));
	}
	return run;
}

static struct fl_run *disturbed_tails(void)
{
	return disturb(golden_tails_200(), NULL);
}

static void fits_the_terminal(void **state)
{
	(void)state;
	assert_fits(golden_hosts_2);
	assert_fits(golden_hosts_8);
	assert_fits(golden_hosts_lost);
	assert_fits(golden_hosts_200);
	assert_fits(golden_tails_8);
	assert_fits(golden_tails_200);
	assert_fits(disturbed_tails);
}

/* What is invalid is not the worst of anything. */
static void tails_are_of_what_counts(void **state)
{
	struct fl_run *run = golden_tails_8();
	struct fl_judgement *j;
	struct fl_text out = { 0 };

	(void)state;
	for (size_t i = 0; i < run->lanes_n; i++)
		if (strcmp(fl_json_text_or_null(run->lanes[i].placement, "host"), "n3") == 0) {
			run->lanes[i].outcome = FL_INVALID;
			run->lanes[i].reason = fl_dup("it lied");
		}
	j = golden_judge(run);
	fl_renderer_find("text")->run(run, j, &(struct fl_look){ .width = 120 }, &out);
	assert_null(strstr(fl_text_str(&out), "80.0 us"));
	assert_non_null(strstr(fl_text_str(&out), "40.0 ms n6"));
	assert_non_null(strstr(fl_text_str(&out), "9.00 ms n5 to n6"));
	fl_text_release(&out);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A lane that was disturbed has the worst tail as a rule: it is named only where there is no other, and as what it is.
 * disturbed: the lanes of that host; NULL: all. */
static void assert_tails(const char *disturbed, const char *says, const char *at, bool trustworthy)
{
	struct fl_run *run = disturb(golden_tails_8(), disturbed);
	struct fl_judgement *j = golden_judge(run);
	struct fl_text out = { 0 };
	json_t *doc, *a, *worst = NULL;
	size_t i;

	fl_renderer_find("text")->run(run, j, &(struct fl_look){ .width = 120 }, &out);
	if (!strstr(fl_text_str(&out), says))
		fail_msg("'%s' is not in:\n%s", says, fl_text_str(&out));
	fl_text_release(&out);
	fl_renderer_find("json")->run(run, j, &(struct fl_look){ 0 }, &out);
	doc = json_loads(fl_text_str(&out), 0, NULL);
	json_array_foreach(json_object_get(doc, "across"), i, a) if (json_is_true(json_object_get(a, "between_hosts")))
		worst = json_object_get(json_array_get(json_object_get(a, "tails"), 0), "p9999");
	assert_string_equal(fl_json_text_or_null(worst, "at"), at);
	assert_int_equal(json_is_true(json_object_get(worst, "trustworthy")), trustworthy);
	json_decref(doc);
	fl_text_release(&out);
	fl_judgement_free(j);
	fl_run_free(run);
}

static void tails_are_to_be_trusted(void **state)
{
	(void)state;
	assert_tails("n0", "9.00 ms n5 to n6\n", "n5 to n6", true);
	assert_tails("n5", "80.0 us n3 to n6\n", "n3 to n6", true);
	assert_tails(NULL, "9.00 ms n5 to n6 ?\n", "n5 to n6", false);
}

/* For programs what telemetry cost is no device, and that of the host that paid most. */
static void telemetry_of_hosts(void **state)
{
	struct fl_text out = golden_render("json", &(struct golden){ "", golden_beside_hosts, { 0 } });
	json_t *doc = json_loads(fl_text_str(&out), 0, NULL), *seen;
	const json_t *cost = json_object_get(doc, "telemetry");
	size_t i;

	(void)state;
	assert_true(json_number_value(json_object_get(cost, "longest_call_ns")) == 80e6);
	assert_int_equal(json_integer_value(json_object_get(cost, "calls")), 8 * 70);
	assert_true(json_array_size(json_object_get(doc, "beside")) > 0);
	json_array_foreach(json_object_get(doc, "beside"), i, seen)
		assert_null(strstr(json_string_value(json_object_get(seen, "subject")), "feedline"));
	json_decref(doc);
	fl_text_release(&out);
}

static struct fl_run *one_host(void)
{
	struct fl_run *run = hosts_sample(1, GOLDEN_NOBODY, GOLDEN_NOBODY, GOLDEN_NOBODY);

	for (size_t i = 0; i < run->lanes_n; i++)
		if (!strcmp(run->lanes[i].bench, "storage.read"))
			sample_flat(&run->lanes[i], "ops_per_s", 1e5, 20);
	return run;
}

/* A host that is alone is one, and what it measured has no span. */
static void host_alone(void **state)
{
	struct fl_text out = golden_render("text", &(struct golden){ "", one_host, { .width = 80 } });

	(void)state;
	assert_non_null(strstr(fl_text_str(&out), " on 1 host (n1), "));
	assert_null(strstr(fl_text_str(&out), "1 hosts"));
	assert_non_null(strstr(fl_text_str(&out), ": ops_per_s 100 k/s\n"));
	fl_text_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(fits_the_terminal),
		cmocka_unit_test(tails_are_of_what_counts),
		cmocka_unit_test(tails_are_to_be_trusted),
		cmocka_unit_test(telemetry_of_hosts),
		cmocka_unit_test(host_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
