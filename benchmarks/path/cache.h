/* SPDX-License-Identifier: Apache-2.0 */
/* path/cache.h: how much last-level cache helps a thread, so that buffers can be chosen that no cache holds. */
#ifndef PATH_CACHE_H
#define PATH_CACHE_H
#include <stdint.h>

/* A thread's part of the cache, when `threads` threads run on all CPUs of a place to which `cpu` belongs. `cpu_dir` is
 * "/sys/devices/system/cpu". (sysconf() tells of the whole socket, in virtual machines of the whole host.)
 * 0: the machine does not tell. */
uint64_t fl_cache_share(const char *cpu_dir, int cpu, unsigned threads);

#endif
