/* SPDX-License-Identifier: Apache-2.0 */
/* environment.c: what a result was measured under, for the record. Variables by allow-list: an environment holds
 * secrets. */
#include "run/environment.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "run/kernel.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *const allowed[] = { "CUDA_", "NCCL_", "UCX_" };

/* As fl_json_string(). */
static json_t *json_of(const char *text, size_t n)
{
	char *part = fl_format("%.*s", (int)n, text);
	json_t *value = fl_json_string(part);

	free(part);
	return value;
}

static json_t *variables(void)
{
	json_t *list = json_object();

	for (char **v = environ; v && *v; v++) {
		const char *equals = strchr(*v, '=');

		for (size_t i = 0; equals && i < sizeof(allowed) / sizeof(*allowed); i++) {
			json_t *name;

			if (strncmp(*v, allowed[i], strlen(allowed[i])) != 0)
				continue;
			name = json_of(*v, (size_t)(equals - *v));
			json_object_set_new(list, json_string_value(name), fl_json_string(equals + 1));
			json_decref(name);
		}
	}
	return list;
}

/* Parameters of the kernel that change how fast data moves; others may hold secrets. */
static const char *const kernel_parameters[] = { "iommu",
						 "intel_iommu",
						 "amd_iommu",
						 "mitigations",
						 "hugepages",
						 "hugepagesz",
						 "default_hugepagesz",
						 "isolcpus",
						 "nohz_full",
						 "pci",
						 "numa_balancing",
						 "transparent_hugepage",
						 "processor.max_cstate",
						 "intel_idle.max_cstate",
						 "nvme.poll_queues" };

static bool is_listed(const char *word, size_t n)
{
	const char *equals = memchr(word, '=', n);
	size_t length = equals ? (size_t)(equals - word) : n;

	for (size_t i = 0; i < sizeof(kernel_parameters) / sizeof(*kernel_parameters); i++)
		if (strlen(kernel_parameters[i]) == length && !strncmp(word, kernel_parameters[i], length))
			return true;
	return false;
}

static json_t *kernel_command_line(void)
{
	struct fl_text text = { 0 };
	json_t *list = json_array();

	fl_file_read(AT_FDCWD, "/proc/cmdline", 65536, &text, NULL);
	for (const char *word = fl_text_str(&text); *word;) {
		size_t n = strcspn(word, " \n");

		if (is_listed(word, n))
			json_array_append_new(list, json_of(word, n));
		word += n + (word[n] != 0);
	}
	fl_text_release(&text);
	return list;
}

static json_t *words(int argc, char **argv)
{
	json_t *list = json_array();

	for (int i = 0; i < argc; i++)
		json_array_append_new(list, fl_json_string(argv[i]));
	return list;
}

static json_t *line_of(int root, const char *path)
{
	char line[128];

	return fl_json_string(fl_kernel_line(root, path, line, sizeof(line)) ? line : NULL);
}

json_t *fl_run_environment(int argc, char **argv, const struct fl_machine *machine, const struct fl_catalog *catalog,
			   const struct fl_plan *plan)
{
	int root = fl_kernel_root();
	struct utsname u = { 0 };
	json_t *environment;

	uname(&u);
	environment = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "feedline", FEEDLINE_VERSION,
				"command", words(argc, argv), "host", fl_json_string(u.nodename), "kernel",
				fl_json_string(u.release), "build", fl_json_string(u.version), "arch",
				fl_json_string(u.machine), "boot_id", line_of(root, "proc/sys/kernel/random/boot_id"),
				"kernel_parameters", kernel_command_line(), "load", line_of(root, "proc/loadavg"),
				"variables", variables(), "uid", (int)getuid());
	fl_environment_settings(root, environment);
	json_object_set_new(environment, "drivers", fl_environment_drivers(root, machine));
	json_object_set_new(environment, "libraries", fl_environment_libraries());
	json_object_set_new(environment, "used", fl_run_used(machine, catalog, plan, 0));
	if (root >= 0)
		close(root);
	return environment;
}
