/* SPDX-License-Identifier: Apache-2.0 */
/* doc.h: a YAML document as a tree that knows where every node stood, so that errors can name file, line and column.
 * For files people write (suites). A strict subset: one document; no anchors, aliases, tags, or duplicate keys; keys
 * are plain words; nesting <= 16, 64 KiB of text, 10,000 nodes at most. All scalars are text; what they mean is the
 * reader's business. (libyaml events: libfyaml 0.7.12 loops for ever on five bytes of garbage.) */
#ifndef FL_BASE_DOC_H
#define FL_BASE_DOC_H
#include <feedline/err.h>
#include <stddef.h>

enum fl_doc_kind { FL_DOC_TEXT, FL_DOC_LIST, FL_DOC_MAP };

struct fl_doc {
	enum fl_doc_kind kind;
	unsigned line, column; /* from 1 */
	char *key;	       /* of this node in its map; NULL in a list */
	unsigned key_line, key_column;
	char *text;	      /* FL_DOC_TEXT */
	struct fl_doc *items; /* FL_DOC_LIST and FL_DOC_MAP, in the order of the file */
	size_t n;
};

/* `name` is what messages call the source ("quick.yaml"). -EINVAL: "quick.yaml:3:5: ...". *ret is released with
 * fl_doc_free(). */
int fl_doc_parse(const char *bytes, size_t n, const char *name, struct fl_doc **ret, struct fl_err *err);
void fl_doc_free(struct fl_doc *doc);

/* The member `key` of a map, NULL if there is none. */
const struct fl_doc *fl_doc_get(const struct fl_doc *map, const char *key);

#endif
