/* SPDX-License-Identifier: Apache-2.0 */
/* delivery.c: the drive's word on what a lane says it moved. */
#include "base/json.h"
#include "run/case.h"
#include "run/witness.h"
#include <errno.h>
#include <string.h>

static bool uses_drive(const struct fl_case *c, const struct fl_case_lane *lane)
{
	const struct fl_machine *m = c->agent->machine;
	const char *why;

	return fl_lane_drive(m, lane->entry, lane->plan, false, &why) ||
	       fl_lane_drive(m, lane->entry, lane->plan, true, &why);
}

/* Of the steps under way at that moment: the bytes that may lie on its other side than their share of time says. What
 * the last step of a thread left open counts as much as the rest. */
static double bytes_at(const struct fl_track *tracks, uint32_t threads, uint64_t at_ns, double bytes_per_ns)
{
	double bytes = 0;

	for (uint32_t t = 0; t < threads; t++) {
		const struct fl_track *track = &tracks[t];
		size_t i = track->n;

		while (i > 0 && track->steps[i - 1].end_ns > at_ns)
			i--;
		if (i < track->n && track->steps[i].start_ns < at_ns)
			bytes += (double)track->steps[i].bytes;
		else if (i == track->n && i > 0)
			bytes += (double)(at_ns - track->steps[i - 1].end_ns) * bytes_per_ns;
	}
	return bytes;
}

void fl_case_weigh(struct fl_case *c)
{
	const struct fl_window span = { .from_ns = c->before ? c->before->drives_at_ns : 0,
					.to_ns = c->after ? c->after->drives_at_ns : 0 };

	for (size_t i = 0; i < c->lanes_n && span.from_ns < span.to_ns; i++) {
		struct fl_case_lane *lane = &c->lanes[i];
		struct fl_track *tracks = NULL;
		double per_ns;

		if (lane->state == FL_LANE_DONE && uses_drive(c, lane))
			tracks = fl_case_tracks(lane, NULL);
		if (!tracks)
			continue;
		lane->payload_bytes = fl_window_clip(tracks, lane->threads, &span).bytes;
		per_ns = lane->payload_bytes / (double)(span.to_ns - span.from_ns);
		lane->open_bytes = bytes_at(tracks, lane->threads, span.from_ns, per_ns) +
				   bytes_at(tracks, lane->threads, span.to_ns, per_ns);
		fl_case_free_tracks(tracks, lane->threads);
	}
}

void fl_case_set_amplified(const struct fl_case *c, const struct fl_case_lane *lane, json_t *facts)
{
	static const char *const words[] = { [FL_NOT_AMPLIFIED] = "no", [FL_AMPLIFIED] = "yes" };
	struct fl_delivery read = fl_moments_delivery(c, lane, false), written = fl_moments_delivery(c, lane, true);
	enum fl_amplified amplified = fl_delivery_amplified(read.payload_bytes > 0 ? &read : &written);

	for (const struct fl_fact *f = lane->entry->facts; f->name; f++)
		if (strcmp(f->name, "amplified") == 0)
			json_object_set_new(
				facts, f->name,
				fl_json_string(amplified == FL_AMPLIFIED_UNKNOWN ? NULL : words[amplified]));
}

int fl_case_refuse_cached(const struct fl_case *c, const struct fl_case_lane *lane, const json_t *facts,
			  struct fl_err *err)
{
	const char *direct = fl_json_text_or_null(facts, "direct");
	struct fl_delivery read = fl_moments_delivery(c, lane, false);

	if (!direct || strcmp(direct, "yes") != 0 || !fl_delivery_cached(&read))
		return 0;
	fl_fail(err, -ESTALE, "the drive delivered %.0f %% of what was read: a cache answered",
		100 * read.device_bytes / read.direct_bytes);
	return fl_hint(err, "%s",
		       "is there a layer beneath the file that caches, as a loop device without direct I/O does? "
		       "read from the drive itself");
}
