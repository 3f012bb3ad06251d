/* SPDX-License-Identifier: Apache-2.0 */
/* rungs.c: the rungs of a ladder: who measured them, what they delivered, and what each adds to the time of a batch. */
#include "base/alloc.h"
#include "base/json.h"
#include "judge/feed.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int find_rung(const struct fl_feed_plan *p, const char *name)
{
	for (size_t i = 0; i < p->rungs_n; i++)
		if (strcmp(p->rungs[i].declared->name, name) == 0)
			return (int)i;
	return -1;
}

/* A case of its own; one accelerator has the rung of its own source from the open loop. */
static const struct fl_subject *find_lane(const struct fl_feed_plan *p, const struct fl_rung *rung, const char *source)
{
	const struct fl_feed_case *own = fl_feed_find_case(p, rung->name);

	if (own)
		return fl_feed_lane_of(own, 0);
	if (source && strcmp(rung->source, source) == 0 && p->loop->n == 1)
		return fl_feed_lane_of(p->open, 0);
	return NULL;
}

/* One thread copies, whatever the memory could do. */
static char *name_hop(const struct fl_subject *loop, const char *hop)
{
	char *name = fl_hop_name(loop, loop->verdict, hop ? hop : "?"), *copying;

	if (!hop || strcmp(hop, "memory") != 0)
		return name;
	copying = fl_format("copying into it (one CPU, %s)", name);
	free(name);
	return copying;
}

void fl_feed_measure_rungs(struct fl_feed_plan *p, double step_bytes)
{
	const struct fl_subject *loop = &p->loop->lanes[0];
	const char *source = fl_json_text_or_null(loop->verdict->options, "source"), *why;

	p->top = -1;
	for (const struct fl_rung *r = loop->entry->rungs + 1; r->name; r++) {
		struct fl_feed_rung *rung = &p->rungs[p->rungs_n];

		*rung = (struct fl_feed_rung){ .declared = r,
					       .after = find_rung(p, r->after),
					       .s = find_lane(p, r, source),
					       .hop = name_hop(loop, r->hop) };
		if (rung->s && fl_feed_is_measured(rung->s, &why)) {
			rung->open = fl_open_measure(rung->s->records, rung->s->n, step_bytes);
			rung->s->verdict->delivered = rung->open.rate;
		}
		if (source && strcmp(r->source, source) == 0)
			p->top = (int)p->rungs_n;
		p->rungs_n++;
	}
}

void fl_feed_release_rungs(struct fl_feed_plan *p)
{
	for (size_t i = 0; i < p->rungs_n; i++) {
		fl_open_release(&p->rungs[i].open);
		free(p->rungs[i].hop);
	}
	p->rungs_n = 0;
}

static bool is_in_chain(const struct fl_feed_plan *p, int rung)
{
	for (int at = p->top; at >= 0; at = p->rungs[at].after)
		if (at == rung)
			return true;
	return false;
}

static const char *verdict_of(int holds)
{
	return holds > 0 ? "suffices" : holds < 0 ? "too slow" : "at the limit";
}

/* The time of a batch one rung before; NaN: unknown. */
static double time_before(const struct fl_feed_plan *p, const struct fl_feed_rung *rung, double step_bytes)
{
	const struct fl_interval *before = rung->after < 0 ? NULL : &p->rungs[rung->after].open.rate;

	if (!before)
		return 0;
	return before->n ? step_bytes / before->median : (double)NAN;
}

static struct fl_rung_result result_of(const struct fl_feed_plan *p, const struct fl_feed_rung *rung, double demand,
				       double step_bytes)
{
	const struct fl_interval *rate = &rung->open.rate;
	double before = time_before(p, rung, step_bytes);
	struct fl_rung_result r = { .name = rung->declared->name,
				    .after = rung->declared->after,
				    .hop = fl_dup(rung->hop),
				    .rate = *rate,
				    .share = NAN,
				    .exposed_ns = NAN,
				    .beside = !is_in_chain(p, (int)(rung - p->rungs)) };

	if (rate->n) {
		r.share = rate->median / demand;
		r.faster = rung->after >= 0 && fl_rung_is_faster(rate, &p->rungs[rung->after].open.rate);
		if (!isnan(before) && !r.faster)
			r.exposed_ns = fmax(0, 1e9 * (step_bytes / rate->median - before)); /* below it is noise */
		r.verdict = verdict_of(fl_rate_holds(rate, demand));
	} else {
		r.rate = (struct fl_interval){ .median = NAN, .low = NAN, .high = NAN };
		if (fl_feed_is_measured(rung->s, &r.why))
			r.why = "fewer than 3 batches came while it was measured";
	}
	return r;
}

/* Rungs of the loop's path are shown, in the order of their declaration, which is that of the path; those beside it
 * where they were measured. */
static void add_rungs(const struct fl_feed_plan *p, bool beside, double demand, double step_bytes,
		      struct fl_feed_study *study)
{
	for (size_t i = 0; i < p->rungs_n; i++)
		if (p->rungs[i].s && is_in_chain(p, (int)i) != beside && (!beside || p->rungs[i].open.rate.n))
			study->rungs[study->rungs_n++] = result_of(p, &p->rungs[i], demand, step_bytes);
}

struct fl_feed_study *fl_feed_study_make(const struct fl_feed_plan *p, double demand, double step_bytes)
{
	struct fl_feed_study *study = fl_zalloc(1, sizeof(*study));

	study->demand = p->demand;
	study->fairness = fl_feed_fairness(p);
	if (strcmp(p->kind, "ladder") != 0)
		return study;
	study->rungs = fl_zalloc(p->rungs_n + 1, sizeof(*study->rungs));
	add_rungs(p, false, demand, step_bytes, study);
	add_rungs(p, true, demand, step_bytes, study);
	return study;
}

void fl_feed_study_free(struct fl_feed_study *study)
{
	if (!study)
		return;
	for (size_t i = 0; i < study->rungs_n; i++)
		free(study->rungs[i].hop);
	free(study->rungs);
	free(study->fairness);
	free(study);
}
