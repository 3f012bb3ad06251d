/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_demand.c: a file of demands that anybody may have written: refused with a reason, or every profile can be found
 * and is a whole number of blocks. */
#include "catalog/demand.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fl_demands *demands = NULL;
	const struct fl_demand *found;
	struct fl_err err = { 0 };

	if (fl_demands_parse((const char *)bytes, n, "fuzz.yaml", &demands, &err) < 0) {
		if (!err.what[0] || demands)
			abort();
		return 0;
	}
	for (size_t i = 0; i < demands->n; i++) {
		const struct fl_demand *d = &demands->items[i];

		if (fl_demand_find(demands, d->name, &found, &err) < 0 || found != d)
			abort();
		if (d->step_bytes == 0 || d->step_bytes % 4096 || d->step_bytes / d->batch < d->record_bytes ||
		    d->step_time_ns == 0 || !(fl_demand_rate(d) > 0))
			abort();
		json_decref(fl_demand_json(d));
	}
	fl_demands_free(demands);
	return 0;
}
