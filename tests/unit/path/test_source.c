/* SPDX-License-Identifier: Apache-2.0 */
/* test_source.c: sources in memory, by hand: their chunks come in their order, no further ahead than they may be; a
 * pace is never early, and what the source waits for its turn puts it off. And of direct reads: did what came come from
 * the device? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_tree.h"
#include "fake_lane.h"
#include "path/source.h"
#include <errno.h>
#include <feedline/clock.h>

enum { BLOCK = 4096, CHUNKS = 4, PREFETCH = 3 };

static const struct fl_shape shape = { .step_bytes = CHUNKS * BLOCK, .block = BLOCK, .chunks = CHUNKS };
static const struct fl_pipe_spec spec = { .step_bytes = CHUNKS * BLOCK,
					  .block = BLOCK,
					  .depth = 64,
					  .prefetch = PREFETCH,
					  .pace_ns = 2000000,
					  .accelerators = 1 };

static struct fl_source *open_as(const struct fl_source_kind *kind, const struct fl_pipe_spec *as, struct fl_lane *lane)
{
	struct fl_source *s = NULL;
	struct fl_err err = { 0 };

	if (kind->open(as, &shape, lane, &s, &err) < 0)
		fail_msg("%s", err.what);
	return s;
}

static struct fl_source *open_source(const struct fl_source_kind *kind, struct fl_lane *lane)
{
	return open_as(kind, &spec, lane);
}

/* Chunks until it has to wait, or `most`. */
static uint64_t produce(struct fl_source *s, uint64_t most)
{
	uint64_t n = 0;
	int rc = 1;

	while (n < most && rc > 0) {
		rc = s->kind->produce(s, fl_now_ns() + 10 * spec.pace_ns, NULL);
		assert_true(rc >= 0);
		n += (unsigned)rc;
	}
	return n;
}

static void check_order(struct fl_source *s, uint64_t n, uint64_t *seq)
{
	struct fl_chunk chunk;

	for (uint64_t i = 0; i < n; i++) {
		struct fl_origin origin = s->kind->origin(s, *seq);

		assert_int_equal(fl_queue_pop_until(s->out, &chunk, 0), 0);
		assert_int_equal(chunk.seq, (*seq)++);
		assert_int_equal(fl_blocks_full(chunk.data, BLOCK, &origin), BLOCK);
	}
	assert_int_equal(fl_queue_count(s->out), 0);
}

static void test_no_further_ahead(void **state)
{
	const struct fl_source_kind *kinds[] = { &fl_source_dram, &fl_source_paced };

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct fl_lane lane = { .threads = 3 };
		struct fl_source *s = open_source(kinds[k], &lane);
		uint64_t seq = 0;

		assert_int_equal(produce(s, 1000), (PREFETCH + 1) * CHUNKS);
		check_order(s, (PREFETCH + 1) * CHUNKS, &seq);
		assert_int_equal(produce(s, 1000), 0);
		fl_source_give_turn(s);
		fl_source_give_turn(s);
		assert_int_equal(produce(s, 1000), 2 * CHUNKS);
		check_order(s, 2 * CHUNKS, &seq);
		fl_queue_shut(s->turns);
		assert_int_equal(s->kind->produce(s, UINT64_MAX, NULL), -ECANCELED);
		s->kind->close(s);
		fake_free(&lane);
	}
}

static void test_never_early(void **state)
{
	struct fl_lane lane = { .threads = 3 };
	struct fl_source *s = open_source(&fl_source_paced, &lane);
	uint64_t start_ns = fl_now_ns(), seq = 0;

	(void)state;
	assert_int_equal(produce(s, (PREFETCH + 1) * CHUNKS), (PREFETCH + 1) * CHUNKS);
	assert_true(fl_now_ns() - start_ns >= (PREFETCH + 1) * spec.pace_ns);
	check_order(s, (PREFETCH + 1) * CHUNKS, &seq);
	assert_int_equal(produce(s, 1), 0); /* it waits for its neighbours, and says so */
	assert_true(s->kind->waited_ns(s) >= 9 * spec.pace_ns);
	fl_source_give_turn(s);
	assert_int_equal(produce(s, CHUNKS), CHUNKS); /* what it waited gives it no credit: */
	assert_true(fl_now_ns() - start_ns >= (PREFETCH + 2) * spec.pace_ns + s->kind->waited_ns(s));
	check_order(s, CHUNKS, &seq);
	assert_true(lane.least_cap_bytes_per_s == (double)spec.step_bytes * 1e9 / (double)spec.pace_ns);
	s->kind->close(s);
	fake_free(&lane);
}

/* Chunks that were not taken for a while do not make it slower than its pace ... */
static void test_makes_up_for_what_was_not_taken(void **state)
{
	struct fl_pipe_spec shallow = spec;
	struct fl_lane lane = { .threads = 3 };
	struct fl_source *s;
	uint64_t seq = 0, done_ns;

	(void)state;
	shallow.depth = 1;
	s = open_as(&fl_source_paced, &shallow, &lane);
	assert_int_equal(produce(s, CHUNKS), CHUNKS);
	done_ns = fl_now_ns();
	assert_int_equal(produce(s, 1), 0); /* there is no room before it */
	check_order(s, CHUNKS, &seq);
	for (unsigned i = 0; i < CHUNKS; i++) /* due by then, whatever it waited */
		assert_int_equal(s->kind->produce(s, done_ns + 2 * spec.pace_ns, NULL), 1);
	check_order(s, CHUNKS, &seq);
	s->kind->close(s);
	fake_free(&lane);
}

/* ... nor what it was late faster than that. */
static void test_makes_up_for_no_more_than_a_batch(void **state)
{
	struct fl_lane lane = { .threads = 3 };
	struct fl_source *s = open_source(&fl_source_paced, &lane);
	uint64_t late_ns, n = 0;

	(void)state;
	assert_int_equal(produce(s, CHUNKS), CHUNKS);
	usleep((useconds_t)(10 * spec.pace_ns / 1000));
	late_ns = fl_now_ns();
	assert_int_equal(produce(s, CHUNKS), CHUNKS);
	while (s->kind->produce(s, late_ns + spec.pace_ns - 1, NULL) == 1)
		n++;
	assert_true(n < CHUNKS); /* the next one is due a pace later */
	s->kind->close(s);
	fake_free(&lane);
}

static void test_halt_ends_its_sleep(void **state)
{
	struct fl_lane lane = { .threads = 3 };
	struct fl_source *s = open_source(&fl_source_paced, &lane);

	(void)state;
	s->kind->halt(s);
	assert_int_equal(s->kind->produce(s, UINT64_MAX, NULL), -ECANCELED);
	s->kind->close(s);
	fake_free(&lane);
}

/* ---- did it come from the device? */

enum { FILE_CHUNKS = 64 };

static void make_place(struct device_tree *p)
{
	char *data = aligned_alloc(BLOCK, FILE_CHUNKS * BLOCK);
	struct fl_origin origin = { .seed = 1 };
	int fd;

	tree_make(p);
	tree_counts(p);
	fd = mkstemp(p->file);
	assert_true(fd >= 0 && data);
	fl_blocks_fill(data, FILE_CHUNKS * BLOCK, &origin);
	assert_int_equal(write(fd, data, FILE_CHUNKS * BLOCK), FILE_CHUNKS * BLOCK);
	assert_int_equal(fsync(fd), 0);
	close(fd);
	free(data);
}

/* Reads the whole file while the device counts as it is told, and returns what verify says. */
static int read_while(const struct device_tree *p, const char *before, const char *after, struct fl_err *err)
{
	struct fl_pipe_spec of_file = spec;
	struct fl_lane lane = { .threads = 3 };
	struct fl_source *s;
	struct fl_chunk chunk;
	int rc;

	of_file.path = p->file;
	of_file.depth = 4;
	of_file.devices = p->dir;
	s = open_as(&fl_source_direct, &of_file, &lane);
	tree_put(p->device, "stat", before);
	assert_int_equal(s->kind->enter(s, err), 0);
	for (unsigned done = 0; done < FILE_CHUNKS;) {
		int n = s->kind->produce(s, UINT64_MAX, err);

		assert_true(n >= 0);
		for (done += (unsigned)n; n > 0; n--) {
			assert_int_equal(fl_queue_pop_until(s->out, &chunk, 0), 0);
			assert_int_equal(fl_queue_push(s->back, &chunk.slot), 0);
			fl_source_give_turn(s);
		}
	}
	tree_put(p->device, "stat", after);
	s->kind->halt(s);
	s->kind->leave(s);
	tree_put(p->device, "stat", "1 0 1000 0\n"); /* what others do after it is no matter */
	rc = s->kind->verify(s, err);
	s->kind->close(s);
	fake_free(&lane);
	return rc;
}

static void test_files_need_a_path(void **state)
{
	static const struct fl_source_kind *const kinds[] = { &fl_source_cached, &fl_source_buffered,
							      &fl_source_direct };
	struct fl_pipe_spec none = spec;
	struct fl_lane lane = { .threads = 3 };

	(void)state;
	none.path = "";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fl_err err = { 0 };
		struct fl_source *s;

		assert_int_equal(kinds[i]->open(&none, &shape, &lane, &s, &err), -EINVAL);
		assert_string_equal(err.what, "this source reads a path, and none is named");
	}
}

static void test_what_the_device_did_not_deliver(void **state)
{
	struct fl_err err = { 0 };
	struct device_tree p;

	(void)state;
	make_place(&p);
	need_known_file_system(&p);
	assert_int_equal(read_while(&p, "9 0 1000 0\n", "9 0 1512 0\n", &err), 0); /* 64 x 4 KiB */
	assert_int_equal(read_while(&p, "9 0 1000 0\n", "9 0 9999 0\n", &err), 0);
	assert_int_equal(read_while(&p, "no\n", "9 0 1000 0\n", &err), 0);
	assert_int_equal(read_while(&p, "9 0 1000 0\n", "9 0 1256 0\n", &err), -ESTALE);
	if (!strstr(err.what, "came from its device"))
		fail_msg("%s", err.what);
	tree_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_further_ahead),
		cmocka_unit_test(test_never_early),
		cmocka_unit_test(test_makes_up_for_what_was_not_taken),
		cmocka_unit_test(test_makes_up_for_no_more_than_a_batch),
		cmocka_unit_test(test_halt_ends_its_sleep),
		cmocka_unit_test(test_files_need_a_path),
		cmocka_unit_test(test_what_the_device_did_not_deliver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
