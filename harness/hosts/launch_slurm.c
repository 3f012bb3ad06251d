/* SPDX-License-Identifier: Apache-2.0 */
/* launch_slurm.c: two ways below Slurm. In an allocation that somebody entered (salloc, sbatch) this process is the hub
 * and srun starts the agents, the line on their stdin. Where srun has started feedline on every node itself, there is
 * no such line: rank, size and hosts are in the environment, the port comes from the numbers of job and step, and the
 * secret the user has to give. */
#include "base/alloc.h"
#include "hosts/launch_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEP_MAX = 0x7fffffff, PORT_FIRST = 20000, PORTS = 12000 }; /* below those that systems give out by themselves */
/* (With --ntasks-per-node=1 the task would get one CPU.) */
#define COMMAND "srun --nodes=N --exclusive --cpu-bind=none"
static const uint64_t resolve_ns = 60000000000;

/* A step of the user's own. The shell of an allocation, too, may be one, with a number of Slurm's above STEP_MAX. */
static bool is_step(void)
{
	unsigned long step;

	return getenv("SLURM_PROCID") && fl_launch_number("SLURM_STEP_ID", STEP_MAX, &step, NULL) == 1;
}

static unsigned long nodes(const char *variable)
{
	unsigned long n = 0;

	fl_launch_number(variable, FL_HOSTS_MAX, &n, NULL);
	return n;
}

bool fl_launch_slurm_applies(const char *hosts)
{
	unsigned long tasks = 0;

	(void)hosts;
	if (is_step())
		return fl_launch_number("SLURM_STEP_NUM_TASKS", FL_HOSTS_MAX, &tasks, NULL) == 1 && tasks > 1;
	return getenv("SLURM_JOB_ID") && nodes("SLURM_JOB_NUM_NODES") > 1;
}

int fl_launch_identify(struct fl_bootstrap *b, struct fl_err *err)
{
	const char *node = getenv("SLURMD_NODENAME");
	unsigned long rank;
	int rc;

	if (b->rank < 0) {
		rc = fl_launch_number("SLURM_PROCID", b->size - 1, &rank, err);
		if (rc == 0)
			rc = fl_fail(err, -EINVAL, "the line does not say which rank this agent is, nor does srun");
		if (rc < 0)
			return rc;
		b->rank = (int)rank;
	}
	if (!b->host)
		b->host = node && fl_host_name_is_good(node) ? fl_dup(node) : fl_launch_own_name();
	return getenv("SLURM_PROCID") ? fl_launch_check_bound("salloc --exclusive", err) : 0;
}

/* ---- srun starts the agents */

static int start_step(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	char *n_nodes = fl_format("--nodes=%zu", l->hosts.n), *n_tasks = fl_format("--ntasks=%zu", l->hosts.n);
	/* All of each node, whatever else the allocation runs; and no agent is ended because of another. */
	const char *const args[] = { n_nodes,
				     n_tasks,
				     "--ntasks-per-node=1",
				     "--cpu-bind=none",
				     "--mem=0",
				     "--overlap",
				     "--distribution=block",
				     "--kill-on-bad-exit=0",
				     "--no-kill",
				     "--wait=0",
				     "--input=all",
				     "--quiet",
				     spec->remote ? spec->remote : spec->program,
				     "agent",
				     NULL };
	struct fl_launched *p = fl_launched_add(l, -1, fl_dup("srun"));
	struct fl_bootstrap b;
	char *line;
	int rc;

	fl_hub_bootstrap(l->hub, 0, &b);
	b.rank = -1;
	free(b.host);
	b.host = NULL;
	line = fl_bootstrap_format(&b);
	fl_bootstrap_release(&b);
	rc = fl_launched_start(p, l->tool, args, line, err);
	sodium_memzero(line, strlen(line));
	free(line);
	free(n_tasks);
	free(n_nodes);
	return rc;
}

static int begin_allocation(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	const char *list = getenv("SLURM_JOB_NODELIST");
	int rc;

	if (!list) {
		fl_fail(err, -EINVAL, "launcher 'slurm': this is no allocation of Slurm's");
		return fl_hint(err, "enter one (salloc --nodes=N --exclusive), or name hosts: --hosts n1,n2");
	}
	rc = fl_host_list_expand(list, &l->hosts, err);
	if (rc < 0) {
		fl_hint(err, "it is what SLURM_JOB_NODELIST says");
		return rc;
	}
	rc = fl_launch_find("srun", &l->tool, err);
	if (rc == 0)
		rc = fl_launch_open_hub(l, spec, (struct fl_hub_spec){ .listen_fd = -1 }, err);
	return rc < 0 ? rc : start_step(l, spec, err);
}

/* ---- started by srun */

static int check_tasks(unsigned long tasks, struct fl_err *err)
{
	const char *tasks_per_node = getenv("SLURM_STEP_TASKS_PER_NODE");

	if (tasks == nodes("SLURM_STEP_NUM_NODES") &&
	    (!tasks_per_node || tasks_per_node[strspn(tasks_per_node, "1")] == 0 || tasks_per_node[1] == '('))
		return 0;
	fl_fail(err, -EINVAL, "%lu tasks on %lu nodes: feedline wants one on each", tasks,
		nodes("SLURM_STEP_NUM_NODES"));
	return fl_hint(err, COMMAND " feedline ...");
}

static uint16_t derived_port(void)
{
	unsigned long job = 0, step = 0;

	fl_launch_number("SLURM_JOB_ID", 0xffffffff, &job, NULL);
	fl_launch_number("SLURM_STEP_ID", STEP_MAX, &step, NULL);
	return (uint16_t)(PORT_FIRST + (job * 31 + step) % PORTS);
}

static int begin_step_hub(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	const struct fl_hub_spec hub = { .listen_fd = -1, .port = l->bootstrap.port, .secret = &l->bootstrap.secret };
	int rc = fl_launch_open_hub(l, spec, hub, err);

	fl_hint(err, "the port comes from the numbers of job and step: start it again for another one");
	return rc < 0 ? rc : fl_launch_here(l, spec, 0, err);
}

static int begin_step(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	const char *list = getenv("SLURM_STEP_NODELIST");
	unsigned long rank = 0, tasks = 0;
	int rc = fl_launch_number("SLURM_STEP_NUM_TASKS", FL_HOSTS_MAX, &tasks, err);

	if (rc >= 0)
		rc = fl_launch_number("SLURM_PROCID", tasks ? tasks - 1 : 0, &rank, err);
	if (rc < 0 || tasks <= 1)
		return rc < 0 ? rc : 0;
	rc = check_tasks(tasks, err);
	if (rc == 0)
		rc = fl_launch_check_bound(COMMAND, err);
	if (rc == 0)
		rc = fl_host_list_expand(list ? list : "", &l->hosts, err);
	if (rc == 0 && l->hosts.n != tasks)
		rc = fl_fail(err, -EINVAL, "SLURM_STEP_NODELIST names %zu hosts, for %lu tasks", l->hosts.n, tasks);
	if (rc == 0)
		rc = fl_launch_secret("slurm", &l->bootstrap.secret, err);
	if (rc < 0)
		return rc;
	l->bootstrap.hub_may_be_late = true;
	l->bootstrap.rank = (int)rank;
	l->bootstrap.size = (unsigned)tasks;
	l->bootstrap.port = derived_port();
	l->bootstrap.host = fl_dup(l->hosts.items[rank].name);
	if (rank == 0)
		return begin_step_hub(l, spec, err);
	l->role = FL_LAUNCH_AGENT;
	return fl_launch_resolve(l->hosts.items[0].name, fl_now_ns() + resolve_ns, spec->interrupt, &l->bootstrap, err);
}

int fl_launch_slurm(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	return is_step() ? begin_step(l, spec, err) : begin_allocation(l, spec, err);
}
