/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c: how the kernel queues the requests of a drive: settings that anybody may have changed. */
#include "base/alloc.h"
#include "sense.h"
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024 };

/* The chosen one of "none [mq-deadline] kyber"; a plain word is the only one. malloc'd or NULL. */
static char *chosen(char *line)
{
	char *open = line ? strchr(line, '[') : NULL, *word;

	if (!open)
		return line;
	word = fl_format("%.*s", (int)strcspn(open + 1, "]"), open + 1);
	free(line);
	return word;
}

static void read_number(const struct sense_root *root, const char *dir, const char *name, double unit,
			struct fl_known *ret)
{
	double number;

	if (sense_number(root, dir, name, &number))
		know(ret, number * unit);
	else
		know_not(ret, "not in sysfs");
}

void sense_queue(const struct sense_root *root, const char *dir, struct fl_drive *d)
{
	know_text(&d->scheduler, chosen(sense_line(root, dir, "queue/scheduler")), "not in sysfs");
	know_text(&d->write_cache, sense_line(root, dir, "queue/write_cache"), "not in sysfs");
	read_number(root, dir, "queue/nr_requests", 1, &d->queue_requests);
	read_number(root, dir, "queue/max_sectors_kb", KIB, &d->request_max_bytes);
	read_number(root, dir, "queue/read_ahead_kb", KIB, &d->read_ahead_bytes);
	read_number(root, dir, "queue/rotational", 1, &d->rotational);
}
