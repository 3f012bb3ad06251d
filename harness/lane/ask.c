/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c: what a lane tells its benchmark about itself. */
#include "lane/lane.h"

unsigned fl_threads(const struct fl_lane *lane)
{
	return fl_tape_shape(lane->tape)->threads;
}

unsigned fl_rank(const struct fl_lane *lane)
{
	return lane->rank;
}

unsigned fl_size(const struct fl_lane *lane)
{
	return lane->size;
}

const char *fl_address(const struct fl_lane *lane, unsigned rank)
{
	if (rank >= lane->size)
		return NULL;
	return lane->addresses ? lane->addresses[rank] : "127.0.0.1";
}
