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

/* ---- RDMA devices */

/* Whether port `port` (from 0) of the RDMA device is this interface: by its first address, which names the interface,
 * or because both are the same device and port. */
static bool is_port_of(const struct sense_root *root, const char *ib_dir, unsigned port, const char *interface,
		       const char *device)
{
	char name[64], *first, *behind;
	bool same;

	snprintf(name, sizeof(name), "ports/%u/gid_attrs/ndevs/0", port + 1);
	first = sense_line(root, ib_dir, name);
	behind = sense_real(root, ib_dir, "device");
	snprintf(name, sizeof(name), "ports/%u", port + 1);
	same = first ? strcmp(first, interface) == 0
		     : behind && device && strcmp(behind, device) == 0 && sense_exists(root, ib_dir, name);
	free(behind);
	free(first);
	return same;
}

/* The RDMA device of an interface. malloc'd or NULL. */
static char *rdma_of(const struct sense_root *root, const char *interface, const char *device, unsigned port)
{
	struct sense_names names = sense_list(root, "/sys/class", "infiniband");
	char *found = NULL;

	for (size_t i = 0; i < names.n && !found; i++) {
		char *dir = fl_format("/sys/class/infiniband/%s", names.names[i]);

		/* a device has one port, or one for each interface */
		if (is_port_of(root, dir, 0, interface, device) ||
		    (port > 0 && is_port_of(root, dir, port, interface, device)))
			found = fl_dup(names.names[i]);
		free(dir);
	}
	sense_names_release(&names);
	return found;
}

/* Takes the name of the RDMA device, NULL where there is none: sysfs says nothing of other devices' firmware. */
static void know_rdma(const struct sense_root *root, char *name, struct fl_nic *nic)
{
	char *file = name ? fl_format("%s/fw_ver", name) : NULL;
	char *firmware = file ? sense_line(root, "/sys/class/infiniband", file) : NULL;

	know_text(&nic->firmware, firmware, name ? "the driver does not say" : "not in sysfs");
	know_text(&nic->rdma, name, "no RDMA device");
	free(file);
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

	sense_number(root, dir, "dev_port", &port);
	*nic = (struct fl_nic){ .interface = fl_dup(interface), .up = is_one(root, dir, "carrier") };
	nic->port = port <= PORTS_MAX ? (unsigned)port : 0;
	know_rdma(root, rdma_of(root, interface, device, nic->port), nic);
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
	know_text(&nic->firmware, NULL, why);
	know_text(&nic->rdma, NULL, why);
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

static bool has_interface(const struct fl_machine *m, const char *rdma)
{
	for (size_t i = 0; i < m->nics_n; i++)
		if (m->nics[i].rdma.value && strcmp(m->nics[i].rdma.value, rdma) == 0)
			return true;
	return false;
}

/* "400 Gb/sec (4X NDR)", "2.5 Gb/sec (1X SDR)" */
static void read_ib_rate(const struct sense_root *root, const char *dir, struct fl_known *ret)
{
	char *line = sense_line(root, dir, "ports/1/rate");
	double gbit;

	if (line && strstr(line, " Gb/sec")) {
		*strstr(line, " Gb/sec") = 0;
		if (fl_parse_ratio(line, &gbit, NULL) == 0 && gbit > 0)
			know(ret, gbit * 1e9);
		else
			know_not(ret, "the driver does not say");
	} else {
		know_not(ret, "the driver does not say");
	}
	free(line);
}

static bool read_rdma(const struct sense_root *root, struct fl_machine *m, const char *name, struct fl_nic *nic)
{
	char *dir = fl_format("/sys/class/infiniband/%s", name);
	char *device = sense_real(root, dir, "device"), *state = NULL;

	if (device && !has_interface(m, name)) {
		state = sense_line(root, dir, "ports/1/state"); /* "4: ACTIVE" */
		*nic = (struct fl_nic){ .up = state && strncmp(state, "4:", 2) == 0 };
		know_rdma(root, fl_dup(name), nic);
		read_ib_rate(root, dir, &nic->rate_bits_per_s);
		read_device(root, m, device, NULL, nic);
	}
	free(state);
	free(dir);
	free(device);
	return nic->id;
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

	m->nics = fl_zalloc(net.n + ib.n + 1, sizeof(*m->nics));
	for (size_t i = 0; i < net.n; i++)
		m->nics_n += read_interface(root, m, net.names[i], &m->nics[m->nics_n]);
	for (size_t i = 0; i < ib.n; i++)
		m->nics_n += read_rdma(root, m, ib.names[i], &m->nics[m->nics_n]);
	part_equal_ids(m);
	sense_names_release(&net);
	sense_names_release(&ib);
}
