/* SPDX-License-Identifier: Apache-2.0 */
/* system.c: host name, kernel, CPU model and boot. */
#include "base/alloc.h"
#include "sense.h"
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { CPUINFO_BYTES = 8192 }; /* holds the first CPU's block; the whole file can be megabytes and slow to make */

char *sense_cpuinfo(const struct sense_root *root, const char *key)
{
	struct fl_text text = { 0 };
	char *value = NULL, *rest, *line;

	sense_bytes(root, "/proc", "cpuinfo", CPUINFO_BYTES, &text);
	rest = text.bytes;
	while (!value && (line = strsep(&rest, "\n"))) {
		char *colon = strchr(line, ':');

		if (colon && strncmp(line, key, strlen(key)) == 0 && strchr("\t :", line[strlen(key)]))
			value = fl_dup(colon + 1 + strspn(colon + 1, " "));
	}
	fl_text_release(&text);
	return value;
}

/* "AMD EPYC 9654 96-Core Processor"; other architectures give numbers. */
static char *cpu_model(const struct sense_root *root)
{
	char *model = sense_cpuinfo(root, "model name");
	char *maker = model ? NULL : sense_cpuinfo(root, "CPU implementer");
	char *part = model ? NULL : sense_cpuinfo(root, "CPU part");

	if (!model && maker && part)
		model = fl_format("implementer %s part %s", maker, part);
	free(maker);
	free(part);
	return model && *model ? model : (free(model), fl_dup("unknown"));
}

static char *line_or(const struct sense_root *root, const char *dir, const char *name, const char *otherwise)
{
	char *line = sense_line(root, dir, name);

	return line ? line : fl_dup(otherwise);
}

void sense_system(const struct sense_root *root, struct fl_machine *m)
{
	struct utsname uts;

	uname(&uts);
	m->host = line_or(root, "/proc/sys/kernel", "hostname", "unknown");
	m->kernel = line_or(root, "/proc/sys/kernel", "osrelease", "unknown");
	m->boot_id = line_or(root, "/proc/sys/kernel/random", "boot_id", "unknown");
	m->arch = line_or(root, "/proc/sys/kernel", "arch", uts.machine);
	m->cpu_model = cpu_model(root);
}
