/* SPDX-License-Identifier: Apache-2.0 */
/* path/prepare.h: a file that is read or written once before anything is timed takes as long as its drive needs; the
 * harness takes a worker for hung that is not ready after a minute. So it is given up before, with a reason. */
#ifndef PATH_PREPARE_H
#define PATH_PREPARE_H
#include <errno.h>
#include <feedline/clock.h>
#include <feedline/err.h>
#include <stdint.h>

static inline uint64_t fl_prepare_until_ns(void)
{
	return fl_now_ns() + UINT64_C(40000000000);
}

/* -ETIMEDOUT: it is later than until_ns, and only `done` of `all` bytes are `what` ("read", "written"). */
static inline int fl_prepare_goes_on(uint64_t until_ns, const char *what, uint64_t done, uint64_t all,
				     struct fl_err *err)
{
	if (fl_now_ns() <= until_ns)
		return 0;
	fl_fail(err, -ETIMEDOUT, "only %llu of %llu bytes were %s before the run in the time there is for it",
		(unsigned long long)done, (unsigned long long)all, what);
	return fl_hint(err, "choose at most %llu bytes here", (unsigned long long)(done - done % (1 << 20)));
}

#endif
