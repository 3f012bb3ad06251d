/* SPDX-License-Identifier: Apache-2.0 */
/* path/pause.h: sleeping until a moment, unless halted. */
#ifndef PATH_PAUSE_H
#define PATH_PAUSE_H
#include "path/futex.h"
#include <errno.h>
#include <feedline/clock.h>

struct fl_pause {
	_Atomic uint32_t halted;
};

/* 0 when fl_now_ns() >= at_ns; -ECANCELED when halted. */
static inline int fl_pause_until(const struct fl_pause *p, uint64_t at_ns)
{
	for (;;) {
		if (atomic_load(&p->halted))
			return -ECANCELED;
		if (fl_now_ns() >= at_ns)
			return 0;
		fl_futex_wait(&p->halted, 0, at_ns);
	}
}

/* For ever; from any thread. */
static inline void fl_pause_halt(struct fl_pause *p)
{
	atomic_store(&p->halted, 1);
	fl_futex_wake(&p->halted);
}

#endif
