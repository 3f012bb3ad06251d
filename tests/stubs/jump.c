/* SPDX-License-Identifier: Apache-2.0 */
/* jump.c: a clock that can be made to jump, in the place of the C library's. After jump_at_signal(), each SIGUSR1 puts
 * CLOCK_MONOTONIC of this process ahead by that much. Its children have the clock that the kernel has. */
#include "jump.h"
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static int step_ms;
static volatile sig_atomic_t ahead_ms;

static void jump(int signal)
{
	(void)signal;
	ahead_ms += step_ms;
}

void jump_at_signal(int ms)
{
	struct sigaction action = { .sa_handler = jump, .sa_flags = SA_RESTART };

	step_ms = ms;
	sigaction(SIGUSR1, &action, NULL);
}

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	int rc = (int)syscall(SYS_clock_gettime, clock_id, tp);

	if (rc == 0 && clock_id == CLOCK_MONOTONIC && ahead_ms) {
		tp->tv_sec += ahead_ms / 1000;
		tp->tv_nsec += (long)(ahead_ms % 1000) * NS_PER_MS;
		if (tp->tv_nsec >= NS_PER_S) {
			tp->tv_nsec -= NS_PER_S;
			tp->tv_sec++;
		}
	}
	return rc;
}
