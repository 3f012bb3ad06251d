/* SPDX-License-Identifier: Apache-2.0 */
/* feedline/bench.h: what a benchmark is, and all it may ask for.
 *
 * The harness owns processes, threads, clock, repetition, stop rule, placement check and printing; a benchmark owns
 * its data path. A benchmark is a row of declarations (this struct) and hooks; one file may export several rows.
 *
 * Units: times are ns, sizes bytes, rates bytes per second. Hooks return 0 or a negative errno with *err filled;
 * outputs are untouched on failure. No globals: a worker may host several lanes of the same benchmark. */
#ifndef FEEDLINE_BENCH_H
#define FEEDLINE_BENCH_H
#include <feedline/err.h>
#include <feedline/hist.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_lane; /* opaque: this lane in its worker */

/* ---- options ----------------------------------------------------------------------------------------------- */

/* One row of the options struct: suite key, command-line option, --help, record and JSON field all follow from it.
 * The type fixes the C type of the member:
 *   FL_COUNT, FL_BYTES, FL_NS  uint64_t      "16"; "1MiB", "1MB", "4096"; "40ms", "2s"
 *   FL_RATIO                   double        "0.95"
 *   FL_FLAG                    bool          "yes", "no"
 *   FL_CHOICE                  unsigned      index into range "sequential|random"
 *   FL_TEXT                    const char *  range: what a shell offers for it: words and kinds of names, "@run|last"
 *   FL_PATH                    const char *  a file or block device; the plan knows which drive is beneath. With the
 *                              preset "" it may be left out where no flow begins at it
 *   FL_DEVICE                  const struct fl_device *   kind in range: "node", "drive", "nic", "rdma" (a NIC with an
 *                              RDMA device), "gpu", "node|gpu" (fl_is_gpu() tells which it is); the user may say
 *                              "local" for the node of the lane's CPUs */
enum fl_type { FL_COUNT, FL_BYTES, FL_NS, FL_RATIO, FL_FLAG, FL_CHOICE, FL_TEXT, FL_PATH, FL_DEVICE };

struct fl_field {
	const char *name; /* "block"; lower case, words joined by '_' (the option is --with-dashes) */
	enum fl_type type;
	size_t offset;	    /* of the member in the options struct */
	const char *preset; /* text, read as the user's would be; NULL: must be given, except FL_DEVICE, where the
	                     * plan makes a lane for every device of the kind */
	const char
		*range;	  /* "1..65536" (FL_COUNT, FL_BYTES, FL_NS, FL_RATIO; same syntax as values), "a|b" (FL_CHOICE),
	                     * the device kind (FL_DEVICE); NULL: any */
	const char *help; /* one line, lower case, no full stop */
};
#define FL_FIELD(S, name, type, preset, range, help)                                                                   \
	{                                                                                                              \
#name, type, offsetof(struct S, name), preset, range, help                                             \
	}

/* What an FL_DEVICE member points to. Strings may be NULL where the machine has none. */
struct fl_device {
	const char *id;	    /* stable id as in `feedline topo`: "node0", "nvme-SERIAL" */
	const char *pci;    /* "0000:41:00.0"; of a part of a GPU (MIG) that of the whole one */
	const char *path;   /* "/dev/nvme0n1" */
	const char *uuid;   /* of a GPU or a part of one: "GPU-...", "MIG-..." */
	const char *rdma;   /* of a NIC: its RDMA device, "mlx5_0" */
	unsigned rdma_port; /* which port of that it is, from 1; 0: not known */
	int node;	    /* NUMA node; -1: unknown */
};
static inline bool fl_is_gpu(const struct fl_device *d) /* of a "node|gpu" */
{
	return d->pci || d->uuid;
}

/* ---- metrics, facts, flows --------------------------------------------------------------------------------- */

/* Where a metric's number comes from, so that nobody computes a rate twice. */
enum fl_from {
	FL_RATE_BYTES,	 /* harness: bytes of all threads over the common window */
	FL_RATE_OPS,	 /* harness: ops of all threads over the common window */
	FL_STEP_NS,	 /* harness: time per op of one thread, from the steps in the window */
	FL_DISTRIBUTION, /* step adds to its histogram */
	FL_GIVEN,	 /* step sets a value; a lane with such a metric is always stepped with n = 1 */
};
enum fl_better { FL_HIGHER, FL_LOWER, FL_NEITHER };

struct fl_metric {
	const char *name; /* ends in its unit: "bytes_per_s", "step_ns", "ready_batches"; the JSON key */
	enum fl_from from;
	enum fl_better better;
	const char *help;
};

/* What was really used (flags obtained, transport, engine). `key`: unlike values make numbers incomparable. Two are
 * more than words: `direct`, where it is "yes", is held against what the drive counted, and the lane is invalid where a
 * cache answered; `amplified` is stated by the harness, which asks the drive whether it moved more than was asked. */
struct fl_fact {
	const char *name;
	bool key;
	const char *help;
};

/* Which hops a payload byte loads: `from` and `to` name a device or path option, or are "cpu" (the lane's CPUs),
 * "memory" (DRAM of the lane's node; an option of that name goes first), "own_memory" (the same where there is such
 * an option) or, with an option of that name, "interface" (the NIC by which the lanes of a group reach each other; a
 * fact of that name goes before the option). What goes to that, or to an option of kind "rdma", the first lane of a
 * group sends and the others receive, and what comes from it the other way round. Where each lane is measured, the row
 * is, of "interface", what the others send to it, and of kind "rdma" what each asks for itself. Limits and the path of
 * a lane follow from these rows, none from a benchmark's name. per_byte: crossings per payload byte. when: an FL_CHOICE
 * option and those of its words with which the row counts, "source=direct|buffered"; NULL: always. */
struct fl_flow {
	const char *from, *to;
	double per_byte;
	const char *when;
};

/* ---- the same by another tool -------------------------------------------------------------------------------- */

/* The command of a tool that others know, which moves the same bytes by the same path: what a failed verdict shows
 * beside its own numbers. Only where it can be said exactly.
 *
 * `command` is a list of words, separated by single blanks. In a word stand, in braces and without blanks:
 *   {name}             a value. Of an option: numbers in digits (bytes, counts, ratios), times in seconds, words and
 *                      paths as they are, a node by its number, a drive by its path, other devices by their id. Of a
 *                      fact, where the lane stated one of that name (what was really used goes before what was asked
 *                      for). Else of the lane: `cpus` (its CPUs, "0-3,8"), `cpus_n` (how many), `node` (the number of
 *                      their node), `is_local` ("yes" where every node that an option names is that one, else "no");
 *                      and of its machine `gpus_n` (how many GPUs it has)
 *   {name:a=X,b=,c=Z}  one text for each word that the value can be; for a choice or flag, all of its words. With "!"
 *                      as its text the lane has no such command
 *   {2*name/1000}      whole numbers and values, from left to right
 * The first word is the tool; tools and their options are those that harness/catalog/peer.c lists.
 * Words are quoted for a shell after that; an empty one is left out. A lane of which a value is not known, not in the
 * list, or a calculation that gives 0, has no such command. */
struct fl_peer {
	const char *tool; /* "fio" */
	const char
		*command; /* "fio --filename={path} --bs={block} {pattern:sequential=--rw=read,random=--rw=randread}" */
	const char *prints; /* how its output calls the rate: "READ: bw=" */
	double counts;	    /* bytes that it counts for one of payload: 2 where reading and writing count both */
	const char *escape; /* characters that it wants behind a backslash in a path; NULL: none */
};

/* ---- closed loops -------------------------------------------------------------------------------------------- */

/* A benchmark whose sink takes a batch of `step_bytes` every `step_time` is a closed loop: it can be held up by its
 * data, and how much is found by holding it against the same path with fewer hops. That needs the same words
 * everywhere:
 *
 *   options  source (FL_CHOICE), step_bytes (FL_BYTES), step_time (FL_NS), prefetch (FL_COUNT: batches that may be
 *            ready before they are taken)
 *   metrics  of each step of the sink, FL_GIVEN, in ns on one clock; batch i is complete at r_i, its consuming begins
 *            at s_i and ends at e_i:
 *              stall_ns       max(0, r_i - e_(i-1)): the sink had nothing to do, for want of data
 *              gap_ns         s_i - max(e_(i-1), r_i): it had data and did not begin
 *              delivery_ns    r_i - r_(i-1)
 *              ready_batches  complete and not yet taken when it came for one
 *            of each step of the stage concerned:
 *              source_busy_ratio, copy_busy_ratio   share of the step's time that it did not wait for its neighbours
 *              waiting_chunks                       before the copying stage
 *              source_cpu_ratio   share of the step's time that the source's own thread had a CPU, 0 .. 1: where that
 *                                 is all of it, the thread is what is slow, and not what it reads
 *            The open loop has them too, with step_time taken as none.
 *   fact     batches_ahead: how many batches may be begun, or complete, before the sink takes the first of them, which
 *            is how much of a queue hides the jitter of what brings them. It is prefetch and the one that is being
 *            made, and more where so many batches are less than what has to be in flight.
 *
 * A rung is the same path with one hop more than the rung that it comes after. */
struct fl_rung {
	const char *name;   /* "T3" */
	const char *bench;  /* the benchmark that measures it, with the same options; NULL: this one */
	const char *source; /* the value of option `source` that makes this rung */
	const char *after;  /* the rung that it adds its hop to; NULL: the control, which adds none */
	const char *hop;    /* what it adds: an option or "memory" as in flows, else words: "page cache"; NULL: none */
};

/* ---- the step ---------------------------------------------------------------------------------------------- */

/* What one step of one thread did. Zeroed, timed and kept by the harness; all pointers are this thread's own. */
struct fl_step {
	uint64_t ops, bytes;   /* completed, counted where the data arrives */
	bool spoilt;	       /* this step must not count (a gate timed out, ...) */
	double device_ns;      /* of a benchmark with a device clock: how long the work took by it */
	double busy_ns;	       /* the same, where that is only what counts of a longer time: how long the device was
				* at work in all; where it does several things at once, each of them on average */
	double *given;	       /* one per FL_GIVEN metric, in order of declaration; preset to NaN = none */
	struct fl_hist **hist; /* one per FL_DISTRIBUTION metric, in order of declaration */
};

enum { FL_LOCKSTEP_AHEAD_MAX = 64 };

enum { FL_IDLE = 1 }; /* returned by step: this thread has nothing more to do until the lane is halted */

struct fl_bench {
	const char *name, *summary; /* "storage.read"; one line, lower case, no full stop */
	size_t opts_bytes;	    /* size of the struct the fields fill; read-only for every hook */
	/* These end with a zeroed row; NULL: none. */
	const struct fl_field *fields;
	const struct fl_metric *metrics;
	const struct fl_fact *facts;
	const struct fl_flow *flows;
	const struct fl_peer *peer; /* NULL: none */
	/* Where the lane sits when --numa is not given: NULL: the first node with CPUs; "each": every node with CPUs
	 * is a lane of its own; "interface": the node nearest to the NIC that the FL_TEXT option of that name names,
	 * where there is none or it is empty to the one by which the host reaches others; else the name of a device
	 * or path option: the node nearest to that device. */
	const char *numa;
	/* How many threads step: NULL: one; "cpus": one for every CPU of the place, so a cpuset that hides some of
	 * them makes the lane not measured; the name of an FL_COUNT option: as many as it says; or digits ("3").
	 * The plan gives the lane that many CPUs where there are so many; thread i is pinned to CPU i modulo their
	 * number. */
	const char *threads;
	/* The name of an FL_COUNT option: that many equal lanes run together in the place of one. Each is told
	 * which one it is by the FL_COUNT option that `lane` names: 0 .. count - 1. NULL: one lane. */
	const char *lanes, *lane;
	/* Lanes that make one measurement together: what each of them is in it, "sender|receiver", one lane each, by
	 * rank. NULL: a lane is a measurement by itself. */
	const char *roles;
	/* Of the roles, the one whose lane is the measurement ("receiver": what arrived counts); reports show the
	 * others only where something is wrong with them. NULL: each is. Where each is, that of a lane is what arrives
	 * at it from the others. */
	const char *measured_at;
	/* Where that is so only for some words of a choice: "direction=one", as in flows; for its others each role is
	 * measured. NULL: always. */
	const char *measured_when;
	/* There is a piece of work to do, and the lane ends when it is done: when every thread has returned
	 * FL_IDLE. It is measured from its first step to the end of its last one, without warm-up, once. */
	bool whole;
	/* Every step says by the clock of the device that did its work how long that took (device_ns: more than 0, no
	 * more than the step itself, which otherwise is spoilt). Then what lies between two steps (launching, waking)
	 * is not the device's and does not count: the work of a step is taken to end with the step, and a rate is
	 * what was done in a part of the window over the time that the device was at work in it. busy_ns (0: no more
	 * than device_ns) tells how much it did to the lanes beside it. */
	bool device_clock;
	/* The roles make their steps together: each step is of all of them, has n = 1, and none ends before every rank
	 * has begun it, or not many: a rank may be FL_LOCKSTEP_AHEAD_MAX steps ahead of another. All end after the same
	 * step, however long that takes, so that none waits for what nobody sends; only where a lane fails are the
	 * others halted in the middle of one. Every thread of every rank makes all of the steps, and never returns
	 * FL_IDLE. */
	bool lockstep;
	/* Why it cannot be measured by this build ("built without CUDA"): it is declared and has no hooks. NULL: it
	 * can. */
	const char *unavailable;
	/* A closed loop: the benchmark that is the same path in open loop, with the same options, and the rungs of
	 * its ladder, the control first. NULL: it is none. */
	const char *open_loop;
	const struct fl_rung *rungs; /* ended by a zeroed row */

	/* Ready to run here? Else a negative errno and the reason. Runs in a worker, may touch the device.
	 * Optional. */
	int (*probe)(const void *opts, struct fl_err *err);
	/* Everything that is not per thread: allocate with fl_alloc(), open files, fill buffers. Not timed.
	 * -EBADMSG: a first try of the path brought wrong data, which is a failure, as it is of verify. */
	int (*open)(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err);
	/* On the pinned thread, before the first step. Optional. */
	int (*enter)(void *state, unsigned thread, struct fl_err *err);
	/* Do n ops and say what was done. The hot path: no allocation, no printing. 0, FL_IDLE or negative errno.
	 * -ECANCELED after halt() ends the thread without an error. The harness chooses n (1 with FL_GIVEN
	 * metrics, and in lockstep). */
	int (*step)(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err);
	/* From another thread, once: make every blocked step return soon (with -ECANCELED or 0). It may ask nothing
	 * of the lane (no fl_set_fact, no fl_alloc). Optional. */
	void (*halt)(void *state);
	/* On the pinned thread, after its last step: drain what is in flight. Optional. */
	void (*leave)(void *state, unsigned thread);
	/* Is the data right? After all threads left; untimed. -EBADMSG: wrong data; -ESTALE: it may be right, but
	 * it did not come by the path that was asked for (a cache answered): the lane is invalid. NULL: recorded as
	 * unverified. */
	int (*verify)(void *state, struct fl_err *err);
	/* Undo open. Called after a failed enter or step too; not after a failed open. */
	void (*close)(void *state);
};

/* A file's rows, ended by a zeroed one: FL_BENCHES(memory, copy) = { { .name = "memory.copy", ... }, { 0 } };
 * family and file are those of benchmarks/benchmarks.list. */
#define FL_BENCHES(family, file)                                                                                       \
	extern const struct fl_bench fl_bench_##family##_##file[];                                                     \
	const struct fl_bench fl_bench_##family##_##file[]

/* ---- what a lane may ask ----------------------------------------------------------------------------------- */

/* How many threads will step: what `threads` means for this lane. For open, which makes what is per thread. */
unsigned fl_threads(const struct fl_lane *lane);

/* The group that the lane belongs to (`roles`): which of its lanes this one is, 0 .. fl_size() - 1, by the order of
 * the roles, and how many there are. A lane by itself is rank 0 of 1. */
unsigned fl_rank(const struct fl_lane *lane);
unsigned fl_size(const struct fl_lane *lane);
/* The address at which the host of that rank is reached from the others, numeric ("10.1.0.2", "fd00::2"); that of a
 * loopback where all ranks are on one host. Owned by the lane. */
const char *fl_address(const struct fl_lane *lane, unsigned rank);

/* All lanes of the group say something at this point, and hear what the others said: `bytes` (at most
 * FL_GATHER_MAX, the same for all) of each, by rank, into ret_all, which has room for fl_size() times as many. All
 * must come to the points in the same order; `name` ("listen") is how messages call the point: "rank 1 (receiver)
 * did not come to 'listen'". From open and verify only. -ECANCELED: another lane of the group failed, or the case
 * is over: give up without words of your own; -EPROTO: the lanes are not at the same point. The time limit is that
 * of the phase. */
enum { FL_GATHER_MAX = 4096 };
int fl_allgather(struct fl_lane *lane, const char *name, const void *mine, size_t bytes, void *ret_all,
		 struct fl_err *err);
int fl_barrier(struct fl_lane *lane, const char *name, struct fl_err *err); /* the same of no bytes */

/* Memory on one NUMA node: page-aligned, bound, touched and read back; it must not move until the lane is closed.
 * node: NUMA node, -1: the lane's own. `bytes` is rounded up to pages. The harness reads the placement back again
 * after the last step and frees the memory after close. -ENOMEM; -EXDEV: pages are not where they were asked for;
 * where the kernel forbids to ask, the record says that placement is unverified. Call it from open or enter. */
int fl_alloc(struct fl_lane *lane, uint64_t bytes, int node, void **ret, struct fl_err *err);

/* States a fact. Safe from any thread; `name` must be declared, `value` is copied. Unset facts become null. */
void fl_set_fact(struct fl_lane *lane, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* States a limit that the benchmark itself puts on its payload rate (a paced source), with its name and how it was
 * found ("computed", "rated", "measured"). The judge holds the result against it. Safe from any thread. */
void fl_set_cap(struct fl_lane *lane, const char *hop, double cap_bytes_per_s, const char *origin);

#endif
