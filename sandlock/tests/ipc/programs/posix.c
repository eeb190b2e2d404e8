// `posix all NAME`: what shm_open(3) and sem_open(3) promise. `posix make|open|link|unlink NAME`: one step, whose errno is the status.
// `posix race NAME FILE`: whether a call with the one path can be turned into one with the other.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(good) \
    if (!(good)) { \
        fprintf(stderr, "line %d: %s: errno %d\n", __LINE__, #good, errno); \
        exit(1); \
    }
#define FAILS(call, number) CHECK((call) && errno == (number))

static void child(void (*run)(const char *), const char *name) {
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        run(name);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void writes(const char *name) {
    int fd = shm_open(name, O_RDWR, 0);
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(fd >= 0 && page != MAP_FAILED && page[0] == 'a');
    page[4096] = 'b';
}

static void posts(const char *name) {
    sem_t *sem = sem_open(name, 0);
    CHECK(sem != SEM_FAILED && sem_post(sem) == 0);
}

static void all(const char *name) {
    struct stat file;
    umask(022);
    FAILS(shm_unlink(name) == -1, ENOENT);
    FAILS(shm_open(name, O_RDWR, 0) == -1, ENOENT);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0640);
    CHECK(fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && (file.st_mode & 07777) == 0640);
    CHECK(file.st_size == 0 && file.st_uid == geteuid());
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND)) == O_RDWR);
    CHECK(ftruncate(fd, 8192) == 0);
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(page != MAP_FAILED);
    page[0] = 'a';
    FAILS(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600) == -1, EEXIST);
    child(writes, name);
    CHECK(page[4096] == 'b');
    int reader = shm_open(name, O_RDONLY, 0);
    CHECK(reader >= 0 && pread(reader, page, 1, 4096) == 1 && page[0] == 'b');
    FAILS(write(reader, "x", 1) == -1, EBADF);
    CHECK(shm_open(name, O_RDWR | O_CREAT | O_TRUNC, 0600) >= 0 && fstat(fd, &file) == 0 && file.st_size == 0);
    // A name that is there already is replaced by nothing.
    CHECK(shm_unlink(name) == 0);
    FAILS(shm_open(name, O_RDWR, 0) == -1, ENOENT);
    CHECK(fstat(fd, &file) == 0 && file.st_nlink == 0);

    FAILS(sem_open(name, 0) == SEM_FAILED, ENOENT);
    sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    CHECK(sem != SEM_FAILED && sem_wait(sem) == 0);
    FAILS(sem_trywait(sem) == -1, EAGAIN);
    FAILS(sem_open(name, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED, EEXIST);
    child(posts, name);
    CHECK(sem_wait(sem) == 0 && sem_unlink(name) == 0);
    FAILS(sem_unlink(name) == -1, ENOENT);

    // As glibc makes a semaphore, and mkstemp(3) a file: other flags, and the caller's status flags.
    char path[64], other[64];
    snprintf(path, sizeof path, "/dev/shm%s", name);
    snprintf(other, sizeof other, "/dev/shm%s.other", name);
    CHECK((fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600)) >= 0);
    CHECK(fcntl(fd, F_GETFD) == 0 && fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK(linkat(AT_FDCWD, path, AT_FDCWD, other, 0) == 0 && fstat(fd, &file) == 0 && file.st_nlink == 2);
    FAILS(link(path, other) == -1, EEXIST);
    CHECK(unlinkat(AT_FDCWD, path, 0) == 0 && unlink(other) == 0);
    // A descriptor table that is full.
    while ((fd = dup(0)) >= 0) {}
    FAILS(shm_open(name, O_RDWR | O_CREAT, 0600) == -1, EMFILE);
}

// The path is exchanged for another one all the time. Status 1: the other file was opened or removed, or linked to.
static char path[256], paths[2][256];
static volatile int done;
static void *exchange(void *unused) {
    while (!done) {
        memcpy(path, paths[0], sizeof path);
        memcpy(path, paths[1], sizeof path);
    }
    return unused;
}
static void race(const char *name, const char *other) {
    char text[6];
    pthread_t thread;
    snprintf(paths[0], sizeof path, "/dev/shm%s", name);
    snprintf(paths[1], sizeof path, "%s", other);
    memcpy(path, paths[0], sizeof path);
    CHECK(pthread_create(&thread, 0, exchange, 0) == 0);
    for (int i = 0; i < 5000; i++) {
        int fd = open(path, O_RDWR | O_NOFOLLOW | (i & 1 ? O_CREAT : 0), 0600);
        if (fd >= 0 && pread(fd, text, 6, 0) == 6 && !memcmp(text, "secret", 6)) exit(1);
        if (fd >= 0) close(fd);
        link(path, paths[0]);
        if (i & 2) unlink(path);
    }
    done = 1;
    pthread_join(thread, 0);
    puts("safe");
}

int main(int argc, char **argv) {
    CHECK(argc > 2);
    const char *name = argv[2];
    if (!strcmp(argv[1], "all")) {
        all(name);
        puts("all");
        return 0;
    }
    if (!strcmp(argv[1], "race")) {
        race(name, argv[3]);
        return 0;
    }
    int done = !strcmp(argv[1], "make")   ? shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600)
               : !strcmp(argv[1], "open") ? shm_open(name, O_RDWR, 0)
               : !strcmp(argv[1], "link") ? link(name, argv[3])
                                          : shm_unlink(name);
    return done < 0 ? errno : 0;
}
