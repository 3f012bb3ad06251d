/* SPDX-License-Identifier: Apache-2.0 */
/* noise.c: passes of runs that are alike to a noise floor for each metric. */
#include "judge/noise.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>

static const double half_pi = 1.57079632679489662;

/* Student's t with 0.15 % beyond it, from 4 degrees of freedom (5 passes) on; for those between two rows the row above,
 * which is the larger. Any table of the distribution. */
static const struct {
	size_t passes;
	double t;
} students[] = { { 5, 6.435 },	{ 6, 5.376 },  { 7, 4.8 },    { 8, 4.442 },  { 9, 4.199 },
		 { 10, 4.024 }, { 11, 3.892 }, { 16, 3.535 }, { 21, 3.376 }, { 31, 3.23 } };

/* The passes of one metric of a lane on one host. */
struct passes {
	json_t *key;		     /* of the first lane; lanes with another one are not counted */
	double *medians, *variances; /* of each pass; variance of its rounds, NaN: it has one */
	size_t n, rounds;	     /* passes; rounds of a pass, the most */
	bool distrusted;
};

struct fl_noise {
	json_t *index; /* identity, host and metric -> place in items */
	struct passes *items;
	size_t n, passes;
};

/* ---- collect */

static char *name_of(const char *identity, const char *host, const char *metric)
{
	return fl_format("%s\n%s\n%s", identity, host, metric);
}

static struct passes *passes_of(struct fl_noise *noise, const struct fl_evidence_lane *lane, const char *host,
				const char *metric)
{
	char *name = name_of(lane->identity, host, metric);
	const json_t *at = json_object_get(noise->index, name);
	size_t i = at ? (size_t)json_integer_value(at) : noise->n;

	if (!at) {
		json_object_set_new(noise->index, name, json_integer((json_int_t)i));
		noise->items = fl_grow(noise->items, noise->n + 1, sizeof(*noise->items));
		noise->items[noise->n++] = (struct passes){ .key = json_incref(lane->key) };
	}
	free(name);
	return &noise->items[i];
}

static double variance(const double *values, size_t n)
{
	double mean = 0, sum = 0;

	if (n < 2)
		return NAN;
	for (size_t i = 0; i < n; i++)
		mean += values[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		sum += (values[i] - mean) * (values[i] - mean);
	return sum / (double)(n - 1);
}

static void add_pass(struct passes *p, const double *rounds, size_t n)
{
	p->medians = fl_grow(p->medians, p->n + 1, sizeof(*p->medians));
	p->variances = fl_grow(p->variances, p->n + 1, sizeof(*p->variances));
	p->medians[p->n] = fl_median(rounds, n);
	p->variances[p->n] = variance(rounds, n);
	p->rounds = n > p->rounds ? n : p->rounds;
	p->n++;
}

/* The rounds from..from+n that have a value. */
static size_t copy_finite(const double *from, size_t n, double *ret)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(from[i]))
			ret[kept++] = from[i];
	return kept;
}

/* A pass of a calibration that lacks a round was cut off, and says less. */
static void add_metric(const struct fl_evidence_lane *lane, const struct fl_evidence_metric *m, struct passes *p)
{
	size_t of_pass = lane->pass_rounds ? lane->pass_rounds : m->n;
	double *rounds = fl_zalloc(of_pass, sizeof(*rounds));

	for (size_t at = 0; of_pass && at + of_pass <= m->n; at += of_pass) {
		size_t n = copy_finite(m->medians + at, of_pass, rounds);

		if (lane->pass_rounds ? n == of_pass : n > 0)
			add_pass(p, rounds, n);
	}
	free(rounds);
}

static void add_lane(struct fl_noise *noise, const struct fl_evidence_lane *lane, const char *host)
{
	for (size_t i = 0; lane->counts && i < lane->metrics_n; i++) {
		struct passes *p = passes_of(noise, lane, host, lane->metrics[i].name);

		if (!json_equal(p->key, lane->key))
			continue;
		p->distrusted |= lane->distrust_n > 0;
		add_metric(lane, &lane->metrics[i], p);
	}
}

struct fl_noise *fl_noise_make(const struct fl_evidence *const *runs, size_t n)
{
	struct fl_noise *noise = fl_zalloc(1, sizeof(*noise));

	noise->index = json_object();
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < runs[i]->lanes_n; k++)
			add_lane(noise, &runs[i]->lanes[k], runs[i]->host);
	for (size_t i = 0; i < noise->n; i++)
		if (noise->items[i].n >= FL_NOISE_PASSES && (noise->passes == 0 || noise->items[i].n < noise->passes))
			noise->passes = noise->items[i].n;
	if (noise->passes)
		return noise;
	fl_noise_free(noise);
	return NULL;
}

void fl_noise_free(struct fl_noise *noise)
{
	if (!noise)
		return;
	for (size_t i = 0; i < noise->n; i++) {
		json_decref(noise->items[i].key);
		free(noise->items[i].medians);
		free(noise->items[i].variances);
	}
	free(noise->items);
	json_decref(noise->index);
	free(noise);
}

/* ---- ask */

static double student(size_t passes)
{
	size_t i = 0;

	while (i + 1 < sizeof(students) / sizeof(students[0]) && students[i + 1].passes <= passes)
		i++;
	return students[i].t;
}

static double ratio_of(const struct passes *p)
{
	double middle = fl_median(p->medians, p->n), between;

	if (p->n < FL_NOISE_PASSES || !(middle > 0))
		return NAN;
	between = variance(p->medians, p->n);
	if (p->rounds > 1) {
		double *within = fl_zalloc(p->n, sizeof(*within));
		size_t n = copy_finite(p->variances, p->n, within);

		between -= n ? half_pi * fl_median(within, n) / (double)p->rounds : 0;
		free(within);
	}
	return between > 0 ? student(p->n) * sqrt(2) * sqrt(between) / middle : 0;
}

struct fl_floor fl_noise_floor(const struct fl_noise *noise, const struct fl_evidence_lane *lane, const char *host,
			       const char *metric)
{
	struct fl_floor none = { .ratio = NAN, .trusted = true };
	const struct passes *p;
	const json_t *at;
	char *name;

	if (!noise)
		return none;
	name = name_of(lane->identity, host, metric);
	at = json_object_get(noise->index, name);
	free(name);
	if (!at)
		return none;
	p = &noise->items[json_integer_value(at)];
	if (!json_equal(p->key, lane->key))
		return none;
	return (struct fl_floor){ ratio_of(p), !p->distrusted, p->n };
}

size_t fl_noise_passes(const struct fl_noise *noise)
{
	return noise ? noise->passes : 0;
}
