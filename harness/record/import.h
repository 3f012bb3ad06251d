/* SPDX-License-Identifier: Apache-2.0 */
/* import.h: what another feedline exported (export.h) into a store: all of a file, or nothing of it.
 *
 * A run or baseline that is there already with the same content is passed over, so importing again changes nothing. A
 * run that was not finished comes in as interrupted; a later export of it, which holds all that is stored of it, gives
 * it its other lanes and its end. A journal (journal.h) gives an interrupted run what it lacks.
 *
 * The file is hostile: its lines, numbers, nesting and counts are bounded, nothing may be missing, there twice, out of
 * order or unknown. Errors are "FILE:LINE:COLUMN: ...". */
#ifndef FL_RECORD_IMPORT_H
#define FL_RECORD_IMPORT_H
#include "record/store.h"

struct fl_import;
struct fl_imported {
	size_t runs, runs_there, baselines, baselines_there; /* new; passed over */
	size_t runs_completed;				     /* interrupted ones that got what they lacked */
	struct fl_from_journal {
		bool is;		   /* it was a journal */
		char run[40], host[256];   /* of which run, and of which of its hosts */
		size_t lanes, lanes_there; /* that the run lacked; passed over */
		size_t watched;		   /* series of telemetry that the run lacked */
		bool cut;		   /* it ended in the middle of a line */
	} journal;
};

/* Reads no more than the first line, so that a file which is no export is refused before a store is touched. fd and
 * name (what messages call it) must outlive it. -EINVAL; -ENOTSUP: of a newer feedline; errors of read(). */
int fl_import_open(int fd, const char *name, struct fl_import **ret, struct fl_err *err);
void fl_import_close(struct fl_import *import); /* NULL allowed */

/* The rest of it, in one transaction. -EINVAL; -EEXIST: a run or baseline of that name is there with other content;
 * errors of the store. */
int fl_import_run(struct fl_import *import, struct fl_store *s, struct fl_imported *ret, struct fl_err *err);

#endif
