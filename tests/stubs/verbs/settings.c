/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: the text that says what the machine is and what goes wrong. */
#include "parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(const char *entry)
{
	fprintf(stderr, "verbs stub: cannot read '%s'\n", entry);
	abort();
}

/* Digits to the end, or to `stop`. */
static unsigned long number(const char *text, const char *stop, const char *entry)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || (stop ? *end != *stop : *end))
		refuse(entry);
	return n;
}

static unsigned index_of(const char *text, const char *stop, const char *entry)
{
	unsigned long n = number(text, stop, entry);

	if (n >= NICS)
		refuse(entry);
	return (unsigned)n;
}

/* "N.P" or "N.P.": the NIC, and the port from 0; returns what comes after. */
static const char *read_port(const char *text, bool more, const char *entry, unsigned *ret_nic, unsigned *ret_port)
{
	const char *dot = strchr(text, '.'), *end = dot && more ? strchr(dot + 1, '.') : NULL;
	unsigned long port;

	if (!dot || (more && !end))
		refuse(entry);
	*ret_nic = index_of(text, ".", entry);
	port = number(dot + 1, more ? "." : NULL, entry);
	if (port < 1 || port > PORTS)
		refuse(entry);
	*ret_port = (unsigned)port - 1;
	return more ? end + 1 : NULL;
}

static void read_mtu(const char *value, const char *entry, struct settings *s)
{
	unsigned nic, port;
	unsigned long bytes = number(read_port(value, true, entry, &nic, &port), NULL, entry);

	for (enum ibv_mtu m = IBV_MTU_256; m <= IBV_MTU_4096; m++)
		if (128ul << m == bytes) {
			s->mtu[nic][port] = m;
			return;
		}
	refuse(entry);
}

/* "N.ENTRIES" */
static void read_cqe(const char *value, const char *entry, struct settings *s)
{
	const char *dot = strchr(value, '.');

	if (!dot)
		refuse(entry);
	s->cqe[index_of(value, ".", entry)] = (unsigned)number(dot + 1, NULL, entry);
}

static bool is(const char *entry, size_t n, const char *name)
{
	return strlen(name) == n && !strncmp(entry, name, n);
}

static void read_setting(const char *entry, const char *value, struct settings *s)
{
	size_t n = (size_t)(value - 1 - entry);
	unsigned nic, port;

	if (is(entry, n, "sysfs")) {
		snprintf(s->sysfs, sizeof(s->sysfs), "%s", value);
	} else if (is(entry, n, "down")) {
		read_port(value, false, entry, &nic, &port);
		s->down[nic][port] = true;
	} else if (is(entry, n, "mtu"))
		read_mtu(value, entry, s);
	else if (is(entry, n, "cqe"))
		read_cqe(value, entry, s);
	else if (is(entry, n, "nics"))
		s->nics = (unsigned)number(value, NULL, entry);
	else if (is(entry, n, "ib"))
		s->is_ib |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "iwarp"))
		s->is_iwarp |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "nov4"))
		s->no_v4 |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "nolid"))
		s->no_lid |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "grh"))
		s->wants_grh |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "apart"))
		s->is_apart |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "nov6"))
		s->no_v6 |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "noatomics"))
		s->no_atomics |= 1u << index_of(value, NULL, entry);
	else if (is(entry, n, "memlock"))
		s->memlock = number(value, NULL, entry);
	else if (is(entry, n, "inline"))
		s->inline_bytes = (unsigned)number(value, NULL, entry);
	else if (is(entry, n, "message"))
		s->message_bytes = (unsigned)number(value, NULL, entry);
	else if (is(entry, n, "depth"))
		s->depth = (unsigned)number(value, NULL, entry);
	else if (is(entry, n, "level"))
		s->level = (int)number(value, NULL, entry);
	else if (is(entry, n, "class"))
		s->class = (int)number(value, NULL, entry);
	else if (is(entry, n, "threads"))
		s->threads = (unsigned)number(value, NULL, entry);
	else if (is(entry, n, "latency"))
		s->latency_ns = number(value, NULL, entry);
	else if (is(entry, n, "rate"))
		s->bytes_per_s = number(value, NULL, entry);
	else if (is(entry, n, "peermem"))
		s->peermem = number(value, NULL, entry);
	else if (is(entry, n, "cut"))
		s->cut = number(value, NULL, entry);
	else
		refuse(entry);
	if (s->nics > NICS || s->bytes_per_s == 0)
		refuse(entry);
}

static struct mishap read_mishap(const char *text, const char *entry)
{
	static const char *const names[] = { "", "fail", "status", "event", "flip", "drop", "hang", "lose", "part" };
	const char *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : strlen(text);

	for (enum deed deed = FAIL; deed <= PART; deed++)
		if (is(text, n, names[deed]) && (deed <= EVENT) == (equals != NULL))
			return (struct mishap){ deed, equals ? (int)number(equals + 1, NULL, entry) : 0 };
	refuse(entry);
}

/* [mlx5_N:]CALL:K[+]:WHAT */
static void read_fault(const char *entry, struct settings *s)
{
	struct fault *f = &s->faults[s->faults_n];
	const char *call = entry, *count, *what;

	if (++s->faults_n == FAULTS)
		refuse(entry);
	*f = (struct fault){ .nic = -1 };
	if (!strncmp(entry, "mlx5_", 5)) {
		f->nic = (int)index_of(entry + 5, ":", entry);
		call = strchr(entry, ':') + 1;
	}
	count = strchr(call, ':');
	what = count ? strchr(count + 1, ':') : NULL;
	if (!what || (size_t)(count - call) >= sizeof(f->call))
		refuse(entry);
	memcpy(f->call, call, (size_t)(count - call));
	f->on = what[-1] == '+';
	f->from = (unsigned)number(count + 1, f->on ? "+" : ":", entry);
	f->does = read_mishap(what + 1, entry);
}

void settings_read(const char *text, struct settings *ret)
{
	char *copy = strdup(text ? text : ""), *rest = copy, *entry;

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
	while ((entry = strsep(&rest, ","))) {
		const char *equals = strchr(entry, '='), *colon = strchr(entry, ':');

		if (!*entry)
			continue;
		if (equals && (!colon || equals < colon))
			read_setting(entry, equals + 1, ret);
		else
			read_fault(entry, ret);
	}
	free(copy);
}

struct mishap settings_mishap(struct settings *s, const char *call, bool is_work, int nic)
{
	struct mishap ret = { NOTHING, 0 };

	for (unsigned i = 0; i < s->faults_n; i++) {
		struct fault *f = &s->faults[i];

		if (f->nic >= 0 && f->nic != nic)
			continue;
		if (strcmp(f->call, call) != 0 && !(is_work && !strcmp(f->call, "work")))
			continue;
		f->seen++;
		if (ret.deed == NOTHING && (f->on ? f->seen >= f->from : f->seen == f->from))
			ret = f->does;
	}
	return ret;
}
