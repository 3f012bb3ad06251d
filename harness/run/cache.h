/* SPDX-License-Identifier: Apache-2.0 */
/* cache.h: the file that suites read when the user names none: made once in the cache directory, reused afterwards. Its
 * path alone tells what it is (read-BYTES.data there), so plans and records hold a plain path. It is made of the blocks
 * of feedline/block.h, as file 0 of seed FL_CACHE_SEED, so that who reads it can check every byte. */
#ifndef FL_RUN_CACHE_H
#define FL_RUN_CACHE_H
#include <feedline/err.h>
#include <stdint.h>

#define FL_CACHE_SEED 0x6665656466696c65u

/* "cache:256MiB" -> 1 and the path of that file (malloc'd); it need not exist, its directory is without symlinks. 0: no
 * such text, *ret is untouched. -EINVAL, -ERANGE: no good size. */
int fl_cache_path(const char *text, char **ret, struct fl_err *err);

/* Size of the file that belongs at this path; 0: not one of ours. */
uint64_t fl_cache_bytes(const char *path);

/* Makes it if it is absent, a link, of another size or not of such blocks (its first and last are looked at): written
 * through to the drive, complete or not there at all. 1: made; 0: it was there. -ENOSPC keeps what was free free. */
int fl_cache_make(const char *path, struct fl_err *err);

#endif
