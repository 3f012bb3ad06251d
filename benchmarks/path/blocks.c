/* SPDX-License-Identifier: Apache-2.0 */
/* path/blocks.c: stretches of test data. */
#include "path/blocks.h"
#include "path/found.h"
#include <errno.h>
#include <string.h>

enum { SEED = 1, FILE_NUMBER, OFFSET }; /* words of a head, behind the magic number */

void fl_blocks_fill(void *data, uint64_t bytes, const struct fl_origin *o)
{
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		fl_block_fill((char *)data + at, o->seed, o->file, o->offset + at);
}

uint64_t fl_blocks_heads(const void *data, uint64_t bytes, const struct fl_origin *o)
{
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES) {
		const uint64_t *word = (const void *)((const char *)data + at);

		if (word[0] != FL_BLOCK_MAGIC || word[SEED] != o->seed || word[FILE_NUMBER] != o->file ||
		    word[OFFSET] != o->offset + at)
			return at;
	}
	return bytes;
}

uint64_t fl_blocks_sums(const struct fl_stream_engine *engine, const void *data, uint64_t bytes,
			const struct fl_origin *o)
{
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		if (engine->read((const char *)data + at, FL_BLOCK_BYTES) !=
		    fl_block_sum(o->seed, o->file, o->offset + at))
			return at;
	return bytes;
}

uint64_t fl_blocks_full(const void *data, uint64_t bytes, const struct fl_origin *o)
{
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		if (fl_block_check((const char *)data + at, o->seed, o->file, o->offset + at) != FL_BLOCK_BYTES)
			return at;
	return bytes;
}

int fl_blocks_explain(const void *block, const struct fl_origin *o, const char *name, struct fl_err *err)
{
	const struct fl_dataset set = { .seed = o->seed };
	uint64_t copy[FL_BLOCK_WORDS];
	char found[160];

	memcpy(copy, block, sizeof(copy));
	fl_found_describe(&set, o->file, o->offset, copy, found, sizeof(found));
	fl_fail(err, -EBADMSG, "the block of '%s' file %llu at offset %llu %s", name, (unsigned long long)o->file,
		(unsigned long long)o->offset, found);
	return -EBADMSG;
}

int fl_blocks_compare(const void *arrived, const void *again, uint64_t bytes, const struct fl_origin *o,
		      const char *name, struct fl_err *err)
{
	const unsigned char *got = arrived, *there = again;
	unsigned long long file, offset;
	uint64_t i = 0;

	if (memcmp(got, there, bytes) == 0)
		return 0;
	while (got[i] == there[i])
		i++;
	file = o->file;
	offset = o->offset + i;
	fl_fail(err, -EBADMSG, "'%s' file %llu at offset %llu: 0x%02x arrived, read again it is 0x%02x", name, file,
		offset, got[i], there[i]);
	return fl_hint(err, "was the file written meanwhile? else the path from this drive corrupts data");
}
