/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/copies.c: copies that are timed by the device. */
#include "path/cuda/copies.h"
#include "path/cuda/kernels.h"
#include "path/cuda/process.h"
#include "path/cuda/wait.h"
#include "path/cuda/window.h"
#include <errno.h>
#include <feedline/block.h>
#include <feedline/clock.h>
#include <math.h>
#include <stdlib.h>

/* Both: with an event after each copy there is twice as much in the queue. */
enum { BATCH_MAX = FL_GATE_QUEUE_MAX, MARKS_MAX = FL_GATE_QUEUE_MAX / 2, MARKS_MIN = 3 };

static const uint64_t lead_bytes = 1 << 20, shift_bytes_max = 64 << 10;
static const double step_ns = 2e6, both_batch_ns = 40e6, mark_ns = 50e3;
static const uint64_t wake_ns = 20000000;

/* ---- queueing */

static uint64_t ring_of(const struct fl_copies *c)
{
	return c->bytes * c->chunks;
}

static uint64_t lead_of(const struct fl_copies *c)
{
	return c->bytes < lead_bytes ? c->bytes : lead_bytes;
}

/* Whole blocks; all shifts together are no more than small beside the buffer. */
static uint64_t shift_of(const struct fl_copies *c)
{
	uint64_t shift = ring_of(c) / 16 / FL_COPIES_SHIFTS / FL_BLOCK_BYTES * FL_BLOCK_BYTES;

	return shift < FL_BLOCK_BYTES ? FL_BLOCK_BYTES : shift > shift_bytes_max ? shift_bytes_max : shift;
}

void fl_copies_room(const struct fl_copies *c, uint64_t *ret_from, uint64_t *ret_to)
{
	*ret_from = ring_of(c) + (FL_COPIES_SHIFTS - 1) * shift_of(c) + lead_of(c);
	*ret_to = ring_of(c) + lead_of(c);
}

static int copy(const struct fl_copies *c, const struct fl_copies_side *s, char *to, const char *from, uint64_t bytes,
		struct fl_err *err)
{
	if (c->sm)
		return fl_cuda_check((cudaError_t)fl_kernel_copy(s->stream, to, from, bytes, s->by->sms),
				     "launch the kernel that copies", err);
	return FL_CUDA(err, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, s->stream));
}

static int copy_chunk(const struct fl_copies *c, struct fl_copies_side *s, struct fl_err *err)
{
	const char *from = s->from + s->laps % FL_COPIES_SHIFTS * c->shift + s->next * c->bytes;
	int rc = copy(c, s, s->to + s->next * c->bytes, from, c->bytes, err);

	if (++s->next == c->chunks) {
		s->next = 0;
		s->laps++;
	}
	return rc;
}

/* The short copy, which is not timed, behind what is: it brings nothing that a timed copy has to bring, to no cache
 * either. */
static int copy_lead(const struct fl_copies *c, const struct fl_copies_side *s, struct fl_err *err)
{
	uint64_t from, to, lead = lead_of(c);

	fl_copies_room(c, &from, &to);
	return copy(c, s, s->to + (to - lead), s->from + (from - lead), lead, err);
}

static int mark(const struct fl_copies_side *s, cudaEvent_t event, struct fl_err *err)
{
	return FL_CUDA(err, cudaEventRecord(event, s->stream));
}

/* The gate of every side comes before the copies of any, so that all clocks start at the same moment. */
static int queue_gates(struct fl_copies *c, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < c->sides_n && rc == 0; i++) {
		rc = fl_cuda_device_use(c->side[i].by, err);
		if (rc == 0 && c->gated)
			rc = fl_gate_queue(&c->gate, c->side[i].stream, i, err);
		if (rc == 0)
			rc = mark(&c->side[i], c->side[i].zero, err);
	}
	return rc;
}

/* An event after every `each` copies. */
static int queue_copies(const struct fl_copies *c, struct fl_copies_side *s, uint64_t n, uint64_t each,
			struct fl_err *err)
{
	int rc = fl_cuda_device_use(s->by, err);

	if (rc == 0)
		rc = copy_lead(c, s, err);
	if (rc == 0)
		rc = mark(s, s->events[0], err);
	for (uint64_t i = 1; i <= n && rc == 0; i++) {
		rc = copy_chunk(c, s, err);
		if (rc == 0 && i % each == 0)
			rc = mark(s, s->events[i / each], err);
	}
	return rc;
}

static int queue_all(struct fl_copies *c, uint64_t n, uint64_t each, struct fl_err *err)
{
	int rc = queue_gates(c, err);

	for (unsigned i = 0; i < c->sides_n && rc == 0; i++)
		rc = queue_copies(c, &c->side[i], n, each, err);
	return rc;
}

static int wait_all(struct fl_copies *c, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < c->sides_n && rc == 0; i++)
		rc = fl_cuda_wait(c->side[i].by, c->side[i].stream, &c->gate, err);
	return rc;
}

/* One batch, from the gate to the end of the last copy. */
static int run_batch(struct fl_copies *c, uint64_t n, uint64_t each, bool *ret_spoilt, struct fl_err *err)
{
	int rc = 0;

	if (c->gated)
		rc = fl_gate_close(&c->gate);
	else if (fl_gate_halted(&c->gate))
		rc = -ECANCELED;
	if (rc < 0)
		return rc;
	rc = queue_all(c, n, each, err);
	if (c->gated)
		fl_gate_open(&c->gate); /* also after an error: nothing may be left waiting */
	if (rc == 0)
		rc = wait_all(c, err);
	if (rc == 0)
		*ret_spoilt = c->gated && fl_gate_timed_out(&c->gate);
	return rc;
}

/* ---- reading the clock */

static int elapsed_ns(cudaEvent_t from, cudaEvent_t to, double *ret, struct fl_err *err)
{
	float ms = 0;
	int rc = FL_CUDA(err, cudaEventElapsedTime(&ms, from, to));

	*ret = (double)ms * 1e6;
	return rc;
}

/* When a side's events were, by one clock for both: on one device the same event is zero for both; on two devices it is
 * what each recorded when the gate opened, which both saw within a microsecond or two. */
static int read_side(struct fl_copies *c, unsigned i, uint64_t marks, struct fl_err *err)
{
	struct fl_copies_side *s = &c->side[i];
	cudaEvent_t zero = s->by->number == c->side[0].by->number ? c->side[0].zero : s->zero;
	int rc = fl_cuda_device_use(s->by, err);

	for (uint64_t k = 0; k <= marks && rc == 0; k++)
		rc = elapsed_ns(zero, s->events[k], &s->at_ns[k], err);
	return rc;
}

static int read_both(struct fl_copies *c, uint64_t n, struct fl_copies_did *did, struct fl_err *err)
{
	uint64_t marks = n / c->each;
	struct fl_window_side sides[2] = { { c->side[0].at_ns, marks }, { c->side[1].at_ns, marks } };
	struct fl_window_both w;
	int rc = read_side(c, 0, marks, err);

	if (rc == 0)
		rc = read_side(c, 1, marks, err);
	if (rc < 0)
		return rc;
	if (fl_window_both(sides, c->each * c->bytes, &w) < 0) {
		did->spoilt = true;
		return 0;
	}
	did->ns += w.ns;
	did->busy_ns += w.busy_ns;
	did->bytes[0] += w.bytes[0];
	did->bytes[1] += w.bytes[1];
	return 0;
}

static int read_one(struct fl_copies *c, uint64_t n, struct fl_copies_did *did, struct fl_err *err)
{
	double ns;
	int rc = elapsed_ns(c->side[0].events[0], c->side[0].events[1], &ns, err);

	if (rc < 0)
		return rc;
	if (!(ns > 0))
		did->spoilt = true;
	did->ns += ns;
	did->busy_ns += ns;
	did->bytes[0] += (double)(n * c->bytes);
	return 0;
}

/* ---- steps */

static int add_batch(struct fl_copies *c, uint64_t n, struct fl_copies_did *did, struct fl_err *err)
{
	bool both = c->sides_n > 1, spoilt = false;
	int rc = run_batch(c, n, both ? c->each : n, &spoilt, err);

	if (rc < 0)
		return rc;
	did->spoilt |= spoilt;
	did->copies += n;
	return both ? read_both(c, n, did, err) : read_one(c, n, did, err);
}

int fl_copies_step(struct fl_copies *c, uint64_t n, struct fl_copies_did *did, struct fl_err *err)
{
	uint64_t left = c->sides_n > 1 ? c->rounds * c->batch : n > c->least ? n : c->least;
	int rc = 0;

	*did = (struct fl_copies_did){ 0 };
	while (left > 0 && rc == 0 && !did->spoilt) {
		uint64_t now = left < c->batch ? left : c->batch;

		rc = add_batch(c, now, did, err);
		left -= now;
	}
	return rc;
}

/* Whatever the driver loads for copies at the first one is loaded before another lane may close a gate. */
static int run_first(struct fl_copies *c, struct fl_err *err)
{
	int rc = 0;

	fl_cuda_alone_begin();
	for (unsigned i = 0; i < c->sides_n && rc == 0; i++) {
		rc = fl_cuda_device_use(c->side[i].by, err);
		if (rc == 0)
			rc = copy_chunk(c, &c->side[i], err);
		if (rc == 0)
			rc = FL_CUDA(err, cudaStreamSynchronize(c->side[i].stream));
	}
	fl_cuda_alone_end();
	return rc;
}

int fl_copies_run(struct fl_copies *c, uint64_t n, struct fl_err *err)
{
	int rc = 0;

	if (n > 0 && !c->loaded) {
		rc = run_first(c, err);
		c->loaded = true;
		n--;
	}
	for (unsigned i = 0; i < c->sides_n && rc == 0; i++) {
		rc = fl_cuda_device_use(c->side[i].by, err);
		for (uint64_t k = 0; k < n && rc == 0; k++)
			rc = copy_chunk(c, &c->side[i], err);
	}
	return rc == 0 ? wait_all(c, err) : rc;
}

/* How often a time has to pass to make a longer one. */
static uint64_t times(double goal_ns, double each_ns, uint64_t least, uint64_t most)
{
	double n = ceil(goal_ns / each_ns);

	return n <= (double)least ? least : n >= (double)most ? most : (uint64_t)n;
}

/* As many events as there are copies, or copies as the queue takes with an event after some of them. */
static void pace_both(struct fl_copies *c, double each_ns)
{
	uint64_t marks;

	c->each = times(mark_ns, each_ns, 1, BATCH_MAX / (MARKS_MIN + 1));
	marks = times(both_batch_ns, each_ns * (double)c->each, MARKS_MIN, BATCH_MAX / (c->each + 1));
	c->batch = marks * c->each;
	c->rounds = times(step_ns, each_ns * (double)c->batch, 1, 64);
}

int fl_copies_pace(struct fl_copies *c, struct fl_err *err)
{
	bool both = c->sides_n > 1;
	struct fl_copies_did did = { 0 };
	double each_ns;
	int rc = add_batch(c, MARKS_MIN, &did, err);

	if (rc < 0)
		return rc;
	if (did.spoilt || !(did.ns > 0)) {
		rc = fl_fail(err, -ETIMEDOUT,
			     c->gated && fl_gate_timed_out(&c->gate)
				     ? "the gate opened by itself before the copies were queued"
				     : "the clock of the GPU shows nothing that can be of its copies");
		fl_hint(err, "see that nothing else keeps the GPU or the CPUs busy");
		return rc;
	}
	each_ns = did.ns * (double)c->bytes / fmax(did.bytes[0], did.bytes[1]);
	c->least = times(step_ns, each_ns, 1, 1 << 20);
	if (both)
		pace_both(c, each_ns);
	return 0;
}

int fl_copies_wake(struct fl_copies *c, struct fl_err *err)
{
	uint64_t until_ns = fl_now_ns() + wake_ns;
	int rc;

	do
		rc = fl_copies_run(c, 1, err);
	while (rc == 0 && fl_now_ns() < until_ns);
	return rc;
}

void fl_copies_restart(struct fl_copies *c)
{
	for (unsigned i = 0; i < c->sides_n; i++)
		c->side[i].next = c->side[i].laps = 0;
}

void fl_copies_halt(struct fl_copies *c)
{
	fl_gate_halt(&c->gate);
}

void fl_copies_drain(struct fl_copies *c)
{
	for (unsigned i = 0; i < c->sides_n; i++)
		if (c->side[i].stream && fl_cuda_device_use(c->side[i].by, NULL) == 0)
			cudaStreamSynchronize(c->side[i].stream);
}

/* The block of the source that lap `lap` brings to this place of the sink. */
static uint64_t block_of(const struct fl_copies *c, uint64_t lap, uint64_t offset)
{
	return (lap % FL_COPIES_SHIFTS * c->shift + offset) / FL_BLOCK_BYTES;
}

void fl_copies_parts(const struct fl_copies *c, unsigned side, struct fl_place_part ret[FL_COPIES_PARTS])
{
	const struct fl_copies_side *s = &c->side[side];
	uint64_t now = s->next * c->bytes, before = s->laps ? ring_of(c) - now : 0;

	ret[0] = (struct fl_place_part){ 0, now, block_of(c, s->laps, 0) };
	ret[1] = (struct fl_place_part){ now, before, before ? block_of(c, s->laps - 1, now) : 0 };
}

/* ---- making and freeing */

/* Alone. */
static int make_side(struct fl_copies_side *s, size_t events_n, struct fl_err *err)
{
	int rc = fl_cuda_device_use(s->by, err);

	if (rc == 0)
		rc = FL_CUDA(err, cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking));
	if (rc == 0)
		rc = FL_CUDA(err, cudaEventCreateWithFlags(&s->zero, cudaEventDefault));
	while (rc == 0 && s->events_n < events_n) {
		rc = FL_CUDA(err, cudaEventCreateWithFlags(&s->events[s->events_n], cudaEventDefault));
		if (rc == 0)
			s->events_n++;
	}
	return rc;
}

int fl_copies_make(struct fl_copies *c, struct fl_err *err)
{
	size_t events_n = c->sides_n > 1 ? MARKS_MAX + 1 : 2;
	int rc = fl_cuda_device_use(c->side[0].by, err);

	c->batch = BATCH_MAX;
	c->rounds = c->least = c->each = 1;
	c->shift = shift_of(c);
	if (rc == 0)
		rc = fl_gate_make(&c->gate, err);
	for (unsigned i = 0; i < c->sides_n && rc == 0; i++) {
		struct fl_copies_side *s = &c->side[i];

		s->events = calloc(events_n, sizeof(cudaEvent_t));
		s->at_ns = calloc(events_n, sizeof(*s->at_ns));
		if (!s->events || !s->at_ns)
			return fl_fail(err, -ENOMEM, "no memory for %zu events", events_n);
		fl_cuda_alone_begin();
		rc = make_side(s, events_n, err);
		fl_cuda_alone_end();
	}
	return rc;
}

static void free_side(struct fl_copies_side *s)
{
	if (s->by)
		fl_cuda_device_use(s->by, NULL); /* where it cannot be, what is left is given back all the same */
	fl_cuda_alone_begin();
	for (size_t i = 0; i < s->events_n; i++)
		cudaEventDestroy(s->events[i]);
	if (s->zero)
		cudaEventDestroy(s->zero);
	if (s->stream)
		cudaStreamDestroy(s->stream);
	fl_cuda_alone_end();
	cudaGetLastError();
	free(s->events);
	free(s->at_ns);
}

void fl_copies_free(struct fl_copies *c)
{
	for (unsigned i = 0; i < c->sides_n; i++)
		free_side(&c->side[i]);
	fl_gate_free(&c->gate);
}
