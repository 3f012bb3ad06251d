/* SPDX-License-Identifier: Apache-2.0 */
/* sense.c: questions to programs that may touch hardware: children with a time limit. */
#include "base/alloc.h"
#include "base/child.h"
#include "base/json.h"
#include "run/run.h"
#include <errno.h>
#include <stdlib.h>

/* feedline-sense gives NVIDIA's driver 30 s of its own. */
static const uint64_t limit_ns = UINT64_C(45000000000);

static int ask(const char *prefix, const char *program, const char *const *args, struct fl_text *out,
	       struct fl_err *err)
{
	char *path = fl_format("%s/libexec/feedline/%s", prefix, program);
	char **env = fl_child_env();
	const struct fl_child_spec spec = {
		.program = path, .args = args, .env = (const char *const *)env, .node = -1, .control_fd = -1
	};
	int rc = fl_child_output(&spec, limit_ns, FL_MACHINE_FILE_MAX, out, err);

	fl_child_env_free(env);
	free(path);
	return rc;
}

int fl_run_sense(const char *prefix, struct fl_machine **ret, struct fl_err *err)
{
	const char *const args[] = { "machine", NULL };
	struct fl_text text = { 0 };
	json_t *doc = NULL;
	int rc = ask(prefix, "feedline-sense", args, &text, err);

	if (rc == 0)
		rc = fl_json_parse(fl_text_str(&text), text.n, "feedline-sense", &doc, err);
	if (rc == 0)
		rc = fl_machine_read(doc, ret, err);
	json_decref(doc);
	fl_text_release(&text);
	return rc;
}

int fl_run_probe(const char *prefix, const struct fl_entry *entry, struct fl_err *err)
{
	const char *const args[] = { "probe", entry->name, NULL };
	struct fl_text text = { 0 };
	int rc;

	if (fl_entry_available(entry, err) < 0)
		return err->code;
	rc = ask(prefix, entry->program, args, &text, err);
	fl_text_release(&text);
	return rc;
}
