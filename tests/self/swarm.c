/* SPDX-License-Identifier: Apache-2.0 */
/* swarm.c: what many hosts cost the hub. N agents that measure nothing, in one process, against a real hub and its crew
 * in another, over the loopback; each tells MACHINE.json, and of every case what an agent tells. Prints messages and
 * bytes at the hub by case and host, its memory, and how long a case takes to start: until all hosts have their time
 * to start at.
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

static const uint64_t limit_ns = UINT64_C(120000000000), window_ns = UINT64_C(2000000000);

struct sum {
	uint64_t start_ns, start_cpu_ns, all_ns; /* of all cases */
	uint64_t messages, bytes;
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int run_case(struct swarm_crew *crew, const struct swarm_seen *seen, struct sum *sum)
{
	uint64_t began_ns = fl_now_ns(), began_cpu_ns = cpu_ns();
	struct fl_err err = { 0 };

	if (swarm_crew_run(crew, &err) < 0) {
		fprintf(stderr, "swarm: %s\n", err.what);
		return -1;
	}
	sum->start_ns += seen->started_ns - began_ns;
	sum->start_cpu_ns += seen->hub_cpu_ns - began_cpu_ns;
	sum->all_ns += fl_now_ns() - began_ns;
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

/* What hosts say of a case: ready, warm, covered, held, stopped, a record of each lane, over. The rest is of clocks. */
static double words(unsigned lanes)
{
	return 6 + (double)lanes;
}

/* joined: what was counted when all had come, and had been through the first case. */
static void print_all(const struct fl_hub *hub, const struct sum *joined, const struct sum *all, unsigned cases,
		      unsigned lanes)
{
	double n = (double)hub->n, messages = (double)(all->messages - joined->messages) / n / cases;
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	print("hosts", n, "");
	print("messages to the hub, a case and host", messages, "");
	print("  of them, about clocks", messages - words(lanes), "");
	print("bytes to the hub, a case and host", (double)(all->bytes - joined->bytes) / n / cases, "B");
	print("memory of the hub at most", (double)used.ru_maxrss / 1024, "MiB");
	print("to start the first case", (double)joined->start_ns / 1e6, "ms");
	print("to start a case (mean)", (double)all->start_ns / cases / 1e6, "ms");
	print("  of it, CPU time of the hub", (double)all->start_cpu_ns / cases / 1e6, "ms");
	print("a case, all of it (mean)", (double)all->all_ns / cases / 1e6, "ms");
	print("clocks are known to", (double)worst_error_ns(hub) / 1e3, "us or better");
}

static int run_hub(struct fl_hub *hub, const struct swarm_seen *seen, unsigned cases, unsigned lanes)
{
	struct sum joined = { 0 }, all = { 0 };
	struct fl_err err = { 0 };
	struct swarm_crew crew;
	int rc;

	if (fl_hub_gather(hub, limit_ns, NULL, &err) < 0) {
		fprintf(stderr, "swarm: %s\n", err.what);
		return 1;
	}
	swarm_crew_open(&crew, hub, lanes, window_ns);
	rc = run_case(&crew, seen, &joined);
	count(hub, &joined);
	for (unsigned i = 0; i < cases && rc == 0; i++)
		rc = run_case(&crew, seen, &all);
	count(hub, &all);
	if (rc == 0)
		print_all(hub, &joined, &all, cases, lanes);
	swarm_crew_close(&crew);
	return rc < 0;
}

/* The agents, forked before the hub knows anything, so that its memory is its own. */
static int run_agents(const struct fl_bootstrap *b, size_t n, const char *machine_path, struct swarm_seen *seen)
{
	json_t *machine = NULL, *environment = json_pack("{s:{s:s}}", "libraries", "glibc", "2.36");
	struct fl_err err = { 0 };
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fl_json_load(machine_path, 16 << 20, &machine, &err) < 0) {
		fprintf(stderr, "swarm: %s\n", err.what);
		return 1;
	}
	rc = swarm_run(b, n, machine, environment, seen);
	json_decref(machine);
	json_decref(environment);
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
	struct swarm_seen *seen = swarm_seen_make();
	struct fl_hub *hub;
	int status = 1;
	pid_t pid;

	if (!seen || fl_hub_open(&spec, &hub, &err) < 0) {
		fprintf(stderr, "swarm: %s\n", err.what);
		return 1;
	}
	fl_hub_bootstrap(hub, 0, &b);
	pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0) {
		close(hub->listen_fd);
		_exit(run_agents(&b, spec.n, machine, seen));
	}
	fl_bootstrap_release(&b);
	status = run_hub(hub, seen, number(argc, argv, 3, 10, 1000), number(argc, argv, 4, 8, 1000));
	fl_hub_close(hub);
	waitpid(pid, NULL, 0);
	return status;
}
