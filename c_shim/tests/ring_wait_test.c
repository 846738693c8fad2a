/* SPDX-License-Identifier: Apache-2.0
 *
 * Parking and waking. Sleeps here are so long that one which ends by time is a wake-up that was lost.
 */
#include "ring_test.h"

#include <pthread.h>
#include <sched.h>

#define LONG_NS 60000000000u

/** Sleeps on a raised word, and fails when nobody wakes it. */
static void sleep_surely(uint32_t* word, uint32_t raised) {
  const uint64_t begin_ns = qaultra_ring_clock_ns();
  qaultra_ring_sleep(word, raised, LONG_NS);
  CHECK(qaultra_ring_clock_ns() - begin_ns < LONG_NS);
}

/** Idles for a random while, so that one side acts at any point of what the other does. */
static void dawdle(uint64_t* random) {
  const uint32_t turns = (uint32_t)(random_next(random) % 256);
  for (volatile uint32_t i = 0; i < turns; i++) {
  }
}

typedef struct pair {
  ring there;
  ring back;
  uint64_t rounds;
  uint32_t turn;
} pair;

/** Spins until the other side says so. */
static void await_turn(pair* both, uint32_t turn) {
  for (uint32_t i = 0; QAULTRA_RING_ACQUIRE(&both->turn) != turn; i++) {
    if (i % 1024 == 1023) sched_yield();
  }
}

/** Waits for one block, parked when it is not there yet. */
static void receive_one(ring* made, qaultra_ring_reader* reader) {
  const uint64_t expected = reader->next;
  while (qaultra_ring_reader_next(reader) == NULL) {
    const uint32_t raised = qaultra_ring_raise(&made->table.header->data_word);
    CHECK(raised != QAULTRA_RING_NOT_RAISED);
    if (qaultra_ring_reader_next(reader) != NULL) break;
    sleep_surely(&made->table.header->data_word, raised);
  }
  CHECK(reader->next == expected && content_holds(qaultra_ring_reader_next(reader), expected));
  CHECK(qaultra_ring_reader_release(reader));
}

static void* receive_turns(void* argument) {
  pair* both = argument;
  uint64_t random = 31;
  qaultra_ring_reader reader = ring_join(&both->there, QAULTRA_RING_HISTORY_ALL);
  for (uint32_t i = 0; i < both->rounds; i++) {
    QAULTRA_RING_RELEASE(&both->turn, i + 1);
    dawdle(&random);
    receive_one(&both->there, &reader);
  }
  return NULL;
}

/* The block is committed while the reader parks: before, after, and at any point between. */
RING_TEST(no_wake_up_of_a_reader_is_lost) {
  pair both;
  both.rounds = 200000;
  both.turn = 0;
  ring_make(&both.there, 16, LOSSY, 0, 1000);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, receive_turns, &both) == 0);
  uint64_t random = 32;
  for (uint32_t i = 0; i < both.rounds; i++) {
    await_turn(&both, i + 1);
    dawdle(&random);
    ring_write(&both.there, 1);
  }
  pthread_join(thread, NULL);
  /* The flag moved: the rounds did park. */
  CHECK(both.there.table.header->data_word > 1);
  ring_free(&both.there);
}

static void* release_turns(void* argument) {
  pair* both = argument;
  uint64_t random = 34;
  qaultra_ring_reader reader = ring_join(&both->there, QAULTRA_RING_HISTORY_ALL);
  for (uint32_t i = 0; i < both->rounds; i++) {
    if (i == 0) QAULTRA_RING_RELEASE(&both->turn, UINT32_MAX);
    await_turn(both, i + 1);
    dawdle(&random);
    CHECK(qaultra_ring_reader_next(&reader) != NULL && qaultra_ring_reader_release(&reader));
  }
  return NULL;
}

/* Room is made while the writer parks. */
RING_TEST(no_wake_up_of_a_parking_writer_is_lost) {
  pair both;
  both.rounds = 200000;
  both.turn = 0;
  ring_make(&both.there, 16, LOSSLESS, 0, 60000);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, release_turns, &both) == 0);
  await_turn(&both, UINT32_MAX);
  ring_write(&both.there, 16);
  uint64_t random = 35;
  uint32_t* word = &both.there.table.header->room_word;
  for (uint32_t i = 0; i < both.rounds; i++) {
    QAULTRA_RING_RELEASE(&both.turn, i + 1);
    dawdle(&random);
    while (!qaultra_ring_writer_has_room(&both.there.writer)) {
      const uint32_t raised = qaultra_ring_raise(word);
      if (qaultra_ring_writer_has_room(&both.there.writer)) break;
      sleep_surely(word, raised);
    }
    ring_write(&both.there, 1);
  }
  pthread_join(thread, NULL);
  CHECK(*word > 1);
  ring_free(&both.there);
}

static void* answer(void* argument) {
  pair* both = argument;
  qaultra_ring_reader reader = ring_join(&both->there, QAULTRA_RING_HISTORY_ALL);
  for (uint64_t i = 0; i < both->rounds; i++) {
    receive_one(&both->there, &reader);
    ring_write(&both->back, 1);
  }
  return NULL;
}

RING_TEST(two_that_park_in_turn_go_on) {
  pair both;
  both.rounds = 20000;
  ring_make(&both.there, 16, LOSSY, 0, 1000);
  ring_make(&both.back, 16, LOSSY, 0, 1000);
  qaultra_ring_reader reader = ring_join(&both.back, 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, answer, &both) == 0);
  for (uint64_t i = 0; i < both.rounds; i++) {
    ring_write(&both.there, 1);
    receive_one(&both.back, &reader);
  }
  pthread_join(thread, NULL);
  CHECK(both.there.table.header->data_word > 1 || both.back.table.header->data_word > 1);
  ring_free(&both.there);
  ring_free(&both.back);
}

static void* read_parked(void* argument) {
  pair* both = argument;
  qaultra_ring_reader reader = ring_join(&both->there, QAULTRA_RING_HISTORY_ALL);
  QAULTRA_RING_ADD(&both->rounds, 1u);
  while (!qaultra_ring_reader_ended(&reader)) {
    if (ring_drain(&reader) != 0) continue;
    const uint32_t raised = qaultra_ring_raise(&both->there.table.header->data_word);
    if (raised == QAULTRA_RING_NOT_RAISED || qaultra_ring_reader_next(&reader) != NULL) continue;
    if (qaultra_ring_reader_ended(&reader)) break;
    sleep_surely(&both->there.table.header->data_word, raised);
  }
  CHECK(reader.missed == 0);
  const uint64_t received = reader.received;
  qaultra_ring_reader_leave(&reader);
  return (void*)(uintptr_t)received;
}

RING_TEST(a_writer_that_waits_for_room_and_readers_that_park_go_on) {
  const uint64_t blocks = 100000;
  pair both;
  both.rounds = 0;
  ring_make(&both.there, 16, LOSSLESS, 0, 60000);
  pthread_t threads[2];
  for (uint32_t i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, read_parked, &both) == 0);
  while (QAULTRA_RING_LOAD(&both.rounds) != 2) sched_yield();
  uint32_t* word = &both.there.table.header->room_word;
  uint64_t random = 33;
  for (uint64_t i = 0; i < blocks; i++) {
    if (i % 16 == 0) dawdle(&random);
    while (!qaultra_ring_writer_prepare(&both.there.writer)) {
      const uint32_t raised = qaultra_ring_raise(word);
      if (qaultra_ring_writer_has_room(&both.there.writer)) break;
      sleep_surely(word, raised);
    }
    ring_write(&both.there, 1);
  }
  qaultra_ring_writer_close(&both.there.writer);
  for (uint32_t i = 0; i < 2; i++) {
    void* received = NULL;
    pthread_join(threads[i], &received);
    CHECK((uint64_t)(uintptr_t)received == blocks);
  }
  CHECK(*word > 1);
  ring_free(&both.there);
}

RING_TEST(a_flag_is_cleared_by_one_wake_up_and_moves_the_generation) {
  uint32_t word = 0;
  CHECK(!qaultra_ring_wake(&word) && word == 0);
  CHECK(qaultra_ring_raise(&word) == 1 && qaultra_ring_raise(&word) == 1 && word == 1);
  CHECK(qaultra_ring_wake(&word) && word == 2);
  CHECK(!qaultra_ring_wake(&word));
  CHECK(qaultra_ring_raise(&word) == 3);
  /* Whoever holds the older value does not sleep on the newer flag. */
  sleep_surely(&word, 1);
  word = 0xFFFFFFFEu;
  CHECK(qaultra_ring_raise(&word) == 0xFFFFFFFFu);
  CHECK(qaultra_ring_wake(&word) && word == 0);
}

RING_TEST(waiting_ends_by_time_by_the_end_and_by_a_block) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  reader.entry->heartbeat_ms = 0;
  CHECK(!qaultra_ring_reader_wait(&reader, 5));
  CHECK(reader.entry->heartbeat_ms != 0);
  ring_write(&made, 16);
  CHECK(qaultra_ring_reader_wait(&reader, 60000));
  CHECK(!qaultra_ring_writer_wait_room(&made.writer, 5));
  CHECK(qaultra_ring_reader_next(&reader) != NULL && qaultra_ring_reader_release(&reader));
  CHECK(qaultra_ring_writer_wait_room(&made.writer, 60000));
  CHECK(ring_drain(&reader) == 15);
  qaultra_ring_writer_close(&made.writer);
  CHECK(!qaultra_ring_reader_wait(&reader, 60000) && qaultra_ring_reader_ended(&reader));
  ring_free(&made);
}

static void* beat_writer(void* argument) {
  ring* made = argument;
  while (QAULTRA_RING_ACQUIRE(&made->writer.header->state) == QAULTRA_RING_LIVE) {
    qaultra_ring_keeper_turn(&made->keeper, qaultra_ring_clock_ms() + 2000);
    sched_yield();
  }
  return NULL;
}

RING_TEST(giving_a_reader_up_wakes_the_writer) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  made.keeper.self.pid_namespace = 0;
  qaultra_ring_reader reader = ring_join(&made, 0);
  ring_write(&made, 16);
  pthread_t keeper;
  CHECK(pthread_create(&keeper, NULL, beat_writer, &made) == 0);
  CHECK(qaultra_ring_writer_wait_room(&made.writer, 60000));
  CHECK(qaultra_ring_reader_was_dropped(&reader));
  qaultra_ring_writer_close(&made.writer);
  pthread_join(keeper, NULL);
  ring_free(&made);
}
