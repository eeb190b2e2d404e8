/*
 * Asks for a signal from a file, by every way there is, for every kind of file, on behalf of others: what a way comes to.
 * Arguments: processes that are to get it. "hold" N: asks a terminal for signal N, and goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *kinds[] = { "pipe", "unix", "terminal", "netlink" };
static const char *owners[] = { "none", "F_SETOWN", "F_SETOWN group", "F_SETOWN_EX thread", "F_SETOWN_EX process",
				"F_SETOWN_EX group", "FIOSETOWN", "SIOCSPGRP" };
static const char *asyncs[] = { "F_SETFL", "FIOASYNC" };
static volatile int signalled, number_of_file;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	signalled++;
	number_of_file = info->si_fd;
}

/* A file that can be read as soon as something is written to the other. */
static int make(int kind, int *other)
{
	int fds[2] = { -1, -1 };
	if (kind == 0)
		pipe(fds);
	else if (kind == 1)
		socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	else if (kind == 2) {
		fds[0] = posix_openpt(O_RDWR | O_NOCTTY);
		unlockpt(fds[0]);
		fds[1] = ioctl(fds[0], TIOCGPTPEER, O_RDWR | O_NOCTTY);
	} else
		fds[0] = fds[1] = socket(AF_NETLINK, SOCK_RAW, 0);
	*other = fds[1];
	return fds[0];
}

static int own(int fd, int how, int pid)
{
	struct f_owner_ex ex = { how == 3 ? F_OWNER_TID : how == 4 ? F_OWNER_PID : F_OWNER_PGRP, pid };
	switch (how) {
	case 0: return 0;
	case 1: return fcntl(fd, F_SETOWN, pid);
	case 2: return fcntl(fd, F_SETOWN, -pid);
	case 6: return ioctl(fd, FIOSETOWN, &pid);
	case 7: return ioctl(fd, SIOCSPGRP, &pid);
	}
	return fcntl(fd, F_SETOWN_EX, &ex);
}

static int make_async(int fd, int how)
{
	int on = 1;
	return how ? ioctl(fd, FIOASYNC, &on) : fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static void event(int kind, int fd, int other)
{
	struct { struct nlmsghdr n; struct rtgenmsg g; } q = { { 20, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { 0 } };
	if (kind == 3)
		send(other, &q, 20, 0);
	else
		write(other, "x\n", 2);
	struct pollfd there = { fd, POLLIN, 0 };
	poll(&there, 1, 1000);
}

/* The errno of the first step that fails; the caller may be signalled instead. */
static int attempt(int kind, int async, int how, int pid, int signal)
{
	int other, fd = make(kind, &other);
	if (fd < 0 || other < 0)
		return 255;
	if (own(fd, how, pid) || (signal && fcntl(fd, F_SETSIG, signal)) || make_async(fd, async))
		return errno;
	event(kind, fd, other);
	return 0;
}

static char state(int pid)
{
	char path[64], text[512] = "", *end;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *file = fopen(path, "r");
	if (!file)
		return 'X';
	fgets(text, sizeof text, file);
	fclose(file);
	end = strrchr(text, ')');
	return end ? end[2] : 'X';
}

/* In a process and group of its own, for the signal may be its own. */
static void strike(int kind, int async, int how, int pid, int signal)
{
	int status, child = fork();
	if (!child) {
		setpgid(0, 0);
		_exit(attempt(kind, async, how, pid, signal));
	}
	waitpid(child, &status, WUNTRACED);
	/* One that was signalled needs a moment to stop. */
	for (int i = 0; i < 200 && how && WIFEXITED(status) && !WEXITSTATUS(status) && !strchr("TXZ", state(pid)); i++)
		usleep(1000);
	const char *came = "nothing";
	char text[64];
	if (strchr("TXZ", state(pid))) {
		came = "the victim is hit";
		kill(pid, SIGCONT);
	} else if (WIFEXITED(status) && WEXITSTATUS(status)) {
		snprintf(text, sizeof text, "%s", strerrorname_np(WEXITSTATUS(status)));
		came = text;
	} else if (WIFSTOPPED(status) || WIFSIGNALED(status))
		came = "the caller is hit";
	if (WIFSTOPPED(status)) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
	}
	/* A call that is answered by a process outside still is. */
	int type, s = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof type;
	if (getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &len))
		came = "no answer";
	close(s);
	printf("%s, %s, %s, %d: %s\n", kinds[kind], owners[how], asyncs[async], signal, came);
}

/* The caller's own signal, and the descriptor that it names. */
static void mine(int kind, int async)
{
	int other, fd = make(kind, &other);
	if (fcntl(fd, F_SETSIG, SIGRTMIN) || fcntl(fd, F_SETOWN, getpid()) || make_async(fd, async))
		printf("%s, own, %s: %s\n", kinds[kind], asyncs[async], strerrorname_np(errno));
	else {
		signalled = 0;
		event(kind, fd, other);
		for (int i = 0; i < 500 && !signalled; i++)
			usleep(1000);
		printf("%s, own, %s: %s\n", kinds[kind], asyncs[async],
		       !signalled ? "no signal" : number_of_file == fd ? "its number" : "another number");
	}
	close(fd);
	close(other);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	sigaction(SIGRTMIN, &action, 0);
	if (argc == 3 && !strcmp(argv[1], "hold")) {
		int other, fd = make(2, &other);
		fcntl(fd, F_SETSIG, atoi(argv[2]));
		make_async(fd, 0);
		write(other, "x\n", 2);
		for (;;)
			pause();
	}
	for (int kind = 0; kind < 4; kind++)
		for (int async = 0; async < 2; async++)
			mine(kind, async);
	int signals[] = { SIGSTOP, SIGKILL };
	for (int i = 1; i < argc; i++)
		for (int k = 0; k < 2; k++)
			for (int kind = 0; kind < 4; kind++)
				for (int async = 0; async < 2; async++)
					for (int how = 0; how < 8; how++)
						strike(kind, async, how, atoi(argv[i]), signals[k]);
	puts("all of them");
}
