/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_machine.c: machine files that others wrote: one that is taken answers every question, can be shown, and comes
 * back the same after writing. */
#include "base/json.h"
#include "machine/machine.h"
#include "machine/pcie.h"
#include "reports/reports.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ask(const struct fl_machine *m)
{
	static const char *const kinds[] = { "node", "drive", "nic", "rdma", "gpu" };

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; i < fl_machine_count(m, kinds[k]); i++) {
			struct fl_device_view device = fl_machine_device(m, kinds[k], i);

			/* ids are unique, but another device may have this id as its other name */
			if (fl_machine_find(m, kinds[k], device.id) < 0)
				abort();
			if (device.uuid && fl_machine_find(m, kinds[k], device.uuid) < 0)
				abort();
			if (device.node >= 0 && !fl_machine_node(m, device.node))
				abort();
		}
	}
	for (size_t i = 0; i < m->drives_n; i++) {
		const char *why;
		bool loose;
		double cap = fl_pcie_write_cap(&m->drives[i].pci.link, &loose, &why);

		if (isnan(cap) != (why != NULL) || cap <= 0)
			abort();
	}
	for (size_t i = 0; i < m->mounts_n; i++) {
		const char *why;

		if (!fl_machine_drive_of(m, m->mounts[i].at, NULL, &why) != (why != NULL))
			abort();
	}
}

static void show(const struct fl_machine *m)
{
	const struct fl_look look = { .colour = true, .width = 60 };
	struct fl_text text = { 0 };

	fl_report_machine(m, &look, &text);
	fl_text_release(&text);
}

static void write_and_read_back(const struct fl_machine *m)
{
	json_t *doc = fl_machine_json(m), *again;
	struct fl_machine *back = NULL;

	if (fl_machine_read(doc, &back, NULL) < 0)
		abort();
	again = fl_machine_json(back);
	if (!json_equal(doc, again))
		abort();
	json_decref(doc);
	json_decref(again);
	fl_machine_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fl_machine *m = NULL;
	struct fl_err err = { 0 };
	json_t *doc;

	if (fl_json_parse((const char *)data, n, "fuzz", &doc, NULL) < 0)
		return 0;
	if (fl_machine_read(doc, &m, &err) < 0) {
		if (m || !err.what[0])
			abort();
	} else {
		ask(m);
		show(m);
		write_and_read_back(m);
	}
	fl_machine_free(m);
	json_decref(doc);
	return 0;
}
