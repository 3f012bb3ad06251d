/* SPDX-License-Identifier: Apache-2.0 */
/* change_decide.c: what the changes mean, all of them together: correction, verdicts, status. */
#include "base/alloc.h"
#include "base/units.h"
#include "judge/change_parts.h"
#include <math.h>
#include <stdlib.h>

/* How far towards the worse, relative; its interval likewise. */
struct loss {
	double typical, least, most;
};

static double towards_worse(const struct fl_metric_change *m, double ratio)
{
	return m->better == FL_LOWER ? ratio - 1 : 1 - ratio;
}

static struct loss loss_of(const struct fl_metric_change *m)
{
	if (m->better == FL_LOWER)
		return (struct loss){ m->ratio.ratio - 1, m->ratio.low - 1, m->ratio.high - 1 };
	return (struct loss){ 1 - m->ratio.ratio, 1 - m->ratio.high, 1 - m->ratio.low };
}

/* ---- correction: the primary metrics are one family, all others another */

static void correct(struct fl_comparison *c, bool primary)
{
	struct fl_metric_change **family = NULL;
	double *p, *adjusted;
	size_t n = 0;

	for (size_t i = 0; i < c->lanes_n; i++)
		for (size_t k = 0; k < c->lanes[i].metrics_n; k++) {
			struct fl_metric_change *m = &c->lanes[i].metrics[k];

			if (m->primary != primary || isnan(m->p))
				continue;
			family = fl_grow(family, n + 1, sizeof(*family));
			family[n++] = m;
		}
	p = fl_zalloc(n, sizeof(*p));
	adjusted = fl_zalloc(n, sizeof(*adjusted));
	for (size_t i = 0; i < n; i++)
		p[i] = family[i]->p;
	fl_holm(p, n, adjusted);
	for (size_t i = 0; i < n; i++)
		family[i]->p_adjusted = adjusted[i];
	if (primary)
		c->primary = n;
	free(adjusted);
	free(p);
	free(family);
}

/* ---- what would decide */

enum { UNITS_MAX = 1000 };

/* The interval narrows with the square root of the number of units: how many until it ends before the line, or begins
 * behind it. 0: no number of them will do. */
static size_t units_that_decide(const struct fl_metric_change *m, size_t needs)
{
	struct loss loss = loss_of(m);
	double half = (loss.most - loss.least) / 2, room = fabs(m->line - loss.typical), n;

	if (m->ratio.confidence == 0 || !(room > 0))
		return m->units < needs ? needs : 0;
	n = ceil((double)m->units * (half / room) * (half / room));
	if (!(n <= UNITS_MAX))
		return 0;
	if ((size_t)n <= m->units) /* the test asks for more than the interval */
		n = (double)m->units + 1;
	return (size_t)n > needs ? (size_t)n : needs;
}

static char *how_to_decide(const struct fl_comparison *c, const struct fl_metric_change *m, size_t needs)
{
	size_t n = units_that_decide(m, needs);

	if (n == 0)
		return fl_dup("it lies on the line or moves too much: quieten the machine, or set another --tolerance");
	if (c->hosts)
		return fl_format("about %zu hosts measured before and after would decide", n);
	return fl_format("about %zu rounds on each side would decide: measure both again with --repeat %zu", n, n);
}

/* ---- one metric */

static void say(struct fl_metric_change *m, enum fl_verdict verdict, char *reason)
{
	m->verdict = verdict;
	m->reason = reason;
}

static char *say_loss(const struct fl_metric_change *m, double loss)
{
	char percent[FL_UNIT_TEXT], line[FL_UNIT_TEXT];

	return fl_format("%s %s, beyond the line of %s", fl_show_percent(percent, fabs(loss)),
			 loss > 0 ? "worse" : "better", fl_show_percent(line, m->line));
}

static bool is_too_few(const struct fl_comparison *c, const struct fl_metric_change *m)
{
	return m->ratio.confidence == 0 || (!c->hosts && m->units < FL_CHANGE_UNITS_LEAST);
}

/* How many a side needs at least for a verdict. */
static size_t needs_of(const struct fl_comparison *c)
{
	double alpha = FL_CHANGE_ALPHA / (double)c->primary;
	size_t n = c->hosts ? fl_signed_rank_needs(alpha) : fl_rank_sum_needs(alpha);

	return n > FL_CHANGE_UNITS_LEAST ? n : FL_CHANGE_UNITS_LEAST;
}

static void leave_open(const struct fl_comparison *c, struct fl_metric_change *m)
{
	struct loss loss = loss_of(m);
	char most[FL_UNIT_TEXT], line[FL_UNIT_TEXT], typical[FL_UNIT_TEXT];
	const char *units = c->hosts ? "hosts" : "rounds";
	bool undecidable = fabs(loss.typical) > m->line && m->least_p * (double)c->primary > FL_CHANGE_ALPHA;

	fl_show_percent(line, m->line);
	fl_show_percent(typical, fabs(loss.typical));
	if (is_too_few(c, m) || undecidable)
		m->reason = fl_format("%s %s with %zu %s: too few to tell among %zu primary metric%s", typical,
				      loss.typical > 0 ? "worse" : "better", m->units, units, c->primary,
				      c->primary == 1 ? "" : "s");
	else if (loss.typical > m->line)
		m->reason = fl_format("%s worse, but the %s of both sides are not separated", typical, units);
	else
		m->reason = fl_format("up to %s worse is not excluded, and the line is %s",
				      fl_show_percent(most, loss.most), line);
	m->hint = how_to_decide(c, m, needs_of(c));
}

/* What moves so far by itself hides any loss. */
static bool is_blind(const struct fl_comparison *c, const struct fl_metric_change *m)
{
	return m->floor.ratio > FL_CHANGE_FLOOR_MAX && !(m->floor.ratio <= c->tolerance);
}

/* Why a loss beyond the line is not excluded although the interval ends before it; NULL: it is excluded. */
static char *find_doubt(const struct fl_comparison *c, const struct fl_metric_change *m)
{
	char shown[FL_UNIT_TEXT], line[FL_UNIT_TEXT];
	double worst = towards_worse(m, m->worst);

	if (is_blind(c, m))
		return fl_format("it moves %s by itself, too far to exclude a loss",
				 fl_show_percent(shown, m->floor.ratio));
	if (worst > m->line)
		return fl_format("host '%s' alone is %s worse, beyond the line of %s", m->worst_host,
				 fl_show_percent(shown, worst), fl_show_percent(line, m->line));
	return NULL;
}

static bool is_separated(const struct fl_metric_change *m)
{
	return m->p_adjusted <= FL_CHANGE_ALPHA;
}

static void decide_primary(const struct fl_comparison *c, struct fl_metric_change *m)
{
	struct loss loss = loss_of(m);
	char *doubt;

	if (m->moved != FL_MOVED_NOT) {
		say(m, m->moved == FL_MOVED_WORSE ? FL_FAIL : FL_PASS, say_loss(m, loss.typical));
	} else if (is_too_few(c, m) || !(loss.most <= m->line)) {
		leave_open(c, m);
	} else {
		doubt = find_doubt(c, m);
		say(m, doubt ? FL_INCONCLUSIVE : FL_PASS, doubt);
		if (doubt)
			m->hint = fl_dup(is_blind(c, m) ? "quieten the machine and calibrate it again"
							: "compare the runs of that host alone");
	}
}

static void decide(const struct fl_comparison *c, struct fl_metric_change *m)
{
	struct loss loss = loss_of(m);

	if (isnan(m->p) || m->better == FL_NEITHER)
		return;
	if (is_separated(m) && !is_too_few(c, m) && fabs(loss.typical) > m->line)
		m->moved = loss.typical > 0 ? FL_MOVED_WORSE : FL_MOVED_BETTER;
	if (m->primary)
		decide_primary(c, m);
}

/* ---- all of them */

static enum fl_status status_of(enum fl_verdict verdict)
{
	switch (verdict) {
	case FL_PASS:
	case FL_UNJUDGED:
		return FL_STATUS_PASS;
	case FL_FAIL:
		return FL_STATUS_FAIL;
	case FL_INCONCLUSIVE:
	case FL_VERDICT_INVALID:
	case FL_VERDICT_NOT_MEASURED:
		break;
	}
	return FL_STATUS_NOT_MEASURED;
}

/* A regression that cannot be trusted is untrustworthy, not a fail. */
static void count(struct fl_comparison *c, enum fl_verdict verdict, bool trusted)
{
	enum fl_status status = status_of(verdict);

	c->count[verdict]++;
	if (!trusted && status == FL_STATUS_FAIL)
		status = FL_STATUS_UNTRUSTED;
	c->status = fl_status_worse(c->status, status);
}

static void count_lane(struct fl_comparison *c, const struct fl_lane_change *lane)
{
	if (lane->refused)
		count(c, lane->verdict, true);
	for (size_t i = 0; i < lane->metrics_n; i++) {
		const struct fl_metric_change *m = &lane->metrics[i];

		c->floors += isfinite(m->floor.ratio) ? 1 : 0;
		if (!m->primary)
			continue;
		count(c, m->verdict, lane->distrust_n == 0);
		c->improved += m->moved == FL_MOVED_BETTER;
		c->regressed += m->moved == FL_MOVED_WORSE;
	}
	if (lane->distrust_n) {
		c->trustworthy = false;
		c->status = fl_status_worse(c->status, FL_STATUS_UNTRUSTED);
	}
}

static enum fl_verdict conclude(const struct fl_comparison *c)
{
	static const enum fl_verdict worst_first[] = { FL_FAIL, FL_INCONCLUSIVE, FL_VERDICT_NOT_MEASURED, FL_PASS };

	for (size_t i = 0; i < sizeof(worst_first) / sizeof(*worst_first); i++)
		if (c->count[worst_first[i]])
			return worst_first[i];
	return FL_UNJUDGED;
}

void fl_decide_changes(struct fl_comparison *c)
{
	correct(c, true);
	correct(c, false);
	c->trustworthy = true;
	for (size_t i = 0; i < c->lanes_n; i++) {
		for (size_t k = 0; k < c->lanes[i].metrics_n; k++)
			decide(c, &c->lanes[i].metrics[k]);
		count_lane(c, &c->lanes[i]);
	}
	for (size_t i = 0; i < c->left_out_n; i++)
		count(c, FL_VERDICT_NOT_MEASURED, true);
	if (c->primary == 0) /* nothing was compared that decides */
		c->status = fl_status_worse(c->status, FL_STATUS_NOT_MEASURED);
	c->verdict = conclude(c);
}
