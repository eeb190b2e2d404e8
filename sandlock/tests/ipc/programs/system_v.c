// `system_v all KEY [inside]`: what System V objects promise, and what a sandbox refuses besides.
// `system_v make KEY`: prints the numbers of one of each kind. `system_v use SHM SEM MSG`: 0 if one of them can be used, with all errnos EINVAL 1.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(good) \
    if (!(good)) { \
        fprintf(stderr, "line %d: %s: errno %d\n", __LINE__, #good, errno); \
        exit(1); \
    }
#define FAILS(call, number) CHECK((long)(call) == -1 && errno == (number))

union semun {
    int val;
    unsigned short *array;
    struct semid_ds *buf;
};
static struct {
    long type;
    char text[8];
} message;
static struct shmid_ds shm;
static struct semid_ds sems;
static struct msqid_ds msgs;

static int step(int id, int by, int flags) {
    struct sembuf operation = {1, by, flags};
    return semop(id, &operation, 1);
}

static void ends(pid_t pid) {
    int status;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void memory(key_t key) {
    pid_t pid;
    FAILS(shmget(key, 4096, 0), ENOENT);
    int id = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
    CHECK(id >= 0);
    FAILS(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    FAILS(shmget(key, 8192, IPC_CREAT | 0600), EINVAL);
    FAILS(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    CHECK(shmget(key, 0, 0) == id && shmget(key, 4096, IPC_CREAT | 0600) == id);
    char *page = shmat(id, 0, 0);
    CHECK(page != (void *)-1);
    page[0] = 'a';
    if ((pid = fork()) == 0) {
        char *same = shmat(shmget(key, 0, 0), 0, 0);
        CHECK(same != (void *)-1 && same != page && same[0] == 'a');
        same[1] = 'b';
        CHECK(shmdt(same) == 0);
        _exit(0);
    }
    ends(pid);
    CHECK(page[1] == 'b' && shmctl(id, IPC_STAT, &shm) == 0);
    CHECK(shm.shm_segsz == 4096 && (shm.shm_perm.mode & 0777) == 0600 && shm.shm_nattch == 1);
    int one = shmget(IPC_PRIVATE, 4096, 0600), two = shmget(IPC_PRIVATE, 4096, 0600);
    CHECK(one >= 0 && two >= 0 && one != two && one != id);
    CHECK(shmctl(one, IPC_RMID, 0) == 0 && shmctl(two, IPC_RMID, 0) == 0);
    FAILS(shmctl(one, IPC_RMID, 0), EINVAL);
    CHECK(shmctl(id, IPC_RMID, 0) == 0);
    FAILS(shmget(key, 0, 0), ENOENT);
    // What is attached stays.
    page[2] = 'c';
    CHECK(shmdt(page) == 0);
    FAILS(shmat(id, 0, 0), EINVAL);
}

static void semaphores(key_t key) {
    pid_t pid;
    FAILS(semget(key, 2, 0), ENOENT);
    int id = semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
    CHECK(id >= 0);
    FAILS(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    FAILS(semget(key, 3, 0), EINVAL);
    FAILS(semget(IPC_PRIVATE, -1, 0600), EINVAL);
    CHECK(semget(key, 0, 0) == id);
    unsigned short values[2] = {3, 0};
    CHECK(semctl(id, 0, SETALL, (union semun){.array = values}) == 0);
    CHECK(semctl(id, 0, GETVAL) == 3 && semctl(id, 1, GETVAL) == 0);
    CHECK(semctl(id, 0, IPC_STAT, (union semun){.buf = &sems}) == 0 && sems.sem_nsems == 2);
    struct timespec soon = {0, 1000000};
    struct sembuf down = {1, -1, 0};
    FAILS(semtimedop(id, &down, 1, &soon), EAGAIN);
    FAILS(step(id, -1, IPC_NOWAIT), EAGAIN);
    if ((pid = fork()) == 0) {
        usleep(20000);
        CHECK(step(id, 1, 0) == 0);
        _exit(0);
    }
    CHECK(step(id, -1, 0) == 0);
    ends(pid);
    // What a process has done is undone when it ends.
    if ((pid = fork()) == 0) _exit(step(id, 5, SEM_UNDO) != 0 || semctl(id, 1, GETVAL) != 5);
    ends(pid);
    CHECK(semctl(id, 1, GETVAL) == 0 && semctl(id, 1, SETVAL, (union semun){.val = 0}) == 0);
    // One that waits hears of the end.
    if ((pid = fork()) == 0) {
        FAILS(step(id, -1, 0), EIDRM);
        _exit(0);
    }
    while (semctl(id, 1, GETNCNT) == 0) usleep(1000);
    CHECK(semctl(id, 0, IPC_RMID) == 0);
    ends(pid);
    FAILS(step(id, 1, 0), EINVAL);
}

static void messages(key_t key) {
    FAILS(msgget(key, 0), ENOENT);
    int id = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    CHECK(id >= 0 && msgget(key, 0) == id);
    FAILS(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
    pid_t pid = fork();
    if (pid == 0) {
        message.type = 7;
        strcpy(message.text, "word");
        CHECK(msgsnd(id, &message, sizeof message.text, 0) == 0);
        _exit(0);
    }
    CHECK(msgrcv(id, &message, sizeof message.text, 7, 0) == sizeof message.text && !strcmp(message.text, "word"));
    ends(pid);
    FAILS(msgrcv(id, &message, sizeof message.text, 0, IPC_NOWAIT), ENOMSG);
    CHECK(msgctl(id, IPC_STAT, &msgs) == 0 && msgs.msg_qnum == 0);
    CHECK(msgctl(id, IPC_RMID, 0) == 0);
    FAILS(msgsnd(id, &message, 1, 0), EINVAL);
}

static void refusals(key_t key) {
    int id = shmget(key, 4096, IPC_CREAT | 0666), sem = semget(key, 1, IPC_CREAT | 0666), msg = msgget(key, IPC_CREAT | 0666);
    CHECK(shmctl(id, IPC_STAT, &shm) == 0 && (shm.shm_perm.mode & 0777) == 0600);
    CHECK(semctl(sem, 0, IPC_STAT, (union semun){.buf = &sems}) == 0 && (sems.sem_perm.mode & 0777) == 0600);
    CHECK(msgctl(msg, IPC_STAT, &msgs) == 0 && (msgs.msg_perm.mode & 0777) == 0600);
    shm.shm_perm.mode = 0666;
    FAILS(shmctl(id, IPC_SET, &shm), EPERM);
    FAILS(shmget(IPC_PRIVATE, 4096, SHM_HUGETLB | 0600), EPERM);
    // Those of the machine, by row.
    struct shm_info info;
    struct seminfo seminfo;
    FAILS(shmctl(0, SHM_INFO, (void *)&info), EINVAL);
    FAILS(semctl(0, 0, SEM_INFO, &seminfo), EINVAL);
    for (int row = 0; row < 256; row++) {
        if (row != id) FAILS(shmctl(row, SHM_STAT, &shm), EINVAL);
        if (row != sem) FAILS(semctl(row, 0, SEM_STAT, (union semun){.buf = &sems}), EINVAL);
        if (row != msg) FAILS(msgctl(row, MSG_STAT, &msgs), EINVAL);
    }
    FAILS(shmctl(id, SHM_STAT, &shm), EINVAL);
    FAILS(shmctl(-1, IPC_STAT, &shm), EINVAL);
    int count = 1;
    while (shmget(IPC_PRIVATE, 4096, 0600) >= 0) count++;
    CHECK(errno == ENOSPC && count == 64);
}

int main(int argc, char **argv) {
    CHECK(argc > 2);
    if (!strcmp(argv[1], "use")) {
        int shm_id = atoi(argv[2]), sem = atoi(argv[3]), msg = atoi(argv[4]);
        long results[] = {(long)shmat(shm_id, 0, SHM_RDONLY), shmctl(shm_id, IPC_STAT, &shm), step(sem, 1, 0),
                          semctl(sem, 0, GETVAL), msgctl(msg, IPC_STAT, &msgs), msgsnd(msg, &(struct { long type; }){1}, 0, IPC_NOWAIT)};
        for (unsigned r = 0; r < sizeof results / sizeof *results; r++) {
            if (results[r] != -1) return 0;
        }
        FAILS(shmctl(shm_id, IPC_RMID, 0), EINVAL);
        FAILS(semctl(sem, 0, IPC_RMID), EINVAL);
        FAILS(msgctl(msg, IPC_RMID, 0), EINVAL);
        return 1;
    }
    key_t key = atoi(argv[2]);
    if (!strcmp(argv[1], "make")) {
        printf("%d %d %d\n", shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600), semget(key, 2, IPC_CREAT | IPC_EXCL | 0600),
               msgget(key, IPC_CREAT | IPC_EXCL | 0600));
        return 0;
    }
    memory(key);
    semaphores(key);
    messages(key);
    if (argc > 3) refusals(key);
    puts("all");
    return 0;
}
