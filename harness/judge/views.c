/* SPDX-License-Identifier: Apache-2.0 */
/* views.c: the plan and the records of a run, dealt out to its hosts. The record comes from a store that somebody may
 * have changed, so everything is checked. */
#include "judge/views.h"
#include "base/alloc.h"
#include "base/json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255 }; /* of a host; longer ones are none that is in a subject */

/* Where a lane of a case went. */
struct place {
	unsigned host, case_no, lane;
};

struct dealing {
	const struct fl_run *run;
	struct fl_view *views;
	size_t n;
	struct place **places; /* by case and lane of the run */
	size_t *lanes_n;       /* of each case */
	size_t cases_n;
	uint64_t slots;
	json_t *numbers; /* of hosts by name */
};

/* ---- cases */

static json_t *view_cases(const struct fl_view *v)
{
	return json_object_get(v->own->plan, "cases");
}

/* The case in the view, made with the first lane that it has there. */
static json_t *case_of(struct dealing *d, unsigned host, unsigned case_no, const json_t *doc)
{
	struct fl_view *v = &d->views[host];
	json_t *c;

	if (v->cases_n && v->cases[v->cases_n - 1] == case_no)
		return json_array_get(view_cases(v), v->cases_n - 1);
	c = json_copy((json_t *)(uintptr_t)doc); /* shallow, and what is replaced is only its own */
	json_object_set_new(c, "lanes", json_array());
	json_array_append_new(view_cases(v), c);
	v->cases = fl_grow(v->cases, v->cases_n + 1, sizeof(*v->cases));
	v->lanes = fl_grow(v->lanes, v->cases_n + 1, sizeof(*v->lanes));
	v->lanes[v->cases_n] = NULL;
	v->cases[v->cases_n++] = case_no;
	return c;
}

static int deal_lane(struct dealing *d, unsigned case_no, unsigned lane, const json_t *doc, json_t *planned,
		     struct fl_err *err)
{
	int64_t host = 0;
	struct fl_view *v;
	json_t *lanes;
	size_t at;
	char where[64];

	snprintf(where, sizeof(where), "plan.cases[%u].lanes[%u]", case_no, lane);
	if (fl_json_i64(planned, where, "host", 0, (int64_t)d->n - 1, &host, err) < 0)
		return err->code;
	lanes = json_object_get(case_of(d, (unsigned)host, case_no, doc), "lanes");
	v = &d->views[host];
	at = json_array_size(lanes);
	json_array_append(lanes, planned);
	v->lanes[v->cases_n - 1] = fl_grow(v->lanes[v->cases_n - 1], at + 1, sizeof(**v->lanes));
	v->lanes[v->cases_n - 1][at] = lane;
	d->places[case_no][lane] = (struct place){ (unsigned)host, (unsigned)v->cases_n - 1, (unsigned)at };
	return 0;
}

static int deal_case(struct dealing *d, unsigned case_no, const json_t *doc, struct fl_err *err)
{
	json_t *lanes = NULL;
	uint64_t rounds = 0;
	char where[64];
	int rc;

	snprintf(where, sizeof(where), "plan.cases[%u]", case_no);
	rc = fl_json_array(doc, where, "lanes", FL_CASE_LANES_MAX, &lanes, err);
	if (rc == 0)
		rc = fl_json_u64(doc, where, "rounds", FL_ROUNDS_MAX, &rounds, err);
	if (rc < 0)
		return rc;
	d->slots += json_array_size(lanes) * rounds;
	if (d->slots > FL_SLOTS_MAX)
		return fl_fail(err, -EINVAL, "the plan has more than %d measurements", FL_SLOTS_MAX);
	d->lanes_n[case_no] = json_array_size(lanes);
	d->places[case_no] = fl_zalloc(d->lanes_n[case_no] + 1, sizeof(**d->places));
	for (unsigned i = 0; i < d->lanes_n[case_no] && rc == 0; i++)
		rc = deal_lane(d, case_no, i, doc, json_array_get(lanes, i), err);
	return rc;
}

static int deal_cases(struct dealing *d, struct fl_err *err)
{
	json_t *cases = NULL;
	int rc = fl_json_array(d->run->plan, "plan", "cases", FL_CASES_MAX, &cases, err);

	if (rc < 0)
		return rc;
	d->cases_n = json_array_size(cases);
	d->places = fl_zalloc(d->cases_n + 1, sizeof(*d->places));
	d->lanes_n = fl_zalloc(d->cases_n + 1, sizeof(*d->lanes_n));
	for (unsigned i = 0; i < d->cases_n && rc == 0; i++)
		rc = deal_case(d, i, json_array_get(cases, i), err);
	return rc;
}

/* ---- studies: what a host has no part in is left out of its view; one of which it has a part is none any more */

static size_t cases_before(const struct fl_view *v, uint64_t case_no)
{
	size_t low = 0, high = v->cases_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->cases[middle] < case_no)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void deal_studies(struct dealing *d)
{
	json_t *studies = json_object_get(d->run->plan, "studies"), *study;
	size_t i;

	for (size_t k = 0; k < d->n && json_is_array(studies); k++) {
		struct fl_view *v = &d->views[k];
		json_t *own = json_array();

		json_array_foreach(studies, i, study)
		{
			uint64_t first = (uint64_t)json_integer_value(json_object_get(study, "first_case"));
			uint64_t n = (uint64_t)json_integer_value(json_object_get(study, "cases"));
			size_t from = cases_before(v, first), to = cases_before(v, first + n);
			json_t *copy;

			if (n && from == to)
				continue;
			copy = json_copy(study);
			json_object_set_new(copy, "first_case", json_integer((json_int_t)from));
			json_object_set_new(copy, "cases", json_integer((json_int_t)(to - from)));
			if (to - from < n)
				json_object_set_new(copy, "kind", json_string("repeat"));
			json_array_append_new(own, copy);
		}
		json_object_set_new(v->own->plan, "studies", own);
	}
}

/* ---- records */

static int deal_records(struct dealing *d, struct fl_err *err)
{
	for (size_t i = 0; i < d->run->lanes_n; i++) {
		const struct fl_lane_record *r = &d->run->lanes[i];
		struct fl_run *to;
		struct place p;

		if (r->case_no >= d->cases_n || r->lane >= d->lanes_n[r->case_no])
			return fl_fail(err, -EINVAL, "a record is of lane %u of case %u, which the plan does not have",
				       r->lane, r->case_no);
		p = d->places[r->case_no][r->lane];
		to = d->views[p.host].own;
		to->lanes = fl_grow(to->lanes, to->lanes_n + 1, sizeof(*to->lanes));
		to->lanes[to->lanes_n] = *r;
		to->lanes[to->lanes_n].case_no = p.case_no;
		to->lanes[to->lanes_n++].lane = p.lane;
	}
	return 0;
}

static struct fl_view *view_named(const struct dealing *d, const char *name, size_t n)
{
	char *copy = fl_format("%.*s", (int)(n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES), name);
	const json_t *number = json_object_get(d->numbers, copy);

	free(copy);
	return number ? &d->views[json_integer_value(number)] : NULL;
}

/* "n2/gpu-0000:41:00.0" goes to n2. What is of no host, or of a case without a lane there, is nobody's. */
static void deal_watched(struct dealing *d)
{
	for (size_t i = 0; i < d->run->watched_n; i++) {
		const struct fl_watched *w = &d->run->watched[i];
		char *slash = w->subject ? strchr(w->subject, '/') : NULL;
		struct fl_view *v = slash ? view_named(d, w->subject, (size_t)(slash - w->subject)) : NULL;
		size_t at = v ? cases_before(v, w->case_no) : 0;
		struct fl_watched *own;

		if (!v || at == v->cases_n || v->cases[at] != w->case_no)
			continue;
		own = fl_run_add_watched(v->own);
		*own = *w;
		own->case_no = (unsigned)at;
		own->subject = slash + 1;
	}
}

/* ---- views */

static struct fl_run *run_of(const struct fl_run *run, const struct fl_run_host *host)
{
	struct fl_run *own = fl_zalloc(1, sizeof(*own));

	*own = *run;
	own->lanes = NULL;
	own->watched = NULL;
	own->hosts = NULL;
	own->lanes_n = own->watched_n = own->hosts_n = 0;
	own->plan = json_copy(run->plan);
	json_object_set_new(own->plan, "cases", json_array());
	own->machine = json_incref(host->machine);
	own->environment = json_incref(host->environment);
	json_incref(own->declared);
	return own;
}

static int check_hosts(const struct fl_run *run, struct fl_err *err)
{
	json_t *names = NULL;
	int rc = fl_json_array(run->plan, "plan", "hosts", FL_RUN_HOSTS_MAX, &names, err);

	if (rc < 0)
		return rc;
	if (json_array_size(names) != run->hosts_n)
		return fl_fail(err, -EINVAL, "the plan is of %zu hosts, and the record of %zu", json_array_size(names),
			       run->hosts_n);
	for (size_t i = 0; i < run->hosts_n; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (!name || strcmp(name, run->hosts[i].name) != 0)
			return fl_fail(err, -EINVAL, "host %zu is '%s' in the plan and '%s' in the record", i,
				       name ? name : "", run->hosts[i].name);
	}
	return 0;
}

static int deal(struct dealing *d, struct fl_err *err)
{
	int rc = check_hosts(d->run, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < d->n; i++) {
		struct fl_view *v = &d->views[i];

		v->host = d->run->hosts[i].name;
		v->run = v->own = run_of(d->run, &d->run->hosts[i]);
		if (json_object_set_new(d->numbers, v->host, json_integer((json_int_t)i)) < 0)
			return fl_fail(err, -EINVAL, "the name of host %zu is no text", i);
	}
	if (json_object_size(d->numbers) != d->n)
		return fl_fail(err, -EINVAL, "two hosts of the run have one name");
	rc = deal_cases(d, err);
	if (rc == 0)
		rc = deal_records(d, err);
	if (rc < 0)
		return rc;
	deal_studies(d);
	deal_watched(d);
	return 0;
}

int fl_views_make(const struct fl_run *run, struct fl_view **ret, size_t *ret_n, struct fl_err *err)
{
	struct dealing d = { .run = run, .n = run->hosts_n };
	int rc;

	if (run->hosts_n == 0) {
		*ret = fl_zalloc(1, sizeof(**ret));
		(*ret)->run = run;
		*ret_n = 1;
		return 0;
	}
	d.views = fl_zalloc(d.n, sizeof(*d.views));
	d.numbers = json_object();
	rc = deal(&d, err);
	for (size_t i = 0; i < d.cases_n; i++)
		free(d.places[i]);
	free(d.places);
	free(d.lanes_n);
	json_decref(d.numbers);
	if (rc < 0) {
		fl_views_free(d.views, d.n);
		return rc;
	}
	*ret = d.views;
	*ret_n = d.n;
	return 0;
}

/* Its records are those of the run, and not released. */
static void free_run(struct fl_run *own)
{
	if (!own)
		return;
	free(own->lanes);
	free(own->watched);
	json_decref(own->plan);
	json_decref(own->machine);
	json_decref(own->environment);
	json_decref(own->declared);
	free(own);
}

void fl_views_free(struct fl_view *views, size_t n)
{
	for (size_t i = 0; views && i < n; i++) {
		struct fl_view *v = &views[i];

		fl_subjects_release(&v->subjects);
		fl_judgement_free(v->j);
		free_run(v->own);
		for (size_t k = 0; v->lanes && k < v->cases_n; k++)
			free(v->lanes[k]);
		free(v->lanes);
		free(v->cases);
	}
	free(views);
}
