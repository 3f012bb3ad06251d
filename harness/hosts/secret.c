/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c: what tells the agents of a run from everybody else. */
#include "hosts/wire.h"
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/prctl.h>

void fl_secret_make(struct fl_secret *ret)
{
	if (sodium_init() < 0)
		sodium_misuse(); /* no randomness at all: nothing may go on */
	randombytes_buf(ret->bytes, sizeof(ret->bytes));
}

void fl_secret_format(const struct fl_secret *s, char ret[2 * FL_SECRET_BYTES + 1])
{
	sodium_bin2hex(ret, 2 * FL_SECRET_BYTES + 1, s->bytes, sizeof(s->bytes));
}

int fl_secret_parse(const char *hex, struct fl_secret *ret, struct fl_err *err)
{
	struct fl_secret s;
	size_t n = 0;
	const char *end;
	int rc = sodium_hex2bin(s.bytes, sizeof(s.bytes), hex, strnlen(hex, 2 * FL_SECRET_BYTES + 1), NULL, &n, &end);

	if (rc == 0 && n == sizeof(s.bytes) && *end == 0)
		*ret = s;
	else
		rc = fl_fail(err, -EINVAL, "a secret is %d hexadecimal digits", 2 * FL_SECRET_BYTES);
	fl_secret_forget(&s);
	return rc;
}

void fl_secret_forget(struct fl_secret *s)
{
	sodium_memzero(s, sizeof(*s));
}

void fl_secret_guard(bool *ret_guarded)
{
	*ret_guarded = prctl(PR_GET_DUMPABLE) == 1 && prctl(PR_SET_DUMPABLE, 0) == 0;
}

void fl_secret_unguard(bool *guarded)
{
	if (*guarded)
		prctl(PR_SET_DUMPABLE, 1);
	*guarded = false;
}
