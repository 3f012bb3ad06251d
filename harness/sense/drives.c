/* SPDX-License-Identifier: Apache-2.0 */
/* drives.c: block devices that can hold data, from /sys/block. */
#include "base/alloc.h"
#include "sense.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR_BYTES = 512, PAGE_80_BYTES = 256 }; /* "size" counts sectors of 512 whatever the drive's are */

/* Kinds by kernel name; "" is not a drive. Whatever is not listed (dm-0, md0, sda on other buses ...) is "other". */
static const char *kind_of(const char *block)
{
	static const struct {
		const char *prefix, *kind;
	} kinds[] = {
		{ "nvme", "nvme" }, { "vd", "virtio" }, { "sd", "scsi" }, { "loop", "loop" },
		{ "zram", "" },	    { "ram", "" },	{ "sr", "" },	  { "fd", "" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(block, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].kind;
	return "other";
}

/* ---- what it is */

/* SCSI keeps the serial in a page of its own: four bytes of head, then text. */
static char *scsi_serial(const struct sense_root *root, const char *dir)
{
	struct fl_text page = { 0 };
	char *serial = NULL;

	sense_bytes(root, dir, "device/vpd_pg80", PAGE_80_BYTES, &page);
	for (size_t i = 4; i < page.n && !serial; i++)
		if (page.bytes[i] > ' ')
			serial = fl_format("%.*s", (int)(page.n - i), page.bytes + i);
	for (char *p = serial; p && *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = 0;
	fl_text_release(&page);
	return serial;
}

static char *serial_of(const struct sense_root *root, const char *dir, const char *kind)
{
	if (strcmp(kind, "virtio") == 0)
		return sense_line(root, dir, "serial");
	if (strcmp(kind, "scsi") == 0)
		return scsi_serial(root, dir);
	return sense_line(root, dir, "device/serial");
}

/* A volume names itself by what it is made of: "raid0", "vg-data". */
static char *volume_of(const struct sense_root *root, const char *dir)
{
	char *level = sense_line(root, dir, "md/level");

	return level ? level : sense_line(root, dir, "dm/name");
}

static char *model_of(const struct sense_root *root, const char *dir, const char *kind)
{
	bool is_loop = strcmp(kind, "loop") == 0;
	char *name, *model;

	if (!is_loop && strcmp(kind, "other") != 0)
		return sense_line(root, dir, "device/model");
	name = is_loop ? sense_line(root, dir, "loop/backing_file") : volume_of(root, dir);
	model = name ? fl_format("%s %s", is_loop ? "file" : "volume", name) : NULL;
	free(name);
	return model;
}

static void read_texts(const struct sense_root *root, const char *dir, struct fl_drive *d)
{
	char *firmware = sense_line(root, dir, "device/firmware_rev"); /* nvme; scsi calls it rev */
	char why[64];

	if (!firmware && strcmp(d->kind, "scsi") == 0)
		firmware = sense_line(root, dir, "device/rev");
	snprintf(why, sizeof(why), "not in sysfs (%s)", d->kind);
	know_text(&d->model, model_of(root, dir, d->kind), why);
	know_text(&d->serial, serial_of(root, dir, d->kind), why);
	know_text(&d->firmware, firmware, why);
}

/* ---- where it is */

/* A drive with several paths (NVMe multipath) is virtual; its first controller stands for it. malloc'd or NULL. */
static char *controller_of(const struct sense_root *root, const char *dir)
{
	struct sense_names names = sense_list(root, dir, "device");
	char *real = NULL;

	for (size_t i = 0; i < names.n && !real; i++) {
		const char *number = strncmp(names.names[i], "nvme", 4) == 0 ? names.names[i] + 4 : "";
		char *name = fl_format("device/%s", names.names[i]);

		if (*number && number[strspn(number, "0123456789")] == 0)
			real = sense_real(root, dir, name);
		free(name);
	}
	sense_names_release(&names);
	return real;
}

static void read_place(const struct sense_root *root, const char *dir, struct fl_machine *m, struct fl_drive *d)
{
	char *real = sense_real(root, dir, "."), *controller = NULL;

	if (real && strstr(real, "/nvme-subsystem/"))
		controller = controller_of(root, dir);
	sense_pci(root, m, controller ? controller : real, &d->pci);
	know_text(&d->driver, sense_drivers(root, controller ? controller : real, d->pci.address),
		  "no driver of its own");
	know_node(&d->node, m, d->pci.node,
		  d->pci.address ? "the firmware does not say" : "not a PCI device of its own");
	free(controller);
	free(real);
}

static void read_parts(const struct sense_root *root, const char *dir, struct fl_drive *d)
{
	struct sense_names names = sense_list(root, dir, ".");

	d->parts = fl_zalloc(names.n + 1, sizeof(char *));
	for (size_t i = 0; i < names.n; i++) {
		char *part = fl_format("%s/%s", dir, names.names[i]);
		char *dev = sense_exists(root, part, "partition") ? sense_line(root, part, "dev") : NULL;

		if (dev)
			d->parts[d->parts_n++] = dev;
		free(part);
	}
	sense_names_release(&names);
}

/* By serial, else by PCI address, else by kernel name. Further name spaces of an NVMe drive share its serial. */
static char *id_of_drive(const struct sense_root *root, const char *dir, const struct fl_drive *d)
{
	char *id, *longer;
	double space;

	if (!d->serial.value && !d->pci.address)
		return fl_dup(d->block);
	id = id_of(d->kind, d->serial.value ? d->serial.value : d->pci.address);
	if (strcmp(d->kind, "nvme") != 0 || !sense_number(root, dir, "nsid", &space) || space < 2)
		return id;
	longer = fl_format("%s-ns%.0f", id, space);
	free(id);
	return longer;
}

/* Drives that are there but hold nothing (an unbound loop, an empty card reader) have no size. Paths below a multipath
 * drive are hidden. */
static bool is_drive(const struct sense_root *root, const char *dir, const char *block, double *ret_sectors)
{
	double hidden = 0;

	if (!*kind_of(block) || !sense_number(root, dir, "size", ret_sectors) || *ret_sectors <= 0)
		return false;
	return !sense_number(root, dir, "hidden", &hidden) || hidden == 0;
}

static char *path_of(const char *block)
{
	char *path = fl_format("/dev/%s", block);

	for (char *p = path; *p; p++)
		if (*p == '!') /* sysfs has no slashes in names */
			*p = '/';
	return path;
}

static bool read_drive(const struct sense_root *root, struct fl_machine *m, const char *block, struct fl_drive *d)
{
	char *dir = fl_format("/sys/block/%s", block), *dev = sense_line(root, dir, "dev");
	double sectors;

	if (!dev || !is_drive(root, dir, block, &sectors)) {
		free(dir);
		free(dev);
		return false;
	}
	*d = (struct fl_drive){ .block = fl_dup(block), .path = path_of(block), .dev = dev };
	d->kind = fl_dup(kind_of(block));
	know(&d->bytes, sectors * SECTOR_BYTES);
	read_texts(root, dir, d);
	read_place(root, dir, m, d);
	read_parts(root, dir, d);
	sense_queue(root, dir, d);
	d->id = id_of_drive(root, dir, d);
	free(dir);
	return true;
}

/* Two drives with one serial (several LUNs of one array, cheap bridges): the kernel name tells them apart. */
static void part_equal_ids(struct fl_machine *m)
{
	for (size_t i = 0; i < m->drives_n; i++) {
		struct fl_drive *d = &m->drives[i];

		for (size_t k = 0; k < i; k++) {
			if (strcmp(m->drives[k].id, d->id) == 0) {
				char *longer = fl_format("%s-%s", d->id, d->block);

				free(d->id);
				d->id = longer;
				break;
			}
		}
	}
}

void sense_drives(const struct sense_root *root, struct fl_machine *m)
{
	struct sense_names names = sense_list(root, "/sys", "block");

	m->drives = fl_zalloc(names.n + 1, sizeof(*m->drives));
	for (size_t i = 0; i < names.n; i++)
		m->drives_n += read_drive(root, m, names.names[i], &m->drives[m->drives_n]);
	part_equal_ids(m);
	sense_names_release(&names);
}
