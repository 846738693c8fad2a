/* SPDX-License-Identifier: Apache-2.0
 *
 * Writers and readers in threads: no torn block is taken for a good one, every loss is counted, and a lossless ring has none.
 */
#include "ring_test.h"

#include <pthread.h>
#include <sched.h>

#define READERS 3u

typedef struct participant {
  ring* made;
  pthread_t thread;
  pthread_barrier_t* start;
  uint32_t index;
  uint64_t blocks;
  qaultra_ring_reader reader;
  uint32_t is_dead;
} participant;

static void run(participant* all, uint32_t count, void* (*body)(void*)) {
  for (uint32_t i = 0; i < count; i++) CHECK(pthread_create(&all[i].thread, NULL, body, &all[i]) == 0);
}

static void join_all(participant* all, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) CHECK(pthread_join(all[i].thread, NULL) == 0);
}

/** Idles for a number of turns, without the clock. */
static void dawdle(uint32_t turns) {
  for (volatile uint32_t i = 0; i < turns; i++) {
  }
}

static void* read_lossy(void* argument) {
  participant* self = argument;
  qaultra_ring_reader* reader = &self->reader;
  qaultra_market_data_block copy;
  *reader = ring_join(self->made, 0);
  pthread_barrier_wait(self->start);
  while (!qaultra_ring_reader_ended(reader)) {
    uint64_t sequence = reader->next;
    int got = 0, good = 0;
    if (self->index == 0) {
      got = qaultra_ring_reader_copy(reader, &copy);
      good = got && content_holds(&copy, copy.sequence);
      sequence = copy.sequence;
    } else {
      const qaultra_market_data_block* block = qaultra_ring_reader_next(reader);
      /* The next block may be a later one than before the look. */
      sequence = reader->next;
      if (block != NULL) good = content_holds(block, sequence);
      if (self->index == 2) dawdle((uint32_t)(sequence % 4000));
      if (block != NULL && self->index == 2) good = good && content_holds(block, sequence);
      got = block != NULL && qaultra_ring_reader_release(reader);
    }
    CHECK(!got || good);
    CHECK(!got || reader->next == sequence + 1 || reader->gaps != 0);
    if (!got) sched_yield();
  }
  return NULL;
}

static void lossy(uint64_t first, uint64_t blocks, int prepared) {
  ring made;
  ring_make(&made, 16, LOSSY, first, 1000);
  participant readers[READERS];
  pthread_barrier_t start;
  pthread_barrier_init(&start, NULL, READERS + 1);
  memset(readers, 0, sizeof readers);
  for (uint32_t i = 0; i < READERS; i++) {
    readers[i].made = &made;
    readers[i].index = i;
    readers[i].start = &start;
  }
  run(readers, READERS, read_lossy);
  pthread_barrier_wait(&start);
  for (uint64_t i = 0; i < blocks; i++) {
    ring_write(&made, 1);
    if (prepared) qaultra_ring_writer_prepare(&made.writer);
    /* So that readers get a turn on few processors, and are lapped at other places. */
    if (i % 97 == 0) sched_yield();
  }
  qaultra_ring_writer_close(&made.writer);
  join_all(readers, READERS);
  for (uint32_t i = 0; i < READERS; i++) {
    CHECK(readers[i].reader.received + readers[i].reader.missed == blocks);
    CHECK(readers[i].reader.received > 0);
  }
  ring_free(&made);
}

RING_TEST(no_torn_block_of_a_lossy_ring_is_taken_for_a_good_one) { lossy(0, 1000000, 0); }

RING_TEST(no_torn_block_is_taken_for_a_good_one_across_2_to_the_31_with_prepared_slots) {
  lossy(0x80000000u - 250000, 500000, 1);
}

RING_TEST(no_torn_block_is_taken_for_a_good_one_across_2_to_the_32) { lossy(0x100000000u - 250000, 500000, 0); }

static void* read_lossless(void* argument) {
  participant* self = argument;
  qaultra_ring_reader* reader = &self->reader;
  while (!qaultra_ring_reader_ended(reader)) {
    const uint64_t sequence = reader->next;
    const qaultra_market_data_block* block = qaultra_ring_reader_next(reader);
    if (block == NULL) {
      if (qaultra_ring_reader_wait(reader, 1000)) continue;
    } else {
      CHECK(reader->next == sequence && content_holds(block, sequence));
      if (self->index == 1) dawdle((uint32_t)(sequence % 2000));
      CHECK(qaultra_ring_reader_release(reader) && reader->next == sequence + 1);
    }
    /* One that dies without a word. */
    if (self->index == 2 && reader->received >= self->blocks / 2) {
      QAULTRA_RING_RELEASE(&self->is_dead, 1u);
      return NULL;
    }
  }
  qaultra_ring_reader_leave(reader);
  return NULL;
}

RING_TEST(a_lossless_ring_loses_nothing_though_one_reader_is_slow_and_one_dies) {
  const uint64_t blocks = 150000;
  ring made;
  ring_make(&made, 16, LOSSLESS, 0x100000000u - 50000, 60000);
  participant readers[READERS];
  memset(readers, 0, sizeof readers);
  for (uint32_t i = 0; i < READERS; i++) {
    readers[i].made = &made;
    readers[i].index = i;
    readers[i].blocks = blocks;
    readers[i].reader = ring_join(&made, 0);
  }
  run(readers, READERS, read_lossless);
  for (uint64_t i = 0; i < blocks; i++) {
    while (!qaultra_ring_writer_prepare(&made.writer)) {
      if (qaultra_ring_writer_wait_room(&made.writer, 20)) break;
      if (!QAULTRA_RING_ACQUIRE(&readers[2].is_dead)) continue;
      const qaultra_ring_reader* dead = &readers[2].reader;
      qaultra_ring_entry_drop(&made.table, dead->entry, dead->entry_state, QAULTRA_RING_ENTRY_DROPPED);
    }
    ring_write(&made, 1);
  }
  qaultra_ring_writer_close(&made.writer);
  join_all(readers, READERS);
  for (uint32_t i = 0; i < 2; i++) CHECK(readers[i].reader.received == blocks && readers[i].reader.missed == 0);
  CHECK(made.table.header->dropped_readers == 1);
  ring_free(&made);
}

static void* write_until_told(void* argument) {
  participant* self = argument;
  while (!QAULTRA_RING_ACQUIRE(&self->blocks)) {
    /* Who joins after the wait may take the room again, but not from under a slot that is prepared. */
    if (qaultra_ring_writer_wait_room(&self->made->writer, 10) && qaultra_ring_writer_prepare(&self->made->writer)) {
      ring_write(self->made, 1);
    }
  }
  return NULL;
}

RING_TEST(nothing_is_lost_between_the_safe_start_and_the_head_while_the_writer_runs) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0xFFFFFF00u, 60000);
  participant writer;
  memset(&writer, 0, sizeof writer);
  writer.made = &made;
  run(&writer, 1, write_until_told);
  uint64_t random = 3, received = 0;
  for (uint32_t i = 0; i < 20000; i++) {
    const uint64_t history = i % 2 == 0 ? QAULTRA_RING_HISTORY_ALL : random_next(&random) % 18;
    qaultra_ring_reader reader = ring_join(&made, history);
    const uint64_t begin = reader.next, wanted = random_next(&random) % 40;
    while (reader.received < wanted) {
      if (!qaultra_ring_reader_wait(&reader, 1000)) continue;
      ring_drain(&reader);
    }
    CHECK(reader.missed == 0 && reader.gaps == 0 && reader.torn == 0);
    CHECK(reader.next == begin + reader.received);
    received += reader.received;
    qaultra_ring_reader_leave(&reader);
  }
  CHECK(received > 3000);
  QAULTRA_RING_RELEASE(&writer.blocks, 1u);
  join_all(&writer, 1);
  ring_free(&made);
}

static void* join_and_leave(void* argument) {
  participant* self = argument;
  uint64_t random = self->index;
  for (uint32_t i = 0; i < 20000; i++) {
    qaultra_ring_reader reader;
    if (!qaultra_ring_reader_join(&reader, self->made->data, &self->made->shape, &self->made->table, &self->made->self,
                                  random_next(&random) % 20, (int)(random_next(&random) % 2), qaultra_ring_clock_ms())) {
      sched_yield();
      continue;
    }
    const uint32_t status = reader.gating ? QAULTRA_RING_ENTRY_GATING : QAULTRA_RING_ENTRY_OBSERVING;
    CHECK(QAULTRA_RING_LOAD(&reader.entry->state) == qaultra_ring_entry_with(reader.entry_state, status));
    if (reader.gating) {
      ring_drain(&reader);
      CHECK(reader.missed == 0);
    } else {
      qaultra_market_data_block copy;
      while (qaultra_ring_reader_copy(&reader, &copy)) CHECK(content_holds(&copy, copy.sequence));
    }
    qaultra_ring_reader_leave(&reader);
    self->blocks++;
  }
  return NULL;
}

RING_TEST(entries_belong_to_one_reader_at_a_time) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 60000);
  participant writer, readers[READERS];
  memset(&writer, 0, sizeof writer);
  memset(readers, 0, sizeof readers);
  writer.made = &made;
  run(&writer, 1, write_until_told);
  for (uint32_t i = 0; i < READERS; i++) {
    readers[i].made = &made;
    readers[i].index = i + 1;
  }
  run(readers, READERS, join_and_leave);
  join_all(readers, READERS);
  QAULTRA_RING_RELEASE(&writer.blocks, 1u);
  join_all(&writer, 1);
  for (uint32_t i = 0; i < READERS; i++) CHECK(readers[i].blocks > 0);
  CHECK(qaultra_ring_count_subscribers(&made.table) == 0 && made.table.header->dropped_readers == 0);
  ring_free(&made);
}
