// SPDX-License-Identifier: Apache-2.0
//
// The numbers of a block, the same as in c_shim/include/qaultra_ipc/market_data_block.h. A test compares the two.

/** Bytes of a block. */
export const BLOCK_SIZE = 8192;
/** Every block begins at a multiple of this. */
export const BLOCK_ALIGNMENT = 64;
/** Bytes of a block before its data. */
export const BLOCK_HEADER_SIZE = 32;
/** Most data bytes of a block. */
export const BLOCK_DATA_SIZE = 8160;

/** Offset of the u64 sequence. */
export const OFFSET_SEQUENCE = 0;
/** Offset of the u64 CLOCK_REALTIME at publish, in nanoseconds. */
export const OFFSET_TIMESTAMP_NS = 8;
/** Offset of the u64 count of records. */
export const OFFSET_RECORD_COUNT = 16;
/** Offset of the u8 data type. */
export const OFFSET_DATA_TYPE = 24;
/** Offset of the u8 flags. */
export const OFFSET_FLAGS = 25;
/** Offset of the u16 count of used data bytes. */
export const OFFSET_DATA_LENGTH = 26;
/** Offset of the u16 record size. */
export const OFFSET_RECORD_SIZE = 28;
/** Offset of the u16 schema id. */
export const OFFSET_SCHEMA_ID = 30;
/** Offset of the data. */
export const OFFSET_DATA = 32;

/** The fields `data_length`, `record_size` and `schema_id` are valid. */
export const FLAG_LENGTH = 0x01;
/** The last 24 data bytes are a trailer. */
export const FLAG_TRAILER = 0x02;
/** The trailer's crc32c is valid. */
export const FLAG_CHECKSUM = 0x04;

/** Bytes of a trailer. */
export const TRAILER_SIZE = 24;
/** The trailer begins here, counted from the first data byte, so data up to this length leave room for it. */
export const TRAILER_OFFSET: number = BLOCK_DATA_SIZE - TRAILER_SIZE;
/** Offset of the u64 epoch in the trailer. */
export const TRAILER_EPOCH = 0;
/** Offset of the u64 source sequence in the trailer. */
export const TRAILER_SOURCE_SEQUENCE = 8;
/** Offset of the u32 crc32c in the trailer. */
export const TRAILER_CRC32C = 16;
/** Offset of the reserved u32 in the trailer. */
export const TRAILER_RESERVED = 20;
/** In the reserved word of a trailer: its epoch and source sequence are those of another broadcaster's block. */
export const TRAILER_RELAYED = 1;

/** The largest sequence that a block can have: a JavaScript number counts exactly up to here. */
export const SEQUENCE_MAX: number = Number.MAX_SAFE_INTEGER;
