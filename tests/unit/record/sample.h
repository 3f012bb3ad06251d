/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h: a directory for stores and records to put into them, for the tests of this folder. */
#ifndef TEST_RECORD_SAMPLE_H
#define TEST_RECORD_SAMPLE_H
#include "base/alloc.h"
#include "record/store.h"
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
	char dir[256], store[300];
};

static inline int make_place(void **state)
{
	struct place *p = fl_zalloc(1, sizeof(*p));

	snprintf(p->dir, sizeof(p->dir), "%s/fl-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
	*state = p;
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->store, sizeof(p->store), "%s/store.db", p->dir);
	return 0;
}

/* How many entries the directory has; removes them if asked (files and empty directories). */
static inline int clean(const char *dir, int remove_them)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0;

	while (d && (entry = readdir(d))) {
		char *path = fl_format("%s/%s", dir, entry->d_name);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			n++;
			if (remove_them)
				remove(path);
		}
		free(path);
	}
	if (d)
		closedir(d);
	return n;
}

static inline int remove_place(void **state)
{
	struct place *p = *state;
	char *inner = fl_format("%s/inner", p->dir);

	clean(inner, 1);
	clean(p->dir, 1);
	rmdir(p->dir);
	free(inner);
	free(p);
	return 0;
}

static inline void add_series(struct fl_lane_record *lane, const char *metric, enum fl_series_kind kind, size_t n)
{
	struct fl_series *s;

	lane->series = fl_grow(lane->series, lane->series_n + 1, sizeof(*lane->series));
	s = &lane->series[lane->series_n++];
	*s = (struct fl_series){ .metric = fl_dup(metric), .kind = kind, .n = n };
	s->at = fl_zalloc(n + 1, sizeof(double));
	s->value = fl_zalloc(n + 1, sizeof(double));
	s->valid = fl_zalloc(n + 1, 1);
	for (size_t i = 0; i < n; i++) {
		s->at[i] = 1e6 * (double)(i + 1);
		s->value[i] = i % 7 == 3 ? NAN : 1e9 / (double)(i + 3);
		s->valid[i] = i % 5 != 2;
	}
}

/* A measured lane with one series of n samples. */
static inline struct fl_lane_record *sample_lane(struct fl_run *run, unsigned case_no, unsigned round, unsigned lane,
						 size_t n)
{
	struct fl_lane_record *l = fl_run_add_lane(run);

	l->case_no = case_no;
	l->round = round;
	l->lane = lane;
	l->bench = fl_dup("memory.copy");
	l->options = json_pack("{s:i, s:s}", "block", 1 << 20, "numa", "node0");
	l->placement = json_pack("{s:s, s:i, s:b}", "cpus", "0-1", "node", 0, "verified", 1);
	l->facts = json_pack("{s:s}", "buffers", "registered");
	l->caps = json_pack("[{s:s, s:f}]", "hop", "source pace", "cap_bytes_per_s", 1.5e9);
	l->distrust = json_array();
	l->notes = json_pack("{s:s}", "ended", "time up");
	add_series(l, "bytes_per_s", FL_SERIES_SAMPLES, n);
	return l;
}

/* n samples of what was seen beside that case. */
static inline struct fl_watched *sample_watched(struct fl_run *run, unsigned case_no, unsigned round,
						const char *subject, const char *metric, size_t n)
{
	struct fl_watched *w = fl_run_add_watched(run);

	w->case_no = case_no;
	w->round = round;
	w->subject = fl_dup(subject);
	if (fl_series_make(metric, FL_SERIES_SAMPLES, n, &w->series) < 0)
		abort();
	for (size_t i = 0; i < n; i++) {
		w->series.at[i] = 1e8 * ((double)i - 1);
		w->series.value[i] = 1e9 / (double)(i + 3);
		w->series.valid[i] = 1;
	}
	return w;
}

static inline struct fl_run *sample_run(const char *suite)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));

	run->plan = json_pack("{s:s}", "suite", suite);
	run->machine = json_pack("{s:s}", "host", "n1");
	run->environment = json_pack("{s:s}", "kernel", "6.1");
	run->declared = json_object();
	return run;
}

#endif
