/* SPDX-License-Identifier: Apache-2.0 */
/* golden.h: a run with something of everything, and expected reports in tests/golden. They are written anew only when
 * the environment says FEEDLINE_GOLDEN=write; look at the difference before you keep it. */
#ifndef FL_TESTS_GOLDEN_H
#define FL_TESTS_GOLDEN_H
#include "../sample_gpus.h"
#include "../sample_hosts.h"
#include "../studied.h"
#include "base/file.h"
#include "judge/judge.h"
#include "reports/reports.h"
#include "tails.h"
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static inline void golden_compare(const char *name, const struct fl_text *got)
{
	const char *mode = getenv("FEEDLINE_GOLDEN");
	struct fl_text want = { 0 };
	struct fl_err err = { 0 };
	char path[512];

	snprintf(path, sizeof(path), "%s/golden/%s", TESTS_DIR, name);
	if (mode && strcmp(mode, "write") == 0)
		assert_int_equal(fl_file_write(path, got->bytes, got->n, &err), 0);
	if (fl_file_read(AT_FDCWD, path, 1 << 20, &want, &err) < 0)
		fail_msg("%s", err.what);
	if (want.n != got->n || memcmp(want.bytes, got->bytes, got->n) != 0)
		fail_msg("%s differs; this is what came:\n%s", name, fl_text_str(got));
	fl_text_release(&want);
}

static inline struct fl_judgement *golden_judge(const struct fl_run *run)
{
	struct fl_judgement *j = NULL;
	struct fl_err err = { 0 };

	if (fl_judge(run, &j, &err) < 0)
		fail_msg("%s", err.what);
	return j;
}

/* Round r of three: 1 % below, at and above the value. */
static inline void golden_rate(struct fl_lane_record *r, const char *metric, double value)
{
	sample_flat(r, metric, value * (0.99 + 0.01 * r->round), 20);
}

static inline void golden_histogram(struct fl_lane_record *r, double p50_ns)
{
	struct fl_series *s = sample_series(r, "read_ns", FL_SERIES_HISTOGRAM, 3);

	for (size_t i = 0; i < 3; i++) {
		s->at[i] = p50_ns * (double)(i * i + 1);
		s->value[i] = i == 0 ? 9000 : i == 1 ? 990 : 10;
	}
}

static inline void golden_copy(struct fl_run *run, unsigned case_no, const char *label, const char *options,
			       double rate)
{
	sample_lane(sample_case(run, label, 3), "memory.copy", options, NULL);
	for (unsigned round = 0; round < 3; round++)
		golden_rate(sample_record(run, case_no, 0, round), "bytes_per_s", rate);
}

static inline void golden_read(struct fl_run *run, unsigned case_no, const char *label, const char *options,
			       double rate, double block)
{
	sample_lane(sample_case(run, label, 3), "storage.read", options, NULL);
	for (unsigned round = 0; round < 3; round++) {
		struct fl_lane_record *r = sample_record(run, case_no, 0, round);

		golden_rate(r, "bytes_per_s", rate);
		golden_rate(r, "ops_per_s", rate / block);
		golden_histogram(r, block == 4096 ? 80000 : 1.2e6);
		json_object_set_new(r->facts, "buffers", json_string("registered"));
	}
}

static inline void golden_paced(struct fl_run *run, unsigned case_no, const char *pace, double cap, double rate)
{
	char options[80], label[80];

	snprintf(options, sizeof(options), "{\"batch\":\"1048576\",\"pace\":\"%s\"}", pace);
	snprintf(label, sizeof(label), "null.pipeline pace=%s", pace);
	sample_lane(sample_case(run, label, 3), "null.pipeline", options, NULL);
	for (unsigned round = 0; round < 3; round++) {
		struct fl_lane_record *r = sample_record(run, case_no, 0, round);

		golden_rate(r, "bytes_per_s", rate);
		sample_cap(r, "source pace", cap);
	}
}

static inline void golden_together(struct fl_run *run, unsigned case_no)
{
	json_t *c = sample_case(run, "memory.copy memory=node0 + storage.read path=/data/file", 3);

	sample_lane(c, "memory.copy", "{\"memory\":\"node0\",\"size\":\"67108864\",\"numa\":\"node0\"}", NULL);
	sample_lane(c, "storage.read",
		    "{\"path\":\"/data/file\",\"block\":\"1048576\",\"depth\":\"16\",\"pattern\":\"sequential\"}",
		    NULL);
	for (unsigned round = 0; round < 3; round++) {
		struct fl_lane_record *r = sample_record(run, case_no, 0, round);

		golden_rate(r, "bytes_per_s", 6.1e9);
		json_array_append_new(r->distrust, json_string("CPU frequency changed by 12 % while it ran"));
		r = sample_record(run, case_no, 1, round);
		r->outcome = FL_INVALID;
		r->reason = fl_dup("the worker was killed by SIGSEGV in phase 'step'");
		r->hint = fl_dup("run it alone: feedline bench storage.read --path /data/file");
	}
}

/* Something of everything: unjudged, failed, passed, invalid, not measured and not trustworthy. */
static inline struct fl_run *golden_mixed(void)
{
	struct fl_run *run = sample_run_new(false, NULL);

	golden_copy(run, 0, "memory.copy numa=node0 memory=node0",
		    "{\"memory\":\"node0\",\"size\":\"67108864\",\"numa\":\"node0\"}", 9.31e9);
	golden_copy(run, 1, "memory.copy numa=node0 memory=node1",
		    "{\"memory\":\"node1\",\"size\":\"67108864\",\"numa\":\"node0\"}", 5.2e9);
	golden_read(run, 2, "storage.read path=/data/file",
		    "{\"path\":\"/data/file\",\"block\":\"1048576\",\"depth\":\"16\",\"pattern\":\"sequential\"}",
		    3.5e9, 1048576);
	golden_read(run, 3, "storage.read path=/data/file block=4KiB",
		    "{\"path\":\"/data/file\",\"block\":\"4096\",\"depth\":\"128\",\"pattern\":\"random\"}", 1.02e9,
		    4096);
	golden_paced(run, 4, "1000000", 1.048576e9, 1.047e9);
	golden_paced(run, 5, "2000000", 0.524288e9, 0.4e9);
	golden_together(run, 6);
	sample_lane(sample_case(run, "gpu.absent", 1), "gpu.absent", "{}", "built without CUDA");
	return run;
}

/* What a broken worker could have said of every lane that was not measured. */
static inline void golden_spoil(struct fl_run *run, const char *reason, const char *hint)
{
	for (size_t i = 0; i < run->lanes_n; i++) {
		struct fl_lane_record *r = &run->lanes[i];

		if (!r->reason)
			continue;
		free(r->reason);
		free(r->hint);
		r->reason = fl_dup(reason);
		r->hint = fl_dup(hint);
	}
}

/* One benchmark, one round, everything well: what `feedline bench` prints. */
static inline struct fl_run *golden_single(void)
{
	struct fl_run *run = sample_run_new(true, NULL);
	struct fl_lane_record *r;

	sample_lane(sample_case(run, "null.pipeline batch=1MiB", 1), "null.pipeline",
		    "{\"batch\":\"1048576\",\"pace\":\"1000000\"}", NULL);
	r = sample_record(run, 0, 0, 0);
	sample_ramp(r, "bytes_per_s", 1.02e9, 1.05e9, 100);
	sample_cap(r, "source pace", 1.048576e9);
	return run;
}

/* Stopped in its first round. */
static inline struct fl_run *golden_interrupted(void)
{
	struct fl_run *run = sample_run_new(false, "null.nop");

	golden_copy(run, 0, "memory.copy numa=node0 memory=node0",
		    "{\"memory\":\"node0\",\"size\":\"67108864\",\"numa\":\"node0\"}", 9.31e9);
	while (run->lanes_n > 1)
		fl_lane_record_release(&run->lanes[--run->lanes_n]);
	sample_lane(sample_case(run, "null.nop", 3), "null.nop", "{}", NULL);
	return run;
}

/* ---- studies: a sweep that ended early, lanes alone and together, and A against A */

static inline json_t *golden_study(struct fl_run *run, const char *kind, const char *label, int cases,
				   const char *option)
{
	json_t *studies = json_object_get(run->plan, "studies");
	json_t *last = json_array_get(studies, json_array_size(studies) - 1);
	json_int_t first = json_integer_value(json_object_get(last, "first_case")) +
			   json_integer_value(json_object_get(last, "cases"));
	json_t *s = json_pack("{s:s, s:s, s:I, s:i, s:s?, s:[], s:b}", "kind", kind, "label", label, "first_case",
			      first, "cases", cases, "option", option, "values", "range", 0);

	json_array_append_new(studies, s);
	return json_object_get(s, "values");
}

/* A case of one reader; rate 0: its study did not need it. */
static inline void golden_point(struct fl_run *run, json_t *values, const char *label, const char *block, double rate)
{
	unsigned case_no = (unsigned)json_array_size(json_object_get(run->plan, "cases"));
	json_t *c = sample_case(run, label, 3),
	       *options = json_pack("{s:s, s:s}", "path", "/data/file", "block", block);
	char *text = json_dumps(options, JSON_COMPACT);

	json_object_set_new(c, "rounds_least", json_integer(0));
	if (values)
		json_array_append_new(values, json_string(block));
	sample_lane(c, "storage.read", text, NULL);
	for (unsigned round = 0; rate > 0 && round < 3; round++)
		golden_rate(sample_record(run, case_no, 0, round), "bytes_per_s", rate);
	json_decref(options);
	free(text);
}

static inline struct fl_run *golden_studies(void)
{
	struct fl_run *run = sample_run_new(false, NULL);
	json_t *values;

	run->finished = true;
	json_object_set_new(run->plan, "studies", json_array());
	values = golden_study(run, "sweep", "storage.read path=/data/file", 4, "block");
	golden_point(run, values, "storage.read path=/data/file block=4KiB", "4096", 1e9);
	golden_point(run, values, "storage.read path=/data/file block=8KiB", "8192", 1.96e9);
	golden_point(run, values, "storage.read path=/data/file block=16KiB", "16384", 2e9);
	golden_point(run, values, "storage.read path=/data/file block=32KiB", "32768", 0);
	golden_study(run, "solo", "memory.copy numa=node0 memory=node0 + storage.read path=/data/file", 3, NULL);
	golden_copy(run, 4, "memory.copy numa=node0 memory=node0 alone",
		    "{\"memory\":\"node0\",\"size\":\"67108864\",\"numa\":\"node0\"}", 9.31e9);
	golden_point(run, NULL, "storage.read path=/data/file alone", "1048576", 3.5e9);
	golden_together(run, 6);
	values = golden_study(run, "ab", "storage.read path=/data/file", 2, "block");
	golden_point(run, values, "storage.read path=/data/file block=4KiB", "4096", 1e9);
	golden_point(run, values, "storage.read path=/data/file block=4KiB #2", "4096", 1.01e9);
	return run;
}

/* ---- starvation: a ladder for two accelerators of a profile, and three demands of one path */

static inline void golden_want(struct fl_run *run, unsigned case_no, const char *demand)
{
	json_t *c = json_array_get(json_object_get(run->plan, "cases"), case_no), *lane;
	size_t i;

	json_array_foreach(json_object_get(c, "lanes"), i, lane)
		json_object_set_new(json_object_get(lane, "options"), "demand", json_string(demand));
}

/* A source that gives so much of what is wanted, evenly. */
static inline struct source golden_source(double rho)
{
	return (struct source){ STUDIED_C / rho, 0, 1 };
}

/* Loop, open loop and control of every accelerator. */
static inline void golden_fed(struct fl_run *run, unsigned first, unsigned lanes, unsigned round, const double *rho)
{
	for (unsigned i = 0; i < lanes; i++) {
		struct stages stages = rho[i] < 1 ? by_source : idle;

		studied_loop(run, first, i, round, golden_source(rho[i]), STUDIED_C, stages, 200);
		studied_open(run, first + 1, i, round, golden_source(rho[i]), 200);
		studied_loop(run, first + 2, i, round, golden_source(100), 1.002 * STUDIED_C, idle, 200);
	}
}

static inline struct fl_run *golden_ladder(void)
{
	static const char *const values[] = { "loop", "open", "control", "T1", "T2", "T3", "slowed-0", NULL };
	static const double rho[] = { 0.4, 1.2 };
	struct fl_run *run = studied_run("ladder", "direct", 2, 2, values);

	golden_want(run, 0, "unet3d-h100");
	for (unsigned round = 0; round < 2; round++) {
		struct fl_lane_record *r;

		golden_fed(run, 0, 2, round, rho);
		studied_open(run, 3, 0, round, golden_source(5 + round), 200);
		r = sample_record(run, 4, 0, round);
		r->outcome = FL_NOT_MEASURED;
		r->reason = fl_dup("the page cache does not hold the file");
		r->hint = fl_dup("take a smaller file");
		studied_open(run, 5, 0, round, golden_source(0.8), 200);
		studied_loop(run, 6, 0, round, golden_source(0.3), STUDIED_C, by_source, 200);
		studied_loop(run, 6, 1, round, golden_source(0.3), STUDIED_C, by_source, 200);
	}
	return run;
}

/* One accelerator: rungs beside its path, one of them faster than the one before it and one after what was not
 * measured; and other programs beside some of the lanes. */
static inline struct fl_run *golden_rungs(void)
{
	static const char *const values[] = { "loop", "open", "control", "T1", "T2", "T2-cold", NULL };
	static const double rho[] = { 1.5 };
	struct fl_run *run = studied_run("ladder", "direct", 1, 1, values);

	golden_fed(run, 0, 1, 0, rho);
	studied_open(run, 3, 0, 0, golden_source(5), 200);
	studied_open(run, 4, 0, 0, golden_source(0.5), 200);
	studied_open(run, 5, 0, 0, golden_source(0.7), 200);
	for (size_t i = 1; i < run->lanes_n; i++)
		json_array_append_new(run->lanes[i].distrust,
				      json_sprintf("other programs took %zu %% of the time of its CPUs", 30 + 10 * i));
	return run;
}

/* Of each of two demands a ladder. */
static inline struct fl_run *golden_ladders(void)
{
	static const char *const values[] = { "loop", "open", "control", "T1", "T2", NULL };
	static const char *const demands[] = { "unet3d-h100", "resnet50-h100" };
	static const double rho[] = { 0.4, 5 };
	struct fl_run *run = studied_run("ladder", "direct", 1, 1, values);

	for (unsigned i = 0; i < 2; i++) {
		if (i)
			studied_add(run, "ladder", "direct", 1, 1, values);
		golden_want(run, 5 * i, demands[i]);
		json_object_set_new(json_array_get(json_object_get(run->plan, "studies"), i), "label",
				    json_sprintf("feed path=/data/f demand=%s", demands[i]));
		golden_fed(run, 5 * i, 1, 0, &rho[i]);
		studied_open(run, 5 * i + 3, 0, 0, golden_source(6 + i), 200);
		studied_open(run, 5 * i + 4, 0, 0, golden_source(1 + i), 200);
	}
	return run;
}

static inline struct fl_run *golden_demands(void)
{
	static const char *const values[] = { "loop", "open", "control", NULL };
	static const char *const demands[] = { "unet3d-h100", "resnet50-h100", "cosmoflow-h100" };
	static const double rho[] = { 0.4, 5, 0.9 };
	struct fl_run *run = studied_run("starvation", "direct", 1, 1, values);

	for (unsigned i = 0; i < 3; i++) {
		if (i)
			studied_add(run, "starvation", "direct", 1, 1, values);
		golden_want(run, 3 * i, demands[i]);
		json_object_set_new(json_array_get(json_object_get(run->plan, "studies"), i), "label",
				    json_sprintf("feed path=/data/f demand=%s", demands[i]));
		golden_fed(run, 3 * i, 1, 0, &rho[i]);
	}
	return run;
}

/* In every locale. */
static inline double golden_number(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	double number = json_number_value(value);

	json_decref(value);
	return number;
}

/* "gpu-0/power_w 310 330 320": samples half a second apart, the first before the window. */
static inline void golden_watched(struct fl_run *run, unsigned round, const char *text)
{
	struct fl_watched *w = fl_run_add_watched(run);
	char *copy = fl_dup(text), *rest = copy, *word = strsep(&rest, "/");
	size_t n = 0;

	w->round = round;
	w->subject = fl_dup(word);
	word = strsep(&rest, " ");
	if (fl_series_make(word, FL_SERIES_SAMPLES, 8, &w->series) < 0)
		abort();
	while ((word = strsep(&rest, " "))) {
		w->series.at[n] = 5e8 * ((double)n - 0.5);
		w->series.valid[n] = 1;
		w->series.value[n++] = golden_number(word);
	}
	w->series.n = n;
	free(copy);
}

static inline void golden_remark(struct fl_lane_record *r, const char *gpu, unsigned percent)
{
	json_object_set_new(
		r->notes, "remarks",
		json_pack("[o]",
			  json_sprintf("the power limit of %s acted in %u %% of the window, at 345 W", gpu, percent)));
}

/* A GPU that an Xid befell, a drive and a NIC at work, another drive that did nothing. */
static inline struct fl_run *golden_beside(void)
{
	static const char *const seen[] = {
		"feedline/agent_cpu_ns 0 300000 200000",
		"feedline/calls 0 40 30",
		"feedline/cpu_ns 0 4000000 2000000",
		"feedline/longest_call_ns 0 12000000 90000",
		"feedline/wall_ns 0 1000000000 500000000",
		"gpu-0000:41:00.0/ecc_corrected 7 7 9",
		"gpu-0000:41:00.0/memory_clock_hz 2619000000 2619000000",
		"gpu-0000:41:00.0/pcie_gen 5 5 5",
		"gpu-0000:41:00.0/pcie_lanes 16 16 16",
		"gpu-0000:41:00.0/pcie_received_bytes_per_s 1 5.3e10 5.5e10 5.4e10",
		"gpu-0000:41:00.0/pcie_replays 3 3 3",
		"gpu-0000:41:00.0/pcie_sent_bytes_per_s 1 2e5 2e5",
		"gpu-0000:41:00.0/power_w 299 310 345 320 330 325",
		"gpu-0000:41:00.0/sm_busy_ratio 0 0.05 0.3 0.99 0.98",
		"gpu-0000:41:00.0/sm_clock_hz 1980000000 1980000000 1965000000",
		"gpu-0000:41:00.0/temperature_c 41 42 44 43",
		"gpu-0000:41:00.0/xid 0 31",
		"nic-0000:42:00.0/drops 5 5 8",
		"nic-0000:42:00.0/received_bytes_per_s 0 2.5e9 2.4e9 2.6e9",
		"nic-0000:42:00.0/sent_bytes_per_s 0 10 20 30",
		"node0/cpu_busy_ratio 0 0.12 0.2 0.31",
		"node0/memory_free_bytes 1e10 1e10",
		"nvme-S1/busy_ratio 0 0.9 1 0.95",
		"nvme-S1/in_flight 0 30 32 31",
		"nvme-S1/read_bytes_per_s 0 6.1e9 6.3e9 6.2e9",
		"nvme-S1/written_bytes_per_s 0 0 0",
		"nvme-S2/busy_ratio 0 0 0",
		"nvme-S2/read_bytes_per_s 0 0 0",
		"system/cpu_pressure_ratio 0 0.018 0.03",
		"system/io_pressure_ratio 0 0.4 0.6 0.5",
	};
	struct fl_run *run = golden_single();

	golden_remark(&run->lanes[0], "gpu-0000:41:00.0", 40);
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
			golden_watched(run, round, seen[i]);
	return run;
}

/* ---- GPUs */

static inline void golden_gpu_lane(struct fl_run *run, const char *bench, const char *options, double rate)
{
	unsigned case_no = (unsigned)json_array_size(json_object_get(run->plan, "cases"));

	sample_lane(sample_case(run, bench, 3), bench, options, NULL);
	for (unsigned round = 0; round < 3; round++)
		golden_rate(sample_record(run, case_no, 0, round), "bytes_per_s", rate);
}

static inline double golden_pair_rate(unsigned from, unsigned to)
{
	if (from == 2 && to == 3)
		return 20e9; /* fails */
	if (from == 6 && to == 1)
		return 31e9; /* nothing to hold it against but those like it */
	return from / 2 == to / 2 ? 54e9 : from / 4 == to / 4 ? 50e9 : 40e9;
}

/* Every GPU with both nodes and every other GPU: one of them has half of its lanes, one pair is slow below its switch,
 * and one across the sockets. */
static inline struct fl_run *golden_gpus(void)
{
	struct sample_gpus g;
	struct fl_run *run;
	char options[256];

	sample_gpus_init(&g);
	g.gpus[5].pci.link.lanes_now = (struct fl_known)SAMPLE_KNOWN(8);
	run = sample_gpu_run(&g, NULL);
	for (unsigned i = 0; i < SAMPLE_GPUS; i++)
		for (unsigned node = 0; node < 2; node++) {
			snprintf(options, sizeof(options),
				 "{\"gpu\":\"%s\",\"memory\":\"node%u\",\"size\":\"536870912\",\"engine\":\"ce\"}",
				 g.ids[i], node);
			golden_gpu_lane(run, "gpu.h2d", options, i == 5 ? 27e9 : i / 4 == node ? 55e9 : 44e9);
		}
	for (unsigned from = 0; from < SAMPLE_GPUS; from++)
		for (unsigned to = 0; to < SAMPLE_GPUS; to++) {
			if (from == to)
				continue;
			snprintf(options, sizeof(options),
				 "{\"from\":\"%s\",\"to\":\"%s\",\"size\":\"268435456\",\"engine\":\"ce\","
				 "\"direction\":\"one\"}",
				 g.ids[from], g.ids[to]);
			golden_gpu_lane(run, "gpu.p2p", options, golden_pair_rate(from, to));
			if (from == 2 && to > 3)
				golden_remark(&run->lanes[run->lanes_n - 1], g.ids[from], 10 * to);
		}
	return run;
}

/* A suite of what the machine does not have. */
static inline struct fl_run *golden_nothing(void)
{
	static const char *const benches[] = { "gpu.h2d", "gpu.d2h", "gpu.local", "gpu.p2p", "gpu.latency" };
	struct sample_gpus g;
	struct fl_run *run;

	sample_gpus_init(&g);
	g.s.m.gpus_n = 0;
	run = sample_gpu_run(&g, NULL);
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		sample_lane(sample_case(run, benches[i], 3), benches[i], "{\"size\":\"536870912\"}",
			    "this machine has no gpu");
		for (unsigned round = 0; round < 3; round++) {
			struct fl_lane_record *r = sample_record(run, (unsigned)i, 0, round);

			r->outcome = FL_NOT_MEASURED;
			r->reason = fl_dup("this machine has no gpu");
		}
	}
	return run;
}

/* One GPU: what it has no partner for is not measured, and lacks the device that it would be of. */
static inline struct fl_run *golden_one_gpu(void)
{
	static const char gpu[] =
		"\"gpu\":\"gpu-0000:10:00.0\",\"engine\":\"ce\",\"kind\":\"pinned\",\"memory\":\"node0\"";
	static const char *const missing[] = { "gpu.h2d", "gpu.p2p", "gpu.h2d", "gpu.d2h", "gpu.p2p" };
	struct sample_gpus g;
	struct fl_run *run;
	char options[256];

	sample_gpus_init(&g);
	g.s.m.gpus_n = 1;
	run = sample_gpu_run(&g, "gpu.d2h");
	for (unsigned i = 0; i < 4; i++) {
		snprintf(options, sizeof(options), "{%s,\"size\":\"%u\"}", gpu, i / 2 ? 1048576 : 536870912);
		golden_gpu_lane(run, i % 2 ? "gpu.d2h" : "gpu.h2d", options, i / 2 ? 48e9 : 55e9);
	}
	snprintf(options, sizeof(options), "{%s,\"size\":\"536870912\"}", gpu);
	golden_gpu_lane(run, "gpu.bidir", options, 100e9);
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		unsigned case_no = (unsigned)json_array_size(json_object_get(run->plan, "cases"));

		sample_lane(sample_case(run, missing[i], 3), missing[i], "{\"size\":\"268435456\",\"engine\":\"ce\"}",
			    "this machine has no distinct pair of gpu and gpu");
		for (unsigned round = 0; round < 3; round++) {
			struct fl_lane_record *r = sample_record(run, case_no, 0, round);

			r->outcome = FL_NOT_MEASURED;
			r->reason = fl_dup("this machine has no distinct pair of gpu and gpu");
		}
	}
	return run;
}

/* ---- hosts: two, four that spread, eight of which two are odd, six of which one was lost, and two hundred */

enum { GOLDEN_NOBODY = 9999 };

static inline struct fl_run *golden_hosts_2(void)
{
	return hosts_sample(2, GOLDEN_NOBODY, GOLDEN_NOBODY, GOLDEN_NOBODY);
}

/* One is better than the others, one is odd and not to be trusted, and one just beyond the tolerance. */
static inline struct fl_run *golden_hosts_4(void)
{
	static const double spread[] = { 24e9, 21.6e9, 23e9, 20e9 }, better[] = { 6e9, 6e9, 6.9e9, 6e9 };
	static const double distrusted[] = { 12e9, 12e9, 12e9, 9e9 }, near[] = { 12e9, 11.23e9, 12e9, 12e9 };
	struct fl_run *run = hosts_run(4);

	hosts_each(run, "memory.copy memory=node0", "memory.copy", "{\"memory\":\"node0\",\"size\":\"1073741824\"}",
		   spread);
	hosts_each(run, "storage.read path=/data/file", "storage.read", "{\"path\":\"/data/file\"}", better);
	hosts_each(run, "memory.copy memory=node1", "memory.copy", "{\"memory\":\"node1\",\"size\":\"1073741824\"}",
		   distrusted);
	hosts_each(run, "memory.copy size=1MiB", "memory.copy", "{\"memory\":\"node0\",\"size\":\"1048576\"}", near);
	for (size_t i = 0; i < run->lanes_n; i++)
		if (run->lanes[i].case_no == 2)
			json_array_append_new(run->lanes[i].distrust, json_string("others took 9 % of its CPU"));
	return run;
}

/* Nothing but a spread: there is no headline. */
static inline struct fl_run *golden_hosts_spread(void)
{
	static const double spread[] = { 24e9, 21.6e9, 23e9, 20e9 };
	struct fl_run *run = hosts_run(4);

	hosts_each(run, "memory.copy memory=node0", "memory.copy", "{\"memory\":\"node0\",\"size\":\"1073741824\"}",
		   spread);
	return run;
}

static inline struct fl_run *golden_hosts_8(void)
{
	struct fl_run *run = hosts_sample(8, 2, 5, GOLDEN_NOBODY);

	for (size_t i = 0; i < run->lanes_n; i++)
		if (run->lanes[i].case_no == 0 && run->lanes[i].lane == 3)
			json_array_append_new(run->lanes[i].distrust, json_string("others took 9 % of its CPU"));
	return run;
}

static inline struct fl_run *golden_hosts_lost(void)
{
	return hosts_sample(6, GOLDEN_NOBODY, GOLDEN_NOBODY, 4);
}

static inline struct fl_run *golden_hosts_200(void)
{
	return hosts_sample(200, 17, 120, GOLDEN_NOBODY);
}

/* Hosts that are alike but for their tails: two, eight and two hundred. */
static inline struct fl_run *golden_tails(unsigned n, const char *slow, const char *slowest, const char *slow_drive)
{
	struct fl_run *run = hosts_sample(n, GOLDEN_NOBODY, GOLDEN_NOBODY, GOLDEN_NOBODY);

	tails_between(run, slow, slowest);
	tails_read(run, slow_drive);
	return run;
}

static inline struct fl_run *golden_tails_2(void)
{
	return golden_tails(2, "n1", "n1", "n2");
}

static inline struct fl_run *golden_tails_8(void)
{
	return golden_tails(8, "n3", "n5", "n6");
}

static inline struct fl_run *golden_tails_200(void)
{
	return golden_tails(200, "n3", "n60", "n160");
}

/* On each of some hosts a GPU, drives, and what telemetry cost: one GPU is hot and slow, and an Xid befell it; one link
 * is trained down; NICs drop. */
static inline struct fl_run *golden_beside_hosts(void)
{
	static const char *const each[] = {
		"feedline/agent_cpu_ns 0 300000 200000",     "feedline/calls 0 40 30",
		"feedline/cpu_ns 0 4000000 2000000",	     "feedline/longest_call_ns 0 12000000 90000",
		"feedline/wall_ns 0 1000000000 500000000",   "gpu-0000:41:00.0/temperature_c 41 42 44 43",
		"gpu-0000:41:00.0/sm_clock_hz 1980000000",   "gpu-0000:41:00.0/pcie_lanes 16 16 16",
		"nvme-S1/read_bytes_per_s 0 6.1e9 6.3e9",    "nvme-S2/read_bytes_per_s 0 0 0",
		"nic-0000:42:00.0/sent_bytes_per_s 0 10 20", "nic-0000:42:00.0/drops 5 5 5",
	};
	static const struct {
		unsigned host;
		const char *seen;
	} some[] = {
		{ 2, "gpu-0000:42:00.0/temperature_c 41 88 88" },
		{ 2, "gpu-0000:42:00.0/sm_clock_hz 1200000000" },
		{ 2, "gpu-0000:42:00.0/xid 0 79" },
		{ 4, "gpu-0000:42:00.0/pcie_lanes 8 8 8" },
		{ 5, "nic-0000:42:00.1/drops 5 5 9" },
		{ 6, "nic-0000:42:00.1/drops 5 5 105" },
		{ 7, "feedline/longest_call_ns 0 80000000" },
		{ 7, "nvme-S3/read_bytes_per_s 0 7e9 7e9" },
	};
	struct fl_run *run = hosts_sample(8, GOLDEN_NOBODY, GOLDEN_NOBODY, GOLDEN_NOBODY);
	size_t n = sizeof(each) / sizeof(each[0]);

	for (size_t i = 0; i < 8 * n + sizeof(some) / sizeof(some[0]); i++) {
		unsigned host = i < 8 * n ? (unsigned)(i / n) : some[i - 8 * n].host;
		struct fl_watched *w;
		char *subject;

		golden_watched(run, i < 8 * n ? 0 : 1, i < 8 * n ? each[i % n] : some[i - 8 * n].seen);
		w = &run->watched[run->watched_n - 1];
		subject = w->subject;
		w->subject = fl_format("n%u/%s", host + 1, subject);
		free(subject);
	}
	return run;
}

static const struct golden {
	const char *name;
	struct fl_run *(*make)(void);
	struct fl_look look;
} golden_texts[] = {
	{ "report-mixed-80.txt", golden_mixed, { .width = 80 } },
	{ "report-mixed-120.txt", golden_mixed, { .width = 120 } },
	{ "report-single-80.txt", golden_single, { .width = 80 } },
	{ "report-single-colour.txt", golden_single, { .width = 80, .colour = true } },
	{ "report-interrupted-80.txt", golden_interrupted, { .width = 80 } },
	{ "report-studies-80.txt", golden_studies, { .width = 80 } },
	{ "report-ladder-80.txt", golden_ladder, { .width = 80 } },
	{ "report-ladder-120.txt", golden_ladder, { .width = 120 } },
	{ "report-demands-80.txt", golden_demands, { .width = 80 } },
	{ "report-rungs-80.txt", golden_rungs, { .width = 80 } },
	{ "report-ladders-80.txt", golden_ladders, { .width = 80 } },
	{ "report-beside-80.txt", golden_beside, { .width = 80 } },
	{ "report-beside-hosts-80.txt", golden_beside_hosts, { .width = 80 } },
	{ "report-gpus-80.txt", golden_gpus, { .width = 80 } },
	{ "report-one-gpu-80.txt", golden_one_gpu, { .width = 80 } },
	{ "report-nothing-80.txt", golden_nothing, { .width = 80 } },
	{ "report-hosts-2-80.txt", golden_hosts_2, { .width = 80 } },
	{ "report-hosts-4-80.txt", golden_hosts_4, { .width = 80 } },
	{ "report-hosts-spread-80.txt", golden_hosts_spread, { .width = 80 } },
	{ "report-hosts-8-80.txt", golden_hosts_8, { .width = 80 } },
	{ "report-hosts-8-120.txt", golden_hosts_8, { .width = 120 } },
	{ "report-hosts-lost-80.txt", golden_hosts_lost, { .width = 80 } },
	{ "report-hosts-200-80.txt", golden_hosts_200, { .width = 80 } },
	{ "report-tails-2-80.txt", golden_tails_2, { .width = 80 } },
	{ "report-tails-8-120.txt", golden_tails_8, { .width = 120 } },
	{ "report-tails-200-80.txt", golden_tails_200, { .width = 80 } },
};

static const struct golden golden_documents[] = {
	{ "report-mixed.json", golden_mixed, { 0 } },
	{ "report-single.json", golden_single, { 0 } },
	{ "report-interrupted.json", golden_interrupted, { 0 } },
	{ "report-studies.json", golden_studies, { 0 } },
	{ "report-ladder.json", golden_ladder, { 0 } },
	{ "report-demands.json", golden_demands, { 0 } },
	{ "report-rungs.json", golden_rungs, { 0 } },
	{ "report-beside.json", golden_beside, { 0 } },
	{ "report-hosts-4.json", golden_hosts_4, { 0 } },
	{ "report-hosts-2.json", golden_hosts_2, { 0 } },
	{ "report-tails-2.json", golden_tails_2, { 0 } },
};

static const struct golden golden_pages[] = {
	{ "report-mixed.md", golden_mixed, { 0 } },
	{ "report-single.md", golden_single, { 0 } },
	{ "report-interrupted.md", golden_interrupted, { 0 } },
	{ "report-studies.md", golden_studies, { 0 } },
	{ "report-ladder.md", golden_ladder, { 0 } },
	{ "report-rungs.md", golden_rungs, { 0 } },
	{ "report-beside.md", golden_beside, { 0 } },
	{ "report-beside-hosts.md", golden_beside_hosts, { 0 } },
	{ "report-gpus.md", golden_gpus, { 0 } },
	{ "report-hosts-8.md", golden_hosts_8, { 0 } },
	{ "report-tails-8.md", golden_tails_8, { 0 } },
};

static inline struct fl_text golden_render(const char *renderer, const struct golden *g)
{
	struct fl_run *run = g->make();
	struct fl_judgement *j = golden_judge(run);
	struct fl_text out = { 0 };

	fl_renderer_find(renderer)->run(run, j, &g->look, &out);
	fl_judgement_free(j);
	fl_run_free(run);
	return out;
}

/* Time zone and locale must not show. Locales that are not installed are not tried; C.UTF-8 always is. */
static inline void golden_elsewhere(const char *renderer, const struct golden *g)
{
	static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8" };
	struct fl_text here = golden_render(renderer, g);

	setenv("TZ", "Pacific/Kiritimati", 1);
	tzset();
	for (size_t i = 0; i < 3; i++) {
		setlocale(LC_ALL, locales[i]);
		struct fl_text there = golden_render(renderer, g);
		assert_string_equal(fl_text_str(&here), fl_text_str(&there));
		fl_text_release(&there);
	}
	setlocale(LC_ALL, "C");
	unsetenv("TZ");
	tzset();
	fl_text_release(&here);
}

#endif
