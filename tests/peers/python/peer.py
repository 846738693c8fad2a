# SPDX-License-Identifier: Apache-2.0
"""What both programs need: the end by a signal, lines on stdin, the service."""
import argparse
import os
import signal
import stat
import threading

import iceoryx2 as iox
from market_data_block import ALIGNMENT, ZeroCopyMarketBlock

BUFFER_SIZE = 256
PUBLISHERS_MAX = 16
SUBSCRIBERS_MAX = 64
NODES_MAX = 128
NAP_S = 0.0001


class Watch:
    """Hears signals and lines on stdin. Its end stops the program in order, as SIGTERM does."""

    def __init__(self) -> None:
        self.stopped = False
        # The number in the last line.
        self.told: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        # A program started with /dev/null must not end at once.
        mode = os.fstat(0).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0):
            threading.Thread(target=self._listen, daemon=True).start()

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _listen(self) -> None:
        # Not by sys.stdin, whose lock this thread would hold at the end of the program.
        rest = b""
        while text := os.read(0, 4096):
            *lines, rest = (rest + text).split(b"\n")
            if lines:
                self.told = int(lines[-1])
        self.stopped = True


def arguments(about: str) -> argparse.ArgumentParser:
    """The options that both programs have."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", default="QAULTRA")
    parser.add_argument("--stream", default="market_stream")
    parser.add_argument("--root")
    parser.add_argument("--prefix")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--pattern", choices=("ticks", "full"), default="ticks")
    parser.add_argument("--history", type=int, default=16)
    return parser


def open_service(options: argparse.Namespace) -> tuple:
    """Opens the service of the stream that the options name, or makes it."""
    iox.set_log_level(iox.LogLevel.Error)
    config = iox.config.default()
    if options.root is not None:
        config.global_cfg.root_path = iox.Path.new(options.root)
    if options.prefix is not None:
        config.global_cfg.prefix = iox.FileName.new(options.prefix)
    builder = iox.NodeBuilder.new().config(config).signal_handling_mode(iox.SignalHandlingMode.Disabled)
    node = builder.create(iox.ServiceType.Ipc)
    name = iox.ServiceName.new(f"{options.service}/{options.stream}")

    def service() -> iox.ServiceBuilderPublishSubscribe:
        return node.service_builder(name).publish_subscribe(ZeroCopyMarketBlock)

    # Without demands first: who made the service has decided how many ports, buffered blocks and how much history it has.
    try:
        return node, service().open()
    except iox.PublishSubscribeOpenError:
        return node, (
            service()
            .payload_alignment(iox.Alignment.new(ALIGNMENT))
            .enable_safe_overflow(True)
            .max_publishers(PUBLISHERS_MAX)
            .max_subscribers(SUBSCRIBERS_MAX)
            .max_nodes(NODES_MAX)
            .history_size(options.history)
            .subscriber_max_buffer_size(BUFFER_SIZE)
            .subscriber_max_borrowed_samples(BUFFER_SIZE)
            .open_or_create()
        )


def discarding(builder: iox.PortFactoryPublisher) -> iox.PortFactoryPublisher:
    """Has a publisher drop what a full buffer has no room for. Each version of iceoryx2 says so in words of its own."""
    if hasattr(iox, "BackpressureStrategy"):
        return builder.backpressure_strategy(iox.BackpressureStrategy.DiscardData)
    return builder.unable_to_deliver_strategy(iox.UnableToDeliverStrategy.DiscardSample)


def say(line: object) -> None:
    print(line, flush=True)
