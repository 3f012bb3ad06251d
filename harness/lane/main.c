/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: a worker program. feedline starts it; people may ask it to describe itself.
 *
 *   feedline-lane-host describe [--output FILE]   the manifest (written at build time)
 *   feedline-lane-host probe NAME                 exit 0 if NAME could run here, else 3 and one line on stderr
 *   feedline-lane-host lane                       serve the agent on descriptor 3 */
#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "lane/lane.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONTROL_FD = 3 };

static int complain(const struct fl_err *err)
{
	fprintf(stderr, "%s\n", err->what);
	return (int)fl_status_of(err->code);
}

static int describe(const char *argv0, const char *output)
{
	const char *slash = strrchr(argv0, '/');
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };
	json_t *manifest;
	int status = 0;

	if (fl_lane_manifest(slash ? slash + 1 : argv0, &manifest, &err) < 0)
		return complain(&err);
	fl_json_write(manifest, 1, &text);
	if (output) {
		if (fl_file_write(output, text.bytes, text.n, &err) < 0)
			status = complain(&err);
	} else if (fwrite(text.bytes, 1, text.n, stdout) != text.n || fflush(stdout))
		status = FL_STATUS_NOT_MEASURED;
	fl_text_release(&text);
	json_decref(manifest);
	return status;
}

static int probe(const char *name)
{
	const struct fl_bench *bench = fl_bench_find(name);
	struct fl_err err = { 0 };
	void *opts;
	int rc;

	if (!bench) {
		fl_fail(&err, -ENOENT, "this worker has no benchmark '%s'", name);
		return complain(&err);
	}
	if (bench->unavailable) {
		fl_fail(&err, -ENOSYS, "%s", bench->unavailable);
		complain(&err);
		return FL_STATUS_NOT_MEASURED;
	}
	if (!bench->probe)
		return 0;
	rc = fl_lane_presets(bench, &opts, &err);
	if (rc < 0)
		return complain(&err);
	rc = bench->probe(opts, &err);
	free(opts);
	if (rc == 0)
		return 0;
	fl_fail(&err, rc, "%s", strerror(-rc));
	complain(&err);
	return FL_STATUS_NOT_MEASURED;
}

/* Messages come over a socket that the agent made; anybody else is told so. */
static int lane(void)
{
	struct stat st;

	if (fstat(CONTROL_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "this program is started by feedline, not by hand: try 'feedline bench'\n");
		return FL_STATUS_USAGE;
	}
	return fl_lane_serve(CONTROL_FD);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "describe"))
		return describe(argv[0], NULL);
	if (argc == 4 && !strcmp(argv[1], "describe") && !strcmp(argv[2], "--output"))
		return describe(argv[0], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "probe"))
		return probe(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "lane"))
		_exit(lane()); /* at once: lanes may still be running, and nothing here needs tidying */
	fprintf(stderr, "usage: %s describe [--output FILE] | probe NAME | lane\n", argv[0]);
	return FL_STATUS_USAGE;
}
