/*
 * Connects a socket that has errors queued, so that poll finds it ready all the time, to a port whose backlog is full.
 * Argument: the port. Prints what poll finds, and then whether the connect waits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address;
static volatile int result = -1;

static void *connecting(void *s)
{
	result = connect(*(int *)s, (void *)&address, sizeof address) ? errno : 0;
	return 0;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	static char bytes[20000];
	int on = 1, server = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);
	setvbuf(stdout, 0, _IOLBF, 0);
	address = (struct sockaddr_in){ AF_INET, htons(atoi(argv[argc - 1])), { htonl(INADDR_LOOPBACK) } };
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(server, (void *)&address, sizeof address) || listen(server, 0))
		fail("server");
	/* Each send without a copy leaves a message in the queue of errors when it is done. */
	if (setsockopt(s, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) || connect(s, (void *)&address, sizeof address))
		fail("client");
	int served = accept(server, 0, 0);
	if (send(s, bytes, sizeof bytes, MSG_ZEROCOPY) < 0)
		fail("send");
	read(served, bytes, sizeof bytes);
	close(served);
	usleep(300000);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	if (connect(s, &none, sizeof none))
		fail("disconnect");
	struct pollfd found = { s, 0, 0 };
	poll(&found, 1, 0);
	puts(found.revents & POLLERR ? "error" : "no error");
	for (int i = 0; i < 3; i++)
		connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (void *)&address, sizeof address);
	usleep(300000);
	pthread_t thread;
	pthread_create(&thread, 0, connecting, &s);
	sleep(1);
	puts(result == -1 ? "waits" : "does not wait");
	pause();
}
