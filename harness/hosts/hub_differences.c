/* SPDX-License-Identifier: Apache-2.0 */
/* hub_differences.c: what is not the same on all hosts. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "hosts/hub.h"
#include "hosts/names.h"
#include "plan/plan.h"
#include "record/export.h"
#include "record/store.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 48, VALUES_MAX = 6, NAMES_MAX = 6, LIBRARIES_MAX = 32 };
#define UNKNOWN	 "unknown"
#define ALL_CPUS "all"

/* One thing that is compared: what a host said of itself, or what its machine is. Texts are malloc'd. */
struct row {
	const char *what;
	/* arg: the row's. host NULL: what the hub itself has; NULL: it has no such thing. */
	char *(*said)(const struct fl_hub *hub, const struct fl_hub_host *host, const char *arg);
	const char *arg;
	char *(*is)(const struct fl_machine *m);
	bool bars;
};

struct value {
	char *text;
	const struct fl_hub_host *host; /* NULL: the hub */
	unsigned rank;			/* those of the hub stand last */
};

/* Of hosts that have the same. */
struct group {
	const struct value *first;
	size_t n;
};

/* ---- values */

static char *text_or_unknown(const char *text)
{
	return fl_dup(text && *text ? text : UNKNOWN);
}

static char *version_of(const struct fl_hub *hub, const struct fl_hub_host *host, const char *arg)
{
	(void)hub;
	return text_or_unknown(host ? fl_json_text_or_null(host->hello, arg) : FEEDLINE_VERSION);
}

static int own_schema(const char *name)
{
	if (!strcmp(name, "plan"))
		return FL_PLAN_SCHEMA;
	return !strcmp(name, "store") ? (int)FL_STORE_SCHEMA : (int)FL_EXPORT_SCHEMA;
}

static char *schema_of(const struct fl_hub *hub, const struct fl_hub_host *host, const char *arg)
{
	const json_t *value;

	(void)hub;
	if (!host)
		return fl_format("%d", own_schema(arg));
	value = json_object_get(json_object_get(host->hello, "schemas"), arg);
	return json_is_integer(value) ? fl_format("%lld", (long long)json_integer_value(value)) : fl_dup(UNKNOWN);
}

/* The first digits of a digest are enough to tell them apart. */
static char *catalog_of(const struct fl_hub *hub, const struct fl_hub_host *host, const char *arg)
{
	const char *digest = host ? fl_json_text_or_null(host->hello, arg) : hub->catalog_digest;

	if (!hub->catalog_digest && !host)
		return NULL;
	return digest ? fl_format("%.12s", digest) : fl_dup(UNKNOWN);
}

static char *hello_text(const struct fl_hub *hub, const struct fl_hub_host *host, const char *arg)
{
	(void)hub;
	return host ? text_or_unknown(fl_json_text_or_null(host->hello, arg)) : NULL;
}

static char *kernel_of(const struct fl_machine *m)
{
	return text_or_unknown(m->kernel);
}

static char *arch_of(const struct fl_machine *m)
{
	return text_or_unknown(m->arch);
}

static char *cpu_model_of(const struct fl_machine *m)
{
	return text_or_unknown(m->cpu_model);
}

static char *cpus_of(const struct fl_machine *m)
{
	return fl_format("%u", fl_cpus_count(&m->cpus));
}

static char *allowed_of(const struct fl_machine *m)
{
	struct fl_cpus both = fl_cpus_and(&m->cpus, &m->limits.cpus);

	if (fl_cpus_count(&m->limits.cpus) == 0 || fl_cpus_equal(&both, &m->cpus))
		return fl_dup(ALL_CPUS);
	return fl_format("%u of %u", fl_cpus_count(&both), fl_cpus_count(&m->cpus));
}

static char *quota_of(const struct fl_machine *m)
{
	char text[FL_UNIT_TEXT];

	if (isnan(m->limits.cpu_quota.value))
		return fl_dup("none");
	return fl_format("%s CPUs", fl_show_number(text, m->limits.cpu_quota.value));
}

static char *bytes_of(const struct fl_known *known)
{
	char text[FL_UNIT_TEXT];

	return known->value >= 0 && known->value < 1e18 ? fl_dup(fl_show_bytes(text, (uint64_t)known->value))
							: fl_dup("none");
}

static char *memory_limit_of(const struct fl_machine *m)
{
	return bytes_of(&m->limits.memory_bytes);
}

static char *memlock_of(const struct fl_machine *m)
{
	return bytes_of(&m->limits.memlock_bytes);
}

static char *gpus_of(const struct fl_machine *m)
{
	if (m->gpus_n == 0)
		return fl_dup("none");
	return fl_format("%zu, the first %s", m->gpus_n, m->gpus[0].model.value ? m->gpus[0].model.value : UNKNOWN);
}

static char *gpu_driver_of(const struct fl_machine *m)
{
	return fl_dup(m->gpu_driver.value ? m->gpu_driver.value : "none");
}

static char *library_of(const struct fl_hub *hub, const struct fl_hub_host *host, const char *arg)
{
	const char *version;

	(void)hub;
	if (!host)
		return NULL;
	version = fl_json_text_or_null(json_object_get(host->environment, "libraries"), arg);
	return fl_dup(version ? version : "none");
}

#define SAID(what, value, arg)                                                                                         \
	{                                                                                                              \
		what, value, arg, NULL, false                                                                          \
	}
#define BARRED(what, value, arg)                                                                                       \
	{                                                                                                              \
		what, value, arg, NULL, true                                                                           \
	}
#define IS(what, value)                                                                                                \
	{                                                                                                              \
		what, NULL, NULL, value, false                                                                         \
	}

static const struct row rows[] = {
	BARRED("feedline", version_of, "version"),
	BARRED("plan schema", schema_of, "plan"),
	BARRED("store schema", schema_of, "store"),
	BARRED("export schema", schema_of, "export"),
	BARRED("benchmarks", catalog_of, "catalog"),
	IS("kernel", kernel_of),
	IS("architecture", arch_of),
	IS("CPU model", cpu_model_of),
	IS("CPUs", cpus_of),
	IS("CPUs allowed", allowed_of),
	IS("CPU quota", quota_of),
	IS("memory limit", memory_limit_of),
	IS("locked memory", memlock_of),
	IS("GPUs", gpus_of),
	IS("GPU driver", gpu_driver_of),
	SAID("interface", hello_text, "interface"),
	SAID("network", hello_text, "network"),
};

/* ---- groups */

static int by_text(const void *a, const void *b)
{
	const struct value *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static int by_size(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return (x->first->rank > y->first->rank) - (x->first->rank < y->first->rank);
}

/* What hosts say is printed: one line, of characters that every terminal has. */
static void make_plain(char *text)
{
	if (strlen(text) > VALUE_MAX)
		memcpy(text + VALUE_MAX - 3, "...", 4);
	for (unsigned char *c = (unsigned char *)text; *c; c++)
		if (*c < ' ' || *c >= 0x7f)
			*c = '?';
}

static char *value_of(const struct fl_hub *hub, const struct fl_hub_host *host, const struct row *row)
{
	if (row->said)
		return row->said(hub, host, row->arg);
	return host ? row->is(host->machine) : NULL;
}

/* malloc'd; *ret_n of them, by text. */
static struct value *values_of(const struct fl_hub *hub, const struct row *row, size_t *ret_n)
{
	struct value *values = fl_zalloc(hub->n + 1, sizeof(*values));
	size_t n = 0;

	for (size_t i = 0; i <= hub->n; i++) {
		const struct fl_hub_host *host = i < hub->n ? &hub->hosts[i] : NULL;
		char *text;

		if (host && (!host->hello || !host->machine))
			continue;
		text = value_of(hub, host, row);
		if (!text)
			continue;
		make_plain(text);
		values[n++] = (struct value){ text, host, (unsigned)i };
	}
	qsort(values, n, sizeof(*values), by_text);
	*ret_n = n;
	return values;
}

static size_t group(const struct value *values, size_t n, struct group *ret)
{
	size_t groups_n = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(values[i].text, values[i - 1].text) != 0)
			ret[groups_n++] = (struct group){ .first = &values[i] };
		ret[groups_n - 1].n++;
	}
	qsort(ret, groups_n, sizeof(*ret), by_size);
	return groups_n;
}

/* ---- the table */

static void add_names(const struct group *g, struct fl_text *out)
{
	const char **names = fl_zalloc(g->n, sizeof(*names));

	for (size_t i = 0; i < g->n; i++)
		names[i] = g->first[i].host ? g->first[i].host->name : "the hub";
	fl_names_collapse(names, g->n, NAMES_MAX, out);
	free(names);
}

static void add_groups(const struct row *row, const struct group *groups, size_t n, struct fl_text *out)
{
	char *what = fl_format("%s%s", row->what, row->bars ? " *" : "");

	for (size_t i = 0; i < n && i < VALUES_MAX; i++) {
		fl_text_add(out, "  %-18s %-*s  ", i ? "" : what, VALUE_MAX / 2, groups[i].first->text);
		add_names(&groups[i], out);
		fl_text_add(out, "\n");
	}
	if (n > VALUES_MAX)
		fl_text_add(out, "  %-18s and %zu more\n", "", n - VALUES_MAX);
	free(what);
}

static bool is_worth_a_row(const struct row *row, const struct group *groups, size_t n)
{
	return n > 1 || (n == 1 && row->is == allowed_of && strcmp(groups[0].first->text, ALL_CPUS) != 0);
}

static void add_row(const struct fl_hub *hub, const struct row *row, struct fl_text *out, unsigned *bars)
{
	size_t n, groups_n;
	struct value *values = values_of(hub, row, &n);
	struct group *groups = fl_zalloc(n + 1, sizeof(*groups));

	groups_n = group(values, n, groups);
	if (is_worth_a_row(row, groups, groups_n)) {
		add_groups(row, groups, groups_n, out);
		*bars += row->bars;
	}
	for (size_t i = 0; i < n; i++)
		free(values[i].text);
	free(values);
	free(groups);
}

static bool is_listed(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], name))
			return true;
	return false;
}

/* The names of all libraries that any host has. */
static size_t libraries_of(const struct fl_hub *hub, const char *ret[LIBRARIES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < hub->n; i++) {
		json_t *libraries = json_object_get(hub->hosts[i].environment, "libraries"), *version;
		const char *name;

		json_object_foreach(libraries, name, version) if (n < LIBRARIES_MAX && json_is_string(version) &&
								  !is_listed(ret, n, name)) ret[n++] = name;
	}
	return n;
}

static void add_libraries(const struct fl_hub *hub, struct fl_text *out)
{
	const char *names[LIBRARIES_MAX];
	size_t n = libraries_of(hub, names);
	unsigned bars = 0;

	for (size_t i = 0; i < n; i++) {
		char *what = fl_format("%.16s", names[i]);
		struct row row = { what, library_of, names[i], NULL, false };

		make_plain(what);
		add_row(hub, &row, out, &bars);
		free(what);
	}
}

char *fl_hub_differences(const struct fl_hub *hub, unsigned *ret_bars)
{
	struct fl_text table = { 0 };
	char *text;
	unsigned bars = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		add_row(hub, &rows[i], &table, &bars);
	add_libraries(hub, &table);
	*ret_bars = bars;
	if (table.n == 0)
		return NULL;
	text = fl_format("the hosts are not alike:\n%s%s", fl_text_str(&table),
			 bars ? "  * must be the same: install the same feedline on all hosts\n" : "");
	fl_text_release(&table);
	return text;
}
