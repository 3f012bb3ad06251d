/* SPDX-License-Identifier: Apache-2.0 */
/* nvml_gpus.c: what NVIDIA's driver says of its GPUs and of their parts (MIG). Each value is a call of its own: one
 * that fails makes one value unknown. */
#include "base/alloc.h"
#include "nvml.h"
#include "sense.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GPUS_MAX = 256, PARTS_MAX = 64, NODE_WORDS = 16 };

/* ---- one answer */

static void take(struct fl_known *ret, int rc, double value)
{
	if (rc == FL_NVML_SUCCESS)
		know(ret, value);
	else
		know_not(ret, fl_nvml_why(rc));
}

static void take_word(struct fl_known_text *ret, int rc, unsigned value, const char *const *words, unsigned words_n)
{
	const char *word = rc == FL_NVML_SUCCESS && value < words_n ? words[value] : NULL;

	know_text(ret, word ? fl_dup(word) : NULL,
		  rc == FL_NVML_SUCCESS ? "the driver gives no word" : fl_nvml_why(rc));
}

static void take_text(struct fl_known_text *ret, int rc, char *text)
{
	for (char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	know_text(ret, rc == FL_NVML_SUCCESS && *text ? fl_dup(text) : NULL,
		  rc == FL_NVML_SUCCESS ? "the driver gives no text" : fl_nvml_why(rc));
}

static void ask_text(struct fl_nvml_device *d, int (*call)(struct fl_nvml_device *, char *, unsigned),
		     struct fl_known_text *ret)
{
	char text[FL_NVML_TEXT_BYTES + 1] = { 0 }; /* ends, whatever is written */

	take_text(ret, call ? call(d, text, FL_NVML_TEXT_BYTES) : FL_NVML_NO_FUNCTION, text);
}

static void ask_number(struct fl_nvml_device *d, int (*call)(struct fl_nvml_device *, unsigned *), double unit,
		       struct fl_known *ret)
{
	unsigned value = 0;
	int rc = call ? call(d, &value) : FL_NVML_NO_FUNCTION;

	take(ret, rc, value * unit);
}

/* ---- members */

static const char *const off_on[] = { "off", "on" };

static void ask_modes(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_gpu *gpu)
{
	/* One thread, one process: today's drivers make no difference. */
	static const char *const modes[] = { "default", "exclusive process", "prohibited", "exclusive process" };
	unsigned now = 0, pending;
	int rc = FL_NVML_CALL(nvml, compute_mode, d, &now);

	take_word(&gpu->compute_mode, rc, now, modes, 4);
	rc = FL_NVML_CALL(nvml, mig_mode, d, &now, &pending);
	take_word(&gpu->mig, rc, now, off_on, 2);
	rc = FL_NVML_CALL(nvml, ecc_mode, d, &now, &pending);
	take_word(&gpu->ecc, rc, now, off_on, 2);
}

static void ask_memory(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_known *ret)
{
	struct fl_nvml_memory_v2 second = { .version = FL_NVML_MEMORY_V2 };
	struct fl_nvml_memory first = { 0 };
	int rc = FL_NVML_CALL(nvml, memory_info_v2, d, &second);

	if (rc == FL_NVML_SUCCESS) {
		know(ret, (double)second.total_bytes);
		return;
	}
	rc = FL_NVML_CALL(nvml, memory_info, d, &first);
	take(ret, rc, (double)first.total_bytes);
}

/* Two transfers a clock, on every wire. */
static void ask_memory_rate(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_known *ret)
{
	unsigned bits = 0, mhz = 0;
	int rc = FL_NVML_CALL(nvml, bus_width, d, &bits);

	if (rc == FL_NVML_SUCCESS)
		rc = FL_NVML_CALL(nvml, clock_max, d, FL_NVML_CLOCK_MEMORY, &mhz);
	if (rc == FL_NVML_SUCCESS && !(bits && mhz))
		rc = FL_NVML_NOT_SUPPORTED;
	take(ret, rc, 2e6 * mhz * bits / 8);
}

static void ask_repairs(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_known *ret)
{
	unsigned corrected, uncorrected, pending = 0, failed;
	int rc = FL_NVML_CALL(nvml, remapped_rows, d, &corrected, &uncorrected, &pending, &failed);

	if (rc != FL_NVML_SUCCESS) /* before Ampere there were pages */
		rc = FL_NVML_CALL(nvml, retirement_pending, d, &pending);
	take(ret, rc, pending != 0);
}

static void ask_clock(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_known *ret)
{
	unsigned mhz = 0;
	int rc = FL_NVML_CALL(nvml, clock_max, d, FL_NVML_CLOCK_SM, &mhz);

	take(ret, rc, 1e6 * mhz);
}

/* ---- where it is */

char *nvml_address(const struct fl_nvml_pci *pci)
{
	return fl_format("%04x:%02x:%02x.0", pci->domain, pci->bus & 0xff, pci->device & 0x1f);
}

static void take_gts(struct fl_known *ret, const struct fl_known *gen)
{
	static const double gts[] = { 2.5, 5, 8, 16, 32, 64 };

	if (gen->value >= 1 && gen->value <= 6)
		know(ret, gts[(int)gen->value - 1]);
	else
		know_not(ret, gen->why ? gen->why : "the driver gives no generation of PCIe that is known");
}

static void take_lanes(struct fl_known *lanes)
{
	if (!isnan(lanes->value) && !(lanes->value > 0 && lanes->value <= 32))
		know_not(lanes, "the driver gives no width that PCIe knows");
}

/* Where the system shows no PCI devices, as in some containers, this is all that is known of the link. */
static void ask_link(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_pcie_link *ret)
{
	struct fl_known now, best;

	ask_number(d, nvml->pcie_gen, 1, &now);
	ask_number(d, nvml->pcie_gen_max ? nvml->pcie_gen_max : nvml->pcie_gen_gpu, 1, &best);
	take_gts(&ret->gts_now, &now);
	take_gts(&ret->gts_best, &best);
	free(now.why);
	free(best.why);
	ask_number(d, nvml->pcie_lanes, 1, &ret->lanes_now);
	ask_number(d, nvml->pcie_lanes_max, 1, &ret->lanes_best);
	take_lanes(&ret->lanes_now);
	take_lanes(&ret->lanes_best);
	know_not(&ret->max_payload_bytes, "the system does not show its PCI devices");
}

static void ask_pci(const struct fl_nvml *nvml, const struct fl_machine *m, struct fl_nvml_device *d,
		    struct fl_pci *ret)
{
	struct fl_nvml_pci pci = { 0 };
	const struct sense_root none = { .path = "" };
	int rc = FL_NVML_CALL(nvml, pci_info, d, &pci);

	if (rc != FL_NVML_SUCCESS) {
		sense_pci(&none, m, NULL, ret);
		return;
	}
	*ret = (struct fl_pci){ .address = nvml_address(&pci), .node = -1 };
	ret->vendor = fl_format("0x%04x", pci.device_vendor & 0xffff);
	ret->device = fl_format("0x%04x", pci.device_vendor >> 16);
	ret->link.real = m->bare_metal;
	ask_link(nvml, d, &ret->link);
}

static void ask_node(const struct fl_nvml *nvml, const struct fl_machine *m, struct fl_nvml_device *d,
		     struct fl_known *ret)
{
	enum { BITS = 8 * sizeof(unsigned long) };
	unsigned long near[NODE_WORDS] = { 0 };
	int rc = FL_NVML_CALL(nvml, memory_affinity, d, NODE_WORDS, near, FL_NVML_NEAR_NODE), number = -1;

	for (int i = 0; rc == FL_NVML_SUCCESS && number < 0 && i < NODE_WORDS * BITS; i++)
		if (near[i / BITS] >> i % BITS & 1 && fl_machine_node(m, i))
			number = i;
	know_node(ret, m, number, rc == FL_NVML_SUCCESS ? "the driver names no node" : fl_nvml_why(rc));
}

/* ---- whole GPUs and their parts */

static bool is_on(const struct fl_known_text *text)
{
	return text->value && strcmp(text->value, "on") == 0;
}

static char *id_of_gpu(const struct fl_gpu *gpu, unsigned index)
{
	char number[16];

	if (gpu->pci.address)
		return id_of("gpu", gpu->pci.address);
	if (gpu->uuid.value)
		return id_of("gpu", gpu->uuid.value);
	snprintf(number, sizeof(number), "%u", index);
	return id_of("gpu", number);
}

static void ask_gpu(const struct fl_nvml *nvml, const struct fl_machine *m, struct fl_nvml_device *d, unsigned index,
		    struct fl_gpu *gpu)
{
	*gpu = (struct fl_gpu){ 0 };
	ask_text(d, nvml->name, &gpu->model);
	ask_text(d, nvml->uuid, &gpu->uuid);
	ask_text(d, nvml->vbios_version, &gpu->firmware);
	know_text(&gpu->driver, fl_dup("nvidia"), NULL);
	ask_pci(nvml, m, d, &gpu->pci);
	ask_node(nvml, m, d, &gpu->node);
	ask_modes(nvml, d, gpu);
	ask_memory(nvml, d, &gpu->memory_bytes);
	ask_memory_rate(nvml, d, &gpu->memory_bytes_per_s);
	ask_repairs(nvml, d, &gpu->pending_repairs);
	ask_number(d, nvml->power_limit, 1e-3, &gpu->power_limit_w);
	ask_clock(nvml, d, &gpu->clock_max_hz);
	nvml_users(nvml, d, gpu);
	gpu->id = id_of_gpu(gpu, index);
}

static void copy_text(struct fl_known_text *ret, const struct fl_known_text *from)
{
	*ret = (struct fl_known_text){ from->value ? fl_dup(from->value) : NULL, from->why ? fl_dup(from->why) : NULL };
}

static void copy(struct fl_known *ret, const struct fl_known *from)
{
	*ret = (struct fl_known){ from->value, from->why ? fl_dup(from->why) : NULL };
}

/* What a part does not say of itself is that of its whole. */
static void ask_part(const struct fl_nvml *nvml, const struct fl_machine *m, struct fl_nvml_device *whole_device,
		     struct fl_nvml_device *d, const struct fl_gpu *whole, unsigned index, struct fl_gpu *part)
{
	const char *uuid;

	*part = (struct fl_gpu){ .parent = fl_dup(whole->id) };
	ask_text(d, nvml->name, &part->model);
	ask_text(d, nvml->uuid, &part->uuid);
	ask_memory(nvml, d, &part->memory_bytes);
	nvml_users(nvml, d, part);
	ask_pci(nvml, m, whole_device, &part->pci);
	know_text(&part->mig, NULL, "a part cannot be divided");
	know_not(&part->memory_bytes_per_s, "a part's share is not told");
	copy_text(&part->driver, &whole->driver);
	copy_text(&part->firmware, &whole->firmware);
	copy_text(&part->compute_mode, &whole->compute_mode);
	copy_text(&part->ecc, &whole->ecc);
	copy(&part->pending_repairs, &whole->pending_repairs);
	copy(&part->power_limit_w, &whole->power_limit_w);
	copy(&part->clock_max_hz, &whole->clock_max_hz);
	copy(&part->node, &whole->node);
	uuid = part->uuid.value;
	if (uuid && strncmp(uuid, "MIG-", 4) == 0) {
		part->id = id_of("mig", uuid + 4);
	} else {
		char *name = fl_format("%s.%u", whole->id, index);

		part->id = id_of("mig", name);
		free(name);
	}
}

static struct fl_gpu *next_gpu(struct fl_machine *m)
{
	m->gpus = fl_grow(m->gpus, m->gpus_n + 1, sizeof(*m->gpus));
	return &m->gpus[m->gpus_n++];
}

/* `whole`: the index of its GPU, since the list of GPUs moves. */
static void ask_parts(const struct fl_nvml *nvml, struct fl_machine *m, struct fl_nvml_device *d, size_t whole)
{
	unsigned n = 0;

	if (!is_on(&m->gpus[whole].mig) || FL_NVML_CALL(nvml, mig_count_max, d, &n) != FL_NVML_SUCCESS)
		return;
	for (unsigned i = 0; i < n && i < PARTS_MAX; i++) {
		struct fl_nvml_device *part_device;
		struct fl_gpu part;

		if (FL_NVML_CALL(nvml, mig_by_index, d, i, &part_device) != FL_NVML_SUCCESS)
			continue;
		ask_part(nvml, m, d, part_device, &m->gpus[whole], i, &part);
		*next_gpu(m) = part;
	}
}

static void ask_versions(const struct fl_nvml *nvml, struct fl_machine *m)
{
	char text[FL_NVML_TEXT_BYTES + 1] = { 0 };
	int version = 0, rc = FL_NVML_CALL(nvml, driver_version, text, FL_NVML_TEXT_BYTES);

	take_text(&m->gpu_driver, rc, text);
	rc = FL_NVML_CALL(nvml, cuda_version, &version);
	if (rc == FL_NVML_SUCCESS && version >= 1000)
		know_text(&m->cuda, fl_format("%d.%d", version / 1000, version % 1000 / 10), NULL);
	else
		know_text(&m->cuda, NULL, rc == FL_NVML_SUCCESS ? "the driver gives no version" : fl_nvml_why(rc));
}

void nvml_gpus(const struct fl_nvml *nvml, struct fl_machine *m)
{
	struct fl_nvml_device *devices[GPUS_MAX];
	size_t at[GPUS_MAX];
	unsigned n = 0, found = 0;

	ask_versions(nvml, m);
	if (FL_NVML_CALL(nvml, device_count, &n) != FL_NVML_SUCCESS)
		return;
	for (unsigned i = 0; i < n && i < GPUS_MAX; i++) {
		struct fl_gpu gpu;

		if (FL_NVML_CALL(nvml, device_by_index, i, &devices[found]) != FL_NVML_SUCCESS)
			continue; /* lost, or withheld: what the system shows of it stays */
		ask_gpu(nvml, m, devices[found], i, &gpu);
		at[found] = m->gpus_n;
		*next_gpu(m) = gpu;
		ask_parts(nvml, m, devices[found], at[found]);
		found++;
	}
	for (unsigned i = 0; i < found; i++)
		nvml_links(nvml, m, devices[i], &m->gpus[at[i]]);
}
