/* SPDX-License-Identifier: Apache-2.0 */
/* owner.h: which process carries a run out, told so that no other process is ever mistaken for it: a process id is used
 * again after a while, but not with the same start time in the same boot of the same host. */
#ifndef FL_RECORD_OWNER_H
#define FL_RECORD_OWNER_H
#include <stdbool.h>
#include <stdint.h>

enum { FL_HOST_ROOM = 65, FL_BOOT_ROOM = 40 };

struct fl_owner {
	char host[FL_HOST_ROOM];
	char boot_id[FL_BOOT_ROOM]; /* empty where /proc does not tell */
	int64_t pid;
	uint64_t start_ticks; /* /proc/PID/stat field 22, clock ticks since boot; 0: not known */
};

/* This process. Cannot fail: what is not known stays empty, and such an owner never counts as alive. */
struct fl_owner fl_owner_self(void);

/* Does the process still run, on this host, in this boot? A zombie does not. */
bool fl_owner_alive(const struct fl_owner *owner);

bool fl_owner_equal(const struct fl_owner *a, const struct fl_owner *b);

#endif
