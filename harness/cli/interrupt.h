/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h: Ctrl-C as a flag. */
#ifndef FL_CLI_INTERRUPT_H
#define FL_CLI_INTERRUPT_H
#include <signal.h>

/* From now on SIGINT, SIGTERM and SIGHUP, however often they come, only set the flag that is returned. */
const volatile sig_atomic_t *fl_interrupt_catch(void);

#endif
