/* SPDX-License-Identifier: Apache-2.0 */
/* bands.c: numbers to a band, by the table of starvation.h. */
#include "judge/judge.h"
#include "judge/loop.h"
#include <math.h>

const char *fl_band_name(enum fl_band band)
{
	static const char *const names[] = {
		[FL_NO_BAND] = NULL,
		[FL_FED] = "fed",
		[FL_MODERATELY_STARVED] = "moderately starved",
		[FL_STARVED] = "starved",
		[FL_AT_THE_LIMIT] = "at the limit",
		[FL_NOT_MEASURABLE] = "not measurable",
	};

	return names[band];
}

enum fl_band fl_band_of(double S)
{
	if (S < FL_FED_BELOW)
		return FL_FED;
	return S < FL_STARVED_FROM ? FL_MODERATELY_STARVED : FL_STARVED;
}

static bool is_one_band(double low, double high)
{
	return fl_band_of(low) == fl_band_of(high);
}

static enum fl_band answer(enum fl_band band, enum fl_line line, enum fl_line *ret_line)
{
	*ret_line = line;
	return band;
}

/* What a closed loop takes comes from its source, but for what the queue held. */
static bool took_too_much(const struct fl_band_in *in)
{
	return in->AU.low > (1 + FL_TOLERANCE) * in->rho.high + in->drained;
}

double fl_band_kept(const struct fl_band_in *in)
{
	return in->S.n && in->AU.n ? fmin(in->control_AU, in->S.median + in->AU.median) : in->control_AU;
}

double fl_band_explained(const struct fl_interval *rho, double replayed, double kept)
{
	return fmax(fmax(0, 1 - rho->low), replayed) + fmax(0, 1 - kept) + FL_TOLERANCE;
}

enum fl_band fl_band_decide(const struct fl_band_in *in, enum fl_line *ret_line)
{
	double loss = fmax(0, 1 - fl_band_kept(in)), full = in->S.high + in->drained;
	double low = in->S.low - loss, high = full + loss;

	if (isnan(in->control_AU) || !(fl_band_kept(in) >= FL_CONTROL_LEAST))
		return answer(FL_NOT_MEASURABLE, FL_LINE_CONTROL, ret_line);
	if (in->S.n == 0 || in->AU.n == 0 || in->rho.n == 0)
		return answer(FL_NOT_MEASURABLE, FL_LINE_UNKNOWN, ret_line);
	if (took_too_much(in))
		return answer(FL_AT_THE_LIMIT, FL_LINE_CONTRADICTION, ret_line);
	if (is_one_band(low, high))
		return answer(fl_band_of(in->S.median), FL_LINE_BAND, ret_line);
	if (in->rho.low <= 1 && in->rho.high >= 1)
		return answer(FL_AT_THE_LIMIT, FL_LINE_RHO, ret_line);
	if (low >= FL_FED_BELOW)
		return answer(fl_band_of(in->S.median), FL_LINE_MEDIAN, ret_line);
	if (is_one_band(in->S.low, in->S.high))
		return is_one_band(in->S.low, full) ? answer(FL_NOT_MEASURABLE, FL_LINE_LOSS, ret_line)
						    : answer(FL_AT_THE_LIMIT, FL_LINE_QUEUE, ret_line);
	if (in->S.low < FL_FED_BELOW)
		return answer(FL_AT_THE_LIMIT, FL_LINE_NOISE, ret_line);
	return answer(FL_NOT_MEASURABLE, FL_LINE_LOSS, ret_line);
}
