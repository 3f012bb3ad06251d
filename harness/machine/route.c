/* SPDX-License-Identifier: Apache-2.0 */
/* route.c: from a device up to the root complex, port by port. */
#include "machine/route.h"
#include <math.h>
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

/* What is below one port. */
struct below {
	const char *port;
	size_t n;
	const struct fl_pci *first; /* of those that know their link; NULL: none does */
};

static void add_below(struct below *b, const struct fl_pci *pci)
{
	const struct fl_pcie_link *link = &pci->link;

	if (!pci->address || !link->real || !pci->upstream || strcmp(pci->upstream, b->port) != 0)
		return;
	b->n++;
	if (isfinite(link->gts_now.value) && isfinite(link->lanes_now.value) &&
	    (!b->first || strcmp(pci->address, b->first->address) < 0))
		b->first = pci;
}

const struct fl_pci *fl_route_shared_link(const struct fl_machine *m, const struct fl_pci *pci)
{
	struct below b = { .port = pci->upstream };

	if (!b.port || !pci->link.real)
		return NULL;
	for (size_t i = 0; i < m->drives_n; i++)
		add_below(&b, &m->drives[i].pci);
	for (size_t i = 0; i < m->nics_n; i++)
		add_below(&b, &m->nics[i].pci);
	for (size_t i = 0; i < m->gpus_n; i++)
		if (!m->gpus[i].parent)
			add_below(&b, &m->gpus[i].pci);
	return b.n > 1 ? b.first : NULL;
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
