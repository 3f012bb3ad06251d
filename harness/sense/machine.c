/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c: the whole machine, part by part. */
#include "base/alloc.h"
#include "sense.h"

int sense_machine(const struct sense_root *root, struct fl_machine **ret, struct fl_err *err)
{
	struct fl_machine *m = fl_zalloc(1, sizeof(*m));
	struct sense_mounts mounts = sense_mountinfo(root);
	int rc;

	sense_system(root, m);
	sense_hypervisor(root, m);
	sense_firmware(root, m);
	rc = sense_nodes(root, m, err);
	if (rc == 0) {
		sense_drives(root, m);
		sense_nics(root, m);
		sense_gpus(root, m);
		sense_mounted(&mounts, m);
		sense_limits(root, &mounts, m);
		*ret = m;
	} else {
		fl_machine_free(m);
	}
	sense_mounts_release(&mounts);
	return rc;
}
