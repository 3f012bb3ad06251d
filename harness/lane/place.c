/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: memory where it was asked for, and the proof. Asking is not enough: policies are forbidden in some
 * containers, and the kernel may migrate pages while we measure. So pages are read back, after touching and again
 * after the last step: by move_pages() where it is allowed, else from /proc/self/numa_maps. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/units.h"
#include "lane/lane.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const size_t huge_bytes = (size_t)2 << 20;

/* Where a region's pages are: how many of them on another node than `node`. */
struct whereabouts {
	uint64_t pages, elsewhere;
	int other; /* a node that holds some of them */
};

static int ask_move_pages(const struct fl_region *r, struct whereabouts *ret)
{
	enum { BATCH = 1024 };
	void *pages[BATCH];
	int nodes[BATCH];
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), n = r->bytes / page_bytes;

	for (size_t done = 0; done < n;) {
		size_t batch = n - done < BATCH ? n - done : BATCH;

		for (size_t i = 0; i < batch; i++)
			pages[i] = (char *)r->start + (done + i) * page_bytes;
		if (syscall(SYS_move_pages, 0, batch, pages, NULL, nodes, 0) < 0)
			return -errno;
		for (size_t i = 0; i < batch; i++) {
			ret->pages++;
			if (nodes[i] != r->node) {
				ret->elsewhere++;
				ret->other = nodes[i];
			}
		}
		done += batch;
	}
	return 0;
}

/* Digits at the start of the text as a number; false: there are none, or too many. */
static bool leading_number(const char *text, uint64_t *ret)
{
	char digits[24] = "";
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n >= sizeof(digits))
		return false;
	memcpy(digits, text, n);
	return fl_parse_count(digits, ret, NULL) == 0;
}

/* A word of numa_maps; those like "N0=512" count. */
static void count_pages(const char *word, const struct fl_region *r, struct whereabouts *ret)
{
	uint64_t node, pages;
	const char *equals = *word == 'N' ? strchr(word, '=') : NULL;

	if (!equals || !leading_number(word + 1, &node) || !leading_number(equals + 1, &pages))
		return;
	ret->pages += pages;
	if (node != (uint64_t)r->node) {
		ret->elsewhere += pages;
		ret->other = (int)node;
	}
}

/* The line of numa_maps that begins with the region's address: "7f12.. bind:0 anon=512 dirty=512 N0=512
 * kernelpagesize_kB=4". */
static int ask_numa_maps(const struct fl_region *r, struct whereabouts *ret)
{
	struct fl_text maps = { 0 };
	char address[32];
	char *line, *save = NULL;
	int rc = fl_file_read(AT_FDCWD, "/proc/self/numa_maps", (size_t)16 << 20, &maps, NULL);

	if (rc < 0)
		return rc;
	snprintf(address, sizeof(address), "%lx ", (unsigned long)(uintptr_t)r->start);
	for (line = maps.bytes; line && strncmp(line, address, strlen(address)); line = save)
		save = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
	rc = line ? 0 : -ENOENT;
	for (const char *word = line; rc == 0 && word && *word && *word != '\n'; word = strpbrk(word + 1, " \n"))
		count_pages(word + 1, r, ret);
	fl_text_release(&maps);
	return rc == 0 && ret->pages == 0 ? -ENOENT : rc;
}

static int ask(const struct fl_region *r, struct whereabouts *ret)
{
	*ret = (struct whereabouts){ 0 };
	if (ask_move_pages(r, ret) == 0)
		return 0;
	*ret = (struct whereabouts){ 0 };
	return ask_numa_maps(r, ret);
}

/* ---- allocation */

static uint64_t available_bytes(void)
{
	static const char label[] = "MemAvailable:";
	struct fl_text text = { 0 };
	uint64_t kib = UINT64_MAX >> 10;
	const char *line;

	fl_file_read(AT_FDCWD, "/proc/meminfo", 65536, &text, NULL);
	line = strstr(fl_text_str(&text), label);
	if (line && !leading_number(line + sizeof(label) - 1 + strspn(line + sizeof(label) - 1, " "), &kib))
		kib = UINT64_MAX >> 10;
	fl_text_release(&text);
	return kib << 10;
}

/* Better refused than met by the kernel's out-of-memory killer, which may choose a stranger. Under lane->lock. */
static int reserve(struct fl_lane *lane, uint64_t bytes, struct fl_err *err)
{
	uint64_t available = available_bytes(), sum = lane->reserved_bytes + bytes;
	char want[FL_UNIT_TEXT], have[FL_UNIT_TEXT];

	if (lane->memory_max && sum > lane->memory_max / 10 * 9) { /* the programs need some too */
		fl_fail(err, -ENOMEM, "the lane needs %s for its buffers, the cgroup allows %s in all",
			fl_show_bytes(want, sum), fl_show_bytes(have, lane->memory_max));
		return fl_hint(err, "raise the cgroup's memory limit or choose smaller buffers");
	}
	if (bytes > available / 10 * 9) {
		fl_fail(err, -ENOMEM, "the lane needs %s of memory, %s are available", fl_show_bytes(want, bytes),
			fl_show_bytes(have, available));
		return fl_hint(err, "choose smaller buffers or end what else uses the memory");
	}
	lane->reserved_bytes = sum;
	return 0;
}

/* Aligned to huge pages, so that the kernel can use them where it wants to. */
static void *map_aligned(size_t bytes)
{
	char *p = mmap(NULL, bytes + huge_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = (huge_bytes - (uintptr_t)p % huge_bytes) % huge_bytes;
	if (before)
		munmap(p, before);
	munmap(p + before + bytes, huge_bytes - before);
	return p + before;
}

/* A refusal (0 or negative errno) is no error by itself: first touch may do, and reading back will tell. */
static int bind_pages(const struct fl_region *r)
{
	unsigned long mask[16] = { 0 };
	const unsigned bits = 8 * sizeof(*mask);

	if (r->node < 0 || (unsigned)r->node >= bits * 16)
		return 0;
	mask[(unsigned)r->node / bits] |= 1UL << ((unsigned)r->node % bits);
	return syscall(SYS_mbind, r->start, r->bytes, MPOL_BIND, mask, sizeof(mask) * 8, 0) < 0 ? -errno : 0;
}

static int touch(const struct fl_region *r, struct fl_err *err)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	if (r->bytes >= huge_bytes)
		madvise(r->start, r->bytes, MADV_HUGEPAGE);
	if (madvise(r->start, r->bytes, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno == ENOMEM || errno == EFAULT)
		return fl_fail(err, -ENOMEM, "node %d has no %zu bytes of free memory", r->node, r->bytes);
	for (size_t i = 0; i < r->bytes; i += page_bytes) /* a kernel before 5.14 */
		((volatile char *)r->start)[i] = 0;
	return 0;
}

static int fail_misplaced(const struct fl_region *r, const struct whereabouts *w, int bound, struct fl_err *err)
{
	if (bound == 0)
		return fl_fail(err, -EXDEV, "%llu of %llu pages asked for on node %d are on node %d",
			       (unsigned long long)w->elsewhere, (unsigned long long)w->pages, r->node, w->other);
	fl_fail(err, -EPERM, "memory cannot be put on node %d: mbind: %s", r->node, strerror(-bound));
	return fl_hint(err, "containers forbid this call by default: allow it (CAP_SYS_NICE) or run outside");
}

static int place_region(struct fl_region *r, struct fl_err *err)
{
	struct whereabouts w;
	int rc, bound;

	r->start = map_aligned(r->bytes);
	if (!r->start)
		return fl_fail(err, -ENOMEM, "map %zu bytes: %s", r->bytes, strerror(errno));
	bound = bind_pages(r);
	rc = touch(r, err);
	if (rc == 0 && r->node >= 0 && ask(r, &w) == 0 && w.elsewhere)
		rc = fail_misplaced(r, &w, bound, err);
	if (rc < 0)
		munmap(r->start, r->bytes);
	return rc;
}

int fl_alloc(struct fl_lane *lane, uint64_t bytes, int node, void **ret, struct fl_err *err)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct fl_region r = { .node = node < 0 ? lane->node : node };
	int rc;

	if (bytes == 0 || bytes > (uint64_t)1 << 46)
		return fl_fail(err, -EINVAL, "a buffer of %llu bytes", (unsigned long long)bytes);
	r.bytes = (size_t)((bytes + page_bytes - 1) / page_bytes * page_bytes);
	pthread_mutex_lock(&lane->lock);
	rc = reserve(lane, r.bytes, err);
	pthread_mutex_unlock(&lane->lock);
	if (rc < 0)
		return rc;
	rc = place_region(&r, err); /* not under the lock: threads may touch their buffers at the same time */
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&lane->lock);
	lane->regions = fl_grow(lane->regions, lane->regions_n + 1, sizeof(*lane->regions));
	lane->regions[lane->regions_n++] = r;
	pthread_mutex_unlock(&lane->lock);
	*ret = r.start;
	return 0;
}

void fl_lane_free_memory(struct fl_lane *lane)
{
	for (size_t i = 0; i < lane->regions_n; i++)
		munmap(lane->regions[i].start, lane->regions[i].bytes);
	free(lane->regions);
	lane->regions = NULL;
	lane->regions_n = 0;
}

/* ---- the proof */

/* 1: all there; 0: *reason says what is not; -1: could not be found out, *reason says why. */
static int pages_in_place(const struct fl_lane *lane, struct fl_text *reason)
{
	for (size_t i = 0; i < lane->regions_n; i++) {
		const struct fl_region *r = &lane->regions[i];
		struct whereabouts w;
		int rc;

		if (r->node < 0)
			continue; /* the machine knows no nodes: there is no other place */
		rc = ask(r, &w);
		if (rc < 0) {
			fl_text_add(reason, "the kernel does not tell where pages are: %s", strerror(-rc));
			return -1;
		}
		if (w.elsewhere) {
			fl_text_add(reason, "%llu of %llu pages of a buffer on node %d are on node %d",
				    (unsigned long long)w.elsewhere, (unsigned long long)w.pages, r->node, w.other);
			return 0;
		}
	}
	return 1;
}

json_t *fl_lane_placement(const struct fl_lane *lane)
{
	struct fl_text cpus = { 0 }, reason = { 0 };
	json_t *placement;
	int verified;

	if (lane->stray[0]) {
		fl_text_add(&reason, "%s", lane->stray);
		verified = 0;
	} else
		verified = pages_in_place(lane, &reason);
	fl_cpus_format(&lane->cpus, &cpus);
	placement = json_pack("{s:s, s:o, s:o, s:o}", "cpus", fl_text_str(&cpus), "node",
			      lane->node < 0 ? json_null() : json_integer(lane->node), "verified",
			      verified < 0 ? json_null() : json_boolean(verified), "reason",
			      fl_json_string(reason.n ? reason.bytes : NULL));
	fl_text_release(&cpus);
	fl_text_release(&reason);
	return placement;
}
