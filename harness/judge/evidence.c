/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c: a judged run to its evidence. */
#include "judge/evidence.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "judge/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a lane is */

/* Options that say how long is measured, not what. */
static bool says_how_long(const char *option)
{
	return !strcmp(option, "duration") || !strcmp(option, "timeout");
}

static json_t *subject_json(const struct fl_lane_verdict *v)
{
	json_t *options = json_object(), *value;
	const char *name;

	json_object_foreach(v->options, name, value) if (!says_how_long(name)) json_object_set(options, name, value);
	return json_pack("{s:s, s:o}", "bench", v->bench, "options", options);
}

/* Sorted, so that it does not depend on the order of declarations, and the same in every locale. malloc'd. */
static char *dump(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	return text ? text : fl_dup("");
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* FNV-1a: a case may have thousands of lanes, each of which has all the others beside it. */
static uint64_t digest(char *const *texts, size_t n)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		for (const char *c = texts[i]; *c; c++)
			hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return hash;
}

/* The lanes [from, to) of those, which are of one case: each is what it is beside the others, in whichever order they
 * stand. */
static void identify_case(const struct fl_lane_verdict *const *lanes, size_t from, size_t to, struct fl_evidence *e)
{
	size_t n = to - from;
	char **subjects = fl_zalloc(n, sizeof(*subjects)), **sorted = fl_zalloc(n, sizeof(*sorted));
	uint64_t all;

	for (size_t i = 0; i < n; i++) {
		json_t *subject = subject_json(lanes[from + i]);

		sorted[i] = subjects[i] = dump(subject);
		json_decref(subject);
	}
	qsort(sorted, n, sizeof(*sorted), compare_texts);
	all = digest(sorted, n);
	for (size_t i = 0; i < n; i++)
		e->lanes[from + i].identity =
			n == 1 ? fl_dup(subjects[i])
			       : fl_format("%s in %zu lanes %016llx", subjects[i], n, (unsigned long long)all);
	for (size_t i = 0; i < n; i++)
		free(subjects[i]);
	free(subjects);
	free(sorted);
}

/* The same lane again, in another case or beside itself. */
static void number_identities(struct fl_evidence *e)
{
	json_t *seen = json_object();

	for (size_t i = 0; i < e->lanes_n; i++) {
		char *identity = e->lanes[i].identity;
		json_int_t before = json_integer_value(json_object_get(seen, identity));

		json_object_set_new(seen, identity, json_integer(before + 1));
		if (before == 0)
			continue;
		e->lanes[i].identity = fl_format("%s #%lld", identity, (long long)before + 1);
		free(identity);
	}
	json_decref(seen);
}

/* lanes: those of the evidence; NULL: what is between hosts, which has its identity. */
static void identify(const struct fl_lane_verdict *const *lanes, struct fl_evidence *e)
{
	for (size_t from = 0, to; from < e->lanes_n && lanes[from]; from = to) {
		for (to = from + 1; to < e->lanes_n && lanes[to] && lanes[to]->case_no == lanes[from]->case_no; to++)
			;
		identify_case(lanes, from, to, e);
	}
	number_identities(e);
}

/* ---- what makes its numbers comparable */

static void set_text(json_t *key, const char *what, const json_t *value)
{
	char *text = json_is_string(value) ? fl_dup(json_string_value(value)) : dump(value);

	json_object_set_new(key, what, fl_json_string(value && !json_is_null(value) ? text : "unknown"));
	free(text);
}

/* The hops of its path and what they can carry now: another drive, or a link that is trained down, is another path.
 * What the benchmark states is a limit of its own. */
static void set_path(json_t *key, const struct fl_lane_verdict *v)
{
	struct fl_text path = { 0 };
	char cap[FL_UNIT_TEXT];

	for (size_t i = 0; i < v->hops_n; i++) {
		const struct fl_hop *hop = &v->hops[i];

		if (hop->stated)
			continue;
		fl_text_add(&path, "%s%s", path.n ? ", " : "", hop->name);
		if (isfinite(hop->cap_bytes_per_s))
			fl_text_add(&path, " (%s)", fl_show_rate(cap, hop->cap_bytes_per_s));
	}
	json_object_set_new(key, "path", fl_json_string(fl_text_str(&path)));
	fl_text_release(&path);
}

/* Key facts of the lanes that make the measurement with it: how the other side did its part counts, too. */
static void set_facts_of_others(json_t *key, const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	for (size_t i = 0; i < j->lanes_n && v->size > 1; i++) {
		const struct fl_lane_verdict *o = &j->lanes[i];

		if (o == v || o->case_no != v->case_no || o->group != v->group)
			continue;
		for (const struct fl_fact *f = o->entry->facts; f->name; f++) {
			char *name = fl_format("%s: %s", o->role ? o->role : "another lane", f->name);

			if (f->key)
				set_text(key, name, o->first ? json_object_get(o->first->facts, f->name) : NULL);
			free(name);
		}
	}
}

static json_t *key_of(const struct fl_run *run, const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	json_t *key = json_object(), *duration = json_object_get(v->options, "duration");
	const char *cpus = fl_json_text_or_null(v->placement, "cpus");
	struct fl_cpus set = { 0 };

	json_object_set_new(key, "duration_ns", json_string("as long as needed"));
	if (duration)
		set_text(key, "duration_ns", duration);
	set_text(key, "node", json_object_get(v->placement, "node"));
	if (cpus && fl_cpus_parse(cpus, &set, NULL) == 0)
		json_object_set_new(key, "cpus", json_sprintf("%u", fl_cpus_count(&set)));
	if (v->case_lanes > 1)
		json_object_set_new(key, "lanes that ran", json_sprintf("%u of %u", v->lanes_ran, v->case_lanes));
	if (v->group_name)
		json_object_set_new(key, "hosts", json_sprintf("%zu", run->hosts_n));
	set_path(key, v);
	for (const struct fl_fact *f = v->entry->facts; f->name; f++)
		if (f->key)
			set_text(key, f->name, v->first ? json_object_get(v->first->facts, f->name) : NULL);
	set_facts_of_others(key, j, v);
	return key;
}

/* ---- numbers */

/* Does an entry of `primary` ("bench" or "bench:metric") name this metric of the lane? */
static bool names_metric(const json_t *entry, const char *bench, const char *metric)
{
	const char *name = json_string_value(entry);
	size_t n = strlen(bench);

	return name && !strncmp(name, bench, n) && name[n] == ':' && !strcmp(name + n + 1, metric);
}

static bool names_bench(const json_t *entry, const char *bench)
{
	return json_is_string(entry) && !strcmp(json_string_value(entry), bench);
}

/* primary: of the plan; where it names nothing, the metric that speaks for each lane is meant. */
static bool is_primary(const json_t *primary, const struct fl_lane_verdict *v, const struct fl_metric *m)
{
	bool listed = json_array_size(primary) == 0;

	if (m->better == FL_NEITHER)
		return false;
	for (size_t i = 0; i < json_array_size(primary); i++) {
		if (names_metric(json_array_get(primary, i), v->bench, m->name))
			return true;
		listed |= names_bench(json_array_get(primary, i), v->bench);
	}
	return listed && strcmp(m->name, fl_entry_speaker(v->entry)->name) == 0;
}

static void add_metrics(const json_t *primary, const struct fl_lane_verdict *v, struct fl_evidence_lane *lane)
{
	lane->metrics = fl_zalloc(v->metrics_n, sizeof(*lane->metrics));
	for (size_t i = 0; i < v->metrics_n; i++) {
		const struct fl_metric *declared = &v->entry->metrics[i];
		struct fl_evidence_metric *e = &lane->metrics[lane->metrics_n++];

		*e = (struct fl_evidence_metric){ .name = fl_dup(declared->name),
						  .better = declared->better,
						  .primary = is_primary(primary, v, declared),
						  .medians = fl_zalloc(v->rounds_planned, sizeof(double)),
						  .n = v->rounds_planned };
		lane->primary |= e->primary;
		for (unsigned r = 0; r < v->rounds_planned; r++)
			e->medians[r] = v->metrics[i].of_round[r];
	}
}

/* Numbers of lanes that ran somewhere else, moved wrong data or not at all are no evidence. */
static bool counts(const struct fl_lane_verdict *v)
{
	return v->verdict != FL_VERDICT_NOT_MEASURED && v->verdict != FL_VERDICT_INVALID && !v->wrong_data;
}

static void fill_lane(const struct fl_run *run, const struct fl_judgement *j, const struct fl_lane_verdict *v,
		      const char *name, struct fl_evidence_lane *lane)
{
	lane->name = fl_dup(name);
	lane->key = key_of(run, j, v);
	lane->counts = counts(v);
	lane->verdict = v->verdict;
	lane->reason = lane->counts ? NULL : fl_dup(v->reason ? v->reason : "it has no numbers");
	lane->distrust = fl_zalloc(v->distrust_n, sizeof(*lane->distrust));
	for (size_t i = 0; i < v->distrust_n; i++)
		lane->distrust[lane->distrust_n++] = fl_dup(v->distrust[i]);
	lane->pass_rounds = v->pass_rounds;
	lane->again = fl_dup(v->again);
	lane->again_when = fl_dup(v->again_when);
	lane->peer = (struct fl_peer_command){ .tool = fl_dup(v->peer.tool),
					       .command = fl_dup(v->peer.command),
					       .prints = fl_dup(v->peer.prints),
					       .counts = v->peer.counts,
					       .expect_bytes_per_s = NAN };
	add_metrics(json_object_get(run->plan, "primary"), v, lane);
}

/* ---- between hosts: of each host what it has a part in, all together */

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(double *values, size_t n)
{
	if (n == 0)
		return NAN;
	qsort(values, n, sizeof(*values), compare_numbers);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* The measurements of one kind that the host has a part in. */
struct between {
	char *identity;
	const char *way;
	const struct fl_lane_verdict *own, **measured; /* its lane in the first of them; all of them */
	size_t n;
};

static struct between *find_between(struct between *all, size_t *n, char *identity)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(all[i].identity, identity) == 0) {
			free(identity);
			return &all[i];
		}
	all[*n] = (struct between){ .identity = identity };
	return &all[(*n)++];
}

/* Takes part in it with a lane that is not the only one of the host in it. */
static bool is_second(const struct fl_lane_verdict *v)
{
	return v->measured != v && v->measured->host == v->host;
}

/* Of each round the median of all. */
static void set_medians(const struct between *b, struct fl_evidence_lane *lane)
{
	double *values = fl_zalloc(b->n, sizeof(*values));

	for (size_t i = 0; i < lane->metrics_n; i++)
		for (size_t r = 0; r < lane->metrics[i].n; r++) {
			size_t n = 0;

			for (size_t k = 0; k < b->n; k++) {
				const struct fl_lane_verdict *v = b->measured[k];
				double value = r < v->rounds_planned && i < v->metrics_n && counts(v)
						       ? v->metrics[i].of_round[r]
						       : (double)NAN;

				if (isfinite(value))
					values[n++] = value;
			}
			lane->metrics[i].medians[r] = median_of(values, n);
		}
	free(values);
}

/* It counts where any of them does; a host that is lost in one pair has others. */
static void fill_between(const struct fl_run *run, const struct fl_judgement *j, char *const *names,
			 const struct between *b, struct fl_evidence_lane *lane)
{
	const struct fl_lane_verdict *first = b->measured[0];
	char *name;

	for (size_t i = b->n; i-- > 0;)
		first = counts(b->measured[i]) ? b->measured[i] : first;
	name = fl_format("%s%s", names[first - j->lanes], b->way);
	fill_lane(run, j, first, name, lane);
	free(name);
	set_path(lane->key, b->own);
	json_object_set_new(lane->key, "measurements", json_sprintf("%zu", b->n));
	set_medians(b, lane);
	lane->identity = fl_format("%s between hosts", b->identity);
}

/* way: where both ways are measured, which of them this is as that host sees it: "" elsewhere. */
static void add_part(struct between *all, size_t *n, const struct fl_lane_verdict *own,
		     const struct fl_lane_verdict *measured, const char *way)
{
	json_t *subject = subject_json(measured);
	char *text = dump(subject);
	const char *across = fl_meets_apart(measured) ? measured->across : "";
	struct between *b = find_between(all, n, fl_format("%s%s%s%s", text, *across ? " " : "", across, way));

	json_decref(subject);
	free(text);
	b->own = b->own ? b->own : own;
	b->way = way;
	b->measured = fl_grow(b->measured, b->n + 1, sizeof(*b->measured));
	b->measured[b->n++] = measured;
}

static void add_between(const struct fl_run *run, const struct fl_judgement *j, char *const *names, size_t host,
			struct fl_evidence *e)
{
	struct between *all = fl_zalloc(2 * j->lanes_n, sizeof(*all)); /* both ways of each lane */
	size_t n = 0;

	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];

		bool leaves;

		if (v->host != host || !v->group_name || !v->measured || is_second(v))
			continue;
		leaves = v->each && fl_payload_leaves(v->entry, v->options, v->rank, true);
		add_part(all, &n, v, v->measured, leaves ? ", leaving" : v->each ? ", arriving" : "");
		if (v->back && v->back->host != host)
			add_part(all, &n, v, v->back, leaves ? ", arriving" : ", leaving");
	}
	for (size_t i = 0; i < n; i++) {
		fill_between(run, j, names, &all[i], &e->lanes[e->lanes_n++]);
		free(all[i].identity);
		free(all[i].measured);
	}
	free(all);
}

static char *text_of(const json_t *o, const char *key)
{
	const char *text = fl_json_text_or_null(o, key);

	return fl_dup(text ? text : "");
}

size_t fl_evidence_hosts(const struct fl_judgement *j)
{
	return j->hosts_n ? j->hosts_n : 1;
}

/* What its machine calls itself, as in runs on it alone; where two call themselves the same, the launcher's name. */
static char *host_name(const struct fl_run *run, size_t host)
{
	const char *own = fl_json_text_or_null(run->hosts[host].machine, "host");
	size_t same = 0;

	for (size_t i = 0; own && i < run->hosts_n; i++) {
		const char *other = fl_json_text_or_null(run->hosts[i].machine, "host");

		same += other && strcmp(own, other) == 0;
	}
	return fl_dup(same == 1 ? own : run->hosts[host].name);
}

static void name_host(const struct fl_run *run, size_t host, struct fl_evidence *e)
{
	bool one = run->hosts_n == 0;

	e->host = one ? text_of(run->machine, "host") : host_name(run, host);
	e->machine = json_incref(one ? run->machine : run->hosts[host].machine);
	e->environment = json_incref(one ? run->environment : run->hosts[host].environment);
}

struct fl_evidence *fl_evidence_make(const struct fl_run *run, const struct fl_judgement *j, char *const *names,
				     size_t host)
{
	struct fl_evidence *e = fl_zalloc(1, sizeof(*e));
	const struct fl_lane_verdict **lanes = fl_zalloc(j->lanes_n, sizeof(*lanes));

	fl_copy(e->run, sizeof(e->run), run->id);
	e->started_ns = run->started_ns;
	e->suite = text_of(run->plan, "suite");
	name_host(run, host, e);
	e->lanes = fl_zalloc(2 * j->lanes_n, sizeof(*e->lanes)); /* between hosts one may be there for each way */
	for (size_t i = 0; i < j->lanes_n; i++) {
		if (j->lanes[i].host != host || j->lanes[i].beside || j->lanes[i].group_name)
			continue;
		lanes[e->lanes_n] = &j->lanes[i];
		fill_lane(run, j, &j->lanes[i], names[i], &e->lanes[e->lanes_n++]);
	}
	add_between(run, j, names, host, e);
	identify(lanes, e);
	free(lanes);
	return e;
}

static void release_lane(struct fl_evidence_lane *lane)
{
	for (size_t i = 0; i < lane->metrics_n; i++) {
		free(lane->metrics[i].name);
		free(lane->metrics[i].medians);
	}
	for (size_t i = 0; i < lane->distrust_n; i++)
		free(lane->distrust[i]);
	free(lane->metrics);
	free(lane->distrust);
	free(lane->name);
	free(lane->identity);
	free(lane->reason);
	free(lane->again);
	free(lane->again_when);
	free(lane->peer.tool);
	free(lane->peer.command);
	free(lane->peer.prints);
	json_decref(lane->key);
}

void fl_evidence_free(struct fl_evidence *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->lanes_n; i++)
		release_lane(&e->lanes[i]);
	free(e->lanes);
	free(e->suite);
	free(e->host);
	json_decref(e->machine);
	json_decref(e->environment);
	free(e);
}
