/* SPDX-License-Identifier: Apache-2.0 */
/* test_slots.c: functions of one device share its link: each alone may have all of it, and together they are held
 * against it by their sum. What has a link for itself is called as ever. */
#include "../sample_gpus.h"
#include "../sample_hosts.h"
#include "judged.h"
#include "rdma_row.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct fl_field put_fields[] = {
	{ .name = "nic", .type = FL_DEVICE, .range = "rdma", .help = "NIC" },
	{ .name = "size", .type = FL_BYTES, .preset = "64KiB", .help = "of a message" },
	{ .name = "direction", .type = FL_CHOICE, .preset = "one", .range = "one|both", .help = "ways" },
	{ 0 },
};
static struct fl_flow put_flows[] = { { "memory", "nic", 1, NULL }, { 0 } };
static struct fl_fact put_facts[] = { { "path_mtu", true, "h" }, { "rate_bits_per_s", false, "h" }, { 0 } };

/* ---- a NIC of two ports of 200 Gb/s in PCIe 4.0 x16, which carries 29.2 GB/s */

#define PORT  "0000:20:01.0"
#define FIRST "0000:21:00.0"
#define OTHER "0000:21:00.1"
#define SLOT  "slot 0000:21:00 link"

static void set_pci(json_t *pci, const char *address, const char *upstream)
{
	json_object_set_new(pci, "address", json_string(address));
	json_object_set_new(pci, "upstream", upstream ? json_string(upstream) : json_null());
}

/* The NIC of a host as the function at `address`; a new reference. */
static json_t *function_of(json_t *machine, const char *address, const char *upstream)
{
	json_t *nic = json_deep_copy(json_array_get(json_object_get(machine, "nics"), 0));
	char text[64];

	snprintf(text, sizeof(text), "nic-%s", address);
	json_object_set_new(nic, "id", json_string(text));
	json_object_set_new(nic, "interface", json_null());
	snprintf(text, sizeof(text), "mlx5_%s", address);
	json_object_set_new(nic, "rdma", json_string(text));
	json_object_set_new(nic, "rdma_port", json_integer(1));
	json_object_set_new(nic, "rdma_soft", json_integer(0));
	json_object_set_new(nic, "link_layer", json_string("InfiniBand"));
	json_object_set_new(nic, "rate_bits_per_s", json_real(200e9));
	set_pci(json_object_get(nic, "pci"), address, upstream);
	return nic;
}

static json_t *link_of(json_t *nic)
{
	return json_object_get(json_object_get(nic, "pci"), "link");
}

/* Gives each host NICs at these two places. */
static void set_nics(struct fl_run *run, const char *const address[2], const char *const upstream[2])
{
	for (size_t h = 0; h < run->hosts_n; h++) {
		json_t *machine = run->hosts[h].machine, *nics = json_array(), *port = json_object();
		json_t *pci =
			json_deep_copy(json_object_get(json_array_get(json_object_get(machine, "nics"), 0), "pci"));

		set_pci(pci, PORT, NULL);
		json_object_set_new(port, "pci", pci);
		for (unsigned i = 0; i < 2; i++)
			json_array_append_new(nics, function_of(machine, address[i], upstream[i]));
		json_object_set_new(machine, "nics", nics);
		json_object_set_new(machine, "ports", json_pack("[o]", port));
	}
}

static const char *const two_functions[2] = { FIRST, OTHER }, *const below_port[2] = { PORT, PORT };

static struct fl_run *put_run(void)
{
	struct fl_run *run = hosts_run(2);

	json_object_set_new(run->declared, "net.put", rdma_row("net.put", put_fields, put_facts, put_flows));
	set_nics(run, two_functions, below_port);
	return run;
}

/* A case of n lanes on the first host at once, each with one to it on the other: by which NICs, and what they put. */
static void add_puts(struct fl_run *run, const char *const *address, const char *direction, const double *rates,
		     unsigned n)
{
	unsigned case_no = hosts_cases(run);
	json_t *c = sample_case(run, "net.put", HOSTS_ROUNDS);

	for (unsigned i = 0; i < 2 * n; i++) {
		char options[160];

		snprintf(options, sizeof(options), "{\"nic\":\"nic-%s\",\"size\":\"65536\",\"direction\":\"%s\"}",
			 address[i / 2], direction);
		hosts_set_group(sample_lane(c, "net.put", options, NULL), i % 2, i - i % 2, i % 2, 2);
	}
	for (unsigned round = 0; round < HOSTS_ROUNDS; round++)
		for (unsigned i = 0; i < 2 * n; i++) {
			struct fl_lane_record *r = hosts_record(run, i % 2, case_no, i, round, rates[i / 2]);

			json_object_set_new(r->facts, "path_mtu", json_string("4096"));
			json_object_set_new(r->facts, "rate_bits_per_s", json_string("200000000000"));
		}
}

static const struct fl_lane_verdict *lane_of(const struct fl_judgement *j, unsigned case_no, unsigned lane)
{
	for (size_t i = 0; i < j->lanes_n; i++)
		if (j->lanes[i].case_no == case_no && j->lanes[i].lane == lane)
			return &j->lanes[i];
	fail_msg("no lane %u", lane);
	return NULL;
}

static double cap_of(const struct fl_lane_verdict *v, const char *name)
{
	for (size_t i = 0; i < v->hops_n; i++)
		if (strcmp(v->hops[i].name, name) == 0)
			return v->hops[i].cap_bytes_per_s;
	for (size_t i = 0; i < v->hops_n; i++)
		print_message("%s\n", v->hops[i].name);
	fail_msg("no hop '%s'", name);
	return NAN;
}

static bool is_found(const struct fl_lane_verdict *v, const char *text)
{
	for (size_t i = 0; i < v->findings_n; i++)
		if (strcmp(v->findings[i], text) == 0)
			return true;
	return false;
}

/* Alone each port has the whole slot, on both hosts. */
static void alone(void **state)
{
	static const double rate[] = { 24e9 };
	struct fl_run *run = put_run();
	struct fl_judgement *j;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		add_puts(run, &two_functions[i], "one", rate, 1);
	j = judge(run);
	for (unsigned i = 0; i < 2; i++) {
		const struct fl_lane_verdict *v = lane_of(j, i, 0);

		assert_int_equal(cap_of(v, SLOT ", towards it") / 1e8, 292);
		assert_int_equal(cap_of(v, "n2: " SLOT) / 1e8, 292);
		assert_int_equal(v->cap_bytes_per_s / 1e8, 248); /* its port */
		assert_int_equal(v->verdict, FL_PASS);
		assert_int_equal(v->findings_n, 0);
	}
	fl_judgement_free(j);
	fl_run_free(run);
}

#define SHARED(at, put, share)                                                                                         \
	at " is shared: 2 lanes together put " put " GB/s on it, " share " % of what it can carry"

/* At once their sum is held against it. */
static void at_once(void **state)
{
	static const struct {
		double rates[2];
		const char *reason, *full, *full_there; /* NULL: they are not */
	} rows[] = {
		{ { 12e9, 11e9 }, "to expect of NIC nic-" FIRST " port, sending", NULL, NULL },
		{ { 14e9, 14e9 },
		  "to expect of NIC nic-" FIRST " port, sending",
		  SHARED(SLOT ", towards it", "28.0", "96"),
		  SHARED("n2: " SLOT, "28.0", "96") },
		{ { 18e9, 10e9 },
		  "to expect of NIC nic-" FIRST " port, sending",
		  SHARED(SLOT ", towards it", "28.0", "96"),
		  SHARED("n2: " SLOT, "28.0", "96") },
		{ { 24e9, 24e9 },
		  "2 lanes together put 48.0 GB/s on n2: " SLOT ", more than it can carry (29.2 GB/s, computed)",
		  NULL,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = put_run();
		const struct fl_lane_verdict *v;
		struct fl_judgement *j;

		add_puts(run, two_functions, "one", rows[i].rates, 2);
		j = judge(run);
		v = lane_of(j, 0, 0);
		if (!v->reason || !strstr(v->reason, rows[i].reason))
			fail_msg("row %zu: %s", i, v->reason ? v->reason : "no reason");
		assert_int_equal(v->verdict == FL_VERDICT_INVALID, i == 3);
		for (unsigned lane = 0; lane < 4; lane += 2) {
			v = lane_of(j, 0, lane);
			if (v->findings_n != (rows[i].full ? 2 : 0) ||
			    (rows[i].full && !(is_found(v, rows[i].full) && is_found(v, rows[i].full_there))))
				fail_msg("row %zu: %s", i, v->findings_n ? v->findings[0] : "nothing is said");
		}
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Each direction has a sum of its own, to which both hosts' lanes belong by what they send. */
static void both_ways(void **state)
{
	static const double full[] = { 14e9, 14e9 }, too_much[] = { 24e9, 24e9 };
	struct fl_run *run = put_run();
	struct fl_judgement *j;

	(void)state;
	add_puts(run, two_functions, "both", full, 2);
	add_puts(run, two_functions, "both", too_much, 2);
	j = judge(run);
	for (unsigned lane = 0; lane < 4; lane++) {
		const struct fl_lane_verdict *v = lane_of(j, 0, lane);

		assert_int_equal(v->verdict, FL_UNJUDGED);
		assert_true(is_found(v, SHARED(SLOT ", towards it", "28.0", "96")));
		assert_true(
			is_found(v, lane % 2 ? SHARED("n1: " SLOT, "28.0", "96") : SHARED("n2: " SLOT, "28.0", "96")));
		v = lane_of(j, 1, lane);
		assert_int_equal(v->verdict, FL_VERDICT_INVALID);
		assert_non_null(strstr(v->reason, "2 lanes together put 48.0 GB/s on "));
	}
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A virtual function knows no link: it goes by that of the physical one, whatever number it has. */
static void virtual_function(void **state)
{
	static const char *const address[] = { FIRST, "0000:21:02.1" };
	static const double rates[] = { 24e9, 24e9 };
	struct fl_run *run = put_run();
	struct fl_judgement *j;

	(void)state;
	set_nics(run, address, below_port);
	for (unsigned h = 0; h < 2; h++) {
		json_t *link = link_of(json_array_get(json_object_get(run->hosts[h].machine, "nics"), 1));

		json_object_set_new(link, "gts_now", json_null());
		json_object_set_new(link, "lanes_now", json_null());
		json_object_set_new(link, "max_payload_bytes", json_integer(128)); /* it has no such register */
	}
	add_puts(run, &address[1], "one", rates, 1);
	add_puts(run, address, "one", rates, 2);
	j = judge(run);
	assert_int_equal(cap_of(lane_of(j, 0, 0), SLOT ", towards it") / 1e8, 292);
	assert_int_equal(lane_of(j, 0, 0)->verdict, FL_UNJUDGED); /* its port may be that of others, too */
	assert_int_equal(lane_of(j, 1, 0)->verdict, FL_VERDICT_INVALID);
	assert_int_equal(lane_of(j, 1, 2)->verdict, FL_VERDICT_INVALID);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What is not known to share its link is called by its own name, and is alone on it. */
static void own_links(void **state)
{
	static const struct {
		const char *address[2], *upstream[2];
		bool emulated;
	} rows[] = {
		{ { FIRST, "0000:22:00.0" }, { PORT, "0000:20:02.0" }, false },
		{ { FIRST, OTHER }, { PORT, "0000:20:02.0" }, false },
		{ { FIRST, OTHER }, { NULL, NULL }, false }, /* a record that tells of no ports */
		{ { FIRST, OTHER }, { PORT, PORT }, true },
	};
	static const double rates[] = { 24e9, 24e9 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = put_run();
		struct fl_judgement *j;

		set_nics(run, rows[i].address, rows[i].upstream);
		for (unsigned k = 0; k < 4 && rows[i].emulated; k++)
			json_object_set_new(
				link_of(json_array_get(json_object_get(run->hosts[k / 2].machine, "nics"), k % 2)),
				"real", json_false());
		add_puts(run, rows[i].address, "one", rates, 2);
		j = judge(run);
		for (unsigned k = 0; k < 2; k++) {
			const struct fl_lane_verdict *v = lane_of(j, 0, 2 * k);
			char name[64];

			snprintf(name, sizeof(name), "NIC nic-%s link, towards it", rows[i].address[k]);
			cap_of(v, name);
			assert_int_not_equal(v->verdict, FL_VERDICT_INVALID);
			assert_int_equal(v->findings_n, 0);
		}
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* ---- GPUs, whose paths may be known as a whole: 0 and 1 are functions in one slot, 2 and 3 in another below the same
 * switch */

#define GPU_SLOT "slot 0000:10:00 link"

static void put_in_slots(struct sample_gpus *g)
{
	sample_gpus_init(g);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(g->at[i], sizeof(g->at[i]), "0000:1%u:00.%u", i / 2, i % 2);
		snprintf(g->ids[i], sizeof(g->ids[i]), "gpu-0000:1%u:00.%u", i / 2, i % 2);
		g->gpus[i].pci.upstream = g->addresses[2 + i / 2];
	}
}

static struct fl_run *copy_run(const char *const options[2], const double rates[2])
{
	struct sample_gpus g;
	struct fl_run *run;
	json_t *c;

	put_in_slots(&g);
	run = sample_gpu_run(&g, NULL);
	c = sample_case(run, "at once", 1);
	for (unsigned i = 0; i < 2; i++)
		sample_lane(c, "gpu.p2p", options[i], NULL);
	for (unsigned i = 0; i < 2; i++)
		sample_flat(sample_record(run, 0, i, 0), "bytes_per_s", rates[i], 9);
	return run;
}

#define COPY(from, to)                                                                                                 \
	"{\"from\":\"gpu-0000:" from "\",\"to\":\"gpu-0000:" to                                                        \
	"\",\"direction\":\"one\",\"size\":\"536870912\",\"engine\":\"ce\"}"

/* What one lacks the other may have had, or what goes the other way took. */
static void excused(void **state)
{
	static const struct {
		const char *options[2];
		double rates[2];
		enum fl_verdict verdict;
		const char *reason;
	} rows[] = {
		{ { COPY("10:00.0", "11:00.0"), COPY("10:00.1", "11:00.1") },
		  { 26e9, 28e9 },
		  FL_UNJUDGED,
		  "it shares " GPU_SLOT " with 1 more" },
		{ { COPY("10:00.0", "11:00.0"), COPY("10:00.1", "11:00.1") },
		  { 16e9, 18e9 },
		  FL_FAIL,
		  "to expect of " GPU_SLOT " (computed)" }, /* room was left */
		{ { COPY("10:00.0", "11:00.0"), COPY("11:00.1", "10:00.1") },
		  { 26e9, 28e9 },
		  FL_UNJUDGED,
		  "the other direction of " GPU_SLOT " is loaded, too" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = copy_run(rows[i].options, rows[i].rates);
		struct fl_judgement *j = judge(run);
		const struct fl_lane_verdict *v = &j->lanes[0];

		if (v->verdict != rows[i].verdict || !v->reason || !strstr(v->reason, rows[i].reason))
			fail_msg("row %zu: %s: %s", i, fl_verdict_name(v->verdict), v->reason ? v->reason : "-");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone),     cmocka_unit_test(at_once),
		cmocka_unit_test(both_ways), cmocka_unit_test(virtual_function),
		cmocka_unit_test(own_links), cmocka_unit_test(excused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
