/* SPDX-License-Identifier: Apache-2.0 */
/* feedline data: test data that storage is measured with: made, verified, removed. Making and verifying are lanes, so
 * that their runs are in the store like all others. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/data_set.h"
#include "cli/measure.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "run/space.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct data_opts {
	uint64_t size, seed, threads, timeout;
	const char *like, *store;
	bool json;
};

/* Of all verbs; each takes some. */
static const struct fl_field data_fields[] = {
	FL_FIELD(data_opts, size, FL_BYTES, "2GiB", "4KiB..1PB",
		 "bytes of all files; five times the memory and more, where the page cache shall not hold them"),
	FL_FIELD(data_opts, like, FL_TEXT, "", "@demand",
		 "files as large as the records of this workload ('feedline list --demands'); else of 1 GiB"),
	FL_FIELD(data_opts, seed, FL_COUNT, "", "1..18446744073709551615",
		 "what the data is made of (default: random)"),
	FL_FIELD(data_opts, threads, FL_COUNT, "", "1..256", "threads (default: one for each CPU, at most 8)"),
	FL_FIELD(data_opts, timeout, FL_NS, "", "100ms..24h",
		 "how long it may take to open, to stop or to get on before it counts as hung (default: 60s)"),
	FL_FIELD(data_opts, json, FL_FLAG, "no", NULL, "print one JSON document"),
	FL_FIELD(data_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	{ 0 },
};

enum { SCHEMA = 1 };

/* What a verb works on. */
struct job {
	const char *verb, *done, *where; /* "make", "made", "in" */
	const struct fl_home *home;
	const struct fl_call *call;
	const struct data_opts *opts;
	char *dir;  /* without links; owned */
	int dir_fd; /* of it; all that is done in it is done through this one; -1: none */
	struct fl_dataset set;
	uint64_t to_move_bytes;		       /* by the lane; */
	double moved_bytes;		       /* what it did of that; NaN: not known */
	const struct fl_data_removed *removed; /* by remove; else NULL */
};

/* ---- what is printed */

static size_t files_of(const struct job *job)
{
	return job->removed ? job->removed->files : job->set.files_n;
}

static uint64_t bytes_of(const struct job *job)
{
	return job->removed ? job->removed->bytes : job->set.bytes;
}

static json_t *job_json(const struct job *job, const char *run, double bytes_per_s, const char *wrong)
{
	char seed[24];
	json_t *o = json_object();

	snprintf(seed, sizeof(seed), "0x%016llx", (unsigned long long)job->set.seed);
	json_object_set_new(o, "schema", json_integer(SCHEMA));
	json_object_set_new(o, "did", json_string(job->verb));
	json_object_set_new(o, "directory", fl_json_string(job->dir));
	json_object_set_new(o, "files", json_integer((json_int_t)files_of(job)));
	json_object_set_new(o, "bytes", json_integer((json_int_t)bytes_of(job)));
	json_object_set_new(o, "moved_bytes",
			    isnan(job->moved_bytes) ? json_null() : json_integer((json_int_t)job->moved_bytes));
	json_object_set_new(o, "bytes_per_s", fl_json_number(bytes_per_s));
	json_object_set_new(o, "seed", json_string(seed));
	json_object_set_new(o, "like", fl_json_string(job->set.like));
	json_object_set_new(o, "strangers", json_integer((json_int_t)job->set.strangers));
	json_object_set_new(o, "directory_removed", json_boolean(job->removed && job->removed->dir));
	json_object_set_new(o, "run", fl_json_string(run));
	json_object_set_new(o, "wrong", fl_json_string(wrong));
	return o;
}

static void add_strangers(const struct job *job, struct fl_text *out)
{
	if (job->set.strangers)
		fl_text_add(out, "; left alone: %zu other %s", job->set.strangers,
			    job->set.strangers == 1 ? "entry" : "entries");
	else if (job->removed && !job->removed->dir)
		fl_text_add(out, "; the directory, which was %s, stays",
			    job->set.made_dir ? "not empty" : "not made for them");
}

/* "made 2 files, 2 GiB, in '/data', 1.20 GB/s". bytes_per_s NaN: nothing was moved. */
static int tell(const struct job *job, const char *run, double bytes_per_s, struct fl_err *err)
{
	char bytes[FL_UNIT_TEXT], rate[FL_UNIT_TEXT];
	struct fl_text out = { 0 };

	if (job->opts->json)
		return fl_output_json(job_json(job, run, bytes_per_s, NULL), err);
	fl_text_add(&out, "%s %zu file%s, %s, %s '%s'", job->done, files_of(job), files_of(job) == 1 ? "" : "s",
		    fl_show_bytes(bytes, bytes_of(job)),
		    job->removed && job->removed->dir ? "and the directory" : job->where, job->dir);
	if (bytes_per_s > 0)
		fl_text_add(&out, ", %s", fl_show_rate(rate, bytes_per_s));
	add_strangers(job, &out);
	fl_blank_controls(out.bytes);
	fl_text_add(&out, "\n");
	return fl_output_text(&out, err);
}

/* The lane did not do it: why, and the status. */
static int tell_failure(const struct job *job, const struct fl_run *run, const struct fl_lane_record *r, int status,
			struct fl_err *err)
{
	struct fl_err why = { 0 };
	int rc = 0;

	fl_fail(&why, -EIO, "%s", r && r->reason ? r->reason : "it was not measured");
	if (r && r->hint)
		fl_hint(&why, "%s", r->hint);
	fl_output_error(&why);
	if (job->opts->json)
		rc = fl_output_json(job_json(job, run->id, NAN, why.what), err);
	return rc < 0 ? rc : status;
}

/* ---- the lane */

static char *again(const struct job *job)
{
	char *dir = fl_output_quote(job->dir), *command;

	if (strcmp(job->verb, "make"))
		command = fl_format("feedline data %s %s", job->verb, dir);
	else
		command = fl_format("feedline data make %s --size %llu%s%s", dir, (unsigned long long)job->set.bytes,
				    job->set.like ? " --like " : "", job->set.like ? job->set.like : "");
	free(dir);
	return command;
}

static uint64_t threads_for(const struct job *job)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t most = cpus > 8 ? 8 : cpus > 1 ? (uint64_t)cpus : 1;

	if (job->opts->threads)
		return job->opts->threads;
	return !strcmp(job->verb, "make") && job->set.files_n < most ? job->set.files_n : most;
}

/* Runs data.VERB over the directory; `present` says what came of it. */
static int run_lane(struct job *job, int (*present)(void *arg, const struct fl_run *run, struct fl_err *err),
		    struct fl_err *err)
{
	char *bench = fl_format("data.%s", job->verb), *way_on = again(job), *store = NULL;
	char *threads = fl_format("%llu", (unsigned long long)threads_for(job));
	char *timeout = fl_format("%lluns", (unsigned long long)job->opts->timeout);
	const struct fl_setting with[] = { { .name = (char *)"path", .text = job->dir },
					   { .name = (char *)"threads", .text = threads },
					   { .name = (char *)"timeout", .text = timeout } };
	size_t with_n = sizeof(with) / sizeof(with[0]) - !job->opts->timeout; /* the last one only if it was given */
	struct fl_measure m = { .home = job->home,
				.call = job->call,
				.bytes = job->to_move_bytes,
				.again = way_on,
				.present = present,
				.arg = job };
	int rc = fl_home_store(job->opts->store, &store, err);

	if (rc == 0) {
		struct fl_suite *suite = fl_suite_of_bench(bench, with, with_n, FL_STUDY_REPEAT, 1);

		m.store = store;
		rc = fl_measure_suite(&m, suite, NULL, 0, err);
		fl_suite_free(suite);
	}
	free(store);
	free(timeout);
	free(threads);
	free(way_on);
	free(bench);
	return rc;
}

static double moved_by(const struct fl_lane_record *r)
{
	const char *text = r ? json_string_value(json_object_get(r->facts, "moved_bytes")) : NULL;
	uint64_t bytes;

	return text && fl_parse_count(text, &bytes, NULL) == 0 ? (double)bytes : NAN;
}

/* Its one record, where it did what it was to do; else NULL and the exit status, with everything said. */
static const struct fl_lane_record *succeeded(struct job *job, const struct fl_run *run, int *ret_status,
					      struct fl_err *err)
{
	const struct fl_lane_record *r = run->lanes_n ? &run->lanes[0] : NULL;

	job->moved_bytes = moved_by(r);
	if (!r || r->outcome != FL_MEASURED)
		*ret_status = tell_failure(job, run, r, FL_STATUS_NOT_MEASURED, err);
	else if (!json_is_true(json_object_get(r->notes, "verified")))
		*ret_status = tell_failure(job, run, r, FL_STATUS_FAIL, err);
	else
		return r;
	return NULL;
}

static double rate_of(const struct job *job, const struct fl_lane_record *r)
{
	return job->moved_bytes / (fl_json_number_or_nan(r->notes, "window_ns") / 1e9);
}

/* ---- make */

static int find_dir(struct job *job, const char *word, struct fl_err *err)
{
	job->dir = realpath(word, NULL);
	if (!job->dir)
		return fl_fail(err, -errno, "cannot find '%s': %s", word, strerror(errno));
	job->dir_fd = open(job->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return job->dir_fd < 0 ? fl_fail(err, -errno, "open '%s': %s", job->dir, strerror(errno)) : 0;
}

/* Makes it if need be, but not what it would be in. */
static int make_dir(struct job *job, const char *word, bool *ret_made, struct fl_err *err)
{
	int code;

	*ret_made = mkdir(word, 0755) == 0;
	code = *ret_made || errno == EEXIST ? 0 : errno;
	if (code == 0)
		return find_dir(job, word, err);
	fl_fail(err, -code, "make the directory '%s': %s", word, strerror(code));
	return code == ENOENT ? fl_hint(err, "the directory that it is to be in must exist") : -code;
}

/* The index says that its data is complete; it must still be the one that the files were made by. */
static int complete(struct job *job, struct fl_err *err)
{
	struct fl_dataset now;
	int rc = fl_dataset_read_at(job->dir_fd, job->dir, &now, err);

	if (rc < 0)
		return rc;
	if (now.seed == job->set.seed && fl_data_alike(&now, &job->set)) {
		now.complete = true;
		rc = fl_dataset_write(job->dir, &now, err);
	} else {
		rc = fl_fail(err, -EBADMSG, "the index in '%s' was replaced while its data was made", job->dir);
		fl_hint(err, "remove it with 'feedline data remove', and let only one make it");
	}
	fl_dataset_release(&now);
	return rc;
}

static int present_made(void *arg, const struct fl_run *run, struct fl_err *err)
{
	struct job *job = arg;
	int status = 0;
	const struct fl_lane_record *r = succeeded(job, run, &status, err);
	int rc = r ? complete(job, err) : status;

	return r && rc == 0 ? tell(job, run->id, rate_of(job, r), err) : rc;
}

static int check_space(const struct job *job, uint64_t bytes, struct fl_err *err)
{
	int rc = fl_space_check("the data", job->dir, bytes, err);

	return rc == -ENOSPC ? fl_hint(err, "make room, or ask for less with --size; a tenth of what is free is left")
			     : rc;
}

/* An index for new files, of which none may be there: they would be somebody else's. */
static int begin(struct job *job, struct fl_err *err)
{
	struct fl_data_state state;
	int rc;

	fl_data_look(job->dir_fd, &job->set, &state);
	if (state.present) {
		fl_fail(err, -EEXIST, "'%s/%s' is there, and is not of a data set", job->dir,
			job->set.files[state.there].name);
		return fl_hint(err, "choose another directory, or take it away");
	}
	rc = check_space(job, job->set.bytes, err);
	job->set.seed = job->opts->seed;
	if (rc == 0 && !job->set.seed && getrandom(&job->set.seed, sizeof(job->set.seed), 0) < 0)
		return fl_fail(err, -errno, "find a seed: %s", strerror(errno));
	return rc < 0 ? rc : fl_dataset_write(job->dir, &job->set, err);
}

/* What is there must be what is asked for. */
static int compare(const struct job *job, const struct fl_dataset *there, struct fl_err *err)
{
	char bytes[FL_UNIT_TEXT];

	if (fl_data_alike(there, &job->set) && (!job->opts->seed || job->opts->seed == there->seed))
		return 0;
	fl_fail(err, -EEXIST, "'%s' has a data set of %s in %zu file%s%s%s, made with --seed %llu", job->dir,
		fl_show_bytes(bytes, there->bytes), there->files_n, there->files_n == 1 ? "" : "s",
		there->like ? ", like " : "", there->like ? there->like : "", (unsigned long long)there->seed);
	return fl_hint(err, "remove it first with 'feedline data remove', or choose another directory");
}

/* Makes what is missing of the set, which has an index that says so. */
static int make_rest(struct job *job, struct fl_err *err)
{
	struct fl_data_state state;
	int rc = 0;

	fl_data_look(job->dir_fd, &job->set, &state);
	job->to_move_bytes = state.bytes;
	if (state.bytes)
		rc = check_space(job, state.bytes > state.held ? state.bytes - state.held : 0, err);
	if (rc < 0 || state.bytes)
		return rc < 0 ? rc : run_lane(job, present_made, err);
	rc = complete(job, err);
	return rc < 0 ? rc : tell(job, NULL, NAN, err);
}

static int confirm(struct job *job, struct fl_err *err)
{
	struct fl_data_state state;

	fl_data_look(job->dir_fd, &job->set, &state);
	if (state.whole < job->set.files_n) {
		fl_fail(err, -EBADMSG, "'%s/%s' is missing or has not the size that it had, as %zu of %zu files",
			job->dir, job->set.files[state.example].name, job->set.files_n - state.whole, job->set.files_n);
		return fl_hint(err, "remove the data set with 'feedline data remove' and make it again");
	}
	job->done = "there already:";
	return tell(job, NULL, NAN, err);
}

/* The set that is there, or a new one that is begun. job->set: what is asked for. */
static int take_or_begin(struct job *job, struct fl_err *err)
{
	struct fl_err none = { 0 };
	struct fl_dataset there = { 0 };
	int rc = fl_dataset_read_at(job->dir_fd, job->dir, &there, &none);

	if (rc == -ENOENT) {
		rc = begin(job, err);
		if (rc == 0)
			rc = fl_dataset_read_at(job->dir_fd, job->dir, &there, err);
	} else if (rc < 0) {
		fl_fail(err, rc, "%s", none.what);
		fl_hint(err, "%s", none.hint);
	} else {
		rc = compare(job, &there, err);
	}
	if (rc < 0) {
		fl_dataset_release(&there);
		return rc;
	}
	fl_dataset_release(&job->set);
	job->set = there;
	return 0;
}

/* What is read from memory says nothing of a drive. */
static int refuse_memory(const struct job *job, struct fl_err *err)
{
	struct statfs fs;

	if (fstatfs(job->dir_fd, &fs) < 0 || (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC))
		return 0;
	fl_fail(err, -ENODEV, "'%s' is on tmpfs: tmpfs is memory, not a drive", job->dir);
	return fl_hint(err, "choose a directory on a drive");
}

static int make(struct job *job, const char *word, struct fl_err *err)
{
	const struct fl_demand *like = NULL;
	bool made = false;
	int rc = job->opts->like ? fl_demand_find(job->home->demands, job->opts->like, &like, err) : 0;

	if (rc == 0)
		rc = fl_data_lay_out(job->opts->size, like, &job->set, err);
	if (rc == 0)
		rc = make_dir(job, word, &made, err);
	if (rc < 0)
		return rc;
	job->set.made_dir = made;
	rc = refuse_memory(job, err);
	if (rc == 0)
		rc = take_or_begin(job, err);
	if (rc < 0) {
		if (made)
			rmdir(job->dir);
		return rc;
	}
	return job->set.complete ? confirm(job, err) : make_rest(job, err);
}

/* ---- verify, remove */

static int present_verified(void *arg, const struct fl_run *run, struct fl_err *err)
{
	struct job *job = arg;
	int status = 0;
	const struct fl_lane_record *r = succeeded(job, run, &status, err);

	return r ? tell(job, run->id, rate_of(job, r), err) : status;
}

static int find_set(struct job *job, const char *word, struct fl_err *err)
{
	int rc = find_dir(job, word, err);

	return rc < 0 ? rc : fl_dataset_read_at(job->dir_fd, job->dir, &job->set, err);
}

static int verify(struct job *job, const char *word, struct fl_err *err)
{
	int rc = find_set(job, word, err);

	if (rc < 0)
		return rc;
	if (!job->set.complete) {
		fl_fail(err, -EINVAL, "the data set in '%s' is not complete", job->dir);
		return fl_hint(err, "'feedline data make' goes on where that was interrupted");
	}
	job->to_move_bytes = job->set.bytes;
	return run_lane(job, present_verified, err);
}

/* Not while anything is measured: it may be this. */
static int remove_it(struct job *job, const char *word, struct fl_err *err)
{
	struct fl_data_removed removed;
	int lock, rc = find_set(job, word, err);

	if (rc == 0)
		rc = fl_run_lock(&lock, err);
	if (rc < 0)
		return rc;
	rc = fl_data_remove(job->dir_fd, job->dir, &job->set, &removed, err);
	close(lock);
	if (rc < 0)
		return rc;
	job->set.strangers += removed.left;
	job->removed = &removed;
	rc = tell(job, NULL, NAN, err);
	job->removed = NULL;
	return rc;
}

/* ---- the command */

enum { MAKE, VERIFY, REMOVE, VERBS };

static const struct doing {
	const char *done, *where;
	int (*run)(struct job *job, const char *word, struct fl_err *err);
} doings[VERBS] = {
	[MAKE] = { "made", "in", make },
	[VERIFY] = { "verified", "in", verify },
	[REMOVE] = { "removed", "from", remove_it },
};

static int do_it(const struct fl_verb *self, const struct fl_call *call, const void *opts, const struct fl_args *args,
		 struct fl_err *err);

static const struct fl_verb verbs[VERBS + 1] = {
	[MAKE] = { "make", "data make DIR", "write a data set there, or go on where that was interrupted",
		   "|size|like|seed|threads|timeout|json|store|", 1, 1, "which directory?", do_it },
	[VERIFY] = { "verify", "data verify DIR", "read all of it back and check every word",
		     "|threads|timeout|json|store|", 1, 1, "which directory?", do_it },
	[REMOVE] = { "remove", "data remove DIR", "remove what was made there, and nothing else", "|json|", 1, 1,
		     "which directory?", do_it },
};

static int do_it(const struct fl_verb *self, const struct fl_call *call, const void *opts, const struct fl_args *args,
		 struct fl_err *err)
{
	const struct doing *doing = &doings[self - verbs];
	struct job job = {
		.verb = self->name, .done = doing->done, .where = doing->where, .call = call, .opts = opts, .dir_fd = -1
	};
	struct fl_home home;
	int rc = fl_home_open(&home, err);

	if (rc < 0)
		return rc;
	job.home = &home;
	rc = doing->run(&job, args->words[0], err);
	fl_dataset_release(&job.set);
	if (job.dir_fd >= 0)
		close(job.dir_fd);
	free(job.dir);
	fl_home_close(&home);
	return rc;
}

static int data(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	struct data_opts opts = { 0 };

	return fl_verbs_run(self, call, &opts, err);
}

const struct fl_command fl_cmd_data = {
	.name = "data",
	.summary = "test data that storage is measured with: make, verify, remove",
	.usage = "data make|verify|remove DIR",
	.verbs = verbs,
	.words = "make|verify|remove|@file",
	.fields = data_fields,
	.run = data,
};
