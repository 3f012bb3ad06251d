/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/wait.h: waiting for a stream in a way that can be called off. */
#ifndef PATH_CUDA_WAIT_H
#define PATH_CUDA_WAIT_H
#include "path/cuda/gate.h"

/* Asks again and again, and sleeps between, which costs the copies nothing; a call that waits could not be called off.
 * -ECANCELED: `gate` was halted; what is queued goes on. The device is current afterwards. */
int fl_cuda_wait(const struct fl_cuda_device *device, cudaStream_t stream, const struct fl_gate *gate,
		 struct fl_err *err);

#endif
