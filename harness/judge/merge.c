/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c: what was found on each host as one judgement: lanes and studies one host after the other, cases and lanes by
 * their numbers in the run. */
#include "base/alloc.h"
#include "judge/views.h"
#include <stdlib.h>
#include <string.h>

static void take_lanes(struct fl_judgement *all, const struct fl_view *view, unsigned host)
{
	struct fl_judgement *j = view->j;

	memcpy(all->lanes + all->lanes_n, j->lanes, j->lanes_n * sizeof(*j->lanes));
	for (size_t i = 0; i < j->lanes_n; i++) {
		struct fl_lane_verdict *v = &all->lanes[all->lanes_n + i];

		v->lane = view->lanes[v->case_no][v->lane];
		v->case_no = view->cases[v->case_no];
		v->host = host;
	}
	for (size_t i = 0; i < view->subjects.n; i++) {
		struct fl_subject *s = &view->subjects.items[i];

		if (!s->verdict)
			continue;
		all->lanes[all->lanes_n + (size_t)(s->verdict - j->lanes)].group_name = s->group_name;
		s->group_name = NULL;
	}
}

static const struct fl_lane_verdict *moved(const struct fl_judgement *all, const struct fl_judgement *j,
					   const struct fl_lane_verdict *v)
{
	return v ? all->lanes + all->lanes_n + (v - j->lanes) : NULL;
}

/* Their points are lanes of the whole now. */
static void take_studies(struct fl_judgement *all, struct fl_judgement *j)
{
	for (size_t i = 0; i < j->studies_n; i++) {
		struct fl_study_result *s = &all->studies[all->studies_n + i];

		*s = j->studies[i];
		for (size_t k = 0; k < s->points_n; k++) {
			s->points[k].lane = moved(all, j, s->points[k].lane);
			s->points[k].base = moved(all, j, s->points[k].base);
		}
		if (s->feed)
			s->feed = all->feeds + all->feeds_n + (s->feed - j->feeds);
	}
	all->studies_n += j->studies_n;
	j->studies_n = 0;
}

static void take_feeds(struct fl_judgement *all, struct fl_judgement *j, const char *host)
{
	for (size_t i = 0; i < j->feeds_n; i++) {
		struct fl_feed_finding *f = &all->feeds[all->feeds_n + i];
		char *headline = j->feeds[i].headline;

		*f = j->feeds[i];
		f->host = host;
		f->headline = headline ? fl_format("%s: %s", host, headline) : NULL;
		free(headline);
	}
	all->feeds_n += j->feeds_n;
	j->feeds_n = 0;
}

static struct fl_judgement *make_room(const struct fl_view *views, size_t n)
{
	struct fl_judgement *all = fl_zalloc(1, sizeof(*all));
	size_t lanes = 0, studies = 0, feeds = 0;

	for (size_t i = 0; i < n; i++) {
		lanes += views[i].j->lanes_n;
		studies += views[i].j->studies_n;
		feeds += views[i].j->feeds_n;
	}
	all->lanes = fl_zalloc(lanes, sizeof(*all->lanes));
	all->studies = fl_zalloc(studies, sizeof(*all->studies));
	all->feeds = fl_zalloc(feeds, sizeof(*all->feeds));
	return all;
}

static struct fl_judgement *take_only(struct fl_view *views)
{
	struct fl_judgement *j = views->j;

	views->j = NULL;
	fl_views_free(views, 1);
	return j;
}

struct fl_judgement *fl_views_merge(const struct fl_run *run, struct fl_view *views, size_t n)
{
	struct fl_judgement *all;

	if (run->hosts_n == 0)
		return take_only(views);
	all = make_room(views, n);
	for (unsigned i = 0; i < n; i++) {
		struct fl_judgement *j = views[i].j;
		size_t lanes_n = j->lanes_n;

		take_lanes(all, &views[i], i);
		take_studies(all, j);
		take_feeds(all, j, views[i].host);
		all->interrupted |= j->interrupted;
		all->lanes_n += lanes_n;
		j->lanes_n = 0;
		fl_subjects_release(&views[i].subjects);
	}
	fl_feed_conclude(all);
	all->views = views;
	all->views_n = n;
	fl_across_find(run, all);
	return all;
}
