/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of headers against their segments.
 *
 * Whoever attaches a ring works with the numbers of a `qaultra_ring_shape` or `qaultra_ring_table_shape` from then on: private
 * copies, checked once. The header in shared memory may say something else a moment later.
 */
#ifndef QAULTRA_IPC_RING_CHECK_H
#define QAULTRA_IPC_RING_CHECK_H

#include "ring_atomic.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is wrong with a header. */
typedef enum qaultra_ring_fault {
  QAULTRA_RING_FAULT_NONE = 0,
  QAULTRA_RING_FAULT_SIZE,
  QAULTRA_RING_FAULT_MAGIC,
  QAULTRA_RING_FAULT_VERSION,
  QAULTRA_RING_FAULT_HEADER_BYTES,
  QAULTRA_RING_FAULT_CAPACITY,
  QAULTRA_RING_FAULT_SLOT_BYTES,
  QAULTRA_RING_FAULT_EPOCH,
  QAULTRA_RING_FAULT_FIRST_SEQUENCE,
  QAULTRA_RING_FAULT_SEGMENT_BYTES,
  QAULTRA_RING_FAULT_FLAGS,
  QAULTRA_RING_FAULT_SERVICE_BYTES,
  QAULTRA_RING_FAULT_STREAM_BYTES,
  QAULTRA_RING_FAULT_ENTRY_COUNT,
  QAULTRA_RING_FAULT_ENTRY_BYTES,
  QAULTRA_RING_FAULT_ACCESS,
  QAULTRA_RING_FAULT_COUNT
} qaultra_ring_fault;

/** A fault with its figures: what the field says, and what it should or may say at most. */
typedef struct qaultra_ring_finding {
  qaultra_ring_fault fault;
  uint64_t value;
  uint64_t limit;
} qaultra_ring_finding;

/** Checked copies of the data segment's constant fields. */
typedef struct qaultra_ring_shape {
  uint64_t epoch;
  uint64_t first_sequence;
  uint64_t segment_bytes;
  uint32_t capacity;
  uint32_t flags;
  uint32_t heartbeat_interval_ms;
  uint32_t max_subscribers;
  uint32_t reader_timeout_ms;
  uint32_t service_bytes;
  uint32_t stream_bytes;
} qaultra_ring_shape;

/** Checked copies of the reader table's constant fields. */
typedef struct qaultra_ring_table_shape {
  uint64_t epoch;
  uint64_t segment_bytes;
  uint32_t entry_count;
} qaultra_ring_table_shape;

/** The field's name, for messages. */
static inline const char* qaultra_ring_fault_field(qaultra_ring_fault fault) {
  static const char* const names[QAULTRA_RING_FAULT_COUNT] = {
      "none",           "size",          "magic", "version",       "header_bytes", "capacity",    "slot_bytes", "epoch",
      "first_sequence", "segment_bytes", "flags", "service_bytes", "stream_bytes", "entry_count", "entry_bytes",
      "access"};
  return (unsigned)fault < QAULTRA_RING_FAULT_COUNT ? names[fault] : "unknown";
}

static inline uint64_t qaultra_ring_data_bytes(uint32_t capacity) {
  return QAULTRA_RING_HEADER_BYTES + (uint64_t)capacity * QAULTRA_RING_SLOT_BYTES;
}

static inline uint64_t qaultra_ring_table_bytes(uint32_t entry_count) {
  return QAULTRA_RING_HEADER_BYTES + (uint64_t)entry_count * QAULTRA_RING_ENTRY_BYTES;
}

/** Whether a ring may have so many slots: a power of two within the limits. */
static inline int qaultra_ring_capacity_valid(uint32_t capacity) {
  return capacity >= QAULTRA_RING_CAPACITY_MIN && capacity <= QAULTRA_RING_CAPACITY_MAX && (capacity & (capacity - 1)) == 0;
}

static inline qaultra_ring_finding qaultra_ring_found(qaultra_ring_fault fault, uint64_t value, uint64_t limit) {
  qaultra_ring_finding finding;
  finding.fault = fault;
  finding.value = value;
  finding.limit = limit;
  return finding;
}

/**
 * Checks the data segment of `bytes` bytes, aligned to 64. `epoch`: the one it was looked up by, 0 for any. Fills in `shape`
 * when nothing is wrong. Every field is loaded once, so that no later change makes a lie of the check.
 */
static inline qaultra_ring_finding qaultra_ring_check(const void* memory, uint64_t bytes, uint64_t epoch,
                                                      qaultra_ring_shape* shape) {
  if (bytes < QAULTRA_RING_HEADER_BYTES) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_SIZE, bytes, QAULTRA_RING_HEADER_BYTES);
  }
  const qaultra_ring_header* header = (const qaultra_ring_header*)memory;
  const uint64_t magic = QAULTRA_RING_LOAD(&header->magic);
  if (magic != QAULTRA_RING_MAGIC) return qaultra_ring_found(QAULTRA_RING_FAULT_MAGIC, magic, QAULTRA_RING_MAGIC);
  const uint32_t version = QAULTRA_RING_LOAD(&header->version);
  if (version != QAULTRA_RING_VERSION) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_VERSION, version, QAULTRA_RING_VERSION);
  }
  const uint32_t header_bytes = QAULTRA_RING_LOAD(&header->header_bytes);
  if (header_bytes != QAULTRA_RING_HEADER_BYTES) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_HEADER_BYTES, header_bytes, QAULTRA_RING_HEADER_BYTES);
  }
  shape->capacity = QAULTRA_RING_LOAD(&header->capacity);
  if (!qaultra_ring_capacity_valid(shape->capacity)) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_CAPACITY, shape->capacity, QAULTRA_RING_CAPACITY_MAX);
  }
  const uint32_t slot_bytes = QAULTRA_RING_LOAD(&header->slot_bytes);
  if (slot_bytes != QAULTRA_RING_SLOT_BYTES) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_SLOT_BYTES, slot_bytes, QAULTRA_RING_SLOT_BYTES);
  }
  shape->epoch = QAULTRA_RING_LOAD(&header->epoch);
  if (shape->epoch == 0 || (epoch != 0 && shape->epoch != epoch)) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_EPOCH, shape->epoch, epoch);
  }
  shape->first_sequence = QAULTRA_RING_LOAD(&header->first_sequence);
  if (shape->first_sequence > QAULTRA_RING_SEQUENCE_MAX) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_FIRST_SEQUENCE, shape->first_sequence, QAULTRA_RING_SEQUENCE_MAX);
  }
  shape->segment_bytes = QAULTRA_RING_LOAD(&header->segment_bytes);
  const uint64_t needed = qaultra_ring_data_bytes(shape->capacity);
  if (shape->segment_bytes != needed) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_SEGMENT_BYTES, shape->segment_bytes, needed);
  }
  if (bytes < needed) return qaultra_ring_found(QAULTRA_RING_FAULT_SIZE, bytes, needed);
  shape->flags = QAULTRA_RING_LOAD(&header->flags);
  if ((shape->flags & ~QAULTRA_RING_FLAG_LOSSLESS) != 0) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_FLAGS, shape->flags, QAULTRA_RING_FLAG_LOSSLESS);
  }
  shape->service_bytes = QAULTRA_RING_LOAD(&header->service_bytes);
  if (shape->service_bytes > QAULTRA_RING_NAME_BYTES_MAX) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_SERVICE_BYTES, shape->service_bytes, QAULTRA_RING_NAME_BYTES_MAX);
  }
  shape->stream_bytes = QAULTRA_RING_LOAD(&header->stream_bytes);
  if (shape->stream_bytes > QAULTRA_RING_NAME_BYTES_MAX) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_STREAM_BYTES, shape->stream_bytes, QAULTRA_RING_NAME_BYTES_MAX);
  }
  shape->heartbeat_interval_ms = QAULTRA_RING_LOAD(&header->heartbeat_interval_ms);
  shape->max_subscribers = QAULTRA_RING_LOAD(&header->max_subscribers);
  shape->reader_timeout_ms = QAULTRA_RING_LOAD(&header->reader_timeout_ms);
  return qaultra_ring_found(QAULTRA_RING_FAULT_NONE, 0, 0);
}

/** The same for the reader table. */
static inline qaultra_ring_finding qaultra_ring_readers_check(const void* memory, uint64_t bytes, uint64_t epoch,
                                                              qaultra_ring_table_shape* shape) {
  if (bytes < QAULTRA_RING_HEADER_BYTES) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_SIZE, bytes, QAULTRA_RING_HEADER_BYTES);
  }
  const qaultra_ring_table_header* header = (const qaultra_ring_table_header*)memory;
  const uint64_t magic = QAULTRA_RING_LOAD(&header->magic);
  if (magic != QAULTRA_RING_TABLE_MAGIC) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_MAGIC, magic, QAULTRA_RING_TABLE_MAGIC);
  }
  const uint32_t version = QAULTRA_RING_LOAD(&header->version);
  if (version != QAULTRA_RING_VERSION) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_VERSION, version, QAULTRA_RING_VERSION);
  }
  const uint32_t header_bytes = QAULTRA_RING_LOAD(&header->header_bytes);
  if (header_bytes != QAULTRA_RING_HEADER_BYTES) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_HEADER_BYTES, header_bytes, QAULTRA_RING_HEADER_BYTES);
  }
  shape->entry_count = QAULTRA_RING_LOAD(&header->entry_count);
  if (shape->entry_count == 0 || shape->entry_count > QAULTRA_RING_ENTRIES_MAX) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_ENTRY_COUNT, shape->entry_count, QAULTRA_RING_ENTRIES_MAX);
  }
  const uint32_t entry_bytes = QAULTRA_RING_LOAD(&header->entry_bytes);
  if (entry_bytes != QAULTRA_RING_ENTRY_BYTES) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_ENTRY_BYTES, entry_bytes, QAULTRA_RING_ENTRY_BYTES);
  }
  shape->epoch = QAULTRA_RING_LOAD(&header->epoch);
  if (shape->epoch == 0 || (epoch != 0 && shape->epoch != epoch)) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_EPOCH, shape->epoch, epoch);
  }
  shape->segment_bytes = QAULTRA_RING_LOAD(&header->segment_bytes);
  const uint64_t needed = qaultra_ring_table_bytes(shape->entry_count);
  if (shape->segment_bytes != needed) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_SEGMENT_BYTES, shape->segment_bytes, needed);
  }
  if (bytes < needed) return qaultra_ring_found(QAULTRA_RING_FAULT_SIZE, bytes, needed);
  return qaultra_ring_found(QAULTRA_RING_FAULT_NONE, 0, 0);
}

#ifdef __cplusplus
}
#endif

#endif
