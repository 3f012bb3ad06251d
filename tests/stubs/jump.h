/* SPDX-License-Identifier: Apache-2.0 */
/* jump.h: from now on each SIGUSR1 puts CLOCK_MONOTONIC of this process ahead by that much. */
#ifndef FL_TESTS_JUMP_H
#define FL_TESTS_JUMP_H

void jump_at_signal(int ms);

#endif
