/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/process.h: what all lanes of a process share, because CUDA does: one context a device, made by the first
 * who uses it, and locks inside the runtime. That cannot be kept in a lane, which may be one of many in its worker;
 * so it is the one thing here that belongs to the process.
 *
 * Two rules follow. Gates: a call that waits for a device to be idle (memory, registering, streams, loading of
 * kernels) while another lane keeps it busy behind a closed gate can hold the lock that this lane needs to open the
 * gate, and then both wait. So whoever closes a gate is `gated` until it has opened it, and such calls are made
 * `alone`; many can be gated at once. Users: a context lives until the device is reset, which must not happen under
 * another lane. */
#ifndef PATH_CUDA_PROCESS_H
#define PATH_CUDA_PROCESS_H

enum { FL_CUDA_DEVICES_MAX = 64 };

/* Neither may be asked for within the other, or within itself. */
void fl_cuda_gated_begin(void);
void fl_cuda_gated_end(void);
void fl_cuda_alone_begin(void);
void fl_cuda_alone_end(void);

/* Counts users of a device, alone. Returns how many there are then. device: below FL_CUDA_DEVICES_MAX. */
unsigned fl_cuda_users_add(int device);
unsigned fl_cuda_users_remove(int device);

#endif
