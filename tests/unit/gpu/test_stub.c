/* SPDX-License-Identifier: Apache-2.0 */
/* test_stub.c: the CUDA runtime over host memory is as strict as what it stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "path/cuda/kernels.h"
#include "stubs/cudart/stub.h"
#include <cuda_runtime_api.h>
#include <errno.h>
#include <feedline/block.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = 1 << 20 };
static const uint64_t SECOND_NS = 1000000000;

#define OK(call) assert_int_equal(call, cudaSuccess)

struct rig {
	cudaStream_t stream;
	void *gpu, *gpu2, *host;
	uint32_t *gate; /* the flag, and whether it timed out */
	struct fl_kernel_wrong *wrong;
};

static struct rig begin(const char *text)
{
	struct rig r = { 0 };
	void *gate;

	stub_begin(text);
	OK(cudaSetDevice(0));
	OK(fl_kernels_load());
	OK(cudaStreamCreateWithFlags(&r.stream, cudaStreamNonBlocking));
	OK(cudaMalloc(&r.gpu, BYTES));
	OK(cudaMalloc(&r.gpu2, BYTES));
	OK(cudaHostAlloc(&r.host, BYTES, cudaHostAllocDefault));
	OK(cudaHostAlloc(&gate, 4096, cudaHostAllocMapped));
	r.gate = gate;
	r.wrong = (struct fl_kernel_wrong *)r.gpu2;
	return r;
}

static void release(struct rig *r)
{
	cudaFreeHost(r->gate);
	cudaFreeHost(r->host);
	cudaFree(r->gpu2);
	cudaFree(r->gpu);
	cudaStreamDestroy(r->stream);
}

static void clean(void)
{
	char why[256];

	if (!stub_is_clean(why, sizeof(why)))
		fail_msg("%s", why);
}

static void soiled(const char *part)
{
	char why[256] = "";

	assert_false(stub_is_clean(why, sizeof(why)));
	if (!strstr(why, part))
		fail_msg("'%s' has no '%s'", why, part);
}

static uint64_t wrong_blocks(struct rig *r, const void *at)
{
	struct fl_kernel_wrong *seen = r->host;

	OK(fl_kernel_check(r->stream, at, BYTES, 7, 0, r->wrong));
	OK(cudaMemcpyAsync(r->host, r->wrong, sizeof(*r->wrong), cudaMemcpyDefault, r->stream));
	OK(cudaStreamSynchronize(r->stream));
	return seen->count;
}

static void fill(struct rig *r)
{
	OK(fl_kernel_fill(r->stream, r->gpu, BYTES, 7, 0));
	OK(cudaStreamSynchronize(r->stream));
}

static void test_copies(void **unused)
{
	struct rig r = begin("");
	char *pageable = malloc(BYTES);

	(void)unused;
	fill(&r);
	assert_int_equal(wrong_blocks(&r, r.gpu), 0);
	OK(cudaMemcpyAsync(r.host, r.gpu, BYTES, cudaMemcpyDeviceToHost, r.stream));
	OK(cudaStreamSynchronize(r.stream));
	assert_int_equal(fl_block_check((char *)r.host + BYTES - FL_BLOCK_BYTES, 7, 0, BYTES - FL_BLOCK_BYTES),
			 FL_BLOCK_BYTES);
	OK(cudaMemcpyAsync(pageable, r.gpu, BYTES, cudaMemcpyDefault, r.stream)); /* over when it returns */
	assert_memory_equal(pageable, r.host, BYTES);
	((char *)stub_behind(r.gpu))[BYTES / 2] ^= 1;
	assert_int_equal(wrong_blocks(&r, r.gpu), 1);
	free(pageable);
	release(&r);
	clean();
}

/* A line with a wrong word is found where it is, as is one in another one's place; what is behind its words is not
 * looked at. */
static void test_chain(void **unused)
{
	enum { LINES = BYTES / FL_CHAIN_LINE_BYTES, WORDS = FL_CHAIN_LINE_BYTES / 8 };
	struct rig r = begin("");
	struct fl_kernel_wrong *seen = r.host;
	uint64_t *line = stub_behind(r.gpu);

	(void)unused;
	for (uint64_t i = 0; i < LINES; i++) {
		line[i * WORDS] = (i + 1) % LINES * FL_CHAIN_LINE_BYTES;
		line[i * WORDS + 1] = fl_chain_key(7, i * FL_CHAIN_LINE_BYTES, line[i * WORDS]);
		line[i * WORDS + 2] = i;
	}
	for (uint64_t turn = 0; turn < 4; turn++) {
		line[3 * WORDS] ^= turn == 1 ? 128 : 0;
		if (turn == 2) { /* the third is as it was, and now the fifth is where the fourth was */
			line[3 * WORDS] ^= 128;
			memcpy(line + 4 * WORDS, line + 5 * WORDS, FL_CHAIN_LINE_BYTES);
		}
		OK(fl_kernel_check_chain(r.stream, r.gpu, LINES, turn == 3 ? 8 : 7, r.wrong));
		OK(cudaMemcpyAsync(r.host, r.wrong, sizeof(*r.wrong), cudaMemcpyDefault, r.stream));
		OK(cudaStreamSynchronize(r.stream));
		assert_int_equal(seen->count, turn == 0 ? 0 : turn == 3 ? LINES : 1);
		assert_true(seen->first_offset == (turn == 0   ? UINT64_MAX
						   : turn == 3 ? 0
							       : (turn + 2) * FL_CHAIN_LINE_BYTES));
	}
	release(&r);
	clean();
}

/* Nothing behind a closed gate is done; a gate lets pass by itself in the end, and says so. */
static void test_gate(void **unused)
{
	struct rig r = begin("");

	(void)unused;
	OK(fl_kernel_gate(r.stream, r.gate, 60 * SECOND_NS, r.gate + 1));
	OK(fl_kernel_nothing(r.stream));
	assert_int_equal(cudaStreamQuery(r.stream), cudaErrorNotReady);
	__atomic_store_n(r.gate, 1, __ATOMIC_RELEASE);
	OK(cudaStreamSynchronize(r.stream));
	OK(cudaStreamQuery(r.stream));
	assert_int_equal(r.gate[1], 0);
	*r.gate = 0;
	OK(fl_kernel_gate(r.stream, r.gate, 1000000, r.gate + 1));
	OK(cudaStreamSynchronize(r.stream));
	assert_int_equal(r.gate[1], 1);
	release(&r);
	clean();
}

static void *open_late(void *gate)
{
	const struct timespec pause = { .tv_nsec = 20000000 };

	nanosleep(&pause, NULL);
	__atomic_store_n((uint32_t *)gate, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void wait_somewhere(struct rig *r, unsigned what, char *pageable)
{
	void *p;

	if (what == 0)
		OK(cudaMemcpyAsync(r->gpu, pageable, BYTES, cudaMemcpyDefault, r->stream));
	if (what == 1)
		OK(cudaFree(r->gpu));
	if (what == 2)
		OK(fl_kernels_load());
	for (unsigned i = 0; what == 3 && i < 1100; i++)
		OK(fl_kernel_nothing(r->stream));
	if (what > 3)
		OK(cudaSetDevice(1)); /* another device makes no difference */
	if (what == 4)
		OK(cudaMalloc(&p, BYTES));
	if (what == 5)
		OK(cudaHostAlloc(&p, BYTES, 0));
	if (what == 6)
		OK(cudaHostRegister(pageable, BYTES, 0));
	if (what == 7)
		OK(cudaFreeHost(r->host));
}

/* What must wait for a closed gate does: a pageable copy, loading kernels, a full queue, and all that makes or
 * ends memory. */
static void test_waits(void **unused)
{
	struct rig r;
	char *pageable = malloc(BYTES);
	pthread_t thread;

	(void)unused;
	for (unsigned what = 0; what < 8; what++) {
		r = begin("");
		OK(fl_kernel_gate(r.stream, r.gate, 60 * SECOND_NS, r.gate + 1));
		pthread_create(&thread, NULL, open_late, r.gate);
		wait_somewhere(&r, what, pageable);
		assert_int_equal(__atomic_load_n(r.gate, __ATOMIC_ACQUIRE), 1);
		pthread_join(thread, NULL);
	}
	free(pageable);
	stub_begin("");
}

static void test_events(void **unused)
{
	struct rig r = begin("");
	cudaEvent_t start, end;
	float ms = -1;

	(void)unused;
	OK(cudaEventCreateWithFlags(&start, cudaEventDefault));
	OK(cudaEventCreateWithFlags(&end, cudaEventDefault));
	assert_int_equal(cudaEventElapsedTime(&ms, start, end), cudaErrorInvalidResourceHandle);
	OK(fl_kernel_gate(r.stream, r.gate, 60 * SECOND_NS, r.gate + 1));
	OK(cudaEventRecord(start, r.stream));
	OK(cudaMemcpyAsync(r.gpu, r.host, BYTES, cudaMemcpyDefault, r.stream));
	OK(cudaEventRecord(end, r.stream));
	assert_int_equal(cudaEventElapsedTime(&ms, start, end), cudaErrorNotReady);
	__atomic_store_n(r.gate, 1, __ATOMIC_RELEASE);
	OK(cudaStreamSynchronize(r.stream));
	OK(cudaEventElapsedTime(&ms, start, end));
	assert_true(ms > 0);
	OK(cudaEventDestroy(start));
	OK(cudaEventDestroy(end));
	release(&r);
	clean();
}

/* Freed, too short, of a device that is no peer, of the host and not pinned. */
static void test_misuse(void **unused)
{
	struct rig r = begin("");
	void *gone;

	(void)unused;
	OK(cudaMalloc(&gone, 4096));
	OK(cudaFree(gone));
	assert_int_equal(cudaMemcpyAsync(gone, r.host, 16, cudaMemcpyDefault, r.stream), cudaErrorInvalidValue);
	soiled("memory that was freed");
	release(&r);

	r = begin("");
	assert_int_equal(cudaMemcpyAsync(r.gpu, r.host, BYTES + 1, cudaMemcpyDefault, r.stream), cudaErrorInvalidValue);
	soiled("memory that ends before the access does");
	release(&r);

	r = begin("");
	OK(cudaSetDevice(1));
	OK(cudaMalloc(&gone, BYTES));
	OK(cudaSetDevice(0));
	OK(fl_kernel_copy(r.stream, r.gpu, gone, BYTES, 4));
	assert_int_equal(cudaStreamSynchronize(r.stream), cudaErrorIllegalAddress);
	assert_int_equal(cudaFree(r.gpu2), cudaErrorIllegalAddress); /* it sticks */
	soiled("memory of a device that is no peer");

	r = begin("");
	gone = malloc(BYTES);
	OK(fl_kernel_fill(r.stream, gone, BYTES, 7, 0));
	assert_int_equal(cudaStreamSynchronize(r.stream), cudaErrorIllegalAddress);
	soiled("not pinned");
	free(gone);
	stub_begin("");
	assert_int_equal(cudaStreamQuery(NULL), cudaErrorInvalidResourceHandle);
	soiled("a stream that does not exist");
	stub_begin("");
}

static void test_leaks(void **unused)
{
	cudaStream_t stream;
	cudaEvent_t event;
	char *host = aligned_alloc(4096, 4096);
	void *p;

	(void)unused;
	stub_begin("");
	OK(cudaMalloc(&p, 1000));
	assert_int_equal(stub_used(0), 1024);
	soiled("device memory of 1000 bytes");
	OK(cudaFree(p));
	OK(cudaHostAlloc(&p, 1000, 0));
	soiled("host memory of 1000 bytes");
	OK(cudaFreeHost(p));
	OK(cudaHostRegister(host, 4096, 0));
	assert_int_equal(cudaHostRegister(host + 100, 10, 0), cudaErrorHostMemoryAlreadyRegistered);
	soiled("a registration");
	OK(cudaHostUnregister(host));
	OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	soiled("a stream");
	OK(cudaStreamDestroy(stream));
	OK(cudaEventCreateWithFlags(&event, cudaEventDefault));
	soiled("an event");
	OK(cudaDeviceReset()); /* takes all */
	clean();
	free(host);
}

/* No host can look at memory of a device. */
static void test_address(void **unused)
{
	struct rig r = begin("");
	int status = 0;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(*(volatile char *)r.gpu);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	release(&r);
	clean();
}

static void test_peers(void **unused)
{
	struct rig r = begin("drop=1-0,nopeer=0-2");
	void *far;
	int can = -1;

	(void)unused;
	OK(cudaDeviceCanAccessPeer(&can, 0, 2));
	assert_int_equal(can, 0);
	assert_int_equal(cudaDeviceEnablePeerAccess(2, 0), cudaErrorPeerAccessUnsupported);
	OK(cudaDeviceCanAccessPeer(&can, 0, 1));
	assert_int_equal(can, 1);
	OK(cudaDeviceEnablePeerAccess(1, 0));
	assert_int_equal(cudaDeviceEnablePeerAccess(1, 0), cudaErrorPeerAccessAlreadyEnabled);
	OK(cudaSetDevice(1));
	OK(cudaMalloc(&far, BYTES));
	OK(cudaSetDevice(0));
	fill(&r);
	OK(fl_kernel_copy(r.stream, far, r.gpu, BYTES, 4)); /* 0 to 1 arrives */
	assert_int_equal(wrong_blocks(&r, far), 0);
	memset(stub_behind(r.gpu), 0, BYTES);
	OK(cudaMemcpyAsync(r.gpu, far, BYTES, cudaMemcpyDefault, r.stream)); /* 1 to 0 does not */
	OK(fl_kernel_copy(r.stream, r.gpu, far, BYTES, 4));
	assert_int_equal(wrong_blocks(&r, r.gpu), BYTES / FL_BLOCK_BYTES);
	OK(cudaSetDevice(1));
	OK(cudaFree(far));
	OK(cudaSetDevice(0));
	release(&r);
	clean();
}

/* ---- faults */

static void test_wrong_data(void **unused)
{
	static const struct {
		const char *text;
		uint64_t wrong;
	} rows[] = { { "copy:1:flip", 1 },
		     { "copy:1:swap", BYTES / FL_BLOCK_BYTES },
		     { "copy:1:drop", BYTES / FL_BLOCK_BYTES } };

	(void)unused;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (unsigned sm = 0; sm < 2; sm++) {
			struct rig r = begin(rows[i].text);
			void *to;

			OK(cudaMalloc(&to, BYTES));
			fill(&r);
			if (sm)
				OK(fl_kernel_copy(r.stream, to, r.gpu, BYTES, 4));
			else
				OK(cudaMemcpyAsync(to, r.gpu, BYTES, cudaMemcpyDefault, r.stream));
			assert_int_equal(wrong_blocks(&r, to), rows[i].wrong);
			assert_string_equal(stub_fault(), sm ? "fl_kernel_copy" : "cudaMemcpyAsync");
			OK(cudaFree(to));
			release(&r);
			clean();
		}
}

static void test_errors(void **unused)
{
	struct rig r;
	void *p;

	(void)unused;
	stub_begin("cudaMalloc:2:fail=2,memory=2000,gpu3:cudaMalloc:1:fail=999");
	OK(cudaMalloc(&p, 10));
	assert_int_equal(cudaMalloc(&p, 10), cudaErrorMemoryAllocation);
	assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
	OK(cudaGetLastError());
	assert_int_equal(cudaMalloc(&p, 1600), cudaErrorMemoryAllocation);
	OK(cudaMalloc(&p, 900));
	OK(cudaSetDevice(3));
	assert_int_equal(cudaMalloc(&p, 10), cudaErrorUnknown);

	r = begin("cudaMemcpyAsync:1:later=214");
	OK(cudaMemcpyAsync(r.gpu, r.host, BYTES, cudaMemcpyDefault, r.stream));
	assert_int_equal(cudaStreamSynchronize(r.stream), cudaErrorECCUncorrectable);
	assert_int_equal(cudaMalloc(&p, 10), cudaErrorECCUncorrectable);
	OK(cudaSetDevice(1)); /* others are well */
	OK(cudaMalloc(&p, 10));
	cudaSetDevice(0);
	assert_int_equal(cudaDeviceReset(), cudaErrorECCUncorrectable);

	r = begin("cudaStreamQuery:1:lost=999");
	assert_int_equal(cudaStreamQuery(r.stream), cudaErrorUnknown);
	cudaDeviceReset();
	assert_int_equal(cudaMalloc(&p, 10), cudaErrorUnknown); /* for ever */

	r = begin("cudaStreamQuery:1+:sticky=719");
	assert_int_equal(cudaStreamQuery(r.stream), cudaErrorLaunchFailure);
	assert_int_equal(fl_kernel_nothing(r.stream), cudaErrorLaunchFailure);
	cudaDeviceReset();
	OK(cudaMalloc(&p, 10));
	stub_begin("");
}

static void *use(void *text)
{
	struct rig r = begin(text);

	fl_kernel_nothing(r.stream);
	return (void *)(uintptr_t)(cudaStreamSynchronize(r.stream) + 1u);
}

/* What never returns does not, until the next life. */
static void test_hang(void **unused)
{
	static char hangs[] = "cudaStreamSynchronize:1:hang", stalls[] = "fl_kernel_nothing:1:stall";
	const struct timespec pause = { .tv_nsec = 30000000 };
	pthread_t thread;
	void *ret;

	(void)unused;
	for (unsigned i = 0; i < 2; i++) {
		stub_begin("");
		pthread_create(&thread, NULL, use, i ? stalls : hangs);
		while (!stub_fault())
			nanosleep(&pause, NULL);
		nanosleep(&pause, NULL);
		assert_int_equal(pthread_tryjoin_np(thread, &ret), EBUSY);
		stub_begin("");
		pthread_join(thread, &ret);
	}
}

/* ---- the machine */

static int count(const char *text, const char *visible)
{
	int n = -1;

	if (visible)
		setenv("CUDA_VISIBLE_DEVICES", visible, 1);
	else
		unsetenv("CUDA_VISIBLE_DEVICES");
	stub_begin(text);
	if (cudaGetDeviceCount(&n) != cudaSuccess)
		n = -(int)cudaGetLastError();
	return n;
}

static void test_visible(void **unused)
{
	struct cudaDeviceProp p;
	int device = -1;

	(void)unused;
	assert_int_equal(count("", NULL), 8);
	OK(cudaDeviceGetByPCIBusId(&device, "0000:82:00.0"));
	assert_int_equal(device, 5);
	assert_int_equal(count("gpus=0", NULL), -cudaErrorNoDevice);
	assert_int_equal(count("driver=12080", NULL), -cudaErrorInsufficientDriver);
	assert_int_equal(count("driver=0", NULL), -cudaErrorInsufficientDriver);
	assert_int_equal(count("lost=2", NULL), 7);
	assert_int_equal(count("", "3,1"), 2);
	OK(cudaDeviceGetByPCIBusId(&device, "0000:12:00.0"));
	assert_int_equal(device, 1);
	assert_int_equal(cudaDeviceGetByPCIBusId(&device, "0000:11:00.0"), cudaErrorInvalidDevice);
	assert_int_equal(count("", "GPU-5eed0006,GPU-x,1"), 1);
	assert_int_equal(count("", ""), -cudaErrorNoDevice);
	assert_int_equal(count("mig=1", NULL), 1); /* a part hides all else */
	assert_int_equal(count("mig=1", "0,1,2"), 3);
	assert_int_equal(count("mig=1", "MIG-5eed0007-0000-4000-8000-0000000000a1"), 1);
	OK(cudaGetDeviceProperties(&p, 0));
	assert_int_equal((unsigned char)p.uuid.bytes[15], 0xa1);
	assert_int_equal(p.pciBusID, 0x92);
	assert_int_equal(count("", NULL), 8);
}

static void test_modes(void **unused)
{
	int status = 0, value = -1;
	pid_t pid;

	(void)unused;
	stub_begin("busy=1,prohibited=2,exclusive=3");
	assert_int_equal(cudaSetDevice(1), cudaErrorDevicesUnavailable);
	assert_int_equal(cudaSetDevice(2), cudaErrorDevicesUnavailable);
	OK(cudaDeviceGetAttribute(&value, cudaDevAttrComputeMode, 3));
	assert_int_equal(value, cudaComputeModeExclusiveProcess);
	OK(cudaSetDevice(3));
	for (unsigned released = 0; released < 2; released++) {
		pid = fork();
		if (pid == 0)
			execl("/proc/self/exe", "test_stub", "--second", NULL);
		waitpid(pid, &status, 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), released ? cudaSuccess : cudaErrorDevicesUnavailable);
		OK(cudaDeviceReset());
	}
	stub_begin("");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),	   cmocka_unit_test(test_chain),   cmocka_unit_test(test_gate),
		cmocka_unit_test(test_waits),	   cmocka_unit_test(test_events),  cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_leaks),	   cmocka_unit_test(test_address), cmocka_unit_test(test_peers),
		cmocka_unit_test(test_wrong_data), cmocka_unit_test(test_errors),  cmocka_unit_test(test_hang),
		cmocka_unit_test(test_visible),	   cmocka_unit_test(test_modes),
	};

	if (argc == 2 && !strcmp(argv[1], "--second")) { /* another process that wants the GPU */
		stub_begin("exclusive=3");
		return (int)cudaSetDevice(3);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
