/* SPDX-License-Identifier: Apache-2.0 */
/* test_rdma.c: by which ports lanes went that used RDMA, each once, with its hosts. */
#include "golden.h"

static void set_port(struct fl_lane_record *r, const char *port, const char *firmware)
{
	json_object_set_new(r->facts, "rdma_device", json_string(port));
	json_object_set_new(r->facts, "link_layer", json_string("InfiniBand"));
	json_object_set_new(r->facts, "rate_bits_per_s", json_string("400000000000"));
	json_object_set_new(r->facts, "active_mtu", json_string("4096"));
	json_object_set_new(r->facts, "path_mtu", json_string("2048"));
	json_object_set_new(r->facts, "gid_type", json_string("IB"));
	json_object_set_new(r->facts, "firmware", json_string(firmware));
}

static char *render(const struct fl_run *run, const char *format)
{
	const struct fl_look look = { .width = 160 };
	struct fl_judgement *j = golden_judge(run);
	struct fl_text out = { 0 };

	fl_renderer_find(format)->run(run, j, &look, &out);
	fl_judgement_free(j);
	return out.bytes;
}

static void ports(void **state)
{
	struct fl_run *run = golden_hosts_2();
	char *text = render(run, "text"), *markdown;

	(void)state;
	assert_null(strstr(text, "by RDMA"));
	free(text);
	for (size_t i = 0; i < run->lanes_n; i++) {
		const char *host = fl_json_text_or_null(run->lanes[i].placement, "host");

		set_port(&run->lanes[i], "mlx5_0 port 1", "28.39.1002");
		if (strcmp(host, "n2") == 0)
			set_port(&run->lanes[i], "mlx5_0 port 1", "28.40.1000\033");
	}
	text = render(run, "text");
	markdown = render(run, "markdown");
	assert_non_null(strstr(text, "\nby RDMA\n  mlx5_0 port 1 on n1: InfiniBand, 400 Gbit/s, MTU 2048, GID IB, "
				     "firmware 28.39.1002\n"));
	assert_non_null(strstr(text, "  mlx5_0 port 1 on n2: InfiniBand, 400 Gbit/s, MTU 2048, GID IB, firmware "
				     "28.40.1000"));
	assert_null(strstr(text, "\033"));
	assert_non_null(strstr(markdown, "by RDMA"));
	free(text);
	free(markdown);
	fl_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ports) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
