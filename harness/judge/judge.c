/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c: the lanes' verdicts to the one of the run, and its exit status. */
#include "judge/judge.h"
#include "base/alloc.h"
#include "base/json.h"
#include "judge/views.h"
#include <stdlib.h>

const char *fl_verdict_name(enum fl_verdict v)
{
	static const char *const names[] = {
		[FL_PASS] = "pass",
		[FL_FAIL] = "fail",
		[FL_INCONCLUSIVE] = "inconclusive",
		[FL_VERDICT_INVALID] = "invalid",
		[FL_VERDICT_NOT_MEASURED] = "not measured",
		[FL_UNJUDGED] = "unjudged",
	};

	return names[v];
}

/* Which verdict speaks for a run with several. */
static unsigned weight(enum fl_verdict v)
{
	static const unsigned weights[] = {
		[FL_PASS] = 0,	       [FL_UNJUDGED] = 1,	 [FL_VERDICT_NOT_MEASURED] = 2,
		[FL_INCONCLUSIVE] = 3, [FL_VERDICT_INVALID] = 4, [FL_FAIL] = 5,
	};

	return weights[v];
}

static bool is_measured(const struct fl_lane_verdict *v)
{
	return v->verdict != FL_VERDICT_NOT_MEASURED && v->verdict != FL_VERDICT_INVALID;
}

/* Rounds are missing that should be there. What cannot be measured here is known before and misses none. */
static bool is_interrupted(const struct fl_subject *s)
{
	return s->n < s->rounds_needed && !json_is_string(json_object_get(s->planned, "skip"));
}

static enum fl_status status_of_verdict(const struct fl_lane_verdict *v, bool bench)
{
	switch (v->verdict) {
	case FL_PASS:
		return FL_STATUS_PASS;
	case FL_FAIL:
		return FL_STATUS_FAIL;
	case FL_UNJUDGED: /* `bench` was asked to measure, and did */
		return v->required && !bench ? FL_STATUS_NOT_MEASURED : FL_STATUS_PASS;
	case FL_VERDICT_NOT_MEASURED:
	case FL_INCONCLUSIVE:
		return v->required ? FL_STATUS_NOT_MEASURED : FL_STATUS_PASS;
	case FL_VERDICT_INVALID: /* something is wrong with the measuring itself */
		break;
	}
	return FL_STATUS_NOT_MEASURED;
}

/* Too slow and not trustworthy is untrustworthy; wrong data is wrong however it was placed. */
static enum fl_status status_of_lane(const struct fl_lane_verdict *v, bool bench)
{
	enum fl_status status = status_of_verdict(v, bench);

	if (v->distrust_n && is_measured(v) && !v->wrong_data)
		return status == FL_STATUS_FAIL ? FL_STATUS_UNTRUSTED : fl_status_worse(status, FL_STATUS_UNTRUSTED);
	return status;
}

/* What others are held against, or make a measurement of, means something by itself only where something is wrong with
 * it. */
static bool is_mute(const struct fl_lane_verdict *v)
{
	return (v->evidence_only || v->beside) && v->verdict != FL_FAIL && v->verdict != FL_VERDICT_INVALID;
}

/* A lane that could not be measured and need not be says nothing about the others. */
static bool speaks(const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	return v->verdict != FL_VERDICT_NOT_MEASURED || v->required || j->interrupted;
}

static void conclude(struct fl_judgement *j, bool bench)
{
	size_t measured = 0, speakers = 0;

	j->status = j->interrupted ? FL_STATUS_NOT_MEASURED : FL_STATUS_PASS;
	j->verdict = j->interrupted ? FL_VERDICT_NOT_MEASURED : FL_PASS;
	j->trustworthy = true;
	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];

		if (v->beside && is_mute(v))
			continue;
		j->count[v->verdict]++;
		measured += is_measured(v);
		if (is_mute(v))
			continue;
		j->status = fl_status_worse(j->status, status_of_lane(v, bench));
		if (is_measured(v) && v->distrust_n)
			j->trustworthy = false;
		if (!speaks(j, v))
			continue;
		speakers++;
		if (weight(v->verdict) > weight(j->verdict))
			j->verdict = v->verdict;
	}
	for (size_t i = 0; i < j->hosts_n; i++)
		if (j->hosts[i].lost)
			j->status = fl_status_worse(j->status, FL_STATUS_NOT_MEASURED);
	if (measured == 0)
		j->status = fl_status_worse(j->status, FL_STATUS_NOT_MEASURED);
	if (speakers == 0)
		j->verdict = FL_VERDICT_NOT_MEASURED;
}

/* ---- one host */

static int begin(struct fl_view *view, struct fl_err *err)
{
	int rc = fl_subjects_make(view->run, &view->subjects, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < view->subjects.n; i++)
		view->subjects.items[i].host = view->host;
	view->j = fl_zalloc(1, sizeof(*view->j));
	view->j->lanes = fl_zalloc(view->subjects.n, sizeof(*view->j->lanes));
	return 0;
}

static void judge_lanes(struct fl_view *view)
{
	struct fl_subjects *subjects = &view->subjects;
	struct fl_judgement *j = view->j;

	for (size_t i = 0; i < subjects->n; i++) {
		if (!subjects->items[i].needed)
			continue;
		subjects->items[i].verdict = &j->lanes[j->lanes_n];
		fl_judge_lane(&subjects->items[i], &j->lanes[j->lanes_n++]);
		j->interrupted |= is_interrupted(&subjects->items[i]);
	}
}

static int finish(struct fl_view *view, struct fl_err *err)
{
	struct fl_subjects *subjects = &view->subjects;
	struct fl_judgement *j = view->j;

	fl_judge_shared(j->lanes, j->lanes_n);
	fl_judge_feeds(view->run, subjects, j);
	for (size_t i = 0, lane = 0; i < subjects->n; i++)
		if (subjects->items[i].needed)
			fl_show_ways(&subjects->items[i], &j->lanes[lane++]);
	fl_find_odd(j->lanes, j->lanes_n);
	j->entries = subjects->entries;
	j->entries_n = subjects->entries_n;
	subjects->entries = NULL;
	subjects->entries_n = 0;
	return fl_find_studies(view->run, j, err);
}

/* ---- all of them */

int fl_judge(const struct fl_run *run, struct fl_judgement **ret, struct fl_err *err)
{
	struct fl_judgement *j;
	struct fl_view *views;
	size_t n;
	bool bench;
	int rc = fl_views_make(run, &views, &n, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = begin(&views[i], err);
	if (rc == 0) {
		fl_find_groups(views, n);
		for (size_t i = 0; i < n; i++)
			judge_lanes(&views[i]);
		fl_join_groups(views, n);
		fl_judge_carried(views, n);
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = finish(&views[i], err);
	if (rc < 0) {
		fl_views_free(views, n);
		return rc;
	}
	bench = views[0].subjects.bench;
	j = fl_views_merge(run, views, n);
	conclude(j, bench);
	*ret = j;
	return 0;
}

static void release_lane(struct fl_lane_verdict *v)
{
	fl_path_release(v);
	for (size_t i = 0; i < v->distrust_n; i++)
		free(v->distrust[i]);
	for (size_t i = 0; i < v->remarks_n; i++)
		free(v->remarks[i]);
	for (size_t i = 0; i < v->metrics_n; i++)
		free(v->metrics[i].of_round);
	for (size_t i = 0; i < v->evidence_n; i++)
		free(v->evidence[i]);
	free(v->evidence);
	fl_feed_free(v->feed);
	free(v->again);
	free(v->again_when);
	free(v->peer.tool);
	free(v->peer.command);
	free(v->peer.prints);
	free(v->role);
	free(v->group_name);
	free(v->distrust);
	free(v->remarks);
	free(v->metrics);
	free(v->reason);
	free(v->hint);
	json_decref(v->options);
	json_decref(v->placement);
}

void fl_judgement_free(struct fl_judgement *j)
{
	if (!j)
		return;
	fl_studies_release(j);
	for (size_t i = 0; i < j->lanes_n; i++)
		release_lane(&j->lanes[i]);
	for (size_t i = 0; i < j->entries_n; i++)
		fl_entry_release(&j->entries[i]);
	for (size_t i = 0; i < j->feeds_n; i++) {
		free(j->feeds[i].headline);
		fl_feed_study_free(j->feeds[i].study);
	}
	free(j->feeds);
	fl_across_release(j);
	fl_views_free(j->views, j->views_n);
	free(j->headline);
	free(j->entries);
	free(j->lanes);
	free(j);
}
