/* SPDX-License-Identifier: Apache-2.0 */
/* test_rows.c: the gpu rows move the right bytes, count them, time them by the device and leave nothing behind; and
 * they notice when the bytes are wrong. Over the CUDA stub: no time here is that of a GPU. */
#include "path/cuda/device.h"
#include "path/cuda/gate.h"
#include "path/cuda/kernels.h"
#include "rig.h"
#include <errno.h>
#include <feedline/clock.h>
#include <pthread.h>

static void must(struct rig *r, int rc)
{
	if (rc < 0)
		fail_msg("%s: %s", r->what->label, r->err.what);
}

static void open_and_enter(struct rig *r, const struct rig_case *c, const char *text)
{
	enum rig_phase at;

	rig_begin(r, c, text);
	must(r, rig_until(r, RIG_ENTER, &at));
}

/* ---- what is right */

static bool is_near(double a, double b)
{
	return fabs(a - b) < b / 100;
}

/* The device's clock is exact, so the rates are. Pageable memory is copied while it is queued: not even that. */
static void counted(const struct rig *r, uint64_t n)
{
	const double rate = RIG_CHUNK / (1000 + RIG_CHUNK / 4.0) * 1e9; /* the stub's: 1 us, then 4 GB/s */
	const struct fl_step *did = &r->did;

	assert_false(did->spoilt);
	if (r->bench->device_clock)
		assert_true(did->device_ns > 0);
	if (!rig_is_copy(r->what)) {
		assert_true(did->ops >= n);
		assert_true(!r->bench->device_clock || is_near(did->device_ns / (double)did->ops, 500));
		return;
	}
	assert_true(did->bytes > 0);
	if (rig_is_both(r->what)) {
		assert_true(is_near(r->given[0], rate) && is_near(r->given[1], rate));
		assert_true(did->busy_ns >= did->device_ns);
		assert_true(fabs((r->given[0] + r->given[1]) * did->device_ns / 1e9 - (double)did->bytes) < 2);
	} else {
		assert_true(isnan(r->given[0]) && isnan(r->given[1]));
		assert_int_equal(did->bytes % RIG_CHUNK, 0);
		assert_true(did->busy_ns == did->device_ns);
		assert_true(r->what->kind == 1 || is_near((double)did->bytes / did->device_ns * 1e9, rate));
	}
	if (strcmp(r->what->name, "gpu.p2p") != 0 && !rig_is_both(r->what))
		assert_int_equal(did->bytes, did->ops * RIG_CHUNK);
}

static void facts(const struct rig *r)
{
	const struct rig_case *c = r->what;

	assert_true(fake_has_fact(&r->lane, "device=" STUB_GPU_MODEL));
	assert_true(fake_has_fact(&r->lane, "cuda=runtime 13.0, driver 13.0"));
	if (c->bench != fl_bench_gpu_launch)
		assert_int_equal(fake_has_fact(&r->lane, "gate=kernel"), c->kind != 1);
	assert_int_equal(fake_has_fact(&r->lane, "verified=every byte before, the last copy to each afterwards"),
			 rig_is_copy(c));
	if (rig_is_copy(c) && !strcmp(c->name, "gpu.p2p"))
		assert_true(fake_has_fact(&r->lane, "peer_access=direct"));
}

/* Every row, by every engine and kind of memory: steps of one op and of many. */
static void test_right(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < RIG_CASES; i++) {
		struct rig r;

		open_and_enter(&r, &rig_cases[i], "");
		for (uint64_t n = 1; n <= 300; n += 299) {
			must(&r, rig_step(&r, n));
			counted(&r, n);
			if (rig_is_copy(r.what) && strcmp(r.what->name, "gpu.p2p") != 0 && !rig_is_both(r.what))
				assert_true(r.did.ops >= n);
		}
		rig_do(&r, RIG_LEAVE);
		must(&r, rig_do(&r, RIG_VERIFY));
		facts(&r);
		rig_end(&r);
	}
}

/* An empty life is a right one. */
static void test_no_step(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < RIG_CASES; i++) {
		struct rig r;

		open_and_enter(&r, &rig_cases[i], "");
		rig_do(&r, RIG_LEAVE);
		must(&r, rig_do(&r, RIG_VERIFY));
		rig_end(&r);
	}
}

static void refused(const struct rig_case *c, const union rig_opts *opts, int code, const char *part)
{
	enum rig_phase at;
	struct rig r;

	rig_begin(&r, c, "nopeer=0-5");
	r.opts = *opts;
	assert_int_equal(rig_until(&r, RIG_OPEN, &at), code);
	if (!strstr(r.err.what, part))
		fail_msg("%s: '%s' has no '%s'", c->label, r.err.what, part);
	rig_end(&r);
}

/* What cannot be done exactly as asked is refused, with nothing left behind. */
static void test_refused(void **unused)
{
	union rig_opts o = rig_opts(rig_case("h2d, SM"));

	(void)unused;
	o.copy.kind = 1;
	refused(rig_case("h2d, SM"), &o, -EINVAL, "reach pinned memory only");
	o = rig_opts(rig_case("bidir"));
	o.copy.kind = 1;
	refused(rig_case("bidir"), &o, -EINVAL, "none go both ways");
	o = rig_opts(rig_case("h2d"));
	o.copy.size = 5000;
	refused(rig_case("h2d"), &o, -EINVAL, "no multiple of 4 KiB");
	o = rig_opts(rig_case("h2d"));
	o.copy.buffer = RIG_CHUNK + 4096;
	refused(rig_case("h2d"), &o, -EINVAL, "no whole copies");
	o = rig_opts(rig_case("p2p, pushed"));
	o.copy.to = o.copy.from;
	refused(rig_case("p2p, pushed"), &o, -EINVAL, "to itself");
	o = rig_opts(rig_case("p2p, SM, pushed"));
	refused(rig_case("p2p, SM, pushed"), &o, -ENXIO, "cannot reach each other's memory");
	o = rig_opts(rig_case("latency_peer"));
	refused(rig_case("latency_peer"), &o, -ENXIO, "cannot reach the memory of");
}

/* Copy engines copy through host memory then, and it is a fact. */
static void test_no_peer(void **unused)
{
	struct rig r;

	(void)unused;
	open_and_enter(&r, rig_case("p2p, pushed"), "nopeer=0-5");
	must(&r, rig_do(&r, RIG_STEP));
	assert_true(fake_has_fact(&r.lane, "peer_access=through host memory"));
	rig_do(&r, RIG_LEAVE);
	must(&r, rig_do(&r, RIG_VERIFY));
	rig_end(&r);
}

/* ---- wrong data */

/* Is it told in phase `want`, as wrong data of this path? */
static void found(const struct rig_case *c, const char *begin, const char *also, enum rig_phase want)
{
	enum rig_phase at = RIG_PROBE;
	struct rig r;
	int rc;

	rig_begin(&r, c, begin);
	rc = rig_until(&r, RIG_ENTER, &at);
	if (rc == 0 && also) {
		stub_also(also);
		for (enum rig_phase p = RIG_STEP; p <= RIG_VERIFY && rc == 0; p++) {
			rc = rig_do(&r, p);
			at = p;
		}
	}
	if (rc != -EBADMSG || at != want)
		fail_msg("%s, '%s', then '%s': %d in phase %d (%s), fault in %s", c->label, begin, also ? also : "", rc,
			 at, r.err.what, stub_fault());
	assert_non_null(strstr(r.err.what, rig_is_copy(c) ? "wrong data in" : "loads the GPU is at offset"));
	assert_null(strchr(r.err.what, '\n'));
	rig_end(&r);
}

/* Before anything is timed: a bit, halves, a copy that does not take place; and of one copy alone. */
static void test_wrong_before(void **unused)
{
	static const char *const faults[] = { "copy:1+:flip", "copy:1+:swap", "copy:1+:drop",
					      "copy:1:flip",  "copy:4:swap",  "copy:3:drop" };

	(void)unused;
	for (unsigned i = 0; i < RIG_CASES; i++)
		for (unsigned f = 0; f < sizeof(faults) / sizeof(*faults) && rig_is_copy(&rig_cases[i]); f++)
			found(&rig_cases[i], faults[f], NULL, RIG_OPEN);
}

/* While it was timed. */
static void test_wrong_after(void **unused)
{
	static const char *const faults[] = { "copy:3+:flip", "copy:3+:swap", "copy:3+:drop" };

	(void)unused;
	for (unsigned i = 0; i < RIG_CASES; i++)
		for (unsigned f = 0; f < sizeof(faults) / sizeof(*faults) && rig_is_copy(&rig_cases[i]); f++)
			found(&rig_cases[i], "", faults[f], RIG_VERIFY);
}

/* What goes wrong after the sink was right: each lap has to bring its own data. */
static void test_wrong_later(void **unused)
{
	static const char *const faults[] = { "copy:1+:drop", "copy:1+:flip", "copy:1+:swap" };

	(void)unused;
	for (unsigned i = 0; i < RIG_CASES; i++)
		for (unsigned f = 0; f < sizeof(faults) / sizeof(*faults) && rig_is_copy(&rig_cases[i]); f++) {
			struct rig r;

			open_and_enter(&r, &rig_cases[i], "");
			must(&r, rig_step(&r, 300));
			stub_also(faults[f]);
			must(&r, rig_step(&r, 300));
			rig_do(&r, RIG_LEAVE);
			if (rig_do(&r, RIG_VERIFY) != -EBADMSG)
				fail_msg("%s, '%s': not found", r.what->label, faults[f]);
			rig_end(&r);
		}
}

/* A step that is right, then one like it in which one copy goes wrong: the short one, or the last. */
static int lose_one(const struct rig_case *c, uint64_t buffer, uint64_t n, bool lead, const char *deed)
{
	enum rig_phase at;
	char text[64];
	struct rig r;
	int rc;

	rig_begin(&r, c, "");
	r.opts.copy.buffer = buffer;
	must(&r, rig_until(&r, RIG_ENTER, &at));
	must(&r, rig_step(&r, n));
	snprintf(text, sizeof(text), "copy:%llu:%s", lead ? 1 : (unsigned long long)r.did.ops + 1, deed);
	stub_also(text);
	must(&r, rig_step(&r, n));
	rig_do(&r, RIG_LEAVE);
	rc = rig_do(&r, RIG_VERIFY);
	assert_non_null(stub_fault());
	rig_end(&r);
	return rc;
}

/* One copy alone, the last one; the sink has room for several, or for one. The short copy before is no data. */
static void test_last_copy(void **unused)
{
	static const char *const labels[] = {
		"h2d", "h2d, SM", "h2d, write-combined", "d2h", "d2h, SM, write-combined", "local", "local, SM"
	};
	static const char *const deeds[] = { "drop", "flip", "swap" };

	(void)unused;
	for (unsigned i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		for (unsigned d = 0; d < sizeof(deeds) / sizeof(*deeds); d++)
			for (unsigned chunks = 1; chunks <= RIG_CHUNKS; chunks += RIG_CHUNKS - 1) {
				const struct rig_case *c = rig_case(labels[i]);
				int rc = lose_one(c, (uint64_t)chunks * RIG_CHUNK, 150, false, deeds[d]);

				if (rc != -EBADMSG)
					fail_msg("%s, %u chunks, the last copy: %s: %d", labels[i], chunks, deeds[d],
						 rc);
				assert_int_equal(lose_one(c, (uint64_t)chunks * RIG_CHUNK, 150, true, deeds[d]), 0);
			}
}

/* The short copy before a step brings nothing of what the step has to bring, be it a step of one copy. */
static void test_only_copy(void **unused)
{
	enum rig_phase at;
	struct rig r;

	(void)unused;
	for (unsigned chunks = 1; chunks <= 2; chunks++) {
		rig_begin(&r, rig_case("h2d"), "rate=20000000");
		r.opts.copy.buffer = (uint64_t)chunks * RIG_CHUNK;
		must(&r, rig_until(&r, RIG_ENTER, &at));
		stub_also("copy:2:drop");
		must(&r, rig_step(&r, 1));
		assert_int_equal(r.did.ops, 1);
		rig_do(&r, RIG_LEAVE);
		assert_int_equal(rig_do(&r, RIG_VERIFY), -EBADMSG);
		rig_end(&r);
	}
}

/* A peer path that drops what is written, in the one direction or the other. */
static void test_peer_drops(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < RIG_CASES; i++) {
		const struct rig_case *c = &rig_cases[i];

		if (strcmp(c->name, "gpu.p2p") != 0)
			continue;
		found(c, "drop=0-5", NULL, RIG_OPEN);
		if (c->direction == FL_GPU_BOTH)
			found(c, "drop=5-0", NULL, RIG_OPEN);
	}
}

/* A chain that is not what was written is found before anything is timed: it never arrived, or in the wrong order. */
static void test_chain_wrong_before(void **unused)
{
	static const char *const labels[] = { "latency", "latency_peer" }, *const faults[] = { "copy:1:drop",
											       "copy:1:swap" };

	(void)unused;
	for (unsigned i = 0; i < 4; i++) {
		enum rig_phase at = RIG_PROBE;
		struct rig r;

		rig_begin(&r, rig_case(labels[i / 2]), faults[i % 2]);
		assert_int_equal(rig_until(&r, RIG_OPEN, &at), -EBADMSG);
		assert_int_equal(at, RIG_OPEN);
		if (!strstr(r.err.what,
			    "gpu-0000:11:00.0 reads wrong data in 8192 of 8192 lines of the chain, first at "
			    "offset 0"))
			fail_msg("%s, '%s': '%s'", labels[i / 2], faults[i % 2], r.err.what);
		assert_null(strstr(stub_fault(), "chase"));
		rig_end(&r);
	}
}

/* Where the GPU came to is compared with where the chain leads, after the first loads and after the last one. That no
 * load is wrong but this is not shown here. */
static void test_chase_wrong(void **unused)
{
	enum rig_phase at;
	struct rig r;

	(void)unused;
	/* The GPU is told to be elsewhere: the last copy of a life brings where it is. */
	rig_begin(&r, rig_case("latency"), "");
	must(&r, rig_until(&r, RIG_LEAVE, &at));
	stub_also("copy:1:flip");
	assert_int_equal(rig_do(&r, RIG_VERIFY), -EBADMSG);
	rig_end(&r);
	/* Of its opening it is the fourth one, after the chain, where to begin, and what the check found. */
	rig_begin(&r, rig_case("latency"), "copy:4:flip");
	assert_int_equal(rig_until(&r, RIG_OPEN, &at), -EBADMSG);
	assert_non_null(strstr(r.err.what, "loads the GPU is at offset"));
	rig_end(&r);
}

/* ---- gates */

/* A gate that opened by itself spoils the step, and only that. */
static void test_gate_time_out(void **unused)
{
	static const char *const labels[] = { "h2d", "bidir", "latency" };

	(void)unused;
	for (unsigned i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		struct rig r;

		open_and_enter(&r, rig_case(labels[i]), "");
		stub_also("cudaEventRecord:1:slow=2300");
		must(&r, rig_step(&r, 1));
		assert_true(r.did.spoilt);
		must(&r, rig_step(&r, 1));
		counted(&r, 1);
		rig_do(&r, RIG_LEAVE);
		must(&r, rig_do(&r, RIG_VERIFY));
		rig_end(&r);
	}
}

struct stepping {
	struct rig *r;
	int rc;
};

static void *step_on(void *arg)
{
	struct stepping *s = arg;

	while (s->rc == 0)
		s->rc = rig_step(s->r, 1);
	return NULL;
}

/* Halting ends a step soon, even one whose work never ends. */
static void test_halt(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < RIG_CASES; i++) {
		bool stalls = i % 2 && rig_cases[i].kind != 1;
		struct stepping s = { 0 };
		pthread_t thread;
		struct rig r;

		open_and_enter(&r, &rig_cases[i], "");
		s.r = &r;
		if (stalls)
			stub_also(rig_is_copy(r.what) ? "copy:4:stall"
						      : "fl_kernel_chase:2:stall,fl_kernel_nothing:2:stall");
		assert_int_equal(pthread_create(&thread, NULL, step_on, &s), 0);
		do
			fl_sleep_until(fl_now_ns() + 20000000);
		while (stalls && !stub_fault());
		r.bench->halt(r.state);
		pthread_join(thread, NULL);
		assert_int_equal(s.rc, -ECANCELED);
		stub_go_on();
		rig_do(&r, RIG_LEAVE);
		must(&r, rig_do(&r, RIG_VERIFY));
		rig_end(&r);
	}
}

/* ---- lanes of one process */

static void *live(void *arg)
{
	struct stepping *s = arg;
	enum rig_phase at;

	s->rc = rig_until(s->r, RIG_VERIFY, &at);
	return NULL;
}

/* One allocates while others have closed gates: nothing waits for a gate that it keeps shut itself. */
static void test_together(void **unused)
{
	static const char *const labels[] = { "h2d", "bidir", "p2p, SM, both, pulled", "latency_host" };
	enum { LANES = sizeof(labels) / sizeof(*labels), TIMES = 3 };
	struct stepping s[LANES] = { 0 };
	struct rig r[LANES];
	pthread_t threads[LANES];

	(void)unused;
	for (unsigned time = 0; time < TIMES; time++) {
		for (unsigned i = 0; i < LANES; i++) {
			rig_begin(&r[i], rig_case(labels[i]), "");
			s[i] = (struct stepping){ .r = &r[i] };
		}
		for (unsigned i = 0; i < LANES; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, live, &s[i]), 0);
		for (unsigned i = 0; i < LANES; i++)
			pthread_join(threads[i], NULL);
		for (unsigned i = 0; i < LANES; i++) {
			must(&r[i], s[i].rc);
			assert_false(r[i].did.spoilt);
		}
		for (unsigned i = 0; i < LANES; i++) {
			rig_do(&r[i], RIG_CLOSE);
			fake_free(&r[i].lane);
			free(r[i].hist);
		}
		assert_true(stub_is_clean((char[256]){ 0 }, 256));
	}
}

/* Steps of a lane do not wait for what another lane of the process holds back on the same GPU, nor for that lane to let
 * go: with all that makes streams wait for each other they would, until the gate gives up. */
static void test_beside_closed_gate(void **unused)
{
	const uint64_t long_ns = UINT64_C(60000000000);

	(void)unused;
	for (unsigned i = 0; i < RIG_CASES; i++) {
		struct fl_cuda_device gpu = { .number = -1 };
		struct fl_gate gate = { 0 };
		struct fl_err err = { 0 };
		void *flag, *timed_out;
		struct rig r;

		if (rig_cases[i].kind == 1)
			continue; /* the driver copies pageable memory as it likes */
		open_and_enter(&r, &rig_cases[i], "");
		assert_int_equal(fl_cuda_device_open(&rig_gpus[0], &gpu, &err), 0);
		assert_int_equal(fl_gate_make(&gate, &err), 0);
		assert_int_equal(fl_gate_close(&gate), 0);
		assert_int_equal(cudaHostGetDevicePointer(&flag, (void *)gate.flag, 0), 0);
		assert_int_equal(cudaHostGetDevicePointer(&timed_out, (void *)(uintptr_t)gate.timed_out, 0), 0);
		assert_int_equal(fl_kernel_gate(gpu.stream, flag, long_ns, timed_out), 0);
		must(&r, rig_do(&r, RIG_STEP));
		assert_false(r.did.spoilt);
		assert_int_equal(cudaStreamQuery(gpu.stream), cudaErrorNotReady);
		fl_gate_open(&gate);
		assert_int_equal(fl_cuda_device_wait(&gpu, &err), 0);
		assert_false(fl_gate_timed_out(&gate));
		rig_do(&r, RIG_LEAVE);
		must(&r, rig_do(&r, RIG_VERIFY));
		fl_gate_free(&gate);
		fl_cuda_device_close(&gpu);
		rig_end(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_no_step),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_peer),
		cmocka_unit_test(test_wrong_before),
		cmocka_unit_test(test_wrong_after),
		cmocka_unit_test(test_wrong_later),
		cmocka_unit_test(test_last_copy),
		cmocka_unit_test(test_only_copy),
		cmocka_unit_test(test_peer_drops),
		cmocka_unit_test(test_chain_wrong_before),
		cmocka_unit_test(test_chase_wrong),
		cmocka_unit_test(test_gate_time_out),
		cmocka_unit_test(test_halt),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_beside_closed_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
