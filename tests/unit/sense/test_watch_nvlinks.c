/* SPDX-License-Identifier: Apache-2.0 */
/* test_watch_nvlinks.c: errors of NVLinks, of which one counter or another fails now and then. */
#include "sense/watch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A GPU with two NVLinks; each has one counter by number, and four by calls. */
struct fl_nvml_device {
	const char *counts; /* "7 3": of the links; "-": it fails */
	bool has_fields;    /* the call by number works */
};

/* Below zero: it fails. */
static int count_of(const struct fl_nvml_device *d, unsigned link)
{
	const char *second = strchr(d->counts, ' ') + 1, *text = link ? second : d->counts;

	return *text == '-' ? -1 : (int)strtol(text, NULL, 10);
}

static int link_state(struct fl_nvml_device *d, unsigned link, unsigned *ret_up)
{
	(void)d;
	*ret_up = 1;
	return link < 2 ? FL_NVML_SUCCESS : FL_NVML_NOT_FOUND;
}

static int fields(struct fl_nvml_device *d, int n, struct fl_nvml_field *values)
{
	if (!d->has_fields)
		return FL_NVML_TIMEOUT;
	for (int i = 0; i < n; i++) {
		int count = count_of(d, values[i].scope);
		bool fails = values[i].field != FL_NVML_FIELD_LINK_REPLAYS || count < 0;

		values[i].type = FL_NVML_VALUE_UINT32;
		values[i].result = fails ? FL_NVML_TIMEOUT : FL_NVML_SUCCESS;
		values[i].value.uint32 = fails ? 0 : (unsigned)count;
	}
	return FL_NVML_SUCCESS;
}

static int link_errors(struct fl_nvml_device *d, unsigned link, unsigned which, uint64_t *ret)
{
	int count = count_of(d, link);

	if (count < 0)
		return FL_NVML_TIMEOUT;
	*ret = (uint64_t)count + which;
	return FL_NVML_SUCCESS;
}

/* Below zero: not known. */
static double look_at(struct watch_gpu_look *look)
{
	_Atomic(const char *) in_call = NULL;
	struct watch_cost cost = { 0 };
	double values[WATCH_METRICS_MAX];

	assert_int_equal(watch_gpu_look(look, WATCH_ALL | WATCH_ENDS, values, &in_call, &cost), FL_NVML_SUCCESS);
	for (size_t i = 0; i < watch_gpu_metrics_n(); i++)
		if (!strcmp(watch_gpu_metrics[i], "nvlink_errors"))
			return isnan(values[i]) ? -1 : values[i];
	fail();
	return -1;
}

static void counters(void **state)
{
	static const struct {
		const char *counts;
		bool has_fields;
		double errors;
	} rows[][5] = {
		/* one fails and is back */
		{ { "7 3", true, 10 },
		  { "7 -", true, -1 },
		  { "7 3", true, 10 },
		  { "8 3", true, 11 },
		  { "- -", true, -1 } },
		/* the call itself: nobody turns to the others, which count otherwise */
		{ { "7 3", true, 10 },
		  { "7 3", false, -1 },
		  { "7 3", true, 10 },
		  { "7 4", true, 11 },
		  { "7 4", true, 11 } },
		/* one that says nothing at first would look like three errors later */
		{ { "7 -", true, 7 }, { "7 3", true, 7 }, { "9 3", true, 9 }, { "- 3", true, -1 }, { "9 3", true, 9 } },
		/* by calls: 4 counters a link */
		{ { "7 3", false, 52 },
		  { "7 3", true, 52 },
		  { "- 3", false, -1 },
		  { "7 3", false, 52 },
		  { "8 3", false, 56 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_nvml nvml = { .link_state = link_state, .fields = fields, .link_errors = link_errors };
		struct fl_nvml_device device = { 0 };
		struct watch_gpu_look *look = watch_gpu_look_make(&nvml, &device);

		for (size_t k = 0; k < 5; k++) {
			double errors;

			device.counts = rows[i][k].counts;
			device.has_fields = rows[i][k].has_fields;
			errors = look_at(look);
			if (errors != rows[i][k].errors)
				fail_msg("row %zu, look %zu: %g errors, not %g", i, k, errors, rows[i][k].errors);
		}
		free(look);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counters) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
