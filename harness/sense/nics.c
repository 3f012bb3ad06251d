/* SPDX-License-Identifier: Apache-2.0 */
/* nics.c: network interfaces with a device behind them, and RDMA devices. An interface is that of the device only where
 * that is so in our own network namespace; a recorded system has no other. */
#include "base/alloc.h"
#include "base/units.h"
#include "sense.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS_MAX = 255 };

static const char soft_file[] = "parent"; /* of soft-RoCE: the interface that it is over */

/* ---- RDMA devices */

/* Whether port `port` (from 1) of the RDMA device is this interface: by its first address, or the name that soft-RoCE
 * gives, or because both are the same device and port. */
static bool is_port_of(const struct sense_root *root, const char *ib_dir, unsigned port, const char *interface,
		       const char *device)
{
	char name[64], *first, *behind;
	bool same;

	snprintf(name, sizeof(name), "ports/%u/gid_attrs/ndevs/0", port);
	first = sense_line(root, ib_dir, name);
	if (!first)
		first = sense_line(root, ib_dir, soft_file);
	behind = sense_real(root, ib_dir, "device");
	snprintf(name, sizeof(name), "ports/%u", port);
	same = first ? strcmp(first, interface) == 0
		     : behind && device && strcmp(behind, device) == 0 && sense_exists(root, ib_dir, name);
	free(behind);
	free(first);
	return same;
}

/* The RDMA device of an interface, malloc'd, and which port of it that is; NULL: none. port: of the interface's own
 * device, from 0. */
static char *rdma_of(const struct sense_root *root, const char *interface, const char *device, unsigned port,
		     unsigned *ret_port)
{
	struct sense_names names = sense_list(root, "/sys/class", "infiniband");
	char *found = NULL;

	for (size_t i = 0; i < names.n && !found; i++) {
		char *dir = fl_format("/sys/class/infiniband/%s", names.names[i]);

		/* a device has one port, or one for each interface */
		*ret_port = port + 1;
		if (port == 0 || !is_port_of(root, dir, port + 1, interface, device))
			*ret_port = is_port_of(root, dir, 1, interface, device) ? 1 : 0;
		if (*ret_port)
			found = fl_dup(names.names[i]);
		free(dir);
	}
	sense_names_release(&names);
	return found;
}

/* Without RDMA: sysfs says nothing of other devices' firmware. */
static void know_no_rdma(struct fl_nic *nic, const char *why, const char *why_firmware)
{
	know_text(&nic->firmware, NULL, why_firmware);
	know_text(&nic->rdma, NULL, why);
	know_text(&nic->link_layer, NULL, why);
	know_text(&nic->rdma_state, NULL, why);
	know_not(&nic->rdma_port, why);
	know_not(&nic->rdma_soft, why);
}

/* Soft-RoCE has no device of its own, and names the interface that it is over. */
static bool is_soft(const struct sense_root *root, const char *dir)
{
	char *behind = sense_real(root, dir, "device");
	bool soft = !behind || sense_exists(root, dir, soft_file);

	free(behind);
	return soft;
}

/* "4: ACTIVE" becomes "active"; malloc'd or NULL. */
static char *read_state(const struct sense_root *root, const char *dir, unsigned port)
{
	char file[64], *line, *word, *state = NULL;

	snprintf(file, sizeof(file), "ports/%u/state", port);
	line = sense_line(root, dir, file);
	word = line ? strstr(line, ": ") : NULL;
	if (word && word[2])
		state = fl_dup(word + 2);
	for (char *p = state; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	free(line);
	return state;
}

/* Takes the name of the RDMA device. */
static void know_rdma(const struct sense_root *root, char *name, unsigned port, struct fl_nic *nic)
{
	char *dir = fl_format("/sys/class/infiniband/%s", name), file[64];

	snprintf(file, sizeof(file), "ports/%u/link_layer", port);
	know_text(&nic->firmware, sense_line(root, dir, "fw_ver"), "the driver does not say");
	know_text(&nic->link_layer, sense_line(root, dir, file), "the driver does not say");
	know_text(&nic->rdma_state, read_state(root, dir, port), "the driver does not say");
	know(&nic->rdma_port, port);
	know(&nic->rdma_soft, is_soft(root, dir));
	know_text(&nic->rdma, name, "");
	free(dir);
}

/* ---- interfaces */

static void read_rate(const struct sense_root *root, const char *dir, const struct fl_nic *nic, struct fl_known *ret)
{
	double mbit;

	if (sense_number(root, dir, "speed", &mbit) && mbit > 0 && mbit < 4294967295.0)
		know(ret, mbit * 1e6);
	else
		know_not(ret, nic->up ? "the driver does not say" : "the link is down");
}

static char *id_of_nic(const struct fl_nic *nic)
{
	char *id, *longer;

	if (!nic->pci.address)
		return id_of("nic", nic->interface ? nic->interface : nic->rdma.value);
	id = id_of("nic", nic->pci.address);
	if (nic->port == 0)
		return id;
	longer = fl_format("%s-port%u", id, nic->port);
	free(id);
	return longer;
}

static bool is_one(const struct sense_root *root, const char *dir, const char *name)
{
	double number;

	return sense_number(root, dir, name, &number) && number == 1;
}

/* driver: one that may stand above those of the device, "virtio_net"; "" or NULL: none is known. */
static void read_device(const struct sense_root *root, const struct fl_machine *m, const char *device,
			const char *driver, struct fl_nic *nic)
{
	char *drivers, *more = NULL;

	sense_pci(root, m, device, &nic->pci);
	drivers = sense_drivers(root, device, nic->pci.address);
	if (driver && *driver && !sense_has_driver(drivers, driver))
		more = fl_format("%s%s%s", driver, drivers ? ", " : "", drivers ? drivers : "");
	if (more)
		free(drivers);
	know_text(&nic->driver, more ? more : drivers, "no driver in sysfs");
	know_node(&nic->node, m, nic->pci.node, "the firmware does not say");
	nic->id = id_of_nic(nic);
}

static void read_shown(const struct sense_root *root, const struct fl_machine *m, const char *interface,
		       const char *dir, const char *device, struct fl_nic *nic)
{
	double port = 0;
	unsigned rdma_port;
	char *rdma;

	sense_number(root, dir, "dev_port", &port);
	*nic = (struct fl_nic){ .interface = fl_dup(interface), .up = is_one(root, dir, "carrier") };
	nic->port = port <= PORTS_MAX ? (unsigned)port : 0;
	rdma = rdma_of(root, interface, device, nic->port, &rdma_port);
	if (rdma)
		know_rdma(root, rdma, rdma_port, nic);
	else
		know_no_rdma(nic, "no RDMA device", "not in sysfs");
	read_rate(root, dir, nic, &nic->rate_bits_per_s);
	read_device(root, m, device, NULL, nic);
}

/* By what the kernel says of the interface; PCI functions are the same in every namespace. */
static void read_own(const struct sense_root *root, const struct fl_machine *m, const char *interface,
		     const struct sense_interface *own, struct fl_nic *nic)
{
	static const char *const why = "/sys is of another network namespace";
	char *device = sense_real(root, "/sys/bus/pci/devices", own->bus);

	*nic = (struct fl_nic){ .interface = fl_dup(interface), .up = own->up };
	know_no_rdma(nic, why, why);
	if (isfinite(own->rate_bits_per_s))
		know(&nic->rate_bits_per_s, own->rate_bits_per_s);
	else
		know_not(&nic->rate_bits_per_s, own->up ? "the driver does not say" : "the link is down");
	read_device(root, m, device ? device : "", own->driver, nic);
	free(device);
}

static bool read_interface(const struct sense_root *root, struct fl_machine *m, const char *interface,
			   struct fl_nic *nic)
{
	char *dir = fl_format("/sys/class/net/%s", interface);
	char *device = sense_real(root, dir, "device");
	struct sense_interface own;
	bool live = !*root->path, is_ours = live && sense_interface_ask(interface, &own);

	if (device && (!live || (is_ours && sense_interface_is(root, dir, device, &own))))
		read_shown(root, m, interface, dir, device, nic);
	else if (is_ours && sense_is_pci(own.bus))
		read_own(root, m, interface, &own, nic);
	free(dir);
	free(device);
	return nic->id;
}

/* ---- RDMA devices without an interface */

static bool has_interface(const struct fl_machine *m, const char *rdma, unsigned port)
{
	for (size_t i = 0; i < m->nics_n; i++)
		if (m->nics[i].rdma.value && strcmp(m->nics[i].rdma.value, rdma) == 0 &&
		    m->nics[i].rdma_port.value == port)
			return true;
	return false;
}

/* What is left of the rate that sysfs says when the line coding is off: "40 Gb/sec (4X QDR)" carries 32. Later speeds
 * are called by what they carry. */
static double without_coding(const char *rate)
{
	static const struct {
		const char *name;
		double share;
	} speeds[] = { { "SDR)", 0.8 }, { "DDR)", 0.8 }, { "QDR)", 0.8 }, { "FDR)", 14.0625 * 64 / 66 / 14 } };

	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (strstr(rate, speeds[i].name))
			return speeds[i].share;
	return 1;
}

/* "400 Gb/sec (4X NDR)", "2.5 Gb/sec (1X SDR)" */
static void read_ib_rate(const struct sense_root *root, const char *dir, const struct fl_nic *nic, struct fl_known *ret)
{
	char name[64], *line, *unit;
	double gbit, share;

	if (nic->rdma_soft.value == 1) {
		know_not(ret, "soft-RoCE has no wire of its own");
		return;
	}
	snprintf(name, sizeof(name), "ports/%.0f/rate", nic->rdma_port.value);
	line = sense_line(root, dir, name);
	unit = line ? strstr(line, " Gb/sec") : NULL;
	share = unit && nic->link_layer.value && strcmp(nic->link_layer.value, "InfiniBand") == 0 ? without_coding(unit)
												  : 1;
	if (unit)
		*unit = 0;
	if (unit && fl_parse_ratio(line, &gbit, NULL) == 0 && gbit > 0)
		know(ret, gbit * share * 1e9);
	else
		know_not(ret, "the driver does not say");
	free(line);
}

static bool read_rdma_port(const struct sense_root *root, struct fl_machine *m, const char *name, unsigned port,
			   struct fl_nic *nic)
{
	char *dir = fl_format("/sys/class/infiniband/%s", name), *device = sense_real(root, dir, "device");

	if (!has_interface(m, name, port)) {
		*nic = (struct fl_nic){ .interface = sense_line(root, dir, soft_file), .port = port - 1 };
		know_rdma(root, fl_dup(name), port, nic);
		nic->up = nic->rdma_state.value && strcmp(nic->rdma_state.value, "active") == 0;
		read_ib_rate(root, dir, nic, &nic->rate_bits_per_s);
		read_device(root, m, device ? device : "", NULL, nic);
	}
	free(dir);
	free(device);
	return nic->id;
}

/* Its ports, from 1 on. */
static unsigned count_ports(const struct sense_root *root, const char *name)
{
	char *dir = fl_format("/sys/class/infiniband/%s", name);
	struct sense_names ports = sense_list(root, dir, "ports");
	unsigned n = ports.n < PORTS_MAX ? (unsigned)ports.n : PORTS_MAX;

	sense_names_release(&ports);
	free(dir);
	return n;
}

/* Several interfaces of one function that share a port number: the interface tells them apart. */
static void part_equal_ids(struct fl_machine *m)
{
	for (size_t i = 0; i < m->nics_n; i++) {
		struct fl_nic *nic = &m->nics[i];

		for (size_t k = 0; k < i; k++) {
			if (strcmp(m->nics[k].id, nic->id) == 0) {
				char *longer =
					fl_format("%s-%s", nic->id, nic->interface ? nic->interface : nic->rdma.value);

				free(nic->id);
				nic->id = longer;
				break;
			}
		}
	}
}

void sense_nics(const struct sense_root *root, struct fl_machine *m)
{
	struct sense_names net = *root->path ? sense_list(root, "/sys/class", "net") : sense_interfaces();
	struct sense_names ib = sense_list(root, "/sys/class", "infiniband");
	size_t ports_n = 0;

	for (size_t i = 0; i < ib.n; i++)
		ports_n += count_ports(root, ib.names[i]);
	m->nics = fl_zalloc(net.n + ports_n + 1, sizeof(*m->nics));
	for (size_t i = 0; i < net.n; i++)
		m->nics_n += read_interface(root, m, net.names[i], &m->nics[m->nics_n]);
	for (size_t i = 0; i < ib.n && ports_n; i++) {
		unsigned n = count_ports(root, ib.names[i]);

		/* another device may have come meanwhile */
		for (unsigned port = 1; port <= n && m->nics_n < net.n + ports_n; port++)
			m->nics_n += read_rdma_port(root, m, ib.names[i], port, &m->nics[m->nics_n]);
	}
	part_equal_ids(m);
	sense_names_release(&net);
	sense_names_release(&ib);
}
