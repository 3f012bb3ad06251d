/* SPDX-License-Identifier: Apache-2.0 */
/* path/traffic_check.c: is what the threads moved last what it should be? */
#include "path/traffic.h"
#include <errno.h>
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
	size_t i = 0;

	if (rc < 0 || memcmp(data, scratch, (size_t)t->block_bytes) == 0)
		return rc;
	while (data[i] == scratch[i])
		i++;
	fl_fail(err, -EBADMSG, "offset %" PRIu64 " of file %u: first 0x%02x was read, then 0x%02x", at.offset + i,
		at.file, (unsigned char)data[i], (unsigned char)scratch[i]);
	return fl_hint(err, "was the file written meanwhile? else the path from this drive corrupts data");
}

static int check_block(const struct fl_traffic *t, const void *data, struct fl_place at, char *scratch,
		       struct fl_err *err)
{
	const struct fl_traffic_spec *spec = fl_traffic_spec(t);
	int rc;

	if (!spec->write)
		return spec->target->described
			       ? fl_target_check(spec->target, at, data, spec->target->block_bytes, true, err)
			       : compare(spec->target, at, data, scratch, err);
	rc = read_again(spec->target, at, scratch, err);
	return rc < 0 ? rc : fl_target_check(spec->target, at, scratch, spec->target->block_bytes, false, err);
}

static int check_thread(const struct fl_traffic *t, unsigned thread, char *scratch, uint64_t *checked,
			struct fl_err *err)
{
	const struct fl_traffic_spec *spec = fl_traffic_spec(t);
	uint64_t most = CHECK_BYTES / spec->target->block_bytes, n = 0;
	int rc = 0;

	most = most < 1 ? 1 : most < CHECK_BLOCKS ? most : CHECK_BLOCKS;
	for (unsigned slot = 0; slot < spec->depth && n < most && rc == 0; slot++) {
		struct fl_place at;
		const void *data;

		if (!fl_traffic_block(t, thread, slot, &data, &at))
			continue;
		rc = check_block(t, data, at, scratch, err);
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
