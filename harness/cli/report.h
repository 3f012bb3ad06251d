/* SPDX-License-Identifier: Apache-2.0 */
/* report.h: a run and its judgement to stdout or into files. */
#ifndef FL_CLI_REPORT_H
#define FL_CLI_REPORT_H
#include "cli/output.h"

int fl_report_print(const struct fl_renderer *renderer, const struct fl_run *run, const struct fl_judgement *j,
		    struct fl_err *err);
/* Without colours. */
int fl_report_write(const struct fl_renderer *renderer, const struct fl_run *run, const struct fl_judgement *j,
		    const char *path, struct fl_err *err);
/* In every format, into ID.txt, ID.json, ... in the directory of the store's reports ("s.reports" beside "s.db"); says
 * where. */
int fl_report_save(const char *store, const struct fl_run *run, const struct fl_judgement *j, struct fl_err *err);

#endif
