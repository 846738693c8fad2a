// SPDX-License-Identifier: Apache-2.0
//! What a block with a given sequence contains: the formulas of `tests/peers/pattern.hpp`, which tells about them, stated once more
//! in Rust, so that no side of a language border trusts the code of the other.
use crate::block::{ZeroCopyMarketBlock, DATA_SIZE};

pub const BASE_TIMESTAMP_NS: u64 = 1_700_000_000_000_000_000;
pub const TICK_SIZE: usize = 72;
const TICKS_PER_BLOCK_MAX: u64 = 113;
const FULL_RECORD_COUNT: u64 = 1020;
const DATA_TYPES: [u8; 6] = [0, 1, 2, 3, 4, 255];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ticks,
    Full,
}

impl Kind {
    pub fn named(name: &str) -> Kind {
        if name == "full" {
            Kind::Full
        } else {
            Kind::Ticks
        }
    }

    pub fn record_count(self, sequence: u64) -> u64 {
        match self {
            Kind::Ticks => 1 + sequence % TICKS_PER_BLOCK_MAX,
            Kind::Full => FULL_RECORD_COUNT,
        }
    }

    pub fn record_size(self) -> u64 {
        match self {
            Kind::Ticks => TICK_SIZE as u64,
            Kind::Full => 8,
        }
    }

    pub fn data_length(self, sequence: u64) -> usize {
        (self.record_count(sequence) * self.record_size()) as usize
    }

    pub fn data_type(self, sequence: u64) -> u8 {
        match self {
            Kind::Ticks => 0,
            Kind::Full => DATA_TYPES[(sequence % 6) as usize],
        }
    }

    /// Writes the used data bytes of this sequence.
    pub fn fill_data(self, sequence: u64, data: &mut [u8; DATA_SIZE]) {
        match self {
            Kind::Ticks => {
                let count = self.record_count(sequence) as usize;
                for (index, record) in data.chunks_exact_mut(TICK_SIZE).take(count).enumerate() {
                    record.copy_from_slice(&tick(sequence, index as u64));
                }
            }
            Kind::Full => {
                for (index, word) in data.chunks_exact_mut(4).enumerate() {
                    word.copy_from_slice(&full_word(sequence, index as u32).to_le_bytes());
                }
            }
        }
    }

    /// Compares the used data bytes with those of this sequence; tells what differs.
    pub fn check_data(self, sequence: u64, data: &[u8; DATA_SIZE]) -> Result<(), String> {
        let mut wanted = [0; DATA_SIZE];
        self.fill_data(sequence, &mut wanted);
        let length = self.data_length(sequence);
        if data[..length] == wanted[..length] {
            return Ok(());
        }
        let at = (0..length).find(|&at| data[at] != wanted[at]).unwrap_or(0);
        Err(format!(
            "data byte {at} is {}, not {}",
            data[at], wanted[at]
        ))
    }

    /// Writes what the original C++ sender writes: 26 bytes of header and the data, with bytes 25 to 31 zero.
    pub fn fill_block(self, sequence: u64, block: &mut ZeroCopyMarketBlock) {
        block.sequence = sequence;
        block.timestamp_ns = header_timestamp_ns(sequence);
        block.record_count = self.record_count(sequence);
        block.data_type = self.data_type(sequence);
        block.flags = 0;
        block.data_length = 0;
        block.record_size = 0;
        block.schema_id = 0;
        self.fill_data(sequence, &mut block.data);
    }
}

pub fn header_timestamp_ns(sequence: u64) -> u64 {
    BASE_TIMESTAMP_NS + 1000 * sequence
}

fn tick(sequence: u64, index: u64) -> [u8; TICK_SIZE] {
    let last = sequence as f64 * 0.25 + index as f64;
    let mut record = [0; TICK_SIZE];
    record[0..8].copy_from_slice(&(BASE_TIMESTAMP_NS + 1000 * sequence + index).to_le_bytes());
    record[8..16].copy_from_slice(&last.to_le_bytes());
    record[16..24].copy_from_slice(&(last - 0.125).to_le_bytes());
    record[24..32].copy_from_slice(&(last + 0.125).to_le_bytes());
    record[32..40]
        .copy_from_slice(&((1 << 63) + TICKS_PER_BLOCK_MAX * sequence + index).to_le_bytes());
    record[40..43].copy_from_slice(b"SYM");
    // By hand: formatting would cost more than everything else in a block.
    let mut number = (sequence + index) % 10_000;
    for digit in (43..47).rev() {
        record[digit] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    record
}

fn full_word(sequence: u64, index: u32) -> u32 {
    (sequence as u32)
        .wrapping_mul(0x9E37_79B1)
        .wrapping_add(index.wrapping_mul(0x85EB_CA77))
}

/// Sum of the bytes as u32 words.
pub fn checksum(data: &[u8]) -> u32 {
    data.chunks_exact(4).fold(0, |sum, word| {
        sum.wrapping_add(u32::from_le_bytes(word.try_into().unwrap()))
    })
}

/// CRC-32C (Castagnoli).
pub fn crc32c(data: &[u8]) -> u32 {
    let crc = data.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0x82F6_3B78 & 0u32.wrapping_sub(crc & 1))
        })
    });
    !crc
}
