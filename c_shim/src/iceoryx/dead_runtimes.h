/* SPDX-License-Identifier: Apache-2.0
 *
 * The names that runtimes get when none is given, and clearing up the socket and the lock of each whose process was killed:
 * such a name is never used again, so nobody else would. In C, because qipc-guard does it too.
 */
#ifndef QIPC_DEAD_RUNTIMES_H
#define QIPC_DEAD_RUNTIMES_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define QIPC_RUNTIME_FOLDER "/tmp/"
#define QIPC_RUNTIME_FORMAT "qipc-%d-%08x" /* process, random number */
#define QIPC_RUNTIME_LOCK ".lock"

/* The process that a lock's name tells, or 0 when this is not the lock of such a runtime. */
static inline int qipc_runtime_process(const char *name) {
    char same[64];
    int process = 0;
    unsigned number = 0;
    if (sscanf(name, "qipc-%d-%8x", &process, &number) != 2) {
        return 0;
    }
    snprintf(same, sizeof same, QIPC_RUNTIME_FORMAT QIPC_RUNTIME_LOCK, process, number);
    return process > 0 && strcmp(name, same) == 0 ? process : 0;
}

static inline void qipc_remove_dead_runtime(int folder, const char *lock) {
    char runtime[64];
    struct stat found;
    const int file = openat(folder, lock, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    /* Who holds the lock lives, wherever its process is counted. */
    if (fstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == geteuid() && found.st_size == 0 &&
        flock(file, LOCK_EX | LOCK_NB) == 0) {
        snprintf(runtime, sizeof runtime, "%.*s", (int)(strlen(lock) - strlen(QIPC_RUNTIME_LOCK)), lock);
        if (fstatat(folder, runtime, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(found.st_mode)) {
            unlinkat(folder, runtime, 0);
        }
        unlinkat(folder, lock, 0);
    }
    close(file);
}

static inline void qipc_remove_dead_runtimes(void) {
    DIR *const folder = opendir(QIPC_RUNTIME_FOLDER);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const int process = qipc_runtime_process(entry->d_name);
        /* A process that is alive may just be about to take its lock. */
        if (process > 0 && kill(process, 0) != 0 && errno == ESRCH) {
            qipc_remove_dead_runtime(dirfd(folder), entry->d_name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

#endif
