/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c: rounds of pairs: round-robin tournaments by the circle method, shifts, halves, and samples of them. */
#include "plan/schedule.h"
#include "base/alloc.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- rounds */

static void add_pair(struct fl_schedule *s, size_t round, unsigned from, unsigned to)
{
	struct fl_schedule_round *r;

	while (s->rounds_n <= round) {
		s->rounds = fl_grow(s->rounds, s->rounds_n + 1, sizeof(*s->rounds));
		s->rounds[s->rounds_n++] = (struct fl_schedule_round){ 0 };
	}
	r = &s->rounds[round];
	if ((r->n & (r->n - 1)) == 0)
		r->pairs = fl_grow(r->pairs, r->n ? 2 * r->n : 1, sizeof(*r->pairs));
	r->pairs[r->n++] = (struct fl_pair){ from, to };
}

static void add_ordered(struct fl_schedule *s, size_t round, unsigned a, unsigned b)
{
	add_pair(s, round, a < b ? a : b, a < b ? b : a);
}

static void release_rounds(struct fl_schedule *s)
{
	for (size_t i = 0; i < s->rounds_n; i++)
		free(s->rounds[i].pairs);
	free(s->rounds);
	s->rounds = NULL;
	s->rounds_n = 0;
}

static void drop_empty(struct fl_schedule *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->rounds_n; i++)
		if (s->rounds[i].n)
			s->rounds[kept++] = s->rounds[i];
	s->rounds_n = kept;
}

/* ---- racks */

struct rack {
	unsigned *hosts;
	unsigned n;
};

struct racks {
	struct rack *items;
	unsigned n;
};

static const char *rack_name(const struct fl_schedule_spec *spec, unsigned host)
{
	return spec->racks ? spec->racks[host] : NULL;
}

/* Hosts of which nobody knows the rack count neither as within one nor as between two. */
static bool counts(const struct fl_schedule_spec *spec, unsigned a, unsigned b)
{
	const char *rack = rack_name(spec, a), *other = rack_name(spec, b);

	if (spec->reach == FL_REACH_ALL)
		return true;
	return rack && other && (strcmp(rack, other) == 0) == (spec->reach == FL_REACH_WITHIN);
}

static struct rack *find_rack(const struct fl_schedule_spec *spec, struct racks *racks, const char *name)
{
	for (unsigned i = 0; i < racks->n && name; i++) {
		const char *of_first = rack_name(spec, racks->items[i].hosts[0]);

		if (of_first && strcmp(of_first, name) == 0)
			return &racks->items[i];
	}
	racks->items = fl_grow(racks->items, racks->n + 1, sizeof(*racks->items));
	racks->items[racks->n] = (struct rack){ 0 };
	return &racks->items[racks->n++];
}

/* In the order of their first hosts. Hosts of unknown racks are one each, or (known_only) none. */
static struct racks find_racks(const struct fl_schedule_spec *spec, bool known_only)
{
	struct racks racks = { 0 };

	for (unsigned host = 0; host < spec->n; host++) {
		const char *name = rack_name(spec, host);
		struct rack *rack;

		if (known_only && !name)
			continue;
		rack = find_rack(spec, &racks, name);
		rack->hosts = fl_grow(rack->hosts, rack->n + 1, sizeof(*rack->hosts));
		rack->hosts[rack->n++] = host;
	}
	return racks;
}

static void release_racks(struct racks *racks)
{
	for (unsigned i = 0; i < racks->n; i++)
		free(racks->items[i].hosts);
	free(racks->items);
}

/* ---- the circle method: of an even number n the last one stands still, and the others turn around it. An odd number
 * has one more, whose partner rests. */

static unsigned circle_rounds(unsigned n)
{
	return n < 2 ? 0 : n - 1 + n % 2;
}

/* The i-th pair of a round, i < (n + 1) / 2. false: one of the two is the one that rests. */
static bool circle_pair(unsigned n, unsigned round, unsigned i, struct fl_pair *ret)
{
	unsigned rounds = circle_rounds(n);

	*ret = (struct fl_pair){ (round + i) % rounds, (round + rounds - i) % rounds };
	if (i == 0)
		ret->from = rounds;
	return ret->from < n;
}

/* A tournament of these hosts, in the rounds of the schedule from its first one on. */
static void add_tournament(const unsigned *hosts, unsigned n, struct fl_schedule *s)
{
	for (unsigned round = 0; round < circle_rounds(n); round++)
		for (unsigned i = 0; i < (n + 1) / 2; i++) {
			struct fl_pair at;

			if (circle_pair(n, round, i, &at))
				add_ordered(s, round, hosts[at.from], hosts[at.to]);
		}
}

/* ---- pairs */

/* Of all hosts, those left out that do not count. */
static void add_pairs(const struct fl_schedule_spec *spec, struct fl_schedule *s)
{
	for (unsigned round = 0; round < circle_rounds(spec->n); round++)
		for (unsigned i = 0; i < (spec->n + 1) / 2; i++) {
			struct fl_pair at;

			if (circle_pair(spec->n, round, i, &at) && counts(spec, at.from, at.to))
				add_ordered(s, round, at.from, at.to);
		}
}

/* All racks at the same time. */
static void add_within(const struct racks *racks, struct fl_schedule *s)
{
	for (unsigned i = 0; i < racks->n; i++)
		add_tournament(racks->items[i].hosts, racks->items[i].n, s);
}

/* Each host of a rack with each of another: as many rounds as the larger one has hosts, from `first` on. */
static unsigned add_two_racks(const struct rack *a, const struct rack *b, size_t first, struct fl_schedule *s)
{
	const struct rack *small = a->n < b->n ? a : b, *large = small == a ? b : a;

	for (unsigned round = 0; round < large->n; round++)
		for (unsigned i = 0; i < small->n; i++)
			add_ordered(s, first + round, small->hosts[i], large->hosts[(i + round) % large->n]);
	return large->n;
}

/* A tournament of racks, each round of it as many rounds of hosts as its largest pair needs. */
static void add_between(const struct racks *racks, struct fl_schedule *s)
{
	size_t first = 0;

	for (unsigned round = 0; round < circle_rounds(racks->n); round++) {
		unsigned longest = 0;

		for (unsigned i = 0; i < (racks->n + 1) / 2; i++) {
			struct fl_pair at;
			unsigned n;

			if (!circle_pair(racks->n, round, i, &at))
				continue;
			n = add_two_racks(&racks->items[at.from], &racks->items[at.to], first, s);
			longest = n > longest ? n : longest;
		}
		first += longest;
	}
}

/* Racks of like sizes need fewer rounds as racks, very unlike ones as hosts. */
static void make_between(const struct fl_schedule_spec *spec, const struct racks *racks, struct fl_schedule *s)
{
	struct fl_schedule by_hosts = { 0 };

	add_between(racks, s);
	add_pairs(spec, &by_hosts);
	drop_empty(&by_hosts);
	if (by_hosts.rounds_n < s->rounds_n) {
		struct fl_schedule longer = *s;

		*s = by_hosts;
		by_hosts = longer;
	}
	release_rounds(&by_hosts);
}

static void make_pairs(const struct fl_schedule_spec *spec, struct fl_schedule *s)
{
	struct racks racks;

	if (spec->reach == FL_REACH_ALL) {
		add_pairs(spec, s);
		return;
	}
	racks = find_racks(spec, true);
	if (spec->reach == FL_REACH_WITHIN)
		add_within(&racks, s);
	else
		make_between(spec, &racks, s);
	release_racks(&racks);
}

/* ---- shifts */

static void make_shifts(const struct fl_schedule_spec *spec, struct fl_schedule *s)
{
	for (unsigned k = 1; k < spec->n; k++)
		for (unsigned from = 0; from < spec->n; from++)
			if (counts(spec, from, (from + k) % spec->n))
				add_pair(s, k - 1, from, (from + k) % spec->n);
}

/* ---- bisection */

/* Which sums up to `most` can be made of the first racks: row i of so many bytes is by racks 0 .. i - 1. */
static unsigned char *find_sums(const struct racks *racks, unsigned most)
{
	unsigned char *can = fl_zalloc((size_t)(racks->n + 1) * (most + 1), 1);

	can[0] = 1;
	for (unsigned i = 0; i < racks->n; i++) {
		const unsigned char *before = can + (size_t)i * (most + 1);
		unsigned char *now = can + (size_t)(i + 1) * (most + 1);
		unsigned n = racks->items[i].n;

		for (unsigned sum = 0; sum <= most; sum++)
			now[sum] = before[sum] || (sum >= n && before[sum - n]);
	}
	return can;
}

/* Whole racks of which the first half consists, as many hosts of them as fit into it. */
static bool *choose_racks(const struct racks *racks, unsigned half)
{
	bool *chosen = fl_zalloc(racks->n, sizeof(*chosen));
	unsigned char *can = find_sums(racks, half);
	unsigned sum = half;

	while (!can[(size_t)racks->n * (half + 1) + sum])
		sum--;
	for (unsigned i = racks->n; i-- > 0;) {
		chosen[i] = !can[(size_t)i * (half + 1) + sum];
		sum -= chosen[i] ? racks->items[i].n : 0;
	}
	free(can);
	return chosen;
}

/* Of racks that are chosen, or of those that are not. */
static unsigned list_hosts(const struct racks *racks, const bool *chosen, bool which, unsigned *ret)
{
	unsigned n = 0;

	for (unsigned i = 0; i < racks->n; i++)
		for (unsigned k = 0; k < racks->items[i].n && chosen[i] == which; k++)
			ret[n++] = racks->items[i].hosts[k];
	return n;
}

/* All hosts in an order whose halves are of whole racks, but for one rack at most, of which hosts are missing. */
static void order_by_racks(const struct fl_schedule_spec *spec, unsigned *ret)
{
	struct racks racks = find_racks(spec, false);
	bool *chosen = choose_racks(&racks, spec->n / 2);
	unsigned n = list_hosts(&racks, chosen, true, ret);

	list_hosts(&racks, chosen, false, ret + n);
	free(chosen);
	release_racks(&racks);
}

/* Of an odd number the one in the middle has no counterpart. */
static void make_bisection(const struct fl_schedule_spec *spec, struct fl_schedule *s)
{
	unsigned *hosts = fl_zalloc(spec->n, sizeof(*hosts)), half = spec->n / 2;

	for (unsigned i = 0; i < spec->n; i++)
		hosts[i] = i;
	if (spec->racks)
		order_by_racks(spec, hosts);
	for (unsigned i = 0; i < half; i++)
		if (counts(spec, hosts[i], hosts[spec->n - half + i]))
			add_pair(s, 0, hosts[i], hosts[spec->n - half + i]);
	free(hosts);
}

/* ---- sample */

/* splitmix64: the same numbers everywhere. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Keeps `rounds` of all rounds, in their order: each is taken with the chance that is left for it. */
static void make_sample(const struct fl_schedule_spec *spec, struct fl_schedule *s)
{
	uint64_t state = spec->seed;
	size_t wanted = spec->rounds, kept = 0;

	make_pairs(spec, s);
	for (size_t i = 0; i < s->rounds_n; i++) {
		size_t left = s->rounds_n - i;

		if (wanted > kept && next_random(&state) % left < wanted - kept)
			s->rounds[kept++] = s->rounds[i];
		else
			free(s->rounds[i].pairs);
	}
	s->rounds_n = kept;
}

/* ---- the whole */

static double coverage_of(const struct fl_schedule_spec *spec, const struct fl_schedule *s)
{
	bool ordered = spec->kind == FL_SCHEDULE_SHIFTS;
	double all = 0, in = 0;

	for (unsigned a = 0; a < spec->n; a++)
		for (unsigned b = a + 1; b < spec->n; b++)
			all += counts(spec, a, b) ? 1 + ordered : 0;
	for (size_t i = 0; i < s->rounds_n; i++)
		in += (double)s->rounds[i].n;
	return all > 0 ? in / all : 0;
}

struct fl_schedule *fl_schedule_make(const struct fl_schedule_spec *spec)
{
	static void (*const makers[])(const struct fl_schedule_spec *spec, struct fl_schedule *s) = {
		[FL_SCHEDULE_PAIRS] = make_pairs,
		[FL_SCHEDULE_SHIFTS] = make_shifts,
		[FL_SCHEDULE_BISECTION] = make_bisection,
		[FL_SCHEDULE_SAMPLE] = make_sample,
	};
	struct fl_schedule *s = fl_zalloc(1, sizeof(*s));

	if (spec->n >= 2)
		makers[spec->kind](spec, s);
	drop_empty(s);
	s->coverage = coverage_of(spec, s);
	return s;
}

void fl_schedule_free(struct fl_schedule *s)
{
	if (!s)
		return;
	release_rounds(s);
	free(s);
}

const char *fl_schedule_name(enum fl_schedule_kind kind)
{
	static const char *const names[] = { [FL_SCHEDULE_PAIRS] = "pairs",
					     [FL_SCHEDULE_SHIFTS] = "shifts",
					     [FL_SCHEDULE_BISECTION] = "bisection",
					     [FL_SCHEDULE_SAMPLE] = "sample" };

	return names[kind];
}
