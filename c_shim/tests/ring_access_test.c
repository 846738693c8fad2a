/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may do what with a ring: its owner, a member of its group, and a stranger, each a process of a user of its own.
 *
 * Only root may start processes of other users; what anybody may ask the system about modes is tested by everybody.
 */
#include "ring_test.h"

#include <grp.h>
#include <sys/wait.h>

#define OWNER 40001
#define MEMBER 40002
#define STRANGER 40003
#define FEED_GROUP 40101  /* of the owner and the member */
#define OTHER_GROUP 40102 /* of the stranger alone */

static const uint32_t ACCESSES[] = {0600, 0640, 0644, 0660, 0664, 0666};
#define ACCESS_COUNT (sizeof ACCESSES / sizeof ACCESSES[0])

static qaultra_ring_options options_of(uint32_t access) {
  qaultra_ring_options options = qaultra_ring_options_default();
  options.epoch = qaultra_ring_random_epoch();
  options.capacity = 16;
  options.access = access;
  return options;
}

static int end_of(pid_t child) {
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int become(uid_t user, gid_t group) {
  return setgroups(0, NULL) == 0 && setgid(group) == 0 && setuid(user) == 0;
}

/** Whether this process may start others of other users: root may, but not in a namespace that knows no other users. */
static int can_become(void) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) _exit(become(STRANGER, OTHER_GROUP) ? 0 : 1);
  return end_of(child) == 0;
}

/** What `act` comes to in a process of that user: 0, or what it calls its failure. */
static int as_user(uid_t user, gid_t group, int (*act)(uint64_t), uint64_t epoch) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(become(user, group));
    /* A sanitizer would report the fault and end the process in its own way. */
    signal(SIGSEGV, SIG_DFL);
    _exit(act(epoch));
  }
  return end_of(child);
}

/* ---- what a process tries ------------------------------------------------------------------------------------------- */

enum { READS = 1, JOINS = 2, DENIED = 3 };

/** Whether it may read the blocks, may write the table as well, or may not even look. */
static int attach(uint64_t epoch) {
  qaultra_ring_segments found;
  const qaultra_ring_outcome outcome = qaultra_ring_open(epoch, &found);
  if (outcome != QAULTRA_RING_DONE) {
    CHECK(outcome == QAULTRA_RING_SYSTEM && errno == EACCES);
    CHECK(found.data == NULL && found.table_memory == NULL && found.data_fd == -1);
    return DENIED;
  }
  return found.table.header != NULL ? JOINS : READS;
}

/** Tries to get a writable mapping of the data in every way that there is. */
static int get_writable(uint64_t epoch) {
  qaultra_ring_segments found;
  char path[QAULTRA_RING_PATH_BYTES];
  CHECK(qaultra_ring_open(epoch, &found) == QAULTRA_RING_DONE);
  CHECK(mprotect(found.data, 4096, PROT_READ | PROT_WRITE) != 0 && errno == EACCES);
  CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, found.data_fd, 0) == MAP_FAILED && errno == EACCES);
  CHECK(write(found.data_fd, "x", 1) == -1 && errno == EBADF);
  CHECK(ftruncate(found.data_fd, 0) != 0);
  CHECK(fchmod(found.data_fd, 0666) != 0 && errno == EPERM);
  snprintf(path, sizeof path, "/proc/self/fd/%d", found.data_fd);
  CHECK(open(path, O_RDWR) == -1 && errno == EACCES);
  qaultra_ring_path(path, QAULTRA_RING_DATA_PREFIX, epoch);
  CHECK(open(path, O_RDWR) == -1 && errno == EACCES);
  CHECK(truncate(path, 0) != 0 && errno == EACCES);
  CHECK(chmod(path, 0666) != 0 && errno == EPERM);
  CHECK(unlink(path) != 0 && (errno == EPERM || errno == EACCES));
  return 0;
}

static int store_into_data(uint64_t epoch) {
  qaultra_ring_segments found;
  CHECK(qaultra_ring_open(epoch, &found) == QAULTRA_RING_DONE);
  *((volatile uint8_t*)found.data + QAULTRA_RING_HEADER_BYTES) = 1;
  return 0;
}

static int store_into_table(uint64_t epoch) {
  qaultra_ring_segments found;
  CHECK(qaultra_ring_open(epoch, &found) == QAULTRA_RING_DONE);
  *(volatile uint8_t*)found.table_memory = 1;
  return 0;
}

/* ---- tests ---------------------------------------------------------------------------------------------------------- */

RING_TEST(modes_are_those_of_the_access_whatever_the_umask) {
  static const mode_t umasks[] = {0, 027, 0777};
  for (size_t i = 0; i < ACCESS_COUNT * 3; i++) {
    const uint32_t access = ACCESSES[i / 3];
    umask(umasks[i % 3]);
    const qaultra_ring_options options = options_of(access);
    qaultra_ring_segments own = segments_make(&options);
    const struct stat data = info_of(QAULTRA_RING_DATA_PREFIX, options.epoch);
    const struct stat table = info_of(QAULTRA_RING_TABLE_PREFIX, options.epoch);
    /* The blocks are never to be written by anybody else. */
    CHECK((data.st_mode & 07777) == (access & 0644) && (table.st_mode & 07777) == access);
    CHECK(data.st_gid == getegid() && table.st_gid == getegid() && data.st_uid == geteuid());
    segments_remove(&own);
  }
}

RING_TEST(an_access_that_makes_no_sense_makes_nothing) {
  static const uint32_t accesses[] = {0, 0400, 0604, 0620, 0662, 0700, 0770, 02660, 0x80000000};
  for (size_t i = 0; i < sizeof accesses / sizeof accesses[0]; i++) {
    const qaultra_ring_options options = options_of(accesses[i]);
    const qaultra_ring_identity self = qaultra_ring_identity_self();
    qaultra_ring_segments segments;
    CHECK(qaultra_ring_create(&options, &self, &segments) == QAULTRA_RING_INVALID);
    CHECK(segments.finding.fault == QAULTRA_RING_FAULT_ACCESS && segments.finding.value == accesses[i]);
    CHECK(qaultra_ring_open(options.epoch, &segments) == QAULTRA_RING_GONE);
  }
}

static int make_for_foreign_group(uint64_t epoch) {
  qaultra_ring_options options = options_of(0660);
  const qaultra_ring_identity self = qaultra_ring_identity_self();
  qaultra_ring_segments segments;
  options.epoch = epoch;
  options.group = OTHER_GROUP;
  CHECK(qaultra_ring_create(&options, &self, &segments) == QAULTRA_RING_SYSTEM && errno == EPERM);
  CHECK(segments.data == NULL && segments.data_fd == -1);
  CHECK(qaultra_ring_open(epoch, &segments) == QAULTRA_RING_GONE);

  /* The group comes first: until then, and when it can not be had, nobody but the owner has any right. */
  const int fd = open(QAULTRA_RING_FOLDER, QAULTRA_RING_O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  struct stat info;
  CHECK(fd >= 0 && qaultra_ring_grant(fd, OTHER_GROUP, 0666) == -1 && errno == EPERM);
  CHECK(fstat(fd, &info) == 0 && (info.st_mode & 07777) == 0600 && info.st_gid == FEED_GROUP);
  CHECK(qaultra_ring_grant(fd, QAULTRA_RING_GROUP_OWN, 0640) == 0);
  CHECK(fstat(fd, &info) == 0 && (info.st_mode & 07777) == 0640);
  close(fd);

  options.group = FEED_GROUP;
  CHECK(qaultra_ring_create(&options, &self, &segments) == QAULTRA_RING_DONE);
  CHECK(info_of(QAULTRA_RING_DATA_PREFIX, epoch).st_gid == FEED_GROUP);
  segments_remove(&segments);
  return 0;
}

RING_TEST(a_group_that_the_process_is_not_in_makes_nothing) {
  if (can_become()) CHECK(as_user(OWNER, FEED_GROUP, make_for_foreign_group, qaultra_ring_random_epoch()) == 0);
}

static const struct {
  uint32_t access;
  int member, stranger;
} RIGHTS[] = {
    {0600, DENIED, DENIED}, {0640, READS, DENIED}, {0644, READS, READS},
    {0660, JOINS, DENIED},  {0664, JOINS, READS},  {0666, JOINS, JOINS},
};

RING_TEST(owner_member_and_stranger_may_do_what_the_access_says) {
  if (!can_become()) return;
  for (size_t i = 0; i < sizeof RIGHTS / sizeof RIGHTS[0]; i++) {
    int ready[2], over[2];
    char byte;
    CHECK(pipe(ready) == 0 && pipe(over) == 0);
    qaultra_ring_options options = options_of(RIGHTS[i].access);
    options.group = FEED_GROUP;
    const pid_t owner = fork();
    CHECK(owner >= 0);
    if (owner == 0) {
      close(over[1]);
      CHECK(become(OWNER, FEED_GROUP));
      qaultra_ring_segments own = segments_make(&options);
      CHECK(write(ready[1], "x", 1) == 1);
      CHECK(read(over[0], &byte, 1) == 0);
      CHECK(memcmp(own.data, "QAULRING", 8) == 0);
      segments_remove(&own);
      _exit(0);
    }
    close(over[0]);
    CHECK(read(ready[0], &byte, 1) == 1);
    const uint64_t epoch = options.epoch;
    CHECK(as_user(OWNER, OTHER_GROUP, attach, epoch) == JOINS);
    const struct {
      uid_t user;
      gid_t group;
      int rights;
    } others[] = {{MEMBER, FEED_GROUP, RIGHTS[i].member}, {STRANGER, OTHER_GROUP, RIGHTS[i].stranger}};
    for (size_t k = 0; k < 2; k++) {
      CHECK(as_user(others[k].user, others[k].group, attach, epoch) == others[k].rights);
      if (others[k].rights == DENIED) continue;
      CHECK(as_user(others[k].user, others[k].group, get_writable, epoch) == 0);
      CHECK(as_user(others[k].user, others[k].group, store_into_data, epoch) == -SIGSEGV);
      if (others[k].rights == READS) {
        CHECK(as_user(others[k].user, others[k].group, store_into_table, epoch) == -SIGSEGV);
      }
    }
    close(over[1]);
    CHECK(end_of(owner) == 0);
    close(ready[0]);
    close(ready[1]);
  }
}
