/* SPDX-License-Identifier: Apache-2.0
 *
 * The first content of a ring's segments.
 */
#ifndef QAULTRA_IPC_RING_FORMAT_H
#define QAULTRA_IPC_RING_FORMAT_H

#include "ring_access.h"
#include "ring_table.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a ring shall be. */
typedef struct qaultra_ring_options {
  const char* service; /* UTF-8, at most QAULTRA_RING_NAME_BYTES_MAX bytes, like `stream` */
  uint32_t service_bytes;
  const char* stream;
  uint32_t stream_bytes;
  uint64_t epoch; /* not 0 */
  uint64_t first_sequence;
  uint64_t created_ns;
  uint32_t capacity;
  uint32_t entry_count;
  uint32_t flags;
  uint32_t heartbeat_interval_ms;
  uint32_t max_subscribers;
  uint32_t reader_timeout_ms;
  uint32_t group;  /* id of the group that `access` speaks of; QAULTRA_RING_GROUP_OWN: the one that the process runs under */
  uint32_t access; /* who may do what, see ring_access.h */
} qaultra_ring_options;

/** Defaults for a lossy ring of 512 slots that begins at 0, for the user and his group. */
static inline qaultra_ring_options qaultra_ring_options_default(void) {
  qaultra_ring_options options;
  memset(&options, 0, sizeof options);
  options.capacity = 512;
  options.entry_count = 64;
  options.heartbeat_interval_ms = 1000;
  options.max_subscribers = 1000;
  options.reader_timeout_ms = 1000;
  options.group = QAULTRA_RING_GROUP_OWN;
  options.access = QAULTRA_RING_ACCESS_DEFAULT;
  return options;
}

/** What is wrong with the options. */
static inline qaultra_ring_finding qaultra_ring_options_check(const qaultra_ring_options* options) {
  if (!qaultra_ring_capacity_valid(options->capacity)) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_CAPACITY, options->capacity, QAULTRA_RING_CAPACITY_MAX);
  }
  if (options->entry_count == 0 || options->entry_count > QAULTRA_RING_ENTRIES_MAX) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_ENTRY_COUNT, options->entry_count, QAULTRA_RING_ENTRIES_MAX);
  }
  if (options->epoch == 0) return qaultra_ring_found(QAULTRA_RING_FAULT_EPOCH, 0, 0);
  if (options->first_sequence > QAULTRA_RING_SEQUENCE_MAX) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_FIRST_SEQUENCE, options->first_sequence, QAULTRA_RING_SEQUENCE_MAX);
  }
  if ((options->flags & ~QAULTRA_RING_FLAG_LOSSLESS) != 0) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_FLAGS, options->flags, QAULTRA_RING_FLAG_LOSSLESS);
  }
  if (options->service_bytes > QAULTRA_RING_NAME_BYTES_MAX) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_SERVICE_BYTES, options->service_bytes, QAULTRA_RING_NAME_BYTES_MAX);
  }
  if (options->stream_bytes > QAULTRA_RING_NAME_BYTES_MAX) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_STREAM_BYTES, options->stream_bytes, QAULTRA_RING_NAME_BYTES_MAX);
  }
  if (!qaultra_ring_access_valid(options->access)) {
    return qaultra_ring_found(QAULTRA_RING_FAULT_ACCESS, options->access, QAULTRA_RING_ACCESS_MAX);
  }
  return qaultra_ring_found(QAULTRA_RING_FAULT_NONE, 0, 0);
}

/**
 * Fills in both headers and every slot, before anybody else can see the memory: `qaultra_ring_data_bytes(capacity)` and
 * `qaultra_ring_table_bytes(entry_count)` bytes of zeros, aligned to 64. The options must be without fault.
 */
static inline void qaultra_ring_format(void* data, void* table, const qaultra_ring_options* options,
                                       const qaultra_ring_identity* writer, uint32_t now_ms) {
  qaultra_ring_header* header = (qaultra_ring_header*)data;
  header->magic = QAULTRA_RING_MAGIC;
  header->version = QAULTRA_RING_VERSION;
  header->header_bytes = QAULTRA_RING_HEADER_BYTES;
  header->capacity = options->capacity;
  header->slot_bytes = QAULTRA_RING_SLOT_BYTES;
  header->epoch = options->epoch;
  header->first_sequence = options->first_sequence;
  header->segment_bytes = qaultra_ring_data_bytes(options->capacity);
  header->flags = options->flags;
  header->heartbeat_interval_ms = options->heartbeat_interval_ms;
  header->max_subscribers = options->max_subscribers;
  header->reader_timeout_ms = options->reader_timeout_ms;
  header->writer_pid = writer->pid;
  header->writer_start_time = writer->start_time;
  header->writer_pid_namespace = writer->pid_namespace;
  header->created_ns = options->created_ns;
  header->head_high_first = qaultra_ring_high(options->first_sequence);
  header->head_low = qaultra_ring_low(options->first_sequence);
  header->head_high_last = qaultra_ring_high(options->first_sequence);
  header->heartbeat_ms = now_ms;
  header->state = QAULTRA_RING_LIVE;
  header->service_bytes = options->service_bytes;
  header->stream_bytes = options->stream_bytes;
  if (options->service_bytes != 0) memcpy(header->service, options->service, options->service_bytes);
  if (options->stream_bytes != 0) memcpy(header->stream, options->stream, options->stream_bytes);

  /* Each slot holds what it would hold one lap before its first block, so that an untouched one is never taken for one. */
  qaultra_ring_slot* slots = (qaultra_ring_slot*)((uint8_t*)data + QAULTRA_RING_HEADER_BYTES);
  for (uint32_t i = 0; i < options->capacity; i++) {
    const uint64_t sequence = options->first_sequence + i;
    slots[sequence & (options->capacity - 1)].block.sequence = sequence - options->capacity;
  }

  qaultra_ring_table_header* readers = (qaultra_ring_table_header*)table;
  readers->magic = QAULTRA_RING_TABLE_MAGIC;
  readers->version = QAULTRA_RING_VERSION;
  readers->header_bytes = QAULTRA_RING_HEADER_BYTES;
  readers->entry_count = options->entry_count;
  readers->entry_bytes = QAULTRA_RING_ENTRY_BYTES;
  readers->epoch = options->epoch;
  readers->segment_bytes = qaultra_ring_table_bytes(options->entry_count);
  QAULTRA_RING_FULL_BARRIER();
}

/** What is published so that others find the ring. */
static inline qaultra_ring_announcement qaultra_ring_announcement_of(const qaultra_ring_options* options) {
  qaultra_ring_announcement announcement;
  memset(&announcement, 0, sizeof announcement);
  announcement.magic = QAULTRA_RING_ANNOUNCE_MAGIC;
  announcement.version = QAULTRA_RING_VERSION;
  announcement.flags = options->flags;
  announcement.epoch = options->epoch;
  announcement.data_bytes = qaultra_ring_data_bytes(options->capacity);
  announcement.table_bytes = qaultra_ring_table_bytes(options->entry_count);
  announcement.first_sequence = options->first_sequence;
  announcement.created_ns = options->created_ns;
  return announcement;
}

#ifdef __cplusplus
}
#endif

#endif
