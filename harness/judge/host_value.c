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

/* sign: 1 where higher is better, -1 where lower is. */
static bool is_worse(const struct fl_host_part *parts, size_t n, double than, double sign)
{
	double best = -INFINITY;
	size_t partners = 0;

	for (size_t i = 0; i < n; i++) {
		best = fmax(best, sign * parts[i].value.median);
		partners += i == 0 || parts[i].partner != parts[i - 1].partner;
	}
	return partners >= PARTNERS_LEAST && best < sign * than - FL_TOLERANCE * fabs(than);
}

static struct fl_host_value value_of(const struct fl_host_part *parts, size_t n, double sign)
{
	struct fl_host_value in, out;
	size_t in_n = 0;

	while (in_n < n && !parts[in_n].sends)
		in_n++;
	if (sign == 0 || in_n == 0 || in_n == n)
		return middle(parts, n, FL_BOTH_WAYS);
	in = middle(parts, in_n, FL_ARRIVING);
	out = middle(parts + in_n, n - in_n, FL_SENDING);
	if (is_worse(parts, in_n, out.value.median, sign))
		return in;
	if (is_worse(parts + in_n, n - in_n, in.value.median, sign))
		return out;
	return middle(parts, n, FL_BOTH_WAYS);
}

void fl_host_values(struct fl_host_part *parts, size_t n, const char *better, struct fl_host_value *of_host)
{
	double sign = !better ? 0 : strcmp(better, "higher") == 0 ? 1 : strcmp(better, "lower") == 0 ? -1 : 0;

	if (n)
		qsort(parts, n, sizeof(*parts), compare);
	for (size_t i = 0, of_one; i < n; i += of_one) {
		for (of_one = 1; i + of_one < n && parts[i + of_one].host == parts[i].host; of_one++)
			;
		of_host[parts[i].host] = value_of(parts + i, of_one, sign);
	}
}
