/* SPDX-License-Identifier: Apache-2.0 */
/* path/found.h: what is there in the place of a right block, in words: for reports of wrong data, not for the hot
 * path. */
#ifndef PATH_FOUND_H
#define PATH_FOUND_H
#include <feedline/dataset.h>
#include <stddef.h>
#include <stdint.h>

/* block: FL_BLOCK_BYTES that fl_block_check() refused in file `file` of the set, at that offset; aligned to 8.
 *
 *   "1 bit is flipped, in byte 123"              "3 of 512 words are wrong, from byte 40 on"
 *   "holds the block of 'data-00000001' at offset 8192"
 *   "holds a block of another data set (seed 0x0123456789abcdef)": an older one, not overwritten
 *   "was never written (zeros)"                  "holds nothing of a data set" */
void fl_found_describe(const struct fl_dataset *set, size_t file, uint64_t offset, const void *block, char *ret,
		       size_t room);

#endif
