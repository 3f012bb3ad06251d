/* SPDX-License-Identifier: Apache-2.0 */
/* findings.c: what was seen on the paths of lanes that makes them slow, each once for all lanes that it is said of; and
 * lanes that are the odd one out among those like them. */
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <stdlib.h>

/* What a finding is said of: the first lane, how many there are, and their hosts. Texts to [lane, count, {host}]. */
static json_t *collect(const struct fl_judgement *j)
{
	json_t *found = json_object();

	for (size_t i = 0; i < j->lanes_n; i++)
		for (size_t k = 0; k < j->lanes[i].findings_n; k++) {
			json_t *of = json_object_get(found, j->lanes[i].findings[k]);

			if (of)
				json_array_set_new(of, 1, json_integer(json_integer_value(json_array_get(of, 1)) + 1));
			else
				json_object_set_new(found, j->lanes[i].findings[k],
						    of = json_pack("[I, i, {}]", (json_int_t)i, 1));
			if (j->lanes[i].host_name)
				json_object_set_new(json_array_get(of, 2), j->lanes[i].host_name, json_true());
		}
	return found;
}

char *fl_report_on_hosts(const struct fl_judgement *j, const json_t *names)
{
	bool *in;
	char *list, *aside;

	if (json_object_size(names) == 0)
		return NULL;
	in = fl_zalloc(j->hosts_n, sizeof(*in));
	for (size_t i = 0; i < j->hosts_n; i++)
		in[i] = json_object_get(names, j->hosts[i].name) != NULL;
	list = fl_report_host_list(j, in);
	aside = fl_format(" on %s", list);
	free(list);
	free(in);
	return aside;
}

static void add_finding(struct fl_section *s, const struct fl_judgement *j, const struct fl_words *w, const char *text,
			const json_t *of)
{
	size_t first = (size_t)json_integer_value(json_array_get(of, 0));
	long long n = json_integer_value(json_array_get(of, 1));

	fl_section_add(s, (struct fl_remark){ .kind = fl_dup("finding"),
					      .subject = n == 1 ? fl_words_name(w, &j->lanes[first])
								: fl_format("%lld lanes", n),
					      .aside = n == 1 ? NULL : fl_report_on_hosts(j, json_array_get(of, 2)),
					      .text = fl_report_clean(text) });
}

static void add_odd(struct fl_section *s, const struct fl_words *w, const struct fl_lane_verdict *v)
{
	const struct fl_metric_summary *m = fl_report_speaker(v);
	char got[FL_UNIT_TEXT], median[FL_UNIT_TEXT], share[FL_UNIT_TEXT];

	if (!m || v->alike.odd != FL_ODD_WORSE || v->verdict == FL_FAIL)
		return;
	fl_show_metric(got, m->name, m->of_rounds.median);
	fl_show_metric(median, m->name, v->alike.median);
	fl_odd_show_share(share, m->of_rounds.median / v->alike.median);
	fl_section_add(s, (struct fl_remark){ .kind = fl_dup("odd"),
					      .subject = fl_words_name(w, v),
					      .text = fl_format("%s is %s of the median of %zu lanes like it, %s%s",
								got, share, v->alike.n, median,
								v->distrust_n ? "; not trustworthy" : "") });
}

void fl_add_findings(struct fl_section *s, const struct fl_judgement *j, const struct fl_words *w)
{
	json_t *found = collect(j), *of;
	const char *text;

	json_object_foreach(found, text, of) add_finding(s, j, w, text, of);
	json_decref(found);
	for (size_t i = 0; i < j->lanes_n; i++)
		add_odd(s, w, &j->lanes[i]);
}
