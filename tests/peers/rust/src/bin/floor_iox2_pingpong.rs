// SPDX-License-Identifier: Apache-2.0
//! The floor of `iox2-queue-tick` and `iox2-ring-tick`: ping-pong between two processes through iceoryx2's own Rust API, step for step
//! what `bench/floor/pingpong.c` does over iceoryx.
//!
//!   floor_iox2_pingpong [--bytes 72|8160] [--count N] [--warmup W] [--cpu-ping C] [--cpu-pong C]
//!
//! Each side copies the used bytes of its blocks in and out. What is timed is one round trip on the ping side: copy in, publish, wait
//! for the answer, copy out, give back. Preparing payloads and summing up lie outside; the pong side, which this program starts, sums up
//! after it has answered. One-way is half a round trip. Prints one line of JSON.
use qaultra_peers::iceoryx2::port::publisher::Publisher;
use qaultra_peers::iceoryx2::port::subscriber::Subscriber;
use qaultra_peers::iceoryx2::prelude::*;
use qaultra_peers::block::{self, ZeroCopyMarketBlock, DATA_SIZE};
use qaultra_peers::histogram::Histogram;
use qaultra_peers::machine::{monotonic_ns, pin, realtime_ns};
use qaultra_peers::options::Options;
use qaultra_peers::pattern::checksum;
use qaultra_peers::service::{discarding, make_node, must, open_stream, Blocks};
use std::process::{Command, Stdio};
use std::time::Duration;

const KEYS: [&str; 5] = ["bytes", "count", "warmup", "cpu-ping", "cpu-pong"];
const PAYLOADS: usize = 8;
const TICK: u8 = 0;
const PAUSE: Duration = Duration::from_millis(1);

/// Blocks of data, made once; block i is payload i mod 8 with i in its first word.
struct Payloads(Vec<Vec<u8>>);

impl Payloads {
    fn new(bytes: usize) -> Payloads {
        let word = |p: u32, at: u32| {
            (p + 1)
                .wrapping_mul(0x9E37_79B1)
                .wrapping_add(at.wrapping_mul(0x85EB_CA77))
        };
        let payload = |p| {
            (0..bytes as u32)
                .step_by(4)
                .flat_map(|at| word(p, at).to_le_bytes())
                .collect()
        };
        Payloads((0..PAYLOADS as u32).map(payload).collect())
    }

    fn at(&mut self, i: u64) -> &[u8] {
        let data = &mut self.0[i as usize % PAYLOADS];
        data[..4].copy_from_slice(&(i as u32).to_le_bytes());
        data
    }
}

/// One side's two ports, which end in this order.
struct Ports<'a> {
    options: &'a Options,
    publisher: Publisher<ipc::Service, ZeroCopyMarketBlock, ()>,
    subscriber: Subscriber<ipc::Service, ZeroCopyMarketBlock, ()>,
    out: Blocks,
    _back: Blocks,
    _node: Node<ipc::Service>,
}

impl<'a> Ports<'a> {
    /// Publishes on one stream and is subscribed to the other; waits for the other side.
    fn open(options: &'a Options, out: &str, back: &str) -> Ports<'a> {
        let node = make_node(options);
        let back = open_stream(options, &node, "Bench", back);
        let out = open_stream(options, &node, "Bench", out);
        let subscriber = back.subscriber_builder().create();
        let publisher = discarding(out.publisher_builder()).create();
        let ports = Ports {
            options,
            publisher: must(options, "make a publisher", publisher),
            subscriber: must(options, "make a subscriber", subscriber),
            out,
            _back: back,
            _node: node,
        };
        ports.await_subscribers(1);
        ports
    }

    fn await_subscribers(&self, count: usize) {
        while self.out.dynamic_config().number_of_subscribers() != count {
            std::thread::sleep(PAUSE);
        }
    }

    /// Copies the data into a block and publishes it with the header that a broadcaster writes, and the time.
    fn send(&self, sequence: u64, data: &[u8]) {
        let mut sample = must(self.options, "loan a block", self.publisher.loan_uninit());
        // SAFETY: every bit pattern is a block.
        let block = unsafe { sample.payload_mut().assume_init_mut() };
        block.sequence = sequence;
        block.timestamp_ns = realtime_ns();
        block.record_count = data.len() as u64 / 8;
        block.data_type = TICK;
        block.flags = block::FLAG_LENGTH;
        block.data_length = data.len() as u16;
        block.record_size = 8;
        block.schema_id = 0;
        block.data[..data.len()].copy_from_slice(data);
        // SAFETY: its header and used data were written.
        let sent = unsafe { sample.assume_init() }.send();
        must(self.options, "send a block", sent);
    }

    /// Spins until a block is there, copies its used bytes out and gives it back. Returns their number.
    fn receive(&self, out: &mut [u8; DATA_SIZE]) -> usize {
        loop {
            if let Some(sample) = must(self.options, "receive a block", self.subscriber.receive()) {
                let used = usize::from(sample.data_length).min(DATA_SIZE);
                out[..used].copy_from_slice(&sample.data[..used]);
                return used;
            }
        }
    }
}

/// The answering side, a process of its own: prints what it summed up.
fn run_pong(options: &Options, rounds: u64) {
    let ports = Ports::open(options, "floor_pong", "floor_ping");
    pin(options.number("cpu-pong", 1));
    let mut received = [0; DATA_SIZE];
    let mut sum = 0u32;
    for i in 0..rounds {
        let used = ports.receive(&mut received);
        ports.send(i, &received[..used]);
        sum = sum.wrapping_add(checksum(&received[..used]));
    }
    println!("{sum}");
    // The last answer lies in memory of this process: stay until the other side has read it and is gone.
    ports.await_subscribers(0);
}

fn main() {
    let options = Options::from_args(&KEYS, &["pong"]);
    let bytes = options.number("bytes", 72) as usize;
    let count = options.number("count", 200_000);
    let warmup = options.number("warmup", 20_000);
    if bytes == 0 || bytes % 4 != 0 || bytes > DATA_SIZE || count == 0 {
        options.fail("--bytes is a multiple of 4 up to 8160, --count at least 1");
    }
    if options.has("pong") {
        return run_pong(&options, warmup + count);
    }
    let pong = Command::new(std::env::current_exe().unwrap())
        .args(std::env::args().skip(1))
        .arg("--pong")
        .stdout(Stdio::piped())
        .spawn();
    let pong = must(&options, "start the other side", pong);

    let ports = Ports::open(&options, "floor_ping", "floor_pong");
    pin(options.number("cpu-ping", 0));
    let mut payloads = Payloads::new(bytes);
    let mut received = [0; DATA_SIZE];
    let mut latencies = Histogram::default();
    let (mut sent_sum, mut received_sum) = (0u32, 0u32);
    for i in 0..warmup + count {
        let data = payloads.at(i);
        sent_sum = sent_sum.wrapping_add(checksum(data));
        let begin = monotonic_ns();
        ports.send(i, data);
        let used = ports.receive(&mut received);
        let end = monotonic_ns();
        received_sum = received_sum.wrapping_add(checksum(&received[..used]));
        if i >= warmup {
            latencies.add(end - begin);
        }
    }
    drop(ports);
    let answer = must(&options, "wait for the other side", pong.wait_with_output());
    let pong_sum = String::from_utf8_lossy(&answer.stdout);
    let same = sent_sum == received_sum && pong_sum.trim() == sent_sum.to_string();
    let ok = answer.status.success() && same;
    let figures = latencies.json(0.5);
    println!("{{\"ok\":{ok},\"bytes\":{bytes},\"checksum\":{received_sum},{figures}}}");
    std::process::exit(i32::from(!ok));
}
