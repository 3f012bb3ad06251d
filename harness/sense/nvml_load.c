/* SPDX-License-Identifier: Apache-2.0 */
/* nvml_load.c: the real library. Tests link their own in place of this file. */
#include "nvml.h"
#include <dlfcn.h>
#include <string.h>

/* Where the loader looks; and where the driver of a container, of WSL and of NixOS lies, which are not always told to
 * it. */
static void *open_library(void)
{
	static const char *const paths[] = {
		"libnvidia-ml.so.1",
		"/usr/local/nvidia/lib64/libnvidia-ml.so.1",
		"/usr/lib/wsl/lib/libnvidia-ml.so.1",
		"/run/opengl-driver/lib/libnvidia-ml.so.1",
	};
	void *library = NULL;

	for (size_t i = 0; !library && i < sizeof(paths) / sizeof(paths[0]); i++)
		library = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
	return library;
}

uint64_t fl_nvml_limit_ns(void)
{
	return UINT64_C(30000000000);
}

static void load(struct fl_nvml *nvml, const struct fl_nvml_symbol *s)
{
	void *found = dlsym(nvml->library, s->names[0]);

	if (!found && s->names[1])
		found = dlsym(nvml->library, s->names[1]);
	memcpy((char *)nvml + s->at, &found, sizeof(found)); /* C has no conversion to a pointer to a function */
}

bool fl_nvml_open(struct fl_nvml *ret, const char **why)
{
	struct fl_nvml nvml = { .library = open_library() };
	const struct fl_nvml_symbol *symbols;
	size_t n;
	int rc;

	*ret = (struct fl_nvml){ 0 };
	if (!nvml.library) {
		*why = "the NVIDIA driver's library is not here";
		return false;
	}
	symbols = fl_nvml_symbols(&n);
	for (size_t i = 0; i < n; i++)
		load(&nvml, &symbols[i]);
	rc = nvml.init ? nvml.init() : FL_NVML_NO_FUNCTION;
	if (rc != FL_NVML_SUCCESS) {
		dlclose(nvml.library);
		*why = fl_nvml_why(rc);
		return false;
	}
	*ret = nvml;
	return true;
}

void fl_nvml_close(struct fl_nvml *nvml)
{
	if (nvml->shutdown)
		nvml->shutdown();
	if (nvml->library)
		dlclose(nvml->library);
	*nvml = (struct fl_nvml){ 0 };
}
