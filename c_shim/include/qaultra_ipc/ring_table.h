/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader table: claiming, filling and freeing entries, and what the writer's side does to them.
 *
 * Any reader may write anything into it. So nobody takes an index or a count from here without a bound of its own.
 */
#ifndef QAULTRA_IPC_RING_TABLE_H
#define QAULTRA_IPC_RING_TABLE_H

#include "ring_check.h"
#include "ring_wait.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A mapped table and what was checked of it. `header` is null where there is none, or none that may be written. */
typedef struct qaultra_ring_table {
  qaultra_ring_table_header* header;
  qaultra_ring_entry* entries;
  uint32_t entry_count;
} qaultra_ring_table;

/** Who a process is: a pid alone is used again. */
typedef struct qaultra_ring_identity {
  uint64_t start_time;    /* field 22 of /proc/<pid>/stat */
  uint64_t pid_namespace; /* inode of /proc/self/ns/pid */
  uint32_t pid;
} qaultra_ring_identity;

/** Binds to a checked table. */
static inline qaultra_ring_table qaultra_ring_table_bind(void* memory, const qaultra_ring_table_shape* shape) {
  qaultra_ring_table table;
  table.header = (qaultra_ring_table_header*)memory;
  table.entries = (qaultra_ring_entry*)((uint8_t*)memory + QAULTRA_RING_HEADER_BYTES);
  table.entry_count = shape->entry_count;
  return table;
}

/** Binds to none: such a reader can neither be counted nor gate nor park. */
static inline qaultra_ring_table qaultra_ring_table_none(void) {
  qaultra_ring_table table;
  table.header = NULL;
  table.entries = NULL;
  table.entry_count = 0;
  return table;
}

static inline uint32_t qaultra_ring_entry_status(uint32_t state) { return state & QAULTRA_RING_ENTRY_STATUS_MASK; }

/** The same generation with another status. */
static inline uint32_t qaultra_ring_entry_with(uint32_t state, uint32_t status) {
  return (state & ~QAULTRA_RING_ENTRY_STATUS_MASK) | status;
}

/** Entries that may be in use; no more than there are. */
static inline uint32_t qaultra_ring_entries_used(const qaultra_ring_table* table) {
  const uint32_t used = QAULTRA_RING_ACQUIRE(&table->header->entries_used);
  return used < table->entry_count ? used : table->entry_count;
}

/** DataSubscribers behind the entries in use. */
static inline uint64_t qaultra_ring_count_subscribers(const qaultra_ring_table* table) {
  uint64_t count = 0;
  const uint32_t used = qaultra_ring_entries_used(table);
  for (uint32_t i = 0; i < used; i++) {
    const uint32_t status = qaultra_ring_entry_status(QAULTRA_RING_ACQUIRE(&table->entries[i].state));
    if (status == QAULTRA_RING_ENTRY_GATING || status == QAULTRA_RING_ENTRY_OBSERVING) {
      count += QAULTRA_RING_LOAD(&table->entries[i].subscribers);
    }
  }
  return count;
}

/** Tells the writer that an entry began or ceased to gate, so that it looks at the table before its next block. */
static inline void qaultra_ring_announce_change(const qaultra_ring_table* table) {
  /* Sequentially consistent, like the barriers around it: the writer loads `changes` after a full barrier of its own. */
  QAULTRA_RING_ADD(&table->header->changes, 1u);
}

/** Claims a free entry; null when none is. `state` is then what the entry holds. */
static inline qaultra_ring_entry* qaultra_ring_entry_claim(const qaultra_ring_table* table, uint32_t* state) {
  *state = 0;
  for (uint32_t i = 0; i < table->entry_count; i++) {
    const uint32_t seen = QAULTRA_RING_LOAD(&table->entries[i].state);
    if (qaultra_ring_entry_status(seen) != QAULTRA_RING_ENTRY_FREE) continue;
    const uint32_t claimed = (seen | QAULTRA_RING_ENTRY_CLAIMED) + QAULTRA_RING_ENTRY_GENERATION;
    if (!qaultra_ring_swap(&table->entries[i].state, seen, claimed)) continue;
    /* Seen by the writer before the entry gates, because the swap to that status comes after it. */
    for (uint32_t tries = 0; tries < QAULTRA_RING_TRIES_MAX; tries++) {
      const uint32_t used = QAULTRA_RING_LOAD(&table->header->entries_used);
      if (used > i || qaultra_ring_swap(&table->header->entries_used, used, i + 1)) break;
    }
    *state = claimed;
    return &table->entries[i];
  }
  return NULL;
}

/** Fills in whose entry it is. */
static inline void qaultra_ring_entry_fill(qaultra_ring_entry* entry, const qaultra_ring_identity* owner,
                                           uint32_t subscribers, uint32_t now_ms) {
  QAULTRA_RING_STORE(&entry->start_time, owner->start_time);
  QAULTRA_RING_STORE(&entry->pid_namespace, owner->pid_namespace);
  QAULTRA_RING_STORE(&entry->subscribers, subscribers);
  QAULTRA_RING_STORE(&entry->heartbeat_ms, now_ms);
  QAULTRA_RING_STORE(&entry->pid, owner->pid);
}

/** Gives the entry back, also when the writer's side has dropped it. `state` is what its owner last put there. */
static inline void qaultra_ring_entry_free(const qaultra_ring_table* table, qaultra_ring_entry* entry, uint32_t state) {
  if (qaultra_ring_swap(&entry->state, state, qaultra_ring_entry_with(state, QAULTRA_RING_ENTRY_FREE))) {
    if (qaultra_ring_entry_status(state) != QAULTRA_RING_ENTRY_GATING) return;
    qaultra_ring_announce_change(table);
    /* The writer may be parked for want of the room that this entry took. The add above was a full barrier. */
    qaultra_ring_wake(&table->header->room_word);
    return;
  }
  qaultra_ring_swap(&entry->state, qaultra_ring_entry_with(state, QAULTRA_RING_ENTRY_DROPPED),
                    qaultra_ring_entry_with(state, QAULTRA_RING_ENTRY_FREE));
}

/**
 * By the writer's side: gives a gating reader up, and wakes the writer. `status` is DROPPED, or FREE when its process is gone.
 * 1 when it was still gating.
 */
static inline int qaultra_ring_entry_drop(const qaultra_ring_table* table, qaultra_ring_entry* entry, uint32_t state,
                                          uint32_t status) {
  if (!qaultra_ring_swap(&entry->state, state, qaultra_ring_entry_with(state, status))) return 0;
  QAULTRA_RING_ADD(&table->header->dropped_readers, 1u);
  qaultra_ring_announce_change(table);
  qaultra_ring_wake_surely(&table->header->room_word);
  return 1;
}

#ifdef __cplusplus
}
#endif

#endif
