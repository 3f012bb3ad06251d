/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_rig.h: two lanes of a group in two threads of one program, with what they ask of the harness. The test includes
 * the benchmark's source file itself. */
#ifndef TCP_RIG_H
#define TCP_RIG_H
#include <errno.h>
#include <feedline/bench.h>
#include <feedline/hist.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { RIG_FACTS = 24, RIG_TEXT = 160 };

/* What is said at one point. */
struct rig_group {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned char said[2][FL_GATHER_MAX];
	unsigned came, left;
	int lost; /* one of the two came to an end */
	/* the stop of a case */
	const struct fl_bench *bench;
	void *states[2]; /* of lanes that are open */
	int stopped;
};

struct fl_lane {
	struct rig_group *group;
	unsigned rank, size;
	void *memory;
	char facts[RIG_FACTS][RIG_TEXT];
	unsigned facts_n;
	/* What the test does with what this lane says; NULL: nothing. */
	void (*meddle)(const char *name, void *mine);
};

unsigned fl_rank(const struct fl_lane *lane)
{
	return lane->rank;
}

unsigned fl_size(const struct fl_lane *lane)
{
	return lane->size;
}

const char *fl_address(const struct fl_lane *lane, unsigned rank)
{
	return rank < lane->size ? "127.0.0.1" : NULL;
}

unsigned fl_threads(const struct fl_lane *lane)
{
	(void)lane;
	return 1;
}

int fl_alloc(struct fl_lane *lane, uint64_t bytes, int node, void **ret, struct fl_err *err)
{
	(void)node;
	lane->memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
	if (!lane->memory)
		return fl_fail(err, -ENOMEM, "the rig has no memory");
	memset(lane->memory, 0, bytes);
	*ret = lane->memory;
	return 0;
}

void fl_set_fact(struct fl_lane *lane, const char *name, const char *fmt, ...)
{
	char *text = lane->facts[lane->facts_n++ % RIG_FACTS];
	int n = snprintf(text, RIG_TEXT, "%s=", name);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + n, (size_t)(RIG_TEXT - n), fmt, args);
	va_end(args);
}

static inline const char *rig_fact(const struct fl_lane *lane, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; i < lane->facts_n; i++)
		if (!strncmp(lane->facts[i], name, n) && lane->facts[i][n] == '=')
			return lane->facts[i] + n + 1;
	return "";
}

/* As the harness does it, but for the names: both come, both hear. */
int fl_allgather(struct fl_lane *lane, const char *name, const void *mine, size_t bytes, void *ret_all,
		 struct fl_err *err)
{
	struct rig_group *g = lane->group;
	int rc = 0;

	pthread_mutex_lock(&g->lock);
	while (g->left > 0 && !g->lost) /* the last point is not left by all yet */
		pthread_cond_wait(&g->changed, &g->lock);
	if (bytes)
		memcpy(g->said[lane->rank], mine, bytes);
	if (lane->meddle)
		lane->meddle(name, g->said[lane->rank]);
	if (++g->came == 2) {
		g->came = 0;
		g->left = 2;
		pthread_cond_broadcast(&g->changed);
	}
	while (g->left == 0 && !g->lost)
		pthread_cond_wait(&g->changed, &g->lock);
	if (g->left == 0)
		rc = fl_fail(err, -ECANCELED, "the other lane is lost");
	else if (--g->left == 0)
		pthread_cond_broadcast(&g->changed);
	if (rc == 0 && bytes) {
		memcpy(ret_all, g->said[0], bytes);
		memcpy((char *)ret_all + bytes, g->said[1], bytes);
	}
	pthread_mutex_unlock(&g->lock);
	return rc;
}

int fl_barrier(struct fl_lane *lane, const char *name, struct fl_err *err)
{
	return fl_allgather(lane, name, NULL, 0, NULL, err);
}

/* That lane comes to no point any more. */
static inline void rig_lose(struct rig_group *g)
{
	pthread_mutex_lock(&g->lock);
	g->lost = 1;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

/* Halts both lanes, as the stop of a case does: those that are open, and those that will be. */
static inline void rig_stop(struct rig_group *g)
{
	pthread_mutex_lock(&g->lock);
	for (unsigned i = 0; i < 2 && !g->stopped; i++)
		if (g->states[i])
			g->bench->halt(g->states[i]);
	g->stopped = 1;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static inline void rig_await_stop(struct rig_group *g)
{
	pthread_mutex_lock(&g->lock);
	while (!g->stopped && !g->lost)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static inline void rig_set_state(struct rig_group *g, const struct fl_bench *bench, unsigned rank, void *state)
{
	pthread_mutex_lock(&g->lock);
	g->bench = bench;
	g->states[rank] = state;
	if (state && g->stopped)
		bench->halt(state);
	pthread_mutex_unlock(&g->lock);
}

static inline struct rig_group *new_group(void)
{
	struct rig_group *g = calloc(1, sizeof(*g));

	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	return g;
}

/* ---- a lane's life, in a thread of its own: open, enter, steps of one until so many ops or halted, leave, verify */
enum rig_stage { RIG_OPENING, RIG_STEPPING, RIG_OVER };

struct rig_life {
	const struct fl_bench *bench;
	const void *opts;
	struct fl_lane lane;
	unsigned threads;
	uint64_t ops_wanted; /* 0: until it is halted from elsewhere */
	struct fl_hist *hist;
	/* results */
	pthread_t id;
	int open_rc, step_rc, verify_rc;
	struct fl_err err;
	uint64_t ops, bytes;
	void *state;
};

struct rig_thread {
	struct rig_life *life;
	unsigned index;
	uint64_t ops, bytes;
	pthread_t id;
	int rc;
	struct fl_err err;
};

static inline void *rig_step(void *arg)
{
	struct rig_thread *t = arg;
	const struct fl_bench *b = t->life->bench;
	struct fl_hist *hist[] = { t->life->hist };

	t->rc = b->enter ? b->enter(t->life->state, t->index, &t->err) : 0;
	while (t->rc == 0 && (!t->life->ops_wanted || t->ops < t->life->ops_wanted)) {
		struct fl_step did = { .hist = hist };

		t->rc = b->step(t->life->state, t->index, 1, &did, &t->err);
		t->ops += t->rc == 0 ? did.ops : 0;
		t->bytes += t->rc == 0 ? did.bytes : 0;
	}
	if (t->rc == FL_IDLE)
		rig_await_stop(t->life->lane.group);
	rig_stop(t->life->lane.group); /* one that has enough ends it for all */
	if (b->leave)
		b->leave(t->life->state, t->index);
	return NULL;
}

static inline void rig_steps(struct rig_life *l)
{
	struct rig_thread *t = calloc(l->threads, sizeof(*t));

	for (unsigned i = 0; i < l->threads; i++) {
		t[i] = (struct rig_thread){ .life = l, .index = i };
		if (pthread_create(&t[i].id, NULL, rig_step, &t[i]))
			abort();
	}
	for (unsigned i = 0; i < l->threads; i++) {
		pthread_join(t[i].id, NULL);
		l->ops += t[i].ops;
		l->bytes += t[i].bytes;
		if (t[i].rc < 0 && t[i].rc != -ECANCELED && !l->step_rc) {
			l->step_rc = t[i].rc;
			l->err = t[i].err;
		}
	}
	free(t);
}

static inline void *rig_live(void *arg)
{
	struct rig_life *l = arg;

	l->open_rc = l->bench->open(&l->lane, l->opts, &l->state, &l->err);
	if (l->open_rc < 0) {
		rig_lose(l->lane.group);
		return NULL;
	}
	rig_set_state(l->lane.group, l->bench, l->lane.rank, l->state);
	rig_steps(l);
	rig_set_state(l->lane.group, l->bench, l->lane.rank, NULL);
	if (l->step_rc < 0)
		rig_lose(l->lane.group);
	else
		l->verify_rc = l->bench->verify(l->state, &l->err);
	l->bench->close(l->state);
	return NULL;
}

static inline void rig_begin(struct rig_life *l)
{
	if (pthread_create(&l->id, NULL, rig_live, l))
		abort();
}

static inline void rig_end(struct rig_life *l)
{
	pthread_join(l->id, NULL);
	free(l->lane.memory);
	l->lane.memory = NULL;
}

#endif
