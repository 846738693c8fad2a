/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of ring.h, as functions that Rust can call. Nothing of a ring's layout is stated again there.
 */
#include <qaultra_ipc/ring.h>

#include <stdlib.h>

struct ring {
  qaultra_ring_segments segments;
  qaultra_ring_reader reader;
};

/** Maps the ring of an epoch and joins it, with so many blocks of the past; null when there is no such ring, or none that may be read. */
struct ring* ring_open(uint64_t epoch, uint64_t history) {
  struct ring* ring = aligned_alloc(64, (sizeof *ring + 63) / 64 * 64);
  if (ring == NULL) return NULL;
  if (qaultra_ring_open(epoch, &ring->segments) != QAULTRA_RING_DONE) {
    free(ring);
    return NULL;
  }
  const qaultra_ring_identity self = qaultra_ring_identity_self();
  const qaultra_ring_segments* segments = &ring->segments;
  /* Where the table of readers is full this one is not counted, and not waited for by a lossless writer. */
  qaultra_ring_reader_join(&ring->reader, segments->data, &segments->shape, &segments->table, &self, history, 0,
                           qaultra_ring_clock_ms());
  return ring;
}

/** Copies the next block; 0 when there is none yet. What comes is whole: blocks that were overwritten meanwhile are counted as missed. */
int ring_next(struct ring* ring, void* block) { return qaultra_ring_reader_copy(&ring->reader, (qaultra_market_data_block*)block); }

/** Sleeps until there is a block, the writer has closed the ring, or the time is over. */
void ring_wait(struct ring* ring, uint64_t timeout_ms) { qaultra_ring_reader_wait(&ring->reader, timeout_ms); }

uint64_t ring_missed(const struct ring* ring) { return ring->reader.missed; }

/** Whether all was read that will ever be there. A writer that was killed says nothing, but its lock is free then. */
int ring_ended(struct ring* ring) {
  const int alive = qaultra_ring_writer_alive(&ring->segments);
  return qaultra_ring_reader_ended(&ring->reader) || (!alive && qaultra_ring_reader_next(&ring->reader) == NULL);
}

void ring_close(struct ring* ring) {
  qaultra_ring_reader_leave(&ring->reader);
  qaultra_ring_unmap(&ring->segments);
  free(ring);
}
