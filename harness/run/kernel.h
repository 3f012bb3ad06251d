/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h: small files of /proc and /sys, below `root`: a descriptor of "/", or of a made-up tree in tests. Paths are
 * without the first slash. What stands in them is hostile. false: not there, or not what was expected. */
#ifndef FL_RUN_KERNEL_H
#define FL_RUN_KERNEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int fl_kernel_root(void); /* the live system's; close it. Negative: there is none, and then nothing can be read */
/* The first line, cut at room - 1 bytes, "" where there is none. */
bool fl_kernel_line(int root, const char *path, char *line, size_t room);
bool fl_kernel_number(int root, const char *path, uint64_t *ret);
/* The number after blanks at *at, which moves behind it. */
bool fl_kernel_next(const char **at, uint64_t *ret);
/* The number behind a word at the start of a line of `text` ("nr_throttled 3"). */
bool fl_kernel_find(const char *text, const char *word, uint64_t *ret);

#endif
