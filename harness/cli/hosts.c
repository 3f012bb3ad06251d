/* SPDX-License-Identifier: Apache-2.0 */
/* hosts.c: what this process is among many, and what it knows of the others. */
#include "cli/hosts.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/changes.h"
#include "cli/interrupt.h"
#include "cli/measure.h"
#include "cli/output.h"
#include "cli/serve.h"
#include "hosts/digest.h"
#include "hosts/launch.h"
#include "judge/path.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fl_hosts {
	struct fl_hosts_options opts; /* borrowed */
	struct fl_launch *launch;
	struct fl_plan_host *plan; /* what points into the hub */
	size_t n;
};

/* ---- begin and end */

int fl_hosts_begin(const struct fl_hosts_options *opts, const struct fl_home *home, const struct fl_call *call,
		   struct fl_hosts **ret, struct fl_err *err)
{
	enum fl_launch_role role = FL_LAUNCH_ALONE;
	char digest[FL_DIGEST_TEXT], *program;
	struct fl_launch *launch = NULL;
	int rc;

	*ret = NULL;
	if (!fl_launch_is_wanted(opts->hosts, opts->launcher)) {
		if (!opts->hub_interface && !opts->remote_program)
			return 0;
		fl_fail(err, -EINVAL, "--%s is about other hosts, and this machine is measured alone",
			opts->hub_interface ? "hub-interface" : "remote-program");
		return fl_hint(err, "name the hosts: --hosts n1,n2");
	}
	rc = fl_program(&program, err);
	if (rc < 0)
		return rc;
	fl_catalog_digest(home->catalog, digest);
	rc = fl_launch_begin(&(struct fl_launch_spec){ .hosts = opts->hosts,
						       .launcher = opts->launcher,
						       .interface = opts->hub_interface,
						       .program = program,
						       .remote = opts->remote_program,
						       .prefix = home->prefix,
						       .catalog_digest = digest,
						       .argv = call->whole_argv,
						       .interrupt = fl_interrupt_catch() },
			     &role, &launch, err);
	free(program);
	if (rc < 0)
		return rc;
	if (role == FL_LAUNCH_AGENT) {
		rc = fl_serve_agent(home, call, fl_launch_bootstrap(launch), err);
		fl_launch_end(launch);
		return rc < 0 ? rc : 1;
	}
	if (role == FL_LAUNCH_ALONE)
		return 0;
	*ret = fl_zalloc(1, sizeof(**ret));
	**ret = (struct fl_hosts){ .opts = *opts, .launch = launch };
	return 0;
}

void fl_hosts_end(struct fl_hosts *hosts, int rc, struct fl_err *err)
{
	if (!hosts)
		return;
	if (rc < 0)
		fl_output_error_now(err);
	fl_launch_end(hosts->launch);
	free(hosts->plan);
	free(hosts);
}

/* ---- who they are */

static void say(void *arg, const char *text)
{
	(void)arg;
	fl_output_lines(text);
}

static struct fl_plan_host host_of(const struct fl_launch *launch, const struct fl_hub_host *h)
{
	return (struct fl_plan_host){ .name = h->name,
				      .machine = h->machine,
				      .interface = fl_json_text_or_null(h->hello, "interface"),
				      .rack = fl_launch_rack(launch, h->rank),
				      .visible = { .devices = fl_json_text_or_null(h->visible, "devices"),
						   .order = fl_json_text_or_null(h->visible, "order") } };
}

int fl_hosts_gather(struct fl_hosts *hosts, struct fl_err *err)
{
	const struct fl_hub *hub;
	int rc;

	if (!hosts)
		return 0;
	rc = fl_launch_gather(hosts->launch, say, NULL, err);
	if (rc < 0)
		return rc;
	hub = fl_launch_hub(hosts->launch);
	hosts->n = hub->n;
	hosts->plan = fl_zalloc(hub->n, sizeof(*hosts->plan));
	for (size_t i = 0; i < hub->n; i++)
		hosts->plan[i] = host_of(hosts->launch, &hub->hosts[i]);
	return 0;
}

const struct fl_plan_host *fl_hosts_plan(const struct fl_hosts *hosts, size_t *ret_n)
{
	*ret_n = hosts ? hosts->n : 0;
	return hosts ? hosts->plan : NULL;
}

struct fl_hub *fl_hosts_hub(const struct fl_hosts *hosts)
{
	return hosts ? fl_launch_hub(hosts->launch) : NULL;
}

const struct fl_machine *fl_hosts_machine(const struct fl_hosts *hosts)
{
	return hosts && hosts->n ? hosts->plan[0].machine : NULL;
}

/* ---- in the record */

static json_t *command_of(const struct fl_call *call)
{
	json_t *words = json_array();

	for (int i = 0; i < call->whole_argc; i++)
		json_array_append_new(words, fl_json_string(call->whole_argv[i]));
	return words;
}

/* What the host says of itself, and by which interface it is reached. */
static json_t *environment_of(const struct fl_hub_host *host)
{
	json_t *environment = json_copy(host->environment);

	json_object_set_new(environment, FL_INTERFACE, fl_json_string(fl_json_text_or_null(host->hello, "interface")));
	return environment;
}

void fl_hosts_record(const struct fl_hosts *hosts, const struct fl_plan *plan, const struct fl_catalog *catalog,
		     const struct fl_call *call, struct fl_run *run)
{
	const struct fl_hub *hub = fl_hosts_hub(hosts);

	for (size_t i = 0; hub && i < hub->n; i++) {
		json_t *environment = environment_of(&hub->hosts[i]);

		/* not that of the agent, which nobody typed and which had no plan yet */
		json_object_set_new(environment, "command", command_of(call));
		json_object_set_new(environment, "used",
				    fl_run_used(hub->hosts[i].machine, catalog, plan, (unsigned)i));
		fl_run_add_host(run, hub->hosts[i].name, fl_measure_machine(hub->hosts[i].machine), environment);
	}
	if (!run->hosts_n)
		return;
	run->machine = json_incref(run->hosts[0].machine);
	run->environment = json_incref(run->hosts[0].environment);
}

const char *fl_hosts_launcher(const struct fl_hosts *hosts)
{
	return hosts && !hosts->opts.hosts && !hosts->opts.launcher ? fl_launch_name(hosts->launch) : NULL;
}

char *fl_hosts_again(const struct fl_hosts *hosts)
{
	const struct fl_hosts_options *o;
	struct fl_text text = { 0 };

	if (!hosts)
		return fl_dup("");
	o = &hosts->opts;
	const char *const words[][2] = { { "--hosts", o->hosts },
					 { "--launcher", o->launcher },
					 { "--hub-interface", o->hub_interface },
					 { "--remote-program", o->remote_program } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!words[i][1])
			continue;
		fl_text_add(&text, " %s ", words[i][0]);
		fl_text_quote(&text, words[i][1]);
	}
	return text.bytes ? text.bytes : fl_dup("");
}

/* ---- a run that goes on */

static const struct fl_hub_host *find(const struct fl_hub *hub, const char *name)
{
	for (size_t i = 0; i < hub->n; i++)
		if (!strcmp(hub->hosts[i].name, name))
			return &hub->hosts[i];
	return NULL;
}

static char *names_of(const struct fl_run *run)
{
	struct fl_text text = { 0 };

	for (size_t i = 0; i < run->hosts_n; i++)
		fl_text_add(&text, "%s%s", i ? "," : "", run->hosts[i].name);
	return text.bytes ? text.bytes : fl_dup("");
}

/* Names, before anything is compared. */
static int check_names(const struct fl_hub *hub, const struct fl_run *run, const char *store, struct fl_err *err)
{
	char *names = names_of(run), *where = fl_output_quote(store);
	bool same = run->hosts_n == (hub ? hub->n : 0);

	for (size_t i = 0; same && i < run->hosts_n; i++)
		same = find(hub, run->hosts[i].name);
	if (!same && !run->hosts_n) {
		fl_fail(err, -EINVAL, "run '%s' was on one machine, without a launcher", run->id);
		fl_hint(err, "leave out --hosts and --launcher, and start it on that machine");
	} else if (!same) {
		fl_fail(err, -EINVAL, "run '%s' was on %zu host%s: %.200s", run->id, run->hosts_n,
			run->hosts_n == 1 ? "" : "s", names);
		fl_hint(err, "go on with: feedline run --resume %s --store %s --hosts %s, or by the launcher it had",
			run->id, where, names);
	}
	free(where);
	free(names);
	return same ? 0 : -EINVAL;
}

/* hint: of those of the hosts the one that says most. */
static void check_host(const struct fl_run *run, const struct fl_plan *plan, size_t number,
		       const struct fl_hub_host *host, struct fl_text *changes, struct fl_text *hint)
{
	struct fl_run part = { .machine = run->hosts[number].machine, .environment = run->hosts[number].environment };
	json_t *environment = environment_of(host);
	const struct fl_changes_now now = { .machine = host->machine,
					    .environment = environment,
					    .host = (unsigned)number };
	struct fl_err why = { 0 };

	fl_copy(part.id, sizeof(part.id), run->id);
	if (fl_changes_check(&part, plan, &now, &why) < 0)
		fl_text_add(changes, "%shost %s: %s", changes->n ? "; " : "", run->hosts[number].name, why.what);
	if (strlen(why.hint) > hint->n) {
		fl_text_release(hint);
		fl_text_add(hint, "%s", why.hint);
	}
	json_decref(environment);
}

int fl_hosts_check(const struct fl_hosts *hosts, const struct fl_run *run, const struct fl_plan *plan,
		   const char *store, bool *ret_changed, struct fl_err *err)
{
	const struct fl_hub *hub = fl_hosts_hub(hosts);
	struct fl_text changes = { 0 }, hint = { 0 };
	int rc = check_names(hub, run, store, err);

	*ret_changed = false;
	if (rc < 0 || !hub)
		return rc;
	for (size_t i = 0; i < run->hosts_n; i++)
		check_host(run, plan, i, find(hub, run->hosts[i].name), &changes, &hint);
	if (changes.n) {
		rc = fl_fail(err, -EINVAL, "%s", fl_text_str(&changes));
		fl_hint(err, "%s", fl_text_str(&hint));
		*ret_changed = true;
	}
	fl_text_release(&hint);
	fl_text_release(&changes);
	return rc;
}
