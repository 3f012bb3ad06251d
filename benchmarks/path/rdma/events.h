/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/events.h: what a device says without being asked: that a port went down, that it gave up a queue, or
 * itself. A request that goes nowhere tells only that nothing came back; this is why, where the device knows it. */
#ifndef PATH_RDMA_EVENTS_H
#define PATH_RDMA_EVENTS_H
#include "path/rdma/port.h"

/* How what was measured over the port came out, in the light of what the device has said since the port was opened.
 * rc 0, and the port was up all the time: 0. rc 0, but the port went down, whether it came back or not: -ENETDOWN; the
 * device failed: -EIO: what was measured is not what they can do. A negative rc stays, with its reason in err; where
 * the device said something, the hint tells it. Safe from several threads. */
int fl_rdma_events_judge(struct fl_rdma_port *p, int rc, struct fl_err *err);

#endif
