/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/events.c: what a device says without being asked. */
#include "path/rdma/events.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* All that is of interest, one bit each: a port that flaps says the same again and again. */
enum { DOWN = 1, BACK = 2, DEVICE = 4, QUEUE = 8 };

static unsigned bit_of(const struct fl_rdma_port *p, const struct ibv_async_event *event)
{
	switch (event->event_type) {
	case IBV_EVENT_PORT_ERR:
		return event->element.port_num == p->number ? DOWN : 0;
	case IBV_EVENT_PORT_ACTIVE:
		return event->element.port_num == p->number ? BACK : 0;
	case IBV_EVENT_DEVICE_FATAL:
		return DEVICE;
	case IBV_EVENT_CQ_ERR:
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
		return QUEUE;
	default: /* of other addresses, subnet managers, the other side's first message */
		return 0;
	}
}

/* Reading never waits: the port was opened so. An event that is not acknowledged keeps what it is of from being
 * destroyed. */
static unsigned hear(struct fl_rdma_port *p)
{
	struct ibv_async_event event;

	while (ibv_get_async_event(p->context, &event) == 0) {
		atomic_fetch_or(&p->heard, bit_of(p, &event));
		ibv_ack_async_event(&event);
	}
	return atomic_load(&p->heard);
}

static void describe(const struct fl_rdma_port *p, unsigned heard, char *ret, size_t room)
{
	if (heard & DEVICE)
		snprintf(ret, room, "%s said that it failed", p->device);
	else if (heard & DOWN)
		snprintf(ret, room, "%s went down%s while this ran", p->name, heard & BACK ? " and came back" : "");
	else
		snprintf(ret, room, "%s said that it gave up a queue of ours", p->device);
}

/* Of what failed. That the port was down, or the device, is why, but of wrong data; that a queue was given up may be no
 * more than what followed, so a hint that is there says more. */
static void explain(const struct fl_rdma_port *p, unsigned heard, struct fl_err *err)
{
	char what[FL_RDMA_NAME + 64];

	if (!err || !(heard & (DOWN | DEVICE | QUEUE)))
		return;
	describe(p, heard, what, sizeof(what));
	if (heard & (DOWN | DEVICE) && err->code != -EBADMSG)
		*err->hint = 0;
	fl_hint(err, "%s; the kernel log may say why", what);
}

/* Of what was well, or called off. */
static int refuse(const struct fl_rdma_port *p, unsigned heard, struct fl_err *err)
{
	char what[FL_RDMA_NAME + 64];
	int rc;

	if (err)
		*err = (struct fl_err){ 0 }; /* that it was called off */
	describe(p, heard, what, sizeof(what));
	rc = fl_fail(err, heard & DEVICE ? -EIO : -ENETDOWN, "%s: what was measured is not what it can do", what);
	fl_hint(err, heard & DEVICE
			     ? "the kernel log may say why: its firmware, its slot, too hot?"
			     : "the kernel log may say why: the cable, its transceivers, the switch, or 'ip link'?");
	return rc;
}

int fl_rdma_events_judge(struct fl_rdma_port *p, int rc, struct fl_err *err)
{
	const unsigned heard = hear(p);

	if (rc == 0 || rc == -ECANCELED)
		return heard & (DOWN | DEVICE) ? refuse(p, heard, err) : rc;
	explain(p, heard, err);
	return rc;
}
