/* SPDX-License-Identifier: Apache-2.0 */
/* test_ring.c: blocks arrive where and as they should; errors name the offset; a waiting ring can be halted. Pipes
 * stand in for drives that are slow or return too little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "path/ring.h"
#include "test_files.h"
#include <pthread.h>

enum { DEPTH = 4 };

static struct fl_ring *ring_of(int fd, char *buffers, bool random)
{
	struct fl_ring_spec spec = {
		.fd = fd,
		.depth = DEPTH,
		.buffers = buffers,
		.walk = fl_walk_of(FILE_BYTES, FILE_BLOCK, 0, 1, random),
	};
	struct fl_err err = { 0 };
	struct fl_ring *ring = NULL;
	int rc = fl_ring_open(&spec, &ring, &err);

	if (rc == -EPERM) {
		print_message("%s\n", err.what);
		skip();
	}
	assert_int_equal(rc, 0);
	return ring;
}

static char *make_buffers(void)
{
	char *buffers = aligned_alloc(4096, DEPTH * FILE_BLOCK);

	assert_non_null(buffers);
	memset(buffers, 0, DEPTH * FILE_BLOCK);
	return buffers;
}

static void check_blocks(const struct fl_ring *ring)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		const void *data;
		uint64_t offset;

		assert_true(fl_ring_block(ring, i, &data, &offset));
		assert_int_equal(fl_pattern_check(data, FILE_BLOCK, 1 + offset / 8), FILE_BLOCK);
	}
}

static void check_reading(bool registered, bool random)
{
	char path[] = BUILD_DIR "/ring-XXXXXX";
	char *buffers = make_buffers();
	struct fl_err err = { 0 };
	struct fl_ring *ring;
	const void *data;
	uint64_t offset;
	int fd;

	make_file(path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	ring = ring_of(fd, buffers, random);
	if (registered && fl_ring_register_buffers(ring, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(fl_ring_enter(ring, &err), 0);
	for (unsigned n = 1; n <= 40; n++) /* several times round the file */
		assert_int_equal(fl_ring_read(ring, n, &err), 0);
	fl_ring_drain(ring);
	fl_ring_drain(ring);
	check_blocks(ring);
	assert_false(fl_ring_block(ring, DEPTH, &data, &offset));
	fl_ring_halt(ring);
	assert_int_equal(fl_ring_read(ring, 1 << 20, &err), -ECANCELED);
	fl_ring_drain(ring);
	fl_ring_close(ring);
	close(fd);
	free(buffers);
}

static void test_plain_buffers(void **state)
{
	(void)state;
	check_reading(false, false);
	check_reading(false, true);
}

static void test_registered_buffers(void **state)
{
	(void)state;
	check_reading(true, false);
	check_reading(true, true);
}

/* The first read of the pipe gets 100 bytes. */
static void test_a_short_read_is_an_error(void **state)
{
	char *buffers = make_buffers(), some[100] = { 0 };
	struct fl_err err = { 0 };
	struct fl_ring *ring;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], some, sizeof(some)), sizeof(some));
	ring = ring_of(ends[0], buffers, false);
	assert_int_equal(fl_ring_enter(ring, &err), 0);
	assert_int_equal(fl_ring_read(ring, 1, &err), -EIO);
	assert_string_equal(err.what, "short read at offset 0: 100 of 65536 bytes");
	close(ends[1]); /* the other reads end, too */
	fl_ring_drain(ring);
	fl_ring_close(ring);
	close(ends[0]);
	free(buffers);
}

static void test_an_error_names_the_offset(void **state)
{
	char path[] = BUILD_DIR "/ring-XXXXXX";
	char *buffers = make_buffers();
	struct fl_err err = { 0 };
	struct fl_ring *ring;
	int fd = mkstemp(path), write_only = open(path, O_WRONLY | O_CLOEXEC);

	(void)state;
	unlink(path);
	ring = ring_of(write_only, buffers, false);
	assert_int_equal(fl_ring_enter(ring, &err), 0);
	assert_int_equal(fl_ring_read(ring, 1, &err), -EBADF);
	assert_non_null(strstr(err.what, "at offset 0: "));
	fl_ring_drain(ring);
	fl_ring_close(ring);
	close(write_only);
	close(fd);
	free(buffers);
}

static void *halt_ring(void *ring)
{
	fl_ring_halt(ring);
	return NULL;
}

/* An empty pipe never completes a read; whenever the halt comes, it must end the waiting. */
static void test_halt_ends_a_waiting_read(void **state)
{
	char *buffers = make_buffers();
	struct fl_err err = { 0 };
	struct fl_ring *ring;
	pthread_t halter;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	ring = ring_of(ends[0], buffers, false);
	assert_int_equal(fl_ring_enter(ring, &err), 0);
	assert_int_equal(pthread_create(&halter, NULL, halt_ring, ring), 0);
	assert_int_equal(fl_ring_read(ring, 1, &err), -ECANCELED);
	assert_int_equal(err.code, 0);
	pthread_join(halter, NULL);
	close(ends[1]);
	fl_ring_drain(ring);
	fl_ring_close(ring);
	close(ends[0]);
	free(buffers);
}

static void test_impossible_depths(void **state)
{
	struct fl_ring_spec spec = { .fd = 0, .depth = 0 };
	struct fl_ring *ring = NULL;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_ring_open(&spec, &ring, &err), -EINVAL);
	spec.depth = FL_RING_DEPTH_MAX + 1;
	assert_int_equal(fl_ring_open(&spec, &ring, &err), -EINVAL);
	assert_null(ring);
	fl_ring_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_buffers),
		cmocka_unit_test(test_registered_buffers),
		cmocka_unit_test(test_a_short_read_is_an_error),
		cmocka_unit_test(test_an_error_names_the_offset),
		cmocka_unit_test(test_halt_ends_a_waiting_read),
		cmocka_unit_test(test_impossible_depths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
