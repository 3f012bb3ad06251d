/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c: a machine for people (`feedline topo`): its NUMA nodes with the devices near them, each PCIe link as it is
 * and, where that is less, as it could be; what this process may use; and why something is not known. */
#include "machine/machine.h"
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIND, ID, NAME, WHAT, SIZE, LINK, STATE, COLUMNS };
enum { MOUNTS_SHOWN = 2, NOTES_MAX = 64 };

/* How a link compares with the best that the device can do. RESTING: a GPU may lower its speed to save power. */
enum mark { FINE, SLOW, RESTING };

struct line {
	int node; /* -1: unknown */
	enum mark mark;
	char *cells[COLUMNS];
};

struct page {
	const struct fl_machine *m;
	const struct fl_look *look;
	const struct fl_drive **beneath; /* the drive beneath each mount, NULL: none */
	struct line *lines;
	size_t lines_n;
	size_t width[COLUMNS];
	char *notes[NOTES_MAX]; /* each said once */
	size_t notes_n;
	struct fl_text *out;
};

/* ---- notes */

/* Takes the text. */
static void note(struct page *p, char *text)
{
	for (size_t i = 0; i < p->notes_n; i++) {
		if (strcmp(p->notes[i], text) == 0) {
			free(text);
			return;
		}
	}
	if (p->notes_n == NOTES_MAX)
		free(text);
	else
		p->notes[p->notes_n++] = text;
}

/* The text of an unknown cell; the reason goes below. */
static char *dash(struct page *p, const char *what, const char *why)
{
	note(p, fl_format("- %s: %s", what, why ? why : "no reason is given"));
	return fl_dup("-");
}

/* ---- cells */

static char *show_link(struct page *p, const char *id, const struct fl_pci *pci, bool is_gpu, enum mark *mark)
{
	const struct fl_pcie_link *link = &pci->link;
	double gts = link->gts_now.value, best_gts = link->gts_best.value;
	double lanes = link->lanes_now.value, best_lanes = link->lanes_best.value;

	if (!pci->address)
		return fl_dup("");
	if (!link->real) {
		note(p, fl_dup("virtual: below a hypervisor or an emulated port PCIe speeds are fiction, so these "
			       "links have no limit"));
		return fl_dup("virtual");
	}
	if (isnan(gts) || isnan(lanes))
		return dash(p, "PCIe link", isnan(gts) ? link->gts_now.why : link->lanes_now.why);
	if (!(gts < best_gts) && !(lanes < best_lanes))
		return fl_format("%g GT/s x%g", gts, lanes);
	*mark = is_gpu && !(lanes < best_lanes) ? RESTING : SLOW;
	if (*mark == SLOW)
		note(p, fl_format("! %s: the PCIe link at %s%s%s runs below what the device can do; reseat it, or look "
				  "for a slot or riser of a lower grade",
				  id, pci->address, pci->upstream ? " below port " : "",
				  pci->upstream ? pci->upstream : ""));
	else
		note(p, fl_dup("~ a GPU at rest may lower the speed of its link; look again while it works"));
	return fl_format("%g GT/s x%g %s best %g GT/s x%g", gts, lanes, *mark == SLOW ? "!" : "~", best_gts,
			 best_lanes);
}

static char *show_size(struct page *p, const struct fl_known *bytes)
{
	char shown[FL_UNIT_TEXT];

	return isnan(bytes->value) ? dash(p, "size", bytes->why) : fl_dup(fl_show_bytes(shown, (uint64_t)bytes->value));
}

static char *show_rate(struct page *p, const struct fl_nic *nic)
{
	if (!nic->up)
		return fl_dup("down");
	if (isnan(nic->rate_bits_per_s.value))
		return dash(p, "NIC rate", nic->rate_bits_per_s.why);
	return fl_format("%g Gbit/s", nic->rate_bits_per_s.value / 1e9);
}

/* "on /, /data": where the files of a drive are. */
static char *show_mounts(const struct page *p, const struct fl_drive *drive)
{
	struct fl_text t = { 0 };
	size_t n = 0;
	char *clean;

	for (size_t i = 0; i < p->m->mounts_n; i++)
		if (p->beneath[i] == drive && n++ < MOUNTS_SHOWN)
			fl_text_add(&t, "%s%s", n == 1 ? "on " : ", ", p->m->mounts[i].at);
	if (n > MOUNTS_SHOWN)
		fl_text_add(&t, ", %zu more", n - MOUNTS_SHOWN);
	clean = fl_report_clean(fl_text_str(&t));
	fl_text_release(&t);
	return clean;
}

static void find_mounts(struct page *p)
{
	const char *why;

	p->beneath = fl_zalloc(p->m->mounts_n + 1, sizeof(*p->beneath));
	for (size_t i = 0; i < p->m->mounts_n; i++)
		p->beneath[i] = fl_machine_drive_of(p->m, p->m->mounts[i].at, NULL, &why);
}

/* ---- lines */

static int node_of(struct page *p, const struct fl_known *node)
{
	if (!isnan(node->value))
		return (int)node->value;
	free(dash(p, "node", node->why));
	return -1;
}

static void add_drive(struct page *p, const struct fl_drive *d, struct line *line)
{
	*line = (struct line){ .node = node_of(p, &d->node) };
	line->cells[KIND] = fl_dup("drive");
	line->cells[ID] = fl_report_clean(d->id);
	line->cells[NAME] = fl_report_clean(d->block);
	line->cells[WHAT] = fl_report_clean(d->model.value ? d->model.value : d->kind);
	line->cells[SIZE] = show_size(p, &d->bytes);
	line->cells[LINK] = show_link(p, d->id, &d->pci, false, &line->mark);
	line->cells[STATE] = show_mounts(p, d);
}

/* "mlx5_0", "mlx5_0 port 2", "rxe0 in software" */
static char *show_rdma(const struct fl_nic *nic)
{
	char *name = nic->rdma.value ? fl_report_clean(nic->rdma.value) : fl_dup("no RDMA"), *whole = name;

	if (nic->rdma_port.value > 1)
		whole = fl_format("%s port %.0f", name, nic->rdma_port.value);
	else if (nic->rdma_soft.value == 1)
		whole = fl_format("%s in software", name);
	if (whole != name)
		free(name);
	return whole;
}

/* "InfiniBand, firmware 28.39.1002"; of a port that is not active, what it is. */
static char *show_port(const struct fl_nic *nic)
{
	const char *state = nic->rdma_state.value, *parts[] = { NULL, NULL, NULL };
	char *layer = fl_report_clean(nic->link_layer.value), *firmware = fl_report_clean(nic->firmware.value);
	char *port = state && strcmp(state, "active") != 0 ? fl_report_clean(state) : fl_dup("");
	struct fl_text t = { 0 };

	parts[0] = *layer ? layer : NULL;
	parts[1] = *port ? port : NULL;
	parts[2] = *firmware ? firmware : NULL;
	for (size_t i = 0; i < 3; i++)
		if (parts[i])
			fl_text_add(&t, "%s%s%s", t.n ? ", " : "",
				    i == 1   ? "port "
				    : i == 2 ? "firmware "
					     : "",
				    parts[i]);
	free(layer);
	free(port);
	free(firmware);
	return t.bytes ? t.bytes : fl_dup("");
}

static void add_nic(struct page *p, const struct fl_nic *nic, struct line *line)
{
	*line = (struct line){ .node = node_of(p, &nic->node) };
	line->cells[KIND] = fl_dup("nic");
	line->cells[ID] = fl_report_clean(nic->id);
	line->cells[NAME] = fl_report_clean(nic->interface);
	line->cells[WHAT] = show_rdma(nic);
	line->cells[SIZE] = show_rate(p, nic);
	line->cells[LINK] = show_link(p, nic->id, &nic->pci, false, &line->mark);
	line->cells[STATE] = show_port(nic);
}

static void add_gpu(struct page *p, const struct fl_gpu *gpu, struct line *line)
{
	*line = (struct line){ .node = node_of(p, &gpu->node) };
	line->cells[KIND] = fl_dup("gpu");
	line->cells[ID] = fl_report_clean(gpu->id);
	line->cells[NAME] = fl_report_gpu_number(p->m, gpu);
	line->cells[WHAT] = fl_report_gpu_model(gpu);
	line->cells[SIZE] = gpu->model.value ? show_size(p, &gpu->memory_bytes) : fl_dup("");
	line->cells[LINK] = gpu->parent ? fl_dup("") : show_link(p, gpu->id, &gpu->pci, true, &line->mark);
	line->cells[STATE] = fl_report_gpu_state(p->m, gpu);
	if (!gpu->model.value)
		free(dash(p, "what GPUs are", gpu->model.why));
	for (size_t i = 0; i < FL_GPU_REMARKS; i++) {
		char *remark = fl_report_gpu_remark(p->m, gpu, i);

		if (remark)
			note(p, remark);
	}
}

static void add_lines(struct page *p)
{
	const struct fl_machine *m = p->m;

	p->lines = fl_zalloc(m->drives_n + m->nics_n + m->gpus_n + 1, sizeof(*p->lines));
	for (size_t i = 0; i < m->gpus_n; i++)
		add_gpu(p, &m->gpus[i], &p->lines[p->lines_n++]);
	for (size_t i = 0; i < m->drives_n; i++)
		add_drive(p, &m->drives[i], &p->lines[p->lines_n++]);
	for (size_t i = 0; i < m->nics_n; i++)
		add_nic(p, &m->nics[i], &p->lines[p->lines_n++]);
	for (size_t i = 0; i < p->lines_n; i++)
		for (int c = 0; c < COLUMNS; c++)
			if (strlen(p->lines[i].cells[c]) > p->width[c])
				p->width[c] = strlen(p->lines[i].cells[c]);
}

/* ---- printing */

static const char *colour(const struct page *p, enum mark mark)
{
	if (!p->look || !p->look->colour)
		return "";
	return mark == SLOW ? "\033[31m" : mark == RESTING ? "\033[33m" : "";
}

static void print_line(const struct page *p, const struct line *line)
{
	const char *on = colour(p, line->mark), *off = *on ? fl_report_plain(p->look) : "";
	size_t blanks = 1; /* held back, so that no line ends in blanks */

	for (int c = 0; c < COLUMNS; c++) {
		const char *cell = line->cells[c];
		size_t n = strlen(cell), pad = p->width[c] - n;

		blanks += p->width[c] && c > 0 ? 2 : 1;
		if (c == SIZE) {
			blanks += pad;
			pad = 0;
		}
		if (n > 0) {
			fl_text_add(p->out, "%*s%s%s%s", (int)blanks, "", c == LINK ? on : "", cell,
				    c == LINK ? off : "");
			blanks = 0;
		}
		blanks += pad;
	}
	fl_text_add(p->out, "\n");
}

static void print_lines(const struct page *p, int node)
{
	for (size_t i = 0; i < p->lines_n; i++)
		if (p->lines[i].node == node)
			print_line(p, &p->lines[i]);
}

static void add_cpus(struct fl_text *out, const struct fl_cpus *cpus)
{
	unsigned n = fl_cpus_count(cpus);

	fl_text_add(out, n == 1 ? "CPU " : n ? "CPUs " : "no CPUs");
	fl_cpus_format(cpus, out);
}

static void print_node(struct page *p, const struct fl_node *node)
{
	char *id = fl_report_clean(node->id), *size = show_size(p, &node->memory_bytes);

	fl_text_add(p->out, "\n%s  %s %s, ", id, size, fl_node_class_name(node->kind));
	add_cpus(p->out, &node->cpus);
	for (size_t i = 0; i < p->m->nodes_n && p->m->nodes_n > 1; i++)
		fl_text_add(p->out, "%s%u", i ? " " : ", distances ", node->distances[i]);
	fl_text_add(p->out, "\n");
	free(id);
	free(size);
	print_lines(p, node->number);
}

static void print_driver(const struct page *p)
{
	char *driver = fl_report_clean(p->m->gpu_driver.value), *cuda = fl_report_clean(p->m->cuda.value);

	if (*driver)
		fl_text_add(p->out, ", NVIDIA driver %s", driver);
	if (*cuda)
		fl_text_add(p->out, "%sfor CUDA up to %s", *driver ? " " : ", a driver ", cuda);
	free(driver);
	free(cuda);
}

/* "host: CPU model, 192 CPUs, 2 nodes, 2.16 TB" and what it runs on. */
static void print_head(const struct page *p)
{
	const struct fl_machine *m = p->m;
	unsigned cpus = fl_cpus_count(&m->cpus);
	const char *below = m->hypervisor.value ? m->hypervisor.value : m->hypervisor.why;
	char *host = fl_report_clean(m->host), *model = fl_report_clean(m->cpu_model);
	char *kernel = fl_report_clean(m->kernel), *arch = fl_report_clean(m->arch),
	     *hypervisor = fl_report_clean(below);
	size_t gpus = 0;

	for (size_t i = 0; i < m->gpus_n; i++)
		gpus += !m->gpus[i].parent;
	fl_text_add(p->out, "%s: %s, %u CPU%s, %zu node%s, %zu GPU%s\n", host, model, cpus, cpus == 1 ? "" : "s",
		    m->nodes_n, m->nodes_n == 1 ? "" : "s", gpus, gpus == 1 ? "" : "s");
	fl_text_add(p->out, "Linux %s %s, %s%s", kernel, arch,
		    m->hypervisor.value ? "a virtual machine on "
		    : m->bare_metal	? ""
					: "virtual or not is unknown: ",
		    hypervisor);
	print_driver(p);
	fl_text_add(p->out, "\n");
	free(host);
	free(model);
	free(kernel);
	free(arch);
	free(hypervisor);
}

/* "no memory limit", "memory 8 GiB", "memory limit unknown (...)" */
static void add_limit(struct fl_text *out, const char *what, const struct fl_known *limit, bool is_bytes)
{
	char shown[FL_UNIT_TEXT];

	if (isnan(limit->value) && limit->why && strcmp(limit->why, "no limit is set") == 0)
		fl_text_add(out, ", no %s limit", what);
	else if (isnan(limit->value) && limit->why && strcmp(limit->why, "unlimited") == 0)
		fl_text_add(out, ", %s unlimited", what);
	else if (isnan(limit->value))
		fl_text_add(out, ", %s limit unknown (%s)", what, limit->why ? limit->why : "no reason is given");
	else if (is_bytes)
		fl_text_add(out, ", %s at most %s", what, fl_show_bytes(shown, (uint64_t)limit->value));
	else
		fl_text_add(out, ", %s at most %g CPUs", what, limit->value);
}

static void print_limits(const struct page *p)
{
	const struct fl_limits *limits = &p->m->limits;
	struct fl_text t = { 0 };
	char *clean;

	if (fl_cpus_equal(&limits->cpus, &p->m->cpus)) {
		fl_text_add(&t, "all CPUs");
	} else {
		fl_text_add(&t, "only ");
		add_cpus(&t, &limits->cpus);
	}
	add_limit(&t, "CPU time", &limits->cpu_quota, false);
	add_limit(&t, "memory", &limits->memory_bytes, true);
	add_limit(&t, "locked memory", &limits->memlock_bytes, true);
	if (!isnan(limits->cgroup_version.value))
		fl_text_add(&t, " (cgroup v%g)", limits->cgroup_version.value);
	clean = fl_report_clean(fl_text_str(&t));
	fl_text_add(p->out, "\nThis process may use ");
	fl_report_wrap(p->out, clean, strlen("This process may use "), 2, fl_report_width(p->look));
	free(clean);
	fl_text_release(&t);
}

/* Those that begin with this character; what is wrong comes first, what is not known last. */
static void print_notes(const struct page *p, char first)
{
	for (size_t i = 0; i < p->notes_n; i++) {
		char *clean = p->notes[i][0] == first ? fl_report_clean(p->notes[i]) : NULL;

		if (clean)
			fl_report_wrap(p->out, clean, 0, 2, fl_report_width(p->look));
		free(clean);
	}
}

static void release(struct page *p)
{
	for (size_t i = 0; i < p->lines_n; i++)
		for (int c = 0; c < COLUMNS; c++)
			free(p->lines[i].cells[c]);
	for (size_t i = 0; i < p->notes_n; i++)
		free(p->notes[i]);
	free(p->lines);
	free(p->beneath);
}

void fl_report_machine(const struct fl_machine *m, const struct fl_look *look, struct fl_text *out)
{
	struct page p = { .m = m, .look = look, .out = out };

	find_mounts(&p);
	add_lines(&p);
	print_head(&p);
	for (size_t i = 0; i < m->nodes_n; i++)
		print_node(&p, &m->nodes[i]);
	for (size_t i = 0, said = 0; i < p.lines_n; i++)
		if (p.lines[i].node < 0 && !said++)
			fl_text_add(out, "\nnode not known\n");
	print_lines(&p, -1);
	fl_report_switches(m, look, out);
	print_limits(&p);
	if (p.notes_n)
		fl_text_add(out, "\n");
	for (const char *first = "!~v-"; *first; first++)
		print_notes(&p, *first);
	release(&p);
}
