/* SPDX-License-Identifier: Apache-2.0 */
/* test_wc.c: every status of a completion ends in a line with its cause, the other side and an error. */
#include "path/rdma/wc.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void words_of(void **state)
{
	static const struct {
		enum ibv_wc_status status;
		int code;
		const char *says, *hint;
	} rows[] = {
		{ IBV_WC_RETRY_EXC_ERR, -ETIMEDOUT, "nothing came back", "GID" },
		{ IBV_WC_REM_ACCESS_ERR, -EACCES, "remote access error", "registration" },
		{ IBV_WC_WR_FLUSH_ERR, -ECONNABORTED, "flushed", "" },
		{ IBV_WC_RNR_RETRY_EXC_ERR, -ENOBUFS, "no receive posted", "ended" },
		{ IBV_WC_LOC_LEN_ERR, -EMSGSIZE, "longer than the buffer", "same size" },
		{ IBV_WC_LOC_PROT_ERR, -EFAULT, "local protection error", "registered" },
		{ IBV_WC_GENERAL_ERR, -EIO, "general error", "kernel log" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct ibv_wc wc = { .status = rows[i].status, .vendor_err = 0x81 };
		struct fl_err err = { 0 };

		assert_int_equal(fl_rdma_wc_fail(&wc, "write", "rank 1 (target, 10.1.0.2)", &err), rows[i].code);
		assert_non_null(strstr(err.what, rows[i].says));
		assert_ptr_equal(strstr(err.what, "write, rank 1 (target, 10.1.0.2): "), err.what);
		assert_non_null(strstr(err.what, "0x81"));
		assert_non_null(strstr(err.hint, rows[i].hint));
		assert_int_equal(fl_rdma_wc_is_flushed(&wc), rows[i].status == IBV_WC_WR_FLUSH_ERR);
	}
}

static void each_fails(void **state)
{
	(void)state;
	for (int status = -1; status < 64; status++) {
		const struct ibv_wc wc = { .status = (enum ibv_wc_status)status };
		struct fl_err err = { 0 };

		assert_true(fl_rdma_wc_fail(&wc, "send", "rank 0", &err) < 0);
		assert_true(strlen(err.what) > 10);
		if (status > IBV_WC_SUCCESS && status <= IBV_WC_TM_RNDV_INCOMPLETE)
			assert_null(strstr(err.what, "completion status"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words_of), cmocka_unit_test(each_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
