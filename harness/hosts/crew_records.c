/* SPDX-License-Identifier: Apache-2.0 */
/* crew_records.c: the records of a case, from many hosts. What they say of themselves is checked against what was asked
 * for; what is known better here (where a lane ran, how far the clocks agree) is written here. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/crew_parts.h"
#include "run/case.h"
#include "run/heard.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A piece that is not the last of its line has at least that much, so that a line comes to an end. */
enum { LINE_MAX_BYTES = 128 << 20, PIECE_LEAST = 64 << 10, SUBJECT_MAX = 256 };
static const uint64_t case_bytes_max = UINT64_C(1) << 30; /* of one host */

/* ---- lanes that come */

static bool is_declared(const struct fl_entry *entry, const char *metric)
{
	for (const struct fl_metric *m = entry ? entry->metrics : NULL; m && m->name; m++)
		if (strcmp(m->name, metric) == 0)
			return true;
	return false;
}

static bool is_asked(const struct fl_crew_case *c, const struct fl_crew_part *part, const struct fl_lane_record *record)
{
	const struct fl_crew_lane *lane = record->lane < c->of->lanes_n ? &c->lanes[record->lane] : NULL;

	return lane && lane->part == part && record->case_no == c->at.case_no && record->round == c->at.round &&
	       strcmp(record->bench, lane->plan->bench) == 0;
}

static int check_lane(const struct fl_crew_case *c, const struct fl_crew_part *part,
		      const struct fl_lane_record *record, struct fl_err *err)
{
	const struct fl_crew_lane *lane;

	if (!is_asked(c, part, record))
		return fl_fail(err, -EPROTO, "it sent the record of a lane that it was not asked for");
	lane = &c->lanes[record->lane];
	if (lane->got)
		return fl_fail(err, -EPROTO, "it sent lane %u twice", record->lane);
	if (lane->over && record->outcome == FL_MEASURED)
		return fl_fail(err, -EPROTO, "it says that lane %u was measured, which failed", record->lane);
	if (record->outcome != FL_MEASURED && !(record->reason && *record->reason))
		return fl_fail(err, -EPROTO, "it does not say why lane %u was not measured", record->lane);
	if (!json_is_object(record->options) || !json_is_object(record->placement) || !json_is_object(record->facts) ||
	    !json_is_array(record->caps) || !json_is_array(record->distrust) || !json_is_object(record->notes))
		return fl_fail(err, -EPROTO, "a member of the record of lane %u is missing", record->lane);
	for (size_t i = 0; i < record->series_n; i++)
		if (!is_declared(lane->entry, record->series[i].metric))
			return fl_fail(err, -EPROTO, "it measured '%.40s', which %s does not have",
				       record->series[i].metric, lane->plan->bench);
	return 0;
}

static int take_lane(struct fl_crew_case *c, struct fl_crew_part *part, struct fl_lane_record *record,
		     struct fl_err *err)
{
	int rc = check_lane(c, part, record, err);

	if (rc < 0) {
		fl_lane_record_release(record);
		return rc;
	}
	c->lanes[record->lane].record = *record;
	c->lanes[record->lane].got = true;
	return 0;
}

/* ---- what was watched */

static int take_watched(struct fl_crew_case *c, struct fl_crew_part *part, struct fl_watched *watched,
			struct fl_err *err)
{
	enum { MOST = FL_HEARD_SUBJECTS_MAX * FL_HEARD_METRICS_MAX };

	if (watched->case_no != c->at.case_no || watched->round != c->at.round || part->watched_n == MOST ||
	    strlen(watched->subject) > SUBJECT_MAX) {
		fl_watched_release(watched);
		return fl_fail(err, -EPROTO, "it sent what was watched beside something else");
	}
	part->watched = fl_grow(part->watched, part->watched_n + 1, sizeof(*part->watched));
	part->watched[part->watched_n++] = *watched;
	return 0;
}

static int take_line(struct fl_crew_case *c, struct fl_crew_part *part, struct fl_err *err)
{
	struct fl_journal_line line;
	struct fl_err why = { 0 };
	size_t n = part->coming.n;
	int rc;

	if (n && part->coming.bytes[n - 1] == '\n')
		part->coming.bytes[--n] = 0;
	rc = fl_journal_read(c->reader, fl_text_str(&part->coming), n, "record", &line, &why);
	fl_text_release(&part->coming);
	if (rc < 0)
		return fl_fail(err, -EPROTO, "it sent what is no record: %.200s", why.what);
	return line.is_lane ? take_lane(c, part, &line.lane, err) : take_watched(c, part, &line.watched, err);
}

int fl_crew_line(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	const char *text = "";
	bool more = false;
	int rc = fl_json_text(message, "line", "text", &text, err);
	size_t n = strlen(text);

	if (rc == 0)
		rc = fl_json_bool(message, "line", "more", &more, err);
	if (rc < 0)
		return -EPROTO;
	if ((more && n < PIECE_LEAST) || part->coming.n + n > LINE_MAX_BYTES || part->lines_bytes + n > case_bytes_max)
		return fl_fail(err, -EPROTO, "it floods: it sent more than there can be of a case");
	part->lines_bytes += n;
	fl_text_put(&part->coming, text, n);
	return more ? 0 : take_line(c, part, err);
}

int fl_crew_complete(const struct fl_crew_case *c, const struct fl_crew_part *part, struct fl_err *err)
{
	for (size_t i = 0; i < part->n; i++)
		if (!c->lanes[part->numbers[i]].got)
			return fl_fail(err, -EPROTO, "it said 'over' without the record of lane %u", part->numbers[i]);
	return part->coming.n ? fl_fail(err, -EPROTO, "it said 'over' in the middle of a record") : 0;
}

/* ---- what is written here */

/* A member that may be shared is replaced by a copy that is ours. */
static json_t *own(json_t **member)
{
	json_t *copy = json_deep_copy(*member);

	json_decref(*member);
	*member = copy;
	return copy;
}

static bool has_text(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *other = json_string_value(json_array_get(list, i));

		if (other && strcmp(other, text) == 0)
			return true;
	}
	return false;
}

static void add_distrust(json_t *list, const char *text)
{
	if (text && !has_text(list, text))
		json_array_append_new(list, fl_json_string(text));
}

/* What is known here of a lane that was measured. */
static void add_known(const struct fl_crew_case *c, const struct fl_crew_lane *lane, struct fl_lane_record *record)
{
	const struct fl_crew_part *part = lane->part;

	if (!part || !part->looked_ns || record->outcome != FL_MEASURED)
		return;
	json_object_set_new(own(&record->notes), "clock_offset_ns", fl_json_number((double)part->offset_ns));
	json_object_set_new(record->notes, "clock_error_ns", fl_json_number((double)part->error_ns));
	add_distrust(own(&record->distrust), part->distrust);
	if (lane->plan->size <= 1)
		return;
	add_distrust(record->distrust, c->thinned);
	add_distrust(record->distrust, c->apart);
	if (c->ran < c->of->lanes_n)
		json_object_set_new(record->notes, "lanes_ran", json_integer((json_int_t)c->ran));
}

/* What its agent could not know of why it failed. */
static void name_awaited(const struct fl_crew_lane *lane, struct fl_lane_record *record)
{
	if (!lane->named || record->outcome == FL_MEASURED)
		return;
	free(record->reason);
	record->reason = fl_dup(lane->why.what);
}

/* Stands in for a benchmark that this feedline does not have. */
static const struct fl_entry no_entry = { .fields = (struct fl_field[]){ { 0 } },
					  .metrics = (struct fl_metric[]){ { 0 } },
					  .facts = (struct fl_fact[]){ { 0 } },
					  .flows = (struct fl_flow[]){ { 0 } } };

/* What a lane leaves behind that says nothing any more: as the agent does it of one that failed. */
static void make_record(const struct fl_crew_case *c, const struct fl_crew_lane *lane, unsigned number,
			struct fl_lane_record *record)
{
	struct fl_conductor conductor = { .numbers = &number };
	struct fl_case_lane failed = { .plan = lane->plan,
				       .entry = lane->entry ? lane->entry : &no_entry,
				       .state = FL_LANE_FAILED,
				       .err = lane->why,
				       .invalid = lane->invalid };
	const struct fl_case whole = { .conductor = &conductor, .lanes = &failed, .lanes_n = 1, .at = c->at };

	fl_case_collect(&whole, &failed, NULL, record);
}

static void keep_lane(struct fl_crew_case *c, unsigned number, struct fl_run *run)
{
	struct fl_crew_lane *lane = &c->lanes[number];
	struct fl_lane_record *record = fl_run_add_lane(run);
	const struct fl_plan *plan = c->crew->plan;

	if (lane->got) {
		fl_lane_record_release(record);
		*record = lane->record;
		lane->got = false;
		add_known(c, lane, record);
		name_awaited(lane, record);
	} else
		make_record(c, lane, number, record);
	if (lane->plan->host < plan->hosts_n)
		json_object_set_new(own(&record->placement), "host", fl_json_string(plan->hosts[lane->plan->host]));
}

static void keep_watched(struct fl_crew_case *c, struct fl_crew_part *part, struct fl_run *run)
{
	for (size_t i = 0; i < part->watched_n && run->watched_n < FL_WATCHED_MAX; i++) {
		struct fl_watched *w = fl_run_add_watched(run);
		char *subject = part->watched[i].subject;

		*w = part->watched[i];
		part->watched[i] = (struct fl_watched){ 0 };
		if (!c->crew->plan->hosts_n)
			continue;
		w->subject = fl_format("%s/%s", part->name, subject);
		free(subject);
	}
}

void fl_crew_keep(struct fl_crew_case *c, struct fl_run *run)
{
	for (unsigned i = 0; i < c->of->lanes_n; i++)
		keep_lane(c, i, run);
	for (size_t i = 0; i < c->parts_n; i++)
		if (!c->parts[i].lost)
			keep_watched(c, &c->parts[i], run);
}
