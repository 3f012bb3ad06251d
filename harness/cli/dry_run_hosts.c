/* SPDX-License-Identifier: Apache-2.0 */
/* dry_run_hosts.c: the cases of a plan of several hosts, in few lines however many hosts there are. */
#include "base/alloc.h"
#include "cli/dry_run_parts.h"
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 4 }; /* of many alike: hosts, pairs, lanes */

/* ---- what is alike */

bool fl_case_is_across(const struct fl_plan_case *c)
{
	for (size_t k = 0; k < c->lanes_n; k++)
		if (c->lanes[k].size < 2)
			return false;
	return c->lanes_n > 0;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_work(const struct fl_plan_lane *a, const struct fl_plan_lane *b)
{
	if (strcmp(a->bench, b->bench) != 0 || a->options_n != b->options_n)
		return false;
	for (size_t i = 0; i < a->options_n; i++)
		if (!is_same(a->options[i].name, b->options[i].name) ||
		    !is_same(a->options[i].text, b->options[i].text))
			return false;
	return true;
}

static bool is_same_place(const struct fl_plan_lane *a, const struct fl_plan_lane *b)
{
	if (a->skip || b->skip)
		return is_same(a->skip, b->skip) && is_same(a->hint, b->hint);
	return a->node == b->node && a->shares_cpus == b->shares_cpus && fl_cpus_equal(&a->cpus, &b->cpus);
}

static bool has_skipped(const struct fl_plan_case *c)
{
	for (size_t k = 0; k < c->lanes_n; k++)
		if (c->lanes[k].skip)
			return true;
	return false;
}

bool fl_case_is_likewise(const struct fl_plan_case *c, const struct fl_plan_case *other)
{
	return fl_case_is_across(c) && fl_case_is_across(other) && c->rounds == other->rounds &&
	       has_skipped(c) == has_skipped(other) && is_same_work(&c->lanes[0], &other->lanes[0]);
}

/* ---- who meets whom */

/* "4 at once, sender - receiver: n1 - n8, n2 - n7, n3 - n6, n4 - n5" */
static void add_groups(const struct fl_page *p, const struct fl_plan_case *c)
{
	const struct fl_entry *entry = NULL;
	struct fl_text t = { 0 };
	size_t groups = 0, shown = 0;

	for (size_t k = 0; k < c->lanes_n; k++)
		groups += c->lanes[k].rank == 0;
	fl_catalog_find(p->catalog, c->lanes[0].bench, &entry, NULL);
	if (groups > 1)
		fl_text_add(&t, "%zu at once, ", groups);
	for (unsigned rank = 0; entry && rank < fl_entry_roles(entry); rank++) {
		size_t n = 0;
		const char *role = fl_entry_role(entry, rank, &n);

		fl_text_add(&t, "%s%.*s", rank ? " - " : "", (int)n, role ? role : "");
	}
	for (size_t k = 0; k < c->lanes_n && shown <= SHOWN; k++) {
		const struct fl_plan_lane *lane = &c->lanes[k];

		shown += lane->rank == 0;
		if (shown <= SHOWN)
			fl_text_add(&t, "%s%s",
				    lane->rank	 ? " - "
				    : shown == 1 ? ": "
						 : ", ",
				    p->plan->hosts[lane->host]);
	}
	if (groups > SHOWN)
		fl_text_add(&t, " and %zu more", groups - SHOWN);
	fl_page_add_lines(p, 4, &t);
}

/* ---- lanes */

/* Lanes of a case, by their numbers, that are not told of yet. */
struct rest {
	unsigned *lanes;
	size_t n;
};

/* Those like the first of them leave. */
static struct rest take_alike(const struct fl_plan_case *c, struct rest *rest,
			      bool (*alike)(const struct fl_plan_lane *a, const struct fl_plan_lane *b))
{
	struct rest taken = { fl_zalloc(rest->n, sizeof(*taken.lanes)), 0 };
	const struct fl_plan_lane *first = &c->lanes[rest->lanes[0]];
	size_t kept = 0;

	for (size_t i = 0; i < rest->n; i++) {
		unsigned lane = rest->lanes[i];

		if (alike(first, &c->lanes[lane]))
			taken.lanes[taken.n++] = lane;
		else
			rest->lanes[kept++] = lane;
	}
	rest->n = kept;
	return taken;
}

/* " on all hosts", " on both hosts", " on n1, n3", " on n1, n2, n3, n4 and 12 more" */
static void add_names(const struct fl_page *p, const struct fl_plan_case *c, const struct rest *of, struct fl_text *out)
{
	bool *is_on = fl_zalloc(p->plan->hosts_n, sizeof(*is_on));
	size_t n = 0, shown = 0;

	for (size_t i = 0; i < of->n; i++)
		is_on[c->lanes[of->lanes[i]].host] = true;
	for (size_t h = 0; h < p->plan->hosts_n; h++)
		n += is_on[h];
	if (n == p->plan->hosts_n)
		fl_text_add(out, n == 2 ? " on both hosts" : " on all hosts");
	for (size_t h = 0; h < p->plan->hosts_n && n < p->plan->hosts_n && shown < SHOWN; h++)
		if (is_on[h])
			fl_text_add(out, "%s%s", shown++ ? ", " : " on ", p->plan->hosts[h]);
	if (shown && n > shown)
		fl_text_add(out, " and %zu more", n - shown);
	free(is_on);
}

/* Takes lanes that do the same: where they sit. */
static void add_places(const struct fl_page *p, const struct fl_plan_case *c, struct rest *of)
{
	for (size_t shown = 0; of->n; shown++) {
		struct fl_text t = { 0 };
		struct rest alike;

		if (shown == SHOWN) {
			fl_text_add(&t, "and %zu more lanes, elsewhere", of->n);
			fl_page_add_lines(p, 6, &t);
			return;
		}
		alike = take_alike(c, of, is_same_place);
		fl_page_add_placement(&c->lanes[alike.lanes[0]], &t);
		fl_text_add(&t, c->lanes[alike.lanes[0]].skip ? ";" : ",");
		add_names(p, c, &alike, &t);
		fl_page_add_lines(p, 6, &t);
		free(alike.lanes);
	}
}

void fl_page_add_hosts(const struct fl_page *p, const struct fl_plan_case *c)
{
	struct rest rest = { fl_zalloc(c->lanes_n, sizeof(*rest.lanes)), c->lanes_n };

	for (unsigned k = 0; k < c->lanes_n; k++)
		rest.lanes[k] = k;
	if (fl_case_is_across(c))
		add_groups(p, c);
	for (size_t shown = 0; rest.n; shown++) {
		struct fl_text t = { 0 };
		struct rest alike;

		if (shown == SHOWN) {
			fl_text_add(&t, "and %zu more lanes, with other devices", rest.n);
			fl_page_add_lines(p, 4, &t);
			break;
		}
		alike = take_alike(c, &rest, is_same_work);
		fl_page_add_options(p, &c->lanes[alike.lanes[0]], NULL, &t);
		fl_page_add_lines(p, 4, &t);
		add_places(p, c, &alike);
		free(alike.lanes);
	}
	free(rest.lanes);
}
