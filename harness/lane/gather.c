/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c: what the lanes of a group say to each other. The control thread asks and waits; the worker's main thread
 * brings the answer. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "lane/lane.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes as text */

static char *to_hex(const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *hex = fl_zalloc(2 * n + 1, 1);

	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	return hex;
}

static bool is_hex(const char *text, size_t bytes)
{
	return text && strlen(text) == 2 * bytes && strspn(text, "0123456789abcdef") == 2 * bytes;
}

static unsigned value_of(char digit)
{
	return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a') + 10;
}

static void from_hex(const char *hex, unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)(value_of(hex[2 * i]) << 4 | value_of(hex[2 * i + 1]));
}

/* ---- the answer: from the main thread */

static bool is_awaited(const struct fl_lane *lane, const json_t *message)
{
	const char *name = fl_json_text_or_null(message, "name");

	return lane->gathering.name && name && strcmp(name, lane->gathering.name) == 0;
}

static int take(struct fl_lane *lane, const json_t *values, struct fl_err *err)
{
	struct fl_gathering *g = &lane->gathering;

	if (json_array_size(values) != lane->size)
		return fl_fail(err, -EPROTO, "not as many said something at '%s' as the group has lanes", g->name);
	for (unsigned i = 0; i < lane->size; i++)
		if (!is_hex(json_string_value(json_array_get(values, i)), g->bytes))
			return fl_fail(err, -EPROTO, "what rank %u said at '%s' is not %zu bytes", i, g->name,
				       g->bytes);
	for (unsigned i = 0; i < lane->size && g->bytes; i++)
		from_hex(json_string_value(json_array_get(values, i)), g->all + i * g->bytes, g->bytes);
	return 0;
}

/* Under the lock. */
static void settle(struct fl_lane *lane, int code, const char *what)
{
	lane->gathering.code = code;
	fl_copy(lane->gathering.what, sizeof(lane->gathering.what), what);
	lane->gathering.name = NULL;
	pthread_cond_broadcast(&lane->changed);
}

int fl_lane_gathered(struct fl_lane *lane, const json_t *message, struct fl_err *err)
{
	struct fl_err why = { 0 };
	int rc = 0;

	pthread_mutex_lock(&lane->lock);
	if (lane->gathering.name && !is_awaited(lane, message))
		rc = fl_fail(err, -EPROTO, "an answer to '%.32s', not to '%s'", fl_json_text_or_null(message, "name"),
			     lane->gathering.name);
	else if (lane->gathering.name)
		settle(lane, take(lane, json_object_get(message, "values"), &why), why.what);
	pthread_mutex_unlock(&lane->lock);
	return rc;
}

void fl_lane_ungathered(struct fl_lane *lane, const json_t *message)
{
	const char *what = fl_json_text_or_null(message, "what");

	pthread_mutex_lock(&lane->lock);
	if (is_awaited(lane, message))
		settle(lane, -ECANCELED, what ? what : "a lane of the same group failed");
	pthread_mutex_unlock(&lane->lock);
}

/* ---- the question: from the lane's control thread */

/* The case is over before the lane has opened. Later, everybody is halted before the data is looked at. */
static bool is_called_off(const struct fl_lane *lane)
{
	return lane->halted && !lane->opened;
}

static int await(struct fl_lane *lane, struct fl_err *err)
{
	struct fl_gathering *g = &lane->gathering;
	int rc;

	pthread_mutex_lock(&lane->lock);
	while (g->name && !is_called_off(lane))
		pthread_cond_wait(&lane->changed, &lane->lock);
	if (g->name)
		settle(lane, -ECANCELED, "the case is over");
	rc = g->code ? fl_fail(err, g->code, "%s", g->what) : 0;
	pthread_mutex_unlock(&lane->lock);
	return rc;
}

int fl_allgather(struct fl_lane *lane, const char *name, const void *mine, size_t bytes, void *ret_all,
		 struct fl_err *err)
{
	char *hex;

	if (bytes > FL_GATHER_MAX)
		return fl_fail(err, -EINVAL, "%zu bytes to say at '%s', more than %d", bytes, name, FL_GATHER_MAX);
	if (lane->size == 1) {
		if (bytes)
			memcpy(ret_all, mine, bytes);
		return 0;
	}
	pthread_mutex_lock(&lane->lock);
	lane->gathering = (struct fl_gathering){ .name = name, .bytes = bytes, .all = ret_all };
	pthread_mutex_unlock(&lane->lock);
	hex = to_hex(mine, bytes);
	fl_lane_send(lane, json_pack("{s:s, s:i, s:s, s:s}", "is", "gather", "lane", (int)lane->number, "name", name,
				     "value", hex));
	free(hex);
	return await(lane, err);
}

int fl_barrier(struct fl_lane *lane, const char *name, struct fl_err *err)
{
	return fl_allgather(lane, name, NULL, 0, NULL, err);
}
