/* SPDX-License-Identifier: Apache-2.0 */
/* launch.c: which launcher it is, and what all of them have in common. */
#include "hosts/launch.h"
#include "base/alloc.h"
#include "base/text.h"
#include "hosts/address.h"
#include "hosts/launch_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { END_SECONDS = 5, GATHER_SECONDS = 60, HOSTS_A_SECOND = 16 };
static const uint64_t second_ns = 1000000000;

/* mpirun may itself have used srun: what is innermost comes first. */
const struct fl_launcher fl_launchers[] = {
	{ "mpirun", "every rank is a host: mpirun --map-by ppr:1:node --bind-to none feedline run ...",
	  fl_launch_mpi_applies, fl_launch_mpi },
	{ "ssh", "feedline run --hosts n1,n2: an agent is started on each by ssh", fl_launch_ssh_applies,
	  fl_launch_ssh },
	{ "env", "FEEDLINE_RANK, FEEDLINE_SIZE, FEEDLINE_HUB and FEEDLINE_SECRET say it", fl_launch_env_applies,
	  fl_launch_env },
	{ "slurm", "in an allocation of several nodes, by srun; or srun starts feedline itself",
	  fl_launch_slurm_applies, fl_launch_slurm },
	{ "local", "this machine alone, measured as one of many is", fl_launch_local_applies, fl_launch_local },
	{ 0 },
};

/* ---- choosing */

static int no_such(const char *name, struct fl_err *err)
{
	const char *names[8];
	const char *near;
	size_t n = 0;

	for (const struct fl_launcher *l = fl_launchers; l->name; l++)
		names[n++] = l->name;
	near = fl_nearest(name, names, n);
	fl_fail(err, -EINVAL, "no launcher is called '%.64s'", name);
	return near ? fl_hint(err, "did you mean '%s'?", near)
		    : fl_hint(err, "there are mpirun, ssh, env, slurm and local");
}

/* NULL in *ret: none applies. */
static int choose(const struct fl_launch_spec *spec, const struct fl_launcher **ret, struct fl_err *err)
{
	const struct fl_launcher *l = fl_launchers;

	while (l->name && (spec->launcher ? strcmp(l->name, spec->launcher) != 0 : !l->applies(spec->hosts)))
		l++;
	if (spec->launcher && !l->name)
		return no_such(spec->launcher, err);
	if (spec->hosts && l->name && strcmp(l->name, "ssh") != 0) {
		fl_fail(err, -EINVAL, "--hosts does not go with the launcher '%s', which says itself which they are",
			l->name);
		return fl_hint(err, "leave out --hosts");
	}
	*ret = l->name ? l : NULL;
	return 0;
}

bool fl_launch_is_wanted(const char *hosts, const char *launcher)
{
	bool wanted = hosts || launcher;

	for (const struct fl_launcher *l = fl_launchers; l->name && !wanted; l++)
		wanted = l->applies(hosts);
	return wanted;
}

int fl_launch_begin(const struct fl_launch_spec *spec, enum fl_launch_role *ret_role, struct fl_launch **ret,
		    struct fl_err *err)
{
	const struct fl_launcher *by = NULL;
	struct fl_launch *l;
	int rc = choose(spec, &by, err);

	if (rc < 0)
		return rc;
	*ret_role = FL_LAUNCH_ALONE;
	*ret = NULL;
	if (!by)
		return 0;
	l = fl_zalloc(1, sizeof(*l));
	l->by = by;
	l->bootstrap.rank = -1;
	fl_secret_guard(&l->guarded);
	rc = by->begin(l, spec, err);
	if (rc < 0 || l->role == FL_LAUNCH_ALONE) {
		fl_launch_end(l);
		return rc < 0 ? rc : 0;
	}
	if (l->role == FL_LAUNCH_AGENT && l->guarded) { /* it is known there when nobody needs it any more */
		l->bootstrap.guarded = true;
		l->guarded = false;
	}
	*ret_role = l->role;
	*ret = l;
	return 0;
}

/* ---- the hub */

static void on_wait(void *arg)
{
	fl_launched_look(arg);
}

int fl_launch_open_hub(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_hub_spec hub,
		       struct fl_err *err)
{
	const char **names = fl_zalloc(l->hosts.n + 1, sizeof(*names));
	char address[FL_ADDRESS_TEXT];
	int rc = spec->interface ? fl_launch_interface(spec->interface, address, err) : 0;

	for (size_t i = 0; i < l->hosts.n; i++)
		names[i] = l->hosts.items[i].name;
	hub.names = l->hosts.n ? names : NULL;
	hub.n = l->hosts.n ? (unsigned)l->hosts.n : hub.n;
	hub.interrupt = spec->interrupt;
	hub.catalog_digest = spec->catalog_digest;
	if (spec->interface)
		hub.bind = address;
	if (rc == 0)
		rc = fl_hub_open(&hub, &l->hub, err);
	if (rc == 0) {
		l->hub->waits = on_wait;
		l->hub->waits_arg = l;
		l->role = FL_LAUNCH_HUB;
	}
	free(names);
	return rc;
}

int fl_launch_here(struct fl_launch *l, const struct fl_launch_spec *spec, unsigned rank, struct fl_err *err)
{
	static const char *const args[] = { "agent", NULL };
	const char *name = rank < l->hosts.n ? l->hosts.items[rank].name : "of this machine";
	struct fl_launched *p = fl_launched_add(l, (int)rank, fl_format("host %s", name));
	struct fl_bootstrap b;
	char *line;
	int rc;

	fl_hub_bootstrap(l->hub, rank, &b);
	if (!b.host)
		b.host = fl_launch_own_name();
	line = fl_bootstrap_format(&b);
	fl_bootstrap_release(&b);
	rc = fl_launched_start(p, spec->program, args, line, err);
	sodium_memzero(line, strlen(line));
	free(line);
	return rc;
}

/* ---- from the first agent to the last */

int fl_launch_gather(struct fl_launch *l, void (*say)(void *arg, const char *text), void *arg, struct fl_err *err)
{
	const struct fl_hub_launch check = { .check = fl_launched_check, .started_by = fl_launched_by, .arg = l };
	unsigned bars = 0;
	char *differences;
	int rc;

	if (!l || !l->hub)
		return 0;
	l->hub->say = say;
	l->hub->say_arg = arg;
	rc = fl_hub_gather(l->hub, (GATHER_SECONDS + l->hub->n / HOSTS_A_SECOND) * second_ns, &check, err);
	l->hub->say = NULL;
	if (rc < 0)
		return rc;
	l->gathered = true;
	fl_secret_forget(&l->bootstrap.secret);
	fl_secret_unguard(&l->guarded);
	differences = fl_hub_differences(l->hub, &bars);
	if (differences && say)
		say(arg, differences);
	free(differences);
	if (!bars)
		return 0;
	fl_fail(err, -EINVAL, "the hosts differ in what must be the same on all (%u difference%s, shown above)", bars,
		bars == 1 ? "" : "s");
	return fl_hint(err, "install the same feedline on all of them");
}

struct fl_hub *fl_launch_hub(struct fl_launch *l)
{
	return l ? l->hub : NULL;
}

struct fl_bootstrap *fl_launch_bootstrap(struct fl_launch *l)
{
	return l ? &l->bootstrap : NULL;
}

const char *fl_launch_rack(const struct fl_launch *l, unsigned rank)
{
	return l && rank < l->hosts.n ? l->hosts.items[rank].rack : NULL;
}

const char *fl_launch_name(const struct fl_launch *l)
{
	return l ? l->by->name : NULL;
}

void fl_launch_end(struct fl_launch *l)
{
	if (!l)
		return;
	if (l->hub)
		fl_hub_close(l->hub);
	l->hub = NULL;
	fl_launched_end(l, fl_now_ns() + (l->gathered ? END_SECONDS : 1) * second_ns);
	fl_host_list_release(&l->hosts);
	fl_bootstrap_release(&l->bootstrap);
	fl_secret_unguard(&l->guarded);
	free(l->tool);
	free(l->remote);
	free(l);
}
