/* SPDX-License-Identifier: Apache-2.0 */
/* sample_hosts.h: runs on several hosts made in code, for the tests of judge, reports and compare.
 *
 * Each host is the machine of sample.h with NIC "eth0" (100 Gb/s, PCIe 4.0 x16 on node0) and is called "n1", "n2" ...
 * Benchmark "net.stream" has the roles sender and receiver and is measured at the receiver. */
#ifndef FL_TESTS_SAMPLE_HOSTS_H
#define FL_TESTS_SAMPLE_HOSTS_H
#include "sample_run.h"
#include <stdio.h>

enum { HOSTS_ROUNDS = 3, HOSTS_PAIR_ROUNDS = 16 };

static struct fl_field hosts_stream_fields[] = {
	{ .name = "interface", .type = FL_TEXT, .help = "by which it goes" },
	{ .name = "streams", .type = FL_COUNT, .preset = "1", .range = "1..256", .help = "streams" },
	{ 0 },
};
static struct fl_fact hosts_stream_facts[] = { { "mss", false, "most bytes of a segment" }, { 0 } };
static struct fl_flow hosts_stream_flows[] = { { "memory", "interface", 1, NULL }, { 0 } };

static inline json_t *hosts_stream(void)
{
	const struct fl_entry entry = { .name = "net.stream",
					.summary = "a stream between hosts",
					.program = "feedline-lane-host",
					.verifies = true,
					.fields = hosts_stream_fields,
					.metrics = sample_copy_metrics,
					.facts = hosts_stream_facts,
					.flows = hosts_stream_flows };
	json_t *o = fl_entry_json(&entry);

	json_object_set_new(o, "roles", json_string("sender|receiver"));
	json_object_set_new(o, "measured_at", json_string("receiver"));
	return o;
}

static inline json_t *hosts_machine(const char *name)
{
	struct sample_machine s;
	struct fl_nic nic = { .id = "nic-0000:21:00.0",
			      .interface = "eth0",
			      .rate_bits_per_s = SAMPLE_KNOWN(1e11),
			      .rdma = SAMPLE_NO_TEXT("no RDMA device"),
			      .firmware = SAMPLE_NO_TEXT("not told"),
			      .driver = SAMPLE_NO_TEXT("not told"),
			      .up = true,
			      .pci = { .address = "0000:21:00.0",
				       .vendor = "0x15b3",
				       .device = "0x101d",
				       .link = { .gts_now = SAMPLE_KNOWN(16),
						 .gts_best = SAMPLE_KNOWN(16),
						 .lanes_now = SAMPLE_KNOWN(16),
						 .lanes_best = SAMPLE_KNOWN(16),
						 .max_payload_bytes = SAMPLE_KNOWN(256),
						 .real = true } },
			      .node = SAMPLE_KNOWN(0) };

	sample_machine_init(&s);
	s.m.host = (char *)(uintptr_t)name;
	s.m.nics = &nic;
	s.m.nics_n = 1;
	return fl_machine_json(&s.m);
}

/* Without cases. */
static inline struct fl_run *hosts_run(unsigned n)
{
	struct fl_run *run = sample_run_new(false, NULL);

	run->finished = true;
	run->status = 0;
	json_object_set_new(run->plan, "schema", json_integer(3));
	json_object_set_new(run->plan, "hosts", json_array());
	json_object_set_new(run->declared, "net.stream", hosts_stream());
	for (unsigned i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u", i + 1);
		json_array_append_new(json_object_get(run->plan, "hosts"), json_string(name));
		fl_run_add_host(run, name, hosts_machine(name),
				json_pack("{s:s, s:s}", "version", "0.1.0", "interface", "eth0"));
	}
	json_decref(run->machine);
	json_decref(run->environment);
	run->machine = json_incref(run->hosts[0].machine);
	run->environment = json_incref(run->hosts[0].environment);
	return run;
}

static inline unsigned hosts_cases(const struct fl_run *run)
{
	return (unsigned)json_array_size(json_object_get(run->plan, "cases"));
}

static inline void hosts_set_group(json_t *lane, unsigned host, unsigned group, unsigned rank, unsigned size)
{
	json_object_set_new(lane, "host", json_integer(host));
	json_object_set_new(lane, "group", json_integer(group));
	json_object_set_new(lane, "rank", json_integer(rank));
	json_object_set_new(lane, "size", json_integer(size));
}

/* Round r of three: 1 % below, at and above the value. */
static inline struct fl_lane_record *hosts_record(struct fl_run *run, unsigned host, unsigned case_no, unsigned lane,
						  unsigned round, double value)
{
	struct fl_lane_record *r = sample_record(run, case_no, lane, round);

	json_object_set_new(r->placement, "host", json_string(run->hosts[host].name));
	if (isnan(value)) {
		r->outcome = FL_NOT_MEASURED;
		r->reason = fl_format("host %s was lost: the connection was closed", run->hosts[host].name);
		r->hint = fl_dup("look at it, and run the suite again");
	} else {
		sample_flat(r, "bytes_per_s", value * (0.99 + 0.01 * round), 20);
	}
	return r;
}

/* A case with a lane of the benchmark on every host; rates: of each, NaN: it was lost. */
static inline void hosts_each(struct fl_run *run, const char *label, const char *bench, const char *options,
			      const double *rates)
{
	unsigned case_no = hosts_cases(run);
	json_t *c = sample_case(run, label, HOSTS_ROUNDS);

	for (unsigned i = 0; i < run->hosts_n; i++)
		hosts_set_group(sample_lane(c, bench, options, NULL), i, i, 0, 1);
	for (unsigned round = 0; round < HOSTS_ROUNDS; round++)
		for (unsigned i = 0; i < run->hosts_n; i++)
			hosts_record(run, i, case_no, i, round, rates[i]);
}

struct hosts_pair {
	unsigned from, to;
	double rate;
};

/* A case of pairs that are measured at once. */
static inline void hosts_pairs(struct fl_run *run, const char *label, const struct hosts_pair *pairs, unsigned n)
{
	unsigned case_no = hosts_cases(run);
	json_t *c = sample_case(run, label, HOSTS_ROUNDS);

	for (unsigned i = 0; i < n; i++) {
		hosts_set_group(sample_lane(c, "net.stream", "{\"streams\":\"4\"}", NULL), pairs[i].from, 2 * i, 0, 2);
		hosts_set_group(sample_lane(c, "net.stream", "{\"streams\":\"4\"}", NULL), pairs[i].to, 2 * i, 1, 2);
	}
	for (unsigned round = 0; round < HOSTS_ROUNDS; round++)
		for (unsigned i = 0; i < 2 * n; i++) {
			unsigned host = i % 2 ? pairs[i / 2].to : pairs[i / 2].from;
			struct fl_lane_record *r = hosts_record(run, host, case_no, i, round, pairs[i / 2].rate);

			json_object_set_new(r->facts, "mss", json_string("8948"));
		}
}

/* Every two hosts once, round by round, by the circle method, of many hosts the first rounds of it; slow: the rate of
 * each pair with that host in it. */
static inline void hosts_all_pairs(struct fl_run *run, double rate, unsigned slow, double slow_rate)
{
	unsigned n = (unsigned)run->hosts_n, even = n + n % 2;

	for (unsigned k = 0; k + 1 < even && k < HOSTS_PAIR_ROUNDS; k++) {
		struct hosts_pair *pairs = fl_zalloc(even, sizeof(*pairs));
		char label[64];
		unsigned found = 0;

		for (unsigned i = 0; i < even / 2; i++) {
			unsigned a = i ? (k + i) % (even - 1) : even - 1;
			unsigned b = (k + even - 1 - i) % (even - 1);
			bool odd = a == slow || b == slow;

			if (a < n && b < n)
				pairs[found++] =
					(struct hosts_pair){ a < b ? a : b, a < b ? b : a, odd ? slow_rate : rate };
		}
		snprintf(label, sizeof(label), "net.stream streams=4 pairs round %u", k + 1);
		hosts_pairs(run, label, pairs, found);
		free(pairs);
	}
}

/* What every host has, and all pairs: memory alike, the drive of one host slow, another host slow with all others. */
static inline struct fl_run *hosts_sample(unsigned n, unsigned slow_drive, unsigned slow_net, unsigned lost)
{
	struct fl_run *run = hosts_run(n);
	double *memory = fl_zalloc(n, sizeof(*memory)), *read = fl_zalloc(n, sizeof(*read));

	for (unsigned i = 0; i < n; i++) {
		memory[i] = 24.5e9 * (1 + 0.002 * (double)(i % 5));
		read[i] = i == lost ? (double)NAN : i == slow_drive ? 5.1e9 : 6.9e9 * (1 + 0.001 * (double)(i % 3));
	}
	hosts_each(run, "memory.copy memory=node0", "memory.copy",
		   "{\"memory\":\"node0\",\"size\":\"1073741824\",\"numa\":\"node0\"}", memory);
	hosts_each(run, "storage.read path=/data/file", "storage.read",
		   "{\"path\":\"/data/file\",\"block\":\"1048576\",\"depth\":\"16\",\"pattern\":\"sequential\"}", read);
	hosts_all_pairs(run, 11.9e9, slow_net, 6.1e9);
	free(memory);
	free(read);
	return run;
}

/* Both ways at once in all cases of pairs; what arrives at `to` stays, what arrives at `from` is `back`. */
static inline void set_both_ways(struct fl_run *run, double back)
{
	json_t *entry = json_object_get(run->declared, "net.stream"), *c, *lane;
	size_t i, k;

	json_array_append_new(json_object_get(entry, "fields"),
			      json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", "direction", "type", "choice", "preset",
					"one", "range", "one|both", "help", "ways"));
	json_object_set_new(entry, "measured_when", json_string("direction=one"));
	json_array_foreach(json_object_get(run->plan, "cases"), i, c)
		json_array_foreach(json_object_get(c, "lanes"), k, lane)
			json_object_set_new(json_object_get(lane, "options"), "direction", json_string("both"));
	for (i = 0; i < run->lanes_n; i++) {
		json_object_set_new(run->lanes[i].options, "direction", json_string("both"));
		for (k = 0; run->lanes[i].lane % 2 == 0 && k < run->lanes[i].series[0].n; k++)
			run->lanes[i].series[0].value[k] *= back;
	}
}

/* share: of what that host sends, how much arrives. Lanes of a pair are recorded one after the other. */
static inline void slow_down(struct fl_run *run, const char *host, double share)
{
	for (size_t i = 0; i < run->lanes_n; i++) {
		struct fl_lane_record *r = &run->lanes[i], *other = &run->lanes[i ^ 1];

		for (size_t k = 0;
		     strcmp(fl_json_text_or_null(other->placement, "host"), host) == 0 && k < r->series[0].n; k++)
			r->series[0].value[k] *= share;
	}
}

#endif
