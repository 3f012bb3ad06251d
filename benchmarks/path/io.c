/* SPDX-License-Identifier: Apache-2.0 */
/* path/io.c: which engine reads and writes files here. */
#include "path/io.h"
#include "path/io_engine.h"
#include <errno.h>
#include <stdio.h>

static int check(const struct fl_io_spec *spec, const struct fl_io_kind *kind, struct fl_err *err)
{
	if (spec->depth == 0 || spec->depth > kind->depth_max) {
		fl_fail(err, -EINVAL, "%s keeps 1 to %u requests in flight, not %u", kind->name, kind->depth_max,
			spec->depth);
		return fl_hint(err, "choose a smaller depth%s", kind == &fl_io_pread ? ", or allow io_uring" : "");
	}
	if (spec->fds_n == 0 || spec->memory_n == 0)
		return fl_fail(err, -EINVAL, "no file or no memory to read and write with");
	return 0;
}

static int open_kind(const struct fl_io_spec *spec, const struct fl_io_kind *kind, struct fl_io **ret,
		     struct fl_err *err)
{
	int rc = check(spec, kind, err);

	return rc < 0 ? rc : kind->open(spec, ret, err);
}

/* Where the kernel refuses io_uring, or a ring of that size: threads, unless something was insisted on that only
 * io_uring has. */
int fl_io_open(const struct fl_io_spec *spec, struct fl_io **ret, struct fl_err *err)
{
	struct fl_err refusal = { 0 };
	int rc;

	if (spec->engine == FL_IO_PREAD)
		return open_kind(spec, &fl_io_pread, ret, err);
	if (spec->engine == FL_IO_URING || spec->buffers == FL_IO_REGISTERED)
		return open_kind(spec, &fl_io_uring, ret, err);
	rc = open_kind(spec, &fl_io_uring, ret, &refusal);
	if (rc == 0)
		return 0;
	if (rc != -EPERM && rc != -ENOMEM) { /* of locked memory, which old kernels charge rings to */
		fl_fail(err, rc, "%s", refusal.what);
		return refusal.hint[0] ? fl_hint(err, "%s", refusal.hint) : rc;
	}
	rc = open_kind(spec, &fl_io_pread, ret, err);
	if (rc == 0)
		snprintf((*ret)->why_pread, sizeof((*ret)->why_pread), "%.159s", refusal.what);
	return rc;
}

void fl_io_close(struct fl_io *io)
{
	if (io)
		io->kind->close(io);
}

int fl_io_enter(struct fl_io *io, struct fl_err *err)
{
	return io->kind->enter(io, err);
}

void fl_io_queue(struct fl_io *io, const struct fl_io_request *request)
{
	io->kind->queue(io, request);
}

int fl_io_wait(struct fl_io *io, unsigned least, struct fl_io_done *done, unsigned most, struct fl_err *err)
{
	return io->kind->wait(io, least < most ? least : most, done, most, err);
}

unsigned fl_io_in_flight(const struct fl_io *io)
{
	return io->in_flight;
}

void fl_io_halt(struct fl_io *io)
{
	io->kind->halt(io);
}

void fl_io_drain(struct fl_io *io)
{
	io->kind->drain(io, NULL);
}

unsigned fl_io_drain_into(struct fl_io *io, struct fl_io_done *done)
{
	return io->kind->drain(io, done);
}

/* ---- what was obtained */

const char *fl_io_engine_name(const struct fl_io *io)
{
	return io->kind->name;
}

const char *fl_io_why_pread(const struct fl_io *io)
{
	return io->why_pread;
}

const char *fl_io_features(const struct fl_io *io)
{
	return io->features;
}

bool fl_io_buffers_registered(const struct fl_io *io)
{
	return io->buffers_registered;
}

const char *fl_io_why_plain(const struct fl_io *io)
{
	return io->why_plain;
}

bool fl_io_files_registered(const struct fl_io *io)
{
	return io->files_registered;
}
