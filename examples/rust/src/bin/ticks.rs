// SPDX-License-Identifier: Apache-2.0
//! Prints the ticks of a stream from its queue lane, by iceoryx2 alone.
//!
//!   ticks [--service QAULTRA] [--stream market_stream] [--root DIR] [--prefix P] [--ticks N]
use qaultra_ipc_example::market_data_block::ZeroCopyMarketBlock;
use qaultra_ipc_example::stream::{Options, Result};
use qaultra_ipc_example::tick::print_ticks;
use std::time::Duration;

const NAP: Duration = Duration::from_micros(100);

fn main() -> Result<()> {
    let options = Options::from_args(&[("--ticks", "0")]);
    let wanted = match options.number("--ticks")? {
        0 => u64::MAX,
        count => count,
    };
    let node = options.node()?;
    let subscriber = options
        .open::<ZeroCopyMarketBlock>(&node, "")?
        .subscriber_builder()
        .create()?;
    let mut ticks = 0;
    // Waiting at the node tells whether the user or the system wants this program to end.
    while ticks < wanted && node.wait(Duration::ZERO).is_ok() {
        match subscriber.receive()? {
            Some(block) => print_ticks(&block, &mut ticks),
            None => std::thread::sleep(NAP),
        }
    }
    Ok(())
}
