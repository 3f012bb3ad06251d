/* SPDX-License-Identifier: Apache-2.0 */
/* rdma/fields.h: options that rows of this family share, in the same words everywhere. Each is a row of fields; S is
 * the name of the struct of options, whose members are called as the options are, but for `inlined`. */
#ifndef RDMA_FIELDS_H
#define RDMA_FIELDS_H
#include <feedline/bench.h>

/* In the order of the words of the options. */
enum fl_rdma_transport_word { FL_RDMA_WORD_RC, FL_RDMA_WORD_UC, FL_RDMA_WORD_UD };
enum fl_rdma_completion { FL_RDMA_POLL, FL_RDMA_EVENT };

/* clang-format off */
/* nic: const struct fl_device *; interface, gid, mtu: const char * */
#define FL_RDMA_FIELDS_PORT(S)                                                                                         \
	FL_FIELD(S, nic, FL_DEVICE, NULL, "rdma", "NIC with an RDMA device; by its id, by that or its interface"),     \
	FL_FIELD(S, interface, FL_TEXT, "", NULL,                                                                      \
		 "network interface whose address is used (RoCE); empty: any of the device"),                          \
	FL_FIELD(S, gid, FL_TEXT, "auto", NULL,                                                                        \
		 "address by its index; auto: RoCE v2, IPv4 before IPv6; with InfiniBand the first"),                  \
	FL_FIELD(S, mtu, FL_TEXT, "auto", NULL,                                                                        \
		 "bytes of a packet's payload: 256, 512, 1024, 2048, 4096; auto: the most that both ports are set to")

#define FL_RDMA_FIELD_MEMORY(S) FL_FIELD(S, memory, FL_DEVICE, "local", "node", "NUMA node of the buffers")

/* In place of it, where they can be in the memory of a GPU, too (fl_rdma_memory_on()). unsigned gpu_memory: an
 * enum fl_rdma_way */
#define FL_RDMA_FIELDS_MEMORY(S)                                                                                       \
	FL_FIELD(S, memory, FL_DEVICE, "local", "node|gpu", "NUMA node or GPU that has the buffers"),                  \
	FL_FIELD(S, gpu_memory, FL_CHOICE, "auto", "auto|dmabuf|peer",                                                 \
		 "how the device gets at that of a GPU: dma-buf, peer memory (nvidia_peermem), auto: what goes")

/* Both uint64_t. */
#define FL_RDMA_FIELDS_ROUTE(S)                                                                                        \
	FL_FIELD(S, traffic_class, FL_COUNT, "0", "0..255",                                                            \
		 "of packets in a global route, which InfiniBand then takes; of RoCE, DSCP is its upper 6 bits"),      \
	FL_FIELD(S, service_level, FL_COUNT, "0", "0..15",                                                             \
		 "of packets of InfiniBand; of RoCE, 0 to 7, the priority in a VLAN's tag")

#define FL_RDMA_FIELD_RELAXED(S)                                                                                       \
	FL_FIELD(S, relaxed, FL_FLAG, "no", NULL,                                                                      \
		 "the device may reorder its writes to memory (PCIe relaxed ordering)")

#define FL_RDMA_FIELD_COMPLETION(S)                                                                                    \
	FL_FIELD(S, completion, FL_CHOICE, "poll", "poll|event",                                                       \
		 "completions are looked for without an end, or slept for")

/* bool inlined: `inline` is a word of the language */
#define FL_RDMA_FIELD_INLINE(S)                                                                                        \
	{ "inline", FL_FLAG, offsetof(struct S, inlined), "no", NULL, "requests carry their bytes themselves" }
/* clang-format on */

/* What path/rdma/port.h wants to know, of a pointer to such options. Without a NIC nobody has chosen one yet. */
#define FL_RDMA_PORT_SPEC(o)                                                                                           \
	((struct fl_rdma_port_spec){ .device = !(o)->nic	? NULL                                                 \
					       : (o)->nic->rdma ? (o)->nic->rdma                                       \
								: "",                                                  \
				     .interface = (o)->interface,                                                      \
				     .port = (o)->nic ? (o)->nic->rdma_port : 0,                                       \
				     .gid = (o)->gid,                                                                  \
				     .mtu = (o)->mtu })

#endif
