/* SPDX-License-Identifier: Apache-2.0 */
/* places.c: where feedline keeps things (XDG), and where it is installed. */
#include "base/alloc.h"
#include "base/file.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int fl_make_dirs(const char *path, unsigned mode, struct fl_err *err)
{
	char *copy = fl_dup(path);
	int rc = 0;

	for (char *at = copy; *at && rc == 0;) {
		char end;

		at += strspn(at, "/");
		at += strcspn(at, "/");
		end = *at;
		*at = 0;
		if (mkdir(copy, mode) < 0 && !is_dir(copy))
			rc = fl_fail(err, errno == EEXIST ? -ENOTDIR : -errno, "make directory '%s': %s", copy,
				     strerror(errno == EEXIST ? ENOTDIR : errno));
		*at = end;
	}
	free(copy);
	return rc;
}

char *fl_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return fl_dup(".");
	return slash == path ? fl_dup("/") : fl_format("%.*s", (int)(slash - path), path);
}

static const char *absolute(const char *variable)
{
	const char *path = getenv(variable);

	return path && *path == '/' ? path : NULL;
}

static int xdg_dir(const char *variable, const char *below_home, char **ret, struct fl_err *err)
{
	const char *xdg = absolute(variable), *home = absolute("HOME");

	if (!xdg && !home) {
		int rc = fl_fail(err, -ENOENT, "neither '%s' nor 'HOME' is set to an absolute path", variable);

		fl_hint(err, "set %s to a directory on a local disk", variable);
		return rc;
	}
	*ret = xdg ? fl_format("%s/feedline", xdg) : fl_format("%s/%s/feedline", home, below_home);
	return 0;
}

int fl_state_dir(char **ret, struct fl_err *err)
{
	return xdg_dir("XDG_STATE_HOME", ".local/state", ret, err);
}

/* The longest beginning that exists, without symlinks, then the rest as it is. malloc'd. */
static char *resolve_existing(const char *path)
{
	size_t n = strlen(path);
	char *real = NULL, *whole;

	while (n > 0) {
		char *head = fl_format("%.*s", (int)n, path);

		real = realpath(head, NULL);
		free(head);
		if (real)
			break;
		while (--n > 0 && path[n] != '/')
			;
	}
	whole = fl_format("%s%s", real ? real : "", path + n);
	free(real);
	return whole;
}

int fl_cache_dir(char **ret, struct fl_err *err)
{
	char *dir;
	int rc = xdg_dir("XDG_CACHE_HOME", ".cache", &dir, err);

	if (rc < 0)
		return rc;
	*ret = resolve_existing(dir);
	free(dir);
	return 0;
}

int fl_program(char **ret, struct fl_err *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return fl_fail(err, -errno, "read '/proc/self/exe': %s", strerror(errno));
	self[n] = 0;
	if (*self != '/')
		return fl_fail(err, -ENOENT, "'/proc/self/exe' is '%s', not a path", self);
	*ret = fl_dup(self);
	return 0;
}

int fl_prefix(char **ret, struct fl_err *err)
{
	char *self, *share, *slash;
	int rc = fl_program(&self, err);

	if (rc < 0)
		return rc;
	*strrchr(self, '/') = 0;
	share = fl_format("%s/share/feedline", self);
	if (!is_dir(share) && (slash = strrchr(self, '/')))
		*slash = 0;
	free(share);
	*ret = fl_dup(*self ? self : "/");
	free(self);
	return 0;
}
