/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/window.h: what two streams of copies moved while both were busy.
 *
 * Streams that begin together do not end together, and the one that is left runs alone and faster: its tail says
 * nothing of both. So only that time counts in which both copied. It begins when the later one begins and ends with
 * the last copy of either that ends while the other is still busy: a copy of the slower one that goes on beyond,
 * alone, was faster at its end than at its beginning, and must not be taken for even. What the other moved until then
 * is taken for even within one copy. */
#ifndef PATH_CUDA_WINDOW_H
#define PATH_CUDA_WINDOW_H
#include <stddef.h>
#include <stdint.h>

/* One stream: at_ns[0] is when its first copy began, at_ns[i] when its i-th ended, i = 1 .. copies; never falling. */
struct fl_window_side {
	const double *at_ns;
	size_t copies;
};

struct fl_window_both {
	double ns;	 /* how long both were busy, as far as it counts */
	double busy_ns;	 /* how long each of them was busy at all, on average */
	double bytes[2]; /* that each of them moved in that time */
};

/* Both by one clock. 0; -ERANGE: they did not run together, or a time is no number or falls. */
int fl_window_both(const struct fl_window_side side[2], uint64_t copy_bytes, struct fl_window_both *ret);

#endif
