/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/place.c: memory at one end of a copy. */
#include "path/cuda/place.h"
#include "path/blocks.h"
#include "path/cuda/kernels.h"
#include <errno.h>
#include <string.h>

int fl_place_on_gpu(const struct fl_cuda_device *gpu, uint64_t bytes, struct fl_place *ret, struct fl_err *err)
{
	void *at = NULL;
	int rc = fl_cuda_alloc(gpu, bytes, &at, err);

	if (rc == 0)
		*ret = (struct fl_place){ .gpu = gpu, .at = at, .bytes = bytes };
	return rc;
}

int fl_place_on_host(struct fl_lane *lane, enum fl_host_kind kind, int node, uint64_t bytes, struct fl_place *ret,
		     struct fl_err *err)
{
	struct fl_place p = { .bytes = bytes };
	uint64_t whole = (bytes + FL_HOST_HUGE_BYTES - 1) / FL_HOST_HUGE_BYTES * FL_HOST_HUGE_BYTES;
	int rc = fl_host_alloc(lane, kind, kind == FL_HOST_HUGE ? whole : bytes, node, &p.host, err);

	if (rc < 0)
		return rc;
	p.at = p.host.at;
	*ret = p;
	return 0;
}

void fl_place_free(struct fl_place *p)
{
	if (p->gpu)
		fl_cuda_free(p->gpu, p->at);
	else
		fl_host_free(&p->host);
	p->at = NULL;
}

/* ---- data */

static int fill_gpu(const struct fl_place *p, uint64_t seed, struct fl_err *err)
{
	int rc = fl_cuda_device_use(p->gpu, err);

	if (rc == 0)
		rc = fl_cuda_check((cudaError_t)fl_kernel_fill(p->gpu->stream, p->at, p->bytes, seed, 0),
				   "launch the kernel that fills", err);
	return rc == 0 ? fl_cuda_device_wait(p->gpu, err) : rc;
}

int fl_place_fill(const struct fl_place *p, uint64_t seed, struct fl_err *err)
{
	if (p->gpu)
		return fill_gpu(p, seed, err);
	fl_blocks_fill(p->at, p->bytes, &(struct fl_origin){ .seed = seed });
	return 0;
}

int fl_place_spoil(const struct fl_place *p, uint64_t seed, struct fl_err *err)
{
	if (p->gpu)
		return fill_gpu(p, ~seed, err);
	memset(p->at, 0x5a, p->bytes);
	return 0;
}

static int wrong(const struct fl_place_part *part, uint64_t blocks, uint64_t first, const char *what,
		 struct fl_err *err)
{
	uint64_t offset = part->offset + first;

	return fl_fail(err, -EBADMSG, "wrong data in %llu of %llu blocks %s, first at offset %llu",
		       (unsigned long long)blocks, (unsigned long long)(part->bytes / FL_BLOCK_BYTES), what,
		       (unsigned long long)offset);
}

static int check_gpu(const struct fl_place *p, const struct fl_place_part *part, uint64_t seed, const char *what,
		     struct fl_err *err)
{
	struct fl_kernel_wrong found = { .count = UINT64_MAX };
	cudaStream_t stream = p->gpu->stream;
	int rc = fl_cuda_device_use(p->gpu, err);

	if (rc == 0)
		rc = fl_cuda_check((cudaError_t)fl_kernel_check(stream, p->at + part->offset, part->bytes, seed,
								part->first_block, p->gpu->scratch),
				   "launch the kernel that checks", err);
	if (rc == 0)
		rc = FL_CUDA(err, cudaMemcpyAsync(&found, p->gpu->scratch, sizeof(found), cudaMemcpyDefault, stream));
	if (rc == 0)
		rc = fl_cuda_device_wait(p->gpu, err);
	if (rc == 0 && found.count)
		rc = wrong(part, found.count, found.first_offset, what, err);
	return rc;
}

int fl_place_check(const struct fl_place *p, const struct fl_place_part *part, uint64_t seed, const char *what,
		   struct fl_err *err)
{
	const char *at = p->at + part->offset;
	uint64_t blocks = 0, first = 0;

	if (p->gpu)
		return check_gpu(p, part, seed, what, err);
	for (uint64_t i = 0; i < part->bytes; i += FL_BLOCK_BYTES) {
		size_t right = fl_block_check(at + i, seed, 0, part->first_block * FL_BLOCK_BYTES + i);

		if (right == FL_BLOCK_BYTES)
			continue;
		if (blocks++ == 0)
			first = i + right;
	}
	return blocks ? wrong(part, blocks, first, what, err) : 0;
}
