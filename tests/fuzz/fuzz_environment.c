/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_environment.c: two machines with their environments. Whatever they hold, what is different stays within bounds,
 * has a path and a side, is as much the other way round, and is nothing between equals. */
#include "base/json.h"
#include "judge/environment.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static size_t count(const json_t *a, const json_t *b)
{
	struct fl_differences d;
	size_t found;

	fl_differences_find(json_object_get(a, "machine"), json_object_get(a, "environment"),
			    json_object_get(b, "machine"), json_object_get(b, "environment"), &d);
	if (d.n > FL_DIFFERENCES_MAX || (d.more && d.n < FL_DIFFERENCES_MAX))
		abort();
	for (size_t i = 0; i < d.n; i++)
		if (!d.items[i].path || (!d.items[i].before && !d.items[i].after))
			abort();
	found = d.n + d.more;
	fl_differences_release(&d);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fl_err err = { 0 };
	const json_t *a, *b;
	json_t *doc;

	if (fl_json_parse((const char *)bytes, n, "runs", &doc, &err) < 0)
		return 0;
	a = json_object_get(doc, "a");
	b = json_object_get(doc, "b");
	if (count(a, b) != count(b, a) || count(a, a) != 0)
		abort();
	json_decref(doc);
	return 0;
}
