/* SPDX-License-Identifier: Apache-2.0 */
/* path/traffic_check.c: is what the threads moved last what it should be? */
#include "path/blocks.h"
#include "path/traffic.h"
#include <errno.h>
#include <feedline/block.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CHECK_BLOCKS = 8, CHECK_BYTES = 64 << 20 }; /* at most, of each thread; at least one block */

static int read_again(const struct fl_target *t, struct fl_place at, char *scratch, struct fl_err *err)
{
	size_t bytes = (size_t)t->block_bytes;
	ssize_t n = pread(t->files[at.file].fd, scratch, bytes, (off_t)at.offset);

	if (n < 0)
		return fl_fail(err, -errno, "read again at offset %" PRIu64 ": %s", at.offset, strerror(errno));
	if ((size_t)n != bytes)
		return fl_fail(err, -EIO, "short read at offset %" PRIu64 ": %zd of %zu bytes", at.offset, n, bytes);
	return 0;
}

static int compare(const struct fl_target *t, struct fl_place at, const char *data, char *scratch, struct fl_err *err)
{
	int rc = read_again(t, at, scratch, err);

	return rc < 0 ? rc : fl_target_compare(t, at, data, scratch, t->block_bytes, err);
}

static int write_lost(const uint64_t *word, const struct fl_traffic_block *b, uint64_t offset, uint64_t seed,
		      struct fl_err *err)
{
	if (word[0] == FL_BLOCK_MAGIC && word[1] == seed && word[3] == offset && word[2] < b->number)
		fl_fail(err, -EBADMSG,
			"offset %" PRIu64 ": write number %" PRIu64 " of its thread is not there, but number %" PRIu64,
			offset, b->number, word[2]);
	else if (word[0] == FL_BLOCK_MAGIC && word[1] == seed && word[3] != offset)
		fl_fail(err, -EBADMSG, "offset %" PRIu64 ": the block of offset %" PRIu64 " is there", offset, word[3]);
	else
		fl_fail(err, -EBADMSG, "offset %" PRIu64 ": not what was written", offset);
	return fl_hint(err, "the drive, or the path to it, loses or corrupts data");
}

static int check_written(const struct fl_target *t, const struct fl_traffic_block *b, const char *data,
			 struct fl_err *err)
{
	for (uint64_t i = 0; i < t->block_bytes; i += FL_BLOCK_BYTES) {
		const struct fl_origin origin = { t->seed, b->number, b->at.offset + i };
		const uint64_t *word = (const uint64_t *)(data + i);

		if (word[2] != b->number ||
		    fl_blocks_sums(fl_stream_portable, word, FL_BLOCK_BYTES, &origin) != FL_BLOCK_BYTES)
			return write_lost(word, b, b->at.offset + i, t->seed, err);
	}
	return 0;
}

static int check_block(const struct fl_traffic *t, const struct fl_traffic_block *b, char *scratch, struct fl_err *err)
{
	const struct fl_traffic_spec *spec = fl_traffic_spec(t);
	int rc;

	if (!spec->write)
		return spec->target->described
			       ? fl_target_check(spec->target, b->at, b->data, spec->target->block_bytes, err)
			       : compare(spec->target, b->at, b->data, scratch, err);
	rc = read_again(spec->target, b->at, scratch, err);
	return rc < 0 ? rc : check_written(spec->target, b, scratch, err);
}

static unsigned most_of(const struct fl_traffic_spec *spec)
{
	uint64_t most = CHECK_BYTES / spec->target->block_bytes;

	return most < 1 ? 1 : most < CHECK_BLOCKS ? (unsigned)most : CHECK_BLOCKS;
}

unsigned fl_traffic_checked(const struct fl_traffic_spec *spec)
{
	return spec->depth < most_of(spec) ? spec->depth : most_of(spec);
}

static int check_thread(const struct fl_traffic *t, unsigned thread, char *scratch, uint64_t *checked,
			struct fl_err *err)
{
	const struct fl_traffic_spec *spec = fl_traffic_spec(t);
	struct fl_traffic_block block;
	unsigned n = 0;
	int rc = 0;

	if (fl_traffic_wrong(t, thread, &block))
		rc = fl_target_check(spec->target, block.at, block.data, FL_BLOCK_BYTES, err);
	for (unsigned slot = 0; slot < spec->depth && n < most_of(spec) && rc == 0; slot++) {
		if (!fl_traffic_block(t, thread, slot, &block))
			continue;
		rc = check_block(t, &block, scratch, err);
		n++;
	}
	*checked += n;
	return rc;
}

int fl_traffic_check(const struct fl_traffic *t, struct fl_err *err)
{
	const struct fl_traffic_spec *spec = fl_traffic_spec(t);
	size_t bytes = (size_t)spec->target->block_bytes;
	char *scratch = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t checked = 0;
	int rc = 0;

	if (scratch == MAP_FAILED)
		return fl_fail(err, -ENOMEM, "no memory for a block of %zu bytes", bytes);
	for (unsigned i = 0; i < spec->threads && rc == 0; i++)
		rc = check_thread(t, i, scratch, &checked, err);
	munmap(scratch, bytes);
	if (rc == 0 && checked == 0)
		return fl_fail(err, -ENODATA, "nothing was moved, so nothing can be verified");
	return rc;
}
