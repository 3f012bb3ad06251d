/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_bootstrap.c: the line that an agent reads may be anything. What is taken is written and read back the same. */
#include "hosts/bootstrap.h"
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_bytes(const void *bytes, size_t n, struct fl_bootstrap *ret, struct fl_err *err)
{
	int fds[2], rc;

	if (pipe(fds) < 0 || write(fds[1], bytes, n) != (ssize_t)n)
		abort();
	close(fds[1]);
	rc = fl_bootstrap_read(fds[0], fl_now_ns() + UINT64_C(60000000000), ret, err);
	close(fds[0]);
	return rc;
}

static void check(const struct fl_bootstrap *b)
{
	if (b->addresses_n < 1 || b->addresses_n > FL_ADDRESSES_MAX || !b->port || b->size < 1 ||
	    b->size > FL_HOSTS_MAX)
		abort();
	if (b->rank >= (int)b->size || b->rank < -1 || (b->host && !fl_host_name_is_good(b->host)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_bootstrap b, again;
	struct fl_err err = { 0 };
	char *line, *second;
	int rc;

	if (size > 16384) /* a pipe holds it */
		return 0;
	rc = read_bytes(data, size, &b, &err);
	if (rc != err.code)
		abort();
	if (rc < 0)
		return 0;
	check(&b);
	line = fl_bootstrap_format(&b);
	if (read_bytes(line, strlen(line), &again, NULL) < 0)
		abort();
	second = fl_bootstrap_format(&again);
	if (strcmp(line, second) != 0)
		abort();
	free(line);
	free(second);
	fl_bootstrap_release(&b);
	fl_bootstrap_release(&again);
	return 0;
}
