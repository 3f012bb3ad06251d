/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c: the whole machine, part by part. */
#include "base/alloc.h"
#include "nvml.h"
#include "sense.h"
#include <stdlib.h>

/* All but the devices. */
static int sense_frame(const struct sense_root *root, struct fl_machine **ret, struct fl_err *err)
{
	struct fl_machine *m = fl_zalloc(1, sizeof(*m));
	struct sense_mounts mounts = sense_mountinfo(root);
	int rc;

	sense_system(root, m);
	sense_hypervisor(root, m);
	sense_firmware(root, m);
	rc = sense_nodes(root, m, err);
	if (rc == 0) {
		sense_mounted(&mounts, m);
		sense_limits(root, &mounts, m);
		*ret = m;
	} else {
		fl_machine_free(m);
	}
	sense_mounts_release(&mounts);
	return rc;
}

int sense_driver(struct fl_machine **ret, struct fl_err *err)
{
	const struct sense_root live = { .path = "" };
	struct fl_machine *m;
	struct fl_nvml nvml;
	const char *why;
	int rc = sense_frame(&live, &m, err);

	if (rc < 0)
		return rc;
	if (fl_nvml_open(&nvml, &why)) {
		nvml_gpus(&nvml, m); /* and is left open: closing may hang, and this process ends */
	} else {
		know_text(&m->gpu_driver, NULL, why);
		know_text(&m->cuda, NULL, why);
	}
	*ret = m;
	return 0;
}

int sense_machine(const struct sense_root *root, struct fl_machine **ret, struct fl_err *err)
{
	struct fl_machine *m, *said;
	char *why;
	int rc = sense_frame(root, &m, err);

	if (rc < 0)
		return rc;
	sense_drives(root, m);
	sense_nics(root, m);
	sense_gpus(root, m);
	said = *root->path ? sense_recorded(root, &why) : sense_ask(&why);
	sense_merge(root, m, said, why);
	fl_machine_free(said);
	free(why);
	sense_ports(root, m);
	*ret = m;
	return 0;
}
