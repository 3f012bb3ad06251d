/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c: identity and life of a process, from /proc. */
#include "record/owner.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { STATE_FIELD = 3, START_FIELD = 22, PROC_FILE_MAX = 4096 };

/* Field `number` of a stat line, from 3 on. The command before it may hold blanks and brackets, so counting starts
 * behind the last bracket. Cuts the line. NULL: no such field. */
static char *stat_field(char *line, int number)
{
	char *at = strrchr(line, ')'), *field;

	for (int i = STATE_FIELD; at && i <= number; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return NULL;
	field = at + 1;
	field[strcspn(field, " \n")] = 0;
	return field;
}

/* 0: there is no such process, it is a zombie, or /proc does not tell. */
static uint64_t start_ticks(int64_t pid)
{
	struct fl_text line = { 0 };
	char path[64], *state, *start;
	uint64_t ticks = 0;

	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	if (fl_file_read(AT_FDCWD, path, PROC_FILE_MAX, &line, NULL) == 0 && line.n) {
		start = stat_field(line.bytes, START_FIELD);
		state = stat_field(line.bytes, STATE_FIELD);
		if (!start || !state || strchr("ZXx", *state) || fl_parse_count(start, &ticks, NULL))
			ticks = 0;
	}
	fl_text_release(&line);
	return ticks;
}

struct fl_owner fl_owner_self(void)
{
	struct fl_owner self = { .pid = getpid(), .start_ticks = start_ticks(getpid()) };
	struct fl_text boot = { 0 };
	struct utsname name;

	if (uname(&name) == 0)
		fl_copy(self.host, sizeof(self.host), name.nodename);
	if (fl_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", PROC_FILE_MAX, &boot, NULL) == 0 && boot.n) {
		boot.bytes[strcspn(boot.bytes, "\n")] = 0;
		fl_copy(self.boot_id, sizeof(self.boot_id), boot.bytes);
	}
	fl_text_release(&boot);
	return self;
}

bool fl_owner_alive(const struct fl_owner *owner)
{
	struct fl_owner self = fl_owner_self();

	return owner->start_ticks && owner->boot_id[0] && strcmp(owner->host, self.host) == 0 &&
	       strcmp(owner->boot_id, self.boot_id) == 0 && start_ticks(owner->pid) == owner->start_ticks;
}

bool fl_owner_equal(const struct fl_owner *a, const struct fl_owner *b)
{
	return a->pid == b->pid && a->start_ticks == b->start_ticks && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->boot_id, b->boot_id) == 0;
}
