/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry.c: the watcher: start, talk, end. */
#include "run/telemetry.h"
#include "base/alloc.h"
#include "base/child.h"
#include "base/json.h"
#include "base/message.h"
#include "run/heard.h"
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const uint64_t period_ns = 100000000, margin_ns = 250000000, second_ns = 1000000000;
static const uint64_t ready_limit_ns = UINT64_C(31000000000); /* a second more than it gives GPUs (sense/nvml_load.c) */
static const uint64_t quiet_limit_ns = UINT64_C(1000000000);
enum { BATCH = 256, WORDS_ROOM = 4096 };

struct fl_telemetry {
	const struct fl_agent *agent;
	struct fl_child child;
	int fd;
	struct fl_heard heard;
	char said_lost[FL_HEARD_LOST_ROOM]; /* of heard.lost the user was told */
	bool ready, quiet;		    /* it has said so since it was last told to be */
	bool dead;
	char why[256]; /* dead */

	/* the case in flight */
	bool on;       /* it wants to be watched */
	bool is_quiet; /* looked at only at the ends of the window */
	bool sampling;
	struct fl_cpus cpus;
	uint64_t began_ns, messages, own_ns;
};

/* ---- the end of it */

static void say(const struct fl_telemetry *t, const char *what, const char *more)
{
	const struct fl_watch *watch = t->agent->watch;
	char *line;

	if (!watch || !watch->say)
		return;
	line = fl_format("telemetry: %s%s", what, more);
	watch->say(watch->arg, line);
	free(line);
}

static void add_last_words(int out_fd, struct fl_text *out)
{
	char words[WORDS_ROOM];
	ssize_t n = out_fd >= 0 ? read(out_fd, words, sizeof(words) - 1) : 0;

	if (n <= 0)
		return;
	words[n] = 0;
	words[strcspn(words, "\n")] = 0;
	fl_blank_controls(words);
	fl_text_add(out, ": %.120s", words);
}

/* NULL: how it ended says why. */
static void lose(struct fl_telemetry *t, const char *why)
{
	struct fl_text words = { 0 };
	char how[64];
	bool ended;
	struct pollfd p = { .fd = t->child.pid_fd, .events = POLLIN };
	int status;

	if (t->dead)
		return;
	t->dead = true;
	ended = !why && poll(&p, 1, 200) > 0;
	if (ended)
		add_last_words(t->child.out_fd, &words);
	status = ended ? fl_child_reap(&t->child) : fl_child_kill(&t->child);
	fl_child_how(status, how, sizeof(how));
	snprintf(t->why, sizeof(t->why), "the watcher %s%s",
		 why	 ? why
		 : ended ? how
			 : "closed its socket",
		 fl_text_str(&words));
	fl_text_release(&words);
	fl_heard_clear(&t->heard);
	say(t, t->why, "; nothing is watched any more");
}

/* ---- talking */

static void tell(struct fl_telemetry *t, json_t *message)
{
	struct fl_err err = { 0 };

	if (!t->dead && fl_message_send(t->fd, message, -1, &err) < 0)
		lose(t, err.code == -EPIPE ? NULL : "does not listen");
	json_decref(message);
}

static uint64_t thread_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

/* It may send a message a second for each subject, and its Xids, each once, and a few more. */
static bool floods(struct fl_telemetry *t)
{
	uint64_t seconds = (fl_now_ns() - t->began_ns) / second_ns + 4;

	return ++t->messages > (9 * t->heard.subjects_n + 16) * seconds;
}

static void tell_lost(struct fl_telemetry *t)
{
	if (!strcmp(t->said_lost, t->heard.lost))
		return;
	fl_copy(t->said_lost, sizeof(t->said_lost), t->heard.lost);
	say(t, t->heard.lost, "");
}

/* What our reading of it costs is part of the cost. */
static void add_own_cost(struct fl_telemetry *t)
{
	fl_heard_add(&t->heard, "feedline", "agent_cpu_ns", fl_now_ns(), (double)t->own_ns);
	t->own_ns = 0;
}

static void take(struct fl_telemetry *t, const json_t *message, int fd)
{
	enum fl_said said = FL_SAID_SERIES;
	struct fl_err err = { 0 };
	char *why;
	int rc = fd >= 0 ? fl_fail(&err, -EPROTO, "it sends a descriptor")
			 : fl_heard_take(&t->heard, message, fl_now_ns(), &said, &err);

	if (fd >= 0)
		close(fd);
	if (rc < 0) {
		why = fl_format("lies: %s", err.what);
		lose(t, why);
		free(why);
		return;
	}
	t->ready |= said == FL_SAID_READY;
	t->quiet |= said == FL_SAID_QUIET;
	if (said == FL_SAID_LOST)
		tell_lost(t);
	if (said == FL_SAID_COST)
		add_own_cost(t);
}

/* One message. False: there is none now. */
static bool hear(struct fl_telemetry *t)
{
	struct fl_err err = { 0 };
	json_t *message;
	int fd, rc;

	if (t->dead)
		return false;
	rc = fl_message_receive(t->fd, &message, &fd, &err);
	if (rc == -EAGAIN)
		return false;
	if (rc == -EPIPE) {
		lose(t, NULL);
	} else if (rc < 0) {
		lose(t, "lies: what it sends is no message");
	} else {
		take(t, message, fd);
		json_decref(message);
		if (!t->dead && floods(t))
			lose(t, "floods: it sends more than there can be");
	}
	return !t->dead;
}

void fl_telemetry_listen(struct fl_telemetry *t)
{
	uint64_t before_ns;

	if (!t || t->dead || !t->on)
		return;
	before_ns = thread_ns();
	for (int i = 0; i < BATCH && hear(t); i++)
		;
	t->own_ns += thread_ns() - before_ns;
}

/* Until it has said so; past the limit it hangs. */
static void wait_until(struct fl_telemetry *t, const bool *said, uint64_t limit_ns, const char *otherwise)
{
	uint64_t until_ns = fl_now_ns() + limit_ns, before_ns = thread_ns();

	while (!t->dead && !*said) {
		struct pollfd p = { .fd = t->fd, .events = POLLIN };

		if (hear(t))
			continue;
		if (t->agent->interrupt && *t->agent->interrupt)
			break;
		if (fl_now_ns() >= until_ns)
			lose(t, otherwise);
		else
			poll(&p, 1, 50);
	}
	t->own_ns += thread_ns() - before_ns;
}

/* ---- the start */

static void watch(struct fl_telemetry *t, const char *kind, const char *id, json_t *more)
{
	json_object_set_new(more, "do", json_string("watch"));
	json_object_set_new(more, "kind", json_string(kind));
	json_object_set_new(more, "subject", fl_json_string(id));
	fl_heard_expect(&t->heard, id);
	tell(t, more);
}

static json_t *named(const char *name)
{
	return json_pack("{s:o}", "name", fl_json_string(name));
}

static void watch_node(struct fl_telemetry *t, const struct fl_node *node)
{
	json_t *more = named(node->id);
	struct fl_text cpus = { 0 };

	fl_cpus_format(&node->cpus, &cpus);
	json_object_set_new(more, "cpus", json_string(fl_text_str(&cpus)));
	fl_text_release(&cpus);
	watch(t, "node", node->id, more);
}

static void watch_nic(struct fl_telemetry *t, const struct fl_nic *nic)
{
	json_t *more = named(nic->interface ? nic->interface : nic->rdma.value);

	json_object_set_new(more, "rdma", fl_json_string(nic->rdma.value));
	watch(t, "nic", nic->id, more);
}

/* What a GPU's library says is of the whole of it. */
static void watch_gpu(struct fl_telemetry *t, const struct fl_gpu *gpu)
{
	if (gpu->parent)
		return;
	watch(t, "gpu", gpu->id,
	      json_pack("{s:o, s:o}", "uuid", fl_json_string(gpu->uuid.value), "pci",
			fl_json_string(gpu->pci.address)));
}

static void watch_machine(struct fl_telemetry *t, const struct fl_machine *m)
{
	for (size_t i = 0; i < m->drives_n; i++)
		watch(t, "drive", m->drives[i].id, named(m->drives[i].block));
	for (size_t i = 0; i < m->nics_n; i++)
		watch_nic(t, &m->nics[i]);
	for (size_t i = 0; i < m->nodes_n; i++)
		watch_node(t, &m->nodes[i]);
	for (size_t i = 0; i < m->gpus_n; i++)
		watch_gpu(t, &m->gpus[i]);
	tell(t, json_pack("{s:s}", "do", "start"));
}

static int start_child(const struct fl_agent *agent, struct fl_telemetry *t, struct fl_err *err)
{
	static const char *const args[] = { "watch", NULL };
	char *path = fl_format("%s/libexec/feedline/feedline-sense", agent->prefix), **env = fl_child_env();
	struct fl_child_spec spec = {
		.program = path, .args = args, .env = (const char *const *)env, .node = -1, .merge_output = true
	};
	int fds[2], rc = fl_message_pair(fds, err);

	if (rc == 0) {
		spec.control_fd = fds[1];
		rc = fl_child_start(&spec, &t->child, err);
		close(fds[1]);
		if (rc < 0)
			close(fds[0]);
		t->fd = fds[0];
	}
	fl_child_env_free(env);
	free(path);
	return rc;
}

static bool wants(const struct fl_plan_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		const char *text = fl_lane_option(&c->lanes[i], "telemetry");

		if (text && !strcmp(text, "no"))
			return false;
	}
	return true;
}

bool fl_telemetry_wanted(const struct fl_plan *plan)
{
	for (size_t i = 0; i < plan->cases_n; i++)
		if (wants(&plan->cases[i]))
			return true;
	return false;
}

struct fl_telemetry *fl_telemetry_start(const struct fl_agent *agent)
{
	struct fl_telemetry *t = fl_zalloc(1, sizeof(*t));
	struct fl_err err = { 0 };

	t->agent = agent;
	if (start_child(agent, t, &err) < 0) {
		say(t, err.what, "");
		free(t);
		return NULL;
	}
	fl_heard_init(&t->heard);
	t->began_ns = fl_now_ns();
	watch_machine(t, agent->machine);
	wait_until(t, &t->ready, ready_limit_ns, "was not ready within 31 s");
	return t;
}

void fl_telemetry_end(struct fl_telemetry *t)
{
	if (!t)
		return;
	if (!t->dead)
		fl_child_kill(&t->child);
	close(t->fd);
	fl_heard_release(&t->heard);
	free(t);
}

/* ---- a case */

/* A distribution of times, or what a step takes. */
bool fl_case_is_quiet(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_metric *m = fl_entry_speaker(c->lanes[i].entry);
		size_t n = m ? strlen(m->name) : 0;

		if (m && m->better == FL_LOWER && n > 3 && !strcmp(m->name + n - 3, "_ns"))
			return true;
	}
	return false;
}

struct fl_cpus fl_case_spare_cpus(const struct fl_case *c)
{
	const struct fl_machine *m = c->agent->machine;
	struct fl_cpus all = fl_cpus_count(&m->limits.cpus) ? m->limits.cpus : m->cpus, spare = all;

	for (size_t i = 0; i < c->lanes_n; i++)
		for (size_t k = 0; k < sizeof(spare.bits) / sizeof(*spare.bits); k++)
			spare.bits[k] &= ~c->lanes[i].plan->cpus.bits[k];
	return fl_cpus_count(&spare) ? spare : all;
}

static void order(struct fl_telemetry *t, const char *what)
{
	json_t *message = json_pack("{s:s}", "do", what);
	struct fl_text cpus = { 0 };

	if (!strcmp(what, "sample"))
		json_object_set_new(message, "period_ns", json_integer((json_int_t)period_ns));
	fl_cpus_format(&t->cpus, &cpus);
	if (cpus.n)
		json_object_set_new(message, "cpus", json_string(cpus.bytes));
	fl_text_release(&cpus);
	tell(t, message);
}

static void look_and_be_quiet(struct fl_telemetry *t)
{
	t->quiet = false;
	order(t, "quiet");
	wait_until(t, &t->quiet, quiet_limit_ns, "does not answer");
}

void fl_telemetry_begin(struct fl_telemetry *t, const struct fl_case *c)
{
	if (!t)
		return;
	t->on = wants(c->plan);
	t->is_quiet = fl_case_is_quiet(c);
	t->cpus = fl_case_spare_cpus(c);
	t->began_ns = fl_now_ns();
	t->messages = 0;
	t->own_ns = 0;
	fl_heard_clear(&t->heard);
	t->sampling = t->on && !t->is_quiet;
	if (t->sampling)
		order(t, "sample");
}

void fl_telemetry_window(struct fl_telemetry *t, bool ends)
{
	if (!t || t->dead || !t->on)
		return;
	if (t->sampling ? ends : t->is_quiet)
		look_and_be_quiet(t);
	else if (t->sampling)
		tell(t, json_pack("{s:s}", "do", "window"));
	if (!ends)
		return;
	t->sampling = false;
	t->is_quiet = false; /* what comes now is not of this window */
}

const char *fl_telemetry_collect(struct fl_telemetry *t, const struct fl_case *c, struct fl_run *run)
{
	if (!t || !t->on)
		return NULL;
	fl_telemetry_window(t, true); /* where the case failed before its window was over */
	t->on = false;
	if (t->dead)
		return t->why;
	if (c->ended)
		fl_heard_collect(&t->heard, &c->window, margin_ns, c->at.case_no, c->at.round, run);
	return NULL;
}
