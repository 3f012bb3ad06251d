/* SPDX-License-Identifier: Apache-2.0 */
/* options_help.c: --help from the declared rows. */
#include "base/alloc.h"
#include "base/field.h"
#include "cli/options.h"
#include "cli/output.h"
#include <stdlib.h>

/* The ranges of choices and devices are in their placeholders, those of texts are no bounds. */
void fl_options_values(const struct fl_field *f, bool optional, struct fl_text *out)
{
	bool range = f->range && f->type != FL_CHOICE && f->type != FL_DEVICE && f->type != FL_TEXT;
	bool preset = f->preset && *f->preset && f->type != FL_FLAG;

	if (f->type == FL_DEVICE && !f->preset && !optional)
		fl_text_add(out, " (where left out: every %s)", f->range ? f->range : "device");
	else if (!f->preset && !optional)
		fl_text_add(out, " (must be given%s%s)", range ? "; " : "", range ? f->range : "");
	else if (range || preset)
		fl_text_add(out, " (%s%s%s%s)", range ? f->range : "", range && preset ? ", " : "",
			    preset ? "default " : "", preset ? f->preset : "");
}

static void describe_row(const struct fl_field *f, bool optional, struct fl_text *out)
{
	char *name = fl_options_word(f->name);
	char *left = f->type == FL_FLAG ? fl_format("--%s", name) : fl_format("--%s %s", name, fl_field_placeholder(f));

	fl_text_add(out, "  %-28s  %s", left, f->help);
	fl_options_values(f, optional, out);
	fl_text_add(out, "\n");
	free(left);
	free(name);
}

static bool seen_before(const struct fl_option_set *sets, const struct fl_option_set *end, const char *name)
{
	for (const struct fl_option_set *s = sets; s < end; s++)
		if (fl_field_find(s->fields, name))
			return true;
	return false;
}

int fl_options_help(const char *usage, const char *summary, const struct fl_option_set *sets, struct fl_err *err)
{
	struct fl_text out = { 0 };

	fl_text_add(&out, "usage: feedline %s [OPTION...]\n%s\n", usage, summary);
	for (const struct fl_option_set *s = sets; s->fields; s++) {
		bool titled = false;

		for (const struct fl_field *f = s->fields; f->name; f++) {
			if (seen_before(sets, s, f->name))
				continue;
			if (!titled)
				fl_text_add(&out, "\n%s:\n", s->title);
			titled = true;
			describe_row(f, s->optional, &out);
		}
	}
	return fl_output_text(&out, err);
}
