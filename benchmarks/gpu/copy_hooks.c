/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/copy_hooks.c: the copy path. A row is a route: the memory at either end of one or two directions, and the GPU
 * that copies. */
#include "copy.h"
#include "path/cache.h"
#include "path/cuda/copies.h"
#include "path/cuda/place.h"
#include <errno.h>
#include <feedline/block.h>
#include <feedline/clock.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* An end of a copy: host memory, or that of the first or second GPU. */
enum end { HOST = -1, FIRST = 0, SECOND = 1 };

struct route {
	unsigned sides_n, gpus_n;
	struct {
		enum end from, to, by;
	} side[FL_COPIES_SIDES];
	bool batches; /* an op is a step of batches, else a copy */
};

struct copy_state {
	const struct fl_gpu_copy_opts *opts;
	struct route route;
	struct fl_cuda_device gpu[2];
	struct fl_place from[FL_COPIES_SIDES], to[FL_COPIES_SIDES];
	uint64_t seed[FL_COPIES_SIDES];
	char what[FL_COPIES_SIDES][224]; /* "copied from node0 to gpu-.." */
	struct fl_copies copies;
};

/* Well beyond the caches of the host and of the GPU, and so large that a wrong idea of them does no harm. */
static const uint64_t ring_bytes_min = 256 << 20;
static const char cpu_dir[] = "/sys/devices/system/cpu";

int fl_gpu_probe(const void *opts, struct fl_err *err)
{
	(void)opts;
	return fl_cuda_driver(err);
}

/* ---- open: what can be had */

static int check_options(const struct fl_gpu_copy_opts *o, const struct route *r, struct fl_err *err)
{
	bool host = r->side[0].from == HOST || r->side[0].to == HOST;

	if (o->size % FL_BLOCK_BYTES)
		return fl_fail(err, -EINVAL, "a copy of %llu bytes is no multiple of 4 KiB",
			       (unsigned long long)o->size);
	if (o->buffer % o->size)
		return fl_fail(err, -EINVAL, "a buffer of %llu bytes holds no whole copies of %llu",
			       (unsigned long long)o->buffer, (unsigned long long)o->size);
	if (!host || o->kind != FL_HOST_PAGEABLE)
		return 0;
	if (o->engine == FL_GPU_SM) {
		fl_fail(err, -EINVAL, "the SMs of a GPU reach pinned memory only, not kind pageable");
		return fl_hint(err, "choose the copy engine, or another kind");
	}
	if (r->sides_n > 1) {
		fl_fail(err, -EINVAL,
			"the calling thread takes part in copies of pageable memory: none go both ways at once");
		return fl_hint(err, "measure gpu.h2d and gpu.d2h of that kind");
	}
	return 0;
}

static int ring_bytes(const struct fl_gpu_copy_opts *o, const struct fl_cuda_device *gpu, uint64_t *ret,
		      struct fl_err *err)
{
	uint64_t bytes = ring_bytes_min, host = 0;
	int rc = 0;

	if (o->buffer) {
		*ret = o->buffer;
		return 0;
	}
	rc = fl_cache_beyond(cpu_dir, sched_getcpu(), 1, FL_CACHE_STREAM, 0, &host, err);
	if (rc < 0)
		return rc;
	bytes = bytes > host ? bytes : host;
	bytes = bytes > 4 * gpu->l2_bytes ? bytes : 4 * gpu->l2_bytes;
	*ret = (bytes + o->size - 1) / o->size * o->size;
	return 0;
}

static int open_gpus(struct copy_state *s, const struct fl_device *const which[2], struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->route.gpus_n && rc == 0; i++)
		rc = fl_cuda_device_open(which[i], &s->gpu[i], err);
	if (rc == 0 && s->route.gpus_n > 1 && s->gpu[0].number == s->gpu[1].number)
		rc = fl_fail(err, -EINVAL, "%s to itself is no copy between GPUs; gpu.local measures that",
			     which[0]->id);
	return rc;
}

/* May each GPU that copies reach the memory of the other one? */
static int open_peers(struct copy_state *s, struct fl_lane *lane, struct fl_err *err)
{
	bool direct = true;
	int rc = 0;

	for (unsigned i = 0; i < s->route.sides_n && rc == 0; i++) {
		const struct fl_cuda_device *by = &s->gpu[s->route.side[i].by];
		bool can = false;

		rc = fl_cuda_peer(by, by == &s->gpu[0] ? &s->gpu[1] : &s->gpu[0], &can, err);
		direct = direct && rc == 0 && can;
	}
	if (rc < 0)
		return rc;
	fl_set_fact(lane, "peer_access", "%s", direct ? "direct" : "through host memory");
	fl_set_fact(lane, "peer", "%s", s->gpu[1].model);
	s->copies.gated = direct; /* else the driver copies in pieces, more than a queue takes */
	if (direct || s->opts->engine == FL_GPU_CE)
		return 0;
	fl_fail(err, -ENXIO, "the SMs of %s and %s cannot reach each other's memory", s->gpu[0].id, s->gpu[1].id);
	return fl_hint(err, "choose the copy engine, which goes through host memory then");
}

/* ---- open: memory */

static int make_place(struct copy_state *s, struct fl_lane *lane, enum end end, uint64_t bytes, struct fl_place *ret,
		      struct fl_err *err)
{
	if (end != HOST)
		return fl_place_on_gpu(&s->gpu[end], bytes, ret, err);
	return fl_place_on_host(lane, s->opts->kind, s->opts->memory->node, bytes, ret, err);
}

static const char *name_of(const struct copy_state *s, enum end end)
{
	if (end != HOST)
		return s->gpu[end].id;
	return s->opts->memory->id ? s->opts->memory->id : "host memory";
}

/* Where a GPU reaches it. */
static int seen_by(const struct copy_state *s, const struct fl_cuda_device *by, const struct fl_place *place,
		   char **ret, struct fl_err *err)
{
	void *at = place->at;
	int rc = 0;

	if (!place->gpu && s->opts->engine == FL_GPU_SM) {
		rc = fl_cuda_device_use(by, err);
		if (rc == 0)
			rc = fl_host_on_device(&place->host, &at, err);
	}
	*ret = at;
	return rc;
}

static int open_side(struct copy_state *s, struct fl_lane *lane, unsigned i, struct fl_err *err)
{
	struct fl_copies_side *side = &s->copies.side[i];
	enum end from = s->route.side[i].from, to = s->route.side[i].to;
	uint64_t from_bytes, to_bytes;
	int rc;

	fl_copies_room(&s->copies, &from_bytes, &to_bytes);
	rc = make_place(s, lane, from, from_bytes, &s->from[i], err);
	if (rc == 0)
		rc = make_place(s, lane, to, to_bytes, &s->to[i], err);
	if (rc < 0)
		return rc;
	side->by = &s->gpu[s->route.side[i].by];
	rc = seen_by(s, side->by, &s->from[i], &side->from, err);
	if (rc == 0)
		rc = seen_by(s, side->by, &s->to[i], &side->to, err);
	snprintf(s->what[i], sizeof(s->what[i]), "copied from %s to %s", name_of(s, from), name_of(s, to));
	/* Of no other lane, here or in another worker, and of no other run that left its data in that memory. */
	s->seed[i] = fl_block_key((uint64_t)getpid(), (uintptr_t)s + i, fl_now_ns());
	return rc;
}

static int open_memory(struct copy_state *s, struct fl_lane *lane, struct fl_err *err)
{
	uint64_t bytes = 0;
	int rc = ring_bytes(s->opts, &s->gpu[0], &bytes, err);

	if (rc < 0)
		return rc;
	s->copies.bytes = s->opts->size;
	s->copies.chunks = bytes / s->opts->size;
	s->copies.sm = s->opts->engine == FL_GPU_SM;
	for (unsigned i = 0; i < s->route.sides_n && rc == 0; i++) {
		rc = open_side(s, lane, i, err);
		if (rc == 0)
			s->copies.sides_n = i + 1;
	}
	return rc;
}

/* ---- open: is it right, before anything is timed */

/* The last copy to each byte. */
static int check_all(struct copy_state *s, struct fl_err *err)
{
	struct fl_place_part parts[FL_COPIES_PARTS];
	int rc = 0;

	for (unsigned i = 0; i < s->copies.sides_n; i++) {
		fl_copies_parts(&s->copies, i, parts);
		for (unsigned k = 0; k < FL_COPIES_PARTS && rc == 0; k++)
			if (parts[k].bytes)
				rc = fl_place_check(&s->to[i], &parts[k], s->seed[i], s->what[i], err);
	}
	return rc;
}

static int spoil_all(struct copy_state *s, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->copies.sides_n && rc == 0; i++)
		rc = fl_place_spoil(&s->to[i], s->seed[i], err);
	return rc;
}

/* Every byte of the buffers once over the path. */
static int try_path(struct copy_state *s, struct fl_err *err)
{
	int rc = spoil_all(s, err);

	for (unsigned i = 0; i < s->copies.sides_n && rc == 0; i++)
		rc = fl_place_fill(&s->from[i], s->seed[i], err);
	if (rc == 0)
		rc = fl_copies_run(&s->copies, s->copies.chunks, err);
	if (rc == 0)
		rc = check_all(s, err);
	if (rc == -EBADMSG && s->route.gpus_n > 1)
		fl_hint(err, "this path loses or changes what is written: an IOMMU or ACS between the GPUs may be the "
			     "reason");
	return rc == 0 ? fl_copies_pace(&s->copies, err) : rc;
}

static void state_facts(const struct copy_state *s, struct fl_lane *lane)
{
	char versions[FL_CUDA_VERSIONS_TEXT];

	fl_cuda_versions(versions);
	fl_set_fact(lane, "device", "%s", s->gpu[0].model);
	fl_set_fact(lane, "cuda", "%s", versions);
	fl_set_fact(lane, "gate", "%s", s->copies.gated ? "kernel" : "none");
	fl_set_fact(lane, "verified", "every byte before, the last copy to each afterwards");
	for (unsigned i = 0; i < s->copies.sides_n; i++) {
		const struct fl_place *host = s->from[i].gpu ? &s->to[i] : &s->from[i];

		if (!host->gpu)
			fl_set_fact(lane, "host_memory", "%s", host->host.what);
	}
}

void fl_gpu_copy_close(void *state)
{
	struct copy_state *s = state;

	fl_copies_free(&s->copies);
	for (unsigned i = 0; i < FL_COPIES_SIDES; i++) {
		fl_place_free(&s->from[i]);
		fl_place_free(&s->to[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		fl_cuda_device_close(&s->gpu[i]);
	free(s);
}

static int open_all(struct copy_state *s, struct fl_lane *lane, const struct fl_device *const which[2],
		    struct fl_err *err)
{
	int rc = check_options(s->opts, &s->route, err);

	if (rc == 0)
		rc = open_gpus(s, which, err);
	s->copies.gated = s->opts->kind != FL_HOST_PAGEABLE;
	if (rc == 0 && s->route.gpus_n > 1)
		rc = open_peers(s, lane, err);
	if (rc == 0)
		rc = open_memory(s, lane, err);
	if (rc == 0)
		rc = fl_copies_make(&s->copies, err);
	if (rc == 0)
		rc = try_path(s, err);
	return rc;
}

static int open_route(const struct route *route, struct fl_lane *lane, const struct fl_gpu_copy_opts *o,
		      const struct fl_device *first, const struct fl_device *second, void **ret_state,
		      struct fl_err *err)
{
	const struct fl_device *const which[2] = { first, second };
	struct copy_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = o;
	s->route = *route;
	s->gpu[0].number = s->gpu[1].number = -1;
	rc = open_all(s, lane, which, err);
	if (rc < 0) {
		fl_gpu_copy_close(s);
		return rc;
	}
	state_facts(s, lane);
	*ret_state = s;
	return 0;
}

/* ---- the rows */

int fl_gpu_copy_open_h2d(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	static const struct route route = { .sides_n = 1, .gpus_n = 1, .side = { { HOST, FIRST, FIRST } } };
	const struct fl_gpu_copy_opts *o = opts;

	return open_route(&route, lane, o, o->gpu, NULL, ret_state, err);
}

int fl_gpu_copy_open_d2h(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	static const struct route route = { .sides_n = 1, .gpus_n = 1, .side = { { FIRST, HOST, FIRST } } };
	const struct fl_gpu_copy_opts *o = opts;

	return open_route(&route, lane, o, o->gpu, NULL, ret_state, err);
}

int fl_gpu_copy_open_bidir(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	static const struct route route = {
		.sides_n = 2, .gpus_n = 1, .side = { { HOST, FIRST, FIRST }, { FIRST, HOST, FIRST } }, .batches = true
	};
	const struct fl_gpu_copy_opts *o = opts;

	return open_route(&route, lane, o, o->gpu, NULL, ret_state, err);
}

int fl_gpu_copy_open_local(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	static const struct route route = { .sides_n = 1, .gpus_n = 1, .side = { { FIRST, FIRST, FIRST } } };
	const struct fl_gpu_copy_opts *o = opts;

	return open_route(&route, lane, o, o->gpu, NULL, ret_state, err);
}

int fl_gpu_copy_open_p2p(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct fl_gpu_copy_opts *o = opts;
	bool pushed = o->access == FL_GPU_WRITE;
	const struct route route = { .sides_n = o->direction == FL_GPU_BOTH ? 2 : 1,
				     .gpus_n = 2,
				     .side = { { FIRST, SECOND, pushed ? FIRST : SECOND },
					       { SECOND, FIRST, pushed ? SECOND : FIRST } },
				     .batches = true };

	return open_route(&route, lane, o, o->from, o->to, ret_state, err);
}

/* ---- the run */

/* What was copied so far leaves nothing behind by which the timed copies could pass for right. */
int fl_gpu_copy_enter(void *state, unsigned thread, struct fl_err *err)
{
	struct copy_state *s = state;
	int rc = fl_copies_wake(&s->copies, err);

	(void)thread;
	if (rc == 0)
		rc = spoil_all(s, err);
	fl_copies_restart(&s->copies);
	return rc;
}

int fl_gpu_copy_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	enum { FORTH, BACK };
	struct copy_state *s = state;
	struct fl_copies_did batch;
	int rc = fl_copies_step(&s->copies, n, &batch, err);

	(void)thread;
	if (rc < 0)
		return rc;
	did->ops = s->route.batches ? 1 : batch.copies;
	did->bytes = (uint64_t)llround(batch.bytes[0] + batch.bytes[1]);
	did->device_ns = batch.ns;
	did->busy_ns = batch.busy_ns;
	did->spoilt = batch.spoilt;
	if (s->route.sides_n > 1 && !batch.spoilt) {
		did->given[FORTH] = batch.bytes[0] / batch.ns * 1e9;
		did->given[BACK] = batch.bytes[1] / batch.ns * 1e9;
	}
	return 0;
}

void fl_gpu_copy_halt(void *state)
{
	struct copy_state *s = state;

	fl_copies_halt(&s->copies);
}

void fl_gpu_copy_leave(void *state, unsigned thread)
{
	struct copy_state *s = state;

	(void)thread;
	fl_copies_drain(&s->copies);
}

int fl_gpu_copy_verify(void *state, struct fl_err *err)
{
	return check_all(state, err);
}
