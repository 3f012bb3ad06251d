/* SPDX-License-Identifier: Apache-2.0 */
/* cpus.h: a set of CPUs, as the kernel writes it ("0-3,8"). */
#ifndef FL_BASE_CPUS_H
#define FL_BASE_CPUS_H
#include "base/text.h"
#include <feedline/err.h>
#include <stdbool.h>
#include <stdint.h>

enum { FL_CPUS_MAX = 4096 };
struct fl_cpus {
	uint64_t bits[FL_CPUS_MAX / 64];
};

void fl_cpus_add(struct fl_cpus *set, unsigned cpu); /* cpu >= FL_CPUS_MAX is ignored */
bool fl_cpus_has(const struct fl_cpus *set, unsigned cpu);
unsigned fl_cpus_count(const struct fl_cpus *set);
int fl_cpus_nth(const struct fl_cpus *set, unsigned i); /* the i-th member, from 0; -1: there is none */
bool fl_cpus_equal(const struct fl_cpus *a, const struct fl_cpus *b);
struct fl_cpus fl_cpus_and(const struct fl_cpus *a, const struct fl_cpus *b);

/* "" is the empty set; one newline at the end, as sysfs has it, is fine. -EINVAL: malformed or a CPU >= FL_CPUS_MAX. */
int fl_cpus_parse(const char *list, struct fl_cpus *ret, struct fl_err *err);
void fl_cpus_format(const struct fl_cpus *set, struct fl_text *out);

#endif
