/* SPDX-License-Identifier: Apache-2.0 */
/* shared.c: a table from text to value, open addressing. It is full at a bound: what comes then is parsed anew. */
#include "record/shared.h"
#include "base/alloc.h"
#include "base/json.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 1 << 6, SLOTS_MAX = 1 << 17, TEXT_MAX = 4096, TRIES_MAX = 64 };

struct slot {
	uint64_t hash;
	char *text;
	size_t n;
	json_t *value; /* NULL: free */
};

struct fl_shared {
	struct slot *slots;
	size_t slots_n, kept; /* half of the slots stay free */
};

struct fl_shared *fl_shared_make(void)
{
	struct fl_shared *shared = fl_zalloc(1, sizeof(*shared));

	shared->slots_n = SLOTS_FIRST;
	shared->slots = fl_zalloc(shared->slots_n, sizeof(*shared->slots));
	return shared;
}

static void free_slot(struct slot *slot)
{
	free(slot->text);
	json_decref(slot->value);
}

void fl_shared_free(struct fl_shared *shared)
{
	if (!shared)
		return;
	for (size_t i = 0; i < shared->slots_n; i++)
		free_slot(&shared->slots[i]);
	free(shared->slots);
	free(shared);
}

/* FNV-1a. Whoever makes all texts collide makes this slow, not wrong: hence the bound on a search. */
static uint64_t hash_of(const char *text, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3U;
	return hash ^ hash >> 29;
}

/* The slot of the text, or the free one where it belongs; NULL: there is no room for it. */
static struct slot *slot_of(const struct fl_shared *shared, const char *text, size_t n, uint64_t hash)
{
	for (size_t i = 0; i < TRIES_MAX; i++) {
		struct slot *slot = &shared->slots[(hash + i) & (shared->slots_n - 1)];

		if (!slot->value)
			return 2 * shared->kept < shared->slots_n ? slot : NULL;
		if (slot->hash == hash && slot->n == n && memcmp(slot->text, text, n) == 0)
			return slot;
	}
	return NULL;
}

/* What finds no room in the larger table is given up. */
static void grow(struct fl_shared *shared)
{
	struct fl_shared larger = { .slots_n = 2 * shared->slots_n };
	struct slot *from = shared->slots;

	larger.slots = fl_zalloc(larger.slots_n, sizeof(*larger.slots));
	for (size_t i = 0; i < shared->slots_n; i++) {
		struct slot *to = from[i].value ? slot_of(&larger, from[i].text, from[i].n, from[i].hash) : NULL;

		if (!to) {
			free_slot(&from[i]);
			continue;
		}
		*to = from[i];
		larger.kept++;
	}
	free(from);
	*shared = larger;
}

static json_t *parse(const char *text, size_t n, json_type type)
{
	json_t *value = NULL;

	if (fl_json_parse(text, n, "record", &value, NULL) == 0 && (json_is_null(value) || json_typeof(value) == type))
		return value;
	json_decref(value);
	return NULL;
}

static json_t *kept(struct fl_shared *shared, const char *text, size_t n, json_type type)
{
	uint64_t hash = hash_of(text, n);
	struct slot *slot;
	json_t *value;

	if (2 * shared->kept >= shared->slots_n && shared->slots_n < SLOTS_MAX)
		grow(shared);
	slot = slot_of(shared, text, n, hash);
	if (slot && slot->value)
		return json_is_null(slot->value) || json_typeof(slot->value) == type ? json_incref(slot->value) : NULL;
	value = parse(text, n, type);
	if (!slot || !value)
		return value;
	*slot = (struct slot){ .hash = hash, .text = fl_grow(NULL, n, 1), .n = n, .value = json_incref(value) };
	memcpy(slot->text, text, n);
	shared->kept++;
	return value;
}

json_t *fl_shared_json(struct fl_shared *shared, const char *text, size_t n, json_type type)
{
	return shared && n <= TEXT_MAX ? kept(shared, text, n, type) : parse(text, n, type);
}
