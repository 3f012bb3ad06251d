/* SPDX-License-Identifier: Apache-2.0 */
/* compared.h: evidence made in code, and random numbers that are the same each time, for the tests of comparisons. */
#ifndef FL_TESTS_COMPARED_H
#define FL_TESTS_COMPARED_H
#include "base/alloc.h"
#include "base/text.h"
#include "judge/change.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* xorshift64*: 0 < u < 1 */
static inline double uniform(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return ((double)((*seed * UINT64_C(2685821657736338717)) >> 11) + 0.5) * 0x1p-53;
}

/* Mean 0, deviation 1: normal (Box-Muller), or with a tail towards low values (exponential). */
static inline double noise_of(uint64_t *seed, bool low_tail)
{
	double u = uniform(seed), v = uniform(seed);

	return low_tail ? 1 + log(u) : sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static inline struct fl_evidence *evidence_new(const char *run, const char *host, size_t lanes)
{
	struct fl_evidence *e = fl_zalloc(1, sizeof(*e));

	fl_copy(e->run, sizeof(e->run), run);
	e->suite = fl_dup("sample");
	e->host = fl_dup(host);
	e->machine = json_object();
	e->environment = json_object();
	e->lanes = fl_zalloc(lanes, sizeof(*e->lanes));
	return e;
}

static inline struct fl_evidence_lane *evidence_lane(struct fl_evidence *e, const char *name, size_t metrics)
{
	struct fl_evidence_lane *lane = &e->lanes[e->lanes_n++];

	*lane = (struct fl_evidence_lane){ .name = fl_dup(name),
					   .identity = fl_dup(name),
					   .key = json_pack("{s:s}", "engine", "avx512"),
					   .counts = true,
					   .primary = true,
					   .verdict = FL_UNJUDGED,
					   .metrics = fl_zalloc(metrics, sizeof(struct fl_evidence_metric)) };
	return lane;
}

/* n rounds, all of the value; the caller may change them. */
static inline struct fl_evidence_metric *evidence_metric(struct fl_evidence_lane *lane, const char *name,
							 enum fl_better better, bool primary, size_t n, double value)
{
	struct fl_evidence_metric *m = &lane->metrics[lane->metrics_n++];

	*m = (struct fl_evidence_metric){ .name = fl_dup(name),
					  .better = better,
					  .primary = primary,
					  .medians = fl_zalloc(n, sizeof(double)),
					  .n = n };
	for (size_t i = 0; i < n; i++)
		m->medians[i] = value;
	return m;
}

/* Rounds around a level, with a deviation relative to it. */
static inline void evidence_noise(struct fl_evidence_metric *m, double level, double deviation, bool low_tail,
				  uint64_t *seed)
{
	for (size_t i = 0; i < m->n; i++)
		m->medians[i] = level * (1 + deviation * noise_of(seed, low_tail));
}

/* Two sides of one run each; they live as long as the comparison. */
struct compared {
	const struct fl_evidence *before, *after;
	struct fl_side a, b;
	struct fl_comparison *c;
};

static inline void compare_two(struct compared *d, const struct fl_evidence *before, const struct fl_evidence *after,
			       const struct fl_noise *noise, double tolerance)
{
	struct fl_err err = { 0 };

	*d = (struct compared){ .before = before, .after = after };
	d->a = (struct fl_side){ "A", &d->before, 1 };
	d->b = (struct fl_side){ "B", &d->after, 1 };
	if (fl_compare(&d->a, &d->b, noise, tolerance, &d->c, &err) < 0)
		fail_msg("%s", err.what);
}

#endif
