/* SPDX-License-Identifier: Apache-2.0
 *
 * Stamps, sequences and the head, by one thread, so that every outcome is known exactly.
 */
#include "ring_test.h"

#include <pthread.h>
#include <sched.h>

/** Where low halves and their differences wrap, and where sequences end. */
static const uint64_t starts[] = {
    0,
    0x7FFFFFFFu - 4,
    0xFFFFFFFFu - 4,
    3 * 0x100000000u - 5,
    QAULTRA_RING_SEQUENCE_MAX - 1024,
};
#define START_COUNT (sizeof starts / sizeof starts[0])

/** What the writer is about to do with the slot after the last block. */
enum { IDLE, PREPARED, CLAIMED, ABORTED, SLOT_STATES };

static void enter(ring* made, int slot_state) {
  if (slot_state == PREPARED) CHECK(qaultra_ring_writer_prepare(&made->writer));
  if (slot_state == CLAIMED || slot_state == ABORTED) {
    qaultra_market_data_block* block = qaultra_ring_writer_claim(&made->writer);
    CHECK(block != NULL);
    memset(block->data, 0xEE, QAULTRA_BLOCK_DATA_SIZE);
  }
  if (slot_state == ABORTED) qaultra_ring_writer_abort(&made->writer);
}

RING_TEST(a_reader_finds_every_lag_and_counts_exactly) {
  for (size_t s = 0; s < START_COUNT; s++) {
    for (uint32_t capacity = 16; capacity <= 64; capacity *= 4) {
      for (uint32_t lag = 0; lag <= 3 * capacity; lag++) {
        for (int slot_state = IDLE; slot_state < SLOT_STATES; slot_state++) {
          ring made;
          ring_make(&made, capacity, LOSSY, starts[s], 1000);
          qaultra_ring_reader reader = ring_join(&made, 0);
          CHECK(reader.next == starts[s] && ring_drain(&reader) == 0);
          ring_write(&made, lag);
          enter(&made, slot_state);
          const uint32_t kept = slot_state == IDLE ? capacity : capacity - 1;
          const uint32_t expected = lag <= kept ? lag : capacity - (capacity / 8 > 2 ? capacity / 8 : 2);
          CHECK(ring_drain(&reader) == expected);
          CHECK(reader.received == expected && reader.missed == lag - expected);
          CHECK(reader.gaps == (lag <= kept ? 0 : 1) && reader.torn == 0);
          CHECK(reader.next == made.writer.next);
          /* And on from there. */
          ring_write(&made, 3);
          CHECK(ring_drain(&reader) == 3 && reader.received + reader.missed == lag + 3);
          ring_free(&made);
        }
      }
    }
  }
}

RING_TEST(what_the_writer_skips_is_missed_once_and_never_corrupt) {
  for (size_t s = 0; s < START_COUNT; s++) {
    for (uint32_t capacity = 16; capacity <= 64; capacity *= 4) {
      for (uint32_t skipped = 1; skipped <= 3 * capacity; skipped++) {
        for (uint32_t before = 0; before <= 3; before += 3) {
          ring made;
          ring_make(&made, capacity, LOSSY, starts[s], 1000);
          qaultra_ring_reader reader = ring_join(&made, 0);
          CHECK(reader.next == starts[s] && ring_drain(&reader) == 0);
          ring_write(&made, before);
          for (uint32_t i = 0; i < skipped; i++) CHECK(qaultra_ring_writer_skip(&made.writer));
          ring_write(&made, 2);
          const uint32_t all = before + skipped + 2;
          const uint32_t got = ring_drain(&reader);
          CHECK(got == (all <= capacity ? before + 2 : 2));
          CHECK(reader.received == got && reader.missed == all - got && reader.corrupt == 0 && reader.torn == 0);
          CHECK(reader.next == made.writer.next && qaultra_ring_head(reader.header) == reader.next);
          if (all <= capacity) CHECK(reader.gaps == 1);
          /* The slots are as good as any in the laps to come. */
          for (uint32_t round = 0; round < 3; round++) {
            ring_write(&made, capacity);
            CHECK(ring_drain(&reader) == capacity && reader.corrupt == 0);
          }
          ring_free(&made);
        }
      }
    }
  }
}

RING_TEST(a_skip_waits_for_readers_of_a_lossless_ring) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  ring_write(&made, 10);
  uint32_t skipped = 0;
  while (qaultra_ring_writer_skip(&made.writer)) skipped++;
  CHECK(skipped == 6);
  CHECK(ring_drain(&reader) == 10 && reader.missed == 6 && reader.gaps == 1 && reader.corrupt == 0);
  CHECK(qaultra_ring_writer_skip(&made.writer));
  ring_free(&made);
}

RING_TEST(untouched_slots_are_never_taken_for_blocks) {
  for (size_t s = 0; s < START_COUNT; s++) {
    ring made;
    ring_make(&made, 16, LOSSY, starts[s], 1000);
    qaultra_ring_reader reader = ring_join(&made, QAULTRA_RING_HISTORY_ALL);
    CHECK(reader.next == starts[s]);
    for (uint32_t i = 0; i < 16; i++) {
      reader.next = starts[s] + i;
      CHECK(qaultra_ring_look(&reader) == QAULTRA_RING_SIGHT_NOTHING);
    }
    reader.next = starts[s];
    for (uint32_t i = 0; i < 3 * QAULTRA_RING_EMPTY_LOOKS_MAX; i++) CHECK(qaultra_ring_reader_next(&reader) == NULL);
    CHECK(reader.missed == 0 && reader.next == starts[s]);
    ring_free(&made);
  }
}

/** Makes the ring look as after `head` blocks. */
static void teleport(ring* made, uint64_t head, int slot_state) {
  qaultra_ring_slot* slots = made->writer.slots;
  for (uint64_t sequence = head - made->shape.capacity; sequence < head; sequence++) {
    qaultra_market_data_block* block = &slots[sequence & (made->shape.capacity - 1)].block;
    block->sequence = sequence;
    content_fill(block, sequence);
  }
  made->writer.next = head;
  qaultra_ring_head_store(made->writer.header, head);
  enter(made, slot_state);
}

RING_TEST(a_reader_that_lags_by_any_number_finds_its_bearings) {
  const uint32_t capacity = 16;
  const uint64_t half = 0x80000000u, whole = 0x100000000u;
  const uint64_t lags[] = {17,       18,        half - 17,        half - 16,            half - 1,      half,
                           half + 1, half + 16, whole - 17,       whole - capacity,     whole - 1,     whole,
                           whole + 1, whole + 2, whole + capacity, whole + capacity + 1, 2 * whole - 1, 2 * whole,
                           2 * whole + capacity, 1000 * whole};
  const uint64_t positions[] = {0, 5, half - 3, whole - 3, whole + 7};
  for (size_t l = 0; l < sizeof lags / sizeof lags[0]; l++) {
    for (size_t p = 0; p < sizeof positions / sizeof positions[0]; p++) {
      for (int slot_state = IDLE; slot_state < SLOT_STATES; slot_state++) {
        ring made;
        ring_make(&made, capacity, LOSSY, positions[p], 1000);
        qaultra_ring_reader reader = ring_join(&made, 0);
        teleport(&made, positions[p] + lags[l], slot_state);
        uint32_t looks = 0;
        while (qaultra_ring_reader_next(&reader) == NULL) CHECK(++looks <= QAULTRA_RING_EMPTY_LOOKS_MAX);
        CHECK(reader.next == made.writer.next - 14);
        CHECK(reader.missed == lags[l] - 14 && reader.gaps == 1);
        CHECK(ring_drain(&reader) == 14);
        CHECK(reader.received + reader.missed == lags[l]);
        ring_free(&made);
      }
    }
  }
}

RING_TEST(waiting_takes_bearings_at_once) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  /* The slot shows 2^32 - 16, which differs from the expected 0 as an older lap does. */
  teleport(&made, 0x100000000u, IDLE);
  CHECK(qaultra_ring_reader_next(&reader) == NULL);
  CHECK(qaultra_ring_reader_wait(&reader, 0));
  CHECK(reader.missed == 0x100000000u - 14);
  ring_free(&made);
}

RING_TEST(the_head_is_right_between_any_two_stores) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  qaultra_ring_header* header = made.data;
  const uint32_t highs[] = {0, 1, 7, (1u << 21) - 1};
  for (size_t i = 0; i < sizeof highs / sizeof highs[0]; i++) {
    const uint64_t before = ((uint64_t)highs[i] << 32) | 0xFFFFFFFFu;
    qaultra_ring_head_store(header, before);
    CHECK(qaultra_ring_head(header) == before);
    header->head_high_first = highs[i] + 1;
    CHECK(qaultra_ring_head(header) == before);
    header->head_low = 0;
    CHECK(qaultra_ring_head(header) == before + 1);
    header->head_high_last = highs[i] + 1;
    CHECK(qaultra_ring_head(header) == before + 1);
  }
  qaultra_ring_head_store(header, QAULTRA_RING_SEQUENCE_MAX + 1);
  CHECK(qaultra_ring_head(header) == QAULTRA_RING_SEQUENCE_MAX + 1);
  qaultra_ring_head_store(header, QAULTRA_RING_SEQUENCE_MAX + 2);
  CHECK(qaultra_ring_head(header) == 0);
  ring_free(&made);
}

#define ERAS 2000u
static uint32_t g_looks;

static void* wrap_head(void* argument) {
  ring* made = argument;
  for (uint64_t high = 1; high < ERAS; high++) {
    /* An era lasts for minutes in truth, so let the reader look in each. */
    const uint32_t looks = QAULTRA_RING_LOAD(&g_looks);
    while (QAULTRA_RING_LOAD(&g_looks) - looks < 2) sched_yield();
    for (uint64_t head = (high << 32) - 3; head < (high << 32) + 3; head++) qaultra_ring_head_store(made->data, head);
  }
  QAULTRA_RING_RELEASE(&made->writer.header->state, QAULTRA_RING_CLOSED);
  return NULL;
}

RING_TEST(the_head_never_goes_back_or_astray_while_it_wraps) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  pthread_t writer;
  CHECK(pthread_create(&writer, NULL, wrap_head, &made) == 0);
  uint64_t last = 0;
  while (QAULTRA_RING_ACQUIRE(&made.writer.header->state) == QAULTRA_RING_LIVE) {
    const uint64_t head = qaultra_ring_head(made.data);
    if (QAULTRA_RING_ADD(&g_looks, 1u) % 16 == 15) sched_yield();
    CHECK(head >= last);
    CHECK(head == 0 || (uint32_t)(head + 3) < 6);
    last = head;
  }
  pthread_join(writer, NULL);
  CHECK(qaultra_ring_head(made.data) == ((ERAS - 1ull) << 32 | 2));
  ring_free(&made);
}

RING_TEST(sequences_end_at_2_to_the_53) {
  ring made;
  ring_make(&made, 16, LOSSY, QAULTRA_RING_SEQUENCE_MAX - 1023, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  for (uint32_t i = 0; i < 1024; i++) {
    ring_write(&made, 1);
    CHECK(ring_drain(&reader) == 1);
  }
  CHECK(made.writer.next == QAULTRA_RING_SEQUENCE_MAX + 1);
  CHECK(!qaultra_ring_writer_prepare(&made.writer));
  CHECK(qaultra_ring_writer_claim(&made.writer) == NULL);
  qaultra_ring_writer_commit(&made.writer);
  CHECK(made.writer.next == QAULTRA_RING_SEQUENCE_MAX + 1);
  qaultra_ring_writer_close(&made.writer);
  CHECK(qaultra_ring_reader_next(&reader) == NULL && qaultra_ring_reader_ended(&reader));
  CHECK(reader.received == 1024 && reader.missed == 0);
  ring_free(&made);
}

RING_TEST(a_block_beyond_the_last_sequence_is_none_whatever_its_slot_says) {
  ring made;
  ring_make(&made, 16, LOSSY, QAULTRA_RING_SEQUENCE_MAX, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  ring_write(&made, 1);
  CHECK(ring_drain(&reader) == 1);
  QAULTRA_RING_STORE(&made.writer.slots[0].words[1], qaultra_ring_high(QAULTRA_RING_SEQUENCE_MAX + 1));
  QAULTRA_RING_STORE(&made.writer.slots[0].words[0], qaultra_ring_low(QAULTRA_RING_SEQUENCE_MAX + 1));
  for (uint32_t look = 0; look < 2 * QAULTRA_RING_EMPTY_LOOKS_MAX; look++) {
    CHECK(qaultra_ring_reader_next(&reader) == NULL);
  }
  CHECK(reader.next == QAULTRA_RING_SEQUENCE_MAX + 1 && reader.received == 1 && reader.missed == 0);
  ring_free(&made);
}

RING_TEST(a_claimed_block_is_not_seen_and_an_aborted_one_never_was) {
  ring made;
  ring_make(&made, 16, LOSSY, 0xFFFFFFFFu - 4, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  for (uint32_t i = 0; i < 64; i++) {
    enter(&made, CLAIMED);
    CHECK(qaultra_ring_reader_next(&reader) == NULL);
    enter(&made, ABORTED);
    /* A commit without a claim sends nothing. */
    qaultra_ring_writer_commit(&made.writer);
    CHECK(qaultra_ring_reader_next(&reader) == NULL);
    ring_write(&made, 1);
    CHECK(ring_drain(&reader) == 1);
  }
  CHECK(reader.received == 64 && reader.missed == 0);
  ring_free(&made);
}

RING_TEST(a_block_overwritten_in_hand_is_torn_and_missed) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  ring_write(&made, 1);
  CHECK(qaultra_ring_reader_next(&reader) != NULL);
  ring_write(&made, 15);
  CHECK(qaultra_ring_reader_intact(&reader));
  CHECK(qaultra_ring_writer_prepare(&made.writer));
  CHECK(!qaultra_ring_reader_intact(&reader));
  CHECK(!qaultra_ring_reader_release(&reader));
  CHECK(reader.torn == 1 && reader.received == 0 && reader.missed == 2 && reader.gaps == 1);
  CHECK(ring_drain(&reader) == 14);
  CHECK(reader.received + reader.missed == 16);
  ring_free(&made);
}

RING_TEST(history_begins_no_earlier_than_what_is_safe) {
  for (size_t s = 0; s < START_COUNT; s++) {
    for (uint32_t written = 0; written <= 40; written++) {
      for (uint64_t history = 0; history <= 20; history++) {
        ring made;
        ring_make(&made, 16, LOSSY, starts[s], 1000);
        ring_write(&made, written);
        qaultra_ring_reader reader = ring_join(&made, history == 20 ? QAULTRA_RING_HISTORY_ALL : history);
        uint64_t expected = written < history ? written : history;
        if (expected > 14) expected = 14;
        CHECK(ring_drain(&reader) == expected);
        CHECK(reader.missed == 0);
        ring_free(&made);
      }
    }
  }
}
