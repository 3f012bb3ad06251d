/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/launch_hooks.c: launches of a kernel that does nothing. The thread asks without a pause whether it is done, as
 * one does who wants to know soon. */
#include "launch.h"
#include "path/cuda/device.h"
#include "path/cuda/kernels.h"
#include "path/cuda/process.h"
#include <errno.h>
#include <feedline/clock.h>
#include <feedline/hist.h>
#include <stdatomic.h>
#include <stdlib.h>

struct launch_state {
	struct fl_cuda_device gpu;
	cudaStream_t stream;
	_Atomic bool halted;
	uint64_t launched, done;
};

void fl_gpu_launch_close(void *state)
{
	struct launch_state *s = state;

	if (s->stream) {
		fl_cuda_device_use(&s->gpu, NULL); /* where it cannot be, it is given back all the same */
		fl_cuda_alone_begin();
		cudaStreamDestroy(s->stream);
		fl_cuda_alone_end();
	}
	fl_cuda_device_close(&s->gpu);
	free(s);
}

int fl_gpu_launch_open_nothing(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct fl_gpu_launch_opts *o = opts;
	struct launch_state *s = calloc(1, sizeof(*s));
	char versions[FL_CUDA_VERSIONS_TEXT];
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->gpu.number = -1;
	rc = fl_cuda_device_open(o->gpu, &s->gpu, err);
	if (rc == 0) {
		fl_cuda_alone_begin();
		rc = FL_CUDA(err, cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking));
		fl_cuda_alone_end();
	}
	if (rc < 0) {
		fl_gpu_launch_close(s);
		return rc;
	}
	fl_cuda_versions(versions);
	fl_set_fact(lane, "device", "%s", s->gpu.model);
	fl_set_fact(lane, "cuda", "%s", versions);
	*ret_state = s;
	return 0;
}

int fl_gpu_launch_enter(void *state, unsigned thread, struct fl_err *err)
{
	struct launch_state *s = state;

	(void)thread;
	return fl_cuda_device_use(&s->gpu, err); /* current in this thread from now on */
}

static int launch(struct launch_state *s, struct fl_err *err)
{
	cudaError_t state = cudaErrorNotReady;
	int rc = fl_cuda_check((cudaError_t)fl_kernel_nothing(s->stream), "launch a kernel that does nothing", err);

	if (rc < 0)
		return rc;
	s->launched++;
	while (state == cudaErrorNotReady) {
		if (atomic_load_explicit(&s->halted, memory_order_relaxed))
			return -ECANCELED;
		state = cudaStreamQuery(s->stream);
	}
	s->done += state == cudaSuccess;
	return fl_cuda_check(state, "wait for the GPU", err);
}

int fl_gpu_launch_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct launch_state *s = state;
	uint64_t began_ns = fl_now_ns(), ended_ns;
	int rc = 0;

	(void)thread;
	while (did->ops < n && rc == 0) {
		rc = launch(s, err);
		ended_ns = fl_now_ns();
		if (rc == 0) {
			fl_hist_add(did->hist[0], ended_ns - began_ns);
			did->ops++;
		}
		began_ns = ended_ns;
	}
	return rc;
}

void fl_gpu_launch_halt(void *state)
{
	struct launch_state *s = state;

	atomic_store(&s->halted, true);
}

void fl_gpu_launch_leave(void *state, unsigned thread)
{
	struct launch_state *s = state;

	(void)thread;
	cudaStreamSynchronize(s->stream);
}

/* No data; but every launch must have been seen to end, except one that was called off. */
int fl_gpu_launch_verify(void *state, struct fl_err *err)
{
	const struct launch_state *s = state;

	if (s->launched - s->done <= 1)
		return 0;
	return fl_fail(err, -EBADMSG, "%llu launches and %llu ends", (unsigned long long)s->launched,
		       (unsigned long long)s->done);
}
