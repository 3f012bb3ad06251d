/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c: the calls of the NVML stub, and the table of them. */
#include "sense/nvml.h"
#include "stubs/gpus.h"
#include "stubs/nvml/stub.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOT_THERE = 4194305, USERS = 4, LINKS = 18, INVALID_ARGUMENT = 2, PART_INDEX_MAX = 7 };

/* The GPUs, then the parts of the last one. */
static struct fl_nvml_device {
	int gpu, part; /* part -1: it is whole */
	atomic_uint calls;
} devices[STUB_GPUS + STUB_PARTS];

/* A set each time that one is made; of those that are too many the last one. */
static struct fl_nvml_events {
	atomic_uint waits;
	atomic_int gpu; /* the last that was registered */
} events[2 * STUB_GPUS];
static atomic_uint events_n;

static const struct stub_gpu *gpu_of(const struct fl_nvml_device *d)
{
	return &stub_gpus[d->gpu];
}

static bool has(unsigned gpus, const struct fl_nvml_device *d)
{
	return gpus >> d->gpu & 1;
}

/* Changes with every call, as load does. */
static uint64_t moving(struct fl_nvml_device *d, uint64_t from, uint64_t by)
{
	return from + by * (atomic_fetch_add(&d->calls, 1) % 10);
}

static bool is_divided(const struct fl_nvml_device *d)
{
	return nvml_stub_settings()->mig && d->gpu == STUB_GPUS - 1 && d->part < 0;
}

/* ---- calls that give one number of a device */

#define NUMBER(member, symbol, type, own)                                                                              \
	static int member(struct fl_nvml_device *d, type *ret)                                                         \
	{                                                                                                              \
		uint64_t value = (own);                                                                                \
		int rc = nvml_stub_call(symbol, d->gpu, &value);                                                       \
                                                                                                                       \
		if (rc == FL_NVML_SUCCESS)                                                                             \
			*ret = (type)value;                                                                            \
		return rc;                                                                                             \
	}

NUMBER(bus_width, "nvmlDeviceGetMemoryBusWidth", unsigned, 5120)
NUMBER(power_usage, "nvmlDeviceGetPowerUsage", unsigned, moving(d, 300000, 5000))
NUMBER(power_limit, "nvmlDeviceGetEnforcedPowerLimit", unsigned, 700000)
NUMBER(clocks_event_reasons, "nvmlDeviceGetCurrentClocksEventReasons", uint64_t, 0)
NUMBER(pcie_gen, "nvmlDeviceGetCurrPcieLinkGeneration", unsigned, 5)
NUMBER(pcie_lanes, "nvmlDeviceGetCurrPcieLinkWidth", unsigned, 16)
NUMBER(pcie_gen_max, "nvmlDeviceGetMaxPcieLinkGeneration", unsigned, 5)
NUMBER(pcie_gen_gpu, "nvmlDeviceGetGpuMaxPcieLinkGeneration", unsigned, 5)
NUMBER(pcie_lanes_max, "nvmlDeviceGetMaxPcieLinkWidth", unsigned, 16)
NUMBER(pcie_replays, "nvmlDeviceGetPcieReplayCounter", unsigned, 3)
NUMBER(retirement_pending, "nvmlDeviceGetRetiredPagesPendingStatus", unsigned, has(nvml_stub_settings()->repairs, d))
NUMBER(mig_count_max, "nvmlDeviceGetMaxMigDeviceCount", unsigned, is_divided(d) ? PART_INDEX_MAX : 0)

static int compute_mode(struct fl_nvml_device *d, unsigned *ret)
{
	const struct stub_settings *s = nvml_stub_settings();
	uint64_t mode = FL_NVML_DEFAULT;
	int rc;

	if (has(s->busy | s->exclusive, d))
		mode = FL_NVML_EXCLUSIVE_PROCESS;
	if (has(s->prohibited, d))
		mode = FL_NVML_PROHIBITED;
	rc = nvml_stub_call("nvmlDeviceGetComputeMode", d->gpu, &mode);
	if (rc == FL_NVML_SUCCESS)
		*ret = (unsigned)mode;
	return rc;
}

static int two(const char *symbol, struct fl_nvml_device *d, uint64_t own, unsigned *ret_now, unsigned *ret_pending)
{
	int rc = nvml_stub_call(symbol, d->gpu, &own);

	if (rc == FL_NVML_SUCCESS)
		*ret_now = *ret_pending = (unsigned)own;
	return rc;
}

static int ecc_mode(struct fl_nvml_device *d, unsigned *ret_now, unsigned *ret_pending)
{
	return two("nvmlDeviceGetEccMode", d, 1, ret_now, ret_pending);
}

static int mig_mode(struct fl_nvml_device *d, unsigned *ret_now, unsigned *ret_pending)
{
	return two("nvmlDeviceGetMigMode", d, is_divided(d), ret_now, ret_pending);
}

/* ---- calls that give a number of one of several kinds */

static int kind(const char *symbol, struct fl_nvml_device *d, uint64_t own, unsigned *ret)
{
	int rc = nvml_stub_call(symbol, d->gpu, &own);

	if (rc == FL_NVML_SUCCESS)
		*ret = (unsigned)own;
	return rc;
}

static int stub_clock(struct fl_nvml_device *d, unsigned which, unsigned *ret)
{
	return kind("nvmlDeviceGetClockInfo", d, which == FL_NVML_CLOCK_MEMORY ? 2619 : moving(d, 1900, 5), ret);
}

static int clock_max(struct fl_nvml_device *d, unsigned which, unsigned *ret)
{
	return kind("nvmlDeviceGetMaxClockInfo", d, which == FL_NVML_CLOCK_MEMORY ? 2619 : 1980, ret);
}

static int temperature(struct fl_nvml_device *d, unsigned sensor, unsigned *ret)
{
	(void)sensor;
	return kind("nvmlDeviceGetTemperature", d, moving(d, 40, 1), ret);
}

static int temperature_v(struct fl_nvml_device *d, struct fl_nvml_temperature *ret)
{
	uint64_t celsius = moving(d, 40, 1);
	int rc = nvml_stub_call("nvmlDeviceGetTemperatureV", d->gpu, &celsius);

	if (ret->version != (sizeof(*ret) | 1u << 24))
		return INVALID_ARGUMENT;
	if (rc == FL_NVML_SUCCESS)
		ret->celsius = (int)celsius;
	return rc;
}

static int pcie_throughput(struct fl_nvml_device *d, unsigned direction, unsigned *ret)
{
	return kind("nvmlDeviceGetPcieThroughput", d, moving(d, direction ? 1000000 : 2000000, 1000), ret);
}

static int ecc_total(struct fl_nvml_device *d, unsigned which, unsigned life, uint64_t *ret)
{
	uint64_t errors = which == FL_NVML_CORRECTED && life == FL_NVML_AGGREGATE ? 7 : 0;
	int rc = nvml_stub_call("nvmlDeviceGetTotalEccErrors", d->gpu, &errors);

	if (rc == FL_NVML_SUCCESS)
		*ret = errors;
	return rc;
}

static int remapped_rows(struct fl_nvml_device *d, unsigned *corrected, unsigned *uncorrected, unsigned *pending,
			 unsigned *failed)
{
	uint64_t rows = 1;
	int rc = nvml_stub_call("nvmlDeviceGetRemappedRows", d->gpu, &rows);

	if (rc != FL_NVML_SUCCESS)
		return rc;
	*corrected = (unsigned)rows;
	*uncorrected = *failed = 0;
	*pending = has(nvml_stub_settings()->repairs, d);
	return rc;
}

/* ---- texts */

static int put(char *ret, unsigned room, const char *text)
{
	if (strlen(text) >= room)
		return FL_NVML_INSUFFICIENT_SIZE;
	memcpy(ret, text, strlen(text) + 1);
	return FL_NVML_SUCCESS;
}

static int text_of(const char *symbol, int gpu, const char *text, char *ret, unsigned room)
{
	int rc = nvml_stub_call(symbol, gpu, NULL);

	return rc == FL_NVML_SUCCESS ? put(ret, room, text) : rc;
}

static int name(struct fl_nvml_device *d, char *ret, unsigned room)
{
	return text_of("nvmlDeviceGetName", d->gpu, d->part < 0 ? STUB_GPU_MODEL : STUB_GPU_MODEL " MIG 3g.40gb", ret,
		       room);
}

static int uuid(struct fl_nvml_device *d, char *ret, unsigned room)
{
	return text_of("nvmlDeviceGetUUID", d->gpu, d->part < 0 ? gpu_of(d)->uuid : stub_parts[d->part], ret, room);
}

static int vbios_version(struct fl_nvml_device *d, char *ret, unsigned room)
{
	return text_of("nvmlDeviceGetVbiosVersion", d->gpu, "96.00.74.00.01", ret, room);
}

static int driver_version(char *ret, unsigned room)
{
	return text_of("nvmlSystemGetDriverVersion", -1, "580.82.07", ret, room);
}

static int cuda_version(int *ret)
{
	uint64_t version = (uint64_t)nvml_stub_settings()->driver;
	int rc = nvml_stub_call("nvmlSystemGetCudaDriverVersion_v2", -1, &version);

	if (rc == FL_NVML_SUCCESS)
		*ret = (int)version;
	return rc;
}

/* ---- devices */

static int init(void)
{
	return nvml_stub_settings()->driver ? nvml_stub_call("nvmlInit_v2", -1, NULL) : FL_NVML_NO_DRIVER;
}

static int stub_shutdown(void)
{
	return nvml_stub_call("nvmlShutdown", -1, NULL);
}

static int device_count(unsigned *ret)
{
	uint64_t n = nvml_stub_settings()->gpus;
	int rc = nvml_stub_call("nvmlDeviceGetCount_v2", -1, &n);

	if (rc == FL_NVML_SUCCESS)
		*ret = (unsigned)n;
	return rc;
}

static int device_at(const char *symbol, unsigned index, struct fl_nvml_device **ret)
{
	int rc;

	if (index >= nvml_stub_settings()->gpus)
		return INVALID_ARGUMENT;
	rc = nvml_stub_call(symbol, (int)index, NULL);
	if (rc == FL_NVML_SUCCESS)
		*ret = &devices[index];
	return rc;
}

static int device_by_index(unsigned index, struct fl_nvml_device **ret)
{
	return device_at("nvmlDeviceGetHandleByIndex_v2", index, ret);
}

static int device_by_uuid(const char *text, struct fl_nvml_device **ret)
{
	for (unsigned i = 0; i < nvml_stub_settings()->gpus; i++)
		if (strcmp(stub_gpus[i].uuid, text) == 0)
			return device_at("nvmlDeviceGetHandleByUUID", i, ret);
	for (unsigned i = 0; i < STUB_PARTS && is_divided(&devices[STUB_GPUS - 1]); i++)
		if (strcmp(stub_parts[i], text) == 0) {
			*ret = &devices[STUB_GPUS + i];
			return nvml_stub_call("nvmlDeviceGetHandleByUUID", STUB_GPUS - 1, NULL);
		}
	return FL_NVML_NOT_FOUND;
}

/* "0000:11:00.0" or "00000000:11:00.0" */
static int device_by_pci(const char *text, struct fl_nvml_device **ret)
{
	const char *bus = strchr(text, ':');

	for (unsigned i = 0; bus && i < nvml_stub_settings()->gpus; i++)
		if (strcasecmp(stub_gpus[i].pci + 4, bus) == 0)
			return device_at("nvmlDeviceGetHandleByPciBusId_v2", i, ret);
	return FL_NVML_NOT_FOUND;
}

static int pci_info(struct fl_nvml_device *d, struct fl_nvml_pci *ret)
{
	int rc = nvml_stub_call("nvmlDeviceGetPciInfo_v3", d->gpu, NULL);

	if (rc != FL_NVML_SUCCESS)
		return rc;
	*ret = (struct fl_nvml_pci){ .device_vendor = 0x233010deu, .subsystem = 0x16c110deu };
	snprintf(ret->bus_id, sizeof(ret->bus_id), "0000%s", gpu_of(d)->pci);
	snprintf(ret->bus_id_legacy, sizeof(ret->bus_id_legacy), "%s", gpu_of(d)->pci);
	ret->bus = (unsigned)strtoul(gpu_of(d)->pci + strlen("0000:"), NULL, 16);
	return rc;
}

static int memory_affinity(struct fl_nvml_device *d, unsigned room, unsigned long *ret, unsigned scope)
{
	int rc = nvml_stub_call("nvmlDeviceGetMemoryAffinity", d->gpu, NULL);

	(void)scope;
	if (rc != FL_NVML_SUCCESS)
		return rc;
	memset(ret, 0, room * sizeof(*ret));
	ret[0] = 1ul << gpu_of(d)->node;
	return rc;
}

/* Between the parts there are gaps, as there are in real lists. */
static int mig_by_index(struct fl_nvml_device *d, unsigned index, struct fl_nvml_device **ret)
{
	int rc = nvml_stub_call("nvmlDeviceGetMigDeviceHandleByIndex", d->gpu, NULL);

	if (rc != FL_NVML_SUCCESS)
		return rc;
	if (!is_divided(d) || index % 2 || index / 2 >= STUB_PARTS)
		return FL_NVML_NOT_FOUND;
	*ret = &devices[STUB_GPUS + index / 2];
	return rc;
}

/* ---- use */

static uint64_t memory_of(const struct fl_nvml_device *d)
{
	return nvml_stub_settings()->memory_bytes / (d->part < 0 ? 1 : 2);
}

static int memory_info_v2(struct fl_nvml_device *d, struct fl_nvml_memory_v2 *ret)
{
	uint64_t used = moving(d, 1 << 20, 1 << 20);
	int rc = nvml_stub_call("nvmlDeviceGetMemoryInfo_v2", d->gpu, &used);

	if (ret->version != (sizeof(*ret) | 2u << 24))
		return INVALID_ARGUMENT;
	if (rc == FL_NVML_SUCCESS)
		*ret = (struct fl_nvml_memory_v2){ .total_bytes = memory_of(d), .used_bytes = used };
	return rc;
}

static int memory_info(struct fl_nvml_device *d, struct fl_nvml_memory *ret)
{
	uint64_t used = moving(d, 1 << 20, 1 << 20);
	int rc = nvml_stub_call("nvmlDeviceGetMemoryInfo", d->gpu, &used);

	if (rc == FL_NVML_SUCCESS)
		*ret = (struct fl_nvml_memory){ .total_bytes = memory_of(d), .used_bytes = used };
	return rc;
}

static int utilization(struct fl_nvml_device *d, struct fl_nvml_utilization *ret)
{
	uint64_t percent = moving(d, 50, 3);
	int rc = nvml_stub_call("nvmlDeviceGetUtilizationRates", d->gpu, &percent);

	if (rc == FL_NVML_SUCCESS)
		*ret = (struct fl_nvml_utilization){ (unsigned)percent, (unsigned)percent / 2 };
	return rc;
}

/* Who asks is always among them, as when a context of ours is there; a GPU that is busy has somebody else. */
static unsigned users_of(const struct fl_nvml_device *d, unsigned pids[USERS])
{
	const struct stub_settings *s = nvml_stub_settings();
	unsigned n = 0;

	pids[n++] = (unsigned)getpid();
	if (has(s->users | s->busy, d))
		pids[n++] = 1;
	if (has(s->users, d))
		pids[n++] = NOT_THERE;
	if (s->user_gpu == d->gpu)
		pids[n++] = s->user;
	return n;
}

static int compute_processes(struct fl_nvml_device *d, unsigned *n, struct fl_nvml_process *ret)
{
	unsigned pids[USERS], have = users_of(d, pids), room = *n;
	int rc = nvml_stub_call("nvmlDeviceGetComputeRunningProcesses_v2", d->gpu, NULL);

	if (rc != FL_NVML_SUCCESS)
		return rc;
	*n = have;
	if (have > room)
		return FL_NVML_INSUFFICIENT_SIZE;
	for (unsigned i = 0; i < have; i++)
		ret[i] = (struct fl_nvml_process){ .pid = pids[i], .used_bytes = 1 << 20 };
	return rc;
}

static int compute_processes_v1(struct fl_nvml_device *d, unsigned *n, struct fl_nvml_process_v1 *ret)
{
	unsigned pids[USERS], have = users_of(d, pids), room = *n;
	int rc = nvml_stub_call("nvmlDeviceGetComputeRunningProcesses", d->gpu, NULL);

	if (rc != FL_NVML_SUCCESS)
		return rc;
	*n = have;
	if (have > room)
		return FL_NVML_INSUFFICIENT_SIZE;
	for (unsigned i = 0; i < have; i++)
		ret[i] = (struct fl_nvml_process_v1){ .pid = pids[i], .used_bytes = 1 << 20 };
	return rc;
}

/* The server of those who share: one of the others, again. */
static int mps_processes(struct fl_nvml_device *d, unsigned *n, struct fl_nvml_process *ret)
{
	int rc = nvml_stub_call("nvmlDeviceGetMPSComputeRunningProcesses_v2", d->gpu, NULL);

	if (rc != FL_NVML_SUCCESS)
		return rc;
	*n = has(nvml_stub_settings()->users, d);
	if (*n)
		ret[0] = (struct fl_nvml_process){ .pid = NOT_THERE };
	return rc;
}

/* ---- NVLink */

static int link_number(const char *symbol, struct fl_nvml_device *d, unsigned link, uint64_t own, unsigned *ret)
{
	if (link >= LINKS || d->part >= 0)
		return INVALID_ARGUMENT;
	return kind(symbol, d, own, ret);
}

static int link_state(struct fl_nvml_device *d, unsigned link, unsigned *ret)
{
	return link_number("nvmlDeviceGetNvLinkState", d, link, !is_divided(d), ret);
}

static int link_version(struct fl_nvml_device *d, unsigned link, unsigned *ret)
{
	return link_number("nvmlDeviceGetNvLinkVersion", d, link, 6, ret);
}

static int link_remote_type(struct fl_nvml_device *d, unsigned link, unsigned *ret)
{
	return link_number("nvmlDeviceGetNvLinkRemoteDeviceType", d, link, FL_NVML_REMOTE_SWITCH, ret);
}

/* Where the kind of the other end is not told, it is the GPU below the same switch. */
static int link_remote_pci(struct fl_nvml_device *d, unsigned link, struct fl_nvml_pci *ret)
{
	int rc = nvml_stub_call("nvmlDeviceGetNvLinkRemotePciInfo_v2", d->gpu, NULL);

	if (link >= LINKS || d->part >= 0)
		return INVALID_ARGUMENT;
	return rc == FL_NVML_SUCCESS ? pci_info(&devices[d->gpu ^ 1], ret) : rc;
}

static int link_errors(struct fl_nvml_device *d, unsigned link, unsigned which, uint64_t *ret)
{
	uint64_t errors = 0;
	int rc = nvml_stub_call("nvmlDeviceGetNvLinkErrorCounter", d->gpu, &errors);

	(void)which;
	if (link >= LINKS || d->part >= 0)
		return INVALID_ARGUMENT;
	if (rc == FL_NVML_SUCCESS)
		*ret = errors;
	return rc;
}

/* ---- values by number */

static bool field_of(struct fl_nvml_device *d, unsigned field, uint64_t *ret)
{
	static const struct {
		uint64_t value;
		unsigned field;
		bool moves;
	} rows[] = {
		{ 50, FL_NVML_FIELD_MEMORY_CELSIUS, true },  { 0, FL_NVML_FIELD_LINK_REPLAYS, false },
		{ 0, FL_NVML_FIELD_LINK_RECOVERIES, false }, { 0, FL_NVML_FIELD_LINK_CRC_ERRORS, false },
		{ 26562, FL_NVML_FIELD_LINK_MBPS, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].field == field) {
			*ret = rows[i].moves ? moving(d, rows[i].value, 1) : rows[i].value;
			return true;
		}
	return false;
}

static int fields(struct fl_nvml_device *d, int n, struct fl_nvml_field *values)
{
	int rc = nvml_stub_call("nvmlDeviceGetFieldValues", d->gpu, NULL);

	for (int i = 0; i < n && rc == FL_NVML_SUCCESS; i++) {
		char symbol[STUB_NAME];

		snprintf(symbol, sizeof(symbol), "field%u", values[i].field);
		values[i].result = FL_NVML_NOT_SUPPORTED;
		values[i].type = FL_NVML_VALUE_UINT64;
		if (field_of(d, values[i].field, &values[i].value.uint64))
			values[i].result = nvml_stub_call(symbol, d->gpu, &values[i].value.uint64);
	}
	return rc;
}

/* ---- events */

static int events_create(struct fl_nvml_events **ret)
{
	unsigned n = atomic_fetch_add(&events_n, 1), last = 2 * STUB_GPUS - 1;

	*ret = &events[n < last ? n : last];
	(*ret)->gpu = -1;
	return nvml_stub_call("nvmlEventSetCreate", -1, NULL);
}

static int events_register(struct fl_nvml_device *d, uint64_t types, struct fl_nvml_events *set)
{
	set->gpu = d->gpu;
	return types == FL_NVML_EVENT_XID ? nvml_stub_call("nvmlDeviceRegisterEvents", d->gpu, NULL) : INVALID_ARGUMENT;
}

static int events_wait(struct fl_nvml_events *set, struct fl_nvml_event *ret, unsigned limit_ms)
{
	const struct stub_settings *s = nvml_stub_settings();
	unsigned wait = atomic_fetch_add(&set->waits, 1) + 1;
	int rc = nvml_stub_call("nvmlEventSetWait_v2", set->gpu, NULL);

	if (rc != FL_NVML_SUCCESS)
		return rc;
	if (s->xid_gpu < 0 || s->xid_gpu != set->gpu || wait < s->xid_at || (wait > s->xid_at && !s->xid_storm)) {
		usleep(limit_ms * 1000);
		return FL_NVML_TIMEOUT;
	}
	if (wait == s->xid_at)
		usleep(s->xid_ms * 1000);
	*ret = (struct fl_nvml_event){ .device = &devices[s->xid_gpu],
				       .type = FL_NVML_EVENT_XID,
				       .data = s->xid,
				       .gpu_instance = UINT32_MAX,
				       .compute_instance = UINT32_MAX };
	return rc;
}

/* ---- in place of nvml_load.c */

static const struct fl_nvml table = {
	.init = init,
	.shutdown = stub_shutdown,
	.driver_version = driver_version,
	.cuda_version = cuda_version,
	.device_count = device_count,
	.device_by_index = device_by_index,
	.device_by_uuid = device_by_uuid,
	.device_by_pci = device_by_pci,
	.name = name,
	.uuid = uuid,
	.vbios_version = vbios_version,
	.pci_info = pci_info,
	.memory_affinity = memory_affinity,
	.bus_width = bus_width,
	.compute_mode = compute_mode,
	.ecc_mode = ecc_mode,
	.memory_info_v2 = memory_info_v2,
	.memory_info = memory_info,
	.utilization = utilization,
	.compute_processes = compute_processes,
	.compute_processes_v1 = compute_processes_v1,
	.mps_processes = mps_processes,
	.power_usage = power_usage,
	.power_limit = power_limit,
	.temperature_v = temperature_v,
	.temperature = temperature,
	.clock = stub_clock,
	.clock_max = clock_max,
	.clocks_event_reasons = clocks_event_reasons,
	.pcie_throughput = pcie_throughput,
	.pcie_gen = pcie_gen,
	.pcie_lanes = pcie_lanes,
	.pcie_gen_max = pcie_gen_max,
	.pcie_gen_gpu = pcie_gen_gpu,
	.pcie_lanes_max = pcie_lanes_max,
	.pcie_replays = pcie_replays,
	.ecc_total = ecc_total,
	.remapped_rows = remapped_rows,
	.retirement_pending = retirement_pending,
	.link_state = link_state,
	.link_version = link_version,
	.link_remote_pci = link_remote_pci,
	.link_remote_type = link_remote_type,
	.link_errors = link_errors,
	.fields = fields,
	.events_create = events_create,
	.events_register = events_register,
	.events_wait = events_wait,
	.mig_mode = mig_mode,
	.mig_count_max = mig_count_max,
	.mig_by_index = mig_by_index,
};

static void forget(struct fl_nvml *nvml, const char *symbol)
{
	const void *nothing = NULL;
	size_t n;
	const struct fl_nvml_symbol *symbols = fl_nvml_symbols(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(symbols[i].names[0], symbol) == 0)
			memcpy((char *)nvml + symbols[i].at, &nothing, sizeof(nothing));
}

bool fl_nvml_open(struct fl_nvml *ret, const char **why)
{
	const struct stub_settings *s = nvml_stub_settings();
	int rc;

	*ret = (struct fl_nvml){ 0 };
	if (s->none) {
		*why = "the NVIDIA driver's library is not here";
		return false;
	}
	for (int i = 0; i < STUB_GPUS + STUB_PARTS; i++) {
		devices[i].gpu = i < STUB_GPUS ? i : STUB_GPUS - 1;
		devices[i].part = i < STUB_GPUS ? -1 : i - STUB_GPUS;
	}
	*ret = table;
	for (unsigned i = 0; i < s->missing_n && i < STUB_MISSING; i++)
		forget(ret, s->missing[i]);
	rc = ret->init ? ret->init() : FL_NVML_NO_FUNCTION;
	if (rc != FL_NVML_SUCCESS) {
		*ret = (struct fl_nvml){ 0 };
		*why = fl_nvml_why(rc);
		return false;
	}
	return true;
}

uint64_t fl_nvml_limit_ns(void)
{
	return UINT64_C(2000000000);
}

void fl_nvml_close(struct fl_nvml *nvml)
{
	if (nvml->shutdown)
		nvml->shutdown();
	*nvml = (struct fl_nvml){ 0 };
}
