/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks whose every word follows from their sequence; pattern.ts says the same in TypeScript.
 */
#ifndef QAULTRA_TESTS_TORN_PATTERN_H
#define QAULTRA_TESTS_TORN_PATTERN_H

#include "qaultra_ipc/market_data_block.h"

#define TORN_LOW_FACTOR 0x9e3779b1u
#define TORN_HIGH_FACTOR 0xc2b2ae35u
#define TORN_STEP 0x85ebca77u

static inline uint32_t torn_word(uint64_t sequence) {
  return (uint32_t)sequence * TORN_LOW_FACTOR + (uint32_t)(sequence >> 32) * TORN_HIGH_FACTOR;
}

static inline uint64_t torn_record_count(uint64_t sequence) { return sequence % 64 + 1; }

static inline uint8_t torn_data_type(uint64_t sequence) { return (uint8_t)(sequence % 5); }

/** Fills in everything but the sequence. `used_bytes` is a multiple of 32. */
static inline void torn_fill(qaultra_market_data_block* block, uint64_t sequence, uint32_t used_bytes) {
  block->timestamp_ns = 0;
  block->record_count = torn_record_count(sequence);
  block->data_type = torn_data_type(sequence);
  block->flags = QAULTRA_BLOCK_FLAG_LENGTH;
  block->data_length = (uint16_t)used_bytes;
  block->record_size = 0;
  block->schema_id = 0;
  uint32_t* words = (uint32_t*)(void*)block->data;
  const uint32_t word = torn_word(sequence);
  for (uint32_t i = 0; i < used_bytes / 4; i++) words[i] = word + i * TORN_STEP;
}

/** Whether the block has this sequence, in its header and in every used word. */
static inline int torn_holds(const qaultra_market_data_block* block, uint64_t sequence, uint32_t used_bytes) {
  const uint32_t* words = (const uint32_t*)(const void*)block->data;
  const uint32_t word = torn_word(sequence);
  uint32_t differs = (block->sequence != sequence) | (block->record_count != torn_record_count(sequence)) |
                     (block->data_type != torn_data_type(sequence)) | (block->data_length != used_bytes);
  for (uint32_t i = 0; i < used_bytes / 4; i++) differs |= words[i] ^ (word + i * TORN_STEP);
  return differs == 0;
}

#endif
