/* SPDX-License-Identifier: Apache-2.0 */
/* path/pages.c: sizes of pages, from the kernel's account of every mapping:
 *
 *   7f5c40000000-7f5c48000000 rw-p 00000000 00:00 0
 *   Rss:              131072 kB
 *   AnonHugePages:    131072 kB */
#include "path/pages.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Digits to a number; *text goes behind them. Whether there were any, can be seen from that. */
static uint64_t read_digits(const char **text, unsigned base)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;

	for (; **text; ++*text) {
		const char *digit = memchr(digits, **text, base);

		if (!digit)
			break;
		n = n * base + (uint64_t)(digit - digits);
	}
	return n;
}

/* Is it the head of a mapping? */
static bool read_head(const char *line, uint64_t *from, uint64_t *to)
{
	const char *at = line;

	*from = read_digits(&at, 16);
	if (at == line || *at++ != '-')
		return false;
	*to = read_digits(&at, 16);
	return *at == ' ';
}

static void add_kib(const char *line, const char *label, uint64_t *sum)
{
	size_t n = strlen(label);

	if (strncmp(line, label, n) != 0)
		return;
	line += n + strspn(line + n, " ");
	*sum += read_digits(&line, 10);
}

const char *fl_pages_of(const char *smaps, const void *start, uint64_t bytes)
{
	uint64_t first = (uintptr_t)start, from, to, resident = 0, huge = 0;
	FILE *file = fopen(smaps, "re");
	bool inside = false;
	char line[512]; /* the rest of a long path begins like no label */

	if (!file)
		return "unknown";
	while (fgets(line, sizeof(line), file)) {
		if (read_head(line, &from, &to))
			inside = from < first + bytes && to > first;
		if (!inside)
			continue;
		add_kib(line, "Rss:", &resident);
		add_kib(line, "AnonHugePages:", &huge);
	}
	fclose(file);
	if (resident == 0)
		return "unknown";
	return 20 * huge >= 19 * resident ? "huge" : 20 * huge <= resident ? "small" : "mixed";
}
