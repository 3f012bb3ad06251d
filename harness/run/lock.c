/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c: one run at a time per node. The lock is an abstract Unix socket: no file, gone with the process that holds
 * it. */
#include "run/run.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char lock_name[] = "\0feedline-run";

static socklen_t lock_address(struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, lock_name, sizeof(lock_name) - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(lock_name) - 1);
}

/* The holder listens; the kernel tells who that is. 0: a process that our container does not see; -1: nobody any
 * more. */
static pid_t lock_holder(void)
{
	struct sockaddr_un address;
	socklen_t length = lock_address(&address);
	struct ucred who = { 0 };
	socklen_t who_length = sizeof(who);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_length) < 0)
		who.pid = -1;
	close(fd);
	return who.pid;
}

static int refuse(struct fl_err *err)
{
	char by[48] = "by a process of another container";
	pid_t pid = lock_holder();

	if (pid > 0)
		snprintf(by, sizeof(by), "pid %d", (int)pid);
	else if (pid < 0)
		snprintf(by, sizeof(by), "just ending");
	fl_fail(err, -EBUSY, "another run is measuring on this machine (%s)", by);
	return fl_hint(err, "two runs at once would measure each other: wait for it to end, or stop it");
}

int fl_run_lock(int *ret_fd, struct fl_err *err)
{
	struct sockaddr_un address;
	socklen_t length = lock_address(&address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return fl_fail(err, -errno, "make the run lock: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 4096) == 0) {
		*ret_fd = fd;
		return 0;
	}
	rc = -errno;
	close(fd);
	if (rc != -EADDRINUSE)
		return fl_fail(err, rc, "take the run lock: %s", strerror(-rc));
	return refuse(err);
}
