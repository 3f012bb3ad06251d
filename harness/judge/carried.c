/* SPDX-License-Identifier: Apache-2.0 */
/* carried.c: memory whose cap is not known, and which carried more elsewhere in the run than a lane is expected to put
 * on it: then it is not what holds that lane back, and the lane may fail. Only of lanes that ran alone, since others
 * may have been in the way there. Reading and writing are held apart. Links between sockets are left out: what CPUs got
 * over one says little of what devices get. Where the lane is a measurement with another host, that one's memory is
 * held against what it carried there.
 *
 * What may have come from a cache proves nothing of the memory: a lane counts whose buffers were left to the benchmark,
 * which takes them beyond the caches, or are of a GiB at least. */
#include "base/alloc.h"
#include "base/json.h"
#include "judge/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double beyond_caches_bytes = 1 << 30;

/* The most that lanes of one case put on some memory together. */
struct carried {
	const char *host; /* NULL: the run is on one machine */
	const char *name;
	double read, written;	      /* bytes per second */
	double read_now, written_now; /* of the case that is being looked at */
};

struct seen {
	struct carried *items;
	size_t n;
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct carried *find(const struct seen *all, const char *host, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (same(all->items[i].host, host) && strcmp(all->items[i].name, name) == 0)
			return &all->items[i];
	return NULL;
}

static struct carried *find_or_add(struct seen *all, const char *host, const char *name)
{
	struct carried *c = find(all, host, name);

	if (c)
		return c;
	all->items = fl_grow(all->items, all->n + 1, sizeof(*all->items));
	all->items[all->n] = (struct carried){ .host = host, .name = name };
	return &all->items[all->n++];
}

/* Lanes that pass bytes to each other do so through a few buffers, which a cache holds. */
static bool is_beyond_caches(const struct fl_lane_verdict *v)
{
	const char *option = fl_entry_field(v->entry, "buffer") ? "buffer" : "size";
	double bytes = fl_json_number_or_nan(v->options, option);

	return v->size <= 1 && (isnan(bytes) || bytes == 0 || bytes >= beyond_caches_bytes);
}

/* Of lanes beside each other, which may take turns, what each put on it over all of the time. */
static void note(struct seen *all, const struct fl_subject *s)
{
	const struct fl_lane_verdict *v = s->verdict;
	struct fl_interval rate;
	double low;

	if (v->verdict == FL_VERDICT_INVALID || v->verdict == FL_VERDICT_NOT_MEASURED || v->wrong_data ||
	    !is_beyond_caches(v) || !fl_judged_rate(v, &rate) || !(rate.low > 0))
		return;
	low = rate.low * (s->case_lanes > 1 ? v->work_ratio : 1);
	for (size_t i = 0; i < v->hops_n; i++) {
		const struct fl_hop *hop = &v->hops[i];
		struct carried *c = hop->reads + hop->writes > 0 ? find_or_add(all, s->host, hop->name) : NULL;

		if (c) {
			c->read_now += low * hop->reads;
			c->written_now += low * hop->writes;
		}
	}
}

static void end_case(struct seen *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct carried *c = &all->items[i];

		c->read = fmax(c->read, c->read_now);
		c->written = fmax(c->written, c->written_now);
		c->read_now = c->written_now = 0;
	}
}

/* Marks the memory of a lane that carried what is expected of it. Was there any? */
static bool clear(const struct seen *all, const char *host, struct fl_lane_verdict *v)
{
	const struct fl_hop *expect = fl_narrowest_hop(v, true);
	double wanted = expect ? expect->cap_bytes_per_s * expect->expected : (double)NAN;
	bool any = false;

	for (size_t i = 0; i < v->hops_n; i++) {
		struct fl_hop *hop = &v->hops[i];
		const char *where = hop->host ? hop->host : host, *name = hop->host ? hop->name_there : hop->name;
		const struct carried *c = hop->reads + hop->writes > 0 ? find(all, where, name) : NULL;

		hop->carried = c && c->read >= wanted * hop->reads && c->written >= wanted * hop->writes;
		any |= hop->carried;
	}
	return any;
}

static void note_all(struct seen *all, const struct fl_subjects *subjects)
{
	for (size_t i = 0; i < subjects->n; i++) {
		const struct fl_subject *s = &subjects->items[i];

		if (s->verdict)
			note(all, s);
		if (i + 1 == subjects->n || subjects->items[i + 1].case_no != s->case_no)
			end_case(all);
	}
}

static void judge_again(const struct seen *all, const struct fl_subject *s)
{
	struct fl_lane_verdict *v = s->verdict;

	if (v && !v->beside && s->case_lanes == 1 && v->verdict == FL_UNJUDGED && fl_judged_metric(v) &&
	    clear(all, s->host, v))
		fl_hold_against_limits(s, v);
}

void fl_judge_carried(const struct fl_view *views, size_t n)
{
	struct seen all = { 0 };

	for (size_t i = 0; i < n; i++)
		note_all(&all, &views[i].subjects);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < views[i].subjects.n; k++)
			judge_again(&all, &views[i].subjects.items[k]);
	free(all.items);
}
