/* SPDX-License-Identifier: Apache-2.0 */
/* samples.c: makes a large run for scripts/bench-self. Takes the newest run of a store, which must be a small real one,
 * gives its first lane's first series N samples and files the result as a run of its own.
 *   samples STORE N */
#include "base/alloc.h"
#include "record/store.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A rate that wanders, so that nothing along the way can fold equal values. */
static void fill(struct fl_series *series, size_t n)
{
	series->at = fl_grow(series->at, n, sizeof(*series->at));
	series->value = fl_grow(series->value, n, sizeof(*series->value));
	series->valid = fl_grow(series->valid, n, sizeof(*series->valid));
	for (size_t i = 0; i < n; i++) {
		series->at[i] = 1e6 * (double)(i + 1);
		series->value[i] = 1e9 + 1e3 * (double)(i * 7919 % 10007);
		series->valid[i] = 1;
	}
	series->n = n;
}

/* The first series of samples; NULL: there is none. */
static struct fl_series *find(const struct fl_run *run)
{
	for (size_t i = 0; i < run->lanes_n; i++)
		for (size_t k = 0; k < run->lanes[i].series_n; k++)
			if (run->lanes[i].series[k].kind == FL_SERIES_SAMPLES)
				return &run->lanes[i].series[k];
	return NULL;
}

static int enlarge(struct fl_store *store, size_t n, struct fl_err *err)
{
	struct fl_run *run;
	int rc = fl_store_load(store, "last", &run, err);

	if (rc < 0)
		return rc;
	struct fl_series *series = find(run);

	if (!series) {
		rc = fl_fail(err, -EINVAL, "the newest run has no series of samples");
		goto free_run;
	}
	fill(series, n);
	memset(run->id, 0, sizeof(run->id));
	run->started_ns++;
	rc = fl_store_begin(store, run, err);
	if (rc == 0)
		rc = fl_store_add(store, run->id, run->lanes, run->lanes_n, err);
	if (rc == 0)
		rc = fl_store_finish(store, run->id, 0, err);
	if (rc == 0)
		puts(run->id);
free_run:
	fl_run_free(run);
	return rc;
}

int main(int argc, char **argv)
{
	struct fl_store *store;
	struct fl_err err = { 0 };

	if (argc != 3) {
		fputs("usage: samples STORE N\n", stderr);
		return 2;
	}
	int rc = fl_store_open(argv[1], true, &store, &err);

	if (rc == 0) {
		rc = enlarge(store, strtoul(argv[2], NULL, 10), &err);
		fl_store_close(store);
	}
	if (rc < 0)
		fprintf(stderr, "samples: %s\n", err.what);
	return rc < 0;
}
