/* SPDX-License-Identifier: Apache-2.0 */
/* add.h: rows into the store within a transaction of the caller's. For the files of this room. */
#ifndef FL_RECORD_ADD_H
#define FL_RECORD_ADD_H
#include "record/sql.h"
#include "record/store.h"

/* Lanes of one run; the statements are prepared once. */
struct fl_adding {
	struct fl_store *store;
	int64_t run;
	struct fl_sql remove, insert, series, forget, watched;
};

/* run: key of its row. Ended with fl_adding_close(), also after a failure. */
int fl_adding_open(struct fl_store *s, int64_t run, struct fl_adding *ret, struct fl_err *err);
void fl_adding_close(struct fl_adding *a); /* a zeroed one is allowed */

/* Takes the lane of that round, case and number out, if it is there. */
int fl_adding_remove(struct fl_adding *a, const struct fl_lane_record *lane, struct fl_err *err);
/* It must not be there. */
int fl_adding_lane(struct fl_adding *a, const struct fl_lane_record *lane, struct fl_err *err);
/* Takes all out that was seen beside the case of the lane in its round. */
int fl_adding_forget(struct fl_adding *a, const struct fl_lane_record *lane, struct fl_err *err);
/* It must not be there. */
int fl_adding_watched(struct fl_adding *a, const struct fl_watched *watched, struct fl_err *err);

/* fl_store_set_baseline() as part of a transaction. */
int fl_baseline_put(struct fl_store *s, const struct fl_baseline *b, bool replace, struct fl_err *err);

#endif
