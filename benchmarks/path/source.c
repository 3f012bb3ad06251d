/* SPDX-License-Identifier: Apache-2.0 */
/* path/source.c: how far a source is ahead of the sink. */
#include "path/source.h"

static const char turn = 1; /* its value says nothing */

int fl_source_set_ahead(struct fl_source *s, uint64_t batches, struct fl_err *err)
{
	int rc = fl_queue_create(batches, sizeof(turn), &s->turns, err);

	for (uint64_t i = 0; rc == 0 && i < batches; i++)
		rc = fl_queue_push(s->turns, &turn);
	s->ahead = batches;
	return rc;
}

int fl_source_begin(struct fl_source *s, uint64_t seq, uint64_t until_ns)
{
	char taken;
	int rc = 0;

	if (seq < s->begun * s->shape.chunks)
		return 0;
	rc = fl_queue_pop_until(s->turns, &taken, until_ns);
	if (rc == 0)
		s->begun++;
	return rc;
}

void fl_source_give_turn(struct fl_source *s)
{
	if (s->turns)
		fl_queue_push_until(s->turns, &turn, 0); /* there is room for all that were given */
}
