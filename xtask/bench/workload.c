// One kind of call, many times: `workload KIND` prints the median nanoseconds of one, over batches. `workload KIND N`: by N processes at
// once, whose calls the wall time is divided by. `workload connect PORT`: to a port where it listens itself.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 25
extern char **environ;

static int pair[2], zero, sock, listener;
static struct sockaddr_in address;

static void check(int good) {
    if (!good) err(1, "workload");
}

static void call(void) { syscall(SYS_getppid); }
// No such operation: outside it fails as soon as it can.
static void denied(void) { check(syscall(SYS_keyctl, -1, 0, 0, 0, 0) == -1); }
static void do_open(void) {
    int fd = open("/usr/bin/true", O_RDONLY | O_CLOEXEC);
    check(fd >= 0 && close(fd) == 0);
}
static void do_read(void) {
    char byte;
    check(read(zero, &byte, 1) == 1);
}
static void exchange(void) {
    char byte = 0;
    check(send(pair[0], &byte, 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1);
}
static void do_mmap(void) {
    char *page = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(page != MAP_FAILED);
    page[0] = 1;
    check(munmap(page, 65536) == 0);
}
static void do_fork(void) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    check(waitpid(pid, 0, 0) == pid);
}
static void do_exec(void) {
    pid_t pid;
    char *argv[] = {"/bin/true", 0};
    check(posix_spawn(&pid, argv[0], 0, 0, argv, environ) == 0 && waitpid(pid, 0, 0) == pid);
}
static void name(void) {
    struct sockaddr_nl nl;
    socklen_t len = sizeof nl;
    check(getsockname(sock, (struct sockaddr *)&nl, &len) == 0);
}
static void interfaces(void) {
    struct ifaddrs *all;
    check(getifaddrs(&all) == 0);
    freeifaddrs(all);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

// Only the connect is timed: the accept and the two closes after it make room for the next.
static double connects(int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        double start = now();
        check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
        sum += now() - start;
        int other = accept(listener, 0, 0);
        struct linger reset = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        check(other >= 0 && close(fd) == 0 && close(other) == 0);
    }
    return sum / count;
}

// A file is made, linked and unlinked; only one of the calls is timed.
static double files(int which, int count) {
    char made[200], linked[256];
    const char *folder = getenv("TMPDIR");
    snprintf(made, sizeof made, "%s/workload-%d", folder ? folder : "/tmp", getpid());
    snprintf(linked, sizeof linked, "%s.link", made);
    double sum[3] = {0};
    for (int i = 0; i < count; i++) {
        double start = now();
        int fd = open(made, O_RDWR | O_CREAT | O_EXCL, 0600);
        double created = now();
        check(fd >= 0 && link(made, linked) == 0);
        double made_link = now();
        check(unlink(linked) == 0);
        double unlinked = now();
        check(unlink(made) == 0 && close(fd) == 0);
        sum[0] += created - start;
        sum[1] += made_link - created;
        sum[2] += unlinked - made_link;
    }
    return sum[which] / count;
}
static double creates(int count) { return files(0, count); }
static double links(int count) { return files(1, count); }
static double unlinks(int count) { return files(2, count); }

// Each waits for the end of a pipe that we hold open, and then does its share.
static double together(int processes, void (*once)(void), int count) {
    int gate[2];
    char byte;
    check(pipe(gate) == 0);
    for (int p = 0; p < processes; p++) {
        pid_t pid = fork();
        check(pid >= 0);
        if (pid) continue;
        close(gate[1]);
        check(read(gate[0], &byte, 1) == 0);
        for (int i = 0; i < count; i++) once();
        _exit(0);
    }
    close(gate[0]);
    usleep(50000); // until all of them wait
    double start = now();
    close(gate[1]);
    for (int p = 0, status; p < processes; p++) check(wait(&status) > 0 && status == 0);
    return (now() - start) / ((double)processes * count);
}

static int later(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const struct {
    const char *kind;
    void (*once)(void);
    int count;
    double (*timed)(int);
} KINDS[] = {
    {"call", call, 20000}, {"denied", denied, 20000}, {"open", do_open, 4000}, {"read", do_read, 10000},
    {"send", exchange, 5000}, {"mmap", do_mmap, 2000}, {"fork", do_fork, 40}, {"exec", do_exec, 20},
    {"getsockname", name, 400}, {"getifaddrs", interfaces, 40}, {"connect", 0, 100, connects},
    {"create", 0, 400, creates}, {"link", 0, 400, links}, {"unlink", 0, 400, unlinks},
};

int main(int argc, char **argv) {
    for (unsigned k = 0; argc > 1 && k < sizeof KINDS / sizeof *KINDS; k++) {
        if (strcmp(argv[1], KINDS[k].kind)) continue;
        check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        int processes = KINDS[k].once && argc > 2 ? atoi(argv[2]) : 0;
        check((zero = open("/dev/zero", O_RDONLY)) >= 0);
        if (KINDS[k].once == name) check((sock = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)) >= 0);
        if (KINDS[k].timed == connects) {
            check(argc == 3 && (listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
            int yes = 1;
            setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            address.sin_family = AF_INET;
            address.sin_port = htons(atoi(argv[2]));
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            check(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 64) == 0);
        }
        double batches[BATCHES];
        int count = KINDS[k].count, all = processes ? 3 : BATCHES;
        for (int b = 0; b < all; b++) {
            if (KINDS[k].timed) {
                batches[b] = KINDS[k].timed(count);
                continue;
            }
            if (processes) {
                batches[b] = together(processes, KINDS[k].once, count * 4 / processes + 1);
                continue;
            }
            double start = now();
            for (int i = 0; i < count; i++) KINDS[k].once();
            batches[b] = (now() - start) / count;
        }
        qsort(batches, all, sizeof *batches, later);
        printf("%.1f\n", batches[all / 2]);
        return 0;
    }
    errx(2, "usage: workload KIND [PROCESSES | PORT]");
}
