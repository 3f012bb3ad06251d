/* SPDX-License-Identifier: Apache-2.0 */
/* watch_gpu_look.c: what NVML says of one GPU. What this GPU or driver cannot say is not asked again. Counters are as
 * the GPU has them. */
#include "base/alloc.h"
#include "watch.h"
#include <feedline/clock.h>
#include <math.h>
#include <stdlib.h>

enum { LINK_FIELDS = 5, FIELDS_MAX = FL_NVML_LINKS_MAX * LINK_FIELDS, QUESTIONS_MAX = 16 };

enum metric {
	SM_BUSY,
	MEMORY_BUSY,
	MEMORY_USED,
	POWER,
	TEMPERATURE,
	MEMORY_TEMPERATURE,
	SM_CLOCK,
	MEMORY_CLOCK,
	THROTTLE,
	PCIE_SENT,
	PCIE_RECEIVED,
	PCIE_GEN,
	PCIE_LANES,
	PCIE_GEN_BEST,
	PCIE_LANES_BEST,
	PCIE_REPLAYS,
	ECC_CORRECTED,
	ECC_UNCORRECTED,
	REMAPPED_ROWS,
	NVLINK_ERRORS,
	OTHER_PROCESSES,
	METRICS
};

const char *const watch_gpu_metrics[] = {
	[SM_BUSY] = "sm_busy_ratio",
	[MEMORY_BUSY] = "memory_busy_ratio",
	[MEMORY_USED] = "memory_used_bytes",
	[POWER] = "power_w",
	[TEMPERATURE] = "temperature_c",
	[MEMORY_TEMPERATURE] = "memory_temperature_c",
	[SM_CLOCK] = "sm_clock_hz",
	[MEMORY_CLOCK] = "memory_clock_hz",
	[THROTTLE] = "throttle_reasons",
	[PCIE_SENT] = "pcie_sent_bytes_per_s",
	[PCIE_RECEIVED] = "pcie_received_bytes_per_s",
	[PCIE_GEN] = "pcie_gen",
	[PCIE_LANES] = "pcie_lanes",
	[PCIE_GEN_BEST] = "pcie_gen_best",
	[PCIE_LANES_BEST] = "pcie_lanes_best",
	[PCIE_REPLAYS] = "pcie_replays",
	[ECC_CORRECTED] = "ecc_corrected",
	[ECC_UNCORRECTED] = "ecc_uncorrected",
	[REMAPPED_ROWS] = "remapped_rows",
	[NVLINK_ERRORS] = "nvlink_errors",
	[OTHER_PROCESSES] = "other_processes",
};

size_t watch_gpu_metrics_n(void)
{
	return METRICS;
}

struct watch_gpu_look {
	const struct fl_nvml *nvml;
	struct fl_nvml_device *device;
	uint64_t cannot;		/* a bit for every question */
	uint64_t due_ns[QUESTIONS_MAX]; /* before that it is not asked again */
	struct watch_rate sent, received;
	bool counts_pcie;	 /* by its counters, rather than by a call that takes 20 ms */
	double link_bytes_per_s; /* the most that was seen of it; NaN: not yet */
	unsigned links[FL_NVML_LINKS_MAX];
	size_t links_n;
	bool links_known;
	enum { UNDECIDED, BY_FIELDS, BY_CALLS } source; /* of their errors */
	bool counts[FIELDS_MAX];			/* that is one of them */
};

/* ---- questions: each fills some values and returns what NVML did */

static int ask_busy(struct watch_gpu_look *l, double *values)
{
	struct fl_nvml_utilization busy;
	int rc = FL_NVML_CALL(l->nvml, utilization, l->device, &busy);

	if (rc == FL_NVML_SUCCESS) {
		values[SM_BUSY] = busy.gpu_percent / 100.0;
		values[MEMORY_BUSY] = busy.memory_percent / 100.0;
	}
	return rc;
}

static int ask_memory(struct watch_gpu_look *l, double *values)
{
	struct fl_nvml_memory_v2 v2 = { .version = FL_NVML_MEMORY_V2 };
	struct fl_nvml_memory v1;
	int rc = FL_NVML_CALL(l->nvml, memory_info_v2, l->device, &v2);

	if (rc == FL_NVML_SUCCESS) {
		values[MEMORY_USED] = (double)v2.used_bytes;
		return rc;
	}
	rc = FL_NVML_CALL(l->nvml, memory_info, l->device, &v1);
	if (rc == FL_NVML_SUCCESS)
		values[MEMORY_USED] = (double)v1.used_bytes;
	return rc;
}

static int ask_power(struct watch_gpu_look *l, double *values)
{
	unsigned mw;
	int rc = FL_NVML_CALL(l->nvml, power_usage, l->device, &mw);

	if (rc == FL_NVML_SUCCESS)
		values[POWER] = mw / 1e3;
	return rc;
}

static int ask_temperature(struct watch_gpu_look *l, double *values)
{
	struct fl_nvml_temperature t = { .version = FL_NVML_TEMPERATURE_V1 };
	unsigned celsius;
	int rc = FL_NVML_CALL(l->nvml, temperature_v, l->device, &t);

	if (rc == FL_NVML_SUCCESS) {
		values[TEMPERATURE] = t.celsius;
		return rc;
	}
	rc = FL_NVML_CALL(l->nvml, temperature, l->device, 0, &celsius);
	if (rc == FL_NVML_SUCCESS)
		values[TEMPERATURE] = celsius;
	return rc;
}

static int ask_clock(struct watch_gpu_look *l, unsigned which, double *value)
{
	unsigned mhz;
	int rc = FL_NVML_CALL(l->nvml, clock, l->device, which, &mhz);

	if (rc == FL_NVML_SUCCESS)
		*value = mhz * 1e6;
	return rc;
}

static int ask_sm_clock(struct watch_gpu_look *l, double *values)
{
	return ask_clock(l, FL_NVML_CLOCK_SM, &values[SM_CLOCK]);
}

static int ask_memory_clock(struct watch_gpu_look *l, double *values)
{
	return ask_clock(l, FL_NVML_CLOCK_MEMORY, &values[MEMORY_CLOCK]);
}

static int ask_throttle(struct watch_gpu_look *l, double *values)
{
	uint64_t reasons;
	int rc = FL_NVML_CALL(l->nvml, clocks_event_reasons, l->device, &reasons);

	if (rc == FL_NVML_SUCCESS)
		values[THROTTLE] = (double)reasons;
	return rc;
}

static int ask_link(struct watch_gpu_look *l, double *values)
{
	unsigned gen, lanes;
	int rc = FL_NVML_CALL(l->nvml, pcie_gen, l->device, &gen);

	if (rc == FL_NVML_SUCCESS)
		rc = FL_NVML_CALL(l->nvml, pcie_lanes, l->device, &lanes);
	if (rc == FL_NVML_SUCCESS) {
		values[PCIE_GEN] = gen;
		values[PCIE_LANES] = lanes;
		l->link_bytes_per_s = fmax(l->link_bytes_per_s, watch_link_bytes_per_s(gen, lanes));
	}
	return rc;
}

static int ask_link_best(struct watch_gpu_look *l, double *values)
{
	unsigned gen, lanes;
	int rc = FL_NVML_CALL(l->nvml, pcie_gen_max, l->device, &gen);

	if (rc == FL_NVML_SUCCESS)
		rc = FL_NVML_CALL(l->nvml, pcie_lanes_max, l->device, &lanes);
	if (rc == FL_NVML_SUCCESS) {
		values[PCIE_GEN_BEST] = gen;
		values[PCIE_LANES_BEST] = lanes;
	}
	return rc;
}

static int ask_fields(struct watch_gpu_look *l, struct fl_nvml_field *fields, int n)
{
	return FL_NVML_CALL(l->nvml, fields, l->device, n, fields);
}

/* A counter of 32 bits runs over many times a second. */
static double wide(const struct fl_nvml_field *field)
{
	bool is_wide = field->type == FL_NVML_VALUE_UINT64 || field->type == FL_NVML_VALUE_ULONG;

	return is_wide ? fl_nvml_number(field) : NAN;
}

static int ask_fast_fields(struct watch_gpu_look *l, double *values)
{
	struct fl_nvml_field f[] = { { .field = FL_NVML_FIELD_MEMORY_CELSIUS },
				     { .field = FL_NVML_FIELD_PCIE_SENT_BYTES },
				     { .field = FL_NVML_FIELD_PCIE_RECEIVED_BYTES } };
	uint64_t at_ns = fl_now_ns();
	int rc = ask_fields(l, f, 3);

	if (rc != FL_NVML_SUCCESS)
		return rc;
	values[MEMORY_TEMPERATURE] = fl_nvml_number(&f[0]);
	l->counts_pcie = isfinite(wide(&f[1])) && isfinite(wide(&f[2]));
	values[PCIE_SENT] = watch_rate_next(&l->sent, at_ns, wide(&f[1]));
	values[PCIE_RECEIVED] = watch_rate_next(&l->received, at_ns, wide(&f[2]));
	return rc;
}

static int ask_throughput(struct watch_gpu_look *l, double *values)
{
	unsigned sent, received;
	int rc;

	if (l->counts_pcie)
		return FL_NVML_SUCCESS;
	rc = FL_NVML_CALL(l->nvml, pcie_throughput, l->device, FL_NVML_PCIE_SENT, &sent);
	if (rc == FL_NVML_SUCCESS)
		rc = FL_NVML_CALL(l->nvml, pcie_throughput, l->device, FL_NVML_PCIE_RECEIVED, &received);
	if (rc == FL_NVML_SUCCESS) {
		values[PCIE_SENT] = sent * 1024.0;
		values[PCIE_RECEIVED] = received * 1024.0;
	}
	return rc;
}

static int ask_replays(struct watch_gpu_look *l, double *values)
{
	unsigned n;
	int rc = FL_NVML_CALL(l->nvml, pcie_replays, l->device, &n);

	if (rc == FL_NVML_SUCCESS)
		values[PCIE_REPLAYS] = n;
	return rc;
}

static int ask_ecc(struct watch_gpu_look *l, double *values)
{
	uint64_t corrected, uncorrected;
	int rc = FL_NVML_CALL(l->nvml, ecc_total, l->device, FL_NVML_CORRECTED, FL_NVML_VOLATILE, &corrected);

	if (rc == FL_NVML_SUCCESS)
		rc = FL_NVML_CALL(l->nvml, ecc_total, l->device, FL_NVML_UNCORRECTED, FL_NVML_VOLATILE, &uncorrected);
	if (rc == FL_NVML_SUCCESS) {
		values[ECC_CORRECTED] = (double)corrected;
		values[ECC_UNCORRECTED] = (double)uncorrected;
	}
	return rc;
}

static int ask_rows(struct watch_gpu_look *l, double *values)
{
	unsigned corrected, uncorrected, pending, failed;
	int rc = FL_NVML_CALL(l->nvml, remapped_rows, l->device, &corrected, &uncorrected, &pending, &failed);

	if (rc == FL_NVML_SUCCESS)
		values[REMAPPED_ROWS] = (double)corrected + uncorrected;
	return rc;
}

/* ---- NVLinks: the sum over all that are up */

static void find_links(struct watch_gpu_look *l)
{
	unsigned up;

	for (unsigned i = 0; i < FL_NVML_LINKS_MAX; i++)
		if (FL_NVML_CALL(l->nvml, link_state, l->device, i, &up) == FL_NVML_SUCCESS && up)
			l->links[l->links_n++] = i;
	l->links_known = true;
}

/* Of the counters that said something when the first did. Where one of them fails for once all are unknown: what is
 * missing would look like errors as soon as it is back. NaN: no sum. */
static double sum_of_counters(struct watch_gpu_look *l, const double *values, size_t n)
{
	double sum = 0;
	size_t any = 0;

	for (size_t i = 0; i < n; i++) {
		if (l->source == UNDECIDED)
			l->counts[i] = isfinite(values[i]);
		any += l->counts[i];
		sum += l->counts[i] ? values[i] : 0;
	}
	return any ? sum : NAN;
}

static double sum_by_fields(struct watch_gpu_look *l)
{
	static const unsigned which[LINK_FIELDS] = { FL_NVML_FIELD_LINK_REPLAYS, FL_NVML_FIELD_LINK_RECOVERIES,
						     FL_NVML_FIELD_LINK_CRC_ERRORS, FL_NVML_FIELD_LINK_RECEIVE_ERRORS,
						     FL_NVML_FIELD_LINK_RECOVERY_EVENTS };
	struct fl_nvml_field fields[FIELDS_MAX] = { 0 };
	double values[FIELDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < l->links_n; i++)
		for (size_t k = 0; k < LINK_FIELDS; k++)
			fields[n++] = (struct fl_nvml_field){ .field = which[k], .scope = l->links[i] };
	if (!n || ask_fields(l, fields, (int)n) != FL_NVML_SUCCESS)
		return NAN;
	for (size_t i = 0; i < n; i++)
		values[i] = fl_nvml_number(&fields[i]);
	return sum_of_counters(l, values, n);
}

static double sum_by_calls(struct watch_gpu_look *l)
{
	double values[FIELDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < l->links_n; i++)
		for (unsigned which = FL_NVML_LINK_REPLAY; which <= FL_NVML_LINK_CRC_DATA; which++) {
			uint64_t count;
			int rc = FL_NVML_CALL(l->nvml, link_errors, l->device, l->links[i], which, &count);

			values[n++] = rc == FL_NVML_SUCCESS ? (double)count : NAN;
		}
	return sum_of_counters(l, values, n);
}

/* By what said something first, since the two do not count the same. */
static int ask_link_errors(struct watch_gpu_look *l, double *values)
{
	double sum = NAN;

	if (!l->links_known)
		find_links(l);
	if (l->source != BY_CALLS)
		sum = sum_by_fields(l);
	if (l->source == UNDECIDED && isfinite(sum))
		l->source = BY_FIELDS;
	if (l->source != BY_FIELDS)
		sum = sum_by_calls(l);
	if (l->source == UNDECIDED && isfinite(sum))
		l->source = BY_CALLS;
	values[NVLINK_ERRORS] = sum;
	return l->source == UNDECIDED ? FL_NVML_NOT_SUPPORTED : FL_NVML_SUCCESS;
}

/* ---- who else uses it */

static int ask_processes(struct watch_gpu_look *l, double *values)
{
	return nvml_users_count(l->nvml, l->device, &values[OTHER_PROCESSES]);
}

/* ---- all of them */

static const struct {
	const char *call;
	int (*ask)(struct watch_gpu_look *look, double *values);
	unsigned depth; /* 0: at every look */
} questions[] = {
	{ "nvmlDeviceGetUtilizationRates", ask_busy, 0 },
	{ "nvmlDeviceGetMemoryInfo", ask_memory, 0 },
	{ "nvmlDeviceGetPowerUsage", ask_power, 0 },
	{ "nvmlDeviceGetTemperature", ask_temperature, 0 },
	{ "nvmlDeviceGetClockInfo", ask_sm_clock, 0 },
	{ "nvmlDeviceGetClockInfo", ask_memory_clock, 0 },
	{ "nvmlDeviceGetCurrentClocksEventReasons", ask_throttle, 0 },
	{ "nvmlDeviceGetCurrPcieLinkGeneration", ask_link, 0 },
	{ "nvmlDeviceGetFieldValues", ask_fast_fields, 0 },
	{ "nvmlDeviceGetPcieThroughput", ask_throughput, WATCH_WINDOW },
	{ "nvmlDeviceGetMaxPcieLinkGeneration", ask_link_best, WATCH_ALL },
	{ "nvmlDeviceGetPcieReplayCounter", ask_replays, WATCH_ALL },
	{ "nvmlDeviceGetTotalEccErrors", ask_ecc, WATCH_ALL },
	{ "nvmlDeviceGetRemappedRows", ask_rows, WATCH_ALL },
	{ "nvmlDeviceGetNvLinkErrorCounter", ask_link_errors, WATCH_ALL },
	{ "nvmlDeviceGetComputeRunningProcesses", ask_processes, WATCH_ALL },
};
enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };
_Static_assert((int)QUESTIONS <= (int)QUESTIONS_MAX, "each has its rest");

struct watch_gpu_look *watch_gpu_look_make(const struct fl_nvml *nvml, struct fl_nvml_device *device)
{
	struct watch_gpu_look *look = fl_zalloc(1, sizeof(*look));

	look->nvml = nvml;
	look->device = device;
	look->link_bytes_per_s = NAN;
	return look;
}

static bool is_never(int rc)
{
	return rc == FL_NVML_NOT_SUPPORTED || rc == FL_NVML_NO_FUNCTION || rc == FL_NVML_NO_PERMISSION ||
	       rc == FL_NVML_NOT_FOUND;
}

static bool is_due(const struct watch_gpu_look *look, size_t i, unsigned depth, uint64_t now_ns)
{
	unsigned of = questions[i].depth;
	bool wanted = !of || (of & depth), must = of != WATCH_WINDOW && (depth & WATCH_ENDS);

	return wanted && !(look->cannot >> i & 1) && (must || now_ns >= look->due_ns[i]);
}

int watch_gpu_look(struct watch_gpu_look *look, unsigned depth, double *values, _Atomic(const char *) *in_call,
		   struct watch_cost *cost)
{
	for (size_t i = 0; i < METRICS; i++)
		values[i] = NAN;
	for (size_t i = 0; i < QUESTIONS; i++) {
		uint64_t began_ns = fl_now_ns(), cpu_ns, now_ns;
		int rc;

		if (!is_due(look, i, depth, began_ns))
			continue;
		cpu_ns = watch_thread_cpu_ns();
		*in_call = questions[i].call;
		rc = questions[i].ask(look, values);
		now_ns = fl_now_ns();
		watch_cost_add(cost, began_ns);
		look->due_ns[i] = now_ns + watch_pace_rest_ns(watch_thread_cpu_ns() - cpu_ns, now_ns - began_ns);
		if (is_never(rc))
			look->cannot |= UINT64_C(1) << i;
		if (rc == FL_NVML_GPU_IS_LOST)
			return rc;
	}
	if (!watch_link_carries(look->link_bytes_per_s, values[PCIE_SENT], values[PCIE_RECEIVED]))
		values[PCIE_SENT] = values[PCIE_RECEIVED] = NAN;
	return FL_NVML_SUCCESS;
}
