/* SPDX-License-Identifier: Apache-2.0 */
/* nvml.h: NVIDIA's management library by symbol table. The library belongs to the driver and is opened at run time, so
 * that nothing of feedline needs it; the declarations are ours, after its documented interface. A symbol that this
 * driver's library lacks is NULL here: it makes one value unknown, never the device.
 *
 *	const char *why;
 *	struct fl_nvml nvml;
 *
 *	if (!fl_nvml_open(&nvml, &why))
 *		... no GPU of NVIDIA can be asked, because `why` ...
 *	rc = FL_NVML_CALL(&nvml, power_usage, device, &milliwatts);
 *	if (rc != FL_NVML_SUCCESS)
 *		... power is not known, because fl_nvml_why(rc) ...
 *	fl_nvml_close(&nvml);
 *
 * Any call can hang in the driver for as long as it likes: only programs that may be killed make them. Calls may come
 * from several threads at once. Texts are cut to the room given and ended by 0. */
#ifndef FL_SENSE_NVML_H
#define FL_SENSE_NVML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what calls return */

enum {
	FL_NVML_SUCCESS = 0,
	FL_NVML_NOT_SUPPORTED = 3,
	FL_NVML_NO_PERMISSION = 4,
	FL_NVML_NOT_FOUND = 6,
	FL_NVML_INSUFFICIENT_SIZE = 7,
	FL_NVML_NO_DRIVER = 9,
	FL_NVML_TIMEOUT = 10,
	FL_NVML_NO_FUNCTION = 13, /* also what FL_NVML_CALL gives for a symbol that is not there */
	FL_NVML_GPU_IS_LOST = 15,
	FL_NVML_RESET_REQUIRED = 16,
	FL_NVML_OPERATING_SYSTEM = 17, /* the GPU is withheld by the system (cgroup) */
	FL_NVML_VERSION_MISMATCH = 18, /* kernel module and library are of different drivers */
	FL_NVML_UNKNOWN = 999,
};

/* ---- types */

struct fl_nvml_device; /* opaque: a GPU or a part of one (MIG) */
struct fl_nvml_events; /* opaque: a set of events */

enum { FL_NVML_TEXT_BYTES = 96 }; /* longer than any name, UUID or version that NVML gives */

struct fl_nvml_pci {
	char bus_id_legacy[16];
	unsigned domain, bus, device;
	unsigned device_vendor; /* device id << 16 | vendor id */
	unsigned subsystem;
	char bus_id[32]; /* "00000000:41:00.0"; older libraries leave it empty */
};

struct fl_nvml_memory {
	uint64_t total_bytes, free_bytes, used_bytes; /* used: with what the driver keeps for itself */
};

struct fl_nvml_memory_v2 {
	unsigned version; /* FL_NVML_MEMORY_V2 before the call */
	uint64_t total_bytes, reserved_bytes, free_bytes, used_bytes;
};

struct fl_nvml_utilization {
	unsigned gpu_percent, memory_percent; /* of the last sample period (1/6 to 1 s) in which it was used */
};

struct fl_nvml_temperature {
	unsigned version; /* FL_NVML_TEMPERATURE_V1 before the call */
	unsigned sensor;  /* 0: the GPU */
	int celsius;
};

struct fl_nvml_process {
	unsigned pid;
	uint64_t used_bytes;
	unsigned gpu_instance, compute_instance; /* UINT32_MAX: none */
};

struct fl_nvml_process_v1 {
	unsigned pid;
	uint64_t used_bytes;
};

struct fl_nvml_event {
	struct fl_nvml_device *device;
	uint64_t type; /* FL_NVML_EVENT_... */
	uint64_t data; /* the number of an Xid */
	unsigned gpu_instance, compute_instance;
};

/* A value by its number. field and scope before the call; the rest after it, and value only where result is
 * FL_NVML_SUCCESS. */
struct fl_nvml_field {
	unsigned field; /* FL_NVML_FIELD_... */
	unsigned scope; /* of values of an NVLink: its number */
	int64_t at_us, latency_us;
	unsigned type; /* FL_NVML_VALUE_... */
	int result;
	union {
		double real;
		int int32;
		unsigned uint32;
		unsigned long ulong;
		uint64_t uint64;
		int64_t int64;
		uint16_t uint16;
	} value;
};

/* A struct's size, and its version in the top byte: so the library knows which one it is given. */
#define FL_NVML_VERSION(s, n)  ((unsigned)(sizeof(struct s) | (size_t)(n) << 24))
#define FL_NVML_MEMORY_V2      FL_NVML_VERSION(fl_nvml_memory_v2, 2)
#define FL_NVML_TEMPERATURE_V1 FL_NVML_VERSION(fl_nvml_temperature, 1)

/* ---- numbers that calls take and give */

enum { FL_NVML_CLOCK_GRAPHICS = 0, FL_NVML_CLOCK_SM = 1, FL_NVML_CLOCK_MEMORY = 2 };
enum { FL_NVML_PCIE_SENT = 0, FL_NVML_PCIE_RECEIVED = 1 }; /* as the GPU sees it */
enum { FL_NVML_CORRECTED = 0, FL_NVML_UNCORRECTED = 1 };
enum { FL_NVML_VOLATILE = 0, FL_NVML_AGGREGATE = 1 }; /* since the driver was loaded; in the life of the GPU */
enum { FL_NVML_DEFAULT = 0, FL_NVML_EXCLUSIVE_THREAD = 1, FL_NVML_PROHIBITED = 2, FL_NVML_EXCLUSIVE_PROCESS = 3 };
enum { FL_NVML_REMOTE_GPU = 0, FL_NVML_REMOTE_CPU = 1, FL_NVML_REMOTE_SWITCH = 2, FL_NVML_REMOTE_UNKNOWN = 255 };
enum {
	FL_NVML_LINK_REPLAY = 0, /* data link */
	FL_NVML_LINK_RECOVERY = 1,
	FL_NVML_LINK_CRC_FLIT = 2,
	FL_NVML_LINK_CRC_DATA = 3,
};
enum { FL_NVML_LINKS_MAX = 36 };
enum { FL_NVML_NEAR_NODE = 0, FL_NVML_NEAR_SOCKET = 1 }; /* scopes of memory_affinity */

/* Events. */
#define FL_NVML_EVENT_XID UINT64_C(0x8)

/* Fields. */
enum {
	FL_NVML_FIELD_MEMORY_CELSIUS = 82,
	FL_NVML_FIELD_LINK_MBPS_COMMON = 90, /* raw, one direction of one NVLink */
	FL_NVML_FIELD_LINK_REPLAYS = 161,    /* scope: the link, as in those below; before Blackwell */
	FL_NVML_FIELD_LINK_RECOVERIES = 162,
	FL_NVML_FIELD_LINK_CRC_ERRORS = 163,
	FL_NVML_FIELD_LINK_MBPS = 164,
	FL_NVML_FIELD_PCIE_SENT_BYTES = 197, /* counts up and may wrap */
	FL_NVML_FIELD_PCIE_RECEIVED_BYTES = 198,
	FL_NVML_FIELD_LINK_RECEIVE_ERRORS = 208, /* Blackwell and later, as the next ones */
	FL_NVML_FIELD_LINK_RECOVERY_EVENTS = 215,
};
enum {
	FL_NVML_VALUE_REAL = 0,
	FL_NVML_VALUE_UINT32 = 1,
	FL_NVML_VALUE_ULONG = 2,
	FL_NVML_VALUE_UINT64 = 3,
	FL_NVML_VALUE_INT64 = 4,
	FL_NVML_VALUE_INT32 = 5,
	FL_NVML_VALUE_UINT16 = 6,
};

/* ---- the table: a pointer for each symbol; NULL: not there */

struct fl_nvml {
	int (*init)(void);
	int (*shutdown)(void);
	int (*driver_version)(char *ret, unsigned room);
	int (*cuda_version)(int *ret); /* 12040 is 12.4 */
	/* ---- devices */
	int (*device_count)(unsigned *ret);
	int (*device_by_index)(unsigned index, struct fl_nvml_device **ret);
	int (*device_by_uuid)(const char *uuid, struct fl_nvml_device **ret);
	int (*device_by_pci)(const char *bus_id, struct fl_nvml_device **ret);
	int (*name)(struct fl_nvml_device *d, char *ret, unsigned room);
	int (*uuid)(struct fl_nvml_device *d, char *ret, unsigned room);
	int (*vbios_version)(struct fl_nvml_device *d, char *ret, unsigned room);
	int (*pci_info)(struct fl_nvml_device *d, struct fl_nvml_pci *ret);
	/* Bits of the NUMA nodes that are near; room in words. */
	int (*memory_affinity)(struct fl_nvml_device *d, unsigned room, unsigned long *ret, unsigned scope);
	int (*bus_width)(struct fl_nvml_device *d, unsigned *ret_bits);
	int (*compute_mode)(struct fl_nvml_device *d, unsigned *ret);
	int (*ecc_mode)(struct fl_nvml_device *d, unsigned *ret_now, unsigned *ret_pending);
	/* ---- memory, use */
	int (*memory_info_v2)(struct fl_nvml_device *d, struct fl_nvml_memory_v2 *ret);
	int (*memory_info)(struct fl_nvml_device *d, struct fl_nvml_memory *ret);
	int (*utilization)(struct fl_nvml_device *d, struct fl_nvml_utilization *ret);
	/* *n: room before, how many after; FL_NVML_INSUFFICIENT_SIZE: *n is how many there are. The third version comes
	 * last: with some drivers (535) its struct is larger. */
	int (*compute_processes)(struct fl_nvml_device *d, unsigned *n, struct fl_nvml_process *ret);
	int (*compute_processes_v1)(struct fl_nvml_device *d, unsigned *n, struct fl_nvml_process_v1 *ret);
	int (*mps_processes)(struct fl_nvml_device *d, unsigned *n, struct fl_nvml_process *ret);
	/* ---- power, heat, clocks */
	int (*power_usage)(struct fl_nvml_device *d, unsigned *ret_mw);
	int (*power_limit)(struct fl_nvml_device *d, unsigned *ret_mw);
	int (*temperature_v)(struct fl_nvml_device *d, struct fl_nvml_temperature *ret);
	int (*temperature)(struct fl_nvml_device *d, unsigned sensor, unsigned *ret_celsius);
	int (*clock)(struct fl_nvml_device *d, unsigned which, unsigned *ret_mhz);
	int (*clock_max)(struct fl_nvml_device *d, unsigned which, unsigned *ret_mhz);
	int (*clocks_event_reasons)(struct fl_nvml_device *d, uint64_t *ret); /* bits: run/witness_gpu.c */
	/* ---- PCIe. throughput: over the last 20 ms, and the call takes as long */
	int (*pcie_throughput)(struct fl_nvml_device *d, unsigned direction, unsigned *ret_kib_per_s);
	int (*pcie_gen)(struct fl_nvml_device *d, unsigned *ret);
	int (*pcie_lanes)(struct fl_nvml_device *d, unsigned *ret);
	/* The best that GPU and slot can do together; of the GPU alone. */
	int (*pcie_gen_max)(struct fl_nvml_device *d, unsigned *ret);
	int (*pcie_gen_gpu)(struct fl_nvml_device *d, unsigned *ret);
	int (*pcie_lanes_max)(struct fl_nvml_device *d, unsigned *ret);
	int (*pcie_replays)(struct fl_nvml_device *d, unsigned *ret);
	/* ---- health */
	int (*ecc_total)(struct fl_nvml_device *d, unsigned kind, unsigned life, uint64_t *ret);
	int (*remapped_rows)(struct fl_nvml_device *d, unsigned *ret_corrected, unsigned *ret_uncorrected,
			     unsigned *ret_pending, unsigned *ret_failed);
	int (*retirement_pending)(struct fl_nvml_device *d, unsigned *ret);
	/* ---- NVLink */
	int (*link_state)(struct fl_nvml_device *d, unsigned link, unsigned *ret_up);
	int (*link_version)(struct fl_nvml_device *d, unsigned link, unsigned *ret);
	int (*link_remote_pci)(struct fl_nvml_device *d, unsigned link, struct fl_nvml_pci *ret);
	int (*link_remote_type)(struct fl_nvml_device *d, unsigned link, unsigned *ret);
	int (*link_errors)(struct fl_nvml_device *d, unsigned link, unsigned which, uint64_t *ret);
	/* ---- values by number */
	int (*fields)(struct fl_nvml_device *d, int n, struct fl_nvml_field *fields);
	/* ---- events. wait: FL_NVML_TIMEOUT when none came */
	int (*events_create)(struct fl_nvml_events **ret);
	int (*events_register)(struct fl_nvml_device *d, uint64_t types, struct fl_nvml_events *set);
	int (*events_wait)(struct fl_nvml_events *set, struct fl_nvml_event *ret, unsigned limit_ms);
	/* ---- MIG: parts of a GPU are devices too */
	int (*mig_mode)(struct fl_nvml_device *d, unsigned *ret_now, unsigned *ret_pending);
	int (*mig_count_max)(struct fl_nvml_device *d, unsigned *ret);
	int (*mig_by_index)(struct fl_nvml_device *d, unsigned index, struct fl_nvml_device **ret);

	void *library;
};

/* Which symbols fill which member: for those who fill a table. The second name, which may be NULL, is an older one of
 * the same kind. */
struct fl_nvml_symbol {
	size_t at; /* of the pointer, in struct fl_nvml */
	const char *names[2];
};
const struct fl_nvml_symbol *fl_nvml_symbols(size_t *ret_n);

/* Calls what may not be there. */
#define FL_NVML_CALL(nvml, member, ...) ((nvml)->member ? (nvml)->member(__VA_ARGS__) : FL_NVML_NO_FUNCTION)

/* Opens the library and initializes it; this can take seconds where the driver is not kept loaded. False: there is
 * none, or it refuses; *why is static text for the user, and *ret is zeroed. */
bool fl_nvml_open(struct fl_nvml *ret, const char **why);
/* How long a driver may take for all that a machine file wants. One that is not kept loaded starts each GPU anew. */
uint64_t fl_nvml_limit_ns(void);
/* NULL-safe members; a table that was never opened must be zeroed. */
void fl_nvml_close(struct fl_nvml *nvml);

/* What a result that is not FL_NVML_SUCCESS means, as static text. */
const char *fl_nvml_why(int result);

/* The number in a field value, whatever its type; NaN where its result is not FL_NVML_SUCCESS. */
double fl_nvml_number(const struct fl_nvml_field *field);

#endif
