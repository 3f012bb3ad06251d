/* SPDX-License-Identifier: Apache-2.0 */
/* across.c: hosts of a run against each other: which was lost, which is odd, and what is slow between two of them
 * though neither is. */
#include "judge/across.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/path.h"
#include "judge/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A lane whose number counts, and what it is compared by. */
struct value {
	const struct fl_lane_verdict *lane;
	struct fl_interval value; /* median NaN: it has none */
	char *kind;		  /* of measurements between hosts: all that are alike; else NULL */
};

/* ---- lost hosts: their lanes say so, and those that were to be measured with them (hosts/crew.h) */

#define HOST "host "
enum { NAME_MOST = 255 };

/* The host that "host n3 was lost: ..." names; NULL: it says something else. */
static struct fl_host_result *lost_host(const struct fl_judgement *j, const json_t *numbers, const char *reason)
{
	const char *name = reason && strncmp(reason, HOST, strlen(HOST)) == 0 ? reason + strlen(HOST) : NULL;
	const char *end = name ? strstr(name, " was lost") : NULL;
	const json_t *number;
	char *copy;

	if (!end || end - name > NAME_MOST)
		return NULL;
	copy = fl_format("%.*s", (int)(end - name), name);
	number = json_object_get(numbers, copy);
	free(copy);
	return number ? &j->hosts[json_integer_value(number)] : NULL;
}

static void find_lost(const struct fl_run *run, struct fl_judgement *j)
{
	json_t *numbers = json_object();

	for (size_t i = 0; i < j->hosts_n; i++)
		json_object_set_new(numbers, j->hosts[i].name, json_integer((json_int_t)i));
	for (size_t i = 0; i < run->lanes_n; i++) {
		const struct fl_lane_record *r = &run->lanes[i];
		struct fl_host_result *host = r->outcome == FL_MEASURED ? NULL : lost_host(j, numbers, r->reason);

		if (host && !host->lost) {
			host->lost = true;
			host->why = fl_dup(r->reason);
		}
	}
	json_decref(numbers);
}

/* ---- values */

static const struct fl_interval none = { .median = NAN, .low = NAN, .high = NAN };

static struct fl_interval value_of(const struct fl_lane_verdict *v)
{
	const struct fl_metric_summary *m = fl_speaking(v);
	bool counts = v->verdict != FL_VERDICT_INVALID && v->verdict != FL_VERDICT_NOT_MEASURED && !v->wrong_data;

	return m && counts && isfinite(m->of_rounds.median) ? m->of_rounds : none;
}

bool fl_meets_apart(const struct fl_lane_verdict *v)
{
	return v->across && strcmp(v->across, "pairs") != 0;
}

/* A measurement is the same wherever it is made, but for how long it took, where as many are at work at once. */
static char *kind_of(const struct fl_lane_verdict *v)
{
	json_t *options = json_copy(v->options);
	char *text, *kind;

	json_object_del(options, "duration");
	text = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	kind = fl_format("%s %s %s", v->bench, fl_meets_apart(v) ? v->across : "", text ? text : "");
	free(text);
	json_decref(options);
	return kind;
}

static int compare(const void *a, const void *b)
{
	const struct value *x = a, *y = b;
	int order = (x->kind != NULL) - (y->kind != NULL);

	if (order == 0 && x->kind)
		order = strcmp(x->kind, y->kind);
	if (order == 0 && !x->kind && x->lane->case_no != y->lane->case_no)
		order = x->lane->case_no < y->lane->case_no ? -1 : 1;
	if (order == 0 && !x->kind && x->lane->place != y->lane->place)
		order = x->lane->place < y->lane->place ? -1 : 1;
	if (order == 0 && !x->kind)
		order = strcmp(x->lane->bench, y->lane->bench);
	return order ? order : (x->lane > y->lane) - (x->lane < y->lane);
}

static bool same(const struct value *a, const struct value *b)
{
	if (a->kind || b->kind)
		return a->kind && b->kind && strcmp(a->kind, b->kind) == 0;
	return a->lane->case_no == b->lane->case_no && a->lane->place == b->lane->place &&
	       strcmp(a->lane->bench, b->lane->bench) == 0;
}

static struct value *find_values(const struct fl_judgement *j, size_t *ret_n)
{
	struct value *all = fl_zalloc(j->lanes_n, sizeof(*all));

	*ret_n = 0;
	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];

		if (!v->beside && !v->evidence_only)
			all[(*ret_n)++] = (struct value){ v, value_of(v), v->group_name ? kind_of(v) : NULL };
	}
	qsort(all, *ret_n, sizeof(*all), compare);
	return all;
}

/* ---- which hosts have a part in a measurement */

/* All lanes that have others with them, by case and group. */
static int compare_groups(const void *a, const void *b)
{
	const struct fl_lane_verdict *x = *(const struct fl_lane_verdict *const *)a;
	const struct fl_lane_verdict *y = *(const struct fl_lane_verdict *const *)b;

	if (x->case_no != y->case_no)
		return x->case_no < y->case_no ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

struct groups {
	const struct fl_lane_verdict **lanes;
	size_t n;
};

static struct groups find_groups(const struct fl_judgement *j)
{
	struct groups g = { .lanes = fl_zalloc(j->lanes_n, sizeof(*g.lanes)) };

	for (size_t i = 0; i < j->lanes_n; i++)
		if (j->lanes[i].group_name)
			g.lanes[g.n++] = &j->lanes[i];
	qsort(g.lanes, g.n, sizeof(*g.lanes), compare_groups);
	return g;
}

/* The lanes of the same measurement: *ret_n from the one that is returned on. */
static const struct fl_lane_verdict *const *group_of(const struct groups *g, const struct fl_lane_verdict *v,
						     size_t *ret_n)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct fl_lane_verdict *at = g->lanes[middle];

		if (at->case_no < v->case_no || (at->case_no == v->case_no && at->group < v->group))
			low = middle + 1;
		else
			high = middle;
	}
	for (*ret_n = 0; low + *ret_n < g->n && g->lanes[low + *ret_n]->case_no == v->case_no &&
			 g->lanes[low + *ret_n]->group == v->group;)
		++*ret_n;
	return g->lanes + low;
}

/* Lanes that do not say that they use the network have no direction. */
static bool has_directions(const struct fl_entry *e)
{
	for (const struct fl_flow *f = e->flows; f && f->from; f++)
		if (fl_end_is_between(e, f->from) != fl_end_is_between(e, f->to))
			return true;
	return false;
}

static const char *better_of(const struct fl_lane_verdict *v)
{
	const struct fl_metric_summary *m = fl_speaking(v);

	return m ? m->better : NULL;
}

/* In the measurement v the host of that lane, which has a part in it, sends. */
static bool sends(const struct fl_lane_verdict *v, const struct fl_lane_verdict *lane)
{
	const bool leaves = fl_payload_leaves(v->entry, v->options, v->rank, v->each);

	if (lane == v)
		return leaves;
	return !leaves && (v->each || v->rank == 0 || lane->rank == 0);
}

static void value_hosts(const struct groups *g, const struct value *values, size_t n, struct fl_host_value *of_host)
{
	const struct fl_lane_verdict *first = values->lane;
	struct fl_host_part *parts = NULL;
	size_t parts_n = 0;

	for (size_t i = 0; i < n; i++) {
		const struct fl_lane_verdict *v = values[i].lane;
		size_t lanes_n;
		const struct fl_lane_verdict *const *lanes = group_of(g, v, &lanes_n);

		for (size_t k = 0; k < lanes_n && !isnan(values[i].value.median); k++) {
			parts = fl_grow_to_hold(parts, parts_n, sizeof(*parts));
			parts[parts_n++] = (struct fl_host_part){ .host = lanes[k]->host,
								  .partner = lanes[k ? 0 : lanes_n - 1]->host,
								  .sends = sends(v, lanes[k]),
								  .value = values[i].value,
								  .trusted = v->distrust_n == 0 };
		}
	}
	fl_host_values(parts, parts_n, has_directions(first->entry) ? better_of(first) : NULL, of_host);
	free(parts);
}

/* ---- ranking */

static void rank_hosts(struct fl_between *a, const struct fl_host_value *of_host, size_t hosts_n)
{
	struct fl_interval *values = fl_zalloc(hosts_n, sizeof(*values));
	double *known = fl_zalloc(hosts_n, sizeof(*known));

	for (size_t i = 0; i < hosts_n; i++) {
		values[i] = of_host[i].value;
		a->of_host[i] = values[i].median;
		a->trusted[i] = of_host[i].trusted;
		a->of[i] = of_host[i].of;
		if (isnan(a->of_host[i]))
			continue;
		known[a->n++] = a->of_host[i];
		if (!(a->low <= a->of_host[i]))
			a->low = a->of_host[a->low_host = i];
		if (!(a->high >= a->of_host[i]))
			a->high = a->of_host[a->high_host = i];
	}
	a->median = fl_median(known, a->n);
	fl_odd_find(values, hosts_n, better_of(a->lane), a->odd);
	for (size_t i = 0; i < hosts_n; i++) {
		a->worse_n += a->odd[i] == FL_ODD_WORSE;
		a->odd_n += a->odd[i] != FL_ODD_NOT;
	}
	free(known);
	free(values);
}

/* The host of that lane is odd, in what it does in the measurement v. */
static bool explains(const struct fl_between *a, const struct fl_lane_verdict *v, const struct fl_lane_verdict *lane)
{
	enum fl_direction of = a->of[lane->host];

	return a->odd[lane->host] == FL_ODD_WORSE &&
	       (of == FL_BOTH_WAYS || of == (sends(v, lane) ? FL_SENDING : FL_ARRIVING));
}

/* Measurements that are odd by the rule for hosts, and that no odd host explains: it is something between the two. */
static void find_slow(const struct groups *g, const struct value *values, size_t n, struct fl_between *a)
{
	struct fl_interval *intervals = fl_zalloc(n, sizeof(*intervals));
	enum fl_odd *odd = fl_zalloc(n, sizeof(*odd));

	for (size_t i = 0; i < n; i++)
		intervals[i] = values[i].value;
	fl_odd_find(intervals, n, better_of(a->lane), odd);
	for (size_t i = 0; i < n; i++) {
		size_t lanes_n;
		const struct fl_lane_verdict *const *lanes = group_of(g, values[i].lane, &lanes_n);
		bool explained = odd[i] != FL_ODD_WORSE;

		for (size_t k = 0; k < lanes_n; k++)
			explained |= explains(a, values[i].lane, lanes[k]);
		if (explained)
			continue;
		a->slow = fl_grow(a->slow, a->slow_n + 1, sizeof(*a->slow));
		a->slow[a->slow_n++] = values[i].lane;
	}
	free(odd);
	free(intervals);
}

/* n values that are alike. */
static void add_across(struct fl_judgement *j, const struct groups *g, const struct value *values, size_t n)
{
	const struct fl_metric_summary *speaker = fl_speaking(values->lane);
	struct fl_host_value *of_host = fl_zalloc(j->hosts_n, sizeof(*of_host));
	struct fl_between a = { .lane = values->lane,
				.lanes = fl_zalloc(n, sizeof(*a.lanes)),
				.lanes_n = n,
				.metric = speaker ? speaker->name : NULL,
				.between = values->kind != NULL,
				.of_host = fl_zalloc(j->hosts_n, sizeof(*a.of_host)),
				.odd = fl_zalloc(j->hosts_n, sizeof(*a.odd)),
				.trusted = fl_zalloc(j->hosts_n, sizeof(*a.trusted)),
				.of = fl_zalloc(j->hosts_n, sizeof(*a.of)),
				.low = NAN,
				.high = NAN };

	for (size_t i = 0; i < j->hosts_n; i++)
		of_host[i].value = none;
	if (a.between)
		value_hosts(g, values, n, of_host);
	for (size_t i = 0; i < n; i++)
		a.lanes[i] = values[i].lane;
	for (size_t i = 0; i < n && !a.between; i++)
		of_host[values[i].lane->host] =
			(struct fl_host_value){ values[i].value, values[i].lane->distrust_n == 0, FL_BOTH_WAYS };
	rank_hosts(&a, of_host, j->hosts_n);
	if (a.between)
		find_slow(g, values, n, &a);
	j->across = fl_grow_to_hold(j->across, j->across_n, sizeof(*j->across));
	j->across[j->across_n++] = a;
	free(of_host);
}

/* ---- what is said of a host */

static void say(struct fl_judgement *j, char *text)
{
	j->odd_hosts = fl_grow(j->odd_hosts, j->odd_hosts_n + 1, sizeof(*j->odd_hosts));
	j->odd_hosts[j->odd_hosts_n++] = text;
}

/* "memory.copy numa=node0"; between hosts "tcp.stream", "tcp.stream bisection". malloc'd. */
static char *name_of(const struct fl_between *a)
{
	const char *across = fl_meets_apart(a->lane) ? a->lane->across : NULL;

	if (!a->between)
		return fl_dup(a->lane->label);
	return fl_format("%s%s%s", a->lane->bench, across ? " " : "", across ? across : "");
}

/* "host n3: memory.copy numa=node0 18 % below the median of 8 hosts (20.1 GB/s, median 24.5 GB/s)" */
static void say_odd(struct fl_judgement *j, const struct fl_between *a, size_t host)
{
	static const char *const over[] = { [FL_BOTH_WAYS] = ", over all that it has a part in",
					    [FL_ARRIVING] = ", over all that arrives at it",
					    [FL_SENDING] = ", over all that it sends" };
	double value = a->of_host[host], off = a->median != 0 ? (value - a->median) / fabs(a->median) : NAN;
	char got[FL_UNIT_TEXT], median[FL_UNIT_TEXT], by[FL_UNIT_TEXT], *what = name_of(a);

	say(j, fl_format("host %s: %s %s %s the median of %zu hosts (%s, median %s%s)%s", j->hosts[host].name, what,
			 fl_odd_show_off(by, off), off < 0 ? "below" : "above", a->n,
			 fl_show_metric(got, a->metric, value), fl_show_metric(median, a->metric, a->median),
			 a->between ? over[a->of[host]] : "", a->trusted[host] ? "" : ", not trustworthy"));
	free(what);
}

static void say_all_odd(struct fl_judgement *j, bool trusted)
{
	for (size_t k = 0; k < j->across_n; k++)
		for (size_t i = 0; i < j->hosts_n; i++)
			if (j->across[k].odd[i] == FL_ODD_WORSE && j->across[k].trusted[i] == trusted) {
				j->hosts[i].odd_n++;
				say_odd(j, &j->across[k], i);
			}
}

enum { NAMED = 3 };

/* Only those that are to be trusted, or only the others. */
static void say_slow(struct fl_judgement *j, const struct fl_between *a, bool trusted)
{
	struct fl_text t = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < a->slow_n; i++) {
		char shown[FL_UNIT_TEXT];

		if ((a->slow[i]->distrust_n == 0) != trusted || n++ >= NAMED)
			continue;
		fl_text_add(&t, "%s%s (%s)", n > 1 ? ", " : "", a->slow[i]->group_name,
			    fl_show_metric(shown, a->metric, fl_speaking(a->slow[i])->of_rounds.median));
	}
	if (n > NAMED)
		fl_text_add(&t, " and %zu more", n - NAMED);
	if (n) {
		char *what = name_of(a);

		say(j, fl_format("%s: slow between hosts of which neither is odd: %s%s", what, t.bytes,
				 trusted ? "" : ", not trustworthy"));
		free(what);
	}
	fl_text_release(&t);
}

static void say_all_slow(struct fl_judgement *j, bool trusted)
{
	for (size_t k = 0; k < j->across_n; k++)
		say_slow(j, &j->across[k], trusted);
}

/* From the lowest to the highest, of the median. */
static double spread_of(const struct fl_between *a)
{
	return (a->high - a->low) / fabs(a->median);
}

/* Some are further from the median than the tolerance, and yet none is odd. */
static bool spreads(const struct fl_between *a)
{
	double line = FL_TOLERANCE * fabs(a->median);

	return a->n >= FL_ODD_LEAST && a->odd_n == 0 && a->median != 0 &&
	       (a->median - a->low > line || a->high - a->median > line);
}

/* "hosts spread 17 %, none of them stands out: memory.copy numa=node0 (20.1 GB/s to 23.8 GB/s)" */
static void say_spread(struct fl_judgement *j)
{
	struct fl_text t = { 0 };
	double most = 0;
	size_t n = 0;

	for (size_t k = 0; k < j->across_n; k++) {
		const struct fl_between *a = &j->across[k];
		char low[FL_UNIT_TEXT], high[FL_UNIT_TEXT], *what;

		if (!spreads(a))
			continue;
		most = fmax(most, spread_of(a));
		if (n++ >= NAMED)
			continue;
		what = name_of(a);
		fl_text_add(&t, "%s%s (%s to %s)", n > 1 ? ", " : "", what, fl_show_metric(low, a->metric, a->low),
			    fl_show_metric(high, a->metric, a->high));
		free(what);
	}
	if (n > NAMED)
		fl_text_add(&t, " and %zu more", n - NAMED);
	if (n) {
		char by[FL_UNIT_TEXT];

		say(j, fl_format("hosts spread %s%s, none of them stands out: %s", n > 1 ? "up to " : "",
				 fl_odd_show_off(by, most), t.bytes));
	}
	fl_text_release(&t);
}

static size_t say_lost(struct fl_judgement *j)
{
	size_t lost = 0;

	for (size_t i = 0; i < j->hosts_n; i++)
		if (j->hosts[i].lost) {
			say(j, fl_dup(j->hosts[i].why));
			lost++;
		}
	return lost;
}

/* A lost host goes before everything else; an odd one before nothing that is said of starved accelerators. */
static void set_headline(struct fl_judgement *j, size_t lost)
{
	if (j->odd_hosts_n == 0 || (j->headline && !lost))
		return;
	free(j->headline);
	j->headline = lost > 1 ? fl_format("%zu hosts were lost; %s", lost, j->odd_hosts[0]) : fl_dup(j->odd_hosts[0]);
}

/* What is not to be trusted after what is; that nobody is odd is no headline. */
static void conclude(struct fl_judgement *j)
{
	size_t lost = say_lost(j);

	say_all_odd(j, true);
	say_all_slow(j, true);
	say_all_odd(j, false);
	say_all_slow(j, false);
	set_headline(j, lost);
	say_spread(j);
}

static int compare_across(const void *a, const void *b)
{
	const struct fl_between *x = a, *y = b;

	if (x->lane->case_no != y->lane->case_no)
		return x->lane->case_no < y->lane->case_no ? -1 : 1;
	return (x->lane->place > y->lane->place) - (x->lane->place < y->lane->place);
}

/* Each group has one, or each of its lanes is one; none where its plan is odd. */
static void set_measured(struct fl_judgement *j, const struct groups *g)
{
	for (size_t i = 0; i < j->lanes_n; i++) {
		size_t n = 0;
		const struct fl_lane_verdict *const *lanes =
			j->lanes[i].group_name ? group_of(g, &j->lanes[i], &n) : NULL;

		if (n && !j->lanes[i].beside)
			j->lanes[i].measured = &j->lanes[i];
		for (size_t k = 0; k < n && !j->lanes[i].measured; k++)
			if (!lanes[k]->beside)
				j->lanes[i].measured = lanes[k];
		for (size_t k = 0; k < n && j->lanes[i].each && !j->lanes[i].back; k++)
			if (lanes[k] != &j->lanes[i])
				j->lanes[i].back = lanes[k];
	}
}

void fl_across_find(const struct fl_run *run, struct fl_judgement *j)
{
	struct groups g = find_groups(j);
	struct value *values;
	size_t n, alike;

	j->hosts = fl_zalloc(run->hosts_n, sizeof(*j->hosts));
	j->hosts_n = run->hosts_n;
	for (size_t i = 0; i < run->hosts_n; i++)
		j->hosts[i].name = run->hosts[i].name;
	find_lost(run, j);
	set_measured(j, &g);
	values = find_values(j, &n);
	for (size_t i = 0; i < n; i += alike) {
		for (alike = 1; i + alike < n && same(&values[i], &values[i + alike]); alike++)
			;
		add_across(j, &g, values + i, alike);
	}
	if (j->across_n)
		qsort(j->across, j->across_n, sizeof(*j->across), compare_across);
	conclude(j);
	for (size_t i = 0; i < n; i++)
		free(values[i].kind);
	free(values);
	free(g.lanes);
}

void fl_across_release(struct fl_judgement *j)
{
	for (size_t i = 0; i < j->across_n; i++) {
		free(j->across[i].lanes);
		free(j->across[i].of_host);
		free(j->across[i].odd);
		free(j->across[i].trusted);
		free(j->across[i].of);
		free(j->across[i].slow);
	}
	for (size_t i = 0; i < j->hosts_n; i++)
		free(j->hosts[i].why);
	for (size_t i = 0; i < j->odd_hosts_n; i++)
		free(j->odd_hosts[i]);
	free(j->across);
	free(j->hosts);
	free(j->odd_hosts);
}
