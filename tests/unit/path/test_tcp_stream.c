/* SPDX-License-Identifier: Apache-2.0 */
/* test_tcp_stream.c: tcp.stream between two lanes over the loopback: both engines, one direction and both, and what it
 * says of senders that lose, change, exchange or double data, go away, or never were asked for. */
#include "path/tcp_engine.h"
#include "tcp/stream.c"
#include "tcp_rig.h"
#include <feedline/clock.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct fl_device node = { .id = "node0", .node = -1 };

static struct rig_life life_of(const struct stream_opts *o, struct rig_group *g, unsigned rank, uint64_t ops)
{
	return (struct rig_life){ .bench = fl_bench_tcp_stream,
				  .opts = o,
				  .lane = { .group = g, .rank = rank, .size = 2 },
				  .threads = (unsigned)o->streams,
				  .ops_wanted = ops };
}

static struct stream_opts opts_of(unsigned engine, unsigned direction)
{
	return (struct stream_opts){ .memory = &node,
				     .interface = "",
				     .streams = 1,
				     .block = 64 << 10,
				     .depth = 3,
				     .engine = engine,
				     .direction = direction };
}

/* ---- two good lanes */

static void move_both(const struct stream_opts *o, uint64_t sender_ops, uint64_t receiver_ops)
{
	struct rig_group *g = new_group();
	struct rig_life sender = life_of(o, g, SENDER, sender_ops), receiver = life_of(o, g, RECEIVER, receiver_ops);

	rig_begin(&sender);
	rig_begin(&receiver);
	rig_end(&sender);
	rig_end(&receiver);
	if (sender.open_rc == -EPERM)
		skip(); /* io_uring is forbidden here */
	if (sender.open_rc || sender.step_rc || sender.verify_rc)
		fail_msg("sender: %s", sender.err.what);
	if (receiver.open_rc || receiver.step_rc || receiver.verify_rc)
		fail_msg("receiver: %s", receiver.err.what);
	/* Where either may end it, the other may not have begun. */
	assert_true(sender_ops == 0 ? receiver.bytes > 0 : receiver.bytes + sender.bytes > 0);
	assert_string_equal(rig_fact(&sender.lane, "mss"), rig_fact(&receiver.lane, "mss"));
	assert_string_not_equal(rig_fact(&receiver.lane, "interface"), "");
	assert_string_not_equal(rig_fact(&receiver.lane, "congestion"), "");
	assert_string_equal(rig_fact(&receiver.lane, "nodelay"), "yes");
	assert_string_not_equal(rig_fact(&receiver.lane, "retransmits"), "");
	assert_string_not_equal(rig_fact(&receiver.lane, "cpu_sender"), "");
	assert_string_not_equal(rig_fact(&sender.lane, "send"), "");
	assert_string_not_equal(rig_fact(&receiver.lane, "receive"), "");
	if (o->engine)
		assert_string_equal(rig_fact(&sender.lane, "engine"),
				    o->engine == FL_TCP_URING ? "io_uring" : "sockets");
	free(g);
}

static void every_way(void **state)
{
	(void)state;
	for (unsigned engine = FL_TCP_URING; engine <= FL_TCP_SOCKETS; engine++)
		for (unsigned direction = ONE; direction <= BOTH; direction++) {
			struct stream_opts o = opts_of(engine, direction);

			move_both(&o, 0, 100); /* the receiver ends it */
			o.streams = 3;
			o.depth = 1;
			if (direction == BOTH) {
				move_both(&o, 40, 0); /* the sender */
				move_both(&o, 50, 50);
			}
			move_both(&o, 0, 40);
		}
}

static void without_a_copy(void **state)
{
	struct stream_opts o = opts_of(FL_TCP_URING, BOTH);

	(void)state;
	o.zerocopy = FL_TCP_ZEROCOPY_YES;
	move_both(&o, 0, 100);
	o.zerocopy = FL_TCP_ZEROCOPY_NO;
	move_both(&o, 0, 100);
}

/* ---- a sender that is none of ours: it connects, sends what the row says, and tells how much it sent */

enum deed {
	GOOD,
	CHANGED,
	CHANGED_LATE,
	EXCHANGED,
	LOST,
	DOUBLED,
	STRANGE,
	LIES_MORE,
	LIES_LESS,
	GIVES_UP,	    /* its own count lacks what it did not see go */
	GIVES_UP_TRAMPLED,  /* and what lies in the buffers is none of the stream's any more */
	GIVES_UP_CHANGED,   /* what it sent was wrong before */
	GIVES_UP_EXCHANGED, /* and so was the order of it */
	DIES_LATE,	    /* with what is under way */
	GOES,
	DIES,
	SLEEPS
};

struct scripted {
	struct rig_life life;
	enum deed deed;
	const struct stream_opts *opts;
	_Atomic bool over; /* the lane that is tested has come to its end */
};

enum { BLOCKS = 1024 }; /* of 4 KiB */

static void put(int fd, const void *data, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t sent = send(fd, (const char *)data + at, n - at, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		at += (size_t)sent;
	}
}

static uint64_t send_blocks(int fd, enum deed deed)
{
	uint64_t words[FL_BLOCK_WORDS], sent = 0;

	for (uint64_t i = 0; i < BLOCKS; i++) {
		uint64_t place = i, seed = seed_of(0, SENDER);

		if ((deed == EXCHANGED || deed == GIVES_UP_EXCHANGED) && i / 2 == 35)
			place = i ^ 1;
		if (deed == LOST && i >= 70)
			place = i + 1;
		if (deed == DOUBLED && i >= 70)
			place = i - 1;
		if (deed == STRANGE && i == 70)
			seed = seed_of(1, SENDER);
		fl_block_fill(words, seed, 0, place * FL_BLOCK_BYTES);
		if (((deed == CHANGED || deed == GIVES_UP_CHANGED) && i == 70) ||
		    (deed == CHANGED_LATE && i == BLOCKS - 1))
			words[300] ^= 1;
		put(fd, words, sizeof(words));
		sent += sizeof(words);
		if ((deed == GOES || deed == DIES) && i == 70)
			break;
	}
	return sent;
}

static void await_stop(struct rig_group *g)
{
	for (int stopped = 0; !stopped; usleep(1000)) {
		pthread_mutex_lock(&g->lock);
		stopped = g->stopped;
		pthread_mutex_unlock(&g->lock);
	}
}

/* What a sender says that has sent all; or thinks so. */
static struct total claim_of(enum deed deed, uint64_t sent)
{
	bool gives_up = deed >= GIVES_UP && deed <= GIVES_UP_EXCHANGED;

	if (deed == LIES_LESS || deed == GIVES_UP)
		sent--;
	return (struct total){ .sent = { sent + (deed == LIES_MORE) }, .drained = gives_up ? 0 : 1 };
}

static void *play(void *arg)
{
	struct scripted *s = arg;
	const struct fl_tcp_spec spec = { .lane = &s->life.lane, .roles = roles, .interface = "", .streams = 1 };
	const struct linger now = { .l_onoff = 1 };
	struct total mine, all[2];
	int fd;

	if (fl_tcp_connect(&spec, &fd, &s->life.err) < 0)
		return NULL;
	if (s->deed == SLEEPS) {
		while (!s->over)
			usleep(20000);
		close(fd);
		return NULL;
	}
	mine = claim_of(s->deed, send_blocks(fd, s->deed));
	if (s->deed == DIES_LATE)
		await_stop(s->life.lane.group);
	if (s->deed == DIES || s->deed == DIES_LATE)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (s->deed == GOES || s->deed == DIES) {
		usleep(50000); /* that the other side has read something: it is no condition of the test */
		close(fd);
		return NULL;
	}
	if (s->deed == DIES_LATE)
		close(fd);
	else
		shutdown(fd, SHUT_WR);
	fl_allgather(&s->life.lane, "totals", &mine, sizeof(mine), all, NULL);
	if (s->deed != DIES_LATE)
		close(fd);
	return NULL;
}

static struct fl_lane *tested;

/* When nothing moves any more, before the buffers are looked at. */
static void trample(const char *name, void *mine)
{
	(void)mine;
	if (strcmp(name, "totals") == 0)
		memset(tested->memory, 0, fl_tcp_flow_buffers(3) * (64 << 10)); /* as opts_of() has it */
}

/* What the receiver makes of it. */
static void receive_from(enum deed deed, unsigned engine, struct rig_life *ret)
{
	struct stream_opts o = opts_of(engine, ONE);
	struct rig_group *g = new_group();
	struct scripted sender = { .life = life_of(&o, g, SENDER, 0), .deed = deed, .opts = &o };
	struct rig_life receiver = life_of(&o, g, RECEIVER, deed < GOES ? BLOCKS / 16 - 2 : 0);

	tested = &receiver.lane;
	if (deed == GIVES_UP_TRAMPLED)
		receiver.lane.meddle = trample;
	if (pthread_create(&sender.life.id, NULL, play, &sender))
		abort();
	rig_begin(&receiver);
	rig_end(&receiver);
	sender.over = true;
	pthread_join(sender.life.id, NULL);
	tested = NULL;
	free(g);
	*ret = receiver;
}

/* What was not all through is called that, whatever buffers and sums look like; but what was wrong when it arrived is
 * wrong. */
static const char under_way[] = "stream 0: not all that was under way in the end came through from or to rank 0";

static void bad_senders(void **state)
{
	static const struct {
		enum deed deed;
		const char *says; /* NULL: all is well */
	} rows[] = {
		{ GOOD, NULL },
		{ GIVES_UP, under_way },
		{ GIVES_UP_TRAMPLED, under_way },
		{ DIES_LATE, under_way },
		{ GIVES_UP_CHANGED, "stream 0: a byte of the 4096 from byte 286720 on is wrong" },
		{ GIVES_UP_EXCHANGED, "stream 0: at byte 286720 arrived what belongs at byte 290816" },
		{ CHANGED, "stream 0: a byte of the 4096 from byte 286720 on is wrong" },
		{ CHANGED_LATE, "stream 0: a byte of the 4096 from byte 4190208 on is wrong" },
		{ EXCHANGED, "stream 0: at byte 286720 arrived what belongs at byte 290816" },
		{ LOST, "stream 0: at byte 286720 arrived what belongs at byte 290816" },
		{ DOUBLED, "stream 0: at byte 286720 arrived what belongs at byte 282624" },
		{ STRANGE, "stream 0: at byte 286720 arrived what belongs to another stream" },
		{ LIES_MORE, "stream 0: 4194304 bytes arrived of 4194305 that rank 0 (sender, 127.0.0.1) sent" },
		{ LIES_LESS, "stream 0: 4194304 bytes arrived of 4194303 that rank 0" },
	};

	(void)state;
	for (unsigned engine = FL_TCP_AUTO; engine <= FL_TCP_SOCKETS; engine += 2)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			int bad = rows[i].says == under_way ? -ETIMEDOUT : -EBADMSG;
			struct rig_life l;

			receive_from(rows[i].deed, engine, &l);
			assert_int_equal(l.open_rc, 0);
			if (l.step_rc)
				fail_msg("row %zu: step: %s", i, l.err.what);
			assert_int_equal(l.verify_rc, rows[i].says ? bad : 0);
			if (rows[i].says && !strstr(l.err.what, rows[i].says))
				fail_msg("row %zu: '%s' does not say '%s'", i, l.err.what, rows[i].says);
		}
}

static void claim_lost(const char *name, void *mine)
{
	if (strcmp(name, "totals") == 0)
		((struct total *)mine)->drained = 0;
}

static void claim_wrong(const char *name, void *mine)
{
	claim_lost(name, mine);
	if (strcmp(name, "totals") == 0)
		((struct total *)mine)->wrong = 1;
}

/* A lane that fails takes its group with it: not one whose partner has found wrong data, which it says instead. */
static void wrong_at_the_other(void **state)
{
	void (*const claims[])(const char *name, void *mine) = { claim_lost, claim_wrong };
	struct stream_opts o = opts_of(FL_TCP_AUTO, ONE);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rig_group *g = new_group();
		struct rig_life sender = life_of(&o, g, SENDER, 0), receiver = life_of(&o, g, RECEIVER, 20);

		receiver.lane.meddle = claims[i];
		rig_begin(&sender);
		rig_begin(&receiver);
		rig_end(&sender);
		rig_end(&receiver);
		assert_int_equal(sender.step_rc, 0);
		assert_int_equal(sender.verify_rc, i == 0 ? -ETIMEDOUT : -EBADMSG);
		free(g);
	}
}

/* One that ends the connection, one whose connection is reset, one that says nothing any more. */
static void lost_senders(void **state)
{
	static const struct {
		enum deed deed;
		int code;
		const char *says;
	} rows[] = {
		{ GOES, -ECONNRESET, "rank 0 (sender, 127.0.0.1) ended the connection" },
		{ DIES, -ECONNRESET, "receive from rank 0 (sender, 127.0.0.1): Connection reset by peer" },
		{ SLEEPS, -ETIMEDOUT, "nothing moved between this lane and rank 0 (sender, 127.0.0.1)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned engine = FL_TCP_AUTO; engine <= FL_TCP_SOCKETS; engine += 2) {
			struct rig_life l;

			receive_from(rows[i].deed, engine, &l);
			if (l.step_rc != rows[i].code || !strstr(l.err.what, rows[i].says))
				fail_msg("row %zu: %d '%s' does not say '%s'", i, l.step_rc, l.err.what, rows[i].says);
		}
}

/* ---- what it says of itself */

static struct total heard; /* by the sender that is tested, in the end */

static void hear_total(const char *name, void *mine)
{
	if (strcmp(name, "totals") == 0)
		memcpy(&heard, mine, sizeof(heard));
}

enum { TAKEN = 8 << 20 };

/* A receiver that takes much and then gives one block back. */
static void *play_receiver(void *arg)
{
	struct scripted *s = arg;
	const struct fl_tcp_spec spec = { .lane = &s->life.lane, .roles = roles, .interface = "", .streams = 1 };
	const uint64_t block = s->opts->block;
	struct total mine = { .sent = { block }, .drained = 1 }, all[2];
	uint64_t words[FL_BLOCK_WORDS];
	static char taken[1 << 16];
	ssize_t n = 1;
	int fd;

	if (fl_tcp_connect(&spec, &fd, &s->life.err) < 0)
		return NULL;
	for (uint64_t at = 0; at < TAKEN && n > 0; at += (uint64_t)n)
		n = recv(fd, taken, sizeof(taken), 0);
	for (uint64_t at = 0; at < block; at += sizeof(words)) {
		fl_block_fill(words, seed_of(0, RECEIVER), 0, at);
		put(fd, words, sizeof(words));
	}
	shutdown(fd, SHUT_WR);
	while (n > 0) {
		n = recv(fd, taken, sizeof(taken), 0);
		mine.received[0] += n > 0 ? (uint64_t)n : 0;
	}
	mine.received[0] += TAKEN;
	fl_allgather(&s->life.lane, "totals", &mine, sizeof(mine), all, NULL);
	close(fd);
	return NULL;
}

/* Both ways at once: time is taken for what is sent, too, though only what arrives counts. */
static void time_for_both_ways(void **state)
{
	(void)state;
	for (unsigned engine = FL_TCP_AUTO; engine <= FL_TCP_SOCKETS; engine += 2) {
		struct stream_opts o = opts_of(engine, BOTH);
		struct rig_group *g = new_group();
		struct scripted receiver = { .life = life_of(&o, g, RECEIVER, 0), .opts = &o };
		struct rig_life sender = life_of(&o, g, SENDER, 1);

		sender.lane.meddle = hear_total;
		if (pthread_create(&receiver.life.id, NULL, play_receiver, &receiver))
			abort();
		rig_begin(&sender);
		rig_end(&sender);
		pthread_join(receiver.life.id, NULL);
		if (sender.open_rc || sender.step_rc || sender.verify_rc)
			fail_msg("%s", sender.err.what);
		assert_int_equal(sender.bytes, o.block);
		assert_true(heard.moved >= TAKEN - o.depth * o.block);
		free(g);
	}
}

/* One of the streams did not find the way of the others. */
static void streams_that_differ(void **state)
{
	struct stream_opts o = opts_of(FL_TCP_AUTO, BOTH);
	struct fl_tcp_flow flows[3];
	struct fl_lane lane = { 0 };
	struct stream_state s = { .opts = &o, .lane = &lane };

	(void)state;
	o.streams = 3;
	for (unsigned i = 0; i < 3; i++) {
		flows[i] = (struct fl_tcp_flow){ .kind = &fl_tcp_uring, .send = "zerocopy", .receive = "multishot" };
		flows[i].spec.sends = flows[i].spec.receives = true;
		s.threads[i].flow = &flows[i];
	}
	state_ways(&s);
	assert_string_equal(rig_fact(&lane, "send"), "zerocopy");
	assert_string_equal(rig_fact(&lane, "receive"), "multishot");
	assert_string_equal(rig_fact(&lane, "why_plain"), "");
	lane = (struct fl_lane){ 0 };
	flows[1].send = "plain";
	snprintf(flows[1].why_plain, sizeof(flows[1].why_plain), "the path copies");
	flows[2].receive = "plain";
	state_ways(&s);
	assert_string_equal(rig_fact(&lane, "send"), "mixed");
	assert_string_equal(rig_fact(&lane, "receive"), "mixed");
	assert_string_equal(rig_fact(&lane, "why_plain"), "the path copies");
}

/* ---- who knocks */

static _Atomic unsigned port; /* where the receiver listens */

static void hear_port(const char *name, void *mine)
{
	uint32_t said;

	if (strcmp(name, "listen") != 0)
		return;
	memcpy(&said, (char *)mine + 16, sizeof(said));
	atomic_store(&port, ntohl(said));
}

struct crowd {
	unsigned n;
	bool speaks;
};

static void *knock(void *arg)
{
	const struct crowd *c = arg;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char words[20] = "let me in, please!!";

	while (!atomic_load(&port))
		usleep(1000);
	at.sin_port = htons((uint16_t)atomic_load(&port));
	for (unsigned i = 0; i < c->n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && c->speaks)
			put(fd, words, sizeof(words));
		if (c->speaks && recv(fd, words, sizeof(words), 0) > 0)
			abort(); /* nobody answers strangers */
		close(fd);
	}
	return NULL;
}

/* They neither get in nor keep out who belongs there. */
static void strangers(void **state)
{
	struct stream_opts o = opts_of(FL_TCP_AUTO, ONE);

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct crowd crowd = { .n = 20, .speaks = k == 1 };
		struct rig_group *g = new_group();
		struct rig_life sender = life_of(&o, g, SENDER, 0), receiver = life_of(&o, g, RECEIVER, 20);
		pthread_t id;

		atomic_store(&port, 0);
		receiver.lane.meddle = hear_port;
		rig_begin(&receiver);
		rig_begin(&sender);
		assert_int_equal(pthread_create(&id, NULL, knock, &crowd), 0);
		rig_end(&sender);
		rig_end(&receiver);
		pthread_join(id, NULL);
		if (receiver.open_rc || receiver.step_rc || receiver.verify_rc)
			fail_msg("crowd %u: %s", k, receiver.err.what);
		free(g);
	}
}

static void *only_listen(void *arg)
{
	unsigned char mine[24] = { 0 }, all[2 * sizeof(mine)];
	struct fl_lane *lane = arg;

	fl_allgather(lane, "listen", mine, sizeof(mine), all, NULL);
	return NULL;
}

/* Nobody else comes. */
static void only_strangers(void **state)
{
	struct stream_opts o = opts_of(FL_TCP_AUTO, ONE);
	struct crowd crowd = { .n = 200 };
	struct rig_group *g = new_group();
	struct rig_life sender = life_of(&o, g, SENDER, 0), receiver = life_of(&o, g, RECEIVER, 20);
	pthread_t id, listens;

	(void)state;
	atomic_store(&port, 0);
	receiver.lane.meddle = hear_port;
	rig_begin(&receiver);
	assert_int_equal(pthread_create(&listens, NULL, only_listen, &sender.lane), 0);
	assert_int_equal(pthread_create(&id, NULL, knock, &crowd), 0);
	rig_end(&receiver);
	pthread_join(id, NULL);
	pthread_join(listens, NULL);
	assert_int_equal(receiver.open_rc, -EPERM);
	assert_non_null(strstr(receiver.err.what, "connections came that are not of rank 0 (sender, 127.0.0.1)"));
	free(g);
}

/* ---- what cannot be */

static void refusals(void **state)
{
	struct stream_opts odd = opts_of(FL_TCP_AUTO, ONE), nowhere = opts_of(FL_TCP_AUTO, ONE);
	struct stream_opts copying = opts_of(FL_TCP_SOCKETS, ONE);
	struct rig_group *g = new_group();
	struct rig_life alone = life_of(&odd, g, SENDER, 1);

	(void)state;
	odd.block = 5000;
	alone.lane.size = 1;
	rig_live(&alone);
	assert_int_equal(alone.open_rc, -EINVAL);
	odd.block = 4096;
	rig_live(&alone);
	assert_int_equal(alone.open_rc, -EINVAL);
	nowhere.interface = "nope0";
	alone = life_of(&nowhere, g, RECEIVER, 1);
	rig_live(&alone);
	assert_int_equal(alone.open_rc, -ENODEV);
	assert_non_null(strstr(alone.err.what, "bind to interface 'nope0'"));
	free(g);
	g = new_group();
	copying.zerocopy = FL_TCP_ZEROCOPY_YES;
	{
		struct rig_life sender = life_of(&copying, g, SENDER, 1), receiver = life_of(&copying, g, RECEIVER, 1);

		rig_begin(&sender);
		rig_begin(&receiver);
		rig_end(&sender);
		rig_end(&receiver);
		assert_int_equal(sender.open_rc, -EOPNOTSUPP);
	}
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way),	      cmocka_unit_test(without_a_copy),
		cmocka_unit_test(bad_senders),	      cmocka_unit_test(wrong_at_the_other),
		cmocka_unit_test(lost_senders),	      cmocka_unit_test(strangers),
		cmocka_unit_test(only_strangers),     cmocka_unit_test(refusals),
		cmocka_unit_test(time_for_both_ways), cmocka_unit_test(streams_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
