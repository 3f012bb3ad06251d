/* SPDX-License-Identifier: Apache-2.0 */
/* station.c: what a machine needs to carry out cases: made, and undone. */
#include "run/station.h"
#include "run/case.h"
#include "run/kernel.h"
#include "run/telemetry.h"
#include "run/throttle.h"
#include <sched.h>
#include <unistd.h>

/* Launchers like to bind us to one CPU; the kernel cuts this down to the cpuset that we are allowed. */
static void widen_affinity(void)
{
	struct fl_cpus all;

	for (size_t i = 0; i < sizeof(all.bits) / sizeof(*all.bits); i++)
		all.bits[i] = ~UINT64_C(0);
	sched_setaffinity(0, sizeof(all.bits), (const cpu_set_t *)(const void *)all.bits);
}

static struct fl_speeds look_at_speeds(const struct fl_machine *machine)
{
	struct fl_speeds speeds;
	int root = fl_kernel_root();

	fl_speeds_look(root, &machine->cpus, &speeds);
	if (root >= 0)
		close(root);
	return speeds;
}

int fl_station_open(struct fl_agent *agent, bool watched, struct fl_station *ret, struct fl_err *err)
{
	int rc;

	*ret = (struct fl_station){ .agent = agent };
	rc = fl_pool_open(agent->prefix, &ret->pool, err);
	if (rc < 0)
		return rc;
	widen_affinity();
	fl_throttle_sweep(agent->machine->limits.io_group.value);
	ret->began = look_at_speeds(agent->machine);
	agent->began = &ret->began;
	agent->telemetry = watched ? fl_telemetry_start(agent) : NULL;
	agent->retired = &ret->retired;
	ret->pool.abandoned = fl_agent_abandon;
	ret->pool.abandoned_arg = agent;
	return 0;
}

void fl_station_close(struct fl_station *s)
{
	fl_telemetry_end(s->agent->telemetry);
	s->agent->telemetry = NULL;
	fl_pool_close(&s->pool);
	s->agent->began = NULL;
	s->agent->retired = NULL;
	fl_speeds_release(&s->began);
	fl_retired_release(&s->retired);
}
