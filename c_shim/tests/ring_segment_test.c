/* SPDX-License-Identifier: Apache-2.0
 *
 * The files: how they are made and found, who may do what with them, and how the death of a writer shows.
 */
#include "ring_test.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NOBODY 65534

static qaultra_ring_options options_of(uint32_t capacity) {
  qaultra_ring_options options = qaultra_ring_options_default();
  options.epoch = qaultra_ring_random_epoch();
  options.capacity = capacity;
  return options;
}

RING_TEST(a_ring_is_made_whole_and_found_by_its_epoch) {
  const qaultra_ring_options options = options_of(32);
  qaultra_ring_segments own = segments_make(&options), found;
  const struct stat data = info_of(QAULTRA_RING_DATA_PREFIX, options.epoch);
  const struct stat table = info_of(QAULTRA_RING_TABLE_PREFIX, options.epoch);
  CHECK(data.st_size == 4096 + 32 * 8192 && (data.st_mode & 07777) == 0640);
  CHECK(table.st_size == 4096 + 64 * 64 && (table.st_mode & 07777) == 0660);
  /* All of it is there already: nothing is left to be refused at a first touch. */
  CHECK(data.st_blocks * 512 >= data.st_size && table.st_blocks * 512 >= table.st_size);
  CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_DONE);
  CHECK(found.shape.capacity == 32 && found.table.entry_count == 64);
  CHECK(qaultra_ring_writer_alive(&found) && qaultra_ring_writer_alive(&own));

  qaultra_ring_segments other;
  const qaultra_ring_identity self = qaultra_ring_identity_self();
  CHECK(qaultra_ring_create(&options, &self, &other) == QAULTRA_RING_SYSTEM && errno == EEXIST);
  CHECK(info_of(QAULTRA_RING_DATA_PREFIX, options.epoch).st_ino == data.st_ino);

  segments_remove(&own);
  CHECK(!qaultra_ring_writer_alive(&found));
  CHECK(qaultra_ring_open(options.epoch, &other) == QAULTRA_RING_GONE);
  qaultra_ring_unmap(&found);
}

RING_TEST(options_out_of_bounds_make_nothing) {
  const qaultra_ring_options options = options_of(48);
  const qaultra_ring_identity self = qaultra_ring_identity_self();
  qaultra_ring_segments segments;
  CHECK(qaultra_ring_create(&options, &self, &segments) == QAULTRA_RING_INVALID);
  CHECK(segments.finding.fault == QAULTRA_RING_FAULT_CAPACITY && segments.finding.value == 48);
  CHECK(qaultra_ring_open(options.epoch, &segments) == QAULTRA_RING_GONE);
}

RING_TEST(a_file_that_does_not_fit_its_header_is_refused) {
  const qaultra_ring_options options = options_of(32);
  qaultra_ring_segments own = segments_make(&options), found;
  char path[QAULTRA_RING_PATH_BYTES];
  qaultra_ring_path(path, QAULTRA_RING_TABLE_PREFIX, options.epoch);
  CHECK(truncate(path, 4096 + 63 * 64) == 0);
  CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_INVALID);
  CHECK(found.finding.fault == QAULTRA_RING_FAULT_SIZE);
  CHECK(truncate(path, 0) == 0);
  CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_SYSTEM);
  CHECK(unlink(path) == 0);
  CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_GONE);
  /* Nothing but a file of that very name: no link is followed, and no pipe waited for. */
  qaultra_ring_path(path, QAULTRA_RING_DATA_PREFIX, options.epoch);
  CHECK(unlink(path) == 0 && symlink("/dev/zero", path) == 0);
  CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_SYSTEM);
  CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
  CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_SYSTEM);
  segments_remove(&own);
}

static int end_of(pid_t child) {
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

RING_TEST(a_reader_that_writes_data_ends_itself_alone) {
  const qaultra_ring_options options = options_of(16);
  qaultra_ring_segments own = segments_make(&options);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    qaultra_ring_segments found;
    CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_DONE);
    /* A sanitizer would report the fault and end the process in its own way. */
    signal(SIGSEGV, SIG_DFL);
    *(volatile uint8_t*)found.data = 0;
    _exit(0);
  }
  CHECK(end_of(child) == -SIGSEGV);
  CHECK(memcmp(own.data, "QAULRING", 8) == 0);
  segments_remove(&own);
}

RING_TEST(a_user_who_may_not_write_the_table_reads_by_polling) {
  const qaultra_ring_options options = options_of(16);
  qaultra_ring_segments own = segments_make(&options);
  char path[QAULTRA_RING_PATH_BYTES];
  qaultra_ring_path(path, QAULTRA_RING_DATA_PREFIX, options.epoch);
  CHECK(chmod(path, 0444) == 0);
  qaultra_ring_path(path, QAULTRA_RING_TABLE_PREFIX, options.epoch);
  CHECK(chmod(path, 0444) == 0);
  qaultra_ring_writer writer = qaultra_ring_writer_bind(own.data, &own.shape, &own.table);
  int asked[2];
  CHECK(pipe(asked) == 0);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    /* Root may write anything. */
    if (geteuid() == 0) CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    qaultra_ring_segments found;
    CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_DONE);
    CHECK(found.table.header == NULL && found.table_memory != NULL);
    const qaultra_ring_identity self = qaultra_ring_identity_self();
    qaultra_ring_reader reader;
    CHECK(qaultra_ring_reader_join(&reader, found.data, &found.shape, &found.table, &self, 0, 0, 0));
    CHECK(!qaultra_ring_reader_wait(&reader, 1));
    CHECK(write(asked[1], "x", 1) == 1);
    CHECK(qaultra_ring_reader_wait(&reader, 60000));
    CHECK(ring_drain(&reader) == 1);
    _exit(0);
  }
  char byte;
  CHECK(read(asked[0], &byte, 1) == 1);
  qaultra_market_data_block* block = qaultra_ring_writer_claim(&writer);
  content_fill(block, 0);
  qaultra_ring_writer_commit(&writer);
  CHECK(end_of(child) == 0);
  segments_remove(&own);
}

RING_TEST(what_a_killed_writer_committed_is_read_and_no_more) {
  const qaultra_ring_options options = options_of(16);
  int ready[2];
  CHECK(pipe(ready) == 0);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    qaultra_ring_segments own = segments_make(&options);
    qaultra_ring_writer writer = qaultra_ring_writer_bind(own.data, &own.shape, &own.table);
    for (uint64_t sequence = 0; sequence < 21; sequence++) {
      qaultra_market_data_block* block = qaultra_ring_writer_claim(&writer);
      content_fill(block, sequence);
      if (sequence < 20) qaultra_ring_writer_commit(&writer);
    }
    CHECK(write(ready[1], "x", 1) == 1);
    pause();
    _exit(1);
  }
  char byte;
  CHECK(read(ready[0], &byte, 1) == 1);
  qaultra_ring_segments found;
  CHECK(qaultra_ring_open(options.epoch, &found) == QAULTRA_RING_DONE);
  CHECK(qaultra_ring_writer_alive(&found));
  CHECK(kill(child, SIGKILL) == 0 && end_of(child) == -SIGKILL);
  CHECK(!qaultra_ring_writer_alive(&found));
  const qaultra_ring_identity self = qaultra_ring_identity_self();
  qaultra_ring_reader reader;
  CHECK(qaultra_ring_reader_join(&reader, found.data, &found.shape, &found.table, &self, 14, 0, 0));
  CHECK(ring_drain(&reader) == 14 && reader.next == 20 && reader.missed == 0);
  CHECK(!qaultra_ring_reader_wait(&reader, 1));
  qaultra_ring_unlink(options.epoch);
  qaultra_ring_unmap(&found);
}
