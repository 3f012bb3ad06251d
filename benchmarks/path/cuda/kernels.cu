/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/kernels.cu: what runs on a GPU. */
#include "path/cuda/kernels.h"
#include <cuda_runtime.h>

enum { WARP = 32, THREADS = 256, COPY_THREADS = 512, COPY_DEEP = 12, COPY_BLOCKS = 2 };

/* ---- gate */

static __device__ uint64_t now_ns()
{
	uint64_t ns;

	asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
	return ns;
}

static __global__ void gate(const volatile uint32_t *flag, uint64_t timeout_ns, volatile uint32_t *timed_out)
{
	uint64_t start_ns = now_ns();

	while (*flag == 0) {
		if ((int64_t)(now_ns() - start_ns) > (int64_t)timeout_ns) {
			*timed_out = 1;
			__threadfence_system();
			return;
		}
	}
}

/* ---- copy */

/* Loads are many before the first store needs one, so that they fill the way to the memory. Two blocks fit on an SM, so
 * that copies of both directions run beside each other. */
static __global__ void __launch_bounds__(COPY_THREADS, COPY_BLOCKS) copy(uint4 *to, const uint4 *from, uint64_t vectors)
{
	uint64_t stride = (uint64_t)gridDim.x * COPY_THREADS;
	uint64_t i = (uint64_t)blockIdx.x * COPY_THREADS + threadIdx.x;

	for (; i + (COPY_DEEP - 1) * stride < vectors; i += COPY_DEEP * stride) {
		uint4 v[COPY_DEEP];

#pragma unroll
		for (unsigned k = 0; k < COPY_DEEP; k++)
			v[k] = from[i + k * stride];
#pragma unroll
		for (unsigned k = 0; k < COPY_DEEP; k++)
			to[i + k * stride] = v[k];
	}
	for (; i < vectors; i += stride)
		to[i] = from[i];
}

/* ---- blocks: a warp each */

struct block {
	uint64_t seed, offset, key;
};

static __device__ struct block block_of(uint64_t seed, uint64_t number)
{
	struct block b;

	b.seed = seed;
	b.offset = number * FL_BLOCK_BYTES;
	b.key = fl_block_key(seed, 0, b.offset);
	return b;
}

/* Word i, but for the one that makes the sum right, which is taken for 0. */
static __device__ uint64_t word_of(const struct block *b, unsigned i)
{
	if (i >= FL_BLOCK_HEAD)
		return fl_block_word(b->key, i);
	return i == 0 ? FL_BLOCK_MAGIC : i == 1 ? b->seed : i == 3 ? b->offset : 0;
}

/* The word that makes the sum right, from the sum of those of this lane. */
static __device__ uint64_t last_word(const struct block *b, uint64_t sum)
{
	for (unsigned distance = WARP / 2; distance > 0; distance /= 2)
		sum += __shfl_xor_sync(0xffffffffu, (unsigned long long)sum, distance);
	return fl_block_sum(b->seed, 0, b->offset) - sum;
}

static __global__ void fill(uint64_t *at, uint64_t blocks, uint64_t seed, uint64_t first_block)
{
	unsigned lane = threadIdx.x % WARP;
	uint64_t warps = (uint64_t)gridDim.x * (THREADS / WARP);

	for (uint64_t n = (uint64_t)blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP; n < blocks; n += warps) {
		struct block b = block_of(seed, first_block + n);
		uint64_t *word = at + n * FL_BLOCK_WORDS, sum = 0;

		for (unsigned i = lane; i < FL_BLOCK_WORDS; i += WARP) {
			uint64_t w = word_of(&b, i);

			if (i != FL_BLOCK_CHECK)
				word[i] = w;
			sum += w;
		}
		sum = last_word(&b, sum);
		if (lane == 0)
			word[FL_BLOCK_CHECK] = sum;
	}
}

static __global__ void check_begin(struct fl_kernel_wrong *ret)
{
	ret->count = 0;
	ret->first_offset = UINT64_MAX;
}

static __global__ void check(const uint64_t *at, uint64_t blocks, uint64_t seed, uint64_t first_block,
			     struct fl_kernel_wrong *ret)
{
	unsigned lane = threadIdx.x % WARP;
	uint64_t warps = (uint64_t)gridDim.x * (THREADS / WARP);

	for (uint64_t n = (uint64_t)blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP; n < blocks; n += warps) {
		struct block b = block_of(seed, first_block + n);
		const uint64_t *word = at + n * FL_BLOCK_WORDS;
		unsigned long long wrong_at = UINT64_MAX;
		uint64_t sum = 0;

		for (unsigned i = lane; i < FL_BLOCK_WORDS; i += WARP) {
			uint64_t w = word_of(&b, i);

			if (i != FL_BLOCK_CHECK && word[i] != w && wrong_at == UINT64_MAX)
				wrong_at = n * FL_BLOCK_BYTES + i * sizeof(*word);
			sum += w;
		}
		sum = last_word(&b, sum);
		if (lane == FL_BLOCK_CHECK && word[FL_BLOCK_CHECK] != sum)
			wrong_at = n * FL_BLOCK_BYTES + FL_BLOCK_CHECK * sizeof(*word);
		if (wrong_at != UINT64_MAX)
			atomicMin((unsigned long long *)&ret->first_offset, wrong_at);
		if (__any_sync(0xffffffffu, wrong_at != UINT64_MAX) && lane == 0)
			atomicAdd((unsigned long long *)&ret->count, 1ull);
	}
}

/* ---- chase, nothing */

/* __ldcg: from the L2 on; the L1 of one SM is not what a chain is for. */
static __global__ void chase(const char *chain, uint64_t hops, uint64_t *at)
{
	unsigned long long offset = *at;

	for (uint64_t i = 0; i < hops; i++)
		offset = __ldcg((const unsigned long long *)(chain + offset));
	*at = offset;
}

static __global__ void check_chain(const char *chain, uint64_t lines, uint64_t seed, struct fl_kernel_wrong *ret)
{
	uint64_t stride = (uint64_t)gridDim.x * THREADS;

	for (uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x; i < lines; i += stride) {
		uint64_t offset = i * FL_CHAIN_LINE_BYTES;
		ulonglong2 line = __ldcg((const ulonglong2 *)(chain + offset));

		if (line.y == fl_chain_key(seed, offset, line.x))
			continue;
		atomicMin((unsigned long long *)&ret->first_offset, (unsigned long long)offset);
		atomicAdd((unsigned long long *)&ret->count, 1ull);
	}
}

static __global__ void nothing()
{
}

/* ---- from C */

static int launch(const void *kernel, uint64_t blocks, unsigned threads, void **args, struct CUstream_st *stream)
{
	return (int)cudaLaunchKernel(kernel, dim3((unsigned)blocks), dim3(threads), args, 0, stream);
}

/* As many thread blocks as there is work for, up to what no GPU runs at once. */
static uint64_t grid_of(uint64_t pieces, uint64_t per_block)
{
	const uint64_t most = 4096;
	uint64_t wanted = (pieces + per_block - 1) / per_block;

	return wanted < 1 ? 1 : wanted > most ? most : wanted;
}

int fl_kernels_load(void)
{
	const void *const kernels[] = { (const void *)gate,	   (const void *)copy,	 (const void *)fill,
					(const void *)check_begin, (const void *)check,	 (const void *)chase,
					(const void *)check_chain, (const void *)nothing };
	cudaFuncAttributes attributes; /* to ask for them loads the kernel */
	cudaError_t rc = cudaSuccess;

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]) && rc == cudaSuccess; i++)
		rc = cudaFuncGetAttributes(&attributes, kernels[i]);
	return (int)rc;
}

int fl_kernel_gate(struct CUstream_st *stream, const volatile uint32_t *flag, uint64_t timeout_ns, uint32_t *timed_out)
{
	void *args[] = { &flag, &timeout_ns, &timed_out };

	return launch((const void *)gate, 1, 1, args, stream);
}

int fl_kernel_copy(struct CUstream_st *stream, void *to, const void *from, uint64_t bytes, uint32_t blocks)
{
	uint64_t vectors = bytes / sizeof(uint4), most = (vectors + COPY_THREADS - 1) / COPY_THREADS;
	void *args[] = { &to, &from, &vectors };

	return launch((const void *)copy, most < 1 ? 1 : most < blocks ? most : blocks, COPY_THREADS, args, stream);
}

int fl_kernel_fill(struct CUstream_st *stream, void *at, uint64_t bytes, uint64_t seed, uint64_t first_block)
{
	uint64_t blocks = bytes / FL_BLOCK_BYTES;
	void *args[] = { &at, &blocks, &seed, &first_block };

	return launch((const void *)fill, grid_of(blocks, THREADS / WARP), THREADS, args, stream);
}

int fl_kernel_check(struct CUstream_st *stream, const void *at, uint64_t bytes, uint64_t seed, uint64_t first_block,
		    struct fl_kernel_wrong *ret)
{
	uint64_t blocks = bytes / FL_BLOCK_BYTES;
	void *begin_args[] = { &ret }, *args[] = { &at, &blocks, &seed, &first_block, &ret };
	int rc = launch((const void *)check_begin, 1, 1, begin_args, stream);

	return rc ? rc : launch((const void *)check, grid_of(blocks, THREADS / WARP), THREADS, args, stream);
}

int fl_kernel_chase(struct CUstream_st *stream, const void *chain, uint64_t hops, uint64_t *at)
{
	void *args[] = { &chain, &hops, &at };

	return launch((const void *)chase, 1, 1, args, stream);
}

int fl_kernel_check_chain(struct CUstream_st *stream, const void *chain, uint64_t lines, uint64_t seed,
			  struct fl_kernel_wrong *ret)
{
	void *begin_args[] = { &ret }, *args[] = { &chain, &lines, &seed, &ret };
	int rc = launch((const void *)check_begin, 1, 1, begin_args, stream);

	return rc ? rc : launch((const void *)check_chain, grid_of(lines, THREADS), THREADS, args, stream);
}

int fl_kernel_nothing(struct CUstream_st *stream)
{
	return launch((const void *)nothing, 1, 1, NULL, stream);
}
