/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry.h: what the devices of the machine did beside a case, as series. A child (`feedline-sense watch`) looks at
 * them: drives, NICs, nodes and pressure by what the kernel shows, GPUs by their driver's library. It lives as long as
 * the run, sits on CPUs that no lane of the case has, where there are any, and is silent between cases.
 *
 * In a case that measures a rate it looks every 100 ms, from the warm-up to the end of the window; a question that
 * costs more than 50 us of a CPU is asked less often (sense/watch.h). Where a lane measures a time it would disturb
 * what it is beside: there it looks just before the window and just after it, and does not even wake up in between.
 *
 * Messages are those of base/message.h, over the same kind of socket; the agent reads them as hostile input (heard.h):
 *
 *   agent -> watcher  {"do":"watch","kind":"drive"|"nic"|"node"|"gpu","subject":"nvme-S1",...}   once each, at first:
 *                     drive, nic, node: "name": as the kernel calls it; nic: "rdma"; node: "cpus"; gpu: "uuid", "pci"
 *   agent -> watcher  {"do":"start"}                           that was all
 *   watcher -> agent  {"is":"ready"}                           GPUs were found, as far as they can be
 *   agent -> watcher  {"do":"sample","period_ns":100000000,"cpus":"2-3"}   look again and again, from now on
 *   agent -> watcher  {"do":"window"}                          the window begins: what is costly is asked in it alone
 *   agent -> watcher  {"do":"quiet","cpus":"2-3"}              look once more, send everything, and be still
 *   watcher -> agent  {"is":"series","subject":"gpu-0000:41:00.0","at_ns":[...],"metrics":{"power_w":[...], ...}}
 *   watcher -> agent  {"is":"event","subject":"...","at_ns":1,"what":"xid 79","n":1}   n of them since the last such
 *                     message, the first at that time
 *   watcher -> agent  {"is":"lost","subject":"...","what":"nvmlDeviceGetPowerUsage has not returned for 5 s"}
 *   watcher -> agent  {"is":"cost","at_ns":1,"cpu_ns":1,"wall_ns":1,"calls":1,"longest_call_ns":1}   since the last one
 *   watcher -> agent  {"is":"quiet"}                           now it is; behind all that it had to send
 *   agent -> watcher  {"do":"quit"}
 *
 * A watcher that hangs, floods, lies or dies costs the series of the case and those that would come after it, and one
 * line; never the run. Everything here may be called with NULL: nothing is watched. */
#ifndef FL_RUN_TELEMETRY_H
#define FL_RUN_TELEMETRY_H
#include "run/case.h"

struct fl_telemetry;

/* Does a case of the plan want it? */
bool fl_telemetry_wanted(const struct fl_plan *plan);
/* Starts it and waits until it has found the GPUs, at most 31 s. NULL: it cannot be started, which the watch of the
 * agent is told. agent must outlive it. */
struct fl_telemetry *fl_telemetry_start(const struct fl_agent *agent);
void fl_telemetry_end(struct fl_telemetry *t);

/* Of a case, in this order. begin: before its lanes start; window: just before the window, and again just after it, or
 * when the case has failed; listen: now and then between these. */
void fl_telemetry_begin(struct fl_telemetry *t, const struct fl_case *c);
void fl_telemetry_window(struct fl_telemetry *t, bool ends);
void fl_telemetry_listen(struct fl_telemetry *t);
/* What was seen, appended to the run. Returns why there is nothing, where there should be something; else NULL. */
const char *fl_telemetry_collect(struct fl_telemetry *t, const struct fl_case *c, struct fl_run *run);

/* Does a lane of the case measure a time? */
bool fl_case_is_quiet(const struct fl_case *c);
/* The CPUs that no lane of the case has; if there are none, all. */
struct fl_cpus fl_case_spare_cpus(const struct fl_case *c);

#endif
