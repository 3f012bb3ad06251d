/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h: is what can be measured the same on two hosts? */
#ifndef FL_HOSTS_DIGEST_H
#define FL_HOSTS_DIGEST_H
#include "catalog/catalog.h"

enum { FL_DIGEST_TEXT = 33 };
/* Of all that benchmarks declare. The order in which they were read does not matter. */
void fl_catalog_digest(const struct fl_catalog *catalog, char ret[FL_DIGEST_TEXT]);

#endif
