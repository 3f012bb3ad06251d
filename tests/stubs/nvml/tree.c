/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c: PCI functions that the live system does not have: the GPUs of stubs/gpus.h, each below a port of a switch.
 * They are added to what harness/sense/root.c reads (the linker puts these functions around its own). Switch B has the
 * port 0000:B-1:00.0 at its top, below the root port 0000:B-2:01.0. */
#include "base/alloc.h"
#include "sense/sense.h"
#include "stubs/gpus.h"
#include "stubs/nvml/stub.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWITCH_PORT, UPSTREAM_PORT, ROOT_PORT, GPU, KINDS };

char *__real_sense_line(const struct sense_root *root, const char *dir, const char *name);
char *__wrap_sense_line(const struct sense_root *root, const char *dir, const char *name);
bool __real_sense_number(const struct sense_root *root, const char *dir, const char *name, double *ret);
bool __wrap_sense_number(const struct sense_root *root, const char *dir, const char *name, double *ret);
bool __real_sense_exists(const struct sense_root *root, const char *dir, const char *name);
bool __wrap_sense_exists(const struct sense_root *root, const char *dir, const char *name);
char *__real_sense_real(const struct sense_root *root, const char *dir, const char *name);
char *__wrap_sense_real(const struct sense_root *root, const char *dir, const char *name);
struct sense_names __real_sense_list(const struct sense_root *root, const char *dir, const char *name);
struct sense_names __wrap_sense_list(const struct sense_root *root, const char *dir, const char *name);

static bool is_shown(const struct sense_root *root)
{
	return !*root->path && !nvml_stub_settings()->hidden;
}

/* The address of the port above GPU i that is of this kind; of the GPU itself. */
static void address_of(unsigned i, int kind, char ret[32])
{
	unsigned long bus = strtoul(stub_gpus[i].upstream + strlen("0000:"), NULL, 16);

	if (kind == GPU)
		snprintf(ret, 32, "%s", stub_gpus[i].pci);
	else if (kind == SWITCH_PORT)
		snprintf(ret, 32, "%s", stub_gpus[i].upstream);
	else if (kind == UPSTREAM_PORT)
		snprintf(ret, 32, "0000:%02lx:00.0", bus - 1);
	else
		snprintf(ret, 32, "0000:%02lx:01.0", bus - 2);
}

/* Which GPU's function this is, by the last address of a path, and of which kind. -1: none. */
static int find(const char *path, int *ret_kind)
{
	const char *last = strrchr(path, '/');
	char address[32];

	for (unsigned i = 0; last && i < nvml_stub_settings()->gpus; i++)
		for (int kind = 0; kind < KINDS; kind++) {
			address_of(i, kind, address);
			if (strcmp(last + 1, address) == 0) {
				*ret_kind = kind;
				return (int)i;
			}
		}
	return -1;
}

/* The directory without "/.." at the end of what is asked: "DIR" and "../vendor" are the vendor of what is above. */
static int find_asked(const struct sense_root *root, const char *dir, const char **name, int *ret_kind)
{
	char *above = fl_dup(dir), *slash = strrchr(above, '/');
	int found = -1;

	if (is_shown(root) && strncmp(*name, "../", 3) == 0 && slash) {
		*slash = 0;
		*name += 3;
		found = find(above, ret_kind);
	} else if (is_shown(root)) {
		found = find(dir, ret_kind);
	}
	free(above);
	return found;
}

char *__wrap_sense_line(const struct sense_root *root, const char *dir, const char *name)
{
	static const struct {
		const char *name, *gpu, *port;
	} files[] = {
		{ "vendor", "0x10de", "0x1000" },
		{ "device", "0x2330", "0xc030" },
		{ "class", "0x030200", "0x060400" },
		{ "current_link_speed", "32.0 GT/s PCIe", "32.0 GT/s PCIe" },
		{ "max_link_speed", "32.0 GT/s PCIe", "32.0 GT/s PCIe" },
	};
	const char *asked = name;
	int kind, i = find_asked(root, dir, &asked, &kind);

	if (i < 0)
		return __real_sense_line(root, dir, name);
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++)
		if (strcmp(files[f].name, asked) == 0)
			return fl_dup(kind == GPU ? files[f].gpu : files[f].port);
	return NULL;
}

bool __wrap_sense_number(const struct sense_root *root, const char *dir, const char *name, double *ret)
{
	const char *asked = name;
	int kind, i = find_asked(root, dir, &asked, &kind);

	if (i < 0)
		return __real_sense_number(root, dir, name, ret);
	if (strcmp(asked, "numa_node") == 0)
		*ret = stub_gpus[i].node;
	else if (strstr(asked, "_link_width"))
		*ret = 16;
	else
		return false;
	return true;
}

bool __wrap_sense_exists(const struct sense_root *root, const char *dir, const char *name)
{
	const char *asked = name;
	int kind;

	return find_asked(root, dir, &asked, &kind) < 0 && __real_sense_exists(root, dir, name);
}

char *__wrap_sense_real(const struct sense_root *root, const char *dir, const char *name)
{
	char top[32], upstream[32], port[32];
	int kind, i = is_shown(root) ? find(dir, &kind) : -1;

	if (i < 0)
		return __real_sense_real(root, dir, name);
	if (strcmp(name, "driver") == 0)
		return fl_format("/sys/bus/pci/drivers/%s", kind == GPU ? "nvidia" : "pcieport");
	address_of((unsigned)i, ROOT_PORT, top);
	address_of((unsigned)i, UPSTREAM_PORT, upstream);
	address_of((unsigned)i, SWITCH_PORT, port);
	return fl_format("/sys/devices/pci%.7s/%s%s%s%s%s%s%s", top, top, kind == ROOT_PORT ? "" : "/",
			 kind == ROOT_PORT ? "" : upstream, kind == SWITCH_PORT || kind == GPU ? "/" : "",
			 kind == SWITCH_PORT || kind == GPU ? port : "", kind == GPU ? "/" : "",
			 kind == GPU ? stub_gpus[i].pci : "");
}

struct sense_names __wrap_sense_list(const struct sense_root *root, const char *dir, const char *name)
{
	struct sense_names names = __real_sense_list(root, dir, name);

	if (!is_shown(root) || strcmp(dir, "/sys/bus/pci") != 0 || strcmp(name, "devices") != 0)
		return names;
	names.names = fl_grow(names.names, names.n + STUB_GPUS + 1, sizeof(*names.names));
	for (unsigned i = 0; i < nvml_stub_settings()->gpus; i++)
		names.names[names.n++] = fl_dup(stub_gpus[i].pci);
	return names;
}
