/* SPDX-License-Identifier: Apache-2.0
 *
 * The block: 8192 bytes, aligned to 64, the unit of transfer between QAULTRA processes.
 *
 * Usable from C11, C++11 and Rust bindgen. All integers are little endian. The first 26 bytes are those of the QAULTRA C++
 * `ZeroCopyMarketBlock`, which leaves bytes 26 to 31 zero: with QAULTRA_BLOCK_FLAG_LENGTH clear, `data_length`,
 * `record_size` and `schema_id` say nothing.
 */
#ifndef QAULTRA_IPC_MARKET_DATA_BLOCK_H
#define QAULTRA_IPC_MARKET_DATA_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define QAULTRA_BLOCK_SIZE 8192u
#define QAULTRA_BLOCK_ALIGNMENT 64u
#define QAULTRA_BLOCK_HEADER_SIZE 32u
#define QAULTRA_BLOCK_DATA_SIZE 8160u

/** Bits of `flags`. */
#define QAULTRA_BLOCK_FLAG_LENGTH 0x01u   /* data_length, record_size and schema_id are valid */
#define QAULTRA_BLOCK_FLAG_TRAILER 0x02u  /* the last 24 data bytes are a qaultra_block_trailer */
#define QAULTRA_BLOCK_FLAG_CHECKSUM 0x04u /* the trailer's crc32c is valid */

/** Values of `data_type`. */
#define QAULTRA_DATA_TYPE_TICK 0u
#define QAULTRA_DATA_TYPE_BAR 1u
#define QAULTRA_DATA_TYPE_KLINE 2u
#define QAULTRA_DATA_TYPE_ORDER_BOOK 3u
#define QAULTRA_DATA_TYPE_TRADE 4u
#define QAULTRA_DATA_TYPE_UNKNOWN 255u

#define QAULTRA_BLOCK_TRAILER_SIZE 24u
/** The trailer begins here, counted from the first data byte; data up to this length leave room for it. */
#define QAULTRA_BLOCK_TRAILER_OFFSET 8136u

#ifdef __cplusplus
#define QAULTRA_BLOCK_ALIGNAS alignas(64)
#define QAULTRA_BLOCK_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define QAULTRA_BLOCK_ALIGNAS _Alignas(64)
#define QAULTRA_BLOCK_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/** One block. Bytes of `data` past the used length are undefined. */
typedef struct qaultra_market_data_block {
  QAULTRA_BLOCK_ALIGNAS uint64_t sequence; /* from 0, one more for each attempt to publish */
  uint64_t timestamp_ns;                   /* CLOCK_REALTIME at publish */
  uint64_t record_count;
  uint8_t data_type;
  uint8_t flags;
  uint16_t data_length; /* bytes used of data */
  uint16_t record_size; /* bytes */
  uint16_t schema_id;   /* 0 = none */
  uint8_t data[QAULTRA_BLOCK_DATA_SIZE];
} qaultra_market_data_block;

/** What else travels with a block, in its last 24 data bytes when QAULTRA_BLOCK_FLAG_TRAILER is set. */
typedef struct qaultra_block_trailer {
  uint64_t epoch;           /* random number of one broadcaster's life */
  uint64_t source_sequence; /* of a relayed block: the sequence it had at its source; else its own, or 0 */
  uint32_t crc32c;          /* of header bytes 8 to 31 and the used data; see block_checksum.h */
  uint32_t reserved;        /* 0; of a relayed block 1 */
} qaultra_block_trailer;

QAULTRA_BLOCK_ASSERT(sizeof(qaultra_market_data_block) == QAULTRA_BLOCK_SIZE, "a block is 8192 bytes");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, sequence) == 0, "sequence at 0");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, timestamp_ns) == 8, "timestamp_ns at 8");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, record_count) == 16, "record_count at 16");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, data_type) == 24, "data_type at 24");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, flags) == 25, "flags at 25");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, data_length) == 26, "data_length at 26");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, record_size) == 28, "record_size at 28");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, schema_id) == 30, "schema_id at 30");
QAULTRA_BLOCK_ASSERT(offsetof(qaultra_market_data_block, data) == QAULTRA_BLOCK_HEADER_SIZE, "data at 32");
QAULTRA_BLOCK_ASSERT(sizeof(qaultra_block_trailer) == QAULTRA_BLOCK_TRAILER_SIZE, "a trailer is 24 bytes");
QAULTRA_BLOCK_ASSERT(QAULTRA_BLOCK_TRAILER_OFFSET + QAULTRA_BLOCK_TRAILER_SIZE == QAULTRA_BLOCK_DATA_SIZE,
                     "the trailer ends the data");
#ifdef __cplusplus
QAULTRA_BLOCK_ASSERT(alignof(qaultra_market_data_block) == QAULTRA_BLOCK_ALIGNMENT, "a block is aligned to 64");
}
#else
QAULTRA_BLOCK_ASSERT(_Alignof(qaultra_market_data_block) == QAULTRA_BLOCK_ALIGNMENT, "a block is aligned to 64");
#endif

#endif
