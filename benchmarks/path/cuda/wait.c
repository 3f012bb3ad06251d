/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/wait.c: waiting for a stream. */
#include "path/cuda/wait.h"
#include <errno.h>
#include <feedline/clock.h>

int fl_cuda_wait(const struct fl_cuda_device *device, cudaStream_t stream, const struct fl_gate *gate,
		 struct fl_err *err)
{
	const uint64_t pause_ns = 20000;
	int rc = fl_cuda_device_use(device, err);

	while (rc == 0) {
		cudaError_t state = cudaStreamQuery(stream);

		if (state != cudaErrorNotReady)
			return fl_cuda_check(state, "wait for the GPU", err);
		if (fl_gate_halted(gate))
			return -ECANCELED;
		fl_sleep_until(fl_now_ns() + pause_ns);
	}
	return rc;
}
