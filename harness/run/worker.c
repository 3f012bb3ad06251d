/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c: the pool. */
#include "run/worker.h"
#include "base/alloc.h"
#include "base/message.h"
#include <ctype.h>
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

/* A case of 1,000 lanes needs 3,000 descriptors and more. The soft limit is only a default; the hard one is the
 * limit. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int fl_pool_open(const char *prefix, struct fl_pool *ret, struct fl_err *err)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_fd < 0)
		return fl_fail(err, -errno, "make an epoll: %s", strerror(errno));
	raise_descriptors();
	*ret = (struct fl_pool){ .prefix = prefix, .epoll_fd = epoll_fd, .env = fl_child_env() };
	return 0;
}

static void forget_devices(struct fl_worker *w)
{
	for (size_t i = 0; i < w->devices_n; i++)
		free(w->devices[i]);
	free(w->devices);
	w->devices = NULL;
	w->devices_n = 0;
}

void fl_worker_uses(struct fl_worker *w, const char *device)
{
	for (size_t i = 0; i < w->devices_n; i++)
		if (!strcmp(w->devices[i], device))
			return;
	w->devices = fl_grow(w->devices, w->devices_n + 1, sizeof(*w->devices));
	w->devices[w->devices_n++] = fl_dup(device);
}

static void free_worker(struct fl_worker *w)
{
	forget_devices(w);
	if (w->control_fd >= 0)
		close(w->control_fd);
	free(w->program);
	free(w->visible);
	free(w);
}

void fl_pool_close(struct fl_pool *pool)
{
	fl_pool_clear(pool);
	free(pool->workers);
	fl_child_env_free(pool->env);
	close(pool->epoll_fd);
}

/* ---- start */

static int watch(struct fl_pool *pool, int fd, struct fl_source *source, struct fl_err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	if (epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return fl_fail(err, -errno, "watch a worker: %s", strerror(errno));
	return 0;
}

static int watch_all(struct fl_pool *pool, struct fl_worker *w, struct fl_err *err)
{
	int rc;

	w->control = (struct fl_source){ FL_SOURCE_CONTROL, w };
	w->output = (struct fl_source){ FL_SOURCE_OUTPUT, w };
	w->end = (struct fl_source){ FL_SOURCE_END, w };
	rc = watch(pool, w->control_fd, &w->control, err);
	if (rc == 0)
		rc = watch(pool, w->child.out_fd, &w->output, err);
	if (rc == 0)
		rc = watch(pool, w->child.pid_fd, &w->end, err);
	return rc;
}

/* The pool's, and of a lane on a part of a GPU what hides all others. *ret_extra is to be freed, as the array is. */
static const char **env_of(const struct fl_pool *pool, const struct fl_worker *w, char **ret_extra)
{
	size_t n = 0;
	const char **env;

	while (pool->env && pool->env[n])
		n++;
	env = fl_zalloc(n + 2, sizeof(*env));
	for (size_t i = 0; i < n; i++)
		env[i] = pool->env[i];
	*ret_extra = w->visible ? fl_format("CUDA_VISIBLE_DEVICES=%s", w->visible) : NULL;
	env[n] = *ret_extra;
	return env;
}

static int start_child(struct fl_pool *pool, struct fl_worker *w, struct fl_err *err)
{
	static const char *const args[] = { "lane", NULL };
	char *path = fl_format("%s/libexec/feedline/%s", pool->prefix, w->program), *extra;
	const char **env = env_of(pool, w, &extra);
	struct fl_child_spec spec = {
		.program = path, .args = args, .env = env, .cpus = &w->cpus, .node = w->node, .merge_output = true
	};
	int fds[2];
	int rc = fl_message_pair(fds, err);

	if (rc < 0)
		goto free_path;
	spec.control_fd = fds[1];
	rc = fl_child_start(&spec, &w->child, err);
	close(fds[1]);
	if (rc < 0)
		close(fds[0]);
	else
		w->control_fd = fds[0];
free_path:
	free(path);
	free(extra);
	free(env);
	return rc;
}

static int start(struct fl_pool *pool, const struct fl_worker_spec *spec, struct fl_worker **ret, struct fl_err *err)
{
	struct fl_worker *w = fl_zalloc(1, sizeof(*w));
	int rc;

	*w = (struct fl_worker){ .child = { .pid = -1 },
				 .control_fd = -1,
				 .program = fl_dup(spec->program),
				 .visible = fl_dup(spec->visible),
				 .cpus = spec->cpus,
				 .node = spec->node };
	rc = start_child(pool, w, err);
	if (rc == 0)
		rc = watch_all(pool, w, err);
	if (rc < 0) {
		fl_child_kill(&w->child);
		free_worker(w);
		return rc;
	}
	pool->workers = fl_grow(pool->workers, pool->n + 1, sizeof(struct fl_worker *));
	pool->workers[pool->n++] = w;
	*ret = w;
	return 0;
}

static bool has_event(int fd, int within_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, within_ms) > 0;
}

bool fl_worker_ends(const struct fl_worker *w, int within_ms)
{
	return w->child.pid <= 0 || has_event(w->child.pid_fd, within_ms);
}

void fl_worker_mute(struct fl_pool *pool, struct fl_worker *w)
{
	w->broken = true;
	if (w->control_fd >= 0)
		epoll_ctl(pool->epoll_fd, EPOLL_CTL_DEL, w->control_fd, NULL);
}

/* One that died or speaks while it has no lane is not used again; it is told here, before the next lane would meet
 * it. */
static bool is_healthy(const struct fl_worker *w)
{
	return !w->broken && !fl_worker_ends(w, 0) && !has_event(w->control_fd, 0);
}

static bool sees(const struct fl_worker *w, const char *visible)
{
	return !w->visible == !visible && (!visible || !strcmp(w->visible, visible));
}

static bool fits(const struct fl_worker *w, const struct fl_worker_spec *spec)
{
	return !w->busy && w->node == spec->node && !strcmp(w->program, spec->program) && sees(w, spec->visible) &&
	       fl_cpus_equal(&w->cpus, &spec->cpus) && is_healthy(w);
}

int fl_pool_take(struct fl_pool *pool, const struct fl_worker_spec *spec, struct fl_worker **ret, struct fl_err *err)
{
	struct fl_worker *w = NULL;
	int rc;

	for (size_t i = 0; i < pool->n && !w; i++)
		if (fits(pool->workers[i], spec))
			w = pool->workers[i];
	if (!w) {
		rc = start(pool, spec, &w, err);
		if (rc < 0)
			return rc;
	}
	w->busy = true;
	forget_devices(w);
	*ret = w;
	return 0;
}

/* ---- end */

/* A driver takes its time to give back what a process held. */
static const uint64_t end_within_ns = UINT64_C(5000000000);

static void end_worker(struct fl_pool *pool, struct fl_worker *w, uint64_t deadline_ns, char *how, size_t room)
{
	const pid_t pid = w->child.pid;
	int status;

	w->broken = true;
	if (w->child.pid <= 0)
		return;
	epoll_ctl(pool->epoll_fd, EPOLL_CTL_DEL, w->child.out_fd, NULL);
	epoll_ctl(pool->epoll_fd, EPOLL_CTL_DEL, w->child.pid_fd, NULL);
	epoll_ctl(pool->epoll_fd, EPOLL_CTL_DEL, w->control_fd, NULL);
	status = fl_child_kill_by(&w->child, deadline_ns);
	if (how)
		fl_child_how(status, how, room);
	if (status >= 0)
		return;
	w->stuck_pid = pid;
	if (pool->abandoned)
		pool->abandoned(pool->abandoned_arg, w, pid);
}

void fl_worker_kill(struct fl_pool *pool, struct fl_worker *w, char *how, size_t room)
{
	end_worker(pool, w, fl_now_ns() + end_within_ns, how, room);
}

static bool is_over(const struct fl_worker *w)
{
	return w->broken || w->spent;
}

/* Ends all but the idle ones that are kept. All are signalled before the first is waited for; one deadline. */
static void keep_only(struct fl_pool *pool, bool idle)
{
	uint64_t deadline_ns = fl_now_ns() + end_within_ns;
	size_t kept = 0;

	for (size_t i = 0; i < pool->n; i++)
		if (!idle || is_over(pool->workers[i]))
			fl_child_signal(&pool->workers[i]->child);
	for (size_t i = 0; i < pool->n; i++) {
		struct fl_worker *w = pool->workers[i];

		if (idle && !is_over(w)) {
			w->busy = false;
			pool->workers[kept++] = w;
			continue;
		}
		end_worker(pool, w, deadline_ns, NULL, 0);
		free_worker(w);
	}
	pool->n = kept;
}

void fl_pool_settle(struct fl_pool *pool)
{
	keep_only(pool, true);
}

void fl_pool_clear(struct fl_pool *pool)
{
	keep_only(pool, false);
}

/* ---- what it prints */

static void keep_tail(struct fl_worker *w, const char *bytes, size_t n)
{
	const size_t room = sizeof(w->tail) - 1;

	if (n > room) {
		bytes += n - room;
		n = room;
	}
	if (w->tail_n + n > room) {
		size_t drop = w->tail_n + n - room;

		memmove(w->tail, w->tail + drop, w->tail_n - drop);
		w->tail_n -= drop;
	}
	memcpy(w->tail + w->tail_n, bytes, n);
	w->tail_n += n;
	w->tail[w->tail_n] = 0;
}

int fl_worker_read_output(struct fl_pool *pool, struct fl_worker *w, struct fl_err *err)
{
	char bytes[16384];

	while (w->child.out_fd >= 0) {
		ssize_t n = read(w->child.out_fd, bytes, sizeof(bytes));

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) /* closed, or its last holder ended: it would be reported without end */
			epoll_ctl(pool->epoll_fd, EPOLL_CTL_DEL, w->child.out_fd, NULL);
		if (n <= 0)
			return 0;
		keep_tail(w, bytes, (size_t)n);
		w->output_bytes += (uint64_t)n;
		if (w->output_bytes > FL_OUTPUT_MAX)
			return fl_fail(err, -EOVERFLOW, "the worker printed more than %d KiB", FL_OUTPUT_MAX / 1024);
	}
	return 0;
}

const char *fl_worker_last_words(struct fl_worker *w)
{
	char *line;

	while (w->tail_n && isspace((unsigned char)w->tail[w->tail_n - 1]))
		w->tail[--w->tail_n] = 0;
	line = strrchr(w->tail, '\n');
	return line ? line + 1 : w->tail;
}
