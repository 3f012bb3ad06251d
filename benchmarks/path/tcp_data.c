/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp_data.c: what goes over a stream. */
#include "path/tcp_data.h"
#include "path/stamp.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { ALL_OF_FIRST = 1 << 20, EVERY = 32, HEAD_BYTES = 32 };

/* ---- to send */

void fl_tcp_out_fill(struct fl_tcp_out *out, char *memory, size_t block_bytes, unsigned slots, uint64_t seed)
{
	*out = (struct fl_tcp_out){ .memory = memory, .block_bytes = block_bytes, .slots = slots, .seed = seed };
	for (size_t at = 0; at < block_bytes * slots; at += FL_BLOCK_BYTES)
		fl_block_fill(memory + at, seed, 0, at);
}

char *fl_tcp_out_next(struct fl_tcp_out *out, unsigned slot)
{
	char *block = out->memory + slot * out->block_bytes;

	for (size_t at = 0; at < out->block_bytes; at += FL_BLOCK_BYTES)
		fl_stamp((uint64_t *)(void *)(block + at), out->seed, 0, out->offset + at);
	out->offset += out->block_bytes;
	return block;
}

/* ---- received */

void fl_tcp_in_begin(struct fl_tcp_in *in, uint64_t seed)
{
	*in = (struct fl_tcp_in){ .seed = seed, .wrong_at = UINT64_MAX };
}

static void keep(struct fl_tcp_in *in, const char *block, size_t n, uint64_t offset)
{
	if (in->wrong_at <= offset)
		return;
	in->wrong_at = offset;
	memset(in->wrong, 0, sizeof(in->wrong));
	memcpy(in->wrong, block, n);
}

/* A piece ends anywhere, so a block need not be aligned. */
static void check_head(struct fl_tcp_in *in, const char *block, size_t there, uint64_t offset)
{
	const uint64_t want[4] = { FL_BLOCK_MAGIC, in->seed, 0, offset };

	if (memcmp(block, want, sizeof(want)) != 0)
		keep(in, block, there < FL_BLOCK_BYTES ? there : FL_BLOCK_BYTES, offset);
}

static uint64_t sum_of(const char *block)
{
	uint64_t sum = 0, words[8];

	for (size_t i = 0; i < FL_BLOCK_BYTES; i += sizeof(words)) {
		memcpy(words, block + i, sizeof(words));
		for (unsigned k = 0; k < 8; k++)
			sum += words[k];
	}
	return sum;
}

static void check_all(struct fl_tcp_in *in, const char *block, uint64_t offset)
{
	if (sum_of(block) != fl_block_sum(in->seed, 0, offset))
		keep(in, block, FL_BLOCK_BYTES, offset);
	else
		check_head(in, block, FL_BLOCK_BYTES, offset);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A block may come in several pieces; one whose beginning was not seen is left out. */
void fl_tcp_in_check(struct fl_tcp_in *in, const void *data, size_t n, uint64_t offset)
{
	for (const char *bytes = data; n > 0;) {
		const size_t at = (size_t)(offset % FL_BLOCK_BYTES),
			     rest = least(n, FL_BLOCK_BYTES - at); /* of the block */

		if (rest == FL_BLOCK_BYTES)
			check_all(in, bytes, offset);
		else if (at == 0 || in->partial_end == offset) {
			memcpy(in->partial + at, bytes, rest);
			in->partial_end = offset + rest;
			if (at + rest == FL_BLOCK_BYTES)
				check_all(in, in->partial, offset - at);
		}
		bytes += rest;
		offset += rest;
		n -= rest;
	}
}

void fl_tcp_in_take(struct fl_tcp_in *in, const void *data, size_t n)
{
	size_t first = (size_t)(-in->offset % FL_BLOCK_BYTES);
	const char *bytes = data;

	if (in->offset < ALL_OF_FIRST)
		fl_tcp_in_check(in, data, n, in->offset);
	else if (in->pieces % EVERY == 0 && first + FL_BLOCK_BYTES <= n)
		check_all(in, bytes + first, in->offset + first);
	else if (first + HEAD_BYTES <= n)
		check_head(in, bytes + first, n - first, in->offset + first);
	in->pieces++;
	in->offset += n;
}

/* Words of a block that is right in itself and belongs elsewhere, or the first wrong byte. */
int fl_tcp_in_verdict(const struct fl_tcp_in *in, unsigned stream, struct fl_err *err)
{
	const uint64_t *word = in->wrong;
	uint64_t right[FL_BLOCK_WORDS];
	size_t at = 0;

	if (in->wrong_at == UINT64_MAX)
		return 0;
	if (word[0] == FL_BLOCK_MAGIC && word[1] == in->seed && word[3] != in->wrong_at)
		fl_fail(err, -EBADMSG, "stream %u: at byte %" PRIu64 " arrived what belongs at byte %" PRIu64, stream,
			in->wrong_at, word[3]);
	else if (word[0] == FL_BLOCK_MAGIC && word[1] != in->seed)
		fl_fail(err, -EBADMSG, "stream %u: at byte %" PRIu64 " arrived what belongs to another stream", stream,
			in->wrong_at);
	else {
		fl_block_fill(right, in->seed, 0, in->wrong_at);
		while (at < FL_BLOCK_CHECK && word[at] == right[at])
			at++;
		if (at == FL_BLOCK_CHECK)
			fl_fail(err, -EBADMSG, "stream %u: a byte of the %d from byte %" PRIu64 " on is wrong", stream,
				FL_BLOCK_BYTES, in->wrong_at);
		else
			fl_fail(err, -EBADMSG,
				"stream %u: at byte %" PRIu64 ": expected 0x%016" PRIx64 ", found 0x%016" PRIx64,
				stream, in->wrong_at + 8 * at, right[at], word[at]);
	}
	return fl_hint(err, "memory, a NIC or the network between changes data that passes TCP's checksum");
}
