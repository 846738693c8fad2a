/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may use a ring: the group and the modes of its two files.
 *
 * One number says it for both, in the manner of chmod: whoever has the right to read in it may read the blocks, and whoever has
 * the right to write as well may also write the reader table. Nobody but the owner may ever write the blocks.
 */
#ifndef QAULTRA_IPC_RING_ACCESS_H
#define QAULTRA_IPC_RING_ACCESS_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The owner and his group, whose members are readers in full. */
#define QAULTRA_RING_ACCESS_DEFAULT 0660u
/** Everybody on the machine. */
#define QAULTRA_RING_ACCESS_MAX 0666u
/** The group that the process runs under. */
#define QAULTRA_RING_GROUP_OWN 0xFFFFFFFFu

/** 1 for 0600, 0640, 0644, 0660, 0664 and 0666: the owner has all rights, nobody may only write, and strangers may do no more than
 * the group, since the rights of strangers are not those of its members. */
static inline int qaultra_ring_access_valid(uint32_t access) {
  const uint32_t group = access >> 3 & 7u, others = access & 7u;
  return access >> 6 == 6u && (group == 0 || group == 4u || group == 6u) && (others == 0 || others == 4u || others == 6u) &&
         others <= group;
}

/** The mode of the data. */
static inline mode_t qaultra_ring_data_mode(uint32_t access) { return (mode_t)(access & ~0022u); }

/** The mode of the reader table. */
static inline mode_t qaultra_ring_table_mode(uint32_t access) { return (mode_t)access; }

/**
 * Gives a file that only its owner may use to a group, and then opens it to others: at no moment may anybody do more than is asked
 * for, and the umask has no say. 0, or -1 and `errno`: EPERM when the process is not a member of the group.
 */
static inline int qaultra_ring_grant(int fd, uint32_t group, mode_t mode) {
  const gid_t wanted = group == QAULTRA_RING_GROUP_OWN ? getegid() : (gid_t)group;
  struct stat info;
  if (fstat(fd, &info) != 0) return -1;
  /* A folder may hand its own group down. */
  if (info.st_gid != wanted && fchown(fd, (uid_t)-1, wanted) != 0) return -1;
  return fchmod(fd, mode);
}

#ifdef __cplusplus
}
#endif

#endif
