/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_agent.c: a worker may say anything; the agent's lane ends in a known state, and what is recorded of it is well
 * formed. The input is a row of packets, each behind its length in two bytes; between packets the lane moves on as it
 * would in a run. Where the first byte is odd it is one of two that make one measurement, and what it says to the
 * other, which is elsewhere, is answered with its own words. */
#include "base/alloc.h"
#include "base/message.h"
#include "run/case.h"
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fl_metric metrics[] = { { "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload" },
				      { "stall_ns", FL_DISTRIBUTION, FL_LOWER, "stall" },
				      { "ready", FL_GIVEN, FL_NEITHER, "batches" },
				      { 0 } };
static struct fl_fact facts[] = { { "engine", true, "engine" }, { 0 } };
static struct fl_field fields[] = { { 0 } };
static struct fl_flow flows[] = { { 0 } };
static struct fl_entry entry = {
	.name = (char *)"fuzz.bench", .fields = fields, .metrics = metrics, .facts = facts, .flows = flows
};

static const char *other_address(void *arg, unsigned group, unsigned rank)
{
	(void)arg;
	return group == 0 && rank == 1 ? "10.1.0.2" : NULL;
}

static int to_other(void *arg, unsigned group, unsigned rank, const char *name, const char *hex)
{
	(void)arg;
	if (group != 0 || rank != 0 || !*name || strlen(name) > FL_GROUP_NAME_MAX || strlen(hex) % 2)
		abort();
	return 0;
}

/* What the agent does by itself between two words of a worker. */
static void move_on(struct fl_case *c)
{
	struct fl_case_lane *lane = &c->lanes[0];

	if (lane->wait.waits) {
		char *name = fl_dup(lane->wait.name), *hex = fl_dup(lane->wait.hex);

		if (fl_group_answer(c, 0, name, (const char *const[]){ hex, hex }, 2, NULL) < 0 || lane->wait.waits)
			abort();
		free(name);
		free(hex);
	}
	if (lane->state == FL_LANE_READY) {
		fl_tape_start(lane->tape, fl_now_ns());
		lane->state = FL_LANE_STEPPING;
	} else if (lane->state == FL_LANE_STEPPING)
		fl_case_stop_lane(c, lane);
}

static void hear_packets(struct fl_case *c, int worker_end, const uint8_t *data, size_t size)
{
	while (size >= 2) {
		size_t n = data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		n = n > size ? size : n;
		if (send(worker_end, data, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return;
		data += n;
		size -= n;
		fl_case_listen(c, 0, NULL);
		move_on(c);
	}
}

static void check_record(struct fl_case *c)
{
	struct fl_run run = { 0 };
	struct fl_lane_record *record = fl_run_add_lane(&run);

	c->window = (struct fl_window){ .from_ns = 1, .to_ns = fl_now_ns() };
	c->lanes[0].hists_from = fl_zalloc(1, sizeof(struct fl_hist));
	c->lanes[0].hists_to = fl_zalloc(1, sizeof(struct fl_hist));
	if (c->lanes[0].state == FL_LANE_DONE || c->lanes[0].state == FL_LANE_FAILED)
		fl_case_collect(c, &c->lanes[0], NULL, record);
	if (!json_is_object(record->facts) && !json_is_null(record->facts))
		abort();
	if (record->outcome != FL_MEASURED && !record->reason)
		abort();
	fl_lane_record_release(record);
	free(run.lanes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_machine machine = { 0 };
	struct fl_agent agent = { .machine = &machine };
	struct fl_pool pool = { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	struct fl_plan_lane plan = { .bench = entry.name, .node = -1 };
	struct fl_worker worker = { .child = { .pid = -1, .pid_fd = -1, .out_fd = -1, .err_fd = -1 }, .node = -1 };
	struct fl_case_lane lane = { .plan = &plan, .entry = &entry, .worker = &worker, .state = FL_LANE_ORDERED };
	struct fl_case c = { .agent = &agent, .pool = &pool, .lanes = &lane, .lanes_n = 1, .step_ns = 2000000 };
	const struct fl_group_link link = { other_address, to_other, NULL };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &worker.control };
	int fds[2];

	if (fl_message_pair(fds, NULL) < 0)
		return 0;
	if (size > 0 && data[0] % 2) {
		plan.size = 2;
		c.link = &link;
	}
	worker.control_fd = fds[0];
	worker.control = (struct fl_source){ FL_SOURCE_CONTROL, &worker };
	epoll_ctl(pool.epoll_fd, EPOLL_CTL_ADD, fds[0], &event);
	hear_packets(&c, fds[1], data, size);
	check_record(&c);
	fl_tape_free(lane.tape);
	json_decref(lane.done);
	fl_group_release(&lane.wait);
	free(lane.seen);
	free(lane.last_end_ns);
	free(lane.hists_from);
	free(lane.hists_to);
	close(fds[0]);
	close(fds[1]);
	close(pool.epoll_fd);
	return 0;
}
