/* SPDX-License-Identifier: Apache-2.0 */
/* test_moments.c: all witnesses of a case together: what each lane is told, and what belongs to another one. */
#include "base/alloc.h"
#include "base/json.h"
#include "run/witness.h"
#include <feedline/bench.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t second = UINT64_C(1000000000);

/* The reasons are `expected`, one or none (NULL). Takes the list. */
static void assert_reasons(json_t *reasons, const char *expected)
{
	const char *first = json_string_value(json_array_get(reasons, 0));

	if (json_array_size(reasons) != (expected ? 1 : 0) || (expected && strcmp(first, expected)))
		fail_msg("'%s' instead of '%s'", first ? first : "no reason", expected ? expected : "no reason");
	json_decref(reasons);
}

/* Two lanes, of CPUs 1 and 3 and of CPU 2, for a second in which nothing happened. The first one reads a file on the
 * machine's only drive. */
struct two {
	struct fl_drive drive;
	struct fl_mount mount;
	struct fl_machine machine;
	struct fl_option option;
	struct fl_drive_look looks[2];
	struct fl_moment before, after;
	struct fl_lane_moment lanes[2][2];
	struct fl_speeds began;
	struct fl_agent agent;
	struct fl_plan_lane plans[2];
	struct fl_entry entries[2];
	struct fl_case_lane of_case[2];
	struct fl_worker worker; /* of both, where a test says so */
	struct fl_case c;
};

static void init_moment(struct fl_moment *m, struct fl_lane_moment *lanes, uint64_t at_ns)
{
	*m = (struct fl_moment){
		.load = { at_ns, fl_zalloc(FL_CPUS_MAX, sizeof(struct fl_cpu_times)), 4 },
		.heat = fl_zalloc(FL_CPUS_MAX, sizeof(struct fl_heat)),
		.speeds = { fl_zalloc(FL_CPUS_MAX, sizeof(struct fl_speed)), FL_BOOST_UNKNOWN },
		.clocks = { (int64_t)at_ns, (int64_t)at_ns, (int64_t)at_ns, "tsc" },
		.lanes = lanes,
	};
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		m->load.cpus[cpu].free_ns = at_ns;
		m->heat[cpu].known = true;
		m->speeds.of[cpu].hz = 1e9 * cpu;
	}
	for (unsigned i = 0; i < 2; i++)
		lanes[i].wait = (struct fl_wait){ .at_ns = at_ns, .has_waited = true };
}

static void two_init(struct two *t)
{
	static struct fl_field file[] = { { .name = "path", .type = FL_PATH }, { 0 } };
	static struct fl_field memory[] = { { .name = "numa", .type = FL_DEVICE, .range = "node" }, { 0 } };
	static struct fl_flow from_file[] = { { "path", "memory", 1, NULL }, { 0 } },
			      copy[] = { { "numa", "cpu", 1, NULL }, { 0 } };
	static struct fl_fact facts[] = { { .name = "direct" }, { 0 } };
	static char words[][16] = { "vda", "/dev/vda", "254:0", "path", "/file", "/", "ext4" };

	*t = (struct two){ .entries = { { .fields = file, .flows = from_file, .facts = facts },
					{ .fields = memory, .flows = copy, .facts = facts } },
			   .plans = { { .cpus = { { 2 | 8 } } }, { .cpus = { { 4 } } } },
			   .drive = { .id = words[0], .block = words[0], .path = words[1], .dev = words[2] },
			   .mount = { .at = words[5], .type = words[6], .dev = words[2] },
			   .option = { words[3], words[4] } };
	t->machine = (struct fl_machine){ .drives = &t->drive, .drives_n = 1, .mounts = &t->mount, .mounts_n = 1 };
	t->plans[0].options = &t->option;
	t->plans[0].options_n = 1;
	init_moment(&t->before, t->lanes[0], second);
	init_moment(&t->after, t->lanes[1], 2 * second);
	fl_speeds_look(-1, &t->plans[0].cpus, &t->began);
	t->before.drives = &t->looks[0];
	t->after.drives = &t->looks[1];
	t->before.drives_at_ns = second;
	t->after.drives_at_ns = 2 * second;
	t->agent.machine = &t->machine;
	t->agent.began = &t->began;
	t->c = (struct fl_case){ .agent = &t->agent, .lanes = t->of_case, .lanes_n = 2 };
	t->c.before = &t->before;
	t->c.after = &t->after;
	for (unsigned i = 0; i < 2; i++)
		t->of_case[i] = (struct fl_case_lane){ .plan = &t->plans[i], .entry = &t->entries[i], .threads = 1 };
}

static void two_release(struct two *t)
{
	struct fl_moment *moments[] = { &t->before, &t->after };

	for (unsigned i = 0; i < 2; i++) {
		fl_load_release(&moments[i]->load);
		fl_speeds_release(&moments[i]->speeds);
		free(moments[i]->heat);
	}
	fl_speeds_release(&t->began);
}

/* Of the second, that CPU worked so much. */
static void work(struct two *t, unsigned cpu, uint64_t ms)
{
	t->after.load.cpus[cpu].work_ns = ms * 1000000;
	t->after.load.cpus[cpu].free_ns -= ms * 1000000;
}

static void nothing(struct two *t)
{
	(void)t;
}

static void foreign_work(struct two *t)
{
	work(t, 2, 500);
}

static void own_work(struct two *t)
{
	work(t, 1, 400);
	work(t, 3, 500);
	t->lanes[1][0].used_ns = 800000000;
	t->after.agent_used_ns = 100000000;
}

/* The plan let the second lane run on a CPU of the first. */
static void shared_work(struct two *t)
{
	t->plans[1].cpus = (struct fl_cpus){ { 8 } };
	work(t, 3, 1000);
	t->lanes[1][0].used_ns = 500000000;
	t->lanes[1][1].used_ns = 500000000;
}

/* Both lanes in one process: what it used was used once. */
static void foreign_work_beside_a_shared_process(struct two *t)
{
	t->worker.cpus = (struct fl_cpus){ { 2 | 4 | 8 } };
	work(t, 2, 600);
	for (unsigned i = 0; i < 2; i++) {
		t->of_case[i].worker = &t->worker;
		t->lanes[1][i].used_ns = 300000000;
	}
}

static void emulation(struct two *t)
{
	for (unsigned cpu = 1; cpu <= 3; cpu++) {
		t->after.load.cpus[cpu].steal_ns = 150000000;
		t->after.load.cpus[cpu].free_ns -= 150000000;
	}
}

static void second_waits(struct two *t)
{
	t->lanes[1][1].wait.waited_ns = 300000000;
}

static void both_wait_as_planned(struct two *t)
{
	for (unsigned i = 0; i < 2; i++) {
		t->lanes[1][i].wait.waited_ns = 300000000;
		t->plans[i].shares_cpus = true;
	}
}

static void heat_of_3(struct two *t)
{
	t->after.heat[3].core = 2;
}

static void rules_of_2(struct two *t)
{
	fl_copy(t->began.of[2].governor, sizeof(t->began.of[2].governor), "performance");
	fl_copy(t->after.speeds.of[2].governor, sizeof(t->began.of[2].governor), "powersave");
}

static void busy_and_slower(struct two *t)
{
	work(t, 2, 1000);
	t->lanes[1][1].used_ns = second;
	t->after.speeds.of[2].hz = 1e9;
	t->after.speeds.of[3].hz = 1e9; /* of a lane that hardly does anything */
}

static void other_scheduler(struct two *t)
{
	static char none[] = "none";

	t->drive.scheduler.value = none;
	fl_copy(t->looks[0].scheduler, sizeof(t->looks[0].scheduler), "none");
	fl_copy(t->looks[1].scheduler, sizeof(t->looks[1].scheduler), "bfq");
}

static void each_lane_its_own(void **state)
{
	static const struct {
		void (*happen)(struct two *);
		const char *first, *second;
	} rows[] = {
		{ nothing, NULL, NULL },
		{ foreign_work, NULL, "other programs took 50 % of the time of its CPUs" },
		{ own_work, NULL, NULL },
		{ shared_work, NULL, NULL },
		{ foreign_work_beside_a_shared_process, NULL, "other programs took 30 % of the time of its CPUs" },
		{ emulation, NULL, "the hypervisor took 15 % of the time of its CPUs" },
		{ second_waits, NULL, "its threads waited for a CPU 30 % of the time" },
		{ both_wait_as_planned, NULL, NULL },
		{ heat_of_3, "its CPUs were slowed down by heat (cores 2 times, package 0 times)", NULL },
		{ rules_of_2, NULL, "the governor of CPU 2 changed from 'performance' to 'powersave' during the run" },
		{ other_scheduler, "scheduler of drive 'vda' changed from 'none' to 'bfq' during the run", NULL },
		{ busy_and_slower, NULL, "the clock of CPU 2 went from 2000 to 1000 MHz" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *expected[] = { rows[i].first, rows[i].second };
		struct two t;

		two_init(&t);
		rows[i].happen(&t);
		for (unsigned k = 0; k < 2; k++) {
			json_t *reasons = json_array(), *numbers = fl_moments_judge(&t.c, &t.of_case[k], reasons);

			assert_reasons(reasons, expected[k]);
			assert_true(fl_json_number_or_nan(numbers, "frequency_before_hz") ==
				    1e9 * fl_cpus_nth(&t.plans[k].cpus, 0));
			json_decref(numbers);
		}
		two_release(&t);
	}
}

/* Of a window of 300 ms the load is not known, and is null; waiting is. */
static void short_window(void **state)
{
	json_t *reasons = json_array(), *numbers;
	struct two t;

	(void)state;
	two_init(&t);
	t.after.load.at_ns = t.lanes[1][0].wait.at_ns = second + 300000000;
	numbers = fl_moments_judge(&t.c, &t.of_case[0], reasons);
	assert_true(json_is_null(json_object_get(numbers, "others_ratio")));
	assert_true(json_is_null(json_object_get(numbers, "interrupts_ratio")));
	assert_true(json_number_value(json_object_get(numbers, "steal_ratio")) == 0);
	assert_true(json_is_number(json_object_get(numbers, "run_queue_wait_ratio")));
	assert_reasons(reasons, NULL);
	json_decref(numbers);
	two_release(&t);
}

/* What a lane's drive moved in the second, by both counters; a lane without a drive has nothing to do with it. */
static void delivery_of_lanes(void **state)
{
	struct fl_delivery d;
	struct two t;

	(void)state;
	two_init(&t);
	t.looks[1].read_bytes = 3e6;
	t.lanes[1][0].io.read_bytes = 2e6;
	t.of_case[0].payload_bytes = 1e6;
	t.of_case[0].open_bytes = 98000;
	d = fl_moments_delivery(&t.c, &t.of_case[0], false);
	assert_true(d.device_bytes == 3e6 && d.own_bytes == 2e6 && d.payload_bytes == 1e6 && d.direct_bytes == 0);
	assert_true(fabs(d.flight_bytes - 1e5) < 1);
	t.of_case[0].done = json_pack("{s:{s:s}}", "facts", "direct", "yes");
	d = fl_moments_delivery(&t.c, &t.of_case[0], false);
	assert_true(d.direct_bytes == 1e6);
	t.looks[1].read_bytes = -1; /* as if the counter began anew */
	d = fl_moments_delivery(&t.c, &t.of_case[0], false);
	assert_true(isnan(d.device_bytes));
	d = fl_moments_delivery(&t.c, &t.of_case[0], true);
	assert_true(isnan(d.device_bytes) && d.payload_bytes == 0);
	d = fl_moments_delivery(&t.c, &t.of_case[1], false);
	assert_true(isnan(d.device_bytes) && d.payload_bytes == 0);
	json_decref(t.of_case[0].done);
	two_release(&t);
}

/* What moments are made of, on this machine; lanes without a worker used nothing. */
static void moment_of_this_machine(void **state)
{
	const struct fl_machine machine = { 0 };
	struct fl_moment *m;
	struct two t;

	(void)state;
	two_init(&t);
	t.agent.machine = &machine;
	m = fl_moment_take(&t.c);
	assert_true(m->load.at_ns > 0 && m->agent_used_ns > 0 && m->lanes[1].used_ns == 0);
	fl_moment_free(m);
	two_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_lane_its_own),
		cmocka_unit_test(short_window),
		cmocka_unit_test(delivery_of_lanes),
		cmocka_unit_test(moment_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
