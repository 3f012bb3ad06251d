/* SPDX-License-Identifier: Apache-2.0 */
/* stub.h: NVIDIA's management library for tests: linked in place of harness/sense/nvml_load.c, with a made-up PCI tree
 * (tree.c) in which the GPUs of stubs/gpus.h hang below four switches.
 *
 * What it is and what goes wrong is the text of the environment variable CUDA_STUB, which the CUDA stub reads too
 * (stubs/cudart/stub.h): gpus, mig, driver, memory, lost, busy, exclusive and prohibited mean the same here; its other
 * entries are passed over. Entries of this stub alone:
 *   nvml:none             the library is not here
 *   nvml:hidden           the system does not show the GPUs; the driver lists them all the same
 *   nvml:missing=SYMBOL   the library lacks it
 *   nvml:users=N          two processes use GPU N (or its parts): 1 and 4194305, which is never there
 *   nvml:user=N-PID       and so does that one
 *   nvml:repairs=N        memory of GPU N waits for a reset to be repaired
 *   nvml:xid=N-X-K[-MS]   the K-th wait for events of GPU N brings Xid X, after so many ms
 *   nvml:storm=N-X-K[-MS]   the same, and so does each wait from then on, at once
 *   nvml:[gpuN:]SYMBOL:K[+]:WHAT   the K-th time that SYMBOL is called (with a +, each time from then on; with gpuN,
 *                         for that GPU and its parts), it
 *     fail=CODE   returns CODE
 *     value=V     gives this number in place of its own
 *     slow=MS     takes so long
 *     hang        never returns
 *     crash       ends the process by a signal
 * SYMBOL is the newest name of harness/sense/nvml.c; of a value by number it is "fieldNUMBER". Figures of load change
 * with every call, counters of errors stay. A text that cannot be read ends the process. */
#ifndef STUBS_NVML_STUB_H
#define STUBS_NVML_STUB_H
#include "stubs/text.h"
#include <stdbool.h>
#include <stdint.h>

enum { STUB_MISSING = 32, STUB_NAME = 64 };
enum stub_deed { STUB_NOTHING, STUB_FAIL, STUB_VALUE, STUB_SLOW, STUB_HANG, STUB_CRASH };

struct stub_settings {
	unsigned gpus, mig;
	int driver;
	uint64_t memory_bytes;
	unsigned lost, busy, exclusive, prohibited, users, repairs; /* a bit for each GPU */
	bool none, hidden;
	int user_gpu; /* -1: none */
	unsigned user;
	int xid_gpu;
	uint64_t xid;
	unsigned xid_at; /* 0: never */
	unsigned xid_ms;
	bool xid_storm;
	char missing[STUB_MISSING][STUB_NAME];
	unsigned missing_n;
	struct text_faults faults;
};

/* Read once. */
const struct stub_settings *nvml_stub_settings(void);

/* What a call does: a result of NVML. gpu: -1: of none. value may be changed; NULL: it gives no number. */
int nvml_stub_call(const char *symbol, int gpu, uint64_t *value);

#endif
