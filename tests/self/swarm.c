/* SPDX-License-Identifier: Apache-2.0 */
/* swarm.c: what many hosts cost the hub. N agents that measure nothing, in one process, against a real hub in another,
 * over the loopback; each tells MACHINE.json, and of every case what an agent tells. Prints messages and bytes at the
 * hub by case and host, its memory, and how long a case takes to start: from its first message until all hosts have
 * their time to start at.
 *   swarm [N [MACHINE.json [CASES [LANES]]]]     1024 hosts, tests/fixtures/machines/eight-gpus.json, 10 cases of 8
 *                                                lanes a host */
#include "../unit/swarm.h"
#include "base/units.h"
#include "hosts/hub.h"
#include <feedline/clock.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static const uint64_t limit_ns = UINT64_C(120000000000);

struct phase {
	const char *answer;
	size_t left;
	unsigned lost;
};

struct sum {
	uint64_t start_ns, clocks_ns, end_ns; /* of all cases */
	uint64_t start_cpu_ns;
	uint64_t messages, bytes;
};

static int hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	struct phase *p = arg;
	const char *is = fl_json_text_or_null(message, "is");

	(void)host;
	(void)err;
	if (is && !strcmp(is, p->answer))
		p->left--;
	return p->left == 0;
}

static void lost(void *arg, struct fl_hub_host *host)
{
	struct phase *p = arg;

	fprintf(stderr, "swarm: %s: %s\n", host->name, host->why.what);
	p->lost++;
}

static int wait_for(struct fl_hub *hub, const char *answer)
{
	struct phase p = { .answer = answer, .left = hub->n };
	const struct fl_hub_ears ears = { .hear = hear, .lost = lost, .arg = &p };

	return fl_hub_listen(hub, fl_now_ns() + limit_ns, &ears, NULL) == 1 && !p.lost ? 0 : -1;
}

/* A lane as one of a plan that spans hosts: its options, place and devices, and an address of each of its group. */
static json_t *make_lane(unsigned number)
{
	return json_pack("{s:i, s:s, s:{s:s, s:s, s:s}, s:{}, s:s, s:i, s:i, s:i, s:i, s:[s, s]}", "number",
			 (int)number, "bench", "tcp.stream", "options", "streams", "8", "block_bytes", "1048576",
			 "engine", "io_uring", "devices", "cpus", "0-7", "node", 0, "rank", (int)(number % 2), "size",
			 2, "step_ns", 2000000, "addresses", "10.1.0.1", "10.1.0.2");
}

static void tell_case(struct fl_hub *hub, unsigned lanes)
{
	for (size_t i = 0; i < hub->n; i++) {
		json_t *list = json_array(), *message;

		for (unsigned k = 0; k < lanes; k++)
			json_array_append_new(list, make_lane((unsigned)i * lanes + k));
		message = json_pack("{s:s, s:i, s:i, s:o}", "do", "case", "case", 0, "round", 0, "lanes", list);
		fl_hub_tell(hub, &hub->hosts[i], message);
		json_decref(message);
	}
}

/* Each host hears the time on its own clock. */
static void tell_start(struct fl_hub *hub)
{
	uint64_t at_ns = fl_now_ns() + UINT64_C(100000000);

	for (size_t i = 0; i < hub->n; i++) {
		struct fl_hub_host *host = &hub->hosts[i];
		json_t *message = json_pack("{s:s, s:I}", "do", "start", "at_ns",
					    (json_int_t)((int64_t)at_ns + host->clock_offset_ns));

		fl_hub_tell(hub, host, message);
		json_decref(message);
	}
}

static int finish_case(struct fl_hub *hub)
{
	static const char *const phases[][2] = { { "window", "narrow" }, { "close", "covered" }, { "stop", "over" } };
	int rc = wait_for(hub, "warm");

	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]) && rc == 0; i++) {
		json_t *message = json_pack("{s:s}", "do", phases[i][0]);

		fl_hub_tell_all(hub, message);
		json_decref(message);
		rc = wait_for(hub, phases[i][1]);
	}
	return rc;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int run_case(struct fl_hub *hub, unsigned lanes, struct sum *sum)
{
	uint64_t began_ns = fl_now_ns(), began_cpu_ns = cpu_ns(), asked_ns, started_ns;

	tell_case(hub, lanes);
	if (wait_for(hub, "ready") < 0)
		return -1;
	asked_ns = fl_now_ns();
	if (fl_hub_clocks(hub, 0, NULL, NULL) < 0)
		return -1;
	sum->clocks_ns += fl_now_ns() - asked_ns;
	tell_start(hub);
	started_ns = fl_now_ns();
	sum->start_ns += started_ns - began_ns;
	sum->start_cpu_ns += cpu_ns() - began_cpu_ns;
	if (finish_case(hub) < 0)
		return -1;
	sum->end_ns += fl_now_ns() - started_ns;
	return 0;
}

static void count(const struct fl_hub *hub, struct sum *sum)
{
	sum->messages = sum->bytes = 0;
	for (size_t i = 0; i < hub->n; i++) {
		sum->messages += hub->hosts[i].messages;
		sum->bytes += hub->hosts[i].bytes;
	}
}

static uint64_t worst_error_ns(const struct fl_hub *hub)
{
	uint64_t worst_ns = 0;

	for (size_t i = 0; i < hub->n; i++)
		if (hub->hosts[i].clock_error_ns > worst_ns)
			worst_ns = hub->hosts[i].clock_error_ns;
	return worst_ns;
}

static void print(const char *what, double value, const char *unit)
{
	printf("%-52s %12.2f %s\n", what, value, unit);
}

/* joined: what was counted when all had come. */
static void print_all(const struct fl_hub *hub, const struct sum *joined, const struct sum *all, unsigned cases)
{
	double n = (double)hub->n;
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	print("hosts", n, "");
	print("messages to the hub to join, a host", (double)joined->messages / n, "");
	print("bytes to the hub to join, a host", (double)joined->bytes / n / 1024, "KiB");
	print("messages to the hub, a case and host", (double)(all->messages - joined->messages) / n / cases, "");
	print("messages to the hub, a case", (double)(all->messages - joined->messages) / cases, "");
	print("bytes to the hub, a case and host", (double)(all->bytes - joined->bytes) / n / cases, "B");
	print("memory of the hub at most", (double)used.ru_maxrss / 1024, "MiB");
	print("to start a case (mean)", (double)all->start_ns / cases / 1e6, "ms");
	print("  of it, CPU time of the hub", (double)all->start_cpu_ns / cases / 1e6, "ms");
	print("  of it, to measure the clocks", (double)all->clocks_ns / cases / 1e6, "ms");
	print("to end a case, with one record a host (mean)", (double)all->end_ns / cases / 1e6, "ms");
	print("clocks are known to", (double)worst_error_ns(hub) / 1e3, "us or better");
}

static int run_hub(struct fl_hub *hub, unsigned cases, unsigned lanes)
{
	struct sum joined = { 0 }, all = { 0 };
	struct fl_err err = { 0 };

	if (fl_hub_gather(hub, limit_ns, NULL, &err) < 0) {
		fprintf(stderr, "swarm: %s\n", err.what);
		return 1;
	}
	count(hub, &joined);
	for (unsigned i = 0; i < cases; i++)
		if (run_case(hub, lanes, &all) < 0)
			return 1;
	count(hub, &all);
	print_all(hub, &joined, &all, cases);
	return 0;
}

/* The agents, forked before the hub knows anything, so that its memory is its own. */
static int run_agents(const struct fl_bootstrap *b, size_t n, const char *machine_path)
{
	json_t *machine = NULL, *environment = json_pack("{s:{s:s}}", "libraries", "glibc", "2.36"), *lane;
	struct fl_err err = { 0 };
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fl_json_load(machine_path, 16 << 20, &machine, &err) < 0) {
		fprintf(stderr, "swarm: %s\n", err.what);
		return 1;
	}
	lane = json_pack("{s:s, s:o}", "is", "lane", "lane", make_lane(0));
	rc = swarm_run(b, n, machine, environment, lane);
	json_decref(machine);
	json_decref(environment);
	json_decref(lane);
	return rc;
}

static unsigned number(int argc, char **argv, int i, unsigned otherwise, unsigned max)
{
	uint64_t value;

	if (i >= argc || fl_parse_count(argv[i], &value, NULL) < 0 || value < 1 || value > max)
		return otherwise;
	return (unsigned)value;
}

int main(int argc, char **argv)
{
	const char *machine = argc > 2 ? argv[2] : TESTS_DIR "/fixtures/machines/eight-gpus.json";
	struct fl_hub_spec spec = { .n = number(argc, argv, 1, 1024, FL_HOSTS_MAX),
				    .listen_fd = -1,
				    .bind = "127.0.0.1" };
	struct fl_err err = { 0 };
	struct fl_bootstrap b;
	struct fl_hub *hub;
	int status = 1;
	pid_t pid;

	if (fl_hub_open(&spec, &hub, &err) < 0) {
		fprintf(stderr, "swarm: %s\n", err.what);
		return 1;
	}
	fl_hub_bootstrap(hub, 0, &b);
	pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0) {
		close(hub->listen_fd);
		_exit(run_agents(&b, spec.n, machine));
	}
	fl_bootstrap_release(&b);
	status = run_hub(hub, number(argc, argv, 3, 10, 1000), number(argc, argv, 4, 8, 1000));
	fl_hub_close(hub);
	waitpid(pid, NULL, 0);
	return status;
}
