// What the linker puts in the place of syscall(2), prctl(2) and ioctl(2) (`--wrap`), and a count of both ways in a file that outlives the tests.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int sandlock_oracle_call(long nr, const long *args, long *result);
long __real_syscall(long nr, ...);
int __real_prctl(int option, ...);
int sandlock_oracle_prctl(int option, const long *args, long *result);
int __real_ioctl(int fd, unsigned long request, ...);
int sandlock_oracle_ioctl(int fd, unsigned long request, long argument, long *result);

// Through our crate, and past it.
static long none[2], *counts = none;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("ORACLE_COUNTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED : mmap(0, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) counts = map;
    if (fd >= 0) close(fd);
}

static long told(long result) {
    __atomic_add_fetch(&counts[0], 1, __ATOMIC_RELAXED);
    if (result >= 0) return result;
    errno = -result;
    return -1;
}

long __wrap_syscall(long nr, ...) {
    long args[6], result;
    va_list list;
    va_start(list, nr);
    for (int i = 0; i < 6; i++) args[i] = va_arg(list, long);
    va_end(list);
    if ((nr >= 444 && nr <= 446) || nr == SYS_seccomp) {
        if (sandlock_oracle_call(nr, args, &result)) return told(result);
        __atomic_add_fetch(&counts[1], 1, __ATOMIC_RELAXED);
    }
    return __real_syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
}

int __wrap_prctl(int option, ...) {
    long args[4], result;
    va_list list;
    va_start(list, option);
    for (int i = 0; i < 4; i++) args[i] = va_arg(list, long);
    va_end(list);
    if (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS) {
        if (sandlock_oracle_prctl(option, args, &result)) return told(result);
        __atomic_add_fetch(&counts[1], 1, __ATOMIC_RELAXED);
    }
    return __real_prctl(option, args[0], args[1], args[2], args[3]);
}

int __wrap_ioctl(int fd, unsigned long request, ...) {
    long argument, result;
    va_list list;
    va_start(list, request);
    argument = va_arg(list, long);
    va_end(list);
    if ((request >> 8 & 0xff) == '!') {
        if (sandlock_oracle_ioctl(fd, request, argument, &result)) return told(result);
        __atomic_add_fetch(&counts[1], 1, __ATOMIC_RELAXED);
    }
    return __real_ioctl(fd, request, argument);
}
