// SPDX-License-Identifier: Apache-2.0
//! Publishes blocks of the pattern through iceoryx2's own Rust API.
//!
//!   peer_iox2_publisher [--service QAULTRA] [--stream market_stream] [--root DIR] [--prefix P] [--count N]
//!                       [--first-sequence S] [--rate BLOCKS_PER_S] [--history H] [--pattern ticks|full]
//!                       [--wait-subscribers K] [--window W] [--hold-ms MS] [--skip-every E]
//!
//! `--rate 0` (default) is as fast as it goes, `--count 0` until it is stopped. `--wait-subscribers` waits until K are there.
//! iceoryx2 drops what a full buffer has no room for, so `--window W` goes on only while fewer than W blocks are out that the number in
//! the last line of stdin does not count as read; nothing is published before the first line. `--skip-every E` leaves out every
//! E-th sequence, a hole that the receiver must count. `--hold-ms` keeps the publisher after the last block. Prints "ready" when it is
//! there with its subscribers, and at the end one line of JSON.
use qaultra_peers::iceoryx2::port::update_connections::UpdateConnections;
use qaultra_peers::iceoryx2::prelude::PortFactory;
use qaultra_peers::options::Options;
use qaultra_peers::service::{discarding, must, open, OPTIONS};
use qaultra_peers::{pattern, stdin};
use std::time::{Duration, Instant};

const NAP: Duration = Duration::from_micros(100);

fn main() {
    let keys = [
        "count",
        "first-sequence",
        "rate",
        "pattern",
        "wait-subscribers",
        "window",
        "hold-ms",
        "skip-every",
    ];
    let options = Options::from_args(&[&OPTIONS[..], &keys[..]].concat(), &[]);
    let kind = pattern::Kind::named(options.text("pattern", "ticks"));
    let count = options.number("count", 0);
    let first = options.number("first-sequence", 0);
    let period = options
        .number("rate", 0)
        .checked_sub(1)
        .map(|rate| Duration::from_secs(1).div_f64((rate + 1) as f64));
    let skip_every = options.number("skip-every", 0);
    let window = options.has("window").then(|| options.number("window", 0));
    stdin::watch();
    let (_node, service) = open(&options);
    let builder = discarding(service.publisher_builder());
    let publisher = must(&options, "make a publisher", builder.create());
    let wait_subscribers = options.number("wait-subscribers", 0) as usize;
    while !stdin::stopped() && service.dynamic_config().number_of_subscribers() < wait_subscribers {
        std::thread::sleep(NAP);
    }
    println!("ready");

    let (mut published, mut refused, mut last, mut checksum) = (0u64, 0u64, 0u64, 0u32);
    let mut next = Instant::now();
    let mut sequence = first;
    while !stdin::stopped() && (count == 0 || sequence - first < count) {
        if skip_every != 0 && (sequence - first + 1) % skip_every == 0 {
            sequence += 1;
            continue;
        }
        if window.is_some_and(|window| stdin::told().is_none_or(|read| published >= read + window))
        {
            std::thread::sleep(NAP);
            continue;
        }
        let Ok(mut sample) = publisher.loan_uninit() else {
            refused += 1;
            std::thread::sleep(NAP);
            continue;
        };
        // SAFETY: every bit pattern is a block.
        let block = unsafe { sample.payload_mut().assume_init_mut() };
        kind.fill_block(sequence, block);
        checksum =
            checksum.wrapping_add(pattern::checksum(&block.data[..kind.data_length(sequence)]));
        // SAFETY: its header and used data were written.
        must(
            &options,
            "send a block",
            unsafe { sample.assume_init() }.send(),
        );
        published += 1;
        last = sequence;
        sequence += 1;
        if let Some(period) = period {
            next += period;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
    let held_until = Instant::now() + Duration::from_millis(options.number("hold-ms", 0));
    while !stdin::stopped() && Instant::now() < held_until {
        // Who subscribes now gets its history from here.
        must(
            &options,
            "look for subscribers",
            publisher.update_connections(),
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    println!(
        "{{\"published\":{published},\"refused\":{refused},\"first\":{first},\"last\":{last},\"checksum\":{checksum}}}"
    );
}
