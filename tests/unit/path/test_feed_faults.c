/* SPDX-License-Identifier: Apache-2.0 */
/* test_feed_faults.c: wrong data is caught wherever it comes from: in the file, in the source's memory, in the
 * accelerator's; with what is there instead and where. */
#include "feed_rig.h"

/* ---- in the file */

struct damage {
	const char *what;
	uint64_t seed, file, offset; /* of the block that lies there */
	bool flip, zero;	     /* or it is the right one with one bit changed, or nothing */
	const char *says;
};

static const struct damage damages[] = {
	{ .what = "flipped bit", .flip = true, .says = "1 bit is flipped" },
	{ .what = "swapped block", .seed = BED_SEED, .file = 0, .offset = 40960, .says = "of file 0 at offset 40960" },
	{ .what = "block of another file", .seed = BED_SEED, .file = 1, .offset = 0, .says = "of file 1 at offset 0" },
	{ .what = "stale block", .seed = 0xabc, .file = 2, .says = "another data set (seed 0x0000000000000abc)" },
	{ .what = "zeros", .zero = true, .says = "zeros" },
};

/* The last block of every read: in any batch there is one. */
static void damage_file(const char *path, const struct damage *d)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char block[FL_BLOCK_BYTES] = { 0 };

	assert_true(fd >= 0);
	for (uint64_t at = 0; at + BED_BLOCK <= bed_bytes[2]; at += BED_BLOCK / 2) {
		if (d->flip) {
			assert_int_equal(pread(fd, block, sizeof(block), (off_t)at), sizeof(block));
			block[777] = (char)(block[777] ^ 4);
		} else if (!d->zero)
			fl_block_fill(block, d->seed, d->file, d->offset);
		assert_int_equal(pwrite(fd, block, sizeof(block), (off_t)at), sizeof(block));
	}
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void check_damage(const struct damage *d, const struct fl_bench *bench, enum fl_pipe_source source)
{
	struct bed bed;
	struct fl_err err;
	struct feed_opts o;
	int rc;

	make_bed(&bed);
	o = opts_of(source, bed.dir);
	o.accelerators = 8; /* the last of them reads nothing but the third file */
	o.accelerator = 7;
	o.depth = 1;
	damage_file(bed.path[2], d);
	rc = run(bench, &o, 30, &err);
	free_bed(&bed);
	if (rc != -EBADMSG || !strstr(err.what, d->says) || !strstr(err.what, "file 2 at offset"))
		fail_msg("%s: %d '%s'", d->what, rc, err.what);
}

static void test_damage_in_the_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		check_damage(&damages[i], feed, FL_DIRECT);
		check_damage(&damages[i], ingest, FL_DIRECT);
		check_damage(&damages[i], feed, FL_CACHED);
	}
}

/* One block among thousands, once: the closed loop reads every byte. */
static void test_one_bit_once(void **state)
{
	struct bed bed;
	struct fl_err err;
	struct feed_opts o;
	struct rig *r;
	int fd;
	char byte;

	(void)state;
	make_bed(&bed);
	o = opts_of(FL_DIRECT, bed.dir);
	fd = open(bed.path[0], O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, 57 * BED_BLOCK + 8000), 1);
	byte = (char)(byte ^ 64);
	assert_int_equal(pwrite(fd, &byte, 1, 57 * BED_BLOCK + 8000), 1);
	assert_int_equal(fsync(fd), 0);
	r = make_rig(feed, &o);
	start(r, 120); /* about twice round */
	finish(r, false);
	assert_int_equal(verify(r, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "/data-00000000' file 0 at offset 937984 1 bit is flipped, in byte 3904"));
	free_rig(r);
	close(fd);
	free_bed(&bed);
}

/* The file becomes shorter while it is read. */
static void test_a_short_read(void **state)
{
	struct bed bed;
	struct feed_opts o;
	struct rig *r;

	(void)state;
	make_bed(&bed);
	for (unsigned source = FL_CACHED; source <= FL_DIRECT; source++) {
		o = opts_of((enum fl_pipe_source)source, bed.path[2]);
		o.depth = 1;
		r = make_rig(ingest, &o);
		assert_int_equal(truncate(bed.path[2], 2 * BED_BLOCK + 4096), 0);
		start(r, STEPS_MAX);
		finish(r, false);
		assert_int_equal(r->rc[FL_PIPE_SOURCE], -EIO);
		assert_non_null(strstr(r->err[FL_PIPE_SOURCE].what, "short read of"));
		assert_non_null(strstr(r->err[FL_PIPE_SOURCE].what, "offset 32768: 4096 of"));
		assert_int_equal(r->rc[FL_PIPE_SINK], -ECANCELED);
		free_rig(r);
		write_file(bed.path[2], bed_bytes[2], 2);
	}
	free_bed(&bed);
}

/* ---- on the way: what the accelerator's memory holds after the run is looked at in full */

static void test_damage_in_memory(void **state)
{
	static const struct {
		const struct fl_bench *bench;
		enum fl_pipe_source source;
	} * row, rows[] = { { &fl_bench_ingest_feed[0], FL_DIRECT },
			    { &fl_bench_ingest_feed[0], FL_DRAM },
			    { &fl_bench_ingest_feed[1], FL_DIRECT },
			    { &fl_bench_ingest_feed[1], FL_RESIDENT } };
	struct bed bed;
	struct fl_err err;

	(void)state;
	make_bed(&bed);
	for (row = rows; row < rows + sizeof(rows) / sizeof(rows[0]); row++) {
		struct feed_opts o = opts_of(row->source, bed.dir);
		struct rig *r = make_rig(row->bench, &o);
		char *memory = r->lane.regions[r->lane.regions_n - 1]; /* the accelerator's is the last */

		start(r, 30);
		finish(r, false);
		assert_int_equal(verify(r, &err), 0);
		for (uint64_t i = 0; i < o.prefetch + 2; i++) /* which of them are whole is left to chance */
			memory[i * o.step_bytes + 5000] ^= 1;
		assert_int_equal(verify(r, &err), -EBADMSG);
		free_rig(r);
	}
	free_bed(&bed);
}

/* A source whose memory is wrong from a moment on: the sink meets it, and what it met first is what is said. */
static void test_damage_in_the_sources_memory(void **state)
{
	struct feed_opts o = opts_of(FL_DRAM, "/nowhere");
	struct fl_err err;

	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		struct rig *r = make_rig(closed ? feed : ingest, &o);
		uint64_t *word = r->lane.regions[0];

		word[3 * (BED_BLOCK / 2) / sizeof(*word) + 3] += 4096; /* the head of a block: its offset */
		start(r, 10);
		finish(r, false);
		assert_int_equal(verify(r, &err), -EBADMSG);
		assert_non_null(strstr(err.what, "'memory' file 0 at offset 24576"));
		free_rig(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_in_the_file),
		cmocka_unit_test(test_one_bit_once),
		cmocka_unit_test(test_a_short_read),
		cmocka_unit_test(test_damage_in_memory),
		cmocka_unit_test(test_damage_in_the_sources_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
