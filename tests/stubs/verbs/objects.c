/* SPDX-License-Identifier: Apache-2.0 */
/* objects.c: protection domains, memory, completion queues and channels, address handles. */
#include "parts.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#undef ibv_reg_mr

/* ---- domains */

struct ibv_pd *ibv_alloc_pd(struct ibv_context *context)
{
	int rc = enter("ibv_alloc_pd", nic_of(context));
	struct pd *p = rc ? NULL : calloc(1, sizeof(*p));

	if (p) {
		p->pd.context = context;
		context_of(context)->users++;
		stub.pds++;
	}
	leave(p ? 0 : rc ? rc : ENOMEM);
	return p ? &p->pd : NULL;
}

int ibv_dealloc_pd(struct ibv_pd *pd)
{
	struct pd *p = (struct pd *)pd;
	int rc = enter("ibv_dealloc_pd", nic_of(pd->context));

	if (p->users) {
		misuse_locked("a protection domain was released with %u objects in it", p->users);
		return leave(EBUSY);
	}
	context_of(pd->context)->users--;
	stub.pds--;
	free(p);
	return leave(rc);
}

/* ---- memory */

static struct ibv_mr *add_memory(const char *call, struct ibv_pd *pd, void *at, size_t bytes, char *real,
				 unsigned access, enum backing backing)
{
	int rc = enter(call, nic_of(pd->context));
	struct mr *m = NULL;

	if (rc == 0 && (bytes == 0 || (access & (IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC) &&
				       !(access & IBV_ACCESS_LOCAL_WRITE))))
		rc = EINVAL;
	if (rc == 0 && backing == FOUND && !stub.settings.peermem)
		rc = EFAULT;
	if (rc == 0 && backing == LOCKED && bytes > stub.settings.memlock - stub.locked_bytes)
		rc = ENOMEM;
	if (rc == 0)
		m = calloc(1, sizeof(*m));
	if (!m) {
		leave(rc ? rc : ENOMEM);
		return NULL;
	}
	stub.serial += 256;
	*m = (struct mr){ .mr = { .context = pd->context,
				  .pd = pd,
				  .addr = at,
				  .length = bytes,
				  .lkey = stub.serial,
				  .rkey = stub.serial + 1 },
			  .next = stub.mrs,
			  .real = real,
			  .access = access,
			  .backing = backing };
	stub.mrs = m;
	stub.locked_bytes += backing == LOCKED ? bytes : 0;
	((struct pd *)pd)->users++;
	leave(0);
	return &m->mr;
}

/* As the kernel does, which has no page for an address of a GPU. */
static struct ibv_mr *register_at(struct ibv_pd *pd, void *at, size_t bytes, unsigned access)
{
	char *found = stub.behind ? stub.behind(at) : NULL;

	return add_memory("ibv_reg_mr", pd, at, bytes, found ? found : at, access, found ? FOUND : LOCKED);
}

struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *at, size_t bytes, int access)
{
	return register_at(pd, at, bytes, (unsigned)access);
}

/* What the macro ibv_reg_mr calls where it cannot know that no flag is optional. */
struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *at, size_t bytes, uint64_t iova, unsigned access)
{
	if (iova != (uintptr_t)at)
		return errno = EOPNOTSUPP, NULL;
	return register_at(pd, at, bytes, access);
}

/* fd: any that can be mapped stands for a dma-buf. */
struct ibv_mr *ibv_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t bytes, uint64_t iova, int fd, int access)
{
	void *at = (void *)(uintptr_t)iova;
	char *real = mmap(NULL, offset + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct ibv_mr *mr;
	int code;

	if (real == MAP_FAILED)
		return errno = EBADF, NULL;
	mr = add_memory("ibv_reg_dmabuf_mr", pd, at, bytes, real + offset, (unsigned)access, MAPPED);
	code = errno;
	if (!mr)
		munmap(real, offset + bytes);
	errno = code;
	return mr;
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	struct mr *m = (struct mr *)mr, **at = &stub.mrs;
	int rc = enter("ibv_dereg_mr", nic_of(mr->context));

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	((struct pd *)mr->pd)->users--;
	if (m->backing == MAPPED) {
		uintptr_t page = (uintptr_t)m->real & ~(uintptr_t)4095;

		munmap((void *)page, (uintptr_t)m->real - page + mr->length);
	}
	stub.locked_bytes -= m->backing == LOCKED ? mr->length : 0;
	free(m);
	return leave(rc);
}

char *reach_locked(const struct ibv_pd *pd, uint32_t key, bool remote, uint64_t at, uint64_t bytes, unsigned access)
{
	for (struct mr *m = stub.mrs; m; m = m->next) {
		uint64_t first = (uintptr_t)m->mr.addr;

		if (m->mr.pd != pd || (remote ? m->mr.rkey : m->mr.lkey) != key)
			continue;
		if (at < first || bytes > m->mr.length || at - first > m->mr.length - bytes)
			return NULL;
		return (m->access & access) == access ? m->real + (at - first) : NULL;
	}
	return NULL;
}

/* ---- channels */

struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *context)
{
	int rc = enter("ibv_create_comp_channel", nic_of(context));
	struct channel *c = rc ? NULL : calloc(1, sizeof(*c));

	if (c) {
		c->channel =
			(struct ibv_comp_channel){ .context = context, .fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE) };
		c->next = stub.channels;
		stub.channels = c;
		context_of(context)->users++;
	}
	leave(c ? 0 : rc ? rc : ENOMEM);
	return c ? &c->channel : NULL;
}

int ibv_destroy_comp_channel(struct ibv_comp_channel *channel)
{
	struct channel *c = (struct channel *)channel, **at = &stub.channels;
	int rc = enter("ibv_destroy_comp_channel", nic_of(channel->context));

	if (channel->refcnt) {
		misuse_locked("a completion channel was destroyed with %d queues at it", channel->refcnt);
		return leave(EBUSY);
	}
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	context_of(channel->context)->users--;
	close(channel->fd);
	free(c);
	return leave(rc);
}

int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **ret, void **ret_context)
{
	struct pollfd fd = { .fd = channel->fd, .events = POLLIN };
	struct cq *found = NULL;
	uint64_t n;
	int rc;

	if (poll(&fd, 1, -1) != 1 || read(channel->fd, &n, sizeof(n)) != sizeof(n))
		return -1;
	rc = enter("ibv_get_cq_event", nic_of(channel->context));
	for (struct cq *c = stub.cqs; c && !found; c = c->next)
		if (c->cq.channel == channel && c->has_event)
			found = c;
	if (rc == 0 && !found)
		rc = EAGAIN;
	if (rc == 0) {
		found->has_event = false;
		found->cq.comp_events_completed--; /* until it is acknowledged: what is not is below 0 */
		*ret = &found->cq;
		*ret_context = found->cq.cq_context;
	}
	return leave(rc) ? -1 : 0;
}

void ibv_ack_cq_events(struct ibv_cq *cq, unsigned n)
{
	pthread_mutex_lock(&stub.lock);
	cq->comp_events_completed += n;
	pthread_mutex_unlock(&stub.lock);
}

/* ---- completion queues */

struct ibv_cq *ibv_create_cq(struct ibv_context *context, int n, void *cq_context, struct ibv_comp_channel *channel,
			     int vector)
{
	int rc = enter("ibv_create_cq", nic_of(context));
	struct cq *c = NULL;

	if (rc == 0 && (n < 1 || n > 1 << 22 || vector != 0))
		rc = EINVAL;
	if (rc == 0)
		c = calloc(1, sizeof(*c));
	if (c)
		c->ring = calloc((size_t)n, sizeof(*c->ring));
	if (!c || !c->ring) {
		free(c);
		leave(rc ? rc : ENOMEM);
		return NULL;
	}
	c->cq = (struct ibv_cq){ .context = context, .channel = channel, .cq_context = cq_context, .cqe = n };
	c->next = stub.cqs;
	stub.cqs = c;
	if (channel)
		channel->refcnt++;
	context_of(context)->users++;
	leave(0);
	return &c->cq;
}

/* The real one waits for ever for events that are not acknowledged. */
int ibv_destroy_cq(struct ibv_cq *cq)
{
	struct cq *c = (struct cq *)cq, **at = &stub.cqs;
	int rc = enter("ibv_destroy_cq", nic_of(cq->context));

	if (c->users) {
		misuse_locked("a completion queue was destroyed with %u queue pairs at it", c->users);
		return leave(EBUSY);
	}
	if (cq->comp_events_completed)
		misuse_locked("events of a completion queue were not acknowledged");
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (cq->channel)
		cq->channel->refcnt--;
	context_of(cq->context)->users--;
	free(c->ring);
	free(c);
	return leave(rc);
}

/* ---- address handles */

struct ibv_ah *ibv_create_ah(struct ibv_pd *pd, struct ibv_ah_attr *attr)
{
	int rc = enter("ibv_create_ah", nic_of(pd->context));
	struct ah *a = rc ? NULL : calloc(1, sizeof(*a));

	if (a) {
		*a = (struct ah){ .ah = { .context = pd->context, .pd = pd }, .attr = *attr };
		((struct pd *)pd)->users++;
		stub.ahs++;
	}
	leave(a ? 0 : rc ? rc : ENOMEM);
	return a ? &a->ah : NULL;
}

int ibv_destroy_ah(struct ibv_ah *ah)
{
	int rc = enter("ibv_destroy_ah", nic_of(ah->context));

	((struct pd *)ah->pd)->users--;
	stub.ahs--;
	free(ah);
	return leave(rc);
}
