/* SPDX-License-Identifier: Apache-2.0 */
/* test_latency.c: the latency rows of rdma between two lanes, over the stub: what they say of a wire whose latency is
 * known, what they say of themselves, and on which side what fails is named. */
#include "path/rdma/ping.h"
#include "rdma/latency.h"
#include "stubs/verbs/stub.h"
#include "unit/path/tcp_rig.h"
#include <feedline/clock.h>

/* All time is that of the stub. */
uint64_t fl_now_ns(void)
{
	return verbs_stub_now_ns();
}

void fl_sleep_until(uint64_t at_ns)
{
	verbs_stub_sleep_until(at_ns);
}

enum { WRITE, READ, SEND, ATOMIC };
enum { TRIPS = 300 };
extern const struct fl_bench fl_bench_rdma_latency[];

static const struct fl_device node = { .id = "node0", .node = -1 };
static const struct fl_device nics[] = { { .id = "nic-0", .rdma = "mlx5_0", .node = -1 },
					 { .id = "nic-1", .rdma = "mlx5_1", .node = -1 } };

struct pair {
	struct fl_rdma_latency_opts opts[2];
	struct fl_hist hists[2];
	struct rig_life lives[2];
	void (*meddle)(const char *name, void *mine); /* with what rank 1 says */
	uint64_t trips;
};

static struct pair *new_pair(uint64_t size)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->trips = TRIPS;
	for (unsigned rank = 0; rank < 2; rank++)
		p->opts[rank] = (struct fl_rdma_latency_opts){
			.memory = &node, .nic = &nics[rank], .interface = "", .gid = "auto", .mtu = "auto", .size = size
		};
	return p;
}

/* Both lanes to their end, rank 0 after so many trips; nothing is left. */
static void live(const char *stub, unsigned row, struct pair *p)
{
	struct rig_group *g = new_group();
	char why[160];

	verbs_stub_begin(stub);
	for (unsigned rank = 0; rank < 2; rank++) {
		p->lives[rank] = (struct rig_life){
			.bench = &fl_bench_rdma_latency[row],
			.opts = &p->opts[rank],
			.lane = { .group = g, .rank = rank, .size = 2, .meddle = rank ? p->meddle : NULL },
			.threads = 1,
			.ops_wanted = rank ? 0 : p->trips,
			.hist = &p->hists[rank]
		};
		rig_begin(&p->lives[rank]);
	}
	rig_end(&p->lives[0]);
	rig_end(&p->lives[1]);
	free(g);
	if (!verbs_stub_is_clean(why, sizeof(why)))
		fail_msg("%s", why);
}

static int end_of(const struct rig_life *l)
{
	return l->open_rc ? l->open_rc : l->step_rc ? l->step_rc : l->verify_rc;
}

static void there_and_back(void **state)
{
	static const struct {
		uint64_t size;
		unsigned row, transport, completion, inlined, op;
		bool relaxed;
		const char *stub, *says_transport, *says_inline;
	} rows[] = {
		{ 8, WRITE, FL_RDMA_WORD_RC, FL_RDMA_POLL, FL_RDMA_INLINE_AUTO, 0, false, "", "RC", "yes" },
		{ 188, WRITE, FL_RDMA_WORD_RC, FL_RDMA_POLL, FL_RDMA_INLINE_AUTO, 0, false, "inline=187", "RC", "no" },
		{ 189, WRITE, FL_RDMA_WORD_RC, FL_RDMA_POLL, FL_RDMA_INLINE_AUTO, 0, false, "", "RC", "no" },
		{ 100000, WRITE, FL_RDMA_WORD_UC, FL_RDMA_POLL, FL_RDMA_INLINE_NO, 0, false, "", "UC", "no" },
		{ 4096, READ, FL_RDMA_WORD_RC, FL_RDMA_EVENT, 0, 0, true, "", "RC", "" },
		{ 1, SEND, FL_RDMA_WORD_RC, FL_RDMA_POLL, FL_RDMA_INLINE_NO, 0, false, "", "RC", "no" },
		{ 220, SEND, FL_RDMA_WORD_UC, FL_RDMA_EVENT, FL_RDMA_INLINE_YES, 0, true, "", "UC", "yes" },
		{ 4096, SEND, FL_RDMA_WORD_UD, FL_RDMA_POLL, FL_RDMA_INLINE_AUTO, 0, false, "", "UD", "no" },
		{ 0, ATOMIC, FL_RDMA_WORD_RC, FL_RDMA_POLL, 0, FL_RDMA_LATENCY_ADD, false, "", "RC", "" },
		{ 0, ATOMIC, FL_RDMA_WORD_RC, FL_RDMA_POLL, 0, FL_RDMA_LATENCY_SWAP, false, "", "RC", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *p = new_pair(rows[i].size);
		const struct rig_life *asks = &p->lives[0], *answers = &p->lives[1];
		char bytes[24];

		for (unsigned rank = 0; rank < 2; rank++) {
			p->opts[rank].transport = rows[i].transport;
			p->opts[rank].completion = rows[i].completion;
			p->opts[rank].inlined = rows[i].inlined;
			p->opts[rank].op = rows[i].op;
			p->opts[rank].relaxed = rows[i].relaxed;
		}
		live(rows[i].stub, rows[i].row, p);
		if (end_of(asks) || end_of(answers))
			fail_msg("row %zu: %s; %s", i, asks->err.what, answers->err.what);
		assert_int_equal(asks->ops, TRIPS);
		assert_int_equal(fl_hist_total(&p->hists[0]), TRIPS);
		assert_int_equal(fl_hist_total(&p->hists[1]), 0); /* that side sees no trip */
		snprintf(bytes, sizeof(bytes), "%llu",
			 (unsigned long long)fl_rdma_ping_bytes(rows[i].row == ATOMIC ? 8 : rows[i].size));
		assert_string_equal(rig_fact(&asks->lane, "buffer_bytes"), bytes);
		assert_string_equal(rig_fact(&asks->lane, "transport"), rows[i].says_transport);
		assert_string_equal(rig_fact(&asks->lane, "inline"), rows[i].says_inline);
		assert_string_equal(rig_fact(&asks->lane, "atomicity"), rows[i].row == ATOMIC ? "device" : "");
		assert_string_equal(rig_fact(&asks->lane, "relaxed_ordering"), rows[i].relaxed ? "asked for" : "no");
		assert_string_equal(rig_fact(&asks->lane, "interface"), "lo");
		assert_string_equal(rig_fact(&answers->lane, "rdma_device"), "mlx5_1 port 1");
		free(p);
	}
}

/* A wire of 1 GB/s and 3 us: within 1 %, all of them. Of writes and sends one way counts, of the others all. */
static void as_long_as_known(void **state)
{
	static const struct {
		uint64_t size;
		double ns;
		unsigned row, completion;
	} rows[] = {
		{ 1, 3001, WRITE, FL_RDMA_POLL },  { 65536, 68536, WRITE, FL_RDMA_POLL },
		{ 8, 3008, SEND, FL_RDMA_POLL },   { 4096, 7096, SEND, FL_RDMA_EVENT },
		{ 1, 3001, READ, FL_RDMA_POLL },   { 65536, 68536, READ, FL_RDMA_EVENT },
		{ 0, 3008, ATOMIC, FL_RDMA_POLL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const double quantiles[] = { 0, 0.5, 0.99, 0.9999, 1 };
		struct pair *p = new_pair(rows[i].size);

		p->opts[0].completion = p->opts[1].completion = rows[i].completion;
		live(rows[i].row == WRITE || rows[i].row == SEND ? "rate=1000000000,latency=3000,threads=2"
								 : "rate=1000000000,latency=3000",
		     rows[i].row, p);
		assert_int_equal(end_of(&p->lives[0]), 0);
		for (size_t k = 0; k < sizeof(quantiles) / sizeof(quantiles[0]); k++) {
			double found = (double)fl_hist_quantile(&p->hists[0], quantiles[k]);

			if (found < 0.99 * rows[i].ns || found > 1.01 * rows[i].ns)
				fail_msg("row %zu: %g of them within %g ns, not %g", i, quantiles[k], found,
					 rows[i].ns);
		}
		free(p);
	}
}

/* ---- what fails, and where */

static void fails(void **state)
{
	static const struct {
		unsigned row, transport;
		const char *stub;
		unsigned at; /* the rank that says it */
		int code;
		const char *says;
		unsigned inlined;
	} rows[] = {
		{ SEND, FL_RDMA_WORD_RC, "", 0, -EINVAL, "make a queue pair of mlx5_0", FL_RDMA_INLINE_YES },
		{ WRITE, FL_RDMA_WORD_RC, "nics=0", 0, -ENODEV, "no RDMA device here", 0 },
		{ READ, FL_RDMA_WORD_RC, "down=1.1,down=1.2", 1, -ENETDOWN, "mlx5_1 port 1 is down", 0 },
		{ SEND, FL_RDMA_WORD_RC, "mlx5_1:ibv_reg_mr:1:fail=12", 1, -ENOMEM, "with mlx5_1", 0 },
		{ SEND, FL_RDMA_WORD_UD, "mlx5_1:ibv_post_recv:1:fail=12", 1, -ENOMEM,
		  "post a receive for rank 0 (pinger, 127.0.0.1)", 0 },
		{ SEND, FL_RDMA_WORD_UD, "mtu=0.1.1024", 0, -EMSGSIZE, "2048 bytes are more than a datagram", 0 },
		{ WRITE, FL_RDMA_WORD_RC, "write:100:status=12", 1, -ETIMEDOUT,
		  "write, rank 0 (pinger, 127.0.0.1): nothing came back", 0 },
		{ WRITE, FL_RDMA_WORD_RC, "write:99:flip", 1, -EBADMSG,
		  "write 50 of rank 0 (pinger, 127.0.0.1) brought other bytes than its own", 0 },
		{ SEND, FL_RDMA_WORD_UC, "send:100:flip", 0, -EBADMSG,
		  "send 50 to rank 1 (echo, 127.0.0.1) brought other bytes than its own", 0 },
		{ READ, FL_RDMA_WORD_RC, "read:300:flip", 0, -EBADMSG, "read 300 to rank 1 (target, 127.0.0.1)", 0 },
		{ READ, FL_RDMA_WORD_RC, "read:50:status=10", 0, -EACCES, "read, rank 1 (target, 127.0.0.1)", 0 },
		{ ATOMIC, FL_RDMA_WORD_RC, "atomic:299:flip", 0, -EBADMSG, "atomic 300 to rank 1 (target, 127.0.0.1)",
		  0 },
		{ ATOMIC, FL_RDMA_WORD_RC, "atomic:300:flip", 1, -EBADMSG,
		  "300 atomics of rank 0 (initiator, 127.0.0.1) leave", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *p = new_pair(2048);
		const struct rig_life *l = &p->lives[rows[i].at];

		p->opts[0].transport = p->opts[1].transport = rows[i].transport;
		p->opts[0].inlined = p->opts[1].inlined = rows[i].inlined;
		live(rows[i].stub, rows[i].row, p);
		if (end_of(l) != rows[i].code || !strstr(l->err.what, rows[i].says))
			fail_msg("row %zu: %d '%s'", i, end_of(l), l->err.what);
		free(p);
	}
}

/* Where nothing comes through, one of the two says so first, and of the other one, or the cause. */
static void lost(void **state)
{
	static const struct {
		unsigned row, transport;
		const char *stub;
	} rows[] = {
		{ WRITE, FL_RDMA_WORD_UC, "write:101:drop" },
		{ WRITE, FL_RDMA_WORD_RC, "cut=1" },
		{ WRITE, FL_RDMA_WORD_RC, "write:100:hang" },
		{ SEND, FL_RDMA_WORD_UC, "send:100:hang" },
		{ SEND, FL_RDMA_WORD_UD, "cut=1" },
		{ READ, FL_RDMA_WORD_RC, "read:100:hang" },
		{ ATOMIC, FL_RDMA_WORD_RC, "atomic:100:hang" },
		{ ATOMIC, FL_RDMA_WORD_RC, "cut=1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *p = new_pair(8);
		bool is_said = false;

		p->opts[0].transport = p->opts[1].transport = rows[i].transport;
		live(rows[i].stub, rows[i].row, p);
		for (unsigned rank = 0; rank < 2; rank++)
			is_said |= p->lives[rank].step_rc == -ETIMEDOUT &&
				   strstr(p->lives[rank].err.what, rank ? "rank 0 (" : "rank 1 (");
		if (!is_said)
			fail_msg("row %zu: '%s', '%s'", i, p->lives[0].err.what, p->lives[1].err.what);
		free(p);
	}
}

static void meddle_with_trips(const char *name, void *mine)
{
	static const uint64_t few = UINT64_C(0x0200000000000000); /* 2, in the order of networks */

	if (!strcmp(name, "totals"))
		memcpy(mine, &few, sizeof(few));
}

static void meddle_with_all_done(const char *name, void *mine)
{
	if (!strcmp(name, "totals"))
		memset((char *)mine + 8, 0, 8);
}

/* What the other side says in the end does not go with what this one knows. */
static void disagree(void **state)
{
	static const struct {
		unsigned row;
		void (*meddle)(const char *name, void *mine);
		int code;
		const char *says;
	} rows[] = {
		{ SEND, meddle_with_trips, -EBADMSG, "300 messages came back, and the echo sent 2" },
		{ WRITE, meddle_with_trips, -EBADMSG, "300 messages came back, and the echo sent 2" },
		{ SEND, meddle_with_all_done, -ETIMEDOUT,
		  "not all that was under way in the end was done, says rank 1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *p = new_pair(8);

		p->meddle = rows[i].meddle;
		live("", rows[i].row, p);
		assert_int_equal(p->lives[0].verify_rc, rows[i].code);
		assert_non_null(strstr(p->lives[0].err.what, rows[i].says));
		if (rows[i].code == -EBADMSG)
			assert_non_null(strstr(p->lives[0].err.hint, "its firmware is to be updated"));
		free(p);
	}
}

/* Whatever call fails, and whenever: both come to their end, with words where it matters, and nothing is left. */
static void whatever_fails(void **state)
{
	static const char *const calls[] = { "ibv_open_device",	  "ibv_query_port",  "ibv_alloc_pd",
					     "ibv_reg_mr",	  "ibv_create_cq",   "ibv_create_comp_channel",
					     "ibv_create_qp",	  "ibv_modify_qp",   "ibv_create_ah",
					     "ibv_post_recv",	  "ibv_post_send",   "ibv_poll_cq",
					     "ibv_req_notify_cq", "ibv_get_cq_event" };
	enum { TIMES = 8 };

	(void)state;
	for (unsigned i = 0; i < TIMES * sizeof(calls) / sizeof(calls[0]); i++) {
		const char *call = calls[i / TIMES];
		struct pair *p = new_pair(8);
		const struct rig_life *l = p->lives;
		char stub[64];

		p->trips = 10;
		for (unsigned rank = 0; rank < 2; rank++) {
			p->opts[rank].transport = FL_RDMA_WORD_UD;
			p->opts[rank].completion = FL_RDMA_EVENT;
		}
		snprintf(stub, sizeof(stub), "%s:%u:fail=5", call, i % TIMES + 1);
		live(stub, SEND, p);
		if (verbs_stub_fault() && strcmp(call, "ibv_get_cq_event") != 0) /* which is asked for again */
			assert_true(end_of(&l[0]) || end_of(&l[1]));
		if ((end_of(&l[0]) || end_of(&l[1])) && !*l[0].err.what && !*l[1].err.what)
			fail_msg("%s: %d, %d, and no words", stub, end_of(&l[0]), end_of(&l[1]));
		free(p);
	}
}

static void probes(void **state)
{
	struct pair *p = new_pair(8);
	struct fl_err err = { 0 };

	(void)state;
	verbs_stub_begin("");
	assert_int_equal(fl_bench_rdma_latency[WRITE].probe(&p->opts[0], NULL), 0);
	verbs_stub_begin("nics=0");
	assert_int_equal(fl_bench_rdma_latency[ATOMIC].probe(&p->opts[0], &err), -ENODEV);
	assert_non_null(strstr(err.what, "no RDMA device here"));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(as_long_as_known), cmocka_unit_test(fails),
		cmocka_unit_test(lost),		  cmocka_unit_test(disagree),	      cmocka_unit_test(whatever_fails),
		cmocka_unit_test(probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
