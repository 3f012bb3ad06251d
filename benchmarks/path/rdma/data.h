/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/data.h: which bytes go where, so that the last request to every place can be checked.
 *
 * Each queue pair has a sink of its own of so many slots, one after the other in the memory of who receives;
 * requests go round in it. It takes from a part of its own of the source, which is a row of blocks of test data
 * (feedline/block.h), so that no pair takes what another one has just brought into a cache. Each lap takes its data a
 * block further on, FL_RDMA_LAPS times, then from the beginning: what does not arrive leaves what an earlier lap
 * brought, which is wrong; and what arrives in the sink of another pair is wrong there. What is lost or changed and
 * mended by the next lap is not seen, and neither is who loses everything from some moment on, a whole multiple of
 * FL_RDMA_LAPS laps before the end. */
#ifndef PATH_RDMA_DATA_H
#define PATH_RDMA_DATA_H
#include "path/rdma/bytes.h"
#include <feedline/block.h>
#include <feedline/err.h>
#include <stdbool.h>

enum { FL_RDMA_LAPS = 61 };

struct fl_rdma_data {
	uint64_t size; /* of a request */
	uint64_t slots;
	unsigned pairs;
	uint64_t seed;
	uint64_t lead;	 /* bytes of a slot before those of a request, for what a transport puts there */
	uint64_t stride; /* from a slot to the next; 0: they lie close together */
	bool unreliable; /* what does not come nobody tells: most likely it was lost */
};

static inline uint64_t fl_rdma_data_stride(const struct fl_rdma_data *d)
{
	return d->stride ? d->stride : d->lead + d->size;
}

uint64_t fl_rdma_data_source_bytes(const struct fl_rdma_data *d); /* a multiple of FL_BLOCK_BYTES */
uint64_t fl_rdma_data_sink_bytes(const struct fl_rdma_data *d);	  /* of all pairs */

/* The n bytes of the source from `at` on, whole blocks; for fl_rdma_bytes_fill(). data: a struct fl_rdma_data */
void fl_rdma_data_make(const void *data, char *to, uint64_t at, uint64_t n);

/* Where the next request of a pair takes its bytes, from the beginning of the source, and where it puts them, from
 * that of all sinks. */
struct fl_rdma_cursor {
	uint64_t from, to;
	uint64_t slot, lap, first_from, first_to, stride;
};
struct fl_rdma_cursor fl_rdma_data_begin(const struct fl_rdma_data *d, unsigned pair);

static inline void fl_rdma_data_next(const struct fl_rdma_data *d, struct fl_rdma_cursor *c)
{
	c->from += d->size;
	c->to += c->stride;
	if (++c->slot < d->slots)
		return;
	c->slot = 0;
	c->lap = c->lap + 1 == FL_RDMA_LAPS ? 0 : c->lap + 1;
	c->from = c->first_from + c->lap * FL_BLOCK_BYTES;
	c->to = c->first_to;
}

/* Every byte of the sink of a pair after so many requests, none of which is under way any more. -EBADMSG: which one is
 * wrong. What no request came to is not looked at. */
int fl_rdma_data_check(const struct fl_rdma_data *d, unsigned pair, struct fl_rdma_view *sinks, uint64_t requests,
		       struct fl_err *err);

/* The same where what was sent need not have come: said has for each slot 1 + the number of the request that came there
 * last, by itself, of which the lower 32 bits count; 0: none did. requests: that were sent. */
int fl_rdma_data_check_said(const struct fl_rdma_data *d, unsigned pair, struct fl_rdma_view *sinks,
			    const uint64_t *said, uint64_t requests, struct fl_err *err);

#endif
