/* SPDX-License-Identifier: Apache-2.0
 *
 * Checksums: by the instruction and by the table the same; made by a writer, verified by a reader, whatever is done to the
 * memory meanwhile. The rings lie between pages that end the test when they are touched.
 */
#include "ring_test.h"

#include <pthread.h>

/** Bit by bit, as the polynomial says it. */
static uint32_t crc32c_slowly(const uint8_t* bytes, size_t length) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (QAULTRA_CRC32C_POLYNOMIAL & (0u - (crc & 1)));
  }
  return ~crc;
}

RING_TEST(the_sum_is_that_of_the_standard) {
  /* RFC 3720, B.4. */
  uint8_t bytes[32];
  CHECK(qaultra_crc32c(0, "123456789", 9) == 0xe3069283u);
  memset(bytes, 0, sizeof bytes);
  CHECK(qaultra_crc32c(0, bytes, 32) == 0x8a9136aau);
  memset(bytes, 0xff, sizeof bytes);
  CHECK(qaultra_crc32c(0, bytes, 32) == 0x62a8ab43u);
  for (uint8_t i = 0; i < 32; i++) bytes[i] = i;
  CHECK(qaultra_crc32c(0, bytes, 32) == 0x46dd794eu);
  CHECK(qaultra_crc32c(0, bytes, 0) == 0);
}

RING_TEST(the_sum_is_the_same_by_instruction_and_by_table_at_every_length_and_place) {
  const size_t most = QAULTRA_BLOCK_SIZE + 16;
  uint8_t* bytes = guarded_memory(most);
  uint64_t random = 31;
  for (size_t i = 0; i < most; i++) bytes[i] = (uint8_t)random_next(&random);
  for (size_t length = 0; length <= QAULTRA_BLOCK_SIZE; length++) {
    /* Up to the guarded page, so that nothing behind the bytes is looked at. */
    const uint8_t* at = length % 2 == 0 ? bytes + most - length : bytes + length % 16;
    const uint32_t sum = ~qaultra_crc32c_by_table(UINT32_MAX, at, length);
    CHECK(qaultra_crc32c(0, at, length) == sum);
    if (length % 257 == 0) CHECK(crc32c_slowly(at, length) == sum);
    const size_t cut = length / 3;
    CHECK(qaultra_crc32c(qaultra_crc32c(0, at, cut), at + cut, length - cut) == sum);
  }
  guarded_free(bytes, most);
}

static void write_sealed(ring* made) {
  qaultra_market_data_block block;
  memset(&block, 0, sizeof block);
  CHECK(qaultra_ring_writer_claim(&made->writer) != NULL);
  content_fill(&block, made->writer.next);
  qaultra_ring_writer_fill_sealed(&made->writer, &block);
  qaultra_ring_writer_commit(&made->writer);
}

/** Copies what is there; everything must be right. Returns how many. */
static uint64_t copy_all(qaultra_ring_reader* reader) {
  qaultra_market_data_block block;
  uint64_t count = 0;
  while (qaultra_ring_reader_copy(reader, &block)) {
    CHECK(reader->next == block.sequence + 1);
    block.flags = QAULTRA_BLOCK_FLAG_LENGTH;
    CHECK(content_holds(&block, block.sequence));
    count++;
  }
  return count;
}

RING_TEST(every_byte_that_changes_is_noticed) {
  ring made;
  ring_make(&made, 16, LOSSY, 5, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  write_sealed(&made);
  CHECK(copy_all(&reader) == 1 && reader.checked);
  const uint32_t most = QAULTRA_BLOCK_HEADER_SIZE + 1600; /* the longest content */
  uint64_t corrupt = 0, sent = 1;
  for (uint32_t place = 0; place < QAULTRA_BLOCK_SIZE; place++) {
    const uint32_t trailer = QAULTRA_BLOCK_HEADER_SIZE + QAULTRA_BLOCK_TRAILER_OFFSET;
    /* The epoch is the ring's, and the reserved word says nothing of this block. */
    if (place >= most && (place < trailer + 8 || place >= trailer + 20)) continue;
    while (place < most && place >= QAULTRA_BLOCK_HEADER_SIZE + content_length(made.writer.next)) {
      write_sealed(&made);
      sent++;
      CHECK(copy_all(&reader) == 1);
    }
    uint8_t* block = (uint8_t*)&made.writer.slots[made.writer.next & 15].block;
    write_sealed(&made);
    block[place] ^= (uint8_t)(1u << place % 8);
    write_sealed(&made);
    sent += 2;
    corrupt++;
    uint64_t count = copy_all(&reader);
    /* A stamp that says "not yet" is believed until the head is asked. */
    while (count == 0) {
      qaultra_ring_reader_wait(&reader, 0);
      count = copy_all(&reader);
    }
    CHECK(count == 1 && reader.corrupt == corrupt && reader.missed == corrupt && reader.torn == 0);
  }
  CHECK(corrupt == most + 12 && reader.received + reader.missed == sent);
  ring_free(&made);
}

RING_TEST(a_block_in_hand_can_be_verified_and_rejected) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  for (int i = 0; i < 3; i++) write_sealed(&made);
  made.writer.slots[1].block.data[0] ^= 1;
  for (uint64_t sequence = 0; sequence < 3; sequence++) {
    const qaultra_market_data_block* block = qaultra_ring_reader_next(&reader);
    CHECK(block != NULL && reader.next == sequence);
    if (qaultra_ring_reader_accepts(&reader, block)) CHECK(sequence != 1 && qaultra_ring_reader_release(&reader));
    else qaultra_ring_reader_reject(&reader);
  }
  CHECK(reader.received == 2 && reader.missed == 1 && reader.corrupt == 1 && reader.next == 3);
  /* Rejected after it was overwritten: torn. */
  qaultra_ring_reader_leave(&reader);
  ring_free(&made);
  ring_make(&made, 16, LOSSY, 0, 1000);
  reader = ring_join(&made, 0);
  write_sealed(&made);
  CHECK(qaultra_ring_reader_next(&reader) != NULL);
  for (int i = 0; i < 20; i++) write_sealed(&made);
  qaultra_ring_reader_reject(&reader);
  CHECK(reader.corrupt == 0 && reader.torn == 1 && reader.missed > 1);
  ring_free(&made);
}

RING_TEST(a_writer_without_checksums_is_believed_and_one_with_them_not_without) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  ring_write(&made, 3);
  CHECK(copy_all(&reader) == 3);
  write_sealed(&made);
  ring_write(&made, 1);
  CHECK(copy_all(&reader) == 1 && reader.corrupt == 1);
  ring_free(&made);
}

RING_TEST(a_lossless_ring_goes_on_after_a_stamp_was_spoiled) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 0, 1000);
  qaultra_ring_reader reader = ring_join(&made, 0);
  /* By how much a stamp is changed: to another lap, to "being written", to what means nothing. */
  const uint32_t changes[] = {1, 2, 14, 17, 32, 0x80000000u, 0u - 1, 0u - 2, 0u - 16, 0u - 17, 15, 16};
  const uint32_t count = sizeof changes / sizeof changes[0];
  /* Not the last one at the begin: without a checksum it is the next block, which nobody has written. */
  for (uint32_t i = 0; i < 2 * count - 1; i++) {
    ring_write(&made, 16);
    /* In the middle of what is unread, and at its begin, where the next lap is near. */
    const uint64_t sequence = made.writer.next - (i < count ? 8 : 16);
    QAULTRA_RING_STORE(&made.writer.slots[sequence & 15].words[0], (uint32_t)sequence + changes[i % count]);
    /* This one cannot be told from a writer that overwrites the slot: that is a lap, which loses some more. */
    if (i == 2 * count - 2) {
      while (made.writer.next > reader.next) {
        ring_drain(&reader);
        qaultra_ring_reader_wait(&reader, 0);
      }
      CHECK(reader.received + reader.missed == made.writer.next);
      continue;
    }
    uint64_t got = 0;
    while (made.writer.next > reader.next) {
      got += ring_drain(&reader);
      qaultra_ring_reader_wait(&reader, 0);
    }
    CHECK(got == 15 && reader.corrupt == i + 1);
    CHECK(qaultra_ring_writer_has_room(&made.writer));
  }
  ring_free(&made);
}

typedef struct vandal {
  ring* made;
  uint32_t stop;
} vandal;

/** Random bytes anywhere in the slots and the table, and now and then in the header behind the names. */
static void* vandalize(void* argument) {
  vandal* self = argument;
  uint64_t random = 41;
  while (!QAULTRA_RING_LOAD(&self->stop)) {
    const uint64_t slots = self->made->shape.segment_bytes - QAULTRA_RING_HEADER_BYTES;
    uint8_t* byte = (uint8_t*)self->made->data + QAULTRA_RING_HEADER_BYTES + random_next(&random) % slots;
    __atomic_store_n(byte, (uint8_t)random_next(&random), __ATOMIC_RELAXED);
    if (random_next(&random) % 64 == 0) {
      uint8_t* in_table = (uint8_t*)self->made->table_memory + random_next(&random) % self->made->table_shape.segment_bytes;
      __atomic_store_n(in_table, (uint8_t)random_next(&random), __ATOMIC_RELAXED);
    }
    for (uint32_t i = 0; i < 64; i++) __asm__ __volatile__("" ::: "memory");
  }
  return NULL;
}

typedef struct writing {
  ring* made;
  uint64_t count;
} writing;

static void* write_on(void* argument) {
  writing* self = argument;
  for (uint64_t i = 0; i < self->count; i++) write_sealed(self->made);
  return NULL;
}

RING_TEST(no_wrong_block_is_handed_out_while_random_bytes_are_written_anywhere) {
  ring made;
  ring_make(&made, 64, LOSSY, 0, 1000);
  const qaultra_ring_table none = qaultra_ring_table_none();
  qaultra_ring_reader reader;
  CHECK(qaultra_ring_reader_join(&reader, made.data, &made.shape, &none, &made.self, 0, 0, 0));
  write_sealed(&made);
  CHECK(copy_all(&reader) == 1);
  vandal peer = {&made, 0};
  writing work = {&made, 300000};
  pthread_t threads[2];
  CHECK(pthread_create(&threads[0], NULL, vandalize, &peer) == 0);
  CHECK(pthread_create(&threads[1], NULL, write_on, &work) == 0);
  while (reader.next < work.count) {
    copy_all(&reader);
    qaultra_ring_reader_wait(&reader, 1);
  }
  CHECK(pthread_join(threads[1], NULL) == 0);
  QAULTRA_RING_STORE(&peer.stop, 1u);
  CHECK(pthread_join(threads[0], NULL) == 0);
  CHECK(reader.corrupt > 0 && reader.received > 0 && reader.received + reader.missed == reader.next);
  ring_free(&made);
}
