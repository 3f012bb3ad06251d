/* SPDX-License-Identifier: Apache-2.0 */
/* life.h: what may name a run or a baseline, and what time it is. For the files of this room. */
#ifndef FL_RECORD_LIFE_H
#define FL_RECORD_LIFE_H
#include "record/sql.h"

/* Letters, digits, '-', '_' and '.', and not "last", which means the newest run. */
bool fl_name_good(const char *name);

/* Is there such a row? 1: yes; 0: no; else a negative errno. Runs and baselines share their names, so that a command
 * takes either. */
#define FL_RUN_NAMED	  "SELECT 1 FROM run WHERE id = ?"
#define FL_BASELINE_NAMED "SELECT 1 FROM baseline WHERE name = ?"
int fl_name_taken(struct fl_store *s, const char *sql, const char *name, struct fl_err *err);

int64_t fl_real_time_ns(void); /* CLOCK_REALTIME */

#endif
