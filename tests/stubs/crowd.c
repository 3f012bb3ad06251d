/* SPDX-License-Identifier: Apache-2.0 */
/* crowd: a hub, or an agent, of a run over hosts that plays scripts, for tests that put the processes where they want.
 *
 *   crowd hub N ADDRESS DIR PREFIX STORE CASE...    writes DIR/<rank>.line for each agent, waits for N of them, runs
 *                                                   the cases into the store and prints a line a lane, then the status
 *   crowd agent PREFIX [JOURNALS] <LINE             one of them
 *
 * CASE: lanes with commas, each HOST:SCRIPT of null.scripted, HOST-HOST:PART of null.scripted_group, or HOST=HOST:PART
 * of null.scripted_lockstep, with /WORD at its end for the timeout in ms. CROWD_MS: how long a case lasts; 0: until it
 * is narrow. CROWD_GRACE_MS: what agents may need beyond that. CROWD_DIE: the number of a case whose records are not
 * stored any more: the hub is killed. CROWD_JUMP_MS: by so much the clock of an agent jumps at SIGUSR1. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "base/text.h"
#include "hosts/agent.h"
#include "hosts/crew_parts.h"
#include "judge/judge.h"
#include "jump.h"
#include "record/store.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	interrupted = signal;
}

static int say_error(const struct fl_err *err)
{
	fprintf(stderr, "crowd: %s%s%s\n", err->what, err->hint[0] ? "; hint: " : "", err->hint);
	return 3;
}

static struct fl_catalog *load_catalog(const char *prefix)
{
	char *dir = fl_format("%s/share/feedline/manifests", prefix);
	struct fl_catalog *catalog = NULL;
	struct fl_err err = { 0 };

	if (fl_catalog_load(dir, &catalog, &err) < 0)
		exit(say_error(&err));
	free(dir);
	return catalog;
}

static uint64_t number_said(const char *name, uint64_t otherwise)
{
	const char *said = getenv(name);

	return said ? strtoull(said, NULL, 10) : otherwise;
}

/* ---- an agent */

static int be_agent(int argc, char **argv)
{
	struct fl_serve serve = { .prefix = argv[2],
				  .catalog = load_catalog(argv[2]),
				  .journal = argc > 3 ? argv[3] : NULL,
				  .patience_ns = number_said("CROWD_PATIENCE_MS", 0) * 1000000,
				  .argc = argc,
				  .argv = argv,
				  .interrupt = &interrupted };
	struct fl_bootstrap b;
	struct fl_err err = { 0 };
	int rc;

	jump_at_signal((int)number_said("CROWD_JUMP_MS", 0));
	rc = fl_bootstrap_read(STDIN_FILENO, fl_now_ns() + UINT64_C(20000000000), &b, &err);
	if (rc == 0) {
		rc = fl_agent_serve(&serve, &b, &err);
		fl_bootstrap_release(&b);
	}
	fl_catalog_free((struct fl_catalog *)(uintptr_t)serve.catalog);
	return rc < 0 ? say_error(&err) : 0;
}

/* ---- the plan */

static void add_option(struct fl_plan_lane *lane, const char *name, const char *text)
{
	lane->options = fl_grow(lane->options, lane->options_n + 1, sizeof(*lane->options));
	lane->options[lane->options_n++] = (struct fl_option){ .name = fl_dup(name), .text = fl_dup(text) };
}

/* Its declared options, but for the one that says what to play. */
static void add_presets(struct fl_plan_lane *lane, const struct fl_catalog *catalog, const char *but)
{
	const struct fl_entry *entry;

	if (fl_catalog_find(catalog, lane->bench, &entry, NULL) < 0)
		exit(2);
	for (const struct fl_field *f = entry->fields; f->name; f++) {
		char *text = NULL;

		if (strcmp(f->name, but) == 0)
			continue;
		if (fl_field_canon(f, f->preset, &text, NULL) == 0)
			add_option(lane, f->name, text);
		free(text);
	}
}

static struct fl_plan_lane *add_lane(struct fl_plan_case *c, const char *bench, unsigned host)
{
	struct fl_plan_lane *lane;

	c->lanes = fl_grow(c->lanes, c->lanes_n + 1, sizeof(*c->lanes));
	lane = &c->lanes[c->lanes_n];
	*lane = (struct fl_plan_lane){ .bench = fl_dup(bench), .node = -1, .host = host, .shares_cpus = true };
	lane->worker = lane->group = (unsigned)c->lanes_n++;
	lane->size = 1;
	fl_cpus_add(&lane->cpus, 0);
	return lane;
}

/* "0:ok/500", "0-1:ok" or "0=1:ok" */
static void plan_lane(struct fl_plan_case *c, const struct fl_catalog *catalog, char *word)
{
	char *script = strchr(word, ':'), *limit = strchr(word, '/'), *peer = strpbrk(word, "-=");
	unsigned group = (unsigned)c->lanes_n;
	const char *bench = !peer ? "null.scripted" : *peer == '=' ? "null.scripted_lockstep" : "null.scripted_group";
	char *text = NULL;

	if (!script)
		exit(2);
	*script++ = 0;
	if (limit)
		*limit++ = 0;
	if (limit)
		text = fl_format("%llu", strtoull(limit, NULL, 10) * 1000000);
	for (unsigned rank = 0; rank < (peer ? 2U : 1U); rank++) {
		unsigned host = (unsigned)strtoul(rank ? peer + 1 : word, NULL, 10);
		struct fl_plan_lane *lane = add_lane(c, bench, host);

		lane->rank = rank;
		lane->size = peer ? 2 : 1;
		lane->group = group;
		add_option(lane, peer ? "part" : "script", script);
		add_presets(lane, catalog, lane->options[0].name);
		if (text)
			add_option(lane, "timeout", text);
	}
	free(text);
}

static void plan_case(struct fl_plan *plan, const struct fl_catalog *catalog, const char *words, uint64_t duration_ns)
{
	struct fl_plan_case *c;
	char *copy = fl_dup(words), *rest = copy, *word;

	plan->cases = fl_grow(plan->cases, plan->cases_n + 1, sizeof(*plan->cases));
	c = &plan->cases[plan->cases_n++];
	*c = (struct fl_plan_case){
		.label = fl_dup(words), .rounds = 1, .rounds_least = 1, .duration_ns = duration_ns
	};
	while ((word = strsep(&rest, ",")))
		plan_lane(c, catalog, word);
	free(copy);
}

static struct fl_plan *make_plan(const struct fl_hub *hub, const struct fl_catalog *catalog, int cases, char **words)
{
	uint64_t duration_ns = number_said("CROWD_MS", 300) * 1000000;
	struct fl_plan *plan = fl_zalloc(1, sizeof(*plan));

	plan->suite = fl_dup("crowd");
	for (int i = 0; i < cases; i++)
		plan_case(plan, catalog, words[i], duration_ns);
	plan->studies = fl_zalloc(1, sizeof(*plan->studies));
	plan->studies[0] = (struct fl_study){ .label = fl_dup("crowd"), .cases_n = (unsigned)plan->cases_n };
	plan->studies_n = 1;
	plan->hosts = fl_zalloc(hub->n, sizeof(*plan->hosts));
	for (size_t i = 0; i < hub->n; i++)
		plan->hosts[plan->hosts_n++] = fl_dup(hub->hosts[i].name);
	return plan;
}

/* ---- the hub */

static void write_lines(const struct fl_hub *hub, const char *dir)
{
	for (unsigned i = 0; i < hub->n; i++) {
		struct fl_bootstrap b;
		char *part = fl_format("%s/%u.part", dir, i), *path = fl_format("%s/%u.line", dir, i), *line;
		int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		fl_hub_bootstrap(hub, i, &b);
		line = fl_bootstrap_format(&b);
		if (fd < 0 || write(fd, line, strlen(line)) < 0 || close(fd) < 0 || rename(part, path) < 0)
			exit(2);
		fl_bootstrap_release(&b);
		free(line);
		free(path);
		free(part);
	}
}

static struct fl_run *new_run(const struct fl_hub *hub, const struct fl_plan *plan, const struct fl_catalog *catalog)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));
	const struct fl_entry *entry;

	run->plan = fl_plan_json(plan);
	run->machine = fl_machine_json(hub->hosts[0].machine);
	run->environment = json_incref(hub->hosts[0].environment);
	run->declared = json_object();
	for (size_t i = 0; i < catalog->n; i++)
		if (strncmp(catalog->entries[i].name, "null.scripted", 13) == 0 &&
		    fl_catalog_find(catalog, catalog->entries[i].name, &entry, NULL) == 0)
			json_object_set_new(run->declared, entry->name, fl_entry_json(entry));
	for (size_t i = 0; i < hub->n; i++)
		fl_run_add_host(run, hub->hosts[i].name, fl_machine_json(hub->hosts[i].machine),
				json_incref(hub->hosts[i].environment));
	return run;
}

static void print_lanes(const struct fl_run *run)
{
	for (size_t i = 0; i < run->lanes_n; i++) {
		const struct fl_lane_record *lane = &run->lanes[i];
		const char *host = fl_json_text_or_null(lane->placement, "host");
		double error_ns = fl_json_number_or_nan(lane->notes, "clock_error_ns");

		printf("case %u lane %u on %s: %s%s%s; %zu series, clock %s", lane->case_no, lane->lane,
		       host ? host : "nowhere", fl_outcome_name(lane->outcome), lane->reason ? ": " : "",
		       lane->reason ? lane->reason : "", lane->series_n, error_ns >= 0 ? "known" : "unknown");
		for (size_t k = 0; k < json_array_size(lane->distrust); k++)
			printf("; distrust: %s", json_string_value(json_array_get(lane->distrust, k)));
		printf("\n");
	}
	for (size_t i = 0; i < run->watched_n && i < 1; i++)
		printf("watched %s\n", run->watched[i].subject);
}

static void case_starts(void *arg, const struct fl_plan *plan, const struct fl_results *results,
			const struct fl_plan_step *step)
{
	(void)arg;
	(void)results;
	fprintf(stderr, "crowd: case %u: %s\n", step->case_no, plan->cases[step->case_no].label);
}

/* A crew whose hub dies. */
struct mortal {
	struct fl_crew crew;
	struct fl_crew *real;
};

static int die_after(struct fl_crew *self, struct fl_agent *agent, const struct fl_plan *plan,
		     const struct fl_plan_step *at, struct fl_run *run, struct fl_err *err)
{
	struct fl_crew *real = ((struct mortal *)self)->real;
	int rc = real->run_case(real, agent, plan, at, run, err);

	if (at->case_no == number_said("CROWD_DIE", UINT64_MAX))
		raise(SIGKILL);
	return rc;
}

static void stored(struct fl_crew *self)
{
	struct fl_crew *real = ((struct mortal *)self)->real;

	real->stored(real);
}

static int carry_out(struct fl_hub *hub, struct fl_plan *plan, struct fl_agent *agent, struct fl_run *run,
		     const char *path, struct fl_err *err)
{
	struct mortal mortal = { .crew = { .run_case = die_after, .stored = stored } };
	struct fl_store *store = NULL;
	struct fl_judgement *j = NULL;
	int rc = fl_store_open(path, true, &store, err);

	if (rc < 0)
		return rc;
	mortal.real = fl_crew_make(hub, plan);
	((struct fl_crew_own *)mortal.real)->grace_ns = number_said("CROWD_GRACE_MS", 10000) * 1000000;
	agent->crew = &mortal.crew;
	rc = fl_store_begin(store, run, err);
	if (rc == 0) {
		printf("run %s\n", run->id);
		fflush(stdout);
		rc = fl_run_plan(agent, plan, run, store, err);
	}
	print_lanes(run);
	agent->crew = NULL;
	fl_crew_free(mortal.real);
	run->finished = rc == 0;
	if (rc == 0)
		rc = fl_judge(run, &j, err);
	if (rc == 0)
		rc = fl_store_finish(store, run->id, (int)j->status, err);
	if (rc == 0)
		rc = (int)j->status;
	fl_judgement_free(j);
	fl_store_close(store);
	return rc;
}

/* Of the hosts that have come. */
static int be_crowd(struct fl_hub *hub, struct fl_agent *agent, int argc, char **argv, struct fl_err *err)
{
	struct fl_plan *plan = make_plan(hub, agent->catalog, argc - 7, argv + 7);
	struct fl_run *run = new_run(hub, plan, agent->catalog);
	int rc;

	agent->machine = hub->hosts[0].machine;
	rc = carry_out(hub, plan, agent, run, argv[6], err);
	fl_run_free(run);
	fl_plan_free(plan);
	return rc;
}

static int be_hub(int argc, char **argv)
{
	const struct fl_hub_spec spec = {
		.n = (unsigned)strtoul(argv[2], NULL, 10), .listen_fd = -1, .bind = argv[3], .interrupt = &interrupted
	};
	const struct fl_watch watch = { .case_starts = case_starts };
	struct fl_agent agent = {
		.prefix = argv[5], .catalog = load_catalog(argv[5]), .watch = &watch, .interrupt = &interrupted
	};
	const char **names = fl_zalloc(spec.n, sizeof(*names));
	struct fl_hub_spec named = spec;
	struct fl_err err = { 0 };
	struct fl_hub *hub;
	int rc;

	for (unsigned i = 0; i < spec.n; i++)
		names[i] = fl_format("n%u", i + 1);
	named.names = names;
	rc = fl_hub_open(&named, &hub, &err);
	if (rc < 0)
		return say_error(&err);
	write_lines(hub, argv[4]);
	rc = fl_hub_gather(hub, UINT64_C(60000000000), NULL, &err);
	if (rc == 0)
		rc = be_crowd(hub, &agent, argc, argv, &err);
	fl_hub_close(hub);
	for (unsigned i = 0; i < spec.n; i++)
		free((char *)(uintptr_t)names[i]);
	free(names);
	fl_catalog_free((struct fl_catalog *)(uintptr_t)agent.catalog);
	if (rc < 0)
		rc = say_error(&err);
	printf("status %d\n", rc);
	return rc;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 2 && strcmp(argv[1], "agent") == 0)
		return be_agent(argc, argv);
	if (argc > 7 && strcmp(argv[1], "hub") == 0)
		return be_hub(argc, argv);
	fprintf(stderr, "crowd hub N ADDRESS DIR PREFIX STORE CASE... | crowd agent PREFIX [JOURNALS]\n");
	return 2;
}
