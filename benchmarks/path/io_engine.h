/* SPDX-License-Identifier: Apache-2.0 */
/* path/io_engine.h: what path/io.c asks of an engine. Only for the files io*.c. */
#ifndef PATH_IO_ENGINE_H
#define PATH_IO_ENGINE_H
#include "path/io.h"

struct fl_io_kind {
	const char *name;
	unsigned depth_max;
	/* Buffers that are insisted on or not wanted are the engine's business; AUTO may end either way. */
	int (*open)(const struct fl_io_spec *spec, struct fl_io **ret, struct fl_err *err);
	void (*close)(struct fl_io *io);
	int (*enter)(struct fl_io *io, struct fl_err *err);
	void (*queue)(struct fl_io *io, const struct fl_io_request *request);
	int (*wait)(struct fl_io *io, unsigned least, struct fl_io_done *done, unsigned most, struct fl_err *err);
	void (*halt)(struct fl_io *io);
	unsigned (*drain)(struct fl_io *io, struct fl_io_done *done); /* done NULL: forgets them */
};

/* What every engine begins with. */
struct fl_io {
	const struct fl_io_kind *kind;
	unsigned in_flight; /* queued ones included; kept by the engine */
	bool buffers_registered, files_registered;
	char features[64];
	char why_plain[160];
	char why_pread[160]; /* set by io.c */
};

extern const struct fl_io_kind fl_io_uring, fl_io_pread;

#endif
