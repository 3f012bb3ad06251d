/* SPDX-License-Identifier: Apache-2.0 */
/* nvml.c: the names of NVML's symbols, and what its results mean. */
#include "nvml.h"
#include <math.h>

#define SYMBOL(member, name, older)                                                                                    \
	{                                                                                                              \
		offsetof(struct fl_nvml, member),                                                                      \
		{                                                                                                      \
			name, older                                                                                    \
		}                                                                                                      \
	}

static const struct fl_nvml_symbol symbols[] = {
	SYMBOL(init, "nvmlInit_v2", "nvmlInit"),
	SYMBOL(shutdown, "nvmlShutdown", NULL),
	SYMBOL(driver_version, "nvmlSystemGetDriverVersion", NULL),
	SYMBOL(cuda_version, "nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"),
	SYMBOL(device_count, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"),
	SYMBOL(device_by_index, "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"),
	SYMBOL(device_by_uuid, "nvmlDeviceGetHandleByUUID", NULL),
	SYMBOL(device_by_pci, "nvmlDeviceGetHandleByPciBusId_v2", "nvmlDeviceGetHandleByPciBusId"),
	SYMBOL(name, "nvmlDeviceGetName", NULL),
	SYMBOL(uuid, "nvmlDeviceGetUUID", NULL),
	SYMBOL(vbios_version, "nvmlDeviceGetVbiosVersion", NULL),
	SYMBOL(pci_info, "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2"),
	SYMBOL(memory_affinity, "nvmlDeviceGetMemoryAffinity", NULL),
	SYMBOL(bus_width, "nvmlDeviceGetMemoryBusWidth", NULL),
	SYMBOL(compute_mode, "nvmlDeviceGetComputeMode", NULL),
	SYMBOL(ecc_mode, "nvmlDeviceGetEccMode", NULL),
	SYMBOL(memory_info_v2, "nvmlDeviceGetMemoryInfo_v2", NULL),
	SYMBOL(memory_info, "nvmlDeviceGetMemoryInfo", NULL),
	SYMBOL(utilization, "nvmlDeviceGetUtilizationRates", NULL),
	SYMBOL(compute_processes, "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses_v3"),
	SYMBOL(compute_processes_v1, "nvmlDeviceGetComputeRunningProcesses", NULL),
	SYMBOL(mps_processes, "nvmlDeviceGetMPSComputeRunningProcesses_v2",
	       "nvmlDeviceGetMPSComputeRunningProcesses_v3"),
	SYMBOL(power_usage, "nvmlDeviceGetPowerUsage", NULL),
	SYMBOL(power_limit, "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit"),
	SYMBOL(temperature_v, "nvmlDeviceGetTemperatureV", NULL),
	SYMBOL(temperature, "nvmlDeviceGetTemperature", NULL),
	SYMBOL(clock, "nvmlDeviceGetClockInfo", NULL),
	SYMBOL(clock_max, "nvmlDeviceGetMaxClockInfo", NULL),
	SYMBOL(clocks_event_reasons, "nvmlDeviceGetCurrentClocksEventReasons",
	       "nvmlDeviceGetCurrentClocksThrottleReasons"),
	SYMBOL(pcie_throughput, "nvmlDeviceGetPcieThroughput", NULL),
	SYMBOL(pcie_gen, "nvmlDeviceGetCurrPcieLinkGeneration", NULL),
	SYMBOL(pcie_lanes, "nvmlDeviceGetCurrPcieLinkWidth", NULL),
	SYMBOL(pcie_gen_max, "nvmlDeviceGetMaxPcieLinkGeneration", NULL),
	SYMBOL(pcie_gen_gpu, "nvmlDeviceGetGpuMaxPcieLinkGeneration", NULL),
	SYMBOL(pcie_lanes_max, "nvmlDeviceGetMaxPcieLinkWidth", NULL),
	SYMBOL(pcie_replays, "nvmlDeviceGetPcieReplayCounter", NULL),
	SYMBOL(ecc_total, "nvmlDeviceGetTotalEccErrors", NULL),
	SYMBOL(remapped_rows, "nvmlDeviceGetRemappedRows", NULL),
	SYMBOL(retirement_pending, "nvmlDeviceGetRetiredPagesPendingStatus", NULL),
	SYMBOL(link_state, "nvmlDeviceGetNvLinkState", NULL),
	SYMBOL(link_version, "nvmlDeviceGetNvLinkVersion", NULL),
	SYMBOL(link_remote_pci, "nvmlDeviceGetNvLinkRemotePciInfo_v2", "nvmlDeviceGetNvLinkRemotePciInfo"),
	SYMBOL(link_remote_type, "nvmlDeviceGetNvLinkRemoteDeviceType", NULL),
	SYMBOL(link_errors, "nvmlDeviceGetNvLinkErrorCounter", NULL),
	SYMBOL(fields, "nvmlDeviceGetFieldValues", NULL),
	SYMBOL(events_create, "nvmlEventSetCreate", NULL),
	SYMBOL(events_register, "nvmlDeviceRegisterEvents", NULL),
	SYMBOL(events_wait, "nvmlEventSetWait_v2", "nvmlEventSetWait"),
	SYMBOL(mig_mode, "nvmlDeviceGetMigMode", NULL),
	SYMBOL(mig_count_max, "nvmlDeviceGetMaxMigDeviceCount", NULL),
	SYMBOL(mig_by_index, "nvmlDeviceGetMigDeviceHandleByIndex", NULL),
};

const struct fl_nvml_symbol *fl_nvml_symbols(size_t *ret_n)
{
	*ret_n = sizeof(symbols) / sizeof(symbols[0]);
	return symbols;
}

const char *fl_nvml_why(int result)
{
	static const struct {
		int result;
		const char *why;
	} reasons[] = {
		{ FL_NVML_SUCCESS, "nothing is wrong" },
		{ FL_NVML_NOT_SUPPORTED, "this GPU or its driver does not say" },
		{ FL_NVML_NO_PERMISSION, "the driver tells it to administrators only" },
		{ FL_NVML_NOT_FOUND, "the driver does not find it" },
		{ FL_NVML_NO_DRIVER, "the NVIDIA driver is not loaded" },
		{ FL_NVML_TIMEOUT, "the driver did not answer in time" },
		{ FL_NVML_NO_FUNCTION, "this driver's library has no such call" },
		{ FL_NVML_GPU_IS_LOST, "the GPU is lost: it does not answer on its bus" },
		{ FL_NVML_RESET_REQUIRED, "the GPU must be reset first" },
		{ FL_NVML_OPERATING_SYSTEM, "the GPU is withheld by the system" },
		{ FL_NVML_VERSION_MISMATCH, "the NVIDIA driver and its library are of different versions" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].result == result)
			return reasons[i].why;
	return "the driver failed to say";
}

double fl_nvml_number(const struct fl_nvml_field *field)
{
	if (field->result != FL_NVML_SUCCESS)
		return NAN;
	switch (field->type) {
	case FL_NVML_VALUE_REAL:
		return field->value.real;
	case FL_NVML_VALUE_UINT32:
		return field->value.uint32;
	case FL_NVML_VALUE_ULONG:
		return (double)field->value.ulong;
	case FL_NVML_VALUE_UINT64:
		return (double)field->value.uint64;
	case FL_NVML_VALUE_INT64:
		return (double)field->value.int64;
	case FL_NVML_VALUE_INT32:
		return field->value.int32;
	case FL_NVML_VALUE_UINT16:
		return field->value.uint16;
	default:
		return NAN;
	}
}
