/* SPDX-License-Identifier: Apache-2.0 */
/* test_contract.c: walks every declaration of every worker program that was built, as the manifests have it. A new
 * benchmark is held to this without a line of test for it. */
#include "base/field.h"
#include "catalog/catalog.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fl_catalog *catalog;

static void check(bool holds, const struct fl_entry *e, const char *what, const char *name)
{
	if (holds)
		return;
	print_error("%s: %s '%s'\n", e->name, what, name ? name : "");
	fail();
}

/* One line for people: there, lower case, no full stop. */
static bool reads_well(const char *line)
{
	size_t n = line ? strlen(line) : 0;

	return n > 0 && n < 120 && !strchr(line, '\n') && line[n - 1] != '.' &&
	       !(isupper((unsigned char)line[0]) && islower((unsigned char)line[1]));
}

static bool is_word(const char *name)
{
	return islower((unsigned char)name[0]) && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *e = &catalog->entries[i];
		const char *dot = strchr(e->name, '.');

		check(dot ? dot > e->name && is_word(dot + 1) : is_word(e->name), e, "is neither word nor family.word",
		      e->name);
		check(reads_well(e->summary), e, "summary does not read well", e->summary);
		check(e->unavailable || e->metrics[0].name, e, "measures nothing", NULL);
		check(i == 0 || strcmp(e->name, catalog->entries[i - 1].name) > 0, e, "not sorted, or twice", NULL);
	}
}

static void test_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *e = &catalog->entries[i];

		for (const struct fl_field *f = e->fields; f->name; f++) {
			struct fl_err err = { 0 };
			char *canon = NULL;

			check(is_word(f->name), e, "option is no word", f->name);
			check(reads_well(f->help), e, "help does not read well", f->help);
			check(!fl_field_find(fl_common_fields, f->name), e, "option hides a common one", f->name);
			check(fl_field_find(e->fields, f->name) == f, e, "option declared twice", f->name);
			check(f->type != FL_DEVICE || f->range, e, "device option without a kind", f->name);
			check(f->type != FL_DEVICE || !f->preset || !strcmp(f->preset, "local"), e,
			      "device that no machine has in", f->name);
			check(f->type != FL_CHOICE || f->range, e, "choice without choices", f->name);
			if (!f->preset || f->type == FL_DEVICE)
				continue;
			check(fl_field_canon(f, f->preset, &canon, &err) == 0, e, err.what, f->name);
			free(canon);
		}
	}
}

/* Who asks for threads gets so many CPUs. */
static void test_threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *e = &catalog->entries[i];

		check(!fl_field_find(e->fields, "threads") || (e->threads && !strcmp(e->threads, "threads")), e,
		      "has an option that its declaration of threads does not name", "threads");
	}
}

/* The unit is the end of the name, so that no reader has to guess. */
static bool has_unit(const struct fl_metric *m)
{
	static const char *const ends[] = { [FL_RATE_BYTES] = "bytes_per_s",
					    [FL_RATE_OPS] = "_per_s",
					    [FL_STEP_NS] = "_ns",
					    [FL_DISTRIBUTION] = "_ns",
					    [FL_GIVEN] = "" };
	const char *end = ends[m->from];

	return strlen(m->name) >= strlen(end) && !strcmp(m->name + strlen(m->name) - strlen(end), end);
}

static void test_metrics_and_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *e = &catalog->entries[i];

		for (const struct fl_metric *m = e->metrics; m->name; m++) {
			check(is_word(m->name), e, "metric is no word", m->name);
			check(reads_well(m->help), e, "help does not read well", m->help);
			check(has_unit(m), e, "metric does not end in its unit", m->name);
		}
		for (const struct fl_fact *f = e->facts; f->name; f++) {
			check(is_word(f->name), e, "fact is no word", f->name);
			check(reads_well(f->help), e, "help does not read well", f->help);
		}
	}
}

static bool is_end(const struct fl_entry *e, const char *end)
{
	const struct fl_field *f = fl_field_find(e->fields, end);

	return !strcmp(end, "cpu") || !strcmp(end, "memory") || !strcmp(end, "own_memory") ||
	       (f && !strcmp(end, "interface")) || (f && (f->type == FL_DEVICE || f->type == FL_PATH));
}

static bool moves_bytes(const struct fl_entry *e)
{
	for (const struct fl_metric *m = e->metrics; m->name; m++)
		if (m->from == FL_RATE_BYTES)
			return true;
	return false;
}

static void test_flows(void **state)
{
	(void)state;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *e = &catalog->entries[i];
		bool null_family = !strncmp(e->name, "null.", 5);

		check(!moves_bytes(e) || e->flows[0].from || null_family, e, "moves bytes over no declared hop", NULL);
		check(!moves_bytes(e) || e->verifies || e->unavailable, e, "moves bytes and never looks at them", NULL);
		for (const struct fl_flow *f = e->flows; f->from; f++) {
			check(is_end(e, f->from), e, "flow from nowhere", f->from);
			check(is_end(e, f->to), e, "flow to nowhere", f->to);
			check(f->per_byte > 0, e, "flow without crossings", f->from);
		}
		check(!e->numa || !strcmp(e->numa, "each") || !strcmp(e->numa, "interface") || is_end(e, e->numa), e,
		      "sits near nothing", e->numa);
	}
}

/* A closed loop is read by the words of feedline/bench.h. */
static void test_loops(void **state)
{
	static const char *const metrics[] = { "stall_ns", "gap_ns", "delivery_ns", "ready_batches" };

	(void)state;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *e = &catalog->entries[i];

		for (size_t k = 0; fl_entry_is_loop(e) && k < sizeof(metrics) / sizeof(metrics[0]); k++) {
			const struct fl_metric *m = e->metrics;

			while (m->name && strcmp(m->name, metrics[k]) != 0)
				m++;
			check(m->name && m->from == FL_GIVEN, e, "is a closed loop and does not give", metrics[k]);
		}
		check(!fl_entry_is_loop(e) || moves_bytes(e), e, "is a closed loop without a rate in bytes", NULL);
		check(!fl_entry_is_loop(e) || !e->rungs->bench, e, "has a control that is another benchmark",
		      e->rungs->bench);
		for (const struct fl_rung *r = e->rungs; r->name; r++)
			check(!r->hop || reads_well(r->hop), e, "hop does not read well", r->hop);
	}
}

/* What several lanes measure together is measured somewhere, and its data looked at there. */
static void test_roles(void **state)
{
	(void)state;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *e = &catalog->entries[i];
		unsigned measured = 0;

		for (unsigned rank = 0; rank < fl_entry_roles(e); rank++)
			measured += fl_entry_is_measured(e, rank);
		check(measured == 1 || (e->roles && !e->measured_at), e, "is measured nowhere, or by many",
		      e->measured_at);
		check(e->roles || !e->numa || strcmp(e->numa, "interface") != 0, e,
		      "sits near what reaches others, and has none", e->numa);
		check(!e->lockstep || (e->roles && !e->whole), e, "is in lockstep alone, or ends by itself", e->roles);
		check(!e->roles || !e->whole, e, "has roles and ends by itself", e->roles);
	}
}

/* A value for every name that a template may hold: presets, devices that could be, and for facts a word that the
 * template knows, else a number. */
static json_t *sample_values(const struct fl_entry *e)
{
	json_t *values = json_pack("{s:s, s:s, s:s, s:s, s:s}", "cpus", "0-3", "cpus_n", "4", "node", "0", "is_local",
				   "yes", "gpus_n", "1");
	struct fl_err err = { 0 };

	for (const struct fl_fact *f = e->facts; f->name; f++) {
		char slot[80];
		const char *list;

		snprintf(slot, sizeof(slot), "{%s:", f->name);
		list = strstr(e->peer.command, slot);
		json_object_set_new(values, f->name,
				    list ? json_stringn(list + strlen(slot), strcspn(list + strlen(slot), "="))
					 : json_string("1048576"));
	}
	for (const struct fl_field *f = e->fields; f->name; f++) {
		char *canon = NULL;

		if (f->type == FL_DEVICE)
			json_object_set_new(values, f->name, json_string("1"));
		else if (f->type == FL_PATH)
			json_object_set_new(values, f->name, json_string("/a file"));
		else if (f->preset && fl_field_canon(f, f->preset, &canon, &err) == 0)
			json_object_set_new(values, f->name, json_string(canon));
		free(canon);
	}
	return values;
}

/* That it names only what there is, was checked when the manifest was read. */
static void test_peers(void **state)
{
	(void)state;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct fl_entry *e = &catalog->entries[i];
		struct fl_text command = { 0 };
		json_t *values;

		if (!e->peer.tool)
			continue;
		values = sample_values(e);
		check(fl_peer_expand(&e->peer, values, &command), e, "peer cannot be called with the presets",
		      e->peer.command);
		check(!strncmp(command.bytes, e->peer.tool, strlen(e->peer.tool)), e, "peer is another tool",
		      command.bytes);
		check(!strpbrk(command.bytes, "{}"), e, "braces are left in", command.bytes);
		check(moves_bytes(e), e, "a peer to compare which rate with?", e->peer.tool);
		fl_text_release(&command);
		json_decref(values);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	cmocka_unit_test(test_options),
		cmocka_unit_test(test_threads), cmocka_unit_test(test_metrics_and_facts),
		cmocka_unit_test(test_flows),	cmocka_unit_test(test_loops),
		cmocka_unit_test(test_peers),	cmocka_unit_test(test_roles),
	};
	struct fl_err err = { 0 };
	int failed;

	if (argc != 2 || fl_catalog_load(argv[1], &catalog, &err) < 0) {
		fprintf(stderr, "usage: test_contract MANIFESTS: %s\n", err.what);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fl_catalog_free(catalog);
	return failed;
}
