/* SPDX-License-Identifier: Apache-2.0 */
/* agent_parts.h: an agent at work, shared by agent.c (its life), agent_hub.c (is there a hub?), agent_case.c (one part
 * of a case), agent_conduct.c (what the hub says meanwhile) and agent_records.c (what comes of it). */
#ifndef FL_HOSTS_AGENT_PARTS_H
#define FL_HOSTS_AGENT_PARTS_H
#include "hosts/agent.h"
#include "hosts/part.h"
#include "run/conductor.h"
#include "run/group.h"
#include "run/station.h"

struct fl_agent_journal; /* journal_file.h */

struct fl_agent_own {
	const struct fl_serve *serve;
	struct fl_wire *wire;
	struct fl_agent agent;
	struct fl_station station;
	bool begun; /* it has a station */
	char *run, *host, *changed;
	struct fl_agent_journal *journal; /* NULL: none */
	bool unstored;			  /* the hub has not said yet that all of it is in its store */
	unsigned round;			  /* of the last case */
	bool ended;			  /* the hub says that this is all */
	bool gone;			  /* the hub is gone: why */
	struct fl_err why;
	/* How long nothing has come, as far as it was looked for, and what had come by then (agent_hub.c). */
	uint64_t quiet_ns, looked_ns, heard_bytes;
};

/* What conducts a part: the hub. */
struct fl_agent_part {
	struct fl_conductor conductor;
	struct fl_group_link link;
	struct fl_agent_own *own;
	struct fl_part part;
	/* told with "collect" */
	json_t *clock_offset, *clock_error, *distrust;
	uint64_t moved_at_ns;
};

/* agent_hub.c */
/* The hub is gone for the agent, for that reason: it hears nothing more, and nothing of it is waited for. */
void fl_agent_lose_hub(struct fl_agent_own *own, const struct fl_err *why);
/* To be asked again and again while it is waited for: a hub that has said nothing for too long is lost. */
void fl_agent_look_at_hub(struct fl_agent_own *own);
/* Waits for the next message, new reference. Below 0: the hub is lost, or -EINTR. */
int fl_agent_next(struct fl_agent_own *own, json_t **ret, struct fl_err *err);

/* agent_case.c: carries out what the message says, and sends the records. Below 0 with *err: the agent is over. */
int fl_agent_part_run(struct fl_agent_own *own, const json_t *message, struct fl_err *err);

/* agent_conduct.c */
void fl_agent_part_conduct(struct fl_agent_part *p); /* fills conductor and link */
/* One message of the hub's. Below 0 with *err: the agent is over. */
int fl_agent_part_hear(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err);
/* Queues a message. Failures are met when it is heard next. Takes the message. */
void fl_agent_say(struct fl_agent_own *own, json_t *message);

/* agent_records.c: lanes and what was watched go into the journal, then to the hub, as long as there is one. Below 0:
 * the journal cannot be written. */
int fl_agent_send_records(struct fl_agent_part *p, struct fl_run *run, struct fl_err *err);

#endif
