/* SPDX-License-Identifier: Apache-2.0 */
/* agent_hub.c: whether there still is a hub. One that is stopped, or hangs, keeps its connections: its kernel answers
 * for it. So it says that it is alive every few seconds, and one that says nothing for long is as good as gone: else
 * all hosts would stay at full load until somebody finds them. */
#include "hosts/agent_parts.h"
#include "hosts/join.h"
#include <errno.h>
#include <feedline/clock.h>
#include <sys/socket.h>

static const uint64_t patience_ns = UINT64_C(60000000000), look_ns = UINT64_C(1000000000);

void fl_agent_lose_hub(struct fl_agent_own *own, const struct fl_err *why)
{
	if (own->gone)
		return;
	own->gone = true;
	own->why = *why;
	shutdown(fl_wire_fd(own->wire), SHUT_RDWR); /* who polls it finds out */
}

/* Time in which nobody looked (this host was stopped, or had something to do) does not count. */
void fl_agent_look_at_hub(struct fl_agent_own *own)
{
	uint64_t most_ns = own->serve->patience_ns ? own->serve->patience_ns : patience_ns;
	uint64_t now_ns = fl_now_ns(), bytes = fl_wire_bytes_in(own->wire), since_ns = now_ns - own->looked_ns;
	struct fl_err why = { 0 };

	own->looked_ns = now_ns;
	own->quiet_ns += since_ns < look_ns ? since_ns : look_ns;
	if (bytes != own->heard_bytes)
		own->quiet_ns = 0;
	own->heard_bytes = bytes;
	if (own->quiet_ns < most_ns)
		return;
	fl_fail(&why, -ETIMEDOUT, "the hub has said nothing for %.0f s: it hangs, or is stopped",
		(double)most_ns / 1e9);
	fl_agent_lose_hub(own, &why);
}

int fl_agent_next(struct fl_agent_own *own, json_t **ret, struct fl_err *err)
{
	int rc = -EAGAIN;

	while (rc == -EAGAIN && !own->gone) {
		uint64_t until_ns = fl_now_ns() + look_ns / 2;
		struct fl_err why = { 0 };

		rc = fl_join_next(own->wire, until_ns, own->serve->interrupt, ret, &why);
		if (rc == -EINTR && err)
			*err = why;
		if (rc == 0 || rc == -EINTR)
			return rc;
		if (rc == -ETIMEDOUT && fl_now_ns() >= until_ns)
			rc = -EAGAIN;
		else
			fl_agent_lose_hub(own, &why);
		fl_agent_look_at_hub(own);
	}
	if (err)
		*err = own->why;
	return own->why.code;
}
