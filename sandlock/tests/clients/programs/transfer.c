/* What each way to send and to receive on a netlink socket comes to: results, addresses, flags, and whether an answer is there at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct { struct nlmsghdr n; struct rtgenmsg g; char more[44]; } q;
static struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

static int open_(int protocol) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol); }

static const char *result(long r)
{
	static char text[64];
	if (r < 0)
		snprintf(text, sizeof text, "errno %d", errno);
	else
		snprintf(text, sizeof text, "%ld", r);
	return text;
}

static void ask(void)
{
	memset(&q, 0, sizeof q);
	q.n = (struct nlmsghdr){ 20, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 };
}

/* What came: its type, its sender, and whether one came at all. */
static void got(const char *how, int s)
{
	char b[65536];
	struct sockaddr_nl from;
	memset(&from, 0xee, sizeof from);
	socklen_t len = sizeof from;
	int n = recvfrom(s, b, sizeof b, MSG_DONTWAIT, (void *)&from, &len), e = errno;
	if (n < 0)
		printf("%s: errno %d\n", how, e);
	else
		printf("%s: type %d from family %d pid %u groups %u, %u bytes\n", how, ((struct nlmsghdr *)b)->nlmsg_type,
		       from.nl_family, from.nl_pid, from.nl_groups, len);
	while (recv(s, b, sizeof b, MSG_DONTWAIT) > 0)
		;
}

static void sends(void)
{
	int s = open_(0);
	struct iovec two[3] = { { &q, 7 }, { 0, 0 }, { (char *)&q + 7, 13 } };
	struct msghdr m = { .msg_iov = two, .msg_iovlen = 3 };
	struct mmsghdr mm[3] = { { .msg_hdr = m }, { .msg_hdr = m }, { .msg_hdr = m } };
	ask();
#define TRY(call) do { long r = (call); printf("%s: %s\n", #call, result(r)); got("  at once", s); } while (0)
	TRY(send(s, &q, 20, 0));
	TRY(send(s, &q, 32, 0));
	TRY(sendto(s, &q, 20, 0, (void *)&kernel, sizeof kernel));
	TRY(sendto(s, &q, 20, 0, (void *)&kernel, 11));
	TRY(sendto(s, &q, 20, 0, (void *)&kernel, 200));
	TRY(sendto(s, &q, 20, 0, 0, 200));
	struct sockaddr_nl other = { AF_NETLINK, 0, 12345, 0 }, group = { AF_NETLINK, 0, 0, 1 }, family = { AF_UNIX, 0, 0, 0 };
	TRY(sendto(s, &q, 20, 0, (void *)&other, sizeof other));
	TRY(sendto(s, &q, 20, 0, (void *)&group, sizeof group));
	TRY(sendto(s, &q, 20, 0, (void *)&family, sizeof family));
	TRY(sendto(s, &q, 20, MSG_OOB, (void *)&kernel, sizeof kernel));
	TRY(sendto(s, &q, 0, 0, (void *)&kernel, sizeof kernel));
	TRY(sendto(s, (void *)16, 20, 0, (void *)&kernel, sizeof kernel));
	TRY(sendto(s, &q, 20, 0, (void *)16, sizeof kernel));
	TRY(write(s, &q, 20));
	TRY(writev(s, two, 3));
	TRY(writev(s, two, 2000));
	TRY(sendmsg(s, &m, 0));
	m.msg_name = &kernel, m.msg_namelen = sizeof kernel;
	TRY(sendmsg(s, &m, MSG_NOSIGNAL));
	m.msg_name = &other;
	TRY(sendmsg(s, &m, 0));
	m.msg_name = 0;
	m.msg_iovlen = 0;
	TRY(sendmsg(s, &m, 0));
	m.msg_iovlen = 2000;
	TRY(sendmsg(s, &m, 0));
	m.msg_iovlen = 3;
	TRY(sendmmsg(s, mm, 3, 0));
	printf("lengths %u %u %u\n", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
	TRY(sendmmsg(s, mm, 0, 0));
	/* Control messages: descriptors, one's own credentials, another's. */
	union { struct cmsghdr h; char room[64]; } c;
	for (int k = 0; k < 5; k++) {
		memset(&c, 0, sizeof c);
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = k == 0 ? SCM_RIGHTS : k == 4 ? 77 : SCM_CREDENTIALS;
		c.h.cmsg_len = CMSG_LEN(k == 0 ? 4 : k == 3 ? 8 : sizeof(struct ucred));
		struct ucred own = { k == 2 ? 1 : getpid(), getuid(), getgid() };
		memcpy(CMSG_DATA(&c.h), &own, sizeof own);
		if (k == 0)
			memcpy(CMSG_DATA(&c.h), &(int){ 1 }, 4);
		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(k == 0 ? 4 : sizeof(struct ucred));
		printf("control %d ", k);
		TRY(sendmsg(s, &m, 0));
	}
	static char big[400000];
	memcpy(big, &q, 20);
	TRY(send(s, big, sizeof big, 0));
	close(s);
	TRY(send(s, &q, 20, 0));
}

static void receives(void)
{
	int s = open_(0);
	char b[8192];
	struct sockaddr_nl from;
	socklen_t len;
	ask();
#define AGAIN() do { while (recv(s, b, sizeof b, MSG_DONTWAIT) > 0) ; send(s, &q, 20, 0); memset(b, 0, sizeof b); memset(&from, 0xee, sizeof from); } while (0)
#define SHOW(call) do { AGAIN(); long r = (call); printf("%s: %s, len %u family %#x\n", #call, result(r), len, from.nl_family); } while (0)
	len = sizeof from;
	/* One that the kernel and the sandbox answer with the same bytes: the first of the two that a small dump has may differ in length. */
	q.n.nlmsg_type = RTM_GETADDR;
	SHOW(recvfrom(s, b, 16, 0, (void *)&from, &len) > 0);
	len = 5;
	SHOW(recvfrom(s, b, 16, 0, (void *)&from, &len));
	len = 0;
	SHOW(recvfrom(s, b, 16, 0, (void *)&from, &len));
	len = -1;
	SHOW(recvfrom(s, b, 16, 0, (void *)&from, &len));
	len = 200;
	SHOW(recvfrom(s, b, 16, MSG_OOB, (void *)&from, &len));
	SHOW(recvfrom(s, (void *)16, 16, 0, (void *)&from, &len));
	SHOW(recvfrom(s, b, 16, 0, (void *)&from, (void *)16));
	len = sizeof from;
	AGAIN();
	long whole = recvfrom(s, b, 1, MSG_PEEK | MSG_TRUNC, (void *)&from, &len);
	printf("peek and trunc say the same: %d\n", whole == recvfrom(s, b, sizeof b, 0, (void *)&from, &len));
	struct iovec two[2] = { { b, 3 }, { b + 100, 5 } };
	char control[256];
	for (int k = 0; k < 6; k++) {
		struct msghdr m = { .msg_name = k == 1 ? 0 : &from, .msg_namelen = k == 2 ? 5 : sizeof from, .msg_iov = two,
				    .msg_iovlen = k == 3 ? 0 : 2, .msg_control = control, .msg_controllen = sizeof control,
				    .msg_flags = -1 };
		AGAIN();
		long r = recvmsg(s, &m, k == 4 ? MSG_TRUNC : k == 5 ? MSG_PEEK : 0);
		printf("recvmsg %d: %s, namelen %u controllen %zu flags %#x family %#x data %d %d\n", k, r == whole ? "whole" : result(r),
		       m.msg_namelen, m.msg_controllen, m.msg_flags, from.nl_family, b[2], memcmp(b + 100, b + 101, 4) != 0);
	}
	struct mmsghdr mm[4];
	memset(mm, 0, sizeof mm);
	for (int k = 0; k < 4; k++) {
		mm[k].msg_hdr = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = two, .msg_iovlen = 2 };
	}
	AGAIN();
	long r = recvmmsg(s, mm, 4, MSG_WAITFORONE, 0);
	printf("recvmmsg: some %d, first %u\n", r > 0, mm[0].msg_len);
	while (recv(s, b, sizeof b, MSG_DONTWAIT) > 0)
		;
	/* Nothing there. */
	struct timeval limit = { 0, 100000 };
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	struct timespec before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);
	r = recvfrom(s, b, sizeof b, 0, (void *)&from, &len);
	printf("timeout: %s", result(r));
	clock_gettime(CLOCK_MONOTONIC, &after);
	double t = after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9;
	printf(" in time %d\n", t > 0.09 && t < 2);
	limit.tv_usec = 0;
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	printf("dontwait: %s\n", result(recvfrom(s, b, sizeof b, MSG_DONTWAIT, (void *)&from, &len)));
	fcntl(s, F_SETFL, O_NONBLOCK);
	printf("nonblock: %s\n", result(recvfrom(s, b, sizeof b, 0, (void *)&from, &len)));
	struct msghdr m = { .msg_iov = two, .msg_iovlen = 2 };
	printf("nonblock: %s\n", result(recvmsg(s, &m, 0)));
	fcntl(s, F_SETFL, 0);
}

static int other_socket;
static void alarm_(int signal) { (void)signal; send(other_socket, &q, 20, 0); }

/* A receive that waits: a handler runs meanwhile, and what arrives ends it. */
static void waits(void)
{
	char b[65536];
	struct sockaddr_nl from;
	socklen_t len = sizeof from;
	ask();
	other_socket = open_(0);
	for (int restart = 0; restart < 2; restart++) {
		struct sigaction act = { .sa_handler = alarm_, .sa_flags = restart ? SA_RESTART : 0 };
		sigaction(SIGALRM, &act, 0);
		struct itimerval soon = { .it_value = { 0, 100000 } };
		setitimer(ITIMER_REAL, &soon, 0);
		long r = recvfrom(other_socket, b, sizeof b, 0, (void *)&from, &len);
		printf("waited: %s\n", r > 0 ? "something" : result(r));
		while (recv(other_socket, b, sizeof b, MSG_DONTWAIT) > 0)
			;
	}
}

/* Duplicates, by whatever number, are the same socket. */
static void duplicates(void)
{
	int s = open_(0), low = dup(s), high = fcntl(s, F_DUPFD, 1000);
	char b[65536];
	ask();
	for (int k = 0; k < 3; k++) {
		int fd = k == 0 ? s : k == 1 ? low : high;
		printf("duplicate %d: %s", k, result(send(fd, &q, 20, 0)));
		printf(" %d\n", recv(fd, b, sizeof b, 0) > 0);
		while (recv(fd, b, sizeof b, MSG_DONTWAIT) > 0)
			;
	}
	/* Something else at one of the numbers that a socket had. */
	dup2(1, s);
	fflush(stdout);
	printf("other: %s\n", result(write(s, "written\n", 8)));
}

int main(void)
{
	setvbuf(stdout, 0, _IONBF, 0);
	sends();
	receives();
	waits();
	duplicates();
	for (int protocol = -1; protocol < 34; protocol++) {
		int s = open_(protocol);
		if (s < 0) {
			/* Which protocols a kernel has differs. */
			continue;
		}
		if (protocol == NETLINK_NETFILTER || protocol == NETLINK_XFRM) {
			ask();
			printf("protocol %d: %s\n", protocol, result(send(s, &q, 20, 0)));
			got("  answer", s);
		}
		close(s);
	}
	return 0;
}
