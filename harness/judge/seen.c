/* SPDX-License-Identifier: Apache-2.0 */
/* seen.c: what the link of a GPU was seen to be while the lane's payload went over it: at rest it shows less. */
#include "judge/parts.h"
#include <math.h>
#include <string.h>

static const double gts_of[] = { NAN, 2.5, 5, 8, 16, 32, 64 }; /* by generation */
enum { GENERATIONS = sizeof(gts_of) / sizeof(gts_of[0]) };

/* The most that a metric of the GPU was in that case, within the window (times before it are negative); NaN: it was not
 * looked at. */
static double most_of(const struct fl_subject *s, const char *gpu, const char *metric)
{
	double most = NAN;

	for (size_t i = 0; i < s->run->watched_n; i++) {
		const struct fl_watched *w = &s->run->watched[i];

		if (w->case_no != s->case_no || strcmp(w->subject, gpu) != 0 || strcmp(w->series.metric, metric) != 0)
			continue;
		for (size_t k = 0; k < w->series.n; k++)
			if (w->series.valid[k] && w->series.at[k] >= 0)
				most = fmax(most, w->series.value[k]);
	}
	return most;
}

bool fl_find_seen_link(const struct fl_subject *s, const struct fl_gpu *gpu, struct fl_seen_link *ret)
{
	const char *id = gpu->parent ? gpu->parent : gpu->id;
	double generation = most_of(s, id, "pcie_gen"), lanes = most_of(s, id, "pcie_lanes");

	if (!(generation >= 1 && generation < GENERATIONS) || !(lanes >= 1))
		return false;
	*ret = (struct fl_seen_link){ .gts = gts_of[(size_t)generation], .lanes = lanes };
	return true;
}
