// The least that something can cost. `floor getsockname CMD…` and `floor connect CMD…`: a supervisor that answers this call and judges
// nothing. `floor landlock CMD…`: Landlock alone, that everything may be read and nothing changed, truncated neither.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

static int copy(long call, int pid, struct iovec *ours, struct iovec *theirs, long count, long len) {
    return syscall(call, pid, ours, count, theirs, count, 0UL) == len ? 0 : -1;
}

// What a right answer needs and no more: which socket it is, how much room there is, then the name and its length.
static int name(int file, const struct seccomp_notif *call, int listener) {
    __u64 cookie;
    socklen_t size = sizeof cookie, room, len = sizeof(struct sockaddr_nl);
    struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_pid = call->pid};
    struct iovec at = {(void *)call->data.args[2], sizeof room}, here = {&room, sizeof room};
    if (getsockopt(file, SOL_SOCKET, SO_COOKIE, &cookie, &size)) return -errno;
    if (copy(SYS_process_vm_readv, call->pid, &here, &at, 1, sizeof room)) return -EFAULT;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id)) return -EACCES;
    struct iovec ours[] = {{&name, room < len ? room : len}, {&len, sizeof len}};
    struct iovec theirs[] = {{(void *)call->data.args[1], ours[0].iov_len}, at};
    return copy(SYS_process_vm_writev, call->pid, ours, theirs, 2, ours[0].iov_len + sizeof len) ? -EFAULT : 0;
}

static int connects(int file, const struct seccomp_notif *call, int listener) {
    struct sockaddr_storage address;
    socklen_t len = call->data.args[2] < sizeof address ? call->data.args[2] : sizeof address;
    struct iovec at = {(void *)call->data.args[1], len}, here = {&address, len};
    if (copy(SYS_process_vm_readv, call->pid, &here, &at, 1, len)) return -EFAULT;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id)) return -EACCES;
    return connect(file, (struct sockaddr *)&address, len) ? -errno : 0;
}

static void answer(int listener, const struct seccomp_notif *call, struct seccomp_notif_resp *reply) {
    int pidfd = syscall(SYS_pidfd_open, call->pid, 0);
    int file = syscall(SYS_pidfd_getfd, pidfd, (int)call->data.args[0], 0);
    reply->id = call->id;
    reply->error = call->data.nr == SYS_connect ? connects(file, call, listener) : name(file, call, listener);
    close(file);
    close(pidfd);
}

static void landlock(char **argv) {
    __u64 reading = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    __u64 changing = LANDLOCK_ACCESS_FS_WRITE_FILE | 1 << 14; // LANDLOCK_ACCESS_FS_TRUNCATE, which older headers lack
    struct landlock_ruleset_attr all = {.handled_access_fs = reading | changing};
    int ruleset = syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    struct landlock_path_beneath_attr rule = {reading, open("/", O_PATH)};
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, ruleset, 0))
        err(1, "landlock");
    execvp(argv[0], argv);
    err(127, "%s", argv[0]);
}

int main(int argc, char **argv) {
    if (argc < 3) errx(2, "usage: floor CALL CMD");
    if (!strcmp(argv[1], "landlock")) landlock(argv + 2);
    unsigned nr = strcmp(argv[1], "connect") ? SYS_getsockname : SYS_connect;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) err(1, "socketpair");
    pid_t child = fork();
    if (child == 0) {
        struct sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog filter = {4, program};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        int listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
        char byte;
        if (listener < 0 || write(pair[1], &listener, sizeof listener) < 0 || read(pair[1], &byte, 1) < 0) _exit(1);
        close(listener);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    int theirs, pidfd = syscall(SYS_pidfd_open, child, 0);
    if (read(pair[0], &theirs, sizeof theirs) != sizeof theirs) errx(1, "no listener");
    int listener = syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
    if (listener < 0 || write(pair[0], "", 1) != 1) err(1, "listener");
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1UL);
    for (struct pollfd ready = {listener, POLLIN, 0}; poll(&ready, 1, -1) == 1 && ready.revents & POLLIN;) {
        struct seccomp_notif call = {0};
        struct seccomp_notif_resp reply = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call)) continue;
        answer(listener, &call, &reply);
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
