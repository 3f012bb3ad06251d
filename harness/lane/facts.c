/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c: what a lane states about itself: facts and caps, from any of its threads. */
#include "base/alloc.h"
#include "base/json.h"
#include "lane/lane.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FACT_MAX = 256 };

void fl_set_fact(struct fl_lane *lane, const char *name, const char *fmt, ...)
{
	const struct fl_fact *declared = lane->bench->facts;
	char value[FACT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	for (size_t i = 0; declared && declared[i].name; i++) {
		if (strcmp(declared[i].name, name))
			continue;
		pthread_mutex_lock(&lane->lock);
		free(lane->facts[i]);
		lane->facts[i] = fl_dup(value);
		pthread_mutex_unlock(&lane->lock);
	}
}

void fl_set_cap(struct fl_lane *lane, const char *hop, double cap_bytes_per_s, const char *origin)
{
	pthread_mutex_lock(&lane->lock);
	lane->caps = fl_grow(lane->caps, lane->caps_n + 1, sizeof(*lane->caps));
	lane->caps[lane->caps_n++] = (struct fl_cap){ fl_dup(hop), fl_dup(origin), cap_bytes_per_s };
	pthread_mutex_unlock(&lane->lock);
}

json_t *fl_lane_facts(const struct fl_lane *lane)
{
	const struct fl_fact *declared = lane->bench->facts;
	json_t *facts = json_object();

	for (size_t i = 0; declared && declared[i].name; i++)
		json_object_set_new(facts, declared[i].name, fl_json_string(lane->facts[i]));
	return facts;
}

json_t *fl_lane_caps(const struct fl_lane *lane)
{
	json_t *caps = json_array();

	for (size_t i = 0; i < lane->caps_n; i++)
		json_array_append_new(caps, json_pack("{s:s, s:o, s:s, s:n}", "hop", lane->caps[i].hop,
						      "cap_bytes_per_s", fl_json_number(lane->caps[i].cap_bytes_per_s),
						      "origin", lane->caps[i].origin, "reason"));
	return caps;
}
