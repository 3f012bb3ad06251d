/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/place.h: memory at one end of a copy, on the host or on a GPU, and whether the right data is in it:
 * blocks of feedline/block.h, which tell their place and the seed of their end of the lane. Whoever owns the memory
 * fills and checks it, the GPU its own and a CPU that of the host: never over the path that is measured. Nothing here
 * is timed. */
#ifndef PATH_CUDA_PLACE_H
#define PATH_CUDA_PLACE_H
#include "path/cuda/host.h"

struct fl_place {
	const struct fl_cuda_device *gpu; /* NULL: on the host */
	struct fl_host_memory host;
	char *at; /* as its owner reaches it; NULL: there is none */
	uint64_t bytes;
};

int fl_place_on_gpu(const struct fl_cuda_device *gpu, uint64_t bytes, struct fl_place *ret, struct fl_err *err);
int fl_place_on_host(struct fl_lane *lane, enum fl_host_kind kind, int node, uint64_t bytes, struct fl_place *ret,
		     struct fl_err *err);
void fl_place_free(struct fl_place *p);

int fl_place_fill(const struct fl_place *p, uint64_t seed, struct fl_err *err);
/* Fills it with what is right nowhere. */
int fl_place_spoil(const struct fl_place *p, uint64_t seed, struct fl_err *err);
/* A piece of it, and which block of what fill makes has to be the first there. */
struct fl_place_part {
	uint64_t offset, bytes, first_block;
};
/* -EBADMSG: these blocks are not there; `what`: "copied from node0 to gpu-..". */
int fl_place_check(const struct fl_place *p, const struct fl_place_part *part, uint64_t seed, const char *what,
		   struct fl_err *err);

#endif
