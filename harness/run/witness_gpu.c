/* SPDX-License-Identifier: Apache-2.0 */
/* witness_gpu.c: what was seen of a lane's GPUs. */
#include "run/witness_gpu.h"
#include "base/alloc.h"
#include "base/field.h"
#include "record/series.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bits of "throttle_reasons", as NVML has them. */
enum { POWER_LIMIT = 0x4, HARDWARE = 0x8, HEAT = 0x20 | 0x40, POWER_BRAKE = 0x80 };

static const double changed_min = 0.05;	    /* of a clock */
static const double busy_min = 0.9;	    /* processors that are busy all the time */
static const double always_min = 0.9;	    /* of the window: the power limit acts all the time */
static const double loaded_min_bytes = 1e8; /* per second: a link that carries less may rest */

/* ---- series and spans */

static const struct fl_series *find(const struct fl_gpu_seen *seen, const char *metric)
{
	for (size_t i = 0; i < seen->watched_n; i++)
		if (!strcmp(seen->watched[i].subject, seen->id) && !strcmp(seen->watched[i].series.metric, metric))
			return &seen->watched[i].series;
	return NULL;
}

static void add_span(struct fl_spans *spans, double from_ns, double to_ns)
{
	struct fl_span *last = spans->n ? &spans->spans[spans->n - 1] : NULL;

	if (spans->n < FL_SPANS_MAX) {
		spans->spans[spans->n++] = (struct fl_span){ from_ns, to_ns };
		return;
	}
	last->from_ns = fmin(last->from_ns, from_ns);
	last->to_ns = fmax(last->to_ns, to_ns);
}

/* How much of it lies in the window. */
static double overlap(double from_ns, double to_ns, double window_ns)
{
	return fmax(0, fmin(to_ns, window_ns) - fmax(from_ns, 0));
}

typedef bool (*wrong_fn)(double value, double of);

/* When the series had a value that is wrong: from the sample before it to the one behind it, since what was in between
 * nobody knows. Returns the share of the window. spans: NULL: not wanted. */
static double share_of(const struct fl_series *s, wrong_fn is_wrong, double of, double window_ns,
		       struct fl_spans *spans)
{
	double sum_ns = 0;
	size_t next;

	for (size_t i = 0; s && i < s->n; i = next) {
		double from_ns, to_ns;

		next = i + 1;
		if (!is_wrong(s->value[i], of))
			continue;
		while (next < s->n && is_wrong(s->value[next], of))
			next++;
		from_ns = i ? s->at[i - 1] : -INFINITY;
		to_ns = next < s->n ? s->at[next] : INFINITY;
		if (overlap(from_ns, to_ns, window_ns) <= 0)
			continue;
		sum_ns += overlap(from_ns, to_ns, window_ns);
		if (spans)
			add_span(spans, from_ns, to_ns);
	}
	return window_ns > 0 ? sum_ns / window_ns : 0;
}

static bool counts(const struct fl_series *s, size_t i)
{
	return (!s->valid || s->valid[i]) && isfinite(s->value[i]);
}

static void widen(const struct fl_series *s, size_t i, double *low, double *high)
{
	*low = fmin(*low, s->value[i]);
	*high = fmax(*high, s->value[i]);
}

/* Of the samples that lie wholly in the window, with what they reach back; false: there are none. A device before its
 * window rests: it is opened, and waits for the others. */
static bool range_inside(const struct fl_series *s, double window_ns, double *ret_low, double *ret_high)
{
	double low = INFINITY, high = -INFINITY;

	for (size_t i = 0; s && i < s->n; i++)
		if (counts(s, i) && s->at[i] >= fl_watched_reach_ns(s->metric) && s->at[i] <= window_ns)
			widen(s, i, &low, &high);
	*ret_low = low;
	*ret_high = high;
	return low <= high;
}

/* The same; where there are none, of the newest in the window, else of the one just behind it, else of the last before
 * it. (Of equal samples one after the other only the ends are kept: all of the window may lie between two.) */
static bool range_of(const struct fl_series *s, double window_ns, double *ret_low, double *ret_high)
{
	const size_t none = SIZE_MAX;
	size_t before = none, newest = none, behind = none, which;

	if (range_inside(s, window_ns, ret_low, ret_high))
		return true;
	for (size_t i = 0; s && i < s->n; i++) {
		if (!counts(s, i))
			continue;
		if (s->at[i] < 0)
			before = i;
		else if (s->at[i] <= window_ns)
			newest = i;
		else if (behind == none)
			behind = i;
	}
	which = newest != none ? newest : behind != none ? behind : before;
	if (which != none)
		widen(s, which, ret_low, ret_high);
	return which != none;
}

/* ---- slowed down */

static bool has_bits(double value, double of)
{
	return value >= 0 && value < 0x1p53 && ((uint64_t)value & (uint64_t)of);
}

/* The bit of the hardware is set beside those of its heat and of the power brake, too. */
static bool is_hardware_alone(double value, double of)
{
	return has_bits(value, of) && !has_bits(value, HEAT | POWER_BRAKE);
}

static void add_figures(const struct fl_gpu_seen *seen, struct fl_text *out)
{
	double low, high;

	if (range_of(find(seen, "temperature_c"), seen->window_ns, &low, &high))
		fl_text_add(out, ", up to %.0f C", high);
	if (range_of(find(seen, "sm_clock_hz"), seen->window_ns, &low, &high))
		fl_text_add(out, ", down to %.0f MHz", low / 1e6);
}

static void judge_throttle(const struct fl_gpu_seen *seen, json_t *reasons, struct fl_spans *spans)
{
	static const struct {
		wrong_fn is_wrong;
		unsigned bits;
		const char *by;
	} kinds[] = {
		{ has_bits, HEAT, "heat" },
		{ has_bits, POWER_BRAKE, "a power brake" },
		{ is_hardware_alone, HARDWARE, "its hardware" },
	};
	const struct fl_series *s = find(seen, "throttle_reasons");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double share = share_of(s, kinds[i].is_wrong, kinds[i].bits, seen->window_ns, spans);
		struct fl_text figures = { 0 };

		if (share <= 0)
			continue;
		add_figures(seen, &figures);
		json_array_append_new(reasons, json_sprintf("%s was slowed down by %s in %.0f %% of the window%s",
							    seen->id, kinds[i].by, 100 * share, fl_text_str(&figures)));
		fl_text_release(&figures);
	}
}

/* Returns the share of the window. */
static double remark_power_limit(const struct fl_gpu_seen *seen, json_t *remarks)
{
	double share = share_of(find(seen, "throttle_reasons"), has_bits, POWER_LIMIT, seen->window_ns, NULL);
	double low, high;

	if (share > 0 && range_of(find(seen, "power_w"), seen->window_ns, &low, &high))
		json_array_append_new(remarks,
				      json_sprintf("the power limit of %s acted in %.0f %% of the window, at %.0f W",
						   seen->id, 100 * share, high));
	else if (share > 0)
		json_array_append_new(remarks, json_sprintf("the power limit of %s acted in %.0f %% of the window",
							    seen->id, 100 * share));
	return share;
}

/* ---- the link */

static bool is_below(double value, double of)
{
	return value < of;
}

/* Where nobody says what crosses the link, the lane does. */
static bool is_loaded(const struct fl_gpu_seen *seen)
{
	double low, sent = 0, received = 0;
	bool known = range_inside(find(seen, "pcie_sent_bytes_per_s"), seen->window_ns, &low, &sent) &&
		     range_inside(find(seen, "pcie_received_bytes_per_s"), seen->window_ns, &low, &received);

	return seen->crosses_pcie && (!known || sent + received >= loaded_min_bytes);
}

/* One of its generation and its width: what stands before and behind the number. */
struct link_part {
	const char *metric, *best, *before, *behind;
};

static void judge_link(const struct fl_gpu_seen *seen, const struct link_part *part, json_t *reasons,
		       struct fl_spans *spans)
{
	const struct fl_series *s = find(seen, part->metric);
	double low, high, best_low, best = NAN;

	if (!range_of(s, seen->window_ns, &low, &high))
		return;
	range_of(find(seen, part->best), INFINITY, &best_low, &best);
	if (low < high) {
		share_of(s, is_below, high, seen->window_ns, spans);
		json_array_append_new(
			reasons, json_sprintf("the PCIe link of %s changed between %s%.0f and %.0f%s in the window",
					      seen->id, part->before, high, low, part->behind));
	}
	if (isfinite(best) && high < best)
		json_array_append_new(reasons,
				      json_sprintf("the PCIe link of %s ran with %s%.0f%s under load; it can do %.0f",
						   seen->id, part->before, high, part->behind, best));
}

static void judge_links(const struct fl_gpu_seen *seen, json_t *reasons, struct fl_spans *spans)
{
	static const struct link_part parts[] = {
		{ "pcie_gen", "pcie_gen_best", "generation ", "" },
		{ "pcie_lanes", "pcie_lanes_best", "", " lanes" },
	};

	for (size_t i = 0; i < 2; i++)
		judge_link(seen, &parts[i], reasons, spans);
}

/* ---- counters */

static void judge_counter(const struct fl_gpu_seen *seen, const char *metric, const char *what, json_t *reasons,
			  struct fl_spans *spans)
{
	const struct fl_series *s = find(seen, metric);
	double sum = 0;

	for (size_t i = 1; s && i < s->n; i++) {
		double more = s->value[i] - s->value[i - 1];

		if (!(more > 0) || overlap(s->at[i - 1], s->at[i], seen->window_ns) <= 0)
			continue;
		sum += more;
		add_span(spans, s->at[i - 1], s->at[i]);
	}
	if (sum > 0)
		json_array_append_new(reasons, json_sprintf("%.0f %s%s of %s in the window", sum, what,
							    sum == 1 ? "" : "s", seen->id));
}

static void judge_counters(const struct fl_gpu_seen *seen, json_t *reasons, struct fl_spans *spans)
{
	static const char *const counters[][2] = {
		{ "pcie_replays", "PCIe replay" },
		{ "nvlink_errors", "NVLink error" },
		{ "ecc_corrected", "corrected memory error" },
		{ "ecc_uncorrected", "uncorrected memory error" },
		{ "remapped_rows", "replaced memory row" },
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		judge_counter(seen, counters[i][0], counters[i][1], reasons, spans);
}

enum when { BEFORE, WITHIN, AFTER };

static enum when when_of(double at_ns, double window_ns)
{
	return at_ns < 0 ? BEFORE : at_ns < window_ns ? WITHIN : AFTER;
}

/* How many the sample tells of: what the other series has of the same time. */
static double events_at(const struct fl_series *counts, double at_ns, size_t more)
{
	for (size_t i = 0; counts && i < counts->n; i++)
		if (counts->at[i] == at_ns && more-- == 0)
			return counts->value[i];
	return 1;
}

static bool is_same(const struct fl_series *s, size_t a, size_t b, double window_ns)
{
	return s->value[a] == s->value[b] && when_of(s->at[a], window_ns) == when_of(s->at[b], window_ns);
}

/* All of that Xid and the same time, by the first of them. */
static double count_xids(const struct fl_gpu_seen *seen, const struct fl_series *s, size_t first)
{
	const struct fl_series *counts = find(seen, "xid_events");
	double sum = 0;

	for (size_t i = first; i < s->n; i++) {
		size_t nth = 0;

		while (nth < i && s->at[i - nth - 1] == s->at[i])
			nth++;
		if (is_same(s, first, i, seen->window_ns))
			sum += events_at(counts, s->at[i], nth);
	}
	return sum;
}

static void judge_xid(const struct fl_gpu_seen *seen, const struct fl_series *s, size_t first, json_t *reasons)
{
	static const char *const beside[] = { [BEFORE] = "before", [AFTER] = "after" };
	enum when when = when_of(s->at[first], seen->window_ns);
	double n = count_xids(seen, s, first);
	char *what = n > 1 ? fl_format("%.0f events of Xid %.0f of %s", n, s->value[first], seen->id)
			   : fl_format("Xid %.0f of %s", s->value[first], seen->id);

	if (when != WITHIN)
		json_array_append_new(reasons, json_sprintf("%s just %s the window", what, beside[when]));
	else
		json_array_append_new(reasons, json_sprintf("%s%s at %.2f s of the window", what,
							    n > 1 ? ", the first" : "", s->at[first] / 1e9));
	free(what);
}

/* Behind an Xid nothing is sure. */
static void judge_xids(const struct fl_gpu_seen *seen, json_t *reasons, struct fl_spans *spans)
{
	const struct fl_series *s = find(seen, "xid");

	for (size_t i = 0; s && i < s->n; i++) {
		size_t first = 0;

		while (!is_same(s, first, i, seen->window_ns))
			first++;
		if (first < i)
			continue;
		judge_xid(seen, s, i, reasons);
		if (when_of(s->at[i], seen->window_ns) != AFTER)
			add_span(spans, s->at[i], INFINITY);
	}
}

/* ---- clocks */

static void judge_clock(const struct fl_gpu_seen *seen, const char *metric, const char *what, json_t *reasons,
			struct fl_spans *spans)
{
	const struct fl_series *s = find(seen, metric);
	double low, high;

	if (!range_of(s, seen->window_ns, &low, &high) || high - low <= changed_min * high)
		return;
	share_of(s, is_below, (1 - changed_min) * high, seen->window_ns, spans);
	json_array_append_new(reasons, json_sprintf("the %s of %s changed between %.0f and %.0f MHz in the window",
						    what, seen->id, high / 1e6, low / 1e6));
}

static bool is_busy(const struct fl_gpu_seen *seen)
{
	double low, high;

	return range_of(find(seen, "sm_busy_ratio"), seen->window_ns, &low, &high) && low >= busy_min;
}

static bool is_above(double value, double of)
{
	return value > of;
}

static void judge_others(const struct fl_gpu_seen *seen, json_t *reasons, struct fl_spans *spans)
{
	const struct fl_series *s = find(seen, "other_processes");
	double share = share_of(s, is_above, 0, seen->window_ns, spans), low, high;

	if (share > 0 && range_of(s, seen->window_ns, &low, &high))
		json_array_append_new(reasons, json_sprintf("%.0f other process%s used %s in %.0f %% of the window",
							    high, high == 1 ? "" : "es", seen->id, 100 * share));
}

void fl_gpu_judge(const struct fl_gpu_seen *seen, json_t *reasons, json_t *remarks, struct fl_spans *spans)
{
	double limited = remark_power_limit(seen, remarks);

	judge_throttle(seen, reasons, spans);
	if (is_loaded(seen))
		judge_links(seen, reasons, spans);
	judge_counters(seen, reasons, spans);
	judge_xids(seen, reasons, spans);
	judge_clock(seen, "memory_clock_hz", "memory clock", reasons, spans);
	if (is_busy(seen) && limited < always_min)
		judge_clock(seen, "sm_clock_hz", "clock", reasons, spans);
	judge_others(seen, reasons, spans);
}

/* ---- of a lane */

/* Data that goes from one thing to another. */
static bool crosses(const struct fl_case_lane *lane)
{
	for (const struct fl_flow *f = lane->entry->flows; f->from; f++)
		if (strcmp(f->from, f->to) != 0 && fl_lane_has_flow(lane->plan, lane->entry, f))
			return true;
	return false;
}

/* NULL: the machine has no such GPU. */
static const char *whole_gpu(const struct fl_machine *m, const char *text)
{
	int found = fl_machine_find(m, "gpu", text);
	const char *id = found >= 0 ? fl_machine_device(m, "gpu", (size_t)found).id : NULL;

	for (size_t i = 0; id && i < m->gpus_n; i++)
		if (!strcmp(m->gpus[i].id, id))
			return m->gpus[i].parent ? m->gpus[i].parent : id;
	return NULL;
}

void fl_gpus_judge(const struct fl_case *c, const struct fl_case_lane *lane, json_t *reasons, json_t *remarks,
		   struct fl_spans *spans)
{
	struct fl_gpu_seen seen = { .watched = c->watched,
				    .watched_n = c->watched_n,
				    .window_ns = (double)(c->window.to_ns - c->window.from_ns),
				    .crosses_pcie = crosses(lane) };

	for (size_t i = 0; i < lane->plan->options_n; i++) {
		const struct fl_option *o = &lane->plan->options[i];
		const struct fl_field *f = fl_entry_field(lane->entry, o->name);

		if (!f || !fl_field_holds(f, "gpu", o->text))
			continue;
		seen.id = whole_gpu(c->agent->machine, o->text);
		if (seen.id)
			fl_gpu_judge(&seen, reasons, remarks, spans);
	}
}

/* ---- marks */

static bool touches(const struct fl_spans *spans, double from_ns, double to_ns)
{
	for (size_t i = 0; i < spans->n; i++)
		if (spans->spans[i].from_ns < to_ns && spans->spans[i].to_ns > from_ns)
			return true;
	return false;
}

static size_t mark_series(const struct fl_spans *spans, struct fl_series *s)
{
	uint8_t *left = fl_zalloc(s->n + 1, 1);
	size_t marked = 0, valid = 0;

	for (size_t i = 0; i < s->n; i++) {
		left[i] = s->valid[i] && !touches(spans, i ? s->at[i - 1] : 0, s->at[i]);
		valid += left[i];
		marked += s->valid[i] && !left[i];
	}
	if (valid)
		memcpy(s->valid, left, s->n);
	free(left);
	return valid ? marked : 0;
}

size_t fl_spans_mark(const struct fl_spans *spans, struct fl_lane_record *record)
{
	size_t marked = 0;

	for (size_t i = 0; spans->n && i < record->series_n; i++)
		if (record->series[i].kind == FL_SERIES_SAMPLES)
			marked += mark_series(spans, &record->series[i]);
	return marked;
}
