/* SPDX-License-Identifier: Apache-2.0 */
/* demand.c: what a workload asks for (catalog/demand.h), as an option in place of step_bytes and step_time. The lane
 * keeps its name, so that record and report can say it. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <errno.h>
#include <string.h>

enum { BYTES, TIME, STANDS_FOR };
static const char *const stands_for[] = { [BYTES] = "step_bytes", [TIME] = "step_time" };

static bool is_overridden(const struct fl_expansion *x, const char *name)
{
	for (size_t i = 0; i < x->settings->overrides_n; i++)
		if (strcmp(x->settings->overrides[i].name, name) == 0)
			return true;
	return false;
}

/* The command line goes over the suite as a whole: both steps over its demand, a demand over its steps. */
static bool is_replaced(const struct fl_expansion *x)
{
	if (is_overridden(x, FL_DEMAND))
		return false;
	for (size_t i = 0; i < STANDS_FOR; i++)
		if (!is_overridden(x, stands_for[i]))
			return false;
	return true;
}

/* Is the option said where the demand is, or on the command line? */
static bool is_said(const struct fl_expansion *x, const struct fl_rule *rule, const char *name, struct fl_spot *spot)
{
	if (rule->sweep && strcmp(rule->sweep[0].name, name) == 0) {
		*spot = (struct fl_spot){ x->suite->source, rule->sweep[0].line, rule->sweep[0].column };
		return true;
	}
	return fl_given_text(x, rule, name, spot) && (is_overridden(x, name) || !is_overridden(x, FL_DEMAND));
}

static int find(const struct fl_expansion *x, const char *name, struct fl_spot spot, const struct fl_demand **ret,
		struct fl_err *err)
{
	struct fl_err cause = { 0 };

	if (!x->settings->demands)
		return fl_fail_at(spot, err, -EINVAL, "unknown demand '%s'", name);
	if (fl_demand_find(x->settings->demands, name, ret, &cause) == 0)
		return 0;
	fl_fail_at(spot, err, -EINVAL, "%s", cause.what);
	return fl_hint(err, "%s", cause.hint);
}

int fl_demand_of_rule(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		      const struct fl_demand **ret, bool *ret_all, struct fl_err *err)
{
	struct fl_spot spot, other;
	const char *name = fl_given_text(x, rule, FL_DEMAND, &spot);

	*ret = NULL;
	*ret_all = false;
	if (!name || !fl_entry_field(entry, FL_DEMAND) || is_replaced(x))
		return 0;
	for (size_t i = 0; i < STANDS_FOR; i++) {
		if (!is_said(x, rule, stands_for[i], &other))
			continue;
		fl_fail_at(other, err, -EINVAL, "'%s' contradicts 'demand', which says it", stands_for[i]);
		return fl_hint(err, "give a demand, or both %s and %s", stands_for[BYTES], stands_for[TIME]);
	}
	if (strcmp(name, FL_DEMAND_ALL) != 0)
		return find(x, name, spot, ret, err);
	if (!x->settings->demands)
		return fl_fail_at(spot, err, -EINVAL, "no demand is known");
	*ret = x->demand;
	*ret_all = !x->demand;
	return 0;
}

bool fl_is_demanded(const struct fl_demand *demand, const char *option)
{
	return demand && (strcmp(option, FL_DEMAND) == 0 || strcmp(option, stands_for[BYTES]) == 0 ||
			  strcmp(option, stands_for[TIME]) == 0);
}

char *fl_demand_text(const struct fl_demand *demand, const char *option)
{
	if (strcmp(option, stands_for[BYTES]) == 0)
		return fl_format("%llu", (unsigned long long)demand->step_bytes);
	if (strcmp(option, stands_for[TIME]) == 0)
		return fl_format("%lluns", (unsigned long long)demand->step_time_ns);
	return fl_dup(demand->name);
}
