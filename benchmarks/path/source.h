/* SPDX-License-Identifier: Apache-2.0 */
/* path/source.h: where the chunks of the pipeline come from. A kind of source is a row of functions over a struct that
 * begins with struct fl_source; the source's thread calls everything but open, origin, halt, verify and close. */
#ifndef PATH_SOURCE_H
#define PATH_SOURCE_H
#include "path/blocks.h"
#include "path/pipe.h"
#include "path/queue.h"

/* What travels to the stage. */
struct fl_chunk {
	uint64_t seq; /* from 0 on; they may come in another order */
	const char *data;
	uint32_t slot; /* goes back when it has been moved, where the source wants it back */
};

struct fl_source {
	const struct fl_source_kind *kind;
	struct fl_shape shape;
	struct fl_queue *out; /* of struct fl_chunk; NULL: nothing moves, the batches lie in the accelerator's memory */
	struct fl_queue *back; /* of uint32_t, the slots that were moved; NULL: it wants none back */
	/* The sink gives a turn for each batch that it takes, and some are there at the start: each lets the source
	 * begin a batch, so it is never further ahead than that. Of char; made by fl_source_set_ahead. */
	struct fl_queue *turns;
	uint64_t begun;	       /* batches for which it had one */
	uint64_t ahead;	       /* turns that were there at the start; 0: it has none */
	uint64_t memory_bytes; /* that it has allocated */
	unsigned held_max;     /* chunks that may be out of their order at the most */
	bool described;	       /* the data tells where it belongs: feedline/block.h */
	const char *name;      /* of what it reads, for messages */
};

struct fl_source_kind {
	/* Allocates, prepares, states facts. *ret has kind, shape and all of the above set. */
	int (*open)(const struct fl_pipe_spec *spec, const struct fl_shape *shape, struct fl_lane *lane,
		    struct fl_source **ret, struct fl_err *err);
	int (*enter)(struct fl_source *s, struct fl_err *err); /* optional */
	/* Pushes at least one chunk, or waits until until_ns for its neighbours. How many, or a negative errno. */
	int (*produce)(struct fl_source *s, uint64_t until_ns, struct fl_err *err);
	uint64_t (*waited_ns)(const struct fl_source *s); /* for its neighbours, in all */
	/* Where the bytes of a chunk belong. The same answer at any time, from any thread. */
	struct fl_origin (*origin)(const struct fl_source *s, uint64_t seq);
	/* Of which file that is, for messages. Optional: the source's name. */
	const char *(*file)(const struct fl_source *s, uint64_t seq);
	void (*halt)(struct fl_source *s);  /* beside shutting the queues; optional */
	void (*leave)(struct fl_source *s); /* optional */
	/* Did the data come as it had to? -ESTALE. Optional. */
	int (*verify)(struct fl_source *s, struct fl_err *err);
	/* The same bytes again by another way, for data that does not tell where it belongs. Optional. */
	int (*reread)(struct fl_source *s, uint64_t seq, void *to, uint64_t bytes, struct fl_err *err);
	void (*close)(struct fl_source *s);
};

/* How many batches it may have begun that the sink has not taken: prefetch and the one that is being made, or more
 * where a few batches are less than what shall be in flight. */
int fl_source_set_ahead(struct fl_source *s, uint64_t batches, struct fl_err *err);
/* May chunk `seq` be begun, which is the next? Waits for a turn until until_ns: -ETIMEDOUT; -ECANCELED after halt. */
int fl_source_begin(struct fl_source *s, uint64_t seq, uint64_t until_ns);
/* For the sink: it has taken a batch. */
void fl_source_give_turn(struct fl_source *s);

/* Made of blocks in memory. */
extern const struct fl_source_kind fl_source_resident, fl_source_dram, fl_source_paced;
/* A file, a block device or a data set: through the page cache, or past it. */
extern const struct fl_source_kind fl_source_cached, fl_source_buffered, fl_source_direct;

#endif
