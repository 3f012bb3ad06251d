/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/words.h: words of 8 bytes that atomics change, and what is in each after so many.
 *
 * They lie in sinks as path/rdma/data.h has them, with a size of 8. Each request adds the same to the next word of its
 * sink, or puts in what is more by that where it finds what has to be there before. So every word tells how many
 * requests came to it: one that is lost, done twice or done elsewhere is seen in the end, whenever it was; of exchanges
 * all later ones to that word find something else, and do nothing. */
#ifndef PATH_RDMA_WORDS_H
#define PATH_RDMA_WORDS_H
#include "path/rdma/data.h"

enum { FL_RDMA_WORD_BYTES = 8 };

/* All odd. STEP is what a request adds. */
#define FL_RDMA_WORD_STEP UINT64_C(0x9e3779b97f4a7c15)
#define FL_RDMA_WORD_NEXT UINT64_C(0xbf58476d1ce4e5b9)
#define FL_RDMA_WORD_PAIR UINT64_C(0x94d049bb133111eb)

/* What is in the word of a slot after so many requests. */
static inline uint64_t fl_rdma_word(const struct fl_rdma_data *d, unsigned pair, uint64_t slot, uint64_t requests)
{
	return d->seed + pair * FL_RDMA_WORD_PAIR + slot * FL_RDMA_WORD_NEXT + requests * FL_RDMA_WORD_STEP;
}

/* The n bytes of all sinks from `at` on, whole words; as fl_rdma_bytes_fill() wants it. data: a struct fl_rdma_data */
void fl_rdma_words_make(const void *data, char *to, uint64_t at, uint64_t n);

/* Each word of the sink of a pair after so many requests in all. -EBADMSG: which one is wrong. */
int fl_rdma_words_check(const struct fl_rdma_data *d, unsigned pair, struct fl_rdma_view *sinks, uint64_t requests,
			struct fl_err *err);

/* What the last requests of so many found, request n in place n % depth of those of its pair. */
int fl_rdma_words_check_answers(const struct fl_rdma_data *d, unsigned pair, struct fl_rdma_view *answers,
				unsigned depth, uint64_t requests, struct fl_err *err);

#endif
