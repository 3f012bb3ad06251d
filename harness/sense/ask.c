/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c: NVIDIA's driver is asked by a child of ours: this program again, as `feedline-sense gpus`. A driver that hangs
 * or a library that crashes then costs what they know, and nothing of what the system shows. */
#include "base/alloc.h"
#include "base/child.h"
#include "base/json.h"
#include "nvml.h"
#include "sense.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* Only it knows what it is called, wherever it lies. */
static bool own_path(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n <= 0)
		return false;
	path[n] = 0;
	return true;
}

static int read_answer(const struct fl_text *text, struct fl_machine **ret, struct fl_err *err)
{
	json_t *doc = NULL;
	int rc = fl_json_parse(fl_text_str(text), text->n, "the driver's answer", &doc, err);

	if (rc == 0)
		rc = fl_machine_read(doc, ret, err);
	json_decref(doc);
	return rc;
}

/* A reason goes into records: without the folder of this program, which fl_child_output() names first. */
static char *why_not(const struct fl_err *err)
{
	if (err->code == -ETIMEDOUT)
		return fl_format("the NVIDIA driver did not answer within %.0f s", (double)fl_nvml_limit_ns() / 1e9);
	if (err->what[0] == '\'')
		return fl_dup("asking the NVIDIA driver ended in a crash");
	return fl_format("asking the NVIDIA driver failed: %s", err->what);
}

struct fl_machine *sense_ask(char **why)
{
	static const char *const args[] = { "gpus", NULL };
	char path[PATH_MAX], **env = fl_child_env();
	const struct fl_child_spec spec = {
		.program = path, .args = args, .env = (const char *const *)env, .node = -1, .control_fd = -1
	};
	struct fl_machine *said = NULL;
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };
	int rc = own_path(path) ? 0 : fl_fail(&err, -ENOENT, "this program does not find itself");

	if (rc == 0)
		rc = fl_child_output(&spec, fl_nvml_limit_ns(), FL_MACHINE_FILE_MAX, &text, &err);
	if (rc == 0)
		rc = read_answer(&text, &said, &err);
	*why = rc < 0 ? why_not(&err) : NULL;
	fl_text_release(&text);
	fl_child_env_free(env);
	return said;
}

struct fl_machine *sense_recorded(const struct sense_root *root, char **why)
{
	char *path = fl_format("%s/nvml.json", root->path);
	struct fl_machine *said = NULL;
	struct fl_err err = { 0 };

	*why = NULL;
	if (access(path, F_OK) < 0)
		*why = fl_dup("the recorded system has no answer of the NVIDIA driver");
	else if (fl_machine_load(path, &said, &err) < 0)
		*why = fl_format("the recorded answer of the NVIDIA driver is no machine file: %s", err.what);
	free(path);
	return said;
}
