/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers: what is written into them, and that each field is checked.
 */
#include "ring_test.h"

typedef struct mutation {
  uint32_t offset;
  uint32_t bytes;
  uint64_t value;
  qaultra_ring_fault fault;
} mutation;

static void put(void* memory, uint32_t offset, uint32_t bytes, uint64_t value) {
  memcpy((uint8_t*)memory + offset, &value, bytes);
}

static const mutation data_mutations[] = {
    {0, 8, 0x474E49524C554152u, QAULTRA_RING_FAULT_MAGIC},
    {0, 8, 0, QAULTRA_RING_FAULT_MAGIC},
    {8, 4, 0, QAULTRA_RING_FAULT_VERSION},
    {8, 4, 2, QAULTRA_RING_FAULT_VERSION},
    {12, 4, 0, QAULTRA_RING_FAULT_HEADER_BYTES},
    {12, 4, 8192, QAULTRA_RING_FAULT_HEADER_BYTES},
    {16, 4, 0, QAULTRA_RING_FAULT_CAPACITY},
    {16, 4, 8, QAULTRA_RING_FAULT_CAPACITY},
    {16, 4, 24, QAULTRA_RING_FAULT_CAPACITY},
    {16, 4, 131072, QAULTRA_RING_FAULT_CAPACITY},
    {16, 4, 0x80000000u, QAULTRA_RING_FAULT_CAPACITY},
    {16, 4, 32, QAULTRA_RING_FAULT_SEGMENT_BYTES},
    {20, 4, 4096, QAULTRA_RING_FAULT_SLOT_BYTES},
    {20, 4, 0, QAULTRA_RING_FAULT_SLOT_BYTES},
    {24, 8, 0, QAULTRA_RING_FAULT_EPOCH},
    {24, 8, 8, QAULTRA_RING_FAULT_EPOCH},
    {32, 8, QAULTRA_RING_SEQUENCE_MAX + 1, QAULTRA_RING_FAULT_FIRST_SEQUENCE},
    {32, 8, UINT64_MAX, QAULTRA_RING_FAULT_FIRST_SEQUENCE},
    {40, 8, 0, QAULTRA_RING_FAULT_SEGMENT_BYTES},
    {40, 8, UINT64_MAX, QAULTRA_RING_FAULT_SEGMENT_BYTES},
    {48, 4, 2, QAULTRA_RING_FAULT_FLAGS},
    {512, 4, 105, QAULTRA_RING_FAULT_SERVICE_BYTES},
    {516, 4, UINT32_MAX, QAULTRA_RING_FAULT_STREAM_BYTES},
};

static const mutation table_mutations[] = {
    {0, 8, QAULTRA_RING_MAGIC, QAULTRA_RING_FAULT_MAGIC},   {8, 4, 2, QAULTRA_RING_FAULT_VERSION},
    {12, 4, 64, QAULTRA_RING_FAULT_HEADER_BYTES},           {16, 4, 0, QAULTRA_RING_FAULT_ENTRY_COUNT},
    {16, 4, 1025, QAULTRA_RING_FAULT_ENTRY_COUNT},          {16, 4, UINT32_MAX, QAULTRA_RING_FAULT_ENTRY_COUNT},
    {16, 4, 9, QAULTRA_RING_FAULT_SEGMENT_BYTES},           {20, 4, 32, QAULTRA_RING_FAULT_ENTRY_BYTES},
    {24, 8, 0, QAULTRA_RING_FAULT_EPOCH},                   {24, 8, 6, QAULTRA_RING_FAULT_EPOCH},
    {32, 8, 4096, QAULTRA_RING_FAULT_SEGMENT_BYTES},
};

RING_TEST(each_field_of_the_data_header_is_checked) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  qaultra_ring_shape shape;
  for (size_t i = 0; i < sizeof data_mutations / sizeof data_mutations[0]; i++) {
    const mutation* change = &data_mutations[i];
    uint8_t before[QAULTRA_RING_HEADER_BYTES];
    memcpy(before, made.data, sizeof before);
    put(made.data, change->offset, change->bytes, change->value);
    const qaultra_ring_finding found = qaultra_ring_check(made.data, made.shape.segment_bytes, 7, &shape);
    CHECK(found.fault == change->fault);
    CHECK(strcmp(qaultra_ring_fault_field(found.fault), "unknown") != 0);
    memcpy(made.data, before, sizeof before);
  }
  CHECK(qaultra_ring_check(made.data, made.shape.segment_bytes, 0, &shape).fault == QAULTRA_RING_FAULT_NONE);
  CHECK(shape.capacity == 16 && shape.epoch == 7 && shape.service_bytes == 7 && shape.stream_bytes == 13);
  ring_free(&made);
}

RING_TEST(each_field_of_the_tables_header_is_checked) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  qaultra_ring_table_shape shape;
  for (size_t i = 0; i < sizeof table_mutations / sizeof table_mutations[0]; i++) {
    const mutation* change = &table_mutations[i];
    uint8_t before[QAULTRA_RING_HEADER_BYTES];
    memcpy(before, made.table_memory, sizeof before);
    put(made.table_memory, change->offset, change->bytes, change->value);
    CHECK(qaultra_ring_readers_check(made.table_memory, made.table_shape.segment_bytes, 7, &shape).fault ==
          change->fault);
    memcpy(made.table_memory, before, sizeof before);
  }
  CHECK(qaultra_ring_readers_check(made.table_memory, made.table_shape.segment_bytes, 0, &shape).fault ==
        QAULTRA_RING_FAULT_NONE);
  CHECK(shape.entry_count == 8);
  ring_free(&made);
}

RING_TEST(a_segment_that_is_too_short_is_refused) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  qaultra_ring_shape shape;
  qaultra_ring_table_shape table_shape;
  /* Only so many bytes can be touched, so that a check which reads further ends the test. */
  for (uint32_t bytes = 0; bytes < QAULTRA_RING_HEADER_BYTES; bytes += 64) {
    void* memory = guarded_memory(bytes == 0 ? 64 : bytes);
    memcpy(memory, made.data, bytes);
    CHECK(qaultra_ring_check(memory, bytes, 0, &shape).fault == QAULTRA_RING_FAULT_SIZE);
    CHECK(qaultra_ring_readers_check(memory, bytes, 0, &table_shape).fault == QAULTRA_RING_FAULT_SIZE);
    guarded_free(memory, bytes == 0 ? 64 : bytes);
  }
  const qaultra_ring_finding found = qaultra_ring_check(made.data, made.shape.segment_bytes - 1, 7, &shape);
  CHECK(found.fault == QAULTRA_RING_FAULT_SIZE);
  CHECK(found.value == made.shape.segment_bytes - 1 && found.limit == made.shape.segment_bytes);
  CHECK(qaultra_ring_readers_check(made.table_memory, made.table_shape.segment_bytes - 1, 7, &table_shape).fault ==
        QAULTRA_RING_FAULT_SIZE);
  ring_free(&made);
}

RING_TEST(a_header_that_passes_the_check_can_be_read_whatever_else_it_says) {
  ring made;
  ring_make(&made, 16, LOSSY, 0, 1000);
  uint64_t random = 1;
  uint8_t before[QAULTRA_RING_HEADER_BYTES];
  memcpy(before, made.data, sizeof before);
  uint32_t passed = 0;
  for (uint32_t i = 0; i < 100000; i++) {
    memcpy(made.data, before, sizeof before);
    for (uint32_t k = 0; k < 2; k++) {
      put(made.data, (uint32_t)(random_next(&random) % 800) & ~3u, 4, random_next(&random));
    }
    qaultra_ring_shape shape;
    if (qaultra_ring_check(made.data, made.shape.segment_bytes, 7, &shape).fault != QAULTRA_RING_FAULT_NONE) continue;
    passed++;
    CHECK(shape.capacity == 16 && shape.service_bytes <= QAULTRA_RING_NAME_BYTES_MAX);
    qaultra_ring_reader reader;
    qaultra_ring_reader_join(&reader, made.data, &shape, &made.table, &made.self, QAULTRA_RING_HISTORY_ALL, 0, 0);
    for (uint32_t poll = 0; poll < 4; poll++) {
      qaultra_ring_reader_next(&reader);
      qaultra_ring_reader_release(&reader);
    }
    qaultra_ring_reader_leave(&reader);
  }
  CHECK(passed > 1000);
  ring_free(&made);
}

RING_TEST(options_that_break_a_limit_are_told_by_their_field) {
  const qaultra_ring_options good = {.epoch = 1, .capacity = 16, .entry_count = 1, .access = 0600};
  CHECK(qaultra_ring_options_check(&good).fault == QAULTRA_RING_FAULT_NONE);
  qaultra_ring_options options = good;
  options.capacity = 15;
  CHECK(qaultra_ring_options_check(&options).fault == QAULTRA_RING_FAULT_CAPACITY);
  options = good;
  options.entry_count = 1025;
  CHECK(qaultra_ring_options_check(&options).fault == QAULTRA_RING_FAULT_ENTRY_COUNT);
  options = good;
  options.epoch = 0;
  CHECK(qaultra_ring_options_check(&options).fault == QAULTRA_RING_FAULT_EPOCH);
  options = good;
  options.first_sequence = QAULTRA_RING_SEQUENCE_MAX + 1;
  CHECK(qaultra_ring_options_check(&options).fault == QAULTRA_RING_FAULT_FIRST_SEQUENCE);
  options = good;
  options.flags = 4;
  CHECK(qaultra_ring_options_check(&options).fault == QAULTRA_RING_FAULT_FLAGS);
  options = good;
  options.service_bytes = 105;
  CHECK(qaultra_ring_options_check(&options).fault == QAULTRA_RING_FAULT_SERVICE_BYTES);
  options = good;
  options.stream_bytes = 105;
  CHECK(qaultra_ring_options_check(&options).fault == QAULTRA_RING_FAULT_STREAM_BYTES);
  for (uint32_t access = 0; access < 010000; access++) {
    options = good;
    options.access = access;
    const int is_good = access == 0600 || access == 0640 || access == 0644 || access == 0660 || access == 0664 ||
                        access == 0666;
    const qaultra_ring_fault fault = qaultra_ring_options_check(&options).fault;
    CHECK(fault == (is_good ? QAULTRA_RING_FAULT_NONE : QAULTRA_RING_FAULT_ACCESS));
  }
}

RING_TEST(magics_are_the_bytes_that_the_contract_names) {
  ring made;
  ring_make(&made, 16, LOSSLESS, 5, 1000);
  const qaultra_ring_announcement announcement = qaultra_ring_announcement_of(&made.options);
  CHECK(memcmp(made.data, "QAULRING", 8) == 0);
  CHECK(memcmp(made.table_memory, "QAULREAD", 8) == 0);
  CHECK(memcmp(&announcement, "QAULANNC", 8) == 0);
  CHECK(announcement.flags == LOSSLESS && announcement.first_sequence == 5 && announcement.epoch == 7);
  CHECK(announcement.data_bytes == 4096 + 16 * 8192 && announcement.table_bytes == 4096 + 8 * 64);
  const qaultra_ring_header* header = made.data;
  CHECK(memcmp(header->service, "QAULTRA", 7) == 0 && memcmp(header->stream, "market_stream", 13) == 0);
  char path[QAULTRA_RING_PATH_BYTES];
  qaultra_ring_path(path, QAULTRA_RING_DATA_PREFIX, 0xAB);
  CHECK(strcmp(path, "/dev/shm/qaultra-ring-00000000000000ab") == 0);
  qaultra_ring_path(path, QAULTRA_RING_TABLE_PREFIX, UINT64_MAX);
  CHECK(strcmp(path, "/dev/shm/qaultra-readers-ffffffffffffffff") == 0);
  ring_free(&made);
}
