# SPDX-License-Identifier: Apache-2.0
"""Broadcasts a random walk on the queue lane, one tick a block. Strategies in TypeScript follow it like any other stream."""
import itertools
import random
import time

import iceoryx2 as iox
from market_data_block import FLAG_LENGTH
from stream import DATA_TYPE_TICK, TICK, arguments, open_service


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--interval-ms", type=int, default=1)
    options = parser.parse_args()
    node, service = open_service(options)
    strategy = iox.UnableToDeliverStrategy.DiscardSample
    publisher = service.publisher_builder().unable_to_deliver_strategy(strategy).create()
    last = 100.0
    try:
        for sequence in itertools.count() if options.ticks == 0 else range(options.ticks):
            last += random.uniform(-0.01, 0.01)
            timestamp_ns = time.time_ns()
            sample = publisher.loan_uninit()
            block = sample.payload().contents
            block.sequence = sequence
            block.timestamp_ns = timestamp_ns
            block.record_count = 1
            block.data_type = DATA_TYPE_TICK
            block.flags = FLAG_LENGTH
            block.data_length = TICK.size
            block.record_size = TICK.size
            block.schema_id = 0
            TICK.pack_into(block.data, 0, timestamp_ns, last, last - 0.01, last + 0.01, 100, b"WALK")
            sample.assume_init().send()
            node.wait(iox.Duration.from_millis(options.interval_ms))
    except iox.NodeWaitFailure:
        pass  # Ctrl-C


main()
