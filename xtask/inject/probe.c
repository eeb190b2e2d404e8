// The guest of `cargo xtask inject`: uses each handler of the supervisor once, and tries forbidden things
// before and after that.
//
//     probe OUTSIDE PORT GRANTED PID GROUP
//
// OUTSIDE is a folder that is not granted, with `file` and the unix socket `socket`; its path is also an
// abstract socket's name. PORT has a listener and is not granted; GRANTED is, to both sides. PID is a process
// outside, and GROUP its process group.
// Prints `ESCAPE what` for each forbidden thing that works. Ends with 7, or with 99 after an escape.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char *outside;
static in_port_t port, granted;
static pid_t pid, group;
static int escapes;

static void forbid(const char *what, int works) {
    if (works) printf("ESCAPE %s\n", what), escapes++;
}

static char *beside(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", outside, name);
    return path;
}

static struct sockaddr_in loopback(in_port_t number) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

// A socket whose connect takes no longer than this.
static int stream(int family) {
    int fd = socket(family, SOCK_STREAM, 0);
    struct timeval patience = {0, 10000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

static int reaches(in_port_t number) {
    struct sockaddr_in to = loopback(number);
    int fd = stream(AF_INET), works = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return works;
}

static int reaches_unix(const char *name, int abstract) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path + abstract, name, sizeof to.sun_path - 2);
    int fd = stream(AF_UNIX);
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name);
    int works = connect(fd, (struct sockaddr *)&to, len) == 0;
    close(fd);
    return works;
}

static int listens(in_port_t number) {
    struct sockaddr_in at = loopback(number);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if ((number == 0 || bind(fd, (struct sockaddr *)&at, sizeof at) == 0) && listen(fd, 1) == 0) return fd;
    close(fd);
    return -1;
}

// What every process of the sandbox has for good.
static void status(void) {
    static const char *const want[] = {"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapPrm:\t0000000000000000\n",
        "CapEff:\t0000000000000000\n", "CapInh:\t0000000000000000\n", "SigBlk:\t0000000000000000\n"};
    static char text[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) return;
    close(fd);
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++) forbid(want[i], !strstr(text, want[i]));
}

static void files(void) {
    int fd = open(beside("file"), O_RDONLY);
    forbid("read a file outside", fd >= 0);
    forbid("write a file outside", open(beside("file"), O_WRONLY) >= 0);
    forbid("truncate a file outside", truncate(beside("file"), 0) == 0);
    forbid("create a file outside", open(beside("new"), O_CREAT | O_WRONLY, 0600) >= 0);
    forbid("list a folder outside", open(outside, O_RDONLY | O_DIRECTORY) >= 0);
    forbid("remove a file outside", unlink(beside("file")) == 0);
    forbid("make a folder outside", mkdir(beside("folder"), 0700) == 0);
    forbid("chmod outside", chmod(beside("file"), 0777) == 0);
    forbid("fchmodat outside", fchmodat(AT_FDCWD, "../outside/file", 0777, 0) == 0);
    fd = open(beside("file"), O_PATH);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    forbid("chmod outside by descriptor", chmod(path, 0777) == 0);
    close(fd);
    forbid("chown outside", chown(beside("file"), 1, 1) == 0);
    forbid("utimes outside", utimensat(AT_FDCWD, beside("file"), 0, 0) == 0);
    forbid("setxattr outside", setxattr(beside("file"), "user.a", "b", 1, 0) == 0);
    symlink(beside("file"), "link");
    forbid("chmod outside by a link", chmod("link", 0777) == 0);
    unlink("link");
    forbid("make a namespace", unshare(CLONE_NEWUSER) == 0);
    forbid("io_uring", syscall(SYS_io_uring_setup, 1, path) >= 0);
}

static void network(void) {
    forbid("connect to a port", reaches(port));
    forbid("connect to a path outside", reaches_unix(beside("socket"), 0));
    forbid("connect to an abstract socket outside", reaches_unix(outside, 1));
    forbid("listen on a port", listens(port + 1) >= 0);
    forbid("listen on a port of the kernel's choice", listens(0) >= 0);
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    forbid("send a datagram", sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1);
    close(fd);
    forbid("a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
    forbid("a packet socket", socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static void processes(void) {
    char byte, path[64];
    struct iovec iov = {&byte, 1}, theirs = {&escapes, 1};
    struct rlimit limit = {1, 1};
    struct sched_param param = {0};
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    pid_t all[] = {pid, getppid()};
    for (int i = 0; i < 2; i++) {
        forbid("signal a process", kill(all[i], 0) == 0);
        forbid("signal a process by queue", sigqueue(all[i], 0, (union sigval){0}) == 0);
        int fd = syscall(SYS_pidfd_open, all[i], 0);
        forbid("signal a process by pidfd", syscall(SYS_pidfd_send_signal, fd, 0, 0, 0) == 0);
        forbid("take a descriptor", syscall(SYS_pidfd_getfd, fd, 0, 0) >= 0);
        close(fd);
        forbid("trace a process", ptrace(PTRACE_SEIZE, all[i], 0, 0) == 0);
        forbid("read a process", process_vm_readv(all[i], &iov, 1, &theirs, 1, 0) == 1 || errno == EFAULT);
        forbid("limit a process", prlimit(all[i], RLIMIT_CORE, &limit, 0) == 0);
        forbid("slow a process", setpriority(PRIO_PROCESS, all[i], 10) == 0);
        forbid("move a process", sched_setaffinity(all[i], sizeof cpus, &cpus) == 0);
        forbid("schedule a process", sched_setscheduler(all[i], SCHED_IDLE, &param) == 0);
        snprintf(path, sizeof path, "/proc/%d/mem", all[i]);
        forbid("open a process's memory", open(path, O_RDONLY) >= 0);
        snprintf(path, sizeof path, "/proc/%d/oom_score_adj", all[i]);
        forbid("write to a process's file", open(path, O_WRONLY) >= 0);
        snprintf(path, sizeof path, "/proc/%d/root/etc/shadow", all[i]);
        forbid("go through a process's root", open(path, O_RDONLY) >= 0);
    }
    forbid("signal a group", kill(-group, 0) == 0);
    forbid("join a group", setpgid(0, group) == 0);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
        forbid("SIGIO to a process", fcntl(pair[0], F_SETOWN, pid) == 0);
        forbid("SIGIO to a group", fcntl(pair[0], F_SETOWN, -group) == 0);
        close(pair[0]), close(pair[1]);
    }
}

static void forbidden(void) {
    status();
    files();
    network();
    processes();
}

static void metadata(void) {
    int fd = open("mine", O_CREAT | O_RDWR, 0600);
    chmod("mine", 0640);
    fchmod(fd, 0644);
    chown("mine", getuid(), getgid());
    utimensat(AT_FDCWD, "mine", 0, 0);
    futimens(fd, 0);
    setxattr("mine", "user.a", "b", 1, 0);
    removexattr("mine", "user.a");
    struct stat about;
    chmod("mine", 04755);
    forbid("a set-user-ID program", stat("mine", &about) == 0 && about.st_mode & S_ISUID);
    fchmod(fd, 02755);
    forbid("a set-group-ID program", stat("mine", &about) == 0 && about.st_mode & S_ISGID);
    close(fd);
    unlink("mine");
}

static void sockets(void) {
    int at = listens(granted);
    if (at >= 0) {
        struct linger wait = {1, 0};
        int to = stream(AF_INET);
        struct sockaddr_in address = loopback(granted);
        connect(to, (struct sockaddr *)&address, sizeof address);
        setsockopt(to, SOL_SOCKET, SO_LINGER, &wait, sizeof wait);
        close(to);
        close(at);
    }
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "mine.socket"};
    at = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(at, (struct sockaddr *)&name, sizeof name) == 0 && listen(at, 0) == 0)
        // The second waits for its turn, and in vain.
        for (int i = 0; i < 2; i++) {
            int to = stream(AF_UNIX);
            connect(to, (struct sockaddr *)&name, sizeof name);
            if (i) close(to);
        }
    unlink(name.sun_path);
    close(at);
    struct ifaddrs *all;
    if (getifaddrs(&all) == 0) freeifaddrs(all);
    if_nametoindex("lo");
}

static void others(void) {
    pid_t child = fork();
    if (child == 0) {
        // One that outlives its maker, and one that outlives the command.
        if (fork() == 0) setsid();
        // Without a sandbox, this process must end them.
        alarm(20);
        pause();
        _exit(0);
    }
    if (child > 0) {
        struct rlimit limit = {0, 0};
        prlimit(child, RLIMIT_CORE, &limit, 0);
        setpriority(PRIO_PROCESS, child, 1);
        setpgid(child, child);
    }
    int memory = memfd_create("mine", MFD_CLOEXEC);
    if (memory >= 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
        forbid("an executable memory file", access(path, X_OK) == 0);
        close(memory);
    }
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal >= 0) {
        grantpt(terminal);
        unlockpt(terminal);
        int other = ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY);
        struct winsize size = {24, 80, 0, 0};
        ioctl(terminal, TIOCSWINSZ, &size);
        forbid("type into a terminal", ioctl(other, TIOCSTI, "x") == 0);
        close(other);
        close(terminal);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) return 98;
    setvbuf(stdout, 0, _IOLBF, 0);
    outside = argv[1], port = atoi(argv[2]), granted = atoi(argv[3]), pid = atoi(argv[4]), group = atoi(argv[5]);
    for (int fd = 3; fd < 256; fd++) forbid("a descriptor", fcntl(fd, F_GETFD) >= 0);
    forbidden();
    metadata();
    sockets();
    others();
    forbidden();
    return escapes ? 99 : 7;
}
