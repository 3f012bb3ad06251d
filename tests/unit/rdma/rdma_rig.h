/* SPDX-License-Identifier: Apache-2.0 */
/* rdma_rig.h: two sides of a link in two threads of one program: each opens its port, registers memory, makes the
 * link, does what the test wants, and takes all of it away again. */
#ifndef RDMA_RIG_H
#define RDMA_RIG_H
#include "path/rdma/link.h"
#include "stubs/verbs/stub.h"
#include "unit/path/tcp_rig.h"

static const char *const rig_roles[] = { "initiator", "target" };

struct side {
	struct fl_lane lane;
	struct fl_rdma_port_spec port_spec;
	struct fl_rdma_memory_spec memory_spec;
	struct fl_rdma_link_spec link_spec;
	int (*act)(struct side *s, struct fl_err *err); /* NULL: nothing; then both wait for each other */
	void *arg;
	/* while it acts */
	struct fl_rdma_port port;
	struct fl_rdma_memory memory;
	struct fl_rdma_link link;
	/* results */
	pthread_t id;
	int rc;
	struct fl_err err;
};

/* Rank r is at mlx5_<r>. */
static inline struct side side_of(struct rig_group *g, unsigned rank)
{
	return (struct side){
		.lane = { .group = g, .rank = rank, .size = 2 },
		.port_spec = { .device = rank ? "mlx5_1" : "mlx5_0", .interface = "", .gid = "auto", .mtu = "auto" },
		.memory_spec = { .bytes = 1 << 16,
				 .node = -1,
				 .rights = FL_RDMA_WRITABLE | FL_RDMA_READABLE | FL_RDMA_ATOMIC },
		.link_spec = { .roles = rig_roles, .pairs = 1, .depth = 16, .receives = 16 }
	};
}

static inline int side_make(struct side *s)
{
	int rc = fl_rdma_port_open(&s->port_spec, &s->port, &s->err);

	s->memory_spec.lane = s->link_spec.lane = &s->lane;
	s->memory_spec.port = s->link_spec.port = &s->port;
	s->link_spec.memory = &s->memory;
	if (rc == 0)
		rc = fl_rdma_memory_make(&s->memory_spec, &s->memory, &s->err);
	if (rc == 0)
		rc = fl_rdma_link_make(&s->link_spec, &s->link, &s->err);
	return rc;
}

static inline void *side_live(void *arg)
{
	struct side *s = arg;

	s->rc = side_make(s);
	if (s->rc == 0 && s->act)
		s->rc = s->act(s, &s->err);
	if (s->rc == 0)
		s->rc = fl_barrier(&s->lane, "over", &s->err);
	if (s->rc < 0)
		rig_lose(s->lane.group);
	fl_rdma_link_close(&s->link);
	fl_rdma_memory_release(&s->memory);
	fl_rdma_port_close(&s->port);
	return NULL;
}

/* Both, from beginning to end; whatever happens, nothing is left. */
static inline void sides_live(struct side *a, struct side *b)
{
	char why[160];

	if (pthread_create(&a->id, NULL, side_live, a) || pthread_create(&b->id, NULL, side_live, b))
		abort();
	pthread_join(a->id, NULL);
	pthread_join(b->id, NULL);
	free(a->lane.memory);
	free(b->lane.memory);
	free(a->lane.group);
	if (!verbs_stub_is_clean(why, sizeof(why)))
		fail_msg("%s", why);
}

#endif
