/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/verbs/load.c: the functions of libibverbs, found when it is opened or when they are called. */
#include "path/rdma/verbs/load.h"
#include <dlfcn.h>
#include <errno.h>
#include <infiniband/verbs.h>
#include <pthread.h>
#include <stdatomic.h>

#undef ibv_get_device_list
#undef ibv_query_port
#undef ibv_reg_mr

static const char soname[] = "libibverbs.so.1";

/* A library is opened once a process, and drivers that it opened are never closed. What each event takes is found then:
 * a look-up takes the loader's lock, and who sleeps for a completion is timed. */
static struct {
	pthread_once_t once;
	void *library;
	_Atomic(void *) get_cq_event, ack_cq_events;
} verbs = { .once = PTHREAD_ONCE_INIT };

static void open_library(void)
{
	verbs.library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	if (!verbs.library)
		return;
	atomic_store(&verbs.get_cq_event, dlsym(verbs.library, "ibv_get_cq_event"));
	atomic_store(&verbs.ack_cq_events, dlsym(verbs.library, "ibv_ack_cq_events"));
}

static void *find(const char *name)
{
	void *ret;

	pthread_once(&verbs.once, open_library);
	ret = verbs.library ? dlsym(verbs.library, name) : NULL;
	if (!ret)
		errno = ELIBACC;
	return ret;
}

/* Who has a channel has opened the library. */
static void *kept(_Atomic(void *) *found)
{
	void *ret = atomic_load_explicit(found, memory_order_acquire);

	if (!ret)
		errno = ELIBACC;
	return ret;
}

/* C has no conversion to a pointer to a function. */
#define FORWARD_TO(type, name, by, none, parameters, arguments)                                                        \
	type name parameters                                                                                           \
	{                                                                                                              \
		union {                                                                                                \
			void *found;                                                                                   \
			type(*call) parameters;                                                                        \
		} f = { .found = (by) };                                                                               \
                                                                                                                       \
		return f.found ? f.call arguments : (none);                                                            \
	}
#define FORWARD_VOID_TO(name, by, parameters, arguments)                                                               \
	void name parameters                                                                                           \
	{                                                                                                              \
		union {                                                                                                \
			void *found;                                                                                   \
			void(*call) parameters;                                                                        \
		} f = { .found = (by) };                                                                               \
                                                                                                                       \
		if (f.found)                                                                                           \
			f.call arguments;                                                                              \
	}

/* Not on the hot path: these are looked up whenever they are called. */
#define FORWARD(type, name, none, parameters, arguments)                                                               \
	FORWARD_TO(type, name, find(#name), none, parameters, arguments)
#define FORWARD_VOID(name, parameters, arguments) FORWARD_VOID_TO(name, find(#name), parameters, arguments)

/* clang-format off */
FORWARD(struct ibv_device **, ibv_get_device_list, NULL, (int *num_devices), (num_devices))
FORWARD_VOID(ibv_free_device_list, (struct ibv_device **list), (list))
FORWARD(const char *, ibv_get_device_name, "", (struct ibv_device *device), (device))
FORWARD(struct ibv_context *, ibv_open_device, NULL, (struct ibv_device *device), (device))
FORWARD(int, ibv_close_device, ELIBACC, (struct ibv_context *context), (context))
FORWARD(int, ibv_get_async_event, -1,
	(struct ibv_context *context, struct ibv_async_event *event), (context, event))
FORWARD_VOID(ibv_ack_async_event, (struct ibv_async_event *event), (event))
FORWARD(int, ibv_query_device, ELIBACC,
	(struct ibv_context *context, struct ibv_device_attr *device_attr), (context, device_attr))
FORWARD(int, ibv_query_port, ELIBACC,
	(struct ibv_context *context, uint8_t port_num, struct _compat_ibv_port_attr *port_attr),
	(context, port_num, port_attr))
FORWARD(int, _ibv_query_gid_ex, ELIBACC,
	(struct ibv_context *context, uint32_t port_num, uint32_t gid_index, struct ibv_gid_entry *entry,
	 uint32_t flags, size_t entry_size),
	(context, port_num, gid_index, entry, flags, entry_size))
FORWARD(struct ibv_pd *, ibv_alloc_pd, NULL, (struct ibv_context *context), (context))
FORWARD(int, ibv_dealloc_pd, ELIBACC, (struct ibv_pd *pd), (pd))
FORWARD(struct ibv_mr *, ibv_reg_mr, NULL,
	(struct ibv_pd *pd, void *addr, size_t length, int access), (pd, addr, length, access))
FORWARD(struct ibv_mr *, ibv_reg_mr_iova2, NULL,
	(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova, unsigned int access),
	(pd, addr, length, iova, access))
FORWARD(struct ibv_mr *, ibv_reg_dmabuf_mr, NULL,
	(struct ibv_pd *pd, uint64_t offset, size_t length, uint64_t iova, int fd, int access),
	(pd, offset, length, iova, fd, access))
FORWARD(int, ibv_dereg_mr, ELIBACC, (struct ibv_mr *mr), (mr))
FORWARD(struct ibv_comp_channel *, ibv_create_comp_channel, NULL, (struct ibv_context *context), (context))
FORWARD(int, ibv_destroy_comp_channel, ELIBACC, (struct ibv_comp_channel *channel), (channel))
FORWARD_TO(int, ibv_get_cq_event, kept(&verbs.get_cq_event), -1,
	(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **cq_context), (channel, cq, cq_context))
FORWARD_VOID_TO(ibv_ack_cq_events, kept(&verbs.ack_cq_events),
	(struct ibv_cq *cq, unsigned int nevents), (cq, nevents))
FORWARD(struct ibv_cq *, ibv_create_cq, NULL,
	(struct ibv_context *context, int cqe, void *cq_context, struct ibv_comp_channel *channel, int comp_vector),
	(context, cqe, cq_context, channel, comp_vector))
FORWARD(int, ibv_destroy_cq, ELIBACC, (struct ibv_cq *cq), (cq))
FORWARD(struct ibv_qp *, ibv_create_qp, NULL,
	(struct ibv_pd *pd, struct ibv_qp_init_attr *qp_init_attr), (pd, qp_init_attr))
FORWARD(int, ibv_modify_qp, ELIBACC,
	(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask), (qp, attr, attr_mask))
FORWARD(int, ibv_destroy_qp, ELIBACC, (struct ibv_qp *qp), (qp))
FORWARD(struct ibv_ah *, ibv_create_ah, NULL, (struct ibv_pd *pd, struct ibv_ah_attr *attr), (pd, attr))
FORWARD(int, ibv_destroy_ah, ELIBACC, (struct ibv_ah *ah), (ah))
/* clang-format on */

const char *fl_rdma_verbs_missing(const char *library)
{
	static const char *const names[] = {
		"ibv_get_device_list",
		"ibv_free_device_list",
		"ibv_get_device_name",
		"ibv_open_device",
		"ibv_close_device",
		"ibv_get_async_event",
		"ibv_ack_async_event",
		"ibv_query_device",
		"ibv_query_port",
		"_ibv_query_gid_ex",
		"ibv_alloc_pd",
		"ibv_dealloc_pd",
		"ibv_reg_mr",
		"ibv_reg_mr_iova2",
		"ibv_reg_dmabuf_mr",
		"ibv_dereg_mr",
		"ibv_create_comp_channel",
		"ibv_destroy_comp_channel",
		"ibv_get_cq_event",
		"ibv_ack_cq_events",
		"ibv_create_cq",
		"ibv_destroy_cq",
		"ibv_create_qp",
		"ibv_modify_qp",
		"ibv_destroy_qp",
		"ibv_create_ah",
		"ibv_destroy_ah",
	};
	void *handle = dlopen(library ? library : soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return "";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!dlsym(handle, names[i])) {
			dlclose(handle);
			return names[i];
		}
	dlclose(handle);
	return NULL;
}
