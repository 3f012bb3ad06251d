/* SPDX-License-Identifier: Apache-2.0 */
/* demand.h: what workloads ask of storage: profiles as data (harness/data/demands.yaml). The file is a list of maps of
 * exactly these words:
 *
 *   - name: unet3d-h100           a-z, 0-9 and '-', at most 40
 *     workload: 3D U-Net
 *     accelerator: H100
 *     record_bytes: 146600628     of one record
 *     batch: 7                    records that one accelerator takes in a step
 *     step_time: 323ms            what a step takes with its data at hand
 *     source: where the numbers are from, with its date
 */
#ifndef FL_CATALOG_DEMAND_H
#define FL_CATALOG_DEMAND_H
#include <feedline/err.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Stands for every profile where one is asked for; no profile has this name. */
#define FL_DEMAND_ALL "all"

enum { FL_DEMANDS_MAX = 256, FL_DEMANDS_FILE_MAX = 64 << 10 };

struct fl_demand {
	char *name, *workload, *accelerator, *source;
	uint64_t record_bytes, batch, step_time_ns;
	uint64_t step_bytes; /* of the batch, rounded up to 4 KiB */
};

struct fl_demands {
	struct fl_demand *items; /* in the order of the file; at least one */
	size_t n;
};

/* Hostile input. source: what messages call the file. -EINVAL: "FILE:LINE:COLUMN: ..." */
int fl_demands_parse(const char *bytes, size_t n, const char *source, struct fl_demands **ret, struct fl_err *err);
int fl_demands_load(const char *path, struct fl_demands **ret, struct fl_err *err);
void fl_demands_free(struct fl_demands *demands);

/* -EINVAL with the nearest name as hint. */
int fl_demand_find(const struct fl_demands *demands, const char *name, const struct fl_demand **ret,
		   struct fl_err *err);

/* What it asks for, in bytes per second. */
double fl_demand_rate(const struct fl_demand *d);

/* {"name","workload","accelerator","record_bytes","batch","step_bytes","step_time_ns","bytes_per_s","source"} */
json_t *fl_demand_json(const struct fl_demand *d);

#endif
