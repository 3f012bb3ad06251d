/* SPDX-License-Identifier: Apache-2.0 */
/* expect.c: how much of its cap a link is known to reach, as data: one row a class of path, with where the figure comes
 * from. A row is what the slowest healthy one among published machines reaches; with the one tolerance beneath it, each
 * of them passes. Where nobody has published a figure there is no row, and the lane is not judged by that link.
 *
 * PCIe figures were published without the max payload that they were measured with. GPUs of today take 256 bytes, and
 * with that as divisor each figure is at its lowest; so that is what the shares are of. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/path.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

static const struct row {
	enum fl_link_kind kind;
	bool both;	    /* the other direction is loaded, too, and the share is that of each */
	const char *engine; /* the lane's option of that name; NULL: it has none */
	double share;
	uint64_t least_bytes; /* of one copy: shorter ones are made of launching and waiting; 0: any */
} rows[] = {
	/* A drive or a NIC writes into memory. Copies reach 56.57 GB/s on 5.0 x16 and 26.34 GB/s on 4.0 x16
	 * (voipmonitor/rtx6kpro, hardware/pcie-bandwidth.md; NVIDIA/nvbandwidth#50): 97 % of the cap with the smallest
	 * payload that can be (256 and 128 bytes), 90 % for the second with 256. */
	{ FL_LINK_PCIE_WRITE, false, NULL, 0.95, 0 },
	{ FL_LINK_PCIE_READ, false, NULL, 0.95, 0 },

	/* Copy engine and host memory. H200, 5.0 x16: 52 GB/s both ways (Azure/AI-benchmarking-guide), 0.89 of 58.45.
	 * A100, 4.0 x16: 26.24 and 25.85 (microsoft/superbenchmark, tests/data/gpu_copy_bw_performance.log), 0.90 and
	 * 0.885 of 29.22. RTX 4090: 25.5 to 27.1 (nvbandwidth#15). */
	{ FL_LINK_PCIE_WRITE, false, "ce", 0.93, 64 * MIB },
	{ FL_LINK_PCIE_READ, false, "ce", 0.93, 64 * MIB },
	/* Both at once. A100: 49.46 in all (the same log), 0.85 of 2 x 29.22. */
	{ FL_LINK_PCIE_WRITE, true, "ce", 0.88, 64 * MIB },
	{ FL_LINK_PCIE_READ, true, "ce", 0.88, 64 * MIB },
	/* Multiprocessors write to host memory: H100 52.77 (nvbandwidth#24), 0.90 of 58.45. */
	{ FL_LINK_PCIE_WRITE, false, "sm", 0.93, 64 * MIB },
	/* They read it: H100 35.2 (the same), 0.60; A100 25.13 (nvbandwidth#42), 0.86. */
	{ FL_LINK_PCIE_READ, false, "sm", 0.62, 64 * MIB },

	/* One GPU writes into another below the same root complex: A6000, 4.0 x16, 26.34 (nvbandwidth#50), 0.90; RTX
	 * PRO 6000, 5.0 x16, 53 to 56.57, behind switches 50 (voipmonitor/rtx6kpro), 0.855 to 0.97. Of reading from a
	 * peer over PCIe there is no figure. */
	{ FL_LINK_PEER_WRITE, false, "ce", 0.90, 64 * MIB },
	/* Both at once: 103 to 111 (the same), 0.88 to 0.95 of 2 x 58.45. */
	{ FL_LINK_PEER_WRITE, true, "ce", 0.90, 64 * MIB },

	/* NVLink, of the raw rate of all links as the driver's tools give it (26.562 GB/s a link where 25 are sold):
	 * packets of 256 bytes (copy engine) or 128 (multiprocessors) beside their headers. A100 276 to 279 of 300
	 * (the log above), H100 380 of 478 (NVIDIA/nccl#1264), GB200 about 770 of 956 (Azure/AI-benchmarking-guide#7):
	 * 0.92, 0.80, 0.81. */
	{ FL_LINK_NVLINK, false, "ce", 0.83, 64 * MIB },
	/* A100 526 to 531 of 600, H100 749 of 956 (nccl#1264): 0.88, 0.78. */
	{ FL_LINK_NVLINK, true, "ce", 0.82, 64 * MIB },
	/* A100 258 to 262 of 300, both 440 to 461 of 600: 0.86, 0.73; the latest generations are taken to lose as much
	 * more as with the copy engine. */
	{ FL_LINK_NVLINK, false, "sm", 0.78, 64 * MIB },
	{ FL_LINK_NVLINK, true, "sm", 0.75, 64 * MIB },

	/* Within a GPU, reading and writing counted. Copy engine: H100 3.0 of 3.35 TB/s, 0.90; H200 4.21 of 4.81
	 * (measured with this program), 0.87 to 0.88. */
	{ FL_LINK_GPU_MEMORY, false, "ce", 0.87, FL_GPU_CACHE_BYTES },
	/* Multiprocessors, as copies are done here: H200 3.92 of 4.81 (the same), 0.81. */
	{ FL_LINK_GPU_MEMORY, false, "sm", 0.81, FL_GPU_CACHE_BYTES },
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct row *find_row(const struct fl_hop *hop, const char *engine, bool both)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == hop->kind && rows[i].both == both && same(rows[i].engine, engine))
			return &rows[i];
	return NULL;
}

/* The driver copies pageable memory through buffers of its own, one after the other. */
static bool is_pageable(const struct fl_lane_verdict *v)
{
	const char *obtained = v->first ? fl_json_text_or_null(v->first->facts, "host_memory") : NULL;
	const char *kind = obtained ? obtained : fl_json_text_or_null(v->options, "kind");

	return kind && strncmp(kind, "pageable", 8) == 0;
}

/* Is one end a part of a GPU (MIG)? It has its share of the copy engines and of the memory. */
static bool is_of_part(const struct fl_subject *s, const struct fl_lane_verdict *v)
{
	for (const struct fl_field *f = s->entry->fields; f->name; f++) {
		const char *id = f->type == FL_DEVICE ? fl_json_text_or_null(v->options, f->name) : NULL;

		for (size_t i = 0; id && i < s->machine->gpus_n; i++)
			if (s->machine->gpus[i].parent && strcmp(s->machine->gpus[i].id, id) == 0)
				return true;
	}
	return false;
}

/* The share, or NaN and why there is none; malloc'd. */
static double share_of(const struct fl_subject *s, const struct fl_lane_verdict *v, const struct fl_hop *hop,
		       char **ret_why)
{
	const char *engine = fl_json_text_or_null(v->options, "engine");
	double size = fl_json_number_or_nan(v->options, "size");
	/* Where there is no row for both directions, the one for one would ask for more than was ever shown. A drive
	 * that both reads and writes is not told apart. */
	const struct row *row = find_row(hop, engine, engine && fl_loads_other_way(v, hop));
	char least[FL_UNIT_TEXT];

	if (!row)
		*ret_why = fl_dup("what such a path reaches has not been published");
	else if (engine && is_pageable(v))
		*ret_why = fl_dup("pageable memory is copied through buffers of the driver");
	else if (engine && is_of_part(s, v))
		*ret_why = fl_dup("a part of a GPU has but a share of its engines");
	else if (size < (double)row->least_bytes)
		*ret_why = fl_format("only copies of %s or more are expected to fill it",
				     fl_show_bytes(least, row->least_bytes));
	else
		return row->share;
	return NAN;
}

void fl_expect(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	for (size_t i = 0; i < v->hops_n; i++) {
		struct fl_hop *hop = &v->hops[i];
		char *why = NULL;

		if (hop->kind == FL_LINK_NONE || !isfinite(hop->cap_bytes_per_s))
			continue;
		hop->expected = share_of(s, v, hop, &why);
		if (!hop->why)
			hop->why = why;
		else
			free(why);
	}
}
