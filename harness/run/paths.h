/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h: from the path that somebody wrote to the one file or directory it means: absolute and without symlinks. Only
 * of such a path does the plan know which drive is beneath, and only such a one is the same to workers and to a run
 * that goes on from elsewhere. */
#ifndef FL_RUN_PATHS_H
#define FL_RUN_PATHS_H
#include "catalog/catalog.h"
#include "plan/plan.h"
#include "plan/suite.h"
#include <feedline/err.h>

/* `dir`: where relative paths begin; NULL: the working directory. "cache:SIZE" is the file of the cache (run/cache.h),
 * which will be made; any other must exist. *ret is malloc'd. -ENOENT and what else realpath() says: a usage error. */
int fl_path_resolve(const char *text, const char *dir, char **ret, struct fl_err *err);

/* The same for every option of the suite that is a path, relative ones from the directory of the suite file; errors
 * name file, line and column. What an override replaces is not looked at. Before fl_plan_make(), which refuses
 * unknown names and empty texts: they are left as they are. */
int fl_paths_resolve(struct fl_suite *suite, const struct fl_catalog *catalog, const struct fl_override *overrides,
		     size_t overrides_n, struct fl_err *err);

#endif
