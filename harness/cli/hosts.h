/* SPDX-License-Identifier: Apache-2.0 */
/* hosts.h: the hosts that a run is on, where it is on more than the machine of the user. */
#ifndef FL_CLI_HOSTS_H
#define FL_CLI_HOSTS_H
#include "cli/cli.h"
#include "cli/home.h"
#include "hosts/hub.h"
#include "plan/plan.h"
#include "record/record.h"

/* As typed; NULL: not given. */
struct fl_hosts_options {
	const char *hosts, *launcher, *hub_interface, *remote_program;
};
/* Their rows in a command's options: members of the same names in *opts. */
#define FL_HOSTS_FIELDS(type)                                                                                          \
	FL_FIELD(type, hosts, FL_TEXT, "", NULL, "measure on these, by ssh: n1,n2, n[1-8], or a file, one a line"),    \
		FL_FIELD(type, launcher, FL_TEXT, "", NULL,                                                            \
			 "what starts feedline on the hosts: mpirun, ssh, env, slurm, local (else what is found)"),    \
		FL_FIELD(type, hub_interface, FL_TEXT, "", NULL,                                                       \
			 "by which hosts reach this one: an interface here, or its address (else any)"),               \
		FL_FIELD(type, remote_program, FL_TEXT, "", NULL,                                                      \
			 "where feedline is on the other hosts (else at the same place as here)")

struct fl_hosts;

/* Finds out whether this process is one of many. *ret: NULL where this machine is measured alone; all functions here
 * take that. 1: it was the agent of a host, and its part is done. */
int fl_hosts_begin(const struct fl_hosts_options *opts, const struct fl_home *home, const struct fl_call *call,
		   struct fl_hosts **ret, struct fl_err *err);
/* Waits for all hosts; says what differs between them. */
int fl_hosts_gather(struct fl_hosts *hosts, struct fl_err *err);
/* Where rc is an error, it is said before the hosts end, which takes seconds: whoever ends us may not wait so long. */
void fl_hosts_end(struct fl_hosts *hosts, int rc, struct fl_err *err);

/* After gathering. */
const struct fl_plan_host *fl_hosts_plan(const struct fl_hosts *hosts, size_t *ret_n);
struct fl_hub *fl_hosts_hub(const struct fl_hosts *hosts);
const struct fl_machine *fl_hosts_machine(const struct fl_hosts *hosts); /* of the first */
/* Puts them into the record: the first as the run's own machine, too. plan: of those hosts, in that order. */
void fl_hosts_record(const struct fl_hosts *hosts, const struct fl_plan *plan, const struct fl_catalog *catalog,
		     const struct fl_call *call, struct fl_run *run);
/* Are they those that the run with that plan was on, and as they were then? -EINVAL, naming all that differs;
 * *ret_changed: it is only that they changed, so that --resume-anyway may go on. store: its path, for the command that
 * goes on. */
int fl_hosts_check(const struct fl_hosts *hosts, const struct fl_run *run, const struct fl_plan *plan,
		   const char *store, bool *ret_changed, struct fl_err *err);
/* Which launcher says it, where the command does not: "mpirun"; else NULL. */
const char *fl_hosts_launcher(const struct fl_hosts *hosts);
/* What a command needs to be on the same hosts: " --hosts n1,n2"; "" where the launcher says it. malloc'd. */
char *fl_hosts_again(const struct fl_hosts *hosts);

#endif
