/* SPDX-License-Identifier: Apache-2.0 */
/* test_environment.c: what a run was measured under, from made-up systems. */
#include "../sample.h"
#include "base/json.h"
#include "run/environment.h"
#include "tree.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Takes the value. */
static void assert_json(json_t *value, const char *expected)
{
	struct fl_text text = { 0 };

	fl_json_write(value, 0, &text);
	assert_string_equal(fl_text_str(&text), expected);
	fl_text_release(&text);
	json_decref(value);
}

static void put_policy(unsigned number, const char *cpus, const char *governor, const char *max_khz)
{
	const struct {
		const char *name, *text;
	} files[] = {
		{ "affected_cpus", cpus },	  { "scaling_driver", "acpi-cpufreq\n" },
		{ "scaling_governor", governor }, { "scaling_min_freq", "800000\n" },
		{ "scaling_max_freq", max_khz },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = fl_format("sys/devices/system/cpu/cpufreq/policy%u/%s", number, files[i].name);

		tree_put(path, files[i].text);
		free(path);
	}
}

/* Policies that are alike are one, wherever they stand in the list. */
static void frequency(void **state)
{
	json_t *environment = json_object();

	put_policy(0, "0 1\n", "performance\n", "3500000\n");
	put_policy(2, "2\n", "powersave\n", "3500000\n");
	put_policy(10, "3 4 99999999\n", "performance\n", "3500000\n");
	put_policy(11, "5\n", "performance\n", "garbage\n");
	fl_environment_settings(*(int *)*state, environment);
	assert_json(json_incref(json_object_get(environment, "frequency")),
		    "[{\"cpus\":\"0-1,3-4\",\"driver\":\"acpi-cpufreq\",\"governor\":\"performance\","
		    "\"min_hz\":800000000,\"max_hz\":3500000000},"
		    "{\"cpus\":\"2\",\"driver\":\"acpi-cpufreq\",\"governor\":\"powersave\","
		    "\"min_hz\":800000000,\"max_hz\":3500000000},"
		    "{\"cpus\":\"5\",\"driver\":\"acpi-cpufreq\",\"governor\":\"performance\","
		    "\"min_hz\":800000000,\"max_hz\":null}]");
	json_decref(environment);
}

static void settings(void **state)
{
	json_t *environment = json_object();

	tree_put("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
	tree_put("sys/devices/system/cpu/smt/control", "on\n");
	tree_put("proc/sys/kernel/numa_balancing", "1\n");
	tree_put("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	fl_environment_settings(*(int *)*state, environment);
	assert_json(environment, "{\"frequency\":[],\"boost\":false,\"smt\":\"on\",\"numa_balancing\":1,"
				 "\"huge_pages\":\"always [madvise] never\",\"huge_pages_defrag\":null,"
				 "\"clock_source\":null}");
}

static void nothing_to_read(void **state)
{
	json_t *environment = json_object();

	(void)state;
	fl_environment_settings(-1, environment);
	assert_json(environment, "{\"frequency\":[],\"boost\":null,\"smt\":null,\"numa_balancing\":null,"
				 "\"huge_pages\":null,\"huge_pages_defrag\":null,\"clock_source\":null}");
}

static void drivers(void **state)
{
	struct sample_machine s;

	sample_machine_init(&s);
	s.drives[0].driver.value = (char *)(uintptr_t) "virtio_blk, virtio-pci";
	s.drives[1].driver.value = (char *)(uintptr_t) "nvme, ../../etc, no_such_driver";
	tree_put("sys/module/virtio_pci/version", "1\n");
	tree_put("sys/module/nvme/version", "1.0\n");
	tree_put("sys/module/nvme/srcversion", "ABCD\n");
	tree_put("sys/module/virtio_blk/parameters/x", "1\n");
	tree_put("sys/module/nvidia_fs/version", "2.17.5\n");
	assert_json(fl_environment_drivers(*(int *)*state, &s.m),
		    "{\"virtio_pci\":{\"version\":\"1\",\"srcversion\":null},"
		    "\"nvme\":{\"version\":\"1.0\",\"srcversion\":\"ABCD\"},"
		    "\"nvidia_fs\":{\"version\":\"2.17.5\",\"srcversion\":null}}");
}

/* NVIDIA's version, also where its module is not shown; the module's own comes first. */
static void driver_of_gpus(void **state)
{
	struct sample_machine s;
	json_t *found;

	sample_machine_init(&s);
	s.drives[0].driver.value = s.drives[1].driver.value = (char *)(uintptr_t) "none";
	s.m.gpu_driver.value = (char *)(uintptr_t) "580.82.07";
	s.m.cuda.value = (char *)(uintptr_t) "13.0";
	assert_json(fl_environment_drivers(-1, &s.m), "{\"nvidia\":{\"version\":\"580.82.07\",\"srcversion\":null},"
						      "\"cuda\":{\"version\":\"13.0\",\"srcversion\":null}}");
	tree_put("sys/module/nvidia/version", "580.1\n");
	tree_put("sys/module/nvidia/srcversion", "F00\n");
	s.drives[0].driver.value = (char *)(uintptr_t) "nvidia";
	s.m.cuda.value = NULL;
	found = fl_environment_drivers(*(int *)*state, &s.m);
	assert_json(json_incref(json_object_get(found, "nvidia")), "{\"version\":\"580.1\",\"srcversion\":\"F00\"}");
	json_decref(found);
}

static void libraries(void **state)
{
	json_t *versions = fl_environment_libraries();
	const char *name;
	json_t *version;

	(void)state;
	assert_int_equal(json_object_size(versions), 3);
	json_object_foreach(versions, name, version) assert_true(strchr(json_string_value(version), '.') != NULL);
	json_decref(versions);
}

/* Files by the drive and the file system beneath them, each once; whatever else a lane is told is not used. */
static void used(void **state)
{
	static struct fl_field fields[] = {
		{ .name = "path", .type = FL_PATH },
		{ .name = "drive", .type = FL_DEVICE, .range = "drive" },
		{ .name = "memory", .type = FL_DEVICE, .range = "node" },
		{ 0 },
	};
	static struct fl_entry entries[] = { { .name = "storage.read", .fields = fields } };
	const struct fl_catalog catalog = { .entries = entries, .n = 1 };
	struct fl_option options[][2] = { { { "path", "/data/file" }, { "memory", "node0" } },
					  { { "path", "/data/file" }, { "drive", "vda" } },
					  { { "path", "/tmp/x" }, { "note", "y" } } };
	struct fl_plan_lane lanes[4] = { { .bench = "storage.read", .options = options[0], .options_n = 2 },
					 { .bench = "storage.read", .options = options[1], .options_n = 2 },
					 { .bench = "storage.read", .options = options[2], .options_n = 2 },
					 { .bench = "unknown", .options = options[2], .options_n = 2 } };
	struct fl_plan_case one = { .lanes = lanes, .lanes_n = 4 };
	const struct fl_plan plan = { .cases = &one, .cases_n = 1 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	s.mounts[1].options = (char *)(uintptr_t) "rw,noatime";
	assert_json(fl_run_used(&s.m, &catalog, &plan, 0),
		    "{\"/data/file\":{\"drive\":\"nvme-S1\",\"mount\":{\"at\":\"/data\",\"type\":\"xfs\","
		    "\"source\":\"/dev/nvme0n1\",\"options\":\"rw,noatime\"},\"reason\":null},"
		    "\"vda\":{\"drive\":\"vda\",\"mount\":null,\"reason\":null},"
		    "\"/tmp/x\":{\"drive\":null,\"mount\":{\"at\":\"/tmp\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
		    "\"options\":null},\"reason\":\"tmpfs is memory\"}}");
	assert_json(fl_run_used(&s.m, &catalog, NULL, 0), "{}");
}

/* Of several hosts each uses what its own lanes do, on the drive that it has there itself. */
static void used_by_hosts(void **state)
{
	static struct fl_field fields[] = { { .name = "path", .type = FL_PATH }, { 0 } };
	static struct fl_entry entries[] = { { .name = "storage.read", .fields = fields } };
	const struct fl_catalog catalog = { .entries = entries, .n = 1 };
	struct fl_option options[] = { { "path", "/data/file" }, { "path", "/tmp/x" } };
	struct fl_plan_lane lanes[] = {
		{ .bench = "storage.read", .options = &options[0], .options_n = 1, .host = 0 },
		{ .bench = "storage.read", .options = &options[0], .options_n = 1, .host = 2 },
		{ .bench = "storage.read", .options = &options[1], .options_n = 1, .host = 2 }
	};
	struct fl_plan_case one = { .lanes = lanes, .lanes_n = 3 };
	const struct fl_plan plan = { .cases = &one, .cases_n = 1 };
	json_t *by[3];
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	by[0] = fl_run_used(&s.m, &catalog, &plan, 0);
	assert_json(fl_run_used(&s.m, &catalog, &plan, 1), "{}");
	s.mounts[1].dev = (char *)(uintptr_t) "254:0"; /* on that host it is another drive */
	by[2] = fl_run_used(&s.m, &catalog, &plan, 2);
	assert_int_equal(json_object_size(by[0]), 1);
	assert_string_equal(fl_json_text_or_null(json_object_get(by[0], "/data/file"), "drive"), "nvme-S1");
	assert_int_equal(json_object_size(by[2]), 2);
	assert_string_equal(fl_json_text_or_null(json_object_get(by[2], "/data/file"), "drive"), "vda");
	json_decref(by[0]);
	json_decref(by[2]);
}

/* A name of a file may be any bytes; what JSON cannot hold of it is '?', and the rest is not lost. */
static void not_utf8(void **state)
{
	static struct fl_field fields[] = { { .name = "path", .type = FL_PATH },
					    { .name = "drive", .type = FL_DEVICE, .range = "drive" },
					    { 0 } };
	static struct fl_entry entries[] = { { .name = "storage.read", .fields = fields } };
	const struct fl_catalog catalog = { .entries = entries, .n = 1 };
	struct fl_option options[] = { { "path", "/tmp/b\xe4r" }, { "drive", "v\xff" } };
	struct fl_plan_lane lane = { .bench = "storage.read", .options = options, .options_n = 2 };
	struct fl_plan_case one = { .lanes = &lane, .lanes_n = 1 };
	const struct fl_plan plan = { .cases = &one, .cases_n = 1 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	assert_json(fl_run_used(&s.m, &catalog, &plan, 0),
		    "{\"/tmp/b?r\":{\"drive\":null,\"mount\":{\"at\":\"/tmp\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
		    "\"options\":null},\"reason\":\"tmpfs is memory\"},"
		    "\"v?\":{\"drive\":\"v?\",\"mount\":null,\"reason\":null}}");
}

/* The whole of this machine, with what others look for in it. */
static void of_this_machine(void **state)
{
	static const char *const members[] = {
		"feedline", "build", "kernel", "boot_id", "frequency", "drivers", "used"
	};
	char *command[] = { (char *)(uintptr_t) "feedline", (char *)(uintptr_t) "b\xe4r" };
	const struct fl_catalog none = { 0 };
	struct sample_machine s;
	json_t *environment, *variables;

	(void)state;
	sample_machine_init(&s);
	setenv("NCCL_DEBUG", "INFO", 1);
	setenv("NCCL_TOPO_FILE", "/b\xe4r", 1);
	setenv("NCCL_B\xe4R", "x", 1);
	setenv("OMPI_MCA_orte_precondition_transports", "x", 1); /* the key of a job */
	setenv("SECRET_TOKEN", "x", 1);
	environment = fl_run_environment(2, command, &s.m, &none, NULL);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_non_null(json_object_get(environment, members[i]));
	variables = json_object_get(environment, "variables");
	assert_string_equal(fl_json_text_or_null(variables, "NCCL_DEBUG"), "INFO");
	assert_string_equal(fl_json_text_or_null(variables, "NCCL_TOPO_FILE"), "/b?r");
	assert_string_equal(fl_json_text_or_null(variables, "NCCL_B?R"), "x");
	assert_null(json_object_get(variables, "OMPI_MCA_orte_precondition_transports"));
	assert_null(json_object_get(variables, "SECRET_TOKEN"));
	assert_json(json_incref(json_object_get(environment, "command")), "[\"feedline\",\"b?r\"]");
	json_decref(environment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(frequency),
		TREE_TEST(settings),
		TREE_TEST(nothing_to_read),
		TREE_TEST(drivers),
		TREE_TEST(driver_of_gpus),
		TREE_TEST(libraries),
		TREE_TEST(used),
		TREE_TEST(used_by_hosts),
		TREE_TEST(not_utf8),
		TREE_TEST(of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
