/* SPDX-License-Identifier: Apache-2.0 */
/* machine_gpus.c: what a machine for people says of its GPUs, and of the switches that devices share. */
#include "base/alloc.h"
#include "base/text.h"
#include "base/units.h"
#include "machine/machine.h"
#include "machine/route.h"
#include "reports/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is(const struct fl_known_text *text, const char *word)
{
	return text->value && strcmp(text->value, word) == 0;
}

static bool is_divided(const struct fl_gpu *gpu)
{
	return !gpu->parent && is(&gpu->mig, "on");
}

static size_t count_parts(const struct fl_machine *m, const struct fl_gpu *gpu)
{
	size_t n = 0;

	for (size_t i = 0; i < m->gpus_n; i++)
		n += m->gpus[i].parent && strcmp(m->gpus[i].parent, gpu->id) == 0;
	return n;
}

char *fl_report_gpu_number(const struct fl_machine *m, const struct fl_gpu *gpu)
{
	size_t number = 0;

	if (is_divided(gpu))
		return fl_dup("");
	for (const struct fl_gpu *other = m->gpus; other < gpu; other++)
		number += !is_divided(other);
	return fl_format("%zu", number);
}

char *fl_report_gpu_model(const struct fl_gpu *gpu)
{
	char *model, *clean;

	if (gpu->model.value)
		return fl_report_clean(gpu->model.value);
	model = fl_format("PCI %s:%s", gpu->pci.vendor ? gpu->pci.vendor : "?",
			  gpu->pci.device ? gpu->pci.device : "?");
	clean = fl_report_clean(model);
	free(model);
	return clean;
}

/* ---- NVLinks */

static const char *peer_of(const struct fl_gpu_link *link)
{
	return link->peer.value ? link->peer.value : "what is not known";
}

static size_t count_up(const struct fl_gpu *gpu)
{
	size_t up = 0;

	for (size_t i = 0; i < gpu->links_n; i++)
		up += gpu->links[i].up;
	return up;
}

/* Links to one other end, or to how many. */
static void add_peers(struct fl_text *out, const struct fl_gpu *gpu)
{
	const char *first = NULL;
	size_t peers = 0;

	for (size_t i = 0; i < gpu->links_n; i++) {
		bool seen = !gpu->links[i].up;

		for (size_t k = 0; k < i && !seen; k++)
			seen = gpu->links[k].up && strcmp(peer_of(&gpu->links[k]), peer_of(&gpu->links[i])) == 0;
		if (!seen && peers++ == 0)
			first = peer_of(&gpu->links[i]);
	}
	if (peers != 1)
		fl_text_add(out, "%zu others", peers);
	else if (strcmp(first, "switch") == 0)
		fl_text_add(out, "switches");
	else
		fl_text_add(out, "%s", first);
}

/* "18 NVLinks to switches, 478 GB/s": in one direction. */
static void add_links(struct fl_text *out, const struct fl_gpu *gpu)
{
	size_t up = count_up(gpu);
	char shown[FL_UNIT_TEXT];
	double sum = 0;

	if (!gpu->links_n || is_divided(gpu))
		return;
	fl_text_add(out, "%s", out->n ? ", " : "");
	if (up == 0) {
		fl_text_add(out, "%zu NVLinks, none up", gpu->links_n);
		return;
	}
	for (size_t i = 0; i < gpu->links_n; i++)
		sum += gpu->links[i].up ? gpu->links[i].bytes_per_s.value : 0;
	fl_text_add(out, "%zu NVLink%s to ", up, up == 1 ? "" : "s");
	add_peers(out, gpu);
	if (!isnan(sum))
		fl_text_add(out, ", %s", fl_show_rate(shown, sum));
}

/* ---- what is to be known before it is measured */

static void add_word(struct fl_text *out, bool holds, const char *word)
{
	if (holds)
		fl_text_add(out, "%s%s", out->n ? ", " : "", word);
}

char *fl_report_gpu_state(const struct fl_machine *m, const struct fl_gpu *gpu)
{
	size_t parts = count_parts(m, gpu);
	struct fl_text t = { 0 };
	char *clean;

	if (is_divided(gpu) && parts)
		fl_text_add(&t, "divided into %zu part%s", parts, parts == 1 ? "" : "s");
	else if (is_divided(gpu))
		fl_text_add(&t, "divided, without parts");
	if (gpu->parent)
		fl_text_add(&t, "part of %s", gpu->parent);
	add_links(&t, gpu);
	if (gpu->compute_mode.value && !is(&gpu->compute_mode, "default"))
		add_word(&t, true, gpu->compute_mode.value);
	add_word(&t, is(&gpu->ecc, "off"), "ECC off");
	add_word(&t, gpu->processes.value > 0, "in use");
	clean = fl_report_clean(fl_text_str(&t));
	fl_text_release(&t);
	return clean;
}

/* The address for a command; a part's is that of its whole. */
static const char *address(const struct fl_gpu *gpu)
{
	return gpu->pci.address ? gpu->pci.address : gpu->uuid.value ? gpu->uuid.value : "GPU";
}

char *fl_report_gpu_remark(const struct fl_machine *m, const struct fl_gpu *gpu, size_t i)
{
	size_t up = count_up(gpu), down = gpu->links_n - up;
	double users = gpu->processes.value;

	if (i == 0 && users > 0)
		return fl_format("! %s: %g other process%s use%s it%s%s%s%s; it is measured only with --shared",
				 gpu->id, users, users == 1 ? "" : "es", users == 1 ? "s" : "",
				 gpu->process.value ? " (" : "", gpu->process.value ? gpu->process.value : "",
				 gpu->process.value && users > 1 ? " and others" : "", gpu->process.value ? ")" : "");
	if (i == 1 && gpu->pending_repairs.value > 0 && !gpu->parent)
		return fl_format("! %s: damaged rows or pages of its memory wait for a reset to be replaced "
				 "(nvidia-smi -q -i %s "
				 "-d ROW_REMAPPER,PAGE_RETIREMENT); until then do not trust what it does",
				 gpu->id, address(gpu));
	if (i == 2 && is(&gpu->compute_mode, "prohibited") && !gpu->parent)
		return fl_format(
			"! %s: its compute mode is prohibited, so that nothing can be measured on it; nvidia-smi -i "
			"%s -c DEFAULT allows it",
			gpu->id, address(gpu));
	if (i == 3 && is_divided(gpu) && !count_parts(m, gpu))
		return fl_format(
			"! %s: it is divided (MIG) and has no parts, so that nothing can be measured on it; nvidia-smi "
			"mig -i %s -lgip lists what parts it can have, -mig 0 makes it whole",
			gpu->id, address(gpu));
	if (i == 4 && up && down)
		return fl_format("! %s: %zu of its %zu NVLinks %s down", gpu->id, down, gpu->links_n,
				 down == 1 ? "is" : "are");
	return NULL;
}

/* ---- switches */

/* The top of the nearest switch above a device; NULL: there is none. */
static const struct fl_pci *switch_above(const struct fl_machine *m, const struct fl_pci *pci)
{
	struct fl_route route = fl_route_up(m, pci);

	for (size_t i = 0; i < route.n; i++)
		if (fl_route_is_uplink(i))
			return route.ports[i];
	return NULL;
}

struct device {
	const char *id;
	const struct fl_pci *above;
};

static struct device *list_devices(const struct fl_machine *m, size_t *ret_n)
{
	struct device *list = fl_zalloc(m->gpus_n + m->drives_n + m->nics_n + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < m->gpus_n; i++)
		if (!m->gpus[i].parent)
			list[n++] = (struct device){ m->gpus[i].id, switch_above(m, &m->gpus[i].pci) };
	for (size_t i = 0; i < m->drives_n; i++)
		list[n++] = (struct device){ m->drives[i].id, switch_above(m, &m->drives[i].pci) };
	for (size_t i = 0; i < m->nics_n; i++)
		list[n++] = (struct device){ m->nics[i].id, switch_above(m, &m->nics[i].pci) };
	*ret_n = n;
	return list;
}

static void add_uplink(struct fl_text *out, const struct fl_pcie_link *link)
{
	if (!link->real)
		fl_text_add(out, "virtual");
	else if (isnan(link->gts_now.value) || isnan(link->lanes_now.value))
		fl_text_add(out, "-");
	else
		fl_text_add(out, "%g GT/s x%g", link->gts_now.value, link->lanes_now.value);
}

void fl_report_switches(const struct fl_machine *m, const struct fl_look *look, struct fl_text *out)
{
	size_t n, said = 0;
	struct device *devices = list_devices(m, &n);

	for (size_t i = 0; i < m->ports_n; i++) {
		const struct fl_pci *top = &m->ports[i].pci;
		struct fl_text line = { 0 };
		size_t below = 0, at;
		char *clean;

		fl_text_add(&line, "%s ", top->address);
		add_uplink(&line, &top->link);
		at = 2 + line.n + 1;
		for (size_t k = 0; k < n; k++)
			if (devices[k].above == top)
				fl_text_add(&line, "%s%s", below++ ? ", " : " ", devices[k].id);
		clean = fl_report_clean(fl_text_str(&line));
		if (below > 1) {
			fl_text_add(out, "%s  ", said++ ? "" : "\nPCIe switches, their uplinks, and what is below\n");
			fl_report_wrap(out, clean, 2, at, fl_report_width(look));
		}
		free(clean);
		fl_text_release(&line);
	}
	free(devices);
}
