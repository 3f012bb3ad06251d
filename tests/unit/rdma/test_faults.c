/* SPDX-License-Identifier: Apache-2.0 */
/* test_faults.c: whatever goes wrong, of either side, in whatever operation: the lane at fault says so in one line that
 * names the other one where it has a part in it, with the errno that belongs to it; the other lane ends, too; and
 * nothing is left of either. By the lanes of a real run. */
#include "lane_rig.h"
#include <infiniband/verbs.h>
#include <sys/resource.h>

extern const struct fl_bench fl_bench_rdma_stream[], fl_bench_rdma_latency[];
const struct fl_bench *const fl_registry[] = { fl_bench_rdma_stream, fl_bench_rdma_latency, NULL };

enum { TEXT = 300, FIRST = 1, SECOND = 2, EITHER = FIRST | SECOND };

/* Which of the sides asks something of the other, and what it is called by the stub and in words. */
static const struct op {
	const char *bench, *options;
	unsigned sides;
	const char *work, *word;
} ops[] = {
	{ "rdma.write", "size=64KiB depth=4", FIRST, "write", "write" },
	{ "rdma.write", "size=64KiB depth=4 direction=both", EITHER, "write", "write" },
	{ "rdma.read", "size=64KiB depth=4", FIRST, "read", "read" },
	{ "rdma.read", "size=64KiB depth=4 direction=both completion=event", EITHER, "read", "read" },
	{ "rdma.send", "size=64KiB depth=4 completion=event", FIRST, "send", "send" },
	{ "rdma.send", "size=64KiB depth=4 direction=both", EITHER, "send", "send" },
	{ "rdma.atomic", "depth=4", FIRST, "atomic", "fetch-and-add" },
	{ "rdma.write_latency", "size=8", EITHER, "write", "write" },
	{ "rdma.read_latency", "size=8 completion=event", FIRST, "read", "read" },
	{ "rdma.send_latency", "size=8", EITHER, "send", "send" },
	{ "rdma.atomic_latency", "", FIRST, "atomic", "atomic" },
};
enum { OPS = sizeof(ops) / sizeof(ops[0]) };

/* Who says it: the side at fault, one of the two, or both. */
enum who { ITSELF, ONE, BOTH };

/* In texts: # the number of the side at fault, which is that of its NIC, @ the other side in words, $ the request as
 * the stub calls it, % in words. */
struct fault {
	const char *options, *stub, *midway, *last; /* the latter as in struct rig */
	int code;
	const char *says, *hint; /* how both begin */
	enum who who;
};

static void name_peer(const struct op *op, unsigned side, char ret[TEXT])
{
	const char *roles = fl_bench_find(op->bench)->roles, *bar = strchr(roles, '|');
	const char *role = side ? roles : bar + 1;

	snprintf(ret, TEXT, "rank %u (%.*s, 10.1.0.%u)", 1 - side, (int)(side ? (size_t)(bar - roles) : strlen(role)),
		 role, 2 - side);
}

static void expand(const char *text, const struct op *op, unsigned side, char ret[TEXT])
{
	const char digit[] = { (char)('0' + side), 0 };
	char peer[TEXT];

	*ret = 0;
	name_peer(op, side, peer);
	for (; text && *text; text++) {
		size_t n = strlen(ret);
		const char one[] = { *text, 0 };
		const char *add = *text == '#' ? digit : *text == '@' ? peer : *text == '$' ? op->work : one;

		snprintf(ret + n, TEXT - n, "%s", *text == '%' ? op->word : add);
	}
}

static int code_of(const struct rig *r, unsigned rank)
{
	return (int)json_integer_value(json_object_get(r->lanes[rank].end, "code"));
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool says(const struct rig *r, const struct op *op, const struct fault *f, unsigned side)
{
	char what[TEXT], hint[TEXT];

	expand(f->says, op, side, what);
	expand(f->hint, op, side, hint);
	return code_of(r, side) == f->code && begins(rig_said(r, side, "what"), what) &&
	       begins(rig_said(r, side, "hint"), hint);
}

/* Called off, or suffering from the same: then it names who is at fault. */
static bool is_innocent(const struct rig *r, const struct op *op, unsigned side)
{
	char peer[TEXT];

	name_peer(op, side, peer);
	return code_of(r, side) == -ECANCELED || (code_of(r, side) < 0 && strstr(rig_said(r, side, "what"), peer));
}

static bool is_right(const struct rig *r, const struct op *op, const struct fault *f, unsigned side)
{
	if (f->who == BOTH)
		return says(r, op, f, 0) && says(r, op, f, 1);
	if (f->who == ONE && says(r, op, f, 1 - side))
		side = 1 - side;
	return says(r, op, f, side) && is_innocent(r, op, 1 - side);
}

static void suffer(const struct rig_worker *w, const struct op *op, const struct fault *f, unsigned side)
{
	char options[TEXT], stub[TEXT], last[TEXT], all[2 * TEXT];
	struct rig r = { .bench = op->bench, .options = options, .midway = f->midway, .last = f->last ? last : NULL };

	snprintf(options, sizeof(options), "%s %s", op->options, f->options ? f->options : "");
	expand(f->stub, op, side, stub);
	expand(f->last, op, side, last);
	snprintf(all, sizeof(all), "rate=1000000000,latency=3000,threads=3,%s", stub);
	r.measure_ns = f->last ? 0 : 400000000000;
	verbs_stub_begin(all);
	rig_run(&r, w);
	if (!is_right(&r, op, f, side))
		fail_msg("%s %s, %s, side %u: %d '%s' '%s'; %d '%s' '%s'", op->bench, options, stub, side,
			 code_of(&r, 0), rig_said(&r, 0, "what"), rig_said(&r, 0, "hint"), code_of(&r, 1),
			 rig_said(&r, 1, "what"), rig_said(&r, 1, "hint"));
	rig_free(&r);
}

/* ---- before anything is asked */

static void opening(void **state)
{
	static const struct fault faults[] = {
		{ .options = "nic=mlx5_7",
		  .code = -ENODEV,
		  .says = "there is no RDMA device 'mlx5_7'; there is: mlx5_0, mlx5_1",
		  .who = BOTH },
		{ .stub = "nics=0",
		  .code = -ENODEV,
		  .says = "there is no RDMA device here",
		  .hint = "'ls /sys/class/infiniband' lists",
		  .who = BOTH },
		{ .options = "nic=mlx5_0:3", .code = -EINVAL, .says = "mlx5_0 has 2 ports, no port 3", .who = BOTH },
		{ .stub = "down=#.1,down=#.2",
		  .code = -ENETDOWN,
		  .says = "mlx5_# port 1 is down, as are the others",
		  .hint = "'ip link' shows its interface" },
		{ .options = "nic=:1",
		  .stub = "ib=0,ib=1,down=#.1",
		  .code = -ENETDOWN,
		  .says = "mlx5_# port 1 is down",
		  .hint = "is the cable in, and does a subnet manager run?" },
		{ .options = "gid=5",
		  .stub = "nov4=#",
		  .code = -EADDRNOTAVAIL,
		  .says = "mlx5_# port 1 has no GID at index 5",
		  .hint = "'ls /sys/class/infiniband/mlx5_#/ports/1/gid_attrs/types' shows the indices" },
		{ .stub = "nov4=#",
		  .code = -EPROTO,
		  .says = "GIDs that do not reach each other: fd00::",
		  .hint = "one is the wrong one" },
		{ .stub = "nov4=#,nov6=#",
		  .code = -EADDRNOTAVAIL,
		  .says = "mlx5_# port 1 has no RoCE v2 GID of an IPv4 or a global IPv6 address",
		  .hint = "give its interface an address" },
		{ .options = "mtu=4096",
		  .stub = "mtu=#.1.1024",
		  .code = -EMSGSIZE,
		  .says = "an MTU of 4096 was asked for; that of mlx5_# port 1 is 1024",
		  .hint = "the MTU of its interface" },
		{ .stub = "ib=#", .code = -EPROTO, .says = "mlx5_# port 1 is InfiniBand; mlx5_" },
		{ .stub = "iwarp=#",
		  .code = -EOPNOTSUPP,
		  .says = "mlx5_# is neither InfiniBand nor RoCE",
		  .hint = "iWARP" },
		{ .stub = "mlx5_#:ibv_open_device:1+:fail=13",
		  .code = -EACCES,
		  .says = "open mlx5_#: Permission denied",
		  .hint = "may this user open /dev/infiniband/uverbs#?" },
		{ .stub = "mlx5_#:ibv_reg_mr:1:fail=12",
		  .code = -ENOMEM,
		  .says = "register ",
		  .hint = "'ulimit -l' is 64 KiB, and all that is registered is locked" },
		{ .stub = "mlx5_#:ibv_reg_mr:1:fail=14", .code = -EFAULT, .says = "register " },
		{ .stub = "mlx5_#:ibv_create_cq:1:fail=12",
		  .code = -ENOMEM,
		  .says = "make a completion queue of mlx5_#: Cannot allocate memory",
		  .hint = "queues are locked memory" },
		{ .stub = "mlx5_#:ibv_create_qp:1:fail=12",
		  .code = -ENOMEM,
		  .says = "make a queue pair of mlx5_#: Cannot allocate memory",
		  .hint = "queues are locked memory" },
		{ .stub = "mlx5_#:ibv_modify_qp:2:fail=110",
		  .code = -EHOSTUNREACH,
		  .says = "from mlx5_# port 1 to 10.",
		  .hint = "that address does not answer" },
	};
	const struct rlimit small = { .rlim_cur = 64 << 10, .rlim_max = RLIM_INFINITY };
	struct rlimit before, now;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	now = (struct rlimit){ .rlim_cur = small.rlim_cur < before.rlim_max ? small.rlim_cur : before.rlim_max,
			       .rlim_max = before.rlim_max };
	setrlimit(RLIMIT_MEMLOCK, &now);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (unsigned k = 0; k < OPS; k++)
			for (unsigned side = 0; side < 2; side++)
				suffer(*state, &ops[k], &faults[i], side);
	setrlimit(RLIMIT_MEMLOCK, &before);
}

static void infiniband(void **state)
{
	static const struct fault faults[] = {
		{ .stub = "ib=0,ib=1,nolid=#",
		  .code = -EADDRNOTAVAIL,
		  .says = "mlx5_# port 1 has no LID",
		  .hint = "a subnet manager gives it one" },
		{ .stub = "ib=0,ib=1,apart=#",
		  .code = -EHOSTUNREACH,
		  .says = "mlx5_# port 1 and mlx5_",
		  .hint = "what goes between them by a router" },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (unsigned k = 0; k < OPS; k++)
			for (unsigned side = 0; side < 2; side++)
				suffer(*state, &ops[k], &faults[i], side);
}

/* ---- requests: of each operation */

static void requests(void **state)
{
	static const struct fault faults[] = {
		{ .stub = "mlx5_#:$:50:status=10",
		  .code = -EACCES,
		  .says = "%, @: its memory may not be accessed so",
		  .hint = "the other side's registration lacks the right" },
		{ .stub = "mlx5_#:$:50:hang",
		  .code = -ETIMEDOUT,
		  .hint = "is that host, or the network between, still there?",
		  .who = ONE },
		{ .midway = "cut=1",
		  .code = -ETIMEDOUT,
		  .says = "%, @: nothing came back, again and again",
		  .hint = "is its link up",
		  .who = ONE },
		{ .stub = "mlx5_#:ibv_post_send:50:fail=12",
		  .code = -ENOMEM,
		  .says = "post a % to @: Cannot allocate memory" },
		{ .stub = "mlx5_#:ibv_poll_cq:50:fail=5",
		  .code = -EIO,
		  .says = "the completion queue of the link to @ cannot be read" },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (unsigned k = 0; k < OPS; k++)
			for (unsigned side = 0; side < 2; side++)
				if (ops[k].sides >> side & 1)
					suffer(*state, &ops[k], &faults[i], side);
}

/* ---- what a completion can say that is none, and what is said then */

static void statuses(void **state)
{
	static const struct {
		enum ibv_wc_status status;
		int code;
		const char *says;
	} rows[] = {
		{ IBV_WC_LOC_LEN_ERR, -EMSGSIZE, "a message is longer than the buffer" },
		{ IBV_WC_LOC_QP_OP_ERR, -EIO, "the own queue pair could not do it" },
		{ IBV_WC_LOC_EEC_OP_ERR, -EIO, "local EE context operation error" },
		{ IBV_WC_LOC_PROT_ERR, -EFAULT, "the own buffer is not registered for it" },
		{ IBV_WC_WR_FLUSH_ERR, -ECONNABORTED, "not done, because an earlier request failed (flushed)" },
		{ IBV_WC_MW_BIND_ERR, -EIO, "memory window bind error" },
		{ IBV_WC_BAD_RESP_ERR, -EPROTO, "an answer that does not belong to it came" },
		{ IBV_WC_LOC_ACCESS_ERR, -EFAULT, "the own buffer may not be written" },
		{ IBV_WC_REM_INV_REQ_ERR, -EPROTO, "refused there as an invalid request" },
		{ IBV_WC_REM_ACCESS_ERR, -EACCES, "its memory may not be accessed so" },
		{ IBV_WC_REM_OP_ERR, -EREMOTEIO, "could not be done there" },
		{ IBV_WC_RETRY_EXC_ERR, -ETIMEDOUT, "nothing came back, again and again" },
		{ IBV_WC_RNR_RETRY_EXC_ERR, -ENOBUFS, "had no receive posted, again and again" },
		{ IBV_WC_LOC_RDD_VIOL_ERR, -EIO, "local RDD violation" },
		{ IBV_WC_REM_INV_RD_REQ_ERR, -EPROTO, "refused there as an invalid RD request" },
		{ IBV_WC_REM_ABORT_ERR, -EREMOTEIO, "aborted there" },
		{ IBV_WC_INV_EECN_ERR, -EIO, "invalid EE context" },
		{ IBV_WC_INV_EEC_STATE_ERR, -EIO, "invalid state of an EE context" },
		{ IBV_WC_FATAL_ERR, -EIO, "the device failed (fatal error)" },
		{ IBV_WC_RESP_TIMEOUT_ERR, -ETIMEDOUT, "no answer in time" },
		{ IBV_WC_GENERAL_ERR, -EIO, "the device says no more than that it failed" },
		{ 77, -EIO, "completion status 77" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned k = i % 2; k < OPS; k += 5) { /* write both ways, atomic; write, send both ways */
			char stub[TEXT], text[TEXT];
			const struct fault f = { .stub = stub, .code = rows[i].code, .says = text };

			snprintf(stub, sizeof(stub), "mlx5_#:$:77:status=%d", (int)rows[i].status);
			snprintf(text, sizeof(text), "%%, @: %s", rows[i].says);
			for (unsigned side = 0; side < 2; side++)
				if (ops[k].sides >> side & 1)
					suffer(*state, &ops[k], &f, side);
		}
}

/* ---- what the device says without being asked tells more than a guess */

static void reasons(void **state)
{
	static const struct fault faults[] = {
		{ .stub = "mlx5_#:$:40:event=10,mlx5_#:$:50:status=12",
		  .code = -ETIMEDOUT,
		  .says = "%, @: nothing came back, again and again",
		  .hint = "mlx5_# port 1 went down while this ran; the kernel log may say why" },
		{ .stub = "mlx5_#:$:40:event=1,mlx5_#:$:50:status=10",
		  .code = -EACCES,
		  .says = "%, @: its memory may not be accessed so",
		  .hint = "the other side's registration lacks the right" },
		{ .stub = "mlx5_#:$:40:event=1,mlx5_#:$:50:status=15", /* which has no hint of its own */
		  .code = -EPROTO,
		  .says = "%, @: refused there as an invalid RD request",
		  .hint = "mlx5_# said that it gave up a queue of ours; the kernel log may say why" },
		{ .stub = "mlx5_#:$:40:event=0,mlx5_#:$:41:event=8,mlx5_#:$:50:status=19",
		  .code = -EIO,
		  .says = "%, @: the device failed (fatal error)",
		  .hint = "mlx5_# said that it failed" },
		{ .stub = "mlx5_#:$:40:event=18,mlx5_#:$:50:status=10", /* of an address */
		  .code = -EACCES,
		  .says = "%, @: its memory may not be accessed so",
		  .hint = "the other side's registration lacks the right" },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (unsigned k = 0; k < OPS; k++)
			for (unsigned side = 0; side < 2; side++)
				if (ops[k].sides >> side & 1)
					suffer(*state, &ops[k], &faults[i], side);
}

/* All data is right, but it is not the port, or the device, that was asked for. */
static void not_always_up(void **state)
{
	static const struct {
		const char *stub, *says;
		int code;
	} rows[] = {
		{ "mlx5_0:$:40:event=10", "mlx5_0 port 1 went down while this ran: what was measured", -ENETDOWN },
		{ "mlx5_0:$:40:event=10,mlx5_0:$:50:event=9",
		  "mlx5_0 port 1 went down and came back while this ran:", -ENETDOWN },
		{ "mlx5_0:$:40:event=8", "mlx5_0 said that it failed: what was measured", -EIO },
		{ "mlx5_0:$:40:event=9,mlx5_0:$:41:event=4,mlx5_0:$:42:event=18", "", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned k = 0; k < OPS; k++) {
			struct rig r = { .bench = ops[k].bench, .options = ops[k].options, .measure_ns = 2000000 };
			char stub[TEXT], all[2 * TEXT];

			expand(rows[i].stub, &ops[k], 0, stub);
			snprintf(all, sizeof(all), "rate=1000000000,latency=3000,threads=3,%s", stub);
			verbs_stub_begin(all);
			rig_run(&r, *state);
			if (code_of(&r, 0) != rows[i].code || !begins(rig_said(&r, 0, "what"), rows[i].says))
				fail_msg("%s, %s: %d '%s'", ops[k].bench, stub, code_of(&r, 0),
					 rig_said(&r, 0, "what"));
			rig_free(&r);
		}
}

/* ---- what was under way in the end has to end, too, and says what it failed of; pings wait for none */

static void ends(void **state)
{
	static const struct fault faults[] = {
		{ .last = "cut=1", .code = -ETIMEDOUT, .says = "%, @: nothing came back, again and again", .who = ONE },
		{ .last = "mlx5_#:$:1:status=10", .code = -EACCES, .says = "%, @: its memory may not be accessed so" },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (unsigned k = 0; k < OPS; k++)
			if (ops[k].sides == FIRST || !strstr(ops[k].bench, "latency"))
				suffer(*state, &ops[k], &faults[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(opening),	cmocka_unit_test(infiniband),
					    cmocka_unit_test(requests), cmocka_unit_test(statuses),
					    cmocka_unit_test(reasons),	cmocka_unit_test(not_always_up),
					    cmocka_unit_test(ends) };

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
