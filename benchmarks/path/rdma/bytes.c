/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/bytes.c: what is in memory that a device may use. */
#include "path/rdma/bytes.h"
#include <errno.h>
#include <stdlib.h>

int fl_rdma_bytes_fill(const struct fl_rdma_memory *m, uint64_t offset, uint64_t bytes,
		       void (*make)(const void *arg, char *to, uint64_t at, uint64_t n), const void *arg,
		       struct fl_err *err)
{
	char *piece;
	int rc = 0;

	if (!m->gpu) {
		make(arg, m->at + offset, 0, bytes);
		return 0;
	}
	piece = malloc(FL_RDMA_PIECE_BYTES);
	if (!piece)
		return fl_fail(err, -ENOMEM, "no memory for what is to be in that of the GPU");
	for (uint64_t at = 0, n; at < bytes && rc == 0; at += n) {
		n = bytes - at < FL_RDMA_PIECE_BYTES ? bytes - at : FL_RDMA_PIECE_BYTES;
		make(arg, piece, at, n);
		rc = m->gpu->put(m->gpu->arg, m->at + offset + at, piece, n, err);
	}
	free(piece);
	return rc;
}

/* ---- looking */

int fl_rdma_view_open(const struct fl_rdma_memory *m, uint64_t first, struct fl_rdma_view *ret, struct fl_err *err)
{
	struct fl_rdma_view v = { .memory = m, .host = m->gpu ? NULL : m->at + first, .first = first };
	int rc;

	if (m->gpu) {
		rc = m->gpu->settle(m->gpu->arg, err);
		if (rc < 0)
			return rc;
		v.piece = malloc(FL_RDMA_PIECE_BYTES);
		if (!v.piece)
			return fl_fail(err, -ENOMEM, "no memory for what is in that of the GPU");
	}
	*ret = v;
	return 0;
}

void fl_rdma_view_close(struct fl_rdma_view *v)
{
	free(v->piece);
	v->piece = NULL;
}

static int load(struct fl_rdma_view *v, uint64_t at, struct fl_err *err)
{
	const struct fl_rdma_memory *m = v->memory;
	uint64_t n = m->bytes - at < FL_RDMA_PIECE_BYTES ? m->bytes - at : FL_RDMA_PIECE_BYTES;
	int rc;

	v->bytes = 0;
	rc = m->gpu->get(m->gpu->arg, v->piece, m->at + at, n, err);
	if (rc < 0)
		return rc;
	v->from = at;
	v->bytes = n;
	return 0;
}

int fl_rdma_view_at(struct fl_rdma_view *v, uint64_t offset, uint64_t bytes, const char **ret, struct fl_err *err)
{
	uint64_t at = v->first + offset;
	int rc = 0;

	if (v->host) {
		*ret = v->host + offset;
		return 0;
	}
	if (at < v->from || at + bytes > v->from + v->bytes)
		rc = load(v, at, err);
	if (rc == 0)
		*ret = v->piece + (at - v->from);
	return rc;
}
