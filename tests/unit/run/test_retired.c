/* SPDX-License-Identifier: Apache-2.0 */
/* test_retired.c: devices that are not used again, and which lanes are not begun because of them. */
#include "run/case.h"
#include "run/retired.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void the_first_reason_stays(void **state)
{
	struct fl_retired r = { 0 };

	(void)state;
	assert_null(fl_retired_why(&r, "gpu-1"));
	fl_retired_add(&r, "gpu-1", "it hung");
	fl_retired_add(&r, "gpu-2", "it was lost");
	fl_retired_add(&r, "gpu-1", "it was lost");
	assert_string_equal(fl_retired_why(&r, "gpu-1"), "it hung");
	assert_string_equal(fl_retired_why(&r, "gpu-2"), "it was lost");
	assert_null(fl_retired_why(&r, "gpu-"));
	fl_retired_release(&r);
	assert_null(fl_retired_why(&r, "gpu-1"));
}

/* A machine with a GPU in two parts, a whole one, and a drive below "/". */
struct rack {
	struct fl_gpu gpus[4];
	struct fl_drive drive;
	struct fl_mount mount;
	struct fl_machine machine;
	struct fl_retired retired;
	struct fl_agent agent;
	struct fl_plan_case plan;
	struct fl_option options[3];
	struct fl_plan_lane lane_plan;
	struct fl_entry entry;
	struct fl_worker worker;
	struct fl_case_lane lane;
	struct fl_case c;
};

/* peer: another GPU that the lane uses; NULL: none. */
static void rack_init(struct rack *r, const char *gpu, const char *peer, const char *path)
{
	static struct fl_field fields[] = { { .name = "gpu", .type = FL_DEVICE, .range = "gpu" },
					    { .name = "path", .type = FL_PATH },
					    { .name = "peer", .type = FL_DEVICE, .range = "gpu" },
					    { 0 } };
	static struct fl_flow flows[] = { { "path", "gpu", 1, NULL }, { 0 } };

	*r = (struct rack){ .gpus = { { .id = (char *)"gpu-1", .mig = { .value = (char *)"on" } },
				      { .id = (char *)"mig-1", .parent = (char *)"gpu-1" },
				      { .id = (char *)"mig-2", .parent = (char *)"gpu-1" },
				      { .id = (char *)"gpu-2" } },
			    .drive = { .id = (char *)"vda",
				       .block = (char *)"vda",
				       .path = (char *)"/dev/vda",
				       .dev = (char *)"254:0" },
			    .mount = { .at = (char *)"/", .type = (char *)"ext4", .dev = (char *)"254:0" },
			    .options = { { (char *)"gpu", (char *)gpu },
					 { (char *)"path", (char *)path },
					 { (char *)"peer", (char *)peer } },
			    .plan = { .label = (char *)"a case" },
			    .entry = { .fields = fields, .flows = flows } };
	r->machine = (struct fl_machine){
		.gpus = r->gpus, .gpus_n = 4, .drives = &r->drive, .drives_n = 1, .mounts = &r->mount, .mounts_n = 1
	};
	r->agent = (struct fl_agent){ .machine = &r->machine, .retired = &r->retired };
	r->lane_plan = (struct fl_plan_lane){ .bench = (char *)"b", .options = r->options, .options_n = peer ? 3 : 2 };
	r->lane = (struct fl_case_lane){ .plan = &r->lane_plan, .entry = &r->entry, .worker = &r->worker };
	r->worker = (struct fl_worker){ .program = (char *)"feedline-lane-x" };
	r->c = (struct fl_case){ .agent = &r->agent, .plan = &r->plan, .lanes = &r->lane, .lanes_n = 1 };
}

enum deed { NOTHING, HANG, LOSE, ABANDON };

/* What a lane on `gpu` does, and which devices are not used again. */
static void what_a_lane_takes_with_it(void **state)
{
	static const struct {
		enum deed deed;
		const char *gpu, *peer, *gone;
		const char *why;
	} rows[] = {
		{ NOTHING, "gpu-2", NULL, "", NULL },
		{ HANG, "gpu-2", NULL, "gpu-2", "phase 'start' of 'a case' did not end" },
		{ HANG, "mig-1", NULL, "mig-1", "phase 'start' of 'a case' did not end" },
		{ HANG, "gpu-2", "gpu-1", "gpu-2 gpu-1", "phase 'start' of 'a case' did not end" },
		{ LOSE, "mig-1", NULL, "mig-1 mig-2 gpu-1", "it was lost in 'a case': off the bus" },
		{ LOSE, "gpu-2", NULL, "gpu-2", "it was lost in 'a case': off the bus" },
		{ LOSE, "gpu-2", "gpu-1", "", NULL }, /* which of them nobody knows */
		{ ABANDON, "gpu-2", NULL, "gpu-2 vda", "process 77, which used it last, cannot be ended" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const all[] = { "gpu-1", "gpu-2", "mig-1", "mig-2", "vda" };
		struct fl_err err = { 0 };
		struct rack r;

		rack_init(&r, rows[i].gpu, rows[i].peer, "/file");
		if (rows[i].deed == HANG)
			fl_case_retire_hung(&r.c, &r.lane);
		if (rows[i].deed == LOSE)
			fl_case_retire_lost(&r.c, &r.lane, "off the bus");
		if (rows[i].deed == ABANDON) {
			fl_case_note_devices(&r.c, &r.lane);
			fl_agent_abandon(&r.agent, &r.worker, 77);
		}
		for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
			const char *why = fl_retired_why(&r.retired, all[k]);

			assert_true(!why == !strstr(rows[i].gone, all[k]));
			assert_true(!why || strcmp(why, rows[i].why) == 0);
		}
		assert_int_equal(fl_case_refuse_retired(&r.c, &r.lane, &err), *rows[i].gone ? -ENODEV : 0);
		if (rows[i].why)
			assert_non_null(strstr(err.what, rows[i].why));
		fl_retired_release(&r.retired);
		for (size_t k = 0; k < r.worker.devices_n; k++)
			free(r.worker.devices[k]);
		free(r.worker.devices);
	}
}

/* A second lane, of the same worker: which GPUs it uses, how far it has come, and which GPUs are not used again after
 * the first one, on gpu-2 and gpu-1, hangs. */
static void a_lane_that_hangs_beside_another(void **state)
{
	static const struct {
		const char *gpu, *peer;
		enum fl_lane_state at;
		const char *gone;
	} rows[] = {
		{ "gpu-2", NULL, FL_LANE_STOPPING, "gpu-2" }, /* both hang: what they share */
		{ "mig-1", NULL, FL_LANE_STOPPING, "" },      /* nothing */
		{ "gpu-1", "gpu-2", FL_LANE_STOPPING, "gpu-1 gpu-2" },
		{ "gpu-2", NULL, FL_LANE_DONE, "gpu-1" },	   /* gpu-2 works */
		{ "gpu-2", "gpu-1", FL_LANE_DONE, "gpu-1 gpu-2" }, /* both do, and one hangs all the same */
		{ "gpu-2", NULL, FL_LANE_FAILED, "gpu-1 gpu-2" },  /* for whatever reason */
		{ "mig-1", NULL, FL_LANE_DONE, "gpu-1 gpu-2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const all[] = { "gpu-1", "gpu-2", "mig-1" };
		struct fl_case_lane lanes[2];
		struct rack r, other;

		rack_init(&r, "gpu-2", "gpu-1", "/file");
		rack_init(&other, rows[i].gpu, rows[i].peer, "/file");
		lanes[0] = r.lane;
		lanes[1] = other.lane;
		lanes[1].worker = r.lane.worker;
		lanes[0].state = FL_LANE_STOPPING;
		lanes[1].state = rows[i].at;
		r.c.lanes = lanes;
		r.c.lanes_n = 2;
		fl_case_retire_hung(&r.c, &lanes[0]);
		for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			if (!fl_retired_why(&r.retired, all[k]) != !strstr(rows[i].gone, all[k]))
				fail_msg("%zu: %s", i, all[k]);
		fl_retired_release(&r.retired);
	}
}

static bool has_arrived(const struct fl_case_lane *lane)
{
	return lane->state == FL_LANE_DONE;
}

/* Of lanes that hang in one worker after a while of 10: each is where it says, with a limit of its own; and which of
 * them is seen to be late. */
static void who_is_to_blame(void **state)
{
	enum { LANES = 3 };
	static const struct {
		struct {
			enum fl_lane_state at;
			enum fl_phase phase;
			uint64_t limit_ns;
			unsigned worker;
		} lanes[LANES];
		unsigned late, guilty;
	} rows[] = {
		/* Those that have come further wait for it. */
		{ { { FL_LANE_READY, FL_PHASE_READY, 10, 0 },
		    { FL_LANE_SIZED, FL_PHASE_OPEN, 10, 0 },
		    { FL_LANE_READY, FL_PHASE_READY, 10, 0 } },
		  0,
		  1 },
		/* In one state the phase decides. */
		{ { { FL_LANE_STOPPING, FL_PHASE_VERIFY, 10, 0 },
		    { FL_LANE_STOPPING, FL_PHASE_LEAVE, 10, 0 },
		    { FL_LANE_STOPPING, FL_PHASE_STEP, 10, 0 } },
		  0,
		  2 },
		/* Alike: nobody knows, so the one that was seen. */
		{ { { FL_LANE_STOPPING, FL_PHASE_STEP, 10, 0 },
		    { FL_LANE_STOPPING, FL_PHASE_STEP, 10, 0 },
		    { FL_LANE_STOPPING, FL_PHASE_STEP, 10, 0 } },
		  1,
		  1 },
		/* It is behind, and still has time. */
		{ { { FL_LANE_READY, FL_PHASE_READY, 10, 0 },
		    { FL_LANE_SIZED, FL_PHASE_OPEN, 11, 0 },
		    { FL_LANE_DONE, FL_PHASE_END, 10, 0 } },
		  0,
		  0 },
		/* Another worker's; and one that has failed already. */
		{ { { FL_LANE_READY, FL_PHASE_READY, 10, 0 },
		    { FL_LANE_SIZED, FL_PHASE_OPEN, 10, 1 },
		    { FL_LANE_FAILED, FL_PHASE_OPEN, 10, 0 } },
		  0,
		  0 },
		/* Failed lanes come last by their state and never count, wherever they stopped. */
		{ { { FL_LANE_FAILED, FL_PHASE_START, 10, 0 },
		    { FL_LANE_STOPPING, FL_PHASE_STEP, 10, 0 },
		    { FL_LANE_SIZED, FL_PHASE_ENTER, 10, 0 } },
		  1,
		  2 },
	};
	const struct fl_tape_shape shape = { .threads = 1, .steps_max = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_worker workers[2] = { 0 };
		struct fl_case_lane lanes[LANES] = { 0 };
		struct fl_case c = { .lanes = lanes, .lanes_n = LANES };
		const struct fl_case_lane *guilty;

		for (unsigned k = 0; k < LANES; k++) {
			int fd;

			lanes[k].worker = &workers[rows[i].lanes[k].worker];
			lanes[k].state = rows[i].lanes[k].at;
			lanes[k].limit_ns = rows[i].lanes[k].limit_ns;
			assert_int_equal(fl_tape_create(&shape, &lanes[k].tape, &fd, NULL), 0);
			close(fd);
			fl_tape_set_phase(lanes[k].tape, rows[i].lanes[k].phase);
		}
		guilty = fl_case_guilty(&c, &lanes[rows[i].late], has_arrived, 10);
		if (guilty != &lanes[rows[i].guilty])
			fail_msg("row %zu: lane %td", i, guilty - lanes);
		for (unsigned k = 0; k < LANES; k++)
			fl_tape_free(lanes[k].tape);
	}
}

/* A lane that reads from such a drive is not begun; one that reads from memory is. */
static void a_drive_that_is_not_used_again(void **state)
{
	struct fl_err err = { 0 };
	struct rack r;

	(void)state;
	rack_init(&r, "gpu-2", NULL, "/file");
	fl_retired_add(&r.retired, "vda", "process 77, which used it last, cannot be ended");
	assert_int_equal(fl_case_refuse_retired(&r.c, &r.lane, &err), -ENODEV);
	assert_string_equal(err.what,
			    "vda is not used again in this run: process 77, which used it last, cannot be ended");
	assert_non_null(strstr(err.hint, "dmesg"));
	r.mount.dev = (char *)"0:40";
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_case_refuse_retired(&r.c, &r.lane, &err), 0);
	fl_retired_release(&r.retired);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_reason_stays),	    cmocka_unit_test(what_a_lane_takes_with_it),
		cmocka_unit_test(a_lane_that_hangs_beside_another), cmocka_unit_test(who_is_to_blame),
		cmocka_unit_test(a_drive_that_is_not_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
