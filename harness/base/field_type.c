/* SPDX-License-Identifier: Apache-2.0 */
/* field_type.c: the types of declared rows by name, what --help shows in place of a value, and a value in words. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/units.h"
#include <string.h>

static const char *const names[] = {
	[FL_COUNT] = "count",	[FL_BYTES] = "bytes", [FL_NS] = "ns",	  [FL_RATIO] = "ratio",	  [FL_FLAG] = "flag",
	[FL_CHOICE] = "choice", [FL_TEXT] = "text",   [FL_PATH] = "path", [FL_DEVICE] = "device",
};

const char *fl_type_name(enum fl_type type)
{
	return names[type];
}

int fl_type_of(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

/* By what the range begins with: the kind of a device, or of a name. */
static const char *kind_placeholder(const char *range, const char *other)
{
	static const char *const kinds[][2] = {
		{ "node", "NODE" }, { "drive", "DRIVE" },  { "nic", "NIC" },  { "rdma", "NIC" },
		{ "gpu", "GPU" },   { "@suite", "SUITE" }, { "@run", "RUN" },
	};
	size_t n = range ? strcspn(range, "|") : 0;

	if (range && strcmp(range, "node|gpu") == 0)
		return "NODE|GPU";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (n && strlen(kinds[i][0]) == n && strncmp(kinds[i][0], range, n) == 0)
			return kinds[i][1];
	return other;
}

const char *fl_field_placeholder(const struct fl_field *field)
{
	static const char *const placeholders[] = {
		[FL_COUNT] = "N",     [FL_BYTES] = "SIZE",  [FL_NS] = "TIME",
		[FL_RATIO] = "RATIO", [FL_FLAG] = "yes|no", [FL_CHOICE] = "WORD",
		[FL_TEXT] = "TEXT",   [FL_PATH] = "FILE",   [FL_DEVICE] = "DEVICE",
	};

	if (field->type == FL_DEVICE || field->type == FL_TEXT)
		return kind_placeholder(field->range, placeholders[field->type]);
	if (field->type == FL_CHOICE && field->range)
		return field->range;
	return placeholders[field->type];
}

bool fl_kinds_have(const char *kinds, const char *kind)
{
	for (size_t n = strlen(kind); *kinds; kinds += strcspn(kinds, "|"), kinds += *kinds == '|')
		if (strcspn(kinds, "|") == n && strncmp(kinds, kind, n) == 0)
			return true;
	return false;
}

static bool is_node(const char *id)
{
	return strcmp(id, "local") == 0 || (strncmp(id, "node", 4) == 0 && id[4] >= '0' && id[4] <= '9');
}

bool fl_field_holds(const struct fl_field *field, const char *kind, const char *id)
{
	if (field->type != FL_DEVICE || !field->range || !fl_kinds_have(field->range, kind))
		return false;
	return !id || !strchr(field->range, '|') || is_node(id) == (strcmp(kind, "node") == 0);
}

unsigned fl_metrics_from(const struct fl_metric *metrics, enum fl_from from)
{
	unsigned n = 0;

	for (; metrics && metrics->name; metrics++)
		n += metrics->from == from;
	return n;
}

char *fl_field_show(const struct fl_field *field, const char *canon)
{
	static const struct {
		enum fl_type type;
		uint64_t size;
		const char *name;
	} units[] = {
		{ FL_BYTES, UINT64_C(1) << 40, "TiB" },
		{ FL_BYTES, 1 << 30, "GiB" },
		{ FL_BYTES, 1 << 20, "MiB" },
		{ FL_BYTES, 1 << 10, "KiB" },
		{ FL_NS, 1000000000, "s" },
		{ FL_NS, 1000000, "ms" },
		{ FL_NS, 1000, "us" },
		{ FL_NS, 1, "ns" },
	};
	uint64_t value = 0;

	if (!field || fl_parse_count(canon, &value, NULL) < 0)
		return fl_dup(canon);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].type == field->type && value && value % units[i].size == 0)
			return fl_format("%llu%s", (unsigned long long)(value / units[i].size), units[i].name);
	return fl_dup(canon);
}
