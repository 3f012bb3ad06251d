/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c: what a lane tells its benchmark about itself. */
#include "lane/lane.h"

unsigned fl_threads(const struct fl_lane *lane)
{
	return fl_tape_shape(lane->tape)->threads;
}
