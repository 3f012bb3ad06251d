/* SPDX-License-Identifier: Apache-2.0 */
/* device.c: which devices a process sees, what they are, and who has them. */
#include "../gpus.h"
#include "parts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SMS = 132, L2_BYTES = 50 << 20 };

int gpu_of(int device)
{
	return device < GPUS ? device : GPUS - 1;
}

const char *uuid_of(int device)
{
	return device < GPUS ? stub_gpus[device].uuid : stub_parts[device - GPUS];
}

/* ---- lost ones */

static void lost_path(int device, char *path, size_t room)
{
	snprintf(path, room, "%s/lost-%d", stub.settings.state, gpu_of(device));
}

bool was_lost(int device)
{
	char path[REASON + 32];

	if (stub.settings.lost & 1u << gpu_of(device))
		return true;
	lost_path(device, path, sizeof(path));
	return *stub.settings.state && access(path, F_OK) == 0;
}

void remember_lost(int device)
{
	char path[REASON + 32];
	int fd;

	if (!*stub.settings.state)
		return;
	lost_path(device, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

/* ---- which ones are seen */

static bool exists(int device)
{
	int last = (int)stub.settings.gpus - 1;

	if (was_lost(device) || gpu_of(device) > last)
		return false;
	if (device >= GPUS)
		return stub.settings.mig && last == GPUS - 1;
	return !(stub.settings.mig && device == GPUS - 1);
}

/* One word of CUDA_VISIBLE_DEVICES: an index, the first characters of a UUID, or all of that of a part. An index that
 * means a divided GPU means its first part. */
static int named(const char *word)
{
	char *end;
	long n = strtol(word, &end, 10);
	int found = -1;

	if (end != word && !*end) {
		if (n == GPUS - 1 && stub.settings.mig)
			n = GPUS;
		return n >= 0 && n <= GPUS && exists((int)n) ? (int)n : -1;
	}
	for (int i = 0; i < DEVICES; i++) {
		size_t room = i < GPUS ? strlen(word) : strlen(uuid_of(i)) + 1;

		if (strlen(word) < 5 || strncmp(uuid_of(i), word, room) || !exists(i))
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

static void add_named(const char *list)
{
	char *copy = strdup(list), *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		int device = named(word);

		if (device < 0)
			break; /* what follows is not seen either */
		if (stub.visible_n < DEVICES)
			stub.visible[stub.visible_n++] = device;
	}
	free(copy);
}

/* A process that sees a part sees that one, and neither a second one nor whole GPUs. */
void visible_locked(void)
{
	const char *list = getenv("CUDA_VISIBLE_DEVICES");

	stub.visible_n = 0;
	if (list)
		add_named(list);
	else
		for (int i = 0; i < DEVICES; i++)
			if (exists(i))
				stub.visible[stub.visible_n++] = i;
	for (unsigned i = 0; i < stub.visible_n; i++)
		if (stub.visible[i] >= GPUS) {
			stub.visible[0] = stub.visible[i];
			stub.visible_n = 1;
		}
}

cudaError_t cudaGetDeviceCount(int *count)
{
	cudaError_t rc = enter("cudaGetDeviceCount", CAN_FAIL, -1, NULL);

	if (rc == cudaErrorNoDevice)
		*count = 0;
	if (rc == cudaSuccess)
		*count = (int)stub.visible_n;
	return leave(rc);
}

cudaError_t cudaDeviceGetByPCIBusId(int *device, const char *pci)
{
	cudaError_t rc = enter("cudaDeviceGetByPCIBusId", CAN_FAIL, -1, NULL);

	if (rc != cudaSuccess)
		return leave(rc);
	for (unsigned i = 0; i < stub.visible_n; i++)
		if (!strcasecmp(stub_gpus[gpu_of(stub.visible[i])].pci, pci)) {
			*device = (int)i;
			return leave(cudaSuccess);
		}
	return leave(cudaErrorInvalidDevice);
}

/* ---- what they are */

static void read_uuid(const char *text, char bytes[16])
{
	unsigned n = 0;
	unsigned value;

	for (text += 4; *text && n < 16; text += 2) { /* behind "GPU-" */
		if (*text == '-')
			text++;
		value = 0;
		sscanf(text, "%2x", &value);
		bytes[n++] = (char)value;
	}
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
	cudaError_t rc = enter("cudaGetDeviceProperties", CAN_FAIL, -1, NULL);
	int d = device_locked(device);
	unsigned domain = 0, bus = 0, slot = 0;

	if (rc == cudaSuccess && d < 0)
		rc = cudaErrorInvalidDevice;
	if (rc != cudaSuccess)
		return leave(rc);
	*properties = (struct cudaDeviceProp){ .totalGlobalMem = stub.settings.memory_bytes,
					       .major = 9,
					       .multiProcessorCount = SMS,
					       .canMapHostMemory = 1,
					       .asyncEngineCount = 3,
					       .unifiedAddressing = 1,
					       .l2CacheSize = L2_BYTES,
					       .canUseHostPointerForRegisteredMem = 1,
					       .hostRegisterSupported = 1 };
	snprintf(properties->name, sizeof(properties->name), "%s%s", STUB_GPU_MODEL, d < GPUS ? "" : " MIG 3g.40gb");
	read_uuid(uuid_of(d), properties->uuid.bytes);
	sscanf(stub_gpus[gpu_of(d)].pci, "%x:%x:%x", &domain, &bus, &slot);
	properties->pciDomainID = (int)domain;
	properties->pciBusID = (int)bus;
	properties->pciDeviceID = (int)slot;
	return leave(cudaSuccess);
}

static int mode_of(int device)
{
	unsigned bit = 1u << gpu_of(device);

	if (stub.settings.prohibited & bit)
		return cudaComputeModeProhibited;
	return (stub.settings.exclusive | stub.settings.busy) & bit ? cudaComputeModeExclusiveProcess
								    : cudaComputeModeDefault;
}

static bool has(unsigned bits, int device)
{
	return bits & 1u << gpu_of(device);
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
	cudaError_t rc = enter("cudaDeviceGetAttribute", CAN_FAIL, -1, NULL);
	int d = device_locked(device);

	if (rc != cudaSuccess || d < 0)
		return leave(rc == cudaSuccess ? cudaErrorInvalidDevice : rc);
	if (attribute == cudaDevAttrComputeMode)
		*value = mode_of(d);
	else if (attribute == cudaDevAttrMultiProcessorCount)
		*value = d < GPUS ? SMS : SMS / 2;
	else if (attribute == cudaDevAttrL2CacheSize)
		*value = d < GPUS ? L2_BYTES : L2_BYTES / 2;
	else if (attribute == cudaDevAttrGPUDirectRDMASupported)
		*value = !has(stub.settings.no_rdma, d);
	else if (attribute == cudaDevAttrGPUDirectRDMAWritesOrdering)
		*value = has(stub.settings.lags | stub.settings.no_flush, d) ? cudaGPUDirectRDMAWritesOrderingNone
									     : cudaGPUDirectRDMAWritesOrderingOwner;
	else if (attribute == cudaDevAttrGPUDirectRDMAFlushWritesOptions)
		*value = has(stub.settings.no_flush, d) ? 0 : cudaFlushGPUDirectRDMAWritesOptionHost;
	else
		rc = cudaErrorInvalidValue;
	if (rc != cudaSuccess)
		misuse_locked("attribute %d is not known here", (int)attribute);
	return leave(rc);
}

/* ---- who has them */

/* One process of the network namespace holds the name, and gives it back when it ends, however it ends. */
static bool take(int device)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "cuda-stub-%s", uuid_of(device));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	if (bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) <
	    0) {
		close(fd);
		return false;
	}
	stub.devices[device].lock_fd = fd;
	return true;
}

cudaError_t context_locked(int device)
{
	struct device *d;
	int mode;

	if (device < 0)
		return cudaErrorInvalidDevice;
	d = &stub.devices[device];
	if (d->has_context)
		return cudaSuccess;
	mode = mode_of(device);
	if (mode == cudaComputeModeProhibited || stub.settings.busy & 1u << gpu_of(device))
		return cudaErrorDevicesUnavailable;
	if (mode == cudaComputeModeExclusiveProcess && !take(device))
		return cudaErrorDevicesUnavailable;
	d->has_context = true;
	say("context %s", uuid_of(device));
	return cudaSuccess;
}

/* Becomes current, whatever state it is in, and has a context from here on. */
cudaError_t cudaSetDevice(int device)
{
	cudaError_t rc = enter("cudaSetDevice", CAN_FAIL, VISIBLE(device), NULL);
	int d = device_locked(device);

	if (rc == cudaSuccess && d < 0)
		rc = cudaErrorInvalidDevice;
	if (rc == cudaSuccess)
		rc = context_locked(d);
	if (rc == cudaSuccess || (d >= 0 && rc == stub.devices[d].broken))
		set_current(device);
	return leave(rc);
}

void release_all_locked(int device)
{
	struct device *d = &stub.devices[device];

	end_streams_locked(device);
	release_events_locked(device);
	release_memory_locked(device);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	*d = (struct device){ .lock_fd = -1, .broken = d->lost ? d->broken : cudaSuccess, .lost = d->lost };
}

/* All that the process has of the device, and what sticks to it. */
cudaError_t cudaDeviceReset(void)
{
	cudaError_t rc = enter("cudaDeviceReset", CAN_FAIL, -1, NULL);
	int device = current_locked();

	if (device >= 0) {
		release_all_locked(device);
		say("reset %s", uuid_of(device));
	}
	return leave(rc);
}

/* ---- peers */

bool can_peer_locked(int device, int peer)
{
	if (device == peer || device >= GPUS || peer >= GPUS)
		return false;
	return !(stub.settings.no_peer[device] & 1u << peer);
}

cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer)
{
	cudaError_t rc = enter("cudaDeviceCanAccessPeer", CAN_FAIL, -1, NULL);
	int a = device_locked(device), b = device_locked(peer);

	if (rc == cudaSuccess && (a < 0 || b < 0))
		rc = cudaErrorInvalidDevice;
	if (rc == cudaSuccess)
		*can = can_peer_locked(a, b);
	return leave(rc);
}

/* Lets the current device use the memory of `peer`. */
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned int flags)
{
	cudaError_t rc = enter("cudaDeviceEnablePeerAccess", CAN_FAIL | CONTEXT, -1, NULL);
	int a = current_locked(), b = device_locked(peer);

	if (rc != cudaSuccess)
		return leave(rc);
	if (b < 0 || flags)
		return leave(b < 0 ? cudaErrorInvalidDevice : cudaErrorInvalidValue);
	if (!can_peer_locked(a, b))
		return leave(cudaErrorPeerAccessUnsupported);
	if (stub.devices[a].peers & 1u << b)
		return leave(cudaErrorPeerAccessAlreadyEnabled);
	rc = context_locked(b);
	if (rc == cudaSuccess)
		stub.devices[a].peers |= 1u << b;
	return leave(rc);
}
