/* SPDX-License-Identifier: Apache-2.0 */
/* starved.h: whole studies of starvation for the tests of this room: a loop, its open loop, its control, a ladder. */
#ifndef FL_TESTS_STARVED_H
#define FL_TESTS_STARVED_H
#include "../studied.h"
#include "judged.h"

static const char *const three[] = { "loop", "open", "control", NULL };
static const char *const ladder[] = { "loop", "open", "control", "T1", "slowed-0", "slowed-1", NULL };
enum { LOOP, OPEN, CONTROL, T1, SLOWED_0, SLOWED_1 };

static inline struct source times(double rho, double jitter, uint64_t seed)
{
	return (struct source){ STUDIED_C / rho, jitter, 0x9e3779b97f4a7c15 * (seed + 1) };
}

/* Loop, open loop and control in one round; the control oversleeps by `loss`. */
static inline double add_three(struct fl_run *run, unsigned round, double rho, double jitter, double loss, size_t steps)
{
	uint64_t seed = 10 * round + (uint64_t)(1000 * rho);
	double S = studied_loop(run, LOOP, 0, round, times(rho, jitter, seed), STUDIED_C, by_source, steps);

	studied_open(run, OPEN, 0, round, times(rho, jitter, seed + 1), steps);
	studied_loop(run, CONTROL, 0, round, times(1000, 0, seed + 2), STUDIED_C / (1 - loss), idle, steps);
	return S;
}

static inline struct fl_run *simple(unsigned rounds, double rho, double jitter, double loss, size_t steps)
{
	struct fl_run *run = studied_run("starvation", "direct", 1, (int)rounds, three);

	for (unsigned i = 0; i < rounds; i++)
		add_three(run, i, rho, jitter, loss, steps);
	return run;
}

/* Of the loop, and of the run unless its status says otherwise. */
static inline void expect(const struct fl_judgement *j, enum fl_band band, enum fl_verdict verdict,
			  enum fl_status status)
{
	const struct fl_lane_verdict *v = &j->lanes[LOOP];

	assert_non_null(v->feed);
	if (v->feed->band != band || v->verdict != verdict || j->status != status)
		fail_msg("%s, %s, status %d: %s", v->feed->band ? fl_band_name(v->feed->band) : "-",
			 fl_verdict_name(v->verdict), j->status, v->reason ? v->reason : "");
	assert_true(j->verdict == verdict || status == FL_STATUS_FAIL);
}

/* What a ladder met: rates as shares of what is wanted. */
struct met {
	double loop, T1;
	struct stages stages;
	double slowed; /* 0: it was not needed */
	double waited; /* for a CPU, of its threads' time */
	double device; /* bytes that the drive counted, of one */
};

static inline struct fl_run *ladder_run(const struct met *m, unsigned rounds)
{
	struct fl_run *run = studied_run("ladder", "direct", 1, (int)rounds, ladder);

	for (unsigned i = 0; i < rounds; i++) {
		struct fl_lane_record *r;

		studied_loop(run, LOOP, 0, i, times(m->loop, 0.05, i), STUDIED_C, m->stages, 200);
		r = &run->lanes[run->lanes_n - 1];
		json_object_set_new(r->notes, "threads", json_integer(3));
		json_object_set_new(
			r->notes, "witnesses",
			json_pack("{s:f, s:f}", "run_queue_wait_ratio", m->waited, "device_read_ratio", m->device));
		studied_open(run, OPEN, 0, i, times(m->loop, 0.05, i + 10), 200);
		studied_loop(run, CONTROL, 0, i, times(1000, 0, i + 20), STUDIED_C, idle, 200);
		studied_open(run, T1, 0, i, times(m->T1, 0.05, i + 30), 200);
		if (m->slowed > 0)
			studied_loop(run, SLOWED_1, 0, i, times(m->slowed, 0.05, i + 40), STUDIED_C, by_source, 200);
	}
	return run;
}

#define DRIVE  "drive nvme-S1"
#define MEMORY "copying into it (one CPU, DRAM of node0)"

static inline struct fl_run *shared_run(const double rho[4], double alone, struct stages stages)
{
	static const char *const cases[] = { "loop", "open", "control", "T1", "T3", NULL };
	struct fl_run *run = studied_run("ladder", "direct", 4, 2, cases);

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 4; i++) {
			studied_loop(run, 0, i, round, times(rho[i], 0.05, i), STUDIED_C, stages, 200);
			studied_open(run, 1, i, round, times(rho[i], 0.05, i + 10), 200);
			studied_loop(run, 2, i, round, times(1000, 0, i), STUDIED_C, idle, 200);
		}
		studied_open(run, 3, 0, round, times(6, 0, 1), 200);
		studied_open(run, 4, 0, round, times(alone, 0.05, 1), 200);
	}
	return run;
}

#endif
