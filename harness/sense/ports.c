/* SPDX-License-Identifier: Apache-2.0 */
/* ports.c: the PCIe ports above devices: root ports and those of switches (class 0604), each once. */
#include "base/alloc.h"
#include "sense.h"
#include <stdlib.h>
#include <string.h>

enum { PORTS_MAX = 4096 };

static bool is_listed(const struct fl_machine *m, const char *address)
{
	for (size_t i = 0; i < m->ports_n; i++)
		if (strcmp(m->ports[i].pci.address, address) == 0)
			return true;
	return false;
}

static bool is_port(const struct sense_root *root, const char *dir)
{
	char *class = sense_line(root, dir, "class");
	bool port = class && strncmp(class, "0x0604", 6) == 0;

	free(class);
	return port;
}

/* The port, and those above it. A controller with PCI domains of its own (VMD) may stand between two ports. */
static void add_ports(const struct sense_root *root, struct fl_machine *m, const char *address)
{
	char *next = address ? fl_dup(address) : NULL;

	for (int deep = 0; next && deep < FL_PORTS_DEEP_MAX && m->ports_n < PORTS_MAX && !is_listed(m, next); deep++) {
		char *dir = fl_format("/sys/bus/pci/devices/%s", next), *real = sense_real(root, dir, ".");
		struct fl_pci pci = { 0 };

		sense_pci(root, m, real, &pci);
		free(next);
		next = pci.upstream ? fl_dup(pci.upstream) : NULL;
		if (pci.address && !is_listed(m, pci.address) && is_port(root, dir)) {
			m->ports = fl_grow(m->ports, m->ports_n + 1, sizeof(*m->ports));
			m->ports[m->ports_n++].pci = pci;
		} else {
			pci_release(&pci);
		}
		free(real);
		free(dir);
	}
	free(next);
}

static int by_address(const void *a, const void *b)
{
	return strcmp(((const struct fl_port *)a)->pci.address, ((const struct fl_port *)b)->pci.address);
}

void sense_ports(const struct sense_root *root, struct fl_machine *m)
{
	for (size_t i = 0; i < m->drives_n; i++)
		add_ports(root, m, m->drives[i].pci.upstream);
	for (size_t i = 0; i < m->nics_n; i++)
		add_ports(root, m, m->nics[i].pci.upstream);
	for (size_t i = 0; i < m->gpus_n; i++)
		add_ports(root, m, m->gpus[i].pci.upstream);
	if (m->ports_n)
		qsort(m->ports, m->ports_n, sizeof(*m->ports), by_address);
}
