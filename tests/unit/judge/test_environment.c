/* SPDX-License-Identifier: Apache-2.0 */
/* test_environment.c: what was different around two runs. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "judge/environment.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *read_json(const char *text)
{
	struct fl_err err = { 0 };
	json_t *value = NULL;

	if (text && fl_json_parse(text, strlen(text), "test", &value, &err) < 0)
		fail_msg("%s", err.what);
	return value;
}

static struct fl_differences find(const char *machine_a, const char *environment_a, const char *machine_b,
				  const char *environment_b)
{
	json_t *ma = read_json(machine_a), *ea = read_json(environment_a);
	json_t *mb = read_json(machine_b), *eb = read_json(environment_b);
	struct fl_differences d;

	fl_differences_find(ma, ea, mb, eb, &d);
	json_decref(ma);
	json_decref(ea);
	json_decref(mb);
	json_decref(eb);
	return d;
}

/* "path: before -> after; ..." */
static void assert_found(struct fl_differences *d, const char *expected)
{
	struct fl_text out = { 0 };

	for (size_t i = 0; i < d->n; i++)
		fl_text_add(&out, "%s%s: %s -> %s", i ? "; " : "", d->items[i].path,
			    d->items[i].before ? d->items[i].before : "-", d->items[i].after ? d->items[i].after : "-");
	assert_string_equal(fl_text_str(&out), expected);
	fl_text_release(&out);
	fl_differences_release(d);
}

static void members(void **state)
{
	static const struct {
		const char *machine_a, *environment_a, *machine_b, *environment_b, *expected;
	} rows[] = {
		{ "{}", "{}", "{}", "{}", "" },
		{ NULL, NULL, NULL, NULL, "" },
		{ "[]", "7", "{\"host\":\"a\"}", "{\"smt\":\"on\"}", "" },
		/* plain values, and which of them nobody wants to know */
		{ "{\"bios_version\":\"1\",\"bare_metal\":true,\"schema\":1}", "{\"numa_balancing\":0,\"load\":\"1\"}",
		  "{\"bios_version\":\"2\",\"bare_metal\":false,\"schema\":2}", "{\"numa_balancing\":1,\"load\":\"2\"}",
		  "bios_version: 1 -> 2; bare_metal: yes -> no; numa_balancing: 0 -> 1" },
		{ NULL, "{\"command\":[\"a\"],\"boot_id\":\"a\",\"host\":\"a\",\"kernel\":\"a\",\"build\":\"x\"}", NULL,
		  "{\"command\":[\"b\"],\"boot_id\":\"b\",\"host\":\"b\",\"kernel\":\"b\",\"build\":\"y\"}",
		  "build: x -> y" },
		/* what an older feedline did not record is no difference; what is not known on one side is */
		{ "{\"kernel\":\"6.1\"}", "{}", "{\"kernel\":\"6.1\",\"board\":\"b\"}", "{\"smt\":\"on\"}", "" },
		{ NULL, "{\"smt\":null,\"boost\":null}", NULL, "{\"smt\":\"on\",\"boost\":null}", "smt: - -> on" },
		/* why it is not known is not compared */
		{ "{\"board\":null,\"unknown\":{\"board\":\"x\"}}", NULL,
		  "{\"board\":null,\"unknown\":{\"board\":\"y\"}}", NULL, "" },
		/* a list as a whole; 1 is 1.0 */
		{ NULL, "{\"kernel_parameters\":[\"iommu=pt\",\"x\"],\"a\":1}", NULL,
		  "{\"kernel_parameters\":[\"iommu=pt\"],\"a\":1.0}", "kernel_parameters: iommu=pt x -> iommu=pt" },
		/* maps with any members */
		{ NULL, "{\"variables\":{\"NCCL_ALGO\":\"Ring\",\"UCX_A\":\"1\"}}", NULL,
		  "{\"variables\":{\"NCCL_ALGO\":\"Tree\",\"CUDA_B\":\"2\"}}",
		  "variables.NCCL_ALGO: Ring -> Tree; variables.UCX_A: 1 -> -; variables.CUDA_B: - -> 2" },
		{ NULL, "{\"drivers\":{\"nvme\":{\"version\":\"1\",\"srcversion\":null}}}", NULL,
		  "{\"drivers\":{\"nvme\":{\"version\":\"1\",\"srcversion\":\"A\"},\"nvidia\":{\"version\":\"550\"}}}",
		  "drivers.nvme.srcversion: - -> A; drivers.nvidia.version: - -> 550" },
		/* a library that only one feedline knows of */
		{ NULL, "{\"libraries\":{\"glibc\":\"2.36\"}}", NULL,
		  "{\"libraries\":{\"glibc\":\"2.37\",\"hwloc\":\"2.9\"}}", "libraries.glibc: 2.36 -> 2.37" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_differences d =
			find(rows[i].machine_a, rows[i].environment_a, rows[i].machine_b, rows[i].environment_b);

		assert_found(&d, rows[i].expected);
	}
}

/* Devices by their ids, whatever their place in the list and their name in the kernel. */
static void devices(void **state)
{
	struct fl_differences d =
		find("{\"drives\":[{\"id\":\"nvme-A\",\"block\":\"nvme0n1\",\"dev\":\"259:0\",\"firmware\":\"1\","
		     "\"scheduler\":\"none\",\"no_merges\":0,\"pci\":{\"link\":{\"gts_now\":16}}},"
		     "{\"id\":\"nvme-B\",\"pci\":{}},{\"id\":\"loop0\",\"pci\":null,\"model\":\"file x\"}],"
		     "\"gpus\":[{\"id\":\"gpu-1\",\"driver\":\"nvidia\"}]}",
		     NULL,
		     "{\"drives\":[{\"id\":\"loop1\",\"pci\":null},{\"id\":\"nvme-C\",\"pci\":{}},"
		     "{\"id\":\"nvme-A\",\"block\":\"nvme1n1\",\"dev\":\"259:4\",\"firmware\":\"2\","
		     "\"scheduler\":\"mq-deadline\",\"no_merges\":2,\"pci\":{\"link\":{\"gts_now\":8}}}],"
		     "\"gpus\":[{\"id\":\"gpu-1\",\"driver\":\"nouveau\"}]}",
		     NULL);

	(void)state;
	assert_found(&d, "drives.nvme-A.firmware: 1 -> 2; drives.nvme-A.scheduler: none -> mq-deadline; "
			 "drives.nvme-A.no_merges: 0 -> 2; drives.nvme-A.pci.link.gts_now: 16 -> 8; "
			 "drives.nvme-B: present -> -; "
			 "drives.nvme-C: - -> present; gpus.gpu-1.driver: nvidia -> nouveau");
}

/* Of GPUs what they are and how they are set, and not what they do at the moment; links by number, ports by address. */
static void gpus(void **state)
{
	struct fl_differences d = find(
		"{\"gpu_driver\":\"550\",\"cuda\":\"12.4\",\"gpus\":[{\"id\":\"gpu-1\",\"mig\":\"off\",\"ecc\":\"on\","
		"\"power_limit_w\":700,"
		"\"firmware\":\"96.0\",\"processes\":0,\"process\":null,\"pci\":{\"link\":{\"gts_now\":2.5,\"lanes_"
		"now\":16}},"
		"\"links\":[{\"number\":0,\"up\":true,\"peer\":\"switch\"},{\"number\":1,\"up\":true}]}],"
		"\"ports\":[{\"pci\":{\"address\":\"0000:01:00.0\",\"link\":{\"gts_now\":2.5,\"lanes_now\":16}}},{"
		"\"pci\":7}]}",
		"{\"drivers\":{\"nvidia\":{\"version\":\"550\"},\"cuda\":{\"version\":\"12.4\"}}}",
		"{\"gpu_driver\":\"580\",\"cuda\":\"13.0\",\"gpus\":[{\"id\":\"gpu-1\",\"mig\":\"on\",\"ecc\":\"off\","
		"\"power_limit_w\":500,"
		"\"firmware\":\"96.1\",\"processes\":1,\"process\":\"1 "
		"x\",\"pci\":{\"link\":{\"gts_now\":32,\"lanes_now\":8}},"
		"\"links\":[{\"number\":1,\"up\":true},{\"number\":0,\"up\":false,\"peer\":null},{\"number\":2}]}],"
		"\"ports\":[7,{\"pci\":{\"address\":\"0000:02:00.0\"}},"
		"{\"pci\":{\"address\":\"0000:01:00.0\",\"link\":{\"gts_now\":32,\"lanes_now\":8}}}]}",
		"{\"drivers\":{\"nvidia\":{\"version\":\"580\"},\"cuda\":{\"version\":\"13.0\"}}}");

	(void)state;
	assert_found(&d, "gpus.gpu-1.mig: off -> on; gpus.gpu-1.ecc: on -> off; gpus.gpu-1.power_limit_w: 700 -> 500; "
			 "gpus.gpu-1.firmware: 96.0 -> 96.1; gpus.gpu-1.processes: 0 -> 1; "
			 "gpus.gpu-1.pci.link.lanes_now: 16 -> 8; gpus.gpu-1.links.0.up: yes -> no; "
			 "gpus.gpu-1.links.0.peer: switch -> -; gpus.gpu-1.links.2: - -> present; "
			 "ports.0000:01:00.0.pci.link.lanes_now: 16 -> 8; ports.0000:02:00.0: - -> present; "
			 "drivers.nvidia.version: 550 -> 580; drivers.cuda.version: 12.4 -> 13.0");
}

/* A drive that is not on PCI counts where a lane uses it; of files, those that both runs used. */
static void what_is_used(void **state)
{
	struct fl_differences d =
		find("{\"drives\":[{\"id\":\"vda\",\"pci\":null,\"scheduler\":\"none\"}],\"mounts\":[{\"at\":\"/x\"}]}",
		     "{\"used\":{\"/a\":{\"drive\":\"vda\",\"mount\":{\"type\":\"ext4\",\"options\":\"rw\"},"
		     "\"reason\":null},\"/b\":{\"drive\":null,\"mount\":null}}}",
		     "{\"drives\":[{\"id\":\"vda\",\"pci\":null,\"scheduler\":\"bfq\"}],\"mounts\":[]}",
		     "{\"used\":{\"/a\":{\"drive\":\"vdb\",\"mount\":{\"type\":\"ext4\",\"options\":\"rw,noatime\"},"
		     "\"reason\":\"x\"},\"/c\":{\"drive\":null,\"mount\":null}}}");

	(void)state;
	assert_found(&d, "drives.vda.scheduler: none -> bfq; used./a.drive: vda -> vdb; "
			 "used./a.mount.options: rw -> rw,noatime");
}

static void frequency(void **state)
{
	struct fl_differences d = find(
		NULL, "{\"frequency\":[{\"cpus\":\"0-3\",\"governor\":\"performance\",\"max_hz\":3500000000}]}", NULL,
		"{\"frequency\":[{\"cpus\":\"0-3\",\"governor\":\"powersave\",\"max_hz\":3500000000},"
		"{\"cpus\":\"4\",\"governor\":\"ondemand\",\"max_hz\":null}]}");

	(void)state;
	assert_found(&d, "frequency.0-3.governor: performance -> powersave; "
			 "frequency.4: - -> cpus 4, governor ondemand, max_hz unknown");
}

/* Another boot of the same host, and not that of another host. */
static void reboot(void **state)
{
	struct fl_differences d;

	(void)state;
	d = find("{\"host\":\"a\",\"boot_id\":\"1\"}", NULL, "{\"host\":\"a\",\"boot_id\":\"2\"}", NULL);
	assert_found(&d, "rebooted: no -> yes");
	d = find("{\"host\":\"a\",\"boot_id\":\"1\"}", NULL, "{\"host\":\"b\",\"boot_id\":\"2\"}", NULL);
	assert_found(&d, "host: a -> b");
	d = find("{\"host\":\"a\",\"boot_id\":\"1\"}", NULL, "{\"host\":\"a\",\"boot_id\":\"1\"}", NULL);
	assert_found(&d, "");
}

/* ---- hostile input */

static void many(void **state)
{
	json_t *before = json_pack("{s:{}}", "variables"), *after = json_pack("{s:{}}", "variables");
	struct fl_differences d;

	(void)state;
	for (int i = 0; i < FL_DIFFERENCES_MAX + 50; i++) {
		char *name = fl_format("V%d", i);

		json_object_set_new(json_object_get(after, "variables"), name, json_integer(i));
		free(name);
	}
	fl_differences_find(NULL, before, NULL, after, &d);
	assert_int_equal(d.n, FL_DIFFERENCES_MAX);
	assert_int_equal(d.more, 50);
	fl_differences_release(&d);
	json_decref(before);
	json_decref(after);
}

/* Long texts are cut between characters, and cannot command the terminal. */
static void long_texts(void **state)
{
	char *text = fl_zalloc(4001, 1);
	json_t *before = json_object(), *after = json_object();
	struct fl_differences d;

	(void)state;
	for (size_t i = 0; i < 4000; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[0] = '\033';
	text[1] = 'x';
	json_object_set_new(before, "smt", json_string("on"));
	json_object_set_new(after, "smt", json_string(text));
	json_object_set_new(before, text, json_integer(1));
	json_object_set_new(after, text, json_integer(2));
	fl_differences_find(NULL, before, NULL, after, &d);
	assert_int_equal(d.n, 2);
	assert_int_equal(strlen(d.items[0].after), 123);
	assert_true(d.items[0].after[0] == ' ');
	assert_null(strchr(d.items[1].path, '\033'));
	for (size_t i = 0; i < d.n; i++) {
		json_t *utf8 = json_string(d.items[i].after);

		assert_non_null(utf8);
		json_decref(utf8);
	}
	fl_differences_release(&d);
	json_decref(before);
	json_decref(after);
	free(text);
}

/* Members of the wrong kind are compared as what they are; ids that are missing or said twice do no harm. */
static void odd_kinds(void **state)
{
	static const char *const odd[] = {
		"{\"drives\":7,\"nics\":{\"id\":\"x\"},\"limits\":[1],\"boot_id\":{},\"host\":[]}",
		"{\"drives\":[7,{\"id\":7},{\"id\":\"a\",\"pci\":{}},{\"id\":\"a\",\"pci\":{}},[]],\"limits\":null}",
		"{\"used\":[],\"variables\":\"x\",\"frequency\":{},\"drivers\":{\"a\":7,\"b\":[[[]]]}}",
		"{\"used\":{\"a\":7},\"variables\":[1],\"frequency\":[[]],\"drivers\":null,\"limits\":{\"cpus\":{}}}",
	};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++) {
			struct fl_differences d = find(odd[i], odd[k], odd[k], odd[i]);

			for (size_t n = 0; n < d.n; n++)
				assert_true(d.items[n].path && (d.items[n].before || d.items[n].after));
			if (i == k)
				assert_int_equal(d.n + d.more, 0);
			fl_differences_release(&d);
		}
}

static void deep(void **state)
{
	struct fl_text a = { 0 };
	struct fl_differences d;

	(void)state;
	for (int i = 0; i < 60; i++)
		fl_text_add(&a, "{\"x\":");
	fl_text_add(&a, "1");
	for (int i = 0; i < 60; i++)
		fl_text_add(&a, "}");
	d = find(fl_text_str(&a), NULL, "{\"x\":{\"x\":2}}", NULL);
	assert_int_equal(d.n, 1);
	fl_differences_release(&d);
	fl_text_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members), cmocka_unit_test(devices),	 cmocka_unit_test(what_is_used),
		cmocka_unit_test(gpus),	   cmocka_unit_test(frequency),	 cmocka_unit_test(reboot),
		cmocka_unit_test(many),	   cmocka_unit_test(long_texts), cmocka_unit_test(odd_kinds),
		cmocka_unit_test(deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
