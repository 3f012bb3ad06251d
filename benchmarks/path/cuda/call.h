/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/call.h: from what a call of CUDA returned to a struct fl_err. */
#ifndef PATH_CUDA_CALL_H
#define PATH_CUDA_CALL_H
#include <cuda_runtime_api.h>
#include <feedline/err.h>

/* `call`: its name, "cudaMalloc", and what it was for where that says more. 0, or the negative errno of errors.h with
 * one line and a hint. Forgets the error, where CUDA itself does not insist on it. */
int fl_cuda_check(cudaError_t rc, const char *call, struct fl_err *err);

/* FL_CUDA(err, cudaFree(p)) */
#define FL_CUDA(err, call) fl_cuda_check((call), #call, (err))

/* Is there a driver that this build can use? */
int fl_cuda_driver(struct fl_err *err);

/* "runtime 13.0, driver 13.1" */
enum { FL_CUDA_VERSIONS_TEXT = 48 };
void fl_cuda_versions(char ret[FL_CUDA_VERSIONS_TEXT]);

#endif
