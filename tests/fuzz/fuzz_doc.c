/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_doc.c: YAML that people or others wrote: a tree within the limits, or one sentence. */
#include "base/doc.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Walks the whole tree, so that every text is really read; gives the number of nodes. */
static size_t walk(const struct fl_doc *node, unsigned depth)
{
	size_t nodes = 1;

	if (depth > 16 || !node->line || !node->column || (node->kind == FL_DOC_TEXT) != (node->text != NULL))
		abort();
	for (size_t i = 0; i < node->n; i++) {
		const struct fl_doc *item = &node->items[i];

		if (node->kind == FL_DOC_MAP && fl_doc_get(node, item->key) != item)
			abort();
		nodes += walk(item, depth + 1);
	}
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fl_err err = { 0 };
	struct fl_doc *doc = NULL;
	int rc = fl_doc_parse((const char *)data, n, "fuzz", &doc, &err);

	if (rc != err.code || (rc < 0) != (doc == NULL) || (rc < 0) != (err.what[0] != 0))
		abort();
	if (doc && walk(doc, 1) > 10000)
		abort();
	fl_doc_free(doc);
	return 0;
}
