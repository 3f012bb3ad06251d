/* SPDX-License-Identifier: Apache-2.0 */
/* test_rdma.c: the limit of a path by RDMA: port, MTU and headers, slots, both ends, and what has none. */
#include "../sample_gpus.h"
#include "../sample_hosts.h"
#include "judged.h"
#include "rdma_row.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct fl_field put_fields[] = {
	{ .name = "nic", .type = FL_DEVICE, .range = "rdma", .help = "NIC" },
	{ .name = "memory", .type = FL_DEVICE, .range = "node|gpu", .preset = "local", .help = "memory" },
	{ .name = "size", .type = FL_BYTES, .preset = "64KiB", .help = "of a message" },
	{ .name = "depth", .type = FL_COUNT, .preset = "128", .help = "under way" },
	{ .name = "direction", .type = FL_CHOICE, .preset = "one", .range = "one|both", .help = "ways" },
	{ 0 },
};
static struct fl_fact put_facts[] = {
	{ "interface", false, "h" }, { "link_layer", true, "h" },
	{ "path_mtu", true, "h" },   { "gid_type", true, "h" },
	{ "route", true, "h" },	     { "rate_bits_per_s", false, "h" },
	{ "gid", false, "h" },	     { 0 },
};
static struct fl_flow put_flows[] = { { "memory", "nic", 1, NULL }, { 0 } };
/* Where both send, what arrives at each counts. */
static struct fl_flow send_flows[] = {
	{ "memory", "nic", 1, "direction=one" },
	{ "nic", "memory", 1, "direction=both" },
	{ 0 },
};
static struct fl_flow get_flows[] = { { "nic", "memory", 1, NULL }, { 0 } };

static json_t *nic_of(const struct fl_run *run, unsigned host)
{
	return json_array_get(json_object_get(run->hosts[host].machine, "nics"), 0);
}

/* What a test changes of a run of two hosts with 400 Gb/s by InfiniBand, PCIe 5.0 x16. */
struct spec {
	const char *bench, *size, *depth, *direction, *memory;
	const char *layer, *mtu, *gid_type, *gid, *interface, *route;
	double rate_gbit;    /* as the lanes state it; 0: they do not */
	double machine_gbit; /* as the machine knows it; 0: 400, -1: it does not */
	double bytes_per_s;
	bool same_host;
};

static void set_nic(json_t *nic, double gbit)
{
	json_t *link = json_object_get(json_object_get(nic, "pci"), "link");

	json_object_set_new(nic, "rdma", json_string("mlx5_0"));
	json_object_set_new(nic, "rdma_port", json_integer(1));
	json_object_set_new(nic, "link_layer", json_string("InfiniBand"));
	json_object_set_new(nic, "rdma_soft", json_integer(0));
	json_object_set_new(nic, "rate_bits_per_s", gbit < 0 ? json_null() : json_real((gbit > 0 ? gbit : 400) * 1e9));
	json_object_set_new(link, "gts_now", json_integer(32));
	json_object_set_new(link, "gts_best", json_integer(32));
}

static void set_fact(struct fl_lane_record *r, const char *name, const char *text)
{
	if (text)
		json_object_set_new(r->facts, name, json_string(text));
}

static void record(struct fl_run *run, const struct spec *spec, unsigned lane, unsigned round)
{
	unsigned host = spec->same_host ? 0 : lane;
	struct fl_lane_record *r =
		hosts_record(run, host, 0, lane, round, spec->bytes_per_s > 0 ? spec->bytes_per_s : 40e9);
	char rate[32];

	snprintf(rate, sizeof(rate), "%.0f", spec->rate_gbit * 1e9);
	set_fact(r, "link_layer", spec->layer ? spec->layer : "InfiniBand");
	set_fact(r, "path_mtu", spec->mtu ? (*spec->mtu ? spec->mtu : NULL) : "4096");
	set_fact(r, "gid_type", spec->gid_type);
	set_fact(r, "route", spec->route);
	set_fact(r, "gid", spec->gid);
	set_fact(r, "interface", spec->interface);
	set_fact(r, "rate_bits_per_s", spec->rate_gbit > 0 ? rate : NULL);
	json_object_set_new(r->placement, "node", json_integer(0));
}

static struct fl_run *make(const struct spec *spec)
{
	const char *bench = spec->bench ? spec->bench : "net.put";
	struct fl_run *run = hosts_run(2);
	char options[256];
	json_t *c;

	for (unsigned i = 0; i < 2; i++)
		set_nic(nic_of(run, i), spec->machine_gbit);
	json_object_set_new(run->declared, "net.put", rdma_row("net.put", put_fields, put_facts, put_flows));
	json_object_set_new(run->declared, "net.send", rdma_row("net.send", put_fields, put_facts, send_flows));
	json_object_set_new(run->declared, "net.get", rdma_row("net.get", put_fields, put_facts, get_flows));
	snprintf(options, sizeof(options),
		 "{\"nic\":\"nic-0000:21:00.0\",\"memory\":\"%s\",\"size\":\"%s\",\"depth\":\"%s\",\"direction\":\"%"
		 "s\"}",
		 spec->memory ? spec->memory : "node0", spec->size ? spec->size : "65536",
		 spec->depth ? spec->depth : "128", spec->direction ? spec->direction : "one");
	c = sample_case(run, bench, HOSTS_ROUNDS);
	for (unsigned i = 0; i < 2; i++)
		hosts_set_group(sample_lane(c, bench, options, NULL), spec->same_host ? 0 : i, 0, i, 2);
	for (unsigned round = 0; round < HOSTS_ROUNDS; round++)
		for (unsigned i = 0; i < 2; i++)
			record(run, spec, i, round);
	return run;
}

static const struct fl_lane_verdict *lane_of(const struct fl_judgement *j, unsigned lane)
{
	for (size_t i = 0; i < j->lanes_n; i++)
		if (j->lanes[i].lane == lane)
			return &j->lanes[i];
	fail_msg("no lane %u", lane);
	return NULL;
}

static const struct fl_hop *hop_of(const struct fl_lane_verdict *v, const char *name)
{
	for (size_t i = 0; i < v->hops_n; i++)
		if (strcmp(v->hops[i].name, name) == 0)
			return &v->hops[i];
	for (size_t i = 0; i < v->hops_n; i++)
		print_message("%s\n", v->hops[i].name);
	fail_msg("no hop '%s'", name);
	return NULL;
}

#define NIC	"NIC nic-0000:21:00.0"
#define SENDING NIC " port, sending"

/* interconnect.md, 4.3, with what a port carries in Gb/s; messages so long that their last packet does not count. */
static void payload(void **state)
{
	static const struct {
		struct spec spec;
		double gbit;
		bool exact;
	} rows[] = {
		{ { .mtu = "1024" }, 390.1, true },
		{ { .mtu = "2048" }, 395.0, true },
		{ { .mtu = "4096" }, 397.5, true },
		{ { .mtu = "4096", .route = "local" }, 397.5, true },
		{ { .mtu = "4096", .route = "global" }, 393.7, true },
		{ { .layer = "Ethernet", .gid_type = "RoCE v2", .mtu = "4096", .route = "global" }, 392.1, true },
		{ { .rate_gbit = 200, .machine_gbit = 200 }, 198.7, true },
		/* A port of 56 Gb/s by FDR: what the interface says is with its line coding. */
		{ { .rate_gbit = 54.544, .machine_gbit = 56 }, 54.2, true },
		{ { .rate_gbit = 54.544, .machine_gbit = -1 }, 54.2, true },
		/* One of 800 Gb/s calls itself one of 400. */
		{ { .rate_gbit = 400, .machine_gbit = 800 }, 795.0, true },
		{ { .layer = "Ethernet", .gid_type = "RoCE v2", .mtu = "1024" }, 370.3, true },
		{ { .layer = "Ethernet", .gid_type = "RoCE v2", .mtu = "2048" }, 384.6, true },
		{ { .layer = "Ethernet", .gid_type = "RoCE v2", .mtu = "4096", .gid = "10.1.0.2 (3)" }, 392.1, true },
		{ { .layer = "Ethernet", .gid_type = "RoCE v2", .mtu = "4096", .gid = "fd00::2 (5)" }, 390.3, true },
		{ { .layer = "Ethernet", .gid_type = "RoCE v1", .mtu = "1024", .gid = "fe80::2 (0)" }, 366.4, true },
		/* The driver has no word for 400 Gb/s: the interface's counts. */
		{ { .layer = "Ethernet", .gid_type = "RoCE v2", .rate_gbit = 100 }, 392.1, true },
		/* What is not known is taken at its best. */
		{ { .mtu = "" }, 397.5, false },
		{ { .mtu = "17" }, 397.5, false },
		{ { .layer = "Token Ring", .mtu = "2048" }, 395.0, false },
		/* Short messages, and those that are no multiple of the MTU, have more packets for their bytes. */
		{ { .size = "4097" }, 400 * 4097.0 / (4097 + 2 * 26), true },
		{ { .size = "64" }, 400 * 64.0 / (64 + 26), true },
		{ { .size = "1" }, 400 * 1.0 / (1 + 26), true },
		{ { .size = "64", .layer = "Ethernet", .gid_type = "RoCE v2" }, 400 * 64.0 / (64 + 82), true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spec spec = rows[i].spec;
		struct fl_run *run;
		struct fl_judgement *j;
		const struct fl_hop *hop;

		spec.size = spec.size ? spec.size : "1073741824";
		spec.bytes_per_s = 1e9;
		run = make(&spec);
		j = judge(run);
		hop = hop_of(lane_of(j, 0), SENDING);
		if (fabs(hop->cap_bytes_per_s * 8 / 1e9 - rows[i].gbit) > 0.06 || hop->exact != rows[i].exact)
			fail_msg("row %zu: %.2f Gb/s, %s", i, hop->cap_bytes_per_s * 8 / 1e9, hop->origin);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Both ends' ports, and the slots by which the payload goes. */
static void both_ends(void **state)
{
	const struct spec put = { 0 }, get = { .bench = "net.get" };
	struct fl_run *run = make(&put);
	const struct fl_lane_verdict *v;
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(nic_of(run, 1), "rate_bits_per_s", json_real(2e11));
	for (size_t i = 0; i < run->lanes_n; i++) /* each lane states the rate of its own port */
		set_fact(&run->lanes[i], "rate_bits_per_s", run->lanes[i].lane ? "200000000000" : "400000000000");
	j = judge(run);
	v = lane_of(j, 0);
	assert_int_equal(hop_of(v, "n2: " NIC " port, receiving")->cap_bytes_per_s / 1e6, 24842);
	assert_int_equal(v->cap_bytes_per_s / 1e6, 24842);
	assert_int_equal(hop_of(v, NIC " link, towards it")->cap_bytes_per_s / 1e9, 58);
	assert_int_equal(hop_of(v, "n2: " NIC " link")->cap_bytes_per_s / 1e9, 58);
	assert_int_equal(v->verdict, FL_VERDICT_INVALID); /* 40 GB/s into a port of 25 */
	assert_non_null(strstr(v->reason, "n2: " NIC " port, receiving"));
	fl_judgement_free(j);
	fl_run_free(run);

	run = make(&get);
	j = judge(run);
	v = lane_of(j, 0);
	hop_of(v, NIC " port, receiving");
	hop_of(v, NIC " link");
	hop_of(v, "n2: " SENDING);
	hop_of(v, "n2: " NIC " link, towards it");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A slot that carries less than the port is what limits, and is named. */
static void slot(void **state)
{
	const struct spec spec = { .bytes_per_s = 27.5e9 };
	struct fl_run *run = make(&spec);
	const struct fl_lane_verdict *v;
	struct fl_judgement *j;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		json_object_set_new(json_object_get(json_object_get(nic_of(run, i), "pci"), "link"), "lanes_now",
				    json_integer(8));
	j = judge(run);
	v = lane_of(j, 0);
	assert_int_equal(v->cap_bytes_per_s / 1e8, 292);
	assert_int_equal(v->verdict, FL_PASS);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What a port reaches is to be expected of long messages, of which enough are under way. */
static void expected(void **state)
{
	static const struct {
		struct spec spec;
		enum fl_verdict verdict;
		const char *says;
	} rows[] = {
		{ { .bytes_per_s = 48.5e9 }, FL_PASS, NULL },
		{ { .bytes_per_s = 30e9 }, FL_UNJUDGED, "62.2 % of the 48.2 GB/s to expect of " SENDING },
		{ { .bytes_per_s = 55e9 }, FL_VERDICT_INVALID, "is more than " SENDING " can carry" },
		{ { .bytes_per_s = 30e9, .size = "4096" }, FL_UNJUDGED, "only messages of 64 KiB or more" },
		{ { .bytes_per_s = 30e9, .depth = "2" }, FL_UNJUDGED, "only with 1 MiB or more under way" },
		{ { .bytes_per_s = 30e9, .direction = "both" }, FL_UNJUDGED, "both directions at once" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = make(&rows[i].spec);
		struct fl_judgement *j = judge(run);
		const struct fl_lane_verdict *v = lane_of(j, 0);

		if (v->verdict != rows[i].verdict || (rows[i].says && !strstr(v->reason, rows[i].says)))
			fail_msg("row %zu: %s", i, v->reason ? v->reason : "no reason");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* The memory of a host carries that much for its CPUs. */
static void add_memory(struct fl_run *run, unsigned host, double bytes_per_s)
{
	unsigned case_no = hosts_cases(run);
	json_t *c = sample_case(run, "memory.copy", HOSTS_ROUNDS);

	hosts_set_group(sample_lane(c, "memory.copy", "{\"buffer\":\"0\",\"memory\":\"node0\"}", NULL), host, 0, 0, 1);
	for (unsigned round = 0; round < HOSTS_ROUNDS; round++)
		hosts_record(run, host, case_no, 0, round, bytes_per_s);
}

/* A slow one fails where it is known of the memory on both sides that it is not what holds it back, and of each by what
 * it carried itself. */
static void slow(void **state)
{
	static const struct {
		double carried[2];
		const char *direction;
		enum fl_verdict verdict;
	} rows[] = {
		{ { 90e9, 90e9 }, "one", FL_FAIL },	 { { 90e9, 0 }, "one", FL_UNJUDGED },
		{ { 0, 90e9 }, "one", FL_UNJUDGED },	 { { 90e9, 10e9 }, "one", FL_UNJUDGED },
		{ { 90e9, 90e9 }, "both", FL_UNJUDGED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct spec spec = { .bytes_per_s = 30e9, .direction = rows[i].direction };
		struct fl_run *run = make(&spec);
		struct fl_judgement *j;
		const struct fl_lane_verdict *v;

		for (unsigned host = 0; host < 2; host++)
			if (rows[i].carried[host] > 0)
				add_memory(run, host, rows[i].carried[host]);
		j = judge(run);
		v = lane_of(j, 0);
		if (v->verdict != rows[i].verdict)
			fail_msg("row %zu: %s", i, v->reason ? v->reason : "no reason");
		if (v->verdict == FL_FAIL)
			assert_true(hop_of(v, "n2: DRAM of node0")->carried);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Each lane of both directions is what it asked for itself: it sends, and the other receives. */
static void both_ways(void **state)
{
	const struct spec put = { .direction = "both" }, get = { .bench = "net.get", .direction = "both" };
	const struct spec send = { .bench = "net.send", .direction = "both" };
	struct fl_run *run = make(&put);
	struct fl_judgement *j = judge(run);

	(void)state;
	assert_string_equal(lane_of(j, 0)->group_name, "n1 to n2");
	assert_string_equal(lane_of(j, 1)->group_name, "n2 to n1");
	hop_of(lane_of(j, 1), SENDING);
	hop_of(lane_of(j, 1), "n1: " NIC " port, receiving");
	fl_judgement_free(j);
	fl_run_free(run);
	run = make(&get);
	j = judge(run);
	assert_string_equal(lane_of(j, 0)->group_name, "n2 to n1");
	assert_string_equal(lane_of(j, 1)->group_name, "n1 to n2");
	hop_of(lane_of(j, 1), NIC " port, receiving");
	hop_of(lane_of(j, 1), "n1: " SENDING);
	fl_judgement_free(j);
	fl_run_free(run);
	run = make(&send);
	j = judge(run);
	assert_string_equal(lane_of(j, 0)->group_name, "n2 to n1");
	hop_of(lane_of(j, 0), NIC " port, receiving");
	hop_of(lane_of(j, 0), "n2: " SENDING);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Ports of which the rate says nothing: whatever was measured is not held against it. */
static void without_limit(void **state)
{
	static const struct {
		struct spec spec;
		const char *member, *soft, *why; /* what the machine says instead */
	} rows[] = {
		{ { .bytes_per_s = 54e9 }, "rdma_soft", "1", "soft-RoCE" },
		{ { .bytes_per_s = 54e9 }, "pci", "null", "not known to be a PCI device" },
		{ { .bytes_per_s = 54e9, .same_host = true }, NULL, NULL, "nothing need go over its wire" },
		{ { .bytes_per_s = 54e9, .interface = "bond0" }, NULL, NULL, "which may stand for several ports" },
		{ { .bytes_per_s = 54e9, .interface = "eth00" }, NULL, NULL, "which may stand for several ports" },
		{ { .bytes_per_s = 48.5e9, .interface = "eth0.100" }, NULL, NULL, NULL },
		{ { .bytes_per_s = 48.5e9, .interface = "eth0" }, NULL, NULL, NULL },
		/* What only the port says may be less than it is. */
		{ { .bytes_per_s = 54e9, .rate_gbit = 400, .machine_gbit = -1 }, NULL, NULL, "no reason" },
		{ { .bytes_per_s = 54e9, .rate_gbit = 400, .machine_gbit = 10 }, NULL, NULL, "not known" },
		{ { .bytes_per_s = 54e9, .layer = "Ethernet", .rate_gbit = 100, .machine_gbit = -1 },
		  NULL,
		  NULL,
		  "no reason" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = make(&rows[i].spec);
		struct fl_judgement *j;
		const struct fl_hop *hop;

		for (unsigned h = 0; h < 2 && rows[i].member; h++)
			json_object_set_new(nic_of(run, h), rows[i].member,
					    json_loads(rows[i].soft, JSON_DECODE_ANY, NULL));
		j = judge(run);
		hop = hop_of(lane_of(j, 0), SENDING);
		if (isnan(hop->cap_bytes_per_s) != (rows[i].why != NULL) ||
		    (rows[i].why && !strstr(hop->why, rows[i].why)))
			fail_msg("row %zu: %g, %s", i, hop->cap_bytes_per_s, hop->why ? hop->why : "no reason");
		assert_int_not_equal(lane_of(j, 0)->verdict, FL_VERDICT_INVALID);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Two machines below one hypervisor may have functions of one NIC, which pass it on inside. */
static void below_a_hypervisor(void **state)
{
	const struct spec spec = { .bytes_per_s = 54e9 };
	struct fl_run *run = make(&spec);
	struct fl_judgement *j;

	(void)state;
	for (unsigned h = 0; h < 2; h++)
		json_object_set_new(json_object_get(json_object_get(nic_of(run, h), "pci"), "link"), "real",
				    json_false());
	j = judge(run);
	assert_true(isnan(hop_of(lane_of(j, 0), SENDING)->cap_bytes_per_s));
	assert_non_null(strstr(hop_of(lane_of(j, 0), SENDING)->why, "hypervisor"));
	assert_int_equal(lane_of(j, 0)->verdict, FL_UNJUDGED);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* The memory of another node is said to be far. */
static void far_node(void **state)
{
	const struct spec spec = { .memory = "node1" };
	struct fl_run *run = make(&spec);
	struct fl_judgement *j = judge(run);
	const struct fl_lane_verdict *v = lane_of(j, 0);
	bool said = false;

	(void)state;
	for (size_t i = 0; i < v->findings_n; i++)
		said |= strstr(v->findings[i], "the memory is far, on another node than the NIC") != NULL;
	assert_true(said);
	hop_of(v, "socket link node1 to node0");
	hop_of(v, "DRAM of node1");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Buffers in the memory of a GPU go through its slot, on each host that has it so, and through no DRAM. */
static void on_a_gpu(void **state)
{
	const struct spec spec = { .memory = "gpu-0000:10:00.0" };
	struct fl_run *run = make(&spec);
	struct fl_judgement *j;
	const struct fl_lane_verdict *v;
	struct sample_gpus g;
	json_t *machine;

	(void)state;
	sample_gpus_init(&g);
	g.gpus[0].pci.upstream = NULL;
	machine = fl_machine_json(&g.s.m);
	for (unsigned i = 0; i < 2; i++)
		json_object_set_new(run->hosts[i].machine, "gpus",
				    json_pack("[O]", json_array_get(json_object_get(machine, "gpus"), 0)));
	json_decref(machine);
	j = judge(run);
	v = lane_of(j, 0);
	assert_int_equal(hop_of(v, "GPU gpu-0000:10:00.0 link")->cap_bytes_per_s / 1e9, 58);
	hop_of(v, NIC " link, towards it");
	hop_of(v, SENDING);
	hop_of(v, "n2: GPU gpu-0000:10:00.0 link, towards it");
	for (size_t i = 0; i < v->hops_n; i++)
		assert_null(strstr(v->hops[i].name, "DRAM"));
	fl_judgement_free(j);
	fl_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload),  cmocka_unit_test(both_ends), cmocka_unit_test(slot),
		cmocka_unit_test(expected), cmocka_unit_test(both_ways), cmocka_unit_test(without_limit),
		cmocka_unit_test(far_node), cmocka_unit_test(slow),	 cmocka_unit_test(below_a_hypervisor),
		cmocka_unit_test(on_a_gpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
