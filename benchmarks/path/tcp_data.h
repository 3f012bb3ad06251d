/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp_data.h: what goes over a stream: blocks of test data (feedline/block.h) that tell which stream they are of
 * (the seed) and how many bytes of it come before them. Nothing may be missing, doubled, exchanged or changed.
 *
 * A sender marks a buffer anew for the price of a line of memory a block. A receiver looks, while it is fast enough for
 * that, at one head of each piece that arrives, and reads every byte of one block of some; of the first mebibyte, and
 * of what lies in its buffers in the end, it reads all. */
#ifndef PATH_TCP_DATA_H
#define PATH_TCP_DATA_H
#include <feedline/block.h>
#include <feedline/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- to send: buffers of block_bytes each (a multiple of FL_BLOCK_BYTES), used in turn */
struct fl_tcp_out {
	char *memory;
	size_t block_bytes;
	unsigned slots;
	uint64_t seed, offset; /* of the next block in the stream */
};
void fl_tcp_out_fill(struct fl_tcp_out *out, char *memory, size_t block_bytes, unsigned slots, uint64_t seed);
char *fl_tcp_out_next(struct fl_tcp_out *out, unsigned slot); /* marks it as the next block of the stream */

/* ---- received */
struct fl_tcp_in {
	uint64_t seed, offset; /* how many bytes have arrived */
	uint64_t pieces;
	uint64_t wrong_at; /* where the first wrong block belongs; UINT64_MAX: none was seen */
	uint64_t wrong[FL_BLOCK_WORDS];
	char partial[FL_BLOCK_BYTES]; /* a block that has not come whole */
	uint64_t partial_end;	      /* up to where in the stream */
};
void fl_tcp_in_begin(struct fl_tcp_in *in, uint64_t seed);
/* The next n bytes of the stream, wherever they lie. */
void fl_tcp_in_take(struct fl_tcp_in *in, const void *data, size_t n);
/* Every byte of all blocks that are whole in pieces given one after the other, in the order of the stream. */
void fl_tcp_in_check(struct fl_tcp_in *in, const void *data, size_t n, uint64_t offset);
/* 0; -EBADMSG: what was wrong. stream: its number. */
int fl_tcp_in_verdict(const struct fl_tcp_in *in, unsigned stream, struct fl_err *err);

#endif
