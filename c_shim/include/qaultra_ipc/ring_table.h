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
  QAULTRA_RING_ADD(&table->header->changes, 1u);
  /* The entry and its change are seen before whatever follows: a joiner's look at the head, the look at the flag of a writer
     that waits for room, and, when a reader was given up, what the writer stores into the slot that this reader may have in
     hand. An atomic addition is no barrier for later loads and stores on every processor. */
  QAULTRA_RING_FULL_BARRIER();
}

/**
 * Claims a free entry for the process `pid`; null when none is free. `state` is then what the entry holds.
 *
 * State and pid change at once, so that a claim always names its process: one that was killed in between is told from one
 * that is merely slow, however long it takes, and none is taken for the owner before it.
 */
static inline qaultra_ring_entry* qaultra_ring_entry_claim(const qaultra_ring_table* table, uint32_t pid, uint32_t* state) {
  *state = 0;
  for (uint32_t i = 0; i < table->entry_count; i++) {
    uint32_t* both = &table->entries[i].state;
    const uint64_t seen = qaultra_ring_pair_load(both);
    if (qaultra_ring_entry_status((uint32_t)seen) != QAULTRA_RING_ENTRY_FREE) continue;
    const uint32_t claimed = ((uint32_t)seen | QAULTRA_RING_ENTRY_CLAIMED) + QAULTRA_RING_ENTRY_GENERATION;
    if (!qaultra_ring_pair_swap(both, seen, qaultra_ring_pair_of(claimed, pid))) continue;
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

/** Fills in the rest of whose entry it is; its pid came with the claim. */
static inline void qaultra_ring_entry_fill(qaultra_ring_entry* entry, const qaultra_ring_identity* owner,
                                           uint32_t subscribers, uint32_t now_ms) {
  QAULTRA_RING_STORE(&entry->start_time, owner->start_time);
  QAULTRA_RING_STORE(&entry->pid_namespace, owner->pid_namespace);
  QAULTRA_RING_STORE(&entry->subscribers, subscribers);
  QAULTRA_RING_STORE(&entry->heartbeat_ms, now_ms);
}

/** Gives the entry back, also when the writer's side has dropped it. `state` is what its owner last put there. */
static inline void qaultra_ring_entry_free(const qaultra_ring_table* table, qaultra_ring_entry* entry, uint32_t state) {
  if (qaultra_ring_swap(&entry->state, state, qaultra_ring_entry_with(state, QAULTRA_RING_ENTRY_FREE))) {
    if (qaultra_ring_entry_status(state) != QAULTRA_RING_ENTRY_GATING) return;
    qaultra_ring_announce_change(table);
    /* The writer may be parked for want of the room that this entry took. */
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
