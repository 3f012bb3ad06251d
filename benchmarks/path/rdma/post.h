/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/post.h: one thread that keeps its share of the queue pairs of a link busy: with requests of one kind and
 * size, with receives for what the other side sends, or with both.
 *
 * Requests are made once, and of each only what is its own changes. They are given to the device in lists; every so
 * many one tells that it and all before it are done. Receives are posted ahead of what comes. Completions are looked
 * for without an end, or slept for.
 *
 * What is done is in memory. A read is there when its completion is, and so is what was sent when the completion of its
 * receive is: a device writes that after the bytes, also where it may reorder those (relaxed ordering). A write or an
 * atomic whose completion came has been taken by the other device, whose own writes to memory may still be on their
 * way; so with RC the last request to each queue pair is a small read of that memory: a device's read passes none of
 * its writes. UC has no reads: who checks has to give it a while.
 *
 * Messages: of RC all come and in order. UC and UD lose what has no receive or does not come through; there each tells
 * its number beside its bytes (as immediate data), so that it is known what should be in them. An empty message tells
 * that it was the last; with UC and UD it may be lost, too, and then silence tells the same. */
#ifndef PATH_RDMA_POST_H
#define PATH_RDMA_POST_H
#include "path/rdma/data.h"
#include "path/rdma/link.h"
#include <stdatomic.h>

/* ADD, SWAP: atomics on 8 bytes, as in path/rdma/words.h. */
enum fl_rdma_kind { FL_RDMA_NONE, FL_RDMA_WRITE, FL_RDMA_READ, FL_RDMA_SEND, FL_RDMA_ADD, FL_RDMA_SWAP };

struct fl_rdma_post_spec {
	struct fl_rdma_link *link;
	const struct fl_rdma_memory *memory; /* of this side; the last FL_RDMA_SPARE_BYTES are nobody's */
	const struct fl_rdma_data *data;     /* what goes where; its size is that of a request and of a message */
	const atomic_bool *halted;
	unsigned thread; /* of those that the link was made for */
	enum fl_rdma_kind kind;
	/* Where in the memory of this side and of the other is what the requests are about. WRITE: source, sinks; READ:
	 * sinks, source; SEND: source, nothing; ADD, SWAP: room for what `depth` requests of each pair found, words. */
	uint64_t here, there;
	unsigned depth;	       /* requests in flight of each pair, at most that of the link */
	unsigned list, signal; /* requests given at once; that one completion stands for. Both divide depth, and one
				* of them the other */
	bool inlined;	       /* the request carries its bytes */
	unsigned receives;     /* posted ahead of each pair; 0: nothing is received */
	uint64_t sinks;	       /* where in the memory of this side messages go */
};

enum { FL_RDMA_SPARE_BYTES = 64 };

struct fl_rdma_post;

/* -EINVAL: numbers that do not fit each other, more inline than the link can, memory here or there that is too
 * short; -EMSGSIZE: more than the transport carries at once; -EOPNOTSUPP: the transport or a device cannot do it.
 * Receives are posted then. */
int fl_rdma_post_open(const struct fl_rdma_post_spec *spec, struct fl_rdma_post **ret, struct fl_err *err);
void fl_rdma_post_close(
	struct fl_rdma_post *p); /* may be NULL; nothing may be in flight, or its link is closed first */

/* How long nothing may be heard of a host that is still there: 10 s, and what `bytes`, which have to go over the wire
 * before anything can be heard, take on the slowest link: 4 MB/s, a third of Fast Ethernet and less than soft-RoCE. */
enum { FL_RDMA_PATIENCE_MS = 10000, FL_RDMA_SLOWEST_BYTES_PER_MS = 4000 };
static inline uint64_t fl_rdma_patience_ms(uint64_t bytes)
{
	return FL_RDMA_PATIENCE_MS + bytes / FL_RDMA_SLOWEST_BYTES_PER_MS;
}

/* Goes on until n more requests are done, or where it receives until n more messages have come, or a few more; how many
 * in *ret. -ECANCELED: halted; -ETIMEDOUT: there was none for as long as one takes with patience, or as wc.h says: with
 * words that name the other side. All pairs of a link share the wire, so that what one completion stands for is there
 * after as much of each pair. */
int fl_rdma_post_move(struct fl_rdma_post *p, uint64_t n, uint64_t *ret, struct fl_err *err);

/* Makes no more requests and waits for all that is in flight, and for the other side's word that it sent its last one;
 * what does not end is flushed. Nothing changes memory or queues after that. */
void fl_rdma_post_drain(struct fl_rdma_post *p);

/* What failed while it was drained, as fl_rdma_post_move says it; 0: nothing did. */
int fl_rdma_post_cause(const struct fl_rdma_post *p, struct fl_err *err);

/* Of a pair of the link that is of this thread, after that. */
struct fl_rdma_done {
	bool all;	      /* none failed or is still under way, as far as this side knows */
	uint64_t made, taken; /* requests, messages */
	uint64_t dry;	      /* times that no receive was left when somebody looked */
	const uint64_t *said; /* for fl_rdma_data_check_said(); NULL: all came in order */
};
struct fl_rdma_done fl_rdma_post_done(const struct fl_rdma_post *p, unsigned pair);

#endif
