/* SPDX-License-Identifier: Apache-2.0 */
/* path/ring.h: one thread's io_uring that keeps `depth` reads of one file in flight.
 *
 * Life: open (any thread) - register (optional) - enter (the reading thread) - read, read, ... - drain (that thread)
 * - close. The ring is made disabled and enabled by enter, because the fastest mode (SINGLE_ISSUER, DEFER_TASKRUN)
 * binds a ring to the thread that enables it: so everything that can fail fails at open, and one thread can open the
 * rings of all. */
#ifndef PATH_RING_H
#define PATH_RING_H
#include "path/walk.h"
#include <feedline/err.h>
#include <stdbool.h>
#include <stdint.h>

enum { FL_RING_DEPTH_MAX = 4096 };

struct fl_ring_spec {
	int fd;		     /* open while the ring is; O_DIRECT is the caller's business */
	unsigned depth;	     /* 1 .. FL_RING_DEPTH_MAX */
	void *buffers;	     /* depth blocks, one for each read in flight; must outlive the ring */
	struct fl_walk walk; /* which block is read next */
};

struct fl_ring; /* opaque */

/* -EPERM: io_uring is forbidden here (sysctl, seccomp) or too old; -ENOMEM. */
int fl_ring_open(const struct fl_ring_spec *spec, struct fl_ring **ret, struct fl_err *err);
void fl_ring_close(struct fl_ring *r); /* any thread; NULL allowed */

/* Registers the buffers, so that the kernel need not look up and pin their pages for each read. -ENOMEM: above the
 * limit of locked memory. Without it (or after unregister) plain reads are used. Before enter. */
int fl_ring_register_buffers(struct fl_ring *r, struct fl_err *err);
void fl_ring_unregister_buffers(struct fl_ring *r);

int fl_ring_enter(struct fl_ring *r, struct fl_err *err);

/* Waits until n more blocks have arrived; depth reads stay in flight over the call's end. -ECANCELED after halt. An
 * error of the drive or a short read is an error that names the offset (-EIO and the like). */
int fl_ring_read(struct fl_ring *r, uint64_t n, struct fl_err *err);
void fl_ring_halt(struct fl_ring *r);  /* any thread: a waiting read returns at once */
void fl_ring_drain(struct fl_ring *r); /* waits for all reads in flight; the reading thread */

/* What was obtained: "coop_taskrun|single_issuer|defer_taskrun", "none"; whether the descriptor is registered. */
const char *fl_ring_features(const struct fl_ring *r);
bool fl_ring_file_registered(const struct fl_ring *r);

/* After drain: block i < depth as it arrived last, and its offset in the file. false: it holds no whole block. */
bool fl_ring_block(const struct fl_ring *r, unsigned i, const void **ret_data, uint64_t *ret_offset);

#endif
