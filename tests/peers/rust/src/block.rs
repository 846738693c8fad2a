// SPDX-License-Identifier: Apache-2.0
//! The block, as a user of iceoryx2 declares it: `market_data_block.h` states the same for C and C++.
use iceoryx2::prelude::*;

pub const DATA_SIZE: usize = 8160;
pub const HEADER_SIZE: usize = 32;
/// Where the trailer lies in the data.
pub const TRAILER_OFFSET: usize = 8136;
pub const FLAG_LENGTH: u8 = 1;
pub const FLAG_TRAILER: u8 = 2;
pub const FLAG_CHECKSUM: u8 = 4;

/// The name of the type is what both sides have to agree on; without the attribute it would be the path of the Rust module.
#[repr(C)]
#[repr(align(64))]
#[derive(Debug, ZeroCopySend)]
#[type_name("ZeroCopyMarketBlock")]
pub struct ZeroCopyMarketBlock {
    pub sequence: u64,
    pub timestamp_ns: u64,
    pub record_count: u64,
    pub data_type: u8,
    pub flags: u8,
    pub data_length: u16,
    pub record_size: u16,
    pub schema_id: u16,
    pub data: [u8; DATA_SIZE],
}

const _: () = assert!(core::mem::size_of::<ZeroCopyMarketBlock>() == 8192);
const _: () = assert!(core::mem::offset_of!(ZeroCopyMarketBlock, data_type) == 24);
const _: () = assert!(core::mem::offset_of!(ZeroCopyMarketBlock, data) == HEADER_SIZE);

/// The trailer of a block of this module, in its last data bytes.
pub struct Trailer {
    pub epoch: u64,
    pub source_sequence: u64,
    pub crc32c: u32,
    pub reserved: u32,
}

impl ZeroCopyMarketBlock {
    pub fn trailer(&self) -> Trailer {
        let word = |at: usize| u32::from_le_bytes(self.data[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_le_bytes(self.data[at..at + 8].try_into().unwrap());
        Trailer {
            epoch: long(TRAILER_OFFSET),
            source_sequence: long(TRAILER_OFFSET + 8),
            crc32c: word(TRAILER_OFFSET + 16),
            reserved: word(TRAILER_OFFSET + 20),
        }
    }
}
