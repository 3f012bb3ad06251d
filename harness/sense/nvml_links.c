/* SPDX-License-Identifier: Apache-2.0 */
/* nvml_links.c: the NVLinks of a GPU: whether each is up, what is at its other end, how fast it is. */
#include "base/alloc.h"
#include "nvml.h"
#include "sense.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct fl_gpu *gpu_at(const struct fl_machine *m, const char *address)
{
	for (size_t i = 0; i < m->gpus_n; i++)
		if (!m->gpus[i].parent && m->gpus[i].pci.address && strcmp(m->gpus[i].pci.address, address) == 0)
			return &m->gpus[i];
	return NULL;
}

/* Libraries that do not say what kind of device is there say where it is. */
static void ask_peer(const struct fl_nvml *nvml, const struct fl_machine *m, struct fl_nvml_device *d,
		     struct fl_gpu_link *link)
{
	unsigned type = FL_NVML_REMOTE_UNKNOWN;
	struct fl_nvml_pci pci = { 0 };
	const struct fl_gpu *other = NULL;
	char *address;
	int rc;

	FL_NVML_CALL(nvml, link_remote_type, d, link->number, &type);
	if (type == FL_NVML_REMOTE_SWITCH || type == FL_NVML_REMOTE_CPU) {
		know_text(&link->peer, fl_dup(type == FL_NVML_REMOTE_CPU ? "cpu" : "switch"), NULL);
		return;
	}
	rc = FL_NVML_CALL(nvml, link_remote_pci, d, link->number, &pci);
	if (rc != FL_NVML_SUCCESS) {
		know_text(&link->peer, NULL, fl_nvml_why(rc));
		return;
	}
	address = nvml_address(&pci);
	other = gpu_at(m, address);
	know_text(&link->peer, other ? fl_dup(other->id) : NULL, "the driver does not list what is there");
	free(address);
}

/* Raw bytes per second of one direction, by generation; what a library says itself comes first. */
static double rate_of_version(unsigned version)
{
	static const double rates[] = { NAN, 20e9, 25.781e9, 25.781e9, 25e9, 25e9, 26.562e9, 53.125e9 };

	return version < sizeof(rates) / sizeof(rates[0]) ? rates[version] : NAN;
}

static void ask_rate(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_gpu_link *link)
{
	struct fl_nvml_field fields[] = {
		{ .field = FL_NVML_FIELD_LINK_MBPS, .scope = link->number, .result = FL_NVML_NO_FUNCTION },
		{ .field = FL_NVML_FIELD_LINK_MBPS_COMMON, .result = FL_NVML_NO_FUNCTION }
	};
	unsigned version = 0;
	double rate = NAN;
	int rc = FL_NVML_CALL(nvml, fields, d, 2, fields);

	for (int i = 0; i < 2 && rc == FL_NVML_SUCCESS && !(rate > 0); i++)
		rate = 1e6 * fl_nvml_number(&fields[i]);
	if (!(rate > 0)) {
		rc = FL_NVML_CALL(nvml, link_version, d, link->number, &version);
		rate = rc == FL_NVML_SUCCESS ? rate_of_version(version) : NAN;
	}
	if (rate > 0 && rate < 1e15)
		know(&link->bytes_per_s, rate);
	else
		know_not(&link->bytes_per_s, rc == FL_NVML_SUCCESS ? "the driver gives no speed" : fl_nvml_why(rc));
}

void nvml_links(const struct fl_nvml *nvml, const struct fl_machine *m, struct fl_nvml_device *d, struct fl_gpu *gpu)
{
	gpu->links = fl_zalloc(FL_NVML_LINKS_MAX, sizeof(*gpu->links));
	for (unsigned i = 0; i < FL_NVML_LINKS_MAX; i++) {
		struct fl_gpu_link link = { .number = i };
		unsigned up = 0;

		if (FL_NVML_CALL(nvml, link_state, d, i, &up) != FL_NVML_SUCCESS)
			continue; /* it has no such link */
		link.up = up != 0;
		if (link.up) {
			ask_peer(nvml, m, d, &link);
			ask_rate(nvml, d, &link);
		} else {
			know_text(&link.peer, NULL, "the link is down");
			know_not(&link.bytes_per_s, "the link is down");
		}
		gpu->links[gpu->links_n++] = link;
	}
}
