/* SPDX-License-Identifier: Apache-2.0 */
/* route.h: the PCIe ports above a device, and where the ways of two devices meet. Pure.
 *
 * Ports come in turns: below the root port a switch has an upstream port, whose link is the switch's uplink, and a
 * downstream port for each device; below that another switch may follow. So of the ports above a device, the nearest
 * first, every second one is the upstream port of a switch. A root port and a downstream port have no link of their
 * own: theirs is that of what hangs below. */
#ifndef FL_MACHINE_ROUTE_H
#define FL_MACHINE_ROUTE_H
#include "machine/machine.h"

enum { FL_ROUTE_MAX = 32 };

struct fl_route {
	const struct fl_pci *ports[FL_ROUTE_MAX]; /* above the device, the nearest first; the machine's */
	size_t n;
	const char *lost; /* the address of the port from which on the way is not known; NULL: it ends at the root */
};

/* The way of a device up to the root complex. Ports that a machine does not list, or that lie above each other in a
 * ring, lose it. */
struct fl_route fl_route_up(const struct fl_machine *m, const struct fl_pci *pci);

/* What is below one port has one link, the one to it: functions of a device, its virtual ones too, the namespaces or
 * drives of one controller. Of the drives, NICs and whole GPUs that have it in common with `pci`, itself included, the
 * first by its address that knows what the link is, since virtual functions do not. NULL: as far as the machine tells,
 * the link is its own. */
const struct fl_pci *fl_route_shared_link(const struct fl_machine *m, const struct fl_pci *pci);

/* Is the i-th port of a route the upstream port of a switch? */
bool fl_route_is_uplink(size_t i);

/* Where two ways meet: how many ports of each lie below the first one that they share, and true. false: they share
 * none, or it is not known. */
bool fl_route_meet(const struct fl_route *a, const struct fl_route *b, size_t *ret_a, size_t *ret_b);

/* Are they two devices below one switch, so that what they exchange need not leave it? */
bool fl_route_share_switch(const struct fl_machine *m, const struct fl_pci *a, const struct fl_pci *b);

#endif
