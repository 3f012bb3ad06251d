/* SPDX-License-Identifier: Apache-2.0 */
/* noise.c: passes of runs that are alike to a noise floor for each metric. */
#include "judge/noise.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>

static const double half_pi = 1.57079632679489662, deviations = 4;

/* The passes of one metric: of each its median and the variance of its rounds (NaN: it has one round). */
struct passes {
	double *medians, *variances;
	size_t n, rounds; /* passes; rounds of a pass, the fewest */
};

struct fl_noise {
	json_t *index; /* identity and metric -> place in metrics */
	struct passes *metrics;
	size_t n, passes;
};

/* ---- collect */

static char *key_of(const char *identity, const char *metric)
{
	return fl_format("%s\n%s", identity, metric);
}

static struct passes *passes_of(struct fl_noise *noise, const char *identity, const char *metric)
{
	char *key = key_of(identity, metric);
	const json_t *at = json_object_get(noise->index, key);
	size_t i = at ? (size_t)json_integer_value(at) : noise->n;

	if (!at) {
		json_object_set_new(noise->index, key, json_integer((json_int_t)i));
		noise->metrics = fl_grow(noise->metrics, noise->n + 1, sizeof(*noise->metrics));
		noise->metrics[noise->n++] = (struct passes){ 0 };
	}
	free(key);
	return &noise->metrics[i];
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
	p->rounds = p->n == 0 || n < p->rounds ? n : p->rounds;
	p->n++;
}

/* A last pass that is shorter than the others was cut off, and says less. */
static void add_metric(struct fl_noise *noise, const struct fl_evidence_lane *lane, const struct fl_evidence_metric *m)
{
	size_t of_pass = lane->pass_rounds ? lane->pass_rounds : m->n;
	struct passes *p = passes_of(noise, lane->identity, m->name);

	for (size_t at = 0; of_pass && at + of_pass <= m->n; at += of_pass)
		add_pass(p, m->medians + at, of_pass);
}

static void add_lane(struct fl_noise *noise, const struct fl_evidence_lane *lane)
{
	for (size_t i = 0; lane->counts && i < lane->metrics_n; i++)
		add_metric(noise, lane, &lane->metrics[i]);
}

struct fl_noise *fl_noise_make(const struct fl_evidence *const *runs, size_t n)
{
	struct fl_noise *noise = fl_zalloc(1, sizeof(*noise));

	noise->index = json_object();
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < runs[i]->lanes_n; k++)
			add_lane(noise, &runs[i]->lanes[k]);
	for (size_t i = 0; i < noise->n; i++)
		if (noise->metrics[i].n >= FL_NOISE_PASSES &&
		    (noise->passes == 0 || noise->metrics[i].n < noise->passes))
			noise->passes = noise->metrics[i].n;
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
		free(noise->metrics[i].medians);
		free(noise->metrics[i].variances);
	}
	free(noise->metrics);
	json_decref(noise->index);
	free(noise);
}

/* ---- ask */

static double floor_of(const struct passes *p)
{
	double middle = fl_median(p->medians, p->n), within = fl_median(p->variances, p->n), between;

	if (p->n < FL_NOISE_PASSES || !(middle > 0))
		return NAN;
	between = variance(p->medians, p->n) - (p->rounds > 1 ? half_pi * within / (double)p->rounds : 0);
	return between > 0 ? deviations * sqrt(2) * sqrt(between) / middle : 0;
}

double fl_noise_floor(const struct fl_noise *noise, const char *identity, const char *metric)
{
	char *key;
	const json_t *at;

	if (!noise)
		return NAN;
	key = key_of(identity, metric);
	at = json_object_get(noise->index, key);
	free(key);
	return at ? floor_of(&noise->metrics[json_integer_value(at)]) : NAN;
}

size_t fl_noise_passes(const struct fl_noise *noise)
{
	return noise ? noise->passes : 0;
}
