/* SPDX-License-Identifier: Apache-2.0 */
/* life.h: the row of a run, what may name a run or a baseline, and what time it is. For the files of this room. */
#ifndef FL_RECORD_LIFE_H
#define FL_RECORD_LIFE_H
#include "record/owner.h"
#include "record/record.h"
#include "record/sql.h"

/* Letters, digits, '-', '_' and '.', and not "last", which means the newest run. */
bool fl_name_good(const char *name);

/* Is there such a row? 1: yes; 0: no; else a negative errno. Runs and baselines share their names, so that a command
 * takes either. */
#define FL_RUN_NAMED	  "SELECT 1 FROM run WHERE id = ?"
#define FL_BASELINE_NAMED "SELECT 1 FROM baseline WHERE name = ?"
int fl_name_taken(struct fl_store *s, const char *sql, const char *name, struct fl_err *err);

/* The run's row as it is, its id, hosts and all, without lanes; part of a transaction. A zeroed owner: nobody carries
 * it out. *ret_no: key of the row. -EINVAL: no id; -EEXIST: it is taken. */
int fl_run_insert(struct fl_store *s, const struct fl_run *run, const struct fl_owner *owner, int64_t *ret_no,
		  struct fl_err *err);
/* One more host of the run with that key, of that number. -EINVAL: also one of the same name. */
int fl_host_insert(struct fl_store *s, int64_t run, size_t place, const struct fl_run_host *host, struct fl_err *err);

/* fl_store_finish() as part of a transaction. */
int fl_run_set_status(struct fl_store *s, const char *id, int status, struct fl_err *err);

int64_t fl_real_time_ns(void); /* CLOCK_REALTIME */

#endif
