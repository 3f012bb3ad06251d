/* SPDX-License-Identifier: Apache-2.0 */
/* wire_parts.h: what wire.c and wire_send.c share. */
#ifndef FL_HOSTS_WIRE_PARTS_H
#define FL_HOSTS_WIRE_PARTS_H
#include "hosts/wire.h"
#include <sodium.h>

#define FL_WIRE_MAGIC "feedline"
enum {
	FL_WIRE_MAGIC_BYTES = sizeof(FL_WIRE_MAGIC) - 1,
	FL_WIRE_HEADER_BYTES = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	FL_WIRE_HEX_BYTES = 2 * FL_WIRE_HEADER_BYTES + 1,
	FL_WIRE_GREETING_BYTES = FL_WIRE_MAGIC_BYTES + 1 + FL_WIRE_HEADER_BYTES
};

struct fl_wire {
	int fd;
	struct fl_secret secret;
	unsigned char own_side, their_side;
	unsigned char own[FL_WIRE_HEADER_BYTES];
	crypto_secretstream_xchacha20poly1305_state push, pull;

	unsigned char greeting[FL_WIRE_GREETING_BYTES]; /* theirs, as far as it came */
	size_t greeting_n;
	bool greeted;	      /* it is complete, and pull is ready */
	bool trusted;	      /* their first message opened */
	bool said;	      /* our first message is sealed */
	struct fl_err broken; /* only closing is left */
	uint64_t bytes_in;
	unsigned char length[4]; /* of the frame that is being received */
	size_t length_n;
	unsigned char *frame;
	size_t frame_n, frame_got, frame_room;

	unsigned char *out; /* out[out_at .. out_n) waits for room */
	size_t out_at, out_n, out_room;
	json_t *early; /* messages that wait for their greeting, which the first of them answers; NULL: none */
};

/* Makes our stream and queues our greeting. */
void fl_wire_greet(struct fl_wire *w);
/* Their greeting is here: sends what waited for it. */
int fl_wire_send_early(struct fl_wire *w, struct fl_err *err);
/* Records what an errno of a socket means. */
int fl_wire_gone(int code, struct fl_err *err);

#endif
