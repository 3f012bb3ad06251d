/* SPDX-License-Identifier: Apache-2.0 */
/* shared.c: a table from text to value, open addressing. It is full at a bound: what comes then is parsed anew. */
#include "record/shared.h"
#include "base/alloc.h"
#include "base/json.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 17, KEPT_MAX = SLOTS / 2, TEXT_MAX = 4096 };

struct slot {
	uint64_t hash;
	char *text;
	size_t n;
	json_t *value; /* NULL: free */
};

struct fl_shared {
	struct slot *slots;
	size_t kept;
};

struct fl_shared *fl_shared_make(void)
{
	struct fl_shared *shared = fl_zalloc(1, sizeof(*shared));

	shared->slots = fl_zalloc(SLOTS, sizeof(*shared->slots));
	return shared;
}

void fl_shared_free(struct fl_shared *shared)
{
	if (!shared)
		return;
	for (size_t i = 0; i < SLOTS; i++) {
		free(shared->slots[i].text);
		json_decref(shared->slots[i].value);
	}
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

enum { TRIES_MAX = 64 };

/* The slot of the text, or the free one where it belongs; NULL: there is no room for it. */
static struct slot *slot_of(struct fl_shared *shared, const char *text, size_t n, uint64_t hash)
{
	for (size_t i = 0; i < TRIES_MAX; i++) {
		struct slot *slot = &shared->slots[(hash + i) % SLOTS];

		if (!slot->value)
			return shared->kept < KEPT_MAX ? slot : NULL;
		if (slot->hash == hash && slot->n == n && memcmp(slot->text, text, n) == 0)
			return slot;
	}
	return NULL;
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
	struct slot *slot = slot_of(shared, text, n, hash);
	json_t *value;

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
