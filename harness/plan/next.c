/* SPDX-License-Identifier: Apache-2.0 */
/* next.c: plan and results so far to the next case, and how far it is. Remembers nothing, so a resumed run asks the
 * same question. Each case has at most one round to come next, the first that it lacks. */
#include "base/units.h"
#include "plan/parts.h"

static unsigned turn_of(const struct fl_study *s, unsigned i, unsigned round)
{
	const struct fl_study_row *row = fl_study_row(s->kind);

	return row->turn ? row->turn(s, i, round) : i;
}

/* Within a study: the case whose turn is first in the lowest round that is still to do. false: the study is done. */
static bool next_of_study(const struct fl_plan *plan, const struct fl_study *s, const struct fl_results *results,
			  struct fl_plan_step *ret)
{
	bool found = false;
	unsigned first_turn = 0;

	for (unsigned i = 0; i < s->cases_n; i++) {
		unsigned round = fl_results_rounds(results, s->first + i), turn = turn_of(s, i, round);

		if (found && (round > ret->round || (round == ret->round && turn > first_turn)))
			continue;
		if (!fl_study_wants(plan, s, i, round, results))
			continue;
		*ret = (struct fl_plan_step){ .case_no = s->first + i, .round = round, .study = s->kind };
		first_turn = turn;
		found = true;
	}
	return found;
}

bool fl_plan_next(const struct fl_plan *plan, const struct fl_results *results, struct fl_plan_step *ret)
{
	bool found = false;

	for (size_t i = 0; i < plan->studies_n; i++) {
		struct fl_plan_step step;

		if (!next_of_study(plan, &plan->studies[i], results, &step) || (found && step.round >= ret->round))
			continue;
		*ret = step;
		found = true;
	}
	return found;
}

/* ---- how far it is */

/* What a case costs beside the time it measures, seen high: workers start (ms), buffers are filled and checked
 * (hundreds of ms for some GiB), the path warms up. The memory that batches go through, and buffers or files of a size
 * that is asked for, at a GB/s; a plan from a store may say anything. */
static const uint64_t overhead_ns = 1000000000, memory_most_ns = UINT64_C(1) << 50;

static uint64_t add_up(uint64_t a, uint64_t b)
{
	return b > (uint64_t)INT64_MAX - a ? (uint64_t)INT64_MAX : a + b;
}

static bool runs(const struct fl_plan_case *c)
{
	for (size_t k = 0; k < c->lanes_n; k++)
		if (!c->lanes[k].skip)
			return true;
	return false;
}

static uint64_t count_of(const struct fl_plan_lane *lane, const char *option)
{
	const char *text = fl_lane_option(lane, option);
	uint64_t value = 0;

	return text && fl_parse_count(text, &value, NULL) == 0 ? value : 0;
}

static uint64_t times(uint64_t bytes, uint64_t n)
{
	return n && bytes > memory_most_ns / n ? memory_most_ns : bytes * n;
}

/* Of all lanes: they share the memory. A byte takes a nanosecond. */
static uint64_t memory_ns(const struct fl_plan_case *c)
{
	uint64_t bytes = 0;

	for (size_t k = 0; k < c->lanes_n; k++) {
		const struct fl_plan_lane *lane = &c->lanes[k];

		if (lane->skip)
			continue;
		bytes = add_up(bytes, times(count_of(lane, "step_bytes"), count_of(lane, "prefetch") + 2));
		bytes = add_up(bytes, times(count_of(lane, "size"), 1));
	}
	return bytes < memory_most_ns ? bytes : memory_most_ns;
}

uint64_t fl_plan_step_ns(const struct fl_plan *plan, unsigned case_no)
{
	const struct fl_plan_case *c = &plan->cases[case_no];

	if (!runs(c))
		return 0;
	return add_up((c->duration_ns ? c->duration_ns : FL_PLAN_UNTIL_NS) + overhead_ns, memory_ns(c));
}

struct fl_plan_left fl_plan_left(const struct fl_plan *plan, const struct fl_results *results)
{
	struct fl_plan_left left = { 0 };

	for (size_t i = 0; i < plan->studies_n; i++) {
		const struct fl_study *s = &plan->studies[i];

		for (unsigned k = 0; k < s->cases_n; k++) {
			const struct fl_plan_case *c = &plan->cases[s->first + k];
			unsigned done = fl_results_rounds(results, s->first + k);
			unsigned most = fl_study_wants(plan, s, k, done, results) ? c->rounds : done;

			left.steps_done += done;
			left.steps_most += most;
			left.time_ns = add_up(left.time_ns, (most - done) * fl_plan_step_ns(plan, s->first + k));
		}
	}
	return left;
}

uint64_t fl_plan_time_ns(const struct fl_plan *plan)
{
	struct fl_results *none = fl_results_make(plan);
	uint64_t time_ns = fl_plan_left(plan, none).time_ns;

	fl_results_free(none);
	return time_ns;
}
