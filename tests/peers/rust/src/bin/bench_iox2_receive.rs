// SPDX-License-Identifier: Apache-2.0
//! The receiving end of `relay-latency` and `relay-throughput`, through iceoryx2's own Rust API, as `bench/floor/hop.c` does it over
//! iceoryx: spins on one CPU, copies the used bytes out of each block, and takes the time since it was sent, which the block says.
//!
//!   bench_iox2_receive --stream S [--service Bench] --count N --warmup W --cpu C
use qaultra_peers::histogram::Histogram;
use qaultra_peers::machine::{monotonic_ns, pin};
use qaultra_peers::options::Options;
use qaultra_peers::service::{must, open, OPTIONS};
use qaultra_peers::stdin;

fn main() {
    let keys = [&OPTIONS[..], &["count", "warmup", "cpu"]].concat();
    let options = Options::from_args(&keys, &[]);
    let warmup = options.number("warmup", 1000);
    let end = warmup + options.number("count", 10_000);
    stdin::watch();
    let (_node, service) = open(&options);
    let subscriber = must(
        &options,
        "make a subscriber",
        service.subscriber_builder().create(),
    );
    pin(options.number("cpu", 1));
    println!("ready");
    let mut copy = [0u8; 8160];
    let mut latencies = Histogram::default();
    let (mut next, mut missed) = (0, 0);
    while next < end && !stdin::stopped() {
        let Some(sample) = must(&options, "receive", subscriber.receive()) else {
            continue;
        };
        let block = sample.payload();
        let used = usize::from(block.data_length).min(copy.len());
        copy[..used].copy_from_slice(&block.data[..used]);
        let now = monotonic_ns();
        let sequence = block.sequence;
        drop(sample);
        let sent = u64::from_le_bytes(copy[8..16].try_into().unwrap());
        if sequence >= warmup {
            latencies.add(now - sent);
        }
        missed += sequence - next;
        next = sequence + 1;
    }
    println!(
        "{{\"ok\":true,\"missed\":{missed},{}}}",
        latencies.json(1.0)
    );
}
