/* SPDX-License-Identifier: Apache-2.0 */
/* watch_link.c: whether what a driver says of a PCIe link can be. */
#include "machine/pcie.h"
#include "watch.h"
#include <math.h>

double watch_link_bytes_per_s(double generation, double lanes)
{
	static const double gts[] = { 2.5, 5, 8, 16, 32, 64 };
	enum { GENERATIONS = sizeof(gts) / sizeof(gts[0]) };

	if (!(generation >= 1 && generation <= GENERATIONS))
		return NAN;
	return fl_pcie_link_bytes_per_s(gts[(unsigned)generation - 1], lanes);
}

bool watch_link_carries(double link_bytes_per_s, double sent_bytes_per_s, double received_bytes_per_s)
{
	return !(sent_bytes_per_s > link_bytes_per_s) && !(received_bytes_per_s > link_bytes_per_s);
}
