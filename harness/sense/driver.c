/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c: the drivers that move a device's data: that of the device itself, and those below it down to its PCI
 * function ("virtio_blk, virtio-pci"). */
#include "base/alloc.h"
#include "sense.h"
#include <stdlib.h>
#include <string.h>

static void add_driver(const struct sense_root *root, const char *dir, struct fl_text *out)
{
	char *real = sense_real(root, dir, "driver");
	const char *name = real ? strrchr(real, '/') : NULL;

	if (name)
		fl_text_add(out, "%s%s", out->n ? ", " : "", name + 1);
	free(real);
}

bool sense_has_driver(const char *drivers, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = drivers; at && n; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
		if (!strncmp(at, name, n) && (at[n] == ',' || !at[n]))
			return true;
	return false;
}

char *sense_drivers(const struct sense_root *root, const char *device_path, const char *address)
{
	char *dir = fl_dup(device_path), *end;
	struct fl_text out = { 0 };
	char *names;

	while (dir && strncmp(dir, "/sys/devices/", strlen("/sys/devices/")) == 0) {
		add_driver(root, dir, &out);
		end = strrchr(dir, '/');
		if (address && strcmp(end + 1, address) == 0)
			break;
		*end = 0;
	}
	free(dir);
	names = out.n ? fl_dup(out.bytes) : NULL;
	fl_text_release(&out);
	return names;
}
