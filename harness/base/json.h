/* SPDX-License-Identifier: Apache-2.0 */
/* json.h: reading JSON that may be hostile, writing JSON that is stable. Documents are jansson values; these functions
 * are the only way the project loads one, so that limits and messages are the same everywhere.
 * Typed getters: `at` names the object in messages ("machine.drives[3]"). Required getters fail with -EINVAL when the
 * member is absent or of another type; strings are borrowed from the object and valid while it lives. */
#ifndef FL_BASE_JSON_H
#define FL_BASE_JSON_H
#include "base/cpus.h"
#include "base/text.h"
#include <feedline/err.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Parses n bytes: one value, UTF-8, no duplicate keys, nesting <= 64 (a smaller bound than jansson's own). `name` is
 * what the message calls the source. -EINVAL with line and column. Returns a new reference in *ret. */
int fl_json_parse(const char *bytes, size_t n, const char *name, json_t **ret, struct fl_err *err);

/* The whole file, at most max_bytes (-EFBIG), regular files and pipes; then as above. */
int fl_json_load(const char *path, size_t max_bytes, json_t **ret, struct fl_err *err);

int fl_json_text(const json_t *o, const char *at, const char *key, const char **ret, struct fl_err *err);
int fl_json_u64(const json_t *o, const char *at, const char *key, uint64_t max, uint64_t *ret, struct fl_err *err);
int fl_json_i64(const json_t *o, const char *at, const char *key, int64_t min, int64_t max, int64_t *ret,
		struct fl_err *err);
int fl_json_bool(const json_t *o, const char *at, const char *key, bool *ret, struct fl_err *err);
int fl_json_object(const json_t *o, const char *at, const char *key, json_t **ret, struct fl_err *err);
int fl_json_array(const json_t *o, const char *at, const char *key, size_t max, json_t **ret, struct fl_err *err);
int fl_json_cpus(const json_t *o, const char *at, const char *key, struct fl_cpus *ret, struct fl_err *err);

/* Members that may be absent or null: these never fail. text: NULL; number: NaN; bool: `otherwise`. */
const char *fl_json_text_or_null(const json_t *o, const char *key);
double fl_json_number_or_nan(const json_t *o, const char *key);
bool fl_json_bool_or(const json_t *o, const char *key, bool otherwise);

/* A double as JSON: null where it is not finite; an integer where it is whole and below 2^53; else the shortest
 * decimal that reads back to the same double. New reference. */
json_t *fl_json_number(double value);

/* Text or null. Text that is not UTF-8 loses its bytes outside ASCII to '?'. New reference. */
json_t *fl_json_string(const char *text_or_null);

/* Compact on one line (indent 0) or indented; keys in the order they were set; a final newline if indented, and lists
 * of plain values on one line. Numbers as fl_show_number() gives them, in every locale; a real stays a real ("2.0"). */
void fl_json_write(const json_t *value, unsigned indent, struct fl_text *out);

#endif
