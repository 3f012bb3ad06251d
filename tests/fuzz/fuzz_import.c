/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_import.c: a hostile file is imported into a store that holds a run. What fails leaves the store as it was; what
 * succeeds is exported, comes back as the same bytes, and is found to be there already. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "record/export.h"
#include "record/import.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A run that was cut short, which a journal may add to. */
static const char half[] =
	"{\"feedline_export\":3,\"made_by\":\"feedline 0.1.0\"}\n"
	"{\"run\":{\"started_ns\":9,\"id\":\"half\",\"status\":null,\"plan\":null,\"machine\":null,\"environment\":"
	"null,"
	"\"declared\":null}}\n{\"host\":{\"name\":\"n1\",\"machine\":{},\"environment\":null}}\n"
	"{\"end_of_run\":{\"hosts\":1,\"lanes\":0,\"series\":0,\"samples\":0,\"watched\":0,\"id\":\"half\"}}\n"
	"{\"end_of_export\":{\"runs\":1,\"baselines\":0}}\n";

static void put_file(const char *path, const struct fl_text *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(text->bytes, 1, text->n, file) != text->n || fclose(file))
		abort();
}

static int put(void *arg, const char *bytes, size_t n, struct fl_err *err)
{
	(void)err;
	fl_text_put(arg, bytes, n);
	return 0;
}

static struct fl_text exported(struct fl_store *s)
{
	struct fl_text text = { 0 };

	if (fl_export(s, NULL, 0, &(struct fl_sink){ put, &text }, NULL))
		abort();
	return text;
}

/* A failure must be told, and never be a bug of ours. */
static int import(struct fl_store *s, const void *bytes, size_t n, struct fl_imported *did)
{
	int rc, fd = memfd_create("import", MFD_CLOEXEC);
	struct fl_err err = { 0 };
	struct fl_import *import;

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	rc = fl_import_open(fd, "fuzz", &import, &err);
	if (rc == 0) {
		rc = fl_import_run(import, s, did, &err);
		fl_import_close(import);
	}
	close(fd);
	if (rc != err.code || rc == -ENOTRECOVERABLE || (rc && !err.what[0]))
		abort();
	return rc;
}

static void make_good(const char *path, struct fl_text *ret)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));
	struct fl_lane_record *lane = fl_run_add_lane(run);
	struct fl_imported did;
	struct fl_store *s;

	fl_copy(run->id, sizeof(run->id), "mine");
	run->started_ns = 5;
	lane->bench = fl_dup("null.nop");
	if (fl_store_open(path, true, &s, NULL) || fl_store_begin(s, run, NULL) ||
	    fl_store_add(s, run->id, run->lanes, 1, NULL) || fl_store_finish(s, run->id, 0, NULL))
		abort();
	if (import(s, half, sizeof(half) - 1, &did))
		abort();
	fl_store_close(s);
	fl_run_free(run);
	if (fl_file_read(AT_FDCWD, path, 1 << 20, ret, NULL))
		abort();
}

static void check_same(const struct fl_text *a, const struct fl_text *b)
{
	if (a->n != b->n || memcmp(a->bytes, b->bytes, a->n) != 0)
		abort();
}

static void use(struct fl_store *s, const uint8_t *data, size_t n)
{
	struct fl_text before = exported(s), after, again;
	struct fl_imported did = { 0 };
	int rc = import(s, data, n, &did);

	after = exported(s);
	if (rc)
		check_same(&before, &after);
	else if (import(s, after.bytes, after.n, &did) || did.runs || did.baselines)
		abort();
	again = exported(s);
	check_same(&after, &again);
	fl_text_release(&before);
	fl_text_release(&after);
	fl_text_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct fl_text good; /* made once */
	static const char *const besides[] = { "", "-wal", "-shm", "-journal" };
	struct fl_store *s;
	char path[64];

	snprintf(path, sizeof(path), "/dev/shm/fl-fuzz-import-%d.db", (int)getpid());
	if (good.n)
		put_file(path, &good);
	else
		make_good(path, &good);
	if (fl_store_open(path, true, &s, NULL))
		abort();
	use(s, data, n);
	fl_store_close(s);
	for (size_t i = 0; i < sizeof(besides) / sizeof(besides[0]); i++) {
		char *beside = fl_format("%s%s", path, besides[i]);

		unlink(beside);
		free(beside);
	}
	return 0;
}
