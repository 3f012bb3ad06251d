/* SPDX-License-Identifier: Apache-2.0 */
/* launch_mpi.c: mpirun has started feedline on every host. MPI only carries the line: this process becomes
 * feedline-mpi, which does that, ends MPI and becomes feedline again, with what it got in memory that nobody can change
 * any more. Nothing of MPI is there while anything is measured (an idle MPI process spins), and mpirun still sees the
 * same process: signals and exit status go their usual way. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/units.h"
#include "hosts/address.h"
#include "hosts/launch_parts.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <limits.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAMES_BYTES_MAX = FL_HOSTS_MAX * (FL_HOST_NAME_MAX + 1) };
#define COMMAND "mpirun --map-by ppr:1:node --bind-to none"
static const char came_back[] = "FEEDLINE_MPI"; /* "FD,FD": of the line, and of the socket of rank 0 or -1 */

bool fl_launch_mpi_applies(const char *hosts)
{
	unsigned long size = 0;

	(void)hosts;
	return fl_launch_number("OMPI_COMM_WORLD_SIZE", FL_HOSTS_MAX, &size, NULL) != 0 && size != 1;
}

/* ---- before MPI */

/* For all addresses, or that of the interface. */
static int listen_somewhere(const char *bind_to, int *ret_fd, uint16_t *ret_port, struct fl_err *err)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);
	int off = 0, fd, rc = fl_address_parse(bind_to, 0, &a, &n, err);

	if (rc < 0)
		return rc;
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0); /* stays open over exec */
	if (fd >= 0 && a.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, FL_HOSTS_MAX) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0) {
		rc = fl_fail(err, -errno, "listen at '%s': %s", bind_to, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*ret_fd = fd;
	*ret_port = fl_address_port(&a);
	return 0;
}

/* Memory that holds the text and is not changed any more; stays open over exec. */
static int sealed(const char *text, struct fl_err *err)
{
	int fd = memfd_create("feedline-line", MFD_ALLOW_SEALING);
	size_t n = strlen(text);

	if (fd >= 0 && write(fd, text, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return fd;
	fl_fail(err, -errno, "make memory for the line: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return err ? err->code : -EIO;
}

/* What rank 0 brings: a socket that listens, and the line for all. */
static int prepare(const struct fl_launch_spec *spec, unsigned size, int *ret_line_fd, int *ret_listen_fd,
		   struct fl_err *err)
{
	struct fl_bootstrap b = { .rank = -1, .size = size };
	char address[FL_ADDRESS_TEXT] = "";
	char *line;
	int rc = spec->interface ? fl_launch_interface(spec->interface, address, err) : 0;

	if (rc == 0)
		rc = listen_somewhere(*address ? address : "::", ret_listen_fd, &b.port, err);
	if (rc == -EAFNOSUPPORT && !*address) {
		*err = (struct fl_err){ 0 };
		rc = listen_somewhere("0.0.0.0", ret_listen_fd, &b.port, err);
	}
	if (rc < 0)
		return rc;
	b.addresses = fl_zalloc(FL_ADDRESSES_MAX, sizeof(*b.addresses));
	if (*address)
		b.addresses[b.addresses_n++] = fl_dup(address);
	else
		b.addresses_n = fl_address_own(b.addresses, FL_ADDRESSES_MAX);
	fl_secret_make(&b.secret);
	line = fl_bootstrap_format(&b);
	fl_bootstrap_release(&b);
	*ret_line_fd = rc = sealed(line, err);
	sodium_memzero(line, strlen(line));
	free(line);
	return rc < 0 ? rc : 0;
}

static int check_ranks(struct fl_err *err)
{
	unsigned long here = 1;
	int rc = fl_launch_number("OMPI_COMM_WORLD_LOCAL_SIZE", FL_HOSTS_MAX, &here, err);

	if (rc < 0)
		return rc;
	if (here > 1) {
		fl_fail(err, -EINVAL, "mpirun has started %lu ranks on one host: feedline wants one on each", here);
		return fl_hint(err, COMMAND " feedline ...");
	}
	return fl_launch_check_bound(COMMAND, err);
}

/* Does not come back, unless there is no such program. */
static int become(const struct fl_launch_spec *spec, int line_fd, int listen_fd, struct fl_err *err)
{
	char *program = fl_format("%s/libexec/feedline/feedline-mpi", spec->prefix);
	char line[12], listening[12];
	size_t n = 0;
	char **argv;
	int rc;

	while (spec->argv[n])
		n++;
	argv = fl_zalloc(n + 6, sizeof(*argv));
	snprintf(line, sizeof(line), "%d", line_fd);
	snprintf(listening, sizeof(listening), "%d", listen_fd);
	argv[0] = program;
	argv[1] = line;
	argv[2] = listening;
	argv[3] = (char *)(uintptr_t)spec->program;
	memcpy(argv + 4, spec->argv, n * sizeof(*argv));
	execv(program, argv);
	rc = -errno;
	fl_fail(err, rc, "this feedline knows no MPI: '%s': %s", program, strerror(-rc));
	fl_hint(err, "build it where Open MPI is (mpicc), or name the hosts: feedline run --hosts n1,n2");
	free(argv);
	free(program);
	return rc;
}

static int go_there(const struct fl_launch_spec *spec, unsigned rank, unsigned size, struct fl_err *err)
{
	int line_fd = -1, listen_fd = -1;
	int rc = check_ranks(err);

	if (rc == 0 && rank == 0)
		rc = prepare(spec, size, &line_fd, &listen_fd, err);
	if (rc == 0)
		rc = become(spec, line_fd, listen_fd, err);
	if (line_fd >= 0)
		close(line_fd);
	if (listen_fd >= 0)
		close(listen_fd);
	return rc;
}

/* ---- after MPI */

/* "FD", or "-1" where that is allowed. false: neither, or one of the first three. */
static bool read_fd(const char *text, bool may_lack, int *ret)
{
	uint64_t fd = 0;

	if (may_lack && !strcmp(text, "-1")) {
		*ret = -1;
		return true;
	}
	if (fl_parse_count(text, &fd, NULL) < 0 || fd <= STDERR_FILENO || fd > INT_MAX)
		return false;
	*ret = (int)fd;
	return true;
}

/* The two descriptors that the variable names; the first must be memory that nobody can change. */
static int take_back(const char *text, int *ret_line_fd, int *ret_listen_fd, struct fl_err *err)
{
	char *first = fl_dup(text), *second = strchr(first, ',');
	int line_fd = -1, listen_fd = -1, seals = 0;
	bool good = second != NULL;

	if (good)
		*second++ = 0;
	good = good && read_fd(first, false, &line_fd) && read_fd(second, true, &listen_fd);
	free(first);
	if (good)
		seals = fcntl(line_fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_WRITE))
		return fl_fail(err, -EINVAL, "the environment's %s is not from feedline-mpi", came_back);
	fcntl(line_fd, F_SETFD, FD_CLOEXEC);
	if (listen_fd >= 0)
		fcntl(listen_fd, F_SETFD, FD_CLOEXEC);
	*ret_line_fd = line_fd;
	*ret_listen_fd = listen_fd;
	unsetenv(came_back);
	return 0;
}

/* Behind the line: the names of all hosts, one a line, by rank. */
static int read_names(int fd, unsigned size, struct fl_host_list *ret, struct fl_err *err)
{
	struct fl_text names = { 0 };
	int rc = fl_file_read_open(fd, "names of hosts", NAMES_BYTES_MAX, &names, err);

	if (rc >= 0)
		rc = fl_host_list_parse(fl_text_str(&names), "names of hosts, by MPI", ret, err);
	if (rc >= 0 && ret->n != size)
		rc = fl_fail(err, -EINVAL, "MPI says %zu names of %u hosts", ret->n, size);
	fl_text_release(&names);
	return rc < 0 ? rc : 0;
}

static int go_on(struct fl_launch *l, const struct fl_launch_spec *spec, const char *fds, unsigned rank, unsigned size,
		 struct fl_err *err)
{
	struct fl_hub_spec hub = { .secret = &l->bootstrap.secret };
	int line_fd = -1, rc = take_back(fds, &line_fd, &hub.listen_fd, err);

	if (rc < 0)
		return rc;
	rc = fl_bootstrap_read(line_fd, fl_now_ns() + 1000000000, &l->bootstrap, err);
	if (rc == 0 && l->bootstrap.size != size)
		rc = fl_fail(err, -EINVAL, "the line is for %u hosts, not for %u", l->bootstrap.size, size);
	if (rc == 0)
		rc = read_names(line_fd, size, &l->hosts, err);
	close(line_fd);
	if (rc < 0)
		return rc;
	l->bootstrap.rank = (int)rank;
	l->bootstrap.host = fl_dup(l->hosts.items[rank].name);
	if (rank > 0) {
		l->role = FL_LAUNCH_AGENT;
		return 0;
	}
	rc = fl_launch_open_hub(l, spec, hub, err);
	return rc < 0 ? rc : fl_launch_here(l, spec, 0, err);
}

int fl_launch_mpi(struct fl_launch *l, const struct fl_launch_spec *spec, struct fl_err *err)
{
	const char *fds = getenv(came_back);
	unsigned long rank = 0, size = 0;
	int rc = fl_launch_number("OMPI_COMM_WORLD_SIZE", FL_HOSTS_MAX, &size, err);

	if (rc > 0 && size > 0)
		rc = fl_launch_number("OMPI_COMM_WORLD_RANK", size - 1, &rank, err);
	if (rc == 0 || size == 0) {
		fl_fail(err, -EINVAL, "launcher 'mpirun': no mpirun of Open MPI has started this feedline");
		return fl_hint(err, COMMAND " feedline ...");
	}
	if (rc < 0 || size == 1)
		return rc < 0 ? rc : 0;
	if (fds)
		return go_on(l, spec, fds, (unsigned)rank, (unsigned)size, err);
	return go_there(spec, (unsigned)rank, (unsigned)size, err);
}
