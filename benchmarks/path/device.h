/* SPDX-License-Identifier: Apache-2.0 */
/* path/device.h: what the kernel counts of the device beneath a descriptor, so that one sees whether what was read came
 * from it or from a cache before it. The count is of all who read from the device, so it may be more than one's own. */
#ifndef PATH_DEVICE_H
#define PATH_DEVICE_H
#include "path/target.h"
#include <feedline/err.h>
#include <stdbool.h>
#include <stdint.h>

#define FL_DEVICES "/sys/dev/block"

/* Bytes that the device has delivered so far. fd: of a block device, or of a file on a file system that keeps all data
 * of its files on the one device that it names (ext4, XFS without a real-time part). dir: FL_DEVICES; tests have
 * their own. -ENODATA: not known, as there is no such device, the file system is another one, or the kernel does not
 * count for it; that is for no one to complain of. */
int fl_device_delivered(const char *dir, int fd, uint64_t *ret_bytes);

/* The same between two points in time, held against what was read. Zeroed: nothing is known. */
struct fl_device_count {
	bool known;
	uint64_t bytes;
};
struct fl_device_count fl_device_count(const char *dir, int fd);
/* Of the device that all files of a target lie on; not known where there are several. dir NULL: not asked. */
struct fl_device_count fl_device_count_target(const char *dir, const struct fl_target *t);
/* 0, or -ESTALE: of `read` bytes that were got from `name` in the meantime less than 0.9 were delivered by the device.
 * 0 where one of the counts is not known, or nothing was read. */
int fl_device_check(const struct fl_device_count *before, const struct fl_device_count *after, uint64_t read,
		    const char *name, struct fl_err *err);

#endif
