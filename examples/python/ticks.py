# SPDX-License-Identifier: Apache-2.0
"""Prints the ticks of a stream from its queue lane."""
import ctypes

import iceoryx2 as iox
from market_data_block import DATA_SIZE, FLAG_LENGTH
from stream import DATA_TYPE_TICK, TICK, arguments, open_service


def main() -> None:
    options = arguments(__doc__).parse_args()
    node, service = open_service(options)
    subscriber = service.subscriber_builder().create()
    printed = 0
    try:
        while options.ticks == 0 or printed < options.ticks:
            sample = subscriber.receive()
            if sample is None:
                node.wait(iox.Duration.from_micros(100))
                continue
            block = sample.payload().contents
            if block.data_type == DATA_TYPE_TICK:
                length = block.data_length if block.flags & FLAG_LENGTH else block.record_count * TICK.size
                # What another process wrote is not trusted with this one's memory.
                used = memoryview(block.data).cast("B")[: min(length, DATA_SIZE) // TICK.size * TICK.size]
                for _, last, bid, ask, volume, symbol in TICK.iter_unpack(used):
                    name = symbol.rstrip(b"\0").decode()
                    print(f"{block.sequence} {name} last {last:.4f} bid {bid:.4f} ask {ask:.4f} volume {volume}", flush=True)
                    printed += 1
                used.release()
            # The memory is another block's afterwards.
            sample.delete()
    except iox.NodeWaitFailure:
        pass  # Ctrl-C


main()
