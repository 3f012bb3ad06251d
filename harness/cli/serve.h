/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h: this process as the agent of its host. */
#ifndef FL_CLI_SERVE_H
#define FL_CLI_SERVE_H
#include "cli/cli.h"
#include "cli/home.h"
#include "hosts/bootstrap.h"

/* Until the hub ends it: 0. Errors as of fl_agent_serve(). */
int fl_serve_agent(const struct fl_home *home, const struct fl_call *call, struct fl_bootstrap *bootstrap,
		   struct fl_err *err);

#endif
