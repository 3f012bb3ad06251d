/* SPDX-License-Identifier: Apache-2.0 */
/* path/io_facts.h: what a benchmark over path/io.h says of it, in the same words everywhere. */
#ifndef PATH_IO_FACTS_H
#define PATH_IO_FACTS_H
#include "path/io.h"
#include <feedline/bench.h>

/* Rows for its declaration of facts. */
/* clang-format off */
#define FL_IO_FACTS                                                                                                    \
	{ "engine", true, "how requests are issued: io_uring or pread" },                                              \
	{ "why_pread", false, "why not by io_uring" },                                                                 \
	{ "ring", true, "features that the kernel's io_uring has and that are used" },                                 \
	{ "buffers", true, "registered with the kernel once, or plain" },                                              \
	{ "why_plain", false, "why the buffers are not registered" },                                                  \
	{ "file_registered", false, "whether descriptors are registered with the ring" }
/* clang-format on */

static inline void fl_io_state(const struct fl_io *io, const char *why_plain, struct fl_lane *lane)
{
	fl_set_fact(lane, "engine", "%s", fl_io_engine_name(io));
	if (fl_io_why_pread(io)[0])
		fl_set_fact(lane, "why_pread", "%s", fl_io_why_pread(io));
	fl_set_fact(lane, "ring", "%s", fl_io_features(io));
	fl_set_fact(lane, "buffers", "%s", fl_io_buffers_registered(io) ? "registered" : "plain");
	if (!fl_io_buffers_registered(io))
		fl_set_fact(lane, "why_plain", "%s", why_plain);
	fl_set_fact(lane, "file_registered", "%s", fl_io_files_registered(io) ? "yes" : "no");
}

#endif
