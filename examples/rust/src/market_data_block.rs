// SPDX-License-Identifier: Apache-2.0
//! What a user of iceoryx2 declares to read and write blocks; `market_data_block.h` states the same for C and C++.
use iceoryx2::prelude::*;

pub const DATA_SIZE: usize = 8160;
pub const HEADER_SIZE: usize = 32;
/// Bits of `flags`: `data_length` and `record_size` are valid; the last 24 data bytes are a [`Trailer`]; it has a checksum.
pub const FLAG_LENGTH: u8 = 1;
pub const FLAG_TRAILER: u8 = 2;
pub const FLAG_CHECKSUM: u8 = 4;
/// Where the trailer lies in the data.
pub const TRAILER_OFFSET: usize = 8136;

/// A block. Both sides have to agree on its size, its alignment and the name of its type, which without the attribute would be the path
/// of this module.
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

/// What tells of a ring, on the service `<service>/<stream>/Ring`; `qaultra_ring_announcement` of `ring_layout.h`.
#[repr(C)]
#[derive(Debug, ZeroCopySend)]
#[type_name("QaultraRingAnnouncement")]
pub struct RingAnnouncement {
    pub magic: u64,
    pub version: u32,
    pub flags: u32,
    pub epoch: u64,
    pub data_bytes: u64,
    pub table_bytes: u64,
    pub first_sequence: u64,
    pub created_ns: u64,
    pub origin: u64,
}

/// "QAULANNC", little endian.
pub const ANNOUNCEMENT_MAGIC: u64 = 0x434e_4e41_4c55_4151;
pub const RING_VERSION: u32 = 1;

const _: () = assert!(size_of::<ZeroCopyMarketBlock>() == 8192);
const _: () = assert!(core::mem::offset_of!(ZeroCopyMarketBlock, data_type) == 24);
const _: () = assert!(core::mem::offset_of!(ZeroCopyMarketBlock, data) == HEADER_SIZE);
const _: () = assert!(size_of::<RingAnnouncement>() == 64);

/// What follows the data of blocks that this module's broadcasters write.
pub struct Trailer {
    pub epoch: u64,
    pub source_sequence: u64,
    pub crc32c: u32,
    pub reserved: u32,
}

impl ZeroCopyMarketBlock {
    /// The used data bytes, at most as many as there are: what another process wrote is not trusted with this one's memory.
    pub fn used(&self, record_size: usize) -> &[u8] {
        let length = if self.flags & FLAG_LENGTH != 0 {
            usize::from(self.data_length)
        } else {
            usize::try_from(self.record_count)
                .unwrap_or(DATA_SIZE)
                .saturating_mul(record_size)
        };
        &self.data[..length.min(DATA_SIZE)]
    }

    pub fn trailer(&self) -> Option<Trailer> {
        if self.flags & FLAG_TRAILER == 0 {
            return None;
        }
        let word = |at: usize| u32::from_le_bytes(self.data[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_le_bytes(self.data[at..at + 8].try_into().unwrap());
        Some(Trailer {
            epoch: long(TRAILER_OFFSET),
            source_sequence: long(TRAILER_OFFSET + 8),
            crc32c: word(TRAILER_OFFSET + 16),
            reserved: word(TRAILER_OFFSET + 20),
        })
    }
}
