/* SPDX-License-Identifier: Apache-2.0 */
/* feedline-mpi LINE_FD LISTEN_FD PROGRAM ARGV...: between two lives of feedline, in every rank of an mpirun. Gives all
 * ranks the line that rank 0 has at LINE_FD, gathers the names of the hosts, ends MPI, and becomes PROGRAM with that
 * ARGV. In the environment it leaves FEEDLINE_MPI=FD,LISTEN_FD: memory that nobody can change any more, with the line
 * and the names behind it, one a line, by rank; and the socket of rank 0, which it only hands on. */
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINE_ROOM = 8192, LIMIT_SECONDS = 60, STATUS_NOT_MEASURED = 3 };

static _Noreturn void give_up(const char *what, const char *why)
{
	fprintf(stderr, "feedline: %s: %s\n", what, why);
	exit(STATUS_NOT_MEASURED); /* without MPI_Finalize: mpirun ends the others */
}

static void too_late(int number)
{
	static const char text[] = "feedline: the ranks did not find each other by MPI within 60 s; "
				   "try: mpirun --mca btl_tcp_if_include INTERFACE ...\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)number;
	(void)ignored;
	_exit(STATUS_NOT_MEASURED);
}

/* TCP alone, so that no device that will be measured is touched. */
static void choose_transport(void)
{
	setenv("OMPI_MCA_pml", "ob1", 1);
	setenv("OMPI_MCA_btl", "self,tcp", 1);
	setenv("OMPI_MCA_osc", "^ucx", 1);
}

/* -1: it is none. */
static int descriptor(const char *text)
{
	int fd = 0;

	for (; *text >= '0' && *text <= '9' && fd < 1000000; text++)
		fd = fd * 10 + (*text - '0');
	return *text ? -1 : fd;
}

static void read_line(int fd, char line[LINE_ROOM])
{
	ssize_t n = pread(fd, line, LINE_ROOM - 1, 0);

	if (n <= 0 || line[n - 1] != '\n')
		give_up("read the line of rank 0", n < 0 ? strerror(errno) : "it is not whole");
	line[n] = 0;
}

static void put(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);

		if (done < 0)
			give_up("write into memory", strerror(errno));
		text += done;
		n -= (size_t)done;
	}
}

/* malloc'd, one name in every MPI_MAX_PROCESSOR_NAME bytes. */
static char *gather_names(int size)
{
	char own[MPI_MAX_PROCESSOR_NAME] = "";
	char *all = calloc((size_t)size, sizeof(own));
	int n;

	if (!all)
		give_up("names of hosts", "no memory");
	MPI_Get_processor_name(own, &n);
	MPI_Allgather(own, sizeof(own), MPI_CHAR, all, sizeof(own), MPI_CHAR, MPI_COMM_WORLD);
	return all;
}

static int keep(const char *line, const char *names, int size)
{
	int fd = memfd_create("feedline-line", MFD_ALLOW_SEALING);

	if (fd < 0)
		give_up("make memory", strerror(errno));
	put(fd, line, strlen(line));
	for (int i = 0; i < size; i++) {
		const char *name = names + (size_t)i * MPI_MAX_PROCESSOR_NAME;

		put(fd, name, strnlen(name, MPI_MAX_PROCESSOR_NAME - 1));
		put(fd, "\n", 1);
	}
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		give_up("seal memory", strerror(errno));
	return fd;
}

/* What MPI has opened and not closed again is not for those who come after it. */
static void close_others(int a, int b)
{
	int low = b >= 0 && b < a ? b : a, high = b > a ? b : a;

	if (low > 3)
		close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0U, 0);
}

int main(int argc, char **argv)
{
	char line[LINE_ROOM] = "", fds[32];
	int rank, size, fd, listen_fd = argc > 2 ? descriptor(argv[2]) : -1;
	char *names;

	if (argc < 5) {
		fprintf(stderr, "feedline-mpi: feedline starts this program, nobody else\n");
		return 2;
	}
	signal(SIGALRM, too_late);
	alarm(LIMIT_SECONDS);
	choose_transport();
	MPI_Init(NULL, NULL);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	if (rank == 0)
		read_line(descriptor(argv[1]), line);
	MPI_Bcast(line, sizeof(line), MPI_CHAR, 0, MPI_COMM_WORLD);
	names = gather_names(size);
	MPI_Finalize();
	fd = keep(line, names, size);
	free(names);
	explicit_bzero(line, sizeof(line));
	alarm(0);
	signal(SIGALRM, SIG_DFL);
	close_others(fd, listen_fd);
	snprintf(fds, sizeof(fds), "%d,%d", fd, listen_fd);
	setenv("FEEDLINE_MPI", fds, 1);
	execv(argv[3], argv + 4);
	give_up(argv[3], strerror(errno));
}
