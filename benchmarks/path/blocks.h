/* SPDX-License-Identifier: Apache-2.0 */
/* path/blocks.h: stretches of test data (feedline/block.h): filling them, and finding what is wrong in them. `data` is
 * aligned to FL_BLOCK_BYTES, `bytes` and `offset` are multiples of it. */
#ifndef PATH_BLOCKS_H
#define PATH_BLOCKS_H
#include "path/stream.h"
#include <feedline/block.h>
#include <feedline/err.h>

/* Where a stretch belongs: the blocks from `offset` on of file number `file` of the data set with that seed. */
struct fl_origin {
	uint64_t seed, file, offset;
};

void fl_blocks_fill(void *data, uint64_t bytes, const struct fl_origin *origin);

/* Each returns the offset of the first wrong block in the stretch; `bytes` when there is none.
 *   heads  looks at what is in front of each block only: a line of memory of each
 *   sums   reads every byte, as fast as the engine reads
 *   full   computes every word again */
uint64_t fl_blocks_heads(const void *data, uint64_t bytes, const struct fl_origin *origin);
uint64_t fl_blocks_sums(const struct fl_stream_engine *engine, const void *data, uint64_t bytes,
			const struct fl_origin *origin);
uint64_t fl_blocks_full(const void *data, uint64_t bytes, const struct fl_origin *origin);

/* What is there instead of a right block (path/found.h). `name` says which file or memory it came from. Returns
 * -EBADMSG. */
int fl_blocks_explain(const void *block, const struct fl_origin *origin, const char *name, struct fl_err *err);

/* Any data, against the same bytes by another way: 0, or -EBADMSG with the first byte that is another one. */
int fl_blocks_compare(const void *arrived, const void *again, uint64_t bytes, const struct fl_origin *origin,
		      const char *name, struct fl_err *err);

#endif
