/* SPDX-License-Identifier: Apache-2.0 */
/* watch_series.c: samples until they are sent, and what looking costs. */
#include "base/json.h"
#include "watch.h"
#include <feedline/clock.h>
#include <math.h>
#include <string.h>

void watch_series_add(struct watch_series *s, uint64_t at_ns, const double *values)
{
	if (s->n == WATCH_SAMPLES_MAX)
		return;
	s->at_ns[s->n] = at_ns;
	memcpy(s->values[s->n++], values, s->metrics_n * sizeof(*values));
}

static json_t *values_of(const struct watch_series *s, size_t metric)
{
	json_t *list = json_array();
	bool known = false;

	for (size_t i = 0; i < s->n; i++) {
		known |= isfinite(s->values[i][metric]) != 0;
		json_array_append_new(list, fl_json_number(s->values[i][metric]));
	}
	if (known)
		return list;
	json_decref(list);
	return NULL;
}

json_t *watch_series_message(struct watch_series *s)
{
	json_t *times = json_array(), *metrics = json_object();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(times, json_integer((json_int_t)s->at_ns[i]));
	for (size_t m = 0; s->n && m < s->metrics_n; m++) {
		json_t *values = values_of(s, m);

		if (values)
			json_object_set_new(metrics, s->metrics[m], values);
	}
	s->n = 0;
	if (json_object_size(metrics))
		return json_pack("{s:s, s:s, s:o, s:o}", "is", "series", "subject", s->subject, "at_ns", times,
				 "metrics", metrics);
	json_decref(times);
	json_decref(metrics);
	return NULL;
}

void watch_cost_add(struct watch_cost *cost, uint64_t began_ns)
{
	uint64_t took_ns = fl_now_ns() - began_ns;

	cost->calls++;
	if (took_ns > cost->longest_ns)
		cost->longest_ns = took_ns;
}

double watch_rate_next(struct watch_rate *rate, uint64_t at_ns, double count)
{
	double per_s = NAN;

	if (rate->at_ns && at_ns > rate->at_ns && count >= rate->count)
		per_s = (count - rate->count) / ((double)(at_ns - rate->at_ns) / 1e9);
	if (isfinite(count))
		*rate = (struct watch_rate){ count, at_ns };
	return per_s;
}
