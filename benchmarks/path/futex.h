/* SPDX-License-Identifier: Apache-2.0 */
/* path/futex.h: sleeping on a word of memory: what a thread does that has to wait for another one. */
#ifndef PATH_FUTEX_H
#define PATH_FUTEX_H
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while *word is `value`, until it is woken or fl_now_ns() reaches until_ns (UINT64_MAX: no end). May return
 * for no reason, so the caller looks again. */
static inline void fl_futex_wait(const _Atomic uint32_t *word, uint32_t value, uint64_t until_ns)
{
	const uint64_t ns_per_s = 1000000000;
	struct timespec until = { .tv_sec = (time_t)(until_ns / ns_per_s), .tv_nsec = (long)(until_ns % ns_per_s) };

	/* BITSET, because its end is a point in time of CLOCK_MONOTONIC, not a length. */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value, until_ns == UINT64_MAX ? NULL : &until,
		NULL, FUTEX_BITSET_MATCH_ANY);
}

static inline void fl_futex_wake(const _Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}

#endif
