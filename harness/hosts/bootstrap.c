/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap.c: the line that a launcher brings to an agent. */
#include "hosts/bootstrap.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "hosts/address.h"
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192, LINE_VERSION = 1, DIGITS = 2 * FL_SECRET_BYTES };

/* What stands in a line for a secret that was taken out of it: one character of it, DIGITS times. */
static const char taken[] = "-";

char *fl_bootstrap_format(const struct fl_bootstrap *b)
{
	char secret[DIGITS + 1];
	/* so much that it never moves, and leaves nothing where it was */
	struct fl_text text = { .bytes = fl_zalloc(LINE_MAX_BYTES, 1), .room = LINE_MAX_BYTES };
	json_t *o = json_object(), *addresses = json_array(), *digits;

	fl_secret_format(&b->secret, secret);
	digits = json_string(secret);
	for (size_t i = 0; i < b->addresses_n; i++)
		json_array_append_new(addresses, fl_json_string(b->addresses[i]));
	json_object_set_new(o, "feedline", json_integer(LINE_VERSION));
	json_object_set_new(o, "addresses", addresses);
	json_object_set_new(o, "port", json_integer(b->port));
	json_object_set_new(o, "secret", digits);
	json_object_set_new(o, "rank", b->rank < 0 ? json_null() : json_integer(b->rank));
	json_object_set_new(o, "size", json_integer(b->size));
	json_object_set_new(o, "host", fl_json_string(b->host));
	fl_json_write(o, 0, &text);
	fl_text_add(&text, "\n");
	sodium_memzero((char *)(uintptr_t)json_string_value(digits), DIGITS);
	json_decref(o);
	sodium_memzero(secret, sizeof(secret));
	return text.bytes;
}

void fl_bootstrap_forget(struct fl_bootstrap *b)
{
	fl_secret_forget(&b->secret);
	fl_secret_unguard(&b->guarded);
}

void fl_bootstrap_release(struct fl_bootstrap *b)
{
	for (size_t i = 0; i < b->addresses_n; i++)
		free(b->addresses[i]);
	free(b->addresses);
	free(b->host);
	fl_bootstrap_forget(b);
	*b = (struct fl_bootstrap){ .rank = -1 };
}

/* ---- the secret of a line. A parser copies what it reads, and moves the copies as they grow: where they were, nobody
 * overwrites. So it is taken out of the line before that is parsed. */

static char *skip_blanks(char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* The text of the first member "secret" that is as long as one; NULL: there is none. */
static char *find_secret(char *line, size_t n)
{
	static const char key[] = "\"secret\"";
	const char *end = line + n;
	char *at = line;

	while ((at = memmem(at, (size_t)(end - at), key, sizeof(key) - 1))) {
		at = skip_blanks(at + sizeof(key) - 1, end);
		if (at == end || *at != ':')
			continue;
		at = skip_blanks(at + 1, end);
		if (end - at >= DIGITS + 2 && at[0] == '"' && at[DIGITS + 1] == '"')
			return at + 1;
	}
	return NULL;
}

/* Is there one? Its text is blanked where it is as long as one. */
static bool take_secret(char *line, size_t n, struct fl_secret *ret)
{
	char *found = find_secret(line, n), digits[DIGITS + 1] = "";
	int rc;

	if (!found)
		return false;
	memcpy(digits, found, DIGITS);
	memset(found, *taken, DIGITS);
	rc = fl_secret_parse(digits, ret, NULL);
	sodium_memzero(digits, sizeof(digits));
	return rc == 0;
}

/* ---- reading */

static int read_addresses(const json_t *o, struct fl_bootstrap *b, struct fl_err *err)
{
	json_t *list;
	int rc = fl_json_array(o, "the line", "addresses", FL_ADDRESSES_MAX, &list, err);

	if (rc < 0)
		return rc;
	if (json_array_size(list) == 0)
		return fl_fail(err, -EINVAL, "the line: 'addresses' is empty");
	b->addresses = fl_zalloc(json_array_size(list), sizeof(*b->addresses));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !fl_address_is_numeric(text))
			return fl_fail(err, -EINVAL, "the line: address %zu is not a numeric one", i + 1);
		b->addresses[b->addresses_n++] = fl_dup(text);
	}
	return 0;
}

bool fl_host_name_is_good(const char *name)
{
	size_t n = strnlen(name, FL_HOST_NAME_MAX + 1);

	if (n == 0 || n > FL_HOST_NAME_MAX)
		return false;
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("'\"\\,", *c))
			return false;
	return true;
}

static bool is_given(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	return value && !json_is_null(value);
}

static int read_place(const json_t *o, struct fl_bootstrap *b, struct fl_err *err)
{
	int64_t size = 0, rank = -1;
	const char *host = NULL;
	int rc = fl_json_i64(o, "the line", "size", 1, FL_HOSTS_MAX, &size, err);

	if (rc == 0 && is_given(o, "rank"))
		rc = fl_json_i64(o, "the line", "rank", 0, size - 1, &rank, err);
	if (rc == 0 && is_given(o, "host"))
		rc = fl_json_text(o, "the line", "host", &host, err);
	if (rc == 0 && host && !fl_host_name_is_good(host))
		rc = fl_fail(err, -EINVAL, "the line: 'host' is not a name of a machine");
	if (rc < 0)
		return rc;
	b->size = (unsigned)size;
	b->rank = (int)rank;
	b->host = fl_dup(host);
	return 0;
}

static int read_hub(const json_t *o, bool was_taken, struct fl_bootstrap *b, struct fl_err *err)
{
	uint64_t version = 0, port = 0;
	const char *secret = NULL;
	int rc = fl_json_u64(o, "the line", "feedline", UINT32_MAX, &version, err);

	if (rc == 0 && version != LINE_VERSION) {
		fl_fail(err, -EINVAL, "the line is of version %u, this feedline knows %d", (unsigned)version,
			LINE_VERSION);
		return fl_hint(err, "install the same feedline on all hosts");
	}
	if (rc == 0)
		rc = fl_json_u64(o, "the line", "port", UINT16_MAX, &port, err);
	if (rc == 0 && port == 0)
		rc = fl_fail(err, -EINVAL, "the line: 'port' is 0");
	if (rc == 0)
		rc = fl_json_text(o, "the line", "secret", &secret, err);
	if (rc == 0 && (!was_taken || strlen(secret) != DIGITS || strspn(secret, taken) != DIGITS))
		rc = fl_fail(err, -EINVAL, "the line: a secret is %d hexadecimal digits", DIGITS);
	b->port = (uint16_t)port;
	return rc;
}

/* All but the secret. */
static int read_object(const json_t *o, bool was_taken, struct fl_bootstrap *ret, struct fl_err *err)
{
	struct fl_bootstrap b = { .rank = -1 };
	int rc = read_hub(o, was_taken, &b, err);

	if (rc == 0)
		rc = read_addresses(o, &b, err);
	if (rc == 0)
		rc = read_place(o, &b, err);
	if (rc == 0)
		*ret = b;
	else
		fl_bootstrap_release(&b);
	return rc;
}

/* The message of a parser could show a part of the secret: it is not passed on. */
static int parse(char *line, size_t n, struct fl_bootstrap *ret, struct fl_err *err)
{
	struct fl_secret secret = { { 0 } };
	bool was_taken = take_secret(line, n, &secret);
	json_t *o = NULL;
	int rc;

	if (fl_json_parse(line, n, "the line", &o, NULL) < 0)
		rc = fl_fail(err, -EINVAL, "the line that says where the hub is, is not JSON");
	else
		rc = read_object(o, was_taken, ret, err);
	if (rc == 0)
		ret->secret = secret;
	fl_secret_forget(&secret);
	json_decref(o);
	return rc;
}

/* One byte at a time: what follows the line belongs to others. 1: there is one; 0: the end. */
static int read_byte(int fd, uint64_t until_ns, char *ret, struct fl_err *err)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now_ns = fl_now_ns();
		ssize_t n;

		if (now_ns >= until_ns)
			return fl_fail(err, -ETIMEDOUT, "the line that says where the hub is did not come");
		if (poll(&p, 1, until_ns - now_ns > 100000000 ? 100 : 1 + (int)((until_ns - now_ns) / 1000000)) <= 0)
			continue;
		n = read(fd, ret, 1);
		if (n >= 0)
			return (int)n;
		if (errno != EINTR && errno != EAGAIN)
			return fl_fail(err, -EINVAL, "read the line that says where the hub is: %s", strerror(errno));
	}
}

int fl_bootstrap_read(int fd, uint64_t until_ns, struct fl_bootstrap *ret, struct fl_err *err)
{
	char line[LINE_MAX_BYTES], c = 0;
	bool guarded;
	size_t n = 0;
	int rc = 1;

	fl_secret_guard(&guarded);
	while (rc > 0 && n < sizeof(line)) {
		rc = read_byte(fd, until_ns, &c, err);
		if (rc <= 0 || c == '\n')
			break;
		line[n++] = c;
	}
	if (rc == 0)
		rc = fl_fail(err, -EINVAL, "the line that says where the hub is ended early");
	else if (rc > 0 && n == sizeof(line))
		rc = fl_fail(err, -EINVAL, "the line that says where the hub is is longer than %d bytes",
			     LINE_MAX_BYTES);
	else if (rc > 0)
		rc = parse(line, n, ret, err);
	sodium_memzero(line, sizeof(line));
	if (rc == 0)
		ret->guarded = guarded;
	else
		fl_secret_unguard(&guarded);
	return rc;
}
