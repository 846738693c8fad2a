/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a process is, and whether it is gone.
 */
#ifndef QAULTRA_IPC_RING_PROCESS_H
#define QAULTRA_IPC_RING_PROCESS_H

#include "ring_table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/** More than a line of /proc/<pid>/stat holds up to its field 22. */
#define QAULTRA_RING_STAT_BYTES 1024u

/** What /proc/<pid>/stat says of a process. */
typedef struct qaultra_ring_process_stat {
  uint64_t start_time;
  uint64_t threads;
  char state;
} qaultra_ring_process_stat;

/** Reads it; 0 when it can not be read. `pid` 0: of this process. */
static inline int qaultra_ring_process_read(uint32_t pid, qaultra_ring_process_stat* stat) {
  char text[QAULTRA_RING_STAT_BYTES];
  if (pid == 0) {
    memcpy(text, "/proc/self/stat", sizeof "/proc/self/stat");
  } else {
    snprintf(text, sizeof text, "/proc/%u/stat", pid);
  }
  const int fd = open(text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t bytes = read(fd, text, sizeof text - 1);
  close(fd);
  if (bytes <= 0) return 0;
  text[bytes] = '\0';
  /* The second field is the name in parentheses, which may hold anything, also spaces and parentheses. */
  const char* at = strrchr(text, ')');
  if (at == NULL || at[1] != ' ') return 0;
  at += 2;
  stat->state = *at;
  uint32_t field = 3;
  while (field < 20) {
    at = strchr(at, ' ');
    if (at == NULL) return 0;
    at++;
    field++;
  }
  stat->threads = strtoull(at, NULL, 10);
  while (field < 22) {
    at = strchr(at, ' ');
    if (at == NULL) return 0;
    at++;
    field++;
  }
  stat->start_time = strtoull(at, NULL, 10);
  return 1;
}

/** This process. Parts that the system does not tell are 0. */
static inline qaultra_ring_identity qaultra_ring_identity_self(void) {
  qaultra_ring_identity identity;
  qaultra_ring_process_stat process;
  struct stat info;
  identity.pid = (uint32_t)getpid();
  identity.start_time = qaultra_ring_process_read(0, &process) ? process.start_time : 0;
  identity.pid_namespace = stat("/proc/self/ns/pid", &info) == 0 ? (uint64_t)info.st_ino : 0;
  return identity;
}

/**
 * Whether that process no longer runs, as seen from `self`; 0 when in doubt, as for one in another namespace, where its pid
 * means somebody else. One that ended and was not yet waited for by its parent counts as gone. With a start time of 0 any
 * process of that pid will do.
 */
static inline int qaultra_ring_process_gone(const qaultra_ring_identity* other, const qaultra_ring_identity* self) {
  if (other->pid == 0 || other->pid > INT_MAX || other->pid_namespace == 0) return 0;
  if (other->pid_namespace != self->pid_namespace) return 0;
  if (kill((pid_t)other->pid, 0) != 0 && errno == ESRCH) return 1;
  qaultra_ring_process_stat process;
  if (!qaultra_ring_process_read(other->pid, &process)) return 0;
  if (other->start_time != 0 && other->start_time != process.start_time) return 1;
  /* A zombie with more threads is one whose first thread ended; the others still run. */
  return process.state == 'Z' && process.threads <= 1;
}

#ifdef __cplusplus
}
#endif

#endif
