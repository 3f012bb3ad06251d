/* SPDX-License-Identifier: Apache-2.0 */
/* versions.c: of the drivers that the machine's devices use, and of our libraries, as they are at run time. A driver
 * without a version of its own is the kernel's. */
#include "base/json.h"
#include "run/environment.h"
#include "run/kernel.h"
#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 56, LINE_BYTES = 128 };

static json_t *line_of(int root, const char *module, const char *name)
{
	char path[NAME_BYTES + 40], line[LINE_BYTES];

	snprintf(path, sizeof(path), "sys/module/%s/%s", module, name);
	return fl_json_string(fl_kernel_line(root, path, line, sizeof(line)) && *line ? line : NULL);
}

static void add_module(int root, const char *module, json_t *drivers)
{
	json_t *version, *source;

	if (json_object_get(drivers, module))
		return;
	version = line_of(root, module, "version");
	source = line_of(root, module, "srcversion");
	if (!json_is_null(version) || !json_is_null(source))
		json_object_set_new(drivers, module, json_pack("{s:O, s:O}", "version", version, "srcversion", source));
	json_decref(version);
	json_decref(source);
}

/* "virtio_blk, virtio-pci": the module of a driver has its name, with '_' for '-'. */
static void add_drivers(int root, const struct fl_known_text *names, json_t *drivers)
{
	for (const char *at = names->value; at && *at;) {
		size_t n = strcspn(at, ", ");
		char module[NAME_BYTES];

		if (n && n < sizeof(module)) {
			memcpy(module, at, n);
			module[n] = 0;
			for (char *p = module; *p; p++)
				*p = *p == '-' ? '_' : *p;
			if (!strchr(module, '/'))
				add_module(root, module, drivers);
		}
		at += n + strspn(at + n, ", ");
	}
}

/* NVIDIA's, as it says itself: where the system does not show its module, and what CUDA it can do. */
static void add_nvidia(const struct fl_machine *machine, json_t *drivers)
{
	if (machine->gpu_driver.value && !json_object_get(drivers, "nvidia"))
		json_object_set_new(drivers, "nvidia",
				    json_pack("{s:s, s:n}", "version", machine->gpu_driver.value, "srcversion"));
	if (machine->cuda.value)
		json_object_set_new(drivers, "cuda",
				    json_pack("{s:s, s:n}", "version", machine->cuda.value, "srcversion"));
}

/* Modules that move data and drive no device. */
static const char *const beside[] = { "nvidia_fs", "nvidia_peermem", "gdrdrv", "nvme_core", "ib_core", "ib_uverbs" };

json_t *fl_environment_drivers(int root, const struct fl_machine *machine)
{
	json_t *drivers = json_object();

	for (size_t i = 0; i < machine->drives_n; i++)
		add_drivers(root, &machine->drives[i].driver, drivers);
	for (size_t i = 0; i < machine->nics_n; i++)
		add_drivers(root, &machine->nics[i].driver, drivers);
	for (size_t i = 0; i < machine->gpus_n; i++)
		add_drivers(root, &machine->gpus[i].driver, drivers);
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
		add_module(root, beside[i], drivers);
	add_nvidia(machine, drivers);
	return drivers;
}

json_t *fl_environment_libraries(void)
{
	return json_pack("{s:s, s:s, s:s}", "glibc", gnu_get_libc_version(), "jansson", jansson_version_str(), "sqlite",
			 fl_store_engine());
}
