/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: whole files, bounded; and the places where feedline keeps things. */
#ifndef FL_BASE_FILE_H
#define FL_BASE_FILE_H
#include "base/text.h"
#include <feedline/err.h>

/* Appends the file to *out, at most max_bytes (else -EFBIG). `dir_fd` as in openat(), AT_FDCWD for none. Sysfs files
 * are fine. No error is recorded when err is NULL. */
int fl_file_read(int dir_fd, const char *path, size_t max_bytes, struct fl_text *out, struct fl_err *err);

/* The same of a file that is open, called `path` in messages. */
int fl_file_read_open(int fd, const char *path, size_t max_bytes, struct fl_text *out, struct fl_err *err);

/* Replaces the file in one step (O_TMPFILE or a sibling, fsync, rename): readers see the old or the new one. Mode 0644
 * less the umask. */
int fl_file_write(const char *path, const void *bytes, size_t n, struct fl_err *err);

/* The same bit by bit, for what does not fit into memory: begin, add as often as it takes, end. end puts the file into
 * place if rc is 0 and leaves nothing otherwise; it returns rc or what failed, and must be called once after begin
 * succeeded. */
struct fl_new_file;
int fl_new_file_begin(const char *path, struct fl_new_file **ret, struct fl_err *err);
int fl_new_file_add(struct fl_new_file *file, const void *bytes, size_t n, struct fl_err *err);
int fl_new_file_end(struct fl_new_file *file, int rc, struct fl_err *err);

/* mkdir -p. mode: of what it makes, less the umask; 0700 for what is nobody else's business. */
int fl_make_dirs(const char *path, unsigned mode, struct fl_err *err);

/* The directory that a path's last part is in: "." without a slash. malloc'd. */
char *fl_directory_of(const char *path);

/* XDG: $XDG_STATE_HOME/feedline, else $HOME/.local/state/feedline; likewise cache. Relative values are ignored, as
 * the specification says. malloc'd. -ENOENT when neither variable is set. The directory need not exist. That of the
 * cache is without symlinks as far as it exists, so that what is in it has one path only. */
int fl_state_dir(char **ret, struct fl_err *err);
int fl_cache_dir(char **ret, struct fl_err *err);

/* Where the installed files are: the directory of the running program if it holds share/feedline (a build tree), else
 * the one above (an installed tree). So a tree can be moved. malloc'd. */
int fl_prefix(char **ret, struct fl_err *err);
/* The running program itself, absolute. malloc'd. */
int fl_program(char **ret, struct fl_err *err);

#endif
