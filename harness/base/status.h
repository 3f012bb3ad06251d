/* SPDX-License-Identifier: Apache-2.0 */
/* status.h: exit status, part of feedline's interface. Over a run the first of 5, 2, 1, 4, 3, 0 that applies. */
#ifndef FL_BASE_STATUS_H
#define FL_BASE_STATUS_H

enum fl_status {
	FL_STATUS_PASS = 0,	    /* everything judged passed, or nothing was to be judged */
	FL_STATUS_FAIL = 1,	    /* too slow, regressed, starved, wrong data */
	FL_STATUS_USAGE = 2,	    /* usage or configuration; the store cannot be used */
	FL_STATUS_NOT_MEASURED = 3, /* invalid; or required, and not measured, inconclusive or unjudged */
	FL_STATUS_UNTRUSTED = 4,    /* measured, but not trustworthy */
	FL_STATUS_BUG = 5,	    /* a bug in feedline */
};

/* The one of two that counts for a run. */
enum fl_status fl_status_worse(enum fl_status a, enum fl_status b);

/* The status of a command that ended with this negative errno (0: pass). The table is in status.c; functions choose
 * their errno by it: -EINVAL, -ENOENT, -EROFS, -ENOTSUP, -EUCLEAN (store corrupt) ... are 2; -ENODEV, -EBUSY, -ENOSPC,
 * -ETIMEDOUT, -EPROTO (a worker lies), -ECHILD (a worker died), -EPERM, -ENOMEM, -EINTR, -ECANCELED ... are 3;
 * -EBADMSG (wrong data) is 1; -ENOTRECOVERABLE (this cannot happen) is 5. */
enum fl_status fl_status_of(int code);

#endif
