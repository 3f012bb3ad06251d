/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/verbs/load.h: libibverbs, opened when it is first called, as NVIDIA's management library is. It finds
 * the library of a NIC's driver by its own version, so that it has to be that of the host and is never packed with a
 * program; and a program runs where there is none, and says so: ibv_get_device_list returns NULL with errno ELIBACC,
 * and no device means no other call.
 *
 * Here are the functions that path/rdma calls, and those of libibverbs are called by them. What is inline in verbs.h
 * (posting, polling) goes straight to the driver. */
#ifndef PATH_RDMA_VERBS_LOAD_H
#define PATH_RDMA_VERBS_LOAD_H

/* The first of the functions that `library` has not; "" where it cannot be opened; NULL: it has all. NULL for the
 * one that is called. */
const char *fl_rdma_verbs_missing(const char *library);

#endif
