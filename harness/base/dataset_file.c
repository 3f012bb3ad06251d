/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_file.c: the names of the files of a data set, and whether what has such a name was made for it. An index can
 * be anybody's: its word alone is not enough to remove or replace a file. */
#include <fcntl.h>
#include <feedline/block.h>
#include <feedline/dataset.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fl_dataset_name(size_t number, char ret[FL_DATASET_NAME_BYTES])
{
	snprintf(ret, FL_DATASET_NAME_BYTES, "data-%08zu", number);
}

enum found { OTHER, ZEROS, OURS };

static bool is_zero(const void *bytes, size_t n)
{
	const char *byte = bytes;

	return n == 0 || (!*byte && !memcmp(byte, byte + 1, n - 1));
}

/* The head of a block is enough: what follows may be damaged. Of less than a block, all that is there counts. */
static enum found look_at_block(int fd, const struct fl_dataset *set, size_t number, uint64_t offset)
{
	uint64_t is[FL_BLOCK_WORDS], should[FL_BLOCK_WORDS];
	ssize_t n = pread(fd, is, sizeof(is), (off_t)offset);

	if (n < 0)
		return OTHER;
	if (is_zero(is, (size_t)n))
		return ZEROS;
	fl_block_fill(should, set->seed, number, offset);
	return memcmp(is, should, n < FL_BLOCK_BYTES ? (size_t)n : FL_BLOCK_CHECK * sizeof(*is)) ? OTHER : OURS;
}

/* Either end will do: the other one may be damaged. Where the machine went down, there may be nothing but zeros. */
static bool is_ours(int fd, const struct fl_dataset *set, size_t number, uint64_t bytes)
{
	enum found first = look_at_block(fd, set, number, 0), last = first;

	if (bytes >= 2 * FL_BLOCK_BYTES)
		last = look_at_block(fd, set, number, (bytes / FL_BLOCK_BYTES - 1) * FL_BLOCK_BYTES);
	return first == OURS || last == OURS || (first == ZEROS && last == ZEROS);
}

bool fl_dataset_owns(int dir_fd, const struct fl_dataset *set, size_t number)
{
	int fd = openat(dir_fd, set->files[number].name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	bool owns;

	if (fd < 0)
		return false;
	owns = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_ours(fd, set, number, (uint64_t)st.st_size);
	close(fd);
	return owns;
}
