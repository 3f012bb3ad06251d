/* SPDX-License-Identifier: Apache-2.0 */
/* content.c: what a report for people says, in whatever format. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <stdlib.h>

void fl_content_add(struct fl_content *c, struct fl_section section)
{
	if (section.remarks_n == 0 && section.table.rows_n == 0) {
		fl_section_release(&section);
		return;
	}
	c->sections = fl_grow(c->sections, c->sections_n + 1, sizeof(*c->sections));
	c->sections[c->sections_n++] = section;
}

void fl_content_release(struct fl_content *c)
{
	for (size_t i = 0; i < c->sections_n; i++)
		fl_section_release(&c->sections[i]);
	free(c->sections);
	free(c->headline);
	free(c->counts);
	free(c->subject);
	fl_table_release(&c->table);
	free(c->legend);
}
