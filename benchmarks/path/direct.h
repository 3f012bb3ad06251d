/* SPDX-License-Identifier: Apache-2.0 */
/* path/direct.h: a file or block device opened for reads that really reach the drive: O_DIRECT, and nothing that
 * would let the kernel answer from memory. Never opened for writing. Also through the page cache, where that is what is
 * measured: then all the rest of it must be a drive all the same. */
#ifndef PATH_DIRECT_H
#define PATH_DIRECT_H
#include <feedline/err.h>
#include <stdbool.h>
#include <stdint.h>

struct fl_direct {
	int fd;
	uint64_t bytes; /* size of the file or device */
};

/* Opens it and reads one block of block_bytes as a trial, since some file systems take O_DIRECT at open and refuse it
 * at the transfer. Refused, each with its reason: what is neither file nor block device (-EINVAL), memory file
 * systems and those without direct I/O (-ENODEV), files with holes or unwritten parts, whose reads never touch the
 * drive (-EINVAL), blocks the drive cannot read (-EINVAL), files smaller than one block (-EINVAL). Close the
 * descriptor with close(). */
int fl_direct_open(const char *path, uint64_t block_bytes, struct fl_direct *ret, struct fl_err *err);

/* The same, and how. */
struct fl_direct_how {
	uint64_t block_bytes; /* 0: no trial, and a file smaller than a block is taken */
	bool cached;	      /* through the page cache; no trial, which would fill it */
	bool no_link;	      /* a symbolic link is refused (-ELOOP) */
};
int fl_direct_open_as(const char *path, const struct fl_direct_how *how, struct fl_direct *ret, struct fl_err *err);

/* Would a file in this directory lie on a drive? Refused as above: -ENOTDIR, -ENODEV. */
int fl_direct_check_directory(const char *dir, struct fl_err *err);

#endif
