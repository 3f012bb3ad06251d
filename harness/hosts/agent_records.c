/* SPDX-License-Identifier: Apache-2.0 */
/* agent_records.c: what came of a part: completed by what the hub told of the clocks, kept in the journal, then
 * sent. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/agent_parts.h"
#include "hosts/journal_file.h"
#include "record/journal.h"
#include <errno.h>
#include <feedline/clock.h>
#include <math.h>
#include <string.h>

enum { PIECE = 1 << 20 };
static const uint64_t send_limit_ns = UINT64_C(60000000000);
static const double shortest = 0.9; /* of the window that all were told */

static void add_distrust(struct fl_lane_record *record, const struct fl_agent_part *p)
{
	const json_t *value;
	size_t i;

	json_array_foreach(p->distrust, i, value) if (json_is_string(value))
		json_array_append(record->distrust, (json_t *)(uintptr_t)value);
}

/* This host came late into the window. */
static void judge_window(struct fl_lane_record *record, const struct fl_conductor *c)
{
	double own_ns = fl_json_number_or_nan(record->notes, "window_ns");
	double told_ns = (double)(c->to_ns - c->from_ns);
	char *reason;

	if (!c->from_ns || c->to_ns <= c->from_ns || own_ns >= shortest * told_ns)
		return;
	reason = fl_format("this host was late: its window is %.3f s of the %.3f s of the others", own_ns / 1e9,
			   told_ns / 1e9);
	json_array_append_new(record->distrust, fl_json_string(reason));
	free(reason);
}

static void complete(struct fl_agent_part *p, struct fl_lane_record *record)
{
	json_object_set_new(record->placement, "host", fl_json_string(p->own->host));
	if (record->outcome != FL_MEASURED || !json_is_object(record->notes))
		return;
	if (json_is_integer(p->clock_offset) && json_is_integer(p->clock_error)) {
		json_object_set(record->notes, "clock_offset_ns", p->clock_offset);
		json_object_set(record->notes, "clock_error_ns", p->clock_error);
	}
	add_distrust(record, p);
	judge_window(record, &p->conductor);
}

/* How much of the text makes a piece: whole characters of UTF-8. */
static size_t piece_of(const char *text, size_t left)
{
	size_t n = PIECE;

	if (left <= PIECE)
		return left;
	while (n > PIECE - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static int send_line(struct fl_agent_own *own, const struct fl_text *line, struct fl_err *err)
{
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && at < line->n) {
		size_t n = piece_of(line->bytes + at, line->n - at);
		json_t *message = json_pack("{s:s, s:s%, s:b}", "is", "line", "text", line->bytes + at, n, "more",
					    at + n < line->n);

		rc = message ? fl_wire_send(own->wire, message, err)
			     : fl_fail(err, -EINVAL, "a record is no text that can be sent");
		json_decref(message);
		at += n;
		if (rc == 0 && fl_wire_is_full(own->wire))
			rc = fl_wire_drain(own->wire, fl_now_ns() + send_limit_ns, err);
	}
	return rc;
}

/* One after the other, so that no more than one of them is in memory twice. Where the hub is gone the journal has them
 * all the same. */
static int keep(struct fl_agent_own *own, struct fl_text *line, struct fl_err *err)
{
	int rc = own->journal ? fl_agent_journal_append(own->journal, line->bytes, line->n, err) : 0;
	struct fl_err why = { 0 };
	int sent = 0;

	own->unstored |= rc == 0;
	if (rc == 0 && !own->gone)
		sent = send_line(own, line, &why);
	fl_text_release(line);
	if (sent == -EINVAL)
		return fl_fail(err, sent, "%s", why.what);
	if (sent < 0)
		fl_agent_lose_hub(own, &why);
	return rc;
}

int fl_agent_send_records(struct fl_agent_part *p, struct fl_run *run, struct fl_err *err)
{
	struct fl_text line = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < run->lanes_n; i++) {
		complete(p, &run->lanes[i]);
		fl_journal_lane(&run->lanes[i], &line);
		rc = keep(p->own, &line, err);
	}
	for (size_t i = 0; rc == 0 && i < run->watched_n; i++) {
		fl_journal_watched(&run->watched[i], &line);
		rc = keep(p->own, &line, err);
	}
	if (rc == 0)
		fl_agent_say(p->own, json_pack("{s:s}", "is", "over"));
	return rc;
}
