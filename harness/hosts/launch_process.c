/* SPDX-License-Identifier: Apache-2.0 */
/* launch_process.c: programs that bring agents to their hosts: started a few at a time, listened to, waited for. */
#include "base/alloc.h"
#include "hosts/launch_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 64, SAID_BYTES = 2048, READS_MAX = 64 };

struct fl_launched *fl_launched_add(struct fl_launch *l, int rank, char *who)
{
	l->launched = fl_grow(l->launched, l->launched_n + 1, sizeof(*l->launched));
	l->launched[l->launched_n] = (struct fl_launched){ .rank = rank, .child = { .pid = -1, .pid_fd = -1 } };
	l->launched[l->launched_n].who = who;
	return &l->launched[l->launched_n++];
}

int fl_launch_find(const char *name, char **ret, struct fl_err *err)
{
	const char *path = getenv("PATH");

	for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; at; at = strchr(at, ':')) {
		char *program;

		at += *at == ':';
		program = fl_format("%.*s/%s", (int)strcspn(at, ":"), at, name);
		if (*program == '/' && access(program, X_OK) == 0) {
			*ret = program;
			return 0;
		}
		free(program);
	}
	return fl_fail(err, -ENOENT, "there is no '%s' in PATH", name);
}

int fl_launched_start(struct fl_launched *p, const char *program, const char *const *args, const char *input,
		      struct fl_err *err)
{
	const struct fl_child_spec spec = { .program = program,
					    .args = args,
					    .env = (const char *const *)(uintptr_t)environ,
					    .node = -1,
					    .control_fd = -1,
					    .input = input };
	struct fl_err why = { 0 };
	int rc = fl_child_start(&spec, &p->child, &why);

	p->started = true;
	if (rc == 0)
		return 0;
	p->ended = true;
	p->child.pid = -1;
	fl_fail(err, rc, "%s: %s", p->who, why.what);
	return fl_hint(err, "%s", why.hint);
}

/* ---- listening */

/* Only the end of it is kept. */
static void keep(struct fl_text *said, const char *bytes, size_t n)
{
	struct fl_text last = { 0 };

	fl_text_put(said, bytes, n);
	if (said->n <= SAID_BYTES)
		return;
	fl_text_put(&last, said->bytes + said->n - SAID_BYTES, SAID_BYTES);
	fl_text_release(said);
	*said = last;
}

static void drain(int fd, struct fl_text *said)
{
	char bytes[1024];
	ssize_t n = 0;

	for (int i = 0; i < READS_MAX && fd >= 0 && (n = read(fd, bytes, sizeof(bytes))) > 0; i++)
		if (said)
			keep(said, bytes, (size_t)n);
}

static void look(struct fl_launched *p)
{
	struct pollfd fd = { .fd = p->child.pid_fd, .events = POLLIN };
	bool over;

	if (p->child.pid <= 0)
		return;
	over = poll(&fd, 1, 0) > 0; /* before its last words are read */
	drain(p->child.out_fd, NULL);
	drain(p->child.err_fd, &p->said);
	if (!over)
		return;
	p->status = fl_child_reap(&p->child);
	p->ended = true;
}

void fl_launched_look(struct fl_launch *l)
{
	for (size_t i = 0; i < l->next; i++)
		look(&l->launched[i]);
}

/* ---- starting, and what went wrong */

/* The last line of ours, if there is one, else the last line. malloc'd; NULL: it said nothing. */
static char *reason(const struct fl_launched *p)
{
	char *text = fl_dup(fl_text_str(&p->said)), *rest = NULL, *best = NULL, *ret;
	bool ours = false;

	for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
		bool is_ours = !strncmp(line, "feedline: ", 10);

		line += strspn(line, " \t");
		if (*line && (is_ours || !ours))
			best = is_ours ? line + 10 : line;
		ours = ours || is_ours;
	}
	ret = fl_dup(best);
	free(text);
	return ret;
}

static bool has_come(const struct fl_launch *l, const struct fl_launched *p)
{
	if (p->rank >= 0)
		return (size_t)p->rank < l->hub->n && (l->hub->hosts[p->rank].hello || l->hub->hosts[p->rank].lost);
	for (size_t i = 0; i < l->hub->n; i++)
		if (!l->hub->hosts[i].hello && !l->hub->hosts[i].lost)
			return false;
	return true;
}

static bool has_failed(const struct fl_launch *l, const struct fl_launched *p)
{
	return p->ended && !has_come(l, p);
}

static int complain(const struct fl_launch *l, const struct fl_launched *p, struct fl_err *err)
{
	struct fl_text others = { 0 };
	char *why = reason(p);
	char how[64];
	unsigned n = 0;

	for (const struct fl_launched *o = l->launched; o < l->launched + l->next; o++)
		if (o != p && has_failed(l, o) && n++ < 8)
			fl_text_add(&others, "%s%s", others.n ? ", " : "", o->who);
	fl_child_how(p->status, how, sizeof(how));
	fl_fail(err, -EHOSTUNREACH, "%s: %.*s%s%s%s", p->who, 200,
		why ? why : "its agent did not come: the launching program ", why ? "" : how, n ? "; likewise " : "",
		fl_text_str(&others));
	if (WIFEXITED(p->status) && (WEXITSTATUS(p->status) == 127 || WEXITSTATUS(p->status) == 126))
		fl_hint(err, "feedline must be there at the same place, or where --remote-program says");
	free(why);
	fl_text_release(&others);
	return -EHOSTUNREACH;
}

int fl_launched_check(void *arg, struct fl_err *err)
{
	struct fl_launch *l = arg;
	unsigned under_way = 0;
	int rc = 0;

	fl_launched_look(l);
	for (size_t i = 0; i < l->next; i++) {
		if (has_failed(l, &l->launched[i]))
			return complain(l, &l->launched[i], err);
		under_way += !has_come(l, &l->launched[i]);
	}
	for (; rc == 0 && l->next < l->launched_n && under_way < AT_ONCE; under_way++) {
		struct fl_launched *p = &l->launched[l->next++];

		if (!p->started)
			rc = l->start(l, p, err);
	}
	return rc;
}

const char *fl_launched_by(void *arg, unsigned rank)
{
	const struct fl_launch *l = arg;

	for (size_t i = 0; i < l->next; i++)
		if (l->launched[i].rank == (int)rank || l->launched[i].rank < 0)
			return l->launched[i].rank < 0 ? "srun" : l->by->name;
	return NULL;
}

/* ---- the end */

static bool any_left(const struct fl_launch *l)
{
	for (size_t i = 0; i < l->launched_n; i++)
		if (l->launched[i].child.pid > 0)
			return true;
	return false;
}

void fl_launched_end(struct fl_launch *l, uint64_t until_ns)
{
	l->next = l->launched_n;
	for (fl_launched_look(l); any_left(l) && fl_now_ns() < until_ns; fl_launched_look(l))
		fl_sleep_until(fl_now_ns() + 5000000);
	for (size_t i = 0; i < l->launched_n; i++)
		fl_child_signal(&l->launched[i].child);
	for (size_t i = 0; i < l->launched_n; i++) {
		fl_child_kill(&l->launched[i].child);
		fl_text_release(&l->launched[i].said);
		free(l->launched[i].who);
	}
	free(l->launched);
	l->launched = NULL;
	l->launched_n = l->next = 0;
}
