/* SPDX-License-Identifier: Apache-2.0 */
/* path/resident.c: what the page cache holds of a target, and how it is made to forget. */
#include "path/target.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WINDOW_BYTES (UINT64_C(1) << 30) /* looked at by mincore at once */
enum { SYS_CACHESTAT = 451 };		 /* Linux 6.5; not in every header yet */

/* As the kernel has them. */
struct range {
	uint64_t offset, bytes; /* bytes 0: to the end */
};
struct pages {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

static uint64_t page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t pages_in(uint64_t bytes)
{
	return (bytes + page_bytes() - 1) / page_bytes();
}

/* Of one file. */
struct part {
	int fd;
	struct range range;
};

static int by_cachestat(const struct part *part, uint64_t *pages)
{
	struct range range = part->range;
	struct pages seen = { 0 };

	if (syscall(SYS_CACHESTAT, part->fd, &range, &seen, 0) < 0)
		return -errno;
	*pages += seen.cached;
	return 0;
}

/* Of files that neither belong to us nor may be written by us mincore() says that all pages are there. */
static bool mincore_tells(int fd)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return geteuid() == 0 || (fstat(fd, &st) == 0 && st.st_uid == geteuid()) ||
	       faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) == 0;
}

/* The part begins at a page. */
static int by_mincore(const struct part *part, uint64_t *pages)
{
	unsigned char *there = malloc(pages_in(WINDOW_BYTES));
	int rc = there ? 0 : -ENOMEM;

	if (rc == 0 && !mincore_tells(part->fd))
		rc = -EPERM;
	for (uint64_t at = 0; at < part->range.bytes && rc == 0; at += WINDOW_BYTES) {
		uint64_t rest = part->range.bytes - at, bytes = rest < WINDOW_BYTES ? rest : WINDOW_BYTES;
		uint64_t pages_n = pages_in(bytes);
		void *window = mmap(NULL, bytes, PROT_READ, MAP_SHARED, part->fd, (off_t)(part->range.offset + at));

		if (window == MAP_FAILED) {
			rc = -errno;
			break;
		}
		if (mincore(window, bytes, there) < 0)
			rc = -errno;
		for (uint64_t i = 0; i < pages_n && rc == 0; i++)
			*pages += there[i] & 1;
		munmap(window, bytes);
	}
	free(there);
	return rc;
}

static int count_pages(const struct part *part, uint64_t *pages, struct fl_err *err)
{
	int rc = by_cachestat(part, pages);

	if (rc < 0 && rc != -EPERM)
		rc = by_mincore(part, pages);
	if (rc == 0)
		return 0;
	fl_fail(err, rc, "the kernel does not tell which pages are cached: %s", strerror(-rc));
	return rc == -EPERM ? fl_hint(err, "it tells who owns the file or may write it") : rc;
}

static double share(uint64_t pages, uint64_t all)
{
	return all && pages < all ? (double)pages / (double)all : all ? 1 : 0;
}

int fl_target_resident(const struct fl_target *t, double *ret_ratio, struct fl_err *err)
{
	uint64_t pages = 0, all = 0;
	int rc = 0;

	for (size_t i = 0; i < t->files_n && rc == 0; i++) {
		struct part part = { t->files[i].fd, { 0, t->files[i].bytes } };

		rc = part.range.bytes ? count_pages(&part, &pages, err) : 0;
		all += pages_in(part.range.bytes);
	}
	if (rc == 0)
		*ret_ratio = share(pages, all);
	return rc;
}

static int drop(const struct part *part, struct fl_err *err)
{
	int rc = posix_fadvise(part->fd, (off_t)part->range.offset, (off_t)part->range.bytes, POSIX_FADV_DONTNEED);

	return rc ? fl_fail(err, -rc, "ask the kernel to drop cached pages: %s", strerror(rc)) : 0;
}

int fl_target_drop(const struct fl_target *t, struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < t->files_n && rc == 0; i++) {
		struct part all = { t->files[i].fd, { 0, 0 } };

		fdatasync(all.fd); /* what cannot be written back stays, and is seen */
		rc = drop(&all, err);
	}
	return rc;
}

/* ---- some blocks of the row */

/* Those of the blocks from *first on that one file holds; *first and *blocks become what is left. */
static struct part next_part(const struct fl_target *t, uint64_t *first, uint64_t *blocks)
{
	struct fl_place at = fl_target_place(t, *first);
	const struct fl_target_file *file = &t->files[at.file];
	uint64_t n = file->bytes / t->block_bytes - at.offset / t->block_bytes;

	n = n < *blocks ? n : *blocks;
	*first += n;
	*blocks -= n;
	return (struct part){ file->fd, { at.offset, n * t->block_bytes } };
}

int fl_target_resident_blocks(const struct fl_target *t, uint64_t first, uint64_t blocks, double *ret_ratio,
			      struct fl_err *err)
{
	uint64_t pages = 0, all = 0;
	int rc = 0;

	while (blocks > 0 && rc == 0) {
		struct part part = next_part(t, &first, &blocks);

		rc = count_pages(&part, &pages, err);
		all += pages_in(part.range.bytes);
	}
	if (rc == 0)
		*ret_ratio = share(pages, all);
	return rc;
}

int fl_target_drop_blocks(const struct fl_target *t, uint64_t first, uint64_t blocks, struct fl_err *err)
{
	int rc = 0;

	while (blocks > 0 && rc == 0) {
		struct part part = next_part(t, &first, &blocks);

		rc = drop(&part, err);
	}
	return rc;
}
