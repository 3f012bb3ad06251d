/* SPDX-License-Identifier: Apache-2.0 */
/* space.c: free space of a file system. */
#include "run/space.h"
#include "base/units.h"
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

int fl_space_check(const char *what, const char *dir, uint64_t bytes, struct fl_err *err)
{
	char want[FL_UNIT_TEXT], have[FL_UNIT_TEXT];
	struct statvfs fs;
	uint64_t free_bytes;

	if (statvfs(dir, &fs) < 0)
		return fl_fail(err, -errno, "look at '%s': %s", dir, strerror(errno));
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes / 10 * 9 >= bytes)
		return 0;
	return fl_fail(err, -ENOSPC, "%s needs %s, '%s' has %s free", what, fl_show_bytes(want, bytes), dir,
		       fl_show_bytes(have, free_bytes));
}
