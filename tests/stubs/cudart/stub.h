/* SPDX-License-Identifier: Apache-2.0 */
/* stub.h: what a unit test may ask of the CUDA runtime over host memory that is linked in place of the real one.
 *
 * It is meant to be as strict as hardware is. Streams are threads, each with its queue, so that what runs behind a
 * closed gate waits and what must not wait for it hangs. How long work takes by the clock of its device is known
 * beforehand, however busy the host is: a copy 1 us and its bytes by the rate, a hop of a chase 500 ns. Memory of a
 * device has addresses that the host cannot touch. Each pointer of each call is looked up: memory that was freed, of
 * another device, or too short is an error and is counted as misuse. A copy of pageable memory waits for its stream;
 * what makes or ends memory waits for all devices; a queue has an end.
 *
 * What the machine is and what goes wrong is a text, "memory=1000000,cudaMalloc:3:fail=2": of stub_begin(), else that
 * of the environment variable CUDA_STUB, which reaches workers because its name begins as those of CUDA do. Entries:
 *   gpus=N        so many of the GPUs of stubs/gpus.h; 0: none
 *   mig=1         the last GPU is divided into its two parts
 *   driver=V      the driver's version (13000); less than the runtime's, also 0 (none): it is too old
 *   memory=BYTES  of each GPU
 *   rate=BYTES    of a copy a second, by the clock of the device (4 GB/s)
 *   lost=N        GPU N fell off the bus before this process began
 *   busy=N        GPU N is in exclusive-process mode and taken by a process elsewhere
 *   exclusive=N   GPU N is in exclusive-process mode: one process of this network namespace at a time
 *   prohibited=N  GPU N computes for nobody
 *   nopeer=A-B    no direct access between these two
 *   drop=A-B      what GPU A writes to B, or B reads from A, never arrives, and nobody is told
 *   nodmabuf=N    the driver of GPU N gives no dma-buf
 *   nordma=N      GPU N has no GPUDirect RDMA: no module finds its memory by an address
 *   lag=N         GPU N does not see what other devices wrote to memory that they may write (SYNC_MEMOPS) before it is
 *                 flushed: what it copies from there is wrong until then
 *   noflush=N     GPU N may not see it, and cannot be flushed; it is all right nevertheless
 *   state=DIR     where processes leave word: DIR/log gets lines "PID start", "PID context UUID", "PID reset UUID",
 *                 "PID misuse ...", "PID fault CALL ..."; a GPU that is lost stays so for those to come
 *   [gpuN:]CALL:K[+]:WHAT[=CODE]   the K-th time that CALL is made (with a +, each time from then on; with gpuN, for
 *                 that GPU), where CALL is the name of a function of the runtime, of the driver or of
 *                 path/cuda/kernels.h, "copy" (anything that moves payload) or "any" (all that can fail), it
 *     fail=CODE   does nothing and returns CODE; what releases something releases it all the same
 *     sticky=CODE the same, and so do all calls for this GPU from then on, until it is reset
 *     lost=CODE   the same, for ever
 *     later=CODE  returns as if all were well; the work itself fails, which is sticky
 *     slow=MS     takes so many ms
 *     hang        never returns
 *     stall       returns, but the work never ends
 *     flip        a copy with one bit turned
 *     swap        a copy whose halves come in the wrong order
 *     drop        a copy that does not take place
 * GPUs are counted as in stubs/gpus.h, whatever CUDA_VISIBLE_DEVICES says. A text that cannot be read ends the
 * process. */
#ifndef STUBS_CUDART_STUB_H
#define STUBS_CUDART_STUB_H
#include <stdbool.h>
#include <stddef.h>

/* A new life: nothing allocated, no error, counted from 0. What stalled or hung goes on, with an error. */
void stub_begin(const char *text);

/* What stalls or hangs goes on, and nothing does so any more in this life: a stream may be late to it. */
void stub_go_on(void);

/* More that goes wrong in this life, counted from now on. */
void stub_also(const char *text);

/* How many calls that can fail were made in this life. */
unsigned stub_calls(void);

/* The call that a fault of the text came to first: "cudaMalloc"; NULL: none did. */
const char *stub_fault(void);

/* Does anything remain: memory, registrations, streams, events; or was anything misused? Says the first such thing.
 * What lies on a GPU that an error stuck to does not count.
 * Streams that were destroyed are waited for. */
bool stub_is_clean(char *why, size_t room);

/* Bytes of device memory that GPU `gpu` has given out. */
size_t stub_used(unsigned gpu);

/* Does this process hold a context on it? */
bool stub_has_context(unsigned gpu);

/* The address at which the host can see memory of a device, for tests that damage it; NULL: it is none. */
void *stub_behind(const void *at);

#endif
