/* SPDX-License-Identifier: Apache-2.0 */
/* test_machine_json.c: recorded machines come back as they were; broken ones are refused by name. */
#include "base/file.h"
#include "base/json.h"
#include "machine/machine.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MACHINES TESTS_DIR "/fixtures/machines/"

static const char *const recorded[] = { MACHINES "eight-gpus.json",
					MACHINES "divided-gpu.json",
					MACHINES "two-node-vm.json",
					MACHINES "small-vm.json",
					TESTS_DIR "/golden/sense-two-socket.json",
					TESTS_DIR "/golden/sense-container.json",
					TESTS_DIR "/golden/sense-gpu-server.json",
					TESTS_DIR "/fixtures/sysfs/gpu-server.json" };

static struct fl_machine *load(const char *path)
{
	struct fl_machine *m = NULL;
	struct fl_err err = { 0 };

	if (fl_machine_load(path, &m, &err) < 0)
		fail_msg("%s: %s", path, err.what);
	return m;
}

static void round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {
		struct fl_machine *m = load(recorded[i]);
		struct fl_text file = { 0 }, written = { 0 };
		struct fl_err err = { 0 };
		json_t *doc = fl_machine_json(m);

		fl_json_write(doc, 2, &written);
		assert_int_equal(fl_file_read(AT_FDCWD, recorded[i], FL_MACHINE_FILE_MAX, &file, &err), 0);
		assert_string_equal(fl_text_str(&written), fl_text_str(&file));
		json_decref(doc);
		fl_text_release(&file);
		fl_text_release(&written);
		fl_machine_free(m);
	}
}

static void members_arrive(void **state)
{
	struct fl_machine *m = load(MACHINES "eight-gpus.json");
	const struct fl_drive *slow = &m->drives[5];

	(void)state;
	assert_string_equal(m->host, "gpu-node-01");
	assert_true(m->bare_metal);
	assert_null(m->hypervisor.value);
	assert_string_equal(m->hypervisor.why, "bare metal");
	assert_int_equal(m->nodes_n, 2);
	assert_int_equal(m->nodes[1].distances[0], 21);
	assert_true(fl_cpus_has(&m->nodes[1].cpus, 191) && !fl_cpus_has(&m->nodes[1].cpus, 47));
	assert_int_equal(m->drives_n + m->nics_n + m->gpus_n, 24);
	assert_string_equal(slow->serial.value, "FL00A7X06");
	assert_true(slow->pci.link.gts_now.value == 8 && slow->pci.link.gts_best.value == 32);
	assert_string_equal(slow->pci.upstream, "0000:99:05.0");
	assert_true(isnan(m->nics[6].rate_bits_per_s.value) && !m->nics[6].up);
	assert_string_equal(m->nics[6].rate_bits_per_s.why, "the link is down");
	assert_true(isnan(m->limits.memlock_bytes.value));
	fl_machine_free(m);
}

static void gpus_arrive(void **state)
{
	struct fl_machine *m = load(MACHINES "divided-gpu.json");
	const struct fl_gpu *whole = &m->gpus[0], *part = &m->gpus[2], *busy = &m->gpus[3];

	(void)state;
	assert_string_equal(m->gpu_driver.value, "550.54.15");
	assert_string_equal(m->cuda.value, "12.4");
	assert_int_equal(m->ports_n, 6);
	assert_string_equal(m->ports[1].pci.upstream, m->ports[0].pci.address);
	assert_null(whole->parent);
	assert_string_equal(whole->mig.value, "on");
	assert_string_equal(part->parent, whole->id);
	assert_string_equal(part->uuid.value, "MIG-7c2e91d4-0b1a-5c6e-9f2d-3a4b5c6d7e81");
	assert_string_equal(part->process.value, "5120 train");
	assert_true(part->memory_bytes.value == 10468982784 && isnan(part->memory_bytes_per_s.value));
	assert_string_equal(busy->compute_mode.value, "exclusive process");
	assert_true(busy->processes.value == 2 && busy->pending_repairs.value == 1 && busy->power_limit_w.value == 400);
	assert_int_equal(busy->links_n, 4);
	assert_string_equal(busy->links[0].peer.value, whole->id);
	assert_true(busy->links[0].up && busy->links[0].bytes_per_s.value == 25e9);
	assert_true(!busy->links[3].up && isnan(busy->links[3].bytes_per_s.value));
	assert_string_equal(busy->links[3].peer.why, "the link is down");
	fl_machine_free(m);
}

/* What must hold between a part and its whole, one by one. */
static void parts_that_are_none(void **state)
{
	static const struct {
		size_t gpu;
		const char *key, *value, *words;
	} rows[] = {
		{ 0, "mig", "off", "which is not divided" },
		{ 1, "parent", "mig-7c2e91d4-0b1a-5c6e-9f2d-3a4b5c6d7e81", "no whole GPU" },
		{ 1, "parent", "gpu-0000:43:00.0", "not divided" },
		{ 3, "id", "gpu-0000:1b:00.0", "two devices have the id" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_machine *m = NULL;
		struct fl_err err = { 0 };
		json_t *doc;

		assert_int_equal(fl_json_load(MACHINES "divided-gpu.json", FL_MACHINE_FILE_MAX, &doc, &err), 0);
		json_object_set_new(json_array_get(json_object_get(doc, "gpus"), rows[i].gpu), rows[i].key,
				    json_string(rows[i].value));
		if (fl_machine_read(doc, &m, &err) != -EINVAL || !strstr(err.what, rows[i].words))
			fail_msg("%s = %s: '%s'", rows[i].key, rows[i].value, err.what);
		json_decref(doc);
	}
}

/* A part lies where its whole does; a link may end at a whole GPU, not at a part. */
static void parts_and_their_whole(void **state)
{
	struct fl_machine *m = NULL;
	struct fl_err err = { 0 };
	json_t *doc, *gpus;

	(void)state;
	assert_int_equal(fl_json_load(MACHINES "divided-gpu.json", FL_MACHINE_FILE_MAX, &doc, &err), 0);
	gpus = json_object_get(doc, "gpus");
	json_object_set(json_array_get(gpus, 1), "pci", json_object_get(json_array_get(gpus, 3), "pci"));
	assert_int_equal(fl_machine_read(doc, &m, &err), -EINVAL);
	assert_non_null(strstr(err.what, "another PCI address"));
	json_object_set(json_array_get(gpus, 1), "pci", json_object_get(json_array_get(gpus, 0), "pci"));
	json_object_set(json_array_get(json_object_get(json_array_get(gpus, 3), "links"), 0), "peer",
			json_object_get(json_array_get(gpus, 1), "id"));
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_machine_read(doc, &m, &err), -EINVAL);
	assert_non_null(strstr(err.what, "no other whole GPU"));
	json_decref(doc);
}

static void too_many_links(void **state)
{
	struct fl_machine *m = NULL;
	struct fl_err err = { 0 };
	json_t *doc, *links;

	(void)state;
	assert_int_equal(fl_json_load(MACHINES "divided-gpu.json", FL_MACHINE_FILE_MAX, &doc, &err), 0);
	links = json_object_get(json_array_get(json_object_get(doc, "gpus"), 3), "links");
	for (int i = 4; i <= FL_GPU_LINKS_MAX; i++)
		json_array_append_new(links,
				      json_pack("{s:i, s:b, s:n, s:n}", "number", i, "up", 0, "peer", "bytes_per_s"));
	assert_int_equal(fl_machine_read(doc, &m, &err), -EINVAL);
	assert_non_null(strstr(err.what, "more than 256 links"));
	json_decref(doc);
}

/* Ports below each other without an end are refused, a long way that ends is not. */
static void ways_up(void **state)
{
	(void)state;
	for (int deep = 31; deep <= 34; deep++) {
		struct fl_machine *m = NULL;
		struct fl_err err = { 0 };
		json_t *doc, *ports = json_array();
		char address[16], above[16];

		assert_int_equal(fl_json_load(MACHINES "divided-gpu.json", FL_MACHINE_FILE_MAX, &doc, &err), 0);
		for (int i = 0; i < deep; i++) {
			snprintf(address, sizeof(address), "p%d", i);
			snprintf(above, sizeof(above), "p%d", i - 1);
			json_array_append_new(ports, json_pack("{s:{s:s, s:s?, s:{s:b}}}", "pci", "address", address,
							       "upstream", i ? above : NULL, "link", "real", 1));
		}
		json_object_set_new(doc, "ports", ports);
		assert_int_equal(fl_machine_read(doc, &m, &err), deep <= 33 ? 0 : -EINVAL);
		fl_machine_free(m);
		json_decref(doc);
	}
}

/* Nothing of a device that is not a PCI device may look like a figure. */
static void no_pci_is_unknown(void **state)
{
	struct fl_machine *m = load(MACHINES "small-vm.json");
	const struct fl_pci *pci = &m->drives[1].pci;

	(void)state;
	assert_null(pci->address);
	assert_int_equal(pci->node, -1);
	assert_true(isnan(pci->link.gts_now.value) && isnan(pci->link.lanes_best.value) && !pci->link.real);
	fl_machine_free(m);
}

/* ---- hostile files: one member of a good machine is replaced; value NULL removes it */

static const struct broken {
	const char *list; /* NULL: a member of the machine itself; else of the first in that list */
	const char *key, *value, *words;
} broken[] = {
	{ NULL, "schema", NULL, "schema" },
	{ NULL, "schema", "2", "schema 2" },
	{ NULL, "schema", "\"1\"", "schema" },
	{ NULL, "host", NULL, "machine.host" },
	{ NULL, "host", "\"\"", "machine.host" },
	{ NULL, "host", "7", "machine.host" },
	{ NULL, "bare_metal", "1", "machine.bare_metal" },
	{ NULL, "cpus", "\"3-1\"", "machine.cpus" },
	{ NULL, "cpus", "\"0-999999999\"", "machine.cpus" },
	{ NULL, "hypervisor", "5", "machine.hypervisor" },
	{ NULL, "nodes", "{}", "machine.nodes" },
	{ NULL, "nodes", "[7]", "machine.nodes" },
	{ NULL, "nodes", "[]", "no node" },
	{ NULL, "drives", "null", "machine.drives" },
	{ NULL, "limits", "[]", "machine.limits" },
	{ NULL, "limits", NULL, "machine.limits" },
	{ "nodes", "number", "1", "two nodes" },
	{ "nodes", "number", "-1", "machine.nodes[0].number" },
	{ "nodes", "number", "65536", "machine.nodes[0].number" },
	{ "nodes", "number", "1e20", "machine.nodes[0].number" },
	{ "nodes", "number", "0.5", "machine.nodes[0].number" },
	{ "nodes", "number", "9", "no node 0" },
	{ "nodes", "id", "\"node1\"", "two devices have the id 'node1'" },
	{ "nodes", "class", "\"warm\"", "machine.nodes[0].class" },
	{ "nodes", "distances", "[10]", "machine.nodes[0].distances" },
	{ "nodes", "distances", "[10,21,30]", "machine.nodes[0].distances" },
	{ "nodes", "distances", "[10,-21]", "machine.nodes[0].distances" },
	{ "nodes", "distances", "[10,\"21\"]", "machine.nodes[0].distances" },
	{ "nodes", "distances", "null", "machine.nodes[0].distances" },
	{ "nodes", "memory_bytes", "-1", "machine.nodes[0].memory_bytes" },
	{ "nodes", "memory_bytes", "1e19", "machine.nodes[0].memory_bytes" },
	{ "nodes", "memory_bytes", "\"1 GiB\"", "machine.nodes[0].memory_bytes" },
	{ "drives", "node", "2", "no node 2" },
	{ "drives", "node", "0.5", "no node 0.5" },
	{ "drives", "node", "1e18", "no node 1e+18" },
	{ "drives", "id", "null", "machine.drives[0].id" },
	{ "drives", "id", "\"nic-0000:18:00.0\"", "two devices have the id" },
	{ "drives", "parts", "[1]", "machine.drives[0].parts" },
	{ "drives", "parts", "\"259:1\"", "machine.drives[0].parts" },
	{ "drives", "pci", "[]", "machine.drives[0].pci" },
	{ "drives", "pci", "{}", "machine.drives[0].pci.address" },
	{ "drives", "serial", "[]", "machine.drives[0].serial" },
	{ "nics", "port", "-1", "machine.nics[0].port" },
	{ "nics", "up", "null", "machine.nics[0].up" },
	{ "gpus", "node", "7", "no node 7" },
	{ "gpus", "parent", "7", "machine.gpus[0].parent" },
	{ "gpus", "parent", "\"gpu-nowhere\"", "no whole GPU" },
	{ "gpus", "parent", "\"gpu-0000:1b:00.0\"", "no whole GPU" },
	{ "gpus", "parent", "\"gpu-0000:43:00.0\"", "not divided" },
	{ "gpus", "memory_bytes", "-1", "machine.gpus[0].memory_bytes" },
	{ "gpus", "model", "7", "machine.gpus[0].model" },
	{ "gpus", "links", "null", "machine.gpus[0].links" },
	{ "gpus", "links", "[7]", "machine.gpus[0].links" },
	{ "gpus", "links", "[{}]", "machine.gpus[0].links[0].number" },
	{ "gpus", "links", "[{\"number\":1,\"up\":true},{\"number\":1,\"up\":true}]", "order" },
	{ "gpus", "links", "[{\"number\":0,\"up\":true,\"peer\":\"gpu-nowhere\"}]", "no other whole GPU" },
	{ "gpus", "links", "[{\"number\":0,\"up\":true,\"peer\":\"gpu-0000:1b:00.0\"}]", "no other whole GPU" },
	{ NULL, "gpu_driver", "580", "machine.gpu_driver" },
	{ NULL, "ports", "null", "machine.ports" },
	{ "ports", "pci", "null", "machine.ports[0].pci" },
	{ "ports", "pci", "{\"address\":\"a\",\"node\":9,\"link\":{\"real\":true}}", "no node 9" },
	{ "ports", "pci", "{\"address\":\"0000:16:00.0\",\"link\":{\"real\":true}}", "two ports" },
	{ "ports", "pci", "{\"address\":\"a\",\"upstream\":\"a\",\"link\":{\"real\":true}}", "or itself" },
	{ "mounts", "at", "null", "machine.mounts[0].at" },
};

static void put(json_t *object, const struct broken *b)
{
	json_t *value;

	if (!b->value) {
		json_object_del(object, b->key);
		return;
	}
	value = json_loads(b->value, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	json_object_set_new(object, b->key, value);
}

static void broken_files_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		const struct broken *b = &broken[i];
		struct fl_machine *untouched = (void *)&i, *m = untouched;
		struct fl_err err = { 0 };
		json_t *doc;

		assert_int_equal(fl_json_load(MACHINES "eight-gpus.json", FL_MACHINE_FILE_MAX, &doc, &err), 0);
		put(b->list ? json_array_get(json_object_get(doc, b->list), 0) : doc, b);
		if (fl_machine_read(doc, &m, &err) != -EINVAL || m != untouched)
			fail_msg("%s.%s = %s was taken", b->list ? b->list : "machine", b->key, b->value);
		if (!strstr(err.what, b->words))
			fail_msg("%s.%s = %s: '%s'", b->list ? b->list : "machine", b->key, b->value, err.what);
		json_decref(doc);
	}
}

static void unknown_without_reason_gets_one(void **state)
{
	struct fl_machine *m = NULL;
	struct fl_err err = { 0 };
	json_t *doc;

	(void)state;
	assert_int_equal(fl_json_load(MACHINES "small-vm.json", FL_MACHINE_FILE_MAX, &doc, &err), 0);
	json_object_del(json_array_get(json_object_get(doc, "drives"), 0), "unknown");
	assert_int_equal(fl_machine_read(doc, &m, &err), 0);
	assert_null(m->drives[0].model.value);
	assert_string_equal(m->drives[0].model.why, "the machine file gives no reason");
	fl_machine_free(m);
	json_decref(doc);
}

static void too_many(void **state)
{
	struct fl_machine *m = NULL;
	struct fl_err err = { 0 };
	json_t *doc, *mounts;

	(void)state;
	assert_int_equal(fl_json_load(MACHINES "small-vm.json", FL_MACHINE_FILE_MAX, &doc, &err), 0);
	mounts = json_object_get(doc, "mounts");
	while (json_array_size(mounts) <= 4096)
		json_array_append(mounts, json_array_get(mounts, 0));
	assert_int_equal(fl_machine_read(doc, &m, &err), -EINVAL);
	assert_non_null(strstr(err.what, "machine.mounts: a list of at most 4096"));
	json_decref(doc);
}

static void not_an_object(void **state)
{
	json_t *docs[] = { json_array(), json_null(), json_string("machine") };

	(void)state;
	for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
		struct fl_machine *m = NULL;
		struct fl_err err = { 0 };

		assert_true(fl_machine_read(docs[i], &m, &err) < 0);
		assert_true(err.what[0] != 0);
		json_decref(docs[i]);
	}
}

/* Machines recorded before these members were thought of are still machines; what they do not say is unknown. */
static void older_files(void **state)
{
	static const char *const drive[] = { "driver",	   "scheduler",	  "queue_requests", "write_cache",
					     "rotational", "no_merges",	  "io_stats",	    "write_throttle_ns",
					     "polls",	   "poll_queues", "completion_cpu" };
	static const char *const whole[] = { "product", "bios_version", "microcode" };
	static const char *const gpu[] = { "parent", "model", "uuid", "mig", "processes", "memory_bytes", "links" };
	struct fl_machine *m = NULL;
	json_t *doc = NULL;

	(void)state;
	assert_int_equal(fl_json_load(recorded[0], FL_MACHINE_FILE_MAX, &doc, NULL), 0);
	for (size_t i = 0; i < sizeof(gpu) / sizeof(gpu[0]); i++)
		json_object_del(json_array_get(json_object_get(doc, "gpus"), 0), gpu[i]);
	json_object_del(doc, "ports");
	json_object_del(doc, "gpu_driver");
	for (size_t i = 0; i < sizeof(drive) / sizeof(drive[0]); i++)
		json_object_del(json_array_get(json_object_get(doc, "drives"), 0), drive[i]);
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		json_object_del(doc, whole[i]);
	json_object_del(json_array_get(json_object_get(doc, "mounts"), 0), "options");
	json_object_del(json_object_get(doc, "limits"), "cpu_group");
	json_object_del(json_object_get(doc, "limits"), "io_group");
	assert_int_equal(fl_machine_read(doc, &m, NULL), 0);
	assert_null(m->bios_version.value);
	assert_non_null(m->bios_version.why);
	assert_null(m->drives[0].scheduler.value);
	assert_true(isnan(m->drives[0].rotational.value));
	assert_null(m->mounts[0].options);
	assert_true(isnan(m->drives[0].write_throttle_ns.value));
	assert_null(m->limits.cpu_group.value);
	assert_null(m->limits.io_group.value);
	assert_null(m->gpus[0].parent);
	assert_non_null(m->gpus[0].mig.why);
	assert_true(isnan(m->gpus[0].processes.value) && isnan(m->gpus[0].memory_bytes.value));
	assert_int_equal(m->gpus[0].links_n + m->ports_n, 0);
	assert_non_null(m->gpu_driver.why);
	json_decref(doc);
	fl_machine_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(members_arrive),
		cmocka_unit_test(gpus_arrive),
		cmocka_unit_test(parts_that_are_none),
		cmocka_unit_test(parts_and_their_whole),
		cmocka_unit_test(too_many_links),
		cmocka_unit_test(ways_up),
		cmocka_unit_test(no_pci_is_unknown),
		cmocka_unit_test(broken_files_are_refused),
		cmocka_unit_test(unknown_without_reason_gets_one),
		cmocka_unit_test(too_many),
		cmocka_unit_test(not_an_object),
		cmocka_unit_test(older_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
