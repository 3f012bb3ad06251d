/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c: lines of a journal, written and read one by one. */
#include "record/journal.h"
#include "base/alloc.h"
#include "record/lane_in.h"
#include "record/line.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_ROOM = 32 };

struct fl_journal_reader {
	struct fl_lane_in in;
};

void fl_journal_head(const char *run_id, const char *host, struct fl_text *out)
{
	fl_line_journal(run_id, host, out);
}

void fl_journal_lane(const struct fl_lane_record *lane, struct fl_text *out)
{
	fl_line_lane(lane, out);
}

void fl_journal_watched(const struct fl_watched *watched, struct fl_text *out)
{
	fl_line_watched(watched, out);
}

struct fl_journal_reader *fl_journal_reader_make(void)
{
	struct fl_journal_reader *r = fl_zalloc(1, sizeof(*r));

	r->in.shared = fl_shared_make();
	return r;
}

void fl_journal_reader_free(struct fl_journal_reader *r)
{
	if (!r)
		return;
	fl_shared_free(r->in.shared);
	fl_lane_in_release(&r->in);
	free(r);
}

static void read_line(struct fl_journal_reader *r, struct fl_scan *s, struct fl_journal_line *ret)
{
	char kind[KIND_ROOM];

	fl_scan_enter(s, '{');
	if (!fl_scan_key(s, kind, sizeof(kind))) {
		fl_scan_fail(s, "a line has one member");
		return;
	}
	ret->is_lane = strcmp(kind, "lane") == 0;
	ret->is_watched = strcmp(kind, "watched") == 0;
	if (ret->is_lane)
		fl_lane_in_read(&r->in, s, &ret->lane);
	else if (ret->is_watched)
		fl_watched_in_read(&r->in, s, &ret->watched);
	else
		fl_scan_fail(s, "neither a lane nor what was watched");
	if (fl_scan_key(s, kind, sizeof(kind)))
		fl_scan_fail(s, "a line has one member");
	fl_scan_finish(s);
}

int fl_journal_read(struct fl_journal_reader *r, const char *line, size_t n, const char *where,
		    struct fl_journal_line *ret, struct fl_err *err)
{
	struct fl_scan s = fl_scan_start(line, n);
	struct fl_journal_line got = { 0 };

	fl_lane_record_init(&got.lane);
	read_line(r, &s, &got);
	if (!s.bad) {
		*ret = got;
		return 0;
	}
	fl_lane_record_release(&got.lane);
	fl_watched_release(&got.watched);
	return fl_fail(err, -EINVAL, "%s:%zu: %s", where, fl_scan_column(&s), s.bad);
}
