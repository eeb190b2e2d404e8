/*
 * Listens on sockets that had a port of the kernel's choice and have lost it, though getsockname(2) still tells it: the kernel then chooses
 * another. Arguments: the port to connect to, the first and the last port that may be listened on. Prints how many listen on another one.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address = { .sin_family = AF_INET };

static int port_of(int socket)
{
	struct sockaddr_in name = { 0 };
	socklen_t len = sizeof name;
	getsockname(socket, (void *)&name, &len);
	return ntohs(name.sin_port);
}

/* A socket that connects has a port that nothing keeps it to. */
static int connecting(void)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(s, (void *)&address, sizeof address);
	return s;
}

int main(int argc, char **argv)
{
	int first = atoi(argv[2]), last = atoi(argv[argc - 1]), elsewhere = 0, refused = 0;
	int on = 1, server = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_port = htons(atoi(argv[1]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(server, (void *)&address, sizeof address) || listen(server, 0)) {
		perror("server");
		return 1;
	}
	/* The backlog is full: a further connect stays pending. */
	for (int i = 0; i < 3; i++)
		connecting();
	for (int i = 0; i < 300; i++) {
		int s = connecting(), accepts = 0;
		socklen_t len = sizeof accepts;
		/* Ends the attempt, and gives the port back. */
		shutdown(s, SHUT_RDWR);
		refused += listen(s, 1) != 0;
		getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len);
		if (accepts && (port_of(s) < first || port_of(s) > last))
			elsewhere++;
		close(s);
	}
	printf("%s refused, %s listen elsewhere\n", refused ? "some" : "none", elsewhere ? "some" : "none");
}
