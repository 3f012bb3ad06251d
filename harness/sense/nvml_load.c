/* SPDX-License-Identifier: Apache-2.0 */
/* nvml_load.c: the real library. Tests link their own in place of this file. */
#include "nvml.h"
#include <dlfcn.h>
#include <string.h>

static void load(struct fl_nvml *nvml, const struct fl_nvml_symbol *s)
{
	void *found = dlsym(nvml->library, s->names[0]);

	if (!found && s->names[1])
		found = dlsym(nvml->library, s->names[1]);
	memcpy((char *)nvml + s->at, &found, sizeof(found)); /* C has no conversion to a pointer to a function */
}

bool fl_nvml_open(struct fl_nvml *ret, const char **why)
{
	struct fl_nvml nvml = { .library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL) };
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
