/* SPDX-License-Identifier: Apache-2.0 */
/* tails.h: hosts that are alike but for their tails: what the median of none of them shows. */
#ifndef FL_TESTS_TAILS_H
#define FL_TESTS_TAILS_H
#include "../sample_hosts.h"

static struct fl_metric tails_metrics[] = {
	{ "round_trip_ns", FL_DISTRIBUTION, FL_LOWER, "time of a message there and back" },
	{ 0 },
};

/* Of a hundred thousand values around p50 one in a hundred takes as long as `slow`, and 20 as long as `slowest`. The
 * series has room for four. */
static inline void tails_fill(struct fl_series *s, double p50, double slow, double slowest)
{
	const double at[] = { p50, 1.1 * p50, slow, slowest }, count[] = { 60000, 38000, 1980, 20 };

	s->kind = FL_SERIES_HISTOGRAM;
	s->n = 4;
	for (size_t i = 0; i < s->n; i++) {
		s->at[i] = at[i];
		s->value[i] = count[i];
	}
}

/* The measurements between hosts are latencies, with medians that differ a little. In those that host `slow` has a part
 * in as the first of the two one message of a hundred is late, and one of ten thousand in those of `slowest`. */
static inline void tails_between(struct fl_run *run, const char *slow, const char *slowest)
{
	const struct fl_entry entry = { .name = "net.latency",
					.summary = "a message between hosts",
					.program = "feedline-lane-host",
					.fields = hosts_stream_fields,
					.metrics = tails_metrics,
					.facts = hosts_stream_facts,
					.flows = hosts_stream_flows + 1 };
	json_t *declared = fl_entry_json(&entry), *c, *lane;
	size_t i, k;

	json_object_set_new(declared, "roles", json_string("sender|receiver"));
	json_object_set_new(declared, "measured_at", json_string("sender"));
	json_object_set_new(run->declared, "net.latency", declared);
	json_array_foreach(json_object_get(run->plan, "cases"), i, c) json_array_foreach(
		json_object_get(c, "lanes"), k, lane) if (json_integer_value(json_object_get(lane, "size")) == 2)
		json_object_set_new(lane, "bench", json_string("net.latency"));
	for (i = 0; i < run->lanes_n; i++) {
		struct fl_lane_record *r = &run->lanes[i];
		const char *host = fl_json_text_or_null(r->placement, "host");

		if (strcmp(r->bench, "net.stream") != 0)
			continue;
		free(r->bench);
		r->bench = fl_dup("net.latency");
		free(r->series[0].metric);
		r->series[0].metric = fl_dup("round_trip_ns");
		tails_fill(&r->series[0], 12e3 * (1 + 0.002 * (double)(i % 5)), strcmp(host, slow) == 0 ? 80e3 : 14e3,
			   strcmp(host, slowest) == 0 ? 9e6 : 60e3);
	}
}

/* Reads have a distribution, too: beside the rate that speaks for them. */
static inline void tails_read(struct fl_run *run, const char *slow)
{
	for (size_t i = 0; i < run->lanes_n; i++) {
		struct fl_lane_record *r = &run->lanes[i];
		const char *host = fl_json_text_or_null(r->placement, "host");

		if (strcmp(r->bench, "storage.read") == 0 && r->outcome == FL_MEASURED)
			tails_fill(sample_series(r, "read_ns", FL_SERIES_HISTOGRAM, 4), 1.2e6,
				   strcmp(host, slow) == 0 ? 40e6 : 2e6, 50e6);
	}
}

#endif
