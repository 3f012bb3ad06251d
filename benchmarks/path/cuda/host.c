/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/host.c: host memory for GPUs. */
#include "path/cuda/host.h"
#include "path/cuda/process.h"
#include "path/pages.h"
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- what the kernel made of it */

static const char *pages_said(const char *pages)
{
	static const struct {
		const char *pages, *said;
	} words[] = { { "huge", ", huge pages" }, { "small", "" }, { "mixed", ", some huge pages" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(pages, words[i].pages))
			return words[i].said;
	return ", pages unknown";
}

static int want_huge(const struct fl_host_memory *m, const char *pages, struct fl_err *err)
{
	int rc;

	if (!strcmp(pages, "huge"))
		return 0;
	rc = fl_fail(err, -ENOMEM, "the kernel gave no huge pages for all of %llu MiB (%s)",
		     (unsigned long long)m->bytes >> 20, pages);
	fl_hint(err, "'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled', and "
		     "'echo 1 > /proc/sys/vm/compact_memory' where memory is in pieces");
	return rc;
}

/* ---- memory of the harness, pinned or not */

static int pin(const struct fl_host_memory *m, struct fl_err *err)
{
	cudaError_t rc;

	fl_cuda_alone_begin();
	rc = cudaHostRegister(m->at, m->bytes, cudaHostRegisterPortable | cudaHostRegisterMapped);
	fl_cuda_alone_end();
	return fl_cuda_check(rc, "cudaHostRegister", err);
}

static int alloc_placed(struct fl_lane *lane, struct fl_host_memory *m, int node, struct fl_err *err)
{
	void *at = NULL;
	const char *pages;
	int rc = fl_alloc(lane, m->bytes, node, &at, err);

	if (rc < 0)
		return rc;
	m->at = at;
	pages = fl_pages_of("/proc/self/smaps", at, m->bytes);
	if (m->kind == FL_HOST_HUGE)
		rc = want_huge(m, pages, err);
	if (rc == 0 && m->kind != FL_HOST_PAGEABLE)
		rc = pin(m, err);
	snprintf(m->what, sizeof(m->what), "%s%s", m->kind == FL_HOST_PAGEABLE ? "pageable" : "pinned",
		 pages_said(pages));
	return rc;
}

/* ---- memory of CUDA */

enum { MASK_WORDS = 16, WORD_BITS = 8 * sizeof(unsigned long) };

struct policy {
	int mode;
	unsigned long nodes[MASK_WORDS];
	bool known;
};

static struct policy policy_bind(int node)
{
	struct policy before = { 0 }, bound = { .mode = MPOL_BIND };

	before.known = syscall(SYS_get_mempolicy, &before.mode, before.nodes, sizeof(before.nodes) * 8, NULL, 0) == 0;
	if (node < 0 || node >= MASK_WORDS * (int)WORD_BITS || !before.known)
		return (struct policy){ 0 };
	bound.nodes[(unsigned)node / WORD_BITS] |= 1UL << ((unsigned)node % WORD_BITS);
	if (syscall(SYS_set_mempolicy, bound.mode, bound.nodes, sizeof(bound.nodes) * 8) < 0)
		return (struct policy){ 0 };
	return before;
}

static void policy_restore(const struct policy *p)
{
	if (p->known)
		syscall(SYS_set_mempolicy, p->mode, p->mode == MPOL_DEFAULT ? NULL : p->nodes,
			p->mode == MPOL_DEFAULT ? 0 : sizeof(p->nodes) * 8);
}

/* How many of its pages the kernel says are on another node; -1: it does not tell. */
static int64_t elsewhere(const struct fl_host_memory *m, int node)
{
	enum { BATCH = 512 };
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), n = (m->bytes + page_bytes - 1) / page_bytes;
	int64_t wrong = 0;

	for (size_t done = 0; done < n; done += BATCH) {
		size_t batch = n - done < BATCH ? n - done : BATCH;
		void *pages[BATCH];
		int nodes[BATCH];

		for (size_t i = 0; i < batch; i++)
			pages[i] = m->at + (done + i) * page_bytes;
		if (syscall(SYS_move_pages, 0, batch, pages, NULL, nodes, 0) < 0)
			return -1;
		for (size_t i = 0; i < batch; i++) {
			if (nodes[i] < 0)
				return -1; /* pages of a driver are nobody's */
			wrong += nodes[i] != node;
		}
	}
	return wrong;
}

static int alloc_combined(struct fl_host_memory *m, int node, struct fl_err *err)
{
	struct policy before = policy_bind(node);
	void *at = NULL;
	cudaError_t got;
	int64_t wrong;
	int rc;

	fl_cuda_alone_begin();
	got = cudaHostAlloc(&at, m->bytes, cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined);
	fl_cuda_alone_end();
	policy_restore(&before);
	rc = fl_cuda_check(got, "cudaHostAlloc", err);
	if (rc < 0)
		return rc;
	m->at = at;
	memset(at, 0, m->bytes); /* were its pages made only now, they would be here */
	wrong = node < 0 ? 0 : elsewhere(m, node);
	if (wrong > 0)
		return fl_fail(err, -EXDEV, "%lld pages of write-combined memory asked for on node %d are elsewhere",
			       (long long)wrong, node);
	snprintf(m->what, sizeof(m->what), "write combined%s%s", node >= 0 && !before.known ? ", node not bound" : "",
		 wrong < 0 ? ", node not verified" : "");
	return 0;
}

/* ---- all */

int fl_host_alloc(struct fl_lane *lane, enum fl_host_kind kind, uint64_t bytes, int node, struct fl_host_memory *ret,
		  struct fl_err *err)
{
	struct fl_host_memory m = { .kind = kind, .bytes = bytes };
	int rc;

	if (kind == FL_HOST_HUGE && bytes % FL_HOST_HUGE_BYTES)
		return fl_fail(err, -EINVAL, "huge pages hold multiples of 2 MiB, not %llu bytes",
			       (unsigned long long)bytes);
	rc = kind == FL_HOST_WRITE_COMBINED ? alloc_combined(&m, node, err) : alloc_placed(lane, &m, node, err);
	if (rc == 0)
		*ret = m;
	else if (m.at && kind == FL_HOST_WRITE_COMBINED)
		fl_host_free(&m);
	return rc;
}

void fl_host_free(struct fl_host_memory *m)
{
	if (!m->at || m->kind == FL_HOST_PAGEABLE)
		return;
	fl_cuda_alone_begin();
	if (m->kind == FL_HOST_WRITE_COMBINED)
		cudaFreeHost(m->at);
	else
		cudaHostUnregister(m->at);
	fl_cuda_alone_end();
	cudaGetLastError();
	m->at = NULL;
}

int fl_host_on_device(const struct fl_host_memory *m, void **ret, struct fl_err *err)
{
	if (m->kind == FL_HOST_PAGEABLE)
		return fl_fail(err, -EINVAL, "memory that is not pinned cannot be reached by a GPU's SMs");
	return FL_CUDA(err, cudaHostGetDevicePointer(ret, m->at, 0));
}
