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

static int by_cachestat(const struct fl_target_file *file, uint64_t *pages)
{
	struct range all = { 0, 0 };
	struct pages seen = { 0 };

	if (syscall(SYS_CACHESTAT, file->fd, &all, &seen, 0) < 0)
		return -errno;
	*pages += seen.cached;
	return 0;
}

/* Of files that neither belong to us nor may be written by us mincore() says that all pages are there. */
static bool mincore_tells(const struct fl_target_file *file)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", file->fd);
	return geteuid() == 0 || (fstat(file->fd, &st) == 0 && st.st_uid == geteuid()) ||
	       faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) == 0;
}

static int by_mincore(const struct fl_target_file *file, uint64_t *pages)
{
	unsigned char *there = malloc(pages_in(WINDOW_BYTES));
	int rc = there ? 0 : -ENOMEM;

	if (rc == 0 && !mincore_tells(file))
		rc = -EPERM;
	for (uint64_t at = 0; at < file->bytes && rc == 0; at += WINDOW_BYTES) {
		uint64_t rest = file->bytes - at, bytes = rest < WINDOW_BYTES ? rest : WINDOW_BYTES;
		void *window = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file->fd, (off_t)at);

		if (window == MAP_FAILED) {
			rc = -errno;
			break;
		}
		if (mincore(window, bytes, there) < 0)
			rc = -errno;
		for (uint64_t i = 0; i < pages_in(bytes) && rc == 0; i++)
			*pages += there[i] & 1;
		munmap(window, bytes);
	}
	free(there);
	return rc;
}

int fl_target_resident(const struct fl_target *t, double *ret_ratio, struct fl_err *err)
{
	uint64_t pages = 0, all = 0;

	for (size_t i = 0; i < t->files_n; i++) {
		const struct fl_target_file *file = &t->files[i];
		int rc = by_cachestat(file, &pages);

		if (rc < 0 && rc != -EPERM)
			rc = by_mincore(file, &pages);
		if (rc < 0)
			return fl_fail(err, rc, "the kernel does not tell which pages are cached: %s", strerror(-rc));
		all += pages_in(file->bytes);
	}
	*ret_ratio = all && pages < all ? (double)pages / (double)all : all ? 1 : 0;
	return 0;
}

int fl_target_drop(const struct fl_target *t, struct fl_err *err)
{
	for (size_t i = 0; i < t->files_n; i++) {
		int rc;

		fdatasync(t->files[i].fd); /* what cannot be written back stays, and is seen */
		rc = posix_fadvise(t->files[i].fd, 0, 0, POSIX_FADV_DONTNEED);
		if (rc)
			return fl_fail(err, -rc, "ask the kernel to drop cached pages: %s", strerror(rc));
	}
	return 0;
}
