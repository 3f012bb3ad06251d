/* SPDX-License-Identifier: Apache-2.0 */
/* doc.c: libyaml's events into a tree, within limits. Nothing is built from a document that breaks one. */
#include "base/doc.h"
#include "base/alloc.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { BYTES_MAX = 64 * 1024, NODES_MAX = 10000, NESTING_MAX = 16, KEY_MAX = 64 };

/* One parse. `event` is the current one; `held` says that it needs yaml_event_delete(). */
struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool held;
	const char *name;
	size_t nodes;
	struct fl_err *err;
};

static int refuse(struct reader *r, yaml_mark_t at, const char *cause)
{
	return fl_fail(r->err, -EINVAL, "%s:%zu:%zu: %s", r->name, at.line + 1, at.column + 1, cause);
}

static int refuse_here(struct reader *r, const char *cause)
{
	return refuse(r, r->event.start_mark, cause);
}

static int next(struct reader *r)
{
	if (r->held)
		yaml_event_delete(&r->event);
	r->held = yaml_parser_parse(&r->parser, &r->event);
	if (r->held)
		return 0;
	/* Bytes that are not UTF-8 have no mark of their own: the scanner's position is the best there is. */
	return refuse(r, r->parser.error == YAML_READER_ERROR ? r->parser.mark : r->parser.problem_mark,
		      r->parser.problem ? r->parser.problem : "malformed");
}

/* A zeroed place at the end of the list. The caller fills it before the next one is asked for. */
static struct fl_doc *append(struct fl_doc *list)
{
	if ((list->n & (list->n - 1)) == 0)
		list->items = fl_grow(list->items, list->n ? 2 * list->n : 1, sizeof(*list->items));
	list->items[list->n] = (struct fl_doc){ 0 };
	return &list->items[list->n++];
}

static int read_node(struct reader *r, unsigned depth, struct fl_doc *node);

/* Of a scalar event. */
static const char *word_of(const struct reader *r)
{
	return (const char *)r->event.data.scalar.value;
}

/* The scalar of the current event as a string. -EINVAL: a NUL in it. */
static int read_scalar(struct reader *r, char **ret)
{
	if (strlen(word_of(r)) != r->event.data.scalar.length)
		return refuse_here(r, "text with a NUL in it");
	*ret = fl_dup(word_of(r));
	return 0;
}

/* Anchor and tag lie at different places of the event's union. */
static bool decorated(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return event->type == YAML_ALIAS_EVENT;
	}
}

static bool is_plain_word(const yaml_event_t *event)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *word = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;

	return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && n &&
	       n <= KEY_MAX && strspn(word, letters) == n;
}

/* The current event is a key: a new member of the map, NULL where it is refused. */
static struct fl_doc *read_key(struct reader *r, struct fl_doc *map)
{
	struct fl_doc *member = NULL;

	if (decorated(&r->event)) {
		refuse_here(r, "anchors, aliases and tags are not allowed");
	} else if (!is_plain_word(&r->event)) {
		refuse_here(r, "a key must be a plain word");
	} else if (fl_doc_get(map, word_of(r))) {
		fl_fail(r->err, -EINVAL, "%s:%zu:%zu: '%s' is given twice", r->name, r->event.start_mark.line + 1,
			r->event.start_mark.column + 1, word_of(r));
	} else {
		member = append(map);
		member->key = fl_dup(word_of(r));
		member->key_line = (unsigned)r->event.start_mark.line + 1;
		member->key_column = (unsigned)r->event.start_mark.column + 1;
	}
	return member;
}

static int read_map(struct reader *r, unsigned depth, struct fl_doc *map)
{
	int rc = next(r);

	while (rc == 0 && r->event.type != YAML_MAPPING_END_EVENT) {
		struct fl_doc *member = read_key(r, map);

		rc = member ? next(r) : -EINVAL;
		if (rc == 0)
			rc = read_node(r, depth + 1, member);
		if (rc == 0)
			rc = next(r);
	}
	return rc;
}

static int read_list(struct reader *r, unsigned depth, struct fl_doc *list)
{
	int rc = next(r);

	while (rc == 0 && r->event.type != YAML_SEQUENCE_END_EVENT) {
		rc = read_node(r, depth + 1, append(list));
		if (rc == 0)
			rc = next(r);
	}
	return rc;
}

/* Fills the node that begins with the current event; ends on that node's last event. */
static int read_node(struct reader *r, unsigned depth, struct fl_doc *node)
{
	node->line = (unsigned)r->event.start_mark.line + 1;
	node->column = (unsigned)r->event.start_mark.column + 1;
	if (decorated(&r->event))
		return refuse_here(r, "anchors, aliases and tags are not allowed");
	if (++r->nodes > NODES_MAX)
		return refuse_here(r, "too many entries");
	if (depth > NESTING_MAX)
		return refuse_here(r, "nested too deeply");
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		node->kind = FL_DOC_TEXT;
		return read_scalar(r, &node->text);
	case YAML_SEQUENCE_START_EVENT:
		node->kind = FL_DOC_LIST;
		return read_list(r, depth, node);
	case YAML_MAPPING_START_EVENT:
		node->kind = FL_DOC_MAP;
		return read_map(r, depth, node);
	default:
		return refuse_here(r, "unexpected");
	}
}

/* The one document between stream start and stream end. */
static int read_stream(struct reader *r, struct fl_doc *root)
{
	int rc = next(r); /* stream start */

	if (rc == 0)
		rc = next(r);
	if (rc == 0 && r->event.type == YAML_STREAM_END_EVENT)
		return refuse_here(r, "the document is empty");
	if (rc == 0)
		rc = next(r);
	if (rc == 0)
		rc = read_node(r, 1, root);
	if (rc == 0)
		rc = next(r); /* document end */
	if (rc == 0)
		rc = next(r);
	if (rc == 0 && r->event.type != YAML_STREAM_END_EVENT)
		return refuse_here(r, "only one document is allowed");
	return rc;
}

int fl_doc_parse(const char *bytes, size_t n, const char *name, struct fl_doc **ret, struct fl_err *err)
{
	struct reader r = { .name = name, .err = err };
	struct fl_doc *root;
	int rc;

	if (n > BYTES_MAX)
		return fl_fail(err, -EINVAL, "%s:1:1: longer than %d bytes", name, BYTES_MAX);
	if (!yaml_parser_initialize(&r.parser))
		return fl_fail(err, -ENOMEM, "read '%s': no memory for the YAML parser", name);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, n);
	root = fl_zalloc(1, sizeof(*root));
	rc = read_stream(&r, root);
	if (r.held)
		yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	if (rc < 0)
		fl_doc_free(root);
	else
		*ret = root;
	return rc;
}

static void release(struct fl_doc *node)
{
	for (size_t i = 0; i < node->n; i++)
		release(&node->items[i]);
	free(node->items);
	free(node->key);
	free(node->text);
}

void fl_doc_free(struct fl_doc *doc)
{
	if (!doc)
		return;
	release(doc);
	free(doc);
}

const struct fl_doc *fl_doc_get(const struct fl_doc *map, const char *key)
{
	if (map->kind != FL_DOC_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->items[i].key, key) == 0)
			return &map->items[i];
	return NULL;
}
