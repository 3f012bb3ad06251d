/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/wc.h: what a completion says that is none: cause, other side and what to do, in one line. Numbers are
 * those of enum ibv_wc_status. */
#ifndef PATH_RDMA_WC_H
#define PATH_RDMA_WC_H
#include <feedline/err.h>
#include <infiniband/verbs.h>

/* what: the operation, "write"; peer: the other side, "rank 1 (target, 10.1.0.2)". Returns what it failed with, also
 * where the status is unknown or says that all is well, which is not asked.
 *   -ETIMEDOUT     nothing came back from the other side: link or host are gone
 *   -EACCES        it may not be accessed there
 *   -ECONNABORTED  flushed: an earlier one failed, whose completion has the cause
 *   -ENOBUFS       the other side posts no receives
 *   -EREMOTEIO     the other side could not do it
 *   -EMSGSIZE      more than there is room for, -EFAULT memory that is not registered so, -EPROTO and -EIO: the rest */
int fl_rdma_wc_fail(const struct ibv_wc *wc, const char *what, const char *peer, struct fl_err *err);

/* Is it a consequence of an earlier error rather than a cause? Whoever drains a queue keeps the first that is not. */
static inline int fl_rdma_wc_is_flushed(const struct ibv_wc *wc)
{
	return wc->status == IBV_WC_WR_FLUSH_ERR;
}

#endif
