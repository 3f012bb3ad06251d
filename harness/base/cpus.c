/* SPDX-License-Identifier: Apache-2.0 */
/* cpus.c: sets of CPUs and their list form. */
#include "base/cpus.h"
#include <errno.h>
#include <string.h>

void fl_cpus_add(struct fl_cpus *set, unsigned cpu)
{
	if (cpu < FL_CPUS_MAX)
		set->bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

bool fl_cpus_has(const struct fl_cpus *set, unsigned cpu)
{
	return cpu < FL_CPUS_MAX && set->bits[cpu / 64] >> cpu % 64 & 1;
}

unsigned fl_cpus_count(const struct fl_cpus *set)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FL_CPUS_MAX / 64; i++)
		n += (unsigned)__builtin_popcountll(set->bits[i]);
	return n;
}

int fl_cpus_nth(const struct fl_cpus *set, unsigned i)
{
	for (unsigned cpu = 0; cpu < FL_CPUS_MAX; cpu++)
		if (fl_cpus_has(set, cpu) && i-- == 0)
			return (int)cpu;
	return -1;
}

bool fl_cpus_equal(const struct fl_cpus *a, const struct fl_cpus *b)
{
	return memcmp(a->bits, b->bits, sizeof(a->bits)) == 0;
}

struct fl_cpus fl_cpus_and(const struct fl_cpus *a, const struct fl_cpus *b)
{
	struct fl_cpus both;

	for (unsigned i = 0; i < FL_CPUS_MAX / 64; i++)
		both.bits[i] = a->bits[i] & b->bits[i];
	return both;
}

/* A CPU number; moves *at behind it. */
static bool parse_cpu(const char **at, unsigned *ret)
{
	unsigned cpu = 0;
	const char *c = *at;

	for (; *c >= '0' && *c <= '9'; c++) {
		cpu = cpu * 10 + (unsigned)(*c - '0');
		if (cpu >= FL_CPUS_MAX)
			return false;
	}
	if (c == *at)
		return false;
	*at = c;
	*ret = cpu;
	return true;
}

/* "3" or "3-5"; moves *at behind it. */
static bool parse_range(const char **at, struct fl_cpus *set)
{
	unsigned first, last;

	if (!parse_cpu(at, &first))
		return false;
	last = first;
	if (**at == '-') {
		++*at;
		if (!parse_cpu(at, &last) || last < first)
			return false;
	}
	for (unsigned cpu = first; cpu <= last; cpu++)
		fl_cpus_add(set, cpu);
	return true;
}

int fl_cpus_parse(const char *list, struct fl_cpus *ret, struct fl_err *err)
{
	struct fl_cpus set = { 0 };
	const char *at = list;
	bool good = true;

	if (*at && *at != '\n')
		good = parse_range(&at, &set);
	while (good && *at == ',') {
		at++;
		good = parse_range(&at, &set);
	}
	if (good && *at == '\n')
		at++;
	if (!good || *at) {
		int rc = fl_fail(err, -EINVAL, "'%.80s' is not a list of CPUs", list);

		fl_hint(err, "write it as '0-3,8', numbers below %d", FL_CPUS_MAX);
		return rc;
	}
	*ret = set;
	return 0;
}

void fl_cpus_format(const struct fl_cpus *set, struct fl_text *out)
{
	const char *comma = "";

	for (unsigned cpu = 0; cpu < FL_CPUS_MAX; cpu++) {
		unsigned first = cpu;

		if (!set->bits[cpu / 64])
			cpu |= 63; /* none of these */
		if (!fl_cpus_has(set, cpu))
			continue;
		while (fl_cpus_has(set, cpu + 1))
			cpu++;
		fl_text_add(out, first == cpu ? "%s%u" : "%s%u-%u", comma, first, cpu);
		comma = ",";
	}
}
