/* SPDX-License-Identifier: Apache-2.0 */
/* same.h: stores that open, calls that succeed or are refused, runs that are equal bit by bit. */
#ifndef TEST_RECORD_SAME_H
#define TEST_RECORD_SAME_H
#include "sample.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static inline struct fl_store *opened(const char *path, bool write)
{
	struct fl_store *s = NULL;
	struct fl_err err = { 0 };

	if (fl_store_open(path, write, &s, &err))
		fail_msg("%s", err.what);
	return s;
}

#define OK(call)                                                                                                       \
	do {                                                                                                           \
		struct fl_err err = { 0 };                                                                             \
		if ((call) != 0)                                                                                       \
			fail_msg("%s: %s", #call, err.what);                                                           \
	} while (0)

/* The call fails with this code and says this. */
#define REFUSED(call, code, says)                                                                                      \
	do {                                                                                                           \
		struct fl_err err = { 0 };                                                                             \
		assert_int_equal(call, code);                                                                          \
		if (!strstr(err.what, says) && !strstr(err.hint, says))                                                \
			fail_msg("'%s' (%s) does not say '%s'", err.what, err.hint, says);                             \
	} while (0)

static inline void assert_same_series(const struct fl_series *a, const struct fl_series *b)
{
	assert_string_equal(a->metric, b->metric);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->at, b->at, a->n * sizeof(double));
	assert_memory_equal(a->value, b->value, a->n * sizeof(double));
	if (a->kind == FL_SERIES_SAMPLES)
		assert_memory_equal(a->valid, b->valid, a->n);
}

static inline void assert_same_text(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static inline void assert_same_lane(const struct fl_lane_record *a, const struct fl_lane_record *b)
{
	assert_int_equal(a->case_no, b->case_no);
	assert_int_equal(a->round, b->round);
	assert_int_equal(a->lane, b->lane);
	assert_same_text(a->bench, b->bench);
	assert_same_text(a->reason, b->reason);
	assert_same_text(a->hint, b->hint);
	assert_int_equal(a->outcome, b->outcome);
	assert_true(json_equal(a->options, b->options));
	assert_true(json_equal(a->placement, b->placement));
	assert_true(json_equal(a->facts, b->facts));
	assert_true(json_equal(a->caps, b->caps));
	assert_true(json_equal(a->distrust, b->distrust));
	assert_true(json_equal(a->notes, b->notes));
	assert_int_equal(a->series_n, b->series_n);
	for (size_t i = 0; i < a->series_n; i++)
		assert_same_series(&a->series[i], &b->series[i]);
}

static inline void assert_same_run(const struct fl_run *a, const struct fl_run *b)
{
	assert_string_equal(a->id, b->id);
	assert_int_equal(a->started_ns, b->started_ns);
	assert_int_equal(a->finished, b->finished);
	assert_int_equal(a->status, b->status);
	assert_true(json_equal(a->plan, b->plan));
	assert_true(json_equal(a->machine, b->machine));
	assert_true(json_equal(a->environment, b->environment));
	assert_true(json_equal(a->declared, b->declared));
	assert_int_equal(a->hosts_n, b->hosts_n);
	for (size_t i = 0; i < a->hosts_n; i++)
		assert_true(fl_run_host_equal(&a->hosts[i], &b->hosts[i]));
	assert_int_equal(a->lanes_n, b->lanes_n);
	for (size_t i = 0; i < a->lanes_n; i++)
		assert_same_lane(&a->lanes[i], &b->lanes[i]);
	assert_int_equal(a->watched_n, b->watched_n);
	for (size_t i = 0; i < a->watched_n; i++) {
		assert_true(fl_watched_equal(&a->watched[i], &b->watched[i]));
		assert_same_series(&a->watched[i].series, &b->watched[i].series);
	}
}

#endif
