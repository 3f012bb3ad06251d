/* SPDX-License-Identifier: Apache-2.0 */
/* steady.c: two cuts, two tests. */
#include "run/steady.h"
#include "base/alloc.h"
#include "base/ranks.h"
#include "base/stats.h"
#include "base/units.h"
#include "record/series.h"
#include <math.h>
#include <stdlib.h>

static const double change_max = 0.1; /* of the larger median */
static const double alpha = 0.0005;   /* of one cut */

static bool differ(struct fl_ranks *ranks, const double *rates, size_t n, size_t cut, struct fl_departure *ret)
{
	if (fl_rank_sum_least_p(cut, n - cut) > alpha)
		return false;
	ret->before = fl_median(rates, cut);
	ret->after = fl_median(rates + cut, n - cut);
	return fabs(ret->after - ret->before) > change_max * fmax(ret->before, ret->after) &&
	       fl_rank_sum_p(ranks, rates, cut, rates + cut, n - cut) <= alpha;
}

bool fl_steady_left(const double *rates, size_t n, struct fl_departure *ret)
{
	struct fl_ranks *ranks = fl_ranks_new();
	const size_t cuts[] = { [FL_CUT_MIDDLE] = n / 2, [FL_CUT_LAST_QUARTER] = n - n / 4 };
	bool left = false;

	for (unsigned i = FL_CUT_MIDDLE; i <= FL_CUT_LAST_QUARTER && !left; i++) {
		struct fl_departure found = { .cut = i };

		left = differ(ranks, rates, n, cuts[i], &found);
		if (left)
			*ret = found;
	}
	fl_ranks_free(ranks);
	return left;
}

char *fl_steady_judge(const struct fl_series *series)
{
	static const char *const parts[][2] = {
		[FL_CUT_MIDDLE] = { "half", "second" }, [FL_CUT_LAST_QUARTER] = { "three quarters", "last" }
	};
	double *rates = fl_zalloc(series->n + 1, sizeof(*rates));
	size_t n = fl_series_samples(series, rates);
	char before[FL_UNIT_TEXT], after[FL_UNIT_TEXT], *reason = NULL;
	struct fl_departure d;

	if (fl_steady_left(rates, n, &d))
		reason = fl_format("it left its steady state: %s in the first %s of the window, %s in the %s",
				   fl_show_metric(before, series->metric, d.before), parts[d.cut][0],
				   fl_show_metric(after, series->metric, d.after), parts[d.cut][1]);
	free(rates);
	return reason;
}
