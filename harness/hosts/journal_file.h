/* SPDX-License-Identifier: Apache-2.0 */
/* journal_file.h: the file of a journal (record/journal.h), which an agent writes on its host. */
#ifndef FL_HOSTS_JOURNAL_FILE_H
#define FL_HOSTS_JOURNAL_FILE_H
#include <feedline/err.h>
#include <stdbool.h>
#include <stddef.h>

struct fl_agent_journal;

/* Makes DIR (mode 0700) where it is absent, and in it RUN-HOST.jsonl, or RUN-HOST.2.jsonl where that is there, with its
 * head. */
int fl_agent_journal_open(const char *dir, const char *run, const char *host, struct fl_agent_journal **ret,
			  struct fl_err *err);
/* Whole lines. 0: they are on the disk; else nothing of them is left in the file. */
int fl_agent_journal_append(struct fl_agent_journal *j, const char *lines, size_t n, struct fl_err *err);
const char *fl_agent_journal_path(const struct fl_agent_journal *j);
void fl_agent_journal_close(struct fl_agent_journal *j, bool remove); /* NULL allowed */

#endif
