/* SPDX-License-Identifier: Apache-2.0 */
/* host_value.c: medians over the parts of a host, of all or of one direction. */
#include "judge/host_value.h"
#include "base/alloc.h"
#include "judge/judge.h" /* FL_TOLERANCE */
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARTNERS_LEAST = 3 };

/* By host, of each what arrives before what it sends, by partner. */
static int compare(const void *a, const void *b)
{
	const struct fl_host_part *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	if (x->sends != y->sends)
		return x->sends ? 1 : -1;
	return (x->partner > y->partner) - (x->partner < y->partner);
}

static struct fl_host_value middle(const struct fl_host_part *parts, size_t n, enum fl_direction of)
{
	double *numbers = fl_zalloc(3 * n, sizeof(*numbers));
	struct fl_host_value value;
	size_t trusted = 0;

	for (size_t i = 0; i < n; i++) {
		numbers[i] = parts[i].value.median;
		numbers[n + i] = parts[i].value.low;
		numbers[2 * n + i] = parts[i].value.high;
		trusted += parts[i].trusted;
	}
	value = (struct fl_host_value){ .value = { .median = fl_median(numbers, n),
						   .low = fl_median(numbers + n, n),
						   .high = fl_median(numbers + 2 * n, n),
						   .n = n },
					.trusted = 2 * trusted > n,
					.of = of };
	free(numbers);
	return value;
}

/* How hosts are held against each other. */
struct scale {
	double sign;   /* 1 where higher is better, -1 where lower is, 0 where there is no direction */
	double *whole; /* of each host, over all its parts */
};

/* Even the best of these parts is worse than that, and the partners in them are at large not. */
static bool is_worse(const struct scale *s, const struct fl_host_part *parts, size_t n, double than)
{
	double limit = s->sign * than - FL_TOLERANCE * fabs(than), best = -INFINITY;
	double *theirs = fl_zalloc(n, sizeof(*theirs));
	size_t partners = 0;
	bool worse;

	for (size_t i = 0; i < n; i++) {
		best = fmax(best, s->sign * parts[i].value.median);
		if (i == 0 || parts[i].partner != parts[i - 1].partner)
			theirs[partners++] = s->sign * s->whole[parts[i].partner];
	}
	worse = partners >= PARTNERS_LEAST && best < limit && fl_median(theirs, partners) >= limit;
	free(theirs);
	return worse;
}

static struct fl_host_value value_of(const struct scale *s, const struct fl_host_part *parts, size_t n)
{
	struct fl_host_value in, out;
	size_t in_n = 0;

	while (in_n < n && !parts[in_n].sends)
		in_n++;
	if (s->sign == 0 || in_n == 0 || in_n == n)
		return middle(parts, n, FL_BOTH_WAYS);
	in = middle(parts, in_n, FL_ARRIVING);
	out = middle(parts + in_n, n - in_n, FL_SENDING);
	if (is_worse(s, parts, in_n, out.value.median))
		return in;
	if (is_worse(s, parts + in_n, n - in_n, in.value.median))
		return out;
	return middle(parts, n, FL_BOTH_WAYS);
}

static size_t count_of_one(const struct fl_host_part *parts, size_t n)
{
	size_t of_one = 1;

	while (of_one < n && parts[of_one].host == parts[0].host)
		of_one++;
	return of_one;
}

static double sign_of(const char *better)
{
	if (!better)
		return 0;
	return strcmp(better, "higher") == 0 ? 1 : strcmp(better, "lower") == 0 ? -1 : 0;
}

void fl_host_values(struct fl_host_part *parts, size_t n, const char *better, struct fl_host_value *of_host)
{
	struct scale s = { .sign = sign_of(better) };

	if (n == 0)
		return;
	qsort(parts, n, sizeof(*parts), compare);
	s.whole = fl_zalloc(parts[n - 1].host + 1, sizeof(*s.whole));
	for (size_t i = 0, of_one; i < n; i += of_one) {
		of_one = count_of_one(parts + i, n - i);
		s.whole[parts[i].host] = middle(parts + i, of_one, FL_BOTH_WAYS).value.median;
	}
	for (size_t i = 0, of_one; i < n; i += of_one) {
		of_one = count_of_one(parts + i, n - i);
		of_host[parts[i].host] = value_of(&s, parts + i, of_one);
	}
	free(s.whole);
}
