/* SPDX-License-Identifier: Apache-2.0 */
/* test_machine_text.c: recorded machines as people see them, byte for byte (tests/golden/topo-*.txt). */
#include "base/file.h"
#include "machine/machine.h"
#include "reports/reports.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fl_machine *load(const char *path)
{
	struct fl_machine *m = NULL;
	struct fl_err err = { 0 };

	if (fl_machine_load(path, &m, &err) < 0)
		fail_msg("%s: %s", path, err.what);
	return m;
}

static void check(const char *machine, const char *golden)
{
	const struct fl_look look = { .width = 100 };
	struct fl_text expected = { 0 }, text = { 0 };
	struct fl_err err = { 0 };
	struct fl_machine *m = load(machine);

	if (fl_file_read(AT_FDCWD, golden, 65536, &expected, &err) < 0)
		fail_msg("%s", err.what);
	fl_report_machine(m, &look, &text);
	assert_string_equal(fl_text_str(&text), fl_text_str(&expected));
	fl_text_release(&expected);
	fl_text_release(&text);
	fl_machine_free(m);
}

static void golden(void **state)
{
	(void)state;
	check(TESTS_DIR "/fixtures/machines/eight-gpus.json", TESTS_DIR "/golden/topo-eight-gpus.txt");
	check(TESTS_DIR "/fixtures/machines/two-node-vm.json", TESTS_DIR "/golden/topo-two-node-vm.txt");
	check(TESTS_DIR "/fixtures/machines/small-vm.json", TESTS_DIR "/golden/topo-small-vm.txt");
	check(TESTS_DIR "/golden/sense-two-socket.json", TESTS_DIR "/golden/topo-two-socket.txt");
	check(TESTS_DIR "/fixtures/machines/divided-gpu.json", TESTS_DIR "/golden/topo-divided-gpu.txt");
	check(TESTS_DIR "/golden/sense-gpu-server.json", TESTS_DIR "/golden/topo-gpu-server.txt");
}

static void expect(const struct fl_machine *m, const char *words)
{
	const struct fl_look look = { .width = 1000 };
	struct fl_text text = { 0 };

	fl_report_machine(m, &look, &text);
	if (!strstr(fl_text_str(&text), words))
		fail_msg("'%s' is not in: %s", words, fl_text_str(&text));
	fl_text_release(&text);
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = strdup(by);
}

/* What keeps a GPU from being measured, or its figures from being trusted, is said with what to do. */
static void states_of_gpus(void **state)
{
	struct fl_machine *m = load(TESTS_DIR "/fixtures/machines/divided-gpu.json");
	struct fl_gpu *whole = &m->gpus[0], *busy = &m->gpus[3];

	(void)state;
	expect(m, "1 of its 4 NVLinks is down");
	expect(m, "2 other processes use it (4711 python3 and others); it is measured only with --shared");
	replace(&busy->compute_mode.value, "prohibited");
	expect(m, "nvidia-smi -i 0000:43:00.0 -c DEFAULT allows it");
	replace(&busy->ecc.value, "off");
	expect(m, "prohibited, ECC off, in use\n");
	replace(&busy->links[1].peer.value, "switch");
	expect(m, "3 NVLinks to 2 others, 75.0 GB/s");
	for (size_t i = 0; i < busy->links_n; i++)
		busy->links[i].up = false;
	expect(m, "4 NVLinks, none up");
	replace(&m->gpus[1].parent, busy->id);
	expect(m, "divided into 1 part\n");
	replace(&m->gpus[2].parent, busy->id);
	expect(m, "divided, without parts\n");
	expect(m, "it is divided (MIG) and has no parts");
	assert_string_equal(whole->mig.value, "on");
	fl_machine_free(m);
}

/* Without colour there is no escape; with it the trained-down link is red, and only colours differ. */
static void colours(void **state)
{
	const struct fl_look plain = { .width = 100 }, coloured = { .colour = true, .width = 100 };
	struct fl_machine *m = load(TESTS_DIR "/fixtures/machines/eight-gpus.json");
	struct fl_text a = { 0 }, b = { 0 };

	(void)state;
	fl_report_machine(m, &plain, &a);
	fl_report_machine(m, &coloured, &b);
	assert_null(strchr(fl_text_str(&a), '\033'));
	assert_non_null(strstr(fl_text_str(&b), "\033[31m8 GT/s x4 ! best 32 GT/s x4\033[0m"));
	fl_text_release(&a);
	fl_text_release(&b);
	fl_machine_free(m);
}

/* A machine file may hold anything; a terminal must not get it. */
static void control_characters(void **state)
{
	const struct fl_look look = { .width = 80 };
	struct fl_machine *m = load(TESTS_DIR "/fixtures/machines/small-vm.json");
	struct fl_text text = { 0 };

	(void)state;
	memcpy(m->host, "\033c", 2);
	m->drives[0].id[0] = '\r';
	m->nics[0].interface[0] = '\007';
	fl_report_machine(m, &look, &text);
	for (size_t i = 0; i < text.n; i++)
		assert_true(text.bytes[i] == '\n' || (text.bytes[i] >= ' ' && text.bytes[i] != 0x7f));
	fl_text_release(&text);
	fl_machine_free(m);
}

/* The smallest that can be read: nothing in it, and nothing known. */
static void nothing_known(void **state)
{
	struct fl_machine *m = load(TESTS_DIR "/fixtures/machines/small-vm.json"), bare = *m;
	const struct fl_look look = { 0 };
	struct fl_text text = { 0 };

	(void)state;
	bare.ports_n = bare.nodes_n = bare.drives_n = bare.nics_n = bare.gpus_n = bare.mounts_n = 0;
	fl_report_machine(&bare, &look, &text);
	assert_non_null(strstr(fl_text_str(&text), "0 nodes"));
	fl_text_release(&text);
	fl_machine_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),	 cmocka_unit_test(states_of_gpus),
		cmocka_unit_test(colours),	 cmocka_unit_test(control_characters),
		cmocka_unit_test(nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
