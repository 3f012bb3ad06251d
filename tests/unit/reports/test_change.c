/* SPDX-License-Identifier: Apache-2.0 */
/* test_change.c: two runs, from their records to what is said of the comparison, byte for byte in every format. */
#include "golden.h"
#include "judge/change.h"

/* One lane of a run: its level, and by how much its rounds differ in all. */
struct lane {
	const char *bench, *label, *options, *engine;
	double level, spread;
	bool distrust;
};

enum { ROUNDS = 8, LANES = 7 };
#define READ_4K "{\"path\":\"/data/file\",\"block\":\"4096\"}"
#define READ_1M "{\"path\":\"/data/file\",\"block\":\"1048576\"}"

static const struct lane before[LANES] = {
	{ "memory.copy", "memory.copy memory=node0", "{\"memory\":\"node0\"}", "avx512", 9e9, 0.01, false },
	{ "memory.copy", "memory.copy memory=node1", "{\"memory\":\"node1\"}", "avx512", 5e9, 0.01, false },
	{ "storage.read", "storage.read block=4KiB", READ_4K, NULL, 1e9, 0.01, false },
	{ "storage.read", "storage.read block=1MiB", READ_1M, NULL, 3e9, 0.3, false },
	{ "null.pipeline", "null.pipeline pace=1ms", "{\"batch\":\"1048576\",\"pace\":\"1000000\"}", NULL, 1e9, 0.01,
	  false },
	{ "null.pipeline", "null.pipeline pace=2ms", "{\"batch\":\"1048576\",\"pace\":\"2000000\"}", NULL, 5e8, 0.01,
	  false },
	{ "null.nop", "null.nop", "{}", NULL, 1e9, 0.01, false },
};

/* In the same order: regressed, unlike, improved, too noisy, no change that counts, not there, moved but not judged. */
static const struct lane after[LANES] = {
	{ "memory.copy", "memory.copy memory=node0", "{\"memory\":\"node0\"}", "avx512", 7.8e9, 0.01, true },
	{ "memory.copy", "memory.copy memory=node1", "{\"memory\":\"node1\"}", "generic", 5e9, 0.01, false },
	{ "storage.read", "storage.read block=4KiB", READ_4K, NULL, 1.2e9, 0.01, false },
	{ "storage.read", "storage.read block=1MiB", READ_1M, NULL, 2.9e9, 0.3, false },
	{ "null.pipeline", "null.pipeline pace=1ms", "{\"batch\":\"1048576\",\"pace\":\"1000000\"}", NULL, 0.98e9, 0.01,
	  false },
	{ "null.pipeline", "null.pipeline pace=4ms", "{\"batch\":\"1048576\",\"pace\":\"4000000\"}", NULL, 2.5e8, 0.01,
	  false },
	{ "null.nop", "null.nop", "{}", NULL, 5e8, 0.01, false },
};

static void add_round(struct fl_run *run, const struct lane *lane, unsigned case_no, unsigned round)
{
	struct fl_lane_record *r = sample_record(run, case_no, 0, round);
	double value = lane->level * (1 + lane->spread * ((double)round / (ROUNDS - 1) - 0.5));

	sample_flat(r, strcmp(lane->bench, "null.nop") ? "bytes_per_s" : "ops_per_s", value, 20);
	if (!strcmp(lane->bench, "storage.read"))
		sample_flat(r, "ops_per_s", value / 4096, 20);
	if (lane->engine)
		json_object_set_new(r->facts, "engine", json_string(lane->engine));
	if (lane->distrust && round == 2)
		json_array_append_new(r->distrust, json_string("others took 40 % of CPU 1"));
}

static struct fl_run *run_of(const char *id, int64_t started_s, const struct lane *lanes)
{
	struct fl_run *run = sample_run_new(false, NULL);
	json_t *facts = json_object_get(json_object_get(run->declared, "memory.copy"), "facts");

	json_array_append_new(facts, json_pack("{s:s, s:b, s:s}", "name", "engine", "key", 1, "help", "how it copies"));
	fl_copy(run->id, sizeof(run->id), id);
	run->started_ns = started_s * 1000000000;
	for (unsigned i = 0; i < LANES; i++) {
		sample_lane(sample_case(run, lanes[i].label, ROUNDS), lanes[i].bench, lanes[i].options, NULL);
		for (unsigned round = 0; round < ROUNDS; round++)
			add_round(run, &lanes[i], i, round);
	}
	return run;
}

/* Frees the run: its evidence stands alone. */
static struct fl_evidence *reduced(struct fl_run *run)
{
	struct fl_judgement *j = golden_judge(run);
	char **names = fl_report_names(j);
	struct fl_evidence *e = fl_evidence_make(run, j, names, 0);

	fl_report_free_names(names, j->lanes_n);
	fl_judgement_free(j);
	fl_run_free(run);
	return e;
}

static struct fl_text render(const char *format, const struct fl_look *look)
{
	struct fl_evidence *runs[2] = { reduced(run_of("20261122T094512Z-aaaaaa", 1795340712, before)),
					reduced(run_of("20261123T101112Z-bbbbbb", 1795428672, after)) };
	struct fl_side a = { "good", (const struct fl_evidence *const *)&runs[0], 1 };
	struct fl_side b = { "last", (const struct fl_evidence *const *)&runs[1], 1 };
	struct fl_comparison *c = NULL;
	struct fl_text out = { 0 };

	assert_int_equal(fl_compare(&a, &b, NULL, NAN, &c, NULL), 0);
	fl_renderer_find(format)->change(c, look, &out);
	fl_comparison_free(c);
	fl_evidence_free(runs[0]);
	fl_evidence_free(runs[1]);
	return out;
}

static const struct {
	const char *name, *format;
	struct fl_look look;
} documents[] = {
	{ "change-80.txt", "text", { .width = 80 } },
	{ "change-120.txt", "text", { .width = 120 } },
	{ "change.json", "json", { 0 } },
	{ "change.md", "markdown", { 0 } },
};

static void golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct fl_text out = render(documents[i].format, &documents[i].look);

		golden_compare(documents[i].name, &out);
		fl_text_release(&out);
	}
}

/* Locales that are not installed are not tried; C.UTF-8 always is. */
static void same_everywhere(void **state)
{
	static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8" };

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct fl_text here = render(documents[i].format, &documents[i].look);

		setenv("TZ", "Pacific/Kiritimati", 1);
		tzset();
		for (size_t k = 0; k < 3; k++) {
			setlocale(LC_ALL, locales[k]);
			struct fl_text there = render(documents[i].format, &documents[i].look);
			assert_string_equal(fl_text_str(&here), fl_text_str(&there));
			fl_text_release(&there);
		}
		setlocale(LC_ALL, "C");
		unsetenv("TZ");
		tzset();
		fl_text_release(&here);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(same_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
