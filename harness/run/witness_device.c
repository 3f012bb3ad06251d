/* SPDX-License-Identifier: Apache-2.0 */
/* witness_device.c: what the drive itself says it moved, and by which rules. A lane that reads past the page cache and
 * whose drive was not asked has measured something else. */
#include "base/file.h"
#include "run/kernel.h"
#include "run/witness.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SECTOR_BYTES = 512, PATH_BYTES = 96, IO_BYTES = 4096, STAT_COLUMNS = 7, READ = 2, WRITTEN = 6 };

static const double cached_max = 0.9;	  /* of what was read: below, somebody else gave the rest */
static const double amplified_min = 1.05; /* of what was read: above, the drive moved more than was asked for */
static const double blur_max = 0.1;	  /* of a ratio that is worth telling */

/* ---- looking */

/* As sysfs and struct fl_drive have them. */
static const struct {
	const char *file, *name;
	double unit;
	size_t at;
} settings[FL_QUEUE_SETTINGS] = {
	{ "nr_requests", "queue_requests", 1, offsetof(struct fl_drive, queue_requests) },
	{ "max_sectors_kb", "request_max_bytes", 1024, offsetof(struct fl_drive, request_max_bytes) },
	{ "read_ahead_kb", "read_ahead_bytes", 1024, offsetof(struct fl_drive, read_ahead_bytes) },
	{ "nomerges", "no_merges", 1, offsetof(struct fl_drive, no_merges) },
	{ "iostats", "io_stats", 1, offsetof(struct fl_drive, io_stats) },
	{ "wbt_lat_usec", "write_throttle_ns", 1000, offsetof(struct fl_drive, write_throttle_ns) },
	{ "io_poll", "polls", 1, offsetof(struct fl_drive, polls) },
	{ "rq_affinity", "completion_cpu", 1, offsetof(struct fl_drive, completion_cpu) },
};

static void look_at_queue(int root, const char *dev, struct fl_drive_look *ret)
{
	char path[PATH_BYTES], line[128];
	const char *chosen = line;
	uint64_t number;

	snprintf(path, sizeof(path), "sys/dev/block/%s/queue/scheduler", dev);
	fl_kernel_line(root, path, line, sizeof(line));
	if (strchr(line, '['))
		chosen = strchr(line, '[') + 1;
	snprintf(ret->scheduler, sizeof(ret->scheduler), "%.*s", (int)strcspn(chosen, "] "), chosen);
	for (size_t i = 0; i < FL_QUEUE_SETTINGS; i++) {
		snprintf(path, sizeof(path), "sys/dev/block/%s/queue/%s", dev, settings[i].file);
		ret->settings[i] = fl_kernel_number(root, path, &number) ? (double)number * settings[i].unit : NAN;
	}
}

static void look_at_counters(int root, const char *dev, struct fl_drive_look *ret)
{
	char path[PATH_BYTES], line[256];
	uint64_t columns[STAT_COLUMNS], counts = 0;
	const char *at = line;
	size_t n = 0;

	snprintf(path, sizeof(path), "sys/dev/block/%s/stat", dev);
	fl_kernel_line(root, path, line, sizeof(line));
	while (n < STAT_COLUMNS && fl_kernel_next(&at, &columns[n]))
		n++;
	snprintf(path, sizeof(path), "sys/dev/block/%s/queue/iostats", dev);
	fl_kernel_number(root, path, &counts);
	if (n < STAT_COLUMNS || !counts)
		return;
	ret->read_bytes = (double)columns[READ] * SECTOR_BYTES;
	ret->written_bytes = (double)columns[WRITTEN] * SECTOR_BYTES;
}

void fl_drive_look(int root, const char *dev, struct fl_drive_look *ret)
{
	*ret = (struct fl_drive_look){ .looked = true, .read_bytes = NAN, .written_bytes = NAN };
	for (size_t i = 0; i < FL_QUEUE_SETTINGS; i++)
		ret->settings[i] = NAN;
	if (dev[strspn(dev, "0123456789:")] || strlen(dev) > 32)
		return;
	look_at_counters(root, dev, ret);
	look_at_queue(root, dev, ret);
}

void fl_own_io_look(int root, pid_t pid, struct fl_own_io *ret)
{
	struct fl_text text = { 0 };
	char path[PATH_BYTES];
	uint64_t number;

	*ret = (struct fl_own_io){ NAN, NAN };
	snprintf(path, sizeof(path), "proc/%d/io", (int)pid);
	fl_file_read(root, path, IO_BYTES, &text, NULL);
	if (fl_kernel_find(fl_text_str(&text), "read_bytes:", &number))
		ret->read_bytes = (double)number;
	if (fl_kernel_find(fl_text_str(&text), "write_bytes:", &number))
		ret->written_bytes = (double)number;
	fl_text_release(&text);
}

/* ---- what was delivered */

double fl_delivery_ratio(const struct fl_delivery *d)
{
	return d->payload_bytes > 0 && d->flight_bytes <= blur_max * d->payload_bytes
		       ? d->device_bytes / d->payload_bytes
		       : NAN;
}

static bool exceeds(double bytes, const struct fl_delivery *d)
{
	return bytes > amplified_min * d->payload_bytes + d->flight_bytes;
}

/* A NaN is below nothing. */
static bool is_short(double bytes, const struct fl_delivery *d)
{
	return bytes + d->flight_bytes < cached_max * d->direct_bytes;
}

bool fl_delivery_cached(const struct fl_delivery *d)
{
	return is_short(d->device_bytes, d) && (isnan(d->own_bytes) || is_short(d->own_bytes, d));
}

enum fl_amplified fl_delivery_amplified(const struct fl_delivery *d)
{
	double ratio = fl_delivery_ratio(d);

	if (d->payload_bytes > 0 && exceeds(d->device_bytes, d))
		return exceeds(d->own_bytes, d) ? FL_AMPLIFIED : FL_AMPLIFIED_UNKNOWN;
	return ratio >= cached_max ? FL_NOT_AMPLIFIED : FL_AMPLIFIED_UNKNOWN;
}

/* ---- the rules */

static double known_at(const struct fl_drive *drive, size_t at)
{
	return ((const struct fl_known *)(const void *)((const char *)drive + at))->value;
}

static bool judge_scheduler(const struct fl_drive *d, const struct fl_drive_look *now, json_t *reasons)
{
	const char *then = d->scheduler.value;

	if (!then || !*now->scheduler || !strncmp(then, now->scheduler, sizeof(now->scheduler) - 1))
		return false;
	json_array_append_new(reasons, json_sprintf("scheduler of drive '%s' changed from '%s' to '%s' during the run",
						    d->id, then, now->scheduler));
	return true;
}

static bool judge_setting(const struct fl_drive *d, size_t i, const struct fl_drive_look *now, json_t *reasons)
{
	double then = known_at(d, settings[i].at);

	if (isnan(then) || isnan(now->settings[i]) || then == now->settings[i])
		return false;
	json_array_append_new(reasons, json_sprintf("%s of drive '%s' changed from %.0f to %.0f during the run",
						    settings[i].name, d->id, then, now->settings[i]));
	return true;
}

void fl_queue_judge(const struct fl_drive *drive, const struct fl_drive_look *before, const struct fl_drive_look *after,
		    json_t *reasons)
{
	if (!judge_scheduler(drive, before, reasons))
		judge_scheduler(drive, after, reasons);
	for (size_t i = 0; i < FL_QUEUE_SETTINGS; i++)
		if (!judge_setting(drive, i, before, reasons))
			judge_setting(drive, i, after, reasons);
}
