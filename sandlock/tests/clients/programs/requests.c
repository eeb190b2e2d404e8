/* Requests that few clients make, each on a socket of its own: the type of the answer and its error, or its length. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned char text[256];
static int end;

static void put(const void *bytes, int len)
{
	memcpy(text + end, bytes, len);
	end += (len + 3) & ~3;
	memset(text + end, 0, 4);
}

static void attribute(int type, const void *bytes, int len)
{
	struct nlattr attr = { NLA_HDRLEN + len, type };
	put(&attr, sizeof attr);
	put(bytes, len);
}

static void number(int type, unsigned value) { attribute(type, &value, 4); }

/* Sends what was put, as this type, with each kind of flags. */
static void ask(const char *name, int protocol, int type)
{
	int flags[] = { NLM_F_REQUEST, NLM_F_REQUEST | NLM_F_ACK, NLM_F_REQUEST | NLM_F_DUMP };
	for (unsigned i = 0; i < 3; i++) {
		struct { struct nlmsghdr n; char text[256]; } q = { { NLMSG_HDRLEN + end, type, flags[i], 7, 0 }, { 0 } };
		union { struct nlmsghdr n; char room[16384]; } r;
		struct timeval wait = { 10, 0 };
		int s = socket(AF_NETLINK, SOCK_RAW, protocol);
		setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
		memcpy(q.text, text, end);
		int sent = send(s, &q, q.n.nlmsg_len, 0), n = recv(s, &r, sizeof r, 0);
		if (sent < 0 || n < 0)
			printf("%s %x: %s\n", name, flags[i], strerrorname_np(errno));
		else if (r.n.nlmsg_type <= NLMSG_DONE)
			printf("%s %x: type %d, %d\n", name, flags[i], r.n.nlmsg_type, *(int *)NLMSG_DATA(&r.n));
		else
			printf("%s %x: type %d\n", name, flags[i], r.n.nlmsg_type);
		close(s);
	}
	end = 0;
}

static void dcb(void)
{
	for (unsigned char command = 0; command < 48; command++) {
		const char *names[] = { 0, "lo", "nope" };
		for (int i = 0; i < 3; i++)
			for (int type = 78; type < 80; type++) {
				unsigned char header[4] = { 0, command, 0, 0 };
				char name[32];
				put(header, 4);
				if (names[i])
					attribute(1, names[i], strlen(names[i]) + 1);
				snprintf(name, sizeof name, "dcb %d %d %s", type, command, names[i] ? names[i] : "-");
				ask(name, NETLINK_ROUTE, type);
			}
	}
}

static void diag(void)
{
	/* Not netlink itself: of that the kernel lists the socket that asks. */
	unsigned char families[] = { 0, 1, 2, 10, 17, 38, 44 };
	for (int type = 17; type < 23; type++)
		for (unsigned i = 0; i < sizeof families; i++)
			for (int len = 4; len <= 64; len += 20) {
				unsigned char payload[64] = { families[i], 6 };
				char name[32];
				put(payload, len);
				snprintf(name, sizeof name, "diag %d %d %d", type, families[i], len);
				ask(name, NETLINK_SOCK_DIAG, type);
			}
}

static void routes(void)
{
	unsigned char hosts[][4] = { { 127, 0, 0, 1 }, { 0, 0, 0, 0 }, { 224, 0, 0, 1 }, { 239, 1, 2, 3 },
				     { 255, 255, 255, 255 }, { 8, 8, 8, 8 }, { 127, 255, 255, 255 } };
	for (unsigned host = 0; host < 7; host++)
		for (int with = 0; with < 8; with++) {
			unsigned char header[12] = { 2, 32 };
			char name[32];
			put(header, 12);
			attribute(1, hosts[host], 4);
			if (with & 1)
				number(3, 1);
			if (with & 2)
				attribute(2, hosts[0], 4);
			if (with & 4)
				number(4, 1);
			snprintf(name, sizeof name, "route %u %d", host, with);
			ask(name, NETLINK_ROUTE, 26);
		}
}

static void namespaces(void)
{
	unsigned values[] = { 0, 1, 0x7ffffffe, -1 };
	for (int type = 88; type < 91; type++)
		for (int i = 0; i < 4; i++)
			for (int attr = 1; attr < 3; attr++) {
				char name[32];
				put("\0\0\0", 4);
				number(attr, values[i]);
				snprintf(name, sizeof name, "nsid %d %d %x", type, attr, values[i]);
				ask(name, NETLINK_ROUTE, type);
			}
}

int main(void)
{
	dcb();
	diag();
	routes();
	namespaces();
}
