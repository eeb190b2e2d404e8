// Runs `sandlock run …` under ptrace(2), counts the calls of its processes by role, and gives one call another result.
//
//     injector LOG MILLISECONDS ROLE NR N FAULT VALUE TRACE -- COMMAND…
//
// The Nth call NR of ROLE is not made: FAULT `error` returns -VALUE, `lost` returns VALUE or (VALUE -1) the third argument, `kill` sends
// the signal VALUE instead. NR -1 injects nothing. TRACE 1 logs every counted call. LOG gets what happened, a line each.
//
// strace -e inject=… cannot do this: it counts for each process apart, the guest's calls too, and it makes the call number -1, for which
// a filter above kills. Here the call becomes one that every filter of sandlock allows.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __x86_64__
#error "registers of x86_64 only"
#endif

// All but the first and the last are in ROLES of xtask/src/inject/plan.rs.
enum role { LOADER, LAUNCHER, SUPERVISOR, GUARDIAN, COMMAND, WORKER, GUEST, ROLES };
static const char *const names[] = {"loader", "launcher", "supervisor", "guardian", "command", "worker", "guest"};

#define MOST 512
#define CALLS 512
// How long the remaining processes may take to end after sandlock has.
#define PATIENCE 2000

static struct process {
    pid_t pid;
    enum role role;
    int known;   // its maker was told of it, so its role is known
    int waits;   // its first stop came before that
    int lives;
    int injected; // it is inside the call that is not made
    long nr;
} processes[MOST];
static int made;
static unsigned counts[ROLES][CALLS];
static FILE *out;

// The living process with this number, a new one if there is none.
static struct process *of(pid_t pid) {
    for (int i = 0; i < made; i++)
        if (processes[i].pid == pid && processes[i].lives) return &processes[i];
    if (made == MOST) errx(1, "too many processes");
    processes[made] = (struct process){.pid = pid, .lives = 1, .role = GUEST, .nr = -1};
    return &processes[made++];
}

static enum role child_of(enum role role) {
    switch (role) {
    case LAUNCHER: return GUARDIAN;
    case SUPERVISOR: return WORKER;
    case GUARDIAN: return COMMAND;
    default: return GUEST;
    }
}

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tick(int signal) { (void)signal; }

// A guest's calls are not looked at.
static void go_on(struct process *process, int signal) {
    ptrace(process->role == GUEST ? PTRACE_CONT : PTRACE_SYSCALL, process->pid, 0, signal);
}

static int living(int print) {
    int count = 0;
    for (int i = 0; i < made; i++) {
        if (!processes[i].lives) continue;
        count++;
        if (print) fprintf(out, "left %s %ld\n", names[processes[i].role], processes[i].nr);
    }
    return count;
}

static void kill_all(void) {
    for (int i = 0; i < made; i++)
        if (processes[i].lives) kill(processes[i].pid, SIGKILL);
}

int main(int argc, char **argv) {
    if (argc < 11 || strcmp(argv[9], "--")) errx(1, "see the source");
    long deadline = atol(argv[2]), nr = atol(argv[4]), when = atol(argv[5]), value = atol(argv[7]);
    int trace = atoi(argv[8]), is_kill = !strcmp(argv[6], "kill"), is_lost = !strcmp(argv[6], "lost");
    enum role role = LOADER;
    while (role < ROLES && strcmp(argv[3], names[role])) role++;
    if (!(out = fopen(argv[1], "we"))) err(1, "%s", argv[1]);

    int gate[2];
    if (pipe(gate)) err(1, "pipe");
    pid_t main = fork();
    if (main < 0) err(1, "fork");
    if (main == 0) {
        char byte;
        close(gate[1]);
        if (read(gate[0], &byte, 1) != 1) _exit(1);
        close(gate[0]);
        execv(argv[10], argv + 10);
        _exit(127);
    }
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, main, 0, options)) {
        fprintf(out, "refused %s\n", strerrorname_np(errno));
        kill(main, SIGKILL);
        return 2;
    }
    *of(main) = (struct process){.pid = main, .lives = 1, .known = 1, .role = LOADER, .nr = -1};
    ptrace(PTRACE_INTERRUPT, main, 0, 0);
    if (write(gate[1], "x", 1) != 1) err(1, "write");
    close(gate[0]);
    close(gate[1]);

    // Ends waitpid now and then, so that the time is looked at.
    struct sigaction action = {.sa_handler = tick};
    sigaction(SIGALRM, &action, 0);
    struct itimerval every = {{0, 20000}, {0, 20000}};
    setitimer(ITIMER_REAL, &every, 0);
    deadline += now();
    int over = 0, is_hung = 0, is_cleared = 0;
    while (living(0)) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (now() > deadline && !is_cleared) {
            if (!over) fprintf(out, "ended hung\n");
            is_hung = !over;
            living(1);
            kill_all();
            is_cleared = 1;
            deadline += 5000;
        } else if (now() > deadline) {
            fprintf(out, "unkillable\n");
            break;
        }
        if (pid < 0) {
            if (errno != EINTR) break;
            continue;
        }
        struct process *process = of(pid);
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            process->lives = 0;
            if (trace) fprintf(out, "# %s %d ends: %#x\n", names[process->role], pid, status);
            if (pid == main && !is_hung) {
                int by_signal = WIFSIGNALED(status);
                fprintf(out, "ended %s %d\n", by_signal ? "killed" : "exited",
                        by_signal ? WTERMSIG(status) : WEXITSTATUS(status));
                over = 1;
                deadline = now() + PATIENCE;
            }
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
            unsigned long number;
            if (!ptrace(PTRACE_GETEVENTMSG, pid, 0, &number)) {
                struct process *child = of((pid_t)number);
                // It may have been killed before the event of its creation came.
                if (kill(child->pid, 0)) child->lives = 0;
                child->role = child_of(process->role);
                child->known = 1;
                if (child->waits) go_on(child, 0);
                child->waits = 0;
            }
            go_on(process, 0);
        } else if (event == PTRACE_EVENT_EXEC) {
            if (process->role == COMMAND) process->role = GUEST;
            go_on(process, 0);
        } else if (event == PTRACE_EVENT_STOP) {
            if (!process->known) process->waits = 1;
            else if (signal == SIGTRAP) go_on(process, 0);
            else ptrace(PTRACE_LISTEN, pid, 0, 0);
        } else if (signal == (SIGTRAP | 0x80)) {
            struct user_regs_struct regs;
            struct __ptrace_syscall_info info;
            if (ptrace(PTRACE_GETREGS, pid, 0, &regs) ||
                ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0) {
                go_on(process, 0);
                continue;
            }
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                // The first call that `sandlock run` itself makes.
                if (process->role == LOADER && info.entry.nr == SYS_rt_sigprocmask) process->role = LAUNCHER;
                process->nr = (long)info.entry.nr;
                unsigned long at = info.entry.nr < CALLS ? info.entry.nr : CALLS - 1;
                unsigned count = ++counts[process->role][at];
                if (trace)
                    fprintf(out, "# %s %d %ld#%u(%#lx %#lx %#lx)\n", names[process->role], pid, process->nr, count,
                            (long)info.entry.args[0], (long)info.entry.args[1], (long)info.entry.args[2]);
                if (process->role == role && process->nr == nr && count == (unsigned long)when) {
                    fprintf(out, "injected\n");
                    if (is_kill) {
                        kill(pid, (int)value);
                    } else {
                        process->injected = 1;
                        // The guardian's filter has the one, all others the other.
                        regs.orig_rax = process->role == GUARDIAN ? SYS_getppid : SYS_getpid;
                        ptrace(PTRACE_SETREGS, pid, 0, &regs);
                    }
                }
            } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
                if (process->injected) {
                    process->injected = 0;
                    regs.rax = (unsigned long)(!is_lost ? -value : value == -1 ? (long)regs.rdx : value);
                    ptrace(PTRACE_SETREGS, pid, 0, &regs);
                }
                if (trace) fprintf(out, "# %s %d = %lld\n", names[process->role], pid, (long long)regs.rax);
                // The supervisor's filter is there: from here on it runs.
                if (process->role == LAUNCHER && process->nr == SYS_seccomp && !regs.rax) process->role = SUPERVISOR;
            }
            go_on(process, 0);
        } else {
            go_on(process, event ? 0 : signal);
        }
    }
    for (int i = 0; i < ROLES; i++)
        for (int j = 0; j < CALLS; j++)
            if (counts[i][j]) fprintf(out, "calls %s %d %u\n", names[i], j, counts[i][j]);
    fclose(out);
    return 0;
}
