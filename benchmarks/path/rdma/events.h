/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/events.h: what a device says without being asked: that a port went down, that it gave up a queue, or
 * itself. A request that goes nowhere tells only that nothing came back; this is why, where the device knows it. */
#ifndef PATH_RDMA_EVENTS_H
#define PATH_RDMA_EVENTS_H
#include "path/rdma/port.h"

/* How what was measured over the port came out (rc, with its reason in err), in the light of what the device has said
 * since the port was opened. What was well (0), or called off since the other side failed (-ECANCELED), while the port
 * went down, whether it came back or not: -ENETDOWN; while the device failed: -EIO. All else stays; where the device
 * said something, the hint tells it. Safe from several threads. */
int fl_rdma_events_judge(struct fl_rdma_port *p, int rc, struct fl_err *err);

#endif
