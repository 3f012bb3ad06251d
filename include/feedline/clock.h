/* SPDX-License-Identifier: Apache-2.0 */
/* feedline/clock.h: the one clock of a host. */
#ifndef FEEDLINE_CLOCK_H
#define FEEDLINE_CLOCK_H
#include <stdint.h>

/* CLOCK_MONOTONIC in ns: the same for every process of a host, never set back. Cannot fail. */
uint64_t fl_now_ns(void);

/* Sleeps until fl_now_ns() >= at_ns. Accuracy is the kernel's timer slack (about 50 us). */
void fl_sleep_until(uint64_t at_ns);

#endif
