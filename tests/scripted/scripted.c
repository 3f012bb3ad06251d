/* SPDX-License-Identifier: Apache-2.0 */
/* null.scripted: a benchmark that plays a script: steps of known length and payload, so that every number behind it
 * can be computed, or one of the ways in which a benchmark can go wrong. Built for tests only, never installed. */
#include <errno.h>
#include <feedline/bench.h>
#include <feedline/clock.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS_MAX = 64, PAGES = 16 };

/* When a script does its deed. AFTER_STEPS: once, in the first step of a thread after GOOD_STEPS good ones. */
enum moment { NEVER, AT_OPEN, AT_ENTER, AT_STEP, AFTER_STEPS, AT_HALT, AT_VERIFY };
enum { GOOD_STEPS = 20 };

/* The one list: script, moment, deed. */
#define SCRIPTS(X)                                                                                                     \
	X(ok, NEVER, NULL)                                                                                             \
	X(slow_open, AT_OPEN, dawdle)                                                                                  \
	X(hang_open, AT_OPEN, hang)                                                                                    \
	X(hang_step, AFTER_STEPS, hang)                                                                                \
	X(hang_halt, AT_HALT, hang)                                                                                    \
	X(hang_verify, AT_VERIFY, hang)                                                                                \
	X(crash_open, AT_OPEN, crash)                                                                                  \
	X(crash_step, AFTER_STEPS, crash)                                                                              \
	X(crash_verify, AT_VERIFY, crash)                                                                              \
	X(exit_step, AFTER_STEPS, leave_process)                                                                       \
	X(flood_stdout, AFTER_STEPS, flood_stdout)                                                                     \
	X(flood_stderr, AFTER_STEPS, flood_stderr)                                                                     \
	X(fail_open, AT_OPEN, fail)                                                                                    \
	X(fail_enter, AT_ENTER, fail)                                                                                  \
	X(fail_step, AFTER_STEPS, fail)                                                                                \
	X(wrong_data, AT_VERIFY, find_wrong_data)                                                                      \
	X(stray_cpu, AFTER_STEPS, stray_cpu)                                                                           \
	X(stray_memory, AFTER_STEPS, stray_memory)                                                                     \
	X(lie_steps, AFTER_STEPS, lie)                                                                                 \
	X(spoilt_half, AT_STEP, spoil_half)                                                                            \
	X(given, AT_STEP, give_value)                                                                                  \
	X(slow, AT_STEP, be_slow)                                                                                      \
	X(stuck_first, AT_STEP, stick)                                                                                 \
	X(close_output, AFTER_STEPS, close_output)                                                                     \
	X(close_control, AFTER_STEPS, close_control)                                                                   \
	X(die_idle, AT_VERIFY, die_soon)                                                                               \
	X(warm_outliers, AT_STEP, add_outlier)                                                                         \
	X(stale_data, AT_VERIFY, find_stale_data)                                                                      \
	X(stale_step, AFTER_STEPS, lose_file)                                                                          \
	X(lose_gpu, AFTER_STEPS, lose_gpu)                                                                             \
	X(stuck_step, AFTER_STEPS, get_stuck)

struct scripted_opts {
	const char *path; /* of null.claimant */
	unsigned script;
	uint64_t step_time, rate, threads, cap, steps;
	double work, counts;	      /* of null.scripted_device */
	const struct fl_device *gpu;  /* of null.scripted_gpu */
	const struct fl_device *peer; /* of null.scripted_pair */
};

struct scripted_state {
	const struct scripted_opts *opts;
	char *memory; /* PAGES, from fl_alloc */
	size_t page_bytes;
	uint64_t steps[THREADS_MAX]; /* played so far */
	_Atomic bool halted;
};

/* What a deed may touch; step, thread and lasts_ns are for those of steps. */
struct scene {
	struct scripted_state *s;
	unsigned thread;
	struct fl_step *step;
	uint64_t lasts_ns; /* how long this step is to last */
	struct fl_err *err;
};

/* ---- the deeds */

static int dawdle(struct scene *c)
{
	(void)c;
	fl_sleep_until(fl_now_ns() + UINT64_C(3000000000));
	return 0;
}

static int hang(struct scene *c)
{
	(void)c;
	while (pause() < 0)
		; /* a signal: on it goes */
	return 0;
}

static int crash(struct scene *c)
{
	(void)c;
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	return -ENOTRECOVERABLE;
}

static int leave_process(struct scene *c)
{
	(void)c;
	_exit(0);
}

static int flood(int fd)
{
	static const char line[] = "the same line again and again, until somebody ends this\n";

	while (write(fd, line, sizeof(line) - 1) > 0)
		;
	return -EPIPE;
}

static int flood_stdout(struct scene *c)
{
	(void)c;
	return flood(STDOUT_FILENO);
}

static int flood_stderr(struct scene *c)
{
	(void)c;
	return flood(STDERR_FILENO);
}

static int fail(struct scene *c)
{
	fl_fail(c->err, -EIO, "scripted failure");
	return fl_hint(c->err, "choose another script");
}

static int find_wrong_data(struct scene *c)
{
	return fl_fail(c->err, -EBADMSG, "scripted wrong data at offset 4096: expected 0x01, found 0x00");
}

/* Right, but not from where it should come. */
static int find_stale_data(struct scene *c)
{
	return fl_fail(c->err, -ESTALE, "scripted cache: it answered every read");
}

/* What a file server says when a file is gone. */
static int lose_file(struct scene *c)
{
	return fl_fail(c->err, -ESTALE, "read: %s", strerror(ESTALE));
}

static int lose_gpu(struct scene *c)
{
	return fl_fail(c->err, -ENODEV, "scripted loss of a GPU");
}

/* From now on this process, killed or not, is not given back to its parent: as if it were stuck in a driver. A debugger
 * has it, for some seconds. */
static int get_stuck(struct scene *c)
{
	pid_t us = getpid(), debugger = fork();

	if (debugger == 0) {
		setsid();
		if (ptrace(PTRACE_SEIZE, us, NULL, NULL) == 0)
			execl("/bin/sleep", "sleep", "12", NULL);
		_exit(1);
	}
	prctl(PR_SET_PTRACER, debugger);
	fl_sleep_until(fl_now_ns() + 200000000);
	if (debugger < 0 || waitpid(debugger, NULL, WNOHANG) != 0)
		return fl_fail(c->err, -EPERM, "this process cannot be traced");
	return hang(c);
}

static int stray_cpu(struct scene *c)
{
	size_t here = (size_t)sched_getcpu();
	cpu_set_t others;

	CPU_ZERO(&others);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpu != here)
			CPU_SET(cpu, &others);
	if (sched_setaffinity(0, sizeof(others), &others) < 0)
		return fl_fail(c->err, -ENODEV, "no other CPU to stray to: %s", strerror(errno));
	return 0;
}

/* To the first node that takes the pages and is not the one where they are. */
static int stray_memory(struct scene *c)
{
	void *pages[PAGES];
	int from[PAGES], to[PAGES], now[PAGES];

	for (size_t i = 0; i < PAGES; i++)
		pages[i] = c->s->memory + i * c->s->page_bytes;
	if (syscall(SYS_move_pages, 0, PAGES, pages, NULL, from, 0) < 0)
		return fl_fail(c->err, -errno, "where the pages are: %s", strerror(errno));
	for (int node = 0; node < 64; node++) {
		for (size_t i = 0; i < PAGES; i++)
			to[i] = node;
		if (node != from[0] && syscall(SYS_move_pages, 0, PAGES, pages, to, now, 0) == 0 && now[0] == node)
			return 0;
	}
	return fl_fail(c->err, -ENODEV, "no other node to stray to");
}

static int lie(struct scene *c)
{
	c->step->ops = UINT64_MAX;
	c->step->bytes = UINT64_MAX;
	c->step->given[0] = INFINITY;
	memset(c->step->hist[0], 0xff, sizeof(*c->step->hist[0]));
	return 0;
}

static int spoil_half(struct scene *c)
{
	c->step->spoilt = c->s->steps[c->thread] % 2;
	return 0;
}

/* 0, 1, ... 9, 0, ... */
static int give_value(struct scene *c)
{
	c->step->given[0] = (double)(c->s->steps[c->thread] % 10);
	return 0;
}

/* Every tenth step lasts ten times as long. */
static int be_slow(struct scene *c)
{
	if (c->s->steps[c->thread] % 10 == 9)
		c->lasts_ns *= 10;
	return 0;
}

/* All threads but the first never come to the end of their first step. */
static int stick(struct scene *c)
{
	while (c->thread > 0 && !atomic_load(&c->s->halted))
		fl_sleep_until(fl_now_ns() + 1000000);
	return c->thread > 0 ? -ECANCELED : 0;
}

/* As a library does that makes itself a daemon. */
static int close_output(struct scene *c)
{
	(void)c;
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	return 0;
}

static int close_control(struct scene *c)
{
	(void)c;
	close(3);
	return 0;
}

static void *end_process(void *arg)
{
	(void)arg;
	fl_sleep_until(fl_now_ns() + 20000000);
	_exit(0);
}

/* The lane ends well; its worker dies when it has nothing to do. */
static int die_soon(struct scene *c)
{
	pthread_t id;

	return pthread_create(&id, NULL, end_process, NULL) ? fl_fail(c->err, -EAGAIN, "no thread") : 0;
}

/* Into the distribution, in the first steps, which belong to the warm-up. */
static int add_outlier(struct scene *c)
{
	if (c->s->steps[c->thread] < 5)
		fl_hist_add(c->step->hist[0], UINT64_C(1000000000000000));
	return 0;
}

#define X_NAME(name, moment, deed) SCRIPT_##name,
enum { SCRIPTS(X_NAME) SCRIPTS_N };

#define X_ROW(name, moment, deed) { moment, deed },
static const struct {
	enum moment moment;
	int (*deed)(struct scene *c);
} scripts[SCRIPTS_N] = { SCRIPTS(X_ROW) };

static int play(struct scene *c, enum moment moment)
{
	unsigned script = c->s->opts->script;

	return scripts[script].moment == moment ? scripts[script].deed(c) : 0;
}

/* ---- the hooks */

static int scripted_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	struct scripted_state *s = calloc(1, sizeof(*s));
	struct scene c = { .s = s, .err = err };
	void *memory = NULL;
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for a script");
	s->opts = opts;
	s->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	rc = fl_alloc(lane, PAGES * s->page_bytes, -1, &memory, err);
	if (rc == 0)
		rc = play(&c, AT_OPEN);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->memory = memory;
	fl_set_fact(lane, "page_bytes", "%zu", s->page_bytes);
	if (s->opts->cap)
		fl_set_cap(lane, "script", (double)s->opts->cap, "computed");
	*ret_state = s;
	return 0;
}

/* Touches no GPU, and says which process it is in and what that is told of GPUs. */
static int gpu_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const char *visible = getenv("CUDA_VISIBLE_DEVICES");
	const struct scripted_opts *o = opts;
	int rc = scripted_open(lane, opts, ret_state, err);

	if (rc < 0)
		return rc;
	fl_set_fact(lane, "process", "%d", (int)getpid());
	fl_set_fact(lane, "visible", "%s", visible ? visible : "all");
	fl_set_fact(lane, "uuid", "%s", o->gpu->uuid ? o->gpu->uuid : "unknown");
	return 0;
}

/* Says that it reads a file past the page cache, and reads nothing. */
static int claimant_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	int rc = scripted_open(lane, opts, ret_state, err);

	if (rc == 0)
		fl_set_fact(lane, "direct", "yes");
	return rc;
}

static int scripted_enter(void *state, unsigned thread, struct fl_err *err)
{
	struct scene c = { .s = state, .thread = thread, .err = err };

	return play(&c, AT_ENTER);
}

/* Exact to about a microsecond: sleeps nearly to the end, then spins. */
static void wait_until(uint64_t at_ns)
{
	if (at_ns > fl_now_ns() + 200000)
		fl_sleep_until(at_ns - 200000);
	while (fl_now_ns() < at_ns)
		;
}

static int scripted_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct scripted_state *s = state;
	uint64_t start_ns = fl_now_ns();
	struct scene c = { .s = s, .thread = thread, .step = did, .lasts_ns = n * s->opts->step_time, .err = err };
	int rc;

	if (s->opts->steps && s->steps[thread] == s->opts->steps)
		return FL_IDLE;
	did->ops = n;
	did->bytes = n * (uint64_t)((double)s->opts->rate * (double)s->opts->step_time / 1e9);
	rc = play(&c, AT_STEP);
	if (rc == 0 && s->steps[thread] == GOOD_STEPS)
		rc = play(&c, AFTER_STEPS);
	if (rc < 0)
		return rc;
	s->steps[thread]++;
	fl_hist_add(did->hist[0], c.lasts_ns);
	did->busy_ns = s->opts->work * (double)c.lasts_ns;
	did->device_ns = s->opts->counts * did->busy_ns;
	wait_until(start_ns + c.lasts_ns);
	return 0;
}

static void scripted_halt(void *state)
{
	struct scripted_state *s = state;
	struct scene c = { .s = s };

	atomic_store(&s->halted, true);
	play(&c, AT_HALT);
}

static int scripted_verify(void *state, struct fl_err *err)
{
	struct scene c = { .s = state, .err = err };

	return play(&c, AT_VERIFY);
}

static void scripted_close(void *state)
{
	free(state);
}

/* ---- declarations */

#define X_RANGE(name, moment, deed) "|" #name
static const char script_names[] = SCRIPTS(X_RANGE); /* begins with '|' */

static const struct fl_field scripted_fields[] = {
	FL_FIELD(scripted_opts, script, FL_CHOICE, "ok", script_names + 1, "what to play"),
	FL_FIELD(scripted_opts, step_time, FL_NS, "1ms", "0..10s", "how long a step lasts"),
	FL_FIELD(scripted_opts, rate, FL_BYTES, "1GB", "0..1PB", "bytes that each thread counts per second"),
	FL_FIELD(scripted_opts, threads, FL_COUNT, "1", "1..64", "threads"),
	FL_FIELD(scripted_opts, steps, FL_COUNT, "0", NULL, "after so many each thread has nothing to do; 0: never"),
	FL_FIELD(scripted_opts, cap, FL_BYTES, "0", "0..1PB", "limit to state, in bytes per second; 0: none"),
	{ 0 },
};

static const struct fl_metric scripted_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "rate times threads" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "threads over step_time" },
	{ "step_ns", FL_STEP_NS, FL_LOWER, "step_time" },
	{ "asked_ns", FL_DISTRIBUTION, FL_LOWER, "how long each step was to last" },
	{ "played_value", FL_GIVEN, FL_NEITHER, "script given: 0 to 9 in turn; else unset" },
	{ 0 },
};

static const struct fl_fact scripted_facts[] = {
	{ "page_bytes", false, "size of a page" },
	{ 0 },
};

static const struct fl_field device_fields[] = {
	FL_FIELD(scripted_opts, script, FL_CHOICE, "ok", script_names + 1, "what to play"),
	FL_FIELD(scripted_opts, step_time, FL_NS, "1ms", "0..10s", "how long a step lasts"),
	FL_FIELD(scripted_opts, rate, FL_BYTES, "1GB", "0..1PB", "bytes that each thread counts per second"),
	FL_FIELD(scripted_opts, threads, FL_COUNT, "1", "1..64", "threads"),
	FL_FIELD(scripted_opts, work, FL_RATIO, "0.5", "0..1000", "share of a step that its device says it worked"),
	FL_FIELD(scripted_opts, counts, FL_RATIO, "1", "0..1", "share of that work that counts"),
	{ 0 },
};

static const struct fl_field claimant_fields[] = {
	FL_FIELD(scripted_opts, path, FL_PATH, NULL, NULL, "file that is not read"),
	FL_FIELD(scripted_opts, script, FL_CHOICE, "ok", script_names + 1, "what to play"),
	FL_FIELD(scripted_opts, step_time, FL_NS, "1ms", "0..10s", "how long a step lasts"),
	FL_FIELD(scripted_opts, rate, FL_BYTES, "1GB", "0..1PB", "bytes that each thread counts per second"),
	FL_FIELD(scripted_opts, threads, FL_COUNT, "1", "1..64", "threads"),
	{ 0 },
};

static const struct fl_field gpu_fields[] = {
	FL_FIELD(scripted_opts, gpu, FL_DEVICE, NULL, "gpu", "GPU that is not touched"),
	FL_FIELD(scripted_opts, script, FL_CHOICE, "ok", script_names + 1, "what to play"),
	FL_FIELD(scripted_opts, step_time, FL_NS, "1ms", "0..10s", "how long a step lasts"),
	FL_FIELD(scripted_opts, rate, FL_BYTES, "1GB", "0..1PB", "bytes that each thread counts per second"),
	{ 0 },
};

static const struct fl_field pair_fields[] = {
	FL_FIELD(scripted_opts, gpu, FL_DEVICE, NULL, "gpu", "GPU that is not touched"),
	FL_FIELD(scripted_opts, peer, FL_DEVICE, NULL, "gpu", "another one"),
	FL_FIELD(scripted_opts, script, FL_CHOICE, "ok", script_names + 1, "what to play"),
	FL_FIELD(scripted_opts, step_time, FL_NS, "1ms", "0..10s", "how long a step lasts"),
	FL_FIELD(scripted_opts, rate, FL_BYTES, "1GB", "0..1PB", "bytes that each thread counts per second"),
	{ 0 },
};

static const struct fl_fact gpu_facts[] = {
	{ "process", false, "which process it is in" },
	{ "visible", false, "CUDA_VISIBLE_DEVICES, or all" },
	{ "uuid", false, "of the GPU" },
	{ 0 },
};

#define GPU_HOOKS                                                                                                      \
	.opts_bytes = sizeof(struct scripted_opts), .metrics = scripted_metrics, .facts = gpu_facts, .numa = "gpu",    \
	.open = gpu_open, .enter = scripted_enter, .step = scripted_step, .halt = scripted_halt,                       \
	.verify = scripted_verify, .close = scripted_close

static const struct fl_fact claimant_facts[] = {
	{ "page_bytes", false, "size of a page" },
	{ "direct", true, "yes, whatever is true" },
	{ "amplified", true, "whether the drive moved more than was asked for" },
	{ 0 },
};

static const struct fl_flow gpu_flows[] = {
	{ "memory", "gpu", 1, NULL },
	{ 0 },
};

static const struct fl_flow claimant_flows[] = {
	{ "path", "memory", 1, NULL },
	{ 0 },
};

#define HOOKS                                                                                                          \
	.opts_bytes = sizeof(struct scripted_opts), .fields = scripted_fields, .metrics = scripted_metrics,            \
	.facts = scripted_facts, .threads = "threads", .open = scripted_open, .enter = scripted_enter,                 \
	.step = scripted_step, .halt = scripted_halt, .verify = scripted_verify, .close = scripted_close

/* ---- lanes that make one measurement together, and all that can go wrong between them */

/* What the second rank does where the first one says "first" and "second", and "last" when the data is looked at. */
#define PARTS(X)                                                                                                       \
	X(ok)                                                                                                          \
	X(never_comes)                                                                                                 \
	X(comes_elsewhere)                                                                                             \
	X(says_more)                                                                                                   \
	X(comes_once)                                                                                                  \
	X(comes_thrice)                                                                                                \
	X(dies)                                                                                                        \
	X(dies_last)                                                                                                   \
	X(fails)                                                                                                       \
	X(fails_last)                                                                                                  \
	X(never_comes_last)

#define X_PART(name) PART_##name,
enum part { PARTS(X_PART) };
#define X_PART_RANGE(name) "|" #name
static const char part_names[] = PARTS(X_PART_RANGE);

struct group_opts {
	unsigned part;
	uint64_t step_time, rate;
};

struct group_state {
	struct scripted_state scripted;
	struct scripted_opts opts;
	struct fl_lane *lane;
	enum part part; /* of this rank */
};

/* Each rank says its number, and checks what all said. */
static int tell_all(struct group_state *s, const char *name, size_t bytes, struct fl_err *err)
{
	unsigned char mine[16] = { (unsigned char)(fl_rank(s->lane) + 1) }, all[16 * 16];
	int rc = fl_allgather(s->lane, name, mine, bytes, all, err);

	for (unsigned i = 0; rc == 0 && i < fl_size(s->lane); i++)
		if (all[i * bytes] != i + 1)
			return fl_fail(err, -EBADMSG, "rank %u said %u at '%s'", i, all[i * bytes], name);
	return rc;
}

static int gather_open(struct group_state *s, struct fl_err *err)
{
	struct scene c = { .s = &s->scripted, .err = err };
	int rc;

	if (s->part == PART_never_comes)
		hang(&c);
	if (s->part == PART_dies)
		crash(&c);
	if (s->part == PART_fails)
		return fail(&c);
	rc = tell_all(s, s->part == PART_comes_elsewhere ? "elsewhere" : "first", s->part == PART_says_more ? 9 : 8,
		      err);
	if (rc == 0 && s->part != PART_comes_once)
		rc = tell_all(s, "second", 1, err);
	if (rc == 0 && s->part == PART_comes_thrice)
		rc = fl_barrier(s->lane, "third", err);
	return rc;
}

static int group_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct group_opts *o = opts;
	struct group_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for a group");
	*s = (struct group_state){ .lane = lane,
				   .opts = { .step_time = o->step_time, .rate = o->rate },
				   .part = fl_rank(lane) == 1 ? (enum part)o->part : PART_ok };
	s->scripted.opts = &s->opts;
	rc = gather_open(s, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	fl_set_fact(lane, "rank", "%u of %u", fl_rank(lane), fl_size(lane));
	fl_set_fact(lane, "address", "%s", fl_address(lane, 1));
	*ret_state = s;
	return 0;
}

static int group_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	return scripted_step(&((struct group_state *)state)->scripted, thread, n, did, err);
}

static int group_verify(void *state, struct fl_err *err)
{
	struct group_state *s = state;
	struct scene c = { .s = &s->scripted, .err = err };

	if (s->part == PART_never_comes_last)
		hang(&c);
	if (s->part == PART_dies_last)
		crash(&c);
	if (s->part == PART_fails_last)
		return fail(&c);
	return tell_all(s, "last", 2, err);
}

static const struct fl_field group_fields[] = {
	FL_FIELD(group_opts, part, FL_CHOICE, "ok", part_names + 1, "what the second lane does"),
	FL_FIELD(group_opts, step_time, FL_NS, "1ms", "0..10s", "how long a step lasts"),
	FL_FIELD(group_opts, rate, FL_BYTES, "1GB", "0..1PB", "bytes that each thread counts per second"),
	{ 0 },
};

static const struct fl_fact group_facts[] = {
	{ "rank", false, "which lane of how many" },
	{ "address", false, "of the second lane" },
	{ 0 },
};

FL_BENCHES(scripted, scripted) = {
	{ .name = "null.scripted", .summary = "plays a script, for tests of everything around it", HOOKS },
	{ .name = "null.scripted_whole", .summary = "the same as work that ends by itself", .whole = true, HOOKS },
	{ .name = "null.scripted_device",
	  .summary = "the same, timed by a device",
	  .device_clock = true,
	  .opts_bytes = sizeof(struct scripted_opts),
	  .fields = device_fields,
	  .metrics = scripted_metrics,
	  .facts = scripted_facts,
	  .threads = "threads",
	  .open = scripted_open,
	  .enter = scripted_enter,
	  .step = scripted_step,
	  .halt = scripted_halt,
	  .verify = scripted_verify,
	  .close = scripted_close },
	{ .name = "null.scripted_gpu", .summary = "the same, near a GPU", .fields = gpu_fields, GPU_HOOKS },
	{ .name = "null.scripted_link",
	  .summary = "the same, as if it copied to the GPU",
	  .fields = gpu_fields,
	  .flows = gpu_flows,
	  GPU_HOOKS },
	{ .name = "null.scripted_pair", .summary = "the same, between two GPUs", .fields = pair_fields, GPU_HOOKS },
	{ .name = "null.scripted_group",
	  .summary = "two lanes that speak to each other",
	  .roles = "caller|answerer",
	  .measured_at = "answerer",
	  .opts_bytes = sizeof(struct group_opts),
	  .fields = group_fields,
	  .metrics = scripted_metrics,
	  .facts = group_facts,
	  .open = group_open,
	  .step = group_step,
	  .verify = group_verify,
	  .close = scripted_close },
	{ .name = "null.scripted_absent",
	  .summary = "is declared, and cannot be measured by this build",
	  .unavailable = "built without a script",
	  .opts_bytes = sizeof(struct scripted_opts),
	  .fields = scripted_fields,
	  .metrics = scripted_metrics,
	  .threads = "threads" },
	{ .name = "null.claimant",
	  .summary = "says that it reads a file past the page cache, and reads nothing",
	  .opts_bytes = sizeof(struct scripted_opts),
	  .fields = claimant_fields,
	  .metrics = scripted_metrics,
	  .facts = claimant_facts,
	  .flows = claimant_flows,
	  .threads = "threads",
	  .open = claimant_open,
	  .enter = scripted_enter,
	  .step = scripted_step,
	  .halt = scripted_halt,
	  .verify = scripted_verify,
	  .close = scripted_close },
	{ 0 },
};
