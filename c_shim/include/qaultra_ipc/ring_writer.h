/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer of a ring: claim a slot, fill it in place, commit it. One thread at a time.
 *
 * On a lossy ring the writer never waits and looks at no reader. On a lossless one the cursors of the gating readers give it
 * credit for so many blocks, and it looks at the table again when that is used up or the table says that it changed.
 */
#ifndef QAULTRA_IPC_RING_WRITER_H
#define QAULTRA_IPC_RING_WRITER_H

#include "block_checksum.h"
#include "ring_format.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qaultra_ring_writer {
  qaultra_ring_header* header;
  qaultra_ring_slot* slots;
  qaultra_ring_table table;
  uint64_t next;        /* sequence of the block to be committed next */
  uint64_t credit_end;  /* lossless: blocks below this may be written without a look at the table */
  uint32_t changes;     /* the table's `changes` before the last look */
  uint32_t capacity;
  uint32_t lossless;
  uint32_t invalid;     /* the slot of `next` is invalidated already */
  uint32_t claimed;     /* the slot of `next` is in its user's hands */
} qaultra_ring_writer;

/** Binds to formatted segments of this process's own, which nobody has written blocks to yet. */
static inline qaultra_ring_writer qaultra_ring_writer_bind(void* data, const qaultra_ring_shape* shape,
                                                           const qaultra_ring_table* table) {
  qaultra_ring_writer writer;
  memset(&writer, 0, sizeof writer);
  writer.header = (qaultra_ring_header*)data;
  writer.slots = (qaultra_ring_slot*)((uint8_t*)data + QAULTRA_RING_HEADER_BYTES);
  writer.table = *table;
  writer.next = shape->first_sequence;
  writer.capacity = shape->capacity;
  writer.lossless = shape->flags & QAULTRA_RING_FLAG_LOSSLESS;
  /* No credit: the first block looks at the table. */
  writer.credit_end = writer.next;
  return writer;
}

/**
 * Says that the ring was announced, and nothing is in it yet. Readers that were there before begin with its first block however late
 * they find it; without this, one that came between the making and the announcement would pass for one that came later.
 */
static inline void qaultra_ring_writer_announced(qaultra_ring_writer* writer) {
  QAULTRA_RING_STORE(&writer->header->created_ns, qaultra_ring_clock_ns());
}

/** Looks at every cursor. The table can lie, which at worst gives credit that loses blocks of who lied, or none. */
static inline void qaultra_ring_writer_scan(qaultra_ring_writer* writer) {
  /* Before the entries: a change during the look is seen at the next block. */
  writer->changes = QAULTRA_RING_ACQUIRE(&writer->table.header->changes);
  const uint32_t used = qaultra_ring_entries_used(&writer->table);
  uint32_t lag_max = 0, gating = 0;
  for (uint32_t i = 0; i < used; i++) {
    const qaultra_ring_entry* entry = &writer->table.entries[i];
    if (qaultra_ring_entry_status(QAULTRA_RING_ACQUIRE(&entry->state)) != QAULTRA_RING_ENTRY_GATING) continue;
    /* Acquire: the reader's looks at the blocks below its cursor happen before they are overwritten. */
    const uint32_t lag = qaultra_ring_low(writer->next) - QAULTRA_RING_ACQUIRE(&entry->cursor);
    gating = 1;
    /* One that is more than the capacity behind is about to correct its cursor; until then there is no room. */
    if (lag > lag_max) lag_max = lag;
  }
  if (!gating) {
    writer->credit_end = UINT64_MAX;
  } else {
    writer->credit_end = writer->next + (lag_max < writer->capacity ? writer->capacity - lag_max : 0);
  }
}

/** Whether the block `next` may overwrite what is in its slot. */
static inline int qaultra_ring_writer_has_room(qaultra_ring_writer* writer) {
  if (!writer->lossless) return 1;
  /* For every block, and after the full barrier of the last commit: a reader that joins and then finds the head at `next` may
     rely on being seen before the block after it. */
  if (QAULTRA_RING_LOAD(&writer->table.header->changes) == writer->changes && writer->next < writer->credit_end) return 1;
  qaultra_ring_writer_scan(writer);
  return writer->next < writer->credit_end;
}

/**
 * Invalidates the slot of the next block. After a commit this may be done ahead, off the path of the block: the claim finds
 * the slot's first line in its cache. On a lossy ring it costs readers the oldest block a little earlier. 1 when it is done.
 */
static inline int qaultra_ring_writer_prepare(qaultra_ring_writer* writer) {
  if (writer->invalid) return 1;
  if (writer->next > QAULTRA_RING_SEQUENCE_MAX || !qaultra_ring_writer_has_room(writer)) return 0;
  qaultra_ring_slot* slot = &writer->slots[writer->next & (writer->capacity - 1)];
  /* One less than the stamp: no ready stamp of this slot, and still of this lap. Release: who sees it sees the head that
     allows it, and so knows how far the writer is. */
  QAULTRA_RING_RELEASE(&slot->words[0], qaultra_ring_low(writer->next) - 1u);
  /* Nobody may see new data under the old stamp. */
  QAULTRA_RING_STORE_BARRIER();
  writer->invalid = 1;
  return 1;
}

/**
 * Claims the slot of the next block: everything behind `sequence` is the caller's to fill in, until commit or abort. Null when
 * a lossless ring has no room, or when there are no sequences left (`next` is beyond QAULTRA_RING_SEQUENCE_MAX). A slot that
 * is claimed already is given again.
 */
static inline qaultra_market_data_block* qaultra_ring_writer_claim(qaultra_ring_writer* writer) {
  if (!qaultra_ring_writer_prepare(writer)) return NULL;
  qaultra_ring_slot* slot = &writer->slots[writer->next & (writer->capacity - 1)];
  QAULTRA_RING_STORE(&slot->words[1], qaultra_ring_high(writer->next));
  writer->claimed = 1;
  return &slot->block;
}

/**
 * Puts a checksum into a block and copies it into the claimed slot. The block is the caller's own memory, complete otherwise, and uses
 * QAULTRA_BLOCK_TRAILER_OFFSET bytes at most: what others spoil in the ring before a checksum is made would get a right one.
 */
static inline void qaultra_ring_writer_fill_sealed(qaultra_ring_writer* writer, qaultra_market_data_block* block) {
  if (!writer->claimed) return;
  memcpy(block->data + QAULTRA_BLOCK_TRAILER_OFFSET, &writer->header->epoch, sizeof writer->header->epoch);
  qaultra_block_seal(block, writer->next);
  qaultra_ring_slot* slot = &writer->slots[writer->next & (writer->capacity - 1)];
  const uint32_t used = qaultra_block_used(block->flags, block->data_length);
  memcpy((uint8_t*)&slot->block + 8, (const uint8_t*)block + 8, QAULTRA_BLOCK_HEADER_SIZE - 8 + used);
  memcpy(slot->block.data + QAULTRA_BLOCK_TRAILER_OFFSET, block->data + QAULTRA_BLOCK_TRAILER_OFFSET, sizeof(qaultra_block_trailer));
}

/** Gives the claimed slot back unsent. Its sequence is that of the next block; the block that was in the slot is lost. */
static inline void qaultra_ring_writer_abort(qaultra_ring_writer* writer) { writer->claimed = 0; }

/** Makes the claimed block visible and wakes parked readers; a system call only when one is. Nothing without a claim. */
static inline void qaultra_ring_writer_commit(qaultra_ring_writer* writer) {
  if (!writer->claimed) return;
  qaultra_ring_slot* slot = &writer->slots[writer->next & (writer->capacity - 1)];
  /* Release: the high word and the data are seen before the stamp. */
  QAULTRA_RING_RELEASE(&slot->words[0], qaultra_ring_low(writer->next));
  writer->next++;
  writer->claimed = 0;
  writer->invalid = 0;
  qaultra_ring_head_store(writer->header, writer->next);
  /* The block must be seen before the flag is looked at: a reader raises the flag and then looks at the block, and one of the
     two must see the other. For the same reason it stands between the head and the next load of `changes`. */
  QAULTRA_RING_FULL_BARRIER();
  qaultra_ring_wake(&writer->table.header->data_word);
}

/**
 * Takes the next sequence for a block that was lost before it came here, as a relay does: readers count it as missed. 0 when a claim
 * would get nothing.
 */
static inline int qaultra_ring_writer_skip(qaultra_ring_writer* writer) {
  if (qaultra_ring_writer_claim(writer) == NULL) return 0;
  QAULTRA_RING_STORE(&writer->slots[writer->next & (writer->capacity - 1)].words[1], QAULTRA_RING_SKIPPED);
  qaultra_ring_writer_commit(writer);
  return 1;
}

/** Says that no more blocks come, and wakes everybody. */
static inline void qaultra_ring_writer_close(qaultra_ring_writer* writer) {
  /* Release: who sees the end sees the last head. */
  QAULTRA_RING_RELEASE(&writer->header->state, QAULTRA_RING_CLOSED);
  /* As in a commit: parked readers look at the state after they raised their flag. */
  QAULTRA_RING_FULL_BARRIER();
  qaultra_ring_wake_surely(&writer->table.header->data_word);
}

/**
 * Parks until a lossless ring has room; 1 when it has, 0 after the timeout. Somebody must drop dead and silent readers
 * meanwhile: `qaultra_ring_keeper_turn`, from another thread, or from this one between waits of 100 ms.
 */
static inline int qaultra_ring_writer_wait_room(qaultra_ring_writer* writer, uint64_t timeout_ms) {
  const uint64_t deadline_ns = qaultra_ring_clock_ns() + timeout_ms * 1000000u;
  if (writer->invalid) return 1;
  for (;;) {
    const uint32_t raised = qaultra_ring_raise(&writer->table.header->room_word);
    /* The look after the flag went up. */
    if (qaultra_ring_writer_has_room(writer)) return 1;
    const uint64_t now_ns = qaultra_ring_clock_ns();
    if (now_ns >= deadline_ns) return 0;
    if (raised == QAULTRA_RING_NOT_RAISED) continue;
    const uint64_t left_ns = deadline_ns - now_ns;
    const uint64_t most_ns = QAULTRA_RING_SLEEP_MS_MAX * 1000000ull;
    qaultra_ring_sleep(&writer->table.header->room_word, raised, left_ns < most_ns ? left_ns : most_ns);
  }
}

#ifdef __cplusplus
}
#endif

#endif
