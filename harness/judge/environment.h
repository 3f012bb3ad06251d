/* SPDX-License-Identifier: Apache-2.0 */
/* environment.h: what was different around two runs: hardware, firmware, versions, settings, file systems used. To be
 * printed beside what moved; whether it is the cause is not judged. Pure, and safe with hostile input.
 *
 * Left out: what is different at every run (its command, the load), how the kernel numbers devices, drives and
 * interfaces that are not on PCI and that no lane uses, and why something is not known. What one record has no member
 * for at all was written by an older feedline and is no difference; what is null in one of them is. */
#ifndef FL_JUDGE_ENVIRONMENT_H
#define FL_JUDGE_ENVIRONMENT_H
#include <jansson.h>
#include <stddef.h>

enum { FL_DIFFERENCES_MAX = 200 };

/* One line for people. Texts are cut at some 120 bytes ("..."); numbers are in the unit that the path ends in. NULL:
 * not known, or not there. */
struct fl_difference {
	char *path; /* "drives.nvme-S1.firmware", "variables.NCCL_ALGO", "used./data/file.mount.options" */
	char *before, *after;
};

/* In the order of the machine's members, then the environment's. */
struct fl_differences {
	struct fl_difference *items;
	size_t n;
	size_t more; /* found beyond FL_DIFFERENCES_MAX, and not kept */
};

/* The JSON of fl_run.machine and fl_run.environment; anything may be NULL. That the same host was started again in
 * between is "rebooted". */
void fl_differences_find(const json_t *machine_before, const json_t *environment_before, const json_t *machine_after,
			 const json_t *environment_after, struct fl_differences *ret);
void fl_differences_release(struct fl_differences *d);

#endif
