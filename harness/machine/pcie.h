/* SPDX-License-Identifier: Apache-2.0 */
/* pcie.h: what a PCIe link can carry. Pure formulas.
 *
 * Per lane [bit/s] = GT/s x coding: 8/10 (2.5 and 5 GT/s), 128/130 (8, 16, 32), 236/256 (64: the TLP bytes of a FLIT).
 * Hard cap = link x P / (P + overhead), framing only: for data read from a device the device *writes* to memory, each
 * TLP with P = max payload and its overhead beside it. Acknowledgements and flow control are left out: real devices do
 * better than models that charge them, so this is a cap and not an expectation.
 *
 * A result above a cap is an invalid measurement, so a cap must never be below what a real link carries. It charges the
 * least that a TLP can cost: 8 bytes of data link layer and framing and a header of 12 bytes, which is what a write
 * below 4 GiB has (an IOMMU hands out such addresses first); 64-bit addresses cost 4 bytes more, 2.6 % at a payload of
 * 128. FLITs (64 GT/s) have no bytes of the data link layer per TLP. */
#ifndef FL_MACHINE_PCIE_H
#define FL_MACHINE_PCIE_H
#include "machine/machine.h"

enum {
	FL_PCIE_HEADER_32 = 12,	    /* TLP header of a write to a 32-bit address, or of a completion with data */
	FL_PCIE_HEADER_64 = 16,	    /* TLP header of a write to a 64-bit address */
	FL_PCIE_FRAMING = 8,	    /* sequence number, LCRC and framing of a TLP; not in FLITs */
	FL_PCIE_PAYLOAD_MAX = 4096, /* the largest max payload that the specification can express */
};

/* Bytes per second of one direction, without packets; NaN for an unknown GT/s or lanes (also for values that no PCIe
 * link has, such as 3 lanes). */
double fl_pcie_link_bytes_per_s(double gts, double lanes);

/* The same with the data in packets of payload_bytes, each with a header of header_bytes. NaN as above. */
double fl_pcie_payload_bytes_per_s(double gts, double lanes, double payload_bytes, double header_bytes);

/* The cap for a device writing into memory over its own link as negotiated now. NaN, with *why (static text), where
 * there is none; *why is NULL otherwise. *loose: max payload is not known (reading it needs root) and 4096 bytes was
 * assumed, the specification's bound: ports of today do 128 to 512, which carry 13 to 3 % less, but nothing that can be
 * read without root rules more out. */
double fl_pcie_write_cap(const struct fl_pcie_link *link, bool *loose, const char **why);

/* The cap for a device reading from memory: the data comes in completions with data, P bytes beside a header of 12
 * bytes. P is at most the max payload that the device takes. A root complex may break completions at every 64 or 128
 * bytes (the read completion boundary, RCB; PCI Express Base Specification, "Completion Rules"), and need not: so RCB
 * lowers what is to be expected, and not the cap. Requests (24 bytes for each max read request) go the other way and
 * are left out. The same figures as for writing, since the least that a TLP can cost is taken there. */
double fl_pcie_read_cap(const struct fl_pcie_link *link, bool *loose, const char **why);

/* A link that rests when nothing moves (that of a GPU shows 2.5 GT/s then) as it is under load at the most: the best
 * that both its ends can do. port: the end above; NULL: not known. *ret_rests: it has less now, so that this is a
 * bound. Texts stay those of the two. */
struct fl_pcie_link fl_pcie_awake(const struct fl_pcie_link *device, const struct fl_pcie_link *port, bool *ret_rests);

#endif
