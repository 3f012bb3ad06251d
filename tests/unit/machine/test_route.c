/* SPDX-License-Identifier: Apache-2.0 */
/* test_route.c: ways of devices up to the root complex: where they meet, and what is not known of them. */
#include "../sample_gpus.h"
#include "machine/pcie.h"
#include "machine/route.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_up(void **state)
{
	struct sample_gpus g;
	struct fl_route up;

	(void)state;
	sample_gpus_init(&g);
	up = fl_route_up(&g.s.m, &g.gpus[3].pci);
	assert_int_equal(up.n, 3);
	assert_ptr_equal(up.ports[0], &g.ports[7].pci);
	assert_ptr_equal(up.ports[1], &g.ports[5].pci);
	assert_ptr_equal(up.ports[2], &g.ports[4].pci);
	assert_null(up.lost);
	assert_false(fl_route_is_uplink(0));
	assert_true(fl_route_is_uplink(1));
	up = fl_route_up(&g.s.m, &g.s.drives[1].pci); /* at the root */
	assert_int_equal(up.n, 0);
	assert_null(up.lost);
}

static void test_lost(void **state)
{
	struct sample_gpus g;
	struct fl_route up;

	(void)state;
	sample_gpus_init(&g);
	g.ports[1].pci.upstream = "0000:99:00.0";
	up = fl_route_up(&g.s.m, &g.gpus[0].pci);
	assert_int_equal(up.n, 2);
	assert_string_equal(up.lost, "0000:99:00.0");
	g.ports[1].pci.upstream = g.ports[2].pci.address; /* a ring */
	up = fl_route_up(&g.s.m, &g.gpus[0].pci);
	assert_int_equal(up.n, FL_ROUTE_MAX);
	assert_non_null(up.lost);
}

static void test_share(void **state)
{
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	for (unsigned i = 0; i < SAMPLE_GPUS; i++)
		for (unsigned k = 0; k < SAMPLE_GPUS; k++)
			assert_int_equal(fl_route_share_switch(&g.s.m, &g.gpus[i].pci, &g.gpus[k].pci),
					 i / 2 == k / 2 && i != k);
	assert_false(fl_route_share_switch(&g.s.m, &g.gpus[0].pci, &g.s.drives[0].pci)); /* no PCI device */
	/* a switch of switches: switch 1 hangs on a port of switch 0 */
	g.ports[5].pci.upstream = g.ports[3].pci.address;
	assert_true(fl_route_share_switch(&g.s.m, &g.gpus[0].pci, &g.gpus[2].pci));
	/* two functions behind one root port */
	g.gpus[0].pci.upstream = g.gpus[1].pci.upstream = g.ports[0].pci.address;
	assert_false(fl_route_share_switch(&g.s.m, &g.gpus[0].pci, &g.gpus[1].pci));
}

/* Who has its link in common with others, and whose figures are that link's. */
static void test_shared_link(void **state)
{
	struct sample_gpus g;
	struct fl_nic nic = { .id = "nic" };

	(void)state;
	sample_gpus_init(&g);
	nic.pci = sample_pci("0000:10:00.1", g.gpus[0].pci.upstream, 0);
	assert_null(fl_route_shared_link(&g.s.m, &g.gpus[0].pci));
	g.s.m.nics = &nic;
	g.s.m.nics_n = 1;
	assert_ptr_equal(fl_route_shared_link(&g.s.m, &g.gpus[0].pci), &g.gpus[0].pci);
	assert_ptr_equal(fl_route_shared_link(&g.s.m, &nic.pci), &g.gpus[0].pci);
	assert_null(fl_route_shared_link(&g.s.m, &g.gpus[1].pci));
	g.gpus[0].pci.link.gts_now = (struct fl_known)SAMPLE_UNKNOWN("not told");
	assert_ptr_equal(fl_route_shared_link(&g.s.m, &g.gpus[0].pci), &nic.pci);
	nic.pci.link.lanes_now = (struct fl_known)SAMPLE_UNKNOWN("not told");
	assert_null(fl_route_shared_link(&g.s.m, &g.gpus[0].pci)); /* of which nothing is known anyhow */
	sample_gpus_init(&g);
	g.gpus[1].parent = g.gpus[0].id; /* a part is no function */
	g.gpus[1].pci = g.gpus[0].pci;
	assert_null(fl_route_shared_link(&g.s.m, &g.gpus[1].pci));
	assert_null(fl_route_shared_link(&g.s.m, &g.s.drives[1].pci)); /* at the root */
}

/* What both ends can do at best; that it is less now is said. */
static void test_awake(void **state)
{
	static const struct {
		double now, best, port, want; /* port 0: not known */
		bool rests;
	} rows[] = {
		{ 32, 32, 32, 32, false },  { 2.5, 32, 32, 32, true },	 { 2.5, 32, 16, 16, true },
		{ 16, 32, 16, 16, false },  { 2.5, 32, 0, 32, true },	 { NAN, 32, 32, 32, true },
		{ 16, NAN, 16, 16, false }, { 16, NAN, NAN, 16, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_pcie_link device = sample_x16(), port = sample_x16(), link;
		bool rests;

		device.gts_now.value = rows[i].now;
		device.gts_best.value = rows[i].best;
		port.gts_best.value = rows[i].port;
		link = fl_pcie_awake(&device, rows[i].port == 0 ? NULL : &port, &rests);
		if (link.gts_now.value != rows[i].want || rests != rows[i].rests || link.lanes_now.value != 16)
			fail_msg("row %zu: %g GT/s", i, link.gts_now.value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up),	    cmocka_unit_test(test_lost),  cmocka_unit_test(test_share),
		cmocka_unit_test(test_shared_link), cmocka_unit_test(test_awake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
