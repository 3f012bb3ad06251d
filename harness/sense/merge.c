/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c: GPUs as the system shows them, with what their driver says. Of one that both know the system tells where it
 * is and how it is linked, the driver all else. */
#include "base/alloc.h"
#include "sense.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void pci_release(struct fl_pci *pci)
{
	struct fl_known *all[] = { &pci->link.gts_now, &pci->link.gts_best, &pci->link.lanes_now, &pci->link.lanes_best,
				   &pci->link.max_payload_bytes };

	free(pci->address);
	free(pci->vendor);
	free(pci->device);
	free(pci->upstream);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(all[i]->why);
	*pci = (struct fl_pci){ .node = -1 };
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

#define SWAP(type, a, b)                                                                                               \
	do {                                                                                                           \
		type swapped_ = (a);                                                                                   \
		(a) = (b);                                                                                             \
		(b) = swapped_;                                                                                        \
	} while (0)

/* The driver's entry is left with what the system's had in its place, and without an id: it is done with. */
static void join(struct fl_gpu *gpu, struct fl_gpu *said)
{
	SWAP(struct fl_gpu, *gpu, *said);
	SWAP(char *, gpu->id, said->id);
	SWAP(struct fl_known_text, gpu->driver, said->driver);
	SWAP(struct fl_pci, gpu->pci, said->pci);
	if (!isnan(said->node.value))
		SWAP(struct fl_known, gpu->node, said->node);
	free(said->id);
	said->id = NULL;
}

/* A part is where its whole is. */
static void place_part(const struct sense_root *root, const struct fl_machine *m, struct fl_gpu *part,
		       const struct fl_gpu *whole)
{
	char *dir = whole->pci.address ? fl_format("/sys/bus/pci/devices/%s", whole->pci.address) : NULL;
	char *real = dir ? sense_real(root, dir, ".") : NULL;

	if (real) {
		pci_release(&part->pci);
		sense_pci(root, m, real, &part->pci);
	}
	if (!isnan(whole->node.value)) {
		free(part->node.why);
		know(&part->node, whole->node.value);
	}
	free(real);
	free(dir);
}

/* The driver's entry for a GPU of the system; NULL: it lists none. */
static struct fl_gpu *entry_for(struct fl_machine *said, const struct fl_gpu *gpu)
{
	for (size_t i = 0; i < said->gpus_n; i++)
		if (said->gpus[i].id && !said->gpus[i].parent && same(said->gpus[i].pci.address, gpu->pci.address))
			return &said->gpus[i];
	return NULL;
}

/* One that the system does not show, as in containers without its PCI devices. One without an address may be any of
 * those that it does show. */
static bool is_hidden(const struct fl_machine *m, const struct fl_gpu *said)
{
	bool shown = false;

	for (size_t i = 0; i < m->gpus_n; i++)
		shown |= same(m->gpus[i].pci.vendor, "0x10de");
	return said->id && !said->parent && (said->pci.address || !shown);
}

static void keep_known_node(const struct fl_machine *m, struct fl_gpu *gpu)
{
	gpu->pci.node = -1;
	if (isnan(gpu->node.value) || fl_machine_node(m, (int)gpu->node.value))
		return;
	know_not(&gpu->node, "the driver names a node that is not here");
}

struct list {
	struct fl_gpu *gpus;
	size_t n;
};

/* Moves an entry to the end of the list; its place is left empty. */
static void move(struct list *list, struct fl_gpu *from)
{
	list->gpus[list->n++] = *from;
	*from = (struct fl_gpu){ 0 };
}

static void move_parts(const struct sense_root *root, const struct fl_machine *m, struct fl_machine *said,
		       struct list *list, size_t whole)
{
	for (size_t i = 0; i < said->gpus_n; i++) {
		if (!same(said->gpus[i].parent, list->gpus[whole].id))
			continue;
		place_part(root, m, &said->gpus[i], &list->gpus[whole]);
		move(list, &said->gpus[i]);
	}
}

static const char *why_not_said(const struct fl_machine *said, const struct fl_gpu *gpu, const char *why)
{
	if (!same(gpu->pci.vendor, "0x10de"))
		return "only NVIDIA's driver is asked";
	if (!said)
		return why;
	return said->gpu_driver.why ? said->gpu_driver.why : "the NVIDIA driver does not list it";
}

static void take_versions(const struct sense_root *root, struct fl_machine *m, struct fl_machine *said, const char *why)
{
	if (said) {
		SWAP(struct fl_known_text, m->gpu_driver, said->gpu_driver);
		SWAP(struct fl_known_text, m->cuda, said->cuda);
	} else {
		know_text(&m->gpu_driver, NULL, why);
		know_text(&m->cuda, NULL, why);
	}
	if (!m->gpu_driver.value) {
		m->gpu_driver.value = sense_line(root, "/sys/module/nvidia", "version");
		if (m->gpu_driver.value) {
			free(m->gpu_driver.why);
			m->gpu_driver.why = NULL;
		}
	}
}

void sense_merge(const struct sense_root *root, struct fl_machine *m, struct fl_machine *said, const char *why)
{
	size_t said_n = said ? said->gpus_n : 0;
	struct list list = { .gpus = fl_zalloc(m->gpus_n + said_n + 1, sizeof(*list.gpus)) };

	for (size_t i = 0; i < m->gpus_n; i++) {
		struct fl_gpu *entry = said ? entry_for(said, &m->gpus[i]) : NULL;

		if (entry)
			join(&m->gpus[i], entry);
		else
			gpu_unknown(&m->gpus[i], why_not_said(said, &m->gpus[i], why));
		list.gpus[list.n++] = m->gpus[i];
		if (entry)
			move_parts(root, m, said, &list, list.n - 1);
	}
	for (size_t i = 0; i < said_n; i++) {
		if (!is_hidden(m, &said->gpus[i]))
			continue;
		keep_known_node(m, &said->gpus[i]);
		move(&list, &said->gpus[i]);
		move_parts(root, m, said, &list, list.n - 1);
	}
	free(m->gpus);
	m->gpus = list.gpus;
	m->gpus_n = list.n;
	take_versions(root, m, said, why);
}
