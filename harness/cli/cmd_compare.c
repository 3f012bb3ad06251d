/* SPDX-License-Identifier: Apache-2.0 */
/* feedline compare: what moved between two runs, or a baseline and a run, and whether it counts. */
#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/sides.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct compare_opts {
	double tolerance;
	unsigned format;
	const char *noise, *store;
	bool json;
};

static const struct fl_field compare_fields[] = {
	FL_FIELD(compare_opts, tolerance, FL_RATIO, "", "0..1",
		 "a change up to this counts as none (default: 2% calibrated, else 5%)"),
	FL_FIELD(compare_opts, noise, FL_TEXT, "", "@baseline|@run",
		 "the baseline whose passes tell how far metrics move by themselves (default: A)"),
	FL_FIELD(compare_opts, format, FL_CHOICE, "text", FL_FORMATS, "the form of the report"),
	FL_FIELD(compare_opts, json, FL_FLAG, "no", NULL, "the same as --format json"),
	FL_FIELD(compare_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	{ 0 },
};

/* All that a comparison is made from. noise is empty where A itself tells. */
struct sides {
	struct fl_runs_named a, b, noise;
};

static void release(struct sides *s)
{
	fl_sides_release(&s->a);
	fl_sides_release(&s->b);
	fl_sides_release(&s->noise);
}

/* A run is no evidence against itself. */
static int check_apart(const struct sides *s, struct fl_err *err)
{
	for (size_t i = 0; i < s->a.n; i++)
		for (size_t k = 0; k < s->b.n; k++) {
			if (strcmp(s->a.runs[i]->run, s->b.runs[k]->run) != 0)
				continue;
			fl_fail(err, -EINVAL, "run '%s' is on both sides", s->a.runs[i]->run);
			return fl_hint(err, "'feedline runs' lists the runs there are");
		}
	return 0;
}

static int load(const char *path, const struct compare_opts *opts, char *const *words, struct sides *s,
		struct fl_err *err)
{
	struct fl_store *store;
	int rc = fl_store_open(path, false, &store, err);

	if (rc < 0)
		return rc;
	rc = fl_sides_load(store, words[0], &s->a, err);
	if (rc == 0)
		rc = fl_sides_load(store, words[1], &s->b, err);
	if (rc == 0 && opts->noise)
		rc = fl_sides_load(store, opts->noise, &s->noise, err);
	fl_store_close(store);
	return rc < 0 ? rc : check_apart(s, err);
}

static int find_noise(const struct sides *s, const struct compare_opts *opts, struct fl_noise **ret, struct fl_err *err)
{
	const struct fl_runs_named *from = opts->noise ? &s->noise : &s->a;

	*ret = fl_noise_make((const struct fl_evidence *const *)from->runs, from->n);
	if (*ret || !opts->noise)
		return 0;
	fl_fail(err, -EINVAL, "'%s' has fewer than %d passes and tells no noise", opts->noise, FL_NOISE_PASSES);
	return fl_hint(err, "'feedline baseline calibrate' measures them");
}

static int refuse_noise(const struct compare_opts *opts, struct fl_err *err)
{
	fl_fail(err, -EINVAL, "'%s' tells the noise of none of the lanes that are compared", opts->noise);
	return fl_hint(err, "calibrate the same suite with the same options on the same host");
}

/* Returns the status. An output that fails makes it worse, never better. */
static int print(const struct fl_comparison *c, const struct compare_opts *opts)
{
	const struct fl_renderer *renderer = opts->json ? fl_renderer_find("json") : &fl_renderers[opts->format];
	struct fl_look look = fl_output_look();
	struct fl_text out = { 0 };
	struct fl_err err = { 0 };
	int rc;

	renderer->change(c, &look, &out);
	rc = fl_output_text(&out, &err);
	if (rc >= 0)
		return (int)c->status;
	fl_output_error(&err);
	return (int)fl_status_worse(c->status, fl_status_of(rc));
}

static int judge(const struct sides *s, const struct compare_opts *opts, struct fl_err *err)
{
	struct fl_side a = { s->a.name, (const struct fl_evidence *const *)s->a.runs, s->a.n };
	struct fl_side b = { s->b.name, (const struct fl_evidence *const *)s->b.runs, s->b.n };
	struct fl_comparison *c;
	struct fl_noise *noise;
	int rc = find_noise(s, opts, &noise, err);

	if (rc < 0)
		return rc;
	rc = fl_compare(&a, &b, noise, opts->tolerance, &c, err);
	if (rc == 0) {
		rc = opts->noise && c->floors == 0 ? refuse_noise(opts, err) : print(c, opts);
		fl_comparison_free(c);
	}
	fl_noise_free(noise);
	return rc;
}

static int compare(const struct compare_opts *opts, const struct fl_args *args, struct fl_err *err)
{
	char *words[2] = { fl_dup(args->words[0]), fl_dup(args->words_n > 1 ? args->words[1] : "last") };
	struct sides s = { 0 };
	char *store;
	int rc = fl_home_store(opts->store, &store, err);

	if (rc >= 0) {
		rc = load(store, opts, words, &s, err);
		if (rc >= 0)
			rc = judge(&s, opts, err);
		release(&s);
		free(store);
	}
	free(words[0]);
	free(words[1]);
	return rc;
}

static int run(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct compare_opts opts = { .tolerance = NAN };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 2, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	if (args.help) {
		rc = fl_options_help(self->usage, self->summary, sets, err);
	} else if (args.words_n == 0) {
		fl_fail(err, -EINVAL, "compare: what with what?");
		rc = fl_hint(err, "name two runs, or a baseline and a run: feedline compare BEFORE AFTER");
	} else {
		rc = compare(&opts, &args, err);
	}
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_compare = {
	.name = "compare",
	.summary = "what moved between runs or baselines A and B (default: the newest run), and whether it counts",
	.usage = "compare A[,A...] [B[,B...]]",
	.words = "@run|@baseline|last",
	.fields = compare_fields,
	.run = run,
};
