/* SPDX-License-Identifier: Apache-2.0 */
/* test_hosts_compared.c: what is comparable of runs on several hosts, and what studies say of lanes that measure
 * together. */
#include "../sample_hosts.h"
#include "judge/change.h"
#include "judged.h"
#include <errno.h>
#include <math.h>

enum { NOBODY = 9999 };

enum { FEW = 8 };

struct evidences {
	struct fl_evidence *items[FEW];
	struct fl_side side;
};

static char *name_of(const struct fl_judgement *j, size_t i)
{
	return fl_dup(j->lanes[i].bench);
}

static void reduce(struct fl_run *run, const char *id, struct evidences *ret)
{
	struct fl_judgement *j;
	char **names;

	snprintf(run->id, sizeof(run->id), "%s", id);
	j = judge(run);
	names = fl_zalloc(j->lanes_n, sizeof(*names));
	for (size_t i = 0; i < j->lanes_n; i++)
		names[i] = name_of(j, i);
	ret->side = (struct fl_side){ id, (const struct fl_evidence *const *)ret->items, fl_evidence_hosts(j) };
	for (size_t i = 0; i < ret->side.n; i++)
		ret->items[i] = fl_evidence_make(run, j, names, i);
	for (size_t i = 0; i < j->lanes_n; i++)
		free(names[i]);
	free(names);
	fl_judgement_free(j);
	fl_run_free(run);
}

static void release(struct evidences *e)
{
	for (size_t i = 0; i < e->side.n; i++)
		fl_evidence_free(e->items[i]);
}

static const struct fl_lane_change *change_of(const struct fl_comparison *c, const char *name)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (strcmp(c->lanes[i].name, name) == 0)
			return &c->lanes[i];
	fail_msg("no lane '%s'", name);
	return NULL;
}

/* Each host is compared with itself, so that hosts, and not rounds, are what counts. */
static void compared(void **state)
{
	struct fl_run *before = hosts_sample(FEW, NOBODY, NOBODY, NOBODY);
	struct fl_run *after = hosts_sample(FEW, NOBODY, NOBODY, NOBODY);
	struct evidences a, b;
	struct fl_comparison *c;

	(void)state;
	for (size_t i = 0; i < after->lanes_n; i++)
		for (size_t k = 0; after->lanes[i].case_no == 0 && k < after->lanes[i].series[0].n; k++)
			after->lanes[i].series[0].value[k] *= 0.8;
	reduce(before, "a", &a);
	reduce(after, "b", &b);
	assert_int_equal(a.side.n, FEW);
	assert_string_equal(a.items[3]->host, "n4");
	assert_int_equal(fl_compare(&a.side, &b.side, NULL, NAN, &c, NULL), 0);
	assert_int_equal(c->hosts, FEW);
	assert_int_equal(change_of(c, "memory.copy")->metrics[0].verdict, FL_FAIL);
	assert_int_equal(change_of(c, "memory.copy")->metrics[0].units, FEW);
	assert_int_equal(change_of(c, "storage.read")->metrics[0].moved, FL_MOVED_NOT);
	assert_int_equal(change_of(c, "net.stream")->metrics[0].units, FEW);
	assert_int_equal(change_of(c, "net.stream")->metrics[0].verdict, FL_PASS);
	assert_int_equal(c->lanes_n, 3);
	fl_comparison_free(c);
	release(&a);
	release(&b);
}

/* share: of what n8 sends, how much arrives. */
static struct fl_run *both_ways_run(double share)
{
	struct fl_run *run = hosts_run(FEW);

	hosts_all_pairs(run, 11.9e9, NOBODY, 0);
	set_both_ways(run, 1);
	slow_down(run, "n8", share);
	return run;
}

/* What one way lost is not hidden by the other: of each host what arrives and what leaves are compared. */
static void both_ways_compared(void **state)
{
	struct evidences a, b;
	struct fl_comparison *c;

	(void)state;
	reduce(both_ways_run(1), "a", &a);
	reduce(both_ways_run(0.5), "b", &b);
	assert_int_equal(fl_compare(&a.side, &b.side, NULL, NAN, &c, NULL), 0);
	assert_int_equal(c->lanes_n, 2);
	assert_string_equal(c->lanes[0].name, "net.stream, arriving");
	assert_string_equal(c->lanes[1].name, "net.stream, leaving");
	assert_true(c->lanes[0].metrics[0].worst > 0.95);
	assert_true(c->lanes[1].metrics[0].worst < 0.55);
	fl_comparison_free(c);
	release(&a);
	release(&b);
}

/* All pairs of four hosts, two at once, and then the halves at each other. */
static struct fl_run *run_with_bisection(double rate)
{
	static const struct hosts_pair pairs[] = { { 0, 1, 12e9 }, { 2, 3, 12e9 }, { 0, 2, 12e9 },
						   { 1, 3, 12e9 }, { 0, 3, 12e9 }, { 1, 2, 12e9 } };
	const struct hosts_pair halves[] = { { 0, 2, rate }, { 1, 3, rate } };
	struct fl_run *run = hosts_run(4);

	for (unsigned i = 0; i < 6; i += 2)
		hosts_pairs(run, "net.stream pairs", pairs + i, 2);
	hosts_pairs(run, "net.stream bisection", halves, 2);
	for (size_t i = 0; i < 4; i++)
		json_object_set_new(json_array_get(json_object_get(run->plan, "cases"), i), "across",
				    json_string(i < 3 ? "pairs" : "bisection"));
	return run;
}

/* The same options, and another measurement. */
static void bisection(void **state)
{
	struct fl_run *run = run_with_bisection(3e9);
	struct evidences a, b;
	struct fl_comparison *c;
	struct fl_judgement *j = judge(run);

	(void)state;
	assert_int_equal(j->across_n, 2);
	assert_int_equal(j->across[0].lanes_n, 6);
	assert_int_equal(j->across[1].lanes_n, 2);
	assert_true(fabs(j->across[1].median - 3e9) < 1e7);
	fl_judgement_free(j);
	fl_run_free(run);
	reduce(run_with_bisection(12e9), "a", &a);
	reduce(run_with_bisection(3e9), "b", &b);
	assert_int_equal(fl_compare(&a.side, &b.side, NULL, NAN, &c, NULL), 0);
	assert_int_equal(c->lanes_n, 2);
	assert_true(c->lanes[0].metrics[0].worst > 0.95);
	assert_true(c->lanes[1].metrics[0].worst < 0.3);
	fl_comparison_free(c);
	release(&a);
	release(&b);
}

static struct fl_run *run_sent_by(const char *way)
{
	struct fl_run *run = hosts_run(2);
	const struct hosts_pair one = { 0, 1, 12.2e9 };

	hosts_pairs(run, "net.stream n1 - n2", &one, 1);
	json_array_append_new(json_object_get(json_object_get(run->declared, "net.stream"), "facts"),
			      json_pack("{s:s, s:b, s:s}", "name", "send", "key", 1, "help", "how it was sent"));
	for (size_t i = 0; i < run->lanes_n; i++)
		json_object_set_new(run->lanes[i].facts, "send", json_string(run->lanes[i].lane == 0 ? way : "none"));
	return run;
}

/* What the sender did otherwise makes numbers of the receiver incomparable. */
static void key_of_the_sender(void **state)
{
	struct evidences a, b;
	struct fl_comparison *c;

	(void)state;
	reduce(run_sent_by("zerocopy"), "a", &a);
	reduce(run_sent_by("plain"), "b", &b);
	assert_int_equal(fl_compare(&a.side, &b.side, NULL, NAN, &c, NULL), 0);
	assert_non_null(strstr(change_of(c, "net.stream")->refused, "sender: send was 'zerocopy', is 'plain'"));
	fl_comparison_free(c);
	release(&a);
	release(&b);
}

/* A study of a pair is told by the measurement, and once. */
static void study_of_a_pair(void **state)
{
	struct fl_run *run = hosts_run(2);
	const struct hosts_pair a = { 0, 1, 6e9 }, b = { 0, 1, 12e9 };
	struct fl_judgement *j;

	(void)state;
	hosts_pairs(run, "net.stream streams=1", &a, 1);
	hosts_pairs(run, "net.stream streams=4", &b, 1);
	for (size_t i = 0; i < run->lanes_n; i++)
		for (size_t k = 0; run->lanes[i].lane == 0 && k < run->lanes[i].series[0].n; k++)
			run->lanes[i].series[0].value[k] = 1e9;
	json_object_set_new(run->plan, "studies",
			    json_pack("[{s:s, s:s, s:i, s:i, s:s, s:[s, s]}]", "kind", "sweep", "label", "net.stream",
				      "first_case", 0, "cases", 2, "option", "streams", "values", "1", "4"));
	j = judge(run);
	assert_int_equal(j->studies_n, 1);
	assert_int_equal(j->studies[0].points_n, 2);
	assert_false(j->studies[0].points[0].lane->beside);
	assert_true(fabs(j->studies[0].points[1].median - 12e9) < 1e7);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Of a calibration, too: the lane beside the measurement is none of its points. */
static void calibration_of_pairs(void **state)
{
	struct fl_run *run = hosts_run(2);
	const struct hosts_pair a = { 0, 1, 6e9 }, b = { 1, 0, 12e9 };
	struct fl_judgement *j;

	(void)state;
	hosts_pairs(run, "net.stream streams=1", &a, 1);
	hosts_pairs(run, "net.stream streams=4", &b, 1);
	json_object_set_new(run->plan, "studies",
			    json_pack("[{s:s, s:s, s:i, s:i}]", "kind", "calibration", "label", "net.stream",
				      "first_case", 0, "cases", 2));
	j = judge(run);
	assert_int_equal(j->studies_n, 2); /* of each host that has a measurement */
	for (size_t i = 0; i < j->studies_n; i++) {
		assert_int_equal(j->studies[i].points_n, 1);
		assert_false(j->studies[i].points[0].lane->beside);
	}
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Between hosts it matters how many there were; by itself a lane is the same wherever else others run. */
static void other_number_of_hosts(void **state)
{
	struct evidences a, b;
	struct fl_comparison *c;

	(void)state;
	reduce(hosts_sample(6, NOBODY, NOBODY, NOBODY), "a", &a);
	reduce(hosts_sample(4, NOBODY, NOBODY, NOBODY), "b", &b);
	assert_int_equal(fl_compare(&a.side, &b.side, NULL, NAN, &c, NULL), 0);
	assert_null(change_of(c, "memory.copy")->refused);
	assert_non_null(strstr(change_of(c, "net.stream")->refused, "hosts was '6', is '4'"));
	fl_comparison_free(c);
	release(&a);
	release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compared),
		cmocka_unit_test(both_ways_compared),
		cmocka_unit_test(bisection),
		cmocka_unit_test(key_of_the_sender),
		cmocka_unit_test(study_of_a_pair),
		cmocka_unit_test(calibration_of_pairs),
		cmocka_unit_test(other_number_of_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
