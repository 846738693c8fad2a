# SPDX-License-Identifier: Apache-2.0
"""Publishes blocks of the pattern through iceoryx2's own Python API.

iceoryx2 drops what a full buffer has no room for, so with --window W it goes on only while fewer than W blocks are out that the number in
the last line of stdin does not count as read; nothing is published before the first line. --count 0 goes on until it is stopped,
--hold keeps the publisher after the last block until then. Prints "ready" when it is there, and at the end one line of JSON."""
import ctypes
import json
import time

import pattern
from market_data_block import HEADER_SIZE
from peer import NAP_S, Watch, arguments, discarding, open_service, say


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--first-sequence", type=int, default=0)
    parser.add_argument("--window", type=int)
    parser.add_argument("--hold", action="store_true")
    options = parser.parse_args()
    watch = Watch()
    _node, service = open_service(options)
    publisher = discarding(service.publisher_builder()).create()
    say("ready")

    published = 0
    checksum = 0
    while not watch.stopped and (options.count == 0 or published < options.count):
        if options.window is not None and (watch.told is None or published >= watch.told + options.window):
            time.sleep(NAP_S)
            continue
        sequence = options.first_sequence + published
        used = pattern.data(options.pattern, sequence)
        sample = publisher.loan_uninit()
        ctypes.memmove(sample.payload_ptr, pattern.header(options.pattern, sequence), HEADER_SIZE)
        ctypes.memmove(sample.payload_ptr + HEADER_SIZE, used, len(used))
        sample.assume_init().send()
        checksum = (checksum + pattern.checksum(used)) & 0xFFFFFFFF
        published += 1
    while options.hold and not watch.stopped:
        time.sleep(NAP_S)
    last = options.first_sequence + max(published - 1, 0)
    say(json.dumps({"published": published, "first": options.first_sequence, "last": last, "checksum": checksum}))


main()
