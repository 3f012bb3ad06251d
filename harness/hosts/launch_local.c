/* SPDX-License-Identifier: Apache-2.0 */
/* launch_local.c: one agent, here. What runs over many hosts runs over this one then, with the same keys. */
#include "base/alloc.h"
#include "hosts/launch_parts.h"

bool fl_launch_local_applies(const char *hosts)
{
	(void)hosts;
	return false; /* only where it is asked for */
}

int fl_launch_local(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	int rc;

	l->hosts.items = fl_zalloc(1, sizeof(*l->hosts.items));
	l->hosts.items[l->hosts.n++].name = fl_launch_own_name();
	rc = fl_launch_open_hub(l, spec, (struct fl_hub_spec){ .listen_fd = -1, .bind = "127.0.0.1" }, err);
	return rc < 0 ? rc : fl_launch_here(l, spec, 0, err);
}
