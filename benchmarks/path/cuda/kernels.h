/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/kernels.h: all that runs on a GPU, behind plain C functions, so that a benchmark is C and tests can put
 * functions for the host in their place.
 *
 * Each launches on a stream of the device that is current in the calling thread and returns at once: 0, or a
 * cudaError_t as a number, of the launch alone. What goes wrong on the device is told by a later call on the stream.
 * Pointers are what the device can reach: its own memory, that of a peer with access, or mapped host memory (as the
 * device sees it). Kernels of one stream run one after the other. */
#ifndef PATH_CUDA_KERNELS_H
#define PATH_CUDA_KERNELS_H
#include <feedline/block.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st; /* a cudaStream_t is a pointer to it */

/* Loads every kernel onto the current device. To be called once a device before the first gate: a kernel that is loaded
 * when it is launched first waits for the device to be idle, which it is not behind a closed gate. Launches nothing. */
int fl_kernels_load(void);

/* Holds back what is queued behind it until *flag (mapped host memory) is not 0. After timeout_ns it lets all pass, and
 * has set *timed_out (mapped host memory) to 1 before: what was timed behind it does not count. */
int fl_kernel_gate(struct CUstream_st *stream, const volatile uint32_t *flag, uint64_t timeout_ns, uint32_t *timed_out);

/* Copies with the SMs: `blocks` thread blocks (one an SM fills the device). All three are multiples of 16. */
int fl_kernel_copy(struct CUstream_st *stream, void *to, const void *from, uint64_t bytes, uint32_t blocks);

/* Fills with blocks of feedline/block.h: of file 0 of the set `seed`, the first one being block first_block of it (its
 * offset is 4096 times that). bytes: a multiple of FL_BLOCK_BYTES; at: aligned to 16. */
int fl_kernel_fill(struct CUstream_st *stream, void *at, uint64_t bytes, uint64_t seed, uint64_t first_block);

/* Is it what fl_kernel_fill() makes with the same arguments? ret: memory of the device, which need not be initialised;
 * it is filled in when the stream has come so far. */
struct fl_kernel_wrong {
	uint64_t count;	       /* blocks with a wrong word */
	uint64_t first_offset; /* of the first wrong word, in bytes from `at`; UINT64_MAX: none */
};
int fl_kernel_check(struct CUstream_st *stream, const void *at, uint64_t bytes, uint64_t seed, uint64_t first_block,
		    struct fl_kernel_wrong *ret);

/* A chain: lines of FL_CHAIN_LINE_BYTES. The first word of each is the offset of the next one in bytes, the second one
 * is fl_chain_key() of it; the rest is not looked at. */
enum { FL_CHAIN_LINE_BYTES = 128 };
FL_BLOCK_FN uint64_t fl_chain_key(uint64_t seed, uint64_t offset, uint64_t next)
{
	return fl_block_key(seed, next, offset);
}

/* Do all lines hold what belongs there? Read by all SMs the way that the chase reads them. ret: as above, of lines. */
int fl_kernel_check_chain(struct CUstream_st *stream, const void *chain, uint64_t lines, uint64_t seed,
			  struct fl_kernel_wrong *ret);

/* One thread follows a chain: the 64-bit word at `offset` bytes from `chain` holds the offset of the next one. It
 * begins at *at (memory of the device), does `hops` loads, each of which waits for the one before, and leaves in *at
 * where it came to. A wrong word leads it anywhere: what would hold it back (11 cycles or more between two loads, where
 * there are 9) would be timed with each load. So the chain is checked before. */
int fl_kernel_chase(struct CUstream_st *stream, const void *chain, uint64_t hops, uint64_t *at);

/* Does nothing. */
int fl_kernel_nothing(struct CUstream_st *stream);

#ifdef __cplusplus
}
#endif
#endif
