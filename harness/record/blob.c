/* SPDX-License-Identifier: Apache-2.0 */
/* blob.c: series to bytes and back. */
#include "record/blob.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t bytes_each(enum fl_series_kind kind)
{
	return 2 * sizeof(double) + (kind == FL_SERIES_SAMPLES);
}

static unsigned char *put_doubles(unsigned char *to, const double *from, size_t n)
{
	uint64_t bits;

	for (size_t i = 0; i < n; i++, to += sizeof(bits)) {
		memcpy(&bits, &from[i], sizeof(bits));
		bits = htole64(bits);
		memcpy(to, &bits, sizeof(bits));
	}
	return to;
}

static const unsigned char *get_doubles(double *to, const unsigned char *from, size_t n)
{
	uint64_t bits;

	for (size_t i = 0; i < n; i++, from += sizeof(bits)) {
		memcpy(&bits, from, sizeof(bits));
		bits = le64toh(bits);
		memcpy(&to[i], &bits, sizeof(bits));
	}
	return from;
}

int fl_blob_pack(const struct fl_series *s, unsigned char **ret, size_t *ret_n, struct fl_err *err)
{
	size_t each = bytes_each(s->kind);
	unsigned char *bytes, *at;

	if (s->n && (!s->at || !s->value || (s->kind == FL_SERIES_SAMPLES && !s->valid)))
		return fl_fail(err, -EINVAL, "series '%s' lacks an array", s->metric);
	if (s->n > SIZE_MAX / each)
		return fl_fail(err, -EFBIG, "series '%s' is too long", s->metric);
	bytes = malloc(s->n ? s->n * each : 1);
	if (!bytes)
		return fl_fail(err, -ENOMEM, "series '%s': %s", s->metric, strerror(ENOMEM));
	at = put_doubles(bytes, s->at, s->n);
	at = put_doubles(at, s->value, s->n);
	for (size_t i = 0; s->kind == FL_SERIES_SAMPLES && i < s->n; i++)
		*at++ = s->valid[i] != 0;
	*ret = bytes;
	*ret_n = s->n * each;
	return 0;
}

int fl_blob_unpack(const unsigned char *bytes, size_t bytes_n, const char *metric, struct fl_series *s)
{
	size_t each = bytes_each(s->kind), n = bytes_n / each;
	const unsigned char *valid = bytes + 2 * sizeof(double) * n;

	if (bytes_n % each)
		return -EUCLEAN;
	for (size_t i = 0; s->kind == FL_SERIES_SAMPLES && i < n; i++)
		if (valid[i] > 1)
			return -EUCLEAN;
	if (fl_series_make(metric, s->kind, n, s) < 0)
		return -ENOMEM;
	bytes = get_doubles(s->at, bytes, n);
	get_doubles(s->value, bytes, n);
	if (s->kind == FL_SERIES_SAMPLES)
		memcpy(s->valid, valid, n);
	else
		memset(s->valid, 0, n);
	return 0;
}
