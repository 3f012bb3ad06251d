/* SPDX-License-Identifier: Apache-2.0 */
/* blob.h: the arrays of a series as bytes: all times, all values (little-endian IEEE doubles, NaN kept bit by bit),
 * then, for samples only, one byte 0 or 1 each that says whether it is valid. The size alone tells how many there
 * are. */
#ifndef FL_RECORD_BLOB_H
#define FL_RECORD_BLOB_H
#include "record/record.h"

/* malloc'd. -EINVAL: an array is missing; -EFBIG; -ENOMEM. */
int fl_blob_pack(const struct fl_series *series, unsigned char **ret, size_t *ret_n, struct fl_err *err);

/* Fills everything of a series whose kind is set, in one block. -EUCLEAN: not such bytes; -ENOMEM. */
int fl_blob_unpack(const unsigned char *bytes, size_t bytes_n, const char *metric, struct fl_series *series);

#endif
