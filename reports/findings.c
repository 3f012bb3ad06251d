/* SPDX-License-Identifier: Apache-2.0 */
/* findings.c: what was seen on the paths of lanes that makes them slow, each once for all lanes that it is said of; and
 * lanes that are the odd one out among those like them. */
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

static bool says(const struct fl_lane_verdict *v, const char *text)
{
	for (size_t i = 0; i < v->findings_n; i++)
		if (strcmp(v->findings[i], text) == 0)
			return true;
	return false;
}

static bool was_said(const struct fl_judgement *j, size_t before, const char *text)
{
	for (size_t i = 0; i < before; i++)
		if (says(&j->lanes[i], text))
			return true;
	return false;
}

static void add_finding(struct fl_section *s, const struct fl_judgement *j, const struct fl_words *w, size_t lane,
			const char *text)
{
	size_t n = 0;

	for (size_t i = lane; i < j->lanes_n; i++)
		n += says(&j->lanes[i], text);
	fl_section_add(s, (struct fl_remark){ .kind = fl_dup("finding"),
					      .subject = n == 1 ? fl_words_name(w, &j->lanes[lane])
								: fl_format("%zu lanes", n),
					      .text = fl_report_clean(text) });
}

static void add_odd(struct fl_section *s, const struct fl_words *w, const struct fl_lane_verdict *v)
{
	const struct fl_metric_summary *m = fl_report_speaker(v);
	char got[FL_UNIT_TEXT], median[FL_UNIT_TEXT], share[FL_UNIT_TEXT];

	if (!m || !v->alike.odd || v->verdict == FL_FAIL)
		return;
	fl_show_metric(got, m->name, m->of_rounds.median);
	fl_show_metric(median, m->name, v->alike.median);
	fl_show_percent(share, m->of_rounds.median / v->alike.median);
	fl_section_add(s, (struct fl_remark){ .kind = fl_dup("odd"),
					      .subject = fl_words_name(w, v),
					      .text = fl_format("%s is %s of the median of %zu lanes like it, %s", got,
								share, v->alike.n, median) });
}

void fl_add_findings(struct fl_section *s, const struct fl_judgement *j, const struct fl_words *w)
{
	for (size_t i = 0; i < j->lanes_n; i++)
		for (size_t k = 0; k < j->lanes[i].findings_n; k++)
			if (!was_said(j, i, j->lanes[i].findings[k]))
				add_finding(s, j, w, i, j->lanes[i].findings[k]);
	for (size_t i = 0; i < j->lanes_n; i++)
		add_odd(s, w, &j->lanes[i]);
}
