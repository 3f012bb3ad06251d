/* SPDX-License-Identifier: Apache-2.0 */
/* sense.h: the parts of feedline-sense. Each part fills its members of a machine from files below one root, so that a
 * recorded /sys and /proc stands in for a live one. Private to this room. */
#ifndef FL_SENSE_SENSE_H
#define FL_SENSE_SENSE_H
#include "base/text.h"
#include "machine/machine.h"
#include <feedline/err.h>

/* ---- root.c: reading below the root. `dir` starts with "/", `name` may hold slashes. */

struct sense_root {
	const char *path; /* resolved; "" is the live system */
};

/* The first line, without blanks at its ends, bytes that are not printable ASCII as '?'. malloc'd; NULL if the file
 * cannot be read or the line is empty. */
char *sense_line(const struct sense_root *root, const char *dir, const char *name);
/* The first word after `key` on the line that starts with it, within the first 64 KiB. malloc'd; NULL: none. */
char *sense_word(const struct sense_root *root, const char *dir, const char *name, const char *key);
/* Appends at most max_bytes of the file, from its start. 0 or a negative errno. */
int sense_bytes(const struct sense_root *root, const char *dir, const char *name, size_t max_bytes,
		struct fl_text *out);
/* A whole number >= 0. */
bool sense_number(const struct sense_root *root, const char *dir, const char *name, double *ret);
bool sense_exists(const struct sense_root *root, const char *dir, const char *name);
/* Where links lead to, as a path below the root ("/sys/devices/..."). malloc'd; NULL: nowhere, or out of the root. */
char *sense_real(const struct sense_root *root, const char *dir, const char *name);

/* The entries of a directory without "." and "..", in the order of versions (nvme2 before nvme10), at most 4096. */
struct sense_names {
	char **names;
	size_t n;
};
struct sense_names sense_list(const struct sense_root *root, const char *dir, const char *name);
void sense_names_release(struct sense_names *names);

/* ---- known.c: values that may be unknown. Texts given are taken (freed with the machine). */

void know(struct fl_known *ret, double value);
void know_not(struct fl_known *ret, const char *why);
void know_text(struct fl_known_text *ret, char *value, const char *why); /* value NULL: unknown, because why */
/* The NUMA node, where the machine has it; on a machine with one node everything is there. `number` -1: not said. */
void know_node(struct fl_known *ret, const struct fl_machine *m, int number, const char *why);
/* `text` as part of an id: letters, digits and ._:+- stay, the rest becomes '_'. malloc'd. */
char *id_of(const char *kind, const char *text);

/* ---- mountinfo.c */

struct sense_mount {
	char *root, *at, *dev, *type, *source;
	char *flags, *options; /* of the mount, of the super block */
};
struct sense_mounts {
	struct sense_mount *mounts;
	size_t n;
};
/* /proc/self/mountinfo; empty if it cannot be read or lists more than a machine file may hold. */
struct sense_mounts sense_mountinfo(const struct sense_root *root);
void sense_mounts_release(struct sense_mounts *mounts);

/* ---- interface.c: of the live system */

/* The interfaces of our network namespace, in the order of versions, at most 4096. */
struct sense_names sense_interfaces(void);
/* What the kernel says of one of them. */
struct sense_interface {
	int index;
	unsigned char hardware[14]; /* the start of its address */
	bool up, answers;	    /* answers: its driver and bus are known, "" is none */
	char driver[33], bus[33];   /* "virtio_net", "0000:00:03.0" */
	double rate_bits_per_s;	    /* NaN: not said */
};
/* false: there is none of that name. */
bool sense_interface_ask(const char *name, struct sense_interface *ret);
/* Whether what sysfs shows in dir ("/sys/class/net/eth0"), with that device, is this one: number and address are the
 * same, and so is the driver or the PCI function, where the kernel says which. */
bool sense_interface_is(const struct sense_root *root, const char *dir, const char *device,
			const struct sense_interface *own);

/* ---- the parts, in the order in which they build on each other */

void sense_system(const struct sense_root *root, struct fl_machine *m);
/* The value of "key : value" for the first CPU of /proc/cpuinfo. malloc'd; NULL: no such key. */
char *sense_cpuinfo(const struct sense_root *root, const char *key);
void sense_hypervisor(const struct sense_root *root, struct fl_machine *m);
int sense_nodes(const struct sense_root *root, struct fl_machine *m, struct fl_err *err);
/* The PCI function at the end of a path below /sys/devices; all unknown, address NULL, if none is in it. */
void sense_pci(const struct sense_root *root, const struct fl_machine *m, const char *device_path, struct fl_pci *ret);
bool sense_is_pci(const char *text); /* "0000:41:00.0" */
/* Names of the drivers from a path below /sys/devices up to the PCI function `address` (NULL: all the way).
 * malloc'd; NULL: none. */
char *sense_drivers(const struct sense_root *root, const char *device_path, const char *address);
bool sense_has_driver(const char *drivers, const char *name); /* drivers: as above, NULL: none */
void sense_firmware(const struct sense_root *root, struct fl_machine *m);
void sense_queue(const struct sense_root *root, const char *dir, struct fl_drive *d); /* dir: "/sys/block/vda" */
void sense_drives(const struct sense_root *root, struct fl_machine *m);
void sense_nics(const struct sense_root *root, struct fl_machine *m);
/* As PCI functions; what only their driver knows is not filled in yet. */
void sense_gpus(const struct sense_root *root, struct fl_machine *m);
void gpu_unknown(struct fl_gpu *gpu, const char *why); /* all that only its driver could say; no links */
/* The ports above the devices that the machine has by now. */
void sense_ports(const struct sense_root *root, struct fl_machine *m);
void pci_release(struct fl_pci *pci);
void sense_mounted(const struct sense_mounts *mounts, struct fl_machine *m);
void sense_limits(const struct sense_root *root, const struct sense_mounts *mounts, struct fl_machine *m);

/* ---- NVIDIA's driver: in a process of its own, which may hang or crash */

struct fl_nvml;
struct fl_nvml_device;
struct fl_nvml_pci;
void nvml_gpus(const struct fl_nvml *nvml, struct fl_machine *m); /* GPUs, their parts, versions */
void nvml_links(const struct fl_nvml *nvml, const struct fl_machine *m, struct fl_nvml_device *d, struct fl_gpu *gpu);
/* Others than us that compute on it: how many, and one of them. */
void nvml_users(const struct fl_nvml *nvml, struct fl_nvml_device *d, struct fl_gpu *gpu);
/* How many of those are to be seen from here; NaN: only such as are not, which may be ours by another number (a
 * container). Returns what NVML did. */
int nvml_users_count(const struct fl_nvml *nvml, struct fl_nvml_device *d, double *ret);
char *nvml_address(const struct fl_nvml_pci *pci); /* as sysfs writes it; malloc'd */
/* Asks `feedline-sense gpus`, or reads the answer that was recorded with a tree (nvml.json, what that prints). NULL: no
 * answer, and *why, malloc'd, says why; *why is NULL otherwise. */
struct fl_machine *sense_ask(char **why);
struct fl_machine *sense_recorded(const struct sense_root *root, char **why);
/* Joins what the driver said, NULL if nothing because `why`, with what the system shows. */
void sense_merge(const struct sense_root *root, struct fl_machine *m, struct fl_machine *said, const char *why);

/* The machine without its devices; with the GPUs that the driver lists, and no other device. */
int sense_driver(struct fl_machine **ret, struct fl_err *err);
/* All of it. *ret is released with fl_machine_free(). */
int sense_machine(const struct sense_root *root, struct fl_machine **ret, struct fl_err *err);

#endif
