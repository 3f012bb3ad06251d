/* SPDX-License-Identifier: Apache-2.0 */
/* names.h: many hosts in few words. */
#ifndef FL_HOSTS_NAMES_H
#define FL_HOSTS_NAMES_H
#include "base/text.h"

/* Appends "n1, n2", "n1-n7, n9": three or more names one after the other that count up in their last number (with the
 * same number of digits, or without zeros in front) are one part. At most parts_max of these, then "and 12 more". */
void fl_names_collapse(const char *const *names, size_t n, size_t parts_max, struct fl_text *out);

#endif
