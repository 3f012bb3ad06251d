/* SPDX-License-Identifier: Apache-2.0 */
/* pcie.c: the formulas of pcie.h. */
#include "machine/pcie.h"
#include <math.h>

static const struct generation {
	double gts, coding;
	bool flits;
} generations[] = {
	{ 2.5, 8.0 / 10, false },   { 5, 8.0 / 10, false },	{ 8, 128.0 / 130, false },
	{ 16, 128.0 / 130, false }, { 32, 128.0 / 130, false }, { 64, 236.0 / 256, true },
};

static const struct generation *generation_of(double gts)
{
	for (size_t i = 0; i < sizeof(generations) / sizeof(generations[0]); i++)
		if (fabs(generations[i].gts - gts) < 0.01)
			return &generations[i];
	return NULL;
}

static bool is_width(double lanes)
{
	static const double widths[] = { 1, 2, 4, 8, 12, 16, 32 };

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		if (fabs(widths[i] - lanes) < 0.01)
			return true;
	return false;
}

double fl_pcie_link_bytes_per_s(double gts, double lanes)
{
	const struct generation *g = generation_of(gts);

	return g && is_width(lanes) ? g->gts * 1e9 * g->coding * lanes / 8 : NAN;
}

double fl_pcie_payload_bytes_per_s(double gts, double lanes, double payload_bytes, double header_bytes)
{
	const struct generation *g = generation_of(gts);
	double overhead = header_bytes + (g && g->flits ? 0 : FL_PCIE_FRAMING);

	return fl_pcie_link_bytes_per_s(gts, lanes) * payload_bytes / (payload_bytes + overhead);
}

static double no_cap(const char **why, const char *reason)
{
	*why = reason;
	return NAN;
}

double fl_pcie_write_cap(const struct fl_pcie_link *link, bool *loose, const char **why)
{
	double gts = link->gts_now.value, lanes = link->lanes_now.value, payload = link->max_payload_bytes.value;

	*why = NULL;
	*loose = !(payload >= 128 && payload <= FL_PCIE_PAYLOAD_MAX);
	if (!link->real)
		return no_cap(why, "the PCIe link is emulated, its figures are fiction");
	if (isnan(gts) || isnan(lanes))
		return no_cap(why, "the PCIe link's speed or width is not known");
	if (isnan(fl_pcie_link_bytes_per_s(gts, lanes)))
		return no_cap(why, "the PCIe link has a speed or width that PCIe does not know");
	return fl_pcie_payload_bytes_per_s(gts, lanes, *loose ? FL_PCIE_PAYLOAD_MAX : payload, FL_PCIE_HEADER_32);
}

double fl_pcie_read_cap(const struct fl_pcie_link *link, bool *loose, const char **why)
{
	return fl_pcie_write_cap(link, loose, why);
}

/* The lesser of two figures of which one may not be known. */
static double common(const struct fl_known *a, const struct fl_known *b)
{
	return fmin(a->value, b ? b->value : (double)NAN); /* fmin: of a number and NaN the number */
}

/* Puts what both could do in the place of what there is now; false: there is as much now. */
static bool raise_to(struct fl_known *now, double best)
{
	if (isnan(best) || now->value >= best)
		return false;
	*now = (struct fl_known){ .value = best };
	return true;
}

struct fl_pcie_link fl_pcie_awake(const struct fl_pcie_link *device, const struct fl_pcie_link *port, bool *ret_rests)
{
	struct fl_pcie_link link = *device;
	bool slower = raise_to(&link.gts_now, common(&device->gts_best, port ? &port->gts_best : NULL));
	bool narrower = raise_to(&link.lanes_now, common(&device->lanes_best, port ? &port->lanes_best : NULL));

	*ret_rests = slower || narrower;
	return link;
}
