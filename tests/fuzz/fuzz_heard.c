/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_heard.c: the watcher may say anything; what is kept of it stays bounded and in order. The input is JSON, a
 * message a line. */
#include "base/json.h"
#include "run/heard.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t now_ns = UINT64_C(10000000000);

static void take_line(struct fl_heard *h, const char *line, size_t n)
{
	struct fl_err err = { 0 };
	enum fl_said said;
	json_t *message;

	if (fl_json_parse(line, n, "message", &message, NULL) < 0)
		return;
	if (json_is_object(message) && fl_heard_take(h, message, now_ns, &said, &err) < 0 && !*err.what)
		abort();
	json_decref(message);
}

static void check(const struct fl_run *run)
{
	for (size_t i = 0; i < run->watched_n; i++) {
		const struct fl_series *s = &run->watched[i].series;

		if (s->n == 0 || (i > 0 && fl_watched_compare(&run->watched[i - 1], &run->watched[i]) >= 0))
			abort();
		for (size_t k = 1; k < s->n; k++)
			if (s->at[k] < s->at[k - 1])
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fl_window window = { .from_ns = 1000, .to_ns = now_ns };
	struct fl_run *run = calloc(1, sizeof(*run));
	const char *at = (const char *)data, *end = at + size;
	struct fl_heard h;

	fl_heard_init(&h);
	fl_heard_expect(&h, "gpu-0");
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t n = line_end ? (size_t)(line_end - at) : (size_t)(end - at);

		take_line(&h, at, n);
		at += n + 1;
	}
	fl_heard_collect(&h, &window, 500, 0, 0, run);
	check(run);
	fl_run_free(run);
	fl_heard_release(&h);
	return 0;
}
