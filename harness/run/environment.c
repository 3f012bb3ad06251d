/* SPDX-License-Identifier: Apache-2.0 */
/* environment.c: what a result was measured under, for the record. Variables by allow-list: an environment holds
 * secrets. */
#include "base/file.h"
#include "base/json.h"
#include "run/run.h"
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *const allowed[] = { "CUDA_", "NCCL_", "UCX_", "OMPI_MCA_" };

/* A small file as one line; null with nothing else said where it cannot be read. */
static json_t *line_of(const char *path)
{
	struct fl_text text = { 0 };
	json_t *line = json_null();

	if (fl_file_read(AT_FDCWD, path, 4096, &text, NULL) == 0) {
		while (text.n && text.bytes[text.n - 1] == '\n')
			text.bytes[--text.n] = 0;
		line = json_string(fl_text_str(&text)); /* NULL when it is not UTF-8 */
	}
	fl_text_release(&text);
	return line ? line : json_null();
}

static json_t *variables(void)
{
	json_t *list = json_object();

	for (char **v = environ; v && *v; v++) {
		const char *equals = strchr(*v, '=');

		for (size_t i = 0; equals && i < sizeof(allowed) / sizeof(*allowed); i++)
			if (!strncmp(*v, allowed[i], strlen(allowed[i])))
				json_object_setn_new(list, *v, (size_t)(equals - *v), json_string(equals + 1));
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
			json_array_append_new(list, json_stringn(word, n));
		word += n + (word[n] != 0);
	}
	fl_text_release(&text);
	return list;
}

static json_t *words(int argc, char **argv)
{
	json_t *list = json_array();

	for (int i = 0; i < argc; i++)
		json_array_append_new(list, json_string(argv[i]));
	return list;
}

json_t *fl_run_environment(int argc, char **argv)
{
	struct utsname u = { 0 };

	uname(&u);
	return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "feedline",
			 FEEDLINE_VERSION, "command", words(argc, argv), "host", u.nodename, "kernel", u.release,
			 "build", u.version, "arch", u.machine, "boot_id", line_of("/proc/sys/kernel/random/boot_id"),
			 "kernel_parameters", kernel_command_line(), "governor",
			 line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), "huge_pages",
			 line_of("/sys/kernel/mm/transparent_hugepage/enabled"), "load", line_of("/proc/loadavg"),
			 "variables", variables(), "uid", (int)getuid());
}
