/* SPDX-License-Identifier: Apache-2.0 */
/* across.c: rules of benchmarks whose lanes make a measurement together, a lane for each role: who is in a group with
 * whom is what the schedule of the rule says, and all groups of a round are measured at once. One host alone has one
 * group, all of whose roles it plays itself. */
#include "base/alloc.h"
#include "plan/parts.h"
#include "plan/schedule.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PAIR = 2 };
/* The same hosts have the same sample, so that runs can be compared. */
static const uint64_t sample_seed = 1;

const struct fl_entry *fl_entry_with_roles(const struct fl_expansion *x, const struct fl_rule *rule)
{
	const struct fl_entry *entry;

	if (!rule->bench || fl_catalog_find(x->catalog, rule->bench, &entry, NULL) < 0)
		return NULL;
	return fl_entry_roles(entry) > 1 ? entry : NULL;
}

char *fl_across_name(const struct fl_rule_across *across)
{
	static const char *const racks[] = {
		[FL_REACH_ALL] = "", [FL_REACH_WITHIN] = " within racks", [FL_REACH_BETWEEN] = " between racks"
	};

	return fl_format("%s%s", fl_schedule_name(across->kind), racks[across->reach]);
}

/* ---- what cannot be */

static struct fl_spot spot_of(const struct fl_expansion *x, const struct fl_rule *rule)
{
	return (struct fl_spot){ x->suite->source, rule->line, rule->column };
}

static int check_without_roles(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_err *err)
{
	const struct fl_rule_across *a = &rule->across;
	struct fl_spot spot = { x->suite->source, a->line, a->column };

	if (!a->said || !rule->bench)
		return 0;
	fl_fail_at(spot, err, -EINVAL, "'%s' wants a benchmark that is measured between hosts, and %s is not", a->said,
		   rule->bench);
	return fl_hint(err, "such benchmarks have roles in `feedline list --json`");
}

int fl_across_check(const struct fl_expansion *x, const struct fl_rule *rule, bool inside, struct fl_err *err)
{
	const struct fl_entry *entry = fl_entry_with_roles(x, rule);
	if (!entry)
		return check_without_roles(x, rule, err);
	if (inside)
		return fl_fail_at(spot_of(x, rule), err, -EINVAL,
				  "%s is measured between hosts: it cannot stand inside 'together' or 'beside'",
				  entry->name);
	if (rule->beside)
		return fl_fail_at(spot_of(x, rule), err, -EINVAL,
				  "%s is measured between hosts: it does not go with 'beside'", entry->name);
	if (x->hosts_n > 1 && fl_entry_roles(entry) != PAIR)
		return fl_fail_at(spot_of(x, rule), err, -EINVAL, "%s has %u roles, and hosts meet in pairs",
				  entry->name, fl_entry_roles(entry));
	return 0;
}

/* ---- the lanes of a round */

/* What every host would measure by itself, and in which rounds they meet. */
struct meeting {
	const struct fl_expansion *x;
	const struct fl_rule *rule;
	const struct fl_entry *entry;
	struct fl_lane_list *of_host; /* of each a group for each combination of options, of one lane each */
	/* Every combination that a host has, the first one's that has it. */
	const struct fl_lane_group **like;
	size_t combinations;
	const struct fl_schedule *schedule;
};

/* Has that host no device of a kind at all, so that the option has no value there? */
static bool lacks_option(const struct fl_plan_lane *lane, const struct fl_plan_lane *like)
{
	return lane->options_n < like->options_n;
}

/* NULL: the host does not have that combination. Mostly it stands in the same place on all hosts. */
static const struct fl_lane_group *find(const struct fl_lane_list *list, const struct meeting *m, size_t combination)
{
	const char *choice = m->like[combination]->choice;

	if (combination < list->n && strcmp(list->groups[combination].choice, choice) == 0)
		return &list->groups[combination];
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->groups[i].choice, choice) == 0)
			return &list->groups[i];
	return NULL;
}

/* The lane of a host in a combination that it may lack: it then says so. A host that knows of no nodes is one place. */
static struct fl_plan_lane lane_of(const struct meeting *m, unsigned host, size_t combination)
{
	const struct fl_lane_list *list = &m->of_host[host];
	const struct fl_lane_group *own = find(list, m, combination), *like = m->like[combination];
	struct fl_plan_lane lane = fl_plan_lane_copy(own ? own->lanes : list->groups[0].lanes);

	if (own || (lacks_option(&lane, like->lanes) && (lane.skip || combination == 0)))
		return lane;
	free(lane.skip);
	free(lane.hint);
	lane.skip = fl_format("%s has nothing in the place of '%s'", m->x->hosts[host].name, like->label);
	lane.hint = fl_dup("name devices that all hosts have, or none");
	return lane;
}

static char *label_of_round(const struct meeting *m, size_t round)
{
	const struct fl_schedule *s = m->schedule;
	const struct fl_schedule_round *r = &s->rounds[round];
	enum fl_schedule_kind kind = m->rule->across.kind;

	if (kind == FL_SCHEDULE_BISECTION && s->coverage > 0)
		return fl_dup(" bisection");
	if (m->x->hosts_n == 1 || s->coverage == 0)
		return fl_dup("");
	if (r->n == 1 && kind != FL_SCHEDULE_SHIFTS)
		return fl_format(" %s - %s", m->x->hosts[r->pairs[0].from].name, m->x->hosts[r->pairs[0].to].name);
	if (kind == FL_SCHEDULE_SAMPLE && s->coverage < 1)
		return fl_format(" round %zu of a sample of %zu, %.*f %% of all pairs", round + 1, s->rounds_n,
				 s->coverage < 0.1 || s->coverage > 0.99 ? 1 : 0, 100 * s->coverage);
	return fl_format(" %s %zu of %zu", kind == FL_SCHEDULE_SHIFTS ? "shift" : "round", round + 1, s->rounds_n);
}

/* All pairs of a round with one combination of options. */
static void add_round(const struct meeting *m, size_t round, size_t combination, struct fl_lane_list *list)
{
	const struct fl_schedule_round *r = &m->schedule->rounds[round];
	const struct fl_lane_group *like = m->like[combination];
	unsigned roles = fl_entry_roles(m->entry);
	struct fl_plan_lane *lanes = fl_zalloc(r->n * roles, sizeof(*lanes));
	char *suffix = label_of_round(m, round);

	for (size_t i = 0; i < r->n; i++)
		for (unsigned rank = 0; rank < roles; rank++) {
			struct fl_plan_lane *lane = &lanes[i * roles + rank];

			*lane = lane_of(m, rank ? r->pairs[i].to : r->pairs[i].from, combination);
			lane->rank = rank;
			lane->size = roles;
		}
	list->groups = fl_grow(list->groups, list->n + 1, sizeof(*list->groups));
	list->groups[list->n++] = (struct fl_lane_group){ .entry = m->entry,
							  .lanes = lanes,
							  .n = r->n * roles,
							  .label = fl_format("%s%s", like->label, suffix),
							  .stem = fl_format("%s%s", like->stem, suffix),
							  .choice = fl_dup(like->choice) };
	list->lanes_n += r->n * roles;
	free(suffix);
}

/* ---- all rounds */

/* No two hosts stand as `reach` says: one group that says so. */
static void add_unmet(const struct meeting *m, size_t combination, struct fl_lane_list *list)
{
	struct fl_pair pair = { 0, 1 };
	struct fl_schedule_round round = { &pair, 1 };
	const struct fl_schedule s = { .rounds = &round, .rounds_n = 1 };
	struct meeting unmet = *m;
	struct fl_lane_group *group;

	unmet.schedule = &s;
	add_round(&unmet, 0, combination, list);
	group = &list->groups[list->n - 1];
	for (size_t i = 0; i < group->n; i++) {
		free(group->lanes[i].skip);
		free(group->lanes[i].hint);
		group->lanes[i].skip =
			fl_format("no two hosts are known to be %s",
				  m->rule->across.reach == FL_REACH_WITHIN ? "in one rack" : "in different racks");
		group->lanes[i].hint = fl_dup("say which rack each host is in, or leave 'reach' out");
	}
}

/* With devices at once all combinations of a round may be one case. */
static int check_rounds(const struct meeting *m, struct fl_err *err)
{
	for (size_t i = 0; m->rule->at_once && i < m->schedule->rounds_n; i++) {
		size_t pairs = m->schedule->rounds[i].n;

		if (PAIR * pairs * m->combinations <= FL_CASE_LANES_MAX)
			continue;
		fl_fail_at(spot_of(m->x, m->rule), err, -EINVAL,
			   "%zu devices at once on %zu pairs of hosts are more than the %d lanes that a case can have",
			   m->combinations, pairs, FL_CASE_LANES_MAX);
		return fl_hint(err, "fewer hosts at a time, or 'with' fewer devices");
	}
	return 0;
}

/* More than a plan can hold is refused before it is made. */
static int check_size(const struct meeting *m, const struct fl_lane_list *list, struct fl_err *err)
{
	size_t pairs = 0, rounds = m->schedule->rounds_n, cases = rounds * m->combinations;

	for (size_t i = 0; i < rounds; i++)
		pairs += m->schedule->rounds[i].n;
	if (cases <= FL_CASES_MAX && PAIR * pairs * m->combinations <= FL_PLAN_LANES_MAX - list->lanes_n)
		return 0;
	fl_fail_at(spot_of(m->x, m->rule), err, -EINVAL,
		   "'across: %s' of %zu hosts makes %zu rounds of %zu pairs in all%s, more than a plan can hold",
		   fl_schedule_name(m->rule->across.kind), m->x->hosts_n, rounds, pairs,
		   m->combinations > 1 ? " for each of its settings" : "");
	return fl_hint(err, "'across: {sample: 16}' measures that many rounds of the pairs, 'across: bisection' one");
}

static int add_rounds(const struct meeting *m, struct fl_lane_list *list, struct fl_err *err)
{
	int rc = check_size(m, list, err);

	if (rc == 0)
		rc = check_rounds(m, err);
	if (rc < 0)
		return rc;
	for (size_t c = 0; c < m->combinations && m->schedule->rounds_n == 0; c++)
		add_unmet(m, c, list);
	for (size_t round = 0; round < m->schedule->rounds_n; round++)
		for (size_t c = 0; c < m->combinations; c++)
			add_round(m, round, c, list);
	return 0;
}

static int meet_alone(const struct meeting *m, struct fl_lane_list *list, struct fl_err *err)
{
	struct fl_pair pair = { 0, 0 };
	struct fl_schedule_round round = { &pair, 1 };
	const struct fl_schedule s = { .rounds = &round, .rounds_n = 1, .coverage = 1 };

	struct meeting alone = *m;

	alone.schedule = &s;
	return add_rounds(&alone, list, err);
}

static int meet_others(const struct meeting *m, struct fl_lane_list *list, struct fl_err *err)
{
	const struct fl_rule_across *a = &m->rule->across;
	const char **racks = fl_zalloc(m->x->hosts_n, sizeof(*racks));
	struct meeting others = *m;
	struct fl_schedule *schedule;
	int rc;

	for (size_t h = 0; h < m->x->hosts_n; h++)
		racks[h] = m->x->hosts[h].rack;
	schedule = fl_schedule_make(&(struct fl_schedule_spec){ .kind = a->kind,
								.n = (unsigned)m->x->hosts_n,
								.racks = racks,
								.reach = a->reach,
								.rounds = a->rounds,
								.seed = sample_seed });
	others.schedule = schedule;
	rc = add_rounds(&others, list, err);
	fl_schedule_free(schedule);
	free(racks);
	return rc;
}

/* ---- all combinations */

static void add_combinations(struct meeting *m, const struct fl_lane_list *list, size_t options_n, json_t *seen)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct fl_lane_group *group = &list->groups[i];

		if (group->lanes->options_n < options_n || json_object_get(seen, group->choice))
			continue;
		json_object_set_new(seen, group->choice, json_true());
		m->like = fl_grow(m->like, m->combinations + 1, sizeof(*m->like));
		m->like[m->combinations++] = group;
	}
}

/* First those of the host that has most, in its order. A host that lacks a kind of device has none of its own. */
static void find_combinations(struct meeting *m)
{
	const struct fl_lane_list *most = m->of_host;
	json_t *seen = json_object();
	size_t options_n = 0;

	for (size_t h = 0; h < m->x->hosts_n; h++) {
		const struct fl_lane_list *list = &m->of_host[h];

		options_n = list->groups->lanes->options_n > options_n ? list->groups->lanes->options_n : options_n;
		most = list->n > most->n ? list : most;
	}
	add_combinations(m, most, options_n, seen);
	for (size_t h = 0; h < m->x->hosts_n; h++)
		add_combinations(m, &m->of_host[h], options_n, seen);
	json_decref(seen);
}

/* Are the devices of each host called as devices of the one that has most are? Hosts of one make are alike in that, and
 * where one of them lacks a device, the others' still meet their counterparts. */
static bool have_like_ids(const struct fl_expansion *x, const char *kind)
{
	const struct fl_machine *most = x->hosts[0].machine;

	for (size_t h = 1; h < x->hosts_n; h++)
		if (fl_machine_count(x->hosts[h].machine, kind) > fl_machine_count(most, kind))
			most = x->hosts[h].machine;
	for (size_t h = 0; h < x->hosts_n; h++)
		for (size_t i = 0; i < fl_machine_count(x->hosts[h].machine, kind); i++)
			if (fl_machine_find(most, kind, fl_machine_device(x->hosts[h].machine, kind, i).id) < 0)
				return false;
	return true;
}

int fl_across_expand(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		     struct fl_lane_list *list, struct fl_err *err)
{
	struct meeting m = { .x = x, .rule = rule, .entry = entry };
	struct fl_expansion with = *x;
	int rc = 0;

	m.of_host = fl_zalloc(x->hosts_n, sizeof(*m.of_host));
	with.by_number = !have_like_ids(x, "rdma");
	for (size_t h = 0; h < x->hosts_n && rc == 0; h++) {
		const struct fl_expansion on = fl_expansion_on(&with, h);

		rc = fl_on_host(&on, rule, fl_expand_on_host(&on, rule, &m.of_host[h], err), err);
	}
	if (rc == 0)
		find_combinations(&m);
	if (rc == 0)
		rc = x->hosts_n == 1 ? meet_alone(&m, list, err) : meet_others(&m, list, err);
	for (size_t h = 0; h < x->hosts_n; h++)
		fl_lane_list_release(&m.of_host[h]);
	free(m.of_host);
	free(m.like);
	return rc;
}
