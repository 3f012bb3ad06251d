/* SPDX-License-Identifier: Apache-2.0 */
/* environment.c: the environment of a child is constructed, not inherited, so that launcher variables and secrets stay
 * out and results do not depend on what a shell happened to export. */
#include "base/alloc.h"
#include "base/child.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name that ends in '*' is a prefix. Sanitizer options: so that a test build reports where its tests look. */
static const char *const allowed[] = { "HOME",	       "TMPDIR",       "CUDA_*",	"NCCL_*",      "UCX_*",
				       "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };

/* Not for children, whatever a prefix says. Devices are found by address or UUID, and which of them are hidden the plan
 * honours; where every launch waits for its end, what opens a gate after a launch never does, nor where
 * streams share few queues; a share of a GPU, or a profiler in the worker, is not what is measured. */
static const char *const refused[] = { "CUDA_VISIBLE_DEVICES=", "CUDA_LAUNCH_BLOCKING=", "CUDA_DEVICE_MAX_CONNECTIONS=",
				       "CUDA_MPS_", "CUDA_INJECTION64_PATH=" };

static bool is_refused(const char *variable)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (!strncmp(variable, refused[i], strlen(refused[i])))
			return true;
	return false;
}

static bool is_allowed(const char *variable)
{
	if (is_refused(variable))
		return false;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
		size_t n = strlen(allowed[i]);
		bool prefix = allowed[i][n - 1] == '*';

		if (prefix ? !strncmp(variable, allowed[i], n - 1)
			   : !strncmp(variable, allowed[i], n) && variable[n] == '=')
			return true;
	}
	return false;
}

char **fl_child_env(void)
{
	size_t have = 0, n = 0;
	char **env;

	while (environ && environ[have])
		have++;
	env = fl_zalloc(have + 4, sizeof(*env));
	env[n++] = fl_dup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env[n++] = fl_dup("LANG=C.UTF-8");
	/* Pairs at once use more streams of a GPU than the usual 8 queues; streams that share one wait for each other,
	 * gates too. */
	env[n++] = fl_dup("CUDA_DEVICE_MAX_CONNECTIONS=32");
	for (size_t i = 0; i < have; i++)
		if (is_allowed(environ[i]))
			env[n++] = fl_dup(environ[i]);
	return env;
}

void fl_child_env_free(char **env)
{
	for (size_t i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}
