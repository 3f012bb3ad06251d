/* SPDX-License-Identifier: Apache-2.0 */
/* path/traffic.h: several threads that each keep `depth` blocks of one target in flight, reading or writing. What each
 * place in memory moved last is kept, for checking.
 *
 * Life: open (any thread) - enter (each thread) - move, move, ... - drain (each thread) - close. */
#ifndef PATH_TRAFFIC_H
#define PATH_TRAFFIC_H
#include "path/io.h"
#include "path/target.h"
#include <feedline/hist.h>

struct fl_traffic_spec {
	const struct fl_target *target; /* must outlive the traffic, like `memory` */
	enum fl_io_engine engine;
	enum fl_io_buffers buffers;
	unsigned threads, depth;
	bool random;
	/* The blocks of a described target, stamped (path/stamp.h) for the place and, as the number of the file, with
	 * the how-manieth write of the thread it is. Each thread writes a part of its own, `random` shuffled, and each
	 * block again only when its write before is done. */
	bool write;
	char *memory; /* threads * depth blocks */
};

struct fl_traffic; /* opaque */

/* Before there is memory: has the target blocks enough for all that is to be in flight? -EINVAL: no. */
int fl_traffic_fits(const struct fl_traffic_spec *spec, struct fl_err *err);

/* All threads have the same engine and the same kind of buffers, or it fails. Errors of path/io.h and of
 * fl_traffic_fits(). */
int fl_traffic_open(const struct fl_traffic_spec *spec, struct fl_traffic **ret, struct fl_err *err);
void fl_traffic_close(struct fl_traffic *t); /* NULL allowed */

int fl_traffic_enter(struct fl_traffic *t, unsigned thread, struct fl_err *err);

/* Waits until n more blocks were moved; depth requests stay in flight over the call's end, fewer where the block to be
 * written next is still being written. latency: the time of each from being handed to the kernel until it was seen to
 * be done; NULL: no clock is asked. Returns how many: fewer than n only where the thread may begin no more. -ECANCELED
 * after halt. An error of the drive or a short transfer is an error that names the place (-EIO and the like). */
int64_t fl_traffic_move(struct fl_traffic *t, unsigned thread, uint64_t n, struct fl_hist *latency, struct fl_err *err);
/* From now on the thread begins so many blocks and no more; without, as many as it likes. */
void fl_traffic_allow(struct fl_traffic *t, unsigned thread, uint64_t blocks);
/* The blocks that are the thread's own in sequential order; the whole row in random order. */
uint64_t fl_traffic_region(const struct fl_traffic *t, unsigned thread);
uint64_t fl_traffic_first(const struct fl_traffic *t, unsigned thread); /* the first of them */

void fl_traffic_halt(struct fl_traffic *t); /* any thread: a waiting move returns at once */
void fl_traffic_drain(struct fl_traffic *t, unsigned thread);

/* What was obtained, the same for all threads. */
const struct fl_io *fl_traffic_io(const struct fl_traffic *t);
const char *fl_traffic_why_plain(const struct fl_traffic *t); /* "" where buffers are registered */

/* After drain: what slot `slot` < depth of a thread moved last. false: it holds no whole block. */
struct fl_traffic_block {
	const void *data;
	struct fl_place at;
	uint64_t number; /* the how-manieth of the thread; of writes: what is in the blocks */
};
bool fl_traffic_block(const struct fl_traffic *t, unsigned thread, unsigned slot, struct fl_traffic_block *ret);
/* The first FL_BLOCK_BYTES whose head was not that of the place that was read. false: there were none. Of each block
 * that came from a described target the first and the last head are looked at. */
bool fl_traffic_wrong(const struct fl_traffic *t, unsigned thread, struct fl_traffic_block *ret);
uint64_t fl_traffic_moved(const struct fl_traffic *t); /* blocks, of all threads */
const struct fl_traffic_spec *fl_traffic_spec(const struct fl_traffic *t);

/* After drain: is what was moved right? Of a described target, each block that was read by its heads, and the last ones
 * word by word; of another, the last ones against the same blocks read again. Of written ones the last are read back:
 * they must carry the right sum, and be of that write. -EBADMSG: no; -ENODATA: nothing was moved. */
int fl_traffic_check(const struct fl_traffic *t, struct fl_err *err);
/* How many are the last ones, of each thread. */
unsigned fl_traffic_checked(const struct fl_traffic_spec *spec);

#endif
