/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c: JSON that others wrote: what is taken must come back the same after writing, in both forms. */
#include "base/json.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void write_and_read_back(const json_t *value, unsigned indent)
{
	struct fl_text text = { 0 }, again = { 0 };
	struct fl_err err = { 0 };
	json_t *back = NULL;

	fl_json_write(value, indent, &text);
	if (fl_json_parse(fl_text_str(&text), text.n, "again", &back, &err) < 0)
		abort();
	fl_json_write(back, indent, &again);
	if (!json_equal(value, back) || text.n != again.n)
		abort();
	json_decref(back);
	fl_text_release(&text);
	fl_text_release(&again);
}

static void ask(const json_t *value)
{
	struct fl_cpus cpus;
	const char *text;
	uint64_t number;
	json_t *member;

	(void)fl_json_text(value, "fuzz", "a", &text, NULL);
	(void)fl_json_u64(value, "fuzz", "a", 100, &number, NULL);
	(void)fl_json_array(value, "fuzz", "a", 3, &member, NULL);
	(void)fl_json_cpus(value, "fuzz", "a", &cpus, NULL);
	(void)fl_json_number_or_nan(value, "a");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fl_err err = { 0 };
	json_t *value = NULL;
	int rc = fl_json_parse((const char *)data, n, "fuzz", &value, &err);

	if (rc != err.code || (rc < 0) != (value == NULL))
		abort();
	if (!value)
		return 0;
	ask(value);
	write_and_read_back(value, 0);
	write_and_read_back(value, 2);
	json_decref(value);
	return 0;
}
