/* SPDX-License-Identifier: Apache-2.0 */
/* test_gpu_data.c: on a real GPU: what its kernels fill is what the host calls right, the other way round, and one
 * wrong bit or two blocks in each other's place are found, and said to be where they are. Skipped without a GPU. */
#include "path/blocks.h"
#include "path/cuda/copies.h"
#include "path/cuda/kernels.h"
#include "path/cuda/place.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 20000, BYTES = BLOCKS * FL_BLOCK_BYTES };

static const uint64_t seed = UINT64_C(0x0123456789abcdef);

struct bench {
	struct fl_cuda_device gpu;
	struct fl_place place;
	char *host;
	struct fl_err err;
};

static const struct fl_origin origin = { .seed = UINT64_C(0x0123456789abcdef) };

static const struct fl_place_part whole = { 0, BYTES, 0 };

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char pci[32];

	*state = b;
	assert_int_equal(cudaDeviceGetPCIBusId(pci, sizeof(pci), 0), cudaSuccess);
	if (fl_cuda_device_open(&(struct fl_device){ .id = "gpu", .pci = pci, .node = -1 }, &b->gpu, &b->err) < 0 ||
	    fl_place_on_gpu(&b->gpu, BYTES, &b->place, &b->err) < 0)
		fail_msg("%s", b->err.what);
	b->host = malloc(BYTES);
	assert_non_null(b->host);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	free(b->host);
	fl_place_free(&b->place);
	fl_cuda_device_close(&b->gpu);
	free(b);
	return 0;
}

/* Between the host's buffer and that of the GPU. */
static void move(const struct bench *b, uint64_t offset, uint64_t bytes, bool to_gpu)
{
	char *gpu = b->place.at + offset, *host = b->host + offset;

	assert_int_equal(
		cudaMemcpyAsync(to_gpu ? gpu : host, to_gpu ? host : gpu, bytes, cudaMemcpyDefault, b->gpu.stream),
		cudaSuccess);
	assert_int_equal(fl_cuda_device_wait(&b->gpu, NULL), 0);
}

static void fill(struct bench *b)
{
	assert_int_equal(fl_place_fill(&b->place, seed, &b->err), 0);
	assert_int_equal(fl_place_check(&b->place, &whole, seed, "made", &b->err), 0);
}

static void refused(struct bench *b, const char *where)
{
	memset(&b->err, 0, sizeof(b->err));
	assert_int_equal(fl_place_check(&b->place, &whole, seed, "made", &b->err), -EBADMSG);
	assert_non_null(strstr(b->err.what, where));
}

static void test_same_on_both(void **state)
{
	struct bench *b = *state;

	fill(b);
	move(b, 0, BYTES, false);
	assert_int_equal(fl_blocks_full(b->host, BYTES, &origin), BYTES);
	assert_int_equal(fl_place_spoil(&b->place, seed, &b->err), 0);
	refused(b, "wrong data in 20000 of 20000 blocks");
	fl_blocks_fill(b->host, BYTES, &origin);
	move(b, 0, BYTES, true);
	assert_int_equal(fl_place_check(&b->place, &whole, seed, "made", &b->err), 0);
}

/* In the first word, the sum, the last word of the first, a middle and the last block. */
static void test_flipped_bit(void **state)
{
	static const uint64_t blocks[] = { 0, 7777, BLOCKS - 1 }, words[] = { 0, 1, 2, 3, 4, 100, 511 };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
			uint64_t at = blocks[i] * FL_BLOCK_BYTES + words[k] * 8;
			char where[64];

			fill(b);
			move(b, at, 8, false);
			b->host[at + k] = (char)(b->host[at + k] ^ (1 << k));
			move(b, at, 8, true);
			snprintf(where, sizeof(where), "in 1 of 20000 blocks made, first at offset %llu",
				 (unsigned long long)at);
			refused(b, where);
		}
}

static void test_swapped_blocks(void **state)
{
	const uint64_t one = 123 * FL_BLOCK_BYTES, other = 15000 * FL_BLOCK_BYTES;
	struct bench *b = *state;
	char kept[FL_BLOCK_BYTES];

	fill(b);
	move(b, one, FL_BLOCK_BYTES, false);
	move(b, other, FL_BLOCK_BYTES, false);
	memcpy(kept, b->host + one, sizeof(kept));
	memcpy(b->host + one, b->host + other, sizeof(kept));
	memcpy(b->host + other, kept, sizeof(kept));
	move(b, one, FL_BLOCK_BYTES, true);
	move(b, other, FL_BLOCK_BYTES, true);
	refused(b, "in 2 of 20000 blocks");
}

/* A chain in the memory of the GPU: right, with one bit turned in a line, and with two lines in each other's place. */
static void test_chain(void **state)
{
	enum { LINES = 50000, LINE = FL_CHAIN_LINE_BYTES };
	struct bench *b = *state;

	for (unsigned turn = 0; turn < 3; turn++) {
		struct fl_kernel_wrong *found = (void *)b->host;
		char kept[LINE];

		for (uint64_t i = 0; i < LINES; i++) {
			uint64_t *line = (void *)(b->host + i * LINE);

			line[0] = (i + 7) % LINES * LINE;
			line[1] = fl_chain_key(seed, i * LINE, line[0]);
		}
		if (turn == 1)
			b->host[12345 * LINE + 3] ^= 1;
		if (turn == 2) {
			memcpy(kept, b->host + 7777 * LINE, LINE);
			memcpy(b->host + 7777 * LINE, b->host + (LINES - 1) * LINE, LINE);
			memcpy(b->host + (LINES - 1) * LINE, kept, LINE);
		}
		move(b, 0, LINES * LINE, true);
		assert_int_equal(fl_kernel_check_chain(b->gpu.stream, b->place.at, LINES, seed, b->gpu.scratch), 0);
		assert_int_equal(
			cudaMemcpyAsync(found, b->gpu.scratch, sizeof(*found), cudaMemcpyDefault, b->gpu.stream),
			cudaSuccess);
		assert_int_equal(fl_cuda_device_wait(&b->gpu, NULL), 0);
		assert_int_equal(found->count, turn);
		assert_true(found->first_offset == (turn == 0 ? UINT64_MAX : turn == 1 ? 12345 * LINE : 7777 * LINE));
	}
}

/* The SMs copy every byte, whatever the length, and none beyond it. */
static void test_sm_copy(void **state)
{
	static const uint64_t lengths[] = { FL_BLOCK_BYTES, 3 * FL_BLOCK_BYTES, 7777 * FL_BLOCK_BYTES,
					    BYTES - FL_BLOCK_BYTES };
	struct bench *b = *state;
	struct fl_place_part part = { 0 };
	struct fl_place to;

	assert_int_equal(fl_place_on_gpu(&b->gpu, BYTES, &to, &b->err), 0);
	fill(b);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_int_equal(fl_place_spoil(&to, seed, &b->err), 0);
		assert_int_equal(fl_kernel_copy(b->gpu.stream, to.at, b->place.at, lengths[i], b->gpu.sms), 0);
		assert_int_equal(fl_cuda_device_wait(&b->gpu, &b->err), 0);
		part.bytes = lengths[i];
		assert_int_equal(fl_place_check(&to, &part, seed, "copied", &b->err), 0);
		part.bytes += FL_BLOCK_BYTES;
		assert_int_equal(fl_place_check(&to, &part, seed, "copied", &b->err), -EBADMSG);
	}
	fl_place_free(&to);
}

/* What laps brought is what the check expects, by either engine; and a lap that is not there is found. */
static void test_laps(void **state)
{
	struct bench *b = *state;

	for (unsigned sm = 0; sm < 2; sm++) {
		struct fl_copies c = {
			.gated = true, .sm = sm, .bytes = 64 * FL_BLOCK_BYTES, .chunks = 3, .sides_n = 1
		};
		struct fl_place from, to;
		struct fl_place_part parts[FL_COPIES_PARTS];
		struct fl_copies_did did;
		uint64_t from_bytes, to_bytes;

		c.sm = sm == 1;
		fl_copies_room(&c, &from_bytes, &to_bytes);
		assert_int_equal(fl_place_on_gpu(&b->gpu, from_bytes, &from, &b->err), 0);
		assert_int_equal(fl_place_on_gpu(&b->gpu, to_bytes, &to, &b->err), 0);
		c.side[0] = (struct fl_copies_side){ .by = &b->gpu, .to = to.at, .from = from.at };
		assert_int_equal(fl_copies_make(&c, &b->err), 0);
		assert_int_equal(fl_place_fill(&from, seed, &b->err), 0);
		assert_int_equal(fl_copies_run(&c, 1, &b->err), 0);
		assert_int_equal(fl_copies_step(&c, 1000, &did, &b->err), 0);
		fl_copies_parts(&c, 0, parts);
		assert_true(parts[0].bytes > 0 && parts[1].bytes > 0);
		for (unsigned i = 0; i < FL_COPIES_PARTS; i++) {
			assert_int_equal(fl_place_check(&to, &parts[i], seed, "copied", &b->err), 0);
			parts[i].first_block += c.shift / FL_BLOCK_BYTES;
			assert_int_equal(fl_place_check(&to, &parts[i], seed, "copied", &b->err), -EBADMSG);
		}
		fl_copies_free(&c);
		fl_place_free(&from);
		fl_place_free(&to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_on_both),   cmocka_unit_test(test_flipped_bit),
		cmocka_unit_test(test_swapped_blocks), cmocka_unit_test(test_sm_copy),
		cmocka_unit_test(test_chain),	       cmocka_unit_test(test_laps),
	};
	struct fl_err err = { 0 };

	if (fl_cuda_driver(&err) < 0) {
		printf("skipped: %s\n", err.what);
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
