/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: the text that says what the machine is and what goes wrong. */
#include "parts.h"
#include <stdio.h>
#include <string.h>

/* "N.P" or "N.P.": the NIC, and the port from 0; returns what comes after. */
static const char *read_port(const struct text_entry *e, bool more, unsigned *ret_nic, unsigned *ret_port)
{
	const char *dot = strchr(e->value, '.'), *end = dot && more ? strchr(dot + 1, '.') : NULL;
	uint64_t port;

	if (!dot || (more && !end))
		text_refuse(e);
	*ret_nic = text_subject(e, e->value, '.');
	port = text_number(e, dot + 1, more ? '.' : 0);
	if (port < 1 || port > PORTS)
		text_refuse(e);
	*ret_port = (unsigned)port - 1;
	return more ? end + 1 : NULL;
}

static void read_mtu(const struct text_entry *e, struct settings *s)
{
	unsigned nic, port;
	uint64_t bytes = text_number(e, read_port(e, true, &nic, &port), 0);

	for (enum ibv_mtu m = IBV_MTU_256; m <= IBV_MTU_4096; m++)
		if (128ul << m == bytes) {
			s->mtu[nic][port] = m;
			return;
		}
	text_refuse(e);
}

/* "N.ENTRIES" */
static void read_cqe(const struct text_entry *e, struct settings *s)
{
	const char *dot = strchr(e->value, '.');

	if (!dot)
		text_refuse(e);
	s->cqe[text_subject(e, e->value, '.')] = (unsigned)text_number(e, dot + 1, 0);
}

static void read_setting(const struct text_entry *e, struct settings *s)
{
	unsigned nic, port;

	if (text_is(e, "sysfs")) {
		snprintf(s->sysfs, sizeof(s->sysfs), "%s", e->value);
	} else if (text_is(e, "down")) {
		read_port(e, false, &nic, &port);
		s->down[nic][port] = true;
	} else if (text_is(e, "mtu"))
		read_mtu(e, s);
	else if (text_is(e, "cqe"))
		read_cqe(e, s);
	else if (text_is(e, "nics"))
		s->nics = (unsigned)text_value(e);
	else if (text_is(e, "ib"))
		s->is_ib |= text_bit(e);
	else if (text_is(e, "iwarp"))
		s->is_iwarp |= text_bit(e);
	else if (text_is(e, "nov4"))
		s->no_v4 |= text_bit(e);
	else if (text_is(e, "nolid"))
		s->no_lid |= text_bit(e);
	else if (text_is(e, "grh"))
		s->wants_grh |= text_bit(e);
	else if (text_is(e, "apart"))
		s->is_apart |= text_bit(e);
	else if (text_is(e, "nov6"))
		s->no_v6 |= text_bit(e);
	else if (text_is(e, "noatomics"))
		s->no_atomics |= text_bit(e);
	else if (text_is(e, "memlock"))
		s->memlock = text_value(e);
	else if (text_is(e, "inline"))
		s->inline_bytes = (unsigned)text_value(e);
	else if (text_is(e, "message"))
		s->message_bytes = (unsigned)text_value(e);
	else if (text_is(e, "depth"))
		s->depth = (unsigned)text_value(e);
	else if (text_is(e, "level"))
		s->level = (int)text_value(e);
	else if (text_is(e, "class"))
		s->class = (int)text_value(e);
	else if (text_is(e, "threads"))
		s->threads = (unsigned)text_value(e);
	else if (text_is(e, "latency"))
		s->latency_ns = text_value(e);
	else if (text_is(e, "rate"))
		s->bytes_per_s = text_value(e);
	else if (text_is(e, "peermem"))
		s->peermem = text_value(e);
	else if (text_is(e, "cut"))
		s->cut = text_value(e);
	else
		text_refuse(e);
	if (s->nics > NICS || s->bytes_per_s == 0)
		text_refuse(e);
}

static void read_entry(const struct text_entry *e, void *settings)
{
	struct settings *s = settings;

	if (e->value)
		read_setting(e, s);
	else
		text_add_fault(e, &s->faults);
}

void settings_read(const char *text, struct settings *ret)
{
	static const char *const deeds[] = {
		"fail=", "status=", "event=", "flip", "drop", "hang", "lose", "part", NULL
	};
	static const struct text_kind kind = { "verbs stub", "mlx5_", NICS, deeds };

	*ret = (struct settings){ .nics = NICS,
				  .memlock = UINT64_MAX,
				  .inline_bytes = 220,
				  .message_bytes = 1u << 30,
				  .depth = 16384,
				  .level = -1,
				  .class = -1,
				  .latency_ns = 2000,
				  .bytes_per_s = 12500000000 };
	for (unsigned i = 0; i < NICS; i++)
		ret->cqe[i] = 1 << 22;
	for (unsigned i = 0; i < NICS; i++)
		for (unsigned j = 0; j < PORTS; j++)
			ret->mtu[i][j] = IBV_MTU_4096;
	text_read(&kind, text, read_entry, ret);
}

struct mishap settings_mishap(struct settings *s, const char *call, bool is_work, int nic)
{
	struct text_deed does = text_call(&s->faults, call, is_work ? "work" : NULL, nic);

	return (struct mishap){ (enum deed)does.deed, (int)does.number };
}
