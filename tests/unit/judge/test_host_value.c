/* SPDX-License-Identifier: Apache-2.0 */
/* test_host_value.c: when one direction alone is a host's value, and when a partner may be the reason as well. */
#include "judge/host_value.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8, HOSTS = 16, PARTS = HOSTS * (HOSTS - 1) };

/* What arrives at host 0 and what it sends, from and to host 1, 2, ..; 0: no more. Elsewhere those are worth that. */
struct row {
	double in[MOST], out[MOST];
	const char *better;
	bool same_partner;
	double elsewhere;
	enum fl_direction of;
	double value;
};

static void add(struct fl_host_part *parts, size_t *n, const struct row *r, const double *values, bool sends)
{
	for (unsigned i = 0; i < MOST && values[i] > 0; i++)
		parts[(*n)++] = (struct fl_host_part){ .host = 0,
						       .partner = r->same_partner ? 1 : i + 1,
						       .sends = sends,
						       .value = { .median = values[i], .low = values[i], .high = 20 },
						       .trusted = !sends };
}

static void directions(void **state)
{
	static const struct row rows[] = {
		{ { 10, 10, 10 }, { 5, 5, 5 }, "higher", false, 10, FL_SENDING, 5 },
		{ { 5, 4, 3 }, { 10, 10, 10 }, "higher", false, 10, FL_ARRIVING, 4 },
		{ { 10, 10, 10 }, { 5, 5, 5 }, "lower", false, 5, FL_ARRIVING, 10 },
		{ { 10 }, { 5, 5, 5 }, "higher", false, 10, FL_SENDING, 5 },
		{ { 5, 5, 5, 5, 5 }, { 10 }, "higher", false, 10, FL_ARRIVING, 5 },
		/* a partner is the reason as well */
		{ { 10, 10, 10 }, { 5, 5 }, "higher", false, 10, FL_BOTH_WAYS, 10 },
		{ { 10, 10, 10 }, { 5, 5, 10 }, "higher", false, 10, FL_BOTH_WAYS, 10 },
		{ { 10, 10, 10, 10 }, { 5, 5, 5 }, "higher", true, 10, FL_BOTH_WAYS, 10 },
		{ { 10, 10, 10, 10 }, { 5, 5, 5 }, "higher", false, 5, FL_BOTH_WAYS, 10 },
		{ { 10, 10, 10 }, { 5, 5, 5 }, "lower", false, 10, FL_BOTH_WAYS, 7.5 },
		/* within the tolerance; no other direction; none at all */
		{ { 10, 10, 10 }, { 9.7, 9.7, 9.7 }, "higher", false, 10, FL_BOTH_WAYS, 9.85 },
		{ { 0 }, { 5, 4, 3 }, "higher", false, 10, FL_BOTH_WAYS, 4 },
		{ { 10, 10, 10, 10 }, { 5, 5, 5 }, NULL, false, 10, FL_BOTH_WAYS, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_host_part parts[3 * MOST];
		struct fl_host_value of_host[MOST + 1], value;
		size_t n = 0;

		add(parts, &n, &rows[i], rows[i].out, true); /* in any order */
		for (unsigned k = 1; k <= MOST; k++)
			parts[n++] =
				(struct fl_host_part){ k, 1 + k % MOST, false, { .median = rows[i].elsewhere }, true };
		add(parts, &n, &rows[i], rows[i].in, false);
		fl_host_values(parts, n, rows[i].better, of_host);
		value = of_host[0];
		if (value.of != rows[i].of || value.value.median < rows[i].value - 0.001 ||
		    value.value.median > rows[i].value + 0.001)
			fail_msg("row %zu: %d, %g", i, (int)value.of, value.value.median);
		assert_true(value.value.high == 20);
		if (value.of != FL_BOTH_WAYS)
			assert_true(value.trusted == (value.of == FL_ARRIVING));
	}
}

/* Parts of several hosts; one has none. */
static void each_host(void **state)
{
	struct fl_host_part parts[] = { { .host = 2, .partner = 0, .value = { .median = 7 } },
					{ .host = 0, .partner = 2, .sends = true, .value = { .median = 7 } },
					{ .host = 2, .partner = 0, .value = { .median = 9 }, .trusted = true } };
	struct fl_host_value of_host[3] = { { .value.median = -1 }, { .value.median = -1 }, { .value.median = -1 } };

	(void)state;
	fl_host_values(parts, 3, "higher", of_host);
	assert_true(of_host[0].value.median == 7 && of_host[1].value.median == -1 && of_host[2].value.median == 8);
	assert_false(of_host[2].trusted); /* half of it is not more than half */
	fl_host_values(NULL, 0, "higher", of_host);
}

/* Every two hosts once, from the lower number to the higher; slow is who is among `slow` hosts from `first` on, in what
 * it sends or in all. */
static void pairs(unsigned hosts, unsigned first, unsigned slow, bool sending_only, struct fl_host_value *ret)
{
	struct fl_host_part parts[PARTS];
	size_t n = 0;

	for (unsigned from = 0; from < hosts; from++)
		for (unsigned to = from + 1; to < hosts; to++) {
			bool bad = from - first < slow || (!sending_only && to - first < slow);
			struct fl_interval value = { .median = bad ? 50 : 100 };

			parts[n++] = (struct fl_host_part){ from, to, true, value, true };
			parts[n++] = (struct fl_host_part){ to, from, false, value, true };
		}
	fl_host_values(parts, n, "higher", ret);
}

static void is_worth(const struct fl_host_value *of_host, unsigned host, double want, enum fl_direction of)
{
	if (of_host[host].value.median != want || of_host[host].of != of)
		fail_msg("host %u: %g, %d", host, of_host[host].value.median, (int)of_host[host].of);
}

/* Who sends to three slow ones only, or hears from them only, is not slow. */
static void slow_ones_in_a_row(void **state)
{
	(void)state;
	for (unsigned hosts = 8; hosts <= HOSTS; hosts++)
		for (unsigned end = 0; end < 2; end++) {
			unsigned first = end ? hosts - 3 : 0;
			struct fl_host_value of_host[HOSTS];

			pairs(hosts, first, 3, false, of_host);
			for (unsigned i = 0; i < hosts; i++)
				is_worth(of_host, i, i - first < 3 ? 50 : 100, FL_BOTH_WAYS);
		}
}

static void slow_sender(void **state)
{
	(void)state;
	for (unsigned hosts = 8; hosts <= HOSTS; hosts++)
		for (unsigned sender = 1; sender + 3 < hosts; sender++) {
			struct fl_host_value of_host[HOSTS];

			pairs(hosts, sender, 1, true, of_host);
			for (unsigned i = 0; i < hosts; i++)
				is_worth(of_host, i, i == sender ? 50 : 100, i == sender ? FL_SENDING : FL_BOTH_WAYS);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directions),
		cmocka_unit_test(each_host),
		cmocka_unit_test(slow_ones_in_a_row),
		cmocka_unit_test(slow_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
