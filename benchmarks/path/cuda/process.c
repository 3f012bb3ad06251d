/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/process.c: what the lanes of a process share. */
#include "path/cuda/process.h"
#include <pthread.h>

/* The contexts that this counts and the locks that it keeps from each other are CUDA's, of the process. Who wants to be
 * alone goes first, or lanes that step without end would never let him. */
static struct {
	pthread_rwlock_t gates;
	unsigned users[FL_CUDA_DEVICES_MAX]; /* changed alone */
} process = { .gates = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP };

void fl_cuda_gated_begin(void)
{
	pthread_rwlock_rdlock(&process.gates);
}

void fl_cuda_gated_end(void)
{
	pthread_rwlock_unlock(&process.gates);
}

void fl_cuda_alone_begin(void)
{
	pthread_rwlock_wrlock(&process.gates);
}

void fl_cuda_alone_end(void)
{
	pthread_rwlock_unlock(&process.gates);
}

unsigned fl_cuda_users_add(int device)
{
	return ++process.users[device];
}

unsigned fl_cuda_users_remove(int device)
{
	return --process.users[device];
}
