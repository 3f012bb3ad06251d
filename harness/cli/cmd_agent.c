/* SPDX-License-Identifier: Apache-2.0 */
/* feedline agent: started by a launcher on every host of a run, by nobody else; so no help lists it. Where the hub is
 * it reads from its stdin; it prints nothing to stdout, and to stderr why it ends, where that is not the hub's wish. */
#include "base/alloc.h"
#include "base/file.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/serve.h"
#include "hosts/agent.h"
#include "hosts/digest.h"
#include "hosts/launch.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <unistd.h>

static const uint64_t line_limit_ns = UINT64_C(60000000000);

struct agent_opts {
	uint64_t fd;
};

static const struct fl_field agent_fields[] = {
	FL_FIELD(agent_opts, fd, FL_COUNT, "0", "0..1048576", "descriptor with the line that says where the hub is"),
	{ 0 },
};

/* Where finished lanes are kept in case the hub is lost. malloc'd. A host without such a place takes no part: what it
 * measured could be lost. */
static int find_journal(char **ret, struct fl_err *err)
{
	char *state;
	int rc = fl_state_dir(&state, err);

	if (rc < 0)
		return rc;
	*ret = fl_format("%s/journal", state);
	free(state);
	return 0;
}

int fl_serve_agent(const struct fl_home *home, const struct fl_call *call, struct fl_bootstrap *bootstrap,
		   struct fl_err *err)
{
	char digest[FL_DIGEST_TEXT], *dir;
	int rc = find_journal(&dir, err);

	if (rc < 0)
		return rc;
	fl_catalog_digest(home->catalog, digest);
	rc = fl_agent_serve(&(struct fl_serve){ .prefix = home->prefix,
						.catalog = home->catalog,
						.catalog_digest = digest,
						.journal = dir,
						.argc = call->whole_argc,
						.argv = call->whole_argv,
						.interrupt = fl_interrupt_catch() },
			    bootstrap, err);
	free(dir);
	return rc;
}

/* Nothing else is to be read from it, and what a worker's library prints must not end in what a launcher reads. */
static void let_go(int fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd > STDERR_FILENO)
		close(fd);
	if (null_fd < 0)
		return;
	dup2(null_fd, STDIN_FILENO);
	dup2(null_fd, STDOUT_FILENO);
	if (null_fd > STDERR_FILENO)
		close(null_fd);
}

static int serve(const struct fl_call *call, int fd, struct fl_err *err)
{
	struct fl_bootstrap bootstrap;
	struct fl_home home;
	int rc = fl_home_open(&home, err);

	if (rc < 0)
		return rc;
	rc = fl_bootstrap_read(fd, fl_now_ns() + line_limit_ns, &bootstrap, err);
	if (rc < 0) {
		fl_hint(err, "launchers start 'feedline agent', people start 'feedline run --hosts n1,n2'");
		goto close_home;
	}
	let_go(fd);
	rc = fl_launch_identify(&bootstrap, err);
	if (rc >= 0)
		rc = fl_serve_agent(&home, call, &bootstrap, err);
	fl_bootstrap_release(&bootstrap);
close_home:
	fl_home_close(&home);
	return rc;
}

static int agent(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct agent_opts opts = { 0 };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 0, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	rc = args.help ? fl_options_help(self->usage, self->summary, sets, err) : serve(call, (int)opts.fd, err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_agent = {
	.name = "agent",
	.summary = "measure this host for a run on many; started by its launcher",
	.usage = "agent",
	.fields = agent_fields,
	.run = agent,
};
