/* SPDX-License-Identifier: Apache-2.0
 *
 * The checksum of a block: made by its writer, verified by its readers.
 *
 * The trailer's `crc32c` is that of header bytes 8 to 31 and the used data, which a relay hands on unchanged. The sequence is a
 * relay's own, so it is not in the sum. It is compared with the trailer's `source_sequence`: the two are the same in a block that was
 * not relayed. A relay that numbers blocks anew says so by QAULTRA_BLOCK_RELAYED in `reserved`; a `source_sequence` of 0 states none.
 */
#ifndef QAULTRA_IPC_BLOCK_CHECKSUM_H
#define QAULTRA_IPC_BLOCK_CHECKSUM_H

#include "crc32c.h"
#include "market_data_block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** In the trailer's `reserved`: `source_sequence` is that of another broadcaster's block. */
#define QAULTRA_BLOCK_RELAYED 1u

typedef enum qaultra_block_soundness {
  QAULTRA_BLOCK_UNCHECKED, /* it has no checksum */
  QAULTRA_BLOCK_SOUND,
  QAULTRA_BLOCK_CORRUPT
} qaultra_block_soundness;

/** The used data bytes of a block with these header fields: whatever they say, no more than it has. */
static inline uint32_t qaultra_block_used(uint32_t flags, uint32_t data_length) {
  const uint32_t most = (flags & QAULTRA_BLOCK_FLAG_TRAILER) != 0 ? QAULTRA_BLOCK_TRAILER_OFFSET : QAULTRA_BLOCK_DATA_SIZE;
  return (flags & QAULTRA_BLOCK_FLAG_LENGTH) != 0 && data_length < most ? data_length : most;
}

/** Of header bytes 8 to 31 and so many data bytes. */
static inline uint32_t qaultra_block_crc32c(const qaultra_market_data_block* block, uint32_t used) {
  return qaultra_crc32c(0, (const uint8_t*)block + 8, QAULTRA_BLOCK_HEADER_SIZE - 8 + used);
}

/**
 * Puts the checksum of a block that is otherwise complete, epoch included, into its trailer, and its sequence beside it. The data are at
 * most QAULTRA_BLOCK_TRAILER_OFFSET bytes. The sequence is given, as the slot of a ring does not say it while it is written.
 */
static inline void qaultra_block_seal(qaultra_market_data_block* block, uint64_t sequence) {
  block->flags |= QAULTRA_BLOCK_FLAG_TRAILER | QAULTRA_BLOCK_FLAG_CHECKSUM;
  qaultra_block_trailer trailer;
  memcpy(&trailer, block->data + QAULTRA_BLOCK_TRAILER_OFFSET, sizeof trailer);
  trailer.source_sequence = sequence;
  trailer.crc32c = qaultra_block_crc32c(block, qaultra_block_used(block->flags, block->data_length));
  trailer.reserved = 0;
  memcpy(block->data + QAULTRA_BLOCK_TRAILER_OFFSET, &trailer, sizeof trailer);
}

/**
 * What the checksum of a block says. The block must not change meanwhile: on a lossy ring look at it in a copy, or ask for its
 * stamp afterwards before anything is concluded.
 */
static inline qaultra_block_soundness qaultra_block_check(const qaultra_market_data_block* block) {
  /* Loaded once each: a peer that writes here meanwhile must not lead us out of the block. */
  const uint32_t flags = *(const volatile uint8_t*)&block->flags;
  const uint32_t data_length = *(const volatile uint16_t*)&block->data_length;
  if ((flags & QAULTRA_BLOCK_FLAG_CHECKSUM) == 0) return QAULTRA_BLOCK_UNCHECKED;
  if ((flags & QAULTRA_BLOCK_FLAG_TRAILER) == 0) return QAULTRA_BLOCK_CORRUPT;
  qaultra_block_trailer trailer;
  memcpy(&trailer, block->data + QAULTRA_BLOCK_TRAILER_OFFSET, sizeof trailer);
  if (trailer.crc32c != qaultra_block_crc32c(block, qaultra_block_used(flags, data_length))) return QAULTRA_BLOCK_CORRUPT;
  const int is_own = trailer.source_sequence != 0 && trailer.reserved != QAULTRA_BLOCK_RELAYED;
  return is_own && trailer.source_sequence != block->sequence ? QAULTRA_BLOCK_CORRUPT : QAULTRA_BLOCK_SOUND;
}

#ifdef __cplusplus
}
#endif

#endif
