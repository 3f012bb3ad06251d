/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h: the conversation of the hub and an agent: JSON objects in frames over TCP, encrypted and authenticated
 * with the secret of the run (libsodium's secretstream: XChaCha20-Poly1305; a frame that was changed, left out,
 * repeated or sent by somebody else does not open). Both ends read hostile input until the other has proved that it
 * knows the secret, and bounded input after that.
 *
 *   both ends send at once   8 bytes "feedline", 1 byte FL_WIRE_VERSION, 24 bytes: the header of their stream
 *   then frames              4 bytes length, big endian, of what follows; a secretstream message: one JSON object
 *
 * The first frame of each side holds the header that it got from the other: {"is":"hello","to":"<hex>", ...} and
 * {"do":"welcome","to":"<hex>"}, so that nothing recorded in another conversation can be played again. fl_wire_send()
 * adds this "to" (and waits with the first message until it knows the header), fl_wire_receive() checks it. Until then
 * a frame has at most FL_WIRE_FIRST_MAX bytes, later FL_WIRE_FRAME_MAX.
 *
 * Nothing here waits: sockets are non-blocking, what cannot be sent is kept until there is room. */
#ifndef FL_HOSTS_WIRE_H
#define FL_HOSTS_WIRE_H
#include <feedline/err.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FL_WIRE_VERSION = 2,
	FL_WIRE_FIRST_MAX = 16 << 10,
	FL_WIRE_FRAME_MAX = 64 << 20,
	FL_WIRE_QUEUE_MAX = 256 << 20, /* what may wait to be sent before the other side counts as hung */
	FL_SECRET_BYTES = 32
};

struct fl_secret {
	unsigned char bytes[FL_SECRET_BYTES];
};
void fl_secret_make(struct fl_secret *ret); /* random */
void fl_secret_format(const struct fl_secret *s, char ret[2 * FL_SECRET_BYTES + 1]);
int fl_secret_parse(const char *hex, struct fl_secret *ret, struct fl_err *err); /* -EINVAL, without the text in *err */
void fl_secret_forget(struct fl_secret *s);					 /* overwrites it */
/* While there are secrets in the memory of this process, it leaves no core, and no other process of its user may look
 * into it; programs that it starts are as ever. *ret_guarded: it was not so before, and fl_secret_unguard() is due once
 * all are overwritten. */
void fl_secret_guard(bool *ret_guarded);
void fl_secret_unguard(bool *guarded); /* where it is set, and clears it */

struct fl_wire;

/* Over a connected stream socket (TCP or a Unix pair), which it owns from here on; set to non-blocking, with
 * keep-alive and TCP_USER_TIMEOUT, so that a cut link is found within about 10 s also while nobody speaks. The secret
 * is copied, and overwritten once both have greeted. What one side has sealed opens as a word of that side only: the
 * other's words, brought back to it over another connection, are none. */
enum fl_wire_side { FL_WIRE_HUB = 'h', FL_WIRE_AGENT = 'a' };
struct fl_wire *fl_wire_open(int fd, enum fl_wire_side own, const struct fl_secret *secret);
void fl_wire_close(struct fl_wire *w); /* NULL allowed; what was not sent yet is lost */
int fl_wire_fd(const struct fl_wire *w);

/* Queues one message and sends what there is room for. -EMSGSIZE: it is too long; -EOVERFLOW: the other side takes
 * nothing any more; -EPIPE, -ECONNRESET, -ETIMEDOUT: it is gone. */
int fl_wire_send(struct fl_wire *w, const json_t *message, struct fl_err *err);
/* The same of a message that is JSON text already, for one that goes to many; not the first message of a side. */
int fl_wire_send_text(struct fl_wire *w, const char *json, size_t n, struct fl_err *err);
bool fl_wire_is_full(const struct fl_wire *w); /* something waits for room: ask for EPOLLOUT, then fl_wire_flush() */
int fl_wire_flush(struct fl_wire *w, struct fl_err *err);

/* The next message that is there. -EAGAIN (nothing recorded): none yet; -EPIPE: the other side closed; -ETIMEDOUT:
 * the link is cut; -EACCES: its secret is another one; -EPROTO: it is no feedline, speaks another version (*err
 * says which), or what it sent is no frame; -EMSGSIZE: it is longer than allowed. After any of these but -EAGAIN
 * only closing is left. */
int fl_wire_receive(struct fl_wire *w, json_t **ret, struct fl_err *err);
uint64_t fl_wire_bytes_in(const struct fl_wire *w); /* so much was received */
bool fl_wire_is_greeted(const struct fl_wire *w);   /* the other side's header is here; it may still be anybody */
bool fl_wire_is_trusted(const struct fl_wire *w);   /* a first frame has opened: the other side knows the secret */

/* For agents, whose life is one conversation. Deadlines are of fl_now_ns(). drain sends everything: -ETIMEDOUT. wait
 * waits until there is something to receive (or, while something waits for room, to flush): 0, maybe too early;
 * -ETIMEDOUT; -EINTR: a signal came. Nothing is recorded. */
int fl_wire_drain(struct fl_wire *w, uint64_t until_ns, struct fl_err *err);
int fl_wire_wait(const struct fl_wire *w, uint64_t until_ns);

#endif
