/* SPDX-License-Identifier: Apache-2.0 */
/* sides.c: from words to evidence. */
#include "cli/sides.h"
#include "base/alloc.h"
#include "cli/output.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_run(const struct fl_runs_named *side, const char *id)
{
	for (size_t i = 0; i < side->n; i++)
		if (!strcmp(side->runs[i]->run, id))
			return true;
	return false;
}

static void reduce(const struct fl_run *run, const struct fl_judgement *j, struct fl_runs_named *side)
{
	char **names = fl_report_names(j);
	size_t hosts = fl_evidence_hosts(j);

	side->runs = fl_grow(side->runs, side->n + hosts, sizeof(*side->runs));
	for (size_t i = 0; i < hosts; i++)
		side->runs[side->n++] = fl_evidence_make(run, j, names, i);
	fl_report_free_names(names, j->lanes_n);
}

static int add_run(struct fl_store *store, const char *id, struct fl_runs_named *side, struct fl_err *err)
{
	struct fl_judgement *j;
	struct fl_run *run;
	int rc = 0;

	if (has_run(side, id))
		return fl_fail(err, -EINVAL, "run '%s' is named twice", id);
	rc = fl_store_load(store, id, &run, err);
	if (rc < 0)
		return rc;
	if (!run->finished)
		fl_output_say("run '%s' is not finished: only what it has so far is compared", run->id);
	rc = fl_judge(run, &j, err);
	if (rc >= 0) {
		reduce(run, j, side);
		fl_judgement_free(j);
	}
	fl_run_free(run);
	return rc < 0 ? rc : 0;
}

static int add_word(struct fl_store *store, const char *word, struct fl_runs_named *side, struct fl_err *err)
{
	struct fl_baseline named;
	int rc = fl_store_named(store, word, &named, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < named.runs_n && rc == 0; i++)
		rc = add_run(store, named.runs[i], side, err);
	fl_baseline_release(&named);
	return rc;
}

int fl_sides_load(struct fl_store *store, const char *words, struct fl_runs_named *ret, struct fl_err *err)
{
	struct fl_runs_named side = { .name = fl_dup(words) };
	char *copy = fl_dup(words), *rest = copy, *word;
	int rc = 0;

	while (rc == 0 && (word = strsep(&rest, ",")))
		rc = add_word(store, word, &side, err);
	free(copy);
	if (rc < 0)
		fl_sides_release(&side);
	else
		*ret = side;
	return rc;
}

void fl_sides_release(struct fl_runs_named *side)
{
	for (size_t i = 0; i < side->n; i++)
		fl_evidence_free(side->runs[i]);
	free(side->runs);
	free(side->name);
	*side = (struct fl_runs_named){ 0 };
}
