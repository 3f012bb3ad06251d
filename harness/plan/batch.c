/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c: lanes that move batches of step_bytes in reads of a block: what cannot be is refused before anything runs,
 * and a block that nobody chose is no larger than the batch. */
#include "base/field.h"
#include "base/units.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT_BYTES = 4096 }; /* of which reads past the page cache are made */

static const char step_bytes[] = "step_bytes", block[] = "block";

static uint64_t number_of(const struct fl_plan_lane *lane, const char *option)
{
	const char *text = fl_lane_option(lane, option);
	uint64_t value = 0;

	return text && fl_parse_count(text, &value, NULL) == 0 ? value : 0;
}

/* Where the option stands that the message is about, else its rule. */
static struct fl_spot spot_of(const struct fl_expansion *x, const struct fl_rule *rule, const char *option)
{
	struct fl_spot spot = { x->suite->source, rule->line, rule->column }, said;

	return fl_given_text(x, rule, option, &said) ? said : spot;
}

static bool is_swept(const struct fl_rule *rule, const char *option)
{
	return rule->sweep && strcmp(rule->sweep[0].name, option) == 0;
}

static int check_multiple(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_plan_lane *lane,
			  const char *option, struct fl_err *err)
{
	uint64_t bytes = number_of(lane, option), down = bytes / UNIT_BYTES * UNIT_BYTES;
	char low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];

	if (bytes % UNIT_BYTES == 0)
		return 0;
	fl_fail_at(spot_of(x, rule, option), err, -EINVAL, "%s: '%s' of %llu is no multiple of 4 KiB", lane->bench,
		   option, (unsigned long long)bytes);
	if (down == 0)
		return fl_hint(err, "the least is 4 KiB");
	return fl_hint(err, "the nearest are %s and %s", fl_show_bytes(low, down),
		       fl_show_bytes(high, down + UNIT_BYTES));
}

int fl_batch_settle(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		    struct fl_plan_lane *lane, struct fl_err *err)
{
	struct fl_spot spot;
	char batch[FL_UNIT_TEXT], read[FL_UNIT_TEXT];
	uint64_t bytes = number_of(lane, step_bytes);
	int rc;

	if (!fl_field_find(entry->fields, step_bytes) || !fl_field_find(entry->fields, block))
		return 0;
	rc = check_multiple(x, rule, lane, step_bytes, err);
	if (rc == 0)
		rc = check_multiple(x, rule, lane, block, err);
	if (rc < 0 || number_of(lane, block) <= bytes)
		return rc;
	if (!is_swept(rule, block) && !fl_given_text(x, rule, block, &spot)) {
		fl_plan_lane_set(lane, block, fl_lane_option(lane, step_bytes));
		return 0;
	}
	fl_fail_at(spot_of(x, rule, block), err, -EINVAL, "%s: a block of %s is larger than the batch of %s",
		   lane->bench, fl_show_bytes(read, number_of(lane, block)), fl_show_bytes(batch, bytes));
	return fl_hint(err, "choose a block of at most step_bytes, or leave it out");
}
