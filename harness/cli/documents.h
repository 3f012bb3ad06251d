/* SPDX-License-Identifier: Apache-2.0 */
/* documents.h: what is written from the declarations (commands, options, benchmarks, exit statuses) for other programs
 * to show: manual pages for man(1), completion for bash. Pure, but for the files of `home`. */
#ifndef FL_CLI_DOCUMENTS_H
#define FL_CLI_DOCUMENTS_H
#include "base/text.h"
#include "cli/cli.h"
#include "cli/home.h"

/* feedline(1). */
void fl_manual_of_all(struct fl_text *out);
/* feedline-COMMAND(1); of a command that takes a benchmark's name it tells the benchmarks too. */
void fl_manual_of_command(const struct fl_command *command, const struct fl_catalog *catalog, struct fl_text *out);

/* A script for bash. It holds all names but those of the store, for which it asks feedline. */
int fl_completion(const struct fl_home *home, struct fl_text *out, struct fl_err *err);

#endif
