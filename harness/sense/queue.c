/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c: how the kernel queues the requests of a drive: settings that anybody may have changed. */
#include "base/alloc.h"
#include "sense.h"
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024, NS_PER_US = 1000 };

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

/* Parameters of the driver, where it has such: of all its drives at once. */
static void read_poll_queues(const struct sense_root *root, const struct fl_drive *d, struct fl_known *ret)
{
	if (strcmp(d->kind, "nvme") == 0)
		read_number(root, "/sys/module/nvme/parameters", "poll_queues", 1, ret);
	else
		know_not(ret, "its driver has no such setting");
}

void sense_queue(const struct sense_root *root, const char *dir, struct fl_drive *d)
{
	know_text(&d->scheduler, chosen(sense_line(root, dir, "queue/scheduler")), "not in sysfs");
	know_text(&d->write_cache, sense_line(root, dir, "queue/write_cache"), "not in sysfs");
	read_number(root, dir, "queue/nr_requests", 1, &d->queue_requests);
	read_number(root, dir, "queue/max_sectors_kb", KIB, &d->request_max_bytes);
	read_number(root, dir, "queue/read_ahead_kb", KIB, &d->read_ahead_bytes);
	read_number(root, dir, "queue/rotational", 1, &d->rotational);
	read_number(root, dir, "queue/nomerges", 1, &d->no_merges);
	read_number(root, dir, "queue/iostats", 1, &d->io_stats);
	read_number(root, dir, "queue/wbt_lat_usec", NS_PER_US, &d->write_throttle_ns);
	read_number(root, dir, "queue/io_poll", 1, &d->polls);
	read_number(root, dir, "queue/rq_affinity", 1, &d->completion_cpu);
	read_poll_queues(root, d, &d->poll_queues);
}
