/* SPDX-License-Identifier: Apache-2.0 */
/* watch_host.c: what the kernel counts of drives, NICs, CPUs, memory and pressure. Files that hold all of a kind are
 * read once for all subjects. */
#include "base/alloc.h"
#include "base/json.h"
#include "watch.h"
#include <ctype.h>
#include <errno.h>
#include <feedline/clock.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_BYTES = 4 << 20, SECTOR_BYTES = 512, RDMA_WORD_BYTES = 4, RATES_MAX = 4, SUBJECTS_MAX = 4096 };

enum kind { DRIVE, NIC, NODE, SYSTEM, KINDS };
enum drive_metric { READ, WRITTEN, IN_FLIGHT, BUSY };
enum nic_metric { RECEIVED, SENT, ERRORS, DROPS, RDMA_RECEIVED, RDMA_SENT };
enum node_metric { CPU_BUSY, FREE };
enum system_metric { CPU_PRESSURE, MEMORY_PRESSURE, IO_PRESSURE };

static const struct {
	const char *name;
	const char *metrics[6];
	size_t metrics_n;
} kinds[KINDS] = {
	[DRIVE] = { "drive", { "read_bytes_per_s", "written_bytes_per_s", "in_flight", "busy_ratio" }, 4 },
	[NIC] = { "nic",
		  { "received_bytes_per_s", "sent_bytes_per_s", "errors", "drops", "rdma_received_bytes_per_s",
		    "rdma_sent_bytes_per_s" },
		  6 },
	[NODE] = { "node", { "cpu_busy_ratio", "memory_free_bytes" }, 2 },
	[SYSTEM] = { "system", { "cpu_pressure_ratio", "memory_pressure_ratio", "io_pressure_ratio" }, 3 },
};

struct subject {
	enum kind kind;
	char *name;	     /* of a drive as in diskstats, of an interface; of a node "node0" */
	char *rdma;	     /* directory of its counters; NULL: none */
	struct fl_cpus cpus; /* of a node */
	struct watch_rate rates[RATES_MAX];
	double free_ticks, all_ticks; /* of its CPUs, at the last look */
	double values[6];
	struct watch_series series;
};

struct watch_host {
	const struct sense_root *root;
	struct subject **subjects;
	size_t n;
};

/* ---- reading */

static void read_table(const struct watch_host *host, const char *dir, const char *name, struct fl_text *out,
		       struct watch_cost *cost)
{
	uint64_t began_ns = fl_now_ns();

	sense_bytes(host->root, dir, name, TABLE_BYTES, out);
	watch_cost_add(cost, began_ns);
}

/* The next number >= 0 in the line; NaN: there is none. */
static double next_number(const char **at)
{
	const char *p = *at + strspn(*at, " \t");
	double number = 0;

	if (!isdigit((unsigned char)*p))
		return NAN;
	for (; isdigit((unsigned char)*p); p++)
		number = number * 10 + (*p - '0');
	*at = p;
	return number;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static struct subject *find(const struct watch_host *host, enum kind kind, const char *name, size_t n)
{
	for (size_t i = 0; i < host->n; i++) {
		struct subject *s = host->subjects[i];

		if (s->kind == kind && s->name && strlen(s->name) == n && !strncmp(s->name, name, n))
			return s;
	}
	return NULL;
}

/* ---- drives: "259 0 nvme0n1 reads merged sectors ms writes merged sectors ms in_flight busy_ms ..." */

static void take_drive(struct subject *s, const char *at, uint64_t at_ns)
{
	double columns[10];

	for (size_t i = 0; i < 10; i++)
		columns[i] = next_number(&at);
	s->values[READ] = watch_rate_next(&s->rates[0], at_ns, columns[2] * SECTOR_BYTES);
	s->values[WRITTEN] = watch_rate_next(&s->rates[1], at_ns, columns[6] * SECTOR_BYTES);
	s->values[IN_FLIGHT] = columns[8];
	s->values[BUSY] = watch_rate_next(&s->rates[2], at_ns, columns[9] / 1e3);
	if (s->values[BUSY] > 1) /* it is counted in ms, and we look at a time of our own */
		s->values[BUSY] = 1;
}

static void look_at_drives(struct watch_host *host, struct watch_cost *cost)
{
	struct fl_text text = { 0 };
	uint64_t at_ns = fl_now_ns();

	read_table(host, "/proc", "diskstats", &text, cost);
	for (const char *line = fl_text_str(&text); *line; line = next_line(line)) {
		const char *at = line;
		struct subject *s;
		size_t n;

		next_number(&at);
		next_number(&at);
		at += strspn(at, " \t");
		n = strcspn(at, " \t\n");
		s = find(host, DRIVE, at, n);
		if (s)
			take_drive(s, at + n, at_ns);
	}
	fl_text_release(&text);
}

/* ---- NICs: "  eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop ..." */

static double number_in(const struct watch_host *host, const char *dir, const char *name, struct watch_cost *cost)
{
	uint64_t began_ns = fl_now_ns();
	double number = NAN;

	sense_number(host->root, dir, name, &number);
	watch_cost_add(cost, began_ns);
	return number;
}

static void take_interface(struct subject *s, const char *at, uint64_t at_ns)
{
	double columns[12];

	for (size_t i = 0; i < 12; i++)
		columns[i] = next_number(&at);
	s->values[RECEIVED] = watch_rate_next(&s->rates[0], at_ns, columns[0]);
	s->values[SENT] = watch_rate_next(&s->rates[1], at_ns, columns[8]);
	s->values[ERRORS] = columns[2] + columns[10];
	s->values[DROPS] = columns[3] + columns[11];
}

static void look_at_nics(struct watch_host *host, struct watch_cost *cost)
{
	struct fl_text text = { 0 };
	uint64_t at_ns = fl_now_ns();

	read_table(host, "/proc", "net/dev", &text, cost);
	for (const char *line = fl_text_str(&text); *line; line = next_line(line)) {
		const char *name = line + strspn(line, " \t");
		size_t n = strcspn(name, ":\n");
		struct subject *s = name[n] == ':' ? find(host, NIC, name, n) : NULL;

		if (s)
			take_interface(s, name + n + 1, at_ns);
	}
	fl_text_release(&text);
	for (size_t i = 0; i < host->n; i++) {
		struct subject *s = host->subjects[i];

		if (!s->rdma)
			continue;
		at_ns = fl_now_ns();
		s->values[RDMA_RECEIVED] = watch_rate_next(
			&s->rates[2], at_ns, RDMA_WORD_BYTES * number_in(host, s->rdma, "port_rcv_data", cost));
		s->values[RDMA_SENT] = watch_rate_next(
			&s->rates[3], at_ns, RDMA_WORD_BYTES * number_in(host, s->rdma, "port_xmit_data", cost));
	}
}

/* ---- nodes: "cpu3 user nice system idle iowait irq softirq steal"; "Node 0 MemFree:  123 kB" */

static void add_cpu(struct watch_host *host, unsigned cpu, const char *at, double *free_ticks, double *all_ticks)
{
	double ticks, sum = 0, spare = 0;

	for (size_t i = 0; i < 8 && isfinite(ticks = next_number(&at)); i++) {
		sum += ticks;
		spare += i == 3 || i == 4 ? ticks : 0;
	}
	for (size_t i = 0; i < host->n; i++) {
		if (host->subjects[i]->kind != NODE || !fl_cpus_has(&host->subjects[i]->cpus, cpu))
			continue;
		free_ticks[i] += spare;
		all_ticks[i] += sum;
	}
}

static void look_at_cpus(struct watch_host *host, struct watch_cost *cost)
{
	double *free_ticks = fl_zalloc(host->n + 1, sizeof(*free_ticks));
	double *all_ticks = fl_zalloc(host->n + 1, sizeof(*all_ticks));
	struct fl_text text = { 0 };

	read_table(host, "/proc", "stat", &text, cost);
	for (const char *line = fl_text_str(&text); !strncmp(line, "cpu", 3); line = next_line(line)) {
		const char *at = line + 3;
		double cpu = isdigit((unsigned char)*at) ? next_number(&at) : FL_CPUS_MAX;

		if (cpu < FL_CPUS_MAX)
			add_cpu(host, (unsigned)cpu, at, free_ticks, all_ticks);
	}
	for (size_t i = 0; i < host->n; i++) {
		struct subject *s = host->subjects[i];
		double all = all_ticks[i] - s->all_ticks, spare = free_ticks[i] - s->free_ticks;

		if (s->kind != NODE || all_ticks[i] <= 0)
			continue;
		if (s->all_ticks > 0 && all > 0 && spare >= 0)
			s->values[CPU_BUSY] = fmax(0, 1 - spare / all);
		s->all_ticks = all_ticks[i];
		s->free_ticks = free_ticks[i];
	}
	fl_text_release(&text);
	free(free_ticks);
	free(all_ticks);
}

static void look_at_memory(struct watch_host *host, struct subject *s, struct watch_cost *cost)
{
	char *dir = fl_format("/sys/devices/system/node/%s", s->name);
	struct fl_text text = { 0 };
	const char *at;

	read_table(host, dir, "meminfo", &text, cost);
	at = strstr(fl_text_str(&text), "MemFree:");
	if (at) {
		at += strlen("MemFree:");
		s->values[FREE] = next_number(&at) * 1024;
	}
	fl_text_release(&text);
	free(dir);
}

/* ---- pressure: "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345", in microseconds */

static void look_at_pressure(struct watch_host *host, struct subject *s, struct watch_cost *cost)
{
	static const char *const files[] = { "pressure/cpu", "pressure/memory", "pressure/io" };

	for (size_t i = 0; i < 3; i++) {
		struct fl_text text = { 0 };
		uint64_t at_ns = fl_now_ns();
		const char *at;

		read_table(host, "/proc", files[i], &text, cost);
		at = strstr(fl_text_str(&text), "total=");
		if (at) {
			at += strlen("total=");
			s->values[i] = watch_rate_next(&s->rates[i], at_ns, next_number(&at) / 1e6);
		}
		fl_text_release(&text);
	}
}

/* ---- the whole */

static bool has_kind(const struct watch_host *host, enum kind kind)
{
	for (size_t i = 0; i < host->n; i++)
		if (host->subjects[i]->kind == kind)
			return true;
	return false;
}

static void look_at_rest(struct watch_host *host, struct watch_cost *cost)
{
	if (has_kind(host, NODE))
		look_at_cpus(host, cost);
	for (size_t i = 0; i < host->n; i++) {
		if (host->subjects[i]->kind == NODE)
			look_at_memory(host, host->subjects[i], cost);
		if (host->subjects[i]->kind == SYSTEM)
			look_at_pressure(host, host->subjects[i], cost);
	}
}

void watch_host_look(struct watch_host *host, bool all, struct watch_cost *cost)
{
	for (size_t i = 0; i < host->n; i++)
		for (size_t k = 0; k < 6; k++)
			host->subjects[i]->values[k] = NAN;
	if (has_kind(host, DRIVE))
		look_at_drives(host, cost);
	if (has_kind(host, NIC))
		look_at_nics(host, cost);
	if (all)
		look_at_rest(host, cost);
	for (size_t i = 0; i < host->n; i++) {
		struct subject *s = host->subjects[i];

		if (all || s->kind == DRIVE || s->kind == NIC)
			watch_series_add(&s->series, fl_now_ns(), s->values);
	}
}

size_t watch_host_count(const struct watch_host *host)
{
	return host->n;
}

struct watch_series *watch_host_series(struct watch_host *host, size_t i)
{
	return &host->subjects[i]->series;
}

/* ---- what to look at */

static struct subject *add(struct watch_host *host, enum kind kind, const char *id)
{
	struct subject *s = fl_zalloc(1, sizeof(*s));

	s->kind = kind;
	s->series = (struct watch_series){ .subject = fl_dup(id),
					   .metrics = kinds[kind].metrics,
					   .metrics_n = kinds[kind].metrics_n };
	host->subjects = fl_grow(host->subjects, host->n + 1, sizeof(struct subject *));
	host->subjects[host->n++] = s;
	return s;
}

struct watch_host *watch_host_make(const struct sense_root *root)
{
	struct watch_host *host = fl_zalloc(1, sizeof(*host));

	host->root = root;
	add(host, SYSTEM, "system");
	return host;
}

/* A name that becomes part of a path holds no slash. */
static bool is_plain(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

/* sysfs has '!' where the kernel's name has a slash. */
static char *block_name(const char *name)
{
	char *copy = fl_dup(name);

	for (char *p = copy; *p; p++)
		if (*p == '!')
			*p = '/';
	return copy;
}

static int fill(const struct watch_host *host, struct subject *s, const json_t *message, const char *name,
		struct fl_err *err)
{
	const char *rdma = fl_json_text_or_null(message, "rdma");
	char *counters = rdma && is_plain(rdma) ? fl_format("/sys/class/infiniband/%s/ports/1/counters", rdma) : NULL;

	s->name = s->kind == DRIVE ? block_name(name) : fl_dup(name);
	if (s->kind == NIC && counters && sense_exists(host->root, counters, "port_rcv_data"))
		s->rdma = fl_dup(counters);
	free(counters);
	return s->kind == NODE ? fl_json_cpus(message, "watch", "cpus", &s->cpus, err) : 0;
}

int watch_host_add(struct watch_host *host, const json_t *message, struct fl_err *err)
{
	const char *kind, *id, *name;
	unsigned k = 0;
	int rc = fl_json_text(message, "watch", "kind", &kind, err);

	if (rc == 0)
		rc = fl_json_text(message, "watch", "subject", &id, err);
	if (rc == 0)
		rc = fl_json_text(message, "watch", "name", &name, err);
	if (rc < 0)
		return rc;
	while (k < SYSTEM && strcmp(kinds[k].name, kind) != 0)
		k++;
	if (k == SYSTEM || !is_plain(name) || host->n == SUBJECTS_MAX)
		return fl_fail(err, -EINVAL, "'%s' called '%s' cannot be watched", kind, name);
	return fill(host, add(host, (enum kind)k, id), message, name, err);
}
