/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_manifest.c: a directory with one hostile manifest: what is taken must come back the same after writing. */
#include "base/json.h"
#include "catalog/catalog.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void write_and_read_back(const struct fl_entry *e)
{
	json_t *doc = fl_entry_json(e), *again;
	struct fl_err err = { 0 };
	struct fl_entry back;

	if (!doc || fl_entry_read(doc, "again", &back, &err) < 0)
		abort();
	again = fl_entry_json(&back);
	if (!json_equal(doc, again))
		abort();
	fl_entry_release(&back);
	json_decref(doc);
	json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char dir[64] = "/dev/shm/fl-fuzz-XXXXXX", path[80];
	struct fl_catalog *c = NULL;
	const struct fl_entry *e;
	struct fl_err err = { 0 };
	FILE *file;
	int rc;

	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/a.json", dir);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, n, file) != n || fclose(file))
		abort();
	rc = fl_catalog_load(dir, &c, &err);
	unlink(path);
	rmdir(dir);
	if (rc != err.code || (rc < 0) != (c == NULL))
		abort();
	for (size_t i = 0; c && i < c->n; i++) {
		write_and_read_back(&c->entries[i]);
		if (fl_catalog_find(c, c->entries[i].name, &e, &err) < 0 || e != &c->entries[i])
			abort();
	}
	fl_catalog_free(c);
	return 0;
}
