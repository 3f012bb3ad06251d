/* SPDX-License-Identifier: Apache-2.0 */
/* path/io.h: the engine that everything here reads and writes files with: one thread that keeps requests in flight.
 * By io_uring; where that is forbidden, by threads that call pread and pwrite.
 *
 * Life: open (any thread) - enter (the thread that does I/O) - queue, wait, queue, wait, ... - drain (that thread) -
 * close. Everything that can fail fails at open, and one thread can open the engines of all. */
#ifndef PATH_IO_H
#define PATH_IO_H
#include <feedline/err.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum { FL_IO_DEPTH_MAX = 4096, FL_IO_THREADS_MAX = 256 };
enum fl_io_engine { FL_IO_AUTO, FL_IO_URING, FL_IO_PREAD };
enum fl_io_buffers { FL_IO_BUFFERS_AUTO, FL_IO_REGISTERED, FL_IO_PLAIN };

struct fl_io_spec {
	enum fl_io_engine engine;   /* AUTO: io_uring, pread where the kernel refuses that */
	enum fl_io_buffers buffers; /* AUTO: registered where the limit of locked memory allows it */
	unsigned depth;		    /* requests in flight at most: 1 .. FL_IO_DEPTH_MAX (pread: FL_IO_THREADS_MAX) */
	const int *fds;		    /* open while the engine is; O_DIRECT is the caller's business; copied */
	unsigned fds_n;
	const struct iovec *memory; /* where all data lies; copied; must outlive the engine */
	unsigned memory_n;
};

struct fl_io_request {
	unsigned file; /* index into fds */
	bool write;
	uint32_t bytes;
	uint64_t offset;
	void *data;   /* inside one of `memory` */
	uint64_t tag; /* given back when it is done; any value */
};

struct fl_io_done {
	uint64_t tag;
	int32_t bytes; /* moved; negative errno: it failed */
};

struct fl_io; /* opaque */

/* -EPERM: io_uring was insisted on and is forbidden here (sysctl, seccomp) or too old; -EINVAL: more depth than the
 * engine has; -ENOMEM, also where registered buffers were insisted on and the limit of locked memory forbids them. */
int fl_io_open(const struct fl_io_spec *spec, struct fl_io **ret, struct fl_err *err);
void fl_io_close(struct fl_io *io); /* any thread; NULL allowed */

int fl_io_enter(struct fl_io *io, struct fl_err *err);

/* Takes a request; the next wait hands it to the kernel. The caller keeps queued and in flight together within
 * depth. */
void fl_io_queue(struct fl_io *io, const struct fl_io_request *request);
/* Hands over what is queued and waits until at least one request is done (with `least` 0: does not wait). Returns how
 * many are in *done, at most `most`, in the order in which they were done. -ECANCELED after halt; other negative
 * errno: the engine itself failed. What a single request came to is in its `bytes`. */
int fl_io_wait(struct fl_io *io, unsigned least, struct fl_io_done *done, unsigned most, struct fl_err *err);
unsigned fl_io_in_flight(const struct fl_io *io); /* queued ones included */
void fl_io_halt(struct fl_io *io);		  /* any thread: a wait returns at once, now and from now on */
void fl_io_drain(struct fl_io *io); /* waits for everything in flight and forgets it; the thread that does I/O */
/* The same, and tells what they came to: *done has room for depth of them. Returns how many. */
unsigned fl_io_drain_into(struct fl_io *io, struct fl_io_done *done);

/* What was obtained, for facts. */
const char *fl_io_engine_name(const struct fl_io *io); /* "io_uring", "pread" */
const char *fl_io_why_pread(const struct fl_io *io);   /* why not io_uring, where nobody asked for pread; else "" */
const char *fl_io_features(const struct fl_io *io);    /* "coop_taskrun|single_issuer|defer_taskrun", "none" */
bool fl_io_buffers_registered(const struct fl_io *io);
const char *fl_io_why_plain(const struct fl_io *io); /* why not; "" where they are */
bool fl_io_files_registered(const struct fl_io *io);

#endif
