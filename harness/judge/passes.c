/* SPDX-License-Identifier: Apache-2.0 */
/* passes.c: a calibration: how far its passes differ. What comparisons make of that is noise.h. */
#include "base/alloc.h"
#include "base/units.h"
#include "judge/parts.h"
#include <math.h>

void fl_study_find_spread(struct fl_study_result *s)
{
	const struct fl_study_point *worst = NULL;
	char shown[FL_UNIT_TEXT];

	for (size_t i = 0; i < s->points_n; i++) {
		struct fl_study_point *p = &s->points[i];
		const struct fl_metric_summary *m = fl_speaking(p->lane);

		if (m && p->lane->pass_rounds)
			p->spread = fl_spread_of_passes(m->of_round, p->lane->rounds_planned, p->lane->pass_rounds);
		if (!isnan(p->spread) && (!worst || p->spread > worst->spread))
			worst = p;
	}
	s->found = worst ? fl_format("passes differ by %s at most (%s of %s)", fl_show_percent(shown, worst->spread),
				     worst->metric, worst->lane->bench)
			 : fl_dup("no lane has two passes");
}
