/* SPDX-License-Identifier: Apache-2.0 */
/* test_failing.c: each call of the CUDA runtime in the life of a gpu row fails in turn, in each of the ways in which
 * calls fail. Every time: the right errno, one line with what to do, nothing left behind, nothing that hangs. */
#include "rig.h"
#include <errno.h>

/* A way to fail, and what it has to come to. */
struct way {
	const char *deed;
	int code;
	const char *name;
};
static const struct way ways[] = {
	{ "fail=2", -ENOMEM, "" }, /* also where no memory is asked for */
	{ "fail=304", -EIO, "cudaErrorOperatingSystem" },
	{ "sticky=719", -EIO, "cudaErrorLaunchFailure" },
	{ "lost=999", -ENODEV, "cudaErrorUnknown" },
	{ "later=214", -EIO, "cudaErrorECCUncorrectable" },
};
enum { WAYS = sizeof(ways) / sizeof(*ways) };

/* Calls that are only asked for words: then those are missing. */
static bool is_for_words(const char *call)
{
	return !strcmp(call, "cudaDriverGetVersion") || !strcmp(call, "cudaMemGetInfo");
}

/* What was not found yet cannot be lost. */
static int code_of(const struct way *way, const char *call)
{
	bool finds = !strcmp(call, "cudaGetDeviceCount") || !strcmp(call, "cudaDeviceGetByPCIBusId");

	return way->code == -ENODEV && finds ? -ENXIO : way->code;
}

static void one_line(const struct rig *r, const char *where, const char *name)
{
	if (!*r->err.what || strchr(r->err.what, '\n') || !strstr(r->err.what, name))
		fail_msg("%s: says '%s', without '%s'", where, r->err.what, name);
	if (!*r->err.hint || strchr(r->err.hint, '\n'))
		fail_msg("%s: '%s' has hint '%s'", where, r->err.what, r->err.hint);
}

/* A life whose i-th call from the beginning of `phase` on fails so. Was there such a call in that phase? */
static bool fail_at(const struct rig_case *c, enum rig_phase phase, unsigned i, const struct way *way, char call[64])
{
	enum rig_phase at = RIG_PROBE;
	char text[64], where[160];
	const char *fault;
	struct rig r;
	int rc = 0;

	snprintf(text, sizeof(text), "any:%u:%s", i, way->deed);
	rig_begin(&r, c, rig_is_both(c) ? "" : "rate=50000000"); /* few copies make a step */
	for (; at < phase; at++)
		if (at != RIG_ENTER && rig_do(&r, at) < 0) /* entering only makes the link warm, for long */
			fail_msg("%s: phase %d: %s", c->label, at, r.err.what);
	stub_also(text);
	rc = rig_do(&r, phase);
	fault = stub_fault();
	if (rc == 0 && fault && !strncmp(way->deed, "later", 5)) /* may come out in a later phase */
		for (enum rig_phase p = phase + 1; p <= RIG_VERIFY && rc == 0; p++)
			rc = rig_do(&r, p);
	snprintf(call, 64, "%s", fault ? fault : "");
	snprintf(where, sizeof(where), "%s: %s, call %u of phase %d, %s", c->label, call, i, phase, way->deed);
	if (rc < 0) {
		if (!fault || rc != code_of(way, fault) || r.err.code != rc)
			fail_msg("%s: %d (%d), '%s'", where, rc, r.err.code, r.err.what);
		one_line(&r, where, way->name);
	} else if (fault && phase != RIG_LEAVE && phase != RIG_CLOSE && !is_for_words(call) &&
		   strncmp(way->deed, "later", 5) != 0)
		fail_msg("%s: nobody noticed", where);
	rig_end(&r);
	return fault != NULL;
}

/* All calls of a phase, each in the next way; of many that are alike, one after another or in turn with another one,
 * some, further and further apart. */
static void fail_all(const struct rig_case *c, enum rig_phase phase, unsigned way, unsigned most)
{
	char call[64], before[2][64] = { "", "" };
	unsigned apart = 1, same = 0, lives = 0;

	for (unsigned i = 1; i <= most; i += apart) {
		if (!fail_at(c, phase, i, &ways[(i + way) % WAYS], call))
			return;
		same = !strcmp(call, before[0]) || !strcmp(call, before[1]) ? same + 1 : 0;
		apart = same > 3 ? apart * 2 : 1;
		memcpy(before[lives++ % 2], call, 64);
	}
}

/* Under ThreadSanitizer so many lives take too long; what threads do to each other is seen in test_rows.c. */
#ifdef __SANITIZE_THREAD__
enum { ALL_LIVES = false };
#else
enum { ALL_LIVES = true };
#endif

static void fail_everywhere(const char *label, unsigned ways_n)
{
	if (!ALL_LIVES && strcmp(label, "launch") != 0)
		return;
	for (unsigned w = 0; w < ways_n; w++)
		for (enum rig_phase p = RIG_PROBE; p <= RIG_CLOSE; p++)
			fail_all(rig_case(label), p, w, p == RIG_ENTER ? 6 : 4000); /* entering copies for a while */
}

#define IN_TURN(name, label, ways_n)                                                                                   \
	static void test_##name(void **unused)                                                                         \
	{                                                                                                              \
		(void)unused;                                                                                          \
		fail_everywhere(label, ways_n);                                                                        \
	}
IN_TURN(h2d, "h2d", 2)
IN_TURN(pageable, "h2d, pageable", 1)
IN_TURN(d2h, "d2h, SM, write-combined", 1)
IN_TURN(bidir, "bidir", 1)
IN_TURN(p2p, "p2p, SM, both, pulled", 1)
IN_TURN(local, "local, SM", 1)
IN_TURN(latency_host, "latency_host", 1)
IN_TURN(latency_peer, "latency_peer", 1)
IN_TURN(launch, "launch", 1)

/* ---- the machine */

static void opened(const char *label, const char *text, int code, const char *what, const char *hint)
{
	enum rig_phase at;
	struct rig r;

	rig_begin(&r, rig_case(label), text);
	assert_int_equal(rig_until(&r, RIG_OPEN, &at), code);
	if (!strstr(r.err.what, what) || strchr(r.err.what, '\n'))
		fail_msg("%s, '%s': '%s' has no '%s'", label, text, r.err.what, what);
	if (!strstr(r.err.hint, hint))
		fail_msg("%s, '%s': '%s' has no '%s'", label, text, r.err.hint, hint);
	rig_end(&r);
}

static void test_machine(void **unused)
{
	(void)unused;
	opened("h2d", "gpus=0", -ENXIO, "cudaErrorNoDevice", "nvidia-smi");
	opened("h2d", "driver=0", -ENOSYS, "there is no CUDA driver here", "needs driver 580 or later; found none");
	opened("h2d", "driver=12040", -ENOSYS, "cudaErrorInsufficientDriver", "found one that can do CUDA 12.4");
	opened("h2d", "busy=0", -EBUSY, "cudaErrorDevicesUnavailable", "exclusive-process mode");
	opened("p2p, pushed", "busy=5", -EBUSY, "cudaErrorDevicesUnavailable", "exclusive-process mode");
	opened("h2d", "prohibited=0", -EBUSY, "cudaErrorDevicesUnavailable", "");
	opened("h2d", "lost=0", -ENXIO, "PCI address", "CUDA_VISIBLE_DEVICES");
	opened("h2d", "memory=200000", -ENOMEM, "gpu-0000:11:00.0 has no 0 MiB", "smaller size");
	opened("p2p, SM, both, pulled", "memory=1500000", -ENOMEM, "has no 1 MiB", "smaller size");
	setenv("CUDA_VISIBLE_DEVICES", "1,2", 1);
	opened("h2d", "", -ENXIO, "PCI address", "CUDA_VISIBLE_DEVICES hides it");
	setenv("CUDA_VISIBLE_DEVICES", "", 1);
	opened("h2d", "", -ENXIO, "cudaErrorNoDevice", "CUDA_VISIBLE_DEVICES hides none");
	unsetenv("CUDA_VISIBLE_DEVICES");
}

static int live(struct rig *r)
{
	enum rig_phase at;

	return rig_until(r, RIG_VERIFY, &at);
}

/* The last lane gives back a GPU that only one process may use; the next lane gets it again. */
static void test_exclusive(void **unused)
{
	struct rig r[2];

	(void)unused;
	rig_begin(&r[0], rig_case("h2d"), "exclusive=0");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(live(&r[0]), 0);
		rig_do(&r[0], RIG_CLOSE);
		assert_false(stub_has_context(0));
	}
	rig_end(&r[0]);
}

/* A part of a GPU is all that its process may see. */
static void test_parts(void **unused)
{
	const struct fl_device part = { .id = "mig-1", .pci = "0000:92:00.0", .uuid = stub_parts[1] };
	struct rig r;

	(void)unused;
	setenv("CUDA_VISIBLE_DEVICES", stub_parts[1], 1);
	rig_begin(&r, rig_case("h2d"), "mig=1");
	r.opts.copy.gpu = &part;
	if (live(&r) < 0)
		fail_msg("%s", r.err.what);
	rig_end(&r);
	unsetenv("CUDA_VISIBLE_DEVICES");
	rig_begin(&r, rig_case("h2d"), "");
	r.opts.copy.gpu = &part;
	assert_int_equal(live(&r), -ENXIO);
	assert_non_null(strstr(r.err.what, "mig-1: CUDA shows 8 devices"));
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_h2d),	     cmocka_unit_test(test_pageable),	  cmocka_unit_test(test_d2h),
		cmocka_unit_test(test_bidir),	     cmocka_unit_test(test_p2p),	  cmocka_unit_test(test_local),
		cmocka_unit_test(test_latency_host), cmocka_unit_test(test_latency_peer), cmocka_unit_test(test_launch),
		cmocka_unit_test(test_machine),	     cmocka_unit_test(test_exclusive),	  cmocka_unit_test(test_parts),
	};

	unsetenv("CUDA_VISIBLE_DEVICES");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
