/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap.h: all that a launcher brings to an agent: where the hub is and the secret of the run. One line of
 * JSON, read from a descriptor that nobody else can read (a pipe, a sealed memfd, the stdin that ssh and srun carry
 * over), never from arguments or the environment, which others may see.
 *
 *   {"feedline":1,"addresses":["10.1.0.1","192.168.7.1"],"port":40123,"secret":"<64 hex>",
 *    "rank":3,"size":8,"host":"n3"}
 *
 * rank and host may be null where one line goes to all (srun): then the agent finds them in its environment. */
#ifndef FL_HOSTS_BOOTSTRAP_H
#define FL_HOSTS_BOOTSTRAP_H
#include "hosts/wire.h"

enum { FL_HOSTS_MAX = 4096, FL_ADDRESSES_MAX = 16, FL_HOST_NAME_MAX = 255 };

/* 1 to FL_HOST_NAME_MAX printing characters of ASCII, without blanks, quotes and commas. */
bool fl_host_name_is_good(const char *name);

struct fl_bootstrap {
	char **addresses; /* numeric, of the hub; tried in this order, all at once after 250 ms each (RFC 8305) */
	size_t addresses_n;
	uint16_t port;
	struct fl_secret secret;
	int rank; /* -1: to be found in the environment */
	unsigned size;
	char *host; /* how the launcher calls this machine; NULL: likewise */
	/* Not in the line: agents may come before the hub. Else one that refuses them, or to which there is
	 * no way, again and again, is given up. */
	bool hub_may_be_late;
	bool guarded; /* likewise: fl_secret_guard() was called for it */
};

/* malloc'd line with its newline; overwrite it when it is sent. */
char *fl_bootstrap_format(const struct fl_bootstrap *b);
/* Reads one line, waiting at most until the deadline; the secret is guarded until it is forgotten. Hostile. -EINVAL,
 * -ETIMEDOUT. */
int fl_bootstrap_read(int fd, uint64_t until_ns, struct fl_bootstrap *ret, struct fl_err *err);
/* Overwrites the secret: its agent has been let in. */
void fl_bootstrap_forget(struct fl_bootstrap *b);
void fl_bootstrap_release(struct fl_bootstrap *b);

#endif
