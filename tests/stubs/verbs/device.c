/* SPDX-License-Identifier: Apache-2.0 */
/* device.c: NICs and their ports, how every call begins and ends, and a life of the stub. */
#include "parts.h"
#include "stub.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#undef ibv_get_device_list
#undef ibv_query_port

/* A library has one state a process. */
struct stub stub = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* ---- calls */

void misuse_locked(const char *fmt, ...)
{
	char what[REASON];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (!*stub.misuse)
		memcpy(stub.misuse, what, sizeof(what));
	fprintf(stderr, "verbs stub: misuse: %s\n", what);
}

void suffer_locked(const char *call)
{
	if (!*stub.fault)
		snprintf(stub.fault, sizeof(stub.fault), "%s", call);
}

static void begin_locked(const char *text)
{
	stub.ready = true;
	settings_read(text, &stub.settings);
	memset(stub.sent_ps, 0, sizeof(stub.sent_ps));
	stub.now_ns = 1000000000;
	stub.idle_ns = IDLE_NS;
	stub.calls = 0;
	*stub.fault = *stub.misuse = 0;
	clock_begin_locked();
}

int enter_looking(const char *call, int nic)
{
	struct mishap mishap;

	pthread_mutex_lock(&stub.lock);
	if (!stub.ready)
		begin_locked("");
	stub.calls++;
	mishap = settings_mishap(&stub.settings, call, false, nic);
	if (mishap.deed == NOTHING)
		return 0;
	suffer_locked(call);
	errno = mishap.code;
	return mishap.code;
}

int enter(const char *call, int nic)
{
	int rc = enter_looking(call, nic);

	clock_work_locked(false);
	return rc;
}

int leave(int rc)
{
	pthread_mutex_unlock(&stub.lock);
	if (rc)
		errno = rc;
	return rc;
}

struct context *context_of(struct ibv_context *context)
{
	return (struct context *)((char *)context - offsetof(struct context, v.context));
}

int nic_of(const struct ibv_context *context)
{
	return (int)(context->device - stub.devices);
}

/* ---- a life */

static void write_node(int nic)
{
	char path[REASON + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/mlx5_%d", stub.settings.sysfs, nic);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/mlx5_%d/device", stub.settings.sysfs, nic);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/mlx5_%d/device/numa_node", stub.settings.sysfs, nic);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%d\n", nic) < 0 || close(fd) < 0)
		abort();
}

void verbs_stub_begin(const char *text)
{
	char why[REASON];

	if (!verbs_stub_is_clean(why, sizeof(why)))
		fprintf(stderr, "verbs stub: the last life was not clean: %s\n", why);
	pthread_mutex_lock(&stub.lock);
	begin_locked(text);
	for (int i = 0; i < NICS; i++) {
		struct ibv_device *d = &stub.devices[i];

		*d = (struct ibv_device){ .node_type = IBV_NODE_CA, .transport_type = IBV_TRANSPORT_IB };
		if (stub.settings.is_iwarp >> i & 1)
			d->transport_type = IBV_TRANSPORT_IWARP;
		snprintf(d->name, sizeof(d->name), "mlx5_%d", i);
		snprintf(d->dev_name, sizeof(d->dev_name), "uverbs%d", i);
		snprintf(d->ibdev_path, sizeof(d->ibdev_path), "%.150s/mlx5_%d", stub.settings.sysfs, i);
		if (*stub.settings.sysfs)
			write_node(i);
	}
	pthread_mutex_unlock(&stub.lock);
}

void verbs_stub_also(const char *text)
{
	struct settings also;

	settings_read(text, &also);
	pthread_mutex_lock(&stub.lock);
	stub.settings.cut |= also.cut;
	text_also(&stub.settings.faults, &also.faults);
	pthread_mutex_unlock(&stub.lock);
}

unsigned verbs_stub_calls(void)
{
	unsigned n;

	pthread_mutex_lock(&stub.lock);
	n = stub.calls;
	pthread_mutex_unlock(&stub.lock);
	return n;
}

const char *verbs_stub_fault(void)
{
	const char *ret;

	pthread_mutex_lock(&stub.lock);
	ret = *stub.fault ? stub.fault : NULL;
	pthread_mutex_unlock(&stub.lock);
	return ret;
}

static const char *remains_locked(void)
{
	const struct {
		bool is;
		const char *what;
	} all[] = { { *stub.misuse, stub.misuse },
		    { stub.qps, "a queue pair was not destroyed" },
		    { stub.cqs, "a completion queue was not destroyed" },
		    { stub.channels, "a completion channel was not destroyed" },
		    { stub.mrs, "memory is still registered" },
		    { stub.ahs > 0, "an address handle was not destroyed" },
		    { stub.events > 0, "an event was not acknowledged" },
		    { stub.pds > 0, "a protection domain was not released" },
		    { stub.contexts > 0, "a device was not closed" } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].is)
			return all[i].what;
	return NULL;
}

bool verbs_stub_is_clean(char *why, size_t room)
{
	const char *what;

	pthread_mutex_lock(&stub.lock);
	what = remains_locked();
	if (what)
		snprintf(why, room, "%s", what);
	pthread_mutex_unlock(&stub.lock);
	return !what;
}

/* ---- devices */

struct ibv_device **ibv_get_device_list(int *n)
{
	struct ibv_device **ret;

	if (leave(enter("ibv_get_device_list", -1)))
		return NULL;
	ret = calloc(NICS + 1, sizeof(struct ibv_device *));
	for (unsigned i = 0; ret && i < stub.settings.nics; i++)
		ret[i] = &stub.devices[i];
	if (n)
		*n = (int)stub.settings.nics;
	return ret;
}

void ibv_free_device_list(struct ibv_device **list)
{
	free(list);
}

const char *ibv_get_device_name(struct ibv_device *device)
{
	return device->name;
}

int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *ret)
{
	int rc = enter("ibv_query_device", nic_of(context));

	if (rc == 0)
		*ret = (struct ibv_device_attr){ .fw_ver = "28.39.1002",
						 .max_mr_size = UINT64_MAX,
						 .max_qp = 1024,
						 .max_qp_wr = (int)stub.settings.depth,
						 .max_sge = SGES,
						 .max_cq = 1024,
						 .max_cqe = (int)stub.settings.cqe[nic_of(context)],
						 .max_qp_rd_atom = 16,
						 .max_qp_init_rd_atom = 16,
						 .atomic_cap = stub.settings.no_atomics >> nic_of(context) & 1
								       ? IBV_ATOMIC_NONE
								       : IBV_ATOMIC_HCA,
						 .phys_port_cnt = PORTS };
	return leave(rc);
}

uint16_t lid_of(int nic, unsigned port)
{
	return (uint16_t)(nic * PORTS + (int)port);
}

static int query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *ret, size_t bytes)
{
	int nic = nic_of(context), rc = enter("ibv_query_port", nic);
	bool is_ib = stub.settings.is_ib >> nic & 1, down;

	if (rc == 0 && (port < 1 || port > PORTS || bytes < sizeof(*ret)))
		rc = EINVAL;
	if (rc)
		return leave(rc);
	down = stub.settings.down[nic][port - 1];
	*ret = (struct ibv_port_attr){ .state = down ? IBV_PORT_DOWN : IBV_PORT_ACTIVE,
				       .max_mtu = IBV_MTU_4096,
				       .active_mtu = stub.settings.mtu[nic][port - 1],
				       .gid_tbl_len = 255,
				       .max_msg_sz = stub.settings.message_bytes,
				       .pkey_tbl_len = 1,
				       .lid = is_ib && !(stub.settings.no_lid >> nic & 1) ? lid_of(nic, port) : 0,
				       .flags = stub.settings.wants_grh >> nic & 1 ? IBV_QPF_GRH_REQUIRED : 0,
				       .sm_lid = is_ib ? 100 : 0,
				       .active_width = 2,
				       .active_speed = 32,
				       .phys_state = down ? 3 : 5,
				       .link_layer = is_ib ? IBV_LINK_LAYER_INFINIBAND : IBV_LINK_LAYER_ETHERNET };
	return leave(0);
}

/* For programs that were compiled against an old header; verbs.h still names it. */
int ibv_query_port(struct ibv_context *context, uint8_t port, struct _compat_ibv_port_attr *ret)
{
	(void)context;
	(void)port;
	(void)ret;
	return ENOSYS;
}

/* ---- GIDs */

static void put_address(int nic, unsigned port, unsigned kind, union ibv_gid *ret)
{
	switch (kind) {
	case 0:
		ret->raw[0] = 0xfe;
		ret->raw[1] = 0x80;
		break;
	case 1:
		ret->raw[0] = 0xfd;
		break;
	default:
		ret->raw[10] = ret->raw[11] = 0xff;
		ret->raw[12] = 10;
		ret->raw[13] = (uint8_t)(nic + 1);
		ret->raw[14] = (uint8_t)port;
		ret->raw[15] = 1;
		return;
	}
	ret->raw[13] = (uint8_t)(nic + 1);
	ret->raw[15] = (uint8_t)port;
}

bool gid_at(int nic, unsigned port, unsigned index, struct ibv_gid_entry *ret)
{
	bool is_ib = stub.settings.is_ib >> nic & 1;
	unsigned kind = index / 2;

	*ret = (struct ibv_gid_entry){ .gid_index = index, .port_num = port };
	if (index >= (is_ib ? 1 : GIDS))
		return false;
	if ((kind == 1 && stub.settings.no_v6 >> nic & 1) || (kind == 2 && stub.settings.no_v4 >> nic & 1))
		return false;
	put_address(nic, port, kind, &ret->gid);
	if (stub.settings.is_apart >> nic & 1)
		ret->gid.raw[7] = 1;
	ret->gid_type = is_ib ? IBV_GID_TYPE_IB : index % 2 ? IBV_GID_TYPE_ROCE_V2 : IBV_GID_TYPE_ROCE_V1;
	if (!is_ib)
		ret->ndev_ifindex = nic == 0 && port == 1 ? 1 : 1000000 + lid_of(nic, port);
	return true;
}

bool gid_exists(const union ibv_gid *gid)
{
	struct ibv_gid_entry g;

	for (int nic = 0; nic < (int)stub.settings.nics; nic++)
		for (unsigned port = 1; port <= PORTS; port++)
			for (unsigned i = 0; i < GIDS; i++)
				if (gid_at(nic, port, i, &g) && !memcmp(&g.gid, gid, sizeof(*gid)))
					return true;
	return false;
}

int _ibv_query_gid_ex(struct ibv_context *context, uint32_t port, uint32_t index, struct ibv_gid_entry *ret,
		      uint32_t flags, size_t bytes)
{
	int rc = enter("ibv_query_gid_ex", nic_of(context));

	if (rc == 0 && (port < 1 || port > PORTS || flags || bytes != sizeof(*ret)))
		rc = EINVAL;
	if (rc == 0 && !gid_at(nic_of(context), port, index, ret))
		rc = ENODATA;
	return leave(rc);
}

/* ---- contexts */

struct ibv_context *ibv_open_device(struct ibv_device *device)
{
	int nic = (int)(device - stub.devices), rc = enter("ibv_open_device", nic);
	struct context *c = rc ? NULL : calloc(1, sizeof(*c));

	if (!c)
		return leave(rc ? rc : ENOMEM), NULL;
	c->nic = nic;
	c->v.sz = sizeof(c->v);
	c->v.query_port = query_port;
	c->v.context.device = device;
	c->v.context.abi_compat = __VERBS_ABI_IS_EXTENDED;
	c->v.context.cmd_fd = -1;
	c->v.context.async_fd = eventfd(0, EFD_CLOEXEC); /* for its flags: nobody waits for an event */
	c->v.context.num_comp_vectors = 1;
	c->v.context.ops.poll_cq = wire_poll;
	c->v.context.ops.req_notify_cq = wire_notify;
	c->v.context.ops.post_send = wire_post_send;
	c->v.context.ops.post_recv = wire_post_recv;
	stub.contexts++;
	leave(0);
	return &c->v.context;
}

int ibv_close_device(struct ibv_context *context)
{
	struct context *c = context_of(context);

	pthread_mutex_lock(&stub.lock);
	if (c->users)
		misuse_locked("%s was closed with %u objects in it", context->device->name, c->users);
	close(context->async_fd);
	stub.contexts--;
	pthread_mutex_unlock(&stub.lock);
	free(c);
	return 0;
}

/* ---- what they say */

static bool is_of_port(enum ibv_event_type type)
{
	return type == IBV_EVENT_PORT_ACTIVE || type == IBV_EVENT_PORT_ERR || type == IBV_EVENT_LID_CHANGE ||
	       type == IBV_EVENT_GID_CHANGE;
}

void say_event_locked(const struct qp *q, enum ibv_event_type type)
{
	struct context *c = context_of(q->qp.context);
	struct ibv_async_event event = { .event_type = type };

	if (c->said_n == EVENTS)
		return;
	if (is_of_port(type))
		event.element.port_num = q->attr.port_num;
	else if (type == IBV_EVENT_CQ_ERR)
		event.element.cq = q->qp.send_cq;
	else if (type != IBV_EVENT_DEVICE_FATAL)
		event.element.qp = (struct ibv_qp *)&q->qp;
	c->said[c->said_n++] = event;
}

/* No fault makes this one fail, which programs cannot tell from that there is no event. */
int ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *ret)
{
	struct context *c = context_of(context);
	int rc = -1;

	pthread_mutex_lock(&stub.lock);
	if (!(fcntl(context->async_fd, F_GETFL) & O_NONBLOCK))
		misuse_locked("an event of %s was waited for", context->device->name);
	if (c->said_n) {
		*ret = c->said[0];
		memmove(c->said, c->said + 1, --c->said_n * sizeof(c->said[0]));
		stub.events++;
		rc = 0;
	}
	pthread_mutex_unlock(&stub.lock);
	if (rc)
		errno = EAGAIN;
	return rc;
}

void ibv_ack_async_event(struct ibv_async_event *event)
{
	(void)event;
	pthread_mutex_lock(&stub.lock);
	stub.events--;
	pthread_mutex_unlock(&stub.lock);
}

void verbs_stub_gpu(void *(*behind)(const void *at))
{
	pthread_mutex_lock(&stub.lock);
	stub.behind = behind;
	pthread_mutex_unlock(&stub.lock);
}
