/* SPDX-License-Identifier: Apache-2.0 */
/* tracks.c: a lane's steps out of its tape, checked, and how far they reach. */
#include "base/alloc.h"
#include "run/case.h"
#include <errno.h>
#include <stdlib.h>

struct fl_window fl_case_window(const struct fl_case *c, const struct fl_case_lane *lane)
{
	struct fl_window w = c->window;

	w.device_clock = lane->entry->device_clock;
	return w;
}

void fl_case_free_tracks(struct fl_track *tracks, size_t n)
{
	for (size_t t = 0; tracks && t < n; t++) {
		free(tracks[t].steps);
		free(tracks[t].given);
	}
	free(tracks);
}

static int read_track(const struct fl_tape *tape, uint32_t thread, struct fl_track *track, struct fl_err *err)
{
	uint32_t given_n = fl_tape_shape(tape)->given;

	track->n = fl_tape_count(tape, thread);
	track->steps = fl_zalloc(track->n + 1, sizeof(*track->steps));
	track->given = fl_zalloc(track->n * given_n + 1, sizeof(*track->given));
	for (uint32_t i = 0; i < track->n; i++)
		if (fl_tape_read(tape, thread, i, &track->steps[i], &track->given[i * given_n], err) < 0)
			return -EPROTO;
	return 0;
}

struct fl_track *fl_case_tracks(const struct fl_case_lane *lane, struct fl_err *err)
{
	struct fl_track *tracks = fl_zalloc(lane->threads, sizeof(*tracks));

	for (uint32_t t = 0; t < lane->threads; t++) {
		if (read_track(lane->tape, t, &tracks[t], err) < 0) {
			fl_case_free_tracks(tracks, lane->threads);
			return NULL;
		}
	}
	return tracks;
}

uint64_t fl_case_covered_ns(const struct fl_case *c, const struct fl_case_lane *lane, uint32_t thread)
{
	if (fl_tape_idle(lane->tape, thread))
		return UINT64_MAX;
	return lane->last_end_ns[thread] ? lane->last_end_ns[thread] : c->start_ns;
}
