/* SPDX-License-Identifier: Apache-2.0
 *
 * Lossless rings and the reader table: credit, joining, being given up, and what is done about the dead.
 */
#include "ring_test.h"

#include <pthread.h>
#include <sys/wait.h>

#define NOW_MS 0xFFFFFF00u /* a clock that wraps soon */

RING_TEST(a_lossless_writer_stops_before_unread_blocks) {
  const uint64_t starts[] = {0, 0x7FFFFFFFu - 4, 0xFFFFFFFFu - 4, QAULTRA_RING_SEQUENCE_MAX - 1024};
  for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
    ring made;
    ring_make(&made, 16, LOSSLESS, starts[s], 1000);
    qaultra_ring_reader reader = ring_join(&made, 0);
    CHECK(reader.gating);
    for (uint32_t unread = 0; unread <= 16; unread++) {
      ring_write(&made, 16 - unread);
      ring_write(&made, unread);
      CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
      CHECK(!qaultra_ring_writer_prepare(&made.writer));
      for (uint32_t i = 0; i < 16; i++) {
        CHECK(qaultra_ring_reader_next(&reader) != NULL);
        CHECK(content_holds(qaultra_ring_reader_next(&reader), reader.next));
        CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
        CHECK(qaultra_ring_reader_release(&reader));
        /* Room for one, which is taken back. */
        CHECK(qaultra_ring_writer_claim(&made.writer) != NULL);
        qaultra_ring_writer_abort(&made.writer);
        ring_write(&made, 1);
      }
      CHECK(ring_drain(&reader) == 16);
    }
    CHECK(reader.missed == 0 && reader.next == made.writer.next);
    qaultra_ring_reader_leave(&reader);
    ring_write(&made, 100);
    ring_free(&made);
  }
}

RING_TEST(the_slowest_of_several_readers_counts) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  qaultra_ring_reader slow = ring_join(&made, 0);
  qaultra_ring_reader fast = ring_join(&made, 0);
  qaultra_ring_reader observer;
  CHECK(qaultra_ring_reader_join(&observer, made.data, &made.shape, &made.table, &made.self, 0, 1, 0));
  CHECK(qaultra_ring_count_subscribers(&made.table) == 3);
  for (uint32_t i = 0; i < 16; i++) {
    ring_write(&made, 1);
    CHECK(ring_drain(&fast) == 1);
  }
  CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
  CHECK(ring_drain(&slow) == 16);
  ring_write(&made, 16);
  CHECK(ring_drain(&slow) == 16 && ring_drain(&fast) == 16);
  ring_write(&made, 8);
  qaultra_ring_reader_leave(&slow);
  CHECK(ring_drain(&fast) == 8);
  ring_write(&made, 16);
  CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
  qaultra_ring_reader_leave(&fast);
  ring_write(&made, 160);
  CHECK(qaultra_ring_count_subscribers(&made.table) == 1);
  CHECK(ring_drain(&observer) == 14 && observer.received + observer.missed == 16 * 2 + 8 + 16 + 160);
  ring_free(&made);
}

RING_TEST(a_reader_joins_at_the_oldest_block_that_is_safe) {
  for (uint32_t written = 0; written <= 40; written++) {
    for (uint64_t history = 0; history <= 20; history++) {
      ring made;
      ring_make(&made, 16, LOSSLESS, 100, 1000);
      ring_write(&made, written);
      qaultra_ring_reader reader = ring_join(&made, history == 20 ? QAULTRA_RING_HISTORY_ALL : history);
      uint64_t expected = written < history ? written : history;
      if (expected > 15) expected = 15;
      CHECK(reader.next == 100 + written - expected);
      /* What it has not read holds the writer back at once. */
      ring_write(&made, 16 - expected);
      CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
      CHECK(ring_drain(&reader) == 16 && reader.missed == 0);
      ring_free(&made);
    }
  }
}

RING_TEST(a_reader_far_behind_gives_no_credit_by_its_low_half) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  /* It is given up, and wants to go on at 0 when the low half of the head is 5. */
  CHECK(qaultra_ring_entry_drop(&made.table, reader.entry, reader.entry_state, QAULTRA_RING_ENTRY_DROPPED));
  const uint64_t head = 0x100000005u;
  for (uint64_t sequence = head - 16; sequence < head; sequence++) {
    made.writer.slots[sequence & 15].block.sequence = sequence;
    content_fill(&made.writer.slots[sequence & 15].block, sequence);
  }
  made.writer.next = head;
  qaultra_ring_head_store(made.data, head);
  CHECK(qaultra_ring_first_cursor(&reader, 0) == head - 16 && qaultra_ring_first_cursor(&reader, head) == head);
  CHECK(ring_drain(&reader) == 15);
  CHECK(reader.dropped == 1 && reader.received + reader.missed == head);
  ring_write(&made, 16);
  CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
  CHECK(ring_drain(&reader) == 16);
  ring_free(&made);
}

RING_TEST(a_reader_that_was_given_up_counts_it_and_joins_anew) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0xFFFFFFFFu - 20, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  ring_write(&made, 16);
  CHECK(qaultra_ring_reader_next(&reader) != NULL && qaultra_ring_reader_intact(&reader));
  const uint32_t generation = reader.entry_state >> 8;
  CHECK(qaultra_ring_entry_drop(&made.table, reader.entry, reader.entry_state, QAULTRA_RING_ENTRY_DROPPED));
  CHECK(!qaultra_ring_entry_drop(&made.table, reader.entry, reader.entry_state, QAULTRA_RING_ENTRY_DROPPED));
  CHECK(made.table.header->dropped_readers == 1);
  ring_write(&made, 20);
  CHECK(!qaultra_ring_reader_intact(&reader));
  CHECK(!qaultra_ring_reader_release(&reader));
  CHECK(reader.dropped == 1 && reader.torn == 1);
  CHECK(reader.entry_state >> 8 == generation + 1);
  CHECK(ring_drain(&reader) == 15);
  CHECK(reader.missed == 21 && reader.gaps == 1 && reader.received == 15);
  /* Also one that keeps up finds out, and loses nothing. */
  CHECK(qaultra_ring_entry_drop(&made.table, reader.entry, reader.entry_state, QAULTRA_RING_ENTRY_DROPPED));
  ring_write(&made, 10);
  CHECK(ring_drain(&reader) == 10);
  CHECK(reader.dropped == 2 && reader.missed == 21);
  ring_write(&made, 16);
  CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
  ring_free(&made);
}

RING_TEST(a_full_table_lets_readers_read_unregistered) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  qaultra_ring_reader readers[8];
  for (uint32_t i = 0; i < 8; i++) readers[i] = ring_join(&made, 0);
  qaultra_ring_reader late;
  CHECK(!qaultra_ring_reader_join(&late, made.data, &made.shape, &made.table, &made.self, 0, 0, 0));
  CHECK(late.entry == NULL && !late.gating);
  ring_write(&made, 5);
  CHECK(ring_drain(&late) == 5);
  qaultra_ring_reader_leave(&late);
  for (uint32_t i = 0; i < 8; i++) qaultra_ring_reader_leave(&readers[i]);
  CHECK(qaultra_ring_count_subscribers(&made.table) == 0);
  /* Entries are used again, with a generation of their own each time. */
  for (uint32_t i = 0; i < 100; i++) {
    qaultra_ring_reader reader = ring_join(&made, 0);
    CHECK(reader.entry == &made.table.entries[0] && reader.entry_state >> 8 == i + 2);
    qaultra_ring_reader_leave(&reader);
  }
  ring_free(&made);
}

RING_TEST(a_silent_reader_is_given_up_only_when_it_holds_the_writer_back) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  made.keeper.self.pid_namespace = 0; /* processes are never found dead here: only silence counts */
  qaultra_ring_reader reader = ring_join(&made, 0);
  qaultra_ring_reader_beat(&reader, NOW_MS);
  ring_write(&made, 15);
  qaultra_ring_keeper_turn(&made.keeper, NOW_MS + 5000);
  CHECK(!qaultra_ring_reader_was_dropped(&reader));
  ring_write(&made, 1);
  qaultra_ring_keeper_turn(&made.keeper, NOW_MS + 1000);
  CHECK(!qaultra_ring_reader_was_dropped(&reader));
  /* A heartbeat that lies ahead of the clock is a fresh one. */
  qaultra_ring_keeper_turn(&made.keeper, NOW_MS - 3);
  CHECK(!qaultra_ring_reader_was_dropped(&reader));
  qaultra_ring_keeper_turn(&made.keeper, NOW_MS + 1001);
  CHECK(qaultra_ring_reader_was_dropped(&reader));
  CHECK(made.writer.header->heartbeat_ms == NOW_MS + 1001);
  ring_write(&made, 1);
  ring_free(&made);
}

static pid_t in_child(void (*body)(const ring*), const ring* made) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    body(made);
    _exit(0);
  }
  return child;
}

static void ended(pid_t child) {
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void join_and_die(const ring* made) {
  ring own = *made;
  own.self = qaultra_ring_identity_self();
  ring_join(&own, 0);
}

RING_TEST(the_entry_of_a_dead_process_is_freed) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 60000);
  const pid_t child = in_child(join_and_die, &made);
  /* Dead, but not yet waited for. */
  siginfo_t info;
  CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
  ring_write(&made, 16);
  CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
  qaultra_ring_keeper_turn(&made.keeper, qaultra_ring_clock_ms() + QAULTRA_RING_SURELY_ALIVE_MS);
  CHECK(qaultra_ring_entry_status(made.table.entries[0].state) == QAULTRA_RING_ENTRY_FREE);
  CHECK(made.table.header->dropped_readers == 1);
  ring_write(&made, 1);
  ended(child);
  ended(in_child(join_and_die, &made));
  CHECK(qaultra_ring_count_subscribers(&made.table) == 1);
  qaultra_ring_keeper_turn(&made.keeper, qaultra_ring_clock_ms() + QAULTRA_RING_SURELY_ALIVE_MS);
  CHECK(qaultra_ring_count_subscribers(&made.table) == 0);
  ring_free(&made);
}

RING_TEST(a_pid_that_is_used_again_does_not_keep_an_entry) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 60000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  const uint32_t later_ms = qaultra_ring_clock_ms() + QAULTRA_RING_SURELY_ALIVE_MS;
  qaultra_ring_keeper_turn(&made.keeper, later_ms);
  CHECK(!qaultra_ring_reader_was_dropped(&reader));
  reader.entry->pid_namespace++;
  reader.entry->start_time--;
  qaultra_ring_keeper_turn(&made.keeper, later_ms);
  CHECK(!qaultra_ring_reader_was_dropped(&reader));
  reader.entry->pid_namespace--;
  qaultra_ring_keeper_turn(&made.keeper, later_ms);
  CHECK(qaultra_ring_reader_was_dropped(&reader));
  ring_free(&made);
}

static void claim_and_die(const ring* made) {
  uint32_t state;
  CHECK(qaultra_ring_entry_claim(&made->table, (uint32_t)getpid(), &state) != NULL);
}

/** The owner before was another process, whose start time and namespace are still there. */
static void leave_remains(const ring* made) {
  for (uint32_t i = 0; i < made->table.entry_count; i++) {
    made->table.entries[i].pid = 1;
    made->table.entries[i].start_time = 1;
    made->table.entries[i].pid_namespace = made->self.pid_namespace;
  }
}

RING_TEST(a_claim_names_its_process_at_once) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  leave_remains(&made);
  uint32_t state;
  const qaultra_ring_entry* entry = qaultra_ring_entry_claim(&made.table, 0xFEDCBA98u, &state);
  CHECK(entry == &made.table.entries[0] && entry->state == state && entry->pid == 0xFEDCBA98u);
  CHECK(state == (1u << 8 | QAULTRA_RING_ENTRY_CLAIMED));
  /* Nor is the pid touched when the entry is not to be had. */
  CHECK(!qaultra_ring_pair_swap(&made.table.entries[1].state, qaultra_ring_pair_of(0, 2), qaultra_ring_pair_of(1, 3)));
  CHECK(made.table.entries[1].state == 0 && made.table.entries[1].pid == 1);
  /* Generations wrap. */
  made.table.entries[0].state = 0xFFFFFF00u;
  CHECK(qaultra_ring_entry_claim(&made.table, 5, &state) == entry && state == QAULTRA_RING_ENTRY_CLAIMED);
  ring_free(&made);
}

RING_TEST(entries_claimed_by_killed_processes_come_back) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 60000);
  leave_remains(&made);
  uint32_t state;
  const qaultra_ring_entry* own = qaultra_ring_entry_claim(&made.table, made.self.pid, &state);
  const pid_t child = in_child(claim_and_die, &made);
  siginfo_t info;
  CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
  CHECK(made.table.entries[1].pid == (uint32_t)child);
  /* Dead, but not yet waited for. */
  qaultra_ring_keeper_turn(&made.keeper, qaultra_ring_clock_ms() + QAULTRA_RING_SURELY_ALIVE_MS);
  CHECK(qaultra_ring_entry_status(made.table.entries[1].state) == QAULTRA_RING_ENTRY_FREE);
  ended(child);
  ended(in_child(claim_and_die, &made));
  qaultra_ring_keeper_turn(&made.keeper, qaultra_ring_clock_ms() + QAULTRA_RING_SURELY_ALIVE_MS);
  CHECK(qaultra_ring_entry_status(made.table.entries[1].state) == QAULTRA_RING_ENTRY_FREE);
  CHECK(made.table.header->dropped_readers == 0 && made.table.header->changes == 0);
  /* One that lives is left alone, however long it takes: what else the entry says is of the owner before. */
  const uint32_t now_ms = qaultra_ring_clock_ms();
  for (uint32_t i = 1; i < 1000; i++) qaultra_ring_keeper_turn(&made.keeper, now_ms + i * 1000000u);
  CHECK(own->state == state && own->pid == made.self.pid);
  ring_free(&made);
}

enum { JOINS = 2000000 };

static uint32_t joiners_at_work; /* while it is not 0, claims are taken back */

/** As the keeper of a process does that sees nobody of these pids, only all the time. */
static void* take_claims_back(void* argument) {
  const ring* made = argument;
  while (QAULTRA_RING_ACQUIRE(&joiners_at_work) != 0) {
    for (uint32_t i = 0; i < made->table.entry_count; i++) {
      const uint32_t state = QAULTRA_RING_ACQUIRE(&made->table.entries[i].state);
      if (qaultra_ring_entry_status(state) != QAULTRA_RING_ENTRY_CLAIMED) continue;
      qaultra_ring_swap(&made->table.entries[i].state, state, qaultra_ring_entry_with(state, QAULTRA_RING_ENTRY_FREE));
    }
  }
  return NULL;
}

static void* join_and_leave(void* argument) {
  ring own = *(const ring*)argument;
  static uint32_t pids = 1000;
  own.self.pid = QAULTRA_RING_ADD(&pids, 1u);
  for (uint32_t i = 0; i < JOINS; i++) {
    qaultra_ring_reader reader;
    if (!qaultra_ring_reader_join(&reader, own.data, &own.shape, &own.table, &own.self, 0, 0, 0)) continue;
    for (uint32_t looks = 0; looks < 10; looks++) {
      CHECK(qaultra_ring_pair_load(&reader.entry->state) == qaultra_ring_pair_of(reader.entry_state, own.self.pid));
    }
    qaultra_ring_reader_leave(&reader);
  }
  QAULTRA_RING_ADD(&joiners_at_work, -1u);
  return NULL;
}

RING_TEST(a_reader_whose_claim_was_taken_back_has_no_part_in_the_entry) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  made.table.entry_count = 2;
  joiners_at_work = 3;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    CHECK(pthread_create(&threads[i], NULL, i == 3 ? take_claims_back : join_and_leave, &made) == 0);
  }
  for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(qaultra_ring_count_subscribers(&made.table) == 0);
  for (uint32_t i = 0; i < 2; i++) CHECK(qaultra_ring_entry_status(made.table.entries[i].state) == QAULTRA_RING_ENTRY_FREE);
  ring_free(&made);
}
