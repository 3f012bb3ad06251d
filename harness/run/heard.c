/* SPDX-License-Identifier: Apache-2.0 */
/* heard.c: what the watcher says. */
#include "run/heard.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 8192, ALL_MAX = 1 << 20, MESSAGE_SAMPLES_MAX = 1024, TEXT_MAX = 150 };
static const uint64_t future_ns = 1000000000;

static const char own[] = "feedline";

/* ---- keeping */

void fl_heard_init(struct fl_heard *h)
{
	*h = (struct fl_heard){ 0 };
	fl_heard_expect(h, "system");
	fl_heard_expect(h, own);
}

static struct fl_heard_subject *find_subject(const struct fl_heard *h, const char *id)
{
	for (size_t i = 0; i < h->subjects_n; i++)
		if (!strcmp(h->subjects[i].id, id))
			return &h->subjects[i];
	return NULL;
}

void fl_heard_expect(struct fl_heard *h, const char *subject)
{
	if (h->subjects_n == FL_HEARD_SUBJECTS_MAX || find_subject(h, subject))
		return;
	h->subjects = fl_grow(h->subjects, h->subjects_n + 1, sizeof(*h->subjects));
	h->subjects[h->subjects_n++] = (struct fl_heard_subject){ .id = fl_dup(subject) };
}

void fl_heard_clear(struct fl_heard *h)
{
	for (size_t i = 0; h->subjects && i < h->subjects_n; i++) {
		struct fl_heard_subject *s = &h->subjects[i];

		for (size_t k = 0; k < s->metrics_n; k++) {
			free(s->metrics[k].at_ns);
			free(s->metrics[k].value);
		}
		s->metrics_n = 0;
	}
	h->samples = 0;
}

void fl_heard_release(struct fl_heard *h)
{
	fl_heard_clear(h);
	for (size_t i = 0; i < h->subjects_n; i++)
		free(h->subjects[i].id);
	free(h->subjects);
	*h = (struct fl_heard){ 0 };
}

/* Every second sample of it. */
static void thin(struct fl_heard *h, struct fl_heard_series *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i += 2, kept++) {
		s->at_ns[kept] = s->at_ns[i];
		s->value[kept] = s->value[i];
	}
	h->samples -= s->n - kept;
	s->n = kept;
}

static void thin_all(struct fl_heard *h)
{
	for (size_t i = 0; i < h->subjects_n; i++)
		for (size_t k = 0; k < h->subjects[i].metrics_n; k++)
			thin(h, &h->subjects[i].metrics[k]);
}

/* NULL: no subject has that many. */
static struct fl_heard_series *find_series(struct fl_heard_subject *s, const char *metric)
{
	for (size_t i = 0; i < s->metrics_n; i++)
		if (!strcmp(s->metrics[i].metric, metric))
			return &s->metrics[i];
	if (s->metrics_n == FL_HEARD_METRICS_MAX)
		return NULL;
	s->metrics[s->metrics_n] = (struct fl_heard_series){ .n = 0 };
	fl_copy(s->metrics[s->metrics_n].metric, sizeof(s->metrics[0].metric), metric);
	return &s->metrics[s->metrics_n++];
}

static void append(struct fl_heard *h, struct fl_heard_series *s, uint64_t at_ns, double value)
{
	if (s->n == SERIES_MAX)
		thin(h, s);
	if (h->samples >= ALL_MAX)
		thin_all(h);
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 32;
		s->at_ns = fl_grow(s->at_ns, s->room, sizeof(*s->at_ns));
		s->value = fl_grow(s->value, s->room, sizeof(*s->value));
	}
	s->at_ns[s->n] = at_ns;
	s->value[s->n++] = value;
	h->samples++;
}

void fl_heard_add(struct fl_heard *h, const char *subject, const char *metric, uint64_t at_ns, double value)
{
	struct fl_heard_subject *s = find_subject(h, subject);
	struct fl_heard_series *series = s ? find_series(s, metric) : NULL;

	if (series && (series->n == 0 || at_ns >= series->at_ns[series->n - 1]))
		append(h, series, at_ns, value);
}

/* ---- messages */

static int lie(struct fl_err *err, const char *what)
{
	return fl_fail(err, -EPROTO, "%s", what);
}

/* NULL: it lies. */
static struct fl_heard_subject *take_subject(const struct fl_heard *h, const json_t *message, struct fl_err *err)
{
	const char *id = fl_json_text_or_null(message, "subject");
	struct fl_heard_subject *subject = id && strcmp(id, own) ? find_subject(h, id) : NULL;

	if (!subject)
		lie(err, "it speaks of what it was not told to watch");
	return subject;
}

static int take_time(const json_t *value, uint64_t last_ns, uint64_t now_ns, uint64_t *ret, struct fl_err *err)
{
	json_int_t at = json_integer_value(value);

	if (!json_is_integer(value) || at < 0 || (uint64_t)at < last_ns || (uint64_t)at > now_ns + future_ns)
		return lie(err, "its times run back, or ahead");
	*ret = (uint64_t)at;
	return 0;
}

static int take_times(const json_t *message, uint64_t now_ns, uint64_t **ret, size_t *ret_n, struct fl_err *err)
{
	uint64_t last_ns = 0, *times;
	json_t *list;
	int rc = fl_json_array(message, "series", "at_ns", MESSAGE_SAMPLES_MAX, &list, NULL);

	if (rc < 0)
		return lie(err, "its times are no list");
	times = fl_zalloc(json_array_size(list) + 1, sizeof(*times));
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (take_time(json_array_get(list, i), last_ns, now_ns, &times[i], err) < 0) {
			free(times);
			return -EPROTO;
		}
		last_ns = times[i];
	}
	*ret = times;
	*ret_n = json_array_size(list);
	return 0;
}

static bool is_metric(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	return *name && strlen(name) < sizeof(((struct fl_heard_series *)0)->metric) && !name[strspn(name, allowed)];
}

static int take_values(struct fl_heard *h, struct fl_heard_series *s, const json_t *values, const uint64_t *times,
		       size_t n, struct fl_err *err)
{
	if (!json_is_array(values) || json_array_size(values) != n)
		return lie(err, "a series has not as many values as times");
	if (n && s->n && times[0] < s->at_ns[s->n - 1])
		return lie(err, "its times run back, or ahead");
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_array_get(values, i);

		if (!json_is_number(value) && !json_is_null(value))
			return lie(err, "a value is no number");
		if (json_is_number(value) && isfinite(json_number_value(value)))
			append(h, s, times[i], json_number_value(value));
	}
	return 0;
}

static int on_series(struct fl_heard *h, const json_t *message, uint64_t now_ns, struct fl_err *err)
{
	json_t *metrics = json_object_get(message, "metrics"), *values;
	struct fl_heard_subject *subject = take_subject(h, message, err);
	uint64_t *times = NULL;
	const char *name;
	size_t n = 0;
	int rc = subject ? take_times(message, now_ns, &times, &n, err) : -EPROTO;

	if (rc < 0)
		return rc;
	if (!json_is_object(metrics))
		rc = lie(err, "a series has no metrics");
	json_object_foreach(metrics, name, values)
	{
		struct fl_heard_series *s = is_metric(name) ? find_series(subject, name) : NULL;

		if (rc == 0)
			rc = s ? take_values(h, s, values, times, n, err) : lie(err, "a metric has no name");
	}
	free(times);
	return rc;
}

/* Of two series, a sample each at the same time. */
static void add_event(struct fl_heard *h, struct fl_heard_subject *subject, uint64_t at_ns, uint64_t xid, uint64_t n)
{
	struct fl_heard_series *xids = find_series(subject, "xid"), *counts = find_series(subject, "xid_events");

	if (!xids || !counts || (xids->n && at_ns < xids->at_ns[xids->n - 1]))
		return;
	append(h, xids, at_ns, (double)xid);
	append(h, counts, at_ns, (double)n);
}

/* "xid 79", n times, becomes a sample of 79 and one of n. */
static int on_event(struct fl_heard *h, const json_t *message, uint64_t now_ns, struct fl_err *err)
{
	static const uint64_t most = UINT64_C(1) << 53;
	const char *what = fl_json_text_or_null(message, "what");
	struct fl_heard_subject *subject = take_subject(h, message, err);
	uint64_t at_ns, xid, n;
	int rc = subject ? take_time(json_object_get(message, "at_ns"), 0, now_ns, &at_ns, err) : -EPROTO;

	if (rc < 0)
		return rc;
	if (!what || strncmp(what, "xid ", 4) != 0 || fl_parse_count(what + 4, &xid, NULL) < 0 || xid > most ||
	    fl_json_u64(message, "event", "n", most, &n, NULL) < 0 || n == 0)
		return lie(err, "it tells of an event that is none");
	add_event(h, subject, at_ns, xid, n);
	return 0;
}

static int on_cost(struct fl_heard *h, const json_t *message, uint64_t now_ns, struct fl_err *err)
{
	static const char *const members[] = { "cpu_ns", "wall_ns", "calls", "longest_call_ns" };
	static const uint64_t most = UINT64_C(1) << 53;
	uint64_t at_ns, value;
	int rc = take_time(json_object_get(message, "at_ns"), 0, now_ns, &at_ns, err);

	for (size_t i = 0; i < 4 && rc == 0; i++) {
		rc = fl_json_u64(message, "cost", members[i], most, &value, NULL);
		if (rc == 0)
			fl_heard_add(h, own, members[i], at_ns, (double)value);
	}
	return rc < 0 ? lie(err, "what it says it costs is no number") : 0;
}

static int on_lost(struct fl_heard *h, const json_t *message, uint64_t now_ns, struct fl_err *err)
{
	const char *what = fl_json_text_or_null(message, "what");
	const struct fl_heard_subject *subject = take_subject(h, message, err);

	(void)now_ns;
	if (!subject)
		return -EPROTO;
	if (!what || !*what || strlen(what) > TEXT_MAX)
		return lie(err, "it does not say why something is lost");
	snprintf(h->lost, sizeof(h->lost), "%.40s: %s", subject->id, what);
	fl_blank_controls(h->lost);
	return 0;
}

static int on_word(struct fl_heard *h, const json_t *message, uint64_t now_ns, struct fl_err *err)
{
	(void)h;
	(void)message;
	(void)now_ns;
	(void)err;
	return 0;
}

int fl_heard_take(struct fl_heard *h, const json_t *message, uint64_t now_ns, enum fl_said *ret, struct fl_err *err)
{
	static const struct {
		const char *is;
		int (*on)(struct fl_heard *h, const json_t *message, uint64_t now_ns, struct fl_err *err);
	} kinds[] = {
		[FL_SAID_SERIES] = { "series", on_series }, [FL_SAID_EVENT] = { "event", on_event },
		[FL_SAID_COST] = { "cost", on_cost },	    [FL_SAID_LOST] = { "lost", on_lost },
		[FL_SAID_READY] = { "ready", on_word },	    [FL_SAID_QUIET] = { "quiet", on_word },
	};
	const char *is = fl_json_text_or_null(message, "is");

	for (size_t i = 0; is && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].is, is) != 0)
			continue;
		*ret = (enum fl_said)i;
		return kinds[i].on(h, message, now_ns, err);
	}
	return lie(err, "it says what nobody asked for");
}

/* ---- collecting */

/* What watching cost before the window belongs to something else. */
static bool lies_in(uint64_t at_ns, const struct fl_window *w, uint64_t margin_ns, bool is_cost)
{
	return at_ns + (is_cost ? 0 : margin_ns) >= w->from_ns && at_ns <= w->to_ns + margin_ns;
}

static bool is_between_equals(const struct fl_series *s, size_t i)
{
	return i > 0 && i + 1 < s->n && s->value[i] == s->value[i - 1] && s->value[i] == s->value[i + 1];
}

/* What lies between equal values says nothing that they do not. */
static void compact(struct fl_series *s)
{
	uint8_t *keep = fl_zalloc(s->n + 1, 1);
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		keep[i] = !is_between_equals(s, i);
	for (size_t i = 0; i < s->n; i++) {
		if (!keep[i])
			continue;
		s->at[kept] = s->at[i];
		s->value[kept++] = s->value[i];
	}
	free(keep);
	s->n = kept;
}

static void collect_one(const struct fl_heard_series *from, const struct fl_window *w, uint64_t margin_ns, bool is_cost,
			struct fl_series *ret)
{
	*ret = (struct fl_series){ .metric = fl_dup(from->metric),
				   .kind = FL_SERIES_SAMPLES,
				   .at = fl_zalloc(from->n + 1, sizeof(*ret->at)),
				   .value = fl_zalloc(from->n + 1, sizeof(*ret->value)),
				   .valid = fl_zalloc(from->n + 1, sizeof(*ret->valid)) };
	for (size_t i = 0; i < from->n; i++) {
		if (!lies_in(from->at_ns[i], w, margin_ns, is_cost))
			continue;
		ret->at[ret->n] = (double)(int64_t)(from->at_ns[i] - w->from_ns);
		ret->value[ret->n++] = from->value[i];
	}
	if (strcmp(from->metric, "xid") != 0 && strcmp(from->metric, "xid_events") != 0) /* which belong together */
		compact(ret);
	memset(ret->valid, 1, ret->n);
}

static int in_order(const void *a, const void *b)
{
	return fl_watched_compare(a, b);
}

void fl_heard_collect(const struct fl_heard *h, const struct fl_window *window, uint64_t margin_ns, unsigned case_no,
		      unsigned round, struct fl_run *run)
{
	size_t before = run->watched_n;

	for (size_t i = 0; i < h->subjects_n; i++) {
		const struct fl_heard_subject *s = &h->subjects[i];

		for (size_t k = 0; k < s->metrics_n; k++) {
			struct fl_watched *w = fl_run_add_watched(run);

			w->case_no = case_no;
			w->round = round;
			w->subject = fl_dup(s->id);
			collect_one(&s->metrics[k], window, margin_ns, !strcmp(s->id, own), &w->series);
			if (w->series.n)
				continue;
			fl_watched_release(w);
			run->watched_n--;
		}
	}
	if (run->watched_n > before)
		qsort(run->watched + before, run->watched_n - before, sizeof(*run->watched), in_order);
}
