/* SPDX-License-Identifier: Apache-2.0 */
/* test_port.c: which device, port, address and MTU are taken, what is said of them, and what is refused how. */
#include "path/rdma/port.h"
#include "stubs/verbs/stub.h"
#include "unit/path/tcp_rig.h"
#include <fcntl.h>
#include <sys/stat.h>

static struct fl_rdma_port_spec spec_of(const char *device)
{
	return (struct fl_rdma_port_spec){ .device = device, .interface = "", .gid = "auto", .mtu = "auto" };
}

static void assert_clean(void)
{
	char why[160];

	if (!verbs_stub_is_clean(why, sizeof(why)))
		fail_msg("%s", why);
}

/* Opens, closes: the error code; what it was in *p. */
static int opened(const struct fl_rdma_port_spec *spec, struct fl_rdma_port *p, struct fl_err *err)
{
	int rc;

	*err = (struct fl_err){ 0 };
	rc = fl_rdma_port_open(spec, p, err);
	if (rc == 0)
		fl_rdma_port_close(p);
	assert_clean();
	return rc;
}

/* ---- what is taken */

static void takes(void **state)
{
	static const struct {
		const char *stub, *device, *interface, *gid;
		unsigned port;
		const char *name, *address;
		unsigned index;
	} rows[] = {
		{ "", "mlx5_0", "", "auto", 0, "mlx5_0 port 1", "10.1.1.1", 5 },
		{ "", "mlx5_1", "", "auto", 2, "mlx5_1 port 2", "10.2.2.1", 5 },
		{ "nics=1", "", "", "auto", 0, "mlx5_0 port 1", "10.1.1.1", 5 },
		{ "", "", "lo", "auto", 0, "mlx5_0 port 1", "10.1.1.1", 5 },
		{ "nov4=0", "mlx5_0", "", "auto", 0, "mlx5_0 port 1", "fd00::1:1", 3 },
		{ "down=1.1", "mlx5_1", "", "auto", 0, "mlx5_1 port 2", "10.2.2.1", 5 },
		{ "", "mlx5_0", "", "1", 0, "mlx5_0 port 1", "fe80::1:1", 1 },
		{ "", "mlx5_0", "", "4", 0, "mlx5_0 port 1", "10.1.1.1", 4 },
		{ "ib=0", "mlx5_0", "", "auto", 0, "mlx5_0 port 1", "fe80::1:1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_port_spec spec = spec_of(rows[i].device);
		char text[FL_RDMA_GID_TEXT];
		struct fl_rdma_port p;
		struct fl_err err;

		verbs_stub_begin(rows[i].stub);
		spec.interface = rows[i].interface;
		spec.gid = rows[i].gid;
		spec.port = rows[i].port;
		if (opened(&spec, &p, &err) < 0)
			fail_msg("row %zu: %s", i, err.what);
		fl_rdma_gid_text(&p.gid.gid, text);
		assert_string_equal(p.name, rows[i].name);
		assert_string_equal(text, rows[i].address);
		assert_int_equal(p.gid.gid_index, rows[i].index);
		assert_int_equal(p.is_ethernet, strncmp(rows[i].stub, "ib", 2) != 0);
	}
}

static void mtu_of(void **state)
{
	static const struct {
		const char *stub, *asked;
		unsigned got;
		bool given;
	} rows[] = { { "", "auto", 4096, false },
		     { "mtu=0.1.1024", "auto", 1024, false },
		     { "mtu=0.1.1024", "1024", 1024, true },
		     { "", "256", 256, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_port_spec spec = spec_of("mlx5_0");
		struct fl_rdma_port p;
		struct fl_err err;

		verbs_stub_begin(rows[i].stub);
		spec.mtu = rows[i].asked;
		assert_int_equal(opened(&spec, &p, &err), 0);
		assert_int_equal(fl_rdma_mtu_bytes(p.mtu), rows[i].got);
		assert_int_equal(p.mtu_given, rows[i].given);
	}
}

/* ---- what is refused */

static void refuses(void **state)
{
	static const struct {
		const char *stub, *device, *interface, *gid, *mtu;
		unsigned port;
		int code;
		const char *says, *hint;
	} rows[] = {
		{ "nics=0", "mlx5_0", "", "auto", "auto", 0, -ENODEV, "no RDMA device here", "driver" },
		{ "", "mlx5_7", "", "auto", "auto", 0, -ENODEV, "'mlx5_7'; there is: mlx5_0, mlx5_1", "" },
		{ "", "", "", "auto", "auto", 0, -EINVAL, "which RDMA device? there is: mlx5_0, mlx5_1", "" },
		{ "", "", "no-such", "auto", "auto", 0, -ENODEV, "no interface 'no-such'", "" },
		{ "nics=1,down=0.1,nov4=0", "mlx5_1", "", "auto", "auto", 0, -ENODEV, "there is: mlx5_0", "" },
		{ "", "mlx5_1", "lo", "auto", "auto", 0, -ENODEV, "no port of interface 'lo'", "" },
		{ "", "mlx5_0", "", "auto", "auto", 3, -EINVAL, "2 ports, no port 3", "" },
		{ "down=0.1", "mlx5_0", "", "auto", "auto", 1, -ENETDOWN, "mlx5_0 port 1 is down", "ip link" },
		{ "down=0.1,down=0.2", "mlx5_0", "", "auto", "auto", 0, -ENETDOWN, "as are the others", "ip link" },
		{ "ib=0,down=0.1", "mlx5_0", "", "auto", "auto", 1, -ENETDOWN, "is down", "subnet manager" },
		{ "nov4=0,nov6=0", "mlx5_0", "", "auto", "auto", 0, -EADDRNOTAVAIL, "no RoCE v2 GID", "index" },
		{ "iwarp=0", "mlx5_0", "", "auto", "auto", 0, -EOPNOTSUPP, "neither InfiniBand nor RoCE", "iWARP" },
		{ "", "mlx5_0", "", "7", "auto", 0, -EADDRNOTAVAIL, "no GID at index 7", "auto" },
		{ "", "mlx5_0", "", "300", "auto", 0, -EADDRNOTAVAIL, "none with index 300", "" },
		{ "", "mlx5_0", "", "-1", "auto", 0, -EINVAL, "'-1' is no index", "" },
		{ "", "mlx5_0", "", "3x", "auto", 0, -EINVAL, "'3x' is no index", "" },
		{ "mtu=0.1.1024", "mlx5_0", "", "auto", "4096", 0, -EMSGSIZE, "that of mlx5_0 port 1 is 1024", "4200" },
		{ "", "mlx5_0", "", "auto", "1500", 0, -EINVAL, "'1500' is no MTU", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_port_spec spec = { rows[i].device, rows[i].interface, rows[i].port, rows[i].gid,
						  rows[i].mtu };
		struct fl_rdma_port p;
		struct fl_err err;

		verbs_stub_begin(rows[i].stub);
		assert_int_equal(opened(&spec, &p, &err), rows[i].code);
		if (!strstr(err.what, rows[i].says) || !strstr(err.hint, rows[i].hint))
			fail_msg("row %zu: '%s', '%s'", i, err.what, err.hint);
	}
}

/* Whatever call fails, it is named and nothing stays open. A GID that cannot be read is one that is not there. */
static void each_call_fails(void **state)
{
	static const struct {
		const char *fault, *says;
		int code;
	} rows[] = {
		{ "ibv_get_device_list:1:fail=38", "this kernel has no RDMA", -ENODEV },
		{ "ibv_get_device_list:1:fail=79", "libibverbs.so.1 cannot be loaded", -ENODEV },
		{ "ibv_get_device_list:1:fail=13", "list RDMA devices", -EACCES },
		{ "ibv_open_device:1:fail=13", "open mlx5_0", -EACCES },
		{ "ibv_query_device:1:fail=5", "query mlx5_0", -EIO },
		{ "ibv_query_port:1:fail=22", "query mlx5_0 port 1", -EINVAL },
		{ "ibv_query_gid_ex:1+:fail=5", "no RoCE v2 GID", -EADDRNOTAVAIL },
		{ "ibv_alloc_pd:1:fail=12", "protection domain of mlx5_0", -ENOMEM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_port_spec spec = spec_of("mlx5_0");
		struct fl_rdma_port p;
		struct fl_err err;

		verbs_stub_begin(rows[i].fault);
		assert_int_equal(opened(&spec, &p, &err), rows[i].code);
		assert_non_null(strstr(err.what, rows[i].says));
		assert_non_null(verbs_stub_fault());
	}
}

/* ---- what is said */

static void rate_of(void **state)
{
	static const struct {
		uint8_t speed, width, layer;
		uint64_t bits_per_s;
	} rows[] = {
		{ 1, 2, IBV_LINK_LAYER_INFINIBAND, 8000000000 },
		{ 4, 2, IBV_LINK_LAYER_INFINIBAND, 32000000000 },
		{ 16, 2, IBV_LINK_LAYER_INFINIBAND, 54544000000 },
		{ 32, 2, IBV_LINK_LAYER_INFINIBAND, 100000000000 },
		{ 128, 2, IBV_LINK_LAYER_INFINIBAND, 400000000000 },
		{ 64, 16, IBV_LINK_LAYER_INFINIBAND, 100000000000 },
		{ 4, 1, IBV_LINK_LAYER_ETHERNET, 10000000000 },
		{ 2, 2, IBV_LINK_LAYER_ETHERNET, 20000000000 },
		{ 32, 1, IBV_LINK_LAYER_ETHERNET, 25000000000 },
		{ 1, 1, IBV_LINK_LAYER_ETHERNET, 0 },
		{ 3, 2, IBV_LINK_LAYER_INFINIBAND, 0 },
		{ 32, 3, IBV_LINK_LAYER_INFINIBAND, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct ibv_port_attr attr = { .active_speed = rows[i].speed,
						    .active_width = rows[i].width,
						    .link_layer = rows[i].layer };

		assert_int_equal(fl_rdma_port_bits_per_s(&attr), rows[i].bits_per_s);
	}
}

static void facts_of(void **state)
{
	char dir[] = "/tmp/feedline-rdma-XXXXXX", text[64], path[96];
	struct fl_rdma_port_spec spec = spec_of("mlx5_1");
	struct fl_lane lane = { 0 };
	struct fl_rdma_port p;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof(text), "sysfs=%s", dir);
	verbs_stub_begin(text);
	assert_int_equal(fl_rdma_port_open(&spec, &p, NULL), 0);
	fl_rdma_port_state(&p, &lane);
	fl_rdma_port_close(&p);
	assert_string_equal(rig_fact(&lane, "rdma_device"), "mlx5_1 port 1");
	assert_string_equal(rig_fact(&lane, "firmware"), "28.39.1002");
	assert_string_equal(rig_fact(&lane, "link_layer"), "Ethernet");
	assert_string_equal(rig_fact(&lane, "active_mtu"), "4096");
	assert_string_equal(rig_fact(&lane, "gid_type"), "RoCE v2");
	assert_string_equal(rig_fact(&lane, "gid"), "10.2.1.1 (5)");
	assert_string_equal(rig_fact(&lane, "rate_bits_per_s"), "100000000000");
	assert_string_equal(rig_fact(&lane, "nic_node"), "1");
	for (int i = 0; i < 2; i++) {
		static const char *const parts[] = { "/device/numa_node", "/device", "" };

		for (int j = 0; j < 3; j++) {
			snprintf(path, sizeof(path), "%s/mlx5_%d%s", dir, i, parts[j]);
			assert_int_equal(remove(path), 0);
		}
	}
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes),	   cmocka_unit_test(mtu_of),  cmocka_unit_test(refuses),
		cmocka_unit_test(each_call_fails), cmocka_unit_test(rate_of), cmocka_unit_test(facts_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
