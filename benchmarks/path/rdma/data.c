/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/data.c: which bytes go where. */
#include "path/rdma/data.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

uint64_t fl_rdma_data_sink_bytes(const struct fl_rdma_data *d)
{
	return fl_rdma_data_stride(d) * d->slots * d->pairs;
}

uint64_t fl_rdma_data_source_bytes(const struct fl_rdma_data *d)
{
	uint64_t bytes = d->size * d->slots + (FL_RDMA_LAPS + d->pairs) * (uint64_t)FL_BLOCK_BYTES;

	return (bytes + FL_BLOCK_BYTES - 1) / FL_BLOCK_BYTES * FL_BLOCK_BYTES;
}

void fl_rdma_data_fill(const struct fl_rdma_data *d, char *source)
{
	uint64_t bytes = fl_rdma_data_source_bytes(d);

	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		fl_block_fill(source + at, d->seed, 0, at);
}

struct fl_rdma_cursor fl_rdma_data_begin(const struct fl_rdma_data *d, unsigned pair)
{
	const uint64_t stride = fl_rdma_data_stride(d);
	struct fl_rdma_cursor c = { .first_from = pair * (uint64_t)FL_BLOCK_BYTES,
				    .first_to = pair * stride * d->slots + d->lead,
				    .stride = stride };

	c.from = c.first_from;
	c.to = c.first_to;
	return c;
}

/* ---- check */

/* The bytes of the source from some place on, made anew block by block. */
struct expected {
	uint64_t words[FL_BLOCK_WORDS];
	uint64_t block; /* that is in words; UINT64_MAX: none */
};

/* The first wrong byte of n; n: none is. */
static uint64_t compare(struct expected *e, uint64_t seed, uint64_t from, const char *got, uint64_t n)
{
	for (uint64_t done = 0, k; done < n; done += k) {
		uint64_t in = (from + done) % FL_BLOCK_BYTES, block = (from + done) / FL_BLOCK_BYTES;
		const char *want = (const char *)e->words + in;

		if (block != e->block)
			fl_block_fill(e->words, seed, 0, block * FL_BLOCK_BYTES);
		e->block = block;
		k = FL_BLOCK_BYTES - in < n - done ? FL_BLOCK_BYTES - in : n - done;
		if (memcmp(want, got + done, k) == 0)
			continue;
		for (uint64_t i = 0; i < k; i++)
			if (want[i] != got[done + i])
				return done + i;
	}
	return n;
}

/* Is in that slot what the request brought? */
static int check_slot(const struct fl_rdma_data *d, unsigned pair, const char *sinks, uint64_t slot, uint64_t request,
		      uint64_t requests, struct expected *e, struct fl_err *err)
{
	const struct fl_rdma_cursor first = fl_rdma_data_begin(d, pair);
	const uint64_t lap = request / d->slots % FL_RDMA_LAPS;
	const uint64_t from = first.first_from + lap * FL_BLOCK_BYTES + request % d->slots * d->size;
	const char *got = sinks + first.first_to + slot * first.stride;
	uint64_t wrong = compare(e, d->seed, from, got, d->size);
	int rc;

	if (wrong == d->size)
		return 0;
	rc = fl_fail(err, -EBADMSG, "queue pair %u: byte %" PRIu64 " of request %" PRIu64 " of %" PRIu64 " is wrong",
		     pair, wrong, request, requests);
	fl_hint(err,
		"it was changed on its way or never came, and nothing told so: the NIC, the PCIe path to it, or an "
		"IOMMU");
	return rc;
}

int fl_rdma_data_check(const struct fl_rdma_data *d, unsigned pair, const char *sinks, uint64_t requests,
		       struct fl_err *err)
{
	struct expected e = { .block = UINT64_MAX };
	int rc = 0;

	for (uint64_t slot = 0; slot < d->slots && slot < requests && rc == 0; slot++) {
		uint64_t last = slot + (requests - 1 - slot) / d->slots * d->slots;

		rc = check_slot(d, pair, sinks, slot, last, requests, &e, err);
	}
	return rc;
}

int fl_rdma_data_check_said(const struct fl_rdma_data *d, unsigned pair, const char *sinks, const uint64_t *said,
			    uint64_t requests, struct fl_err *err)
{
	struct expected e = { .block = UINT64_MAX };
	int rc = 0;

	for (uint64_t slot = 0; slot < d->slots && rc == 0; slot++) {
		uint32_t back = (uint32_t)(requests - said[slot]); /* which one before the last it is */

		if (!said[slot])
			continue;
		if (back >= requests)
			return fl_fail(err, -EBADMSG,
				       "queue pair %u: a message came that says that it is number %" PRIu64
				       " of %" PRIu64,
				       pair, said[slot] - 1, requests);
		rc = check_slot(d, pair, sinks, slot, requests - 1 - back, requests, &e, err);
	}
	return rc;
}
