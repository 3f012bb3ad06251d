/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h: the inside of the stub. One lock guards all of it. Functions named *_locked want it held. */
#ifndef STUBS_VERBS_PARTS_H
#define STUBS_VERBS_PARTS_H
#include "../text.h"
#include <infiniband/verbs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NICS = 2,
	PORTS = 2,
	GIDS = 6,
	SGES = 4,
	EVENTS = 8,
	NAME = 48,
	REASON = 160,
	IDLE_NS = 100,
	IDLE_MOST_NS = 10000000
};

#define NEVER UINT64_MAX

/* ---- settings.c */
enum deed { NOTHING, FAIL, STATUS, EVENT, FLIP, DROP, HANG, LOSE, PART };
struct mishap {
	enum deed deed;
	int code;
};

struct settings {
	unsigned nics, is_ib, no_lid, wants_grh, is_apart, is_iwarp, no_v4, no_v6,
		no_atomics; /* all but the first: a bit for each NIC */
	bool down[NICS][PORTS], cut, peermem;
	enum ibv_mtu mtu[NICS][PORTS];
	uint64_t memlock, latency_ns, bytes_per_s;
	unsigned inline_bytes, message_bytes, depth, threads, cqe[NICS];
	int level, class; /* that is let through; -1: any */
	char sysfs[REASON];
	struct text_faults faults;
};
void settings_read(const char *text, struct settings *ret); /* ends the process where it cannot */
struct mishap settings_mishap(struct settings *s, const char *call, bool is_work, int nic);

/* ---- what programs make */
struct context {
	struct verbs_context v; /* v.context is what the program holds */
	int nic;
	unsigned users; /* protection domains, queues, channels */
	struct ibv_async_event said[EVENTS];
	unsigned said_n;
};

struct pd {
	struct ibv_pd pd;
	unsigned users;
};

/* Of the host, and locked; of a dma-buf, and mapped here; found by the module that knows addresses of GPUs. */
enum backing { LOCKED, MAPPED, FOUND };

struct mr {
	struct ibv_mr mr;
	struct mr *next;
	char *real; /* where its first byte is for the host; mr.addr is what the others call it */
	unsigned access;
	enum backing backing;
};

struct channel {
	struct ibv_comp_channel channel;
	struct channel *next;
};

struct cq {
	struct ibv_cq cq;
	struct cq *next;
	struct ibv_wc *ring;
	unsigned first, used, users;
	bool armed, has_event;
};

struct ah {
	struct ibv_ah ah;
	struct ibv_ah_attr attr;
};

struct op {
	struct op *next;
	uint64_t wr_id;
	enum ibv_wr_opcode opcode;
	unsigned flags;
	struct ibv_sge sge[SGES];
	int sge_n;
	char *inlined; /* malloc'd, with all `bytes` of it; NULL: by sge */
	uint64_t bytes, remote, compare_add, swap, done_ns;
	uint32_t rkey, qpn, qkey;
	__be32 imm;
	const struct ah *ah;
	bool waits, timed_out; /* for a receive; for an answer */
	struct mishap mishap;
	bool asked; /* what goes wrong with it */
};

struct ops {
	struct op *first, *last;
	unsigned n;
};

struct qp {
	struct ibv_qp qp;
	struct qp *next;
	struct ibv_qp_cap cap;
	struct ibv_qp_attr attr;
	struct ops sends, recvs;
	bool all_signalled;
};

struct thread;

struct stub {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a thread came, went or woke, or time went on */
	bool ready;
	struct settings settings;
	struct ibv_device devices[NICS];
	uint64_t now_ns, idle_ns;      /* idle_ns: by which time goes on when there is nothing to come */
	uint64_t event;		       /* how often time went on */
	uint64_t sent_ps[NICS][PORTS]; /* until when a port is busy */
	struct thread *threads;	       /* that take part */
	bool gathered;		       /* as many as the settings say were there */
	pthread_t beginner;	       /* of this life: it may look at the clock without taking part */
	uint64_t locked_bytes;
	struct mr *mrs;
	struct channel *channels;
	struct cq *cqs;
	struct qp *qps;
	unsigned contexts, pds, ahs, calls, events; /* events: taken and not acknowledged */
	uint32_t serial;			    /* of queue pairs and keys */
	char fault[NAME], misuse[REASON];
	void *(*behind)(const void *at);
};
extern struct stub stub;

/* ---- device.c: every call that can fail begins with one of these. 0, or the errno that it is to fail with, which
 * enter() leaves in errno, too. nic: -1: none. Takes the lock. */
int enter(const char *call, int nic);
int enter_looking(const char *call, int nic); /* for what may be no more than waiting */
int leave(int rc);			      /* gives the lock back; sets errno where rc is not 0 */
int nic_of(const struct ibv_context *context);
struct context *context_of(struct ibv_context *context);
void misuse_locked(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void suffer_locked(const char *call);
/* false: there is none */
bool gid_at(int nic, unsigned port, unsigned index, struct ibv_gid_entry *ret);
bool gid_exists(const union ibv_gid *gid);
uint16_t lid_of(int nic, unsigned port);
struct qp;
/* The device of that queue pair says something, of the queue pair, its queue, or its port. */
void say_event_locked(const struct qp *q, enum ibv_event_type type);

/* ---- clock.c */
void clock_begin_locked(void);
/* The calling thread does something other than waiting. takes_part: also if it did not until now. */
void clock_work_locked(bool takes_part);
/* It polled and found nothing. Gives the lock away for a while, and time may go on: look again. */
void clock_polled_locked(void);

/* ---- objects.c */
/* Where `bytes` at `at` are, by a key of the domain: NULL: not registered so. */
char *reach_locked(const struct ibv_pd *pd, uint32_t key, bool remote, uint64_t at, uint64_t bytes, unsigned access);

/* ---- pairs.c */
struct qp *find_qp_locked(uint32_t number);
void drop_ops(struct ops *ops);

/* ---- wire.c: the hot calls, and requests that are carried out */
int wire_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad);
int wire_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);
int wire_poll(struct ibv_cq *cq, int n, struct ibv_wc *ret);
int wire_notify(struct ibv_cq *cq, int solicited_only);
void flush_locked(struct qp *q);    /* all that is queued ends so */
uint64_t wire_next_ns_locked(void); /* when the next request comes to its end; NEVER: none does by itself */
void wire_run_locked(void);	    /* all whose time has come */

/* ---- deliver.c: what a request does */
/* Moves its bytes: the status of both sides. ret_in: for the receive that it uses up; NULL: none. `peer` may be
 * NULL. */
enum ibv_wc_status deliver_locked(struct qp *q, struct qp *peer, struct op *op, enum ibv_wc_status *ret_in,
				  uint64_t *ret_bytes);
/* The first half of a message, into a receive that waits on: what comes after a packet that is lost is thrown away. */
void deliver_part_locked(const struct qp *q, const struct qp *peer, const struct op *op);

#endif
