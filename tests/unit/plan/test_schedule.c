/* SPDX-License-Identifier: Apache-2.0 */
/* test_schedule.c: what holds of schedules for every number of hosts, and of those by racks. */
#include "base/alloc.h"
#include "plan/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEAST = 2, MOST = 513 };

/* How often each ordered pair of n hosts is in a schedule. */
struct tally {
	unsigned n;
	unsigned char *times;
};

static struct tally count(const struct fl_schedule *s, unsigned n)
{
	struct tally t = { n, fl_zalloc((size_t)n * n, 1) };

	for (size_t r = 0; r < s->rounds_n; r++)
		for (size_t i = 0; i < s->rounds[r].n; i++) {
			struct fl_pair p = s->rounds[r].pairs[i];

			if (p.from >= n || p.to >= n || p.from == p.to || t.times[p.from * n + p.to] == 255)
				fail_msg("%u - %u of %u", p.from, p.to, n);
			t.times[p.from * n + p.to]++;
		}
	return t;
}

/* How often the host is in a round, as the one that begins, or the other. */
static void count_hosts(const struct fl_schedule_round *r, unsigned n, unsigned char *from, unsigned char *to)
{
	memset(from, 0, n);
	memset(to, 0, n);
	for (size_t i = 0; i < r->n; i++) {
		from[r->pairs[i].from]++;
		to[r->pairs[i].to]++;
	}
}

/* No host has two to do with at the same time. */
static void check_disjoint(const struct fl_schedule *s, unsigned n)
{
	unsigned char *from = fl_zalloc(n, 1), *to = fl_zalloc(n, 1);
	unsigned wrong = 0;

	for (size_t r = 0; r < s->rounds_n; r++) {
		wrong += s->rounds[r].n == 0;
		count_hosts(&s->rounds[r], n, from, to);
		for (unsigned h = 0; h < n; h++)
			wrong += from[h] + to[h] > 1;
	}
	assert_int_equal(wrong, 0);
	free(from);
	free(to);
}

static struct fl_schedule *make(enum fl_schedule_kind kind, unsigned n)
{
	return fl_schedule_make(&(struct fl_schedule_spec){ .kind = kind, .n = n });
}

static void test_pairs(void **state)
{
	(void)state;
	for (unsigned n = LEAST; n <= MOST; n++) {
		struct fl_schedule *s = make(FL_SCHEDULE_PAIRS, n);
		struct tally t = count(s, n);
		unsigned wrong = 0;

		/* No fewer rounds could be: each host has n - 1 others, and of an odd number one rests in each. */
		assert_int_equal(s->rounds_n, n % 2 ? n : n - 1);
		for (unsigned a = 0; a < n; a++)
			for (unsigned b = 0; b < n; b++)
				wrong += t.times[a * n + b] != (a < b);
		assert_int_equal(wrong, 0);
		for (size_t r = 0; r < s->rounds_n; r++)
			assert_int_equal(s->rounds[r].n, n / 2);
		check_disjoint(s, n);
		assert_true(s->coverage == 1);
		free(t.times);
		fl_schedule_free(s);
	}
}

static void test_shifts(void **state)
{
	unsigned char from[MOST], to[MOST];

	(void)state;
	for (unsigned n = LEAST; n <= MOST; n++) {
		struct fl_schedule *s = make(FL_SCHEDULE_SHIFTS, n);
		struct tally t = count(s, n);
		unsigned wrong = 0;

		assert_int_equal(s->rounds_n, n - 1);
		for (size_t r = 0; r < s->rounds_n; r++) {
			count_hosts(&s->rounds[r], n, from, to);
			for (unsigned h = 0; h < n; h++)
				wrong += from[h] != 1 || to[h] != 1;
			for (size_t i = 0; i < s->rounds[r].n; i++)
				wrong += (s->rounds[r].pairs[i].from + r + 1) % n != s->rounds[r].pairs[i].to;
		}
		for (unsigned a = 0; a < n; a++)
			for (unsigned b = 0; b < n; b++)
				wrong += t.times[a * n + b] != (a != b);
		assert_int_equal(wrong, 0);
		assert_true(s->coverage == 1);
		free(t.times);
		fl_schedule_free(s);
	}
}

static void test_bisection(void **state)
{
	(void)state;
	for (unsigned n = LEAST; n <= MOST; n++) {
		struct fl_schedule *s = make(FL_SCHEDULE_BISECTION, n);

		assert_int_equal(s->rounds_n, 1);
		assert_int_equal(s->rounds[0].n, n / 2);
		check_disjoint(s, n);
		for (unsigned i = 0; i < n / 2; i++) {
			assert_int_equal(s->rounds[0].pairs[i].from, i);
			assert_int_equal(s->rounds[0].pairs[i].to, n - n / 2 + i);
		}
		assert_true(fabs(s->coverage - n / 2 / (n * (n - 1) / 2.0)) < 1e-12);
		fl_schedule_free(s);
	}
}

static struct fl_schedule *sample(unsigned n, unsigned rounds, uint64_t seed)
{
	return fl_schedule_make(
		&(struct fl_schedule_spec){ .kind = FL_SCHEDULE_SAMPLE, .n = n, .rounds = rounds, .seed = seed });
}

static bool is_same(const struct fl_schedule *a, const struct fl_schedule *b)
{
	if (a->rounds_n != b->rounds_n)
		return false;
	for (size_t r = 0; r < a->rounds_n; r++)
		if (a->rounds[r].n != b->rounds[r].n ||
		    memcmp(a->rounds[r].pairs, b->rounds[r].pairs, a->rounds[r].n * sizeof(struct fl_pair)) != 0)
			return false;
	return true;
}

/* Is it one of the rounds of the other? */
static bool has_round(const struct fl_schedule *s, const struct fl_schedule_round *round)
{
	for (size_t r = 0; r < s->rounds_n; r++)
		if (s->rounds[r].n == round->n &&
		    memcmp(s->rounds[r].pairs, round->pairs, round->n * sizeof(struct fl_pair)) == 0)
			return true;
	return false;
}

static void test_sample(void **state)
{
	(void)state;
	for (unsigned n = LEAST; n <= MOST; n++) {
		unsigned all = n % 2 ? n : n - 1, wanted = 1 + n * 7 % 20, rounds = wanted < all ? wanted : all;
		struct fl_schedule *s = sample(n, wanted, n), *again = sample(n, wanted, n);
		struct tally t = count(s, n);
		size_t pairs = 0, wrong = 0;

		assert_int_equal(s->rounds_n, rounds);
		check_disjoint(s, n);
		for (unsigned a = 0; a < n; a++)
			for (unsigned b = 0; b < n; b++) {
				wrong += t.times[a * n + b] > (a < b);
				pairs += t.times[a * n + b];
			}
		assert_int_equal(wrong, 0);
		assert_int_equal(pairs, (size_t)rounds * (n / 2)); /* every host, but for the one that rests */
		assert_true(s->coverage == (double)pairs / (n * (n - 1) / 2.0));
		assert_true(is_same(s, again));
		free(t.times);
		fl_schedule_free(s);
		fl_schedule_free(again);
	}
}

/* Its rounds are those that all pairs have; another seed has others, and each round comes with like chance. */
static void test_seeds(void **state)
{
	enum { N = 16, ROUNDS = 4, SEEDS = 3000 };
	struct fl_schedule *all = make(FL_SCHEDULE_PAIRS, N), *first = sample(N, ROUNDS, 0);
	unsigned differ = 0, drawn[N - 1] = { 0 };

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct fl_schedule *s = sample(N, ROUNDS, seed);

		differ += !is_same(s, first);
		assert_int_equal(s->rounds_n, ROUNDS);
		for (size_t r = 0; r < s->rounds_n; r++)
			assert_true(has_round(all, &s->rounds[r]));
		for (size_t r = 0, k = 0; r < all->rounds_n && k < s->rounds_n; r++)
			if (memcmp(all->rounds[r].pairs, s->rounds[k].pairs, N / 2 * sizeof(struct fl_pair)) == 0) {
				drawn[r]++;
				k++;
			}
		fl_schedule_free(s);
	}
	assert_true(differ > SEEDS * 9 / 10);
	for (unsigned r = 0; r < N - 1; r++) /* 800 are expected of each */
		assert_true(drawn[r] > 650 && drawn[r] < 950);
	fl_schedule_free(first);
	fl_schedule_free(all);
}

static void test_nobody(void **state)
{
	(void)state;
	for (int kind = 0; kind < FL_SCHEDULE_KINDS; kind++)
		for (unsigned n = 0; n < 2; n++) {
			struct fl_schedule *s = make((enum fl_schedule_kind)kind, n);

			assert_int_equal(s->rounds_n, 0);
			assert_true(s->coverage == 0);
			fl_schedule_free(s);
		}
	fl_schedule_free(NULL);
	assert_string_equal(fl_schedule_name(FL_SCHEDULE_PAIRS), "pairs");
	assert_string_equal(fl_schedule_name(FL_SCHEDULE_SAMPLE), "sample");
}

/* ---- racks */

enum { HOSTS_MAX = 64 };

/* Hosts by rack: as many letters as there are hosts, '-' where nobody knows. */
struct placed {
	const char *racks[HOSTS_MAX];
	char names[HOSTS_MAX][2];
	unsigned n;
};

static void put(const char *letters, struct placed *ret)
{
	*ret = (struct placed){ .n = (unsigned)strlen(letters) };
	for (unsigned i = 0; i < ret->n; i++) {
		ret->names[i][0] = letters[i];
		ret->racks[i] = letters[i] == '-' ? NULL : ret->names[i];
	}
}

static bool counts(const char *letters, unsigned a, unsigned b, enum fl_reach reach)
{
	if (reach == FL_REACH_ALL)
		return true;
	return letters[a] != '-' && letters[b] != '-' && (letters[a] == letters[b]) == (reach == FL_REACH_WITHIN);
}

static struct fl_schedule *make_by(const char *letters, enum fl_schedule_kind kind, enum fl_reach reach)
{
	struct placed p;

	put(letters, &p);
	return fl_schedule_make(
		&(struct fl_schedule_spec){ .kind = kind, .n = p.n, .racks = p.racks, .reach = reach, .rounds = 2 });
}

static const char *const layouts[] = {
	"aabb",
	"abab",
	"aaaabbbbccccdddd",
	"aaabbbccc",
	"abcdefgh",
	"aaaaaaaa",
	"aaaaaaaaaaaab",
	"aaaabbcdefgh",
	"ab-ab-",
	"aaaaabbbbbccccc",
	"--------",
	"a",
	"ab",
	"aab",
	"abbcccddddeeeee",
	"abcabcabcabcabca",
	"aabbccddee",
	"aaaaaaaabc",
};
enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };

/* What can be reached is reached once, or in shifts once in each direction, and nothing else is. */
static void test_reach(void **state)
{
	static const enum fl_schedule_kind kinds[] = { FL_SCHEDULE_PAIRS, FL_SCHEDULE_SHIFTS };

	(void)state;
	for (size_t i = 0; i < (size_t)LAYOUTS * 3 * 2; i++) {
		const char *letters = layouts[i / 6];
		enum fl_reach reach = (enum fl_reach)(i / 2 % 3);
		enum fl_schedule_kind kind = kinds[i % 2];
		unsigned n = (unsigned)strlen(letters), wanted = 0;
		struct fl_schedule *s = make_by(letters, kind, reach);
		struct tally t = count(s, n);

		for (unsigned a = 0; a < n; a++)
			for (unsigned b = 0; b < n; b++) {
				bool is =
					a != b && (kind == FL_SCHEDULE_SHIFTS || a < b) && counts(letters, a, b, reach);

				wanted += is;
				assert_int_equal(t.times[a * n + b], is);
			}
		if (kind == FL_SCHEDULE_PAIRS)
			check_disjoint(s, n);
		assert_true(s->coverage == (wanted ? 1 : 0));
		assert_true((s->rounds_n > 0) == (wanted > 0));
		assert_true(s->rounds_n <= n);
		free(t.times);
		fl_schedule_free(s);
	}
}

static const struct {
	const char *letters;
	enum fl_reach reach;
	unsigned rounds; /* no fewer could be */
} fewest[] = {
	{ "aaaabbbb", FL_REACH_WITHIN, 3 },
	{ "aaaaabb", FL_REACH_WITHIN, 5 },
	{ "aaaabbbb", FL_REACH_BETWEEN, 4 },
	{ "aaaabbbbccccdddd", FL_REACH_BETWEEN, 12 },
	{ "aaaaaaaab", FL_REACH_BETWEEN, 8 },
	{ "abcdefgh", FL_REACH_BETWEEN, 7 },
	{ "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb", FL_REACH_BETWEEN, 16 },
	{ "abababababababab", FL_REACH_WITHIN, 7 },
	{ "abababababababab", FL_REACH_BETWEEN, 8 },
};

static void test_fewest_rounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fewest) / sizeof(fewest[0]); i++) {
		struct fl_schedule *s = make_by(fewest[i].letters, FL_SCHEDULE_PAIRS, fewest[i].reach);

		assert_int_equal(s->rounds_n, fewest[i].rounds);
		fl_schedule_free(s);
	}
}

/* split: how many racks have hosts in both halves; within: pairs of one rack. */
static const struct {
	const char *letters;
	unsigned pairs, split, within;
} halves[] = {
	{ "aabb", 2, 0, 0 },
	{ "abab", 2, 0, 0 },
	{ "aaaabbccdddd", 6, 0, 0 },
	{ "aaabcbcbc", 4, 1, 0 },
	{ "aaaaaaaabbbbbbbbcccccccc", 12, 1, 0 },
	{ "aaaaaaaa", 4, 1, 4 },
	{ "aabbc", 2, 0, 0 },
	{ "abcdef", 3, 0, 0 },
	{ "aaaabbbbccccddddee", 9, 1, 0 },
	{ "aaabbbccc--", 5, 0, 0 },
};

static void test_halves(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		const char *letters = halves[i].letters;
		struct fl_schedule *s = make_by(letters, FL_SCHEDULE_BISECTION, FL_REACH_ALL);
		unsigned from[128] = { 0 }, to[128] = { 0 }, split = 0, within = 0;

		assert_int_equal(s->rounds_n, 1);
		assert_int_equal(s->rounds[0].n, halves[i].pairs);
		check_disjoint(s, (unsigned)strlen(letters));
		for (size_t k = 0; k < s->rounds[0].n; k++) {
			char a = letters[s->rounds[0].pairs[k].from], b = letters[s->rounds[0].pairs[k].to];

			from[(unsigned char)a]++;
			to[(unsigned char)b]++;
			within += a == b && a != '-';
		}
		for (int c = 'a'; c <= 'z'; c++)
			split += from[c] && to[c];
		assert_int_equal(split, halves[i].split);
		assert_int_equal(within, halves[i].within);
		fl_schedule_free(s);
	}
}

/* Of the halves only what is between racks; of a sample, too. */
static void test_reach_of_parts(void **state)
{
	struct fl_schedule *halved = make_by("aaaaaaab", FL_SCHEDULE_BISECTION, FL_REACH_BETWEEN);
	struct fl_schedule *some = make_by("aaaabbbb", FL_SCHEDULE_SAMPLE, FL_REACH_BETWEEN);

	(void)state;
	assert_int_equal(halved->rounds_n, 1);
	assert_int_equal(halved->rounds[0].n, 1);
	assert_true(halved->coverage == 1.0 / 7);
	assert_int_equal(some->rounds_n, 2);
	assert_true(some->coverage == 0.5);
	fl_schedule_free(halved);
	fl_schedule_free(some);
	some = fl_schedule_make(&(struct fl_schedule_spec){ .n = 4, .reach = FL_REACH_WITHIN });
	assert_int_equal(some->rounds_n, 0);
	fl_schedule_free(some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),	  cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_bisection), cmocka_unit_test(test_sample),
		cmocka_unit_test(test_seeds),	  cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_reach),	  cmocka_unit_test(test_fewest_rounds),
		cmocka_unit_test(test_halves),	  cmocka_unit_test(test_reach_of_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
