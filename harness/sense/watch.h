/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h: the parts of `feedline-sense watch`, which looks at devices beside a measurement and sends what it sees as
 * series. Private to this room. The agent says what to look at and when (run/telemetry.h has the messages).
 *
 * One thread looks at what the kernel shows and talks to the agent; every GPU has a thread of its own, because a call
 * into its driver can take long, or for ever, and one that waits for its Xids; one more opens the driver's library.
 * Between looks all of them sleep: in a quiet case nothing wakes up at all. */
#ifndef FL_SENSE_WATCH_H
#define FL_SENSE_WATCH_H
#include "nvml.h"
#include "sense.h"
#include <feedline/err.h>
#include <jansson.h>
#include <pthread.h>

/* ---- watch_series.c: samples of one subject until they are sent */

enum { WATCH_METRICS_MAX = 24, WATCH_SAMPLES_MAX = 128 };
struct watch_series {
	char *subject;
	const char *const *metrics; /* static texts */
	size_t metrics_n;
	uint64_t at_ns[WATCH_SAMPLES_MAX]; /* CLOCK_MONOTONIC */
	double values[WATCH_SAMPLES_MAX][WATCH_METRICS_MAX];
	size_t n;
};
/* Not known is NaN. One for which there is no room is left out. */
void watch_series_add(struct watch_series *s, uint64_t at_ns, const double *values);
/* {"is":"series",...} of all of them, without metrics of which nothing is known; NULL: there are none. Empties it. */
json_t *watch_series_message(struct watch_series *s);

/* What looking cost. */
struct watch_cost {
	uint64_t calls, longest_ns;
};
void watch_cost_add(struct watch_cost *cost, uint64_t began_ns); /* a call that began then and has just ended */

/* A counter that only rises as what it rose by per second; NaN at first, and where it ran back. */
struct watch_rate {
	double count;
	uint64_t at_ns; /* 0: not seen yet */
};
double watch_rate_next(struct watch_rate *rate, uint64_t at_ns, double count);

/* ---- watch_pace.c: how often to ask what costs something
 *
 * A call into the driver of a GPU may take 20 ms, or keep a CPU busy while the GPU answers slowly, which it does when
 * its processors read over PCIe. After a question was asked it rests for 2000 times the time of a CPU that it used, or
 * for 20 times the time that it took, whichever is longer, but for no more than 10 s. So what takes less than 50 us is
 * asked at every look; what takes more uses 0.05 % of a CPU (only above 5 ms a time more: 30 ms every 10 s are 0.3 %),
 * and holds up the others for 5 % of the time. */

uint64_t watch_pace_rest_ns(uint64_t cpu_ns, uint64_t wall_ns);
uint64_t watch_thread_cpu_ns(void); /* that this thread has used */

/* ---- watch_host.c: drives, NICs, nodes and the system, from /proc and /sys */

struct watch_host;
struct watch_host *watch_host_make(const struct sense_root *root);
/* One to look at, by the agent's message {"do":"watch","kind":"drive"|"nic"|"node",...}. -EINVAL. */
int watch_host_add(struct watch_host *host, const json_t *message, struct fl_err *err);
/* all: also what costs more to read and does not change as fast (nodes, the system). */
void watch_host_look(struct watch_host *host, bool all, struct watch_cost *cost);
size_t watch_host_count(const struct watch_host *host);
struct watch_series *watch_host_series(struct watch_host *host, size_t i);

/* ---- watch_link.c: what a link can carry
 *
 * While the processors of a GPU copy over PCIe, drivers say of it more than it carries in any way (seen on an H200 at
 * 5.0 x16, 63 GB/s: 93 GB/s received at a rate of 51): such a figure is not known, and neither is the other direction
 * of the same moment. */

/* Raw, in one direction; NaN: no such link, or not known. */
double watch_link_bytes_per_s(double generation, double lanes);
/* Can both be? What is not known can. */
bool watch_link_carries(double link_bytes_per_s, double sent_bytes_per_s, double received_bytes_per_s);

/* ---- watch_gpu_look.c: one GPU, by NVML */

struct watch_gpu_look;
extern const char *const watch_gpu_metrics[];
size_t watch_gpu_metrics_n(void);
struct watch_gpu_look *watch_gpu_look_make(const struct fl_nvml *nvml, struct fl_nvml_device *device);
enum watch_depth {
	WATCH_ALL = 1,	  /* also counters of errors and the like, which take many calls */
	WATCH_ENDS = 2,	  /* a case begins or its window ends: all of it, whether it rests or not (watch_pace.c) */
	WATCH_WINDOW = 4, /* in the window: also what takes 20 ms and tells of its moment alone */
};
/* depth: bits. values: of all metrics. *in_call: what is asked right now, static text, for who waits for it.
 * FL_NVML_SUCCESS, or FL_NVML_GPU_IS_LOST. */
int watch_gpu_look(struct watch_gpu_look *look, unsigned depth, double *values, _Atomic(const char *) *in_call,
		   struct watch_cost *cost);

/* ---- watch_gpu.c: their threads */

struct watch_gpus;
struct watch_gpus *watch_gpus_make(void);
/* By {"do":"watch","kind":"gpu","subject","uuid","pci"}, before the start. -EINVAL. */
int watch_gpus_add(struct watch_gpus *gpus, const json_t *message, struct fl_err *err);
void watch_gpus_start(struct watch_gpus *gpus);
/* Have all GPUs been found and looked at once, as far as they can? One that takes much longer to start than the others
 * is not waited for: it is looked at from then on. */
bool watch_gpus_ready(struct watch_gpus *gpus);
/* Every thread that is not still busy looks once, as deep as enum watch_depth says. */
void watch_gpus_look(struct watch_gpus *gpus, unsigned depth);
/* Until they have, but not past the deadline. */
void watch_gpus_wait(struct watch_gpus *gpus, uint64_t deadline_ns);
/* Calls `send` with every message there is to send: series, events (Xids), GPUs that are lost. */
void watch_gpus_send(struct watch_gpus *gpus, void (*send)(void *arg, json_t *message), void *arg,
		     struct watch_cost *cost);

/* ---- watch.c */

/* Until the agent says quit, or is gone. control_fd: the socket. What it has is not given back: threads may be stuck in
 * a driver with it, and the process ends. */
int sense_watch(const struct sense_root *root, int control_fd, struct fl_err *err);

#endif
