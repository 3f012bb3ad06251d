/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h: what the file holds, and whose file it is. For the files of this room. */
#ifndef FL_RECORD_SCHEMA_H
#define FL_RECORD_SCHEMA_H
#include "record/record.h"
#include "record/shared.h"
#include "record/sql.h"

/* The JSON columns of a table, in the order in which statements name them, as members of the C struct. Ended by a row
 * without a name. A member is of this type or null. */
struct fl_json_column {
	const char *name;
	size_t offset;
	json_type type;
	bool repeats; /* the same in many lanes */
};
extern const struct fl_json_column fl_run_json[], fl_host_json[], fl_lane_json[];

/* These members as the next parameters or from the next columns. put: -EINVAL where a member has another type,
 * because it could not be read again. get: a new reference each, whatever happens; shared: NULL
 * where nothing repeats. */
int fl_schema_put_json(struct fl_sql *q, const struct fl_json_column *columns, const void *from, struct fl_err *err);
void fl_schema_get_json(struct fl_sql *q, const struct fl_json_column *columns, struct fl_shared *shared, void *into);

/* A member of the struct that has these columns. */
json_t **fl_schema_json(const struct fl_json_column *column, void *of);

/* Whose file is it? 0: nobody's yet (it is empty); else the version of our schema. -EUCLEAN: another program's or
 * damaged; -ENOTSUP: of a newer feedline. Changes nothing. */
int fl_schema_version(struct fl_store *s, int64_t *ret, struct fl_err *err);

/* Brings an empty or older file to FL_STORE_SCHEMA and s->schema with it, in one transaction. */
int fl_schema_migrate(struct fl_store *s, struct fl_err *err);

/* Are the tables exactly those of that version, nothing more? Else -EUCLEAN. */
int fl_schema_verify(struct fl_store *s, int64_t version, struct fl_err *err);

#endif
