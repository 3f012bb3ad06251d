/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h: the inside of the stub. One lock guards all of it but the bytes of the buffers; `changed` is told of every
 * change that somebody may wait for. Functions named *_locked want the lock held. */
#ifndef STUBS_CUDART_PARTS_H
#define STUBS_CUDART_PARTS_H
#include "../text.h"
#include "cuda_runtime_api.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* GPUs, and the parts of the last one behind them. PENDING: how many ops a queue holds before a launch waits. */
enum { GPUS = 8, DEVICES = 10, NAME = 48, REASON = 160, PENDING = 1024, GATES = 64 };

/* What went wrong with one call, if anything. */
enum deed { NOTHING, FAIL, STICKY, LOST, LATER, SLOW, HANG, STALL, FLIP, SWAP, DROP };
struct mishap {
	enum deed deed;
	cudaError_t code;
};

struct settings {
	unsigned gpus, mig;
	int driver;
	size_t memory_bytes;
	uint64_t bytes_per_s;			       /* of a copy */
	unsigned lost, busy, exclusive, prohibited;    /* a bit for each GPU */
	unsigned no_dmabuf, no_rdma, lags, no_flush;   /* likewise */
	unsigned char no_peer[DEVICES], drop[DEVICES]; /* a bit for each device */
	char state[REASON];			       /* a folder; "": none */
	struct text_faults faults;
};

/* A range of addresses that the runtime knows. `real`: where its bytes are for the host. */
enum owner { OF_DEVICE, HOST_ALLOCATED, HOST_REGISTERED };
struct range {
	struct range *next;
	uintptr_t at;
	size_t bytes, mapped_bytes;
	char *real;
	enum owner owner;
	int device;
	bool freed;
	int fd;		      /* of a device's, with the same bytes */
	bool is_open, behind; /* to other devices; it does not see yet what they wrote */
};

struct device {
	bool has_context, loaded; /* loaded: the kernels are */
	int lock_fd;		  /* of exclusive-process mode; -1: none */
	cudaError_t broken;	  /* what every call returns; cudaSuccess: it is well */
	bool lost;
	size_t used_bytes;
	unsigned peers; /* a bit for each device whose memory it may use */
};

struct CUevent_st {
	struct CUevent_st *next;
	int device;
	bool times;
	unsigned holders; /* ops that will use it, and its owner */
	uint64_t recorded, done, at_ns;
};

/* One piece of work of a stream. Which members count depends on `run`, which returns what went wrong. */
struct op {
	struct op *next;
	cudaError_t (*run)(struct op *op);
	struct mishap mishap;
	int device; /* that does it */
	uint64_t queued_ns, takes_ns,
		at_ns; /* by the clock of the stream; at_ns: when it begins, then when it has ended */
	void *to;
	const void *from;
	uint64_t bytes, seed, first, n;
	struct CUevent_st *event;
	void *result;
};

struct CUstream_st {
	struct CUstream_st *next;
	pthread_t thread;
	pthread_cond_t wake;
	int device;
	bool destroyed;
	struct op *first, *last;
	uint64_t queued, done;
	uint64_t clock_ns; /* what it did so far has taken until then; its thread's own while there is work */
	unsigned waiters;
};

struct stub {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ready;
	uint64_t life, freed; /* which one; how often what hangs was let go with its life */
	bool goes_on;	      /* nothing hangs any more in this life */
	struct settings settings;
	int visible[DEVICES];
	unsigned visible_n;
	struct device devices[DEVICES];
	struct range *ranges;
	struct CUstream_st *streams;
	struct CUevent_st *events;
	struct {
		const void *flag;
		uint64_t at_ns;
	} opened[GATES];
	unsigned calls, opened_n;
	char fault[NAME], misuse[REASON];
};
extern struct stub stub;

/* ---- settings.c */
void settings_read(const char *text, struct settings *ret); /* ends the process where it cannot */
struct mishap settings_mishap(struct settings *s, const char *call, bool copies, int device);

/* ---- call.c: every function of the runtime begins with one of these and ends with leave(). */
/* CONTEXT: makes one. ALWAYS: whatever the driver and the devices are like. */
enum need { CAN_FAIL = 1, CONTEXT = 2, COPIES = 4, ALWAYS = 8 };
/* Takes the lock and looks after faults. device: index among all, VISIBLE(what the process calls it), -1: the current
 * one of this thread. cudaSuccess: go on, with *ret (may be NULL) what is to go wrong later. */
#define VISIBLE(n) (-2 - (n))
cudaError_t enter(const char *call, unsigned needs, int device, struct mishap *ret);
cudaError_t leave(cudaError_t rc); /* gives the lock back */
int current_locked(void);	   /* the current device of this thread; -1: none */
int device_locked(int visible);	   /* index among all of what the process calls `visible`; -1: none */
void set_current(int visible);
void misuse_locked(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void break_locked(int device, cudaError_t code, bool for_ever);
void wait_locked(void);						      /* until something changed */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* a line in the log of the state folder */
void hang_locked(void);

/* ---- device.c */
cudaError_t context_locked(int device);
int gpu_of(int device); /* that it is, or is a part of */
void visible_locked(void);
const char *uuid_of(int device);
bool can_peer_locked(int device, int peer);
void release_all_locked(int device); /* what cudaDeviceReset does */
bool was_lost(int device);
void remember_lost(int device);

/* ---- memory.c */
/* The range in which all `bytes` lie; NULL: none (pageable memory of the host, if *wrong is not set). */
struct range *range_locked(const void *at, size_t bytes, const char **wrong);
void release_memory_locked(int device);

/* ---- stream.c */
bool is_stream_locked(const struct CUstream_st *s);
cudaError_t queue_locked(struct CUstream_st *s, const struct op *op); /* waits where the queue is full */
cudaError_t drain_locked(struct CUstream_st *s);		      /* what is queued now; what it comes to */
void drain_devices_locked(int device); /* until that one has nothing to do; -1: all of them */
void end_streams_locked(int device);
void release_events_locked(int device);
bool is_event_locked(const struct CUevent_st *e);

/* ---- clock.c: how long work takes on a device. A stream's clock is right to the nanosecond, however busy the host
 * is: work begins when what was queued before it has ended, or when it is queued itself, takes what a table says, and
 * is not done before that time has really passed. */
uint64_t copy_ns(uint64_t bytes);
enum { LAUNCH_NS = 2000, HOP_NS = 500 };
void begin_op(const struct CUstream_st *s, struct op *op);
void end_op(struct CUstream_st *s, const struct op *op); /* waits until it is over */
/* When the gate with this flag, which was queued then, was found open: the same for all streams behind it. */
uint64_t opened_locked(const void *flag, uint64_t queued_ns, uint64_t now_ns);

/* ---- driver.c */
bool is_behind_locked(const void *at); /* would the device see old bytes there? */

/* ---- copy.c */
/* What the device reaches at `at`, for a kernel: NULL where it must not, with the reason in *wrong. owner: -1:
 * the host. */
char *reach_locked(int device, const void *at, size_t bytes, int *owner, const char **wrong);
/* Moves bytes as the mishap says. Not under the lock. */
void move(char *to, const char *from, size_t bytes, enum deed deed);
bool drops_locked(int from, int to);

#endif
