/* SPDX-License-Identifier: Apache-2.0 */
/* launch_parts.h: what launchers have in common; each is a file launch_<name>.c with its functions named here. */
#ifndef FL_HOSTS_LAUNCH_PARTS_H
#define FL_HOSTS_LAUNCH_PARTS_H
#include "base/child.h"
#include "hosts/address.h"
#include "hosts/host_list.h"
#include "hosts/launch.h"

/* A program that brings an agent to its host, or srun, that brings all: it lives as long as they do. */
struct fl_launched {
	char *who;	       /* "host n3", "srun": in front of what it complains of */
	int rank;	       /* whose agent it brings; -1: those of all */
	struct fl_child child; /* pid <= 0: not started yet, or ended */
	bool started, ended;
	int status;	     /* of one that ended, as from wait */
	struct fl_text said; /* the end of its stderr */
};

struct fl_launch {
	const struct fl_launcher *by;
	enum fl_launch_role role;
	struct fl_host_list hosts; /* by rank; none: the agents say it */
	struct fl_hub *hub;
	struct fl_bootstrap bootstrap; /* of an agent */
	struct fl_launched *launched;
	size_t launched_n, next; /* those from next on are not started yet */
	/* Starts that one; NULL: each is started when it is added. */
	int (*start)(struct fl_launch *l, struct fl_launched *p, struct fl_err *err);
	bool guarded;	     /* fl_secret_guard() was called for it */
	bool gathered;	     /* all agents have come: they end by themselves */
	char *tool, *remote; /* program that start() runs; where feedline is over there */
};

/* ---- launch.c */
/* The hub of l->hosts, or of n hosts whose names are not known; spec members of the hub that are not set here are zero
 * (listen_fd -1: none). */
int fl_launch_open_hub(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_hub_spec hub,
		       struct fl_err *err);
/* The agent of this host, as a child. */
int fl_launch_here(struct fl_launch *l, const struct fl_launch_spec *spec, unsigned rank, struct fl_err *err);

/* ---- launch_process.c */
/* One more to be started; valid until the next. */
struct fl_launched *fl_launched_add(struct fl_launch *l, int rank, char *who);
/* args: without argv[0]. input: its stdin. It has this process's environment. */
int fl_launched_start(struct fl_launched *p, const char *program, const char *const *args, const char *input,
		      struct fl_err *err);
/* Reads what they complain of, so that none waits, and finds those that ended. */
void fl_launched_look(struct fl_launch *l);
/* Starts what there is to start, at most 64 whose agents have not come yet. Below 0: one has ended before its agent
 * came; why is in *err. As fl_hub_launch.check; arg: the struct fl_launch. */
int fl_launched_check(void *arg, struct fl_err *err);
/* What has started the agent of that rank: "ssh"; NULL: nothing yet, or not known. As fl_hub_launch.started_by. */
const char *fl_launched_by(void *arg, unsigned rank);
void fl_launched_end(struct fl_launch *l, uint64_t until_ns);
/* The program of that name in PATH, malloc'd; -ENOENT. */
int fl_launch_find(const char *name, char **ret, struct fl_err *err);

/* ---- launch_variables.c: what launchers leave in the environment. Hostile, as any text is. */
/* 1: it is there and *ret is set; 0: it is not; -EINVAL. */
int fl_launch_number(const char *variable, unsigned long max, unsigned long *ret, struct fl_err *err);
/* The secret that FEEDLINE_SECRET holds; it is taken out of the environment. -EINVAL: none, with the hint what to
 * type for `launcher`. */
int fl_launch_secret(const char *launcher, struct fl_secret *ret, struct fl_err *err);
/* Addresses of that name, numeric, into b; waits for them to be known until the deadline. -EHOSTUNREACH, -EINTR. */
int fl_launch_resolve(const char *name, uint64_t until_ns, const volatile sig_atomic_t *interrupt,
		      struct fl_bootstrap *b, struct fl_err *err);

/* What this machine calls itself; malloc'd. */
char *fl_launch_own_name(void);
/* An address of the interface of that name, or of that address itself. -EINVAL: this host has none. */
int fl_launch_interface(const char *given, char ret[FL_ADDRESS_TEXT], struct fl_err *err);
/* -EINVAL: this process is held on fewer CPUs than it may have, by whatever started it; `command` does not do that. */
int fl_launch_check_bound(const char *command, struct fl_err *err);

bool fl_launch_mpi_applies(const char *hosts);
int fl_launch_mpi(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err);
bool fl_launch_ssh_applies(const char *hosts);
int fl_launch_ssh(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err);
bool fl_launch_env_applies(const char *hosts);
int fl_launch_env(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err);
bool fl_launch_slurm_applies(const char *hosts);
int fl_launch_slurm(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err);
bool fl_launch_local_applies(const char *hosts);
int fl_launch_local(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err);

#endif
