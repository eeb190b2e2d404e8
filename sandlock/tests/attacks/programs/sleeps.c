/*
 * Asks for changes that sleep in the kernel, each by a process of its own, and makes other calls that are answered outside the process: how
 * many still wait, and how long the longest of the others took.
 *
 * sleeps lock WRITERS MIB ...     changes a file whose inode writers have locked, one after the other
 * sleeps file PATH COUNT ...      changes a file of a file system that does not answer, COUNT times
 * ... MILLISECONDS [end]          when it counts; then it goes on for ever, or ends
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int file;
static const char *path;
static char *source;
static size_t size;

static void *writer(void *unused)
{
	(void)unused;
	for (;;)
		pwrite(file, source, size, 0);
	return 0;
}

static void lock(int writers)
{
	file = memfd_create("locked", 0);
	source = mmap(0, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fork())
		return;
	pthread_t thread;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < writers; i++)
		pthread_create(&thread, &attr, writer, 0);
	for (;;)
		pause();
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void change_file(int how)
{
	switch (how) {
	case 0: fchmod(file, 0600); break;
	case 1: fchown(file, -1, -1); break;
	case 2: futimens(file, 0); break;
	case 3: fsetxattr(file, "user.a", "b", 1, 0); break;
	case 4: fremovexattr(file, "user.a"); break;
	}
}

/* The last two are about sockets, which this file is not; but the process that looks has a duplicate to close. */
static void change_path(int how)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	strncpy(name.sun_path, path, sizeof name.sun_path - 1);
	switch (how % 7) {
	case 0: chmod(path, 0600); break;
	case 1: fchmod(open(path, O_RDONLY), 0600); break;
	case 2: utimensat(AT_FDCWD, path, 0, 0); break;
	case 3: setxattr(path, "user.a", "b", 1, 0); break;
	case 4: lchown(path, -1, -1); break;
	case 5: listen(open(path, O_RDONLY), 1); break;
	case 6: connect(open(path, O_RDONLY), (void *)&name, sizeof name); break;
	}
	/* The kernel asks the file system when a process ends and its files are closed: not before it is counted. */
	kill(getpid(), SIGSTOP);
}

int main(int argc, char **argv)
{
	int locks = !strcmp(argv[1], "lock"), count = locks ? 5 : atoi(argv[3]), waiting = 0, n = 0;
	double longest = 0, end = now() + atoi(argv[4]);
	path = argv[2];
	if (argc > 5)
		setpgid(0, 0);
	if (locks) {
		size = (size_t)atoi(argv[3]) << 20;
		lock(atoi(argv[2]));
		usleep(300000);
	}
	int changes[32];
	for (int how = 0; how < count; how++)
		if (!(changes[how] = fork())) {
			if (locks)
				change_file(how);
			else
				change_path(how);
			_exit(0);
		}
	int mine = memfd_create("mine", 0);
	for (; now() < end; n++) {
		double start = now();
		/* A change may be one too many. */
		if (count < 8)
			fchmod(mine, 0600 + (n & 1));
		int type, s = socket(AF_UNIX, SOCK_STREAM, 0);
		socklen_t len = sizeof type;
		getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &len);
		close(s);
		if (now() - start > longest)
			longest = now() - start;
		usleep(1000);
	}
	for (int how = 0; how < count; how++)
		waiting += waitpid(changes[how], 0, WNOHANG | WUNTRACED) == 0;
	printf("%d of %d wait, %s others, %s\n", waiting, count, n < 100 ? "few" : "many",
	       longest < 1000 ? "in time" : "late");
	fflush(stdout);
	if (argc > 5)
		kill(0, SIGKILL);
	for (;;)
		pause();
}
