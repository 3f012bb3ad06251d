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

/* Bytes of the source from the first lap of a pair to that of the next: pairs that shared them would go through what
 * the one before has just brought into a cache. */
static uint64_t part_of(const struct fl_rdma_data *d)
{
	uint64_t blocks = (d->size * d->slots + FL_BLOCK_BYTES - 1) / FL_BLOCK_BYTES;

	return (blocks + 1) * FL_BLOCK_BYTES;
}

uint64_t fl_rdma_data_source_bytes(const struct fl_rdma_data *d)
{
	return d->pairs * part_of(d) + FL_RDMA_LAPS * (uint64_t)FL_BLOCK_BYTES;
}

void fl_rdma_data_make(const void *data, char *to, uint64_t at, uint64_t n)
{
	const struct fl_rdma_data *d = data;

	for (uint64_t i = 0; i < n; i += FL_BLOCK_BYTES)
		fl_block_fill(to + i, d->seed, 0, at + i);
}

struct fl_rdma_cursor fl_rdma_data_begin(const struct fl_rdma_data *d, unsigned pair)
{
	const uint64_t stride = fl_rdma_data_stride(d);
	struct fl_rdma_cursor c = { .first_from = pair * part_of(d),
				    .first_to = pair * stride * d->slots + d->lead,
				    .stride = stride };

	c.from = c.first_from;
	c.to = c.first_to;
	return c;
}

/* ---- check */

/* The bytes of the source from some place on, made anew block by block, and those that arrived. */
struct compared {
	const struct fl_rdma_data *data;
	struct fl_rdma_view *sinks;
	uint64_t words[FL_BLOCK_WORDS];
	uint64_t block; /* that is in words; UINT64_MAX: none */
};

/* The first wrong byte of a request; its size: none is. */
static int find_wrong(struct compared *c, uint64_t from, uint64_t to, uint64_t *ret, struct fl_err *err)
{
	const uint64_t n = c->data->size;

	for (uint64_t done = 0, k; done < n; done += k) {
		uint64_t in = (from + done) % FL_BLOCK_BYTES, block = (from + done) / FL_BLOCK_BYTES;
		const char *want = (const char *)c->words + in, *got;
		int rc;

		if (block != c->block)
			fl_block_fill(c->words, c->data->seed, 0, block * FL_BLOCK_BYTES);
		c->block = block;
		k = FL_BLOCK_BYTES - in < n - done ? FL_BLOCK_BYTES - in : n - done;
		rc = fl_rdma_view_at(c->sinks, to + done, k, &got, err);
		if (rc < 0)
			return rc;
		if (memcmp(want, got, k) == 0)
			continue;
		for (*ret = done; *want++ == *got++;)
			++*ret;
		return 0;
	}
	*ret = n;
	return 0;
}

/* Is in that slot what the request brought? */
static int check_slot(struct compared *c, unsigned pair, uint64_t slot, uint64_t request, uint64_t requests,
		      struct fl_err *err)
{
	const struct fl_rdma_data *d = c->data;
	const struct fl_rdma_cursor first = fl_rdma_data_begin(d, pair);
	const uint64_t lap = request / d->slots % FL_RDMA_LAPS;
	const uint64_t from = first.first_from + lap * FL_BLOCK_BYTES + request % d->slots * d->size;
	uint64_t wrong = 0;
	int rc = find_wrong(c, from, first.first_to + slot * first.stride, &wrong, err);

	if (rc < 0 || wrong == d->size)
		return rc;
	rc = fl_fail(err, -EBADMSG, "queue pair %u: byte %" PRIu64 " of request %" PRIu64 " of %" PRIu64 " is wrong",
		     pair, wrong, request, requests);
	fl_hint(err, "%s",
		d->unreliable
			? "unreliable transport tells nobody what it loses: does the network lose packets under "
			  "load, or is the other side too slow for them?"
			: "it was changed on its way or never came, and nothing told so: the NIC, the PCIe path to "
			  "it, or an IOMMU");
	return rc;
}

int fl_rdma_data_check(const struct fl_rdma_data *d, unsigned pair, struct fl_rdma_view *sinks, uint64_t requests,
		       struct fl_err *err)
{
	struct compared c = { .data = d, .sinks = sinks, .block = UINT64_MAX };
	int rc = 0;

	for (uint64_t slot = 0; slot < d->slots && slot < requests && rc == 0; slot++) {
		uint64_t last = slot + (requests - 1 - slot) / d->slots * d->slots;

		rc = check_slot(&c, pair, slot, last, requests, err);
	}
	return rc;
}

int fl_rdma_data_check_said(const struct fl_rdma_data *d, unsigned pair, struct fl_rdma_view *sinks,
			    const uint64_t *said, uint64_t requests, struct fl_err *err)
{
	struct compared c = { .data = d, .sinks = sinks, .block = UINT64_MAX };
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
		rc = check_slot(&c, pair, slot, requests - 1 - back, requests, err);
	}
	return rc;
}
