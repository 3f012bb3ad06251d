/* SPDX-License-Identifier: Apache-2.0 */
/* changes.c: a recorded machine against the live one: boot, kernel and drivers, CPUs and devices, settings, and who may
 * use the GPUs of the plan. */
#include "cli/changes.h"
#include "base/json.h"
#include "judge/environment.h"
#include "judge/path.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void compare_text(struct fl_text *out, const char *what, const char *then, const char *now)
{
	if (!same(then, now))
		fl_text_add(out, "%s%s was '%s', is '%s'", out->n ? "; " : "", what, then ? then : "unknown",
			    now ? now : "unknown");
}

static void compare_cpus(struct fl_text *out, const char *what, const struct fl_cpus *then, const struct fl_cpus *now)
{
	struct fl_text a = { 0 }, b = { 0 };

	fl_cpus_format(then, &a);
	fl_cpus_format(now, &b);
	compare_text(out, what, fl_text_str(&a), fl_text_str(&b));
	fl_text_release(&b);
	fl_text_release(&a);
}

static bool has_device(const struct fl_machine *m, const char *kind, const char *id)
{
	for (size_t i = 0; i < fl_machine_count(m, kind); i++)
		if (same(fl_machine_device(m, kind, i).id, id))
			return true;
	return false;
}

/* Drivers without a version of their own are those of the kernel's build. */
static void compare_builds(struct fl_text *out, const json_t *then, const json_t *now)
{
	static const char *const members[][2] = { { "build", "kernel build" }, { "feedline", "feedline" } };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		compare_text(out, members[i][1], fl_json_text_or_null(then, members[i][0]),
			     fl_json_text_or_null(now, members[i][0]));
}

/* ---- what the run uses */

static bool lane_names(const struct fl_plan_lane *lane, const char *id)
{
	for (size_t i = 0; i < lane->options_n; i++)
		if (same(lane->options[i].text, id))
			return true;
	return false;
}

static bool plan_uses(const struct fl_plan *plan, unsigned host, const char *id)
{
	for (size_t c = 0; c < plan->cases_n; c++)
		for (size_t i = 0; i < plan->cases[c].lanes_n; i++)
			if (plan->cases[c].lanes[i].host == host && lane_names(&plan->cases[c].lanes[i], id))
				return true;
	return false;
}

/* By a path on it, or by its name. */
static bool drive_is_used(const json_t *environment, const char *id)
{
	const char *name;
	json_t *use;

	json_object_foreach(json_object_get(environment, "used"), name, use)
	{
		if (same(fl_json_text_or_null(use, "drive"), id))
			return true;
	}
	return false;
}

/* Of the drive, while the run uses it. */
static bool is_used_scheduler(const char *path, const json_t *environment)
{
	const char *name;
	json_t *use;

	json_object_foreach(json_object_get(environment, "used"), name, use)
	{
		const char *drive = fl_json_text_or_null(use, "drive");
		size_t n = drive ? strlen(drive) : 0;

		if (name && n && !strncmp(path, "drives.", 7) && !strncmp(path + 7, drive, n) &&
		    !strcmp(path + 7 + n, ".scheduler"))
			return true;
	}
	return false;
}

/* Of a GPU: what makes it another one for a benchmark. Its users are looked at where the plan uses it. */
static bool is_gpu_setting(const char *path)
{
	static const char *const members[] = { ".ecc",		".mig",	     ".power_limit_w",
					       ".clock_max_hz", ".firmware", ".compute_mode" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		size_t n = strlen(path), end = strlen(members[i]);

		if (!strncmp(path, "gpus.", 5) && n > end && !strcmp(path + n - end, members[i]))
			return true;
	}
	return false;
}

/* Whether numbers from before and after it do not belong together. What ends in '.' is all that is below. */
static bool is_setting(const char *path, const json_t *environment)
{
	static const char *const settings[] = {
		"drivers.",   "frequency.",	   "boost",	  "smt", "numa_balancing",
		"huge_pages", "huge_pages_defrag", "clock_source"
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		size_t n = strlen(settings[i]);

		if (settings[i][n - 1] == '.' ? !strncmp(path, settings[i], n) : !strcmp(path, settings[i]))
			return true;
	}
	return is_gpu_setting(path) || is_used_scheduler(path, environment);
}

/* Does the lane reach another host by whatever network the harness was reached by? */
static bool takes_any_network(const struct fl_plan_case *c, const struct fl_plan_lane *lane)
{
	const char *named = fl_lane_option(lane, FL_INTERFACE);

	for (size_t i = 0; i < c->lanes_n && !(named && *named); i++)
		if (c->lanes[i].group == lane->group && c->lanes[i].host != lane->host)
			return true;
	return false;
}

/* Which of two networks the agent came by may be another one each time: where nothing is measured over it, that is no
 * change of the machine. */
static bool goes_by_interface(const struct fl_plan *plan, unsigned host)
{
	for (size_t c = 0; c < plan->cases_n; c++)
		for (size_t i = 0; i < plan->cases[c].lanes_n; i++)
			if (plan->cases[c].lanes[i].host == host &&
			    takes_any_network(&plan->cases[c], &plan->cases[c].lanes[i]))
				return true;
	return false;
}

/* Drivers and settings, as far as both know of them: an older record may lack members. *ret_network: it is another
 * one than then. */
static void compare_settings(struct fl_text *out, const struct fl_run *run, const struct fl_plan *plan,
			     const struct fl_changes_now *now, bool *ret_network)
{
	json_t *machine = fl_machine_json(now->machine);
	struct fl_differences found;

	*ret_network = false;
	fl_differences_find(run->machine, run->environment, machine, now->environment, &found);
	for (size_t i = 0; i < found.n; i++) {
		const struct fl_difference *d = &found.items[i];
		bool network = strcmp(d->path, FL_INTERFACE) == 0 && goes_by_interface(plan, now->host);

		if (network || is_setting(d->path, run->environment))
			compare_text(out, d->path, d->before, d->after);
		*ret_network |= network;
	}
	fl_differences_release(&found);
	json_decref(machine);
}

/* Loop drives and virtual interfaces come and go and feed nobody: one counts where it is on PCI, or where the run
 * cannot go on without it. Nodes are no devices on PCI, and all of them count. */
static bool counts(const struct fl_run *run, const struct fl_plan *plan, unsigned host, const char *kind,
		   const struct fl_device_view *d, bool gone)
{
	if (d->pci || (gone && !strcmp(kind, "node")))
		return true;
	return gone && d->id && (plan_uses(plan, host, d->id) || drive_is_used(run->environment, d->id));
}

/* Devices of `a` that `b` lacks. */
static void compare_devices(struct fl_text *out, const struct fl_run *run, const struct fl_plan *plan, unsigned host,
			    const struct fl_machine *a, const struct fl_machine *b, bool gone)
{
	static const char *const kinds[] = { "node", "drive", "nic", "gpu" };

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (size_t i = 0; i < fl_machine_count(a, kinds[k]); i++) {
			struct fl_device_view d = fl_machine_device(a, kinds[k], i);

			if (!has_device(b, kinds[k], d.id) && counts(run, plan, host, kinds[k], &d, gone))
				fl_text_add(out, "%s%s '%s' is %s", out->n ? "; " : "", kinds[k], d.id ? d.id : "?",
					    gone ? "gone" : "new");
		}
}

static void compare(struct fl_text *out, const struct fl_run *run, const struct fl_plan *plan,
		    const struct fl_machine *then, const struct fl_changes_now *now)
{
	compare_text(out, "host", then->host, now->machine->host);
	compare_text(out, "boot", then->boot_id, now->machine->boot_id);
	compare_text(out, "kernel", then->kernel, now->machine->kernel);
	compare_cpus(out, "online CPUs", &then->cpus, &now->machine->cpus);
	compare_cpus(out, "allowed CPUs", &then->limits.cpus, &now->machine->limits.cpus);
	compare_devices(out, run, plan, now->host, then, now->machine, true);
	compare_devices(out, run, plan, now->host, now->machine, then, false);
}

/* ---- who may use the GPUs of the plan */

static void say_visible(struct fl_text *out, const char *name, const char *then, const char *now)
{
	if (!same(then, now))
		fl_text_add(out, "%s%s was %s%.60s%s, is %s%.60s%s", out->n ? "; " : "", name, then ? "'" : "",
			    then ? then : "not set", then ? "'" : "", now ? "'" : "", now ? now : "not set",
			    now ? "'" : "");
}

/* By what it means for the GPUs of the plan, not by its words. An older plan does not say what was set. */
static void compare_visible(struct fl_text *out, const struct fl_run *run, const struct fl_plan *plan,
			    const struct fl_changes_now *now)
{
	const struct fl_visible then = { .devices = plan->visible_gpus, .order = plan->gpu_order };
	const struct fl_machine *m = now->machine;

	if (plan->hosts_n) /* it says what was set at the first of them alone */
		return;
	for (size_t i = 0; i < m->gpus_n && json_object_get(run->plan, "visible_gpus"); i++) {
		const struct fl_gpu *gpu = &m->gpus[i];

		if (fl_gpu_seen(m, gpu, &then) == fl_gpu_seen(m, gpu, &now->visible) || !plan_uses(plan, 0, gpu->id))
			continue;
		say_visible(out, "CUDA_VISIBLE_DEVICES", then.devices, now->visible.devices);
		say_visible(out, "CUDA_DEVICE_ORDER", then.order, now->visible.order);
		return;
	}
}

static void compare_users(struct fl_text *out, const struct fl_plan *plan, const struct fl_machine *then,
			  const struct fl_changes_now *now)
{
	for (size_t i = 0; i < now->machine->gpus_n; i++) {
		const struct fl_gpu *after = &now->machine->gpus[i], *before = fl_gpu_of(then, after->id);
		char *had = before ? fl_gpu_users(before) : NULL, *has = fl_gpu_users(after);

		if (before && !same(had, has) && plan_uses(plan, now->host, after->id))
			fl_text_add(out, "%swho uses %s: was '%s', is '%s'", out->n ? "; " : "", after->id,
				    had ? had : "nobody else", has ? has : "nobody else");
		free(had);
		free(has);
	}
}

int fl_changes_check(const struct fl_run *run, const struct fl_plan *plan, const struct fl_changes_now *now,
		     struct fl_err *err)
{
	struct fl_text changes = { 0 };
	struct fl_machine *then;
	bool network;
	int rc = fl_machine_read(run->machine, &then, err);

	if (rc < 0)
		return rc;
	compare(&changes, run, plan, then, now);
	compare_visible(&changes, run, plan, now);
	compare_users(&changes, plan, then, now);
	compare_builds(&changes, run->environment, now->environment);
	compare_settings(&changes, run, plan, now, &network);
	fl_machine_free(then);
	if (changes.n) {
		rc = fl_fail(err, -EINVAL, "this machine is not as run '%s' left it: %s", run->id,
			     fl_text_str(&changes));
		fl_hint(err, "start a new run, %sor add --resume-anyway",
			network ? "choose the network of before with --hub-interface, " : "");
	}
	fl_text_release(&changes);
	return rc;
}
