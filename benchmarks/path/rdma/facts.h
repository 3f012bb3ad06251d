/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/facts.h: rows for a declaration of facts, in the same words everywhere; they need no header of libibverbs.
 * port.c, memory.c and link.c say them. */
#ifndef PATH_RDMA_FACTS_H
#define PATH_RDMA_FACTS_H

/* clang-format off */
#define FL_RDMA_PORT_FACTS                                                                                             \
	{ "interface", false, "network interface of the address that is used" },                                       \
	{ "rdma_device", false, "RDMA device and port, \"mlx5_0 port 1\"" },                                           \
	{ "firmware", false, "version of the device's firmware" },                                                     \
	{ "link_layer", true, "what the port speaks: InfiniBand, Ethernet" },                                          \
	{ "active_mtu", false, "bytes of a packet's payload that the port is set to" },                                \
	{ "gid_type", true, "of the address that is used: IB, RoCE v1, RoCE v2" },                                     \
	{ "gid", false, "the address that is used, and its index in the port's table" },                               \
	{ "rate_bits_per_s", false, "what the port carries at its speed, line coding taken off" },                     \
	{ "nic_node", false, "NUMA node of the device" }

#define FL_RDMA_ATOMIC_FACT                                                                                            \
	{ "atomicity", true, "of the device's atomics: against its own (device), against all (host)" }

#define FL_RDMA_MEMORY_FACTS                                                                                           \
	{ "registered", false, "how the device knows the memory: host, dma-buf, peer memory" },                        \
	{ "gpu", false, "model of the GPU that has the memory" },                                                      \
	{ "cuda", false, "versions of CUDA: of the runtime in this build, and what the driver can do" },               \
	{ "gpu_order", false,                                                                                          \
	  "why the GPU sees what the device wrote to it: it is ordered, flushed, or unordered: nothing makes it so" }, \
	{ "relaxed_ordering", true, "of PCIe writes: whether it was asked for; none tells whether it was got" }

#define FL_RDMA_LINK_FACTS                                                                                             \
	{ "transport", true, "of the queue pairs: RC, UC, UD" },                                                       \
	{ "route", true, "of packets: global, by GID and with a header for it (GRH); local, by LID" },                 \
	{ "path_mtu", true, "bytes of a packet's payload between the two" },                                           \
	{ "inline_bytes", false, "most bytes that a request carries itself" },                                         \
	{ "peer", false, "the other side" }
/* clang-format on */

#endif
