/* SPDX-License-Identifier: Apache-2.0 */
/* study.c: the table of studies, one row a kind, and what the rows share. */
#include "base/alloc.h"
#include "plan/parts.h"

static const struct fl_study_row *const rows[] = {
	[FL_STUDY_REPEAT] = &fl_study_repeat,
	[FL_STUDY_SWEEP] = &fl_study_sweep,
	[FL_STUDY_SOLO] = &fl_study_solo,
	[FL_STUDY_BESIDE] = &fl_study_beside,
	[FL_STUDY_AB] = &fl_study_ab,
	[FL_STUDY_CALIBRATION] = &fl_study_calibration,
	[FL_STUDY_STARVATION] = &fl_study_starvation,
	[FL_STUDY_LADDER] = &fl_study_ladder,
};

const struct fl_study_row *fl_study_row(enum fl_study_kind kind)
{
	return rows[kind];
}

const char *fl_study_name(enum fl_study_kind kind)
{
	return rows[kind]->name;
}

bool fl_study_wants(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
		    const struct fl_results *results)
{
	const struct fl_study_row *row = rows[s->kind];

	return round < plan->cases[s->first + i].rounds && (!row->wants || row->wants(plan, s, i, round, results));
}

unsigned fl_study_turn_about(const struct fl_study *s, unsigned i, unsigned round)
{
	return round % 2 ? s->cases_n - 1 - i : i;
}

struct fl_study *fl_plan_add_study(struct fl_plan *plan, enum fl_study_kind kind, const char *label)
{
	struct fl_study *s;

	plan->studies = fl_grow(plan->studies, plan->studies_n + 1, sizeof(*plan->studies));
	s = &plan->studies[plan->studies_n++];
	*s = (struct fl_study){ .kind = kind, .label = fl_dup(label), .first = (unsigned)plan->cases_n };
	return s;
}
