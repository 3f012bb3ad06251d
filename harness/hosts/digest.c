/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c: BLAKE2b over each entry; their sum, so that the order does not matter. */
#include "hosts/digest.h"
#include "base/json.h"
#include <sodium.h>
#include <string.h>

enum { BYTES = 16 };
_Static_assert(2 * BYTES + 1 == FL_DIGEST_TEXT, "two digits a byte");

void fl_catalog_digest(const struct fl_catalog *catalog, char ret[FL_DIGEST_TEXT])
{
	unsigned char sum[BYTES] = { 0 }, one[BYTES];

	for (size_t i = 0; i < catalog->n; i++) {
		json_t *entry = fl_entry_json(&catalog->entries[i]);
		struct fl_text text = { 0 };

		fl_json_write(entry, 0, &text);
		crypto_generichash(one, sizeof(one), (const unsigned char *)fl_text_str(&text), text.n, NULL, 0);
		for (size_t k = 0; k < BYTES; k++)
			sum[k] = (unsigned char)(sum[k] + one[k]);
		fl_text_release(&text);
		json_decref(entry);
	}
	sodium_bin2hex(ret, FL_DIGEST_TEXT, sum, sizeof(sum));
}
