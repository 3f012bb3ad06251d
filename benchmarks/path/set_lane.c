/* SPDX-License-Identifier: Apache-2.0 */
/* path/set_lane.c: the directory is opened once, and all else is looked up in it, so that it stays the same one. */
#include "path/set_lane.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <string.h>
#include <unistd.h>

static int check(const struct fl_set_lane *s, const struct fl_set_work *work, struct fl_err *err)
{
	int rc;

	if (s->opts->block % FL_BLOCK_BYTES) {
		fl_fail(err, -EINVAL, "block is %llu bytes", (unsigned long long)s->opts->block);
		return fl_hint(err, "choose a multiple of %d bytes", FL_BLOCK_BYTES);
	}
	rc = work->check(s, err);
	if (rc == 0 && s->set.files_n == 0)
		rc = fl_fail(err, -EINVAL, "the data set in '%s' has no files", s->opts->path);
	return rc;
}

static int open_pass(struct fl_set_lane *s, const struct fl_set_work *work, struct fl_err *err)
{
	const struct fl_set_opts *o = s->opts;
	struct fl_pass_spec spec = {
		.dir = o->path,
		.set = &s->set,
		.work = &work->pass,
		.arg = s,
		.block_bytes = (uint32_t)o->block,
		.depth = (unsigned)o->depth,
		.threads = (unsigned)o->threads,
	};
	void *buffers;
	int rc = fl_alloc(s->lane, o->threads * fl_pass_buffer_bytes(spec.block_bytes, spec.depth), -1, &buffers, err);

	if (rc < 0)
		return rc;
	spec.buffers = buffers;
	return fl_pass_open(&spec, &s->pass, err);
}

int fl_set_lane_open(struct fl_set_lane *s, struct fl_lane *lane, const struct fl_set_opts *opts,
		     const struct fl_set_work *work, struct fl_err *err)
{
	int rc = 0;

	s->opts = opts;
	s->lane = lane;
	s->dir_fd = open(opts->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return fl_fail(err, -errno, "open '%s': %s", opts->path, strerror(errno));
	if (work->claim)
		rc = work->claim(s, err);
	if (rc == 0)
		rc = fl_dataset_read_at(s->dir_fd, opts->path, &s->set, err);
	if (rc == 0)
		rc = check(s, work, err);
	if (rc == 0)
		rc = open_pass(s, work, err);
	if (rc == 0)
		fl_set_fact(lane, "seed", "0x%016llx", (unsigned long long)s->set.seed);
	return rc;
}

void fl_set_lane_close(struct fl_set_lane *s)
{
	fl_pass_close(s->pass);
	fl_dataset_release(&s->set);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
}

void fl_set_lane_state(const struct fl_set_lane *s)
{
	fl_set_fact(s->lane, "engine", "%s", fl_pass_engine(s->pass));
	fl_set_fact(s->lane, "moved_bytes", "%llu", (unsigned long long)fl_pass_moved_bytes(s->pass));
	fl_set_fact(s->lane, "direct", "%s", atomic_load(&s->buffered) ? "no" : "yes");
}

int fl_set_lane_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	return fl_pass_step(((struct fl_set_lane *)state)->pass, thread, n, did, err);
}

void fl_set_lane_halt(void *state)
{
	fl_pass_halt(((struct fl_set_lane *)state)->pass);
}

void fl_set_lane_leave(void *state, unsigned thread)
{
	fl_pass_leave(((struct fl_set_lane *)state)->pass, thread);
}
