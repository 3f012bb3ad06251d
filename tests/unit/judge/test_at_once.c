/* SPDX-License-Identifier: Apache-2.0 */
/* test_at_once.c: lanes of one case of which some were left out while the run went on. */
#include "../sample_gpus.h"
#include "judge/evidence.h"
#include "judged.h"

#define G0 "gpu-0000:10:00.0"
#define G1 "gpu-0000:11:00.0"
#define G2 "gpu-0000:12:00.0"

/* Three lanes at once in two rounds, in some of which only so many ran: that is part of what makes numbers comparable,
 * and rounds that are not alike make none to trust. A count that cannot be is none. */
static void test_fewer_at_once(void **state)
{
	static const struct {
		int ran[2]; /* 0: the record does not say */
		const char *key, *distrust;
	} rows[] = {
		{ { 0, 0 }, "3 of 3", NULL },
		{ { 2, 2 }, "2 of 3", NULL },
		{ { 0, 2 }, "2 of 3", "in some 3 lanes of its case ran together, in others 2" },
		{ { 9, -1 }, "3 of 3", NULL },
	};
	static const char *const gpus[] = { "{\"gpu\":\"" G0 "\"}", "{\"gpu\":\"" G1 "\"}", "{\"gpu\":\"" G2 "\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *names[] = { "a", "b", "c" };
		struct fl_judgement *j;
		struct fl_evidence *e;
		struct sample_gpus g;
		struct fl_run *run;
		json_t *c;

		sample_gpus_init(&g);
		run = sample_gpu_run(&g, NULL);
		c = sample_case(run, "at once", 2);
		for (unsigned k = 0; k < 3; k++)
			sample_lane(c, "gpu.local", gpus[k], NULL);
		for (unsigned k = 0; k < 6; k++) {
			struct fl_lane_record *r = sample_record(run, 0, k % 3, k / 3);

			sample_flat(r, "bytes_per_s", 1e12, 9);
			if (rows[i].ran[k / 3])
				json_object_set_new(r->notes, "lanes_ran", json_integer(rows[i].ran[k / 3]));
		}
		j = judge(run);
		e = fl_evidence_make(run, j, names, 0);
		assert_string_equal(json_string_value(json_object_get(e->lanes[1].key, "lanes that ran")), rows[i].key);
		assert_int_equal(j->lanes[1].distrust_n, rows[i].distrust ? 1 : 0);
		if (rows[i].distrust)
			assert_non_null(strstr(j->lanes[1].distrust[0], rows[i].distrust));
		fl_evidence_free(e);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fewer_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
