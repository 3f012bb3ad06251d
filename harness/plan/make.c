/* SPDX-License-Identifier: Apache-2.0 */
/* make.c: a suite, what can be measured and a machine, to a plan. Pure: the same input gives the same plan. */
#include "base/alloc.h"
#include "base/units.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fl_expansion fl_expansion_on(const struct fl_expansion *x, size_t host)
{
	struct fl_expansion on = *x;

	on.host = &x->hosts[host];
	on.machine = on.host->machine;
	return on;
}

/* Is the rule itself wrong, whatever the host? Then the last host says the same as the first one. */
static bool is_of_all(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_err *said)
{
	const struct fl_expansion last = fl_expansion_on(x, x->hosts_n - 1);
	struct fl_lane_list list = { 0 };
	struct fl_err err = { 0 };
	int rc = fl_across_check(&last, rule, false, &err);

	if (rc == 0)
		rc = rule->bench ? fl_expand_on_host(&last, rule, &list, &err)
				 : fl_expand_rules(&last, rule->together, rule->together_n, &list, &err);
	fl_lane_list_release(&list);
	return x->host == x->hosts && rc < 0 && strcmp(err.what, said->what) == 0;
}

int fl_on_host(const struct fl_expansion *x, const struct fl_rule *rule, int rc, struct fl_err *err)
{
	struct fl_err cause;

	if (rc >= 0 || x->hosts_n < 2 || !err || is_of_all(x, rule, err))
		return rc;
	cause = *err;
	*err = (struct fl_err){ 0 };
	fl_fail(err, rc, "host %s: %s", x->host->name, cause.what);
	if (cause.hint[0])
		fl_hint(err, "%s", cause.hint);
	return rc;
}

/* The longest duration that a lane of the case asks for; 0: none does. */
static uint64_t duration_of(const struct fl_plan_case *c)
{
	uint64_t longest_ns = 0;

	for (size_t i = 0; i < c->lanes_n; i++) {
		const char *text = fl_lane_option(&c->lanes[i], "duration");
		uint64_t ns = 0;

		if (text && fl_parse_count(text, &ns, NULL) == 0 && ns > longest_ns)
			longest_ns = ns;
	}
	return longest_ns;
}

/* Cases with the same label are numbered: "null.nop", "null.nop #2". From the last one on, so that those before a case
 * still have the label they were given. */
static void number_labels(struct fl_plan *plan)
{
	for (size_t i = plan->cases_n; i-- > 0;) {
		char *label = plan->cases[i].label;
		unsigned same = 0;

		for (size_t k = 0; k < i; k++)
			same += strcmp(plan->cases[k].label, label) == 0;
		if (same == 0)
			continue;
		plan->cases[i].label = fl_format("%s #%u", label, same + 1);
		free(label);
	}
}

/* The lanes of a group follow each other by rank, and it goes by the number of the first. */
static void number_groups(struct fl_plan_case *c)
{
	for (unsigned i = 0; i < c->lanes_n; i++)
		c->lanes[i].group = c->lanes[i].rank ? c->lanes[i - 1].group : i;
}

int fl_plan_add_case(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan_lane *lanes, size_t n,
		     const char *label, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_spot spot = { x->suite->source, rule->line, rule->column };
	struct fl_plan_case *c;

	plan->cases = fl_grow(plan->cases, plan->cases_n + 1, sizeof(*plan->cases));
	c = &plan->cases[plan->cases_n];
	*c = (struct fl_plan_case){ .label = fl_dup(label),
				    .lanes = lanes,
				    .lanes_n = n,
				    .rounds = rule->repeat,
				    .rounds_least = rule->repeat_least };
	plan->cases_n++;
	c->across = lanes[0].size > 1 && x->hosts_n > 1 ? fl_across_name(&rule->across) : NULL;
	c->duration_ns = duration_of(c);
	number_groups(c);
	if (rule->together || rule->beside || lanes[0].size == 1)
		fl_skip_beside(c);
	else
		fl_skip_groups(x, c);
	fl_place_case(x, c);
	fl_plan_share_workers(x->catalog, c);
	if (plan->cases_n > FL_CASES_MAX)
		return fl_fail_at(spot, err, -EINVAL, "the suite makes more than %d cases", FL_CASES_MAX);
	return 0;
}

struct fl_cpus *fl_places_together(const struct fl_expansion *x, const struct fl_plan_lane *lanes, size_t n)
{
	struct fl_plan_case all = { .lanes = fl_plan_lanes_copy(lanes, n), .lanes_n = n };
	struct fl_cpus *cpus = fl_zalloc(n, sizeof(*cpus));

	fl_skip_beside(&all);
	fl_place_case(x, &all);
	for (size_t i = 0; i < n; i++) {
		cpus[i] = all.lanes[i].cpus;
		fl_plan_lane_release(&all.lanes[i]);
	}
	free(all.lanes);
	return cpus;
}

int fl_plan_add_alone(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_plan_lane *lanes,
		      size_t n, const struct fl_cpus *cpus, const char *label, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_plan_lane *alone = fl_plan_lanes_copy(lanes, n);
	char *name = fl_format("%s alone", label);
	int rc = fl_plan_add_case(x, rule, alone, n, name, plan, err);

	for (size_t i = 0; i < n; i++) {
		if (alone[i].skip || fl_cpus_count(&cpus[i]) == 0)
			continue;
		alone[i].cpus = cpus[i];
		fl_place_alone(x->catalog, &alone[i]);
	}
	free(name);
	return rc;
}

/* Whether a rule, or one below it, is of a benchmark that has that option and leaves it to others. */
static bool takes(const struct fl_catalog *catalog, const struct fl_rule *rule, const char *option)
{
	const struct fl_entry *entry;

	if (rule->bench && fl_catalog_find(catalog, rule->bench, &entry, NULL) == 0 && fl_entry_field(entry, option) &&
	    !(rule->sweep && strcmp(rule->sweep[0].name, option) == 0))
		return true;
	for (size_t i = 0; i < rule->together_n; i++)
		if (takes(catalog, &rule->together[i], option))
			return true;
	for (size_t i = 0; i < rule->beside_n; i++)
		if (takes(catalog, &rule->beside[i], option))
			return true;
	return false;
}

static int check_overrides(const struct fl_expansion *x, struct fl_err *err)
{
	for (size_t i = 0; i < x->settings->overrides_n; i++) {
		const char *name = x->settings->overrides[i].name;
		bool taken = false;

		for (size_t k = 0; k < x->suite->rules_n && !taken; k++)
			taken = takes(x->catalog, &x->suite->rules[k], name);
		if (!taken) {
			fl_fail(err, -EINVAL, "no benchmark of suite '%s' has an option '%s'", x->suite->name, name);
			return fl_hint(err, "see `feedline list` for the options of each benchmark");
		}
	}
	return 0;
}

static bool measures(const struct fl_plan *plan, const char *bench, size_t n)
{
	for (size_t i = 0; i < plan->cases_n; i++)
		for (size_t k = 0; k < plan->cases[i].lanes_n; k++)
			if (strncmp(plan->cases[i].lanes[k].bench, bench, n) == 0 && !plan->cases[i].lanes[k].bench[n])
				return true;
	return false;
}

static bool has_metric(const struct fl_catalog *catalog, const char *bench, size_t n, const char *metric)
{
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *entry = &catalog->entries[i];

		if (strncmp(entry->name, bench, n) != 0 || entry->name[n])
			continue;
		for (const struct fl_metric *m = entry->metrics; m->name; m++)
			if (strcmp(m->name, metric) == 0)
				return true;
	}
	return false;
}

/* A name that nothing can fulfil would be a promise that the suite never keeps. */
static int add_name(const struct fl_expansion *x, const char *word, const struct fl_setting *name,
		    const struct fl_plan *plan, char ***names, size_t *names_n, struct fl_err *err)
{
	struct fl_spot spot = { x->suite->source, name->line, name->column };
	size_t n = strcspn(name->name, ":");

	if (!measures(plan, name->name, n))
		return fl_fail_at(spot, err, -EINVAL, "'%s' names '%s', which no rule measures", word, name->name);
	if (name->name[n] && !has_metric(x->catalog, name->name, n, name->name + n + 1))
		return fl_fail_at(spot, err, -EINVAL, "'%s' names the unknown metric '%s'", word, name->name);
	for (size_t i = 0; i < *names_n; i++)
		if (strcmp((*names)[i], name->name) == 0)
			return 0;
	if (*names_n == FL_REQUIRE_MAX)
		return fl_fail_at(spot, err, -EINVAL, "'%s' has more than %d names", word, FL_REQUIRE_MAX);
	*names = fl_grow(*names, *names_n + 1, sizeof(**names));
	(*names)[(*names_n)++] = fl_dup(name->name);
	return 0;
}

/* Has the machine a device of that kind at all, whether it can be used or not? Of kinds that it does not list, yes. */
static bool has_any(const struct fl_machine *m, const char *kind)
{
	return strcmp(kind, "gpu") == 0	    ? m->gpus_n > 0
	       : strcmp(kind, "nic") == 0   ? m->nics_n > 0
	       : strcmp(kind, "rdma") == 0  ? fl_machine_count(m, kind) > 0
	       : strcmp(kind, "drive") == 0 ? m->drives_n > 0
					    : true;
}

/* Has any of the hosts? */
static bool is_anywhere(const struct fl_expansion *x, const char *kind)
{
	for (size_t h = 0; h < x->hosts_n; h++)
		if (has_any(x->hosts[h].machine, kind))
			return true;
	return false;
}

/* Is there one of every kind that options of the benchmark are for? */
static bool has_devices(const struct fl_expansion *x, const char *name)
{
	size_t n = strcspn(name, ":");

	for (size_t i = 0; i < x->catalog->n; i++) {
		const struct fl_entry *entry = &x->catalog->entries[i];

		if (strncmp(entry->name, name, n) != 0 || entry->name[n])
			continue;
		for (const struct fl_field *f = entry->fields; f->name; f++)
			if (f->type == FL_DEVICE && !is_anywhere(x, f->range))
				return false;
	}
	return true;
}

/* A name that is known is looked at in any case: what it is a mistake to write is one on every machine. */
static int add_if_any(const struct fl_expansion *x, const struct fl_setting *name, struct fl_plan *plan,
		      struct fl_err *err)
{
	size_t before = plan->require_n;
	int rc = add_name(x, "require_if_any", name, plan, &plan->require, &plan->require_n, err);

	if (rc == 0 && plan->require_n > before && !has_devices(x, name->name))
		free(plan->require[--plan->require_n]);
	return rc;
}

/* What a rule and those below it require and call primary. */
static int add_names(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan, struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < rule->require_n && rc == 0; i++)
		rc = add_name(x, "require", &rule->require[i], plan, &plan->require, &plan->require_n, err);
	for (size_t i = 0; i < rule->require_if_any_n && rc == 0; i++)
		rc = add_if_any(x, &rule->require_if_any[i], plan, err);
	for (size_t i = 0; i < rule->primary_n && rc == 0; i++)
		rc = add_name(x, "primary", &rule->primary[i], plan, &plan->primary, &plan->primary_n, err);
	for (size_t i = 0; i < rule->together_n && rc == 0; i++)
		rc = add_names(x, &rule->together[i], plan, err);
	for (size_t i = 0; i < rule->beside_n && rc == 0; i++)
		rc = add_names(x, &rule->beside[i], plan, err);
	return rc;
}

static int check_size(const struct fl_plan *plan, struct fl_err *err)
{
	size_t slots = 0, lanes = 0;

	for (size_t i = 0; i < plan->cases_n; i++) {
		slots += plan->cases[i].lanes_n * plan->cases[i].rounds;
		lanes += plan->cases[i].lanes_n;
	}
	if (lanes <= FL_PLAN_LANES_MAX && slots <= FL_SLOTS_MAX)
		return 0;
	if (lanes > FL_PLAN_LANES_MAX)
		fl_fail(err, -EINVAL, "suite '%s' makes %zu lanes, more than %d", plan->suite, lanes,
			FL_PLAN_LANES_MAX);
	else
		fl_fail(err, -EINVAL, "suite '%s' makes %zu measurements, more than %d", plan->suite, slots,
			FL_SLOTS_MAX);
	return fl_hint(err,
		       "run it on fewer hosts at a time, or with fewer rounds, or with fewer of the pairs of hosts "
		       "('across: {sample: 1}')");
}

static int add_studies(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan,
		       struct fl_err *err)
{
	size_t before = plan->studies_n;
	int rc = fl_across_check(x, rule, false, err);

	if (rc == 0)
		rc = fl_study_row(rule->study)->make(x, rule, plan, err);
	return rc == 0 && x->settings->passes ? fl_plan_calibrate(x, rule, x->settings->passes, before, plan, err) : rc;
}

/* `demand: all` makes a rule of each demand. */
static int add_rule(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan, struct fl_err *err)
{
	const struct fl_demands *demands = x->settings->demands;
	const struct fl_demand *one;
	const struct fl_entry *entry;
	bool all = false;
	int rc = 0;

	if (rule->bench && fl_catalog_find(x->catalog, rule->bench, &entry, NULL) == 0)
		rc = fl_demand_of_rule(x, rule, entry, &one, &all, err);
	if (rc < 0 || !all)
		return rc < 0 ? rc : add_studies(x, rule, plan, err);
	for (size_t i = 0; demands && i < demands->n && rc == 0; i++) {
		struct fl_expansion of_one = *x;

		of_one.demand = &demands->items[i];
		rc = add_studies(&of_one, rule, plan, err);
	}
	return rc;
}

/* The lanes of a rule on each host. */
static int add_rule_on_each(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan,
			    struct fl_err *err)
{
	struct fl_plan *parts = fl_zalloc(x->hosts_n, sizeof(*parts));
	int rc = 0;

	for (size_t h = 0; h < x->hosts_n && rc == 0; h++) {
		const struct fl_expansion on = fl_expansion_on(x, h);

		rc = fl_on_host(&on, rule, add_rule(&on, rule, &parts[h], err), err);
	}
	if (rc == 0)
		rc = fl_plan_join(x, rule, parts, plan, err);
	for (size_t h = 0; h < x->hosts_n; h++)
		fl_plan_release(&parts[h]);
	free(parts);
	return rc;
}

static int fill(const struct fl_expansion *x, struct fl_plan *plan, struct fl_err *err)
{
	const struct fl_suite *suite = x->suite;
	int rc = check_overrides(x, err);

	for (size_t i = 0; i < suite->rules_n && rc == 0; i++)
		rc = x->hosts_n == 1 || fl_entry_with_roles(x, &suite->rules[i])
			     ? add_rule(x, &suite->rules[i], plan, err)
			     : add_rule_on_each(x, &suite->rules[i], plan, err);
	if (rc == 0)
		number_labels(plan);
	for (size_t i = 0; i < suite->rules_n && rc == 0; i++)
		rc = add_names(x, &suite->rules[i], plan, err);
	return rc < 0 ? rc : check_size(plan, err);
}

static int check_hosts(const struct fl_plan_host *hosts, size_t n, struct fl_err *err)
{
	if (n < 1 || n > FL_PLAN_HOSTS_MAX)
		return fl_fail(err, -EINVAL, "a plan is of 1 to %d hosts, not %zu", FL_PLAN_HOSTS_MAX, n);
	for (size_t h = 0; h < n && n > 1; h++)
		if (!hosts[h].name)
			return fl_fail(err, -EINVAL, "host %zu of %zu has no name", h + 1, n);
	return 0;
}

static struct fl_plan *begin(const struct fl_suite *suite, const struct fl_plan_host *hosts, size_t n)
{
	struct fl_plan *plan = fl_zalloc(1, sizeof(*plan));

	plan->suite = fl_dup(suite->name);
	plan->required = suite->required;
	plan->visible_gpus = fl_dup(hosts->visible.devices);
	plan->gpu_order = fl_dup(hosts->visible.order);
	plan->hosts = fl_zalloc(n, sizeof(*plan->hosts));
	for (size_t h = 0; h < n && hosts[h].name; h++)
		plan->hosts[plan->hosts_n++] = fl_dup(hosts[h].name);
	return plan;
}

int fl_plan_make_hosts(const struct fl_suite *suite, const struct fl_catalog *catalog, const struct fl_plan_host *hosts,
		       size_t n, const struct fl_plan_settings *settings, struct fl_plan **ret, struct fl_err *err)
{
	static const struct fl_plan_settings none = { 0 };
	struct fl_expansion x = { .suite = suite,
				  .catalog = catalog,
				  .settings = settings ? settings : &none,
				  .host = hosts,
				  .hosts = hosts,
				  .hosts_n = n };
	struct fl_plan *plan;
	int rc = check_hosts(hosts, n, err);

	if (rc < 0)
		return rc;
	x.machine = hosts->machine;
	plan = begin(suite, hosts, n);
	rc = fill(&x, plan, err);
	if (rc < 0) {
		fl_plan_free(plan);
		return rc;
	}
	*ret = plan;
	return 0;
}

int fl_plan_make(const struct fl_suite *suite, const struct fl_catalog *catalog, const struct fl_machine *machine,
		 const struct fl_plan_settings *settings, struct fl_plan **ret, struct fl_err *err)
{
	struct fl_plan_host host = { .machine = machine };

	if (settings)
		host.visible = settings->visible;
	return fl_plan_make_hosts(suite, catalog, &host, 1, settings, ret, err);
}
