/* SPDX-License-Identifier: Apache-2.0 */
/* firmware.c: which product this is and what firmware it runs: board, BIOS, microcode. No serial numbers: they name a
 * machine, which its host name does. */
#include "sense.h"

void sense_firmware(const struct sense_root *root, struct fl_machine *m)
{
	static const char no_dmi[] = "the firmware does not say";
	static const char dmi[] = "/sys/class/dmi/id";

	know_text(&m->product, sense_line(root, dmi, "product_name"), no_dmi);
	know_text(&m->board, sense_line(root, dmi, "board_name"), no_dmi);
	know_text(&m->bios_vendor, sense_line(root, dmi, "bios_vendor"), no_dmi);
	know_text(&m->bios_version, sense_line(root, dmi, "bios_version"), no_dmi);
	know_text(&m->bios_date, sense_line(root, dmi, "bios_date"), no_dmi);
	know_text(&m->microcode, sense_cpuinfo(root, "microcode"), "the kernel does not say");
}
