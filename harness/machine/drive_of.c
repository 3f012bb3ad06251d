/* SPDX-License-Identifier: Apache-2.0 */
/* drive_of.c: which drive is beneath a path. */
#include "machine/machine.h"
#include <string.h>

/* Whether path is `at` or lies below it. */
static bool lies_below(const char *path, const char *at)
{
	size_t n = strlen(at);

	if (strcmp(at, "/") == 0)
		return path[0] == '/';
	return strncmp(path, at, n) == 0 && (path[n] == '/' || path[n] == 0);
}

/* The longest mount point wins; of two mounted at the same place the later one hides the earlier. */
static const struct fl_mount *mount_of(const struct fl_machine *m, const char *path)
{
	const struct fl_mount *best = NULL;

	for (size_t i = 0; i < m->mounts_n; i++) {
		const struct fl_mount *mount = &m->mounts[i];

		if (lies_below(path, mount->at) && (!best || strlen(mount->at) >= strlen(best->at)))
			best = mount;
	}
	return best;
}

/* "/dev/sda1" is a part of "/dev/sda", "/dev/nvme0n1p2" of "/dev/nvme0n1". */
static bool is_part(const char *path, const char *drive_path)
{
	size_t n = strlen(drive_path);
	bool ends_in_digit = n > 0 && strchr("0123456789", drive_path[n - 1]);
	const char *rest = path + n;

	if (strncmp(path, drive_path, n) != 0)
		return false;
	if (ends_in_digit && *rest++ != 'p')
		return false;
	return *rest && rest[strspn(rest, "0123456789")] == 0;
}

static const struct fl_drive *drive_at(const struct fl_machine *m, const char *path)
{
	for (size_t i = 0; i < m->drives_n; i++)
		if (strcmp(m->drives[i].path, path) == 0 || is_part(path, m->drives[i].path))
			return &m->drives[i];
	return NULL;
}

static bool holds(const struct fl_drive *drive, const char *dev)
{
	for (size_t i = 0; i < drive->parts_n; i++)
		if (strcmp(drive->parts[i], dev) == 0)
			return true;
	return strcmp(drive->dev, dev) == 0;
}

/* Why a file system without a drive of its own has none. */
static const char *why_no_drive(const struct fl_mount *mount)
{
	static const struct {
		const char *type, *why;
	} reasons[] = {
		{ "tmpfs", "tmpfs is memory" },
		{ "ramfs", "ramfs is memory" },
		{ "hugetlbfs", "hugetlbfs is memory" },
		{ "devtmpfs", "devtmpfs is memory" },
		{ "proc", "proc is the kernel's own, not data" },
		{ "sysfs", "sysfs is the kernel's own, not data" },
		{ "overlay", "overlay hides the drive" },
		{ "btrfs", "btrfs may lie on several drives" },
		{ "zfs", "zfs may lie on several drives" },
		{ "nfs", "nfs is on another machine" },
		{ "nfs4", "nfs is on another machine" },
		{ "cifs", "cifs is on another machine" },
		{ "lustre", "lustre is on other machines" },
		{ "ceph", "ceph is on other machines" },
		{ "9p", "9p is the hypervisor's" },
		{ "virtiofs", "virtiofs is the hypervisor's" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].type, mount->type) == 0)
			return reasons[i].why;
	return "the file system names no drive of this machine";
}

static const struct fl_drive *none(const char **why, const char *reason)
{
	*why = reason;
	return NULL;
}

const struct fl_drive *fl_machine_drive_of(const struct fl_machine *m, const char *path,
					   const struct fl_mount **ret_mount, const char **why)
{
	const struct fl_drive *drive = drive_at(m, path);
	const struct fl_mount *mount = drive ? NULL : mount_of(m, path);

	*why = NULL;
	if (ret_mount)
		*ret_mount = mount;
	if (drive)
		return drive;
	if (!mount)
		return none(why, "no mounted file system holds this path");
	for (size_t i = 0; i < m->drives_n; i++)
		if (holds(&m->drives[i], mount->dev))
			return &m->drives[i];
	return none(why, why_no_drive(mount));
}
