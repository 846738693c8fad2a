/* SPDX-License-Identifier: Apache-2.0
 *
 * What the writer's process does for a ring every 10 to 100 ms, apart from writing: it beats, and looks after the readers.
 *
 * Any thread of that process may do it, the writer's own included, but only one at a time.
 */
#ifndef QAULTRA_IPC_RING_KEEPER_H
#define QAULTRA_IPC_RING_KEEPER_H

#include "ring_process.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A reader that beat so recently lives; asking the system about the others costs microseconds each. */
#define QAULTRA_RING_SURELY_ALIVE_MS 100u

typedef struct qaultra_ring_keeper {
  qaultra_ring_header* header;
  qaultra_ring_table table;
  qaultra_ring_identity self;
  uint32_t capacity;
  uint32_t reader_timeout_ms;
} qaultra_ring_keeper;

static inline qaultra_ring_keeper qaultra_ring_keeper_bind(void* data, const qaultra_ring_shape* shape,
                                                           const qaultra_ring_table* table,
                                                           const qaultra_ring_identity* self) {
  qaultra_ring_keeper keeper;
  memset(&keeper, 0, sizeof keeper);
  keeper.header = (qaultra_ring_header*)data;
  keeper.table = *table;
  keeper.self = *self;
  keeper.capacity = shape->capacity;
  keeper.reader_timeout_ms = shape->reader_timeout_ms;
  return keeper;
}

/**
 * Whose an entry is. The caller has loaded its state, with acquire, before: the owner is then that of this state or of a later
 * one, and whatever is concluded from a later one fails by the generation.
 */
static inline qaultra_ring_identity qaultra_ring_keeper_owner(const qaultra_ring_keeper* keeper,
                                                              const qaultra_ring_entry* entry, uint32_t status) {
  qaultra_ring_identity owner;
  owner.pid = QAULTRA_RING_LOAD(&entry->pid);
  if (status == QAULTRA_RING_ENTRY_CLAIMED) {
    /* Only the pid came with the claim; the rest may still be that of the owner before. So a pid that is used again keeps a
       dead one's claim until it ends as well, and no claimant that lives loses his, however long he takes. */
    owner.start_time = 0;
    owner.pid_namespace = keeper->self.pid_namespace;
  } else {
    owner.start_time = QAULTRA_RING_LOAD(&entry->start_time);
    owner.pid_namespace = QAULTRA_RING_LOAD(&entry->pid_namespace);
  }
  return owner;
}

/** Frees the entry of a process that is gone; gives up a silent reader that holds the writer back. */
static inline void qaultra_ring_keeper_look(const qaultra_ring_keeper* keeper, uint32_t index, uint32_t now_ms) {
  qaultra_ring_entry* entry = &keeper->table.entries[index];
  const uint32_t state = QAULTRA_RING_ACQUIRE(&entry->state);
  const uint32_t status = qaultra_ring_entry_status(state);
  if (status == QAULTRA_RING_ENTRY_FREE) return;
  const uint32_t silence_ms = qaultra_ring_silence_ms(now_ms, QAULTRA_RING_LOAD(&entry->heartbeat_ms));
  if (silence_ms < QAULTRA_RING_SURELY_ALIVE_MS) return;
  const qaultra_ring_identity owner = qaultra_ring_keeper_owner(keeper, entry, status);
  if (qaultra_ring_process_gone(&owner, &keeper->self)) {
    if (status == QAULTRA_RING_ENTRY_GATING) {
      qaultra_ring_entry_drop(&keeper->table, entry, state, QAULTRA_RING_ENTRY_FREE);
    } else {
      qaultra_ring_swap(&entry->state, state, qaultra_ring_entry_with(state, QAULTRA_RING_ENTRY_FREE));
    }
    return;
  }
  if (status != QAULTRA_RING_ENTRY_GATING || silence_ms <= keeper->reader_timeout_ms) return;
  const uint32_t cursor = QAULTRA_RING_ACQUIRE(&entry->cursor);
  const uint32_t lag = QAULTRA_RING_ACQUIRE(&keeper->header->head_low) - cursor;
  if (lag >= keeper->capacity) qaultra_ring_entry_drop(&keeper->table, entry, state, QAULTRA_RING_ENTRY_DROPPED);
}

/** One turn. Costs a load for each entry in use, and a system call or two for each that did not beat for 100 ms. */
static inline void qaultra_ring_keeper_turn(qaultra_ring_keeper* keeper, uint32_t now_ms) {
  QAULTRA_RING_STORE(&keeper->header->heartbeat_ms, now_ms);
  const uint32_t used = qaultra_ring_entries_used(&keeper->table);
  for (uint32_t i = 0; i < used; i++) qaultra_ring_keeper_look(keeper, i, now_ms);
}

#ifdef __cplusplus
}
#endif

#endif
