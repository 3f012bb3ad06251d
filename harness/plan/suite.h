/* SPDX-License-Identifier: Apache-2.0 */
/* suite.h: a suite as written. The file is a list of rules; each rule is one way to measure (a study). A rule is a map
 * of these words and no others:
 *
 *   bench:    name of a benchmark            - bench: storage.read
 *   with:     options                          with: {path: "cache:1GiB", duration: 500ms}
 *   each:     list of device options; a case   each: [numa, memory]
 *             for every device (every combination)
 *   pairs:    the combinations of two device   pairs: {of: [numa, memory], relation: remote}
 *             options that stand in a relation
 *   at_once:  list of device options whose     at_once: [to]
 *             devices are lanes of one case
 *   together: list of rules whose lanes      - together:
 *             run in one case                    - bench: memory.copy
 *   beside:   list of rules whose lanes are    beside: [{bench: memory.copy, with: {memory: local}}]
 *             the load beside the benchmark
 *   sweep:    one option and its values: a     sweep: {block: [4KiB, 64KiB, 1MiB]}
 *             list, or a range that doubles    sweep: {depth: 1..128}
 *   across:   of a benchmark between hosts:    across: pairs
 *             pairs, shifts, bisection, or       across: {sample: 16}
 *             so many rounds of pairs
 *   reach:    of these only within one rack,   reach: between
 *             or between two
 *   only_with: a kind of device (node, drive,  only_with: rdma
 *             nic, rdma, gpu): nothing is measured where there is none
 *   study:    solo, ab, calibration,           study: solo
 *             starvation or ladder
 *   repeat:   rounds (1..1000), or the least   repeat: 3
 *             and the most of them             repeat: 3..12
 *   primary:  list of benchmarks, or of        primary: [memory.copy, "storage.read:ops_per_s"]
 *             "benchmark:metric", whose change decides in `feedline compare`
 *   require:  list of benchmarks, or of        require: [memory.copy, "null.pipeline:bytes_per_s"]
 *             "benchmark:metric", that must be measured and judged
 *   require_if_any: the same, but nothing of     require_if_any: [gpu.h2d]
 *             a benchmark with an option for a kind of device that the machine has none of at all
 *
 * Which study a rule is follows from its words:
 *
 *   repeat       neither `beside`, `sweep` nor `study`: cases alternate over the rounds. With `repeat: 3..12` a case is
 *                over, from 3 rounds on, once the interval over the round medians of each of its lanes (below 6
 *                rounds their extremes, base/stats.h) is no wider than the tolerance.
 *   sweep        `sweep`: a case for every value, at most 256, for every combination of devices. Of a range the values
 *                double from the first to the last ("1..100" is 1, 2, 4 ... 64, 100) and only those are measured that
 *                may still bring something: in the first round the sweep ends after two values in a row that each
 *                brought less than the tolerance over the best before. Finds the knee: the smallest value within the
 *                tolerance of the best; of words, which have no order, the best and those within the tolerance of it.
 *   solo         `together` with `study: solo`: every lane alone, where and with the CPUs that it has together, then
 *                all together; every other round the other way round. Finds what is left of each lane, and of their
 *                sum. One lane only is measured like `repeat`. `bench` and `beside` with `study: solo`: the same of the
 *                benchmark and the load, so that it is found what each loses by the other.
 *   beside       `bench` with `beside`: the benchmark alone and beside that load, likewise. Finds what is left of it.
 *   ab           `study: ab` with a `sweep` of exactly two values, which may be equal: A B, B A, A B ... Finds the
 *                ratio B / A and whether it differs from 1.
 *   calibration  `study: calibration`: passes of `repeat` rounds each, between which nothing changes: at least 5, at
 *                most 10; over when they differ by less than half the tolerance of a calibrated machine
 *                (judge/change.h). Finds how far they differ.
 *   starvation   `study: starvation` with the `bench` of a closed loop (feedline/bench.h): in every round the control,
 *                whose data is always there; the same path in open loop; the loop itself; and, where that was held up
 *                in the first round, the loop with less from the drive than it had. Finds whether the loop is fed.
 *   ladder       `study: ladder`: starvation, and every other rung that the loop declares, in open loop, by one lane
 *                alone. Finds the hop that holds it up.
 *
 * Demand. An option `demand: NAME` stands for step_bytes and step_time of a benchmark that has both, by the profile of
 * that name (catalog/demand.h). `demand: all` makes a rule of each profile. In a study of a closed loop a case then
 * measures for 10 steps at least, also where the duration is shorter; where step_time is given, for the duration.
 *
 * Several lanes. Where a benchmark declares that an option says how many equal lanes run together (accelerators: 4),
 * these are lanes of one case wherever one lane would be.
 *
 * Several hosts. A rule of a benchmark that is measured on one host is done by all of them at the same time, each for
 * itself. Of one that is measured between hosts (feedline/bench.h: roles) `across` says who meets whom, and all that
 * meet in a round are measured at once, as one case:
 *   pairs      every two hosts once, in as few rounds as can be, in none of which a host has two to do with (the
 *              preset): n - 1 rounds for an even number of hosts, n for an odd one
 *   shifts     in round k each host with the one k places on: every two hosts in both directions, and every host with
 *              two others at the same time, in n - 1 rounds
 *   bisection  one round: the first half of the hosts with the second; of racks that are known the halves are of
 *              whole ones, as far as their sizes allow
 *   sample     so many of the rounds of `pairs`, the same ones whenever the hosts are the same
 * `reach` leaves of these only pairs within one rack, or between two. One host alone meets itself, over its loopback,
 * whatever `across` says. Such a rule goes with `sweep`, `at_once` and with `study: ab` or `calibration`, not with
 * `together` and `beside`. Both hosts of a pair have the same of every device that it goes over: node0 meets node0, and
 * a NIC with RDMA the one that is called the same; where hosts call them differently, the n-th of the one host meets
 * the n-th of the other (the rails of a rack). With `at_once: [nic]` all of them do, in one case.
 *
 * Examples:
 *
 *   - bench: storage.read                    the depth that the drive wants, at two block sizes
 *     with: {path: "cache:1GiB", block: 4KiB, pattern: random, duration: 1s}
 *     sweep: {depth: 1..256}
 *     repeat: 3
 *
 *   - bench: memory.copy                     every node with the memory of another one
 *     pairs: {of: [numa, memory], relation: remote}
 *     repeat: 3..12
 *
 *   - together:                              what the nodes lose to each other
 *       - bench: memory.copy
 *         with: {memory: local}
 *     study: solo
 *     repeat: 8
 *
 *   - bench: feed                            four accelerators, and what starves them
 *     with: {path: "cache:4GiB", demand: resnet50-h100, accelerators: 4, duration: 3s}
 *     study: ladder
 *     repeat: 3
 *
 *   - bench: gpu.p2p                         from one to all: a case for each `from`
 *     pairs: {of: [from, to], relation: distinct}
 *     at_once: [to]
 *
 *   - bench: gpu.h2d                         what two GPUs below one switch take from each other
 *     pairs: {of: [gpu, beside.gpu], relation: switch}
 *     beside:
 *       - bench: gpu.h2d
 *     study: solo
 *
 * Devices. A device option that is neither in `with` nor in `each`, `pairs` or `at_once` has its preset; without one,
 * every device of the kind is a case (like `each`). In `together` and `beside` all devices are lanes of the one case.
 * An option that is a node may say `local`: the node of the lane's CPUs; the plan names it.
 *
 * At once. The devices of an option in `at_once` are lanes of one case instead of cases; the other options make cases
 * as they do elsewhere: `at_once: [to]` is from one to all, `at_once: [from]` from all to one, both all at once. It
 * goes with `repeat` alone. A case of one lane is not measured: nothing would run at once with it. Lanes that cannot be
 * measured are left out where two others can, in a case of their own that says why. Where a device is given up while
 * the run goes on (a lane hung on it, or it was lost), its lanes are left out of cases to come, here and in `together`
 * without a study, where two others are left: how many ran is said, and makes numbers incomparable.
 *
 * Neighbours. `pairs` may name an option of the load: `of: [gpu, beside.gpu]`, with one rule in `beside`. Then each
 * device meets each device of the load that stands in the relation to it, in a study of its own. With `study: solo`,
 * which says the same of both, two lanes that are alike but for these devices meet once and not twice.
 *
 * Relations of `pairs`, for the first device a and the second b; the node of a device is the NUMA node it is attached
 * to, that of a node itself:
 *   all       every combination (what `each` is)
 *   distinct  every combination in which b is not a
 *   local     a and b are on one node
 *   remote    both nodes are known, and they differ
 *   nearest   for every a the b whose node is nearest to that of a (NUMA distance); of equal ones, and where no node is
 *             known, the first
 *   same      a is b
 *   switch    both hang on ports of one PCIe switch, so that what they exchange need not leave it
 *   socket    both are on one node and below no common switch; a is not b
 *   bisection a is of the first half of its kind's devices, in the order of the machine, and b its counterpart in the
 *             second; of an odd number the one in the middle has none. GPUs that cannot be used do not count, nor parts
 * Parts of one GPU are neither `switch` nor `socket` to each other, and of each GPU one part stands for all in these;
 * two options of one benchmark combine no part with another GPU, but for one lane that says why.
 * Where none stands in that relation, the rule makes one lane that is not measured and says so.
 *
 * The path of a file is "cache:SIZE" or a file that exists; a relative one begins at the directory of the suite file,
 * wherever feedline is called (suites that feedline brings along have none). run/paths.h puts the file itself in its
 * place, without symlinks, before a plan is made. */
#ifndef FL_PLAN_SUITE_H
#define FL_PLAN_SUITE_H
#include "plan/schedule.h"
#include <feedline/err.h>
#include <stdbool.h>
#include <stddef.h>

enum fl_study_kind {
	FL_STUDY_REPEAT,
	FL_STUDY_SWEEP,
	FL_STUDY_SOLO,
	FL_STUDY_BESIDE,
	FL_STUDY_AB,
	FL_STUDY_CALIBRATION,
	FL_STUDY_STARVATION,
	FL_STUDY_LADDER,
	FL_STUDY_KINDS, /* how many there are */
};

enum fl_relation {
	FL_RELATION_ALL,
	FL_RELATION_DISTINCT,
	FL_RELATION_LOCAL,
	FL_RELATION_REMOTE,
	FL_RELATION_NEAREST,
	FL_RELATION_SAME,
	FL_RELATION_SWITCH,
	FL_RELATION_SOCKET,
	FL_RELATION_BISECTION,
};

struct fl_setting {
	char *name, *text;
	unsigned line, column; /* of the value */
};

struct fl_rule_across {
	const char *said; /* "across" or "reach", static: which of them the rule has, the first; NULL: neither */
	unsigned line, column;
	enum fl_schedule_kind kind; /* FL_SCHEDULE_PAIRS unless said */
	unsigned rounds;	    /* FL_SCHEDULE_SAMPLE */
	enum fl_reach reach;
};

struct fl_rule {
	unsigned line, column;
	char *bench; /* NULL: a `together` rule */
	struct fl_setting *with;
	size_t with_n;
	struct fl_setting *each; /* text NULL */
	size_t each_n;
	struct fl_setting *pairs; /* text NULL; two, or none. pairs_beside: the second is an option of the load */
	size_t pairs_n;
	bool pairs_beside;
	enum fl_relation relation;  /* of the pairs */
	struct fl_setting *at_once; /* text NULL */
	size_t at_once_n;
	struct fl_rule *together;
	size_t together_n;
	struct fl_rule *beside;
	size_t beside_n;
	struct fl_setting *sweep; /* every value of the one option, of a range its first and last */
	size_t sweep_n;
	bool sweep_range;
	struct fl_rule_across across;
	char *only_with; /* a kind of device; NULL: any machine */
	enum fl_study_kind study;
	unsigned repeat, repeat_least; /* rounds: 1 unless said; the least is less only in a `repeat` study */
	struct fl_setting *primary;    /* text NULL */
	size_t primary_n;
	struct fl_setting *require; /* text NULL */
	size_t require_n;
	struct fl_setting *require_if_any; /* text NULL */
	size_t require_if_any_n;
};

struct fl_suite {
	char *name;   /* "quick" */
	char *source; /* what messages call it: the file as the user named it, "quick.yaml" or "command line" */
	struct fl_rule *rules;
	size_t rules_n;
	bool required; /* `bench`: everything must be measured */
};

/* -EINVAL: "FILE:LINE:COLUMN: ..." with the nearest word of the grammar as hint. Benchmarks and options are checked by
 * fl_plan_make. */
int fl_suite_parse(const char *bytes, size_t n, const char *name, const char *source, struct fl_suite **ret,
		   struct fl_err *err);
/* The suite of one rule that `feedline bench` is. settings: name and text, in order; texts are copied. study: repeat,
 * starvation or ladder. */
struct fl_suite *fl_suite_of_bench(const char *bench, const struct fl_setting *with, size_t with_n,
				   enum fl_study_kind study, unsigned repeat);
/* Its one rule becomes lanes side by side in one case: a lane for each time that `name` is in the settings. The study
 * is `repeat` then. */
void fl_suite_spread(struct fl_suite *suite, const char *name);
/* Every rule has so many rounds, whatever it said. */
void fl_suite_repeat(struct fl_suite *suite, unsigned rounds);
void fl_suite_free(struct fl_suite *suite);

#endif
