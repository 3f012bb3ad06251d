/* SPDX-License-Identifier: Apache-2.0 */
/* rdma_ports.c: by which ports lanes went that used RDMA, as they said, each once with the hosts that have one like it:
 * limits follow from these. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "reports/parts.h"
#include <stdlib.h>

/* ", InfiniBand" */
static void add_fact(struct fl_text *t, const json_t *facts, const char *name, const char *before)
{
	const char *value = fl_json_text_or_null(facts, name);

	if (value)
		fl_text_add(t, "%s%s%s", t->n ? ", " : "", before, value);
}

static void add_rate(struct fl_text *t, const json_t *facts)
{
	const char *value = fl_json_text_or_null(facts, "rate_bits_per_s");
	uint64_t bits = 0;

	if (value && fl_parse_count(value, &bits, NULL) == 0 && bits)
		fl_text_add(t, "%s%g Gbit/s", t->n ? ", " : "", (double)bits / 1e9);
}

/* "InfiniBand, 400 Gbit/s, MTU 4096, GID IB, firmware 28.39.1002"; malloc'd. */
static char *words_of(const json_t *facts)
{
	bool path = fl_json_text_or_null(facts, "path_mtu");
	struct fl_text t = { 0 };

	add_fact(&t, facts, "link_layer", "");
	add_rate(&t, facts);
	add_fact(&t, facts, path ? "path_mtu" : "active_mtu", "MTU ");
	add_fact(&t, facts, "gid_type", "GID ");
	add_fact(&t, facts, "firmware", "firmware ");
	return t.bytes;
}

/* Port and words to the hosts: {"mlx5_0 port 1": {"InfiniBand, ...": {"n1": true}}} */
static json_t *collect(const struct fl_judgement *j)
{
	json_t *ports = json_object();

	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];
		const json_t *facts = v->first ? v->first->facts : NULL;
		const char *port = fl_json_text_or_null(facts, "rdma_device");
		char *words = port ? words_of(facts) : NULL;
		json_t *of, *hosts;

		if (!words)
			continue;
		of = json_object_get(ports, port);
		if (!of)
			json_object_set_new(ports, port, of = json_object());
		hosts = json_object_get(of, words);
		if (!hosts)
			json_object_set_new(of, words, hosts = json_object());
		if (v->host_name)
			json_object_set_new(hosts, v->host_name, json_true());
		free(words);
	}
	return ports;
}

struct fl_section fl_section_rdma_ports(const struct fl_judgement *j)
{
	struct fl_section s = { .title = "by RDMA", .indent = 6 };
	json_t *ports = collect(j), *of, *hosts;
	const char *port, *words;

	json_object_foreach(ports, port, of) json_object_foreach(of, words, hosts)
		fl_section_add(&s, (struct fl_remark){ .subject = fl_report_clean(port),
						       .aside = fl_report_on_hosts(j, hosts),
						       .text = fl_report_clean(words) });
	json_decref(ports);
	return s;
}
