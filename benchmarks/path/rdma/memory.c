/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/memory.c: memory that a device may use. */
#include "path/rdma/memory.h"
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static unsigned access_of(unsigned rights, bool relaxed)
{
	unsigned access = IBV_ACCESS_LOCAL_WRITE;

	access |= rights & FL_RDMA_WRITABLE ? (unsigned)IBV_ACCESS_REMOTE_WRITE : 0;
	access |= rights & FL_RDMA_READABLE ? (unsigned)IBV_ACCESS_REMOTE_READ : 0;
	access |= rights & FL_RDMA_ATOMIC ? (unsigned)IBV_ACCESS_REMOTE_ATOMIC : 0;
	access |= relaxed ? (unsigned)IBV_ACCESS_RELAXED_ORDERING : 0;
	return access;
}

static int refused(const struct fl_rdma_memory_spec *spec, int code, const char *how, struct fl_err *err)
{
	struct rlimit limit;
	int rc;

	code = code ? code : EIO;
	rc = fl_fail(err, -code, "register %llu bytes with %s%s: %s", (unsigned long long)spec->bytes,
		     spec->port->device, how, strerror(code));
	if (code == ENOMEM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		fl_hint(err,
			"'ulimit -l' is %llu KiB, and all that is registered is locked: 'ulimit -l unlimited', or "
			"memlock in "
			"/etc/security/limits.conf, LimitMEMLOCK= of a service, --ulimit memlock=-1 of a container",
			(unsigned long long)limit.rlim_cur / 1024);
	else if (code == ENOMEM)
		fl_hint(err, "there is not that much memory, or the device has no room for its pages");
	return rc;
}

static int register_host(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *m, struct fl_err *err)
{
	unsigned access = access_of(spec->rights, spec->relaxed);
	void *at = NULL;
	int rc = fl_alloc(spec->lane, spec->bytes, spec->node, &at, err);

	if (rc < 0)
		return rc;
	m->at = at;
	errno = 0;
	m->mr = ibv_reg_mr(spec->port->pd, at, spec->bytes, access);
	return m->mr ? 0 : refused(spec, errno, "", err);
}

static int no_dmabuf(const struct fl_rdma_memory_spec *spec, int code, struct fl_err *err)
{
	int rc = fl_fail(err, -EOPNOTSUPP, "%s cannot register memory of a GPU as a dma-buf: %s", spec->port->device,
			 strerror(code));

	fl_hint(err,
		"it takes Linux 5.12 or later, a driver of the NIC that can, and the open kernel modules of NVIDIA");
	return rc;
}

static int register_gpu(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *m, struct fl_err *err)
{
	const struct fl_rdma_gpu *gpu = spec->gpu;
	uint64_t offset = 0;
	void *at = NULL;
	int fd = -1, code, rc = gpu->alloc(gpu->arg, spec->bytes, &at, err);

	if (rc < 0)
		return rc;
	m->at = at;
	rc = gpu->dmabuf(gpu->arg, at, spec->bytes, &fd, &offset, err);
	if (rc == 0) {
		errno = 0;
		m->mr = ibv_reg_dmabuf_mr(spec->port->pd, offset, spec->bytes, (uintptr_t)at, fd,
					  (int)access_of(spec->rights, spec->relaxed));
		code = errno;
		close(fd); /* the registration holds it */
		if (!m->mr)
			rc = code == EOPNOTSUPP || code == ENOSYS ? no_dmabuf(spec, code, err)
								  : refused(spec, code, " as a dma-buf", err);
	}
	if (rc < 0)
		gpu->free(gpu->arg, at);
	return rc;
}

int fl_rdma_memory_make(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *ret, struct fl_err *err)
{
	struct fl_rdma_memory m = {
		.bytes = spec->bytes, .rights = spec->rights, .relaxed = spec->relaxed, .gpu = spec->gpu
	};
	int rc = spec->gpu ? register_gpu(spec, &m, err) : register_host(spec, &m, err);

	if (rc == 0)
		*ret = m;
	return rc;
}

void fl_rdma_memory_release(struct fl_rdma_memory *m)
{
	if (m->mr)
		ibv_dereg_mr(m->mr);
	if (m->mr && m->gpu)
		m->gpu->free(m->gpu->arg, m->at);
	m->mr = NULL;
}

void fl_rdma_memory_state(const struct fl_rdma_memory *m, struct fl_lane *lane)
{
	fl_set_fact(lane, "registered", "%s", m->gpu ? "dma-buf" : "host");
	fl_set_fact(lane, "relaxed_ordering", "%s", m->relaxed ? "asked for" : "no");
}
