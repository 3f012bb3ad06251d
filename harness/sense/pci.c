/* SPDX-License-Identifier: Apache-2.0 */
/* pci.c: a PCI function and its link, from sysfs. The tree is the path itself: /sys/devices/pci0000:40/PORT/DEVICE. */
#include "base/alloc.h"
#include "base/units.h"
#include "sense.h"
#include <stdlib.h>
#include <string.h>

/* Length of "0000:41:00.0" at the start of text; 0 if it is none. Domains have four digits or more (VMD). */
static size_t address_length(const char *text)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	static const struct {
		size_t least, most;
		char end;
	} parts[] = { { 4, 8, ':' }, { 2, 2, ':' }, { 2, 2, '.' }, { 1, 1, 0 } };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t digits = strspn(text + n, hex);

		if (digits < parts[i].least || digits > parts[i].most)
			return 0;
		n += digits;
		if (parts[i].end && text[n++] != parts[i].end)
			return 0;
	}
	return text[n] == 0 || text[n] == '/' ? n : 0;
}

bool sense_is_pci(const char *text)
{
	return address_length(text) > 0 && !strchr(text, '/');
}

/* The last PCI address of a path, and in *ret_above the one before it, as pointers into the path; NULL: none. */
static const char *last_address(const char *path, const char **ret_above)
{
	const char *last = NULL, *before = NULL;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *part = slash + 1;
		size_t n = address_length(part);

		if (n > 0) {
			before = last;
			last = part;
		}
	}
	*ret_above = before;
	return last;
}

static char *address_at(const char *text)
{
	return text ? fl_format("%.*s", (int)address_length(text), text) : NULL;
}

/* ---- the link */

static void read_speed(const struct sense_root *root, const char *dir, const char *name, struct fl_known *ret)
{
	char *line = sense_line(root, dir, name);
	double gts;

	/* "16.0 GT/s PCIe", "8 GT/s", "Unknown", "Unknown speed" */
	if (line)
		line[strcspn(line, " ")] = 0;
	if (!line)
		know_not(ret, "the device has no PCIe link");
	else if (fl_parse_ratio(line, &gts, NULL) == 0 && gts > 0)
		know(ret, gts);
	else
		know_not(ret, "the kernel says it does not know");
	free(line);
}

static void read_width(const struct sense_root *root, const char *dir, const char *name, struct fl_known *ret)
{
	double lanes;

	if (!sense_number(root, dir, name, &lanes))
		know_not(ret, "the device has no PCIe link");
	else if (lanes > 0 && lanes <= 32)
		know(ret, lanes);
	else
		know_not(ret, "the kernel says it does not know"); /* 0 and 255: no link, or a device that is off */
}

/* Offset of the PCI Express capability in config space; 0: none within what was read. */
static size_t express_capability(const unsigned char *config, size_t n)
{
	size_t at = n > 0x34 && config[0x06] & 0x10 ? config[0x34] & 0xfcu : 0;

	for (int hops = 0; at >= 0x40 && at + 10 <= n && hops < 48; hops++) {
		if (config[at] == 0x10)
			return at;
		at = config[at + 1] & 0xfcu;
	}
	return 0;
}

/* Device control, bits 7:5: the payload that this device uses now, 128 << bits. Beyond the first 64 bytes config space
 * needs root. */
static void read_max_payload(const struct sense_root *root, const char *dir, struct fl_known *ret)
{
	struct fl_text text = { 0 };
	const unsigned char *config;
	size_t at, bits;

	sense_bytes(root, dir, "config", 256, &text);
	config = (const unsigned char *)fl_text_str(&text);
	at = express_capability(config, text.n);
	bits = at ? (config[at + 8] >> 5) & 7u : 0;
	if (at && bits <= 5)
		know(ret, (double)(128u << bits));
	else if (text.n == 0)
		know_not(ret, "config space cannot be read");
	else if (text.n <= 64)
		know_not(ret, "reading config space needs root");
	else
		know_not(ret, "config space has no PCI Express capability");
	fl_text_release(&text);
}

/* Makers of emulated devices: figures of their links are decoration, on any machine. */
static bool is_emulated(const char *vendor)
{
	static const char *const makers[] = { "0x1af4", "0x1b36", "0x1234", "0x15ad", "0x1414", "0x80ee", "0x5853" };

	for (size_t i = 0; vendor && i < sizeof(makers) / sizeof(makers[0]); i++)
		if (strcmp(vendor, makers[i]) == 0)
			return true;
	return false;
}

static bool is_real(const struct sense_root *root, const struct fl_machine *m, const char *dir,
		    const struct fl_pci *pci)
{
	char *above = pci->upstream ? sense_line(root, dir, "../vendor") : NULL;
	bool real = m->bare_metal && !is_emulated(pci->vendor) && !is_emulated(above);

	free(above);
	return real;
}

static void read_link(const struct sense_root *root, const char *dir, struct fl_pcie_link *ret)
{
	read_speed(root, dir, "current_link_speed", &ret->gts_now);
	read_speed(root, dir, "max_link_speed", &ret->gts_best);
	read_width(root, dir, "current_link_width", &ret->lanes_now);
	read_width(root, dir, "max_link_width", &ret->lanes_best);
	read_max_payload(root, dir, &ret->max_payload_bytes);
}

static void no_pci(struct fl_pci *ret)
{
	struct fl_known *all[] = { &ret->link.gts_now, &ret->link.gts_best, &ret->link.lanes_now, &ret->link.lanes_best,
				   &ret->link.max_payload_bytes };

	*ret = (struct fl_pci){ .node = -1 };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		know_not(all[i], "not a PCI device");
}

static int node_of(const struct sense_root *root, const struct fl_machine *m, const char *dir)
{
	double said;
	int number = sense_number(root, dir, "numa_node", &said) && said < FL_CPUS_MAX ? (int)said : -1;

	if (number < 0 && m->nodes_n == 1)
		return m->nodes[0].number;
	return number >= 0 && fl_machine_node(m, number) ? number : -1;
}

void sense_pci(const struct sense_root *root, const struct fl_machine *m, const char *device_path, struct fl_pci *ret)
{
	const char *above, *last = device_path ? last_address(device_path, &above) : NULL;
	char *dir;

	if (!last) {
		no_pci(ret);
		return;
	}
	dir = fl_format("%.*s", (int)(last - device_path) + (int)address_length(last), device_path);
	*ret = (struct fl_pci){ .address = address_at(last), .upstream = address_at(above) };
	ret->vendor = sense_line(root, dir, "vendor");
	ret->device = sense_line(root, dir, "device");
	ret->node = node_of(root, m, dir);
	read_link(root, dir, &ret->link);
	ret->link.real = is_real(root, m, dir, ret);
	free(dir);
}
