/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.c: a signal asks the agent to stop; the agent kills its workers and keeps what is done. Dying at once,
 * even at the second Ctrl-C, would save no time: the agent looks at the flag all the time. */
#include "cli/interrupt.h"
#include <stddef.h>

static volatile sig_atomic_t interrupted; /* the one mutable global: a handler gets no argument */

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

const volatile sig_atomic_t *fl_interrupt_catch(void)
{
	const struct sigaction action = { .sa_handler = interrupt }; /* no SA_RESTART: waits shall end */
	struct sigaction old;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* nohup stays nohup */
		sigaction(SIGHUP, &action, NULL);
	return &interrupted;
}
