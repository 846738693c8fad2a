// SPDX-License-Identifier: Apache-2.0
//! The receiving end of `relay-latency` and `relay-throughput`, through iceoryx2's own Rust API, as `bench/floor/hop.c` does it over
//! iceoryx: spins on one CPU, copies the used bytes out of each block, and takes the time since it was sent, which the block says.
//!
//!   bench_iox2_receive --stream S [--service Bench] --count N --warmup W --cpu C
use qaultra_peers::options::Options;
use qaultra_peers::service::{must, open, OPTIONS};
use qaultra_peers::stdin;

const PARTS: [(&str, f64); 11] = [
    ("p10", 0.1),
    ("p25", 0.25),
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p995", 0.995),
    ("p999", 0.999),
    ("p9995", 0.9995),
    ("p9999", 0.9999),
];

fn now_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the structure is there to be filled in.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn pin(cpu: usize) {
    // SAFETY: a set of CPUs is plain bits, which CPU_SET bounds.
    let outcome = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    assert_eq!(outcome, 0, "cannot stay on CPU {cpu}");
}

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
    pin(options.number("cpu", 1) as usize);
    println!("ready");
    let mut copy = [0u8; 8160];
    let mut latencies: Vec<u64> = Vec::with_capacity((end - warmup) as usize);
    let (mut next, mut missed) = (0, 0);
    while next < end && !stdin::stopped() {
        let Some(sample) = must(&options, "receive", subscriber.receive()) else {
            continue;
        };
        let block = sample.payload();
        let used = usize::from(block.data_length).min(copy.len());
        copy[..used].copy_from_slice(&block.data[..used]);
        let now = now_ns();
        let sequence = block.sequence;
        drop(sample);
        let sent = u64::from_le_bytes(copy[8..16].try_into().unwrap());
        if sequence >= warmup {
            latencies.push(now - sent);
        }
        missed += sequence - next;
        next = sequence + 1;
    }
    latencies.sort_unstable();
    let parts: Vec<String> = PARTS
        .iter()
        .map(|(name, part)| {
            let at = ((latencies.len() as f64 * part) as usize).min(latencies.len() - 1);
            format!("\"{name}\":{}", latencies[at])
        })
        .collect();
    println!(
        "{{\"ok\":true,\"missed\":{missed},\"count\":{},{},\"max\":{}}}",
        latencies.len(),
        parts.join(","),
        latencies[latencies.len() - 1],
    );
}
