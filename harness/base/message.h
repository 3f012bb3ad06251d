/* SPDX-License-Identifier: Apache-2.0 */
/* message.h: the conversation of agent and worker: one JSON object a packet over a SOCK_SEQPACKET pair, with at most
 * one descriptor. The agent reads it as hostile input.
 *
 *   agent  -> worker  {"do":"open","lane":0,"bench":"storage.read","options":{...},"devices":{...},
 *                      "cpus":"0-1","node":0,"step_ns":2000000,"memory_max":0,
 *                      "rank":0,"addresses":["10.1.0.1","10.1.0.2"]}     of its group; by itself: 0 and []
 *   worker -> agent   {"is":"sized","lane":0,"threads":2}
 *   agent  -> worker  {"do":"tape","lane":0,"threads":2,"steps_max":65536}      + the tape's descriptor
 *   worker -> agent   {"is":"gather","lane":0,"name":"listen","value":"0a0b"}   from "sized" to "done", any number
 *   agent  -> worker  {"do":"gathered","lane":0,"name":"listen","values":["0a0b","0c0d"]}           hex, by rank
 *   agent  -> worker  {"do":"ungathered","lane":0,"what":"..."}              instead: a lane of its group is lost
 *   worker -> agent   {"is":"ready","lane":0}                                   opened and entered, waits for the start
 *                     (start and stop travel in the tape)
 *   agent  -> worker  {"do":"halt","lane":0}                                    after the stop flag: call the halt hook
 *   worker -> agent   {"is":"done","lane":0,"verified":true,"what":null,"hint":null,"facts":{...},"caps":[...],
 *                      "placement":{...}}
 *   worker -> agent   {"is":"failed","lane":0,"code":-12,"what":"...","hint":"..."}   instead of any of the above
 *   agent  -> worker  {"do":"quit"}
 *
 * "options" are canonical texts (field.h) by name; "devices" holds {"id","pci","path","uuid","rdma","rdma_port","node"}
 * for each device option.
 * "verified": false is wrong data, and "what" says what was found.
 * "placement": {"cpus":"0-1","node":0,"verified":true|false|null,"reason":null|"..."}: false means wrongly placed. */
#ifndef FL_BASE_MESSAGE_H
#define FL_BASE_MESSAGE_H
#include <feedline/err.h>
#include <jansson.h>

enum { FL_MESSAGE_MAX = 64 * 1024 };

/* A connected pair, close-on-exec. */
int fl_message_pair(int ret_fds[2], struct fl_err *err);

/* Sends one message; waits at most 1 s for room. pass_fd: -1 for none; it stays the caller's. -EPIPE: the peer is
 * gone. */
int fl_message_send(int fd, const json_t *message, int pass_fd, struct fl_err *err);

/* Receives one. *ret_fd is -1 or a new close-on-exec descriptor, the caller's. -EAGAIN (nothing recorded): none there
 * now; -EPIPE: the peer closed; -EPROTO: too long, not JSON, not an object, or more than one descriptor. */
int fl_message_receive(int fd, json_t **ret, int *ret_fd, struct fl_err *err);

#endif
