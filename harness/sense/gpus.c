/* SPDX-License-Identifier: Apache-2.0 */
/* gpus.c: GPUs that compute, as PCI functions: displays and 3D controllers, and AMD's accelerators. The screens that
 * a hypervisor or a baseboard management controller shows are PCI displays too; nobody feeds them, so they are left
 * out. */
#include "base/alloc.h"
#include "sense.h"
#include <stdlib.h>
#include <string.h>

static bool starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Consoles: ASPEED, Matrox, Silicon Motion and HiSilicon sit on server boards, the rest is made by hypervisors (Bochs,
 * Cirrus, virtio, QXL, VMware, Hyper-V, VirtualBox). */
static bool is_console(const char *vendor)
{
	static const char *const vendors[] = { "0x1a03", "0x102b", "0x126f", "0x19e5", "0x1234", "0x1013",
					       "0x1af4", "0x1b36", "0x15ad", "0x1414", "0x80ee" };

	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++)
		if (strcmp(vendors[i], vendor) == 0)
			return true;
	return false;
}

/* Class 03xxxx is a display, 0302 a 3D controller among them; 1200xx a processing accelerator, as AMD's Instinct is. */
static bool is_gpu(const char *class, const char *vendor)
{
	if (starts(class, "0x1200"))
		return strcmp(vendor, "0x1002") == 0;
	return starts(class, "0x03") && !is_console(vendor);
}

/* A virtual function whose physical one is here too is the same GPU again. */
static bool is_listed(const struct sense_root *root, const char *dir)
{
	char *class = sense_line(root, dir, "class"), *vendor = sense_line(root, dir, "vendor");
	bool listed = class && vendor && is_gpu(class, vendor) && !sense_exists(root, dir, "physfn");

	free(class);
	free(vendor);
	return listed;
}

/* All that only its driver could say. */
void gpu_unknown(struct fl_gpu *gpu, const char *why)
{
	struct fl_known_text *texts[] = { &gpu->model, &gpu->uuid, &gpu->firmware, &gpu->compute_mode,
					  &gpu->mig,   &gpu->ecc,  &gpu->process };
	struct fl_known *numbers[] = { &gpu->memory_bytes,    &gpu->memory_bytes_per_s, &gpu->processes,
				       &gpu->pending_repairs, &gpu->power_limit_w,	&gpu->clock_max_hz };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		know_text(texts[i], NULL, why);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		know_not(numbers[i], why);
}

static bool read_gpu(const struct sense_root *root, struct fl_machine *m, const char *address, struct fl_gpu *gpu)
{
	char *dir = fl_format("/sys/bus/pci/devices/%s", address);
	char *real = is_listed(root, dir) ? sense_real(root, dir, ".") : NULL;

	free(dir);
	if (!real)
		return false;
	*gpu = (struct fl_gpu){ .id = id_of("gpu", address) };
	sense_pci(root, m, real, &gpu->pci);
	know_text(&gpu->driver, sense_drivers(root, real, gpu->pci.address), "no driver is loaded for it");
	know_node(&gpu->node, m, gpu->pci.node, "the firmware does not say");
	free(real);
	return true;
}

/* By bus, in hexadecimal: as the tools of their makers count them. */
static int by_address(const void *a, const void *b)
{
	return strcmp(((const struct fl_gpu *)a)->pci.address, ((const struct fl_gpu *)b)->pci.address);
}

void sense_gpus(const struct sense_root *root, struct fl_machine *m)
{
	struct sense_names names = sense_list(root, "/sys/bus/pci", "devices");

	m->gpus = fl_zalloc(names.n + 1, sizeof(*m->gpus));
	for (size_t i = 0; i < names.n; i++)
		m->gpus_n += read_gpu(root, m, names.names[i], &m->gpus[m->gpus_n]);
	qsort(m->gpus, m->gpus_n, sizeof(*m->gpus), by_address);
	sense_names_release(&names);
}
