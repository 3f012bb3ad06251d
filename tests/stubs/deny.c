/* SPDX-License-Identifier: Apache-2.0 */
/* deny.c: runs a command in a process that may not make certain system calls, as containers do it, or whose kernel is
 * too old for them: deny io_uring|old_io_uring|full_io_uring|numa COMMAND ARG... The filter is inherited by everything
 * the command starts. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* That error for this call; on to the next rule otherwise. */
#define FAIL(nr, code)                                                                                                 \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (code))
#define DENY(nr) FAIL(nr, EPERM)
#define IO_URING_FAILS(name, code)                                                                                     \
	static struct sock_filter name[] = {                                                                           \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),                                 \
		FAIL(SYS_io_uring_setup, code),                                                                        \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),                                                          \
	}

IO_URING_FAILS(io_uring, EPERM);
IO_URING_FAILS(old_io_uring, EINVAL);
IO_URING_FAILS(full_io_uring, ENOMEM);

static struct sock_filter numa[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	DENY(SYS_mbind),
	DENY(SYS_set_mempolicy),
	DENY(SYS_move_pages),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

#define PROGRAM(rules)                                                                                                 \
	{                                                                                                              \
		sizeof(rules) / sizeof(*(rules)), rules                                                                \
	}

int main(int argc, char **argv)
{
	static const char *const names[] = { "io_uring", "old_io_uring", "full_io_uring", "numa" };
	struct sock_fprog programs[] = { PROGRAM(io_uring), PROGRAM(old_io_uring), PROGRAM(full_io_uring),
					 PROGRAM(numa) };
	size_t which = 0;

	while (argc > 2 && which < sizeof(names) / sizeof(*names) && strcmp(argv[1], names[which]))
		which++;
	if (argc < 3 || which == sizeof(names) / sizeof(*names)) {
		fprintf(stderr, "usage: deny io_uring|old_io_uring|full_io_uring|numa COMMAND ARG...\n");
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &programs[which])) {
		fprintf(stderr, "deny: seccomp: %s\n", strerror(errno));
		return 77;
	}
	execv(argv[2], argv + 2);
	fprintf(stderr, "deny: '%s': %s\n", argv[2], strerror(errno));
	return 2;
}
