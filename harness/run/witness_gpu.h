/* SPDX-License-Identifier: Apache-2.0 */
/* witness_gpu.h: what the GPUs of a lane did while it was measured, by what was seen of them (telemetry.h), and whether
 * that spoils its numbers. Pure. What was not seen is no reason.
 *
 * Reasons not to trust a lane, each with its figure:
 *   its GPU was slowed down by heat, by a power brake or by its own hardware
 *   its PCIe link, while data crosses it, ran with a lower generation or fewer lanes than GPU and slot can do, or
 *   that changed
 *   PCIe replays, NVLink errors, memory errors or replaced rows became more
 *   an Xid
 *   its memory clock changed; its clock changed while its processors were busy all the time
 *   processes that are not ours used it
 *
 * A power limit is none. GPUs under load run at theirs for hours: that is how this machine always runs, a later run
 * will find it so again, and power that another does not have is what a comparison shall show. It is remarked. Only
 * where the limit acts in a part of the window does the clock change, which is a reason of its own.
 *
 * Levels (clocks, generation and lanes of the link, heat, load) are those of samples that lie in the window, with the
 * time that they are a mean of: before it a GPU rests. Counters count from the last sample before the window to the
 * first behind it.
 *
 * Where the moments are known, samples of the lane that were taken in them are marked not valid, unless that left none:
 * a lane that was slowed down all the time keeps its numbers, and is not trusted. */
#ifndef FL_RUN_WITNESS_GPU_H
#define FL_RUN_WITNESS_GPU_H
#include "run/case.h"

/* Times in which something was wrong, in ns since the start of the window; the last one takes what there is no room
 * for. */
enum { FL_SPANS_MAX = 64 };
struct fl_span {
	double from_ns, to_ns;
};
struct fl_spans {
	struct fl_span spans[FL_SPANS_MAX];
	size_t n;
};

struct fl_gpu_seen {
	const char *id; /* the subject of its series */
	const struct fl_watched *watched;
	size_t watched_n;
	double window_ns;
	bool crosses_pcie; /* the lane moves data between it and something else */
};
/* Appends reasons, and remarks of what is none. */
void fl_gpu_judge(const struct fl_gpu_seen *seen, json_t *reasons, json_t *remarks, struct fl_spans *spans);

/* The same of all GPUs of the lane. A part of one is judged by the whole. */
void fl_gpus_judge(const struct fl_case *c, const struct fl_case_lane *lane, json_t *reasons, json_t *remarks,
		   struct fl_spans *spans);
/* Marks the samples in these spans. Returns how many. */
size_t fl_spans_mark(const struct fl_spans *spans, struct fl_lane_record *record);

#endif
