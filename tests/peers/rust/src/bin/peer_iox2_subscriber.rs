// SPDX-License-Identifier: Apache-2.0
//! Receives blocks of the pattern through iceoryx2's own Rust API and checks every field of every block.
//!
//!   peer_iox2_subscriber [--service QAULTRA] [--stream market_stream] [--root DIR] [--prefix P] [--count N] [--last-sequence S]
//!                        [--expect ours|native] [--pattern ticks|full] [--history H] [--buffer B] [--capacity C]
//!                        [--delay-us D] [--raw] [--record-size B] [--schema-id I] [--progress P]
//!
//! Ends after N blocks, or with sequence S, or when it is stopped. `--expect ours` (default) demands the header fields and the
//! trailer that this module writes, `native` those that a peer's publisher writes. `--raw` checks no content. `--delay-us` sleeps
//! after each block, as a slow reader. `--buffer` (256) is what a subscriber may buffer where this one makes the service. Prints
//! "ready" when it is subscribed, after every P blocks how many it has read, up to ten faults on stderr, and at the end one line of
//! JSON; `missed` counts holes in the sequences of each publisher.
use qaultra_peers::block::{self, ZeroCopyMarketBlock};
use qaultra_peers::iceoryx2::prelude::PortFactory;
use qaultra_peers::options::Options;
use qaultra_peers::service::{must, open, OPTIONS};
use qaultra_peers::{pattern, stdin};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const FAULTS_SHOWN_MAX: u64 = 10;
const NAP: Duration = Duration::from_micros(50);

/// What one publisher has sent so far.
#[derive(Default)]
struct Sender {
    next_sequence: Option<u64>,
    epoch: u64,
    timestamp_ns: u64,
}

struct Expectation {
    ours: bool,
    kind: pattern::Kind,
    record_size: u64,
    schema_id: u64,
}

fn same(field: &str, found: u64, wanted: u64) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{field} is {found}, not {wanted}"))
    }
}

/// The header fields and the trailer of a block that this module's broadcaster wrote.
fn check_ours(
    block: &ZeroCopyMarketBlock,
    expect: &Expectation,
    sender: &mut Sender,
) -> Result<(), String> {
    let length = expect.kind.data_length(block.sequence);
    let has_room = length <= block::TRAILER_OFFSET;
    let trailer_flag = if has_room { block::FLAG_TRAILER } else { 0 };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    same(
        "flags",
        u64::from(block.flags & !block::FLAG_CHECKSUM),
        u64::from(block::FLAG_LENGTH | trailer_flag),
    )?;
    same("data_length", u64::from(block.data_length), length as u64)?;
    same(
        "record_size",
        u64::from(block.record_size),
        expect.record_size,
    )?;
    same("schema_id", u64::from(block.schema_id), expect.schema_id)?;
    if block.timestamp_ns > now || block.timestamp_ns < sender.timestamp_ns {
        return Err(format!(
            "timestamp_ns is {}, after {}, at {now}",
            block.timestamp_ns, sender.timestamp_ns
        ));
    }
    sender.timestamp_ns = block.timestamp_ns;
    if !has_room {
        return Ok(());
    }
    let Some(trailer) = block.trailer() else {
        return Err("there is no trailer".to_string());
    };
    if sender.epoch == 0 {
        sender.epoch = trailer.epoch;
    }
    if trailer.epoch == 0 {
        return Err("epoch is 0".to_string());
    }
    same("epoch", trailer.epoch, sender.epoch)?;
    same("source_sequence", trailer.source_sequence, block.sequence)?;
    same("reserved", u64::from(trailer.reserved), 0)?;
    if block.flags & block::FLAG_CHECKSUM != 0 {
        // SAFETY: a block is plain bytes without padding.
        let bytes: &[u8; 8192] = unsafe { &*(block as *const ZeroCopyMarketBlock).cast() };
        same(
            "crc32c",
            u64::from(trailer.crc32c),
            u64::from(pattern::crc32c(&bytes[8..block::HEADER_SIZE + length])),
        )?;
    }
    Ok(())
}

/// Header bytes 25 to 31 of a block of a native sender, whose timestamp follows the pattern.
fn check_native(block: &ZeroCopyMarketBlock) -> Result<(), String> {
    same(
        "timestamp_ns",
        block.timestamp_ns,
        pattern::header_timestamp_ns(block.sequence),
    )?;
    same("flags", u64::from(block.flags), 0)?;
    same("data_length", u64::from(block.data_length), 0)?;
    same("record_size", u64::from(block.record_size), 0)?;
    same("schema_id", u64::from(block.schema_id), 0)
}

fn check(
    block: &ZeroCopyMarketBlock,
    expect: &Expectation,
    sender: &mut Sender,
) -> Result<(), String> {
    same(
        "record_count",
        block.record_count,
        expect.kind.record_count(block.sequence),
    )?;
    same(
        "data_type",
        u64::from(block.data_type),
        u64::from(expect.kind.data_type(block.sequence)),
    )?;
    if expect.ours {
        check_ours(block, expect, sender)?;
    } else {
        check_native(block)?;
    }
    expect.kind.check_data(block.sequence, &block.data)
}

fn main() {
    let keys = [
        "count",
        "last-sequence",
        "expect",
        "pattern",
        "capacity",
        "delay-us",
        "record-size",
        "schema-id",
        "progress",
    ];
    let options = Options::from_args(&[&OPTIONS[..], &keys[..]].concat(), &["raw"]);
    let kind = pattern::Kind::named(options.text("pattern", "ticks"));
    let expect = Expectation {
        ours: options.text("expect", "ours") == "ours",
        kind,
        record_size: options.number("record-size", kind.record_size()),
        schema_id: options.number("schema-id", 0),
    };
    let raw = options.has("raw");
    let count = options.number("count", u64::MAX);
    let last_sequence = options.number("last-sequence", u64::MAX);
    let delay = Duration::from_micros(options.number("delay-us", 0));
    let progress = options.number("progress", 0);
    stdin::watch();
    let (_node, service) = open(&options);
    let capacity = service
        .static_config()
        .subscriber_max_buffer_size()
        .min(options.number("capacity", u64::MAX) as usize);
    let builder = service.subscriber_builder().buffer_size(capacity);
    let subscriber = must(&options, "make a subscriber", builder.create());
    println!("ready");

    let mut senders: BTreeMap<u128, Sender> = BTreeMap::new();
    let (mut received, mut missed, mut backwards, mut bad) = (0u64, 0u64, 0u64, 0u64);
    let (mut first, mut last, mut checksum) = (0u64, 0u64, 0u32);
    while !stdin::stopped() && received < count && !(received != 0 && last >= last_sequence) {
        let Some(sample) = must(&options, "receive a block", subscriber.receive()) else {
            std::thread::sleep(NAP);
            continue;
        };
        let block = sample.payload();
        let sender = senders.entry(sample.origin().value()).or_default();
        let wanted = sender.next_sequence.unwrap_or(block.sequence);
        if block.sequence >= wanted {
            missed += block.sequence - wanted;
            sender.next_sequence = Some(block.sequence + 1);
        } else {
            backwards += 1;
        }
        if received == 0 {
            first = block.sequence;
        }
        last = block.sequence;
        received += 1;
        let length = match block.flags & block::FLAG_LENGTH {
            0 => kind.data_length(block.sequence),
            _ => usize::from(block.data_length),
        };
        checksum = checksum.wrapping_add(block.data.get(..length).map_or(0, pattern::checksum));
        if let Err(fault) = if raw {
            Ok(())
        } else {
            check(block, &expect, sender)
        } {
            bad += 1;
            if bad <= FAULTS_SHOWN_MAX {
                eprintln!("Block {}: {fault}", block.sequence);
            }
        }
        drop(sample);
        if progress != 0 && received % progress == 0 {
            println!("{received}");
        }
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
    }
    println!(
        "{{\"received\":{received},\"missed\":{missed},\"bad\":{bad},\"backwards\":{backwards},\"first\":{first},\
         \"last\":{last},\"publishers\":{},\"checksum\":{checksum}}}",
        senders.len()
    );
}
