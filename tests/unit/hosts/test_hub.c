/* SPDX-License-Identifier: Apache-2.0 */
/* The hub among agents that behave and agents that do not: who is heard, who is lost and why, and that nobody else
 * suffers from it. */
#include "agents.h"
#include "base/text.h"
#include "hosts/hub.h"
#include "hosts/hub_parts.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* The lines that the hub says. */
struct lines {
	struct fl_text text;
	unsigned n;
};

static void keep_line(void *arg, const char *line)
{
	struct lines *lines = arg;

	fl_text_add(&lines->text, "%s\n", line);
	lines->n++;
}

static struct fl_hub *open_heard(unsigned n, struct lines *lines)
{
	struct fl_hub *hub = open_hub(n, "127.0.0.1", 0);

	hub->say = keep_line;
	hub->say_arg = lines;
	return hub;
}

static void gather_fails(struct fl_hub *hub, uint64_t within_ns, int code, const char *what)
{
	struct fl_err err = { 0 };

	assert_int_equal(fl_hub_gather(hub, within_ns, NULL, &err), code);
	assert_int_equal(err.code, code);
	says(err.what, what);
}

/* ---- all is well */

struct heard {
	unsigned messages, lost;
	unsigned until; /* this many messages are enough */
	char what[320]; /* why a host was lost */
	int refuses;	/* this rank is given up when it speaks */
};

static int hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	struct heard *h = arg;

	assert_string_equal(fl_json_text_or_null(message, "is"), "heard");
	h->messages++;
	if ((int)host->rank == h->refuses)
		return fl_fail(err, -EPROTO, "that is not what was asked");
	return h->until && h->messages >= h->until;
}

static void lost(void *arg, struct fl_hub_host *host)
{
	struct heard *h = arg;

	h->lost++;
	memcpy(h->what, host->why.what, sizeof(h->what));
}

static int listen_to(struct fl_hub *hub, uint64_t for_ns, struct heard *h)
{
	const struct fl_hub_ears ears = { .hear = hear, .lost = lost, .arg = h };
	struct fl_err err = { 0 };

	return fl_hub_listen(hub, fl_now_ns() + for_ns, &ears, &err);
}

static void tell_all(struct fl_hub *hub)
{
	json_t *o = json_pack("{s:s}", "do", "something");

	fl_hub_tell_all(hub, o);
	json_decref(o);
}

static void test_two_hosts(void **state)
{
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct heard h = { .until = 2, .refuses = -1 };

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "other-name" });
	gathers(hub);
	assert_int_equal(hub->listen_fd, -1); /* nobody else comes in */
	assert_string_equal(hub->hosts[0].name, "other-name");
	assert_string_equal(hub->hosts[1].name, "n2");
	assert_string_equal(hub->hosts[1].address, "127.0.0.1");
	assert_string_equal(fl_json_text_or_null(hub->hosts[1].hello, "interface"), "lo");
	assert_non_null(hub->hosts[0].machine);
	assert_true(json_is_object(hub->hosts[0].environment));
	assert_int_equal(hub->hosts[0].messages, 2);
	tell_all(hub);
	assert_int_equal(listen_to(hub, limit_ns, &h), 1);
	assert_int_equal(h.messages, 2);
	assert_int_equal(h.lost, 0);
	fl_hub_close(hub);
	assert_int_equal(agents_wait(&a, 0), 0);
	assert_int_equal(agents_wait(&a, 1), 0);
	assert_int_equal(a.ends[0].heard, 2); /* something, and the end */
	agents_kill(&a);
}

/* The agents have the first address of the list wrong: that of nobody, or of somebody else. */
static void test_ways_to_the_hub(void **state)
{
	struct fl_hub *hub;
	struct agents a = agents_make();

	(void)state;
	hub = open_hub(1, "127.0.0.1", 0);
	hub->addresses[1] = hub->addresses[0];
	hub->addresses[0] = strdup("127.0.0.2"); /* the hub listens at 127.0.0.1 only */
	hub->addresses_n = 2;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	gathers(hub);
	fl_hub_close(hub);
	assert_int_equal(agents_wait(&a, 0), 0);
	agents_kill(&a);
}

/* The first address is that of another run's hub. */
static void test_wrong_hubs_on_the_way(void **state)
{
	struct fl_hub *hub = open_hub(1, "127.0.0.1", 0), *other;
	struct fl_hub_spec spec = { .n = 1, .listen_fd = -1, .bind = "127.0.0.2", .port = hub->port };
	struct agents a = agents_make();
	struct fl_err err = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(fl_hub_open(&spec, &other, &err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) { /* serves the other hub, which is busy for ever */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(hub->listen_fd);
		fl_hub_listen(other, UINT64_MAX, NULL, NULL);
		_exit(0);
	}
	hub->addresses[1] = hub->addresses[0];
	hub->addresses[0] = strdup("127.0.0.2");
	hub->addresses_n = 2;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	gathers(hub);
	assert_string_equal(hub->hosts[0].name, "n1");
	fl_hub_close(hub);
	assert_int_equal(agents_wait(&a, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	agents_kill(&a);
	fl_hub_close(other);
}

/* Nobody is there: each address is named with its reason. */
static void test_no_way(void **state)
{
	struct fl_hub *hub = open_hub(1, "127.0.0.1", 0);
	struct agents a = agents_make();

	(void)state;
	hub->addresses[1] = strdup("127.0.0.3");
	hub->addresses_n = 2;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1", .address = "127.0.0.2" });
	assert_int_equal(agents_wait(&a, 0), 2);
	assert_int_equal(a.ends[0].code, -EHOSTUNREACH);
	says(a.ends[0].what, "the hub was not reached at port ");
	says(a.ends[0].what, "127.0.0.2: Connection refused; 127.0.0.3: Connection refused");
	fl_hub_close(hub);
	agents_kill(&a);
}

/* ---- who does not come */

static void test_nobody_comes(void **state)
{
	struct lines lines = { 0 };
	struct fl_hub *hub = open_heard(8, &lines);

	(void)state;
	gather_fails(hub, short_ns, -ETIMEDOUT, "hosts n1-n8 did not arrive within 0.3 s (they never connected)");
	fl_hub_close(hub);
}

static const char *by_ssh(void *arg, unsigned rank)
{
	(void)arg;
	return rank == 1 ? "ssh" : NULL;
}

static void test_one_does_not_come(void **state)
{
	const struct fl_hub_launch launch = { .started_by = by_ssh };
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct fl_err err = { 0 };

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	assert_int_equal(fl_hub_gather(hub, 20 * short_ns, &launch, &err), -ETIMEDOUT);
	says(err.what, "host n2 did not arrive within 6 s (ssh started it, it never connected)");
	says(err.hint, "of 127.0.0.1?");
	fl_hub_close(hub);
	agents_kill(&a);
}

static int ssh_ended(void *arg, struct fl_err *err)
{
	unsigned *asked = arg;

	return ++*asked < 3 ? 0 : fl_fail(err, -ECHILD, "ssh n2: Permission denied");
}

static void test_launching_failed(void **state)
{
	unsigned asked = 0;
	const struct fl_hub_launch launch = { .check = ssh_ended, .arg = &asked };
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_hub_gather(hub, limit_ns, &launch, &err), -ECHILD);
	assert_string_equal(err.what, "ssh n2: Permission denied");
	fl_hub_close(hub);
}

static void test_interrupted(void **state)
{
	volatile sig_atomic_t interrupt = 1;
	struct fl_hub *hub = open_hub(1, "127.0.0.1", 0);

	(void)state;
	hub->interrupt = &interrupt;
	gather_fails(hub, limit_ns, -EINTR, "interrupted");
	assert_int_equal(fl_hub_listen(hub, fl_now_ns() + limit_ns, NULL, NULL), -EINTR);
	fl_hub_close(hub);
}

/* ---- who comes, and must not */

static void test_other_secret(void **state)
{
	struct lines lines = { 0 };
	struct fl_hub *hub = open_heard(2, &lines);
	struct agents a = agents_make();

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2", .other_secret = true });
	gather_fails(hub, 3 * short_ns, -EACCES,
		     "the agent at 127.0.0.1 had another secret and was refused; host n2 did not arrive");
	says(fl_text_str(&lines.text), "refused a connection from 127.0.0.1: it has another secret");
	assert_int_equal(agents_wait(&a, 1), 2);
	assert_int_equal(a.ends[1].code, -EACCES);
	says(a.ends[1].what, "another secret");
	fl_hub_close(hub);
	agents_kill(&a);
	fl_text_release(&lines.text);
}

/* As long as others are missing, a stranger with another secret harms nobody. */
static void test_other_secret_is_harmless(void **state)
{
	struct fl_hub *hub = open_hub(1, "127.0.0.1", 0);
	struct agents a = agents_make();

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1", .other_secret = true });
	while (!hub->door->foreign_n)
		fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	gathers(hub);
	fl_hub_close(hub);
	assert_int_equal(agents_wait(&a, 1), 0);
	agents_kill(&a);
}

static void test_second_of_a_rank(void **state)
{
	struct lines lines = { 0 };
	struct fl_hub *hub = open_heard(2, &lines);
	struct agents a = agents_make();

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	while (!hub->hosts[0].wire)
		fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n9" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 2, .host = "n3" });
	assert_int_equal(fl_hub_gather(hub, short_ns, NULL, NULL), -ETIMEDOUT);
	while (lines.n < 2)
		fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
	says(fl_text_str(&lines.text), "it is a second rank 0 ('n9'): the first is 'n1', at 127.0.0.1");
	says(fl_text_str(&lines.text), "it is rank 2 ('n3'), of a run with ranks 0 to 1");
	assert_int_equal(agents_wait(&a, 1), 2);
	assert_int_equal(a.ends[1].code, -EEXIST);
	says(a.ends[1].what, "the hub refused this agent: it is a second rank 0");
	assert_int_equal(agents_wait(&a, 2), 2);
	assert_int_equal(a.ends[2].code, -EINVAL);
	assert_non_null(hub->hosts[0].wire); /* the first one is not harmed */
	assert_string_equal(hub->hosts[0].name, "n1");
	fl_hub_close(hub);
	agents_kill(&a);
	fl_text_release(&lines.text);
}

static int knock(const struct fl_hub *hub, const char *words)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(hub->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	if (words && write(fd, words, strlen(words)) < 0)
		return -1;
	return fd;
}

static void test_scanners(void **state)
{
	struct lines lines = { 0 };
	struct fl_hub *hub = open_heard(1, &lines);
	struct agents a = agents_make();
	int web = knock(hub, "GET / HTTP/1.1\r\nHost: n1\r\n\r\n"), silent = knock(hub, NULL), gone = knock(hub, NULL);
	int old = knock(hub, "feedline\x63");

	(void)state;
	assert_true(web >= 0 && silent >= 0 && gone >= 0 && old >= 0);
	close(gone);
	while (lines.n < 3)
		fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
	says(fl_text_str(&lines.text),
	     "refused a connection from 127.0.0.1: it is no feedline: its first words are others");
	says(fl_text_str(&lines.text), "it went away without a word");
	says(fl_text_str(&lines.text), "it speaks version 99 of feedline's protocol, this one 2");
	while (lines.n < 4) /* the silent one has 5 s */
		fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
	says(fl_text_str(&lines.text), "it did not say who it is within 5 s");
	assert_int_equal(hub->door->n, 0);
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	gathers(hub);
	fl_hub_close(hub);
	assert_int_equal(agents_wait(&a, 0), 0);
	agents_kill(&a);
	close(web);
	close(silent);
	close(old);
	fl_text_release(&lines.text);
}

/* Connections that say nothing, as many as there is room for and more, again and again: agents come in all the same,
 * and the hub says few lines about it. */
static void test_flood(void **state)
{
	struct lines lines = { 0 };
	struct fl_hub *hub = open_heard(2, &lines);
	struct agents a = agents_make();
	pid_t flood = fork();

	(void)state;
	assert_true(flood >= 0);
	if (flood == 0) {
		int fds[2048];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(hub->listen_fd);
		close(hub->epoll_fd);
		memset(fds, 0xff, sizeof(fds));
		for (unsigned i = 0;; i++) {
			int *fd = &fds[i % (sizeof(fds) / sizeof(fds[0]))];

			if (*fd >= 0)
				close(*fd);
			*fd = knock(hub, i % 2 ? "feed" : NULL);
		}
	}
	while (hub->door->n < hub->door->room)
		fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2" });
	gathers(hub);
	assert_true(lines.n <= FL_DOOR_LINES_MAX + 1);
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	fl_hub_close(hub);
	assert_int_equal(agents_wait(&a, 0), 0);
	assert_int_equal(agents_wait(&a, 1), 0);
	agents_kill(&a);
	fl_text_release(&lines.text);
}

/* ---- who comes, and cannot take part */

static void test_joining_fails(void **state)
{
	static const struct {
		struct agent_way way;
		int code;
		const char *what;
	} rows[] = {
		{ { .lock = "feedline runs here already (pid 7)" },
		  -EBUSY,
		  "host n1: feedline runs here already (pid 7)" },
		{ { .local_size = 2 }, -EINVAL, "host n1: 2 agents were started on it" },
		{ { .goes_away = true }, -EPIPE, "host n1 (127.0.0.1): the connection was closed" },
		{ { .bad_machine = true }, -EPROTO, "host n1 (127.0.0.1): what it says of its machine" },
		{ { .fails = "no machine was found" }, -ENODEV, "host n1 (127.0.0.1): no machine was found" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
		struct agents a = agents_make();
		struct agent_way way = rows[i].way;

		way.host = "n1";
		agents_start(&a, hub, &way);
		gather_fails(hub, limit_ns, rows[i].code, rows[i].what);
		fl_hub_close(hub);
		agents_kill(&a);
	}
}

static void test_two_of_a_name(void **state)
{
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct agents a = agents_make();

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n1" });
	gather_fails(hub, limit_ns, -EINVAL, "ranks 0 and 1 are both on host 'n1'");
	fl_hub_close(hub);
	agents_kill(&a);
}

/* A machine that was named twice has two agents, of which one cannot have the lock; the other may be on its way yet. */
static void test_one_machine(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		struct fl_hub *hub = open_hub(3, "127.0.0.1", 0);
		struct agents a = agents_make();
		pid_t waker = -1;

		agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
		if (late) {
			kill(a.pids[0], SIGSTOP);
			waker = fork();
		}
		if (waker == 0) {
			usleep(300000);
			kill(a.pids[0], SIGCONT);
			_exit(0);
		}
		agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "10.77.0.1", .lock = "another run" });
		gather_fails(hub, limit_ns, -EINVAL, "hosts n1 and 10.77.0.1 are one machine");
		if (waker > 0)
			waitpid(waker, NULL, 0);
		fl_hub_close(hub);
		agents_kill(&a);
	}
}

/* Another machine, or another network namespace of this one, has a lock of its own; who does not know where it is, or
 * could not have that lock either, does not hold it. A row: a member of hello, and what it is of either. */
static void test_another_run(void **state)
{
	static const char *const rows[][3] = {
		{ "boot_id", "1", "2" },
		{ "boot_id", NULL, NULL },
		{ "network_namespace", "net:[1]", "net:[2]" },
		{ "lock", "another run is measuring", "another run is measuring" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
		struct agents a = agents_make();

		agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
		agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2", .lock = rows[3][1] });
		while (!hub->hosts[0].hello || !hub->hosts[1].hello)
			fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
		json_object_set_new(hub->hosts[0].hello, rows[i][0], fl_json_string(rows[i][1]));
		json_object_set_new(hub->hosts[1].hello, rows[i][0], fl_json_string(rows[i][2]));
		gather_fails(hub, limit_ns, -EBUSY, "host n2: another run is measuring");
		fl_hub_close(hub);
		agents_kill(&a);
	}
}

/* ---- who is lost later */

static void test_killed(void **state)
{
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct heard h = { .until = 1, .refuses = -1 };

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2" });
	gathers(hub);
	kill(a.pids[0], SIGKILL);
	agents_wait(&a, 0);
	while (h.lost == 0)
		assert_int_equal(listen_to(hub, short_ns, &h), 0);
	assert_true(hub->hosts[0].lost);
	assert_null(hub->hosts[0].wire);
	says(h.what, "by the other side"); /* closed, or reset where it had not yet read all */
	tell_all(hub);			   /* one that is lost hears nothing, the other does */
	assert_int_equal(listen_to(hub, limit_ns, &h), 1);
	assert_int_equal(h.lost, 1);
	assert_int_equal(h.messages, 1);
	fl_hub_close(hub);
	assert_int_equal(agents_wait(&a, 1), 0);
	agents_kill(&a);
}

/* One whose words make no sense is given up, and told of once; also one that the caller gives up. */
static void test_given_up(void **state)
{
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct heard h = { .refuses = 0 };
	const struct fl_err why = { .code = -ETIMEDOUT, .what = "it was too late" };

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2" });
	gathers(hub);
	tell_all(hub);
	while (h.messages < 2)
		assert_int_equal(listen_to(hub, short_ns, &h), 0);
	assert_int_equal(h.lost, 1);
	assert_string_equal(h.what, "that is not what was asked");
	fl_hub_lose(hub, &hub->hosts[1], &why);
	fl_hub_lose(hub, &hub->hosts[1], &why);
	assert_int_equal(listen_to(hub, 0, &h), 0);
	assert_int_equal(h.lost, 2);
	assert_string_equal(h.what, "it was too late");
	assert_int_equal(agents_wait(&a, 0), 3);
	assert_int_equal(agents_wait(&a, 1), 3);
	fl_hub_close(hub);
	agents_kill(&a);
}

/* ---- clocks */

static void clock_is(const struct fl_hub_host *host, int64_t offset_ns)
{
	int64_t off = host->clock_offset_ns - offset_ns;

	assert_true(host->clock_error_ns > 0);
	assert_true(off >= -(int64_t)host->clock_error_ns && off <= (int64_t)host->clock_error_ns);
}

static int hear_clock(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	return fl_hub_clocks_hear(arg, host, message, err);
}

static void lost_clock(void *arg, struct fl_hub_host *host)
{
	(void)arg;
	fail_msg("%s: %s", host->name, host->why.what);
}

static void test_clocks(void **state)
{
	static const int64_t shift_ns = INT64_C(420000000000); /* seven minutes */
	struct fl_hub *hub = open_hub(3, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct fl_err err = { 0 };

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2", .clock_shift_ns = shift_ns });
	agents_start(&a, hub, &(struct agent_way){ .rank = 2, .host = "n3", .clock_shift_ns = -1000 });
	gathers(hub);
	assert_int_equal(fl_hub_clocks(hub, 0, NULL, &err), 0);
	clock_is(&hub->hosts[0], 0);
	clock_is(&hub->hosts[1], shift_ns);
	clock_is(&hub->hosts[2], -1000);
	assert_int_equal(hub->hosts[1].messages, 2 + 8);
	/* again, once it is known how short the way is: any way is short enough */
	hub->hosts[1].clock_way_ns = UINT64_C(10000000000);
	assert_int_equal(fl_hub_clocks(hub, 0, NULL, &err), 0);
	assert_int_equal(hub->hosts[1].messages, 2 + 8 + 1);
	clock_is(&hub->hosts[1], shift_ns);
	/* and whatever the way, where it is good enough */
	hub->hosts[1].clock_way_ns = 1;
	assert_int_equal(fl_hub_clocks(hub, 10 * agent_second_ns, NULL, &err), 0);
	assert_int_equal(hub->hosts[1].messages, 2 + 8 + 1 + 1);
	clock_is(&hub->hosts[1], shift_ns);
	fl_hub_close(hub);
	agents_kill(&a);
}

/* Nobody waits: one that does not answer may have better things to do; the other has its clock. */
static void test_clocks_meanwhile(void **state)
{
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct heard h = { .refuses = -1 };
	struct fl_hub_clocks *clocks = fl_hub_clocks_open(hub, 0);
	const struct fl_hub_ears ears = { .hear = hear_clock, .lost = lost_clock, .arg = clocks };
	struct fl_err err = { 0 };

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1", .hangs = true });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2" });
	gathers(hub);
	for (unsigned i = 0; i < 2; i++)
		fl_hub_clocks_ask(clocks, &hub->hosts[i]);
	for (int i = 0; i < 70; i++) { /* longer than one may hang that is waited for */
		assert_int_equal(fl_hub_listen(hub, fl_now_ns() + agent_second_ns / 20, &ears, &err), 0);
		fl_hub_clocks_look(clocks);
	}
	clock_is(&hub->hosts[1], 0);
	assert_int_equal(hub->hosts[0].clock_at_ns, 0);
	assert_int_equal(hub->hosts[1].messages, 2 + 8);
	assert_false(hub->hosts[0].lost);
	assert_int_equal(fl_hub_clocks_wait(clocks, NULL, &err), 0);
	assert_true(hub->hosts[0].lost);
	assert_int_equal(listen_to(hub, 0, &h), 0);
	fl_hub_clocks_close(clocks);
	fl_hub_close(hub);
	agents_kill(&a);
}

/* Eight are asked at once. The ninth, which still owes an answer, gives one to a question that was not put to it yet:
 * it is asked when it has its place, and not before. */
static void test_clocks_of_the_early(void **state)
{
	struct fl_hub *hub = open_hub(9, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct fl_hub_clocks *clocks = fl_hub_clocks_open(hub, 0);
	struct fl_hub_host *early = &hub->hosts[8];
	json_t *message = json_pack("{s:s, s:i, s:i}", "is", "clock", "sent_ns", 0, "at_ns", 1);
	struct fl_err err = { 0 };

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		agents_start(&a, hub, &(struct agent_way){ .rank = (int)i, .host = names[i] });
	gathers(hub);
	early->clocks_due = 1;
	for (unsigned i = 0; i < 9; i++)
		fl_hub_clocks_ask(clocks, &hub->hosts[i]);
	assert_int_equal(fl_hub_clocks_hear(clocks, early, message, &err), 0);
	assert_int_equal(early->clocks_due, 0);
	assert_int_equal(fl_hub_clocks_wait(clocks, NULL, &err), 0);
	clock_is(early, 0);
	assert_int_equal(early->messages, 2 + 8);
	json_decref(message);
	fl_hub_clocks_close(clocks);
	fl_hub_close(hub);
	agents_kill(&a);
}

/* One that hangs, and one that says what no clock can say: both are lost, the third has its clock. */
static void test_clocks_of_the_hung(void **state)
{
	struct fl_hub *hub = open_hub(3, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct heard h = { .refuses = -1 };
	const struct fl_hub_ears ears = { .hear = hear, .lost = lost, .arg = &h };
	struct fl_err err = { 0 };

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1", .hangs = true });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2", .clock_shift_ns = INT64_MIN / 2 });
	agents_start(&a, hub, &(struct agent_way){ .rank = 2, .host = "n3" });
	gathers(hub);
	assert_int_equal(fl_hub_clocks(hub, 0, &ears, &err), 0);
	assert_int_equal(h.lost, 1); /* the second, while the clocks were asked */
	assert_int_equal(listen_to(hub, 0, &h), 0);
	assert_int_equal(h.lost, 2);
	says(hub->hosts[0].why.what, "it does not answer");
	says(hub->hosts[1].why.what, "'at_ns' is -");
	clock_is(&hub->hosts[2], 0);
	fl_hub_close(hub);
	agents_kill(&a);
}

/* ---- rest */

static void test_not_too_many(void **state)
{
	struct fl_hub_spec spec = { .n = FL_HOSTS_MAX + 1, .listen_fd = -1 };
	struct fl_err err = { 0 };
	struct fl_hub *hub;

	(void)state;
	assert_int_equal(fl_hub_open(&spec, &hub, &err), -EINVAL);
	spec.n = 0;
	assert_int_equal(fl_hub_open(&spec, &hub, &(struct fl_err){ 0 }), -EINVAL);
	spec = (struct fl_hub_spec){ .n = 1, .listen_fd = -1, .bind = "203.0.113.7" };
	err = (struct fl_err){ 0 };
	assert_true(fl_hub_open(&spec, &hub, &err) < 0);
	says(err.what, "listen for agents");
}

static void test_all_addresses(void **state)
{
	const struct fl_hub_spec spec = { .n = 3, .names = names, .listen_fd = -1 };
	struct fl_err err = { 0 };
	struct fl_bootstrap b;
	struct fl_hub *hub;

	(void)state;
	assert_int_equal(fl_hub_open(&spec, &hub, &err), 0);
	fl_hub_bootstrap(hub, 2, &b);
	assert_true(b.addresses_n >= 1);
	for (size_t i = 0; i < b.addresses_n; i++)
		assert_true(fl_address_is_numeric(b.addresses[i]));
	assert_int_equal(b.rank, 2);
	assert_int_equal(b.size, 3);
	assert_string_equal(b.host, "n3");
	assert_int_equal(b.port, hub->port);
	assert_memory_equal(&b.secret, &hub->secret, sizeof(b.secret));
	fl_bootstrap_release(&b);
	fl_hub_close(hub);
	fl_hub_close(NULL);
}

/* Nobody polls: in two seconds without a word the hub wakes up for its ticks, the agent for its, and that is all. */
static void test_idle(void **state)
{
	struct fl_hub *hub = open_hub(1, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct heard h = { .refuses = -1 };
	struct rusage before, after, agent;

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	gathers(hub);
	getrusage(RUSAGE_SELF, &before);
	getrusage(RUSAGE_CHILDREN, &agent);
	assert_int_equal(listen_to(hub, 2 * agent_second_ns, &h), 0);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_nvcsw - before.ru_nvcsw < 60);
	fl_hub_close(hub);
	assert_int_equal(agents_wait(&a, 0), 0);
	getrusage(RUSAGE_CHILDREN, &after);
	assert_true(after.ru_nvcsw - agent.ru_nvcsw < 120); /* joining included */
	agents_kill(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_hosts),
		cmocka_unit_test(test_ways_to_the_hub),
		cmocka_unit_test(test_wrong_hubs_on_the_way),
		cmocka_unit_test(test_no_way),
		cmocka_unit_test(test_nobody_comes),
		cmocka_unit_test(test_one_does_not_come),
		cmocka_unit_test(test_launching_failed),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_other_secret),
		cmocka_unit_test(test_other_secret_is_harmless),
		cmocka_unit_test(test_second_of_a_rank),
		cmocka_unit_test(test_scanners),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_joining_fails),
		cmocka_unit_test(test_two_of_a_name),
		cmocka_unit_test(test_one_machine),
		cmocka_unit_test(test_another_run),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_clocks_meanwhile),
		cmocka_unit_test(test_clocks_of_the_early),
		cmocka_unit_test(test_clocks_of_the_hung),
		cmocka_unit_test(test_not_too_many),
		cmocka_unit_test(test_all_addresses),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
