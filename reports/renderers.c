/* SPDX-License-Identifier: Apache-2.0 */
/* renderers.c: the table of formats. A new format is a file, a row and a word of FL_FORMATS. */
#include "reports/parts.h"
#include <string.h>

const struct fl_renderer fl_renderers[] = {
	{ .name = "text", .suffix = "txt", .summary = "for people, on a terminal", .render = fl_report_text },
	{ .name = "json", .suffix = "json", .summary = "for programs, one document", .render = fl_report_json },
	{ .name = "markdown",
	  .suffix = "md",
	  .summary = "for people, where code is hosted",
	  .render = fl_report_markdown },
	{ 0 },
};

const struct fl_renderer *fl_renderer_find(const char *name)
{
	for (const struct fl_renderer *r = fl_renderers; r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}
