/* SPDX-License-Identifier: Apache-2.0 */
/* groups.c: lanes that make one measurement together, on one host or on several. The lane of one role is the
 * measurement; where the others are on other hosts, what is on their side of the path is on its path, too. */
#include "base/alloc.h"
#include "base/json.h"
#include "judge/path.h"
#include "judge/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- roles */

/* The word of that rank in "sender|receiver"; malloc'd, NULL: none. */
static char *role_of(const char *roles, unsigned rank)
{
	size_t n;

	for (; roles && rank > 0; rank--) {
		roles = strchr(roles, '|');
		roles = roles ? roles + 1 : NULL;
	}
	n = roles ? strcspn(roles, "|") : 0;
	return n ? fl_format("%.*s", (int)(n < 64 ? n : 64), roles) : NULL;
}

static const char *option_text(const void *options, const char *name)
{
	return fl_json_text_or_null(options, name);
}

static bool measures_each(const struct fl_subject *s)
{
	return fl_entry_measures_each(s->entry, option_text, json_object_get(s->planned, "options"));
}

void fl_find_role(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	const json_t *declared = json_object_get(s->run->declared, s->bench);
	const char *measured_at = fl_json_text_or_null(declared, "measured_at");

	if (s->size < 2)
		return;
	v->role = role_of(fl_json_text_or_null(declared, "roles"), s->rank);
	v->each = measures_each(s);
	v->beside = v->role && measured_at && !v->each && strcmp(v->role, measured_at) != 0;
}

/* ---- groups over all views */

struct member {
	struct fl_view *view;
	struct fl_subject *s;
	unsigned case_no; /* of the run */
};

static int compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->case_no != y->case_no)
		return x->case_no < y->case_no ? -1 : 1;
	if (x->s->group != y->s->group)
		return x->s->group < y->s->group ? -1 : 1;
	return (x->s->rank > y->s->rank) - (x->s->rank < y->s->rank);
}

/* All lanes that have others with them, group by group and by rank; malloc'd. */
static struct member *find_members(struct fl_view *views, size_t n, size_t *ret_n)
{
	struct member *all = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < views[i].subjects.n; k++) {
			struct fl_subject *s = &views[i].subjects.items[k];

			if (s->size < 2)
				continue;
			all = fl_grow_to_hold(all, *ret_n, sizeof(*all));
			all[(*ret_n)++] = (struct member){ &views[i], s,
							   views[i].cases ? views[i].cases[s->case_no] : s->case_no };
		}
	if (*ret_n)
		qsort(all, *ret_n, sizeof(*all), compare);
	return all;
}

static size_t count_same(const struct member *m, size_t n)
{
	size_t same = 1;

	while (same < n && m[same].case_no == m->case_no && m[same].s->group == m->s->group)
		same++;
	return same;
}

static bool span(const struct member *m, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (m[i].view != m->view)
			return true;
	return false;
}

/* "n1,n3" for commands, each host once; "n1 to n3" for people. last: the host that is named last; NULL: by rank. */
static char *hosts_of(const struct member *m, size_t n, const char *between, const struct fl_view *last)
{
	struct fl_text t = { 0 };

	for (size_t i = 0; i < n; i++) {
		bool named = m[i].view == last;

		for (size_t k = 0; k < i; k++)
			named |= m[k].view == m[i].view;
		if (!named)
			fl_text_add(&t, "%s%s", t.n ? between : "", m[i].view->host ? m[i].view->host : "");
	}
	if (last)
		fl_text_add(&t, "%s%s", t.n ? between : "", last->host ? last->host : "");
	return t.bytes ? t.bytes : fl_dup("");
}

bool fl_payload_leaves(const struct fl_entry *e, const json_t *options, unsigned rank, bool each)
{
	for (const struct fl_flow *f = e->flows; f && f->from; f++) {
		bool sends = fl_end_is_between(e, f->to), receives = fl_end_is_between(e, f->from);

		if (!fl_flow_holds(e, f, option_text, options) || sends == receives)
			continue;
		return each ? sends && strcmp(f->to, FL_INTERFACE) != 0 : sends == (rank == 0);
	}
	return !each && rank == 0;
}

/* Which of two hosts the payload of a lane goes to, where each lane is measured; NULL: that is for all the same. */
static const struct fl_view *goes_to(const struct member *m, size_t n, size_t i)
{
	const struct fl_subject *s = m[i].s;
	bool leaves;

	if (!measures_each(s))
		return NULL;
	leaves = fl_payload_leaves(s->entry, json_object_get(s->planned, "options"), s->rank, true);
	for (size_t k = 0; k < n && leaves; k++)
		if (m[k].view != m[i].view)
			return m[k].view;
	return m[i].view;
}

void fl_find_groups(struct fl_view *views, size_t n)
{
	size_t members_n, same;
	struct member *m = find_members(views, n, &members_n);

	for (size_t i = 0; i < members_n; i += same) {
		same = count_same(m + i, members_n - i);
		for (size_t k = i; k < i + same && span(m + i, same); k++) {
			m[k].s->spans = true;
			m[k].s->alone = false;
			m[k].s->group_hosts = hosts_of(m + i, same, ",", NULL);
			m[k].s->group_name = hosts_of(m + i, same, " to ", goes_to(m + i, same, k - i));
		}
	}
	free(m);
}

/* ---- what the others say */

/* Does another lane of the case on that host load the same hop? Then it is not there for this one alone. */
static bool is_shared(const struct member *m, const struct fl_hop *hop)
{
	const struct fl_subject *first = m->s - m->s->lane;

	for (unsigned i = 0; i < m->s->case_lanes; i++) {
		const struct fl_lane_verdict *v = first[i].verdict;

		for (size_t k = 0; v && &first[i] != m->s && k < v->hops_n; k++)
			if (strcmp(v->hops[k].name, hop->name) == 0)
				return true;
	}
	return false;
}

static void add_hops(struct fl_lane_verdict *v, const struct member *other, const struct fl_hop *hops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct fl_hop *hop = &hops[i];
		bool shared = is_shared(other, hop);
		struct fl_hop *own;

		if (hop->stated)
			continue;
		own = fl_hop_add(v, fl_format("%s: %s", other->view->host, hop->name), 0);
		if (own->crossings >
		    0) /* another of its group is on that host, too: one hop with the crossings of both */
			continue;
		own->crossings = hop->crossings;
		own->cap_bytes_per_s = hop->cap_bytes_per_s;
		own->expected = hop->expected;
		own->exact = hop->exact && !shared;
		own->named = hop->named;
		own->kind = hop->kind;
		own->host = other->view->host;
		own->name_there = own->name + strlen(own->host) + strlen(": ");
		if (other->s->case_lanes == 1) { /* else others may be in the way there */
			own->reads = hop->reads;
			own->writes = hop->writes;
		}
		own->origin = fl_dup(hop->origin);
		own->why = shared ? fl_dup("it has other lanes at the same time") : fl_dup(hop->why);
		if (isfinite(own->cap_bytes_per_s) && !(v->cap_bytes_per_s <= own->cap_bytes_per_s))
			v->cap_bytes_per_s = own->cap_bytes_per_s;
	}
}

/* What the other sends it, where its own measurement is what it receives. */
static void add_sent_hops(struct fl_lane_verdict *v, const struct member *other)
{
	const struct fl_lane_verdict *from = other->s->verdict;
	struct fl_lane_verdict sent = { .entry = from->entry,
					.options = from->options,
					.placement = from->placement,
					.first = from->first,
					.each = from->each };
	struct fl_subject sender = *other->s;

	sender.sends = true;
	fl_find_path(&sender, &sent);
	add_hops(v, other, sent.hops, sent.hops_n);
	fl_path_release(&sent);
}

/* What is said of that lane itself, before anything is passed on. */
struct own {
	size_t distrust_n, findings_n;
};

static void add_texts(struct fl_lane_verdict *v, const struct member *other, struct own own)
{
	const struct fl_lane_verdict *from = other->s->verdict;
	const char *host = other->view->host, *role = from->role ? from->role : "another lane";

	for (size_t i = 0; i < own.distrust_n; i++) {
		v->distrust = fl_grow(v->distrust, v->distrust_n + 1, sizeof(*v->distrust));
		v->distrust[v->distrust_n++] =
			fl_format("its %s%s%s: %s", role, host ? " on " : "", host ? host : "", from->distrust[i]);
		v->inherited_n++;
	}
	for (size_t i = 0; i < own.findings_n && host; i++) {
		v->findings = fl_grow(v->findings, v->findings_n + 1, sizeof(*v->findings));
		v->findings[v->findings_n++] = fl_format("%s: %s", host, from->findings[i]);
	}
}

/* Its numbers are there, and nothing that was wrong was said of it. */
static bool waits(const struct fl_subject *s)
{
	const struct fl_lane_verdict *v = s->verdict;

	return s->spans && v->verdict == FL_UNJUDGED && !v->reason;
}

static void join(const struct member *m, size_t n)
{
	struct own *own = fl_zalloc(n, sizeof(*own));

	for (size_t i = 0; i < n; i++)
		if (m[i].s->verdict)
			own[i] = (struct own){ m[i].s->verdict->distrust_n, m[i].s->verdict->findings_n };
	for (size_t i = 0; i < n; i++) {
		struct fl_lane_verdict *v = m[i].s->verdict;

		if (!v || v->beside)
			continue;
		for (size_t k = 0; k < n; k++) {
			if (k == i || !m[k].s->verdict)
				continue;
			add_texts(v, &m[k], own[k]);
			if (m[k].view != m[i].view && v->each)
				add_sent_hops(v, &m[k]);
			else if (m[k].view != m[i].view)
				add_hops(v, &m[k], m[k].s->verdict->hops, m[k].s->verdict->hops_n);
		}
		if (waits(m[i].s))
			fl_hold_against_limits(m[i].s, v);
	}
	free(own);
}

void fl_join_groups(struct fl_view *views, size_t n)
{
	size_t members_n, same;
	struct member *m = find_members(views, n, &members_n);

	for (size_t i = 0; i < members_n; i += same) {
		same = count_same(m + i, members_n - i);
		join(m + i, same);
	}
	free(m);
}
