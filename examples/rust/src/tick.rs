// SPDX-License-Identifier: Apache-2.0
//! The record `Tick` of the TypeScript module.
use crate::market_data_block::ZeroCopyMarketBlock;

pub const TICK_SIZE: usize = 72;
pub const DATA_TYPE_TICK: u8 = 0;

pub struct Tick<'a> {
    pub timestamp_ns: i64,
    pub last: f64,
    pub bid: f64,
    pub ask: f64,
    pub volume: u64,
    pub symbol: &'a str,
}

impl Tick<'_> {
    pub fn to_bytes(&self) -> [u8; TICK_SIZE] {
        let mut bytes = [0; TICK_SIZE];
        bytes[0..8].copy_from_slice(&self.timestamp_ns.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.last.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.bid.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.ask.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.volume.to_le_bytes());
        let length = self.symbol.len().min(32);
        bytes[40..40 + length].copy_from_slice(&self.symbol.as_bytes()[..length]);
        bytes
    }
}

/// The ticks of a block; none when it holds other records.
pub fn ticks_of(block: &ZeroCopyMarketBlock) -> impl Iterator<Item = Tick<'_>> {
    let used = if block.data_type == DATA_TYPE_TICK {
        block.used(TICK_SIZE)
    } else {
        &[]
    };
    used.chunks_exact(TICK_SIZE).map(|bytes| {
        let long = |at: usize| <[u8; 8]>::try_from(&bytes[at..at + 8]).unwrap();
        let symbol = &bytes[40..72];
        let length = symbol
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(symbol.len());
        Tick {
            timestamp_ns: i64::from_le_bytes(long(0)),
            last: f64::from_le_bytes(long(8)),
            bid: f64::from_le_bytes(long(16)),
            ask: f64::from_le_bytes(long(24)),
            volume: u64::from_le_bytes(long(32)),
            symbol: std::str::from_utf8(&symbol[..length]).unwrap_or("?"),
        }
    })
}

/// Prints the ticks of a block, and counts them.
pub fn print_ticks(block: &ZeroCopyMarketBlock, printed: &mut u64) {
    for tick in ticks_of(block) {
        let Tick {
            symbol,
            last,
            bid,
            ask,
            volume,
            ..
        } = tick;
        println!(
            "{} {symbol} last {last:.4} bid {bid:.4} ask {ask:.4} volume {volume}",
            block.sequence
        );
        *printed += 1;
    }
}
