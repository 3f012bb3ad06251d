/* SPDX-License-Identifier: Apache-2.0 */
/* test_traffic.c: what is written is right in whichever order the drive takes it. The engine here has the worst one:
 * whatever is in flight longest comes last, and is written only then. */
#include "path/io_engine.h"
#include "path/traffic.h"
#include <errno.h>
#include <feedline/block.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEPTH_MAX = 8, BLOCK = 2 * FL_BLOCK_BYTES, SEED = 5 };

/* ---- the engine, in the place of path/io_pread.c */

struct worst {
	struct fl_io io; /* first */
	int fd;
	struct fl_io_request flight[DEPTH_MAX]; /* io.in_flight of them, oldest first */
};

static int worst_open(const struct fl_io_spec *spec, struct fl_io **ret, struct fl_err *err)
{
	struct worst *w = calloc(1, sizeof(*w));

	(void)err;
	assert_non_null(w);
	w->io.kind = &fl_io_pread;
	w->fd = spec->fds[0];
	*ret = &w->io;
	return 0;
}

static void worst_close(struct fl_io *io)
{
	free(io);
}

static int worst_enter(struct fl_io *io, struct fl_err *err)
{
	(void)io;
	(void)err;
	return 0;
}

static void worst_queue(struct fl_io *io, const struct fl_io_request *request)
{
	struct worst *w = (struct worst *)io;

	assert_true(io->in_flight < DEPTH_MAX);
	for (unsigned i = 0; i < io->in_flight && request->write; i++)
		if (w->flight[i].offset == request->offset)
			fail_msg("two writes of offset %llu at a time", (unsigned long long)request->offset);
	w->flight[io->in_flight++] = *request;
}

/* The newest one, alone. */
static int worst_wait(struct fl_io *io, unsigned least, struct fl_io_done *done, unsigned most, struct fl_err *err)
{
	struct worst *w = (struct worst *)io;
	const struct fl_io_request *r;
	ssize_t n;

	(void)err;
	assert_true(least <= 1 && most >= 1 && io->in_flight > 0);
	r = &w->flight[--io->in_flight];
	n = r->write ? pwrite(w->fd, r->data, r->bytes, (off_t)r->offset)
		     : pread(w->fd, r->data, r->bytes, (off_t)r->offset);
	*done = (struct fl_io_done){ r->tag, (int32_t)n };
	return 1;
}

static unsigned worst_drain(struct fl_io *io, struct fl_io_done *done)
{
	unsigned n = 0;

	for (; io->in_flight > 0; n++)
		worst_wait(io, 1, &done[n], 1, NULL);
	return n;
}

const struct fl_io_kind fl_io_pread = { .name = "worst",
					.depth_max = DEPTH_MAX,
					.open = worst_open,
					.close = worst_close,
					.enter = worst_enter,
					.queue = worst_queue,
					.wait = worst_wait,
					.drain = worst_drain };

/* ---- what is moved with it */

struct rig {
	struct fl_target_file file;
	struct fl_target target;
	char *memory;
	struct fl_traffic *traffic;
};

static void set_up(struct rig *r, struct fl_traffic_spec spec, uint64_t blocks)
{
	struct fl_err err = { 0 };

	*r = (struct rig){ .file = { .fd = memfd_create("traffic", MFD_CLOEXEC), .bytes = blocks * BLOCK } };
	r->memory = aligned_alloc(FL_BLOCK_BYTES, (size_t)spec.threads * spec.depth * BLOCK);
	assert_true(r->memory && r->file.fd >= 0);
	r->target = (struct fl_target){
		.files = &r->file, .files_n = 1, .block_bytes = BLOCK, .blocks = blocks, .described = true, .seed = SEED
	};
	for (uint64_t i = 0; i < blocks * (BLOCK / FL_BLOCK_BYTES); i++) {
		fl_block_fill(r->memory, SEED, 0, i * FL_BLOCK_BYTES);
		assert_int_equal(pwrite(r->file.fd, r->memory, FL_BLOCK_BYTES, (off_t)(i * FL_BLOCK_BYTES)),
				 FL_BLOCK_BYTES);
	}
	for (uint64_t i = 0; i < (uint64_t)spec.threads * spec.depth * BLOCK; i += FL_BLOCK_BYTES)
		fl_block_fill(r->memory + i, SEED, 0, i);
	spec.target = &r->target;
	spec.memory = r->memory;
	spec.engine = FL_IO_PREAD;
	if (fl_traffic_open(&spec, &r->traffic, &err) < 0)
		fail_msg("%s", err.what);
}

static void tear_down(struct rig *r)
{
	fl_traffic_close(r->traffic);
	close(r->file.fd);
	free(r->memory);
}

/* Each thread n blocks, in steps of 1, 2, 3 .. */
static void move(struct rig *r, unsigned threads, uint64_t n)
{
	struct fl_err err = { 0 };

	for (unsigned t = 0; t < threads; t++) {
		assert_int_equal(fl_traffic_enter(r->traffic, t, &err), 0);
		for (uint64_t left = n, step = 1; left > 0; step++) {
			uint64_t now = step < left ? step : left;

			assert_int_equal(fl_traffic_move(r->traffic, t, now, NULL, &err), now);
			left -= now;
		}
		fl_traffic_drain(r->traffic, t);
	}
	assert_int_equal(fl_traffic_moved(r->traffic), threads * n);
	if (fl_traffic_check(r->traffic, &err) < 0)
		fail_msg("%s", err.what);
}

/* How many of the file's blocks carry a number below `from`. */
static unsigned count_older(const struct rig *r, uint64_t from)
{
	uint64_t word[4];
	unsigned n = 0;

	for (uint64_t at = 0; at < r->file.bytes; at += FL_BLOCK_BYTES) {
		assert_int_equal(pread(r->file.fd, word, sizeof(word), (off_t)at), sizeof(word));
		assert_int_equal(word[3], at);
		n += word[2] < from;
	}
	return n;
}

/* ---- tests */

/* Else the older one might be there at the end, and the drive be said to lose data. */
static void test_one_write_of_a_block_at_a_time(void **unused)
{
	static const struct {
		unsigned threads, depth;
		uint64_t blocks;
	} rows[] = { { 1, 1, 1 }, { 1, 4, 4 }, { 1, 4, 5 }, { 1, 8, 13 }, { 2, 4, 8 }, { 2, 4, 20 }, { 3, 2, 11 } };

	(void)unused;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		const struct fl_traffic_spec spec = {
			.threads = rows[i / 2].threads, .depth = rows[i / 2].depth, .random = i % 2, .write = true
		};
		uint64_t blocks = rows[i / 2].blocks, region = (blocks + spec.threads - 1) / spec.threads;
		struct rig r;

		set_up(&r, spec, blocks);
		move(&r, spec.threads, 5 * region);
		/* What a block held before the last pass over it is nowhere. */
		assert_int_equal(count_older(&r, 4 * region + 1), 0);
		tear_down(&r);
	}
}

/* Reads need not wait for each other, and do not: the one that is late stays in flight until the end. */
static void test_reads_of_a_block_do_not_wait(void **unused)
{
	const struct fl_traffic_spec spec = { .threads = 1, .depth = 4 };
	struct fl_traffic_block block;
	struct rig r;

	(void)unused;
	set_up(&r, spec, 4);
	move(&r, 1, 40);
	assert_true(fl_traffic_block(r.traffic, 0, 0, &block));
	assert_int_equal(block.number, 1);
	tear_down(&r);
}

/* A write that comes late holds up the next one of its block, and nothing before that. */
static void test_writes_go_on_beside_a_late_one(void **unused)
{
	const struct fl_traffic_spec spec = { .threads = 1, .depth = 4, .write = true };
	struct fl_err err = { 0 };
	struct rig r;

	(void)unused;
	set_up(&r, spec, 10);
	/* Numbers 4 to 9, while 1 to 3 are late; 10 was not begun. */
	assert_int_equal(fl_traffic_move(r.traffic, 0, 6, NULL, &err), 6);
	assert_int_equal(count_older(&r, 1), (10 - 6) * (BLOCK / FL_BLOCK_BYTES));
	tear_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_write_of_a_block_at_a_time),
		cmocka_unit_test(test_reads_of_a_block_do_not_wait),
		cmocka_unit_test(test_writes_go_on_beside_a_late_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
