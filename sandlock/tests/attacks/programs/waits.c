/*
 * Connects to a socket whose backlog is full, in a process of its own, and tells what signals and time limits make of that.
 * waits unix|tcp PORT   all of it, by turns
 * waits many            a hundred threads at once, until the server accepts
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_storage address;
static socklen_t length;

static void handler(int signal) { (void)signal, write(1, "(handled)\n", 10); }
static void last(int signal) { (void)signal, _exit(33); }

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int open_(int flags) { return socket(address.ss_family, SOCK_STREAM | flags, 0); }

static int connect_(int s) { return connect(s, (void *)&address, length) ? errno : 0; }

/* A server that accepts nothing, and clients that it has no room beyond. */
static int full(int port)
{
	if (port) {
		struct sockaddr_in in = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) } };
		memcpy(&address, &in, length = sizeof in);
	} else {
		struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "socket" };
		unlink(un.sun_path);
		memcpy(&address, &un, length = sizeof un);
	}
	int on = 1, s = open_(0);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(s, (void *)&address, length) || listen(s, 0)) {
		perror("server");
		exit(1);
	}
	for (int i = 0; i < 3; i++)
		connect_(open_(SOCK_NONBLOCK));
	return s;
}

/* A process that connects, and ends with the errno. `timeout`: the socket's own, in seconds. */
static int connecting(int flags, int timeout, int seconds)
{
	int pid = fork();
	if (pid)
		return pid;
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	struct itimerval timer = { { 0, 0 }, { seconds, 0 } };
	struct timeval limit = { timeout, 0 };
	int s = open_(0);
	sigaction(SIGALRM, &action, 0);
	action.sa_handler = last;
	sigaction(SIGINT, &action, 0);
	if (timeout)
		setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	setitimer(ITIMER_REAL, &timer, 0);
	int error = connect_(s);
	_exit(error);
}

static void tell(const char *what, int pid, double most)
{
	int status, ended = 0;
	double start = now();
	while (!(ended = waitpid(pid, &status, WNOHANG)) && now() - start < most)
		usleep(10000);
	if (!ended)
		printf("%s: waits\n", what);
	else if (WIFSIGNALED(status))
		printf("%s: killed by %d\n", what, WTERMSIG(status));
	else
		printf("%s: %s\n", what, WEXITSTATUS(status) == 33 ? "its handler" : strerrorname_np(WEXITSTATUS(status)));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static char state(int pid)
{
	char path[64], text[512] = "", *end;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *file = fopen(path, "r");
	if (file) {
		fgets(text, sizeof text, file);
		fclose(file);
	}
	return (end = strrchr(text, ')')) ? end[2] : '?';
}

static void signals(void)
{
	tell("alone", connecting(0, 0, 0), 1);
	tell("alarm", connecting(0, 0, 1), 30);
	tell("alarm, restarted", connecting(SA_RESTART, 0, 1), 3);
	tell("time limit", connecting(0, 1, 0), 30);
	tell("time limit, and alarm", connecting(SA_RESTART, 30, 1), 20);
	int pid = connecting(0, 0, 0);
	usleep(500000);
	kill(pid, SIGSTOP);
	for (int i = 0; i < 1000 && state(pid) != 'T'; i++)
		usleep(10000);
	printf("stopped: %c\n", state(pid));
	kill(pid, SIGCONT);
	usleep(300000);
	printf("continued: %s\n", state(pid) == 'T' ? "no" : "yes");
	kill(pid, SIGINT);
	tell("interrupted", pid, 30);
	pid = connecting(0, 0, 0);
	usleep(300000);
	kill(pid, SIGTERM);
	tell("ended", pid, 30);
	pid = connecting(0, 0, 0);
	usleep(300000);
	kill(pid, SIGKILL);
	tell("killed", pid, 30);
}

enum { THREADS = 100 };
static int results[THREADS];

static void *one(void *at)
{
	*(int *)at = connect_(open_(0));
	return 0;
}

static void many(int server)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		results[i] = -1;
		pthread_create(&threads[i], 0, one, &results[i]);
	}
	sleep(2);
	int waiting = 0, connected = 0;
	for (int i = 0; i < THREADS; i++)
		waiting += *(volatile int *)&results[i] == -1;
	printf("%d wait\n", waiting);
	fflush(stdout);
	for (int i = 0; i < THREADS + 1; i++)
		accept(server, 0, 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], 0);
		connected += results[i] == 0;
	}
	printf("%d connected\n", connected);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	int server = full(argc > 2 ? atoi(argv[2]) : 0);
	if (!strcmp(argv[1], "many"))
		many(server);
	else
		signals();
}
