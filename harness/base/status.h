/* SPDX-License-Identifier: Apache-2.0 */
/* status.h: exit status, part of feedline's interface. Over a run the first of 5, 2, 1, 4, 3, 0 that applies.
 * What each means is in status.c, in the words of help and manual. */
#ifndef FL_BASE_STATUS_H
#define FL_BASE_STATUS_H

enum fl_status {
	FL_STATUS_PASS = 0,
	FL_STATUS_FAIL = 1,
	FL_STATUS_USAGE = 2,
	FL_STATUS_NOT_MEASURED = 3,
	FL_STATUS_UNTRUSTED = 4,
	FL_STATUS_BUG = 5,
};

/* "not measured"; and in what case: "invalid; or required, and ...". Lower case, no full stop. */
const char *fl_status_name(enum fl_status status);
const char *fl_status_meaning(enum fl_status status);

/* The one of two that counts for a run. */
enum fl_status fl_status_worse(enum fl_status a, enum fl_status b);

/* The status of a command that ended with this negative errno (0: pass). The table is in status.c; functions choose
 * their errno by it: -EINVAL, -ENOENT, -EROFS, -ENOTSUP, -EUCLEAN (store corrupt) ... are 2; -ENODEV, -EBUSY, -ENOSPC,
 * -ETIMEDOUT, -EPROTO (a worker lies), -ECHILD (a worker died), -EPERM, -ENOMEM, -EINTR, -ECANCELED ... are 3;
 * -EBADMSG (wrong data) is 1; -ENOTRECOVERABLE (this cannot happen) is 5. */
enum fl_status fl_status_of(int code);

#endif
