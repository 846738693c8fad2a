/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of a ring: it waits for the stamp of the block that it expects next, reads in place or copies, and looks at the
 * stamp again. One thread at a time.
 *
 * `received + missed` is the number of blocks committed since it joined, up to `next`. A block that was overwritten while it
 * was read is never received: it is among those missed, and counted in `torn`. So is one that is not what the writer wrote, by
 * its checksum or because its stamp can not be what the writer left: it is counted in `corrupt`. No number from shared memory is used as an
 * index or waited for without a bound.
 */
#ifndef QAULTRA_IPC_RING_READER_H
#define QAULTRA_IPC_RING_READER_H

#include "block_checksum.h"
#include "ring_join.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A look in so many that found nothing takes bearings: after a lag of about 2^31 or 2^32 blocks a stamp's difference lies. */
#define QAULTRA_RING_EMPTY_LOOKS_MAX 4096u
/** Attempts to make sense of head and slot within one look. */
#define QAULTRA_RING_BEARINGS_MAX 8u

/** What a slot says about the block that is expected in it. */
typedef enum qaultra_ring_sight {
  QAULTRA_RING_SIGHT_READY,
  QAULTRA_RING_SIGHT_NOTHING, /* the lap before, or being written */
  QAULTRA_RING_SIGHT_SKIPPED, /* the writer never had it */
  QAULTRA_RING_SIGHT_NEWER,   /* the next lap, or being written for it */
  QAULTRA_RING_SIGHT_ODD      /* a lap that is far off, or what no writer has left */
} qaultra_ring_sight;

static inline qaultra_ring_sight qaultra_ring_look(const qaultra_ring_reader* reader) {
  const qaultra_ring_slot* slot = &reader->slots[reader->next & (reader->capacity - 1)];
  /* Acquire: the high word and the data are loaded after the stamp that promises them. */
  const uint32_t ahead = QAULTRA_RING_ACQUIRE(&slot->words[0]) - qaultra_ring_low(reader->next);
  if (ahead == 0) {
    const uint32_t high = QAULTRA_RING_ACQUIRE(&slot->words[1]);
    /* Beyond the last sequence there is no block, whatever a slot says. */
    if (reader->next > QAULTRA_RING_SEQUENCE_MAX) return QAULTRA_RING_SIGHT_ODD;
    if (high == QAULTRA_RING_SKIPPED) return QAULTRA_RING_SIGHT_SKIPPED;
    return high == qaultra_ring_high(reader->next) ? QAULTRA_RING_SIGHT_READY : QAULTRA_RING_SIGHT_ODD;
  }
  if (ahead == 0u - reader->capacity || ahead == 0u - 1u) return QAULTRA_RING_SIGHT_NOTHING;
  return ahead == reader->capacity || ahead == reader->capacity - 1 ? QAULTRA_RING_SIGHT_NEWER : QAULTRA_RING_SIGHT_ODD;
}

/** Goes on behind a block that is not what the writer wrote. */
static inline void qaultra_ring_reader_pass_corrupt(qaultra_ring_reader* reader) {
  reader->corrupt++;
  qaultra_ring_reader_skip(reader, reader->next + 1);
}

/** Goes on behind blocks that were lost before they came to this ring, which count as missed; tells what is behind them. */
static inline qaultra_ring_sight qaultra_ring_reader_pass_skipped(qaultra_ring_reader* reader) {
  const uint64_t from = reader->next;
  qaultra_ring_sight sight = qaultra_ring_look(reader);
  /* No more at once than there are, so that a writer of nothing else keeps nobody here. */
  while (sight == QAULTRA_RING_SIGHT_SKIPPED && reader->next - from < reader->capacity) {
    reader->next++;
    sight = qaultra_ring_look(reader);
  }
  const uint64_t to = reader->next;
  reader->next = from;
  qaultra_ring_reader_skip(reader, to);
  return sight;
}

/** Finds out from the 64-bit head where this reader is; 1 when the block `next` is ready. */
static inline int qaultra_ring_reader_take_bearings(qaultra_ring_reader* reader) {
  reader->empty_looks = 0;
  uint64_t not_there = UINT64_MAX; /* a block that a head said is there, and its slot did not */
  qaultra_ring_sight sight = QAULTRA_RING_SIGHT_NOTHING;
  for (uint32_t i = 0; i < QAULTRA_RING_BEARINGS_MAX; i++) {
    if (qaultra_ring_reader_was_dropped(reader)) qaultra_ring_reader_rejoin(reader);
    qaultra_ring_reader_pass_skipped(reader);
    /* The head before the slot: a slot that shows a newer lap then is explained by the head of the next turn. */
    const uint64_t head = qaultra_ring_head(reader->header);
    if (head <= reader->next) return 0;
    const uint64_t ahead = head - reader->next;
    const int may_be_overwritten = ahead == reader->capacity && sight == QAULTRA_RING_SIGHT_NEWER;
    if (not_there == reader->next && ahead <= reader->capacity && !may_be_overwritten) {
      /* The stamp was stored before the first of the two heads, and stays until the head is a capacity ahead. So this slot is
         not as the writer left it, and nobody will put it right. */
      qaultra_ring_reader_pass_corrupt(reader);
      continue;
    }
    sight = qaultra_ring_look(reader);
    if (ahead > reader->capacity || (ahead == reader->capacity && sight == QAULTRA_RING_SIGHT_NEWER)) {
      qaultra_ring_reader_skip(reader, qaultra_ring_oldest_safe(reader, head));
    } else if (sight == QAULTRA_RING_SIGHT_READY) {
      return 1;
    } else {
      not_there = reader->next;
    }
  }
  return 0;
}

/**
 * The next block in place, or null when there is none yet. The same block until it is released. On a lossy ring the writer may
 * overwrite it at any time: trust nothing read from it before `qaultra_ring_reader_intact` has said so afterwards.
 */
static inline const qaultra_market_data_block* qaultra_ring_reader_next(qaultra_ring_reader* reader) {
  qaultra_ring_sight sight = qaultra_ring_look(reader);
  if (sight == QAULTRA_RING_SIGHT_SKIPPED) sight = qaultra_ring_reader_pass_skipped(reader);
  if (sight != QAULTRA_RING_SIGHT_READY) {
    reader->in_hand = 0;
    if (sight == QAULTRA_RING_SIGHT_NOTHING && ++reader->empty_looks < QAULTRA_RING_EMPTY_LOOKS_MAX) return NULL;
    if (!qaultra_ring_reader_take_bearings(reader)) return NULL;
  }
  reader->in_hand = 1;
  return &reader->slots[reader->next & (reader->capacity - 1)].block;
}

/** Whether all that was read from the block in hand so far is what the writer wrote. */
static inline int qaultra_ring_reader_intact(const qaultra_ring_reader* reader) {
  /* What was read before must not be loaded after the stamps: not by the processor, and not by the compiler. */
  QAULTRA_RING_LOAD_BARRIER();
  return reader->in_hand && qaultra_ring_look(reader) == QAULTRA_RING_SIGHT_READY;
}

/** Lets go of the block in hand: 1 when it was intact to the end and counts as received. Otherwise it will count as missed. */
static inline int qaultra_ring_reader_release(qaultra_ring_reader* reader) {
  if (!reader->in_hand) return 0;
  const int intact = qaultra_ring_reader_intact(reader);
  reader->in_hand = 0;
  if (intact) {
    reader->received++;
    reader->next++;
    reader->empty_looks = 0;
    qaultra_ring_reader_publish(reader);
  } else {
    reader->torn++;
    qaultra_ring_reader_take_bearings(reader);
  }
  if (reader->gating) {
    /* A reader that keeps up with a lossless ring sees nothing odd in its slots when it was given up, so it looks. */
    if (qaultra_ring_reader_was_dropped(reader)) qaultra_ring_reader_rejoin(reader);
    const uint32_t now_ms = qaultra_ring_clock_coarse_ms();
    if (now_ms - reader->beaten_ms >= QAULTRA_RING_BEAT_MS) qaultra_ring_reader_beat(reader, now_ms);
  }
  return intact;
}

/**
 * Whether a block is what the writer wrote, as far as it has a checksum: one of a writer that makes none is believed. Ask it of a
 * copy, or of the block in hand of a lossless ring.
 */
static inline int qaultra_ring_reader_accepts(qaultra_ring_reader* reader, const qaultra_market_data_block* block) {
  const qaultra_block_soundness soundness = qaultra_block_check(block);
  if (soundness == QAULTRA_BLOCK_SOUND) reader->checked = 1;
  return soundness == QAULTRA_BLOCK_SOUND || (soundness == QAULTRA_BLOCK_UNCHECKED && !reader->checked);
}

/** Lets go of the block in hand as one that is not what the writer wrote: it counts as corrupt, if it was not overwritten. */
static inline void qaultra_ring_reader_reject(qaultra_ring_reader* reader) {
  if (!qaultra_ring_reader_intact(reader)) {
    qaultra_ring_reader_release(reader);
    return;
  }
  reader->in_hand = 0;
  qaultra_ring_reader_pass_corrupt(reader);
}

/**
 * Copies the next block's header, used data and trailer to `block` and releases it. 1 when there was one. What it returns is
 * intact, and right by its checksum if it has one; blocks lost on the way are counted.
 */
static inline int qaultra_ring_reader_copy(qaultra_ring_reader* reader, qaultra_market_data_block* block) {
  for (uint32_t i = 0; i < QAULTRA_RING_BEARINGS_MAX; i++) {
    const qaultra_market_data_block* source = qaultra_ring_reader_next(reader);
    if (source == NULL) return 0;
    qaultra_ring_copy_bytes(block, source, QAULTRA_BLOCK_HEADER_SIZE);
    /* The length is taken from the copy, which does not change between the check and the use. */
    uint32_t used = QAULTRA_BLOCK_DATA_SIZE;
    if ((block->flags & QAULTRA_BLOCK_FLAG_LENGTH) != 0 && block->data_length < used) used = (block->data_length + 7u) & ~7u;
    qaultra_ring_copy_bytes(block->data, source->data, used);
    if ((block->flags & QAULTRA_BLOCK_FLAG_TRAILER) != 0 && used < QAULTRA_BLOCK_DATA_SIZE) {
      qaultra_ring_copy_bytes(block->data + QAULTRA_BLOCK_TRAILER_OFFSET, source->data + QAULTRA_BLOCK_TRAILER_OFFSET,
                              QAULTRA_BLOCK_TRAILER_SIZE);
    }
    if (qaultra_ring_reader_intact(reader) && !qaultra_ring_reader_accepts(reader, block)) {
      qaultra_ring_reader_reject(reader);
    } else if (qaultra_ring_reader_release(reader)) {
      return 1;
    }
  }
  return 0;
}

/** Whether the writer closed the ring and everything in it was read. */
static inline int qaultra_ring_reader_ended(const qaultra_ring_reader* reader) {
  /* The state before the head: a closed ring's head does not move any more. */
  if (QAULTRA_RING_ACQUIRE(&reader->header->state) != QAULTRA_RING_CLOSED) return 0;
  return qaultra_ring_head(reader->header) <= reader->next;
}

/**
 * Parks until there is a block, the ring has ended, or the time is over; 1 when there is a block. Beats meanwhile. Comes back
 * early, with 0, when the writer closed the ring; a writer that died tells nothing, so ask after its life between waits.
 */
static inline int qaultra_ring_reader_wait(qaultra_ring_reader* reader, uint64_t timeout_ms) {
  const uint64_t deadline_ns = qaultra_ring_clock_ns() + timeout_ms * 1000000u;
  for (;;) {
    const uint32_t raised =
        reader->table.header == NULL ? QAULTRA_RING_NOT_RAISED : qaultra_ring_raise(&reader->table.header->data_word);
    /* The look after the flag went up. It takes bearings: any number of blocks may have come while this thread slept. */
    reader->empty_looks = QAULTRA_RING_EMPTY_LOOKS_MAX - 1;
    if (qaultra_ring_reader_next(reader) != NULL) return 1;
    const uint64_t now_ns = qaultra_ring_clock_ns();
    if (now_ns >= deadline_ns || qaultra_ring_reader_ended(reader)) return 0;
    qaultra_ring_reader_beat(reader, (uint32_t)(now_ns / 1000000u));
    const uint64_t left_ns = deadline_ns - now_ns;
    const uint64_t most_ns = raised == QAULTRA_RING_NOT_RAISED ? QAULTRA_RING_POLL_NS : QAULTRA_RING_SLEEP_MS_MAX * 1000000ull;
    const uint64_t sleep_ns = left_ns < most_ns ? left_ns : most_ns;
    if (raised == QAULTRA_RING_NOT_RAISED) {
      qaultra_ring_pause(sleep_ns);
    } else {
      qaultra_ring_sleep(&reader->table.header->data_word, raised, sleep_ns);
    }
  }
}

#ifdef __cplusplus
}
#endif

#endif
