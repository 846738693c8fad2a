/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, finding and mapping the two segments of a ring.
 *
 * The writer's process holds a lock on the data file, which the kernel releases when that process ends, however it ends: so
 * whoever can take the lock knows that the writer is dead. A fork of the writer's process shares the lock; exec does not.
 */
#ifndef QAULTRA_IPC_RING_SEGMENT_H
#define QAULTRA_IPC_RING_SEGMENT_H

#include "ring_access.h"
#include "ring_format.h"
#include "ring_process.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef O_TMPFILE
#define QAULTRA_RING_O_TMPFILE O_TMPFILE
#else
#define QAULTRA_RING_O_TMPFILE (020000000 | O_DIRECTORY) /* hidden without _GNU_SOURCE; the same in all common ports */
#endif

#define QAULTRA_RING_PATH_BYTES 64u

/** What a call of this header came to. Where it is SYSTEM, `errno` tells more. */
typedef enum qaultra_ring_outcome {
  QAULTRA_RING_DONE = 0,
  QAULTRA_RING_GONE,     /* no ring of this epoch */
  QAULTRA_RING_INVALID,  /* a header that does not fit its segment, or options that break a limit: `finding` says which */
  QAULTRA_RING_NO_SPACE, /* not enough room in /dev/shm */
  QAULTRA_RING_SYSTEM    /* the system refused; EACCES: this user may not read the ring, EPERM: is not in the group to be */
} qaultra_ring_outcome;

/** Both segments of a ring as this process has mapped them. */
typedef struct qaultra_ring_segments {
  void* data;
  void* table_memory;
  qaultra_ring_shape shape;
  qaultra_ring_table_shape table_shape;
  qaultra_ring_table table; /* bound to none when it can not be written */
  qaultra_ring_finding finding;
  int data_fd; /* the writer's holds the lock */
  int owner;   /* made by this process */
} qaultra_ring_segments;

/** Writes the path of a segment of this epoch to `path`. */
static inline void qaultra_ring_path(char path[QAULTRA_RING_PATH_BYTES], const char* prefix, uint64_t epoch) {
  snprintf(path, QAULTRA_RING_PATH_BYTES, QAULTRA_RING_FOLDER "/%s%016llx", prefix, (unsigned long long)epoch);
}

/** Removes the names; who has the ring mapped keeps it. */
static inline void qaultra_ring_unlink(uint64_t epoch) {
  char path[QAULTRA_RING_PATH_BYTES];
  qaultra_ring_path(path, QAULTRA_RING_DATA_PREFIX, epoch);
  unlink(path);
  qaultra_ring_path(path, QAULTRA_RING_TABLE_PREFIX, epoch);
  unlink(path);
}

/** A random number other than 0; 0 when the system has none. */
static inline uint64_t qaultra_ring_random_epoch(void) {
  uint64_t epoch = 0;
  for (uint32_t i = 0; epoch == 0 && i < QAULTRA_RING_TRIES_MAX; i++) {
    if (getrandom(&epoch, sizeof epoch, 0) != (ssize_t)sizeof epoch) epoch = 0;
  }
  return epoch;
}

/** 1 while the writer's process holds its lock. Of several that ask at once none disturbs another: the lock is shared. */
static inline int qaultra_ring_writer_alive(const qaultra_ring_segments* segments) {
  if (segments->owner) return 1;
  if (flock(segments->data_fd, LOCK_SH | LOCK_NB) != 0) return 1;
  flock(segments->data_fd, LOCK_UN);
  return 0;
}

/** Unmaps; the owner's lock goes with it. The names stay until `qaultra_ring_unlink`. */
static inline void qaultra_ring_unmap(qaultra_ring_segments* segments) {
  if (segments->data != NULL) munmap(segments->data, segments->shape.segment_bytes);
  if (segments->table_memory != NULL) munmap(segments->table_memory, segments->table_shape.segment_bytes);
  if (segments->data_fd >= 0) close(segments->data_fd);
  segments->data = NULL;
  segments->table_memory = NULL;
  segments->table = qaultra_ring_table_none();
  segments->data_fd = -1;
}

static inline void qaultra_ring_segments_clear(qaultra_ring_segments* segments) {
  memset(segments, 0, sizeof *segments);
  segments->data_fd = -1;
}

/** A nameless file in shared memory with room for all of it, mapped; null and `errno` when it can not be had. */
static inline void* qaultra_ring_make_file(uint64_t bytes, uint32_t group, mode_t mode, int* fd) {
  *fd = open(QAULTRA_RING_FOLDER, QAULTRA_RING_O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (*fd < 0) return NULL;
  /* Room is reserved now: a full /dev/shm is an error here, and no SIGBUS at the first touch later. */
  int error = qaultra_ring_grant(*fd, group, mode) != 0 ? errno : posix_fallocate(*fd, 0, (off_t)bytes);
  void* memory = MAP_FAILED;
  if (error == 0) {
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, *fd, 0);
    error = errno;
  }
  if (memory != MAP_FAILED) return memory;
  close(*fd);
  *fd = -1;
  errno = error;
  return NULL;
}

/** Gives a nameless file its name. 0 when it worked. */
static inline int qaultra_ring_link(int fd, const char* prefix, uint64_t epoch) {
  char from[QAULTRA_RING_PATH_BYTES], to[QAULTRA_RING_PATH_BYTES];
  snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
  qaultra_ring_path(to, prefix, epoch);
  return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

/** Makes a ring; `options->epoch` from `qaultra_ring_random_epoch`. Nobody sees its names before it is complete and locked. */
static inline qaultra_ring_outcome qaultra_ring_create(const qaultra_ring_options* options,
                                                       const qaultra_ring_identity* self,
                                                       qaultra_ring_segments* segments) {
  qaultra_ring_segments_clear(segments);
  segments->owner = 1;
  segments->finding = qaultra_ring_options_check(options);
  if (segments->finding.fault != QAULTRA_RING_FAULT_NONE) return QAULTRA_RING_INVALID;
  segments->shape.segment_bytes = qaultra_ring_data_bytes(options->capacity);
  segments->table_shape.segment_bytes = qaultra_ring_table_bytes(options->entry_count);
  int table_fd = -1, linked = 0;
  segments->data = qaultra_ring_make_file(segments->shape.segment_bytes, options->group,
                                          qaultra_ring_data_mode(options->access), &segments->data_fd);
  if (segments->data != NULL) {
    segments->table_memory =
        qaultra_ring_make_file(segments->table_shape.segment_bytes, options->group,
                               qaultra_ring_table_mode(options->access), &table_fd);
  }
  if (segments->table_memory != NULL) {
    qaultra_ring_format(segments->data, segments->table_memory, options, self, qaultra_ring_clock_ms());
    /* The data's name comes last: by then its lock is taken, and the table is there. */
    linked = flock(segments->data_fd, LOCK_EX | LOCK_NB) == 0 &&
             qaultra_ring_link(table_fd, QAULTRA_RING_TABLE_PREFIX, options->epoch) == 0 &&
             qaultra_ring_link(segments->data_fd, QAULTRA_RING_DATA_PREFIX, options->epoch) == 0;
  }
  const int error = errno;
  if (table_fd >= 0) close(table_fd);
  if (!linked) {
    /* Another ring of this epoch would be one in 2^64; its names are not ours to remove. */
    if (table_fd >= 0 && error != EEXIST) qaultra_ring_unlink(options->epoch);
    qaultra_ring_unmap(segments);
    errno = error;
    return error == ENOSPC ? QAULTRA_RING_NO_SPACE : QAULTRA_RING_SYSTEM;
  }
  segments->finding =
      qaultra_ring_check(segments->data, segments->shape.segment_bytes, options->epoch, &segments->shape);
  qaultra_ring_readers_check(segments->table_memory, segments->table_shape.segment_bytes, options->epoch,
                             &segments->table_shape);
  segments->table = qaultra_ring_table_bind(segments->table_memory, &segments->table_shape);
  return QAULTRA_RING_DONE;
}

/** Opens and maps a segment; null and `errno` when it can not be had. `flags`: O_RDONLY or O_RDWR. */
static inline void* qaultra_ring_map_file(const char* prefix, uint64_t epoch, int flags, int* fd, uint64_t* bytes) {
  char path[QAULTRA_RING_PATH_BYTES];
  struct stat info;
  qaultra_ring_path(path, prefix, epoch);
  *fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (*fd < 0) return NULL;
  void* memory = MAP_FAILED;
  int error = ENODEV;
  if (fstat(*fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
    *bytes = (uint64_t)info.st_size;
    memory = mmap(NULL, *bytes, flags == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, *fd, 0);
    error = errno;
  }
  if (memory != MAP_FAILED) return memory;
  close(*fd);
  *fd = -1;
  errno = error;
  return NULL;
}

/**
 * Maps the ring of this epoch: the data read-only, the table writable where the user may, else it stays unbound. Both headers
 * are checked. A ring whose writer is dead can still be opened while it has its names.
 */
static inline qaultra_ring_outcome qaultra_ring_open(uint64_t epoch, qaultra_ring_segments* segments) {
  qaultra_ring_segments_clear(segments);
  uint64_t bytes = 0;
  segments->data = qaultra_ring_map_file(QAULTRA_RING_DATA_PREFIX, epoch, O_RDONLY, &segments->data_fd, &bytes);
  if (segments->data == NULL) return errno == ENOENT ? QAULTRA_RING_GONE : QAULTRA_RING_SYSTEM;
  segments->finding = qaultra_ring_check(segments->data, bytes, epoch, &segments->shape);
  segments->shape.segment_bytes = bytes; /* what is mapped, also when the check found a fault */
  if (segments->finding.fault != QAULTRA_RING_FAULT_NONE) {
    qaultra_ring_unmap(segments);
    return QAULTRA_RING_INVALID;
  }
  int table_fd = -1, writable = 1;
  void* table = qaultra_ring_map_file(QAULTRA_RING_TABLE_PREFIX, epoch, O_RDWR, &table_fd, &bytes);
  if (table == NULL && (errno == EACCES || errno == EPERM || errno == EROFS)) {
    writable = 0;
    table = qaultra_ring_map_file(QAULTRA_RING_TABLE_PREFIX, epoch, O_RDONLY, &table_fd, &bytes);
    /* Who may not even read it still reads the data, by polling. */
    if (table == NULL && errno == EACCES) return QAULTRA_RING_DONE;
  }
  const int error = errno;
  if (table_fd >= 0) close(table_fd);
  if (table == NULL) {
    qaultra_ring_unmap(segments);
    errno = error;
    return error == ENOENT ? QAULTRA_RING_GONE : QAULTRA_RING_SYSTEM;
  }
  segments->table_memory = table;
  segments->finding = qaultra_ring_readers_check(table, bytes, epoch, &segments->table_shape);
  segments->table_shape.segment_bytes = bytes;
  if (segments->finding.fault != QAULTRA_RING_FAULT_NONE) {
    qaultra_ring_unmap(segments);
    return QAULTRA_RING_INVALID;
  }
  if (writable) segments->table = qaultra_ring_table_bind(table, &segments->table_shape);
  return QAULTRA_RING_DONE;
}

#ifdef __cplusplus
}
#endif

#endif
