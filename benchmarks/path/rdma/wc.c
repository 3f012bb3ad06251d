/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/wc.c: what a failed completion says. */
#include "path/rdma/wc.h"
#include <errno.h>

#define REGISTERED "was memory freed, or registered without the rights that this needs?"
#define BROKEN	   "the kernel log has more; reset the device, or update its firmware"

static const struct cause {
	enum ibv_wc_status status;
	int code;
	const char *says; /* after "write to PEER: " */
	const char *hint;
} causes[] = {
	{ IBV_WC_LOC_LEN_ERR, -EMSGSIZE,
	  "a message is longer than the buffer that was posted, or than the device takes",
	  "both sides need the same size; a device may take less at once than was asked for" },
	{ IBV_WC_LOC_QP_OP_ERR, -EIO, "the own queue pair could not do it (local QP operation error)", BROKEN },
	{ IBV_WC_LOC_EEC_OP_ERR, -EIO, "local EE context operation error", BROKEN },
	{ IBV_WC_LOC_PROT_ERR, -EFAULT, "the own buffer is not registered for it (local protection error)",
	  REGISTERED },
	{ IBV_WC_WR_FLUSH_ERR, -ECONNABORTED, "not done, because an earlier request failed (flushed)", NULL },
	{ IBV_WC_MW_BIND_ERR, -EIO, "memory window bind error", BROKEN },
	{ IBV_WC_BAD_RESP_ERR, -EPROTO, "an answer that does not belong to it came",
	  "the fabric may deliver damaged packets" },
	{ IBV_WC_LOC_ACCESS_ERR, -EFAULT, "the own buffer may not be written (local access error)", REGISTERED },
	{ IBV_WC_REM_INV_REQ_ERR, -EPROTO, "refused there as an invalid request",
	  "is the message longer than the other side's buffer, or does its queue pair forbid the operation?" },
	{ IBV_WC_REM_ACCESS_ERR, -EACCES, "its memory may not be accessed so (remote access error)",
	  "the other side's registration lacks the right, has another key, or ends before" },
	{ IBV_WC_REM_OP_ERR, -EREMOTEIO, "could not be done there (remote operation error)",
	  "the kernel log of that host has more" },
	{ IBV_WC_RETRY_EXC_ERR, -ETIMEDOUT, "nothing came back, again and again (transport retry counter exceeded)",
	  "is its link up and that lane still there? with RoCE: is its GID the right one, and does each switch let "
	  "the MTU through?" },
	{ IBV_WC_RNR_RETRY_EXC_ERR, -ENOBUFS, "had no receive posted, again and again (RNR retry counter exceeded)",
	  "that lane may have ended, or cannot keep up" },
	{ IBV_WC_LOC_RDD_VIOL_ERR, -EIO, "local RDD violation", BROKEN },
	{ IBV_WC_REM_INV_RD_REQ_ERR, -EPROTO, "refused there as an invalid RD request", NULL },
	{ IBV_WC_REM_ABORT_ERR, -EREMOTEIO, "aborted there", "the kernel log of that host has more" },
	{ IBV_WC_INV_EECN_ERR, -EIO, "invalid EE context", BROKEN },
	{ IBV_WC_INV_EEC_STATE_ERR, -EIO, "invalid state of an EE context", BROKEN },
	{ IBV_WC_FATAL_ERR, -EIO, "the device failed (fatal error)", BROKEN },
	{ IBV_WC_RESP_TIMEOUT_ERR, -ETIMEDOUT, "no answer in time (response timeout)", "is that lane still there?" },
	{ IBV_WC_GENERAL_ERR, -EIO, "the device says no more than that it failed (general error)", BROKEN },
	{ IBV_WC_TM_ERR, -EIO, "tag matching error", NULL },
	{ IBV_WC_TM_RNDV_INCOMPLETE, -EIO, "tag matching: rendezvous incomplete", NULL },
};

int fl_rdma_wc_fail(const struct ibv_wc *wc, const char *what, const char *peer, struct fl_err *err)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		const struct cause *c = &causes[i];
		int rc;

		if (c->status != wc->status)
			continue;
		rc = fl_fail(err, c->code, "%s, %.160s: %s, vendor code 0x%x", what, peer, c->says, wc->vendor_err);
		if (c->hint)
			fl_hint(err, "%s", c->hint);
		return rc;
	}
	return fl_fail(err, -EIO, "%s, %.160s: completion status %d, vendor code 0x%x", what, peer, (int)wc->status,
		       wc->vendor_err);
}
