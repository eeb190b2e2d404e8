/* Calls that are answered outside the process, with the odd arguments that the kernel has a rule for: what each returns.
 * Run in an empty directory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NOBODY 0x7ffffffe
#define BAD ((void *)8)
/* What a call returns, by the words that make it. */
#define R(call) result(#call, (call))

static void result(const char *name, long value)
{
	if (value < 0)
		printf("%s: %s\n", name, strerrorname_np(errno));
	else
		printf("%s: %ld\n", name, value);
}

static char name_255[256], name_256[257], path_4095[4096], path_4096[4097];

static void paths(void)
{
	int file = open("file", O_CREAT | O_RDWR, 0600), pinned = open("file", O_PATH), dir = open(".", O_PATH);
	struct timespec omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } }, bad[2] = { { 0, -1 }, { 0, 2000000000 } };
	struct timeval tv[2] = { { 0, -1 }, { 0, 0 } };
	memset(name_255, 'n', 255), memset(name_256, 'n', 256);
	memset(path_4095, '/', 4095), memset(path_4096, '/', 4096);
	path_4095[0] = path_4096[0] = '.';
	memcpy(path_4095 + 4091, "file", 4), memcpy(path_4096 + 4092, "file", 4);
	mkdir("dir", 0700), mkfifo("fifo", 0600), symlink("loop", "loop");
	symlink("file", "link"), symlink("none", "dangling");
	R(chmod("file", 0640));
	R(chmod("link", 0644));
	R(chmod("dangling", 0644));
	R(chmod("loop", 0644));
	R(chmod("fifo", 0644));
	R(chmod("", 0644));
	R(chmod(BAD, 0644));
	R(chmod("none", 0644));
	R(chmod("file/", 0644));
	R(chmod("file/x", 0644));
	R(chmod("dir/", 0700));
	R(chmod("dir/.", 0700));
	R(chmod("dir/..", 0700));
	R(chmod("./dir//", 0700));
	R(chmod(name_255, 0));
	R(chmod(name_256, 0));
	R(chmod(path_4095, 0755));
	R(chmod(path_4096, 0755));
	R(chmod("file", 0100000));
	R(chmod("file", 01600));
	R(fchmodat(-1, "file", 0600, 0));
	R(fchmodat(-1, "/nonexistent", 0600, 0));
	R(fchmodat(file, "x", 0600, 0));
	R(fchmodat(dir, "file", 0600, 0));
	R(fchmodat(dir, "", 0600, 0));
	R(fchmodat(999, "file", 0600, 0));
	R(fchmod(pinned, 0600));
	R(fchmod(-1, 0600));
	R(fchmod(999, 0600));
	R(fchmod(dir, 0700));
	R(chown("file", -1, -1));
	R(chown("none", -1, -1));
	R(lchown("dangling", -1, -1));
	R(fchown(pinned, -1, -1));
	R(fchown(999, -1, -1));
	R(fchownat(AT_FDCWD, "link", -1, -1, AT_SYMLINK_NOFOLLOW));
	R(fchownat(AT_FDCWD, "file", -1, -1, 0x40000000));
	R(fchownat(dir, "", -1, -1, AT_EMPTY_PATH));
	R(fchownat(pinned, "", -1, -1, AT_EMPTY_PATH));
	R(fchownat(pinned, "", -1, -1, 0));
	R(fchownat(-1, "", -1, -1, AT_EMPTY_PATH));
	R(utimensat(AT_FDCWD, "none", omit, 0));
	R(utimensat(AT_FDCWD, "file", bad, 0));
	R(utimensat(AT_FDCWD, "file", BAD, 0));
	R(utimensat(AT_FDCWD, "link", 0, AT_SYMLINK_NOFOLLOW));
	R(utimensat(AT_FDCWD, "file", 0, 0x40000000));
	R(utimensat(AT_FDCWD, 0, 0, 0));
	R(futimens(pinned, 0));
	R(futimens(file, omit));
	R(futimens(999, omit));
	R(utimes("file", tv));
	R(utimes("none", 0));
	R(utimes("file", 0));
	int gone = open("dir", O_RDONLY), unlinked = open("unlinked", O_CREAT | O_RDWR, 0600);
	int nameless = open(".", O_TMPFILE | O_RDWR, 0600), pair[2];
	rmdir("dir"), unlink("unlinked"), pipe(pair);
	R(fchmod(gone, 0700));
	R(futimens(gone, 0));
	R(fchmod(unlinked, 0640));
	R(futimens(unlinked, 0));
	R(fchmod(nameless, 0640));
	R(fchown(unlinked, -1, -1));
	R(fchmod(eventfd(0, 0), 0600));
	R(fchmod(pair[0], 0600));
	R(fchmod(socket(AF_UNIX, SOCK_STREAM, 0), 0600));
	R(futimens(pair[0], 0));
}

static void attributes(void)
{
	static char big[65537];
	int file = open("file", O_RDWR), pinned = open("file", O_PATH);
	R(fsetxattr(file, "user.a", "b", 1, 0));
	R(fsetxattr(file, "user.a", "b", 1, XATTR_CREATE));
	R(fsetxattr(file, "user.none", "b", 1, XATTR_REPLACE));
	R(fsetxattr(file, "user.a", "b", 1, 99));
	R(fsetxattr(file, "user.a", 0, 0, 0));
	R(fsetxattr(file, "user.a", 0, 5, 0));
	R(fsetxattr(file, "user.a", BAD, 5, 0));
	R(fsetxattr(file, "user.a", big, 3000, 0));
	R(fsetxattr(file, "user.a", big, 65536, 0));
	R(fsetxattr(file, "user.a", big, 65537, 0));
	R(fsetxattr(file, "user.a", big, -1, 0));
	R(fsetxattr(file, "", "b", 1, 0));
	R(fsetxattr(file, "user.", "b", 1, 0));
	R(fsetxattr(file, "none", "b", 1, 0));
	R(fsetxattr(file, name_255, "b", 1, 0));
	R(fsetxattr(file, name_256, "b", 1, 0));
	/* What comes after a name or a path that is too long has neither. */
	R(futimens(file, 0));
	R(fsetxattr(file, BAD, "b", 1, 0));
	R(fsetxattr(pinned, "user.a", "b", 1, 0));
	R(fsetxattr(999, "user.a", "b", 1, 0));
	R(setxattr("none", "user.a", "b", 1, 0));
	R(lsetxattr("link", "user.a", "b", 1, 0));
	R(setxattr("link", "user.a", "b", 1, 0));
	R(fremovexattr(file, "user.a"));
	R(fremovexattr(file, "user.a"));
	R(removexattr("file", name_256));
	R(utimensat(AT_FDCWD, "file", 0, 0));
	R(removexattr("none", "user.a"));
	R(lremovexattr("link", "user.a"));
	R(fremovexattr(pinned, "user.a"));
}

static void processes(void)
{
	struct sched_param param = { 0 };
	struct rlimit limit = { 0, 0 };
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	R(sched_setaffinity(NOBODY, sizeof cpus, &cpus));
	R(sched_setparam(NOBODY, &param));
	R(sched_setscheduler(NOBODY, SCHED_OTHER, &param));
	R(sched_setscheduler(-1, SCHED_OTHER, &param));
	R(setpriority(PRIO_PROCESS, NOBODY, 5));
	/* Other processes keep their nice value: it is that of this one. */
	int own = getpriority(PRIO_PROCESS, 0);
	R(setpriority(PRIO_PGRP, 0, own));
	R(setpriority(PRIO_USER, 0, own));
	R(setpriority(9, 0, own));
	R(setpriority(PRIO_PROCESS, getpid(), 1));
	R(prlimit(NOBODY, RLIMIT_NOFILE, 0, &limit));
	R(prlimit(getpid(), RLIMIT_NOFILE, 0, &limit));
	R(prlimit(getpid(), 99, 0, &limit));
	R(setpgid(NOBODY, 0));
	R(setpgid(-1, 0));
	R(setpgid(0, -1));
	R(setpgid(0, NOBODY));
	R(personality(0xffffffff));
	R(personality(PER_LINUX32));
	R(fcntl(0, F_SETOWN, NOBODY));
	R(fcntl(999, F_SETOWN, getpid()));
	R(fcntl(999, F_SETFL, 0));
	R(fcntl(open(".", O_PATH), F_SETFL, O_NONBLOCK));
}

static void sockets(void)
{
	int tcp = socket(AF_INET, SOCK_STREAM, 0), un = socket(AF_UNIX, SOCK_STREAM, 0), file = open("file", O_RDWR), value;
	struct sockaddr_storage any = { .ss_family = AF_UNSPEC }, six = { .ss_family = AF_INET6 };
	struct sockaddr_un to_file = { AF_UNIX, "file" }, to_none = { AF_UNIX, "none" }, to_dir = { AF_UNIX, "." };
	struct sockaddr_un unnamed = { AF_UNIX, "" };
	struct linger linger = { 1, 0 };
	socklen_t len;
	struct sockaddr *a = (void *)&any;
	R(listen(tcp, 5));
	R(listen(un, 5));
	R(listen(999, 5));
	R(listen(file, 5));
	R(listen(eventfd(0, 0), 5));
	R(connect(999, a, 16));
	R(connect(file, a, 16));
	R(connect(tcp, a, 16));
	R(connect(tcp, a, 0));
	R(connect(tcp, a, 1));
	R(connect(tcp, a, -1));
	R(connect(tcp, a, 129));
	R(connect(tcp, BAD, 16));
	R(connect(tcp, (void *)&six, 28));
	R(connect(tcp, (void *)&six, 16));
	R(connect(un, a, 16));
	R(connect(un, (void *)&six, 28));
	R(connect(un, (void *)&to_file, sizeof to_file));
	R(connect(un, (void *)&to_none, sizeof to_none));
	R(connect(un, (void *)&to_dir, sizeof to_dir));
	R(connect(un, (void *)&unnamed, 2));
	R(connect(un, (void *)&to_file, 111));
	len = 4;
	R(getsockopt(tcp, SOL_SOCKET, SO_TYPE, &value, &len));
	len = -1;
	R(getsockopt(tcp, SOL_SOCKET, SO_TYPE, &value, &len));
	len = 2;
	R(getsockopt(tcp, SOL_SOCKET, SO_TYPE, &value, &len));
	R(len);
	len = 4;
	R(getsockopt(file, SOL_SOCKET, SO_TYPE, &value, &len));
	R(getsockopt(999, SOL_SOCKET, SO_DOMAIN, &value, &len));
	R(getsockopt(tcp, SOL_SOCKET, SO_PROTOCOL, BAD, &len));
	R(getsockopt(tcp, SOL_SOCKET, SO_TYPE, &value, BAD));
	len = 128;
	R(getsockname(file, a, &len));
	R(getsockname(999, a, &len));
	R(getsockname(tcp, BAD, &len));
	R(getsockname(tcp, a, BAD));
	R(getpeername(tcp, a, &len));
	len = -1;
	R(getsockname(tcp, a, &len));
	R(bind(file, a, 16));
	R(bind(999, a, 16));
	R(bind(tcp, BAD, 16));
	R(bind(un, (void *)&to_file, sizeof to_file));
	R(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
	R(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, 4));
	R(setsockopt(tcp, SOL_SOCKET, SO_LINGER, BAD, 8));
	R(setsockopt(file, SOL_SOCKET, SO_LINGER, &linger, 8));
	R(setsockopt(999, SOL_SOCKET, SO_LINGER, &linger, 8));
	R(setsockopt(tcp, SOL_SOCKET, SO_SNDTIMEO, BAD, 16));
	R(setsockopt(tcp, SOL_SOCKET, SO_SNDTIMEO, &linger, 8));
}

static void memory(void)
{
	char link[64], path[64];
	name_255[249] = 0;
	int named = memfd_create(name_255, 0), plain = memfd_create("x", MFD_CLOEXEC);
	R(named < 0 ? -1 : 0);
	R(fcntl(plain, F_GETFD));
	R(fcntl(plain, F_GETFL));
	R(memfd_create(BAD, 0));
	R(memfd_create(name_256, 0));
	R(memfd_create("x", 0x4000));
	R(memfd_create("x", MFD_ALLOW_SEALING) < 0 ? -1 : 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", plain);
	link[readlink(path, link, sizeof link - 1)] = 0;
	puts(link);
}

/* A tree deeper than a path is long. */
static void deep(void)
{
	char start[4096], component[201];
	memset(component, 'd', 200), component[200] = 0;
	getcwd(start, sizeof start);
	for (int depth = 1; depth <= 25; depth++) {
		if (mkdir(component, 0700) || chdir(component))
			exit(1);
		int file = open("f", O_CREAT | O_RDWR, 0600);
		int a = chmod("f", 0644) ? errno : 0, b = fchmod(file, 0640) ? errno : 0;
		int c = utimensat(AT_FDCWD, "f", 0, 0) ? errno : 0;
		close(file);
		if (depth % 6 == 0)
			printf("depth %d: %s %s %s\n", depth, strerrorname_np(a), strerrorname_np(b), strerrorname_np(c));
	}
	chdir(start);
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	umask(022);
	paths(), attributes(), processes(), sockets(), memory(), deep();
}
