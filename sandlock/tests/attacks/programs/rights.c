/*
 * Sends descriptors to the kernel, by a netlink socket: prints the results of the sends, whether a descriptor
 * is kept, and how long another process waits for its answers while messages with many descriptors, each
 * slow to close, are sent all the time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int give(int s, const int *fds, int n, int many)
{
	struct { struct nlmsghdr n; struct rtgenmsg g; char pad[3]; } q = { 0 };
	q.n = (struct nlmsghdr){ 20, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 };
	union { struct cmsghdr h; char room[CMSG_SPACE(100 * sizeof(int))]; } control;
	struct iovec part = { &q, 20 };
	struct mmsghdr m = { { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control } };
	m.msg_hdr.msg_controllen = CMSG_SPACE(n * sizeof(int));
	control.h = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.h), fds, n * sizeof(int));
	int r = many ? sendmmsg(s, &m, 1, 0) : sendmsg(s, &m.msg_hdr, 0);
	if (r < 0)
		r = -errno;
	char answer[8192];
	while (recv(s, answer, sizeof answer, MSG_DONTWAIT) > 0)
		;
	return r;
}

/* Whether a descriptor that was sent and closed here is closed. */
static void kept(int s, int many)
{
	int p[2];
	pipe(p);
	int r = give(s, &p[1], 1, many);
	close(p[1]);
	struct pollfd end = { p[0], POLLIN, 0 };
	poll(&end, 1, 1000);
	printf("%s: %d, %s\n", many ? "sendmmsg" : "sendmsg", r, end.revents & POLLHUP ? "closed" : "kept");
	close(p[0]);
}

static void flood(int s, double until)
{
	int fds[100], watched = inotify_init1(0);
	inotify_add_watch(watched, ".", IN_OPEN);
	while (now() < until) {
		int n = 0;
		for (; n < 100; n++) {
			if ((fds[n] = n % 2 ? inotify_init1(0) : epoll_create1(0)) < 0)
				break;
			if (n % 2)
				inotify_add_watch(fds[n], ".", IN_OPEN);
		}
		if (n)
			give(s, fds, n, 0);
		for (int i = 0; i < n; i++)
			close(fds[i]);
	}
}

int main(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), full[100], n = 0;
	kept(s, 0);
	kept(s, 1);
	for (; n < 100; n++)
		full[n] = 0;
	printf("100: %d\n", give(s, full, 100, 0));
	full[0] = 999;
	printf("none: %d\n", give(s, full, 1, 0));
	fflush(stdout);
	double until = now() + 1500;
	int flooder = fork(), late = 0, calls = 0;
	if (!flooder) {
		flood(s, until);
		_exit(0);
	}
	for (; now() < until; calls++) {
		double start = now();
		int other = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), type;
		socklen_t len = sizeof type;
		getsockopt(other, SOL_SOCKET, SO_TYPE, &type, &len);
		close(other);
		late += now() - start > 100;
		usleep(1000);
	}
	waitpid(flooder, 0, 0);
	printf("%s calls, %s\n", calls > 100 ? "many" : "few", late < 4 ? "in time" : "late");
}
