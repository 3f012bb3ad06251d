/* SPDX-License-Identifier: Apache-2.0 */
/* suite.h: a suite as written. The file is a list of rules; a rule is a map of
 *
 *   bench:    name of a benchmark            - bench: memory.copy
 *   with:     options                          with: {duration: 500ms}
 *   each:     list of device options; a case   each: [numa, memory]
 *             for every device (every combination)
 *   together: list of rules whose lanes      - together:
 *             run in one case                    - bench: memory.copy
 *   repeat:   rounds (1..1000)                 repeat: 3
 *   require:  list of benchmarks, or of        require: [memory.copy, "null.pipeline:bytes_per_s"]
 *             "benchmark:metric", that must
 *             be measured and judged
 *
 * A device option that is neither in `with` nor in `each` has its preset; without one, every device of the kind is a
 * case (like `each`). In `together` all devices of `each` are lanes of the one case. An option that is a
 * node may say `local`: the node of the lane's CPUs; the plan names it.
 *
 * The path of a file in `with` is "cache:SIZE" or a file that exists; a relative one begins at the directory of the
 * suite file, wherever feedline is called (suites that feedline brings along have none). run/paths.h puts the file
 * itself in its place, without symlinks, before a plan is made. */
#ifndef FL_PLAN_SUITE_H
#define FL_PLAN_SUITE_H
#include <feedline/err.h>
#include <stdbool.h>
#include <stddef.h>

struct fl_setting {
	char *name, *text;
	unsigned line, column; /* of the value */
};

struct fl_rule {
	unsigned line, column;
	char *bench; /* NULL: a `together` rule */
	struct fl_setting *with;
	size_t with_n;
	struct fl_setting *each; /* text NULL */
	size_t each_n;
	struct fl_rule *together;
	size_t together_n;
	unsigned repeat;	    /* 1 unless said */
	struct fl_setting *require; /* text NULL */
	size_t require_n;
};

struct fl_suite {
	char *name;   /* "quick" */
	char *source; /* what messages call it: the file as the user named it, "quick.yaml" or "command line" */
	struct fl_rule *rules;
	size_t rules_n;
	bool required; /* `bench`: everything must be measured */
};

/* -EINVAL: "FILE:LINE:COLUMN: ..." with the nearest word of the grammar as hint. Benchmarks and options are checked by
 * fl_plan_make. */
int fl_suite_parse(const char *bytes, size_t n, const char *name, const char *source, struct fl_suite **ret,
		   struct fl_err *err);
/* The suite of one rule that `feedline bench` is. settings: name and text, in order; texts are copied. */
struct fl_suite *fl_suite_of_bench(const char *bench, const struct fl_setting *with, size_t with_n, unsigned repeat);
void fl_suite_free(struct fl_suite *suite);

#endif
