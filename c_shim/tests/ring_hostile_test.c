/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that says anything at all, at rest and while it is read. The rings lie between pages that end the test when they are
 * touched, every call must come back, and what a peer can not write must stay right.
 */
#include "ring_test.h"

#include <pthread.h>
#include <sched.h>

/** Words that are more likely to lead somewhere than random ones. */
static uint32_t plausible(uint64_t* random, uint64_t near) {
  const uint64_t value = random_next(random);
  const uint32_t low = (uint32_t)near, offset = (uint32_t)(value >> 8) % 40;
  switch (value % 8) {
    case 0: return low;
    case 1: return low + offset - 20;
    case 2: return (uint32_t)(near >> 32);
    case 3: return low + 0x80000000u + offset;
    case 4: return offset;
    case 5: return 0u - offset;
    default: return (uint32_t)(value >> 32);
  }
}

static void scribble(uint64_t* random, void* memory, uint64_t bytes, uint32_t words, uint64_t near) {
  for (uint32_t i = 0; i < words; i++) {
    uint32_t* word = (uint32_t*)memory + random_next(random) % (bytes / 4);
    QAULTRA_RING_STORE(word, plausible(random, near));
  }
}

/** Words that everything hinges on: head, state, stamps; flags, counts, entries. */
static void scribble_where_it_hurts(uint64_t* random, ring* made, uint64_t near) {
  QAULTRA_RING_STORE((uint32_t*)made->data + 32 + random_next(random) % 3, plausible(random, near));
  QAULTRA_RING_STORE((uint32_t*)made->data + 48 + random_next(random) % 2, plausible(random, near));
  qaultra_ring_slot* slot = &made->writer.slots[random_next(random) % made->shape.capacity];
  QAULTRA_RING_STORE(&slot->words[random_next(random) % 2], plausible(random, near));
  QAULTRA_RING_STORE(&slot->words[6], plausible(random, near));
}

static void scribble_table(uint64_t* random, ring* made, uint64_t near) {
  const uint32_t places[] = {16, 32, 48, 49, 50};
  QAULTRA_RING_STORE((uint32_t*)made->table_memory + places[random_next(random) % 5], plausible(random, near));
  uint32_t* entry = (uint32_t*)&made->table.entries[random_next(random) % made->table.entry_count];
  QAULTRA_RING_STORE(entry + random_next(random) % 8, plausible(random, near));
}

/** One of everything that a reader does. What it is given must lie in a slot. */
static void use(uint64_t* random, ring* made, qaultra_ring_reader* reader) {
  static _Thread_local qaultra_market_data_block copy;
  switch (random_next(random) % 8) {
    case 0:
      qaultra_ring_reader_copy(reader, &copy);
      break;
    case 1:
      qaultra_ring_reader_wait(reader, 0);
      break;
    case 2:
      qaultra_ring_reader_leave(reader);
      qaultra_ring_reader_join(reader, made->data, &made->shape, &made->table, &made->self, random_next(random),
                               (int)(random_next(random) % 2), 0);
      break;
    case 3:
      qaultra_ring_reader_ended(reader);
      qaultra_ring_reader_beat(reader, 1);
      qaultra_ring_count_subscribers(&made->table);
      break;
    default: {
      const uint8_t* block = (const uint8_t*)qaultra_ring_reader_next(reader);
      if (block != NULL) {
        const uint64_t at = (uint64_t)(block - (const uint8_t*)made->writer.slots);
        CHECK(at % QAULTRA_RING_SLOT_BYTES == 0 && at / QAULTRA_RING_SLOT_BYTES < made->shape.capacity);
      }
      qaultra_ring_reader_release(reader);
    }
  }
  CHECK(reader->next <= QAULTRA_RING_SEQUENCE_MAX + 1);
}

static void fuzz_reader(uint32_t flags, uint64_t seed) {
  ring made;
  ring_make(&made, 16, flags, 1000, 1000);
  uint64_t random = seed;
  qaultra_ring_reader reader = ring_join(&made, 0);
  for (uint32_t i = 0; i < 1000000; i++) {
    scribble(&random, made.data, made.shape.segment_bytes, 4, reader.next);
    scribble(&random, made.table_memory, made.table_shape.segment_bytes, 2, reader.next);
    scribble_where_it_hurts(&random, &made, reader.next);
    scribble_table(&random, &made, reader.next);
    use(&random, &made, &reader);
    /* Once in a while all is well again, so that not every turn ends at the first check. */
    if (i % 64 == 0) {
      memset(made.data, 0, made.shape.segment_bytes);
      memset(made.table_memory, 0, made.table_shape.segment_bytes);
      made.options.first_sequence = random_next(&random) & QAULTRA_RING_SEQUENCE_MAX;
      qaultra_ring_format(made.data, made.table_memory, &made.options, &made.self, 0);
      made.writer = qaultra_ring_writer_bind(made.data, &made.shape, &made.table);
      made.writer.next = made.options.first_sequence;
      qaultra_ring_reader_join(&reader, made.data, &made.shape, &made.table, &made.self, 0, 0, 0);
      CHECK(reader.next <= made.options.first_sequence || made.options.first_sequence <= made.shape.first_sequence);
    }
  }
  ring_free(&made);
}

RING_TEST(a_reader_of_a_lossy_ring_survives_any_memory) { fuzz_reader(LOSSY, 11); }
RING_TEST(a_reader_of_a_lossless_ring_survives_any_memory) { fuzz_reader(LOSSLESS, 12); }

typedef struct vandal {
  ring* made;
  uint32_t data_too;
  uint32_t stop;
  uint64_t near;
} vandal;

static void* vandalize(void* argument) {
  vandal* self = argument;
  uint64_t random = 21;
  for (uint32_t i = 0; !QAULTRA_RING_LOAD(&self->stop); i++) {
    const uint64_t near = QAULTRA_RING_LOAD(&self->near);
    if (self->data_too) {
      scribble(&random, self->made->data, self->made->shape.segment_bytes, 8, near);
      scribble_where_it_hurts(&random, self->made, near);
    }
    scribble(&random, self->made->table_memory, self->made->table_shape.segment_bytes, 2, near);
    scribble_table(&random, self->made, near);
    if (i % 256 == 0) sched_yield();
  }
  return NULL;
}

RING_TEST(a_reader_survives_memory_that_changes_while_it_reads) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  vandal peer = {&made, 1, 0, 0};
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, vandalize, &peer) == 0);
  uint64_t random = 22;
  qaultra_ring_reader reader;
  qaultra_ring_reader_join(&reader, made.data, &made.shape, &made.table, &made.self, 0, 0, 0);
  for (uint32_t i = 0; i < 1000000; i++) {
    use(&random, &made, &reader);
    QAULTRA_RING_STORE(&peer.near, reader.next);
  }
  QAULTRA_RING_STORE(&peer.stop, 1u);
  pthread_join(thread, NULL);
  ring_free(&made);
}

RING_TEST(a_writer_survives_any_reader_table_and_its_data_stay_right) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  vandal peer = {&made, 0, 0, 0};
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, vandalize, &peer) == 0);
  /* It reads as one that can not write the table, so nothing of what it uses is the vandal's. */
  const qaultra_ring_table none = qaultra_ring_table_none();
  qaultra_ring_reader honest;
  CHECK(qaultra_ring_reader_join(&honest, made.data, &made.shape, &none, &made.self, 0, 0, 0));
  uint64_t sent = 0;
  for (uint32_t i = 0; i < 1000000; i++) {
    qaultra_market_data_block* block = qaultra_ring_writer_claim(&made.writer);
    if (block != NULL) {
      content_fill(block, made.writer.next);
      qaultra_ring_writer_commit(&made.writer);
      sent++;
    } else if (i % 64 == 0) {
      qaultra_ring_writer_wait_room(&made.writer, 0);
    }
    /* Sparingly: it asks the system about every process that an entry names. */
    if (i % 1024 == 0) qaultra_ring_keeper_turn(&made.keeper, qaultra_ring_clock_ms() + i);
    if (i % 4 == 0) ring_drain(&honest);
    QAULTRA_RING_STORE(&peer.near, made.writer.next);
  }
  QAULTRA_RING_STORE(&peer.stop, 1u);
  pthread_join(thread, NULL);
  ring_drain(&honest);
  CHECK(sent > 0 && honest.received + honest.missed == sent);
  ring_free(&made);
}

RING_TEST(a_ring_that_never_tells_the_same_twice_keeps_no_reader) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  /* A head that promises blocks which no slot shows, near and far, and at the end of numbers. */
  const uint64_t heads[] = {1, 15, 16, 17, 0x80000000u, 0x100000000u, QAULTRA_RING_SEQUENCE_MAX + 1};
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    qaultra_ring_head_store(made.data, heads[i]);
    for (uint32_t look = 0; look < 2 * QAULTRA_RING_EMPTY_LOOKS_MAX; look++) {
      CHECK(qaultra_ring_reader_next(&reader) == NULL);
    }
    CHECK(!qaultra_ring_reader_wait(&reader, 0) && reader.next <= heads[i]);
  }
  ring_free(&made);
}
