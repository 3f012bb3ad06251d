/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/host.h: host memory of a kind, on a node, that GPUs copy from and to.
 *
 * What CUDA allocates by itself cannot be bound, nor asked where it is. So pinned memory is memory of the harness,
 * bound and read back, that is then registered. Only CUDA can make memory that CPUs do not cache: for that the policy
 * of the calling thread is set, and where the kernel does not tell of its pages, the fact says that the node is not
 * verified. */
#ifndef PATH_CUDA_HOST_H
#define PATH_CUDA_HOST_H
#include "path/cuda/device.h"

enum fl_host_kind { FL_HOST_PINNED, FL_HOST_PAGEABLE, FL_HOST_WRITE_COMBINED, FL_HOST_HUGE };

enum { FL_HOST_HUGE_BYTES = 2 << 20, FL_HOST_WHAT_TEXT = 64 };

struct fl_host_memory {
	enum fl_host_kind kind;
	char *at; /* NULL: none */
	uint64_t bytes;
	char what[FL_HOST_WHAT_TEXT]; /* what was got: "pinned, huge pages" */
};

/* node: as in fl_alloc. FL_HOST_HUGE: -ENOMEM where the kernel has no huge pages for all of it; bytes is a multiple of
 * FL_HOST_HUGE_BYTES. Pinned memory is for all devices of the process; one must be current. */
int fl_host_alloc(struct fl_lane *lane, enum fl_host_kind kind, uint64_t bytes, int node, struct fl_host_memory *ret,
		  struct fl_err *err);
void fl_host_free(struct fl_host_memory *m); /* before the harness frees what the lane allocated */

/* Where the current device finds it. -EINVAL: it is not pinned. */
int fl_host_on_device(const struct fl_host_memory *m, void **ret, struct fl_err *err);

#endif
