/* SPDX-License-Identifier: Apache-2.0 */
/* path/cache.h: how much last-level cache helps a thread, and the size of buffers that no cache holds. `cpu_dir` is
 * "/sys/devices/system/cpu", `cpu` one of the CPUs that the threads run on. */
#ifndef PATH_CACHE_H
#define PATH_CACHE_H
#include <feedline/err.h>
#include <stdint.h>

/* A thread's part of the cache, when `threads` threads run on all CPUs of a place to which `cpu` belongs. (sysconf()
 * tells of the whole socket, in virtual machines of the whole host.) 0: the machine does not tell. */
uint64_t fl_cache_share(const char *cpu_dir, int cpu, unsigned threads);

/* Sizes below are multiples of this. */
enum { FL_CACHE_GRAIN = 1 << 20 };

/* How often the thread's part of the cache. A stream of loads or stores evicts a line before it is met again. A cache
 * that adapts keeps a part of what is chased through from one round to the next, the less of it the larger the buffer;
 * a chase is of one thread, so it can go farther beyond. */
enum fl_cache_times { FL_CACHE_STREAM = 4, FL_CACHE_CHASE = 8 };

/* The bytes of a buffer of one thread that is gone through whole, round and round: `times` the thread's part of the
 * cache, and 64 MiB at least, which bounds what a wrong idea of the cache can do. (Streaming, a server with 256 threads
 * needs 16 GiB so, a machine with two CPUs 128 MiB.) `asked` 0: that size; else what was asked for. -EINVAL: no
 * multiple of FL_CACHE_GRAIN, or the cache would be measured; where the cache is not known, less than 64 MiB. */
int fl_cache_beyond(const char *cpu_dir, int cpu, unsigned threads, enum fl_cache_times times, uint64_t asked,
		    uint64_t *ret, struct fl_err *err);

#endif
