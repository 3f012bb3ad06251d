/* SPDX-License-Identifier: Apache-2.0 */
/* home.h: what belongs to this feedline: its installed files, and the places of the user's. */
#ifndef FL_CLI_HOME_H
#define FL_CLI_HOME_H
#include "catalog/catalog.h"
#include "catalog/demand.h"
#include "plan/suite.h"
#include "record/store.h"

struct fl_home {
	char *prefix; /* base/file.h */
	struct fl_catalog *catalog;
	struct fl_demands *demands;
};

/* Starts no program. Released with fl_home_close(). */
int fl_home_open(struct fl_home *ret, struct fl_err *err);
void fl_home_close(struct fl_home *home);

/* A suite by name ("quick") or by file; a name that feedline brings along counts first. Freed with fl_suite_free(). */
int fl_home_suite(const struct fl_home *home, const char *name, struct fl_suite **ret, struct fl_err *err);

/* The names of the suites that feedline brings along, sorted, each malloc'd; how many. */
enum { FL_SUITES_MAX = 256 };
size_t fl_home_suites(const struct fl_home *home, char *ret[FL_SUITES_MAX]);

/* `given` or, if that is NULL, store.db in the state directory. malloc'd. */
int fl_home_store(const char *given, char **ret, struct fl_err *err);
/* That store, opened for reading only. */
int fl_home_read_store(const char *given, struct fl_store **ret, struct fl_err *err);

/* A whole run from the store at that path, which is only read; "last": the newest. Freed with fl_run_free(). */
int fl_home_run(const char *store, const char *id, struct fl_run **ret, struct fl_err *err);

#endif
