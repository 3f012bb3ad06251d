/* SPDX-License-Identifier: Apache-2.0 */
/* find.h: a run's row by its id. For the files of this room. */
#ifndef FL_RECORD_FIND_H
#define FL_RECORD_FIND_H
#include "record/owner.h"
#include "record/sql.h"
#include "record/store.h"

struct fl_found {
	int64_t no; /* key of the row */
	struct fl_run_row row;
	struct fl_owner owner;
};

/* "last": the newest. -ENOENT with the nearest id as hint. */
int fl_find_run(struct fl_store *s, const char *id, struct fl_found *ret, struct fl_err *err);

/* The same for writing to it: -EINVAL if it is finished. */
int fl_find_unfinished(struct fl_store *s, const char *id, struct fl_found *ret, struct fl_err *err);

#endif
