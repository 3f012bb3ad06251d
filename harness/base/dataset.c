/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.c: reading the index of a directory of test data as hostile input, and replacing it in one step. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <feedline/dataset.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An entry of the index takes about 60 bytes and three marks. */
enum { SCHEMA = 1, LIKE_BYTES_MAX = 64, INDEX_BYTES_MAX = 64 << 20, SEED_DIGITS = 16 };
enum { MARKS_MAX = 3 * FL_DATASET_FILES_MAX + 128 };

static const char *const states[] = { "being made", "complete" };

void fl_dataset_release(struct fl_dataset *set)
{
	for (size_t i = 0; i < set->files_n; i++)
		free(set->files[i].name);
	free(set->files);
	free(set->like);
	*set = (struct fl_dataset){ 0 };
}

/* ---- what may be in an index */

/* Also adds up the bytes. */
static int check_files(struct fl_dataset *set, struct fl_err *err)
{
	char name[FL_DATASET_NAME_BYTES];

	set->bytes = 0;
	for (size_t i = 0; i < set->files_n; i++) {
		const struct fl_dataset_file *f = &set->files[i];

		fl_dataset_name(i, name);
		if (strcmp(f->name, name))
			return fl_fail(err, -EINVAL, "'%.80s' is no name of file %zu, which is '%s'", f->name, i, name);
		if (f->bytes == 0 || f->bytes % FL_BLOCK_BYTES)
			return fl_fail(err, -EINVAL, "'%.80s' has %" PRIu64 " bytes, which are no whole blocks of %d",
				       f->name, f->bytes, FL_BLOCK_BYTES);
		if (f->bytes > INT64_MAX - set->bytes)
			return fl_fail(err, -EINVAL, "the files have more bytes than there can be");
		set->bytes += f->bytes;
	}
	return 0;
}

/* ---- reading */

static int read_seed(const json_t *doc, uint64_t *ret, struct fl_err *err)
{
	const char *text;
	int rc = fl_json_text(doc, "index", "seed", &text, err);

	if (rc < 0)
		return rc;
	if (strncmp(text, "0x", 2) || strlen(text + 2) != SEED_DIGITS ||
	    strspn(text + 2, "0123456789abcdef") != SEED_DIGITS)
		return fl_fail(err, -EINVAL, "index: 'seed' must be 0x and %d hexadecimal digits", SEED_DIGITS);
	*ret = strtoull(text + 2, NULL, 16);
	return 0;
}

static int read_state(const json_t *doc, bool *ret, struct fl_err *err)
{
	const char *text;
	int rc = fl_json_text(doc, "index", "state", &text, err);

	if (rc < 0)
		return rc;
	*ret = !strcmp(text, states[1]);
	if (!*ret && strcmp(text, states[0]))
		return fl_fail(err, -EINVAL, "index: 'state' must be '%s' or '%s'", states[0], states[1]);
	return 0;
}

/* An index without this word is of a feedline that did not write it. */
static int read_made_dir(const json_t *doc, bool *ret, struct fl_err *err)
{
	const json_t *made = json_object_get(doc, "made_directory");

	if (made && !json_is_boolean(made))
		return fl_fail(err, -EINVAL, "index: 'made_directory' must be true or false");
	*ret = json_is_true(made);
	return 0;
}

static int read_like(const json_t *doc, char **ret, struct fl_err *err)
{
	const json_t *like = json_object_get(doc, "like");

	if (!json_is_null(like) && !json_is_string(like))
		return fl_fail(err, -EINVAL, "index: 'like' must be text or null");
	if (json_string_length(like) > LIKE_BYTES_MAX)
		return fl_fail(err, -EINVAL, "index: 'like' is longer than %d bytes", LIKE_BYTES_MAX);
	*ret = fl_dup(json_string_value(like));
	return 0;
}

static int read_file(const json_t *entry, struct fl_dataset_file *ret, struct fl_err *err)
{
	const char *name;
	int rc = fl_json_text(entry, "index.files[]", "name", &name, err);

	if (rc == 0)
		rc = fl_json_u64(entry, "index.files[]", "bytes", INT64_MAX, &ret->bytes, err);
	if (rc == 0)
		ret->name = fl_dup(name);
	return rc;
}

static int read_files(const json_t *doc, struct fl_dataset *set, struct fl_err *err)
{
	json_t *files, *entry;
	size_t i;
	int rc = fl_json_array(doc, "index", "files", FL_DATASET_FILES_MAX, &files, err);

	if (rc < 0)
		return rc;
	set->files = fl_zalloc(json_array_size(files) + 1, sizeof(*set->files));
	json_array_foreach(files, i, entry)
	{
		rc = read_file(entry, &set->files[i], err);
		if (rc < 0)
			return rc;
		set->files_n++;
	}
	return check_files(set, err);
}

static int read_index(const json_t *doc, struct fl_dataset *set, struct fl_err *err)
{
	int rc = read_state(doc, &set->complete, err);

	if (rc == 0)
		rc = read_seed(doc, &set->seed, err);
	if (rc == 0)
		rc = read_like(doc, &set->like, err);
	if (rc == 0)
		rc = read_made_dir(doc, &set->made_dir, err);
	return rc < 0 ? rc : read_files(doc, set, err);
}

/* A value takes many times as much memory as text, and no value comes without one of these marks. */
static int count_values(const struct fl_text *text, struct fl_err *err)
{
	size_t marks = 0;

	for (size_t i = 0; i < text->n; i++)
		marks += text->bytes[i] == ',' || text->bytes[i] == '[' || text->bytes[i] == '{';
	return marks > MARKS_MAX ? fl_fail(err, -EINVAL, "it has more values than %d files need", FL_DATASET_FILES_MAX)
				 : 0;
}

/* 0 or what is wrong with it: -EINVAL a newer schema, -EBADMSG anything else. */
static int take_index(const struct fl_text *text, const char *dir, struct fl_dataset *set, struct fl_err *err)
{
	struct fl_err why = { 0 };
	json_t *doc = NULL;
	int64_t schema;
	int rc = count_values(text, &why);

	if (rc == 0)
		rc = fl_json_parse(fl_text_str(text), text->n, FL_DATASET_INDEX, &doc, &why);
	if (rc == 0)
		rc = fl_json_i64(doc, "index", "schema", 1, INT64_MAX, &schema, &why);
	if (rc == 0 && schema > SCHEMA) {
		rc = fl_fail(err, -EINVAL, "the data set in '%s' has schema %" PRId64 ", this feedline knows %d", dir,
			     schema, SCHEMA);
		fl_hint(err, "it was made by a newer feedline; use that one");
	} else if (rc < 0 || read_index(doc, set, &why) < 0) {
		rc = fl_fail(err, -EBADMSG, "the index of the data set in '%s' is damaged: %.150s", dir, why.what);
		fl_hint(err, "feedline cannot tell which files are its own: remove them by hand, and '%s'",
			FL_DATASET_INDEX);
	}
	json_decref(doc);
	return rc;
}

/* ---- the directory */

static bool is_in(const struct fl_dataset *set, const char *name)
{
	char should[FL_DATASET_NAME_BYTES];
	uint64_t number;

	if (strncmp(name, "data-", 5) || name[5] < '0' || name[5] > '9')
		return false;
	number = strtoull(name + 5, NULL, 10);
	fl_dataset_name(number, should);
	return number < set->files_n && !strcmp(name, should);
}

/* Everything in the directory that is neither the index nor in it. */
static int count_strangers(int dir_fd, struct fl_dataset *set)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		const char *name = e->d_name;

		if (strcmp(name, ".") && strcmp(name, "..") && strcmp(name, FL_DATASET_INDEX))
			set->strangers += !is_in(set, name);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return dir ? 0 : -errno;
}

static int refuse_index(const char *dir, int code, struct fl_err *err)
{
	if (code == ELOOP || code == ENXIO)
		return fl_fail(err, -EBADMSG, "'%s' in '%s' is no file", FL_DATASET_INDEX, dir);
	if (code != ENOENT)
		return fl_fail(err, -code, "open '%s' in '%s': %s", FL_DATASET_INDEX, dir, strerror(code));
	fl_fail(err, -code, "there is no data set of feedline in '%s'", dir);
	return fl_hint(err, "make one with 'feedline data make', or name the directory of one");
}

/* A link, a pipe or a device in the place of the index is not followed and not waited for, whenever it comes there. */
static int load_index(int dir_fd, const char *dir, struct fl_text *text, struct fl_err *err)
{
	int rc, fd = openat(dir_fd, FL_DATASET_INDEX, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return refuse_index(dir, errno, err);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = refuse_index(dir, ELOOP, err);
	else
		rc = fl_file_read_open(fd, FL_DATASET_INDEX, INDEX_BYTES_MAX, text, err);
	close(fd);
	return rc;
}

int fl_dataset_read_at(int dir_fd, const char *dir, struct fl_dataset *ret, struct fl_err *err)
{
	struct fl_dataset set = { 0 };
	struct fl_text text = { 0 };
	int rc = load_index(dir_fd, dir, &text, err);

	if (rc == 0)
		rc = take_index(&text, dir, &set, err);
	if (rc == 0) {
		rc = count_strangers(dir_fd, &set);
		if (rc < 0)
			fl_fail(err, rc, "list '%s': %s", dir, strerror(-rc));
	}
	fl_text_release(&text);
	if (rc < 0)
		fl_dataset_release(&set);
	else
		*ret = set;
	return rc;
}

int fl_dataset_read(const char *dir, struct fl_dataset *ret, struct fl_err *err)
{
	int rc, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fl_fail(err, -errno, "open '%s': %s", dir, strerror(errno));
	rc = fl_dataset_read_at(fd, dir, ret, err);
	close(fd);
	return rc;
}

/* ---- writing: piece by piece, however many files there are */

static void put_string(struct fl_text *out, const char *text_or_null)
{
	json_t *value = fl_json_string(text_or_null);

	fl_json_write(value, 0, out);
	json_decref(value);
}

static int add_files(struct fl_new_file *file, const struct fl_dataset *set, struct fl_text *text, struct fl_err *err)
{
	enum { PIECE_BYTES = 1 << 16 };
	int rc = 0;

	for (size_t i = 0; i < set->files_n && rc == 0; i++) {
		fl_text_add(text, "%s\n  {\"name\": ", i ? "," : "");
		put_string(text, set->files[i].name);
		fl_text_add(text, ", \"bytes\": %" PRIu64 "}", set->files[i].bytes);
		if (text->n < PIECE_BYTES)
			continue;
		rc = fl_new_file_add(file, text->bytes, text->n, err);
		text->n = 0;
	}
	return rc;
}

static int add_index(struct fl_new_file *file, const struct fl_dataset *set, struct fl_err *err)
{
	struct fl_text text = { 0 };
	int rc;

	fl_text_add(&text,
		    "{\n \"schema\": %d,\n \"state\": \"%s\",\n \"seed\": \"0x%016" PRIx64 "\",\n \"like\": ", SCHEMA,
		    states[set->complete], set->seed);
	put_string(&text, set->like);
	fl_text_add(&text, ",\n \"made_directory\": %s,\n \"files\": [", set->made_dir ? "true" : "false");
	rc = add_files(file, set, &text, err);
	fl_text_add(&text, "\n ]\n}\n");
	if (rc == 0)
		rc = fl_new_file_add(file, text.bytes, text.n, err);
	fl_text_release(&text);
	return rc;
}

/* What would be refused when it is read is not written. */
static int check_set(const struct fl_dataset *set, struct fl_err *err)
{
	struct fl_dataset counted = *set;

	if (set->files_n > FL_DATASET_FILES_MAX)
		return fl_fail(err, -EINVAL, "a data set of %zu files, at most %d are possible", set->files_n,
			       FL_DATASET_FILES_MAX);
	if (set->like && strlen(set->like) > LIKE_BYTES_MAX)
		return fl_fail(err, -EINVAL, "a profile's name of more than %d bytes", LIKE_BYTES_MAX);
	return check_files(&counted, err);
}

int fl_dataset_write(const char *dir, const struct fl_dataset *set, struct fl_err *err)
{
	struct fl_new_file *file;
	char *path;
	int rc = check_set(set, err);

	if (rc < 0)
		return rc;
	path = fl_format("%s/" FL_DATASET_INDEX, dir);
	rc = fl_new_file_begin(path, &file, err);
	if (rc == 0)
		rc = fl_new_file_end(file, add_index(file, set, err), err);
	free(path);
	return rc;
}
