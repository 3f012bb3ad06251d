/* SPDX-License-Identifier: Apache-2.0 */
/* path/stream_avx.c: the widest loads and the non-temporal stores of x86-64, whole lines past the caches.
 *
 * Copying: prefetching the source 2 KiB ahead and going two lines at a time gave 11 to 13 % over the plain loop of
 * likwid's copy_mem_avx (Zen 4, two CPUs, 256 MiB buffers, median of 600 alternating slices); four or eight lines at a
 * time lose half of that, several pages at once lose 15 to 30 %.
 * Reading: the processor's own prefetchers do better without ours: 15 to 20 % over the loads of likwid's load_avx,
 * which prefetching at any distance takes away (Zen 3, two CPUs, 256 MiB buffers, medians of 400 alternating slices on
 * a busy machine). Writing: as fast as the stores of store_mem_avx, however many lines at a time; ordinary stores have
 * 0.7 of that. */
#include "path/stream.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { LINE = 64, AHEAD = 2048 };

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

/* ---- AVX-512: a line is one register */

__attribute__((target("avx512f"))) static void copy_avx512(void *to, const void *from, size_t bytes)
{
	const char *s = from;
	char *d = to;

	for (size_t i = 0; i < bytes; i += 2 * LINE) {
		_mm_prefetch(s + i + AHEAD, _MM_HINT_NTA);
		_mm_prefetch(s + i + AHEAD + LINE, _MM_HINT_NTA);

		__m512i a = _mm512_load_si512(s + i), b = _mm512_load_si512(s + i + LINE);

		_mm512_stream_si512((void *)(d + i), a);
		_mm512_stream_si512((void *)(d + i + LINE), b);
	}
	_mm_sfence();
}

__attribute__((target("avx512f"))) static uint64_t read_avx512(const void *from, size_t bytes)
{
	const char *s = from;
	__m512i a = _mm512_setzero_si512(), b = a;
	uint64_t sums[LINE / sizeof(uint64_t)], sum = 0;

	for (size_t i = 0; i < bytes; i += 2 * LINE) {
		a = _mm512_add_epi64(a, _mm512_load_si512(s + i));
		b = _mm512_add_epi64(b, _mm512_load_si512(s + i + LINE));
	}
	_mm512_storeu_si512(sums, _mm512_add_epi64(a, b));
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		sum += sums[i]; /* the compiler's own sum of a register overflows as signed numbers do */
	return sum;
}

__attribute__((target("avx512f"))) static void write_avx512(void *to, size_t bytes, uint64_t word)
{
	const __m512i line = _mm512_set1_epi64((long long)word);
	char *d = to;

	for (size_t i = 0; i < bytes; i += 2 * LINE) {
		_mm512_stream_si512((void *)(d + i), line);
		_mm512_stream_si512((void *)(d + i + LINE), line);
	}
	_mm_sfence();
}

/* ---- AVX2: two registers make a line */

__attribute__((target("avx2"))) static void copy_avx2(void *to, const void *from, size_t bytes)
{
	const char *s = from;
	char *d = to;

	for (size_t i = 0; i < bytes; i += 2 * LINE) {
		_mm_prefetch(s + i + AHEAD, _MM_HINT_NTA);
		_mm_prefetch(s + i + AHEAD + LINE, _MM_HINT_NTA);

		__m256i a = _mm256_load_si256((const void *)(s + i)), b = _mm256_load_si256((const void *)(s + i + 32));
		__m256i c = _mm256_load_si256((const void *)(s + i + 64));
		__m256i e = _mm256_load_si256((const void *)(s + i + 96));

		_mm256_stream_si256((void *)(d + i), a);
		_mm256_stream_si256((void *)(d + i + 32), b);
		_mm256_stream_si256((void *)(d + i + 64), c);
		_mm256_stream_si256((void *)(d + i + 96), e);
	}
	_mm_sfence();
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const void *from, size_t bytes)
{
	const char *s = from;
	__m256i a = _mm256_setzero_si256(), b = a, c = a, e = a;

	for (size_t i = 0; i < bytes; i += 2 * LINE) {
		a = _mm256_add_epi64(a, _mm256_load_si256((const void *)(s + i)));
		b = _mm256_add_epi64(b, _mm256_load_si256((const void *)(s + i + 32)));
		c = _mm256_add_epi64(c, _mm256_load_si256((const void *)(s + i + 64)));
		e = _mm256_add_epi64(e, _mm256_load_si256((const void *)(s + i + 96)));
	}
	a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, e));
	return (uint64_t)_mm256_extract_epi64(a, 0) + (uint64_t)_mm256_extract_epi64(a, 1) +
	       (uint64_t)_mm256_extract_epi64(a, 2) + (uint64_t)_mm256_extract_epi64(a, 3);
}

__attribute__((target("avx2"))) static void write_avx2(void *to, size_t bytes, uint64_t word)
{
	const __m256i half = _mm256_set1_epi64x((long long)word);
	char *d = to;

	for (size_t i = 0; i < bytes; i += LINE) {
		_mm256_stream_si256((void *)(d + i), half);
		_mm256_stream_si256((void *)(d + i + 32), half);
	}
	_mm_sfence();
}

const struct fl_stream_engine fl_stream_avx[] = {
	{ .name = "avx512",
	  .stores = "non-temporal",
	  .supported = has_avx512,
	  .copy = copy_avx512,
	  .read = read_avx512,
	  .write = write_avx512 },
	{ .name = "avx2",
	  .stores = "non-temporal",
	  .supported = has_avx2,
	  .copy = copy_avx2,
	  .read = read_avx2,
	  .write = write_avx2 },
	{ 0 },
};
#else
const struct fl_stream_engine fl_stream_avx[] = { { 0 } };
#endif
