/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/bytes.h: what is in memory that a device may use, wherever that is: a CPU does not reach that of a GPU, so
 * it goes through a piece of host memory. Never timed. */
#ifndef PATH_RDMA_BYTES_H
#define PATH_RDMA_BYTES_H
#include "path/rdma/memory.h"

enum { FL_RDMA_PIECE_BYTES = 4 << 20 };

/* Fills `bytes` from `offset` on: make() says what is in them, of the bytes at `at` (from `offset` on: a multiple of
 * FL_RDMA_PIECE_BYTES) the first n. */
int fl_rdma_bytes_fill(const struct fl_rdma_memory *m, uint64_t offset, uint64_t bytes,
		       void (*make)(const void *arg, char *to, uint64_t at, uint64_t n), const void *arg,
		       struct fl_err *err);

/* Looks at bytes: opened after everything that the device was to write is there, and closed before it writes more. A
 * host's alone: { .host = where }, which needs neither. */
struct fl_rdma_view {
	const struct fl_rdma_memory *memory;
	const char *host; /* where it begins; NULL: not within reach of a CPU */
	uint64_t first;	  /* of the memory: what looks call offset 0 */
	char *piece;
	uint64_t from, bytes; /* of the memory, that are in the piece */
};
int fl_rdma_view_open(const struct fl_rdma_memory *m, uint64_t first, struct fl_rdma_view *ret, struct fl_err *err);
void fl_rdma_view_close(struct fl_rdma_view *v);

/* Where they are, until the next look. At most FL_RDMA_PIECE_BYTES; from lower to higher offsets costs least. */
int fl_rdma_view_at(struct fl_rdma_view *v, uint64_t offset, uint64_t bytes, const char **ret, struct fl_err *err);

#endif
