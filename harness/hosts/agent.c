/* SPDX-License-Identifier: Apache-2.0 */
/* agent.c: the life of an agent: join, begin, cases, end. */
#include "hosts/agent.h"
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/agent_parts.h"
#include "hosts/join.h"
#include "hosts/journal_file.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t look_for_ns = UINT64_C(60000000000);

/* ---- the run */

static int begin(struct fl_agent_own *own, const json_t *message, struct fl_err *err)
{
	const char *run = "", *host = "", *changed = fl_json_text_or_null(message, "changed");
	bool telemetry = true;
	int rc = fl_json_text(message, "begin", "run", &run, err);

	if (rc == 0)
		rc = fl_json_text(message, "begin", "host", &host, err);
	if (rc == 0)
		rc = fl_json_bool(message, "begin", "telemetry", &telemetry, err);
	if (rc < 0)
		return rc;
	if (own->begun)
		return fl_fail(err, -EPROTO, "the hub said 'begin' again");
	own->run = fl_dup(run);
	own->host = fl_dup(host);
	own->changed = fl_dup(changed);
	own->agent.changed = own->changed;
	if (own->serve->journal)
		rc = fl_agent_journal_open(own->serve->journal, run, host, &own->journal, err);
	if (rc == 0)
		rc = fl_station_open(&own->agent, telemetry, &own->station, err);
	own->begun = rc == 0;
	if (rc == 0)
		fl_agent_say(own, json_pack("{s:s}", "is", "begun"));
	return rc;
}

static int dispatch(struct fl_agent_own *own, const json_t *message, struct fl_err *err)
{
	const char *told = fl_json_text_or_null(message, "do");

	if (told && strcmp(told, "begin") == 0)
		return begin(own, message, err);
	if (told && strcmp(told, "case") == 0)
		return fl_agent_part_run(own, message, err);
	if (told && strcmp(told, "stored") == 0) {
		own->unstored = false;
		return 0;
	}
	if (told && strcmp(told, "end") == 0) {
		own->ended = true;
		return 0;
	}
	if (told && (strcmp(told, "cancel") == 0 || strcmp(told, "gathered") == 0))
		return 0; /* of a case that is over here */
	return fl_fail(err, -EPROTO, "the hub said '%.32s', and there is no case", told ? told : "nothing");
}

static int serve_hub(struct fl_agent_own *own, struct fl_err *err)
{
	int rc = 0;

	while (rc == 0 && !own->ended) {
		json_t *message = NULL;

		rc = fl_agent_next(own, &message, err);
		if (rc == 0)
			rc = dispatch(own, message, err);
		json_decref(message);
	}
	return own->ended ? 0 : rc;
}

/* ---- joining */

static struct fl_err no_lock(int *ret_fd)
{
	struct fl_err why = { 0 };

	*ret_fd = -1;
	fl_run_lock(ret_fd, &why);
	return why;
}

static int tell_machine(struct fl_agent_own *own, struct fl_machine **ret, struct fl_err *err)
{
	const struct fl_serve *serve = own->serve;
	json_t *machine, *environment, *visible;
	const char *devices = getenv("CUDA_VISIBLE_DEVICES"), *order = getenv("CUDA_DEVICE_ORDER");
	int rc = fl_run_sense(serve->prefix, ret, err);

	if (rc < 0)
		return rc;
	machine = fl_machine_json(*ret);
	environment = fl_run_environment(serve->argc, serve->argv, *ret, serve->catalog, NULL);
	visible = json_pack("{s:o, s:o}", "devices", fl_json_string(devices), "order", fl_json_string(order));
	rc = fl_join_tell_machine(own->wire, machine, environment, visible, err);
	if (rc < 0)
		fl_agent_lose_hub(own, err);
	json_decref(machine);
	json_decref(environment);
	json_decref(visible);
	return rc;
}

static int join(struct fl_agent_own *own, struct fl_bootstrap *bootstrap, const struct fl_err *lock, struct fl_err *err)
{
	const struct fl_join spec = { .bootstrap = bootstrap,
				      .catalog_digest = own->serve->catalog_digest,
				      .lock = lock->code ? lock->what : NULL,
				      .local_size = own->serve->local_size ? own->serve->local_size : 1,
				      .until_ns = fl_now_ns() + look_for_ns,
				      .interrupt = own->serve->interrupt };

	int rc = fl_join_connect(&spec, &own->wire, err);

	fl_bootstrap_forget(bootstrap);
	return rc;
}

/* The hub hears why, unless it is the hub that is gone. */
static void tell_end(struct fl_agent_own *own, int rc, const struct fl_err *why)
{
	if (rc < 0 && !own->gone && why->code)
		fl_join_tell_failed(own->wire, why);
}

static int live(struct fl_agent_own *own, struct fl_err *err)
{
	struct fl_machine *machine = NULL;
	int rc = tell_machine(own, &machine, err);

	own->agent.machine = machine;
	if (rc == 0)
		rc = serve_hub(own, err);
	if (own->begun)
		fl_station_close(&own->station);
	fl_machine_free(machine);
	return rc;
}

int fl_agent_serve(const struct fl_serve *serve, struct fl_bootstrap *bootstrap, struct fl_err *err)
{
	struct fl_agent_own own = {
		.serve = serve,
		.agent = { .prefix = serve->prefix, .catalog = serve->catalog, .interrupt = serve->interrupt }
	};
	struct fl_err why = { 0 };
	int lock_fd;
	struct fl_err lock = no_lock(&lock_fd);
	int rc = join(&own, bootstrap, &lock, &why);

	if (rc == 0) {
		rc = live(&own, &why);
		tell_end(&own, rc, &why);
	}
	fl_agent_journal_close(own.journal, !own.unstored);
	fl_wire_close(own.wire);
	if (lock_fd >= 0)
		close(lock_fd);
	free(own.run);
	free(own.host);
	free(own.changed);
	if (rc < 0 && err && !err->code)
		*err = why;
	return rc;
}
