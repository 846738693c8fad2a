# SPDX-License-Identifier: Apache-2.0
"""The command line of the examples, the service of a stream, and its ticks."""
import argparse
import struct

import iceoryx2 as iox
from market_data_block import ALIGNMENT, ZeroCopyMarketBlock

# What a service gets that is made here: as much as the module gives one. Whoever makes it decides for all who come later.
PUBLISHERS_MAX = 16
SUBSCRIBERS_MAX = 64
NODES_MAX = 128
HISTORY = 16
BUFFER_SIZE = 256
# The record Tick of the TypeScript module: timestamp_ns, last, bid, ask, volume, symbol.
TICK = struct.Struct("<qdddQ32s")
DATA_TYPE_TICK = 0


def arguments(about: str) -> argparse.ArgumentParser:
    """The options that both programs have."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--service", default="QAULTRA")
    parser.add_argument("--stream", default="market_stream")
    parser.add_argument("--root", help="the folder where the processes find each other")
    parser.add_argument("--prefix", help="what the names of segments begin with")
    parser.add_argument("--ticks", type=int, default=0, help="end after so many; default: never")
    return parser


def open_service(options: argparse.Namespace) -> tuple:
    """A node of iceoryx2, and the service of the stream's queue lane, <service>/<stream>."""
    iox.set_log_level(iox.LogLevel.Error)
    config = iox.config.default()
    if options.root is not None:
        config.global_cfg.root_path = iox.Path.new(options.root)
    if options.prefix is not None:
        config.global_cfg.prefix = iox.FileName.new(options.prefix)
    node = iox.NodeBuilder.new().config(config).create(iox.ServiceType.Ipc)
    name = iox.ServiceName.new(f"{options.service}/{options.stream}")

    def builder() -> iox.ServiceBuilderPublishSubscribe:
        return node.service_builder(name).publish_subscribe(ZeroCopyMarketBlock)

    # Without demands first: who asks for more than the service has is refused.
    try:
        return node, builder().open()
    except iox.PublishSubscribeOpenError:
        return node, (
            builder()
            .payload_alignment(iox.Alignment.new(ALIGNMENT))
            .max_publishers(PUBLISHERS_MAX)
            .max_subscribers(SUBSCRIBERS_MAX)
            .max_nodes(NODES_MAX)
            .history_size(HISTORY)
            .subscriber_max_buffer_size(BUFFER_SIZE)
            .subscriber_max_borrowed_samples(BUFFER_SIZE)
            .enable_safe_overflow(True)
            .open_or_create()
        )
