/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_dataset.c: a directory with a hostile index: what is taken has the right names and whole blocks, and comes back
 * the same after writing. */
#include <feedline/block.h>
#include <feedline/dataset.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look_at(const struct fl_dataset *set)
{
	char name[FL_DATASET_NAME_BYTES];
	uint64_t bytes = 0;

	if (set->files_n > FL_DATASET_FILES_MAX || set->strangers)
		abort();
	for (size_t i = 0; i < set->files_n; i++) {
		const struct fl_dataset_file *f = &set->files[i];

		fl_dataset_name(i, name);
		if (strcmp(f->name, name))
			abort();
		if (!f->bytes || f->bytes % FL_BLOCK_BYTES)
			abort();
		bytes += f->bytes;
	}
	if (bytes != set->bytes || bytes > INT64_MAX)
		abort();
}

static void same(const struct fl_dataset *a, const struct fl_dataset *b)
{
	if (a->seed != b->seed || a->complete != b->complete || a->made_dir != b->made_dir ||
	    a->files_n != b->files_n || !a->like != !b->like)
		abort();
	if (a->like && strcmp(a->like, b->like))
		abort();
	for (size_t i = 0; i < a->files_n; i++)
		if (strcmp(a->files[i].name, b->files[i].name) || a->files[i].bytes != b->files[i].bytes)
			abort();
}

static void write_and_read_back(const char *dir, const struct fl_dataset *set)
{
	struct fl_dataset back;

	if (fl_dataset_write(dir, set, NULL) < 0 || fl_dataset_read(dir, &back, NULL) < 0)
		abort();
	same(set, &back);
	fl_dataset_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char dir[64] = "/dev/shm/fl-fuzz-XXXXXX", path[128];
	struct fl_dataset set = { 0 };
	struct fl_err err = { 0 };
	FILE *file;
	int rc;

	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/" FL_DATASET_INDEX, dir);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, n, file) != n || fclose(file))
		abort();
	rc = fl_dataset_read(dir, &set, &err);
	if (rc != err.code || (rc < 0 && set.files))
		abort();
	if (rc == 0) {
		look_at(&set);
		write_and_read_back(dir, &set);
	}
	fl_dataset_release(&set);
	unlink(path);
	rmdir(dir);
	return 0;
}
