/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/words.c: words that atomics change. */
#include "path/rdma/words.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

void fl_rdma_words_fill(const struct fl_rdma_data *d, char *sinks)
{
	uint64_t *word = (uint64_t *)(void *)sinks;

	for (unsigned pair = 0; pair < d->pairs; pair++)
		for (uint64_t slot = 0; slot < d->slots; slot++)
			*word++ = fl_rdma_word(d, pair, slot, 0);
}

int fl_rdma_words_check(const struct fl_rdma_data *d, unsigned pair, const char *sinks, uint64_t requests,
			struct fl_err *err)
{
	const uint64_t *word = (const uint64_t *)(const void *)sinks + pair * d->slots;

	for (uint64_t slot = 0; slot < d->slots; slot++) {
		int rc;
		uint64_t came = requests / d->slots + (slot < requests % d->slots);
		uint64_t want = fl_rdma_word(d, pair, slot, came);

		if (word[slot] == want)
			continue;
		rc = fl_fail(err, -EBADMSG,
			     "queue pair %u: word %" PRIu64 " of %" PRIu64 " after %" PRIu64
			     " atomics each is 0x%016" PRIx64 ", not 0x%016" PRIx64,
			     pair, slot, d->slots, came, word[slot], want);
		fl_hint(err, "one was lost, done twice or done elsewhere, and nothing told so: the NIC, or another "
			     "writer");
		return rc;
	}
	return 0;
}

int fl_rdma_words_check_answers(const struct fl_rdma_data *d, unsigned pair, const char *answers, unsigned depth,
				uint64_t requests, struct fl_err *err)
{
	for (uint64_t n = requests > depth ? requests - depth : 0; n < requests; n++) {
		uint64_t want = fl_rdma_word(d, pair, n % d->slots, n / d->slots), got;
		int rc;

		memcpy(&got, answers + n % depth * FL_RDMA_WORD_BYTES, sizeof(got));
		if (got == want)
			continue;
		rc = fl_fail(err, -EBADMSG,
			     "queue pair %u: atomic %" PRIu64 " of %" PRIu64 " found 0x%016" PRIx64
			     ", not 0x%016" PRIx64,
			     pair, n, requests, got, want);
		fl_hint(err, "it was not done when it should have been, or its answer is that of another");
		return rc;
	}
	return 0;
}
