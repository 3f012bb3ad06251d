/* SPDX-License-Identifier: Apache-2.0 */
/* place.h: may a store live at this path? Asked before SQLite touches it, because SQLite's own answer is "unable to
 * open database file". */
#ifndef FL_RECORD_PLACE_H
#define FL_RECORD_PLACE_H
#include <feedline/err.h>
#include <stdbool.h>

/* How the file is to be opened. */
enum fl_place {
	FL_PLACE_WRITABLE, /* file and directory can be written: a reader, too, opens it so, and leaves no log behind */
	FL_PLACE_READABLE, /* somebody else's log and shared memory lie beside it and can be read */
	FL_PLACE_SEALED, /* cannot be written, and the log is absent or empty: the file alone is the whole store and is
			    * read as unchanging, without making anything beside it */
};

/* write: makes directory (0700) and file (0600) where absent. -EINVAL: not a file; -ENOENT: reading only, or a link
 * to nothing; -ENOTSUP: network file system; -EACCES; -EROFS (also: a log that cannot be read without writing);
 * -ENOSPC. */
int fl_place_check(const char *path, bool write, enum fl_place *ret, struct fl_err *err);

/* Does a write-ahead log with something in it lie beside the file? */
bool fl_place_has_log(const char *path);

/* "NFS" for the f_type of statfs(); NULL: not a network file system. */
const char *fl_place_network(unsigned f_type);

#endif
