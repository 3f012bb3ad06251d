/* SPDX-License-Identifier: Apache-2.0 */
/* launch_env.c: whatever starts a process on each host and tells it by variables which it is. */
#include "base/alloc.h"
#include "base/units.h"
#include "hosts/launch_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t resolve_ns = 60000000000;

bool fl_launch_env_applies(const char *hosts)
{
	(void)hosts;
	return getenv("FEEDLINE_RANK") || getenv("FEEDLINE_SIZE") || getenv("FEEDLINE_HUB");
}

static int missing(const char *variable, struct fl_err *err)
{
	fl_fail(err, -EINVAL, "launcher 'env': no %s in the environment", variable);
	return fl_hint(err, "set FEEDLINE_RANK, FEEDLINE_SIZE, FEEDLINE_HUB=ADDRESS:PORT and FEEDLINE_SECRET");
}

/* "n1:40000", "10.0.0.1:40000", "[fd00::1]:40000". The name is malloc'd. */
static int read_hub(char **ret_name, uint16_t *ret_port, struct fl_err *err)
{
	const char *text = getenv("FEEDLINE_HUB"), *colon = text ? strrchr(text, ':') : NULL;
	const char *from = text, *to = colon;
	uint64_t port = 0;

	if (!text)
		return missing("FEEDLINE_HUB", err);
	if (colon && *text == '[' && colon > text + 1 && colon[-1] == ']') {
		from++;
		to--;
	}
	if (!colon || to <= from || to - from > FL_HOST_NAME_MAX || fl_parse_count(colon + 1, &port, NULL) < 0 ||
	    port == 0 || port > UINT16_MAX)
		return fl_fail(err, -EINVAL, "FEEDLINE_HUB is '%.64s', not ADDRESS:PORT", text);
	*ret_name = fl_format("%.*s", (int)(to - from), from);
	*ret_port = (uint16_t)port;
	return 0;
}

static int begin_agent(struct fl_launch *l, const struct fl_launch_spec *spec, const char *hub, struct fl_err *err)
{
	l->bootstrap.host = fl_launch_own_name();
	l->role = FL_LAUNCH_AGENT;
	return fl_launch_resolve(hub, fl_now_ns() + resolve_ns, spec->interrupt, &l->bootstrap, err);
}

int fl_launch_env(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	unsigned long rank = 0, size = 0;
	struct fl_secret secret = { 0 };
	char *hub = NULL;
	uint16_t port = 0;
	int rc = fl_launch_number("FEEDLINE_SIZE", FL_HOSTS_MAX, &size, err);

	if (rc >= 0 && size == 0)
		return missing("FEEDLINE_SIZE", err);
	if (rc >= 0)
		rc = fl_launch_number("FEEDLINE_RANK", size - 1, &rank, err);
	if (rc == 0)
		return missing("FEEDLINE_RANK", err);
	if (rc < 0 || size == 1)
		return rc < 0 ? rc : 0;
	rc = read_hub(&hub, &port, err);
	if (rc == 0)
		rc = fl_launch_secret("env", &secret, err);
	if (rc < 0)
		goto free_hub;
	l->bootstrap.hub_may_be_late = true;
	l->bootstrap.rank = (int)rank;
	l->bootstrap.size = (unsigned)size;
	l->bootstrap.port = port;
	l->bootstrap.secret = secret;
	if (rank > 0) {
		rc = begin_agent(l, spec, hub, err);
		goto free_hub;
	}
	rc = fl_launch_open_hub(
		l, spec, (struct fl_hub_spec){ .n = (unsigned)size, .listen_fd = -1, .port = port, .secret = &secret },
		err);
	if (rc == 0)
		rc = fl_launch_here(l, spec, 0, err);
free_hub:
	fl_secret_forget(&secret);
	free(hub);
	return rc;
}
