/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/gate.c: the host's side of a gate. */
#include "path/cuda/gate.h"
#include "path/cuda/kernels.h"
#include "path/cuda/process.h"
#include <errno.h>
#include <string.h>

/* Words that different sides write lie apart. */
enum { APART_WORDS = 32, BYTES = (1 + FL_GATE_STREAMS_MAX) * APART_WORDS * 4 };

int fl_gate_make(struct fl_gate *ret, struct fl_err *err)
{
	void *at = NULL;
	cudaError_t got;
	int rc;

	fl_cuda_alone_begin();
	got = cudaHostAlloc(&at, BYTES, cudaHostAllocPortable | cudaHostAllocMapped);
	fl_cuda_alone_end();
	rc = fl_cuda_check(got, "cudaHostAlloc", err);
	if (rc < 0)
		return rc;
	memset(at, 0, BYTES);
	ret->flag = at;
	ret->timed_out = (uint32_t *)at + APART_WORDS;
	return 0;
}

void fl_gate_free(struct fl_gate *g)
{
	if (!g->flag)
		return;
	fl_cuda_alone_begin();
	cudaFreeHost((void *)g->flag);
	fl_cuda_alone_end();
	cudaGetLastError();
	g->flag = NULL;
}

/* Halting sets `halted` first and the flag then; this clears the flag first and asks then. So one of the two opens
 * it. */
int fl_gate_close(struct fl_gate *g)
{
	for (unsigned i = 0; i < FL_GATE_STREAMS_MAX; i++)
		g->timed_out[i * APART_WORDS] = 0;
	atomic_store(g->flag, 0);
	if (atomic_load(&g->halted))
		return -ECANCELED;
	fl_cuda_gated_begin();
	return 0;
}

int fl_gate_queue(struct fl_gate *g, cudaStream_t stream, unsigned index, struct fl_err *err)
{
	void *flag, *timed_out;
	int rc = FL_CUDA(err, cudaHostGetDevicePointer(&flag, (void *)g->flag, 0));

	if (rc == 0)
		rc = FL_CUDA(err, cudaHostGetDevicePointer(&timed_out,
							   (void *)(uintptr_t)(g->timed_out + index * APART_WORDS), 0));
	if (rc < 0)
		return rc;
	return fl_cuda_check((cudaError_t)fl_kernel_gate(stream, flag, FL_GATE_NS, timed_out), "launch the gate", err);
}

void fl_gate_open(struct fl_gate *g)
{
	atomic_store(g->flag, 1);
	fl_cuda_gated_end();
}

bool fl_gate_timed_out(const struct fl_gate *g)
{
	for (unsigned i = 0; i < FL_GATE_STREAMS_MAX; i++)
		if (g->timed_out[i * APART_WORDS])
			return true;
	return false;
}

void fl_gate_halt(struct fl_gate *g)
{
	atomic_store(&g->halted, true);
	if (g->flag)
		atomic_store(g->flag, 1);
}

bool fl_gate_halted(const struct fl_gate *g)
{
	return atomic_load(&g->halted);
}
