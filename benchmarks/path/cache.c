/* SPDX-License-Identifier: Apache-2.0 */
/* path/cache.c: how much last-level cache helps a thread, and how to be beyond it. */
#include "path/cache.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LEAST_BYTES = 64 << 20 };

/* The first line of <cpu_dir>/cpu<cpu>/cache/index<index>/<name>. */
static bool read_line(const char *cpu_dir, int cpu, unsigned index, const char *name, char *line, int room)
{
	char path[256];
	FILE *file;
	bool there;

	snprintf(path, sizeof(path), "%s/cpu%d/cache/index%u/%s", cpu_dir, cpu, index, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	there = fgets(line, room, file) != NULL;
	fclose(file);
	return there;
}

/* Bits in a mask as the kernel writes it: "00000000,0000ffff". */
static unsigned count_bits(const char *mask)
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = 0;

	for (; *mask && *mask != '\n'; mask++) {
		const char *digit = strchr(digits, *mask);

		n += digit ? (unsigned)__builtin_popcount((unsigned)(digit - digits)) : 0;
	}
	return n;
}

/* "32768K". 0: not such a text. */
static uint64_t bytes_of(const char *size)
{
	uint64_t kib = 0;

	while (*size >= '0' && *size <= '9' && kib < UINT32_MAX)
		kib = kib * 10 + (unsigned)(*size++ - '0');
	return *size == 'K' ? kib << 10 : 0;
}

uint64_t fl_cache_share(const char *cpu_dir, int cpu, unsigned threads)
{
	char size[32], mask[2048];
	unsigned last = 0, sharers;

	while (read_line(cpu_dir, cpu, last, "size", size, sizeof(size)))
		last++; /* `size` keeps the last one */
	if (last == 0 || !read_line(cpu_dir, cpu, last - 1, "shared_cpu_map", mask, sizeof(mask)))
		return 0;
	sharers = count_bits(mask);
	if (sharers > threads)
		sharers = threads;
	return sharers ? bytes_of(size) / sharers : 0;
}

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + FL_CACHE_GRAIN - 1) / FL_CACHE_GRAIN * FL_CACHE_GRAIN;
}

static int refuse(uint64_t asked, uint64_t share, uint64_t least, struct fl_err *err)
{
	if (share)
		fl_fail(err, -EINVAL,
			"buffers of %llu bytes would measure the cache, of which %llu are for each thread",
			(unsigned long long)asked, (unsigned long long)share);
	else
		fl_fail(err, -EINVAL,
			"buffers of %llu bytes may measure the cache, whose size this machine does not tell",
			(unsigned long long)asked);
	return fl_hint(err, "choose a size of at least %llu MiB", (unsigned long long)(least >> 20));
}

int fl_cache_beyond(const char *cpu_dir, int cpu, unsigned threads, enum fl_cache_times times, uint64_t asked,
		    uint64_t *ret, struct fl_err *err)
{
	uint64_t share = fl_cache_share(cpu_dir, cpu, threads), beyond = round_up((uint64_t)times * share);
	uint64_t least = share ? beyond : LEAST_BYTES;

	if (asked % FL_CACHE_GRAIN)
		return fl_fail(err, -EINVAL, "buffers of %llu bytes are no multiple of 1 MiB",
			       (unsigned long long)asked);
	if (asked && asked < least)
		return refuse(asked, share, least, err);
	if (asked == 0)
		asked = beyond > LEAST_BYTES ? beyond : LEAST_BYTES;
	*ret = asked;
	return 0;
}
