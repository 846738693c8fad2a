// SPDX-License-Identifier: Apache-2.0
//! Prints the ticks of a stream from its rings: no call of iceoryx2 is made for a block.
//!
//!   ring_ticks [--service QAULTRA] [--stream market_stream] [--root DIR] [--prefix P] [--epoch HEX] [--ticks N]
//!
//! Finds the rings of all broadcasters by iceoryx2, or with `--epoch`, from wherever that is known, the one ring of it.
use qaultra_ipc_example::market_data_block::{
    RingAnnouncement, ZeroCopyMarketBlock, ANNOUNCEMENT_MAGIC, RING_VERSION,
};
use qaultra_ipc_example::ring::Ring;
use qaultra_ipc_example::stream::{Options, Result};
use qaultra_ipc_example::tick::print_ticks;
use std::time::Duration;

const WAIT: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_micros(100);

fn main() -> Result<()> {
    let options = Options::from_args(&[("--epoch", ""), ("--ticks", "0")]);
    let wanted = match options.number("--ticks")? {
        0 => u64::MAX,
        count => count,
    };
    let node = options.node()?;
    let announcements = options
        .open::<RingAnnouncement>(&node, "/Ring")?
        .subscriber_builder()
        .create()?;
    let mut rings: Vec<Ring> = Vec::new();
    let add = |rings: &mut Vec<Ring>, epoch: u64| match Ring::open(epoch, 0) {
        _ if rings.iter().any(|ring| ring.epoch == epoch) => {}
        Some(ring) => rings.push(ring),
        // Its writer has ended meanwhile.
        None => eprintln!("Ring {epoch:016x} cannot be read"),
    };
    if !options.text("--epoch").is_empty() {
        add(
            &mut rings,
            u64::from_str_radix(options.text("--epoch"), 16)?,
        );
    }
    // SAFETY: every bit pattern is a block.
    let mut block: Box<ZeroCopyMarketBlock> = Box::new(unsafe { std::mem::zeroed() });
    let (mut ticks, mut missed) = (0, 0);
    // Waiting at the node tells whether the user or the system wants this program to end.
    while ticks < wanted && node.wait(Duration::ZERO).is_ok() {
        while let Some(news) = announcements.receive()? {
            if news.magic == ANNOUNCEMENT_MAGIC && news.version == RING_VERSION {
                add(&mut rings, news.epoch);
            }
        }
        let mut is_busy = false;
        for ring in &mut rings {
            while ticks < wanted && ring.next(&mut block) {
                print_ticks(&block, &mut ticks);
                is_busy = true;
            }
        }
        rings.retain_mut(|ring| {
            let ended = ring.ended();
            missed += if ended { ring.missed() } else { 0 };
            !ended
        });
        match &mut rings[..] {
            _ if is_busy => {}
            [ring] => ring.wait(WAIT),
            _ => std::thread::sleep(NAP),
        }
        if rings.is_empty() && !options.text("--epoch").is_empty() {
            break;
        }
    }
    missed += rings.iter().map(Ring::missed).sum::<u64>();
    eprintln!("{ticks} ticks, {missed} blocks missed");
    Ok(())
}
