/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c: a declared number of threads. */
#include "base/threads.h"
#include "base/units.h"
#include <limits.h>
#include <string.h>

bool fl_threads_take_cpus(const char *declared)
{
	return declared && strcmp(declared, "cpus") == 0;
}

unsigned fl_threads_fixed(const char *declared, const char *option)
{
	const char *text = option ? option : declared;
	uint64_t n = 0;

	if (!text || fl_parse_count(text, &n, NULL) < 0 || n == 0)
		return 1;
	return n > INT_MAX ? INT_MAX : (unsigned)n;
}
