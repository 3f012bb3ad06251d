/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h: one node as discovered. Plain data: written to a file and read back, a recorded machine stands in for a
 * live one everywhere except in measuring. What is not known is "unknown with a reason", never zero.
 *
 * Ids are stable over reboots and re-enumeration: node0; a drive by serial ("nvme-S4XY12"), else by PCI address, else
 * by kernel name; a NIC or GPU by PCI address ("nic-0000:41:00.0"). All strings belong to the machine. */
#ifndef FL_MACHINE_MACHINE_H
#define FL_MACHINE_MACHINE_H
#include "base/cpus.h"
#include <feedline/err.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text or number that may be unknown. Exactly one of value/why is set. */
struct fl_known_text {
	char *value;
	char *why; /* "no serial in sysfs (virtio)" */
};
struct fl_known {
	double value; /* NaN when unknown */
	char *why;
};

/* FL_NODE_FAR_MEMORY: behind CXL, persistent memory, or otherwise slower than DRAM. FL_NODE_EMPTY: no memory. */
enum fl_node_class { FL_NODE_DRAM, FL_NODE_DRAM_NO_CPUS, FL_NODE_GPU_MEMORY, FL_NODE_FAR_MEMORY, FL_NODE_EMPTY };
const char *fl_node_class_name(enum fl_node_class kind); /* "dram", "dram without cpus", "gpu memory", ... */

struct fl_node {
	char *id; /* "node0" */
	int number;
	enum fl_node_class kind;
	struct fl_cpus cpus;
	struct fl_known memory_bytes;
	unsigned *distances; /* to every node, in the order of fl_machine.nodes (ACPI SLIT: 10 = local) */
};

/* A PCIe device's own link as negotiated now and as the device could. GT/s per lane and lanes; payload limits need
 * root. `real` is false below a hypervisor or on an emulated port, where the figures are fiction: such a link has no
 * cap.
 *
 * A GPU at rest (power state P8) lowers its link to 2.5 GT/s, and with it what the port above shows, until it works
 * again. So of a GPU and its port gts_now is a moment and no limit: under load it is gts_best, unless port or slot do
 * less (the lesser gts_best of the two), or the link was trained down. Lanes stay as they are. */
struct fl_pcie_link {
	struct fl_known gts_now, gts_best; /* 2.5, 5, 8, 16, 32, 64 */
	struct fl_known lanes_now, lanes_best;
	struct fl_known max_payload_bytes; /* DevCtl.MPS; unknown without root */
	bool real;
};

struct fl_pci {
	char *address;	       /* "0000:41:00.0"; NULL: not a PCI device, and then nothing else is set */
	char *vendor, *device; /* "0x8086" */
	char *upstream;	       /* PCI address of the port above; NULL at the root */
	int node;	       /* -1: unknown */
	struct fl_pcie_link link;
};

struct fl_drive {
	char *id;
	char *block; /* "nvme0n1" */
	char *path;  /* "/dev/nvme0n1" */
	char *dev;   /* "259:0" */
	struct fl_known_text model, serial, firmware;
	struct fl_known bytes;
	char *kind; /* "nvme", "virtio", "scsi", "loop", "other" */
	struct fl_known_text
		driver; /* of the device, then those below it down to its PCI function: "nvme", "sd, ahci" */
	/* How the kernel queues its requests now. */
	struct fl_known_text scheduler;	   /* "none" */
	struct fl_known queue_requests;	   /* how many wait at most */
	struct fl_known request_max_bytes; /* larger ones are split */
	struct fl_known read_ahead_bytes;
	struct fl_known_text write_cache;  /* "write back", "write through" */
	struct fl_known rotational;	   /* 1: the kernel takes it for a spinning disk; 0 */
	struct fl_known no_merges;	   /* 0: requests beside each other are merged, 1: simple ones only, 2: none */
	struct fl_known io_stats;	   /* 1: what it reads and writes is counted; 0 */
	struct fl_known write_throttle_ns; /* latency that reads shall have beside writes (wbt); 0: off */
	struct fl_known polls;		   /* 1: a request may be polled for; 0 */
	struct fl_known poll_queues;	   /* what the driver keeps for polling; of NVMe */
	struct fl_known completion_cpu; /* rq_affinity, 0: any CPU completes, 1: one near the asking one, 2: that one */
	struct fl_pci pci;
	struct fl_known node; /* NUMA node */
	char **parts;	      /* dev numbers of its partitions */
	size_t parts_n;
};

struct fl_nic {
	char *id, *interface; /* "eth0"; NULL for an RDMA device without one */
	struct fl_known rate_bits_per_s;
	struct fl_known_text rdma;	 /* "mlx5_0" */
	struct fl_known rdma_port;	 /* which port of that device it is, from 1 */
	struct fl_known_text link_layer; /* what that speaks: "InfiniBand", "Ethernet" */
	struct fl_known_text rdma_state; /* of that port: "active", "down", "init" (no subnet manager) */
	struct fl_known rdma_soft;	 /* 1: the kernel does RDMA itself (soft-RoCE), over whatever interface; 0 */
	struct fl_known_text firmware;	 /* "28.39.1002" */
	unsigned port;			 /* of a device with several, from 0 */
	bool up;
	struct fl_known_text driver; /* as of a drive */
	struct fl_pci pci;
	struct fl_known node;
};

/* A PCIe port that devices hang below: a root port, or one of a switch. Its link is the one to what is below it; of the
 * port at the top of a switch it is the one up. */
struct fl_port {
	struct fl_pci pci;
};

/* One NVLink of a GPU. */
struct fl_gpu_link {
	unsigned number;
	bool up;
	struct fl_known_text peer;   /* what is at the other end: a GPU's id, "switch", "cpu" */
	struct fl_known bytes_per_s; /* raw, in one direction, by its generation */
};

/* A GPU, or a part of one that computes by itself (MIG). A GPU that is divided (mig "on") cannot be used whole, also
 * while it has no parts; only one that is divided has parts. */
struct fl_gpu {
	char *id;		     /* "gpu-0000:41:00.0"; of a part "mig-UUID" */
	char *parent;		     /* the id of the GPU that it is a part of; NULL: it is whole */
	struct fl_known_text driver; /* as of a drive */
	struct fl_known_text model, uuid, firmware;
	struct fl_known_text compute_mode; /* "default", "exclusive process", "prohibited" */
	struct fl_known_text mig;	   /* "on", "off" */
	struct fl_known_text ecc;	   /* "on", "off" */
	struct fl_known memory_bytes;
	struct fl_known memory_bytes_per_s; /* of its memory, raw: bus width times clock */
	struct fl_known processes;	    /* that use it now, others than ours */
	struct fl_known_text process;	    /* the first of them: "4711 python3"; in no record */
	struct fl_known pending_repairs;    /* 1: rows or pages of its memory wait for a reset to be replaced; 0 */
	struct fl_known power_limit_w, clock_max_hz;
	struct fl_pci pci; /* of a part: that of the whole one */
	struct fl_known node;
	struct fl_gpu_link *links; /* in the order of their numbers */
	size_t links_n;
};

/* One mounted file system that can hold files to read. */
struct fl_mount {
	char *at, *type, *dev; /* "/", "ext4", "254:0" */
	char *source;	       /* "/dev/vda" */
	char *options;	       /* "rw,noatime,data=ordered": flags, and values of those that change how fast data moves;
				  NULL: not known */
};

/* What our cgroup (v1 or v2) lets us have; unknown: no limit is set or it cannot be read (the reason says which). */
struct fl_limits {
	struct fl_cpus cpus;	   /* cpuset, as the kernel lets us run */
	struct fl_known cpu_quota; /* CPUs' worth of time */
	struct fl_known memory_bytes;
	struct fl_known memlock_bytes;	/* RLIMIT_MEMLOCK; infinite = unknown with why "unlimited" */
	struct fl_known cgroup_version; /* 1, 2; on hybrid hosts the one that has the controllers */
	struct fl_known_text cpu_group; /* the directory of our cgroup that has the controller for CPU time */
	struct fl_known_text io_group;	/* the same of the one that has that for block devices */
};

struct fl_machine {
	char *host, *kernel, *arch, *cpu_model;
	char *boot_id;
	struct fl_known_text product, board;			   /* as their makers name them */
	struct fl_known_text bios_vendor, bios_version, bios_date; /* the firmware of the board */
	struct fl_known_text microcode;				   /* of the CPUs: "0xa0011d5" */
	struct fl_known_text hypervisor; /* "kvm"; bare metal: unknown with why "bare metal" */
	bool bare_metal;		 /* known to be (no hypervisor bit, no DMI sign) */
	struct fl_cpus cpus;		 /* online */
	struct fl_node *nodes;
	size_t nodes_n;
	struct fl_drive *drives;
	size_t drives_n;
	struct fl_nic *nics;
	size_t nics_n;
	struct fl_gpu *gpus;
	size_t gpus_n;
	struct fl_port *ports; /* of all PCIe ports, with those above them */
	size_t ports_n;
	struct fl_known_text gpu_driver; /* "580.82.07" */
	struct fl_known_text cuda;	 /* the newest that the driver can do: "13.0" */
	struct fl_mount *mounts;
	size_t mounts_n;
	struct fl_limits limits;
};

enum { FL_MACHINE_SCHEMA = 1, FL_MACHINE_FILE_MAX = 16 << 20 };
enum { FL_GPU_LINKS_MAX = 256, FL_PORTS_DEEP_MAX = 32 };

/* Machine file: JSON, {"schema": 1, "host": ...}, members named as here. What is unknown is null, and the reason stands
 * in "unknown" of the same object: {"serial": null, "unknown": {"serial": "no serial in sysfs"}}. read: hostile input,
 * every reference checked (node numbers, ids unique, distances matrix square, parts and links of GPUs, no port above
 * itself, counts <= 4096). Files of older feedlines lack members: what they do not say is unknown, lists are empty.
 * *ret is released with fl_machine_free(). */
int fl_machine_read(const json_t *doc, struct fl_machine **ret, struct fl_err *err);
int fl_machine_load(const char *path, struct fl_machine **ret, struct fl_err *err);
json_t *fl_machine_json(const struct fl_machine *m); /* new reference */
void fl_machine_free(struct fl_machine *m);

/* ---- questions */
const struct fl_node *fl_machine_node(const struct fl_machine *m, int number); /* NULL: none */
/* Devices of a kind ("node": nodes with memory, "drive", "nic", "rdma": NICs with an RDMA device, "gpu") as what a
 * benchmark is given. GPUs are those that can be used: whole ones that are not divided, and parts. Strings are the
 * machine's, NULL where a device has none; node is -1 where it is unknown, rdma_port 0. "node|gpu" is one kind: nodes,
 * then GPUs; there a number is that of a node. */
struct fl_device_view {
	const char *id, *pci, *path, *uuid, *rdma;
	int node;
	unsigned rdma_port;
};
size_t fl_machine_count(const struct fl_machine *m, const char *kind); /* 0 for an unknown kind */
struct fl_device_view fl_machine_device(const struct fl_machine *m, const char *kind, size_t i);
/* Finds one by what a user types: its id, number ("0" for node0; of a GPU its index here), PCI address (with or without
 * domain; not of a part), UUID, block name, interface, RDMA device or /dev path. Its index for fl_machine_device; -1:
 * no such device. */
int fl_machine_find(const struct fl_machine *m, const char *kind, const char *text);
/* The drive beneath an absolute, resolved path: by longest mount point, or the block device itself. NULL: unknown,
 * and *why (static or machine-owned text) says why ("tmpfs is memory", "overlay hides the drive"). *ret_mount may be
 * NULL. */
const struct fl_drive *fl_machine_drive_of(const struct fl_machine *m, const char *path,
					   const struct fl_mount **ret_mount, const char **why);

#endif
