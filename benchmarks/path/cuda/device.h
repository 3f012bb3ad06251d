/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/device.h: one GPU, or a part of one, as a lane uses it. */
#ifndef PATH_CUDA_DEVICE_H
#define PATH_CUDA_DEVICE_H
#include "path/cuda/call.h"
#include <feedline/bench.h>
#include <stdbool.h>

struct fl_cuda_device {
	int number; /* CUDA's, in this process; -1: not open */
	char model[256];
	char id[96];	     /* "gpu-0000:41:00.0", for messages */
	unsigned sms;	     /* how many */
	uint64_t l2_bytes;   /* of its cache */
	bool exclusive;	     /* one process at a time may use it */
	cudaStream_t stream; /* for what is not timed */
	void *scratch;	     /* FL_CUDA_SCRATCH_BYTES of its memory, for results of what runs on `stream` */
};
enum { FL_CUDA_SCRATCH_BYTES = 256 };

/* Finds it by its UUID where it is a part of a GPU (then it is the only device that this process may see), else by PCI
 * address, else by UUID. Makes its context and makes it current in this thread, loads all kernels. It is closed after
 * everything that was made on it; the last one to close a device that only one process may use gives it back. */
int fl_cuda_device_open(const struct fl_device *which, struct fl_cuda_device *ret, struct fl_err *err);
void fl_cuda_device_close(struct fl_cuda_device *device); /* one that is not open: nothing */

/* Makes it current: each thread has a current device of its own. */
int fl_cuda_device_use(const struct fl_cuda_device *device, struct fl_err *err);
/* Waits for its own stream; it is current afterwards. */
int fl_cuda_device_wait(const struct fl_cuda_device *device, struct fl_err *err);

/* Lets `by` reach the memory of `other`. *ret_direct: it does; else what it copies goes through host memory. `by` is
 * current afterwards. It stays so until the process ends. */
int fl_cuda_peer(const struct fl_cuda_device *by, const struct fl_cuda_device *other, bool *ret_direct,
		 struct fl_err *err);

/* Memory of a device; it is current afterwards. */
int fl_cuda_alloc(const struct fl_cuda_device *device, uint64_t bytes, void **ret, struct fl_err *err);
void fl_cuda_free(const struct fl_cuda_device *device, void *at); /* NULL: nothing */

#endif
