# SPDX-License-Identifier: Apache-2.0
"""Receives blocks of the pattern through iceoryx2's own Python API and checks every field of every block.

Ends after --count blocks, or with --last-sequence, or when it is stopped. --expect ours demands the header fields and the trailer that
this module writes, native those that a peer's publisher writes. Prints "ready" when it is subscribed, after every --progress blocks
how many it has read, up to ten faults on stderr, and at the end one line of JSON; `missed` counts holes in the sequences of each publisher."""
import ctypes
import json
import struct
import sys
import time

import pattern
from market_data_block import (
    BLOCK_SIZE,
    FLAG_CHECKSUM,
    FLAG_LENGTH,
    FLAG_TRAILER,
    HEADER_SIZE,
    TRAILER_OFFSET,
)
from peer import NAP_S, Watch, arguments, open_service, say

FAULTS_SHOWN_MAX = 10
TRAILER = struct.Struct("<QQII")


class Sender:
    """What one publisher has sent so far."""

    def __init__(self, sequence: int) -> None:
        self.next_sequence = sequence
        self.epoch = 0
        self.timestamp_ns = 0


def ours_fault(block: bytes, options, sender: Sender) -> str:
    """What is wrong with the header and the trailer of a block of this module's broadcaster."""
    kind = options.pattern
    fields = pattern.HEADER.unpack_from(block)
    sequence, timestamp_ns, _, _, flags, data_length, record_size, schema_id = fields
    length = pattern.data_length(kind, sequence)
    has_room = HEADER_SIZE + length <= TRAILER_OFFSET
    wanted = (
        pattern.record_count(kind, sequence),
        pattern.data_type(kind, sequence),
        FLAG_LENGTH | (FLAG_TRAILER if has_room else 0),
        length,
        pattern.record_size(kind) if options.record_size is None else options.record_size,
        options.schema_id,
    )
    found = (fields[2], fields[3], flags & ~FLAG_CHECKSUM, data_length, record_size, schema_id)
    if found != wanted:
        return f"the header says {found}, not {wanted}"
    if not sender.timestamp_ns <= timestamp_ns <= time.time_ns():
        return f"timestamp_ns is {timestamp_ns}, after {sender.timestamp_ns}"
    sender.timestamp_ns = timestamp_ns
    if not has_room:
        return ""
    epoch, source_sequence, _, reserved = TRAILER.unpack_from(block, TRAILER_OFFSET)
    sender.epoch = sender.epoch or epoch
    if epoch == 0 or epoch != sender.epoch or source_sequence != sequence or reserved != 0:
        return f"the trailer says {(epoch, source_sequence, reserved)}"
    return ""


def fault_of(block: bytes, used: bytes, options, sender: Sender) -> str:
    sequence = int.from_bytes(block[:8], "little")
    if options.raw:
        return ""
    if options.expect == "native" and block[:HEADER_SIZE] != pattern.header(options.pattern, sequence):
        return f"the header says {pattern.HEADER.unpack_from(block)}"
    fault = ours_fault(block, options, sender) if options.expect == "ours" else ""
    return fault or ("" if used == pattern.data(options.pattern, sequence) else "the data differ")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--last-sequence", type=int)
    parser.add_argument("--expect", choices=("ours", "native"), default="ours")
    parser.add_argument("--capacity", type=int, default=256)
    parser.add_argument("--record-size", type=int)
    parser.add_argument("--schema-id", type=int, default=0)
    parser.add_argument("--progress", type=int, default=0)
    parser.add_argument("--raw", action="store_true")
    options = parser.parse_args()
    watch = Watch()
    _node, service = open_service(options)
    capacity = min(options.capacity, service.static_config.subscriber_max_buffer_size)
    subscriber = service.subscriber_builder().buffer_size(capacity).create()
    say("ready")

    senders: dict[int, Sender] = {}
    received = missed = backwards = bad = first = last = checksum = 0
    while not watch.stopped and (options.count == 0 or received < options.count):
        sample = subscriber.receive()
        if sample is None:
            time.sleep(NAP_S)
            continue
        block = ctypes.string_at(sample.payload_ptr, BLOCK_SIZE)
        origin = sample.header.publisher_id.value
        sample.delete()
        sequence = int.from_bytes(block[:8], "little")
        sender = senders.setdefault(origin, Sender(sequence))
        if sequence >= sender.next_sequence:
            missed += sequence - sender.next_sequence
            sender.next_sequence = sequence + 1
        else:
            backwards += 1
        first = sequence if received == 0 else first
        last = sequence
        received += 1
        length = int.from_bytes(block[26:28], "little") if block[25] & FLAG_LENGTH else pattern.data_length(
            options.pattern, sequence
        )
        used = block[HEADER_SIZE : HEADER_SIZE + length]
        checksum = (checksum + pattern.checksum(used)) & 0xFFFFFFFF
        fault = fault_of(block, used, options, sender)
        if fault:
            bad += 1
            if bad <= FAULTS_SHOWN_MAX:
                print(f"Block {sequence}: {fault}", file=sys.stderr, flush=True)
        if options.progress and received % options.progress == 0:
            say(received)
        if options.last_sequence is not None and last >= options.last_sequence:
            break
    result = {
        "received": received,
        "missed": missed,
        "bad": bad,
        "backwards": backwards,
        "first": first,
        "last": last,
        "publishers": len(senders),
        "checksum": checksum,
    }
    say(json.dumps(result))


main()
