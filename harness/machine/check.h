/* SPDX-License-Identifier: Apache-2.0 */
/* check.h: what must hold between the members of a machine, whatever file it was read from. Private to this room. */
#ifndef FL_MACHINE_CHECK_H
#define FL_MACHINE_CHECK_H
#include "machine/machine.h"

/* Numbers and ids are there once; every reference leads somewhere; parts of GPUs belong to one that is divided; no port
 * is above itself. 0, or -EINVAL by name. */
int machine_check(const struct fl_machine *m, struct fl_err *err);

#endif
