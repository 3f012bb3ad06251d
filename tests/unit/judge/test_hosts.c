/* SPDX-License-Identifier: Apache-2.0 */
/* test_hosts.c: runs on several hosts: each judged by its own machine, pairs by both sides, hosts against each
 * other. */
#include "../sample_hosts.h"
#include "judge/change.h"
#include "judged.h"
#include <errno.h>
#include <math.h>

enum { NOBODY = 9999 };

static const struct fl_lane_verdict *lane_of(const struct fl_judgement *j, unsigned case_no, unsigned lane)
{
	for (size_t i = 0; i < j->lanes_n; i++)
		if (j->lanes[i].case_no == case_no && j->lanes[i].lane == lane)
			return &j->lanes[i];
	fail_msg("no lane %u of case %u", lane, case_no);
	return NULL;
}

static const struct fl_hop *hop_of(const struct fl_lane_verdict *v, const char *name)
{
	for (size_t i = 0; i < v->hops_n; i++)
		if (strcmp(v->hops[i].name, name) == 0)
			return &v->hops[i];
	fail_msg("no hop '%s' of %s", name, v->label);
	return NULL;
}

static bool says(const struct fl_judgement *j, const char *text)
{
	for (size_t i = 0; i < j->odd_hosts_n; i++)
		if (strstr(j->odd_hosts[i], text))
			return true;
	return false;
}

static void set_lanes(struct fl_run *run, unsigned host, const char *list, double lanes)
{
	json_t *device = json_array_get(json_object_get(run->hosts[host].machine, list), list[0] == 'd');
	json_t *link = json_object_get(json_object_get(device, "pci"), "link");

	if (json_object_set_new(link, "lanes_now", json_real(lanes)) < 0)
		fail_msg("no link of %s", list);
}

/* Two hosts have the same device ids; the link of one is narrower. */
static void own_machine(void **state)
{
	struct fl_run *run = hosts_run(2);
	const double rates[] = { 3e9, 3e9 };
	struct fl_judgement *j;

	(void)state;
	set_lanes(run, 1, "drives", 2);
	hosts_each(run, "storage.read path=/data/file", "storage.read", "{\"path\":\"/data/file\"}", rates);
	j = judge(run);
	assert_int_equal(j->lanes_n, 2);
	assert_string_equal(j->lanes[0].host_name, "n1");
	assert_string_equal(j->lanes[1].host_name, "n2");
	assert_true(j->lanes[0].cap_bytes_per_s > 1.9 * j->lanes[1].cap_bytes_per_s);
	assert_true(hop_of(&j->lanes[0], "drive nvme-S1 link")->cap_bytes_per_s == j->lanes[0].cap_bytes_per_s);
	assert_int_equal(j->lanes[1].findings_n, j->lanes[0].findings_n + 1); /* trained down */
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Each of them near the cap of its own link: no sum of both is too much for one. */
static void hops_are_not_shared(void **state)
{
	struct fl_run *run = hosts_run(2);
	const double rates[] = { 6.9e9, 6.9e9 };
	struct fl_judgement *j;

	(void)state;
	hosts_each(run, "storage.read path=/data/file", "storage.read", "{\"path\":\"/data/file\"}", rates);
	j = judge(run);
	assert_int_equal(j->count[FL_UNJUDGED] + j->count[FL_PASS], 2);
	assert_int_equal(j->status, 0);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Memory that carried much on one host says nothing of that of another. */
static void carried_stays_at_home(void **state)
{
	struct fl_run *run = hosts_run(2);
	const double memory[] = { 24e9, 1e9 }, read[] = { 5.1e9, 5.1e9 };
	struct fl_judgement *j;

	(void)state;
	hosts_each(run, "memory.copy memory=node1", "memory.copy", "{\"memory\":\"node1\",\"size\":\"1073741824\"}",
		   memory);
	hosts_each(run, "storage.read path=/data/file", "storage.read", "{\"path\":\"/data/file\"}", read);
	for (size_t i = 0; i < run->lanes_n; i++)
		json_object_set_new(run->lanes[i].placement, "node", json_integer(1));
	j = judge(run);
	assert_true(hop_of(lane_of(j, 1, 0), "DRAM of node1")->carried);
	assert_null(strstr(lane_of(j, 1, 0)->reason, "DRAM"));
	assert_string_equal(lane_of(j, 1, 0)->again_when, "in at most 10 s, on n1");
	assert_false(hop_of(lane_of(j, 1, 1), "DRAM of node1")->carried);
	assert_non_null(strstr(lane_of(j, 1, 1)->reason, "DRAM of node1 (not measured yet)"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What two hosts pass to each other goes through a few buffers, which a cache holds: memory has not shown anything. */
static void carried_by_buffers(void **state)
{
	struct fl_run *run = hosts_run(2);
	const double read[] = { 5.1e9, 5.1e9 };
	struct fl_judgement *j;

	(void)state;
	hosts_all_pairs(run, 11.9e9, NOBODY, 0);
	hosts_each(run, "storage.read path=/data/file", "storage.read", "{\"path\":\"/data/file\"}", read);
	for (size_t i = 0; i < run->lanes_n; i++)
		json_object_set_new(run->lanes[i].placement, "node", json_integer(1));
	j = judge(run);
	assert_false(hop_of(lane_of(j, 1, 1), "DRAM of node1")->carried);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* The receiver is the measurement, held against both NICs. */
static void pair(void **state)
{
	struct fl_run *run = hosts_run(2);
	const struct hosts_pair one = { 0, 1, 12.2e9 };
	const struct fl_lane_verdict *sender, *receiver;
	struct fl_judgement *j;

	(void)state;
	hosts_pairs(run, "net.stream n1 - n2", &one, 1);
	j = judge(run);
	sender = lane_of(j, 0, 0);
	receiver = lane_of(j, 0, 1);
	assert_string_equal(sender->role, "sender");
	assert_true(sender->beside && !receiver->beside);
	assert_string_equal(receiver->group_name, "n1 to n2");
	assert_int_equal(hop_of(receiver, "NIC nic-0000:21:00.0 port, receiving")->cap_bytes_per_s / 1e6, 12375);
	assert_int_equal(hop_of(receiver, "n1: NIC nic-0000:21:00.0 port, sending")->cap_bytes_per_s / 1e6, 12375);
	assert_int_equal(receiver->verdict, FL_PASS);
	assert_string_equal(receiver->again, "feedline bench net.stream --streams 4 --hosts n1,n2 --duration 2s");
	assert_int_equal(j->count[FL_PASS], 1);
	assert_int_equal(j->count[FL_UNJUDGED], 0);
	assert_int_equal(j->status, 0);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What the sender's side cannot carry is no fault of the receiver; what neither can have carried is invalid. */
static void slower_side(void **state)
{
	struct fl_run *run = hosts_run(2);
	const struct hosts_pair one = { 0, 1, 1.24e9 };
	json_t *nic = json_array_get(json_object_get(run->hosts[0].machine, "nics"), 0);
	const struct fl_lane_verdict *v;
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(nic, "rate_bits_per_s", json_real(1e10));
	hosts_pairs(run, "net.stream n1 - n2", &one, 1);
	j = judge(run);
	v = lane_of(j, 0, 1);
	assert_int_equal(v->verdict, FL_PASS);
	assert_true(v->cap_bytes_per_s < 1.24e9);
	fl_judgement_free(j);
	json_object_set_new(nic, "rate_bits_per_s", json_real(5e9));
	j = judge(run);
	v = lane_of(j, 0, 1);
	assert_int_equal(v->verdict, FL_VERDICT_INVALID);
	assert_non_null(strstr(v->reason, "n1: NIC"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* An interface that is no NIC has no limit. */
static void no_nic(void **state)
{
	struct fl_run *run = hosts_run(2);
	const struct hosts_pair one = { 0, 1, 40e9 };
	struct fl_judgement *j;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		json_object_set_new(run->hosts[i].environment, "interface", json_string("veth0"));
	hosts_pairs(run, "net.stream n1 - n2", &one, 1);
	j = judge(run);
	assert_int_equal(lane_of(j, 0, 1)->verdict, FL_UNJUDGED);
	assert_non_null(strstr(lane_of(j, 0, 1)->reason, "interface veth0 (it is no NIC, and has no rate)"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What makes the sender not to be trusted makes the measurement so. */
static void distrust_is_shared(void **state)
{
	struct fl_run *run = hosts_run(2);
	const struct hosts_pair one = { 0, 1, 11.9e9 };
	struct fl_judgement *j;

	(void)state;
	hosts_pairs(run, "net.stream n1 - n2", &one, 1);
	json_array_append_new(run->lanes[0].distrust, json_string("others took its CPU"));
	j = judge(run);
	assert_int_equal(lane_of(j, 0, 1)->distrust_n, 1);
	assert_string_equal(lane_of(j, 0, 1)->distrust[0], "its sender on n1: others took its CPU");
	assert_false(j->trustworthy);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Both ways at once are two measurements, each held against what sends and what receives it. */
static void both_ways(void **state)
{
	struct fl_run *run = hosts_run(2);
	const struct hosts_pair one = { 0, 1, 12.2e9 };
	json_t *nic = json_array_get(json_object_get(run->hosts[0].machine, "nics"), 0);
	const struct fl_lane_verdict *back, *forth;
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(nic, "rate_bits_per_s", json_real(2e11));
	hosts_pairs(run, "net.stream n1 - n2", &one, 1);
	set_both_ways(run, 0.5);
	json_array_append_new(run->lanes[0].distrust, json_string("others took its CPU"));
	json_array_append_new(run->lanes[1].distrust, json_string("others took its memory"));
	j = judge(run);
	back = lane_of(j, 0, 0);
	forth = lane_of(j, 0, 1);
	assert_false(back->beside || forth->beside);
	assert_string_equal(back->group_name, "n2 to n1");
	assert_string_equal(forth->group_name, "n1 to n2");
	assert_int_equal(forth->verdict, FL_PASS);
	assert_int_equal(back->verdict, FL_UNJUDGED);
	assert_int_equal(j->count[FL_UNJUDGED], 1);
	assert_int_equal(hop_of(back, "NIC nic-0000:21:00.0 port, receiving")->cap_bytes_per_s / 1e9, 24);
	assert_int_equal(hop_of(back, "n2: NIC nic-0000:21:00.0 port, sending")->cap_bytes_per_s / 1e6, 12375);
	assert_int_equal(hop_of(forth, "n1: NIC nic-0000:21:00.0 port, sending")->cap_bytes_per_s / 1e9, 24);
	for (size_t i = 0; i < back->hops_n; i++)
		assert_null(strstr(back->hops[i].name, "n1: "));
	assert_int_equal(back->distrust_n, 2);
	assert_int_equal(forth->distrust_n, 2);
	assert_string_equal(forth->distrust[1], "its sender on n1: others took its CPU");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A host that sends slowly when both do is odd, wherever it stands in the pairs. */
static void slow_sender(void **state)
{
	struct fl_run *run = hosts_run(8);
	struct fl_judgement *j;

	(void)state;
	hosts_all_pairs(run, 11.9e9, NOBODY, 0);
	set_both_ways(run, 1);
	slow_down(run, "n8", 0.1);
	j = judge(run);
	assert_int_equal(j->across_n, 1);
	assert_int_equal(j->across[0].lanes_n, 56);
	assert_int_equal(j->across[0].odd[7], FL_ODD_WORSE);
	assert_int_equal(j->across[0].odd_n, 1);
	assert_true(says(j, "host n8: net.stream"));
	fl_judgement_free(j);
	fl_run_free(run);
}

static double share_of(const struct fl_between *a, unsigned host)
{
	return a->of_host[host] / a->median;
}

/* A host that is slow only in sending, whichever it is, is last and named, by what it sends; nobody else is. */
static void bad_transmit_side(void **state)
{
	static const double shares[] = { 0.1, 0.92 };

	(void)state;
	for (unsigned n = 4; n <= 8; n += 4)
		for (unsigned bad = 0; bad < 2 * n; bad++) {
			struct fl_run *run = hosts_run(n);
			double share = shares[bad / n];
			const struct fl_between *a;
			struct fl_judgement *j;

			hosts_all_pairs(run, 11.9e9, NOBODY, 0);
			set_both_ways(run, 1);
			slow_down(run, run->hosts[bad % n].name, share);
			j = judge(run);
			a = &j->across[0];
			assert_int_equal(a->odd[bad % n], FL_ODD_WORSE);
			assert_int_equal(a->odd_n, 1);
			assert_int_equal(a->low_host, bad % n);
			assert_true(fabs(share_of(a, bad % n) - share) < 0.001);
			assert_int_equal(a->of[bad % n], FL_SENDING);
			assert_int_equal(j->odd_hosts_n, 1); /* its pairs are explained */
			assert_non_null(strstr(j->headline, ", over all that it sends)"));
			assert_non_null(strstr(j->headline, run->hosts[bad % n].name));
			fl_judgement_free(j);
			fl_run_free(run);
		}
}

static bool is_on(const struct fl_lane_record *r, const char *host)
{
	return strcmp(fl_json_text_or_null(r->placement, "host"), host) == 0;
}

/* What is wrong between n2 and n5 is no matter of how n5 sends. */
static void slow_towards_a_slow_sender(void **state)
{
	struct fl_run *run = hosts_run(8);
	struct fl_judgement *j;

	(void)state;
	hosts_all_pairs(run, 11.9e9, NOBODY, 0);
	set_both_ways(run, 1);
	slow_down(run, "n5", 0.6);
	for (size_t i = 0; i < run->lanes_n; i++)
		for (size_t k = 0;
		     is_on(&run->lanes[i], "n5") && is_on(&run->lanes[i ^ 1], "n2") && k < run->lanes[i].series[0].n;
		     k++)
			run->lanes[i].series[0].value[k] *= 0.3;
	j = judge(run);
	assert_int_equal(j->across[0].odd_n, 1);
	assert_int_equal(j->across[0].of[4], FL_SENDING);
	assert_int_equal(j->across[0].slow_n, 1);
	assert_string_equal(j->across[0].slow[0]->group_name, "n2 to n5");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* One way, each with each once: n1 sends to all, n8 to nobody. Who sends to three at least is named; whoever sends to
 * fewer may as well have slow receivers, and its pairs are told. Who receives from it is never accused. */
static void bad_transmit_side_one_way(void **state)
{
	(void)state;
	for (unsigned n = 4; n <= 8; n += 4)
		for (unsigned bad = 0; bad + 1 < n; bad++) {
			struct fl_run *run = hosts_run(n);
			const struct fl_between *a;
			struct fl_judgement *j;
			bool told = 2 * (n - 1 - bad) > n - 1; /* most of its pairs are slow */

			hosts_all_pairs(run, 11.9e9, NOBODY, 0);
			slow_down(run, run->hosts[bad].name, 0.1);
			j = judge(run);
			a = &j->across[0];
			told |= n - 1 - bad >= 3;
			assert_int_equal(a->odd[bad], told ? FL_ODD_WORSE : FL_ODD_NOT);
			assert_int_equal(a->odd_n, told);
			assert_int_equal(a->slow_n, told ? 0 : n - 1 - bad);
			if (told)
				assert_true(a->low_host == bad && share_of(a, bad) < 0.101);
			fl_judgement_free(j);
			fl_run_free(run);
		}
}

/* Two that send slowly: they are named, and not who mostly receives from them. */
static void two_bad_transmit_sides(void **state)
{
	(void)state;
	for (int both = 0; both < 2; both++) {
		struct fl_run *run = hosts_run(8);
		struct fl_judgement *j;

		hosts_all_pairs(run, 11.9e9, NOBODY, 0);
		if (both)
			set_both_ways(run, 1);
		slow_down(run, "n1", 0.1);
		slow_down(run, "n2", 0.1);
		j = judge(run);
		assert_int_equal(j->across[0].odd_n, 2);
		assert_int_equal(j->across[0].odd[0], FL_ODD_WORSE);
		assert_int_equal(j->across[0].odd[1], FL_ODD_WORSE);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* What does not say that it uses the network has no direction: a round trip is of both. */
static void without_directions(void **state)
{
	struct fl_run *run = hosts_run(8);
	struct fl_judgement *j;

	(void)state;
	hosts_all_pairs(run, 11.9e9, NOBODY, 0);
	json_object_set_new(json_object_get(run->declared, "net.stream"), "flows", json_array());
	slow_down(run, "n5", 0.1);
	j = judge(run);
	assert_int_equal(j->across[0].of[4], FL_BOTH_WAYS);
	assert_int_equal(j->across[0].odd_n, 0);
	assert_int_equal(j->across[0].slow_n, 3);
	fl_judgement_free(j);
	fl_run_free(run);
}

static void odd_ones(void **state)
{
	struct fl_run *run = hosts_sample(8, 2, 5, NOBODY);
	struct fl_judgement *j = judge(run);

	(void)state;
	assert_int_equal(j->across_n, 3);
	assert_int_equal(j->across[0].n, 8);
	assert_int_equal(j->across[0].odd_n, 0);
	assert_true(j->across[1].odd[2] == FL_ODD_WORSE && j->across[1].odd_n == 1);
	assert_true(j->across[2].between && j->across[2].odd[5] == FL_ODD_WORSE && j->across[2].odd_n == 1);
	assert_int_equal(j->across[2].slow_n, 0); /* all of them have n6 in them */
	assert_int_equal(j->odd_hosts_n, 2);
	assert_true(says(j, "host n3: storage.read path=/data/file 26 % below the median of 8 hosts (5.10 GB/s"));
	assert_true(says(j, "host n6: net.stream 49 % below the median of 8 hosts (6.10 GB/s, median 11.9 GB/s, over"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* One slow pair of hosts that are well with all others. */
static void slow_pair(void **state)
{
	struct fl_run *run = hosts_sample(6, NOBODY, NOBODY, NOBODY);
	struct fl_judgement *j;
	const char *between = NULL;

	(void)state;
	for (size_t i = 0; i < run->lanes_n; i++)
		if (run->lanes[i].case_no == 2 && run->lanes[i].lane < 2)
			for (size_t k = 0; k < run->lanes[i].series[0].n; k++)
				run->lanes[i].series[0].value[k] /= 2;
	j = judge(run);
	assert_int_equal(j->odd_hosts_n, 1);
	between = lane_of(j, 2, 1)->group_name;
	assert_true(says(j, between));
	assert_true(says(j, "slow between hosts of which neither is odd"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A case of memory.copy on each of four hosts. */
static void four(struct fl_run *run, const char *label, double a, double b, double c, double d)
{
	const double rates[] = { a * 1e9, b * 1e9, c * 1e9, d * 1e9 };
	char *options = fl_format("{\"memory\":\"%s\",\"size\":\"1073741824\"}", label);

	hosts_each(run, label, "memory.copy", options, rates);
	free(options);
}

static void distrust(struct fl_run *run, unsigned case_no, unsigned lane)
{
	for (size_t i = 0; i < run->lanes_n; i++)
		if (run->lanes[i].case_no == case_no && run->lanes[i].lane == lane)
			json_array_append_new(run->lanes[i].distrust, json_string("others took its CPU"));
}

/* Four hosts on a noisy machine: nobody is accused, and why is said. */
static void spread(void **state)
{
	struct fl_run *run = hosts_run(4);
	struct fl_judgement *j;

	(void)state;
	four(run, "first", 24, 21.6, 23, 20);
	four(run, "second", 24, 24, 24, 24);
	j = judge(run);
	assert_null(j->headline);
	assert_int_equal(j->across[0].odd_n, 0);
	assert_int_equal(j->odd_hosts_n, 1);
	assert_string_equal(j->odd_hosts[0],
			    "hosts spread 18 %, none of them stands out: first (20.0 GB/s to 24.0 GB/s)");
	fl_judgement_free(j);
	four(run, "third", 24, 20, 18, 22);
	j = judge(run);
	assert_string_equal(j->odd_hosts[0],
			    "hosts spread up to 29 %, none of them stands out: first (20.0 GB/s to 24.0 GB/s), "
			    "third (18.0 GB/s to 24.0 GB/s)");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Rounds that reach over the line of the tolerance: it moves that much by itself. */
static void moves_by_itself(void **state)
{
	struct fl_run *run = hosts_run(4);
	struct fl_judgement *j;

	(void)state;
	four(run, "first", 24, 24, 22, 24);
	j = judge(run);
	assert_string_equal(j->headline,
			    "host n3: first 8.3 % below the median of 4 hosts (22.0 GB/s, median 24.0 GB/s)");
	fl_judgement_free(j);
	for (size_t i = 0; i < run->lanes_n; i++)
		for (size_t k = 0; run->lanes[i].lane == 2 && run->lanes[i].round == 2 && k < run->lanes[i].series[0].n;
		     k++)
			run->lanes[i].series[0].value[k] *= 1.05;
	j = judge(run);
	assert_null(j->headline);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* One that is better is marked, and no one is told to look at it. */
static void better(void **state)
{
	struct fl_run *run = hosts_run(4);
	struct fl_judgement *j;

	(void)state;
	four(run, "first", 24, 24, 30, 24);
	j = judge(run);
	assert_int_equal(j->across[0].odd[2], FL_ODD_BETTER);
	assert_int_equal(j->across[0].worse_n, 0);
	assert_int_equal(j->hosts[2].odd_n, 0);
	assert_int_equal(j->odd_hosts_n, 0);
	assert_null(j->headline);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What is to be trusted is named first, and the rest with that reservation. */
static void trusted_first(void **state)
{
	struct fl_run *run = hosts_run(4);
	struct fl_judgement *j;

	(void)state;
	four(run, "first", 24, 18, 24, 24);
	distrust(run, 0, 1);
	j = judge(run);
	assert_string_equal(
		j->headline,
		"host n2: first 25 % below the median of 4 hosts (18.0 GB/s, median 24.0 GB/s), not trustworthy");
	fl_judgement_free(j);
	four(run, "second", 24, 24, 20, 24);
	j = judge(run);
	assert_int_equal(j->odd_hosts_n, 2);
	assert_string_equal(j->headline,
			    "host n3: second 17 % below the median of 4 hosts (20.0 GB/s, median 24.0 GB/s)");
	assert_non_null(strstr(j->odd_hosts[1], "host n2: first"));
	assert_int_equal(j->hosts[1].odd_n, 1);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Pairs whose rates are all over the place: no host is odd, and no pair is slow. */
static void noisy_pairs(void **state)
{
	static const struct hosts_pair pairs[] = { { 0, 1, 6e9 },   { 2, 3, 7e9 }, { 0, 2, 8e9 },
						   { 1, 3, 9.1e9 }, { 0, 3, 9e9 }, { 1, 2, 7.4e9 } };
	struct fl_run *run = hosts_run(4);
	struct fl_judgement *j;

	(void)state;
	for (unsigned i = 0; i < 6; i += 2)
		hosts_pairs(run, "net.stream pairs", pairs + i, 2);
	j = judge(run);
	assert_int_equal(j->across[0].lanes_n, 6);
	assert_int_equal(j->across[0].odd_n, 0);
	assert_int_equal(j->across[0].slow_n, 0);
	assert_null(j->headline);
	assert_true(says(j, "none of them stands out: net.stream ("));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A slow pair that is not to be trusted: said so; a host whose measurements mostly are not, too. */
static void distrusted_pairs(void **state)
{
	struct fl_run *run = hosts_sample(6, NOBODY, 3, NOBODY);
	struct fl_judgement *j;

	(void)state;
	j = judge(run);
	assert_true(j->across[2].trusted[3]);
	fl_judgement_free(j);
	for (size_t i = 0; i < run->lanes_n; i++)
		if (run->lanes[i].case_no >= 2)
			json_array_append_new(run->lanes[i].distrust, json_string("others took its CPU"));
	j = judge(run);
	assert_false(j->across[2].trusted[3]);
	assert_true(says(j, "over all that it has a part in), not trustworthy"));
	fl_judgement_free(j);
	fl_run_free(run);
	run = hosts_sample(6, NOBODY, NOBODY, NOBODY);
	for (size_t i = 0; i < run->lanes_n; i++)
		for (size_t k = 0;
		     run->lanes[i].case_no == 2 && run->lanes[i].lane < 2 && k < run->lanes[i].series[0].n; k++)
			run->lanes[i].series[0].value[k] /= 2;
	distrust(run, 2, 1);
	j = judge(run);
	assert_non_null(strstr(j->headline, "(5.95 GB/s), not trustworthy"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Of fewer than four, which one is odd is not clear. */
static void too_few(void **state)
{
	struct fl_run *run = hosts_sample(3, 1, NOBODY, NOBODY);
	struct fl_judgement *j = judge(run);

	(void)state;
	assert_int_equal(j->across[1].n, 3);
	assert_int_equal(j->across[1].odd_n, 0);
	assert_int_equal(j->odd_hosts_n, 0);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A host that was lost is named first, and never a pass, whatever is required. */
static void lost(void **state)
{
	struct fl_run *run = hosts_sample(6, 2, NOBODY, 4);
	struct fl_judgement *j = judge(run);

	(void)state;
	assert_int_equal(j->status, 3);
	assert_true(j->hosts[4].lost && !j->hosts[3].lost);
	assert_string_equal(j->odd_hosts[0], "host n5 was lost: the connection was closed");
	assert_true(says(j, "host n3: storage.read"));
	assert_int_equal(j->across[1].n, 5);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Records and plans that contradict themselves. */
static void contradictions(void **state)
{
	static const struct {
		const char *key, *value, *says;
	} rows[] = {
		{ "host", "2", "'host'" },     { "host", "-1", "'host'" },   { "host", "\"n1\"", "'host'" },
		{ "size", "10001", "'size'" }, { "rank", "2", "of rank 2" }, { "rank", "-1", "'rank'" },
	};
	const struct hosts_pair one = { 0, 1, 12.2e9 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = hosts_run(2);
		json_t *c, *lane;
		struct fl_judgement *j;
		struct fl_err err = { 0 };

		hosts_pairs(run, "net.stream n1 - n2", &one, 1);
		c = json_array_get(json_object_get(run->plan, "cases"), 0);
		lane = json_array_get(json_object_get(c, "lanes"), 1);
		json_object_set_new(lane, rows[i].key, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		assert_int_equal(fl_judge(run, &j, &err), -EINVAL);
		if (!strstr(err.what, rows[i].says))
			fail_msg("'%s' does not say '%s'", err.what, rows[i].says);
		fl_run_free(run);
	}
}

static void hosts_and_plan(void **state)
{
	struct fl_run *run = hosts_run(2);
	struct fl_judgement *j;
	struct fl_err err = { 0 };

	(void)state;
	json_array_append_new(json_object_get(run->plan, "hosts"), json_string("n3"));
	assert_int_equal(fl_judge(run, &j, &err), -EINVAL);
	assert_non_null(strstr(err.what, "the plan is of 3 hosts, and the record of 2"));
	json_array_remove(json_object_get(run->plan, "hosts"), 2);
	json_array_set_new(json_object_get(run->plan, "hosts"), 1, json_string("n9"));
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_judge(run, &j, &err), -EINVAL);
	assert_non_null(strstr(err.what, "host 1 is 'n9' in the plan and 'n2' in the record"));
	fl_run_free(run);
}

/* ---- before and after */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_machine),
		cmocka_unit_test(hops_are_not_shared),
		cmocka_unit_test(pair),
		cmocka_unit_test(carried_stays_at_home),
		cmocka_unit_test(carried_by_buffers),
		cmocka_unit_test(slower_side),
		cmocka_unit_test(no_nic),
		cmocka_unit_test(both_ways),
		cmocka_unit_test(slow_sender),
		cmocka_unit_test(odd_ones),
		cmocka_unit_test(distrust_is_shared),
		cmocka_unit_test(slow_pair),
		cmocka_unit_test(too_few),
		cmocka_unit_test(spread),
		cmocka_unit_test(moves_by_itself),
		cmocka_unit_test(better),
		cmocka_unit_test(trusted_first),
		cmocka_unit_test(noisy_pairs),
		cmocka_unit_test(bad_transmit_side),
		cmocka_unit_test(bad_transmit_side_one_way),
		cmocka_unit_test(slow_towards_a_slow_sender),
		cmocka_unit_test(two_bad_transmit_sides),
		cmocka_unit_test(without_directions),
		cmocka_unit_test(distrusted_pairs),
		cmocka_unit_test(lost),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(hosts_and_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
