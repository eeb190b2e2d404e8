/* Who a server takes its client for, by SO_PEERCRED, when one process connects to another by a path. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_un name = { AF_UNIX, "socket" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	unlink(name.sun_path);
	if (bind(server, (void *)&name, sizeof name) || listen(server, 1)) {
		perror("server");
		return 1;
	}
	int client = fork();
	if (!client) {
		int s = socket(AF_UNIX, SOCK_STREAM, 0);
		connect(s, (void *)&name, sizeof name);
		pause();
	}
	struct ucred peer;
	socklen_t len = sizeof peer;
	getsockopt(accept(server, 0, 0), SOL_SOCKET, SO_PEERCRED, &peer, &len);
	/* Its parent: the field after its name and its state. */
	char path[64], text[512], name_of[64];
	int parent = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", peer.pid);
	FILE *file = fopen(path, "r");
	if (file && fgets(text, sizeof text, file))
		sscanf(text, "%*d (%63[^)]) %*c %d", name_of, &parent);
	if (peer.pid == client)
		puts("client");
	else
		printf("%d %d, user %s\n", peer.pid, parent, peer.uid == getuid() ? "same" : "other");
	kill(client, 9);
	waitpid(client, 0, 0);
}
