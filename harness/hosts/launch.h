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

/* What the user asked for, and what this process was started with. */
struct fl_launch_spec {
	const char *hosts;     /* --hosts: names with commas, or a file (host_list.h); NULL: not given */
	const char *launcher;  /* --launcher; NULL: the first that applies */
	const char *interface; /* --hub-interface: where the hub listens, an interface or its address; NULL: all */
	const char *program;   /* of feedline itself, absolute */
	const char *remote;    /* --remote-program: where it is on the other hosts, absolute; NULL: at the same place */
	const char *prefix;    /* base/file.h */
	const char *catalog_digest; /* digest.h; NULL: not compared */
	char *const *argv;	    /* as this process was called, for launchers that start it anew */
	const volatile sig_atomic_t *interrupt;
};

enum fl_launch_role {
	FL_LAUNCH_ALONE, /* one machine, no hub */
	FL_LAUNCH_HUB,	 /* this process is the hub (and starts the agent of its own host, where it is one of them) */
	FL_LAUNCH_AGENT, /* this process is an agent: serve, then exit with 0 */
};

struct fl_launcher {
	const char *name, *summary;
	/* Is this process below that launcher, or would it be used for these hosts? */
	bool (*applies)(const char *hosts);
	/* Makes of *l what this process is. May not come back: then the process goes on as another program. */
	int (*begin)(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err);
};
extern const struct fl_launcher fl_launchers[]; /* ended by a zeroed row; the first that applies is taken */

/* Is there a launcher for this? false: this machine alone is measured, and there is nothing to begin. */
bool fl_launch_is_wanted(const char *hosts, const char *launcher);

/* Finds out what this process is to be, and makes hub and agents where it is the hub. *ret is NULL for
 * FL_LAUNCH_ALONE, and all functions here take that. -EINVAL (status 2): more than one rank on a host, no such
 * launcher, a host twice, no secret. */
int fl_launch_begin(const struct fl_launch_spec *spec, enum fl_launch_role *ret_role, struct fl_launch **ret,
		    struct fl_err *err);
/* Waits for all agents and compares them; say: a line, or a table, for people. -EINVAL: they differ in what must be
 * the same. */
int fl_launch_gather(struct fl_launch *l, void (*say)(void *arg, const char *text), void *arg, struct fl_err *err);
struct fl_hub *fl_launch_hub(struct fl_launch *l);
struct fl_bootstrap *fl_launch_bootstrap(struct fl_launch *l);	      /* of an agent */
const char *fl_launch_rack(const struct fl_launch *l, unsigned rank); /* NULL: not said */
const char *fl_launch_name(const struct fl_launch *l);		      /* "ssh" */
/* Ends hub and agents; waits for the processes that it started, at most 5 s (1 s where not all agents had come), then
 * kills them. */
void fl_launch_end(struct fl_launch *l);

/* Of an agent whose line goes to all: its rank and the name of its host, from the environment of srun. -EINVAL: it says
 * neither, or srun holds it on fewer CPUs than it may have. */
int fl_launch_identify(struct fl_bootstrap *b, struct fl_err *err);

#endif
