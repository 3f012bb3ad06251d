/* SPDX-License-Identifier: Apache-2.0 */
/* retired.c: a list. */
#include "run/retired.h"
#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>

const char *fl_retired_why(const struct fl_retired *retired, const char *id)
{
	for (size_t i = 0; i < retired->n; i++)
		if (strcmp(retired->items[i].id, id) == 0)
			return retired->items[i].why;
	return NULL;
}

void fl_retired_add(struct fl_retired *retired, const char *id, const char *why)
{
	if (fl_retired_why(retired, id))
		return;
	retired->items = fl_grow(retired->items, retired->n + 1, sizeof(*retired->items));
	retired->items[retired->n++] = (struct fl_retired_device){ fl_dup(id), fl_dup(why) };
}

void fl_retired_release(struct fl_retired *retired)
{
	for (size_t i = 0; i < retired->n; i++) {
		free(retired->items[i].id);
		free(retired->items[i].why);
	}
	free(retired->items);
	*retired = (struct fl_retired){ 0 };
}
