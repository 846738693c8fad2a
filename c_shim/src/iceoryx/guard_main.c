/* SPDX-License-Identifier: Apache-2.0
 *
 * qipc-guard: runs iox-roudi and ends it when nobody needs it any longer. It belongs to no script: it survives every one of
 * them, and learns of their end, also of a sudden one, by a lock that the kernel releases. guard.h states how it is called
 * and the files that it shares with the library.
 */
#define _GNU_SOURCE
#include "dead_runtimes.h"
#include "guard.h"
#include "probe_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_LEVEL "warning"
#define UMASK 022
#define WATCHER_NAME "qipc-watcher" /* at most 15 characters */

static int directory = -1;
static const char *directory_path;
static const char *segment_name;
static sigset_t watched; /* blocked, and waited for one by one */
static pid_t roudi = -1;
static pid_t watcher = -1;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs(QIPC_GUARD_PROGRAM ": ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* ---- locks ------------------------------------------------------------------------------------------------------ */

/* Opens and locks; -1 when that is not possible (now, with LOCK_NB). */
static int lock_file(const char *name, int operation) {
    for (;;) {
        int file = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        struct stat locked, named;
        if (file < 0) {
            return -1;
        }
        while (flock(file, operation) != 0) {
            if (errno != EINTR) {
                close(file);
                return -1;
            }
        }
        if (fstat(file, &locked) == 0 && fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
            locked.st_dev == named.st_dev && locked.st_ino == named.st_ino) {
            return file;
        }
        close(file);
    }
}

/* ---- children --------------------------------------------------------------------------------------------------- */

/* A child that does not survive the guard: it gets `signal_at_death`. Returns as fork does. */
static pid_t fork_bound(int signal_at_death) {
    const pid_t guard = getpid();
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, signal_at_death);
        if (getppid() != guard) {
            _exit(EXIT_FAILURE);
        }
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
    }
    return child;
}

static int start_roudi(void) {
    roudi = fork_bound(SIGTERM);
    if (roudi == 0) {
        char config[256];
        snprintf(config, sizeof config, "%s/%s", directory_path, QIPC_FILE_CONFIG);
        execlp(QIPC_ROUDI_PROGRAM, QIPC_ROUDI_PROGRAM, "-c", config, "-l", LOG_LEVEL, (char *)NULL);
        say("could not run %s (%s); is the package iceoryx installed?", QIPC_ROUDI_PROGRAM, strerrordesc_np(errno));
        _exit(EXIT_FAILURE);
    }
    return roudi > 0;
}

/* The watcher ends when nobody holds `members` any longer. */
static int start_watcher(void) {
    watcher = fork_bound(SIGKILL);
    if (watcher == 0) {
        prctl(PR_SET_NAME, WATCHER_NAME);
        _exit(lock_file(QIPC_FILE_MEMBERS, LOCK_EX) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return watcher > 0;
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

/* What a dead daemon leaves behind. Only under the daemon's own lock, so that no living one is robbed, also not one that
 * somebody else starts at this moment. The lock's file stays: who opened it a moment ago may be about to lock it. */
static void remove_leftovers(void) {
    qipc_remove_dead_probes();
    qipc_remove_dead_runtimes();
    const int lock = open(QIPC_ROUDI_LOCK, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (lock < 0) {
        return; /* it ended in order and removed everything itself */
    }
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
        const int shm = open(QIPC_SHM_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        unlink(QIPC_ROUDI_SOCKET);
        unlink(QIPC_ROUDI_SOCKET_LOCK);
        if (shm >= 0) {
            unlinkat(shm, QIPC_SHM_MANAGEMENT, 0);
            unlinkat(shm, segment_name, 0);
            close(shm);
        }
    }
    close(lock);
}

/* With spawn.lock held, as the last deed. */
static void remove_directory(void) {
    static const char *const files[] = {QIPC_FILE_KEEP,    QIPC_FILE_CONFIG_NEW, QIPC_FILE_CONFIG,    QIPC_FILE_LOG,
                                        QIPC_FILE_MEMBERS, QIPC_FILE_GUARD_LOCK, QIPC_FILE_SPAWN_LOCK};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        unlinkat(directory, files[i], 0);
    }
    rmdir(directory_path);
}

/* Returns when RouDi has ended, by SIGTERM, or by SIGKILL QIPC_ROUDI_STOP_MS later. */
static void stop_roudi(void) {
    struct timespec now, deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += QIPC_ROUDI_STOP_MS / 1000;
    kill(roudi, SIGTERM);
    while (waitpid(roudi, NULL, WNOHANG) == 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > deadline.tv_sec || (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec)) {
            say("%s did not end within %d ms of SIGTERM and is killed", QIPC_ROUDI_PROGRAM, QIPC_ROUDI_STOP_MS);
            kill(roudi, SIGKILL);
            waitpid(roudi, NULL, 0);
            break;
        }
        const struct timespec pause = {0, 10 * 1000 * 1000};
        sigtimedwait(&watched, NULL, &pause);
    }
    roudi = -1;
}

/* Looks, with everybody else locked out, whether really nobody needs the daemon, and if so ends it and this program.
 * Returns when somebody does: with 1 when the members are to be watched on, with 0 when it was said to outlive them. */
static int end_if_not_needed(void) {
    const int spawn_lock = lock_file(QIPC_FILE_SPAWN_LOCK, LOCK_EX);
    const int members = lock_file(QIPC_FILE_MEMBERS, LOCK_EX | LOCK_NB);
    const int is_kept = faccessat(directory, QIPC_FILE_KEEP, F_OK, 0) == 0;
    if (spawn_lock >= 0 && members >= 0 && !is_kept) {
        stop_roudi();
        remove_leftovers();
        remove_directory();
        exit(EXIT_SUCCESS);
    }
    close(members);
    close(spawn_lock);
    return !is_kept;
}

static void roudi_ended(int status) {
    if (WIFSIGNALED(status)) {
        say("%s was ended by signal %d (%s)", QIPC_ROUDI_PROGRAM, WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        say("%s ended with status %d", QIPC_ROUDI_PROGRAM, WEXITSTATUS(status));
    }
    /* The private directory stays: its log tells why, and members may still hold their locks. */
    remove_leftovers();
    exit(EXIT_FAILURE);
}

static void reap(void) {
    int status;
    pid_t child;
    while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
        if (child == roudi) {
            roudi_ended(status);
        }
        if (child == watcher) {
            watcher = -1;
            if (status != 0) {
                say("could not watch %s/%s: the daemon stays", directory_path, QIPC_FILE_MEMBERS);
            } else if (end_if_not_needed() && !start_watcher()) {
                say("could not start a process (%s): the daemon stays", strerrordesc_np(errno));
            }
        }
    }
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

/* Leaves the script behind: its folder, its pinning to a CPU, and being its child. */
static void detach(void) {
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    sched_setaffinity(0, sizeof all, &all);
    umask(UMASK);
    if (chdir("/") != 0) {
        say("could not go to / (%s)", strerrordesc_np(errno));
    }
    const pid_t guard = fork();
    if (guard != 0) {
        _exit(guard > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
}

int main(int argc, char **argv) {
    if (argc != QIPC_GUARD_ARGUMENTS + 1) {
        fputs("usage: " QIPC_GUARD_PROGRAM " DIRECTORY SEGMENT\n"
              "Runs " QIPC_ROUDI_PROGRAM " while it is needed. The library of @qaultra/ipc starts this program.\n",
              stderr);
        return EXIT_FAILURE;
    }
    directory_path = argv[1];
    segment_name = argv[2];
    directory = open(directory_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) {
        say("could not open %s (%s)", directory_path, strerrordesc_np(errno));
        return EXIT_FAILURE;
    }
    fcntl(QIPC_GUARD_STATUS_FD, F_SETFD, FD_CLOEXEC);
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGHUP);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    detach();

    /* Whoever starts a guard holds spawn.lock, so an older guard can only be about to end. */
    if (lock_file(QIPC_FILE_GUARD_LOCK, LOCK_EX) < 0) {
        say("could not lock %s/%s (%s)", directory_path, QIPC_FILE_GUARD_LOCK, strerrordesc_np(errno));
        return EXIT_FAILURE;
    }
    remove_leftovers();
    if (!start_roudi() || !start_watcher()) {
        say("could not start a process (%s)", strerrordesc_np(errno));
        return EXIT_FAILURE;
    }
    for (;;) {
        const int number = sigwaitinfo(&watched, NULL);
        if (number == SIGCHLD) {
            reap();
        } else if (number > 0) {
            stop_roudi();
            remove_leftovers();
            exit(EXIT_SUCCESS);
        }
    }
}
