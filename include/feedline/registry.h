/* SPDX-License-Identifier: Apache-2.0 */
/* feedline/registry.h: what a worker program holds; the one thing that main() of a worker knows of benchmarks. */
#ifndef FEEDLINE_REGISTRY_H
#define FEEDLINE_REGISTRY_H
#include <feedline/bench.h>

/* The files of this program, ended by NULL; each a table of rows ended by a zeroed one. */
extern const struct fl_bench *const fl_registry[];

#endif
