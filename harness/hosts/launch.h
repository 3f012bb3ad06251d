/* SPDX-License-Identifier: Apache-2.0 */
/* launch.h: how agents come to their hosts. A launcher only brings each agent its bootstrap line (bootstrap.h);
 * everything else goes over the wire.
 *
 *   local   one agent here; for trying out what runs over hosts
 *   ssh     `--hosts n1,n2` or a file: ssh HOST feedline agent, the line on its stdin
 *   slurm   inside an allocation: srun starts the agents, the line on their stdin; or under srun itself, by
 * environment
 *   mpirun  feedline was started by mpirun on every host: the line travels by MPI (feedline-mpi), which is over
 * before
 *           anything is measured
 *   env     FEEDLINE_RANK, FEEDLINE_SIZE, FEEDLINE_HUB=ADDRESS:PORT, FEEDLINE_SECRET: whatever else starts processes
 *           (Kubernetes' indexed jobs) */
#ifndef FL_HOSTS_LAUNCH_H
#define FL_HOSTS_LAUNCH_H
#include "hosts/hub.h"

struct fl_launch; /* the processes that were started, and what was found of the launcher */

struct fl_launcher {
	const char *name, *summary;
	/* Is this process below that launcher, or would it be used for these hosts? */
	bool (*applies)(const char *hosts);
};
extern const struct fl_launcher fl_launchers[]; /* ended by a zeroed row; the first that applies is taken */

/* What the user asked for, and what this process was started with. */
struct fl_launch_spec {
	const char *hosts; /* --hosts: names with commas, or a file with one a line ("n1 rack=r1"); NULL: not given */
	const char *launcher; /* --launcher; NULL: the first that applies */
	const char *prefix;
	const char *program; /* of feedline itself, absolute */
	const volatile sig_atomic_t *interrupt;
};

enum fl_launch_role {
	FL_LAUNCH_ALONE, /* one machine, no hub */
	FL_LAUNCH_HUB,	 /* this process is the hub (and starts the agent of its own host, where it is one of them) */
	FL_LAUNCH_AGENT, /* this process is an agent: serve, then exit with 0 */
};

/* Finds out what this process is to be, and makes hub and agents where it is the hub. -EINVAL (status 2): more than
 * one rank on a host, no such launcher, a host twice, no secret. */
int fl_launch_begin(const struct fl_launch_spec *spec, enum fl_launch_role *ret_role, struct fl_launch **ret,
		    struct fl_err *err);
/* Waits for all agents and compares them; say: a line, or a table, for people. */
int fl_launch_gather(struct fl_launch *l, void (*say)(void *arg, const char *text), void *arg, struct fl_err *err);
struct fl_hub *fl_launch_hub(struct fl_launch *l);
const struct fl_bootstrap *fl_launch_bootstrap(const struct fl_launch *l); /* of an agent */
const char *fl_launch_rack(const struct fl_launch *l, unsigned rank);	   /* NULL: not said */
const char *fl_launch_name(const struct fl_launch *l);			   /* "ssh" */
/* Ends hub and agents; waits for the processes that it started, at most 5 s, then kills them. */
void fl_launch_end(struct fl_launch *l);

#endif
