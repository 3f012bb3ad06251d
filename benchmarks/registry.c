/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c: the benchmarks of one worker program. Compiled once for each program, with REGISTRY naming the rows of
 * benchmarks.list that CMake selected for it. */
#include <feedline/registry.h>

#define FL_BENCHMARK(program, family, file) extern const struct fl_bench fl_bench_##family##_##file[];
#include REGISTRY
#undef FL_BENCHMARK

#define FL_BENCHMARK(program, family, file) fl_bench_##family##_##file,
const struct fl_bench *const fl_registry[] = {
#include REGISTRY
	NULL,
};
