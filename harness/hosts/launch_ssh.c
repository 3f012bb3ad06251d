/* SPDX-License-Identifier: Apache-2.0 */
/* launch_ssh.c: ssh HOST feedline agent, the line on its stdin. Nobody is asked for a password. ssh stays as long as
 * its agent, and what it complains of is why an agent did not come. */
#include "base/alloc.h"
#include "hosts/launch_parts.h"
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool fl_launch_ssh_applies(const char *hosts)
{
	return hosts != NULL;
}

static int start(struct fl_launch *l, struct fl_launched *p, struct fl_err *err)
{
	const char *host = l->hosts.items[p->rank].name;
	const char *const args[] = { "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-a", "-x", "-T", "--",
				     host, l->remote,	    NULL };
	struct fl_bootstrap b;
	char *line;
	int rc;

	fl_hub_bootstrap(l->hub, (unsigned)p->rank, &b);
	line = fl_bootstrap_format(&b);
	fl_bootstrap_release(&b);
	rc = fl_launched_start(p, l->tool, args, line, err);
	sodium_memzero(line, strlen(line));
	free(line);
	return rc;
}

/* Is that what this machine is called? The part before the first dot is enough, where one side has no more. */
static bool is_here(const char *name)
{
	char own[FL_HOST_NAME_MAX + 1] = "";
	size_t n, m;

	gethostname(own, sizeof(own) - 1);
	n = strcspn(name, ".");
	m = strcspn(own, ".");
	if (!strcmp(name, "localhost") || !strcasecmp(name, own))
		return true;
	return n == m && n > 0 && !strncasecmp(name, own, n) && (!name[n] || !own[m]);
}

static int add_all(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	bool here = false;

	for (size_t i = 0; i < l->hosts.n; i++) {
		int rc = 0;

		if (!here && is_here(l->hosts.items[i].name)) {
			here = true; /* this machine needs no ssh */
			rc = fl_launch_here(l, spec, (unsigned)i, err);
		} else {
			fl_launched_add(l, (int)i, fl_format("host %s", l->hosts.items[i].name));
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int fl_launch_ssh(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	struct fl_text command = { 0 };
	int rc;

	if (!spec->hosts) {
		fl_fail(err, -EINVAL, "launcher 'ssh': which hosts?");
		return fl_hint(err, "name them: --hosts n1,n2, or a file with one a line");
	}
	rc = fl_host_list_read(spec->hosts, &l->hosts, err);
	if (rc == 0)
		rc = fl_launch_find("ssh", &l->tool, err);
	if (rc == 0)
		rc = fl_launch_open_hub(l, spec, (struct fl_hub_spec){ .listen_fd = -1 }, err);
	if (rc < 0)
		return rc;
	fl_text_quote(&command, spec->remote ? spec->remote : spec->program); /* a shell reads it over there */
	fl_text_add(&command, " agent");
	l->remote = command.bytes;
	l->start = start;
	return add_all(l, spec, err);
}
