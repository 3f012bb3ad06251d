/* SPDX-License-Identifier: Apache-2.0 */
/* test_tcp_latency.c: tcp.latency between two lanes over the loopback, and what it says of echoes that change a byte,
 * go away or say nothing, and of pingers whose messages are not those that are to come. */
#include "tcp/latency.c"
#include "tcp_rig.h"
#include <fcntl.h>

static const struct fl_device node = { .id = "node0", .node = -1 };

static struct rig_life life_of(const struct latency_opts *o, struct rig_group *g, unsigned rank, uint64_t ops)
{
	return (struct rig_life){ .bench = fl_bench_tcp_latency,
				  .opts = o,
				  .lane = { .group = g, .rank = rank, .size = 2 },
				  .threads = 1,
				  .ops_wanted = ops,
				  .hist = calloc(1, sizeof(struct fl_hist)) };
}

static struct latency_opts opts_of(uint64_t size, unsigned wait)
{
	return (struct latency_opts){ .memory = &node, .interface = "", .size = size, .wait = wait };
}

static void there_and_back(void **state)
{
	static const uint64_t sizes[] = { 1, 7, 64, 70000 };

	(void)state;
	for (unsigned k = 0; k < 2 * sizeof(sizes) / sizeof(sizes[0]); k++) {
		struct latency_opts o = opts_of(sizes[k / 2], k % 2 ? SPIN : BLOCK);
		struct rig_group *g = new_group();
		struct rig_life pinger = life_of(&o, g, PINGER, 30), echo_lane = life_of(&o, g, ECHO, 0);

		rig_begin(&pinger);
		rig_begin(&echo_lane);
		rig_end(&pinger);
		rig_end(&echo_lane);
		if (pinger.open_rc || pinger.step_rc || pinger.verify_rc)
			fail_msg("pinger: %s", pinger.err.what);
		if (echo_lane.open_rc || echo_lane.step_rc || echo_lane.verify_rc)
			fail_msg("echo: %s", echo_lane.err.what);
		assert_int_equal(pinger.ops, 30);
		assert_int_equal(fl_hist_total(pinger.hist), 30);
		assert_int_equal(fl_hist_total(echo_lane.hist), 0); /* it sees no round trip */
		assert_string_equal(rig_fact(&pinger.lane, "nodelay"), "yes");
		free(pinger.hist);
		free(echo_lane.hist);
		free(g);
	}
}

/* ---- an echo that is none of ours */

enum deed { CHANGES, OLD, ENDS, RESETS, SAYS_NOTHING, LIES };

struct scripted {
	struct rig_life life;
	enum deed deed;
	_Atomic bool over; /* the lane that is tested has come to its end */
};

static void *play(void *arg)
{
	struct scripted *s = arg;
	const struct fl_tcp_spec spec = { .lane = &s->life.lane, .roles = roles, .interface = "", .streams = 1 };
	const struct linger now = { .l_onoff = 1 };
	unsigned char message[64], first[64];
	uint64_t trips = 2, all[2];
	int fd;

	if (fl_tcp_connect(&spec, &fd, &s->life.err) < 0)
		return NULL;
	for (unsigned i = 0; i < 10; i++) {
		if (recv(fd, message, sizeof(message), MSG_WAITALL) != sizeof(message))
			break;
		if (i == 0)
			memcpy(first, message, sizeof(first));
		if (s->deed == CHANGES && i == 4)
			message[63] ^= 0x10;
		if (s->deed == OLD && i == 4)
			memcpy(message, first, sizeof(first));
		if (i == 4 && (s->deed == ENDS || s->deed == RESETS || s->deed == SAYS_NOTHING))
			break;
		send(fd, message, sizeof(message), MSG_NOSIGNAL);
	}
	if (s->deed == LIES)
		fl_allgather(&s->life.lane, "totals", &trips, sizeof(trips), all, NULL);
	while (s->deed == SAYS_NOTHING && !s->over)
		usleep(20000);
	if (s->deed == RESETS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	return NULL;
}

static void bad_echoes(void **state)
{
	static const struct {
		enum deed deed;
		int step_rc, verify_rc;
		const char *says;
	} rows[] = {
		{ CHANGES, -EBADMSG, 0, "message 5 came back from rank 1 (echo, 127.0.0.1) as another one" },
		{ OLD, -EBADMSG, 0, "message 5 came back" },
		{ ENDS, -ECONNRESET, 0, "rank 1 (echo, 127.0.0.1) ended the connection" },
		{ RESETS, -ECONNRESET, 0, "receive from rank 1 (echo, 127.0.0.1): Connection reset by peer" },
		{ SAYS_NOTHING, -ETIMEDOUT, 0, "nothing moved between this lane and rank 1 (echo, 127.0.0.1)" },
		{ LIES, 0, -EBADMSG, "10 messages came back, and the echo sent 2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct latency_opts o = opts_of(64, i % 2 ? SPIN : BLOCK);
		struct rig_group *g = new_group();
		struct scripted other = { .life = life_of(&o, g, ECHO, 0), .deed = rows[i].deed };
		struct rig_life pinger = life_of(&o, g, PINGER, 10);

		assert_int_equal(pthread_create(&other.life.id, NULL, play, &other), 0);
		rig_begin(&pinger);
		rig_end(&pinger);
		other.over = true;
		pthread_join(other.life.id, NULL);
		assert_int_equal(pinger.open_rc, 0);
		if (pinger.step_rc != rows[i].step_rc || pinger.verify_rc != rows[i].verify_rc ||
		    !strstr(pinger.err.what, rows[i].says))
			fail_msg("row %zu: %d, %d, '%s'", i, pinger.step_rc, pinger.verify_rc, pinger.err.what);
		free(pinger.hist);
		free(other.life.hist);
		free(g);
	}
}

/* ---- a pinger that is none of ours */

static void *play_pinger(void *arg)
{
	struct scripted *s = arg;
	const struct fl_tcp_spec spec = { .lane = &s->life.lane, .roles = roles, .interface = "", .streams = 1 };
	unsigned char message[64], back[64];
	uint64_t trips = 10, all[2];
	int fd;

	if (fl_tcp_connect(&spec, &fd, &s->life.err) < 0)
		return NULL;
	for (uint64_t i = 1; i <= 10; i++) {
		uint64_t number = s->deed == OLD && i == 5 ? 4 : i;

		for (unsigned k = 0; k < sizeof(message); k++)
			message[k] = (unsigned char)(k * 251 + 7);
		memcpy(message, &number, sizeof(number));
		message[63] ^= s->deed == CHANGES && i == 5 ? 0x10 : 0;
		if (send(fd, message, sizeof(message), MSG_NOSIGNAL) != sizeof(message) ||
		    recv(fd, back, sizeof(back), MSG_WAITALL) != sizeof(back))
			break;
	}
	fl_allgather(&s->life.lane, "totals", &trips, sizeof(trips), all, NULL);
	close(fd);
	return NULL;
}

/* The echo says so itself: a pinger may not know what it sent. */
static void bad_pingers(void **state)
{
	static const enum deed deeds[] = { CHANGES, OLD };

	(void)state;
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		struct latency_opts o = opts_of(64, i % 2 ? SPIN : BLOCK);
		struct rig_group *g = new_group();
		struct scripted other = { .life = life_of(&o, g, PINGER, 0), .deed = deeds[i] };
		struct rig_life lane = life_of(&o, g, ECHO, 10);

		assert_int_equal(pthread_create(&other.life.id, NULL, play_pinger, &other), 0);
		rig_begin(&lane);
		rig_end(&lane);
		pthread_join(other.life.id, NULL);
		assert_int_equal(lane.open_rc, 0);
		if (lane.step_rc != -EBADMSG ||
		    !strstr(lane.err.what, "message 5 came from rank 0 (pinger, 127.0.0.1) as another one"))
			fail_msg("row %zu: %d, '%s'", i, lane.step_rc, lane.err.what);
		free(lane.hist);
		free(other.life.hist);
		free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(bad_echoes),
		cmocka_unit_test(bad_pingers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
