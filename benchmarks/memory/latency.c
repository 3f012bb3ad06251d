/* SPDX-License-Identifier: Apache-2.0 */
/* memory.latency: how long one load from the memory of one node (its own or another) takes.
 *
 * Every cache line of a buffer holds the address of another one, and all of them make one cycle in random order. One
 * thread follows it: no load can begin before the one before it is done, no prefetcher knows the next, and a line is
 * met again only after all others, so no cache may hold the buffer (path/cache.h). fl_alloc() asks the kernel for huge
 * pages; with small ones a load costs a walk through page tables, too, so what was given is a key fact. */
#include "path/cache.h"
#include "path/pages.h"
#include "path/random.h"
#include <errno.h>
#include <feedline/bench.h>
#include <sched.h>
#include <stdlib.h>

enum { LINE_BYTES = 64 };

struct latency_opts {
	const struct fl_device *memory;
	uint64_t size;
};

struct line {
	struct line *next;
	char unused[LINE_BYTES - sizeof(struct line *)];
};

struct latency_state {
	struct line *lines;
	uint64_t lines_n;
	struct line *at;
	uint64_t loads; /* in all; the first one is of lines[0] */
};

/* ---- open */

/* Sattolo's shuffle: a permutation that is one single cycle, the same in every run. */
static void make_cycle(struct line *lines, uint64_t n)
{
	uint64_t seed = 1;

	for (uint64_t i = 0; i < n; i++)
		lines[i].next = &lines[i];
	for (uint64_t i = n - 1; i > 0; i--) {
		uint64_t k = fl_random_below(&seed, i);
		struct line *next = lines[i].next;

		lines[i].next = lines[k].next;
		lines[k].next = next;
	}
}

static int latency_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct latency_opts *o = opts;
	struct latency_state *s = calloc(1, sizeof(*s));
	uint64_t bytes = 0;
	void *buffer;
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	rc = fl_cache_beyond("/sys/devices/system/cpu", sched_getcpu(), 1, FL_CACHE_CHASE, o->size, &bytes, err);
	if (rc == 0)
		rc = fl_alloc(lane, bytes, o->memory->node, &buffer, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	*s = (struct latency_state){ .lines = buffer, .lines_n = bytes / LINE_BYTES, .at = buffer };
	make_cycle(s->lines, s->lines_n);
	fl_set_fact(lane, "pages", "%s", fl_pages_of("/proc/self/smaps", buffer, bytes));
	fl_set_fact(lane, "buffer_bytes", "%llu", (unsigned long long)bytes);
	*ret_state = s;
	return 0;
}

/* ---- the run */

static int latency_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct latency_state *s = state;
	struct line *at = s->at;

	(void)thread;
	(void)err;
	for (uint64_t i = 0; i < n; i++)
		at = at->next;
	s->at = at;
	s->loads += n;
	did->ops = n;
	return 0;
}

static bool is_line(const struct latency_state *s, const struct line *p)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)s->lines;

	return offset < s->lines_n * LINE_BYTES && offset % LINE_BYTES == 0;
}

/* Once round from the beginning: it must meet every line before it is back, and after as many loads as were done (less
 * whole rounds) the line at which the thread is. */
static int latency_verify(void *state, struct fl_err *err)
{
	const struct latency_state *s = state;
	const struct line *at = s->lines, *meant = NULL;

	for (uint64_t i = 0; i < s->lines_n; i++) {
		if (i == s->loads % s->lines_n)
			meant = at;
		at = at->next;
		if (!is_line(s, at))
			return fl_fail(err, -EBADMSG, "the cycle leaves the buffer after %llu loads",
				       (unsigned long long)i + 1);
		if ((at == s->lines) != (i + 1 == s->lines_n))
			return fl_fail(err, -EBADMSG, "the cycle of %llu lines is %s after %llu loads",
				       (unsigned long long)s->lines_n, at == s->lines ? "closed" : "still open",
				       (unsigned long long)i + 1);
	}
	if (s->at == meant)
		return 0;
	return fl_fail(err, -EBADMSG, "after %llu loads the thread is not where the cycle is",
		       (unsigned long long)s->loads);
}

static void latency_close(void *state)
{
	free(state);
}

/* ---- declarations */

static const struct fl_field latency_fields[] = {
	FL_FIELD(latency_opts, memory, FL_DEVICE, NULL, "node", "node that holds the buffer; local: that of the CPU"),
	FL_FIELD(latency_opts, size, FL_BYTES, "0", "0..4GiB", "bytes of the buffer; 0: well beyond the cache"),
	{ 0 },
};

static const struct fl_metric latency_metrics[] = {
	{ "load_ns", FL_STEP_NS, FL_LOWER, "time of one load, of which each waits for the one before it" },
	{ 0 },
};

static const struct fl_fact latency_facts[] = {
	{ "pages", true, "pages that hold the buffer: huge, small or mixed" },
	{ "buffer_bytes", false, "size of the buffer" },
	{ 0 },
};

static const struct fl_flow latency_flows[] = {
	{ "memory", "cpu", 1, NULL },
	{ 0 },
};

FL_BENCHES(memory, latency) = {
	{ .name = "memory.latency",
	  .summary = "loads with one CPU from the memory of a node, each load waiting for the one before",
	  .opts_bytes = sizeof(struct latency_opts),
	  .fields = latency_fields,
	  .metrics = latency_metrics,
	  .facts = latency_facts,
	  .flows = latency_flows,
	  .numa = "each",
	  .open = latency_open,
	  .step = latency_step,
	  .verify = latency_verify,
	  .close = latency_close },
	{ 0 },
};
