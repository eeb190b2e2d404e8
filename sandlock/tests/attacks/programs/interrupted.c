/* Calls that only change flags, under a timer that interrupts every 200 microseconds without SA_RESTART: how many fail with EINTR. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long signals;

static void handler(int signal) { (void)signal, signals++; }

/* Makes the call often, and until a few hundred signals have come meanwhile. */
#define TRY(call) \
	do { \
		long interrupted = 0; \
		signals = 0; \
		for (int i = 0; i < 20000 || signals < 200; i++) \
			interrupted += (call) < 0 && errno == EINTR; \
		printf("%s: %ld EINTR\n", #call, interrupted); \
	} while (0)

int main(void)
{
	int pair[2], on = 1, off = 0;
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	struct sigaction action = { .sa_handler = handler };
	struct itimerval timer = { { 0, 200 }, { 0, 200 } };
	sigaction(SIGALRM, &action, 0);
	setitimer(ITIMER_REAL, &timer, 0);
	TRY(fcntl(pair[0], F_SETFL, O_NONBLOCK));
	TRY(fcntl(pair[0], F_SETFL, 0));
	TRY(fcntl(pair[0], F_SETFL, O_NONBLOCK | O_APPEND));
	TRY(fcntl(pair[0], F_GETFL));
	TRY(fcntl(pair[0], F_SETOWN, 0));
	TRY(ioctl(pair[0], FIONBIO, &on));
	TRY(ioctl(pair[0], FIONBIO, &off));
	TRY(ioctl(pair[0], FIOCLEX));
}
