/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/words.c: words that atomics change. */
#include "path/rdma/words.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

void fl_rdma_words_make(const void *data, char *to, uint64_t at, uint64_t n)
{
	const struct fl_rdma_data *d = data;

	for (uint64_t i = 0; i < n; i += FL_RDMA_WORD_BYTES) {
		uint64_t number = (at + i) / FL_RDMA_WORD_BYTES;
		uint64_t word = fl_rdma_word(d, (unsigned)(number / d->slots), number % d->slots, 0);

		memcpy(to + i, &word, sizeof(word));
	}
}

static int look(struct fl_rdma_view *v, uint64_t number, uint64_t *ret, struct fl_err *err)
{
	const char *at;
	int rc = fl_rdma_view_at(v, number * FL_RDMA_WORD_BYTES, FL_RDMA_WORD_BYTES, &at, err);

	if (rc == 0)
		memcpy(ret, at, sizeof(*ret));
	return rc;
}

int fl_rdma_words_check(const struct fl_rdma_data *d, unsigned pair, struct fl_rdma_view *sinks, uint64_t requests,
			struct fl_err *err)
{
	for (uint64_t slot = 0; slot < d->slots; slot++) {
		uint64_t came = requests / d->slots + (slot < requests % d->slots);
		uint64_t want = fl_rdma_word(d, pair, slot, came), got = 0;
		int rc = look(sinks, pair * d->slots + slot, &got, err);

		if (rc < 0)
			return rc;
		if (got == want)
			continue;
		rc = fl_fail(err, -EBADMSG,
			     "queue pair %u: word %" PRIu64 " of %" PRIu64 " after %" PRIu64
			     " atomics each is 0x%016" PRIx64 ", not 0x%016" PRIx64,
			     pair, slot, d->slots, came, got, want);
		fl_hint(err, "one was lost, done twice or done elsewhere, and nothing told so: the NIC, or another "
			     "writer");
		return rc;
	}
	return 0;
}

int fl_rdma_words_check_answers(const struct fl_rdma_data *d, unsigned pair, struct fl_rdma_view *answers,
				unsigned depth, uint64_t requests, struct fl_err *err)
{
	for (uint64_t n = requests > depth ? requests - depth : 0; n < requests; n++) {
		uint64_t want = fl_rdma_word(d, pair, n % d->slots, n / d->slots), got = 0;
		int rc = look(answers, (uint64_t)pair * depth + n % depth, &got, err);

		if (rc < 0)
			return rc;
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
