/* SPDX-License-Identifier: Apache-2.0 */
/* child.c: from fork to reap. */
#include "base/child.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <linux/mempolicy.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the child's side, between fork and exec: only system calls on prepared data */

/* What went wrong before exec, through a pipe that exec closes. */
struct report {
	enum { AT_PARENT, AT_FDS, AT_CPUS, AT_EXEC } at;
	int code;
};

static _Noreturn void give_up(int report_fd, struct report report)
{
	ssize_t ignored = write(report_fd, &report, sizeof(report));

	(void)ignored;
	_exit(127);
}

/* Descriptors 0..3 are those of the child; the report pipe is 4 and closes on exec; nothing else is left open. */
static int place_fds(int in_fd, int out_fd, int err_fd, int control_fd, int report_fd)
{
	const int wanted[] = { in_fd, out_fd, err_fd, control_fd, report_fd };
	const int n = (int)(sizeof(wanted) / sizeof(*wanted));
	int above[sizeof(wanted) / sizeof(*wanted)];

	for (int i = 0; i < n; i++) {
		above[i] = wanted[i] < 0 ? -1 : fcntl(wanted[i], F_DUPFD_CLOEXEC, 16);
		if (wanted[i] >= 0 && above[i] < 0)
			return -1;
	}
	for (int i = 0; i < n; i++) {
		if (above[i] < 0)
			close(i);
		else if (dup3(above[i], i, i == n - 1 ? O_CLOEXEC : 0) < 0)
			return -1;
	}
	return close_range((unsigned)n, ~0U, 0);
}

static void default_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int set_cpus(const struct fl_cpus *cpus)
{
	/* The same layout as cpu_set_t: bit i of a little-endian array of words. */
	return sched_setaffinity(0, sizeof(cpus->bits), (const cpu_set_t *)(const void *)cpus->bits);
}

static void bind_memory(int node)
{
	unsigned long mask[16] = { 0 };
	const unsigned bits = 8 * sizeof(*mask);

	if ((size_t)node >= bits * (sizeof(mask) / sizeof(*mask)))
		return;
	mask[(unsigned)node / bits] |= 1UL << ((unsigned)node % bits);
	syscall(SYS_set_mempolicy, MPOL_BIND, mask, sizeof(mask) * 8);
}

static _Noreturn void run_child(const struct fl_child_spec *spec, pid_t parent, const int fds[4], char *const *argv,
				char *const *env)
{
	const int report_fd = 4;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		give_up(fds[3], (struct report){ AT_PARENT, ESRCH });
	setpgid(0, 0);
	default_signals();
	if (place_fds(fds[0], fds[1], fds[2], spec->control_fd, fds[3]) < 0)
		give_up(fds[3], (struct report){ AT_FDS, errno });
	if (spec->cpus && set_cpus(spec->cpus) < 0)
		give_up(report_fd, (struct report){ AT_CPUS, errno });
	if (spec->node >= 0)
		bind_memory(spec->node); /* refused in some containers: where memory lands is read back anyway */
	execve(spec->program, argv, env);
	give_up(report_fd, (struct report){ AT_EXEC, errno });
}

/* ---- the parent's side */

static char **argv_of(const struct fl_child_spec *spec)
{
	size_t n = 0;
	char **argv;

	while (spec->args && spec->args[n])
		n++;
	argv = fl_zalloc(n + 2, sizeof(*argv));
	argv[0] = (char *)(uintptr_t)spec->program;
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = (char *)(uintptr_t)spec->args[i];
	return argv;
}

/* Waits until exec has closed the pipe, or for what went wrong before it. */
static int read_report(int fd, const struct fl_child_spec *spec, struct fl_err *err)
{
	struct fl_text cpus = { 0 };
	struct report r;
	ssize_t n;

	do
		n = read(fd, &r, sizeof(r));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(r))
		return 0;
	if (r.at != AT_CPUS)
		return fl_fail(err, -r.code, "start '%s': %s", spec->program, strerror(r.code));
	fl_cpus_format(spec->cpus, &cpus);
	fl_fail(err, -r.code, "run '%s' on CPUs %s: %s", spec->program, fl_text_str(&cpus), strerror(r.code));
	fl_text_release(&cpus);
	return -r.code;
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_child_fds(struct fl_child *child)
{
	close_if_open(&child->pid_fd);
	close_if_open(&child->out_fd);
	close_if_open(&child->err_fd);
	child->pid = -1;
}

struct pipes {
	int in_fd;
	int out[2], err[2], report[2];
};

/* A pipe that already holds all that is to be read from it; it has room for that, so that nobody waits. */
static int open_input(const char *input)
{
	size_t n = input ? strlen(input) : 0;
	int fds[2];

	if (!input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (n > FL_CHILD_INPUT_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	if (write(fds[1], input, n) != (ssize_t)n) {
		close(fds[0]);
		fds[0] = -1;
	}
	close(fds[1]);
	return fds[0];
}

static int open_pipes(struct pipes *p, const char *input, bool merge, struct fl_err *err)
{
	*p = (struct pipes){ .in_fd = open_input(input), .out = { -1, -1 }, .err = { -1, -1 }, .report = { -1, -1 } };
	if (p->in_fd < 0 || pipe2(p->out, O_CLOEXEC) < 0 || (!merge && pipe2(p->err, O_CLOEXEC) < 0) ||
	    pipe2(p->report, O_CLOEXEC) < 0) {
		fl_fail(err, -errno, "make pipes for a child: %s", strerror(errno));
		return fl_hint(err, "raise the limit of open files (ulimit -n)");
	}
	fcntl(p->out[0], F_SETFL, O_NONBLOCK);
	if (!merge)
		fcntl(p->err[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void close_pipes(struct pipes *p)
{
	close_if_open(&p->in_fd);
	for (int i = 0; i < 2; i++) {
		close_if_open(&p->out[i]);
		close_if_open(&p->err[i]);
		close_if_open(&p->report[i]);
	}
}

int fl_child_start(const struct fl_child_spec *spec, struct fl_child *ret, struct fl_err *err)
{
	static char *const empty[] = { NULL };
	struct fl_child child = { .pid = -1, .pid_fd = -1, .out_fd = -1, .err_fd = -1 };
	struct pipes p;
	pid_t parent = getpid();
	char **argv = argv_of(spec);
	int rc = open_pipes(&p, spec->input, spec->merge_output, err);

	if (rc < 0)
		goto close_pipes;
	child.pid = fork();
	if (child.pid == 0) {
		const int fds[4] = { p.in_fd, p.out[1], spec->merge_output ? p.out[1] : p.err[1], p.report[1] };

		run_child(spec, parent, fds, argv, spec->env ? (char *const *)(uintptr_t)spec->env : empty);
	}
	if (child.pid < 0) {
		rc = fl_fail(err, -errno, "fork: %s", strerror(errno));
		goto close_pipes;
	}
	close_if_open(&p.report[1]);
	child.pid_fd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	if (child.pid_fd < 0) {
		rc = fl_fail(err, -errno, "watch a child: %s", strerror(errno));
		goto kill_child;
	}
	rc = read_report(p.report[0], spec, err);
	if (rc < 0)
		goto kill_child;
	child.out_fd = p.out[0];
	child.err_fd = p.err[0];
	p.out[0] = p.err[0] = -1;
	*ret = child;
	goto close_pipes;

kill_child:
	fl_child_kill(&child);
close_pipes:
	close_pipes(&p);
	free(argv);
	return rc;
}

int fl_child_reap(struct fl_child *child)
{
	int status = -1;

	if (!child || child->pid <= 0)
		return -1;
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	close_child_fds(child);
	return status;
}

void fl_child_signal(const struct fl_child *child)
{
	if (!child || child->pid <= 0)
		return;
	kill(-child->pid, SIGKILL);
	kill(child->pid, SIGKILL);
}

/* Until it has ended, or the deadline. Without a descriptor to wait with there is nothing to wait for. */
static void await_end(const struct fl_child *child, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = child->pid_fd, .events = POLLIN };
	int n;

	do {
		uint64_t now_ns = fl_now_ns();

		n = p.fd < 0 ? 1 : poll(&p, 1, deadline_ns > now_ns ? (int)((deadline_ns - now_ns) / 1000000) + 1 : 0);
	} while (n < 0 && errno == EINTR);
}

/* Also one that has ended may not be given to us: a debugger gets it first. */
int fl_child_kill_by(struct fl_child *child, uint64_t deadline_ns)
{
	int status = -1;
	pid_t reaped;

	if (!child || child->pid <= 0)
		return -1;
	fl_child_signal(child);
	await_end(child, deadline_ns);
	while ((reaped = waitpid(child->pid, &status, WNOHANG)) == 0 && fl_now_ns() < deadline_ns)
		fl_sleep_until(fl_now_ns() + 1000000);
	close_child_fds(child);
	return reaped > 0 ? status : -1;
}

int fl_child_kill(struct fl_child *child)
{
	return fl_child_kill_by(child, fl_now_ns() + UINT64_C(2000000000));
}

void fl_child_how(int wait_status, char *buf, size_t room)
{
	struct fl_text t = { 0 };

	if (wait_status >= 0 && WIFEXITED(wait_status))
		fl_text_add(&t, "exited with status %d", WEXITSTATUS(wait_status));
	else if (wait_status >= 0 && WIFSIGNALED(wait_status))
		fl_text_add(&t, "was killed by SIG%s", sigabbrev_np(WTERMSIG(wait_status)));
	else
		fl_text_add(&t, "is stuck in the kernel and was abandoned");
	fl_copy(buf, room, fl_text_str(&t));
	fl_text_release(&t);
}

/* ---- run to the end */

/* Moves what the pipe holds into *out, up to max_bytes. 1: more may come; 0: end of file; -EFBIG. */
static int drain(int fd, size_t max_bytes, struct fl_text *out)
{
	char buf[16384];

	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 1 : 0;
		if (n == 0)
			return 0;
		if (out->n + (size_t)n > max_bytes)
			return -EFBIG;
		fl_text_put(out, buf, (size_t)n);
	}
}

static const char *last_line(struct fl_text *text)
{
	char *line;

	while (text->n && (text->bytes[text->n - 1] == '\n' || text->bytes[text->n - 1] == ' '))
		text->bytes[--text->n] = 0;
	line = text->n ? strrchr(text->bytes, '\n') : NULL;
	return line ? line + 1 : fl_text_str(text);
}

/* Both pipes until they end, or until the child has ended (a grandchild may hold them open). */
static int collect(struct fl_child *child, uint64_t deadline_ns, size_t max_bytes, struct fl_text *out,
		   struct fl_text *complaint)
{
	struct pollfd p[] = { { .fd = child->out_fd, .events = POLLIN },
			      { .fd = child->err_fd, .events = POLLIN },
			      { .fd = child->pid_fd, .events = POLLIN } };
	enum { COMPLAINT_MAX = 16384 };

	for (;;) {
		uint64_t now_ns = fl_now_ns();
		int more;

		if (now_ns >= deadline_ns)
			return -ETIMEDOUT;
		if (poll(p, 3, (int)((deadline_ns - now_ns) / 1000000 + 1)) < 0 && errno != EINTR)
			return -errno;
		more = drain(child->out_fd, max_bytes, out);
		if (more < 0)
			return more;
		p[0].fd = more ? child->out_fd : -1;
		more = drain(child->err_fd, COMPLAINT_MAX, complaint);
		p[1].fd = more == 1 ? child->err_fd : -1; /* a flood of complaints is cut, not an error */
		if (p[2].revents)
			return 0;
	}
}

int fl_child_output(const struct fl_child_spec *spec, uint64_t limit_ns, size_t max_bytes, struct fl_text *out,
		    struct fl_err *err)
{
	struct fl_text got = { 0 }, complaint = { 0 };
	struct fl_child child;
	char how[64];
	int status, rc;

	rc = fl_child_start(spec, &child, err);
	if (rc < 0)
		return rc;
	rc = collect(&child, fl_now_ns() + limit_ns, max_bytes, &got, &complaint);
	status = rc < 0 ? fl_child_kill(&child) : fl_child_reap(&child);
	if (rc == -ETIMEDOUT)
		fl_fail(err, rc, "'%s' did not answer within %.0f s", spec->program, (double)limit_ns / 1e9);
	else if (rc < 0)
		fl_fail(err, rc, "'%s': %s", spec->program, rc == -EFBIG ? "its output is too long" : strerror(-rc));
	else if (status != 0) {
		fl_child_how(status, how, sizeof(how));
		rc = complaint.n ? fl_fail(err, -ECHILD, "%s", last_line(&complaint))
				 : fl_fail(err, -ECHILD, "'%s' %s", spec->program, how);
	} else
		fl_text_put(out, got.bytes ? got.bytes : "", got.n);
	fl_text_release(&got);
	fl_text_release(&complaint);
	return rc;
}
