/* SPDX-License-Identifier: Apache-2.0 */
/* space.h: is there room for files that feedline makes. It never takes all that is free: a tenth is left to others. */
#ifndef FL_RUN_SPACE_H
#define FL_RUN_SPACE_H
#include <feedline/err.h>
#include <stdint.h>

/* -ENOSPC with both figures: "WHAT needs 2 GiB, 'DIR' has 1 GiB free". dir: exists. */
int fl_space_check(const char *what, const char *dir, uint64_t bytes, struct fl_err *err);

#endif
