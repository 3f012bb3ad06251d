/* SPDX-License-Identifier: Apache-2.0 */
/* journal_in.h: a journal into the store. For the files of this room. */
#ifndef FL_RECORD_JOURNAL_IN_H
#define FL_RECORD_JOURNAL_IN_H
#include "record/import.h"
#include "record/lines_in.h"

/* What comes after the head of a journal, as part of a transaction. -ENOENT: the store does not have the
 * run; -EINVAL: it is finished, or was not on that host, or a line is wrong (but for the last, where that was cut
 * short); -EBUSY: somebody carries it out. */
int fl_journal_take(struct fl_lines_in *lines, const struct fl_from_journal *head, struct fl_store *s,
		    struct fl_from_journal *ret, struct fl_err *err);

#endif
