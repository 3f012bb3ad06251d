/* SPDX-License-Identifier: Apache-2.0 */
/* watched.c: series to figures, one for each metric of each device. */
#include "reports/watched.h"
#include "base/alloc.h"
#include "base/stats.h"
#include "base/text.h"
#include "record/series.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- collecting: places are those of devices by id, since many hosts have many of them */

struct collecting {
	struct fl_beside b;
	json_t *places, *hosts; /* by name */
};

/* "n3/nvme-S1" is nvme-S1 of n3, where the run has a host of that name. */
static void find_host(const struct collecting *c, struct fl_device_seen *d)
{
	const char *slash = strchr(d->id, '/');
	const json_t *number;
	char *name;

	if (!slash)
		return;
	name = fl_format("%.*s", (int)(slash - d->id), d->id);
	number = json_object_get(c->hosts, name);
	free(name);
	if (!number)
		return;
	d->host = (size_t)json_integer_value(number);
	d->device = slash + 1;
}

static struct fl_device_seen *find_device(struct collecting *c, const char *id)
{
	const json_t *place = json_object_get(c->places, id);
	struct fl_device_seen *d;

	if (place)
		return &c->b.devices[json_integer_value(place)];
	c->b.devices = fl_grow(c->b.devices, c->b.n + 1, sizeof(*c->b.devices));
	d = &c->b.devices[c->b.n];
	*d = (struct fl_device_seen){ .id = id, .device = id };
	find_host(c, d);
	d->is_own = strcmp(d->device, "feedline") == 0;
	json_object_set_new(c->places, id, json_integer((json_int_t)c->b.n++));
	return d;
}

const struct fl_figure *fl_beside_get(const struct fl_device_seen *d, const char *metric)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->figures[i].metric, metric))
			return &d->figures[i];
	return NULL;
}

static struct fl_figure *find_figure(struct fl_device_seen *d, const char *metric)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->figures[i].metric, metric))
			return &d->figures[i];
	d->figures = fl_grow(d->figures, d->n + 1, sizeof(*d->figures));
	d->figures[d->n] = (struct fl_figure){ .metric = metric, .low = NAN, .high = NAN, .last = NAN };
	return &d->figures[d->n++];
}

static void add(struct collecting *c, const struct fl_watched *w)
{
	struct fl_watched_summary sum = fl_watched_summarize(&w->series);
	struct fl_figure *f;

	if (sum.n == 0)
		return;
	f = find_figure(find_device(c, w->subject), w->series.metric);
	f->medians = fl_grow(f->medians, f->n + 1, sizeof(*f->medians));
	f->medians[f->n++] = sum.median;
	f->low = fmin(f->low, sum.low);
	f->high = fmax(f->high, sum.high);
	f->sum += sum.sum;
	f->rose += sum.rose > 0 ? sum.rose : 0;
	f->last = w->series.value[w->series.n - 1];
}

struct fl_beside fl_beside_collect(const struct fl_run *run)
{
	struct collecting c = { .places = json_object(), .hosts = json_object() };

	for (size_t i = 0; i < run->hosts_n; i++)
		json_object_set_new(c.hosts, run->hosts[i].name, json_integer((json_int_t)i));
	for (size_t i = 0; i < run->watched_n; i++)
		add(&c, &run->watched[i]);
	json_decref(c.places);
	json_decref(c.hosts);
	return c.b;
}

void fl_beside_release(struct fl_beside *b)
{
	for (size_t i = 0; i < b->n; i++) {
		for (size_t k = 0; k < b->devices[i].n; k++)
			free(b->devices[i].figures[k].medians);
		free(b->devices[i].figures);
	}
	free(b->devices);
	*b = (struct fl_beside){ 0 };
}

double fl_figure_median(const struct fl_figure *f)
{
	return fl_median(f->medians, f->n);
}

/* ---- in words */

/* (On a machine of many CPUs that has nothing else to do, one task or another waits for a CPU in 1 to 3 % of the
 * time.) */
const struct fl_figure_words fl_figure_words[] = {
	{ "sm_busy_ratio", "GPU busy", "busy", NULL, 1, -1, FL_RANGE, false },
	{ "power_w", "GPU power", "power", " W", 1, 0, FL_RANGE, false },
	{ "temperature_c", "GPU temperature", "at", " C", 1, 0, FL_RANGE, false },
	{ "sm_clock_hz", "GPU clock", "clock", " MHz", 1e-6, 0, FL_RANGE, true },
	{ "memory_clock_hz", "GPU memory clock", "memory clock", " MHz", 1e-6, 0, FL_RANGE, true },
	{ "pcie_gen", "GPU PCIe generation", "PCIe generation", "", 1, 0, FL_AS_IT_IS, true },
	{ "pcie_lanes", "GPU PCIe lanes", "lanes", "", 1, 0, FL_AS_IT_IS, true },
	{ "pcie_received_bytes_per_s", "GPU received over PCIe", "received", NULL, 1, 1e6, FL_RANGE, false },
	{ "pcie_sent_bytes_per_s", "GPU sent over PCIe", "sent", NULL, 1, 1e6, FL_RANGE, false },
	{ "read_bytes_per_s", "drive read", "read", NULL, 1, 1e6, FL_RANGE, false },
	{ "written_bytes_per_s", "drive written", "written", NULL, 1, 1e6, FL_RANGE, false },
	{ "busy_ratio", "drive busy", "busy", NULL, 1, 0.05, FL_RANGE, false },
	{ "in_flight", "drive in flight", "in flight", "", 1, 1, FL_RANGE, false },
	{ "received_bytes_per_s", "NIC received", "received", NULL, 1, 1e6, FL_RANGE, false },
	{ "sent_bytes_per_s", "NIC sent", "sent", NULL, 1, 1e6, FL_RANGE, false },
	{ "rdma_received_bytes_per_s", "NIC RDMA received", "RDMA received", NULL, 1, 1e6, FL_RANGE, false },
	{ "rdma_sent_bytes_per_s", "NIC RDMA sent", "RDMA sent", NULL, 1, 1e6, FL_RANGE, false },
	{ "cpu_busy_ratio", "CPUs busy", "CPUs busy", NULL, 1, 0.05, FL_RANGE, false },
	{ "cpu_pressure_ratio", "waited for CPUs", "waited for CPUs", NULL, 1, 0.05, FL_RANGE, false },
	{ "memory_pressure_ratio", "waited for memory", "waited for memory", NULL, 1, 0.01, FL_RANGE, false },
	{ "io_pressure_ratio", "waited for I/O", "waited for I/O", NULL, 1, 0.01, FL_RANGE, false },
	{ "errors", "NIC errors", "errors", "", 1, 0, FL_ROSE, false },
	{ "drops", "NIC drops", "drops", "", 1, 0, FL_ROSE, false },
	{ "pcie_replays", "GPU PCIe replays", "PCIe replays", "", 1, 0, FL_ROSE, false },
	{ "nvlink_errors", "NVLink errors", "NVLink errors", "", 1, 0, FL_ROSE, false },
	{ "ecc_corrected", "GPU corrected memory errors", "corrected memory errors", "", 1, 0, FL_ROSE, false },
	{ "ecc_uncorrected", "GPU uncorrected memory errors", "uncorrected memory errors", "", 1, 0, FL_ROSE, false },
	{ "remapped_rows", "GPU replaced memory rows", "replaced memory rows", "", 1, 0, FL_ROSE, false },
	{ "xid", "Xid of a GPU", "Xid", "", 1, 0, FL_EVENT, false },
	{ 0 },
};

const char *fl_figure_show(char buf[FL_UNIT_TEXT], const struct fl_figure_words *words, double value)
{
	if (words->unit)
		snprintf(buf, FL_UNIT_TEXT, "%.0f%s", value * words->scale, words->unit);
	else if (strstr(words->metric, "_ratio"))
		fl_show_percent(buf, value);
	else
		fl_show_metric(buf, words->metric, value);
	return buf;
}

/* ---- what it cost */

static double sum_of(const struct fl_device_seen *own, const char *metric)
{
	const struct fl_figure *f = fl_beside_get(own, metric);

	return f ? f->sum : 0;
}

/* Of one host. */
static void add_cost(const struct fl_device_seen *own, double wall_ns, struct fl_watching_cost *cost)
{
	const struct fl_figure *longest = fl_beside_get(own, "longest_call_ns");
	double ratio = (sum_of(own, "cpu_ns") + sum_of(own, "agent_cpu_ns")) / wall_ns;

	if (!(ratio <= cost->cpu_ratio)) {
		cost->cpu_ratio = ratio;
		cost->cpu_host = own->host;
	}
	if (longest && !(longest->high <= cost->longest_ns)) {
		cost->longest_ns = longest->high;
		cost->longest_host = own->host;
	}
	cost->calls += sum_of(own, "calls");
}

bool fl_beside_cost(const struct fl_beside *b, struct fl_watching_cost *ret)
{
	struct fl_watching_cost cost = { .cpu_ratio = NAN, .longest_ns = NAN };

	for (size_t i = 0; i < b->n; i++) {
		const struct fl_device_seen *d = &b->devices[i];
		double wall_ns = d->is_own ? sum_of(d, "wall_ns") : 0;

		if (wall_ns > 0)
			add_cost(d, wall_ns, &cost);
	}
	*ret = cost;
	return !isnan(cost.cpu_ratio);
}
