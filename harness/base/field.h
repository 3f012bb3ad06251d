/* SPDX-License-Identifier: Apache-2.0 */
/* field.h: declared rows (struct fl_field) at work. A value travels as *canonical text*: what the user wrote, checked
 * against the row and normalised ("1MiB" -> "1048576", "40ms" -> "40000000", "0.950" -> "0.95"), so that equal values
 * are equal texts and the worker, the record and the schema never read units again. */
#ifndef FL_BASE_FIELD_H
#define FL_BASE_FIELD_H
#include <feedline/bench.h>
#include <jansson.h>

/* The row of that name, NULL if there is none. `fields` ends with a zeroed row; NULL: no fields. */
const struct fl_field *fl_field_find(const struct fl_field *fields, const char *name);

/* Checks the user's text against the row and gives its canonical text (malloc'd). -EINVAL or -ERANGE names option, text
 * and what is allowed; a choice offers the nearest. A device's text is returned as written. */
int fl_field_canon(const struct fl_field *field, const char *text, char **ret, struct fl_err *err);

/* Stores canonical text into the options struct. FL_TEXT and FL_PATH members point at `canon` itself (it must outlive
 * opts); FL_DEVICE members are not touched (the worker resolves them). */
int fl_field_store(const struct fl_field *field, const char *canon, void *opts, struct fl_err *err);

/* Canonical text as JSON: numbers for FL_COUNT, FL_BYTES, FL_NS, FL_RATIO; bool for FL_FLAG; else text. */
json_t *fl_field_json(const struct fl_field *field, const char *canon);

/* The other way: canonical text (malloc'd) from such JSON, checked again. */
int fl_field_from_json(const struct fl_field *field, const json_t *value, char **ret, struct fl_err *err);

/* Canonical text as a user would write it, exactly: "64KiB", "1500us"; malloc'd. field NULL: as it is. */
char *fl_field_show(const struct fl_field *field, const char *canon);

/* Is `kind` one of those in `kinds`, "node|gpu"? */
bool fl_kinds_have(const char *kinds, const char *kind);

/* Can the option be a device of that kind; and, unless id is NULL, is `id` one? Of an option for a node or something
 * else the id tells: nodes are "node0", or "local" before the plan knows which that is. */
bool fl_field_holds(const struct fl_field *field, const char *kind, const char *id);

/* "count", "bytes", "ns", "ratio", "flag", "choice", "text", "path", "device"; -1 for an unknown name. */
const char *fl_type_name(enum fl_type type);
int fl_type_of(const char *name);

/* How many metrics come from there. `metrics` ends with a zeroed row; NULL: none. The tape of a lane has that many
 * given values and histograms. */
unsigned fl_metrics_from(const struct fl_metric *metrics, enum fl_from from);

/* For --help: "SIZE", "TIME", "N", "a|b", "FILE", ... */
const char *fl_field_placeholder(const struct fl_field *field);

#endif
