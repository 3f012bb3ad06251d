/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: feedline-sense, the program that asks the live machine. A child with a time limit, so that a library or a
 * driver that hangs costs its caller nothing. stdout: the answer as JSON; stderr: one line when it fails. */
#include "base/json.h"
#include "base/status.h"
#include "sense.h"
#include "watch.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int resolve(const char *dir, char path[PATH_MAX], struct fl_err *err)
{
	path[0] = 0;
	if (!dir)
		return 0;
	if (!realpath(dir, path))
		return fl_fail(err, -errno, "root '%s': %s", dir, strerror(errno));
	if (strcmp(path, "/") == 0)
		path[0] = 0;
	return 0;
}

static int print(const struct fl_machine *m, struct fl_err *err)
{
	struct fl_text text = { 0 };
	json_t *doc = fl_machine_json(m);
	int rc = 0;

	fl_json_write(doc, 2, &text);
	json_decref(doc);
	if (fwrite(fl_text_str(&text), 1, text.n, stdout) != text.n || fflush(stdout) != 0)
		rc = fl_fail(err, -errno, "write the machine: %s", strerror(errno));
	fl_text_release(&text);
	return rc;
}

static int gpus(struct fl_err *err)
{
	struct fl_machine *m;
	int rc = sense_driver(&m, err);

	if (rc < 0)
		return rc;
	rc = print(m, err);
	fl_machine_free(m);
	return rc;
}

static int machine(const char *dir, struct fl_err *err)
{
	char path[PATH_MAX];
	struct sense_root root = { .path = path };
	struct fl_machine *m;
	int rc = resolve(dir, path, err);

	if (rc == 0)
		rc = sense_machine(&root, &m, err);
	if (rc < 0)
		return rc;
	rc = print(m, err);
	fl_machine_free(m);
	return rc;
}

/* The agent's socket is where base/child.h puts it. */
static int watch(const char *dir, struct fl_err *err)
{
	enum { CONTROL_FD = 3 };
	char path[PATH_MAX];
	struct sense_root root = { .path = path };
	int rc = resolve(dir, path, err);

	if (rc == 0)
		rc = sense_watch(&root, CONTROL_FD, err);
	if (rc == 0)
		_exit(FL_STATUS_PASS); /* nothing is taken down beneath threads that are at work */
	return rc;
}

/* feedline-sense machine|watch [--root DIR]; DIR is a recorded tree with /sys and /proc, for tests.
 * feedline-sense gpus: what NVIDIA's driver alone says, as a machine file. */
static int run(int argc, char **argv, struct fl_err *err)
{
	bool has_root = argc == 4 && strcmp(argv[2], "--root") == 0;
	const char *dir = has_root ? argv[3] : NULL;

	if (argc == 2 && strcmp(argv[1], "gpus") == 0)
		return gpus(err);
	if ((argc == 2 || has_root) && strcmp(argv[1], "machine") == 0)
		return machine(dir, err);
	if ((argc == 2 || has_root) && strcmp(argv[1], "watch") == 0)
		return watch(dir, err);
	fl_fail(err, -EINVAL, "usage: feedline-sense machine");
	return fl_hint(err, "for people there is 'feedline topo'");
}

int main(int argc, char **argv)
{
	struct fl_err err = { 0 };

	if (run(argc, argv, &err) == 0)
		return FL_STATUS_PASS;
	fprintf(stderr, "feedline-sense: %s%s%s\n", err.what, *err.hint ? "; " : "", err.hint);
	return (int)fl_status_of(err.code);
}
