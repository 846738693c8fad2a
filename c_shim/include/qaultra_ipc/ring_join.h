/* SPDX-License-Identifier: Apache-2.0
 *
 * How a reader joins a ring, keeps its place in the reader table, and leaves.
 */
#ifndef QAULTRA_IPC_RING_JOIN_H
#define QAULTRA_IPC_RING_JOIN_H

#include "ring_table.h"

#ifdef __cplusplus
extern "C" {
#endif

/** `history` for all that the ring still holds. */
#define QAULTRA_RING_HISTORY_ALL UINT64_MAX
/** Between two beats of a gating reader while it reads. */
#define QAULTRA_RING_BEAT_MS 8u

typedef struct qaultra_ring_reader {
  const qaultra_ring_header* header;
  const qaultra_ring_slot* slots;
  qaultra_ring_table table;
  qaultra_ring_entry* entry; /* null: not registered */
  uint64_t first_sequence;
  uint64_t next; /* sequence of the block that it reads next */
  uint64_t received;
  uint64_t missed;  /* blocks lost to laps, and after it was dropped */
  uint64_t gaps;    /* how often */
  uint64_t torn;    /* blocks overwritten while they were read; part of `missed` */
  uint64_t corrupt; /* blocks that were not what the writer wrote; part of `missed` */
  uint64_t dropped; /* how often the writer's side gave it up */
  qaultra_ring_identity identity;
  uint32_t entry_state; /* what it last put into its entry */
  uint32_t subscribers;
  uint32_t capacity;
  uint32_t gating; /* it joined to hold the writer back */
  uint32_t empty_looks;
  uint32_t in_hand; /* the block `next` was given out */
  uint32_t beaten_ms;
  uint32_t checked; /* the writer has sent a block with a checksum, so it sends none without */
} qaultra_ring_reader;

/** The oldest block that a lossy reader may start at: the very oldest slots are the next to be overwritten. */
static inline uint64_t qaultra_ring_oldest_safe(const qaultra_ring_reader* reader, uint64_t head) {
  const uint32_t margin = reader->capacity / 8 > 2 ? reader->capacity / 8 : 2;
  const uint32_t kept = reader->capacity - margin;
  return head < kept ? 0 : head - kept;
}

/** Stores the cursor, and wakes a writer that waits for room. */
static inline void qaultra_ring_reader_publish(qaultra_ring_reader* reader) {
  if (reader->entry == NULL) return;
  /* Release: all reads of the blocks below are done before the writer may see this. */
  QAULTRA_RING_RELEASE(&reader->entry->cursor, qaultra_ring_low(reader->next));
  if (!reader->gating) return;
  /* The cursor must be seen before the flag is looked at: the writer raises it and then looks at the cursors. */
  QAULTRA_RING_FULL_BARRIER();
  qaultra_ring_wake(&reader->table.header->room_word);
}

/** Tells the writer's side that this process is alive; a gating reader beats by itself with every block that it releases. */
static inline void qaultra_ring_reader_beat(qaultra_ring_reader* reader, uint32_t now_ms) {
  reader->beaten_ms = now_ms;
  if (reader->entry != NULL) QAULTRA_RING_STORE(&reader->entry->heartbeat_ms, now_ms);
}

/**
 * Where a gating reader's first cursor may point: never so far behind the head that its low half could pass for one that is
 * near. The writer would take credit from that, and the correction that follows would come too late.
 */
static inline uint64_t qaultra_ring_first_cursor(const qaultra_ring_reader* reader, uint64_t wanted) {
  const uint64_t head = qaultra_ring_head(reader->header);
  return head < reader->capacity ? wanted : qaultra_ring_later(wanted, head - reader->capacity);
}

/**
 * Registers a reader that wants to go on at `wanted`. Returns 0 when the table has no free entry. A gating one begins at
 * `wanted`, or later where the writer may already have overwritten blocks before it saw the entry.
 */
static inline int qaultra_ring_reader_register(qaultra_ring_reader* reader, uint64_t wanted, uint32_t now_ms) {
  if (reader->gating) wanted = qaultra_ring_first_cursor(reader, wanted);
  const uint32_t status = reader->gating ? QAULTRA_RING_ENTRY_GATING : QAULTRA_RING_ENTRY_OBSERVING;
  for (uint32_t tries = 0; reader->entry == NULL; tries++) {
    if (tries == QAULTRA_RING_TRIES_MAX) return 0;
    uint32_t claimed;
    qaultra_ring_entry* entry = qaultra_ring_entry_claim(&reader->table, reader->identity.pid, &claimed);
    if (entry == NULL) return 0;
    qaultra_ring_entry_fill(entry, &reader->identity, reader->subscribers, now_ms);
    /* One less until the head was looked at: the writer leaves the block alone whose loss could not be ruled out then, and one
       that waits for its first readers sees which have yet to look. */
    QAULTRA_RING_STORE(&entry->cursor, qaultra_ring_low(reader->gating ? wanted - 1 : wanted));
    const uint32_t joined = qaultra_ring_entry_with(claimed, status);
    /* The swap makes what was filled in visible. A store would not do: a writer's side that sees no process of this pid, as in
       another pid namespace, may have taken the claim back and given the entry to the next. Then another one is looked for. */
    if (!qaultra_ring_swap(&entry->state, claimed, joined)) continue;
    reader->entry = entry;
    reader->entry_state = joined;
  }
  reader->next = wanted;
  if (!reader->gating) return 1;
  qaultra_ring_announce_change(&reader->table);
  /* The change, behind a full barrier, is seen before the head is looked at. A writer whose look at `changes` for block s
     missed it had stored the head s before, so the head here is s or more, and what it overwrites before it looks again is
     s - capacity at most. */
  const uint64_t head = qaultra_ring_head(reader->header);
  const uint64_t safe = head < reader->capacity ? 0 : head - reader->capacity + 1;
  if (safe > wanted) reader->next = safe;
  qaultra_ring_reader_publish(reader);
  return 1;
}

/**
 * Joins a checked ring. `table`: one that may be written, or `qaultra_ring_table_none()`. `history`: so many blocks before the
 * head, as far as the ring still holds them. `observe`: do not hold a lossless writer back. Returns 0 when the table is full;
 * the reader then works unregistered: uncounted, and lossy.
 */
static inline int qaultra_ring_reader_join(qaultra_ring_reader* reader, const void* data, const qaultra_ring_shape* shape,
                                           const qaultra_ring_table* table, const qaultra_ring_identity* identity,
                                           uint64_t history, int observe, uint32_t now_ms) {
  memset(reader, 0, sizeof *reader);
  reader->header = (const qaultra_ring_header*)data;
  reader->slots = (const qaultra_ring_slot*)((const uint8_t*)data + QAULTRA_RING_HEADER_BYTES);
  reader->table = *table;
  reader->identity = *identity;
  reader->subscribers = 1;
  reader->capacity = shape->capacity;
  reader->first_sequence = shape->first_sequence;
  reader->gating = (shape->flags & QAULTRA_RING_FLAG_LOSSLESS) != 0 && !observe && table->header != NULL;
  const uint64_t head = qaultra_ring_later(qaultra_ring_head(reader->header), reader->first_sequence);
  uint64_t start = head < history ? 0 : head - history;
  /* A gating reader finds the oldest safe block itself, once the writer can not pass it any more. */
  if (!reader->gating) start = qaultra_ring_later(start, qaultra_ring_oldest_safe(reader, head));
  start = qaultra_ring_later(start, reader->first_sequence);
  reader->next = start;
  if (table->header == NULL || qaultra_ring_reader_register(reader, start, now_ms)) return 1;
  reader->gating = 0;
  reader->next = qaultra_ring_later(start, qaultra_ring_oldest_safe(reader, head));
  return 0;
}

/** Gives the entry back; counts stay. */
static inline void qaultra_ring_reader_leave(qaultra_ring_reader* reader) {
  if (reader->entry != NULL) qaultra_ring_entry_free(&reader->table, reader->entry, reader->entry_state);
  reader->entry = NULL;
  reader->in_hand = 0;
}

/** Whether the writer's side has given this reader up. */
static inline int qaultra_ring_reader_was_dropped(const qaultra_ring_reader* reader) {
  return reader->entry != NULL && QAULTRA_RING_ACQUIRE(&reader->entry->state) != reader->entry_state;
}

/** Goes on at a later block, and counts those in between. */
static inline void qaultra_ring_reader_skip(qaultra_ring_reader* reader, uint64_t to) {
  if (to <= reader->next) return;
  reader->missed += to - reader->next;
  reader->gaps++;
  reader->next = to;
  qaultra_ring_reader_publish(reader);
}

/** A reader that was given up frees its entry, and joins anew at the block that it would have read, or the oldest safe one. */
static inline void qaultra_ring_reader_rejoin(qaultra_ring_reader* reader) {
  const uint64_t wanted = reader->next;
  reader->dropped++;
  qaultra_ring_entry_free(&reader->table, reader->entry, reader->entry_state);
  reader->entry = NULL;
  if (!qaultra_ring_reader_register(reader, wanted, qaultra_ring_clock_ms())) {
    reader->gating = 0;
    return;
  }
  const uint64_t start = reader->next;
  reader->next = wanted;
  qaultra_ring_reader_skip(reader, start);
}

#ifdef __cplusplus
}
#endif

#endif
