/* SPDX-License-Identifier: Apache-2.0 */
/* starts.h: how many workers a round of a plan starts, where those that fit are used again. */
#ifndef FL_TESTS_STARTS_H
#define FL_TESTS_STARTS_H
#include "plan/plan.h"
#include <string.h>

/* What a worker is started as: another lane can have it where all of this is the same (run/worker.h). */
struct start {
	const char *program;
	struct fl_cpus cpus;
	int node;
	unsigned in_case, most; /* at the same time */
};

static inline struct fl_cpus both(const struct fl_cpus *a, const struct fl_cpus *b)
{
	struct fl_cpus all = *a;

	for (size_t k = 0; k < sizeof(all.bits) / sizeof(*all.bits); k++)
		all.bits[k] |= b->bits[k];
	return all;
}

static inline struct start start_of(const struct fl_plan_case *c, unsigned worker)
{
	struct start s = { .program = c->lanes[worker].bench, .node = c->lanes[worker].node };

	for (size_t k = 0; k < c->lanes_n; k++) {
		if (c->lanes[k].worker != worker)
			continue;
		s.cpus = both(&s.cpus, &c->lanes[k].cpus);
		s.node = c->lanes[k].node == s.node ? s.node : -1;
	}
	return s;
}

static inline void count_start(struct start *starts, size_t *n, const struct start *s)
{
	size_t i = 0;

	while (i < *n && (starts[i].node != s->node || !fl_cpus_equal(&starts[i].cpus, &s->cpus)))
		i++;
	if (i == *n)
		starts[(*n)++] = *s;
	starts[i].in_case++;
	if (starts[i].in_case > starts[i].most)
		starts[i].most = starts[i].in_case;
}

/* Of lanes whose benchmark begins so (NULL: all), which are of one program. */
static inline unsigned count_starts(const struct fl_plan *plan, const char *prefix)
{
	static struct start starts[1000];
	unsigned all = 0;
	size_t n = 0;

	for (size_t i = 0; i < plan->cases_n; i++) {
		const struct fl_plan_case *c = &plan->cases[i];

		for (size_t k = 0; k < n; k++)
			starts[k].in_case = 0;
		for (unsigned k = 0; k < c->lanes_n; k++) {
			struct start s = start_of(c, k);

			if (c->lanes[k].worker == k && !c->lanes[k].skip &&
			    (!prefix || strncmp(c->lanes[k].bench, prefix, strlen(prefix)) == 0))
				count_start(starts, &n, &s);
		}
	}
	for (size_t k = 0; k < n; k++)
		all += starts[k].most;
	return all;
}

#endif
