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

/* ---- of a GPU */

/* The kernel, its driver or libibverbs has no such call, or the device does not: there may be another way. A method of
 * the kernel that is not there is EPROTONOSUPPORT. */
static bool has_no_dmabuf(int code)
{
	return code == EOPNOTSUPP || code == EPROTONOSUPPORT || code == ENOSYS || code == ELIBACC;
}

static int by_dmabuf(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *m, struct fl_err *err)
{
	uint64_t offset = 0;
	int fd = -1, code, rc = spec->gpu->dmabuf(spec->gpu->arg, m->at, spec->bytes, &fd, &offset, err);

	if (rc < 0)
		return rc;
	errno = 0;
	m->mr = ibv_reg_dmabuf_mr(spec->port->pd, offset, spec->bytes, (uintptr_t)m->at, fd,
				  (int)access_of(spec->rights, spec->relaxed));
	code = errno;
	close(fd); /* the registration holds it */
	m->way = FL_RDMA_DMABUF;
	if (m->mr)
		return 0;
	if (has_no_dmabuf(code))
		return fl_fail(err, -EOPNOTSUPP, "%s cannot register a dma-buf: %s", spec->port->device,
			       strerror(code));
	return refused(spec, code, " as a dma-buf", err);
}

/* The kernel takes an address that no module knows for one of the host, where nothing is. */
static int by_peer(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *m, struct fl_err *err)
{
	unsigned access = access_of(spec->rights, spec->relaxed);
	int rc = 0;

	if (!spec->gpu->peer)
		return fl_fail(err, -EOPNOTSUPP, "the GPU gives no peer memory");
	rc = spec->gpu->peer(spec->gpu->arg, err);
	if (rc < 0)
		return rc;
	errno = 0;
	m->mr = ibv_reg_mr(spec->port->pd, m->at, spec->bytes, access);
	m->way = FL_RDMA_PEER;
	if (m->mr)
		return 0;
	if (errno == EFAULT)
		return fl_fail(err, -EOPNOTSUPP, "no kernel module tells %s where memory of a GPU is: %s",
			       spec->port->device, strerror(EFAULT));
	return refused(spec, errno, " as peer memory", err);
}

#define DMABUF_TAKES                                                                                                   \
	"a dma-buf takes Linux 5.12, CUDA 11.7, the open kernel modules of NVIDIA and a NIC driver that can"
#define PEER_TAKES "peer memory takes 'modprobe nvidia_peermem'"

/* Of all ways; what is wrong with the memory itself is so by each. */
static int register_by(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *m, struct fl_err *err)
{
	struct fl_err dmabuf = { 0 }, peer = { 0 };
	int rc = -EOPNOTSUPP;

	if (spec->way != FL_RDMA_PEER)
		rc = by_dmabuf(spec, m, &dmabuf);
	if (rc == -EOPNOTSUPP && spec->way != FL_RDMA_DMABUF)
		rc = by_peer(spec, m, &peer);
	if (rc == 0)
		return 0;
	if (rc != -EOPNOTSUPP) { /* the last one's words */
		fl_fail(err, rc, "%s", peer.code ? peer.what : dmabuf.what);
		if (peer.code ? *peer.hint : *dmabuf.hint)
			fl_hint(err, "%s", peer.code ? peer.hint : dmabuf.hint);
		return rc;
	}
	fl_fail(err, rc, "no way from %s to memory of the GPU: %s%s%s", spec->port->device, dmabuf.what,
		dmabuf.code && peer.code ? "; " : "", peer.what);
	fl_hint(err, "%s%s%s", dmabuf.code ? DMABUF_TAKES : "", dmabuf.code && peer.code ? "; " : "",
		peer.code ? PEER_TAKES : "");
	return rc;
}

static int register_gpu(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *m, struct fl_err *err)
{
	void *at = NULL;
	int rc = spec->gpu->alloc(spec->gpu->arg, spec->bytes, &at, err);

	if (rc < 0)
		return rc;
	m->at = at;
	rc = register_by(spec, m, err);
	if (rc < 0)
		spec->gpu->free(spec->gpu->arg, at);
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
	const struct fl_rdma_gpu *gpu = m->mr ? m->gpu : NULL;

	if (m->mr)
		ibv_dereg_mr(m->mr);
	if (gpu)
		gpu->free(gpu->arg, m->at);
	if (gpu && gpu->close)
		gpu->close(gpu->arg);
	m->mr = NULL;
	m->gpu = NULL;
}

void fl_rdma_memory_state(const struct fl_rdma_memory *m, struct fl_lane *lane)
{
	static const char *const ways[] = { [FL_RDMA_DMABUF] = "dma-buf", [FL_RDMA_PEER] = "peer memory" };

	fl_set_fact(lane, "registered", "%s", m->gpu ? ways[m->way] : "host");
	if (m->gpu && m->gpu->state)
		m->gpu->state(m->gpu->arg, lane);
	fl_set_fact(lane, "relaxed_ordering", "%s", m->relaxed ? "asked for" : "no");
}
