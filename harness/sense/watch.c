/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c: the loop of `feedline-sense watch`: what the agent says, when to look, when to send. */
#include "watch.h"
#include "base/cpus.h"
#include "base/json.h"
#include "base/message.h"
#include "base/units.h"
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000, period_least_ns = 10000000;
static const uint64_t gpu_patience_ns = 300000000; /* for all of them to look once */
enum { ALL_EVERY = 5 };				   /* looks: what costs more is looked at in one of so many */

struct watch {
	int control_fd;
	struct watch_host *host;
	struct watch_gpus *gpus;
	bool started; /* the GPUs' threads are */
	bool said_ready;
	uint64_t period_ns; /* 0: quiet */
	uint64_t due_ns, send_ns;
	unsigned looks;
	bool in_window;
	struct watch_cost cost;
	uint64_t cost_from_ns, cost_cpu_ns;
	bool broken; /* nobody hears us */
};

/* ---- sending */

static void send_message(void *arg, json_t *message)
{
	struct watch *w = arg;
	struct fl_err err = { 0 };

	if (message && !w->broken && fl_message_send(w->control_fd, message, -1, &err) < 0)
		w->broken = true;
	json_decref(message);
}

static uint64_t cpu_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

static void send_cost(struct watch *w)
{
	uint64_t now_ns = fl_now_ns(), used_ns = cpu_ns();

	send_message(w, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "is", "cost", "at_ns", (json_int_t)now_ns, "cpu_ns",
				  (json_int_t)(used_ns - w->cost_cpu_ns), "wall_ns",
				  (json_int_t)(now_ns - w->cost_from_ns), "calls", (json_int_t)w->cost.calls,
				  "longest_call_ns", (json_int_t)w->cost.longest_ns));
	w->cost = (struct watch_cost){ 0 };
	w->cost_from_ns = now_ns;
	w->cost_cpu_ns = used_ns;
}

/* All that was seen since the last time, and what it cost. */
static void send_all(struct watch *w)
{
	for (size_t i = 0; i < watch_host_count(w->host); i++)
		send_message(w, watch_series_message(watch_host_series(w->host, i)));
	watch_gpus_send(w->gpus, send_message, w, &w->cost);
	send_cost(w);
	w->send_ns = fl_now_ns() + second_ns;
}

/* ---- looking */

static void look(struct watch *w, unsigned depth)
{
	watch_gpus_look(w->gpus, depth);
	watch_host_look(w->host, depth & WATCH_ALL, &w->cost);
	w->looks++;
}

static unsigned depth_of(const struct watch *w)
{
	unsigned depth = w->in_window ? WATCH_WINDOW : 0;

	if (w->looks == 0)
		depth |= WATCH_ENDS;
	return w->looks % ALL_EVERY == 0 ? depth | WATCH_ALL : depth;
}

static void look_when_due(struct watch *w)
{
	uint64_t now_ns = fl_now_ns();

	if (!w->period_ns || now_ns < w->due_ns)
		return;
	look(w, depth_of(w));
	w->due_ns += w->period_ns;
	if (w->due_ns < now_ns) /* we were held up: what was missed is not made up for */
		w->due_ns = now_ns + w->period_ns;
	if (now_ns >= w->send_ns)
		send_all(w);
}

/* ---- what the agent says */

/* All threads, also those that are stuck. */
static void move_to(const struct fl_cpus *cpus)
{
	const struct sense_root live = { .path = "" };
	struct sense_names threads = sense_list(&live, "/proc/self", "task");

	for (size_t i = 0; i < threads.n; i++) {
		uint64_t thread;

		if (fl_parse_count(threads.names[i], &thread, NULL) == 0)
			sched_setaffinity((pid_t)thread, sizeof(cpus->bits),
					  (const cpu_set_t *)(const void *)cpus->bits);
	}
	sense_names_release(&threads);
}

static int take_cpus(const json_t *message, struct fl_err *err)
{
	struct fl_cpus cpus;
	int rc = json_object_get(message, "cpus") ? fl_json_cpus(message, "message", "cpus", &cpus, err) : 1;

	if (rc == 0)
		move_to(&cpus);
	return rc < 0 ? rc : 0;
}

static int on_watch(struct watch *w, const json_t *message, struct fl_err *err)
{
	const char *kind = fl_json_text_or_null(message, "kind");

	if (w->started)
		return fl_fail(err, -EPROTO, "it is too late to name what to watch");
	if (kind && !strcmp(kind, "gpu"))
		return watch_gpus_add(w->gpus, message, err);
	return watch_host_add(w->host, message, err);
}

static int on_start(struct watch *w, const json_t *message, struct fl_err *err)
{
	(void)message;
	(void)err;
	if (!w->started)
		watch_gpus_start(w->gpus);
	w->started = true;
	return 0;
}

static int on_sample(struct watch *w, const json_t *message, struct fl_err *err)
{
	uint64_t period_ns;
	int rc = fl_json_u64(message, "sample", "period_ns", 3600 * second_ns, &period_ns, err);

	if (rc == 0)
		rc = take_cpus(message, err);
	if (rc < 0)
		return rc;
	w->period_ns = period_ns < period_least_ns ? period_least_ns : period_ns;
	w->looks = 0;
	w->in_window = false;
	w->cost = (struct watch_cost){ 0 }; /* what was done until now was for something else */
	w->cost_from_ns = fl_now_ns();
	w->cost_cpu_ns = cpu_ns();
	w->due_ns = fl_now_ns();
	w->send_ns = w->due_ns + second_ns;
	return 0;
}

static int on_window(struct watch *w, const json_t *message, struct fl_err *err)
{
	(void)message;
	(void)err;
	w->in_window = w->period_ns != 0;
	return 0;
}

static int on_quiet(struct watch *w, const json_t *message, struct fl_err *err)
{
	int rc = take_cpus(message, err);

	if (rc < 0)
		return rc;
	w->period_ns = 0;
	w->in_window = false;
	look(w, WATCH_ALL | WATCH_ENDS);
	watch_gpus_wait(w->gpus, fl_now_ns() + gpu_patience_ns);
	send_all(w);
	send_message(w, json_pack("{s:s}", "is", "quiet"));
	return 0;
}

static int on_quit(struct watch *w, const json_t *message, struct fl_err *err)
{
	(void)message;
	(void)err;
	w->broken = true;
	return 0;
}

static int dispatch(struct watch *w, const json_t *message, struct fl_err *err)
{
	static const struct {
		const char *what;
		int (*on)(struct watch *w, const json_t *message, struct fl_err *err);
	} orders[] = {
		{ "watch", on_watch },	 { "start", on_start }, { "sample", on_sample },
		{ "window", on_window }, { "quiet", on_quiet }, { "quit", on_quit },
	};
	const char *what = fl_json_text_or_null(message, "do");

	for (size_t i = 0; what && i < sizeof(orders) / sizeof(orders[0]); i++)
		if (!strcmp(orders[i].what, what))
			return orders[i].on(w, message, err);
	return fl_fail(err, -EPROTO, "the agent says '%s'", what ? what : "nothing");
}

static int hear(struct watch *w, struct fl_err *err)
{
	json_t *message;
	int fd, rc;

	rc = fl_message_receive(w->control_fd, &message, &fd, err);
	if (rc == -EAGAIN)
		return 0;
	if (rc == -EPIPE)
		w->broken = true;
	if (rc < 0)
		return rc == -EPIPE ? 0 : rc;
	if (fd >= 0)
		close(fd);
	rc = dispatch(w, message, err);
	json_decref(message);
	return rc;
}

/* ---- the loop */

static void wait_for_work(const struct watch *w)
{
	static const uint64_t opening_ns = 5000000; /* while GPUs are being found */
	struct pollfd p = { .fd = w->control_fd, .events = POLLIN };
	uint64_t now_ns = fl_now_ns(), wait_ns = w->due_ns > now_ns ? w->due_ns - now_ns : 0;
	bool opening = w->started && !w->said_ready;
	struct timespec wait;

	if (opening && (!w->period_ns || wait_ns > opening_ns))
		wait_ns = opening_ns;
	wait = (struct timespec){ (time_t)(wait_ns / second_ns), (long)(wait_ns % second_ns) };
	ppoll(&p, 1, w->period_ns || opening ? &wait : NULL, NULL);
}

static void say_when_ready(struct watch *w)
{
	if (!w->started || w->said_ready || !watch_gpus_ready(w->gpus))
		return;
	w->said_ready = true;
	send_message(w, json_pack("{s:s}", "is", "ready"));
}

int sense_watch(const struct sense_root *root, int control_fd, struct fl_err *err)
{
	struct watch w = { .control_fd = control_fd,
			   .host = watch_host_make(root),
			   .gpus = watch_gpus_make(),
			   .cost_from_ns = fl_now_ns() };
	int rc = 0;

	while (rc == 0 && !w.broken) {
		wait_for_work(&w);
		rc = hear(&w, err);
		say_when_ready(&w);
		look_when_due(&w);
	}
	return rc;
}
