/* SPDX-License-Identifier: Apache-2.0 */
/* export.h: runs and baselines as a text that another feedline imports: JSON Lines, one object a line.
 *
 *   {"feedline_export":3,"made_by":"feedline 0.1.0"}                       first; 3: FL_EXPORT_SCHEMA
 *   {"run":{"id","started_ns","status","plan","machine","environment","declared"}}   status null: not finished
 *   {"host":{"name","machine","environment"}}          of a run on several machines: each of them, in their order
 *   {"lane":{"round","case","lane","bench","outcome","reason","hint","options","placement","facts","caps",
 *            "distrust","notes","series":[{"metric","kind","at":[...],"value":[...],"valid":[...]}]}}
 *                                                      its lanes, by round, case, lane; as in record.h
 *   {"watched":{"round","case","subject","series":{as above}}}
 *                                                      what was seen beside, by round, case, subject, metric
 *   {"end_of_run":{"id","hosts","lanes","series","samples","watched"}}   how many there were; samples: of lanes
 *   {"baseline":{"name","created_ns","note","runs":[...]}}
 *   {"end_of_export":{"runs","baselines"}}             last: without it a file was cut short
 *
 * Older exports are read as well: those of schema 2 have no hosts, in those of schema 1 nothing is watched either. A
 * journal (journal.h) begins with a head of its own and has no ends.
 *
 * Runs come oldest first, then baselines, oldest first. The same content gives the same bytes. Numbers are the shortest
 * decimals that read back to the same double; null is NaN; any other double that is no number (infinities, NaN with a
 * sign or payload) is the text of the 16 hexadecimal digits of its bits: nothing is lost. "valid" is left out where all
 * samples are, and in histograms. Times "at" are ns since the start of the window, or buckets. */
#ifndef FL_RECORD_EXPORT_H
#define FL_RECORD_EXPORT_H
#include "base/text.h"
#include "record/store.h"

enum { FL_EXPORT_SCHEMA = 3 };

/* Where it goes: put takes some bytes; 0, or a negative errno with *err. */
struct fl_sink {
	int (*put)(void *arg, const char *bytes, size_t n, struct fl_err *err);
	void *arg;
};

/* Each name is that of a run, "last", or that of a baseline with all its runs; none: everything. It is what the store
 * holds at one moment, and one lane is in memory at a time. -ENOENT; -EFBIG: a lane that no import would take. What was
 * put before a failure is incomplete and says so by its missing end. */
int fl_export(struct fl_store *s, const char *const *names, size_t names_n, const struct fl_sink *to,
	      struct fl_err *err);

#endif
