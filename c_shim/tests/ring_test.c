/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_test.h"

#define TESTS_MAX 64u
#define PAGE_BYTES 4096u

static struct {
  const char* name;
  void (*run)(void);
} g_tests[TESTS_MAX];
static uint32_t g_test_count;

void ring_test_register(const char* name, void (*run)(void)) {
  CHECK(g_test_count < TESTS_MAX);
  g_tests[g_test_count].name = name;
  g_tests[g_test_count++].run = run;
}

_Noreturn void ring_test_failed(const char* file, int line, const char* what) {
  fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  _exit(1);
}

static size_t whole_pages(size_t bytes) { return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES; }

/* The last byte lies right before the guard, so that one byte too far is noticed; sizes are multiples of 64. */
void* guarded_memory(size_t bytes) {
  const size_t pages = whole_pages(bytes);
  uint8_t* all = mmap(NULL, pages + 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(all != MAP_FAILED);
  CHECK(mprotect(all, PAGE_BYTES, PROT_NONE) == 0);
  CHECK(mprotect(all + PAGE_BYTES + pages, PAGE_BYTES, PROT_NONE) == 0);
  return all + PAGE_BYTES + pages - bytes;
}

void guarded_free(void* memory, size_t bytes) {
  const size_t pages = whole_pages(bytes);
  CHECK(munmap((uint8_t*)memory + bytes - pages - PAGE_BYTES, pages + 2 * PAGE_BYTES) == 0);
}

void ring_make(ring* made, uint32_t capacity, uint32_t flags, uint64_t first_sequence, uint32_t reader_timeout_ms) {
  memset(made, 0, sizeof *made);
  made->options = qaultra_ring_options_default();
  made->options.service = "QAULTRA";
  made->options.service_bytes = 7;
  made->options.stream = "market_stream";
  made->options.stream_bytes = 13;
  made->options.epoch = 7;
  made->options.capacity = capacity;
  made->options.entry_count = 8;
  made->options.flags = flags;
  made->options.first_sequence = first_sequence;
  made->options.reader_timeout_ms = reader_timeout_ms;
  CHECK(qaultra_ring_options_check(&made->options).fault == QAULTRA_RING_FAULT_NONE);
  const uint64_t data_bytes = qaultra_ring_data_bytes(capacity);
  const uint64_t table_bytes = qaultra_ring_table_bytes(made->options.entry_count);
  made->data = guarded_memory(data_bytes);
  made->table_memory = guarded_memory(table_bytes);
  made->self = qaultra_ring_identity_self();
  qaultra_ring_format(made->data, made->table_memory, &made->options, &made->self, qaultra_ring_clock_ms());
  CHECK(qaultra_ring_check(made->data, data_bytes, 7, &made->shape).fault == QAULTRA_RING_FAULT_NONE);
  CHECK(qaultra_ring_readers_check(made->table_memory, table_bytes, 7, &made->table_shape).fault ==
        QAULTRA_RING_FAULT_NONE);
  made->table = qaultra_ring_table_bind(made->table_memory, &made->table_shape);
  made->writer = qaultra_ring_writer_bind(made->data, &made->shape, &made->table);
  made->keeper = qaultra_ring_keeper_bind(made->data, &made->shape, &made->table, &made->self);
}

void ring_free(ring* made) {
  guarded_free(made->data, made->shape.segment_bytes);
  guarded_free(made->table_memory, made->table_shape.segment_bytes);
}

qaultra_ring_reader ring_join(const ring* joined, uint64_t history) {
  qaultra_ring_reader reader;
  CHECK(qaultra_ring_reader_join(&reader, joined->data, &joined->shape, &joined->table, &joined->self, history, 0,
                                 qaultra_ring_clock_ms()));
  return reader;
}

uint32_t content_length(uint64_t sequence) { return 8u * (1u + (uint32_t)(sequence * 37u % 200u)); }

uint64_t content_word(uint64_t sequence, uint32_t index) {
  return (sequence + 1) * 0x9E3779B97F4A7C15u + index * 0xC2B2AE3D27D4EB4Fu;
}

void content_fill(qaultra_market_data_block* block, uint64_t sequence) {
  const uint32_t length = content_length(sequence);
  QAULTRA_RING_STORE(&block->timestamp_ns, content_word(sequence, 1000));
  QAULTRA_RING_STORE(&block->record_count, content_word(sequence, 1001));
  /* Bytes 24 to 31: an own record size, and the length flag. */
  const uint64_t rest = (uint64_t)QAULTRA_BLOCK_FLAG_LENGTH << 8 | (uint64_t)length << 16 | (uint64_t)8 << 32;
  QAULTRA_RING_STORE((uint64_t*)(void*)block + 3, rest);
  uint64_t* words = (uint64_t*)(void*)block->data;
  for (uint32_t i = 0; i < length / 8; i++) QAULTRA_RING_STORE(&words[i], content_word(sequence, i));
}

int content_holds(const qaultra_market_data_block* block, uint64_t sequence) {
  const uint64_t* header = (const uint64_t*)(const void*)block;
  const uint32_t length = content_length(sequence);
  const uint64_t rest = (uint64_t)QAULTRA_BLOCK_FLAG_LENGTH << 8 | (uint64_t)length << 16 | (uint64_t)8 << 32;
  if (QAULTRA_RING_LOAD(&header[1]) != content_word(sequence, 1000)) return 0;
  if (QAULTRA_RING_LOAD(&header[2]) != content_word(sequence, 1001)) return 0;
  if (QAULTRA_RING_LOAD(&header[3]) != rest) return 0;
  const uint64_t* words = header + 4;
  for (uint32_t i = 0; i < length / 8; i++) {
    if (QAULTRA_RING_LOAD(&words[i]) != content_word(sequence, i)) return 0;
  }
  return 1;
}

void ring_write(ring* written, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    const uint64_t sequence = written->writer.next;
    qaultra_market_data_block* block = qaultra_ring_writer_claim(&written->writer);
    CHECK(block != NULL);
    content_fill(block, sequence);
    qaultra_ring_writer_commit(&written->writer);
    CHECK(written->writer.next == sequence + 1);
    CHECK(block->sequence == sequence);
  }
}

uint64_t ring_drain(qaultra_ring_reader* reader) {
  uint64_t count = 0;
  for (;;) {
    const qaultra_market_data_block* block = qaultra_ring_reader_next(reader);
    if (block == NULL) return count;
    const uint64_t sequence = reader->next;
    CHECK(content_holds(block, sequence));
    CHECK(qaultra_ring_reader_release(reader));
    CHECK(reader->next >= sequence + 1);
    count++;
  }
}

uint64_t random_next(uint64_t* state) {
  /* splitmix64 */
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

int main(int count, char** arguments) {
  for (uint32_t i = 0; count == 2 && i < g_test_count; i++) {
    if (strcmp(g_tests[i].name, arguments[1]) != 0) continue;
    g_tests[i].run();
    return 0;
  }
  fprintf(stderr, "usage: %s TEST, one of:\n", arguments[0]);
  for (uint32_t i = 0; i < g_test_count; i++) fprintf(stderr, "  %s\n", g_tests[i].name);
  return 2;
}

qaultra_ring_segments segments_make(const qaultra_ring_options* options) {
  const qaultra_ring_identity self = qaultra_ring_identity_self();
  qaultra_ring_segments segments;
  CHECK(qaultra_ring_create(options, &self, &segments) == QAULTRA_RING_DONE);
  return segments;
}

void segments_remove(qaultra_ring_segments* segments) {
  qaultra_ring_unlink(segments->shape.epoch);
  qaultra_ring_unmap(segments);
}

struct stat info_of(const char* prefix, uint64_t epoch) {
  char path[QAULTRA_RING_PATH_BYTES];
  struct stat info;
  qaultra_ring_path(path, prefix, epoch);
  CHECK(stat(path, &info) == 0);
  return info;
}
