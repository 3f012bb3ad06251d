/* SPDX-License-Identifier: Apache-2.0 */
/* route.c: from a device up to the root complex, port by port. */
#include "machine/route.h"
#include <string.h>

static const struct fl_pci *find_port(const struct fl_machine *m, const char *address)
{
	for (size_t i = 0; i < m->ports_n; i++)
		if (m->ports[i].pci.address && strcmp(m->ports[i].pci.address, address) == 0)
			return &m->ports[i].pci;
	return NULL;
}

struct fl_route fl_route_up(const struct fl_machine *m, const struct fl_pci *pci)
{
	struct fl_route route = { 0 };
	const char *above = pci->upstream;

	while (above) {
		const struct fl_pci *port = route.n < FL_ROUTE_MAX ? find_port(m, above) : NULL;

		if (!port) {
			route.lost = above;
			return route;
		}
		route.ports[route.n++] = port;
		above = port->upstream;
	}
	return route;
}

bool fl_route_is_uplink(size_t i)
{
	return i % 2 == 1;
}

bool fl_route_meet(const struct fl_route *a, const struct fl_route *b, size_t *ret_a, size_t *ret_b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (a->ports[i] == b->ports[k]) {
				*ret_a = i;
				*ret_b = k;
				return true;
			}
	return false;
}

bool fl_route_share_switch(const struct fl_machine *m, const struct fl_pci *a, const struct fl_pci *b)
{
	struct fl_route up_a, up_b;
	size_t i, k;

	if (!a->address || !b->address || strcmp(a->address, b->address) == 0)
		return false;
	up_a = fl_route_up(m, a);
	up_b = fl_route_up(m, b);
	return fl_route_meet(&up_a, &up_b, &i, &k) && fl_route_is_uplink(i) && fl_route_is_uplink(k);
}
