/* SPDX-License-Identifier: Apache-2.0 */
/* test_link.c: queue pairs between two lanes: that something really goes over each, what they do not agree in, what
 * cannot be made, and how requests end that fail. */
#include "path/rdma/wc.h"
#include "rdma_rig.h"
#include <arpa/inet.h>

enum { BYTES = 1000 };

/* Polls until there is one; -ETIMEDOUT: none in many tries. */
static int await(struct fl_rdma_link *l, struct ibv_wc *wc)
{
	for (unsigned i = 0; i < 20000; i++) {
		int n = ibv_poll_cq(l->cq[0], 1, wc);

		if (n != 0)
			return n < 0 ? n : 0;
	}
	return -ETIMEDOUT;
}

static struct ibv_sge piece_of(const struct side *s)
{
	return (struct ibv_sge){ .addr = (uintptr_t)s->memory.at, .length = BYTES, .lkey = s->memory.mr->lkey };
}

static int post(struct side *s, unsigned pair, enum ibv_wr_opcode opcode, uint64_t remote)
{
	struct ibv_sge sge = piece_of(s);
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = opcode,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr = { .rdma = { .remote_addr = remote, .rkey = s->link.remote_rkey } } };
	struct ibv_send_wr *bad;

	if (s->link.transport == FL_RDMA_UD) {
		wr.wr.ud.ah = s->link.ah;
		wr.wr.ud.remote_qpn = s->link.remote_qpn[pair];
		wr.wr.ud.remote_qkey = s->link.remote_qkey;
	}
	return -ibv_post_send(s->link.qp[pair], &wr, &bad);
}

/* One request, its end as an error of this lane. */
static int request(struct side *s, unsigned pair, enum ibv_wr_opcode opcode, uint64_t remote, struct fl_err *err)
{
	struct ibv_wc wc;
	int rc = post(s, pair, opcode, remote);

	if (rc == 0)
		rc = await(&s->link, &wc);
	if (rc == 0 && wc.status != IBV_WC_SUCCESS)
		rc = fl_rdma_wc_fail(&wc, "request", s->link.peer, err);
	return rc;
}

/* ---- it carries */

static int writes(struct side *s, struct fl_err *err)
{
	int rc = 0;

	if (s->lane.rank == 1)
		return 0;
	memset(s->memory.at, 0x5a, BYTES);
	for (unsigned i = 0; i < s->link.pairs && rc == 0; i++)
		rc = request(s, i, IBV_WR_RDMA_WRITE, s->link.remote_at + (uint64_t)i * BYTES, err);
	return rc;
}

static int writes_and_looks(struct side *s, struct fl_err *err)
{
	int rc = writes(s, err);

	if (rc == 0)
		rc = fl_barrier(&s->lane, "written", err);
	for (unsigned i = 0; rc == 0 && s->lane.rank == 1 && i < s->link.pairs * BYTES; i++)
		if (s->memory.at[i] != 0x5a)
			rc = fl_fail(err, -EBADMSG, "byte %u is wrong", i);
	if (rc == 0)
		fl_rdma_link_state(&s->link, &s->lane);
	return rc;
}

static int sends(struct side *s, struct fl_err *err)
{
	struct ibv_sge sge = piece_of(s);
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;
	unsigned skip = s->link.transport == FL_RDMA_UD ? FL_RDMA_GRH_BYTES : 0;
	struct ibv_wc wc;
	int rc = 0;

	sge.length += skip;
	if (s->lane.rank == 1)
		rc = -ibv_post_recv(s->link.qp[0], &wr, &bad);
	else
		memset(s->memory.at, 0x5a, BYTES);
	if (rc == 0)
		rc = fl_barrier(&s->lane, "posted", err);
	if (rc == 0 && s->lane.rank == 0)
		return request(s, 0, IBV_WR_SEND, 0, err);
	if (rc == 0)
		rc = await(&s->link, &wc);
	if (rc == 0 && (wc.status != IBV_WC_SUCCESS || wc.byte_len != BYTES + skip))
		rc = fl_rdma_wc_fail(&wc, "receive", s->link.peer, err);
	for (unsigned i = skip; rc == 0 && i < BYTES + skip; i++)
		if (s->memory.at[i] != 0x5a)
			rc = fl_fail(err, -EBADMSG, "byte %u is wrong", i);
	return rc;
}

static void assert_both_well(const struct side *a, const struct side *b)
{
	if (a->rc || b->rc)
		fail_msg("rank 0: %d %s; rank 1: %d %s", a->rc, a->err.what, b->rc, b->err.what);
}

static void carries(void **state)
{
	static const struct {
		const char *stub;
		enum fl_rdma_transport transport;
		unsigned pairs;
		bool sends, events;
		const char *transport_said, *mtu_said;
	} rows[] = {
		{ "", FL_RDMA_RC, 1, false, false, "RC", "4096" },
		{ "mtu=1.1.1024", FL_RDMA_RC, 3, false, true, "RC", "1024" },
		{ "ib=0,ib=1", FL_RDMA_RC, FL_RDMA_PAIRS_MAX, false, false, "RC", "4096" },
		{ "ib=0,ib=1,grh=0,grh=1,nolid=0,nolid=1", FL_RDMA_RC, 1, false, false, "RC", "4096" },
		{ "ib=0,ib=1,grh=0", FL_RDMA_RC, 1, false, false, "RC", "4096" },
		{ "ib=0,ib=1,grh=1", FL_RDMA_UC, 1, false, false, "UC", "4096" },
		{ "ib=0,ib=1,grh=1", FL_RDMA_UD, 1, true, false, NULL, NULL },
		{ "", FL_RDMA_UC, 2, false, false, "UC", "4096" },
		{ "", FL_RDMA_RC, 1, true, false, NULL, NULL },
		{ "", FL_RDMA_UC, 1, true, false, NULL, NULL },
		{ "", FL_RDMA_UD, 1, true, false, NULL, NULL },
		{ "ib=0,ib=1", FL_RDMA_UD, 1, true, true, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig_group *g = new_group();
		struct side both[] = { side_of(g, 0), side_of(g, 1) };

		verbs_stub_begin(rows[i].stub);
		for (unsigned rank = 0; rank < 2; rank++) {
			both[rank].link_spec.transport = rows[i].transport;
			both[rank].link_spec.pairs = rows[i].pairs;
			both[rank].link_spec.events = rows[i].events;
			both[rank].act = rows[i].sends ? sends : writes_and_looks;
		}
		sides_live(&both[0], &both[1]);
		assert_both_well(&both[0], &both[1]);
		if (!rows[i].transport_said)
			continue;
		assert_string_equal(rig_fact(&both[0].lane, "transport"), rows[i].transport_said);
		assert_string_equal(rig_fact(&both[1].lane, "path_mtu"), rows[i].mtu_said);
		assert_string_equal(rig_fact(&both[0].lane, "peer"), "rank 1 (target, 127.0.0.1)");
	}
}

/* What a network does with packets goes by what was asked for, also on InfiniBand, where it takes a global route. */
static void routes(void **state)
{
	static const struct {
		const char *stub, *gid;
		unsigned traffic_class, service_level;
		const char *route;
	} rows[] = {
		{ "ib=0,ib=1,level=0", "auto", 0, 0, "local" },
		{ "ib=0,ib=1,level=3", "auto", 0, 3, "local" },
		{ "ib=0,ib=1,level=0,class=106", "auto", 106, 0, "global" },
		{ "ib=0,ib=1,class=0", "0", 0, 0, "global" },
		{ "level=5,class=104", "auto", 104, 5, "global" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig_group *g = new_group();
		struct side both[] = { side_of(g, 0), side_of(g, 1) };
		bool datagrams = i % 2;

		verbs_stub_begin(rows[i / 2].stub);
		for (unsigned rank = 0; rank < 2; rank++) {
			both[rank].link_spec.transport = datagrams ? FL_RDMA_UD : FL_RDMA_RC;
			both[rank].link_spec.traffic_class = rows[i / 2].traffic_class;
			both[rank].link_spec.service_level = rows[i / 2].service_level;
			both[rank].port_spec.gid = rows[i / 2].gid;
			both[rank].act = datagrams ? sends : writes_and_looks;
		}
		sides_live(&both[0], &both[1]);
		assert_both_well(&both[0], &both[1]);
		if (!datagrams)
			assert_string_equal(rig_fact(&both[1].lane, "route"), rows[i / 2].route);
	}
}

/* ---- they do not agree */

static void sets_pairs(struct side *s)
{
	s->link_spec.pairs = 2;
}

static void sets_transport(struct side *s)
{
	s->link_spec.transport = FL_RDMA_UC;
}

static void sets_gid_v1(struct side *s)
{
	s->port_spec.gid = "4";
}

static void sets_gid_v6(struct side *s)
{
	s->port_spec.gid = "3";
}

static void sets_mtu(struct side *s)
{
	s->port_spec.mtu = "1024";
}

static void sets_nothing(struct side *s)
{
	(void)s;
}

static void disagree(void **state)
{
	static const struct {
		const char *stub;
		void (*sets)(struct side *s); /* what rank 0 has otherwise */
		const char *mtu;	      /* of rank 1 */
		int code;
		const char *says[2], *hint;
	} rows[] = {
		{ "",
		  sets_pairs,
		  "auto",
		  -EPROTO,
		  { "2 queue pairs here, 1 at rank 1 (target", "1 queue pairs here, 2 at rank 0 (initiator" },
		  "same options" },
		{ "",
		  sets_transport,
		  "auto",
		  -EPROTO,
		  { "transport UC here, RC at rank 1 (target", "transport RC here, UC at rank 0 (initiator" },
		  "same options" },
		{ "",
		  sets_gid_v1,
		  "auto",
		  -EPROTO,
		  { "10.1.1.1 (RoCE v1) of mlx5_0 port 1, 10.2.1.1 (RoCE v2) of mlx5_1 port 1, rank 1",
		    "10.2.1.1 (RoCE v2) of mlx5_1 port 1, 10.1.1.1 (RoCE v1) of mlx5_0 port 1, rank 0" },
		  "index" },
		{ "",
		  sets_gid_v6,
		  "auto",
		  -EPROTO,
		  { "fd00::1:1 (RoCE v2)", "10.2.1.1 (RoCE v2)" },
		  "kind of address" },
		{ "ib=1",
		  sets_nothing,
		  "auto",
		  -EPROTO,
		  { "mlx5_0 port 1 is Ethernet; mlx5_1 port 1 of rank 1", "mlx5_1 port 1 is InfiniBand; mlx5_0" },
		  "" },
		{ "mtu=0.1.1024",
		  sets_nothing,
		  "4096",
		  -EMSGSIZE,
		  { "1024 at mlx5_0 port 1 and 4096 at mlx5_1 port 1, rank 1", "4096 at mlx5_1 port 1 and 1024" },
		  "ask for 1024" },
		{ "", sets_mtu, "2048", -EMSGSIZE, { "1024 at mlx5_0", "2048 at mlx5_1" }, "ask for 1024" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig_group *g = new_group();
		struct side both[] = { side_of(g, 0), side_of(g, 1) };

		verbs_stub_begin(rows[i].stub);
		rows[i].sets(&both[0]);
		both[1].port_spec.mtu = rows[i].mtu;
		sides_live(&both[0], &both[1]);
		for (unsigned rank = 0; rank < 2; rank++) {
			assert_int_equal(both[rank].rc, rows[i].code);
			if (!strstr(both[rank].err.what, rows[i].says[rank]) ||
			    !strstr(both[rank].err.hint, rows[i].hint))
				fail_msg("row %zu, rank %u: '%s', '%s'", i, rank, both[rank].err.what,
					 both[rank].err.hint);
		}
	}
}

/* ---- what the other side says cannot be */

static void lies_in_pair(const char *name, void *mine)
{
	uint32_t *words = mine;

	if (!strcmp(name, "queue pairs"))
		words[32] = UINT32_MAX;
}

static void lies_in_mtu(const char *name, void *mine)
{
	uint32_t *words = mine;

	if (!strcmp(name, "queue pairs"))
		words[3] = htonl(77);
}

static void lies_in_memory(const char *name, void *mine)
{
	if (!strcmp(name, "queue pairs"))
		memset((char *)mine + 48, 0xff, 16);
}

/* An address that nobody has. */
static void lies_in_gid(const char *name, void *mine)
{
	if (!strcmp(name, "queue pairs"))
		((char *)mine)[64 + 15] = 99;
}

static void lies(void **state)
{
	static const struct {
		void (*meddle)(const char *name, void *mine);
		int code;
		const char *says, *hint;
	} rows[] = {
		{ lies_in_pair, -EPROTO, "rank 0 (initiator, 127.0.0.1) says what no", "" },
		{ lies_in_mtu, -EPROTO, "rank 0 (initiator, 127.0.0.1) says what no", "" },
		{ lies_in_memory, -EPROTO, "rank 0 (initiator, 127.0.0.1) says what no", "" },
		{ lies_in_gid, -EHOSTUNREACH, "from mlx5_1 port 1 to 10.1.1.99 (mlx5_0 port 1) of rank 0", "GIDs" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig_group *g = new_group();
		struct side both[] = { side_of(g, 0), side_of(g, 1) };

		verbs_stub_begin("");
		both[0].lane.meddle = rows[i].meddle;
		sides_live(&both[0], &both[1]);
		assert_int_equal(both[0].rc, -ECANCELED);
		assert_int_equal(both[1].rc, rows[i].code);
		if (!strstr(both[1].err.what, rows[i].says) || !strstr(both[1].err.hint, rows[i].hint))
			fail_msg("row %zu: '%s', '%s'", i, both[1].err.what, both[1].err.hint);
	}
}

/* ---- what cannot be made */

static void sets_too_deep(struct side *s)
{
	s->link_spec.depth = 100000;
}

static void sets_too_many(struct side *s)
{
	s->link_spec.pairs = FL_RDMA_PAIRS_MAX + 1;
}

static void sets_level(struct side *s)
{
	s->link_spec.service_level = 8;
}

static void sets_high_level(struct side *s)
{
	s->link_spec.service_level = 16;
}

static void sets_inline(struct side *s)
{
	s->link_spec.inline_bytes = 4000;
}

static void sets_events(struct side *s)
{
	s->link_spec.events = true;
}

static void sets_threads(struct side *s)
{
	s->link_spec.pairs = 3;
	s->link_spec.threads = 2;
}

static void sets_ud(struct side *s)
{
	s->link_spec.transport = FL_RDMA_UD;
}

static void cannot_be_made(void **state)
{
	static const struct {
		const char *stub;
		void (*sets)(struct side *s);
		int code;
		const char *says, *hint;
	} rows[] = {
		{ "", sets_too_deep, -EINVAL, "mlx5_0 has room for 1 to 16384", "" },
		{ "", sets_too_many, -EINVAL, "it can be 1 to 64", "" },
		{ "", sets_threads, -EINVAL, "3 queue pairs are not to be shared equally among 2 threads", "" },
		{ "", sets_level, -EINVAL, "service level 8 at mlx5_0 port 1; there it can be 0 to 7", "" },
		{ "ib=0", sets_high_level, -EINVAL, "service level 16 at mlx5_0 port 1; there it can be 0 to 15", "" },
		{ "", sets_inline, -EINVAL, "make a queue pair of mlx5_0", "4000 bytes inline" },
		{ "mlx5_0:ibv_create_comp_channel:1:fail=24", sets_events, -EMFILE, "completion channel of mlx5_0",
		  "" },
		{ "mlx5_0:ibv_create_cq:1:fail=12", sets_nothing, -ENOMEM, "completion queue of mlx5_0", "ulimit" },
		{ "mlx5_0:ibv_create_qp:1:fail=12", sets_nothing, -ENOMEM, "queue pair of mlx5_0", "ulimit" },
		{ "mlx5_0:ibv_modify_qp:1:fail=22", sets_nothing, -EINVAL, "begin a queue pair at mlx5_0", "" },
		{ "mlx5_0:ibv_modify_qp:2:fail=110", sets_nothing, -EHOSTUNREACH, "to 10.2.1.1", "different networks" },
		{ "mlx5_0:ibv_modify_qp:3:fail=22", sets_nothing, -EINVAL, "from mlx5_0 port 1 to 10.2.1.1", "" },
		{ "mlx5_0:ibv_create_ah:1:fail=12", sets_ud, -ENOMEM, "from mlx5_0 port 1 to 10.2.1.1", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig_group *g = new_group();
		struct side both[] = { side_of(g, 0), side_of(g, 1) };

		verbs_stub_begin(rows[i].stub);
		rows[i].sets(&both[0]);
		if (rows[i].sets == sets_ud)
			sets_ud(&both[1]);
		sides_live(&both[0], &both[1]);
		assert_int_equal(both[0].rc, rows[i].code);
		assert_int_equal(both[1].rc, -ECANCELED);
		if (!strstr(both[0].err.what, rows[i].says) || !strstr(both[0].err.hint, rows[i].hint))
			fail_msg("row %zu: '%s', '%s'", i, both[0].err.what, both[0].err.hint);
	}
}

/* ---- requests that fail */

static int cuts(struct side *s, struct fl_err *err)
{
	uint64_t begun;
	int rc;

	if (s->lane.rank == 1)
		return 0;
	verbs_stub_also("cut=1");
	begun = verbs_stub_now_ns();
	rc = request(s, 0, IBV_WR_RDMA_WRITE, s->link.remote_at, err);
	assert_in_range(verbs_stub_now_ns() - begun, 900000000, 10000000000);
	return rc;
}

static int writes_beyond(struct side *s, struct fl_err *err)
{
	return s->lane.rank == 1 ? 0 : request(s, 0, IBV_WR_RDMA_WRITE, s->link.remote_at + s->link.remote_bytes, err);
}

static int reads(struct side *s, struct fl_err *err)
{
	return s->lane.rank == 1 ? 0 : request(s, 0, IBV_WR_RDMA_READ, s->link.remote_at, err);
}

/* What is queued behind a request that never ends comes back flushed, all of it. */
static int flushes(struct side *s, struct fl_err *err)
{
	struct ibv_wc wc;
	int rc = 0;

	if (s->lane.rank == 1)
		return 0;
	for (unsigned i = 0; i < 16 && rc == 0; i++)
		rc = post(s, 0, IBV_WR_RDMA_WRITE, s->link.remote_at);
	fl_rdma_link_flush(&s->link, 0);
	for (unsigned i = 0; i < 16 && rc == 0; i++) {
		rc = await(&s->link, &wc);
		assert_true(rc < 0 || fl_rdma_wc_is_flushed(&wc));
	}
	return rc < 0 ? rc : fl_rdma_wc_fail(&wc, "request", s->link.peer, err);
}

static void requests_fail(void **state)
{
	static const struct {
		const char *stub;
		unsigned rights; /* of rank 1 */
		int (*act)(struct side *s, struct fl_err *err);
		int code;
		const char *says;
	} rows[] = {
		{ "", 7, cuts, -ETIMEDOUT, "nothing came back" },
		{ "", 7, writes_beyond, -EACCES, "remote access error" },
		{ "", FL_RDMA_WRITABLE, reads, -EPROTO, "invalid request" },
		{ "write:1:status=11", 7, writes, -EREMOTEIO, "remote operation error" },
		{ "write:1:hang", 7, flushes, -ECONNABORTED, "flushed" },
		{ "ibv_post_send:1:fail=12", 7, writes, -ENOMEM, "" },
		{ "ibv_poll_cq:1:fail=5", 7, writes, -EIO, "" },
		{ "write:1:flip", 7, writes_and_looks, -ECANCELED, "" },
		{ "write:1:drop", 7, writes_and_looks, -ECANCELED, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig_group *g = new_group();
		struct side both[] = { side_of(g, 0), side_of(g, 1) };

		verbs_stub_begin(rows[i].stub);
		both[1].memory_spec.rights = rows[i].rights;
		both[0].act = both[1].act = rows[i].act;
		sides_live(&both[0], &both[1]);
		assert_int_equal(both[0].rc, rows[i].code);
		if (rows[i].code == -ECANCELED)
			assert_int_equal(both[1].rc, -EBADMSG);
		if (!strstr(both[0].err.what, rows[i].says))
			fail_msg("row %zu: '%s'", i, both[0].err.what);
		if (*rows[i].says)
			assert_non_null(strstr(both[0].err.what, "rank 1 (target, 127.0.0.1)"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries), cmocka_unit_test(routes),	     cmocka_unit_test(disagree),
		cmocka_unit_test(lies),	   cmocka_unit_test(cannot_be_made), cmocka_unit_test(requests_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
