// SPDX-License-Identifier: Apache-2.0
//! Broadcasts a random walk on the queue lane, one tick a block, by iceoryx2 alone. Strategies in TypeScript follow it like any stream.
//!
//!   feed [--service QAULTRA] [--stream market_stream] [--root DIR] [--prefix P] [--ticks N] [--interval-us U]
//!        [--subscribers-to-wait-for K]
use iceoryx2::prelude::*;
use qaultra_ipc_example::market_data_block::{ZeroCopyMarketBlock, FLAG_LENGTH};
use qaultra_ipc_example::stream::{Options, Result};
use qaultra_ipc_example::tick::{Tick, DATA_TYPE_TICK, TICK_SIZE};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NAP: Duration = Duration::from_millis(1);

fn main() -> Result<()> {
    let options = Options::from_args(&[
        ("--ticks", "0"),
        ("--interval-us", "1000"),
        ("--subscribers-to-wait-for", "0"),
    ]);
    let count = match options.number("--ticks")? {
        0 => u64::MAX,
        count => count,
    };
    let interval = Duration::from_micros(options.number("--interval-us")?);
    let awaited = options.number("--subscribers-to-wait-for")? as usize;
    let node = options.node()?;
    let service = options.open::<ZeroCopyMarketBlock>(&node, "")?;
    let publisher = service
        .publisher_builder()
        .unable_to_deliver_strategy(UnableToDeliverStrategy::DiscardSample)
        .create()?;
    while service.dynamic_config().number_of_subscribers() < awaited {
        node.wait(NAP)?;
    }
    let (mut last, mut random) = (100.0, 0x2545_f491_4f6c_dd1d_u64);
    for sequence in 0..count {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        last += (random % 201) as f64 / 10_000.0 - 0.01;
        let timestamp_ns = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
        let tick = Tick {
            timestamp_ns: timestamp_ns as i64,
            last,
            bid: last - 0.01,
            ask: last + 0.01,
            volume: 100,
            symbol: "WALK",
        };
        let mut sample = publisher.loan_uninit()?;
        // SAFETY: every bit pattern is a block; what is not written here is what another block left.
        let block = unsafe { sample.payload_mut().assume_init_mut() };
        block.sequence = sequence;
        block.timestamp_ns = timestamp_ns;
        block.record_count = 1;
        block.data_type = DATA_TYPE_TICK;
        block.flags = FLAG_LENGTH;
        block.data_length = TICK_SIZE as u16;
        block.record_size = TICK_SIZE as u16;
        block.schema_id = 0;
        block.data[..TICK_SIZE].copy_from_slice(&tick.to_bytes());
        // SAFETY: see above.
        unsafe { sample.assume_init() }.send()?;
        if node.wait(interval).is_err() {
            break;
        }
    }
    Ok(())
}
