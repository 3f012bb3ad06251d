/* SPDX-License-Identifier: Apache-2.0 */
/* test_questions.c: what is asked of a machine: devices by any of their names, and the drive beneath a path. */
#include "machine/machine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fl_machine *load(const char *path)
{
	struct fl_machine *m = NULL;
	struct fl_err err = { 0 };

	if (fl_machine_load(path, &m, &err) < 0)
		fail_msg("%s", err.what);
	return m;
}

static int setup(void **state)
{
	*state = load(TESTS_DIR "/fixtures/machines/eight-gpus.json");
	return 0;
}

static int teardown(void **state)
{
	fl_machine_free(*state);
	return 0;
}

static void counts(void **state)
{
	assert_int_equal(fl_machine_count(*state, "node"), 2);
	assert_int_equal(fl_machine_count(*state, "drive"), 8);
	assert_int_equal(fl_machine_count(*state, "nic"), 8);
	assert_int_equal(fl_machine_count(*state, "rdma"), 8);
	assert_int_equal(fl_machine_count(*state, "gpu"), 8);
	assert_int_equal(fl_machine_count(*state, "toaster"), 0);
	assert_int_equal(fl_machine_count(*state, "node|gpu"), 10);
	assert_string_equal(fl_machine_device(*state, "node|gpu", 1).id, "node1");
	assert_string_equal(fl_machine_device(*state, "node|gpu", 2).id, "gpu-0000:1b:00.0");
	assert_null(fl_machine_device(*state, "node|gpu", 10).id);
}

static void names(void **state)
{
	static const struct {
		const char *kind, *text;
		int index;
	} rows[] = {
		{ "node", "node1", 1 },
		{ "node", "1", 1 },
		{ "node", "2", -1 },
		{ "node", "-1", -1 },
		{ "node", "", -1 },
		{ "drive", "nvme-FL00A7X03", 2 },
		{ "drive", "nvme2n1", 2 },
		{ "drive", "/dev/nvme2n1", 2 },
		{ "drive", "0000:50:00.0", 2 },
		{ "drive", "50:00.0", 2 },
		{ "drive", "nvme2n", -1 },
		{ "drive", "2", -1 },
		{ "nic", "ib7", 7 },
		{ "nic", "mlx5_7", 7 },
		{ "nic", "nic-0000:dc:00.0", 7 },
		{ "nic", "DC:00.0", 7 },
		{ "rdma", "ib7", 7 },
		{ "rdma", "mlx5_7", 7 },
		{ "rdma", "nic-0000:dc:00.0", 7 },
		{ "rdma", "mlx5_8", -1 },
		{ "gpu", "gpu-0000:1b:00.0", 0 },
		{ "gpu", "0000:1b:00.0", 0 },
		{ "gpu", "0000:18:00.0", -1 }, /* a NIC */
		{ "gpu", "0", 0 },
		{ "gpu", "7", 7 },
		{ "gpu", "8", -1 },
		{ "gpu", "-1", -1 },
		{ "gpu", "1b:00.0", 0 },
		{ "gpu", "GPU-d1c48e2f", -1 }, /* the beginning of a UUID is none */
		{ "toaster", "0", -1 },
		{ "node|gpu", "node1", 1 },
		{ "node|gpu", "1", 1 },
		{ "node|gpu", "7", -1 }, /* a number is that of a node */
		{ "node|gpu", "1b:00.0", 2 },
		{ "node|gpu", "ib7", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fl_machine_find(*state, rows[i].kind, rows[i].text) != rows[i].index)
			fail_msg("%s '%s' is not %d", rows[i].kind, rows[i].text, rows[i].index);
}

static void views(void **state)
{
	struct fl_device_view drive = fl_machine_device(*state, "drive", 5);
	struct fl_device_view node = fl_machine_device(*state, "node", 1);
	struct fl_device_view none = fl_machine_device(*state, "gpu", 8);

	assert_string_equal(drive.id, "nvme-FL00A7X06");
	assert_string_equal(drive.pci, "0000:c1:00.0");
	assert_string_equal(drive.path, "/dev/nvme5n1");
	assert_int_equal(drive.node, 1);
	assert_string_equal(node.id, "node1");
	assert_null(node.pci);
	assert_int_equal(node.node, 1);
	assert_null(none.id);
	assert_int_equal(none.node, -1);
}

/* Of a divided GPU only the parts can be used; its address means neither. */
static void divided_gpus(void **state)
{
	static const struct {
		const char *text, *id;
	} rows[] = {
		{ "0", "mig-7c2e91d4-0b1a-5c6e-9f2d-3a4b5c6d7e80" },
		{ "MIG-7c2e91d4-0b1a-5c6e-9f2d-3a4b5c6d7e81", "mig-7c2e91d4-0b1a-5c6e-9f2d-3a4b5c6d7e81" },
		{ "2", "gpu-0000:43:00.0" },
		{ "43:00.0", "gpu-0000:43:00.0" },
		{ "3", NULL },
		{ "gpu-0000:1b:00.0", NULL },
		{ "0000:1b:00.0", NULL },
		{ "1b:00.0", NULL },
	};
	struct fl_machine *m = load(TESTS_DIR "/fixtures/machines/divided-gpu.json");
	struct fl_device_view part = fl_machine_device(m, "gpu", 1), none = fl_machine_device(m, "gpu", 3);

	(void)state;
	assert_int_equal(fl_machine_count(m, "gpu"), 3);
	assert_string_equal(part.uuid, "MIG-7c2e91d4-0b1a-5c6e-9f2d-3a4b5c6d7e81");
	assert_string_equal(part.pci, "0000:1b:00.0");
	assert_int_equal(part.node, 0);
	assert_null(none.id);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int found = fl_machine_find(m, "gpu", rows[i].text);
		const char *id = found < 0 ? "none" : fl_machine_device(m, "gpu", (size_t)found).id;

		if (strcmp(id, rows[i].id ? rows[i].id : "none") != 0)
			fail_msg("'%s' is %s", rows[i].text, id);
	}
	assert_string_equal(fl_machine_device(m, "gpu", (size_t)fl_machine_find(m, "gpu", m->gpus[3].uuid.value)).id,
			    m->gpus[3].id);
	fl_machine_free(m);
}

/* A node without memory is no place for buffers: it is not offered, and the others keep their numbers. */
static void empty_nodes_are_passed_over(void **state)
{
	struct fl_machine *m = *state;
	enum fl_node_class before = m->nodes[0].kind;

	m->nodes[0].kind = FL_NODE_EMPTY;
	assert_int_equal(fl_machine_count(m, "node"), 1);
	assert_string_equal(fl_machine_device(m, "node", 0).id, "node1");
	assert_int_equal(fl_machine_find(m, "node", "1"), 0);
	assert_int_equal(fl_machine_find(m, "node", "0"), -1);
	assert_non_null(fl_machine_node(m, 0));
	m->nodes[0].kind = before;
}

static void unknown_node_is_minus_one(void **state)
{
	struct fl_machine *m = load(TESTS_DIR "/fixtures/machines/two-node-vm.json");

	(void)state;
	assert_int_equal(fl_machine_device(m, "nic", 0).node, -1);
	fl_machine_free(m);
}

/* Of NICs those with an RDMA device; of a device with several ports the first is called as the device. */
static void only_nics_with_rdma(void **state)
{
	struct fl_machine *m = *state;
	char *name = m->nics[0].rdma.value, *third = m->nics[2].rdma.value;
	struct fl_device_view d;

	m->nics[0].rdma.value = NULL;
	m->nics[2].rdma.value = m->nics[1].rdma.value;
	m->nics[2].rdma_port.value = 2;
	assert_int_equal(fl_machine_count(m, "rdma"), 7);
	assert_int_equal(fl_machine_count(m, "nic"), 8);
	assert_int_equal(fl_machine_find(m, "rdma", "ib0"), -1);
	assert_int_equal(fl_machine_find(m, "rdma", "ib1"), 0);
	assert_int_equal(fl_machine_find(m, "rdma", "mlx5_1"), 0);
	d = fl_machine_device(m, "rdma", 1);
	assert_string_equal(d.id, m->nics[2].id);
	assert_string_equal(d.rdma, "mlx5_1");
	assert_int_equal(d.rdma_port, 2);
	assert_int_equal(fl_machine_device(m, "nic", 0).rdma_port, 1);
	assert_null(fl_machine_device(m, "nic", 0).rdma);
	m->nics[0].rdma.value = name;
	m->nics[2].rdma.value = third;
	m->nics[2].rdma_port.value = 1;
}

static void drives_beneath_paths(void **state)
{
	static const struct {
		const char *path, *block, *words; /* block NULL: none, because ... words */
	} rows[] = {
		{ "/", "nvme0n1", NULL },		/* by its partition */
		{ "/home/u/file", "nvme0n1", NULL },	/* below "/" */
		{ "/data", "nvme1n1", NULL },		/* the mount point itself */
		{ "/data/file", "nvme1n1", NULL },	/* the whole drive */
		{ "/data/cold/file", "nvme5n1", NULL }, /* mounted inside another mount */
		{ "/data/cold", "nvme5n1", NULL },	/* and the directory it is mounted at */
		{ "/data/set", "nvme1n1", NULL },	/* a directory of files */
		{ "/data/colder", "nvme1n1", NULL },	/* only looks like it */
		{ "/database", "nvme0n1", NULL },
		{ "/dev/nvme3n1", "nvme3n1", NULL }, /* block devices */
		{ "/dev/nvme3n1p12", "nvme3n1", NULL },
		{ "/dev/nvme3n12", NULL, "memory" }, /* another drive, which this machine does not have */
		{ "/dev/nvme3n1p", NULL, "memory" },
		{ "/dev/shm/file", NULL, "tmpfs is memory" },
		{ "/proc/self/maps", NULL, "kernel" },
		{ "/sys/kernel/x", NULL, "kernel" },
		{ "/scratch/file", NULL, "another machine" },
		{ "/var/lib/containers/storage/overlay/a/merged/x", NULL, "overlay hides the drive" },
		{ "relative", NULL, "no mounted file system" },
		{ "", NULL, "no mounted file system" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = "left over";
		const struct fl_drive *drive = fl_machine_drive_of(*state, rows[i].path, NULL, &why);

		if (rows[i].block && (!drive || strcmp(drive->block, rows[i].block) != 0 || why))
			fail_msg("'%s' is not on %s", rows[i].path, rows[i].block);
		if (!rows[i].block && (drive || !why || !strstr(why, rows[i].words)))
			fail_msg("'%s': %s", rows[i].path, drive ? drive->block : why);
	}
}

static void the_mount_comes_along(void **state)
{
	const struct fl_mount *mount = NULL;
	const char *why;

	fl_machine_drive_of(*state, "/data/cold/file", &mount, &why);
	assert_string_equal(mount->type, "xfs");
	fl_machine_drive_of(*state, "/dev/shm/file", &mount, &why);
	assert_string_equal(mount->type, "tmpfs");
	fl_machine_drive_of(*state, "/dev/nvme1n1", &mount, &why);
	assert_null(mount);
}

/* Mounted twice at one place: the later hides the earlier. */
static void later_mounts_hide(void **state)
{
	static char at[] = "/data", type[] = "tmpfs", dev[] = "0:99", source[] = "none";
	struct fl_machine *m = *state, hidden = *m;
	const char *why;

	hidden.mounts = calloc(m->mounts_n + 1, sizeof(*hidden.mounts));
	memcpy(hidden.mounts, m->mounts, m->mounts_n * sizeof(*m->mounts));
	hidden.mounts[hidden.mounts_n++] = (struct fl_mount){ .at = at, .type = type, .dev = dev, .source = source };
	assert_null(fl_machine_drive_of(&hidden, "/data/file", NULL, &why));
	assert_string_equal(why, "tmpfs is memory");
	free(hidden.mounts);
}

/* Drives whose names end in a letter number their partitions without "p". */
static void partitions_of_lettered_drives(void **state)
{
	struct fl_machine *m = load(TESTS_DIR "/fixtures/machines/small-vm.json");
	const char *why;

	(void)state;
	assert_string_equal(fl_machine_drive_of(m, "/dev/vda1", NULL, &why)->block, "vda");
	assert_null(fl_machine_drive_of(m, "/dev/vdaa", NULL, &why));
	assert_null(fl_machine_drive_of(m, "/dev/vda1x", NULL, &why));
	assert_string_equal(fl_machine_drive_of(m, "/dev/loop0p1", NULL, &why)->block, "loop0");
	assert_null(fl_machine_drive_of(m, "/dev/loop01", NULL, &why));
	fl_machine_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(names),
		cmocka_unit_test(views),
		cmocka_unit_test(divided_gpus),
		cmocka_unit_test(empty_nodes_are_passed_over),
		cmocka_unit_test(unknown_node_is_minus_one),
		cmocka_unit_test(only_nics_with_rdma),
		cmocka_unit_test(drives_beneath_paths),
		cmocka_unit_test(the_mount_comes_along),
		cmocka_unit_test(later_mounts_hide),
		cmocka_unit_test(partitions_of_lettered_drives),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
